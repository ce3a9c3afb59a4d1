// Telling of what is done to a directory.

import { isWatched } from './channels.js'
import { tellOfDirectory } from './telling.js'

/** Runs a static method of Database on a directory and tells of it, by the name that its database has or would have. */
export function toldOfDirectory<T>(where: string, database: string, signal: AbortSignal | null | undefined, run: () => Promise<T>): Promise<T> {
  return isWatched() ? tellOfDirectory(where, database, signal, run) : run()
}

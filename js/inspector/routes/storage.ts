// The files of the database, and what recovery and a verification say about them.

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

import type { Database } from '../../api/database.js'
import type { Document } from '../../types/index.js'
import type { Route } from '../calls/call.js'
import { Refusal } from '../calls/guard.js'

/** Files that are listed. */
const MOST_FILES = 500
/** How long a verification may take, in milliseconds. */
const VERIFY_TIME = 600_000

export const storage: Route = {
  run: async ({ db, signal }) => ({
    path: db.path, storage: db.storage, recovery: db.recovery, stats: await db.stats({ signal }), files: db.storage === 'memory' ? [] : filesOf(db.path)
  })
}

function filesOf(path: string): Document[] {
  try {
    return readdirSync(path, { withFileTypes: true }).slice(0, MOST_FILES).map((entry) => {
      const bytes = entry.isFile() ? statSync(join(path, entry.name), { throwIfNoEntry: false })?.size ?? 0 : null
      return { name: entry.isDirectory() ? `${entry.name}/` : entry.name, bytes }
    })
  } catch {
    return []
  }
}

/** Reads every byte. A database that this process writes has to be closed for that; of an encrypted one the key is needed, which nobody keeps. */
export const verify: Route = {
  run: async ({ db, signal }) => {
    if (db.storage === 'memory') throw new Refusal(400, 'a database in memory has no files')
    if ((await db.stats({ signal })).encrypted) throw new Refusal(400, 'the files are encrypted; run `moltendb-node verify` with the key')
    return (db.constructor as typeof Database).verify(db.path, { signal, maxTimeMS: VERIFY_TIME })
  }
}

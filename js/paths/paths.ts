// Paths of files: what they are without the working directory, and whether they are inside a directory.

import type { BigIntStats } from 'node:fs'
import { realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

import { MoltenError } from '../errors.js'

/** A path from the root on. A relative one means nothing where the working directory was removed. */
export function absolute(path: string, where: string): string {
  try {
    return resolve(path)
  } catch (cause) {
    throw new MoltenError('IO', `${where}: ${path} is a relative path, and the working directory cannot be told (${(cause as Error).message}); give the path from the root on`, { file: path, cause })
  }
}

/** Whether a file of this path would be in a directory, or below it, whatever links and `..` lead there. */
export function isInside(path: string, directory: string): boolean {
  const own = entryOf(directory)
  if (own === undefined) return false
  let above = dirname(resolve(path))
  // What is not there yet is made in what is.
  while (entryOf(above) === undefined && dirname(above) !== above) above = dirname(above)
  above = realpathSync(above)
  for (;;) {
    const entry = entryOf(above)
    if (entry?.ino === own.ino && entry.dev === own.dev) return true
    if (dirname(above) === above) return false
    above = dirname(above)
  }
}

function entryOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

// The indexes of a file, made when its documents are there.

import { MoltenError } from '../errors.js'
import type { ImportedCollection } from '../types/index.js'
import { faultOf, type Home, type Work } from './work.js'

/** Whether a file has a collection of this name that none here can have; its documents are told. */
function isNoName(collection: string): boolean {
  return faultOf(collection) !== undefined
}

/** Makes an index, or notes why there is none. */
export async function createIndex(work: Work, home: Home, counts: ImportedCollection, key: { [path: string]: unknown }, options: { [name: string]: unknown }): Promise<void> {
  if (work.plan.indexes === false || isNoName(counts.collection)) return
  work.limit.check()
  try {
    await home.collection(counts.collection).createIndex(key as never, options as never)
    counts.indexes += 1
  } catch (error) {
    // What it does not have is told; what it cannot do ends the import.
    if (!MoltenError.isMoltenError(error) ? !(error instanceof TypeError) : ['CLOSED', 'IO', 'STORAGE_FULL', 'STORAGE_POISONED', 'READ_ONLY'].includes(error.kind)) throw error
    work.report.note(`the index ${JSON.stringify(key)} of ${counts.collection} was not made: ${(error as Error).message.replace(/^.*?createIndex: /s, '')}`)
  }
}

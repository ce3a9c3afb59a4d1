// What a bulk write did.

import type { BulkCounts } from '../errors.js'
import type { Document, InferId } from '../types/index.js'

/** The core's result of a bulk write. */
export interface BulkAnswer {
  inserted: number
  matched: number
  modified: number
  deleted: number
  upserted: [index: number, id: unknown][]
}

/** What a bulk write did, in the driver's form. */
export class BulkWriteResult<T = Document> implements BulkCounts {
  readonly ok = 1
  readonly insertedCount: number
  readonly matchedCount: number
  readonly modifiedCount: number
  readonly deletedCount: number
  readonly upsertedCount: number
  /** The `_id`s of upserted documents, by the index of the write. */
  readonly upsertedIds: { [index: number]: InferId<T> }
  /** The `_id`s of inserted documents, by the index of the write. */
  readonly insertedIds: { [index: number]: InferId<T> }

  /** @internal */
  constructor(answer: BulkAnswer, insertedIds: { [index: number]: unknown }) {
    this.insertedCount = answer.inserted
    this.matchedCount = answer.matched
    this.modifiedCount = answer.modified
    this.deletedCount = answer.deleted
    this.upsertedCount = answer.upserted.length
    this.upsertedIds = Object.fromEntries(answer.upserted) as { [index: number]: InferId<T> }
    this.insertedIds = insertedIds as { [index: number]: InferId<T> }
  }

  /** Always true: a bulk write with failures rejects. */
  isOk(): boolean {
    return true
  }

  /** The upserted document of the write at this index, or undefined. */
  getUpsertedIdAt(index: number): InferId<T> | undefined {
    return this.upsertedIds[index]
  }
}

/** The result of a bulk write. */
export function bulkResultOf<T>(answer: BulkAnswer, insertedIds: { [index: number]: unknown }): BulkWriteResult<T> {
  return new BulkWriteResult<T>(answer, insertedIds)
}

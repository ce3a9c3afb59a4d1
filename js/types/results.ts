// The results of operations on documents.

import type { Document } from './documents.js'
import type { InferId } from './paths.js'

/** A document with its version and times. */
export interface Versioned<T> {
  /** The document. */
  value: T
  /** Starts at 1 and grows by one with each write. */
  version: number
  /** When it was inserted. */
  createdAt: Date
  /** When it was last written. */
  modifiedAt: Date
}

/** What an insert did. */
export interface InsertOneResult<T = Document> {
  acknowledged: boolean
  /** The `_id` of the document. */
  insertedId: InferId<T>
}

/** What an insert of many documents did. */
export interface InsertManyResult<T = Document> {
  acknowledged: boolean
  insertedCount: number
  /** The `_id`s, by index in the given array. */
  insertedIds: { [index: number]: InferId<T> }
}

/** What an update or replace did. */
export interface UpdateResult<T = Document> {
  acknowledged: boolean
  /** Documents that matched. */
  matchedCount: number
  /** Documents that changed. */
  modifiedCount: number
  /** 1 when a document was inserted, else 0. */
  upsertedCount: number
  /** The `_id` of the document that was inserted, else null. */
  upsertedId: InferId<T> | null
}

/** What a delete did. */
export interface DeleteResult {
  acknowledged: boolean
  deletedCount: number
}

/** The document of a findOneAnd... method, with what the write did. */
export interface ModifyResult<D = Document> {
  /** The document, or null. */
  value: D | null
  /** `n`, `updatedExisting`, and `upserted` when a document was inserted. */
  lastErrorObject: Document
  ok: number
}

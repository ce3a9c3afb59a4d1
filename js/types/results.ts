// The results of operations on documents, and what is told of operations to those who watch them.

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

/** An operation, as the tracing channel `moltendb:command` tells it. Nothing in it is content of documents, filters or updates. */
export interface CommandContext {
  /** What is done: `find`, `getMore`, `insert`, `update`, `aggregate`, `compact` ... */
  operation: string
  /** The method that was called, with its collection: `users.insertOne`, `users.find().toArray`. */
  method: string
  /** Database and collection, or the database alone, as errors name them. */
  namespace: string
  /** The name of the database. */
  database: string
  /** The name of the collection, where the operation is of one. */
  collection: string | undefined
  /** Whether it blocks the thread: a method whose name ends with Sync. */
  sync: boolean
  /** The signal that it was given. */
  signal: AbortSignal | undefined
  /** When it has ended: the milliseconds since the call, the time in queues included. */
  durationMs?: number
  /** When it has succeeded: documents that were returned or changed; undefined where that is not what it does. */
  documents?: number | undefined
  /** Why it has failed. */
  error?: unknown
}

/** An operation that took long, as the channel `moltendb:slow` tells it. */
export interface SlowOperation extends CommandContext {
  durationMs: number
  /**
   * Of reads: the plan, as explain tells it right after: `IXSCAN { age: 1 }`, `COLLSCAN`. It is asked for only where the channel has subscribers.
   */
  planSummary?: string | undefined
}

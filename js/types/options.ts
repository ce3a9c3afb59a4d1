// The options of operations on documents, and the sessions that they may belong to.

import type { Document, ExplainVerbosityLike, HintOptions } from './documents.js'
import type { Filter, Projection, Sort } from './filters.js'
import type { InferId, OptionalId, WithoutId } from './paths.js'
import type { UpdateFilter } from './updates.js'

/**
 * Options of the mongodb driver that change no result of an embedded database. Accepted for compatibility, without effect;
 * docs/compatibility.md gives the reason for each.
 */
export interface DriverOptions {
  comment?: unknown
  readPreference?: unknown
  omitReadPreference?: boolean
  readConcern?: unknown
  writeConcern?: unknown
  retryWrites?: boolean
  willRetryWrite?: boolean
  bypassPinningCheck?: boolean
  dbName?: string
  authdb?: string
  noResponse?: boolean
  allowDiskUse?: boolean
  allowPartialResults?: boolean
  partial?: boolean
  oplogReplay?: boolean
  noCursorTimeout?: boolean
  timeout?: boolean
  maxAwaitTimeMS?: number
  timeoutMode?: unknown
  cursor?: unknown
  authorizedCollections?: boolean
  authorizedDatabases?: boolean
  bypassDocumentValidation?: boolean
  ignoreUndefined?: boolean
  checkKeys?: boolean
  serializeFunctions?: boolean
  enableUtf8Validation?: boolean
  useBigInt64?: boolean
  bsonRegExp?: boolean
}

/** Options of every operation. */
export interface OperationOptions extends DriverOptions {
  /** Aborts the operation: it rejects with the signal's reason. A write that was running may still take effect. */
  signal?: AbortSignal
  /**
   * The time limit in milliseconds; beyond it the operation rejects with `TIMEOUT` (code 50). 0, the default, means no
   * limit.
   */
  maxTimeMS?: number
  /** The session of the operation: with a transaction it is part of that, otherwise the option has no effect. */
  session?: ClientSession
  /** How strings compare. Default: that of the collection, which is by their bytes unless it was created with another. */
  collation?: CollationOptions | null
}

/**
 * How strings compare: in the order of a language, and which of them are equal.
 *
 * @example
 * await users.find({ name: 'ann' }, { collation: { locale: 'en', strength: 2 } }).toArray() // Ann, ann, ANN
 */
export interface CollationOptions {
  /** The language, as in `'de'`, `'fr_CA'` or `'de@collation=phonebook'`; `'simple'` compares bytes, and takes no other options. */
  locale: string
  /** What is different: 1 letters, 2 accents too, 3 (the default) case too, 4 punctuation with `alternate: 'shifted'`, 5 every character. */
  strength?: number
  /** Whether case makes a difference at strength 1 or 2. Default false. */
  caseLevel?: boolean
  /** Which case sorts first. Default that of the language, mostly `'off'`: lower case, as other differences of strength 3 do. */
  caseFirst?: 'off' | 'upper' | 'lower'
  /** Whether digits sort by the number that they make: `'2'` before `'10'`. Default false. */
  numericOrdering?: boolean
  /** `'shifted'` ignores spaces and punctuation below strength 4. Default `'non-ignorable'`. */
  alternate?: 'non-ignorable' | 'shifted'
  /** What `'shifted'` is about: spaces and punctuation (`'punct'`, the default), or spaces alone. */
  maxVariable?: 'punct' | 'space'
  /** Whether accents compare from the end of a string: true for `fr_CA` and false for others, and cannot be changed. */
  backwards?: boolean
  /** Without effect: text is always compared as if it were normalised. */
  normalization?: boolean
  /** The version of the data of Unicode, as indexes and collections are listed with it; without effect. */
  version?: string
}

/** How far a long operation is. */
export interface OperationProgress {
  /** Steps that are done. */
  done: number
  /** All steps, as far as is known: bytes of files where files are read, otherwise documents. */
  total: number
}

/** The option of long operations. */
export interface ProgressOptions {
  /**
   * Called at most ten times a second while the operation runs, and once more when it has succeeded, with `done` equal to `total`. If it
   * throws, the operation is stopped where that is possible and rejects with what was thrown.
   */
  onProgress?: (progress: OperationProgress) => void
}

/** The options of long operations. */
export interface LongOperationOptions extends OperationOptions, ProgressOptions {}

/** The option of operations whose filters, projections, updates or stages may contain expressions. */
export interface LetOptions {
  /**
   * Variables that expressions read as `$$name`: in `$expr`, in projections, in updates by pipeline and in stages. A value may be an
   * expression itself, but reads no document.
   */
  let?: Document
}

/** Options of operations that insert documents. */
export interface InsertOneOptions extends OperationOptions {
  /** Does not set a created `_id` on the caller's object. */
  forceServerObjectId?: boolean
  /** Leaves out fields that are undefined; `false` stores null. */
  ignoreUndefined?: boolean
}

/** Options of `insertMany`. */
export interface InsertManyOptions extends InsertOneOptions {
  /** Stops at the first document that fails (default); `false` inserts all the others. */
  ordered?: boolean
}

/** Options of cursors over capped collections that wait for more. */
export interface TailableOptions {
  /**
   * Whether the cursor stays open after the last document: `next` and loops wait for new ones, `tryNext` does not. Of capped collections
   * only, in the order of insertions. Default false.
   */
  tailable?: boolean
  /** With `tailable`: whether `tryNext` waits as well, for `maxAwaitTimeMS`. Default false. */
  awaitData?: boolean
  /** How long `tryNext` waits for a document with `awaitData`, in milliseconds. Default 0. */
  maxAwaitTimeMS?: number
}

/** Options of `find`. */
export interface FindOptions<T = Document> extends OperationOptions, HintOptions, LetOptions, TailableOptions {
  /** The fields to include or exclude. */
  projection?: Projection<T>
  /** The order; default natural order, which is the order of insertion. */
  sort?: Sort<T>
  /** Documents to skip first. */
  skip?: number
  /** The maximum number of documents; 0 means all. */
  limit?: number
  /** The batch size: how many documents are fetched at a time; 0 for the default. */
  batchSize?: number
  /**
   * Whether sorts and groups may write to temporary files in the directory of the database what is more than
   * `queryMemoryLimit`; default true. With `false` the operation rejects with `LIMIT` (code 292). A database in memory, or
   * one that is open read-only, writes none.
   */
  allowDiskUse?: boolean
}

/** Options of `findOne`. */
export type FindOneOptions<T = Document> = Omit<FindOptions<T>, 'limit' | 'batchSize' | 'tailable' | 'awaitData'> & ExplainOptions & {
  /** Resolves with `{ value, version, createdAt, modifiedAt }` instead of the document. Default false. */
  meta?: boolean
}

/** Options of `countDocuments`. */
export interface CountOptions extends OperationOptions, HintOptions, ExplainOptions, LetOptions {
  /** Documents to skip first. */
  skip?: number
  /** Counts at most this many; 0 means all. */
  limit?: number
}

/** Options of `aggregate`. */
export interface AggregateOptions extends OperationOptions, HintOptions, LetOptions {
  /** The batch size: how many documents are fetched at a time; 0 for the default. */
  batchSize?: number
  /**
   * Whether sorts and groups may write to temporary files in the directory of the database what is more than
   * `queryMemoryLimit`; default true. With `false` the operation rejects with `LIMIT` (code 292). A database in memory, or
   * one that is open read-only, writes none.
   */
  allowDiskUse?: boolean
}

/** Options of operations that can be explained. */
export interface ExplainOptions {
  /**
   * Resolves with an explain result instead; nothing is written. As in the driver, the type of the result does not show it.
   */
  explain?: ExplainVerbosityLike
}

/** Options of `distinct`. */
export interface DistinctOptions extends OperationOptions, HintOptions, ExplainOptions {}

/** Options of deletions. */
export interface DeleteOptions extends OperationOptions, HintOptions, ExplainOptions, LetOptions {}

/** The option of writes of one document that check its version. */
export interface IfVersionOption {
  /**
   * The version that the document must have, as `get` tells it with `meta`; 0 means that none may match. Otherwise, also when none matches, the
   * write rejects with `CONFLICT` and changes nothing.
   */
  ifVersion?: number
}

/** Options of `deleteOne`. */
export interface DeleteOneOptions extends DeleteOptions, IfVersionOption {}

/** Options of updates. */
export interface UpdateOptions extends OperationOptions, HintOptions, ExplainOptions, LetOptions {
  /** Inserts a document made from the filter and the update when none matches. Default false. */
  upsert?: boolean
  /** Conditions on the array elements that paths address by `$[x]`: `[{ x: { $gt: 5 } }]`. */
  arrayFilters?: readonly Document[]
  /** Leaves out fields that are undefined; `false` stores null. */
  ignoreUndefined?: boolean
}

/** Options of updates of one document. */
export interface UpdateOneOptions extends UpdateOptions, IfVersionOption {
  /** Chooses the first in this order when several match. */
  sort?: Sort
}

/** Options of `replaceOne`. */
export interface ReplaceOptions extends Omit<UpdateOneOptions, 'arrayFilters'> {}

/** Options of writes by `_id` that check the version. */
export interface VersionOptions extends OperationOptions {
  /**
   * The version that the document must have; 0 means that it must not exist. Otherwise the write rejects with `CONFLICT`.
   */
  ifVersion?: number
}

/** Options of `set`. */
export interface SetOptions extends VersionOptions {
  /** Leaves out fields that are undefined; `false` stores null. */
  ignoreUndefined?: boolean
}

/** Options of `setMany`; a version belongs to an entry. */
export type SetManyOptions = Omit<SetOptions, 'ifVersion'>

/** Options of `get`. */
export interface GetOptions extends OperationOptions {
  /** Resolves with the document, its version and its times. */
  meta?: boolean
}

/** An entry of `setMany`: `_id`, document, and optionally the version that it must have. */
export type SetEntry<T> = readonly [id: InferId<T>, document: OptionalId<T>, options?: { ifVersion?: number }]

/** Options of `findOneAndUpdate`. */
export interface FindOneAndUpdateOptions<T = Document> extends UpdateOptions, IfVersionOption {
  /** Of several that match, the first in this order. */
  sort?: Sort<T>
  /** Whether to resolve with the document before (the default) or after the write. */
  returnDocument?: 'before' | 'after'
  /** The fields to include or exclude. */
  projection?: Projection<T>
  /** Resolves with `{ value, lastErrorObject, ok }` instead of the document. */
  includeResultMetadata?: boolean
}

/** Options of `findOneAndReplace`. */
export type FindOneAndReplaceOptions<T = Document> = Omit<FindOneAndUpdateOptions<T>, 'arrayFilters'>

/** Options of `findOneAndDelete`. */
export type FindOneAndDeleteOptions<T = Document> = Pick<
  FindOneAndUpdateOptions<T>,
  'sort' | 'projection' | 'includeResultMetadata' | keyof DeleteOneOptions
>

/** The options of the writes of `bulkWrite`, besides filters and documents. */
interface BulkWriteModelOptions extends HintOptions {
  /** How strings compare in this write. Default: that of `bulkWrite`. */
  collation?: CollationOptions | null
}

/** A write of `bulkWrite`. */
export type AnyBulkWriteOperation<T = Document> =
  | { insertOne: { document: OptionalId<T> } }
  | { updateOne: { filter: Filter<T>; update: UpdateFilter<T> | readonly Document[]; upsert?: boolean; arrayFilters?: readonly Document[]; sort?: Sort } & BulkWriteModelOptions & IfVersionOption }
  | { updateMany: { filter: Filter<T>; update: UpdateFilter<T> | readonly Document[]; upsert?: boolean; arrayFilters?: readonly Document[] } & BulkWriteModelOptions }
  | { replaceOne: { filter: Filter<T>; replacement: WithoutId<T>; upsert?: boolean; sort?: Sort } & BulkWriteModelOptions & IfVersionOption }
  | { deleteOne: { filter: Filter<T> } & BulkWriteModelOptions & IfVersionOption }
  | { deleteMany: { filter: Filter<T> } & BulkWriteModelOptions }

/** Options of `bulkWrite`. */
export interface BulkWriteOptions extends InsertManyOptions, LetOptions {}

/** Options of `rename`. */
export interface RenameOptions extends OperationOptions {
  /** Drops an existing collection of that name. Default false. */
  dropTarget?: boolean
}

/**
 * What the commit of a transaction checks against the commits since its snapshot. `'snapshot'`: what it has written. `'serializable'`: what it
 * has read, too; if any of it has changed, the commit rejects with `CONFLICT` (code 112, label `TransientTransactionError`). The result is that
 * of running the serializable transactions that write one after the other, in the order of their commits.
 */
export type Isolation = 'snapshot' | 'serializable'

/** The options of a transaction. Concerns and preferences are accepted for compatibility with the driver, without effect. */
export interface TransactionOptions {
  readConcern?: unknown
  writeConcern?: unknown
  readPreference?: unknown
  /** How long the commit may wait before it begins, in milliseconds. 0, the default, means no limit. */
  maxCommitTimeMS?: number
  /** How long the transaction may be open, in milliseconds: beyond it, it is aborted. Default 600,000. */
  maxTimeMS?: number
  /** How long it may be left alone, in milliseconds: beyond it, it is aborted. Default 60,000. */
  maxIdleMS?: number
  /** What its commit checks: what it has written (`'snapshot'`, the default), or what it has read, too (`'serializable'`). */
  isolation?: Isolation
}

/** The options of `db.transaction`. */
export interface TransactionRunOptions {
  /** The time limit for all attempts together, in milliseconds. Default 120,000: then no other attempt is begun. */
  maxTimeMS?: number
  /** How long an attempt may be left alone, in milliseconds: beyond it, it is aborted. Default 60,000. */
  maxIdleMS?: number
  /** Aborts the transaction: the call rejects with the signal's reason. */
  signal?: AbortSignal
  /** How often the function is run again at most. Default: as often as the time allows. */
  retries?: number
  /** What its commit checks: what it has written (`'snapshot'`, the default), or what it has read, too (`'serializable'`). */
  isolation?: Isolation
}

/** The options of `db.transactionSync`. */
export interface SyncTransactionOptions {
  /** How often the function is run again at most, when another writer has changed what it writes. Default 10. */
  retries?: number
  /** What its commit checks: what it has written (`'snapshot'`, the default), or what it has read, too (`'serializable'`). */
  isolation?: Isolation
}

/** The options of a session. */
export interface ClientSessionOptions {
  /** The options of its transactions that are begun without others. */
  defaultTransactionOptions?: TransactionOptions
  /** Without effect: reads always see the writes that were awaited before. */
  causalConsistency?: boolean
  /** Snapshot sessions are not supported: use a transaction. */
  snapshot?: false
}

/** A session, which holds one transaction at a time. Operations belong to it that are given `{ session }`. */
export interface ClientSession {
  /** What identifies it: events of change streams have it as `lsid`, beside `txnNumber`. */
  readonly id: { id: Buffer }
  /** Whether `endSession` was called. */
  readonly hasEnded: boolean
  /** Whether a transaction was started that is neither committed nor aborted. */
  inTransaction(): boolean
  /** Starts a transaction. Its snapshot is taken by its first operation. Throws a TypeError when one is in progress. */
  startTransaction(options?: TransactionOptions): void
  /**
   * Commits the transaction: all of its writes or none. Called again, it returns the first outcome.
   *
   * Rejects with `CONFLICT` (code 112, label `TransientTransactionError`) when another writer has changed what the transaction writes,
   * and with code 251 when the transaction has ended before: by a failed write, or by a time limit.
   */
  commitTransaction(): Promise<void>
  /** Aborts the transaction: none of its writes is kept. */
  abortTransaction(): Promise<void>
  /**
   * The function may run more than once. Runs it in a transaction and commits; runs it again, with a back-off and for up to 120 seconds,
   * when it or the commit rejects with the label `TransientTransactionError`. Resolves with what the function resolves with; any other
   * error aborts the transaction and is passed on.
   */
  withTransaction<R>(run: (session: ClientSession) => Promise<R>, options?: TransactionOptions): Promise<R>
  /** Ends the session; aborts its transaction. */
  endSession(): Promise<void>
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** A savepoint of a transaction: `tx.rollbackTo` goes back to it. */
export interface Savepoint {
  /** Its number in the transaction, from 1. */
  readonly number: number
}

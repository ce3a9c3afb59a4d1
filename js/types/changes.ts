// Change streams: their options and events.

import type { Document } from './documents.js'
import type { ClientSession, OperationOptions } from './options.js'

/** The place of an event. Opaque: store it as it is, and give it to `resumeAfter` or `startAfter`. */
export interface ResumeToken {
  _data: string
}

/** The time of a commit: seconds since 1970, and a number that orders the commits of a second. */
export interface ClusterTime {
  t: number
  i: number
}

/** Options of `watch`. */
export interface ChangeStreamOptions extends OperationOptions {
  /**
   * Whether the event of an update has `fullDocument`, the document as that update left it: `'default'` no; `'updateLookup'`,
   * `'whenAvailable'` and `'required'` yes. It is always there, as the log has it.
   */
  fullDocument?: 'default' | 'updateLookup' | 'whenAvailable' | 'required'
  /**
   * Whether events have `fullDocumentBeforeChange`, the document as it was before: `'off'` (the default) no; `'whenAvailable'` where the
   * collection keeps it (`changeStreamPreAndPostImages` of createCollection), else null; `'required'` fails with code 47 where it is missing.
   */
  fullDocumentBeforeChange?: 'off' | 'whenAvailable' | 'required'
  /** Goes on after this event or resume token. Not after an invalidate event. */
  resumeAfter?: ResumeToken
  /** Goes on after this event or resume token, also after an invalidate event. */
  startAfter?: ResumeToken
  /** Begins with the first commit of this time or later: a Date, or the `clusterTime` of an event. */
  startAtOperationTime?: Date | ClusterTime
  /** Whether there are events `create`, `modify`, `createIndexes` and `dropIndexes`. Default false. */
  showExpandedEvents?: boolean
  /** Events that are fetched at a time. Default 1,000, or 4 MiB. */
  batchSize?: number
  /** How long, in milliseconds, `tryNext` waits for an event. Default 0. */
  maxAwaitTimeMS?: number
  /**
   * The name of a reader whose place the database keeps: the stream goes on after the event that was acknowledged last, the first one begins now.
   * `stream.acknowledge(event)` moves the place. One reader at a time: a later one ends the acknowledgements of those before.
   */
  consumer?: string
}

/** Options of `watch` of a database. */
export interface DatabaseChangeStreamOptions extends ChangeStreamOptions {
  /** Whether the collections of all databases in the directory are watched. Default false. */
  allDatabases?: boolean
}

/** Options of `live`. */
export interface LiveOptions {
  /** Ends the live query: it rejects with the signal's reason. */
  signal?: AbortSignal
}

/** The result of a live query at a state of the database. */
export interface LiveResult<T = Document> {
  /** All documents, in the order of the query. */
  documents: T[]
  /** Those that were not in the result before. */
  added: T[]
  /** Those that were, and have changed. */
  changed: T[]
  /** Those that are no more in the result, as they were told last. */
  removed: T[]
  /** The number of the newest commit in it. */
  lsn: number
}

/** Options of `history`. */
export interface DocumentHistoryOptions extends OperationOptions {
  /** Versions that are fetched at a time. Default 1,000, or 4 MiB. */
  batchSize?: number
}

/** A version that a document had. */
export interface DocumentVersion<T = Document> {
  /** Its number, from 1; null where the document was deleted, or went to another name with its collection. */
  version: number | null
  /** The number of its commit. */
  lsn: number
  /** The time of its commit. */
  time: Date
  /**
   * What made it; `drop` where the collection was dropped, `rename` where a collection with the document came to this name, which brings its version and
   * document, or where the collection of this name got another one.
   */
  operation: 'insert' | 'update' | 'replace' | 'delete' | 'drop' | 'rename'
  /** The whole document; null where it is not there any more. */
  document: T | null
}

/** Options of `acknowledge`. */
export interface AcknowledgeOptions {
  /** The session of a transaction, or the transaction that `db.transaction` gives: the place moves if that commits. */
  session?: ClientSession | { collection(name: string): unknown }
}

/** What all events have. */
export interface ChangeStreamEvent {
  /** The place of the event: its resume token. */
  _id: ResumeToken
  /** The commit's time, which orders the events of different commits. */
  clusterTime: ClusterTime
  /** The time of the commit. */
  wallTime: Date
}

/** The commit of an event. */
export interface ChangeStreamCommit {
  commit: {
    /** Its number: larger than that of every commit before. */
    lsn: number
    /** Whether the commit has no further event for this stream, before its pipeline is applied. */
    last: boolean
  }
}

/** A collection in an event. */
export interface ChangeStreamNamespace {
  db: string
  coll: string
}

interface OfCollection extends ChangeStreamEvent, ChangeStreamCommit {
  ns: ChangeStreamNamespace
}

interface OfDocument<T> extends OfCollection {
  documentKey: { _id: T extends { _id: infer Id } ? Id : any }
}

/** A document was inserted. */
export interface ChangeStreamInsertDocument<T = Document> extends OfDocument<T> {
  operationType: 'insert'
  fullDocument: T
}

/** A document was updated. */
export interface ChangeStreamUpdateDocument<T = Document> extends OfDocument<T> {
  operationType: 'update'
  updateDescription: UpdateDescription<T>
  fullDocument?: T
  fullDocumentBeforeChange?: T | null
}

/** What an update has changed. */
export interface UpdateDescription<T = Document> {
  /** New values by path, with dots. */
  updatedFields: Partial<T> & { [path: string]: any }
  removedFields: string[]
  truncatedArrays: { field: string; newSize: number }[]
  /** With `showExpandedEvents`: the parts of paths whose fields have dots or look like places of elements. */
  disambiguatedPaths?: { [path: string]: (string | number)[] }
}

/** A document was replaced. */
export interface ChangeStreamReplaceDocument<T = Document> extends OfDocument<T> {
  operationType: 'replace'
  fullDocument: T
  fullDocumentBeforeChange?: T | null
}

/** A document was deleted. */
export interface ChangeStreamDeleteDocument<T = Document> extends OfDocument<T> {
  operationType: 'delete'
  fullDocumentBeforeChange?: T | null
}

/** A collection was dropped. */
export interface ChangeStreamDropDocument extends OfCollection {
  operationType: 'drop'
}

/** A collection was renamed. */
export interface ChangeStreamRenameDocument extends OfCollection {
  operationType: 'rename'
  to: ChangeStreamNamespace
}

/** A database was dropped, after its collections. */
export interface ChangeStreamDropDatabaseDocument extends ChangeStreamEvent, ChangeStreamCommit {
  operationType: 'dropDatabase'
  ns: { db: string }
}

/** The stream ends: what it watched was dropped or renamed. */
export interface ChangeStreamInvalidateDocument extends ChangeStreamEvent {
  operationType: 'invalidate'
}

/** With `showExpandedEvents`: a collection was created or modified, or an index was created or dropped. */
export interface ChangeStreamExpandedDocument extends OfCollection {
  operationType: 'create' | 'modify' | 'createIndexes' | 'dropIndexes'
  operationDescription: Document
  /** Of `modify`: the options before. */
  stateBeforeChange?: Document
}

/** An event of a change stream. */
export type ChangeStreamDocument<T = Document> =
  | ChangeStreamInsertDocument<T>
  | ChangeStreamUpdateDocument<T>
  | ChangeStreamReplaceDocument<T>
  | ChangeStreamDeleteDocument<T>
  | ChangeStreamDropDocument
  | ChangeStreamRenameDocument
  | ChangeStreamDropDatabaseDocument
  | ChangeStreamInvalidateDocument
  | ChangeStreamExpandedDocument

// Imports of the files of other databases, and exports as they read them.

import type { OperationOptions } from './options.js'

/** What a file that `importFile` reads is. */
export type ImportFormat = 'ndjson' | 'mongoexport' | 'json' | 'csv' | 'nedb' | 'lokijs' | 'lowdb' | 'electron-store' | 'bson' | 'mongodump'

/** What the text of a field becomes. */
export type ImportType = 'string' | 'number' | 'long' | 'boolean' | 'date' | 'objectId'

/** How `importFile` reads. */
export interface ImportFileOptions extends OperationOptions {
  /** What the file is. Default: what its name and its first bytes say, where that is certain. */
  format?: ImportFormat
  /** The collection of all documents, of formats without names of collections; default: the name of the file up to its first dot. */
  collection?: string
  /** Only these collections, of a file that holds several. */
  collections?: readonly string[]
  /** What to do with a document whose `_id` exists: fail (the default), replace the existing document, or skip the new one. */
  ifExists?: 'error' | 'replace' | 'skip'
  /** What to do with a record that cannot be taken: stop (the default), or leave it out, list it in the result and go on. */
  onError?: 'stop' | 'skip'
  /** A file, which must not exist, for all records that `onError: 'skip'` leaves out, as lines of JSON. */
  rejects?: string | URL
  /** The field that becomes the `_id` of a document that has none. */
  idField?: string
  /** Whether the indexes that the file names are made. Default true. */
  indexes?: boolean
  /** What fields become that are text in the file, by path: of csv, json, lowdb, lokijs and electron-store. */
  types?: { readonly [path: string]: ImportType }
  /** csv: cells that look like a number, `true` or `false` become that, empty ones null. Default false. */
  infer?: boolean
  /** csv: what stands between cells, one character. Default: the one of comma, semicolon, tab and bar that the first line has most of. */
  separator?: string
  /** csv: the names of the columns, of a file without a line of them. */
  header?: readonly string[]
  /** lokijs: `$loki` and `meta` stay in the documents. Default false. */
  keepMeta?: boolean
  /** electron-store: its option `encryptionKey`. */
  encryptionKey?: string | Uint8Array
  /** electron-store: its option `encryptionAlgorithm`. Default `'aes-256-cbc'`. */
  encryptionAlgorithm?: 'aes-256-cbc' | 'aes-256-gcm' | 'aes-256-ctr'
  /** Documents in a commit; default 1000. */
  batchSize?: number
  /** Called after batches were committed, not after each where they are quick. */
  onProgress?: (progress: ImportFileProgress) => void
}

/** How far `importFile` is. */
export interface ImportFileProgress {
  /** Documents written. */
  imported: number
  /** Documents skipped because their `_id` exists. */
  skipped: number
  /** Records left out. */
  rejected: number
  /** Bytes of the files read, as they are on disk. */
  bytes: number
  /** Bytes of all files. */
  totalBytes: number
}

/** A record that was left out. */
export interface RejectedRecord {
  /** Its file. */
  file: string
  /** The collection that it was for. */
  collection?: string
  /** Its line; of BSON its number in its collection; from 1. */
  line: number
  /** Its first byte; null where the file is compressed. */
  offset: number | null
  /** Its bytes. */
  length: number
  /** The dotted path of the value that is the reason. */
  path?: string
  /** Why. */
  reason: string
}

/** What `importFile` did with a collection. */
export interface ImportedCollection {
  database: string
  collection: string
  /** Documents written. */
  imported: number
  /** Documents skipped because their `_id` exists. */
  skipped: number
  /** Records left out. */
  rejected: number
  /** Indexes of the file that it has now. */
  indexes: number
}

/** What `importFile` did. */
export interface ImportFileResult {
  format: ImportFormat
  /** Documents written. */
  imported: number
  /** Documents skipped because their `_id` exists. */
  skipped: number
  /** How many records were left out. */
  rejectedRecords: number
  /** The first 100 of them; all are in the file of option `rejects`. */
  rejected: RejectedRecord[]
  /** Indexes of the file that the collections have now. */
  indexes: number
  collections: ImportedCollection[]
  /** What else is not as it was: indexes and options that have no equal. */
  notes: string[]
}

/** How `exportMongodump` writes. */
export interface ExportMongodumpOptions extends OperationOptions {
  /** One file, as `mongodump --archive` writes it; otherwise a directory. Default false. */
  archive?: boolean
  /** Compresses the files. Default false. */
  gzip?: boolean
  /** The collections to write; default all. */
  collections?: readonly string[]
  /** The collections of all databases of the directory. Default false. */
  allDatabases?: boolean
  /** Called after each piece was written. */
  onProgress?: (progress: { documents: number; bytes: number }) => void
}

/** What `exportMongodump` wrote. */
export interface ExportMongodumpResult {
  /** Collections and views. */
  collections: number
  documents: number
  /** Bytes of BSON, before compression. */
  bytes: number
}

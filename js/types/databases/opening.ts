// The types of opening a database, and of the collections in it.

import type { Document, ObjectIdConstructor, PrimaryKeyFactory } from '../documents.js'
import type { CollationOptions, DriverOptions, OperationOptions, ProgressOptions } from '../options.js'

/** Where writes go, and what a resolved write promises. */
export type StorageMode = 'async' | 'sync' | 'memory'

/**
 * The key of an encrypted database: a password, from which a key is derived (Argon2id), 32 random bytes, or a function that returns one of
 * them and is called once.
 */
export type EncryptionKey = string | Uint8Array | (() => string | Uint8Array | Promise<string | Uint8Array>)

/** The options of `Database.open`. */
export interface OpenOptions extends ProgressOptions {
  /**
   * `'async'` (the default; the environment variable `WRITE_MODE` changes it): a resolved write survives the end of the process; a
   * power cut loses at most the last `flushInterval`. `'sync'`: it survives a power cut too. `'memory'`: nothing on disk.
   */
  storage?: StorageMode
  /** Longest time between a write and its flush to the disk with storage `'async'`, in milliseconds: 1 to 60,000, default 50. */
  flushInterval?: number
  /**
   * Bytes of memory for documents, keys, indexes and pages of the checkpoint; at least 1, or `Infinity` for no limit. Default a quarter
   * of the memory that the process may use: the machine's, or less where a container or another control group of Linux is limited. When
   * keys, entries of indexes and changed places take a quarter of it, and 4 MiB, a checkpoint is written, and they are read from there.
   * When open cursors hold a quarter of it, and 4 MiB, in older versions, those of the oldest states end. A database in memory has no
   * limit, and refuses one, because it has no files to read from.
   */
  memoryLimit?: number
  /**
   * Bytes that one query may hold while it runs: documents kept by its stages, values of its expressions, its compiled
   * regular expressions. Sorts and groups that need more use the disk (`allowDiskUse`), other queries reject with `LIMIT`. At
   * least 1 MiB, default 100 MiB.
   */
  queryMemoryLimit?: number
  /** Compacts automatically when more than half of the file bytes are garbage, or there are 128 segments. Default true. */
  autoCompact?: boolean
  /**
   * What to do when queries scan many documents to return few because an index is missing: `'suggest'` (default) names the
   * index in statistics and in explain after three such scans, `'on'` also creates it, `'off'` does neither.
   */
  autoIndex?: 'off' | 'suggest' | 'on'
  /** Whether documents are deleted that have expired by TTL indexes. Default true; never in a database that is open read-only. */
  ttlMonitor?: boolean
  /** How often such documents are looked for, in milliseconds: 1 to a year, default 60,000. */
  ttlInterval?: number
  /** The old generations that a compaction keeps. Default none. */
  retention?: Retention
  /**
   * What is kept of the past. Default: nothing, until the database is watched for the first time; from then on, also after it is opened again,
   * the log of a day, at most 1 GiB.
   */
  history?: HistoryOptions
  /**
   * Encrypts all files of a new database (XChaCha20-Poly1305), and opens an encrypted one. Without it an encrypted database rejects with
   * `KEY_REQUIRED`, with another key with `WRONG_KEY`; a database that is not encrypted rejects one with `NOT_ENCRYPTED`.
   */
  encryptionKey?: EncryptionKey
  /** Reads only; no byte on disk changes. Default false. */
  readOnly?: boolean
  /** Creates the database when it does not exist. Default true. */
  createIfMissing?: boolean
  /** Rejects when the database exists. Default false. */
  errorIfExists?: boolean
  /**
   * What to do with damage at the end of the log that a power cut does not explain: `'strict'` (default) rejects with `CORRUPT_TAIL`,
   * `'truncate'` cuts it and keeps the cut bytes.
   */
  recovery?: 'strict' | 'truncate'
  /**
   * What opening reads of a database that a clean close has left a checkpoint of: `'quick'` (default) the checkpoint and the log after
   * it, so that damage of a document is met by the operation that reads it; `'full'` everything, so that damage rejects the opening.
   */
  check?: 'quick' | 'full'
  /**
   * Reads all files again in the background, slowly, and checks every checksum, so that damage of what nothing reads is known while a
   * backup is still good. `stats` and the log tell what it found. Default: none; `{}` reads everything once a week. A database in memory
   * has no files.
   */
  scrub?: Scrub
  /** The class of ObjectIds in documents that are read; default a small class of this package. */
  ObjectId?: ObjectIdConstructor
  /** The module `bson` or `mongodb` that the program uses: ObjectIds that are read are of its class, so that `instanceof` holds. */
  bson?: { ObjectId: ObjectIdConstructor }
  /** Creates the `_id` of documents that have none; default UUIDv7 strings. */
  pkFactory?: PrimaryKeyFactory
  /** Leaves out fields that are undefined; `false` stores null. Default true. */
  ignoreUndefined?: boolean
  /** Does not set a created `_id` on the caller's object. Default false. */
  forceServerObjectId?: boolean
  /**
   * The time of what is written: of `$$NOW`, `$currentDate`, the times of versions, and the `_id`s that are made here. It is asked at each
   * operation: `() => Date.now()` follows the fake timers of Jest and vitest. Limits of time are of the real clock. A commit is never
   * before those that there are: where the clock goes back, commits have the time of the newest one.
   */
  clock?: () => Date | number
  /**
   * An operation that takes so many milliseconds or more is told on the channel `moltendb:slow` of `node:diagnostics_channel`, and in the log
   * that the environment variable `MOLTENDB_LOG` asks for. Default false.
   */
  slowMs?: number | false
  /** Aborts the call: it rejects with the signal's reason. */
  signal?: AbortSignal
}

/** A state of a database in memory, made by `db.snapshot`; `db.restore` puts the database back in it. */
export interface Snapshot {
  /** Frees what it keeps. A snapshot that nothing refers to is released by itself, later. */
  release(): void
  /** Whether it was released. */
  readonly isReleased: boolean
  /** Releases it at the end of a `using`. */
  [Symbol.dispose](): void
}

/** The options of `db.collection`; they replace those of the database. */
export interface CollectionOptions extends DriverOptions {
  /** Creates the `_id` of documents that have none. */
  pkFactory?: PrimaryKeyFactory
  /** Leaves out fields that are undefined; `false` stores null. */
  ignoreUndefined?: boolean
  /** Does not set a created `_id` on the caller's object. */
  forceServerObjectId?: boolean
}

/** Options of `createCollection`. */
export interface CreateCollectionOptions extends CollectionOptions, OperationOptions {
  /**
   * Whether the log keeps documents as they were before an update, a replacement or a deletion: change streams tell them as
   * `fullDocumentBeforeChange`. Makes such writes as large again. Default `{ enabled: false }`.
   */
  changeStreamPreAndPostImages?: { enabled: boolean }
  /**
   * A filter that documents must match: every write checks it, and rejects with `SCHEMA_VIOLATION` (code 121). It is often
   * `{ $jsonSchema: { ... } }`. `db.command({ collMod })` changes it, or removes it with `{}`.
   */
  validator?: Document
  /**
   * Which documents it applies to: `'strict'` (the default) to all that are written, `'moderate'` to new ones and to those that
   * were valid, `'off'` to none.
   */
  validationLevel?: 'off' | 'strict' | 'moderate'
  /** What is done about others: `'error'` (the default) refuses them, `'warn'` logs and stores them, `'errorAndLog'` does both. */
  validationAction?: 'error' | 'warn' | 'errorAndLog'
  /**
   * Makes a view: the name of the collection or view of this database that it reads. A view stores no documents; each read of it runs
   * `pipeline`.
   */
  viewOn?: string
  /** The pipeline of the view. Default `[]`: the documents as they are. It must not write. */
  pipeline?: Document[]
  /**
   * How strings compare in operations and indexes that do not say that. `_id` compares by bytes all the same. It cannot be changed
   * later; a view has its own.
   */
  collation?: CollationOptions | null
  /**
   * Whether it keeps its newest documents only, within `size` and `max`: the oldest are removed by the insert that needs their place.
   * Default false.
   */
  capped?: boolean
  /** The most bytes of the documents of a capped collection, as they are stored: 1 to 2^50, rounded up to a multiple of 256. */
  size?: number
  /** The most documents of a capped collection: 1 to 2,147,483,647. Default any number that `size` allows. */
  max?: number
}

/** What recovery found when the database was opened. */
export interface RecoveryReport {
  /** Whether the last program closed it. */
  clean: boolean
  /** Whether this opening made it. */
  created: boolean
  /** Commits of the log that were replayed: those after the checkpoint, if there was one. */
  framesReplayed: number
  /** Bytes that were cut off the end of the log: an unfinished write, or, with `recovery: 'truncate'`, a damaged end. */
  bytesCut: number
  /** Whether a power cut does not explain what was cut off. */
  suspectTail: boolean
  /** The file with what was cut off; null where nothing was kept. */
  quarantine: string | null
  /** The number of the newest commit. */
  lastLsn: number
  /** Files of the log. */
  segments: number
}

/** How all files are read again in the background; the option `scrub`. */
export interface Scrub {
  /** The pause after each pass, in milliseconds: 1 to a year, default a week. The first pass begins when the database is opened. */
  interval?: number
  /** How fast it reads: at least 1,024, default 8 MiB. */
  bytesPerSecond?: number
}

/** What is kept of the past; the option `history`. */
export interface HistoryOptions {
  /** The log before the last compaction, for change streams; `false` keeps none, and gives back what was kept. `{}` keeps it from now on, within the default limits. */
  changes?: HistoryLimits | false
  /**
   * The snapshots that compactions replace, with the log between them, so that `asOf` and `Database.recoverTo` reach behind the last compaction. `{}` keeps
   * them from now on, `false` keeps none and gives back what was kept; left out, it stays as an opening before has said it. Without it a new database keeps none.
   */
  past?: HistoryLimits | false
}

/** How much is kept of the past. */
export interface HistoryLimits {
  /** What is older may be forgotten, in milliseconds: at least 1, default a day. `Infinity`: at no age. */
  maxAge?: number
  /**
   * The oldest is forgotten when there are more bytes of files that nothing else needs: at least 1, default 1 GiB; for `past`, of snapshots and the log between
   * them, by default at least the size of the data. `Infinity` is no limit.
   */
  maxBytes?: number
}

/** How many old generations a compaction keeps on disk. */
export interface Retention {
  /** Old generations that are kept in `backup/<generation>/`, each a complete database: 0 to 1,000, default 0. */
  generations: number
}

/** A collection or view in a listing. */
export interface CollectionInfo {
  /** Its name. */
  name: string
  type: 'collection' | 'view'
  /** Its number, never reused within a database. */
  number: number
  /** Documents in it; 0 for a view, which stores none. */
  count: number
  /** The options that it was created with; of a view `viewOn` and `pipeline`. */
  options: Document
  info: { readOnly: boolean }
  /** Not of a view. */
  idIndex?: { v: number; key: { _id: 1 }; name: string }
}

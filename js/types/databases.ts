// The types of opening, describing, copying and checking databases.

import type { Document, ObjectIdConstructor, PrimaryKeyFactory } from './documents.js'
import type { SuggestedIndex } from './indexes.js'
import type { DriverOptions, LongOperationOptions, OperationOptions, ProgressOptions } from './options.js'

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
  [fact: string]: unknown
}

/** Statistics of an open database. */
export interface DatabaseStats {
  /** Number of collections of the database. */
  collections: number
  /** Documents in all of them. */
  documents: number
  /**
   * The databases that have collections. They share memory, files and commits, so all that follows is of all of them together, but for
   * `indexes` and `suggestedIndexes`.
   */
  databases: { name: string; collections: number; documents: number }[]
  /** Bytes of memory that documents take, including old versions that a cursor still reads. */
  hotBytes: number
  /** Bytes of memory that it may take (the option `memoryLimit`, or its default); null where nothing limits it. */
  memoryLimit: number | null
  /** Bytes of the newest version of every document, in memory or on disk. */
  liveBytes: number
  /** Segments of the log on disk. */
  segments: number
  /** Whether the files are encrypted. */
  encrypted: boolean
  /** Bytes of the log, its history, the snapshot and the manifest; a checkpoint, which may be deleted, is not counted. */
  bytesOnDisk: number
  /** Bytes of the temporary files of sorts and groups that run now or whose cursors are open; they are not in `bytesOnDisk`. */
  spillBytes: number
  /** Bytes of memory that the places of documents take, of those that are not read from the checkpoint. */
  slotBytes: number
  /** About how many bytes of memory the keys (`_id`) take that are not read from the checkpoint. */
  keyBytes: number
  /** Bytes of the newest checkpoint on disk; 0 without one. */
  checkpointBytes: number
  /** Bytes of memory of pages of that checkpoint. */
  cacheBytes: number
  /** Pages of it read since it was written or opened. */
  pagesRead: number
  /** Bytes of writes that have not resolved yet. */
  queuedBytes: number
  /** Calls of fsync and fdatasync since the database was opened. */
  syncs: number
  /** Number of the newest commit that reads see. */
  lastLsn: number
  /** Number of the newest commit known to be durable. */
  durableLsn: number
  /** Views of earlier states that are open: those of cursors and transactions. */
  views: number
  /**
   * About how many bytes of memory only they hold: versions of documents and entries of indexes that were replaced since, and dropped
   * collections. With `memoryLimit` the cursors of the oldest states end when this passes a quarter of it (and 4 MiB).
   */
  viewBytes: number
  /** How long the oldest of them has been open, in milliseconds. */
  oldestViewAge: number
  /** The transactions of all databases. */
  transactions: TransactionStats
  /** Indexes of the collections of the database, without those on `_id`. */
  indexes: number
  /** Bytes of all indexes in memory. */
  indexBytes: number
  /** How far back the past is kept; null in a database in memory. */
  history: HistoryStats | null
  /** How far the scrub is, and what it has found; null without the option `scrub`. */
  scrub: ScrubStats | null
  /** Indexes that would have helped costly scans of the database; empty with `autoIndex: 'off'`. */
  suggestedIndexes: ({ collection: string } & SuggestedIndex)[]
}

/** How all files are read again in the background; the option `scrub`. */
export interface Scrub {
  /** The pause after each pass, in milliseconds: 1 to a year, default a week. The first pass begins when the database is opened. */
  interval?: number
  /** How fast it reads: at least 1,024, default 8 MiB. */
  bytesPerSecond?: number
}

/** How far the scrub is. */
export interface ScrubStats {
  /** Whether a pass is under way. */
  running: boolean
  /** Bytes that the current pass has read, or the last one. */
  bytesRead: number
  /** About how many bytes it reads. */
  bytesTotal: number
  /** Passes that read everything since the database was opened. */
  passes: number
  /** When the last of them ended, in milliseconds since 1970. */
  completedAt: number | null
  /** Damaged places that the last pass has found. */
  errors: number
  /** The first 100 of them. */
  damage: {
    /** The file's name. */
    file: string
    /** The byte offset in it. */
    offset: number
    /** What is wrong, and what to do. */
    message: string
  }[]
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

/** The transactions of all databases of the directory. */
export interface TransactionStats {
  /** How many are open: from their first operation on. */
  open: number
  /** How long the oldest of them has been, in milliseconds. */
  oldestAge: number
  /** About how many bytes of memory their writes take, until they are committed. */
  bytes: number
  /** How many were committed since the database was opened, also of those that only read. */
  commits: number
  /** How many were not: they were aborted, or a failed write, a conflict or a time limit ended them. */
  aborts: number
  /** How many writes and commits were refused because another writer had changed what they wrote, or had read. */
  conflicts: number
}

/** How far back the past is kept. */
export interface HistoryStats {
  /** The log that can be read, whatever is kept: since the last compaction at least. */
  log: LogReach
  /** The log for change streams; null while nothing is kept for them. */
  changes: HistoryReach | null
  /** Earlier states; null while compactions keep none. */
  past: PastReach | null
}

/** How far back the log can be read. */
export interface LogReach {
  /** The number of the oldest commit; one more than that of the last when there is none. */
  from: number
  /** Its time, in milliseconds since 1970; null when there is none. */
  time: number | null
}

/** How far back earlier states are kept. */
export interface PastReach {
  /** The oldest state is the one after the commit of this number; 0 is the empty database. */
  from: number
  /** The time of that commit, in milliseconds since 1970; null before the first, or where it is not known. */
  time: number | null
  /** Bytes of the snapshots that are kept only for this; the log between them is counted in `changes`. */
  bytes: number
}

/** How far back something is kept. */
export interface HistoryReach {
  /** The number of the oldest commit; one more than that of the last when there is none. */
  from: number
  /** Its time, in milliseconds since 1970; null when there is none. */
  time: number | null
  /** Bytes of files that are kept only for this. */
  bytes: number
}

/** A moment of the past: after the newest commit that is not later than a date, or after the commit of this number. */
export type Moment = Date | { time: Date } | { lsn: number }

/** Options of `Database.verify`. */
export interface VerifyOptions extends LongOperationOptions {
  /** The key of an encrypted database. */
  encryptionKey?: EncryptionKey
}

/** Options of `backup`. */
export interface BackupOptions extends LongOperationOptions {
  /** Another key for the copy; also of a database that is not encrypted. Default: the key of the database. */
  encryptionKey?: EncryptionKey
}

/** Options of `Database.rekey`. One that is given up ends all the same, with the old key or the new one. */
export interface RekeyOptions extends OperationOptions {
  /** Not supported yet, but for `false`: a backup with another key is written with other keys as a whole. */
  reencrypt?: boolean
}

/** Options of `Database.recoverTo`. */
export interface RecoverToOptions extends OperationOptions {
  /** The key of an encrypted database, which opens the new one too. */
  encryptionKey?: EncryptionKey

  /** Takes the newest moment before the one that was asked for, where the files are damaged in between. Default false. */
  allowPartial?: boolean
}

/** What `Database.recoverTo` made. */
export interface RecoverToResult {
  /** The last commit of the directory that the new database holds. */
  lsn: number
  /** The time of that commit, in milliseconds since 1970; null when there is none. */
  time: number | null
  /** Documents in the new database. */
  documents: number
  /** Bytes of its files. */
  bytes: number
  /** Why it holds an earlier moment than the one that was asked for; null when it does not. */
  damage: { file: string | null; offset: number | null; message: string } | null
}

/** How many old generations a compaction keeps on disk. */
export interface Retention {
  /** Old generations that are kept in `backup/<generation>/`, each a complete database: 0 to 1,000, default 0. */
  generations: number
}

/** What a backup holds. */
export interface BackupResult {
  /** Documents in it. */
  documents: number
  /** Bytes of its files. */
  bytes: number
  /** Number of the last commit of this database in it. */
  lsn: number
  /** How long it took, in milliseconds. */
  ms: number
}

/** What a compaction did. */
export interface CompactResult {
  /** Documents kept. */
  documents: number
  /** Bytes of the database's files before; of a database in memory, bytes of the blocks with its documents. */
  bytesBefore: number
  /** Bytes of them after. */
  bytesAfter: number
  /** How long it took, in milliseconds. */
  ms: number
  /** How long commits had to wait for it, in milliseconds. */
  pauseMs: number
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

/** Where a file is first damaged. */
export interface FileDamage {
  /** The byte offset in the file. */
  offset: number
  /** The number of the commit at this offset; null when there is none. */
  lsn: number | null
  message: string
}

/** What `Database.verify` found in a file. */
export interface VerifiedFile {
  /** Its name in the directory. */
  file: string
  kind: 'manifest' | 'snapshot' | 'segment' | 'checkpoint'
  bytes: number
  /** Commits whose checksums are valid. */
  frames: number
  /** Blocks in them. */
  blocks: number
  /** Bytes of an incomplete write at its end, left by a kill or a power cut; opening removes them. No acknowledged write is among them. */
  tornBytes: number
  firstDamage: FileDamage | null
}

/** What `Database.verify` found. */
export interface Verification {
  /** Whether no file is damaged. */
  ok: boolean
  /** The manifest, then the files of the log in order. */
  files: VerifiedFile[]
  /** Documents of the newest state that could be read completely. */
  documents: number
  /** The last commit that could be read. */
  lastLsn: number
  /** Whether the last session closed the database. */
  clean: boolean
}

/** How `exportJSONL` writes. */
export interface ExportOptions extends OperationOptions {
  /** The collections to write; default all. */
  collections?: readonly string[]
  /**
   * Writes the collections of all databases of the directory. Lines of other databases than the default one begin with `"database"`, so that an
   * import puts them there. Default false.
   */
  allDatabases?: boolean
  /** Called after each piece was written to the stream. */
  onProgress?: (progress: ExportResult) => void
}

/** What an export wrote. */
export interface ExportResult {
  documents: number
  bytes: number
}

/** The source of `importJSONL`: a stream or another iterable of bytes or text, split anywhere. */
export type ImportSource = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>

/** How `importJSONL` reads. */
export interface ImportOptions extends OperationOptions {
  /**
   * The collection of all documents. Each line is then a document alone, as `mongoexport` writes it; a missing `_id` becomes a UUIDv7 string.
   * Without the option a line is `{"collection":"users","document":{...}}`, which may name its `"database"` too.
   */
  collection?: string
  /**
   * What to do with a document whose `_id` exists: fail (the default), replace the existing document, or skip the new one.
   */
  ifExists?: 'error' | 'replace' | 'skip'
  /** Documents in a commit; default 1000. */
  batchSize?: number
  /** Called after each batch was committed. */
  onProgress?: (progress: ImportResult) => void
}

/** What an import did. */
export interface ImportResult {
  /** Documents written. */
  imported: number
  /** Documents skipped because their `_id` exists. */
  skipped: number
  /** Lines read, blank ones included. */
  lines: number
}

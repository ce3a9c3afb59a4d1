// The types of what is done with the files of a database: copies, checks, keys, transfers.

import type { LongOperationOptions, OperationOptions } from '../options.js'
import type { EncryptionKey } from './opening.js'

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
  /**
   * Writes all files again with new keys, also the history; the generations in `backup/` and what is in `quarantine/` are removed. Needs as much
   * space again as the database takes. Default false: only the key that opens the database changes.
   */
  reencrypt?: boolean
}

/** What `Database.rekey` did. */
export interface RekeyResult {
  /** Whether all files were written again. */
  reencrypted: boolean
  /** Bytes of the files that were written again. */
  bytes: number
  /** Old generations in `backup/` that were removed. */
  generations: number
  /** Why a part of the history is gone, whose files were damaged; null when nothing is. */
  lost: string | null
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

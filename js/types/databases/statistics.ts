// The types of what `stats` tells of an open database.

import type { SuggestedIndex } from '../indexes.js'

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

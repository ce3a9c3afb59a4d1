// The native addon: its exports (docs/boundary.md).

import { loadAddon } from '../addon/loader.js'
import type { StorageMode } from '../types/index.js'

/** A database on the native side; its async methods run on the core's threads. */
export interface NativeDatabase {
  readonly handle: number
  describe(): string
  flush(): Promise<void>
  /** Returns undefined where closing did not block. */
  close(): Promise<void> | void
  /** As one of the databases sees them; the empty name is the default database. */
  stats(database: string): Promise<string>
  compact(ticket: number, progress?: NativeProgress): Promise<string>
  /** An earlier state: after a commit, or at a time. */
  asOf(lsn: number | null, time: number | null): Promise<NativeDatabase>
  fork(): Promise<NativeDatabase>
  /** The time of what is written from now on, or null for that of the clock. */
  setTime(time: number | null): void
  /** A key is its kind and its bytes, which are copied before this returns. */
  backup(destination: string, ticket: number, progress?: NativeProgress, key?: Uint8Array): Promise<string>
  stop(ticket: number): void
  interrupt(): void
  /** Of one database, or without a name of all. */
  exportLines(database: string | null, collections: string[] | null, bson?: boolean): NativeExport
  importLines(database: string, batch: number, ifExists: string, collection: string | null, more?: NativeImportDetails): NativeImport
  /** One database as a log of MoltenDB; the empty name is the default database. */
  exportMolten(database: string, path: string, secret: string | Uint8Array | null, salt: string | null, progress: NativeProgress): Promise<string>
}

/** How far one operation is. */
export interface NativeProgress {
  /** Ends an operation that can be ended by this. */
  stop(): void
  /** Steps that are done, and all steps. */
  now(): number[]
}

/** A running export. */
export interface NativeExport {
  /** The database (empty: the default one) and the collection are those of all documents, in BSON. */
  next(): Promise<{ lines: Buffer; documents: number; database?: string; collection?: string } | null>
  finish(): Promise<void>
}

/** What an import of a file needs beside its collection. */
export interface NativeImportDetails {
  /** The records are documents of BSON. */
  bson?: boolean
  /** What cannot be taken is left out and told. */
  goesOn?: boolean
  /** The field that becomes the `_id` where there is none. */
  idField?: string
  /** 10 bytes that the other `_id`s are made from, beside the number of their record. */
  seed?: Uint8Array
}

/** A running import. */
export interface NativeImport {
  lines(text: Uint8Array): Promise<string>
}

/** All exports of the addon. */
export interface Native {
  /** The package and version that the addon was built from; compared before anything else is called. */
  version(): string
  NativeDatabase: {
    /** A database in memory is returned without a promise. */
    open(path: string, optionsJson: string, progress?: NativeProgress, key?: Uint8Array): Promise<NativeDatabase> | NativeDatabase
    verify(path: string, progress?: NativeProgress, key?: Uint8Array): Promise<string>
    rekey(path: string, old: Uint8Array, key: Uint8Array, reencrypt: boolean): Promise<string>
    recoverTo(path: string, destination: string, moment: [lsn: number] | [zero: 0, time: number], allowPartial: boolean, stop: NativeProgress, key?: Uint8Array): Promise<string>
    importMolten(log: string, destination: string, rejects: string | null, secret: string | Uint8Array | null, salt: string | null, progress: NativeProgress): Promise<string>
  }
  NativeProgress: new () => NativeProgress
  openPort(wake: () => void, hold: () => void): number
  setBuffers(port: number, request: Uint8Array, result: Uint8Array): void
  collection(port: number, database: number, name: string): number
  releaseCollection(port: number, handle: number): void
  submit(port: number, length: number): number
  take(port: number): number
  cancel(port: number, ticket: number): void
  hasBegun(port: number, ticket: number): boolean
  progress(port: number, ticket: number): number[] | null
  pointReads(port: number): () => number | string
  call(port: number, length: number): void
  closePort(port: number): void
  closeAll(): void
  /** Tells the log of the core of an operation that took long. */
  noteSlow(operation: string, namespace: string, durationMs: number, documents: number | null): void
}

let loaded: Native | undefined

/** The addon, loaded at first use. */
export function native(): Native {
  return (loaded ??= loadAddon() as Native)
}

/** A failure of the core in a native call. */
export interface NativeFailure {
  kind: string
  message: string
  code?: number
  codeName?: string
  path?: string
  file?: string
  offset?: number
  pid?: number
  /** `LOCKED` within the process: with what the database is open that the new opening contradicts. */
  openWith?: StorageMode | 'readOnly'
}

/** The failure that an error of a native call has as properties. `INTERNAL`: the error is not the core's. */
export function failureOf(error: unknown): NativeFailure {
  // Not by instanceof: such an error belongs to the main realm.
  if (typeof error !== 'object' || error === null) return { kind: 'INTERNAL', message: String(error) }
  const { kind, message, code, codeName, path, file, offset, pid, openWith } = error as Partial<NativeFailure>
  if (typeof kind !== 'string') return { kind: 'INTERNAL', message: String(message) }
  return { kind, message: String(message), ...(typeof code === 'number' && { code, codeName }), path, file, offset, pid, openWith } as NativeFailure
}

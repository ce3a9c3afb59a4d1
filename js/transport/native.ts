// The native addon: its exports (docs/boundary.md).

import { loadAddon } from '../addon/loader.js'

/** A database on the native side; its async methods run on the core's threads. */
export interface NativeDatabase {
  readonly handle: number
  describe(): string
  flush(): Promise<void>
  /** Returns undefined where closing did not block. */
  close(): Promise<void> | void
  stats(): Promise<string>
  compact(ticket: number, progress?: NativeProgress): Promise<string>
  backup(destination: string, ticket: number, progress?: NativeProgress): Promise<string>
  stop(ticket: number): void
  interrupt(): void
  exportLines(collections: string[] | null): NativeExport
  importLines(batch: number, ifExists: string): NativeImport
}

/** How far one operation is. */
export interface NativeProgress {
  /** Steps that are done, and all steps. */
  now(): number[]
}

/** A running export. */
export interface NativeExport {
  next(): Promise<{ lines: Buffer; documents: number } | null>
  finish(): Promise<void>
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
    open(path: string, optionsJson: string, progress?: NativeProgress): Promise<NativeDatabase> | NativeDatabase
    verify(path: string, progress?: NativeProgress): Promise<string>
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
}

let loaded: Native | undefined

/** The addon, loaded at first use. */
export function native(): Native {
  return (loaded ??= loadAddon() as Native)
}

interface NativeFailure {
  kind: string
  message: string
  path?: string
  file?: string
  offset?: number
  pid?: number
}

/** The failure of a rejected native promise: its message is JSON. */
export function failureOf(error: unknown): NativeFailure {
  const message = error instanceof Object && 'message' in error ? String(error.message) : String(error)
  try {
    const failure = JSON.parse(message) as Partial<NativeFailure>
    if (typeof failure.kind === 'string' && typeof failure.message === 'string') return failure as NativeFailure
  } catch {
    // Not one of ours; reported as INTERNAL below.
  }
  return { kind: 'INTERNAL', message }
}

// The native addon: its exports (docs/boundary.md), and how it is found.

import { readFileSync } from 'node:fs'
import { arch, platform } from 'node:process'

import { MoltenError } from '../errors.js'

/** A database on the native side; its async methods run on the core's threads. */
export interface NativeDatabase {
  readonly handle: number
  describe(): string
  flush(): Promise<void>
  /** Returns undefined where closing did not block. */
  close(): Promise<void> | void
  stats(): Promise<string>
  compact(ticket: number): Promise<string>
  backup(destination: string, ticket: number): Promise<string>
  stop(ticket: number): void
  interrupt(): void
  exportLines(collections: string[] | null): NativeExport
  importLines(batch: number, ifExists: string): NativeImport
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
  NativeDatabase: {
    /** A database in memory is returned without a promise. */
    open(path: string, optionsJson: string): Promise<NativeDatabase> | NativeDatabase
    verify(path: string): Promise<string>
  }
  openPort(wake: () => void, hold: () => void): number
  setBuffers(port: number, request: Uint8Array, result: Uint8Array): void
  collection(port: number, database: number, name: string): number
  releaseCollection(port: number, handle: number): void
  submit(port: number, length: number): number
  take(port: number): number
  cancel(port: number, ticket: number): void
  hasBegun(port: number, ticket: number): boolean
  pointReads(port: number): () => number | string
  call(port: number, length: number): void
  closePort(port: number): void
  closeAll(): void
}

let loaded: Native | undefined

/** The addon, loaded at first use. */
export function native(): Native {
  return (loaded ??= load())
}

function load(): Native {
  const target = targetName()
  const tried = [`./moltendb-node.${target}.node`, `moltendb-node-${target}`]
  const reasons: string[] = []
  for (const name of tried) {
    try {
      return require(name) as Native
    } catch (error) {
      const reason = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error)
      reasons.push(`${name}: ${reason}`)
    }
  }
  throw new MoltenError(
    'NOT_SUPPORTED',
    `moltendb-node found no binary for ${target}. It looked for ${reasons.join('; ')}. ` +
      `Install it with optional dependencies (npm install --include=optional), on this platform and libc, ` +
      `or build it in a checkout of moltendb-node with Rust: npm run build`
  )
}

/** The name of this platform's package: system, processor and, on Linux, C library. */
function targetName(): string {
  if (platform === 'linux') return `linux-${arch}-${isMusl() ? 'musl' : 'gnu'}`
  if (platform === 'win32') return `win32-${arch}-msvc`
  return `${platform}-${arch}`
}

function isMusl(): boolean {
  try {
    return readFileSync('/usr/bin/ldd', 'latin1').includes('musl')
  } catch {
    const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
    return header.glibcVersionRuntime === undefined
  }
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

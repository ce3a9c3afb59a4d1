// What an import could not take: the first records in its result, all of them in a file; and what it did with each collection.

import { closeSync, existsSync, openSync, writeSync } from 'node:fs'

import { MoltenError, type MoltenErrorKind } from '../errors.js'
import type { ImportedCollection, ImportFileResult, ImportFormat, RejectedRecord } from '../types/index.js'

/** How many a result lists. */
const LISTED = 100

/** Where a record is in its file. */
export interface Place {
  file: string
  line: number
  offset: number | null
  length: number
  /** Its bytes, for the file of rejects; none where they are not kept. */
  bytes?: Uint8Array
}

/** Why a record cannot be taken. */
export interface Reason {
  kind: MoltenErrorKind
  message: string
  path?: string
  code?: number
  codeName?: string
}

export class Report {
  readonly #rejected: RejectedRecord[] = []
  readonly #collections = new Map<string, ImportedCollection>()
  readonly #notes = new Set<string>()
  #count = 0
  #file: number | undefined

  constructor(private readonly where: string, private readonly rejects: string | undefined) {
    if (rejects !== undefined && existsSync(rejects)) throw new MoltenError('IO', `${where}: ${rejects} is there already; name another file for what is rejected`, { file: rejects })
  }

  get rejected(): number {
    return this.#count
  }

  total(of: 'imported' | 'skipped'): number {
    let sum = 0
    for (const collection of this.#collections.values()) sum += collection[of]
    return sum
  }

  /** The counts of a collection. */
  of(database: string, collection: string): ImportedCollection {
    const name = `${database}\0${collection}`
    const found = this.#collections.get(name) ?? { database, collection, imported: 0, skipped: 0, rejected: 0, indexes: 0 }
    this.#collections.set(name, found)
    return found
  }

  /** Something that is not as it was. */
  note(text: string): void {
    this.#notes.add(text)
  }

  /** Lists a record, and keeps it in the file. */
  reject({ file, line, offset, length, bytes }: Place, { message, path }: Reason, of: ImportedCollection | undefined): void {
    const entry: RejectedRecord = { file, ...(of && { collection: of.collection }), line, offset, length, ...(path !== undefined && { path }), reason: message }
    this.#count += 1
    if (of) of.rejected += 1
    if (this.#rejected.length < LISTED) this.#rejected.push(entry)
    if (this.rejects === undefined) return
    try {
      // Made only when there is something to keep.
      this.#file ??= openSync(this.rejects, 'wx', 0o600)
      writeSync(this.#file, `${JSON.stringify({ ...entry, ...(bytes && contentOf(bytes)) })}\n`)
    } catch (error) {
      const cause = error as NodeJS.ErrnoException
      throw new MoltenError(cause.code === 'ENOSPC' ? 'STORAGE_FULL' : 'IO', `${this.where}: what is left out cannot be kept in ${this.rejects}: ${cause.message}`, { file: this.rejects, cause })
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  result(format: ImportFormat): ImportFileResult {
    const collections = [...this.#collections.values()]
    return {
      format, imported: this.total('imported'), skipped: this.total('skipped'), rejectedRecords: this.#count, rejected: this.#rejected,
      indexes: collections.reduce((sum, { indexes }) => sum + indexes, 0), collections, notes: [...this.#notes]
    }
  }
}

/** The bytes as text, where they are text. */
function contentOf(bytes: Uint8Array): { text: string } | { base64: string } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const text = buffer.toString('utf8')
  return Buffer.from(text).equals(buffer) && !text.includes('\0') ? { text } : { base64: buffer.toString('base64') }
}

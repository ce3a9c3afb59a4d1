// One import: its options, its collections and what it could not take. Records of each collection are sent to the core together.

import { createHash } from 'node:crypto'
import { basename } from 'node:path'

import { checkCollectionName } from '../arguments/arguments.js'
import { IMPORT_PIECE_BYTES } from '../arguments/limits.js'
import { coreName, otherDatabase } from '../arguments/namespace.js'
import type { Connection } from '../connection/connection.js'
import { StreamLimit } from '../connection/deadline.js'
import { errorOfNative } from '../connection/failures.js'
import { MoltenError, type MoltenErrorKind } from '../errors.js'
import type { NativeImport } from '../transport/native.js'
import type { Document, ImportedCollection, ImportFileOptions } from '../types/index.js'
import { type Place, type Reason, Report } from './report.js'
import { Source } from './source.js'

export const WHERE = 'Database.importFile'
const BREAK = Buffer.from('\n')
/** Errors that no other record would avoid. */
const OF_FILES: ReadonlySet<MoltenErrorKind> = new Set(['CLOSED', 'READ_ONLY', 'STORAGE_POISONED', 'STORAGE_FULL', 'IO', 'INTERNAL'])

/** What an import needs of a database, beside the core. */
export interface Home {
  readonly databaseName: string
  sibling(name: string): Home
  collection(name: string): { createIndex(key: never, options: never): Promise<unknown> }
  createCollection(name: string, options: Document): Promise<unknown>
  listCollections(filter: Document, options: { nameOnly: true }): { toArray(): Promise<{ name: string; type?: string }[]> }
}

/** The options of an import that were checked. */
export type Plan = ImportFileOptions & { ifExists: 'error' | 'replace' | 'skip'; onError: 'stop' | 'skip'; batchSize: number }

export class Work {
  readonly report: Report
  readonly limit: StreamLimit
  readonly #targets = new Map<string, Target>()
  #bytes = 0
  #total = 0

  constructor(readonly connection: Connection, readonly home: Home, readonly plan: Plan, rejects: string | undefined) {
    this.report = new Report(WHERE, rejects)
    this.limit = new StreamLimit(WHERE, plan)
  }

  /** The bytes of the files that will be read. */
  expect(bytes: number): void {
    this.#total += bytes
  }

  source(path: string): Source {
    return new Source(path, (bytes) => {
      this.#bytes += bytes
      this.limit.check()
    })
  }

  told(): void {
    const { report, plan } = this
    plan.onProgress?.({ imported: report.total('imported'), skipped: report.total('skipped'), rejected: report.rejected, bytes: this.#bytes, totalBytes: Math.max(this.#total, this.#bytes) })
  }

  /** Whether a collection of the file is wanted. */
  wants(collection: string): boolean {
    return this.plan.collections?.includes(collection) ?? true
  }

  /** Where the documents of a collection go; by its name in the file, which may not be one here. */
  async target(file: string, name: string, { home = this.home, bson = false } = {}): Promise<Target> {
    const key = `${home.databaseName}\0${name}`
    const known = this.#targets.get(key)
    if (known) return known
    const fault = faultOf(name)
    if (fault !== undefined) {
      // Each of its documents is told as one that cannot be taken.
      const refusing = new Target(this, undefined, this.report.of(home.databaseName, name), bson, fault)
      this.#targets.set(key, refusing)
      return refusing
    }
    const [there] = await home.listCollections({ name }, { nameOnly: true }).toArray()
    if (there?.type === 'view') throw new MoltenError('NOT_SUPPORTED', `${WHERE}: ${name} is a view, which holds no documents; name another collection`)
    const { batchSize, ifExists, onError, idField } = this.plan
    // The file by its name alone: the same file in another place is the same.
    const seed = createHash('sha256').update(`${basename(file)}\0${name}`).digest().subarray(0, 10)
    const details = { bson, goesOn: onError === 'skip', seed, ...(idField !== undefined && { idField }) }
    this.connection.checkOpen(WHERE)
    let native: NativeImport
    try {
      const { databaseName } = home
      const database = databaseName === this.connection.database.name ? this.connection.database : otherDatabase(databaseName)
      native = this.connection.native.importLines(coreName(database), batchSize, ifExists, name, details)
    } catch (error) {
      throw errorOfNative(WHERE, error)
    }
    const made = new Target(this, native, this.report.of(home.databaseName, name), bson)
    this.#targets.set(key, made)
    return made
  }

  /** A record that no core has seen: it ends the import, after all before it, or is left out. */
  async reject(place: Place, message: string, of?: ImportedCollection, kind: MoltenErrorKind = 'BAD_DOCUMENT'): Promise<void> {
    if (this.plan.onError === 'skip') return this.report.reject(place, { kind, message }, of)
    await this.flush()
    this.refuse(place, { kind, message })
  }

  /** Ends the import with this record. */
  refuse(place: Place, { kind, message, ...details }: Reason): never {
    const imported = this.report.total('imported')
    const kept = `${imported} ${imported === 1 ? 'document' : 'documents'} before it ${imported === 1 ? 'is' : 'are'} imported`
    const advice = this.plan.onError === 'stop' && !OF_FILES.has(kind) ? "; onError: 'skip' leaves such records out" : ''
    throw new MoltenError(kind, `${WHERE}: ${place.file}, ${placeText(place)}: ${message}; ${kept}${advice}`, { ...details, file: place.file, line: place.line, ...(place.offset !== null && { offset: place.offset }) })
  }

  /** Sends all that waits. */
  async flush(): Promise<void> {
    for (const target of this.#targets.values()) await target.flush()
  }
}

/** Why no collection can have a name; nothing if one can. */
export function faultOf(name: string): string | undefined {
  try {
    checkCollectionName(WHERE, name, 'the collection')
    return undefined
  } catch (error) {
    return (error as Error).message.replace(`${WHERE}: `, '')
  }
}

function placeText({ file, line }: Place): string {
  return /\.bson(\.gz)?$|\.archive|#/.test(file) ? `document ${line}` : `line ${line}`
}

interface Taken {
  imported: number
  skipped: number
  lines: number
  bytes: number
  rejected: Fault[]
  failure: Fault | null
}

type Fault = Reason & { line: number; offset: number; length: number }

/** The records of one collection that wait to be sent. */
export class Target {
  #parts: (string | Uint8Array)[] = []
  #places: Place[] = []
  #bytes = 0

  constructor(private readonly work: Work, private readonly native: NativeImport | undefined, readonly counts: ImportedCollection, private readonly isBson: boolean, readonly fault?: string) {}

  /** Adds a record; true when those that wait are to be sent. */
  add(record: string | Uint8Array, place: Place): boolean {
    if (this.isBson) this.#parts.push(record)
    else if (typeof record === 'string') this.#parts.push(`${record}\n`)
    else this.#parts.push(record, BREAK)
    this.#places.push(place)
    this.#bytes += record.length + 1
    return this.#bytes >= IMPORT_PIECE_BYTES
  }

  /** A record that cannot be taken: its number is used, so that the `_id`s of those behind it do not depend on it. */
  async reject(place: Place, message: string): Promise<void> {
    await this.work.reject(place, message, this.counts)
    if (!this.isBson && this.add('', place)) await this.flush()
  }

  /** Sends what waits. */
  async flush(): Promise<void> {
    const { work, counts } = this
    let places = this.#places
    let text = joined(this.#parts)
    this.#parts = []
    this.#places = []
    this.#bytes = 0
    const { native } = this
    if (native === undefined) {
      const reason: Reason = { kind: 'BAD_DOCUMENT', message: this.fault! }
      for (const place of places) {
        if (work.plan.onError === 'stop') work.refuse(place, reason)
        work.report.reject(place, reason, counts)
      }
      return
    }
    while (text.length > 0) {
      const done = JSON.parse(await work.connection.step(WHERE, () => native.lines(text))) as Taken
      counts.imported += done.imported
      counts.skipped += done.skipped
      for (const { line, offset: _offset, length: _length, ...reason } of done.rejected.toSorted((a, b) => a.line - b.line)) work.report.reject(places[line - 1]!, reason, counts)
      if (done.failure) {
        const { line, offset: _offset, length: _length, ...reason } = done.failure
        work.refuse(places[line - 1]!, reason)
      }
      text = text.subarray(done.bytes)
      places = places.slice(done.lines)
      work.told()
      work.limit.check()
    }
  }
}

function joined(parts: readonly (string | Uint8Array)[]): Uint8Array {
  if (parts.every((part) => typeof part === 'string')) return Buffer.from(parts.join(''))
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
}

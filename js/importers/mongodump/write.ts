// Writes a database as mongodump does: a directory, or an archive. All documents are those of one moment.

import { randomBytes } from 'node:crypto'
import { createWriteStream, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { finished, pipeline } from 'node:stream/promises'
import { createGzip, gzipSync } from 'node:zlib'

import { coreName, type DatabaseName } from '../../arguments/namespace.js'
import { abortable } from '../../connection/abort.js'
import type { Connection } from '../../connection/connection.js'
import { StreamLimit } from '../../connection/deadline.js'
import { errorOfNative } from '../../connection/failures.js'
import { MoltenError } from '../../errors.js'
import type { NativeExport } from '../../transport/native.js'
import type { Document, ExportMongodumpOptions, ExportMongodumpResult } from '../../types/index.js'
import { Crc64, writeHead } from './bson.js'

const WHERE = 'Database.exportMongodump'
const MARK = Buffer.from([0xff, 0xff, 0xff, 0xff])
const MAGIC = Buffer.from([0x6d, 0xe2, 0x99, 0x81])
declare const PACKAGE_VERSION: string

/** What a dump needs of a database, beside the core. */
export interface Dumped {
  readonly databaseName: string
  sibling(name: string): Dumped
  listDatabases(options: { nameOnly: true }): Promise<{ databases: { name: string }[] }>
  listCollections(): { toArray(): Promise<{ name: string; type?: string; options?: Document }[]> }
  collection(name: string): { indexes(): Promise<unknown[]> }
}

/** A collection or a view, as the dump names it. */
interface Part {
  db: string
  collection: string
  isView: boolean
  metadata: string
}

export async function writeDump(connection: Connection, database: DatabaseName, home: Dumped, path: string, options: ExportMongodumpOptions): Promise<ExportMongodumpResult> {
  const { archive = false, gzip = false, collections, allDatabases = false, signal } = options
  connection.checkOpen(WHERE)
  signal?.throwIfAborted()
  if (existsSync(path)) throw new MoltenError('IO', `${WHERE}: ${path} exists; name another one`, { file: path })
  const limit = new StreamLimit(WHERE, options)
  const partial = `${resolve(path)}.partial-${randomBytes(4).toString('hex')}`
  let running: NativeExport | undefined
  const result: ExportMongodumpResult = { collections: 0, documents: 0, bytes: 0 }
  let sink: Archive | Folder | undefined
  try {
    try {
      // The moment of the dump is this one: what is listed next may only be newer.
      running = connection.native.exportLines(allDatabases ? null : coreName(database), collections === undefined ? null : [...collections], true)
    } catch (error) {
      throw errorOfNative(WHERE, error)
    }
    const first = await connection.step(WHERE, () => running!.next())
    const parts = await partsOf(home, allDatabases, collections)
    result.collections = parts.length
    sink = archive ? new Archive(partial, gzip, parts) : new Folder(partial, gzip, parts)
    await abortable(sink.begin(), limit.signal)
    for (let piece = first; piece !== null; piece = await connection.step(WHERE, () => running!.next())) {
      const { lines, documents, database: name = '', collection = '' } = piece
      await abortable(sink.add(name === '' ? connection.database.name : name, collection, lines), limit.signal)
      result.documents += documents
      result.bytes += lines.length
      options.onProgress?.({ documents: result.documents, bytes: result.bytes })
      limit.check()
    }
    await abortable(sink.end(), limit.signal)
    renameSync(partial, path)
    return result
  } catch (error) {
    sink?.destroy()
    rmSync(partial, { recursive: true, force: true })
    if (limit.signal?.aborted) throw limit.signal.reason
    throw ioError(path, error)
  } finally {
    limit.end()
    await running?.finish()
  }
}

function ioError(path: string, error: unknown): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException
  if (MoltenError.isMoltenError(error) || syscall === undefined) return error
  return new MoltenError(code === 'ENOSPC' ? 'STORAGE_FULL' : 'IO', `${WHERE}: cannot write ${path}: ${message}`, { file: path, cause: error })
}

async function partsOf(home: Dumped, allDatabases: boolean, collections: readonly string[] | undefined): Promise<Part[]> {
  const databases = allDatabases ? (await home.listDatabases({ nameOnly: true })).databases.map(({ name }) => name) : [home.databaseName]
  const parts: Part[] = []
  for (const db of databases) {
    const one = db === home.databaseName ? home : home.sibling(db)
    for (const { name, type, options = {} } of await one.listCollections().toArray()) {
      if (collections !== undefined && !collections.includes(name)) continue
      const isView = type === 'view'
      const indexes = isView ? [] : await one.collection(name).indexes()
      const metadata = { indexes, options, collectionName: name, type: isView ? 'view' : 'collection' }
      parts.push({ db, collection: name, isView, metadata: JSON.stringify(canonical(metadata, true)) })
    }
  }
  return parts
}

/** A value in canonical Extended JSON, which is what mongorestore reads. The names of the outer object stay plain texts. */
function canonical(value: unknown, isWhole = false): unknown {
  if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? { $numberInt: String(value) } : { $numberDouble: String(value) }
  if (typeof value === 'bigint') return { $numberLong: String(value) }
  if (value instanceof Date) return { $date: { $numberLong: String(value.getTime()) } }
  if (value instanceof RegExp) return { $regularExpression: { pattern: value.source, options: value.flags.replace(/[^ims]/g, '') } }
  if (value instanceof Uint8Array) return { $binary: { base64: Buffer.from(value).toString('base64'), subType: '00' } }
  if (Array.isArray(value)) return value.map((element) => canonical(element))
  if (typeof value !== 'object' || value === null) return value
  const hex = (value as { toHexString?: unknown }).toHexString
  if (typeof hex === 'function' && !isWhole) return { $oid: (value as { toHexString(): string }).toHexString() }
  return Object.fromEntries(Object.entries(value).filter(([, content]) => content !== undefined).map(([key, content]) => [key, canonical(content)]))
}

/** A file that is written piece by piece, compressed if it is to be. */
class Out {
  readonly #stream
  readonly #head
  readonly #done: Promise<void>

  constructor(path: string, gzip: boolean) {
    this.#stream = createWriteStream(path, { flags: 'wx', flush: true, mode: 0o600 })
    this.#head = gzip ? createGzip() : this.#stream
    this.#done = gzip ? pipeline(this.#head as NodeJS.ReadWriteStream, this.#stream) : finished(this.#stream)
    // Told by write and end.
    this.#done.catch(() => {})
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#head.write(bytes)) return
    await Promise.race([new Promise<void>((drained) => { this.#head.once('drain', () => drained()) }), this.#done])
  }

  async end(): Promise<void> {
    this.#head.end()
    await this.#done
  }

  destroy(): void {
    this.#head.destroy()
    this.#stream.destroy()
  }
}

/** A directory for each database, with two files for each collection. */
class Folder {
  #current: { name: string; out: Out } | undefined
  readonly #begun = new Set<string>()

  constructor(private readonly path: string, private readonly gzip: boolean, private readonly parts: readonly Part[]) {}

  async begin(): Promise<void> {
    mkdirSync(this.path, { mode: 0o700 })
    for (const { db, collection, metadata } of this.parts) {
      mkdirSync(join(this.path, fileName(db)), { recursive: true, mode: 0o700 })
      const text = Buffer.from(metadata)
      await writeFile(this.#file(db, collection, 'metadata.json'), this.gzip ? gzipSync(text) : text, { flag: 'wx', flush: true, mode: 0o600 })
    }
  }

  #file(db: string, collection: string, ending: string): string {
    return join(this.path, fileName(db), `${fileName(collection)}.${ending}${this.gzip ? '.gz' : ''}`)
  }

  async add(db: string, collection: string, bytes: Uint8Array): Promise<void> {
    const name = this.#file(db, collection, 'bson')
    if (this.#current?.name !== name) {
      await this.#current?.out.end()
      mkdirSync(join(this.path, fileName(db)), { recursive: true, mode: 0o700 })
      this.#current = { name, out: new Out(name, this.gzip) }
      this.#begun.add(name)
    }
    await this.#current.out.write(bytes)
  }

  async end(): Promise<void> {
    await this.#current?.out.end()
    for (const { db, collection, isView } of this.parts) {
      const name = this.#file(db, collection, 'bson')
      if (!isView && !this.#begun.has(name)) await writeFile(name, this.gzip ? gzipSync('') : '', { flag: 'wx', flush: true, mode: 0o600 })
    }
  }

  destroy(): void {
    this.#current?.out.destroy()
  }
}

/** The name of a collection as that of a file. */
function fileName(name: string): string {
  return encodeURIComponent(name).replace(/^\.+$/, (dots) => dots.replaceAll('.', '%2E'))
}

/** One file: its collections first, then their documents, each collection as a block with a checksum. */
class Archive {
  readonly #out: Out
  #current: { db: string; collection: string } | undefined
  #crc = new Crc64()
  readonly #ended = new Set<string>()

  constructor(path: string, gzip: boolean, private readonly parts: readonly Part[]) {
    this.#out = new Out(path, gzip)
  }

  async begin(): Promise<void> {
    await this.#out.write(MAGIC)
    await this.#out.write(writeHead({ concurrent_collections: 1, version: '0.1', server_version: '8.0.0', tool_version: `moltendb-node ${PACKAGE_VERSION}` }))
    for (const { db, collection, isView, metadata } of this.parts) await this.#out.write(writeHead({ db, collection, metadata, size: 0, type: isView ? 'view' : 'collection' }))
    await this.#out.write(MARK)
  }

  async add(db: string, collection: string, bytes: Uint8Array): Promise<void> {
    if (this.#current?.db !== db || this.#current.collection !== collection) {
      await this.#finish()
      this.#current = { db, collection }
      this.#crc = new Crc64()
      await this.#out.write(writeHead({ db, collection, EOF: false, CRC: 0n }))
    }
    this.#crc.add(bytes)
    await this.#out.write(bytes)
  }

  async #finish(): Promise<void> {
    if (this.#current === undefined) return
    await this.#out.write(MARK)
    await this.#eof(this.#current.db, this.#current.collection, this.#crc.value)
    this.#current = undefined
  }

  async #eof(db: string, collection: string, crc: bigint): Promise<void> {
    this.#ended.add(`${db}\0${collection}`)
    await this.#out.write(writeHead({ db, collection, EOF: true, CRC: crc }))
    await this.#out.write(MARK)
  }

  async end(): Promise<void> {
    await this.#finish()
    // A collection without documents ends too, and so does a view: a reader waits for each.
    for (const { db, collection } of this.parts) if (!this.#ended.has(`${db}\0${collection}`)) await this.#eof(db, collection, 0n)
    await this.#out.end()
  }

  destroy(): void {
    this.#out.destroy()
  }
}

// Export and import of documents as lines of JSON. The core writes and parses the lines; this file moves the bytes.

import { checkCollectionName, countOf, flagOf, shown, wrongArgument } from '../arguments/arguments.js'
import { IMPORT_BATCH, IMPORT_PIECE_BYTES, MAX_IMPORT_BATCH, MAX_LINE_BYTES } from '../arguments/limits.js'
import { coreName, type DatabaseName } from '../arguments/namespace.js'
import { optionsOf } from '../arguments/option-check.js'
import { DATABASE } from '../arguments/option-table.js'
import { abortable } from '../connection/abort.js'
import type { Connection } from '../connection/connection.js'
import { StreamLimit } from '../connection/deadline.js'
import { errorOfNative } from '../connection/failures.js'
import { writeAll } from '../cursor/streams.js'
import { MoltenError, type MoltenErrorKind } from '../errors.js'
import type { NativeExport } from '../transport/native.js'
import type { ExportOptions, ExportResult, ImportOptions, ImportResult, ImportSource } from '../types/index.js'

const NEWLINE = 10
/** The byte order mark of UTF-8. */
const MARK = Buffer.from([0xef, 0xbb, 0xbf])

/** Writes the lines of an export and ends the stream. */
export function exportLines(connection: Connection, database: DatabaseName, writable: unknown, given: ExportOptions | undefined): Promise<ExportResult> {
  return connection.told('Database.exportJSONL', given?.signal, () => exportAll(connection, database, writable, given))
}

async function exportAll(connection: Connection, database: DatabaseName, writable: unknown, given: ExportOptions | undefined): Promise<ExportResult> {
  const where = 'Database.exportJSONL'
  const options = optionsOf<ExportOptions>(where, given, DATABASE.exportJSONL)
  const { collections, onProgress, signal } = options
  const from = flagOf(where, 'allDatabases', options.allDatabases) ? null : coreName(database)
  const stream = writable as { write?: unknown; on?: unknown; getWriter?: unknown } | null | undefined
  // A Buffer also has a method write.
  const isNodeStream = typeof stream?.write === 'function' && typeof stream.on === 'function'
  if (!isNodeStream && typeof stream?.getWriter !== 'function') {
    throw wrongArgument(where, 'writable', 'a writable stream', writable)
  }
  // Node.js would reject an internal promise that is not awaited, and never settle ours.
  if (!isNodeStream && (stream as { locked?: unknown }).locked === true) {
    throw new TypeError(`${where}: writable is locked to another writer; release it first`)
  }
  let names: string[] | null = null
  if (collections !== undefined) {
    if (!Array.isArray(collections)) throw wrongArgument(where, 'option collections', 'an array of names', collections)
    names = []
    for (const name of collections as unknown[]) {
      checkCollectionName(where, name)
      names.push(name)
    }
  }
  connection.checkOpen(where)
  signal?.throwIfAborted()
  const progress: ExportResult = { documents: 0, bytes: 0 }
  const lines = begin(where, () => connection.native.exportLines(from, names))
  const limit = new StreamLimit(where, options)
  try {
    const source = pieces(connection, where, lines, progress, onProgress)
    // A web stream that waits is not given up by the signal alone.
    await abortable(writeAll(source, stream as NodeJS.WritableStream, limit.signal), limit.signal)
  } catch (error) {
    throw limit.signal?.aborted ? limit.signal.reason : error
  } finally {
    limit.end()
    await lines.finish()
  }
  return progress
}

async function* pieces(
  connection: Connection, where: string, lines: NativeExport, progress: ExportResult, onProgress: ExportOptions['onProgress']
): AsyncGenerator<Buffer, void, void> {
  for (;;) {
    const piece = await connection.step(where, () => lines.next())
    if (piece === null) return
    yield piece.lines
    progress.documents += piece.documents
    progress.bytes += piece.lines.length
    onProgress?.({ ...progress })
  }
}

interface Imported extends ImportResult {
  failure: { line: number; kind: MoltenErrorKind; message: string; code?: number; codeName?: string; path?: string } | null
}

/** Reads lines and sends them to the core, piece by piece. */
export function importLines(connection: Connection, database: DatabaseName, readable: ImportSource, given: ImportOptions | undefined): Promise<ImportResult> {
  return connection.told('Database.importJSONL', given?.signal, () => importAll(connection, database, readable, given))
}

async function importAll(connection: Connection, database: DatabaseName, readable: ImportSource, given: ImportOptions | undefined): Promise<ImportResult> {
  const where = 'Database.importJSONL'
  const options = optionsOf<ImportOptions>(where, given, DATABASE.importJSONL)
  const { collection = null, ifExists = 'error', onProgress, signal } = options
  if (collection !== null) checkCollectionName(where, collection, 'option collection')
  if (ifExists !== 'error' && ifExists !== 'replace' && ifExists !== 'skip') {
    throw wrongArgument(where, 'option ifExists', "'error', 'replace' or 'skip'", ifExists)
  }
  const batch = options.batchSize === undefined ? IMPORT_BATCH : countOf(where, 'option batchSize', options.batchSize)
  if (batch < 1 || batch > MAX_IMPORT_BATCH) throw wrongArgument(where, 'option batchSize', `1 to ${MAX_IMPORT_BATCH}`, batch)
  const iterator = iteratorOf(where, readable)
  connection.checkOpen(where)
  signal?.throwIfAborted()
  const lines = begin(where, () => connection.native.importLines(coreName(database), batch, ifExists, collection))
  const progress: ImportResult = { imported: 0, skipped: 0, lines: 0 }
  const flush = async (text: Uint8Array): Promise<void> => {
    const done = JSON.parse(await connection.step(where, () => lines.lines(text))) as Imported
    const before = progress.lines
    progress.imported += done.imported
    progress.skipped += done.skipped
    progress.lines += done.lines
    if (done.failure) throw failed(where, before, done.failure, progress)
    onProgress?.({ ...progress })
    limit.check()
  }
  const limit = new StreamLimit(where, options)
  const pending = new Lines(where, () => progress.lines)
  let ended = false
  try {
    for (;;) {
      const step = await abortable(Promise.resolve(iterator.next()), limit.signal)
      if (step.done) break
      limit.check()
      const text = pending.add(step.value)
      if (text) await flush(text)
    }
    ended = true
    const rest = pending.end()
    if (rest.length > 0) await flush(rest)
  } finally {
    limit.end()
    // The source is closed without waiting: a hanging source must not delay the rejection.
    if (!ended) {
      Promise.resolve(iterator.return?.()).catch(() => {})
      if (isNodeReadable(readable)) readable.destroy()
    }
  }
  return progress
}

/** Joins pieces of text until they hold enough whole lines. */
class Lines {
  #chunks: Uint8Array[] = []
  #bytes = 0
  /** The end of the last line of all chunks; 0 when there is none. */
  #whole = 0
  #surrogate = ''
  /** The start of the source as long as it may be part of a byte order mark; undefined once the start was read. */
  #head: Uint8Array | undefined = new Uint8Array()

  constructor(private readonly where: string, private readonly read: () => number) {}

  /** Adds a piece; returns whole lines once there are enough of them. */
  add(piece: unknown): Uint8Array | undefined {
    const chunk = this.#withoutMark(this.#bytesOf(piece))
    if (chunk.length === 0) return undefined
    const newline = chunk.lastIndexOf(NEWLINE)
    if (newline >= 0) this.#whole = this.#bytes + newline + 1
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes < IMPORT_PIECE_BYTES) return undefined
    if (this.#whole === 0) {
      if (this.#bytes <= MAX_LINE_BYTES) return undefined
      const message = `${this.where}: a line after line ${this.read()} is longer than ${MAX_LINE_BYTES >> 20} MiB; a document has at most 16 MiB`
      throw new MoltenError('LIMIT', message, { line: this.read() + 1 })
    }
    const all = Buffer.concat(this.#chunks, this.#bytes)
    const whole = all.subarray(0, this.#whole)
    this.#keep(all.subarray(this.#whole))
    return whole
  }

  /** The rest of the text; its last line may lack a newline. */
  end(): Uint8Array {
    const all = Buffer.concat([this.#head ?? new Uint8Array(), ...this.#chunks, Buffer.from(this.#surrogate)])
    this.#keep(new Uint8Array())
    return all
  }

  #keep(rest: Uint8Array): void {
    this.#chunks = rest.length > 0 ? [Buffer.from(rest)] : []
    this.#bytes = rest.length
    this.#whole = 0
  }

  /** Removes a byte order mark, which editors put at the start of a file, even when it comes in pieces. */
  #withoutMark(chunk: Uint8Array): Uint8Array {
    if (this.#head === undefined || chunk.length === 0) return chunk
    const head = Buffer.concat([this.#head, chunk])
    const length = Math.min(head.length, MARK.length)
    const isMark = MARK.subarray(0, length).equals(head.subarray(0, length))
    if (isMark && length < MARK.length) {
      this.#head = head
      return new Uint8Array()
    }
    this.#head = undefined
    return isMark ? head.subarray(MARK.length) : head
  }

  #bytesOf(piece: unknown): Uint8Array {
    if (piece instanceof Uint8Array || Buffer.isBuffer(piece)) return piece
    if (typeof piece !== 'string') throw new TypeError(`${this.where}: the source must give bytes or text, not ${shown(piece)}`)
    // A surrogate pair may be split.
    const text = this.#surrogate + piece
    const last = text.charCodeAt(text.length - 1)
    const cut = last >= 0xd800 && last < 0xdc00
    this.#surrogate = cut ? text.slice(-1) : ''
    return Buffer.from(cut ? text.slice(0, -1) : text)
  }
}

function failed(where: string, before: number, failure: NonNullable<Imported['failure']>, progress: ImportResult): MoltenError {
  const { kind, message, line: within, ...details } = failure
  const line = before + within
  const kept = `${progress.imported} ${progress.imported === 1 ? 'document' : 'documents'} of the lines before it ${progress.imported === 1 ? 'is' : 'are'} imported`
  return new MoltenError(kind, `${where}: line ${line}: ${message}; ${kept}`, { ...details, line })
}

function iteratorOf(where: string, readable: ImportSource): AsyncIterator<unknown> | Iterator<unknown> {
  const source = readable as Partial<AsyncIterable<unknown> & Iterable<unknown> & ReadableStream<unknown>> | null | undefined
  if (typeof source === 'object' && source !== null) {
    if (typeof source.getReader === 'function') return chunksOf(source.getReader())
    if (typeof source[Symbol.asyncIterator] === 'function') return source[Symbol.asyncIterator]!()
    if (typeof source[Symbol.iterator] === 'function' && !(source instanceof Uint8Array)) return source[Symbol.iterator]!()
  }
  throw wrongArgument(where, 'readable', 'a readable stream or an iterable of bytes or text', readable)
}

/** Whether this is a stream of Node.js. Its iterator does not end while a read is pending, so the stream itself is destroyed. */
function isNodeReadable(source: unknown): source is NodeJS.ReadableStream & { destroy(): void } {
  const { on, read, destroy } = source as { on?: unknown; read?: unknown; destroy?: unknown }
  return typeof on === 'function' && typeof read === 'function' && typeof destroy === 'function'
}

/** The chunks of a web stream. Its own iterator would not cancel the stream while a read is pending. */
function chunksOf(reader: ReadableStreamDefaultReader<unknown>): AsyncIterator<unknown> {
  return {
    async next() {
      const step = await reader.read()
      if (!step.done) return step
      reader.releaseLock()
      return { done: true, value: undefined }
    },
    async return() {
      await reader.cancel()
      return { done: true, value: undefined }
    }
  }
}

function begin<T>(where: string, start: () => T): T {
  try {
    return start()
  } catch (error) {
    throw errorOfNative(where, error)
  }
}

// The archive of mongodump: one file in which the documents of several collections may alternate, in blocks that end with a mark.

import { MoltenError } from '../../errors.js'
import type { Place } from '../report.js'
import { type Source, SourceDamage } from '../source.js'
import { type Home, type Target, WHERE, type Work } from '../work.js'
import { Crc64, type Head, readHead } from './bson.js'
import { lengthAt } from './folder.js'
import { createCollection, createIndexes, isOfServer, type Metadata, metadataOf, OWN_DATABASES } from './metadata.js'

/** The first bytes. */
export const MAGIC = Buffer.from([0x6d, 0xe2, 0x99, 0x81])

/** A collection that is read. */
interface Opened {
  target: Target
  home: Home
  metadata: Metadata
  crc: Crc64
  documents: number
  hasEnded: boolean
}

export async function importArchive(work: Work, path: string): Promise<void> {
  const source = work.source(path)
  const blocks = new Blocks(source)
  const opened = new Map<string, Opened>()
  const views: { home: Home; collection: string; metadata: Metadata }[] = []
  const left = new Set<string>()
  try {
    if (!(await blocks.take(4))?.equals(MAGIC)) throw new MoltenError('BAD_DOCUMENT', `${WHERE}: ${path} is no archive of mongodump`, { file: path })
    await blocks.next()
    for (let bytes = await blocks.next(); bytes !== undefined; bytes = await blocks.next()) await prepare(work, path, headOf(bytes), opened, views, left)
    while (await block(work, blocks, opened, left)) work.limit.check()
  } catch (error) {
    if (!(error instanceof SourceDamage)) throw error
    const place: Place = { file: path, line: blocks.documents + 1, offset: source.isCompressed ? null : blocks.offset, length: 0 }
    await work.reject(place, `${error.message}; nothing after it can be read`)
  } finally {
    await blocks.close()
  }
  for (const { target, home, metadata, hasEnded } of opened.values()) {
    await target.flush()
    if (!hasEnded) work.report.note(`${target.counts.collection} does not end in the archive; documents are missing`)
    await createIndexes(work, home, target.counts, metadata)
  }
  for (const { home, collection, metadata } of views) await createCollection(work, home, collection, metadata)
}

const keyOf = ({ db, collection }: Head): string => `${String(db)}\0${String(collection)}`

/** Makes what the head of the archive tells of a collection. */
async function prepare(work: Work, path: string, head: Head, opened: Map<string, Opened>, views: { home: Home; collection: string; metadata: Metadata }[], left: Set<string>): Promise<void> {
  const [db, collection] = [String(head['db']), String(head['collection'])]
  if (db === '' || OWN_DATABASES.has(db) || isOfServer(collection)) {
    work.report.note(`${db === '' ? collection : `${db}.${collection}`}, which a server keeps for itself, was left out`)
    left.add(keyOf(head))
    return
  }
  if (!work.wants(collection)) {
    left.add(keyOf(head))
    return
  }
  const home = db === work.home.databaseName ? work.home : work.home.sibling(db)
  let metadata: Metadata = {}
  try {
    metadata = metadataOf(String(head['metadata'] ?? ''))
  } catch (error) {
    await work.reject({ file: path, line: 1, offset: null, length: 0 }, `the options and indexes of ${collection} cannot be read: ${(error as Error).message}`, work.report.of(db, collection))
  }
  if (metadata.options?.['viewOn'] !== undefined) {
    views.push({ home, collection, metadata })
    left.add(keyOf(head))
    return
  }
  if (await createCollection(work, home, collection, metadata)) {
    left.add(keyOf(head))
    return
  }
  opened.set(keyOf(head), { target: await work.target(path, collection, { home, bson: true }), home, metadata, crc: new Crc64(), documents: 0, hasEnded: false })
}

/** Reads a block: a head, and documents up to the mark. False at the end of the file. */
async function block(work: Work, blocks: Blocks, opened: Map<string, Opened>, left: ReadonlySet<string>): Promise<boolean> {
  const bytes = await blocks.next(true)
  if (bytes === undefined) return false
  const head = headOf(bytes)
  const current = opened.get(keyOf(head))
  if (current === undefined && !left.has(keyOf(head))) throw new SourceDamage(`the collection ${String(head['db'])}.${String(head['collection'])} is not in the head of the archive`)
  for (let document = await blocks.next(); document !== undefined; document = await blocks.next()) {
    if (current === undefined) continue
    current.crc.add(document)
    current.documents += 1
    const place: Place = { file: `${blocks.path}#${current.target.counts.collection}`, line: current.documents, offset: blocks.isCompressed ? null : blocks.offset - document.length, length: document.length, bytes: document }
    if (current.target.add(document, place)) await current.target.flush()
  }
  if (current !== undefined && head['EOF'] === true) {
    current.hasEnded = true
    await current.target.flush()
    if (BigInt(head['CRC'] as bigint) !== current.crc.value) {
      await work.reject({ file: blocks.path, line: current.documents, offset: null, length: 0 }, `the checksum of ${current.target.counts.collection} is wrong: the archive is damaged within its documents`, current.target.counts)
    }
  }
  return true
}

function headOf(bytes: Buffer): Head {
  try {
    return readHead(bytes)
  } catch (error) {
    throw new SourceDamage(`a head cannot be read: ${(error as Error).message}`)
  }
}

/** The documents of an archive. */
class Blocks {
  /** Documents and heads that were read. */
  documents = 0
  /** The byte behind the last one. */
  offset = 0
  readonly #pieces: AsyncGenerator<Buffer, void, void>
  #rest: Buffer = Buffer.alloc(0)

  constructor(private readonly source: Source) {
    this.#pieces = source.pieces()
  }

  get path(): string {
    return this.source.path
  }

  get isCompressed(): boolean {
    return this.source.isCompressed
  }

  /** The next bytes; nothing where the file ends before the first. */
  async take(length: number): Promise<Buffer | undefined> {
    if (this.#rest.length < length) {
      const parts = [this.#rest]
      let size = this.#rest.length
      while (size < length) {
        const { value, done } = await this.#pieces.next()
        if (done) break
        parts.push(value)
        size += value.length
      }
      this.#rest = Buffer.concat(parts)
    }
    if (this.#rest.length === 0) return undefined
    if (this.#rest.length < length) throw new SourceDamage(`the file ends where ${length} bytes should follow, and ${this.#rest.length} do`)
    const taken = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    this.offset += length
    return taken
  }

  /** The next document; nothing at a mark, and, where it may be, at the end of the file. */
  async next(mayEnd = false): Promise<Buffer | undefined> {
    const head = await this.take(4)
    if (head === undefined) {
      if (mayEnd) return undefined
      throw new SourceDamage('the file ends within a block')
    }
    if (head.readInt32LE(0) === -1) {
      if (mayEnd) throw new SourceDamage('a mark stands where a block should begin')
      return undefined
    }
    const length = lengthAt(head, 0)
    const rest = await this.take(length - 4)
    if (rest === undefined) throw new SourceDamage('the file ends within a document')
    this.documents += 1
    return Buffer.concat([head, rest])
  }

  async close(): Promise<void> {
    await this.#pieces.return()
  }
}

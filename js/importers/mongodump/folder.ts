// A directory as mongodump writes it, one below it for each database, or a single file of BSON.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'

import { MoltenError } from '../../errors.js'
import type { Place } from '../report.js'
import { entryAt, type Source, SourceDamage, unreadable } from '../source.js'
import { type Home, type Target, WHERE, type Work } from '../work.js'
import { createCollection, createIndexes, isOfServer, type Metadata, metadataOf, OWN_DATABASES } from './metadata.js'

const BSON = /\.bson(\.gz)?$/
const METADATA = /\.metadata\.json(\.gz)?$/
/** Files beside the databases that hold no collection. */
const OTHERS = new Set(['oplog.bson', 'oplog.bson.gz', 'prelude.json', 'prelude.json.gz'])
/** The longest document, and what tools add to it. */
export const MAX_DOCUMENT = (16 << 20) + (16 << 10)
const MAX_METADATA = 64 << 20

interface Part {
  home: Home
  collection: string
  data?: string
  metadata: Metadata
}

/** A directory of one database goes into this one; of several, each into the one of its name. */
export async function importFolder(work: Work, path: string): Promise<void> {
  const entries = entriesOf(path)
  const parts = entries.some(({ name }) => BSON.test(name) && !OTHERS.has(name)) || entries.some(({ name }) => METADATA.test(name))
    ? await partsOf(work, path, work.home)
    : (await Promise.all(entries.filter(({ name, isDirectory }) => isDirectory && holdsCollections(join(path, name))).map(({ name }) => {
      if (!OWN_DATABASES.has(name)) return partsOf(work, join(path, name), name === work.home.databaseName ? work.home : work.home.sibling(name))
      work.report.note(`the database ${name}, which a server keeps for itself, was left out`)
      return []
    }))).flat()
  if (entries.some(({ name }) => name.startsWith('oplog.bson'))) work.report.note('oplog.bson was left out: what was written while the dump was made is not in it')
  if (parts.length === 0) throw new MoltenError('IO', `${WHERE}: there is no dump in ${path}: neither files of BSON nor directories with such`, { file: path })
  for (const { data } of parts) if (data !== undefined) work.expect(entryAt(WHERE, data).bytes)
  const views: Part[] = []
  for (const part of parts) {
    // A view may need the collections of the others.
    if (part.metadata.options?.['viewOn'] === undefined) await importPart(work, part)
    else views.push(part)
  }
  for (const { home, collection, metadata } of views) await createCollection(work, home, collection, metadata)
}

interface Entry {
  name: string
  isDirectory: boolean
}

function entriesOf(path: string): Entry[] {
  try {
    return readdirSync(path, { withFileTypes: true }).map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() })).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    throw unreadable(path, error as NodeJS.ErrnoException, WHERE)
  }
}

/** The collections of a directory. */
async function partsOf(work: Work, path: string, home: Home): Promise<Part[]> {
  const parts = new Map<string, Part>()
  for (const { name, isDirectory } of entriesOf(path)) {
    if (isDirectory || OTHERS.has(name) || !(BSON.test(name) || METADATA.test(name))) continue
    const stem = name.replace(METADATA, '').replace(BSON, '')
    const file = join(path, name)
    const part = parts.get(stem) ?? { home, collection: nameOf(stem), metadata: {} }
    parts.set(stem, part)
    if (!METADATA.test(name)) {
      part.data = file
      continue
    }
    try {
      part.metadata = metadataOf(textAt(file))
      // The name of a file may be too short for that of the collection.
      if (typeof part.metadata.collectionName === 'string') part.collection = part.metadata.collectionName
    } catch (error) {
      await work.reject({ file, line: 1, offset: 0, length: 0 }, `the options and indexes cannot be read: ${(error as Error).message}`, work.report.of(home.databaseName, part.collection))
    }
  }
  return [...parts.values()].filter(({ collection }) => {
    if (isOfServer(collection)) work.report.note(`${collection}, which a server keeps for itself, was left out`)
    return !isOfServer(collection) && work.wants(collection)
  })
}

/** The name of a collection, of which a file has some letters as %24. */
function nameOf(stem: string): string {
  try {
    return decodeURIComponent(stem)
  } catch {
    return stem
  }
}

function textAt(file: string): string {
  const bytes = readFileSync(file)
  return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes, { maxOutputLength: MAX_METADATA }) : bytes).toString('utf8')
}

async function importPart(work: Work, { home, collection, data, metadata }: Part): Promise<void> {
  if (await createCollection(work, home, collection, metadata)) return
  const target = await work.target(data ?? collection, collection, { home, bson: true })
  if (data !== undefined) await addDocuments(target, work.source(data))
  await target.flush()
  await createIndexes(work, home, target.counts, metadata)
}

/** A file of BSON, with the metadata beside it, if it is there. */
export async function importBson(work: Work, path: string, collection: string): Promise<void> {
  const beside = path.replace(BSON, '.metadata.json')
  const metadata = [beside, `${beside}.gz`].find((file) => beside !== path && existsSync(file))
  let known: Metadata = {}
  if (metadata !== undefined) {
    try {
      known = metadataOf(textAt(metadata))
    } catch (error) {
      await work.reject({ file: metadata, line: 1, offset: 0, length: 0 }, `the options and indexes cannot be read: ${(error as Error).message}`)
    }
  }
  await importPart(work, { home: work.home, collection, data: path, metadata: known })
}

/** The documents of a file. A length that cannot be leaves all behind it unread. */
async function addDocuments(target: Target, source: Source): Promise<void> {
  let rest: Buffer = Buffer.alloc(0)
  let offset = 0
  let number = 1
  const place = (length: number, bytes?: Uint8Array): Place => ({ file: source.path, line: number, offset: source.isCompressed ? null : offset, length, ...(bytes && { bytes }) })
  try {
    // Pieces that are too short are joined at once: a document of 16 MiB comes in many.
    let pending: Buffer[] = []
    let size = 0
    let needed = 4
    for await (const piece of source.pieces()) {
      pending.push(piece)
      size += piece.length
      if (size < needed) continue
      rest = Buffer.concat(pending)
      let at = 0
      for (;;) {
        needed = 4
        if (rest.length - at < 4) break
        needed = lengthAt(rest, at)
        if (rest.length - at < needed) break
        const bytes = rest.subarray(at, at + needed)
        if (target.add(bytes, place(needed, bytes))) await target.flush()
        at += needed
        offset += needed
        number += 1
      }
      rest = rest.subarray(at)
      pending = [rest]
      size = rest.length
    }
    rest = Buffer.concat(pending)
    if (rest.length > 0) throw new SourceDamage(`the file ends after ${rest.length} bytes of a document`)
  } catch (error) {
    if (!(error instanceof SourceDamage)) throw error
    await target.reject(place(rest.length), `${error.message}; nothing after it can be read`)
  }
}

/** The length of the document that begins here. */
export function lengthAt(bytes: Buffer, at: number): number {
  const length = bytes.readInt32LE(at)
  if (length < 5 || length > MAX_DOCUMENT) throw new SourceDamage(`a document says ${length} bytes; it has 5 to ${MAX_DOCUMENT}`)
  return length
}

function holdsCollections(path: string): boolean {
  return entriesOf(path).some(({ name, isDirectory }) => !isDirectory && (BSON.test(name) || METADATA.test(name)))
}

/** Whether a directory looks like a dump. */
export function isDump(path: string): boolean {
  const entries = entriesOf(resolve(path))
  return holdsCollections(path) || entries.some(({ name, isDirectory }) => isDirectory && holdsCollections(join(path, name)))
}

export const collectionOf = (path: string): string => nameOf(basename(path).replace(BSON, ''))

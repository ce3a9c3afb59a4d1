// The file of LokiJS: an object with an array of collections, each with an array of documents. The documents are taken one by one.

import { existsSync } from 'node:fs'

import { createIndex } from '../indexes.js'
import type { Place } from '../report.js'
import type { Path, Step } from '../scan.js'
import { entryAt, textOf } from '../source.js'
import { lineOf, ValueFault, withTypes } from '../values.js'
import { type Target, WHERE, type Work } from '../work.js'
import { scanned, typesOf } from './json.js'
import { eachLine } from './lines.js'

/** What of a collection is of use. */
const FIELDS = ['name', 'uniqueNames', 'binaryIndices', 'ttl', 'DynamicViews', 'dynamicViews']
/** What the adapter that writes a file for each collection puts behind a document. */
const DELIMITER = '$<'

interface Loaded {
  name: string
  target: Target
  uniqueNames: string[]
  indices: string[]
  hasDocuments: boolean
}

export async function importLoki(work: Work, path: string): Promise<void> {
  const collections: (Loaded | undefined)[] = []
  let current: number | undefined
  let isKnown = true
  const names = new Map<number, string>()
  const step = (at: Path, isArray: boolean): Step => {
    if (at.length === 0 || (at.length === 1 && at[0] === 'collections' && isArray) || (at.length === 2 && at[0] === 'collections')) return 'into'
    if (at[0] !== 'collections') return 'skip'
    if (at.length === 3 && at[2] === 'data' && isArray) {
      const name = names.get(at[1] as number)
      isKnown &&= name !== undefined
      return name !== undefined && work.wants(name) ? 'into' : 'skip'
    }
    return at.length > 3 || FIELDS.includes(String(at[2])) ? 'whole' : 'skip'
  }
  await scanned(work, work.source(path), step, async ({ path: at, bytes }, place) => {
    if (at[0] !== 'collections' || at.length < 3) return
    const index = at[1] as number
    current = index
    if (at.length === 3) return field(work, path, collections, index, String(at[2]), bytes)
    const loaded = collections[index]
    if (loaded === undefined) return
    loaded.hasDocuments = true
    await add(work, loaded.target, bytes, place)
  }, () => (current === undefined ? undefined : collections[current]?.target.counts), (at, bytes) => {
    if (at.length === 3 && at[0] === 'collections' && at[2] === 'name') names.set(at[1] as number, nameIn(bytes))
  })
  if (!isKnown) work.report.note('a collection has its documents before its name, which no release of LokiJS writes; they were left out')
  if (collections.length === 0) await work.reject({ file: path, line: 1, offset: 0, length: 0 }, 'it has no collections; is it a file of LokiJS?')
  for (const [index, loaded] of collections.entries()) {
    if (loaded === undefined) continue
    if (!loaded.hasDocuments) await part(work, path, index, loaded)
    await loaded.target.flush()
    await indexesOf(work, loaded)
  }
}

/** The name of a collection; what is no text names none. */
function nameIn(bytes: Buffer): string {
  try {
    return String(JSON.parse(bytes.toString()))
  } catch {
    return ''
  }
}

async function field(work: Work, path: string, collections: (Loaded | undefined)[], index: number, name: string, bytes: Buffer): Promise<void> {
  let value: unknown
  try {
    value = JSON.parse(textOf(bytes))
  } catch (error) {
    return work.reject({ file: path, line: 1, offset: null, length: bytes.length, bytes }, `the ${name} of a collection cannot be read: ${(error as Error).message}`)
  }
  if (name === 'name') {
    // Its target is asked for when the name is read, so that an empty collection is listed too.
    collections[index] = work.wants(String(value)) ? { name: String(value), target: await work.target(path, String(value)), uniqueNames: [], indices: [], hasDocuments: false } : undefined
    return
  }
  const loaded = collections[index]
  if (loaded === undefined || value === null) return
  if (name === 'uniqueNames' && Array.isArray(value)) loaded.uniqueNames = value.map(String)
  if (name === 'binaryIndices' && typeof value === 'object') loaded.indices = Object.keys(value)
  if (name === 'ttl' && typeof value === 'object' && (value as { age?: unknown }).age) work.report.note(`documents of ${loaded.name} expired after ${(value as { age: number }).age} ms; a TTL index on a field with a date does that here`)
  if (name.toLowerCase() === 'dynamicviews' && Array.isArray(value) && value.length > 0) {
    work.report.note(`the dynamic views of ${loaded.name} were left out: ${value.map((view) => String((view as { name?: unknown }).name)).join(', ')}; createCollection(name, { viewOn, pipeline }) makes a view`)
  }
}

async function add(work: Work, target: Target, bytes: Uint8Array, place: Place): Promise<void> {
  try {
    const document = JSON.parse(textOf(bytes)) as { [key: string]: unknown }
    if (typeof document !== 'object' || document === null || Array.isArray(document)) throw new SyntaxError('the document is no object')
    const { idField, keepMeta } = work.plan
    const isNamed = Object.hasOwn(document, '_id') || (idField !== undefined && Object.hasOwn(document, idField))
    const { $loki } = document
    if (keepMeta !== true) {
      delete document['$loki']
      delete document['meta']
    }
    withTypes(document, typesOf(work))
    const line = lineOf(isNamed || $loki === undefined ? document : { _id: $loki, ...document })
    if (target.add(line, place)) await target.flush()
  } catch (error) {
    if (!(error instanceof ValueFault) && !(error instanceof SyntaxError)) throw error
    await target.reject(place, error.message)
  }
}

/** The documents that an adapter keeps in a file of their own: as lines, with or without a delimiter. */
async function part(work: Work, path: string, index: number, { name, target }: Loaded): Promise<void> {
  const file = `${path}.${index}`
  if (!existsSync(file)) {
    if (existsSync(`${file}.0`)) work.report.note(`${name} has no documents here, and ${file}.0 is there: an adapter that pages wrote it. Save the database once with the default adapter, and import that file`)
    return
  }
  work.expect(entryAt(WHERE, file).bytes)
  await eachLine(work.source(file), target, async (line, place) => {
    const { bytes } = line
    const text = bytes.subarray(bytes.length - DELIMITER.length).toString() === DELIMITER ? bytes.subarray(0, -DELIMITER.length) : bytes
    if (text.length > 0) return add(work, target, text, place)
    if (target.add('', place)) await target.flush()
  })
}

/** A unique index of LokiJS knows nothing of documents without the field, so ours is sparse. */
async function indexesOf(work: Work, { target, uniqueNames, indices }: Loaded): Promise<void> {
  for (const path of uniqueNames) await createIndex(work, work.home, target.counts, { [path]: 1 }, { unique: true, sparse: true })
  for (const path of indices) if (!uniqueNames.includes(path)) await createIndex(work, work.home, target.counts, { [path]: 1 }, {})
}

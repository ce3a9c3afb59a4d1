// What mongodump keeps of a collection beside its documents: its options and indexes, in canonical Extended JSON.

import { ObjectId } from '../../ids/object-id.js'
import type { Document, ImportedCollection } from '../../types/index.js'
import { createIndex } from '../indexes.js'
import { put } from '../values.js'
import { faultOf, type Home, type Work } from '../work.js'

export interface Metadata {
  options?: Document
  indexes?: Document[]
  collectionName?: string
  type?: string
}

/** Options that are made here as they are on a server. */
const OPTIONS = ['capped', 'size', 'max', 'validator', 'validationLevel', 'validationAction', 'viewOn', 'pipeline', 'changeStreamPreAndPostImages', 'collation']
/** Options that say nothing here, and those of an index. */
const NOTHING = new Set(['autoIndexId', 'flags', 'uuid', 'idIndex', 'create'])
const OF_SERVERS = new Set(['v', 'ns', 'key', 'background', 'safe', 'dropDups'])

/** Reads the text of a metadata file; throws a SyntaxError. */
export function metadataOf(text: string): Metadata {
  if (text.trim() === '') return {}
  const metadata = plain(JSON.parse(text)) as Metadata
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) throw new SyntaxError('it is no object')
  return metadata
}

/** Values of Extended JSON as values here; what has none stays an object. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const [key, content] = entries[0] ?? []
  if (entries.length === 1 && key !== undefined) {
    if (['$numberInt', '$numberLong', '$numberDouble'].includes(key) && typeof content === 'string') return Number(content)
    if (key === '$oid' && /^[\da-f]{24}$/i.test(String(content))) return new ObjectId(String(content))
    if (key === '$date') return new Date(typeof content === 'string' ? content : Number((content as { $numberLong?: unknown } | null)?.$numberLong))
    if (key === '$regularExpression') return regexOf(content as { pattern?: unknown; options?: unknown })
  }
  const object: { [key: string]: unknown } = {}
  for (const [name, field] of entries) put(object, name, plain(field))
  return object
}

function regexOf({ pattern, options }: { pattern?: unknown; options?: unknown }): unknown {
  try {
    return new RegExp(String(pattern), String(options ?? '').replace(/[^ims]/g, ''))
  } catch {
    return { $regex: String(pattern), $options: String(options ?? '') }
  }
}

/** Makes a collection or a view as it was, as far as there is an equal; one that is there stays as it is. True if it is a view. */
export async function createCollection(work: Work, home: Home, name: string, { options = {}, type }: Metadata): Promise<boolean> {
  const isView = options['viewOn'] !== undefined
  const fault = faultOf(name)
  if (fault !== undefined) {
    work.report.note(`${name} was not made: ${fault}`)
    return isView
  }
  if (type === 'timeseries' || options['timeseries'] !== undefined) work.report.note(`${name} is a time series, which there is none of here`)
  const [there] = await home.listCollections({ name }, { nameOnly: true }).toArray()
  if (there !== undefined) {
    if (isView !== (there.type === 'view')) work.report.note(`${name} is ${isView ? 'a view' : 'a collection'} in the dump and not here; it stays as it is`)
    return isView || there.type === 'view'
  }
  const own = Object.fromEntries(Object.entries(options).filter(([option]) => OPTIONS.includes(option)))
  const others = Object.keys(options).filter((option) => !OPTIONS.includes(option) && !NOTHING.has(option) && option !== 'timeseries')
  if (others.length > 0) work.report.note(`${name} had the ${others.length === 1 ? 'option' : 'options'} ${others.join(', ')}, which ${others.length === 1 ? 'was' : 'were'} left out`)
  if (own['capped'] !== true) for (const option of ['capped', 'size', 'max']) delete own[option]
  try {
    await home.createCollection(name, own)
  } catch (error) {
    work.report.note(`${name} was made without its options: ${(error as Error).message}`)
    if (!isView) await home.createCollection(name, {})
  }
  return isView
}

/** Makes the indexes, but that on _id, which every collection has. */
export async function createIndexes(work: Work, home: Home, counts: ImportedCollection, { indexes = [] }: Metadata): Promise<void> {
  for (const index of indexes) {
    const { key } = index as { key?: { [path: string]: unknown } }
    if (key === undefined || (Object.keys(key).length === 1 && Object.hasOwn(key, '_id'))) continue
    // An old server writes true, or 1.0, for what is ascending.
    const fields = Object.fromEntries(Object.entries(key).map(([path, order]) => [path, order === true ? 1 : order]))
    await createIndex(work, home, counts, fields, Object.fromEntries(Object.entries(index).filter(([name]) => !OF_SERVERS.has(name))))
  }
}

/** The databases that a server keeps for itself. */
export const OWN_DATABASES: ReadonlySet<string> = new Set(['admin', 'config', 'local'])

/** Whether a collection is one that a server keeps for itself. */
export function isOfServer(collection: string): boolean {
  return collection.startsWith('system.')
}

// The payloads of MoltenDB, answered by our own operations: a get is a pipeline, a write is a transaction.

import { checkFields, shown, wrongArgument } from '../arguments/arguments.js'
import { MoltenError, numbered } from '../errors.js'
import { uuidv7 } from '../ids/uuid.js'
import type { Document, MoltenPayloads } from '../types/index.js'
import { isNested, only, put, stored, unstored, without } from './fields.js'
import { collectionOf, FIELDS, type Join, joinsOf, keysOf, numberOf, orderOf, pathsOf, payloadOf, sortOf } from './payload.js'
import { filterOf } from './where.js'

/** What a payload needs of a collection. */
interface Documents {
  aggregate(pipeline: Document[], options?: { hint?: Document }): { toArray(): Promise<Document[]> }
  getMany(ids: string[]): Promise<(Document | null)[]>
  setMany(entries: [string, Document][]): Promise<unknown>
  deleteMany(filter: Document): Promise<{ deletedCount: number }>
}

/** What a payload needs of a database. */
export interface Home {
  collection(name: string): Documents
  dropCollection(name: string): Promise<unknown>
  transaction<R>(run: (tx: { collection(name: string): Documents }) => Promise<R>): Promise<R>
}

/** Fields that are made while a pipeline runs. */
const MADE = '__molten_'

/** Answers payloads over a database. */
export function payloads(home: Home): MoltenPayloads {
  return Object.freeze({
    get: async (payload: unknown) => get(home, 'Database.molten.get', payload),
    set: async (payload: unknown) => set(home, 'Database.molten.set', payload),
    update: async (payload: unknown) => update(home, 'Database.molten.update', payload),
    delete: async (payload: unknown) => remove(home, 'Database.molten.delete', payload)
  }) as MoltenPayloads
}

async function get(home: Home, where: string, given: unknown): Promise<Document | Document[] | null> {
  const payload = payloadOf(where, given, FIELDS.get)
  const name = collectionOf(where, payload)
  const keys = keysOf(where, payload)
  const fields = pathsOf(where, 'fields', payload['fields'])
  const excluded = pathsOf(where, 'excludedFields', payload['excludedFields'])
  if (fields && excluded) throw new TypeError(`${where}: payload.fields and payload.excludedFields exclude each other; give one of them`)
  const joins = joinsOf(where, payload['joins'])
  const sort = sortOf(where, payload['sort'])
  const order = orderOf(where, payload['order'])
  if (order !== undefined && payload['sort'] !== undefined) throw new TypeError(`${where}: payload.order and payload.sort exclude each other; give one of them`)
  const count = numberOf(where, 'count', payload['count'])
  const offset = numberOf(where, 'offset', payload['offset'])
  const roots = new Set<string>()
  const filter = payload['where'] === undefined ? {} : filterOf(where, payload['where'], roots)
  const pipeline: Document[] = []
  if (keys !== undefined) pipeline.push({ $match: { _id: { $in: typeof keys === 'string' ? [keys] : keys } } })
  // A condition on what is joined has to wait for it.
  const waits = joins.some(({ alias }) => roots.has(alias))
  if (!waits) pipeline.push({ $match: filter })
  joins.forEach((join, i) => pipeline.push(...stagesOf(join, i)))
  if (waits) pipeline.push({ $match: filter })
  const isOne = typeof keys === 'string'
  if (count === 0 && !isOne) return []
  const isNewestFirst = sort.length === 0 && order !== 'asc' && !isOne
  const isCut = !isOne && (count !== undefined || offset !== undefined)
  if (sort.length > 0) pipeline.push(...sorting(sort))
  if (!isOne && offset) pipeline.push({ $skip: offset })
  if (!isOne && count) pipeline.push({ $limit: count })
  const roots_ = fields && rootsOf(fields, joins)
  if (roots_) pipeline.push({ $project: roots_ })
  // Backwards no index is used, so that is left to where it saves reading all that match.
  const backwards = isNewestFirst && (isCut || payload['where'] === undefined)
  const found = await home.collection(name).aggregate(pipeline, backwards ? { hint: { $natural: -1 } } : {}).toArray()
  if (isNewestFirst && !backwards) found.reverse()
  const shaped = found.map((document) => shapedOf(document, fields, excluded, joins))
  if (!isOne) return shaped.map((document, i) => ({ ...document, _key: found[i]!['_id'] as unknown }))
  return shaped[0] ?? null
}

/** The stages of a join. A document without a partner keeps what it has under the alias. */
function stagesOf({ alias, from, on }: Join, i: number): Document[] {
  const joined = `${MADE}join${i}`
  return [
    { $lookup: { from, localField: on, foreignField: '_id', as: joined } },
    { $set: { [alias]: { $cond: [{ $eq: [{ $type: `$${on}` }, 'string'] }, { $ifNull: [{ $first: `$${joined}` }, `$${alias}`] }, `$${alias}`] } } },
    { $unset: joined }
  ]
}

/** Documents without the field, or with null, come last in ascending order. */
function sorting(sort: readonly [path: string, direction: 1 | -1][]): Document[] {
  const made: Document = {}
  const by: Document = {}
  sort.forEach(([path, direction], i) => {
    if (Object.hasOwn(by, path)) return
    made[`${MADE}sort${i}`] = { $lte: [`$${path}`, null] }
    by[`${MADE}sort${i}`] = direction
    by[path] = direction
  })
  return [{ $set: made }, { $sort: by }, { $unset: Object.keys(made) }]
}

/** A projection of the first names of these paths, which saves reading the rest; undefined where a name is not fit for one. */
function rootsOf(fields: readonly string[], joins: readonly Join[]): Document | undefined {
  const roots: Document = { _v: 1, createdAt: 1, modifiedAt: 1 }
  for (const name of [...fields.map((path) => path.split('.', 1)[0]!), ...joins.map(({ alias }) => alias)]) {
    if (/^_+id$|^_key$|^__proto__$/.test(name)) return undefined
    roots[name] = 1
  }
  return roots
}

function shapedOf(found: Document, fields: readonly string[] | undefined, excluded: readonly string[] | undefined, joins: readonly Join[]): Document {
  const document = unstored(found)
  for (const { alias, fields: own } of joins) {
    const joined: unknown = document[alias]
    if (!isNested(joined) || !Object.hasOwn(joined, '_id')) continue
    const plain = unstored(joined)
    document[alias] = own ? only(plain, own) : plain
  }
  const shaped = fields ? only(document, [...fields, ...joins.map(({ alias }) => alias)]) : excluded ? without(document, excluded) : document
  // It guards updates, so it is always there.
  if (Object.hasOwn(document, '_v')) shaped['_v'] = document['_v']
  return shaped
}

/** What MoltenDB keeps in each document. */
interface Kept {
  _v?: unknown
  createdAt?: unknown
}

const versionOf = ({ _v }: Kept): number => (typeof _v === 'number' ? _v : typeof _v === 'bigint' ? Number(_v) : 0)

function outdated(where: string, key: string, given: number, there: number): MoltenError {
  return new MoltenError('CONFLICT', `${where}: the document ${shown(key)} has the version ${there}, and the given _v is ${given}; read it again`, numbered('WriteConflict'))
}

/** The `_v` of a given document; undefined where it has none. */
function guardOf(where: string, at: string, { _v }: Kept): number | undefined {
  if (_v === undefined) return undefined
  if (!Number.isSafeInteger(_v) || (_v as number) < 0) throw wrongArgument(where, `${at}._v`, 'a whole number, 0 or more', _v)
  return _v as number
}

/** Documents by key, or in a list, and whether keys are made for them. */
function dataOf(where: string, data: unknown, mayBeList: boolean): { entries: [key: string, document: Document, at: string][]; ids?: string[] } {
  const expected = mayBeList ? 'an object of documents by key, or an array of documents' : 'an object of fields by key'
  const isList = mayBeList && Array.isArray(data)
  if (!isList && !isNested(data)) throw wrongArgument(where, 'payload.data', expected, data)
  const ids = isList ? Array.from(data as unknown[], () => uuidv7()) : undefined
  const keys = ids ?? Object.keys(data as Document)
  const entries = keys.map((key, i): [string, Document, string] => {
    const at = ids ? `payload.data[${i}]` : `payload.data.${key}`
    const document = (data as { [key: string]: unknown })[ids ? i : key] as Document
    checkFields(where, at, document)
    if (key === '') throw new TypeError(`${where}: payload.data has an empty key; give each document a key`)
    if (Object.hasOwn(document, '_key') && document['_key'] !== key) throw new TypeError(`${where}: ${at}._key is ${shown(document['_key'])}, and its key is ${shown(key)}; leave _key out`)
    return [key, document, at]
  })
  return ids ? { entries, ids } : { entries }
}

async function set(home: Home, where: string, given: unknown): Promise<Document> {
  const payload = payloadOf(where, given, FIELDS.set)
  const name = collectionOf(where, payload)
  const { entries, ids } = dataOf(where, payload['data'], true)
  await home.transaction(async (tx) => {
    const collection = tx.collection(name)
    const before = await collection.getMany(entries.map(([key]) => key))
    const written: [string, Document][] = []
    for (const [i, [key, document, at]] of entries.entries()) {
      const now = new Date().toISOString()
      const guard = guardOf(where, at, document)
      const old = before[i] ?? undefined
      const version = old && versionOf(old)
      if (guard !== undefined && version !== undefined && guard <= version) throw outdated(where, key, guard, version)
      const { _key, ...fields } = stored(await extended(tx, where, at, document))
      const createdAt: unknown = old?.['createdAt'] ?? now
      written.push([key, { ...fields, _v: version === undefined ? guard ?? 1 : version + 1, createdAt, modifiedAt: now }])
    }
    if (written.length > 0) await write(where, name, collection, written)
  })
  return { status: 'ok', count: entries.length, ...(ids && { ids }) }
}

/** Writes documents; an error names the method that was called, not the one that it is made of. */
async function write(where: string, name: string, collection: Documents, written: [string, Document][]): Promise<void> {
  await collection.setMany(written).catch((error: unknown) => {
    const own = `${name}.setMany: `
    if (error instanceof Error && error.message.startsWith(own)) error.message = `${where}: ${error.message.slice(own.length)}`
    throw error
  })
}

/** A document with copies of the documents that its `extends` names. */
async function extended(tx: { collection(name: string): Documents }, where: string, at: string, document: Document): Promise<Document> {
  const references: unknown = Object.hasOwn(document, 'extends') ? document['extends'] : undefined
  if (!isNested(references)) return document
  const { extends: _, ...made } = document
  for (const alias of Object.keys(references)) {
    const reference: unknown = references[alias]
    const dot = typeof reference === 'string' ? reference.indexOf('.') : -1
    if (typeof reference !== 'string' || dot < 1) throw wrongArgument(where, `${at}.extends.${alias}`, "'collection.key'", reference)
    const [copied] = await tx.collection(reference.slice(0, dot)).getMany([reference.slice(dot + 1)])
    if (copied) put(made, alias, unstored(copied))
  }
  return made
}

async function update(home: Home, where: string, given: unknown): Promise<Document> {
  const payload = payloadOf(where, given, FIELDS.update)
  const name = collectionOf(where, payload)
  const { entries } = dataOf(where, payload['data'], false)
  const updated = await home.transaction(async (tx) => {
    const collection = tx.collection(name)
    const before = await collection.getMany(entries.map(([key]) => key))
    const written: [string, Document][] = []
    for (const [i, [key, changes, at]] of entries.entries()) {
      const old = before[i]
      if (!old) continue
      const guard = guardOf(where, at, changes)
      const version = versionOf(old)
      if (guard !== undefined && guard !== version) throw outdated(where, key, guard, version)
      const made = { ...old }
      const fields = stored(changes)
      for (const field of Object.keys(fields)) {
        if (!['_v', '_key', 'createdAt'].includes(field) && fields[field] !== undefined) put(made, field, fields[field])
      }
      written.push([key, { ...made, _v: version + 1, modifiedAt: new Date().toISOString() }])
    }
    if (written.length > 0) await write(where, name, collection, written)
    return written.length
  })
  return { status: 'ok', updated }
}

async function remove(home: Home, where: string, given: unknown): Promise<Document> {
  const payload = payloadOf(where, given, FIELDS.delete)
  const name = collectionOf(where, payload)
  const drop: unknown = payload['drop']
  if (drop !== undefined && typeof drop !== 'boolean') throw wrongArgument(where, 'payload.drop', 'a boolean', drop)
  const keys = keysOf(where, payload)
  const count = numberOf(where, 'count', payload['count'])
  const order = orderOf(where, payload['order'])
  const filter = payload['where'] === undefined ? undefined : filterOf(where, payload['where'], new Set())
  const ways = [drop === true, keys !== undefined, filter !== undefined].filter(Boolean).length
  if (ways > 1) throw new TypeError(`${where}: payload.drop, payload.keys and payload.where exclude each other; give one of them`)
  if (drop === true) {
    await home.dropCollection(name)
    return { status: 'ok', dropped: true }
  }
  const collection = home.collection(name)
  if (keys !== undefined) {
    const { deletedCount } = await collection.deleteMany({ _id: { $in: typeof keys === 'string' ? [keys] : keys } })
    return { status: 'ok', deleted: deletedCount }
  }
  if (count === undefined) {
    if (filter === undefined) throw new TypeError(`${where}: the payload names no documents; give keys, where, count, or drop: true`)
    if (Object.keys(filter).length === 0) throw new TypeError(`${where}: payload.where has no condition and would delete every document; give drop: true for that, or count`)
    return { status: 'ok', deleted: (await collection.deleteMany(filter)).deletedCount }
  }
  if (count === 0) return { status: 'ok', deleted: 0 }
  const deleted = await home.transaction(async (tx) => {
    const own = tx.collection(name)
    const pipeline = [{ $match: filter ?? {} }, { $limit: count }, { $project: { _id: 1 } }]
    const found = await own.aggregate(pipeline, { hint: { $natural: order === 'desc' ? -1 : 1 } }).toArray()
    return found.length === 0 ? 0 : (await own.deleteMany({ _id: { $in: found.map(({ _id }) => _id as unknown) } })).deletedCount
  })
  return { status: 'ok', deleted }
}

// The requests of reads that several methods send: arguments are checked, results are converted into the driver's form.

import { batchOf, checkFields, countOf, filterOf, flagOf } from '../arguments/arguments.js'
import { hintOf } from '../arguments/hint.js'
import type { KeyPairs } from '../arguments/index-spec.js'
import { sortKeys } from '../arguments/sort.js'
import { encodeId, encodeValue } from '../codec/encode.js'
import { isObjectId } from '../ids/equality.js'
import { Flag, Opcode } from '../transport/opcodes.js'
import type { CollectionInfo, CountOptions, Document, FindOneOptions, FindOptions, Versioned } from '../types/index.js'
import type { ListDatabasesResult } from '../types/indexes.js'
import { type FindShape, writeField, writeFind } from './bodies.js'
import { type Request, requestOf, type Variables } from './request.js'

export type MetaAnswer<T> = [document: T, version: number, createdAt: number, modifiedAt: number] | null

/** The `_id` of a filter that consists only of it: `{ _id: 'u1' }`. */
export function soleId(filter: unknown): unknown {
  if (typeof filter !== 'object' || filter === null) return undefined
  const keys = Object.keys(filter)
  if (keys.length !== 1 || keys[0] !== '_id') return undefined
  // Not read through the getter, which the encoder runs once.
  const id: unknown = Object.getOwnPropertyDescriptor(filter, '_id')?.value
  switch (typeof id) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return id
    default:
      return isObjectId(id) ? id : undefined
  }
}

// Requests are not spread into one another: V8 creates a new hidden class for each copy of an object that holds functions,
// which takes longer than a count by an index.

/** The parameters of a find, with a checked limit and batch size. */
function findOf(where: string, options: FindOneOptions, limit: number, batch: number): FindShape {
  const { projection } = options
  if (projection !== undefined && projection !== null) checkFields(where, 'option projection', projection)
  return {
    sort: sortKeys(where, options.sort),
    projection: projection ?? null,
    skip: countOf(where, 'option skip', options.skip),
    limit,
    batch,
    hint: hintOf(where, options.hint),
    flags: diskFlagOf(where, options.allowDiskUse),
    tailable: false,
    awaitData: false,
    maxAwaitTimeMS: 0,
    variables: variablesOf(where, options),
    signal: options.signal,
    maxTimeMS: options.maxTimeMS ?? 0
  }
}

/** The flag of the option `allowDiskUse`; absent means that the disk may be used. */
export function diskFlagOf(where: string, value: unknown): number {
  return value === undefined || value === null || flagOf(where, 'allowDiskUse', value) ? 0 : Flag.NoDisk
}

/** The variables of the option `let`, with the collation, or null for none of both. */
export function variablesOf(where: string, given: { let?: unknown; collation?: unknown }): Variables | null {
  const { let: variables, collation } = given
  if (variables !== undefined && variables !== null) checkFields(where, 'option let', variables)
  return collation === undefined || collation === null ? ((variables ?? null) as Variables | null) : underCollation(variables as Document, collation)
}

/** The same variables under a collation that was checked. */
export function underCollation(variables: Variables | null | undefined, collation: object): Variables {
  return [(Array.isArray(variables) ? (variables as unknown[])[0] : variables) ?? null, { ...collation }]
}

/** A negative limit means a single batch of that size, as in the driver. */
export function limitOf(where: string, limit: unknown): number {
  return countOf(where, 'option limit', typeof limit === 'number' ? Math.abs(limit) : limit)
}

/** The parameters of a find of many documents. */
export function findManyOf(where: string, options: FindOptions): FindShape {
  return findOf(where, options, limitOf(where, options.limit), batchOf(where, options.batchSize))
}

/** The same for a cursor, which may wait for more documents. */
export function findCursorOf(where: string, options: FindOptions): FindShape {
  const find = findManyOf(where, options)
  find.tailable = flagOf(where, 'tailable', options.tailable)
  find.awaitData = flagOf(where, 'awaitData', options.awaitData)
  find.maxAwaitTimeMS = countOf(where, 'option maxAwaitTimeMS', options.maxAwaitTimeMS)
  return find
}

/** A find of one document, or null. */
export function findOneRequest<D>(where: string, filter: unknown, options: FindOneOptions): Request<D | Versioned<D> | null> {
  const checked = filterOf(where, filter)
  const find = findOf(where, options, 1, 1)
  const meta = flagOf(where, 'meta', options.meta)
  return {
    opcode: Opcode.Find,
    flags: Flag.Single | find.flags | (meta ? Flag.Versioned : 0),
    variables: find.variables,
    body: (out) => writeFind(out, checked, find),
    finish: meta ? versioned<D> : ([, documents]: [number, D[]]) => documents[0] ?? null
  }
}

/** The request of countDocuments and countSync. */
export function countOfMatches(where: string, filter: unknown, options: CountOptions): Request<number> {
  const checked = filterOf(where, filter)
  const skip = countOf(where, 'option skip', options.skip)
  const limit = countOf(where, 'option limit', options.limit)
  const request = countRequest(checked, skip, limit, hintOf(where, options.hint))
  request.variables = variablesOf(where, options)
  return request
}

export function countRequest(filter: Document, skip: number, limit: number, hint: string | KeyPairs | null): Request<number> {
  return {
    opcode: Opcode.Count,
    flags: 0,
    body: (out) => {
      encodeValue(out, filter, 'filter')
      writeField(out, skip)
      writeField(out, limit)
      writeField(out, hint)
    },
    finish: (count) => count
  }
}

export function getRequest<D>(id: unknown, meta: boolean): Request<D | Versioned<D> | null> {
  return {
    opcode: Opcode.Get,
    flags: meta ? Flag.Meta : 0,
    body: (out) => encodeId(out, id),
    finish: meta ? versioned<D> : (document: D | null) => document
  }
}

export function hasRequest(id: unknown): Request<boolean> {
  return { opcode: Opcode.Has, flags: 0, body: (out) => encodeId(out, id), finish: (there) => there }
}

export function versioned<D>(answer: MetaAnswer<D>): Versioned<D> | null {
  if (answer === null) return null
  const [value, version, createdAt, modifiedAt] = answer
  return { value, version, createdAt: new Date(createdAt), modifiedAt: new Date(modifiedAt) }
}

/** A collection, as the core lists it. */
export interface ListedCollection {
  name: string
  number: number
  count: number
  options: Document
}

/** The operation that lists the databases matching a filter, in the form of the server's command. */
export function databaseListing(filter: Document, nameOnly: boolean): Request<unknown> {
  const body: Request['body'] = (out) => encodeValue(out, filter, 'filter')
  return requestOf<unknown>(Opcode.ListDatabases, 0, null, body, (databases: ListDatabasesResult['databases']) => {
    if (nameOnly) return { databases: databases.map(({ name }) => ({ name })), ok: 1 }
    const totalSize = databases.reduce((sum, { sizeOnDisk }) => sum + sizeOnDisk, 0)
    return { databases, totalSize, totalSizeMb: Math.floor(totalSize / (1 << 20)), ok: 1 }
  })
}

/** A collection in the driver's form, with its number and document count in addition. */
export function infoOf({ name, number, count, options }: ListedCollection, readOnly: boolean): CollectionInfo {
  if (typeOf(options) === 'view') return { name, type: 'view', number, count, options, info: { readOnly: true } }
  return {
    name, type: 'collection', number, count, options, info: { readOnly }, idIndex: { v: 2, key: { _id: 1 }, name: '_id_' }
  }
}

/** What a listed row with these options is. */
export function typeOf(options: Document): CollectionInfo['type'] {
  return options['viewOn'] === undefined ? 'collection' : 'view'
}

/** The operation that lists the collections matching a filter. */
export function listing(filter: Document): Request<ListedCollection[]> {
  return {
    opcode: Opcode.ListCollections,
    flags: 0,
    body: (out) => encodeValue(out, filter, 'filter'),
    finish: (value) => value
  }
}

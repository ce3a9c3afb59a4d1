// What the methods of a collection share: arguments read once, requests that several of them send, answers put into the driver's shape.

import { batchOf, checkFields, checkId, countOf, filterOf } from './arguments.js'
import { Flag, Opcode } from './batch.js'
import { type FindShape, writeFind } from './bodies.js'
import type { Request } from './core.js'
import { encodeId, encodeValue } from './encode.js'
import { MoltenBulkWriteError } from './errors.js'
import { isObjectId } from './identity.js'
import { hintOf, type KeyPairs } from './index-spec.js'
import { sortKeys } from './sort.js'
import type { CountOptions, Document, FindOneOptions, FindOptions, InferId, UpdateResult, Versioned } from './types.js'

export type UpdateAnswer = [matched: number, modified: number, upserted: unknown, upsertedCount: number]
export type MetaAnswer<T> = [document: T, version: number, createdAt: number, modifiedAt: number] | null

/** The `_id` of a filter that is nothing but one: `{ _id: 'u1' }`. */
export function soleId(filter: unknown): unknown {
  if (typeof filter !== 'object' || filter === null) return undefined
  const keys = Object.keys(filter)
  if (keys.length !== 1 || keys[0] !== '_id') return undefined
  // A getter runs once, in the encoder.
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

// No object on the way of a request is spread into another: V8 makes a new hidden class for each copy of an object that holds functions,
// which takes longer than a count by an index.

/** What a find asks for, with a limit and a batch that were checked. */
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
    variables: variablesOf(where, options.let),
    signal: options.signal,
    maxTimeMS: options.maxTimeMS ?? 0
  }
}

/** The variables of the option `let`, or null for none. */
export function variablesOf(where: string, value: unknown): Document | null {
  if (value === undefined || value === null) return null
  checkFields(where, 'option let', value)
  return value
}

/** A negative limit means as many, in one batch, as the driver has it. */
export function limitOf(where: string, limit: unknown): number {
  return countOf(where, 'option limit', typeof limit === 'number' ? Math.abs(limit) : limit)
}

/** What a find of many documents asks for. */
export function findManyOf(where: string, options: FindOptions): FindShape {
  return findOf(where, options, limitOf(where, options.limit), batchOf(where, options.batchSize))
}

/** A find of one document, or null. */
export function findOneRequest<D>(where: string, filter: unknown, options: FindOneOptions): Request<D | null> {
  const checked = filterOf(where, filter)
  const find = findOf(where, options, 1, 1)
  return {
    opcode: Opcode.Find,
    flags: Flag.Single,
    variables: find.variables,
    body: (out) => writeFind(out, checked, find),
    finish: ([, documents]: [number, D[]]) => documents[0] ?? null
  }
}

/** A count as the program asks for it. */
export function countOfMatches(where: string, filter: unknown, options: CountOptions): Request<number> {
  const checked = filterOf(where, filter)
  const skip = countOf(where, 'option skip', options.skip)
  const limit = countOf(where, 'option limit', options.limit)
  const request = countRequest(checked, skip, limit, hintOf(where, options.hint))
  request.variables = variablesOf(where, options.let)
  return request
}

export function countRequest(filter: Document, skip: number, limit: number, hint: string | KeyPairs | null): Request<number> {
  return {
    opcode: Opcode.Count,
    flags: 0,
    body: (out) => {
      encodeValue(out, filter, 'filter')
      encodeValue(out, skip, 'document')
      encodeValue(out, limit, 'document')
      encodeValue(out, hint, 'document')
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

export function updateResult<T>([matchedCount, modifiedCount, upsertedId, upsertedCount]: UpdateAnswer): UpdateResult<T> {
  return {
    acknowledged: true,
    matchedCount,
    modifiedCount,
    upsertedCount,
    upsertedId: (upsertedCount > 0 ? upsertedId : null) as InferId<T> | null
  }
}

export function checkEntry(where: string, id: unknown, document: unknown): void {
  checkId(where, id)
  checkFields(where, 'document', document)
}

/** The ids that went in, by the places of those that failed. */
export function nameInserted(error: Error, ids: readonly unknown[], unordered: boolean): void {
  if (!(error instanceof MoltenBulkWriteError)) return
  const failed = new Set(error.writeErrors.map((item) => item.index))
  const first = Math.min(...failed)
  ids.forEach((id, i) => {
    if (unordered ? !failed.has(i) : i < first) error.result.insertedIds[i] = id
  })
}

// Checks of MoltenDB's payloads: a wrong field is refused by its name, never ignored.

import { checkCollectionName, countOf, shown, wrongArgument } from '../arguments/arguments.js'
import { nearest } from '../arguments/option-reasons.js'
import { MoltenError } from '../errors.js'
import type { Document, MoltenSort } from '../types/index.js'
import { isNested, storedPath } from './fields.js'
import { checkPath } from './where.js'

/** The fields of each payload. */
export const FIELDS = {
  get: ['collection', 'keys', 'where', 'fields', 'excludedFields', 'joins', 'sort', 'order', 'count', 'offset'],
  set: ['collection', 'data'],
  update: ['collection', 'data'],
  delete: ['collection', 'keys', 'where', 'count', 'order', 'drop']
} as const

/** Fields of MoltenDB's payloads that are not answered, and what to do instead. */
const INSTEAD: { readonly [field: string]: string | undefined } = {
  __proto__: null as never,
  ttl: 'a collection does not end by itself; createIndex with expireAfterSeconds deletes its old documents',
  maxSize: 'createCollection with capped, size and max makes one that keeps its newest documents',
  _allowed_prefixes: 'there are no users; put a condition on the keys into where, as in {"_key": {"$in": [...]}}'
}

/** A payload, whose fields have these names only. */
export function payloadOf(where: string, payload: unknown, names: readonly string[]): Document {
  if (!isNested(payload)) throw wrongArgument(where, 'payload', 'an object', payload)
  for (const name of Object.keys(payload)) {
    if (names.includes(name) || payload[name] === undefined) continue
    const instead = INSTEAD[name]
    if (instead !== undefined) throw new MoltenError('NOT_SUPPORTED', `${where}: payload.${name} is not answered; ${instead}`)
    const near = nearest(name, names)
    throw new TypeError(`${where}: the payload has the unknown field ${shown(name)}; ${near === undefined ? `there are ${names.join(', ')}` : `did you mean ${shown(near)}?`}`)
  }
  return payload
}

/** The collection of a payload. */
export function collectionOf(where: string, { collection = 'default' }: Document): string {
  checkCollectionName(where, collection, 'payload.collection')
  return collection
}

/** One key or several; undefined where the payload has none. */
export function keysOf(where: string, { keys }: Document): string | string[] | undefined {
  if (keys === undefined) return undefined
  if (typeof keys === 'string') return keys
  return textsOf(where, 'keys', keys)
}

/** A list of texts. */
export function textsOf(where: string, name: string, list: unknown): string[] {
  if (!Array.isArray(list)) throw wrongArgument(where, `payload.${name}`, name === 'keys' ? 'a text or an array of texts' : 'an array of texts', list)
  for (let i = 0; i < list.length; i++) {
    if (typeof list[i] !== 'string') throw wrongArgument(where, `payload.${name}[${i}]`, 'a text', list[i])
  }
  return [...(list as string[])]
}

/** A list of paths; undefined where the payload has none. */
export function pathsOf(where: string, name: string, list: unknown): string[] | undefined {
  if (list === undefined) return undefined
  const paths = textsOf(where, name, list)
  paths.forEach((path, i) => checkPath(where, path, `payload.${name}[${i}]`))
  return paths
}

/** How many; undefined where the payload does not say. */
export function numberOf(where: string, name: string, value: unknown): number | undefined {
  return value === undefined ? undefined : value === null ? refuse(where, name, value) : countOf(where, `payload.${name}`, value)
}

function refuse(where: string, name: string, value: unknown): never {
  throw wrongArgument(where, `payload.${name}`, 'a whole number, 0 or more', value)
}

/** The order without a sort. */
export function orderOf(where: string, order: unknown): 'asc' | 'desc' | undefined {
  if (order === undefined || order === 'asc' || order === 'desc') return order
  throw wrongArgument(where, 'payload.order', "'asc' or 'desc'", order)
}

/** Paths and directions, as stored. */
export function sortOf(where: string, sort: unknown): [path: string, direction: 1 | -1][] {
  if (sort === undefined) return []
  if (!Array.isArray(sort)) throw wrongArgument(where, 'payload.sort', 'an array of fields or {field, order}', sort)
  return (sort as MoltenSort[]).map((one, i) => {
    const at = `payload.sort[${i}]`
    if (typeof one !== 'string' && !isNested(one)) throw wrongArgument(where, at, 'a field or {field, order}', one)
    const { field, order = 'asc', ...other } = typeof one === 'string' ? { field: one } : one
    const [unknown] = Object.keys(other)
    if (unknown !== undefined) throw new TypeError(`${where}: ${at} has the unknown field ${shown(unknown)}; it has field and order`)
    checkPath(where, field, `${at}.field`)
    const direction = typeof order === 'string' ? order.toLowerCase() : order
    if (direction !== 'asc' && direction !== 'desc') throw wrongArgument(where, `${at}.order`, "'asc' or 'desc'", order)
    return [storedPath(field), direction === 'asc' ? 1 : -1]
  })
}

/** A join: the name of the joined document, its collection, the field that holds its key, and its fields. */
export interface Join {
  alias: string
  from: string
  on: string
  fields: string[] | undefined
}

/** The joins of a payload. */
export function joinsOf(where: string, joins: unknown): Join[] {
  if (joins === undefined) return []
  if (!Array.isArray(joins)) throw wrongArgument(where, 'payload.joins', 'an array of {alias: {from, on, fields}}', joins)
  return joins.map((join: unknown, i) => {
    const at = `joins[${i}]`
    const [alias, second] = isNested(join) ? Object.keys(join) : []
    if (alias === undefined || second !== undefined) throw wrongArgument(where, `payload.${at}`, 'an object with one alias, as in {"owner": {"from": "users", "on": "ownerId"}}', join)
    const spec: unknown = (join as Document)[alias]
    if (alias.includes('.') || storedPath(alias) !== alias) throw new TypeError(`${where}: payload.${at} has the alias ${shown(alias)}; give it a name without dots that is none of MoltenDB's own`)
    checkPath(where, alias, `payload.${at}`)
    if (!isNested(spec)) throw wrongArgument(where, `payload.${at}.${alias}`, '{from, on, fields}', spec)
    const { from, on, fields, ...other } = spec
    const [unknown] = Object.keys(other)
    if (unknown !== undefined) throw new TypeError(`${where}: payload.${at}.${alias} has the unknown field ${shown(unknown)}; it has from, on and fields`)
    checkCollectionName(where, from, `payload.${at}.${alias}.from`)
    checkPath(where, on, `payload.${at}.${alias}.on`)
    return { alias, from, on: storedPath(on), fields: pathsOf(where, `${at}.${alias}.fields`, fields) }
  })
}

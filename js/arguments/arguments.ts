// Checks of arguments: a wrong type is a TypeError that names the method and the argument.

import { types } from 'node:util'

import { MoltenError, numbered } from '../errors.js'
import { isObjectId } from '../ids/equality.js'
import type { Document } from '../types/index.js'
import { MAX_BATCH, MAX_DATABASE_NAME_BYTES, MAX_NAME_BYTES } from './limits.js'

/** A value as shown in messages: itself if it is short, otherwise its type. */
export function shown(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  switch (typeof value) {
    case 'string':
      return value.length <= 40 ? JSON.stringify(value) : 'a long string'
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'bigint':
      return `${value}n`
    case 'object':
      return classOf(value)
    default:
      return `a ${typeof value}`
  }
}

/** An object as shown in messages: by its class if that is more informative than its fields. */
function classOf(value: object): string {
  if (types.isDate(value)) return 'a Date'
  if (ArrayBuffer.isView(value)) return Buffer.isBuffer(value) ? 'a Buffer' : 'a typed array'
  return isObjectId(value) ? 'an ObjectId' : 'an object'
}

/** The TypeError of a wrong argument. */
export function wrongArgument(where: string, name: string, expected: string, value: unknown): TypeError {
  return new TypeError(`${where}: ${name} must be ${expected}, not ${shown(value)}`)
}

/** An object with fields: not an array, null, or a wrapper of another value. */
export function isFields(value: unknown): value is Document {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return !(value instanceof Date || ArrayBuffer.isView(value) || isObjectId(value))
}

/**
 * Checks the elements of an array in order, including holes, and stops at the first invalid one: an array of 2^32 - 1 holes
 * fails at once. `forEach` and `map` would walk over all holes.
 */
export function eachOf<T>(list: readonly T[], look: (element: T, i: number) => void): void {
  for (let i = 0; i < list.length; i++) look(list[i]!, i)
}

/** A Map of any realm. */
export function isMap(value: unknown): value is Map<string, never> {
  return Object.prototype.toString.call(value) === '[object Map]'
}

/** Refuses a value that is not an object with fields. */
export function checkFields(where: string, name: string, value: unknown): asserts value is Document {
  if (!isFields(value)) throw wrongArgument(where, name, 'an object', value)
}

/** The filter; an absent one means all documents. */
export function filterOf(where: string, filter: unknown): Document {
  if (filter === undefined || filter === null) return {}
  checkFields(where, 'filter', filter)
  return filter
}

/** The error for an option that this version does not support. */
export function unsupported(where: string, name: string, instead: string): MoltenError {
  return new MoltenError('NOT_SUPPORTED', `${where}: option ${name} is not supported; ${instead}`)
}

/** A boolean option; absent means false. */
export function flagOf(where: string, name: string, value: unknown): boolean {
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw wrongArgument(where, `option ${name}`, 'a boolean', value)
  return value
}

/** A whole number that is not negative; absent means 0. */
export function countOf(where: string, name: string, value: unknown): number {
  if (value === undefined || value === null) return 0
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    const large = typeof value === 'bigint' || (Number.isInteger(value) && (value as number) > Number.MAX_SAFE_INTEGER)
    throw wrongArgument(where, name, large ? 'a number of at most Number.MAX_SAFE_INTEGER' : 'a whole number, 0 or more', value)
  }
  return value as number
}

/**
 * The size of a batch in documents; absent means 0. Sizes beyond the core's range are reduced to its maximum, which no batch
 * reaches.
 */
export function batchOf(where: string, value: unknown, name = 'option batchSize'): number {
  return Math.min(countOf(where, name, value), MAX_BATCH)
}

/** The version that a document must have; undefined means any version. */
export function versionOf(where: string, value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  return countOf(where, 'option ifVersion', value)
}

/** An `_id` for key access. */
export function checkId(where: string, id: unknown, name = 'id'): void {
  const type = typeof id
  if (type === 'string' || type === 'number') return
  if (id === undefined || type === 'function' || type === 'symbol' || Array.isArray(id)) {
    throw wrongArgument(where, name, 'a value that can be an _id', id)
  }
}

/** Refuses names that a collection cannot have. */
export function checkCollectionName(where: string, name: unknown, argument = 'name'): asserts name is string {
  if (typeof name !== 'string') throw wrongArgument(where, argument, 'a string', name)
  const reason = nameFault(name)
  if (reason) throw new MoltenError('BAD_QUERY', `${where}: collection name ${shown(name)} ${reason}`, numbered('InvalidNamespace'))
}

/** Refuses names that a database cannot have beside the default one. */
export function checkDatabaseName(where: string, name: unknown, defaultName: string): asserts name is string {
  if (typeof name !== 'string') throw wrongArgument(where, 'name', 'a string', name)
  const reason = databaseFault(name)
  if (reason) throw new MoltenError('BAD_QUERY', `${where}: database name ${shown(name)} ${reason}`, numbered('InvalidNamespace'))
  if (lower(name) !== lower(defaultName)) return
  const message = `db already exists with different case already have: [${defaultName}] trying to create [${name}]`
  throw new MoltenError('BAD_QUERY', `${where}: ${message}`, numbered('DatabaseDifferCase'))
}

/** As the server compares names of databases: only ASCII has cases. */
function lower(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

function databaseFault(name: string): string | undefined {
  if (name === '') return 'is empty; give it at least one character'
  if (!name.isWellFormed()) return 'has a lone surrogate; use well-formed Unicode'
  if (Buffer.byteLength(name) > MAX_DATABASE_NAME_BYTES) return `is longer than ${MAX_DATABASE_NAME_BYTES} bytes of UTF-8; use a shorter one`
  const character = /[\0/\\. "$*<>:|?]/.exec(name)?.[0]
  if (character !== undefined) return `contains ${JSON.stringify(character)}; leave that character out`
  return undefined
}

function nameFault(name: string): string | undefined {
  if (name === '') return 'is empty; give it at least one character'
  if (!name.isWellFormed()) return 'has a lone surrogate; use well-formed Unicode'
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `is longer than ${MAX_NAME_BYTES} bytes of UTF-8; use a shorter one`
  const character = /[\0$/\\]/.exec(name)?.[0]
  if (character !== undefined) return `contains ${JSON.stringify(character)}; leave that character out`
  if (name.startsWith('.') || name.endsWith('.')) return 'starts or ends with a dot; put dots between words only'
  if (name.includes('..')) return 'contains two dots in a row; use one'
  return undefined
}

/** Refuses replacement documents where operators or a pipeline are expected. */
export function checkUpdate(where: string, update: unknown): asserts update is Document {
  if (Array.isArray(update)) {
    eachOf(update, (stage, n) => checkFields(where, `update[${n}]`, stage))
    return
  }
  checkFields(where, 'update', update)
  const keys = Object.keys(update)
  const plain = keys.find((key) => !key.startsWith('$'))
  if (keys.length === 0) throw new MoltenError('BAD_UPDATE', `${where}: the update has no operator; use one such as $set`, numbered('FailedToParse'))
  if (plain !== undefined) {
    throw new MoltenError('BAD_UPDATE', `${where}: the update has the field ${shown(plain)} beside or instead of operators; use $set, or replaceOne`, { path: plain, ...numbered('FailedToParse') })
  }
}

/** Refuses operators where a replacement document is expected. */
export function checkReplacement(where: string, replacement: unknown): asserts replacement is Document {
  if (Array.isArray(replacement)) throw wrongArgument(where, 'replacement', 'an object', replacement)
  checkFields(where, 'replacement', replacement)
  const operator = Object.keys(replacement)[0]
  if (operator?.startsWith('$')) {
    throw new MoltenError('BAD_UPDATE', `${where}: the replacement starts with the operator ${shown(operator)}; use updateOne for operators`, { path: operator, ...numbered('DollarPrefixedFieldName') })
  }
}

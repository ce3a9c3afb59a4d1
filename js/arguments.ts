// Checks of what callers pass: a wrong type is a TypeError naming the method and the argument.

import { MoltenError } from './errors.js'
import { isObjectId } from './identity.js'
import type { Document } from './types.js'

const MAX_NAME_BYTES = 120

/** A value for a message: its type, or itself where it is short. */
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
      return 'an object'
    default:
      return `a ${typeof value}`
  }
}

/** The TypeError of a wrong argument. */
export function wrongArgument(where: string, name: string, expected: string, value: unknown): TypeError {
  return new TypeError(`${where}: ${name} must be ${expected}, not ${shown(value)}`)
}

/** An object with fields: no array, no null, no wrapper of something else. */
export function isFields(value: unknown): value is Document {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return !(value instanceof Date || ArrayBuffer.isView(value) || isObjectId(value))
}

/** A Map of any realm. */
export function isMap(value: unknown): value is Map<string, never> {
  return Object.prototype.toString.call(value) === '[object Map]'
}

/** Refuses what is not an object with fields. */
export function checkFields(where: string, name: string, value: unknown): asserts value is Document {
  if (!isFields(value)) throw wrongArgument(where, name, 'an object', value)
}

/** The filter; absent means all documents. */
export function filterOf(where: string, filter: unknown): Document {
  if (filter === undefined || filter === null) return {}
  checkFields(where, 'filter', filter)
  return filter
}

/** The options; absent means none. */
export function optionsOf<T extends object>(where: string, options: T | null | undefined): Partial<T> {
  if (options === undefined || options === null) return {}
  if (typeof options !== 'object' || Array.isArray(options)) throw wrongArgument(where, 'options', 'an object', options)
  const given = options as { session?: unknown; collation?: { locale?: unknown } | null; signal?: unknown; maxTimeMS?: unknown }
  if (given.session !== undefined && given.session !== null) throw unsupported(where, 'session', 'operations of one call are atomic')
  if (given.collation !== undefined && given.collation !== null) checkCollation(where, given.collation)
  if (given.maxTimeMS !== undefined) countOf(where, 'option maxTimeMS', given.maxTimeMS)
  if (given.signal !== undefined) checkSignal(where, given.signal)
  return options
}

/** Strings compare as their bytes do; no language's rules are there. */
export function checkCollation(where: string, collation: unknown): void {
  checkFields(where, 'collation', collation)
  if (collation['locale'] !== 'simple') throw unsupported(where, 'collation', "only { locale: 'simple' } is there")
}

/** The error of an option that this version does not have. */
export function unsupported(where: string, name: string, instead: string): MoltenError {
  return new MoltenError('NOT_SUPPORTED', `${where}: option ${name} is not supported; ${instead}`)
}

function checkSignal(where: string, signal: unknown): void {
  const given = signal as Partial<AbortSignal> | null
  if (typeof given !== 'object' || given === null || typeof given.addEventListener !== 'function' || typeof given.aborted !== 'boolean') {
    throw wrongArgument(where, 'option signal', 'an AbortSignal', signal)
  }
}

/** A true or false option; absent is false. */
export function flagOf(where: string, name: string, value: unknown): boolean {
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw wrongArgument(where, `option ${name}`, 'a boolean', value)
  return value
}

/** A whole number that is not negative; absent is 0. */
export function countOf(where: string, name: string, value: unknown): number {
  if (value === undefined || value === null) return 0
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw wrongArgument(where, name, 'a whole number, 0 or more', value)
  return value as number
}

/** A version to insist on; undefined means any. */
export function versionOf(where: string, value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  return countOf(where, 'option ifVersion', value)
}

/** Methods that take no `ifVersion` must not leave it out in silence. */
export function refuseVersion(where: string, options: object): void {
  if ((options as { ifVersion?: unknown }).ifVersion !== undefined) {
    throw unsupported(where, 'ifVersion', 'use set, setMany or delete, which take it')
  }
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
  if (reason) throw new MoltenError('BAD_QUERY', `${where}: collection name ${shown(name)} ${reason}`)
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
    update.forEach((stage, n) => checkFields(where, `update[${n}]`, stage))
    return
  }
  checkFields(where, 'update', update)
  const keys = Object.keys(update)
  const plain = keys.find((key) => !key.startsWith('$'))
  if (keys.length === 0) throw new MoltenError('BAD_UPDATE', `${where}: the update has no operator; use one such as $set`)
  if (plain !== undefined) {
    throw new MoltenError('BAD_UPDATE', `${where}: the update has the field ${shown(plain)} beside or instead of operators; use $set, or replaceOne`, { path: plain })
  }
}

/** Refuses operators where a replacement document is expected. */
export function checkReplacement(where: string, replacement: unknown): asserts replacement is Document {
  if (Array.isArray(replacement)) throw wrongArgument(where, 'replacement', 'an object', replacement)
  checkFields(where, 'replacement', replacement)
  const operator = Object.keys(replacement)[0]
  if (operator?.startsWith('$')) {
    throw new MoltenError('BAD_UPDATE', `${where}: the replacement starts with the operator ${shown(operator)}; use updateOne for operators`, { path: operator })
  }
}

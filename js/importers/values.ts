// Values of JavaScript as lines of Extended JSON, and texts as values of other types.

import type { ImportType } from '../types/index.js'

/** No document has more levels. */
const MAX_DEPTH = 100

/** Names of the wrappers of Extended JSON. */
const WRAPPERS = new Set([
  '$oid', '$date', '$binary', '$numberLong', '$numberDouble', '$numberInt', '$numberDecimal', '$uuid', '$timestamp', '$regularExpression', '$undefined',
  '$minKey', '$maxKey', '$code', '$symbol', '$dbPointer'
])

/** A value that cannot be taken; the path leads to it. */
export class ValueFault extends Error {}

/** What an object of the source stands for: another value, or itself. */
export type Revive = (object: { readonly [key: string]: unknown }) => unknown

const isWrapper = (key: string): boolean => key.startsWith('$') && WRAPPERS.has(key.replace(/^\$+/, '$'))

/** A document as one line. Objects mean what they say, unless `revive` knows better; of Extended JSON they mean what they mean there. */
export function lineOf(document: unknown, revive?: Revive, isExtended = false): string {
  return JSON.stringify(plain(document, revive, 1, isExtended))
}

/** The same value for JSON.stringify, with what JSON has not in its wrapper. */
function plain(value: unknown, revive: Revive | undefined, level: number, isExtended: boolean): unknown {
  if (typeof value === 'number') return Object.is(value, -0) || !Number.isFinite(value) ? { $numberDouble: Object.is(value, -0) ? '-0.0' : String(value) } : value
  if (typeof value === 'bigint') return { $numberLong: String(value) }
  if (value instanceof Date) return dateOf(value)
  if (value instanceof Hex) return { $oid: value.digits }
  if (typeof value !== 'object' || value === null) return value
  if (level > MAX_DEPTH) throw new ValueFault(`it is nested deeper than ${MAX_DEPTH} levels`)
  if (Array.isArray(value)) return value.map((element) => plain(element, revive, level + 1, isExtended))
  const revived = revive?.(value as { [key: string]: unknown })
  if (revived !== undefined && revived !== value) return plain(revived, undefined, level, isExtended)
  let isFirst = true
  const object: { [key: string]: unknown } = {}
  for (const [key, content] of Object.entries(value)) {
    if (content === undefined) continue
    put(object, isFirst && !isExtended && isWrapper(key) ? `$${key}` : key, plain(content, revive, level + 1, isExtended))
    isFirst = false
  }
  return object
}

function dateOf(date: Date): unknown {
  if (Number.isNaN(date.getTime())) throw new ValueFault('a date is invalid')
  return { $date: { $numberLong: String(date.getTime()) } }
}

/** Sets a field, whatever its name. */
export function put(object: { [key: string]: unknown }, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}

/** An ObjectId. */
class Hex {
  constructor(readonly digits: string) {}
}

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i
const DATE = /^[-+]?\d{4,6}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[-+]\d\d:?\d\d)?)?)?$/i

/** A text as a value of a type; empty is null, but for a string. */
export function typed(text: string, type: ImportType): unknown {
  if (type === 'string') return text
  const trimmed = text.trim()
  if (trimmed === '') return null
  const wrong = (what: string): ValueFault => new ValueFault(`${JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text)} is no ${what}`)
  switch (type) {
    case 'number':
      if (!NUMBER.test(trimmed)) throw wrong('number')
      if (/^[-+]?\d+$/.test(trimmed) && BigInt(Number(trimmed)) !== BigInt(trimmed.replace('+', ''))) throw wrong('number that JavaScript has exactly; the type long holds 64 bits')
      return Number(trimmed)
    case 'long':
      if (!/^[-+]?\d{1,19}$/.test(trimmed) || BigInt.asIntN(64, BigInt(trimmed.replace('+', ''))) !== BigInt(trimmed.replace('+', ''))) throw wrong('whole number of 64 bits')
      return BigInt(trimmed.replace('+', ''))
    case 'boolean':
      if (/^(true|yes|1)$/i.test(trimmed)) return true
      if (/^(false|no|0)$/i.test(trimmed)) return false
      throw wrong('boolean: true, false, yes, no, 1 or 0')
    case 'date': {
      // A time without a zone would be another one on each machine: it is in UTC.
      const hasZone = /(Z|[-+]\d\d:?\d\d)$/i.test(trimmed) && trimmed.includes(':')
      const iso = trimmed.replace(' ', 'T')
      const date = DATE.test(trimmed) ? new Date(iso.includes(':') && !hasZone ? `${iso}Z` : iso) : /^-?\d{5,16}$/.test(trimmed) ? new Date(Number(trimmed)) : undefined
      if (date === undefined || Number.isNaN(date.getTime())) throw wrong('date: ISO 8601, or milliseconds')
      return date
    }
    default:
      if (!/^[\da-f]{24}$/i.test(trimmed)) throw wrong('ObjectId: 24 hexadecimal digits')
      return new Hex(trimmed.toLowerCase())
  }
}

/** What a text looks like. */
export function inferred(text: string): unknown {
  if (text === '') return null
  if (text === 'true') return true
  if (text === 'false') return false
  // A number that would not be written so again stays text: 007, 1.10, and numbers of cards.
  const number = Number(text)
  return NUMBER.test(text) && String(number) === text ? number : text
}

/** Gives fields of a document their types, in place. */
export function withTypes(document: { [key: string]: unknown }, types: readonly (readonly [readonly string[], ImportType])[]): void {
  for (const [path, type] of types) retype(document, path, type)
}

function retype(value: unknown, path: readonly string[], type: ImportType): void {
  if (Array.isArray(value)) return value.forEach((element) => retype(element, path, type))
  const [key, ...rest] = path
  if (typeof value !== 'object' || value === null || key === undefined || !Object.hasOwn(value, key)) return
  const object = value as { [key: string]: unknown }
  const content = object[key]
  if (rest.length > 0) return retype(content, rest, type)
  try {
    if (Array.isArray(content)) put(object, key, content.map((element) => as(element, type)))
    else put(object, key, as(content, type))
  } catch (fault) {
    throw new ValueFault(`${path.join('.')}: ${(fault as Error).message}`)
  }
}

function as(value: unknown, type: ImportType): unknown {
  if (typeof value === 'string') return typed(value, type)
  return typeof value === 'number' && (type === 'date' || type === 'long') ? typed(String(value), type) : value
}

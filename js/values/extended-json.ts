// MongoDB Extended JSON v2 as the package exports and imports it (docs/api.md): reading values of filters, writing documents.

import { ObjectId } from '../ids/object-id.js'
import type { Document } from '../types/index.js'
import { parseRelaxed, Pattern } from './relaxed-json.js'
import { ValueError } from './value-error.js'

/** Names of wrappers, including those of types that cannot be stored. */
const WRAPPERS = new Set([
  '$oid', '$date', '$binary', '$numberLong', '$numberDouble', '$numberInt', '$numberDecimal', '$uuid', '$timestamp', '$regularExpression', '$undefined',
  '$minKey', '$maxKey', '$code', '$symbol', '$dbPointer'
])

/** Whether a key is that of a wrapper, or looks like one and has more dollars. */
function isWrapper(key: string): boolean {
  return key.startsWith('$') && WRAPPERS.has(key.replace(/^\$+/, '$'))
}

/** The value of an argument in Extended JSON; `what` names it in errors. */
export function valueOf(text: string, what: string): unknown {
  return typed(parseRelaxed(text, what), what)
}

/** The object of an argument. */
export function objectOf(text: string, what: string): Document {
  const value = valueOf(text, what)
  if (!isPlain(value)) throw new ValueError(`${what} must be an object, as in '{"age":{"$gte":18}}'`)
  return value
}

/** The stages of an argument. */
export function pipelineOf(text: string, what: string): Document[] {
  const value = valueOf(text, what)
  // One stage alone is a pipeline of one.
  const stages = Array.isArray(value) ? value : [value]
  if (!stages.every(isPlain)) throw new ValueError(`${what} must be an array of stages, as in '[{"$match":{"age":{"$gte":18}}}]'`)
  return stages as Document[]
}

function isPlain(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

function typed(value: unknown, what: string): unknown {
  if (Array.isArray(value)) return value.map((element) => typed(element, what))
  if (value instanceof Pattern) return patternOf(value, what)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const [first] = entries
  if (first !== undefined && isWrapper(first[0]) && !first[0].startsWith('$$')) {
    if (entries.length > 1) throw new ValueError(`${what}: ${first[0]} stands beside the key ${JSON.stringify(entries[1]![0])}; it must be alone`)
    return unwrapped(first[0], first[1], what)
  }
  const object = {}
  for (const [index, [key, content]] of entries.entries()) {
    const name = index === 0 && isWrapper(key) ? key.slice(1) : key
    Object.defineProperty(object, name, { value: typed(content, what), enumerable: true, configurable: true, writable: true })
  }
  return object
}

/** The value that a wrapper stands for. */
function unwrapped(key: string, content: unknown, what: string): unknown {
  const wrong = (expected: string): ValueError => new ValueError(`${what}: ${key} must hold ${expected}`)
  const text = typeof content === 'string' ? content : undefined
  const fields = (typeof content === 'object' && content !== null ? content : {}) as { [name: string]: unknown }
  switch (key) {
    case '$oid':
      if (text === undefined || !/^[\da-f]{24}$/i.test(text)) throw wrong('24 hexadecimal digits')
      return new ObjectId(text)
    case '$numberLong':
      if (text === undefined || !/^-?\d{1,19}$/.test(text) || BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) throw wrong('a whole number of 64 bits as a string')
      return BigInt(text)
    case '$numberInt':
    case '$numberDouble': {
      if (text === undefined || text.trim() === '' || (Number.isNaN(Number(text)) && text !== 'NaN')) throw wrong('a number as a string')
      return Number(text)
    }
    case '$date': {
      const millis = text === undefined ? fields['$numberLong'] : dateOf(text)?.getTime()
      if (millis === undefined || Number.isNaN(new Date(Number(millis)).getTime())) throw wrong('a time such as 2024-01-31T12:00:00Z, or {"$numberLong": milliseconds}')
      return new Date(Number(millis))
    }
    case '$binary': {
      const { base64, subType } = fields
      if (typeof base64 !== 'string' || (subType !== '00' && subType !== '0')) throw wrong('base64 and subType, which is "00"')
      return Buffer.from(base64, 'base64')
    }
    case '$regularExpression':
      if (typeof fields['pattern'] !== 'string') throw wrong('pattern and options')
      return patternOf(new Pattern(fields['pattern'], String(fields['options'] ?? '')), what)
    default:
      throw new ValueError(`${what}: ${key} is a type that cannot be stored`)
  }
}

/** A regular expression in the form that takes MongoDB's options. */
function patternOf({ source, flags }: Pattern, what: string): RegExp {
  try {
    return new RegExp(source, flags)
  } catch (cause) {
    throw new ValueError(`${what}: ${(cause as Error).message}`)
  }
}

/** A date in ISO 8601; a time without zone would mean another one on each machine. */
export function dateOf(text: string): Date | undefined {
  if (!/^[+-]?\d{4,6}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d))?)?$/i.test(text)) return undefined
  const date = new Date(text.replace(' ', 'T').replace(/z$/, 'Z').replace(/([+-]\d\d)(\d\d)$/, (all, hours: string, minutes: string) => (text.includes(':') ? `${hours}:${minutes}` : all)))
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** A document or another value as one line, as exportJSONL writes it. What is longer than `limit` ends somewhere behind it. */
export function written(value: unknown, limit = Infinity): string {
  return new Writer(limit).text(value)
}

class Writer {
  #out = ''

  constructor(private readonly limit: number) {}

  text(value: unknown): string {
    this.#write(value)
    return this.#out
  }

  #write(value: unknown): void {
    if (this.#out.length > this.limit) return
    if (Array.isArray(value)) {
      this.#out += '['
      for (const [index, element] of value.entries()) {
        if (index > 0) this.#out += ','
        this.#write(element)
        if (this.#out.length > this.limit) break
      }
      this.#out += ']'
    } else if (isStructure(value)) {
      this.#out += '{'
      let isFirst = true
      for (const [key, content] of Object.entries(value)) {
        if (content === undefined) continue
        this.#out += `${isFirst ? '' : ','}${JSON.stringify(isFirst && isWrapper(key) ? `$${key}` : key)}:`
        isFirst = false
        this.#write(content)
        if (this.#out.length > this.limit) break
      }
      this.#out += '}'
    } else {
      this.#out += JSON.stringify(scalar(typeof value === 'string' && value.length > this.limit ? value.slice(0, this.limit + 1) : value))
    }
  }
}

/** The same with line breaks, for people. */
export function indented(value: unknown, indent = ''): string {
  const deeper = `${indent}  `
  if (Array.isArray(value)) {
    if (value.every((element) => !isStructure(element) && !Array.isArray(element))) return written(value).length < 60 ? written(value) : lines('[', value.map((one) => written(one)), ']')
    return lines('[', value.map((one) => indented(one, deeper)), ']')
  }
  if (!isStructure(value)) return written(value)
  const entries = Object.entries(value).filter(([, content]) => content !== undefined)
  return lines('{', entries.map(([key, content], index) => `${JSON.stringify(index === 0 && isWrapper(key) ? `$${key}` : key)}: ${indented(content, deeper)}`), '}')

  function lines(open: string, parts: string[], close: string): string {
    return parts.length === 0 ? open + close : `${open}\n${parts.map((part) => deeper + part).join(',\n')}\n${indent}${close}`
  }
}

/** An object whose keys are fields. */
function isStructure(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date) && !(value instanceof Uint8Array) && !('_bsontype' in value && typeof (value as { toHexString?: unknown }).toHexString === 'function')
}

/** What stands for a value that JSON has, or has not. */
function scalar(value: unknown): unknown {
  if (typeof value === 'bigint') return { $numberLong: String(value) }
  if (typeof value === 'number') {
    if (Object.is(value, -0)) return { $numberDouble: '-0.0' }
    return Number.isFinite(value) ? value : { $numberDouble: String(value) }
  }
  if (value instanceof Date) return { $date: { $numberLong: String(value.getTime()) } }
  if (value instanceof Uint8Array) return { $binary: { base64: Buffer.from(value).toString('base64'), subType: '00' } }
  if (typeof value === 'object' && value !== null) return { $oid: (value as { toHexString(): string }).toHexString() }
  return value ?? null
}

// Classifies JavaScript values for the codec: an object with fields, a Date, bytes, an ObjectId, or a value that cannot be
// stored.

import { types } from 'node:util'

import type { CodeName } from '../errors.js'

/** Deepest nesting of a document; the document itself is level 1. */
export const MAX_DEPTH = 100
/** Largest encoded document, in bytes. */
export const MAX_DOCUMENT = 16_777_216
/** Largest encoded `_id`, in bytes. */
export const MAX_ID = 1024

/** How the encoder treats an object that is not an array. */
export const OBJECT = 0
export const DATE = 1
export const BINARY = 2
export const OBJECT_ID = 3
export type ObjectKind = typeof OBJECT | typeof DATE | typeof BINARY | typeof OBJECT_ID

/**
 * Thrown within the encoder for a value that cannot be stored. Each level adds its key while the exception propagates, so
 * that no path is tracked for valid values. The encoder turns it into a MoltenError.
 */
export class Refusal {
  readonly path: (string | number)[] = []
  constructor(readonly reason: string, readonly codeName?: CodeName) {}
}

// Captured when this module is evaluated: a test's fake clock may replace the globals later, and an instance may have own
// methods of these names.
const apply = Reflect.apply
const objectPrototype = Object.prototype
const datePrototype = Date.prototype
const getTime = Date.prototype.getTime
const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object
const getLength = Object.getOwnPropertyDescriptor(typedArray, 'length')?.get as () => number
const getSource = Object.getOwnPropertyDescriptor(RegExp.prototype, 'source')?.get as () => string
const getFlags = Object.getOwnPropertyDescriptor(RegExp.prototype, 'flags')?.get as () => string
const getTypeName = Object.getOwnPropertyDescriptor(typedArray, Symbol.toStringTag)?.get as () => string | undefined

/** Whether a string has no lone surrogate. */
export function isWellFormed(string: string): boolean {
  return (string as string & { isWellFormed(): boolean }).isWellFormed()
}

/** Milliseconds since 1970, of a Date of any realm, even when its methods were replaced. */
export function timeOf(date: object): number {
  const time = apply(getTime, date, []) as number
  if (time !== time) throw new Refusal('is an invalid Date; store null, or a Date that has a time')
  return time
}

/** The length of a Uint8Array, even when an own property hides it. */
export function lengthOf(bytes: object): number {
  return apply(getLength, bytes, []) as number
}

const NO_BYTES = new Uint8Array(0)

/** Whether the buffer of a view without bytes was detached, or shrank below it: its bytes are gone. */
export function isGone(bytes: Uint8Array): boolean {
  try {
    NO_BYTES.set(bytes)
    return false
  } catch {
    return true
  }
}

/** The source and the flags of a regular expression, even when own properties hide them. */
export function patternOf(pattern: RegExp): { source: string; flags: string } {
  return { source: apply(getSource, pattern, []) as string, flags: apply(getFlags, pattern, []) as string }
}

/** Classifies an object by its internal slots and `_bsontype`, not by its class: other realms have their own classes. */
export function kindOf(value: object): ObjectKind {
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === objectPrototype ? OBJECT : kindOfInstance(value, prototype)
}

function kindOfInstance(value: object, prototype: object | null): ObjectKind {
  if (prototype === datePrototype && types.isDate(value)) return DATE
  const typeName = apply(getTypeName, value, []) as string | undefined
  if (typeName !== undefined) {
    if (typeName === 'Uint8Array') return BINARY
    throw new Refusal(`is ${typeName.startsWith('Int') ? 'an' : 'a'} ${typeName}; store Buffer.from(value.buffer, value.byteOffset, value.byteLength), or an array of numbers`)
  }
  if (types.isDate(value)) return DATE
  const refused = REFUSED.find((row) => row.is(value))
  if (refused) throw new Refusal(`is ${refused.what}; ${refused.next}`)
  const bsontype = bsontypeOf(value, prototype)
  if (bsontype === undefined) {
    refuseHidden(value, prototype)
    return OBJECT
  }
  if (bsontype === 'ObjectId' || bsontype === 'ObjectID') return OBJECT_ID
  throw new Refusal(`is a bson ${bsontype}; ${BSON_NEXT[bsontype] ?? 'store its content as plain values'}`)
}

/** Refuses an instance whose state is not in its fields: without fields it would be stored as {}, and a date of a library as its internals. */
function refuseHidden(value: object, prototype: object | null): void {
  if (prototype === null || Object.getPrototypeOf(prototype) === null || !Object.hasOwn(prototype, 'constructor')) return
  refuseDateOf(value, prototype)
  if (Object.keys(value).length > 0 || Reflect.ownKeys(prototype).length === 1) return
  throw new Refusal(`is ${nameOf(prototype)} that has no fields of its own and would be stored as {}; store its content as plain values, for example String(value)`)
}

function refuseDateOf(value: object, prototype: object): void {
  const has = (name: string): boolean => typeof (value as { [name: string]: unknown })[name] === 'function'
  if (has('toDate') && has('toISOString')) throw new Refusal(`is ${nameOf(prototype)}, a date of a library; store value.toDate()`)
  if (has('toJSDate') && has('toISO')) throw new Refusal(`is ${nameOf(prototype)}, a date of a library; store value.toJSDate()`)
}

function nameOf(prototype: object): string {
  const { constructor } = prototype
  return typeof constructor === 'function' && constructor.name !== '' ? `an instance of ${constructor.name}` : 'an instance of a class'
}

/** An own `_bsontype` of a plain object is an ordinary field: it may come from untrusted JSON. */
function bsontypeOf(value: object, prototype: object | null): string | undefined {
  if (prototype === null) return undefined
  if (Object.getPrototypeOf(prototype) === null && Object.hasOwn(value, '_bsontype')) return undefined
  const bsontype = (value as { _bsontype?: unknown })._bsontype
  return typeof bsontype === 'string' ? bsontype : undefined
}

/** The 12 bytes of an ObjectId of any class: a view, a binary string (bson 1) or hexadecimal digits. */
export function objectIdBytes(value: object): Uint8Array {
  const id = (value as { id?: unknown }).id
  if (types.isUint8Array(id) && lengthOf(id) === 12) return id
  if (typeof id === 'string' && id.length === 12) return Buffer.from(id, 'latin1')
  const { toHexString } = value as { toHexString?: unknown }
  if (typeof toHexString === 'function') {
    const hex: unknown = apply(toHexString, value, [])
    if (typeof hex === 'string' && /^[0-9a-f]{24}$/i.test(hex)) return Buffer.from(hex, 'hex')
  }
  throw new Refusal('is an ObjectId without 12 bytes of id; make it with new ObjectId()')
}

const INSTEAD = 'store its content as plain values'

const REFUSED: { is(value: object): boolean; what: string; next: string }[] = [
  { is: types.isMap, what: 'a Map', next: 'store Object.fromEntries(map), or an array of its entries' },
  { is: types.isSet, what: 'a Set', next: 'store an array: [...set]' },
  { is: types.isRegExp, what: 'a RegExp', next: 'store its source as a string' },
  { is: types.isNativeError, what: 'an Error', next: 'store its message as a string' },
  { is: types.isPromise, what: 'a Promise', next: 'await it first' },
  { is: types.isAnyArrayBuffer, what: 'an ArrayBuffer', next: 'store Buffer.from(arrayBuffer)' },
  { is: types.isDataView, what: 'a DataView', next: 'store Buffer.from(view.buffer, view.byteOffset, view.byteLength)' },
  { is: types.isBoxedPrimitive, what: 'a boxed primitive', next: 'store value.valueOf()' },
  { is: types.isWeakMap, what: 'a WeakMap', next: INSTEAD },
  { is: types.isWeakSet, what: 'a WeakSet', next: INSTEAD },
  { is: types.isGeneratorObject, what: 'a generator', next: 'store an array: [...generator]' },
  { is: types.isMapIterator, what: 'an iterator', next: 'store an array: [...iterator]' },
  { is: types.isSetIterator, what: 'an iterator', next: 'store an array: [...iterator]' },
  // Deno has no such function.
  { is: types.isExternal ?? (() => false), what: 'a native handle', next: INSTEAD },
  { is: hasTag('WeakRef'), what: 'a WeakRef', next: INSTEAD },
  { is: hasTag('FinalizationRegistry'), what: 'a FinalizationRegistry', next: INSTEAD },
  { is: hasTag('DOMException'), what: 'an Error', next: 'store its message as a string' }
]

function hasTag(tag: string): (value: object) => boolean {
  return (value) => (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === tag
}

const BSON_NEXT: { readonly [type: string]: string | undefined } = {
  Long: 'store a BigInt: value.toBigInt()',
  Int32: 'store a number: value.valueOf()',
  Double: 'store a number: value.valueOf()',
  Decimal128: 'store a string: value.toString()',
  Binary: 'store a Buffer: value.buffer',
  UUID: 'store a string: value.toString()',
  Timestamp: 'store a BigInt or a Date',
  BSONRegExp: 'store its pattern as a string',
  BSONSymbol: 'store a string: value.valueOf()',
  Code: 'store its code as a string',
  DBRef: 'store the _id that it refers to'
}

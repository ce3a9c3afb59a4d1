// The ObjectId of this package, for documents with ObjectIds and programs without bson.

import type * as Crypto from 'node:crypto'
import { inspect } from 'node:util'

const HEX = /^[0-9a-f]{24}$/i

/**
 * Five random bytes of this thread, and the counter of the next ObjectId, which starts at random; both created at first use.
 */
let origin: Buffer | undefined
let counter = 0

/** The layout of bson: the seconds since 1970, five random bytes, a counter, all big endian. */
function fresh(seconds = Math.floor(Date.now() / 1000)): Buffer {
  if (!origin) {
    // Loaded with the first id, as in uuid.ts.
    const random = (require('node:crypto') as typeof Crypto).randomBytes(8)
    origin = random.subarray(0, 5)
    counter = random.readUIntBE(5, 3)
  }
  const id = Buffer.alloc(12)
  id.writeUInt32BE(seconds % 2 ** 32, 0)
  origin.copy(id, 4)
  id.writeUIntBE(counter, 9, 3)
  counter = (counter + 1) % 2 ** 24
  return id
}

/** Shared by every copy of this package in a process, so that `instanceof` recognizes the ObjectIds of the others. */
const BRAND = Symbol.for('moltendb-node.ObjectId')

const BASE64 = /^[a-z0-9+/]{16}$/i

/** The digits of an ObjectId of any class; undefined of any other value. */
function digitsOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { _bsontype, toHexString } = value as { _bsontype?: unknown; toHexString?: unknown }
  if ((_bsontype !== 'ObjectId' && _bsontype !== 'ObjectID') || typeof toHexString !== 'function') return undefined
  const digits: unknown = toHexString.call(value)
  return typeof digits === 'string' && HEX.test(digits) ? digits : undefined
}

function is12Bytes(id: unknown): id is Uint8Array {
  return ArrayBuffer.isView(id) && id.byteLength === 12 && (id as Uint8Array).length === 12
}

function checkSeconds(seconds: unknown): number {
  if (typeof seconds === 'number' && Number.isInteger(seconds) && seconds >= 0 && seconds < 2 ** 32) return seconds
  throw new TypeError(`an ObjectId holds whole seconds since 1970, 0 to ${2 ** 32 - 1}`)
}

/** The ObjectId of documents that are read without the option `ObjectId`. */
export class ObjectId {
  /** The 12 bytes. */
  readonly id: Buffer

  /** From 12 bytes, which are copied, 24 hexadecimal digits, or an ObjectId of any class; a new one without an argument. */
  constructor(id?: Uint8Array | string | { readonly _bsontype: string; toHexString(): string } | null) {
    if (id === undefined || id === null) this.id = fresh()
    else if (typeof id === 'string' && HEX.test(id)) this.id = Buffer.from(id, 'hex')
    else if (is12Bytes(id)) this.id = Buffer.from(id)
    else {
      const digits = digitsOf(id)
      if (digits === undefined) throw new TypeError('an ObjectId is made from 12 bytes, from 24 hexadecimal digits, from an ObjectId or from nothing')
      this.id = Buffer.from(digits, 'hex')
    }
  }

  /** Whether an ObjectId can be made from this: 12 bytes, 24 hexadecimal digits, or an ObjectId of any class. */
  static isValid(id: unknown): boolean {
    return typeof id === 'string' ? HEX.test(id) : is12Bytes(id) || digitsOf(id) !== undefined
  }

  /** The ObjectId of 24 hexadecimal digits. */
  static createFromHexString(hexString: string): ObjectId {
    if (typeof hexString !== 'string' || !HEX.test(hexString)) throw new TypeError('ObjectId.createFromHexString: hexString must be 24 hexadecimal digits')
    return new ObjectId(hexString)
  }

  /** The ObjectId of 16 digits of base64. */
  static createFromBase64(base64: string): ObjectId {
    if (typeof base64 !== 'string' || !BASE64.test(base64)) throw new TypeError('ObjectId.createFromBase64: base64 must be 16 digits of base64')
    return new ObjectId(Buffer.from(base64, 'base64'))
  }

  /** The smallest ObjectId of a second since 1970, for comparisons: all bytes after the time are 0. */
  static createFromTime(seconds: number): ObjectId {
    const id = Buffer.alloc(12)
    id.writeUInt32BE(checkSeconds(seconds), 0)
    return new ObjectId(id)
  }

  /** The 12 bytes of a new ObjectId, of this second since 1970 or of now. */
  static generate(seconds?: number): Uint8Array {
    return seconds === undefined ? fresh() : fresh(checkSeconds(seconds))
  }

  /** An ObjectId of this class, or of that of another copy of this package. */
  static [Symbol.hasInstance](value: unknown): value is ObjectId {
    // A class that a program derives keeps the meaning of the language.
    if (this !== ObjectId) return Function.prototype[Symbol.hasInstance].call(this, value)
    return typeof value === 'object' && value !== null && (value as { [BRAND]?: unknown })[BRAND] === true
  }

  get _bsontype(): 'ObjectId' {
    return 'ObjectId'
  }

  /** 24 hexadecimal digits, lower case. */
  toHexString(): string {
    return this.id.toString('hex')
  }

  /** The second in which it was made. */
  getTimestamp(): Date {
    return new Date(this.id.readUInt32BE(0) * 1000)
  }

  /** Whether the other is an ObjectId of any class, or a string of hexadecimal digits, with the same bytes. */
  equals(other: unknown): boolean {
    if (typeof other === 'string') return other.toLowerCase() === this.toHexString()
    return digitsOf(other)?.toLowerCase() === this.toHexString()
  }

  toString(): string {
    return this.toHexString()
  }

  toJSON(): string {
    return this.toHexString()
  }

  [inspect.custom](): string {
    return `ObjectId('${this.toHexString()}')`
  }
}

Object.defineProperty(ObjectId.prototype, BRAND, { value: true })

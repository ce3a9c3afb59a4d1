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
function fresh(): Buffer {
  if (!origin) {
    // Loaded with the first id, as in uuid.ts.
    const random = (require('node:crypto') as typeof Crypto).randomBytes(8)
    origin = random.subarray(0, 5)
    counter = random.readUIntBE(5, 3)
  }
  const id = Buffer.alloc(12)
  id.writeUInt32BE(Math.floor(Date.now() / 1000) % 2 ** 32, 0)
  origin.copy(id, 4)
  id.writeUIntBE(counter, 9, 3)
  counter = (counter + 1) % 2 ** 24
  return id
}

/** The ObjectId of documents that are read without the option `ObjectId`. */
export class ObjectId {
  /** The 12 bytes. */
  readonly id: Buffer

  /** From 12 bytes, which are copied, or 24 hexadecimal digits; a new one without an argument. */
  constructor(id?: Uint8Array | string | null) {
    if (id === undefined || id === null) this.id = fresh()
    else if (typeof id === 'string' && HEX.test(id)) this.id = Buffer.from(id, 'hex')
    else if (ArrayBuffer.isView(id) && id.byteLength === 12 && id.length === 12) this.id = Buffer.from(id)
    else throw new TypeError('an ObjectId is made from 12 bytes, from 24 hexadecimal digits or from nothing')
  }

  get _bsontype(): 'ObjectId' {
    return 'ObjectId'
  }

  /** 24 hexadecimal digits, lower case. */
  toHexString(): string {
    return this.id.toString('hex')
  }

  /** Whether the other is an ObjectId of any class, or a string of hexadecimal digits, with the same bytes. */
  equals(other: unknown): boolean {
    if (typeof other === 'string') return other.toLowerCase() === this.toHexString()
    if (typeof other !== 'object' || other === null) return false
    const { _bsontype, toHexString } = other as Partial<ObjectId>
    if ((_bsontype as string) !== 'ObjectId' && (_bsontype as string) !== 'ObjectID') return false
    return typeof toHexString === 'function' && toHexString.call(other) === this.toHexString()
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

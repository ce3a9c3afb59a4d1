import { inspect } from 'node:util'

const HEX = /^[0-9a-f]{24}$/i

/** The ObjectId of documents read without the `objectId` option: 12 bytes, and what programs ask of one. */
export class ObjectId {
  /** The 12 bytes. */
  readonly id: Buffer

  /** From 12 bytes, which are copied, or 24 hexadecimal digits. */
  constructor(id: Uint8Array | string) {
    if (typeof id === 'string' && HEX.test(id)) this.id = Buffer.from(id, 'hex')
    else if (typeof id !== 'string' && id.byteLength === 12) this.id = Buffer.from(id)
    else throw new TypeError('an ObjectId is made from 12 bytes or 24 hexadecimal digits')
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

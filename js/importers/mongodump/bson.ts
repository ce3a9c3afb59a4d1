// The few documents of BSON that an archive has around its collections, and the checksum of a collection in it. The documents themselves are
// read and written by the core.

/** A document that has texts, whole numbers and booleans. */
export interface Head {
  [key: string]: string | number | bigint | boolean
}

const DOUBLE = 1
const TEXT = 2
const BOOLEAN = 8
const INT = 16
const LONG = 18

/** Reads one. Throws a RangeError where it is damaged, or has a value of another type. */
export function readHead(bytes: Buffer): Head {
  const head: Head = {}
  let at = 4
  while (at < bytes.length - 1) {
    const type = bytes.readUInt8(at)
    const end = bytes.indexOf(0, at + 1)
    if (end < 0) throw new RangeError('a key does not end')
    const key = bytes.toString('utf8', at + 1, end)
    at = end + 1
    switch (type) {
      case TEXT: {
        const length = bytes.readInt32LE(at)
        if (length < 1 || at + 4 + length > bytes.length) throw new RangeError(`a text says ${length} bytes`)
        head[key] = bytes.toString('utf8', at + 4, at + 3 + length)
        at += 4 + length
        break
      }
      case BOOLEAN:
        head[key] = bytes.readUInt8(at) === 1
        at += 1
        break
      case INT:
        head[key] = bytes.readInt32LE(at)
        at += 4
        break
      case LONG:
        head[key] = bytes.readBigInt64LE(at)
        at += 8
        break
      case DOUBLE:
        head[key] = bytes.readDoubleLE(at)
        at += 8
        break
      default:
        throw new RangeError(`the type ${type} does not stand in a head`)
    }
  }
  return head
}

/** Writes one; numbers are int32, bigints int64. */
export function writeHead(head: Head): Buffer {
  const parts: Buffer[] = [Buffer.alloc(4)]
  for (const [key, value] of Object.entries(head)) {
    const name = Buffer.from(`${key}\0`)
    if (typeof value === 'string') {
      const text = Buffer.from(`${value}\0`)
      const length = Buffer.alloc(4)
      length.writeInt32LE(text.length)
      parts.push(Buffer.from([TEXT]), name, length, text)
    } else if (typeof value === 'boolean') {
      parts.push(Buffer.from([BOOLEAN]), name, Buffer.from([value ? 1 : 0]))
    } else {
      const number = Buffer.alloc(typeof value === 'bigint' ? 8 : 4)
      if (typeof value === 'bigint') number.writeBigInt64LE(value)
      else number.writeInt32LE(value)
      parts.push(Buffer.from([typeof value === 'bigint' ? LONG : INT]), name, number)
    }
  }
  parts.push(Buffer.alloc(1))
  const all = Buffer.concat(parts)
  all.writeInt32LE(all.length)
  return all
}

/** The table of CRC-64 (ECMA-182, reflected), its halves apart. */
let table: { low: Uint32Array; high: Uint32Array } | undefined

function tableOf(): NonNullable<typeof table> {
  if (table !== undefined) return table
  const [low, high] = [new Uint32Array(256), new Uint32Array(256)]
  for (let byte = 0; byte < 256; byte++) {
    let value = BigInt(byte)
    for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ 0xc96c5795d7870f42n : value >> 1n
    low[byte] = Number(value & 0xffffffffn)
    high[byte] = Number(value >> 32n)
  }
  return (table = { low, high })
}

/** The checksum of all documents of a collection, in order. */
export class Crc64 {
  #low = 0xffffffff
  #high = 0xffffffff

  add(bytes: Uint8Array): void {
    const { low, high } = tableOf()
    let [l, h] = [this.#low, this.#high]
    for (let at = 0; at < bytes.length; at++) {
      const index = (l ^ bytes[at]!) & 0xff
      l = ((l >>> 8) | (h << 24)) ^ low[index]!
      h = (h >>> 8) ^ high[index]!
    }
    this.#low = l
    this.#high = h
  }

  /** As the signed number that archives have. */
  get value(): bigint {
    return BigInt.asIntN(64, (BigInt(~this.#high >>> 0) << 32n) | BigInt(~this.#low >>> 0))
  }
}

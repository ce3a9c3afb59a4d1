// A minimal version of the other side of the boundary: sections are built and stored forms read by the rules of
// docs/boundary.md, by code that shares nothing with the codec.

/** A tagged tree, as the core would hold it: what `section` writes. */
export const record = (shape, ...values) => ({ t: 'record', shape, values })

/** Builds a section. Options: collection, first, shapes (key lists), keysOf (all shapes), blockLimit. */
export function section(value, { collection = 0xffffffff, first = 0, shapes = [], blockLimit = 4096 } = {}) {
  const tokens = []
  const wide = new Blocks(blockLimit)
  token(value)
  const head = [le32(collection), le16(first), le16(shapes.length)]
  for (const keys of shapes) {
    head.push(le16(keys.length))
    for (const key of keys) {
      const bytes = Buffer.from(key, 'utf8')
      head.push(le32(bytes.length), bytes)
    }
  }
  head.push(le32(wide.blocks.length))
  for (const block of wide.blocks) head.push(le32(block.length))
  const body = Buffer.concat([...head, ...wide.blocks, ...tokens])
  return Buffer.concat([le32(body.length), body])

  function token(v) {
    if (v === null || v === undefined) tokens.push(Buffer.from([0xc0]))
    else if (typeof v === 'boolean') tokens.push(Buffer.from([v ? 0xc3 : 0xc2]))
    else if (typeof v === 'number') tokens.push(number(v))
    else if (typeof v === 'bigint') {
      const b = Buffer.alloc(9, 0xd3)
      b.writeBigInt64BE(v, 1)
      tokens.push(b)
    } else if (typeof v === 'string') string(v)
    else if (Array.isArray(v)) {
      tokens.push(v.length < 16 ? Buffer.from([0x90 | v.length]) : sized([0, 0xdc, 0xdd], v.length))
      v.forEach(token)
    } else if (Buffer.isBuffer(v)) tokens.push(sized([0xc4, 0xc5, 0xc6], v.length), v)
    else if (v instanceof Date) {
      const b = Buffer.alloc(10)
      b[0] = 0xd7
      b[1] = 1
      b.writeBigInt64BE(BigInt(v.getTime()), 2)
      tokens.push(b)
    } else if (v._bsontype === 'ObjectId') tokens.push(Buffer.from([0xc7, 12, 2]), Buffer.from(v.toHexString(), 'hex'))
    else if (v.t === 'record') {
      tokens.push(Buffer.from([0xc1, v.shape >> 8, v.shape & 255]))
      v.values.forEach(token)
    } else if (v.t === 'raw') tokens.push(Buffer.from(v.bytes))
    else {
      const keys = Object.keys(v)
      tokens.push(keys.length < 16 ? Buffer.from([0x80 | keys.length]) : sized([0, 0xde, 0xdf], keys.length))
      for (const key of keys) {
        string(key)
        token(v[key])
      }
    }
  }

  function string(s) {
    const oneByte = [...Array(s.length).keys()].every((i) => s.charCodeAt(i) < 256)
    if (oneByte) {
      tokens.push(s.length < 32 ? Buffer.from([0xa0 | s.length]) : sized([0xd9, 0xda, 0xdb], s.length))
      tokens.push(Buffer.from(s, 'latin1'))
    } else {
      tokens.push(sized([0xd4, 0xd5, 0xd6], s.length))
      wide.add(Buffer.from(s, 'utf16le'))
    }
  }
}

class Blocks {
  blocks = []
  constructor(limit) {
    this.limit = limit
  }
  add(bytes) {
    if (bytes.length === 0) return
    const last = this.blocks.at(-1)
    if (last !== undefined && last.length + bytes.length <= this.limit) this.blocks[this.blocks.length - 1] = Buffer.concat([last, bytes])
    else this.blocks.push(bytes)
  }
}

function number(v) {
  if (!Object.is(v | 0, v)) {
    const b = Buffer.alloc(9, 0xcb)
    b.writeDoubleBE(Number.isNaN(v) ? NaN : v, 1)
    return b
  }
  if (v >= 0 && v < 128) return Buffer.from([v])
  if (v < 0 && v >= -32) return Buffer.from([256 + v])
  if (v >= 0) return sized([0xcc, 0xcd, 0xce], v)
  if (v >= -128) return Buffer.from([0xd0, 256 + v])
  const b = Buffer.alloc(v >= -32768 ? 3 : 5)
  b[0] = b.length === 3 ? 0xd1 : 0xd2
  if (b.length === 3) b.writeInt16BE(v, 1)
  else b.writeInt32BE(v, 1)
  return b
}

function sized([lead8, lead16, lead32], n) {
  if (lead8 !== 0 && n < 256) return Buffer.from([lead8, n])
  const b = Buffer.alloc(n < 65536 ? 3 : 5)
  b[0] = b.length === 3 ? lead16 : lead32
  if (b.length === 3) b.writeUInt16BE(n, 1)
  else b.writeUInt32BE(n, 1)
  return b
}

const le16 = (n) => Buffer.from([n & 255, n >> 8])
const le32 = (n) => {
  const b = Buffer.alloc(4)
  b.writeUInt32LE(n)
  return b
}

/** Reads the body of DEFINE: [first, [[key, ...], ...]]. */
export function definitions(bytes) {
  let at = 4
  const shapes = []
  for (let n = bytes.readUInt16LE(2); n > 0; n--) {
    const keys = []
    let count = bytes.readUInt16LE(at)
    for (at += 2; count > 0; count--) {
      const length = bytes.readUInt32LE(at)
      keys.push(bytes.toString('utf8', at + 4, at + 4 + length))
      at += 4 + length
    }
    shapes.push(keys)
  }
  if (at !== bytes.length) throw new Error('bytes after the definitions')
  return [bytes.readUInt16LE(0), shapes]
}

/**
 * Reads one value in the stored form and checks that it is the value's only encoding. Objects are returned with null
 * prototypes and their keys in stored order, ObjectIds as { oid }.
 */
export function stored(bytes, shapes = []) {
  let at = 0
  const value = read()
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes after the value`)
  return value

  function insist(condition, what) {
    if (!condition) throw new Error(`not the one encoding: ${what} at ${at}`)
  }
  function uint(size) {
    at += size
    return bytes.readUIntBE(at - size, size)
  }
  function int(size) {
    at += size
    return bytes.readIntBE(at - size, size)
  }
  function length(lead, lead8, least = 0) {
    const size = 1 << (lead - lead8)
    const n = uint(size)
    insist(n >= (size === 1 ? least : size === 2 ? 256 : 65536), 'length')
    return n
  }
  function long(lead, lead16) {
    const n = lead === lead16 ? uint(2) : uint(4)
    insist(n >= (lead === lead16 ? 16 : 65536), 'count')
    return n
  }
  function text(n) {
    at += n
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(at - n, at))
  }
  function object(keys, next) {
    const result = Object.create(null)
    for (const key of keys) {
      const name = key ?? next()
      insist(!(name in result), 'distinct keys')
      result[name] = read()
    }
    return result
  }
  function read() {
    const lead = uint(1)
    if (lead < 0x80) return lead
    if (lead >= 0xe0) return lead - 256
    if (lead < 0x90) return object(Array(lead & 15).fill(undefined), read)
    if (lead < 0xa0) return Array.from({ length: lead & 15 }, read)
    if (lead < 0xc0) return text(lead & 31)
    switch (lead) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc1: {
        const keys = shapes[uint(2)]
        insist(keys !== undefined, 'a shape that is known')
        return object(keys)
      }
      case 0xc4:
      case 0xc5:
      case 0xc6: {
        const n = length(lead, 0xc4)
        at += n
        return Buffer.from(bytes.subarray(at - n, at))
      }
      case 0xc7:
        insist(uint(1) === 12 && uint(1) === 2, 'ObjectId')
        at += 12
        return { oid: bytes.toString('hex', at - 12, at) }
      case 0xcb: {
        at += 8
        const n = bytes.readDoubleBE(at - 8)
        insist(!Object.is(n | 0, n), 'an int32 as an int')
        if (Number.isNaN(n)) insist(bytes.readBigUInt64BE(at - 8) === 0x7ff8000000000000n, 'the one NaN')
        return n
      }
      case 0xcc:
      case 0xcd:
      case 0xce: {
        const n = length(lead, 0xcc, 128)
        insist(n <= 0x7fffffff, 'int32')
        return n
      }
      case 0xd0: {
        const n = int(1)
        insist(n < -32, 'int8')
        return n
      }
      case 0xd1: {
        const n = int(2)
        insist(n < -128, 'int16')
        return n
      }
      case 0xd2: {
        const n = int(4)
        insist(n < -32768, 'int32')
        return n
      }
      case 0xd3:
        at += 8
        return bytes.readBigInt64BE(at - 8)
      case 0xd7:
        insist(uint(1) === 1, 'date')
        at += 8
        return new Date(Number(bytes.readBigInt64BE(at - 8)))
      case 0xd9:
      case 0xda:
      case 0xdb:
        return text(length(lead, 0xd9, 32))
      case 0xdc:
      case 0xdd:
        return Array.from({ length: long(lead, 0xdc) }, read)
      case 0xde:
      case 0xdf:
        return object(Array(long(lead, 0xde)).fill(undefined), read)
      default:
        throw new Error(`token ${lead.toString(16)}`)
    }
  }
}

// Decodes results into values.

import { MoltenError } from '../errors.js'
import { ObjectId } from '../ids/object-id.js'
import { define } from './shape-reader.js'
import { NO_COLLECTION, type Shape, type ShapeCache } from './shapes.js'
import type { ValueReader } from './value-reader.js'
import type { NativeBuffer } from './writer.js'

/** Deeper than any document with its envelope. A deeper value is damage, detected before the stack overflows. */
const MAX_DEPTH = 128
/** Bytes of a section before its value, without definitions and blocks. */
const PLAIN_HEAD = 16
/**
 * Bytes that become one JavaScript string. A string that the program keeps holds at most this much memory, unless it is
 * longer itself.
 */
const PIECE = 4096
/** The same limit where strings are far apart. */
const SMALL_PIECE = 256

/** Creates ObjectIds of the program's class from a copy of 12 bytes. */
export type ObjectIdClass = new (bytes: Uint8Array) => unknown

export interface ReaderOptions {
  objectId?: ObjectIdClass
  /** The owner of the bytes. `lent` is set while code of the program runs, which may start another read. */
  owner?: { lent: boolean }
}

// A test's fake clock replaces the global.
const RealDate = Date
const NONE: readonly Shape[] = []

/**
 * Reads the sections of results. A piece of the bytes becomes one JavaScript string when its first string is read; its
 * strings are slices of that string. The values do not refer to the bytes.
 *
 * Shape readers use the members that are not private.
 */
export class Reader implements ValueReader {
  /** The end of the section read last. */
  end = 0

  bytes: NativeBuffer = Buffer.alloc(0) as NativeBuffer
  view: DataView = new DataView(new ArrayBuffer(0))
  at = 0
  /** A piece of the bytes, one character per byte, and its range. */
  latin = ''
  latinFrom = 0
  latinEnd = 0

  private start = 0
  private shapes: readonly Shape[] = NONE
  private depth = 0

  // The current block of wide strings, the position in it, and the next block: its length and its bytes.
  private wide = ''
  private wideAt = 0
  private wideLengths = 0
  private wideBytes = 0
  private wideLeft = 0

  private readonly objectId: ObjectIdClass
  private readonly owner: { lent: boolean }

  constructor(
    private readonly cache: ShapeCache,
    options: ReaderOptions = {}
  ) {
    this.objectId = options.objectId ?? ObjectId
    this.owner = options.owner ?? { lent: false }
  }

  /** Releases the bytes. */
  release(): void {
    this.attach(Buffer.allocUnsafeSlow(0))
    this.latin = this.wide = ''
  }

  /** Reads the section at `at` of `bytes` and returns its value; sets `end`. */
  section(bytes: Buffer, at: number): unknown {
    this.attach(bytes)
    this.start = this.at = at
    if (at + PLAIN_HEAD > bytes.length) this.corrupt('the result ends early')
    this.end = at + 4 + this.view.getUint32(at, true)
    if (this.end > bytes.length || this.end < at + PLAIN_HEAD) this.corrupt('the length of the section is wrong')
    this.latin = this.wide = ''
    this.latinFrom = this.latinEnd = at
    this.head()
    const value = this.whole()
    this.latin = this.wide = ''
    return value
  }

  /** Reads the value of a section without shapes at the start of `bytes`; its characters are given. */
  plain(bytes: Buffer, characters: string, shapes: readonly Shape[]): unknown {
    this.attach(bytes)
    this.start = this.wideLeft = 0
    this.shapes = shapes
    this.latin = characters
    this.at = this.latinFrom = PLAIN_HEAD
    this.end = this.latinEnd = PLAIN_HEAD + characters.length
    return this.whole()
  }

  private attach(bytes: Buffer): void {
    if (bytes === this.bytes) return
    this.bytes = bytes as NativeBuffer
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  private whole(): unknown {
    this.depth = 0
    const value = this.value()
    if (this.at !== this.end) this.corrupt('the value does not end where the section does')
    return value
  }

  private head(): void {
    const { view } = this
    const collection = view.getUint32(this.at + 4, true)
    const first = view.getUint16(this.at + 8, true)
    const count = view.getUint16(this.at + 10, true)
    this.at += 12
    for (let i = 0; i < count; i++) this.definition(collection, first + i)
    this.shapes = collection === NO_COLLECTION ? NONE : this.cache.of(collection)
    this.need(4)
    const wides = view.getUint32(this.at, true)
    this.at += 4
    this.need(4 * wides)
    this.wideLengths = this.at
    this.wideBytes = this.at += 4 * wides
    this.wideLeft = wides
    this.wideAt = 0
    let lengths = 0
    for (let i = 0; i < wides; i++) lengths += view.getUint32(this.wideLengths + 4 * i, true)
    this.need(lengths)
    this.at += lengths
  }

  private definition(collection: number, id: number): void {
    this.need(2)
    const count = this.view.getUint16(this.at, true)
    this.at += 2
    const keys: string[] = []
    for (let i = 0; i < count; i++) {
      this.need(4)
      const length = this.view.getUint32(this.at, true)
      this.at += 4
      this.need(length)
      keys.push(this.bytes.toString('utf8', this.at, this.at + length))
      this.at += length
    }
    this.cache.learn(collection, id, keys)
  }

  /** Reads one value. */
  value(): unknown {
    // Kept short, so that V8 inlines it.
    const lead = this.bytes[this.at++] as number
    if (lead < 0x80) return lead
    if (lead >= 0xa0 && lead < 0xc0) return this.latinString(lead & 0x1f)
    return this.rarer(lead)
  }

  /** Reads the value after this lead byte. */
  rarer(lead: number): unknown {
    if (lead >= 0xe0) return lead - 0x100
    if (lead < 0x80) return lead
    if (lead < 0x90) return this.map(lead & 0xf)
    if (lead < 0xa0) return this.array(lead & 0xf)
    if (lead < 0xc0) return this.latinString(lead & 0x1f)
    const at = this.at
    switch (lead) {
      case 0xc0:
        return null
      case 0xc1:
        return this.record()
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
        return this.binary(this.u8())
      case 0xc5:
        return this.binary(this.u16())
      case 0xc6:
        return this.binary(this.u32())
      case 0xc7:
        return this.objectIdValue()
      case 0xcb:
        this.need(8)
        this.at = at + 8
        return this.view.getFloat64(at)
      case 0xcc:
        return this.u8()
      case 0xcd:
        return this.u16()
      case 0xce:
        return this.u32()
      case 0xd0:
        return (this.u8() << 24) >> 24
      case 0xd1:
        return (this.u16() << 16) >> 16
      case 0xd2:
        return this.u32() | 0
      case 0xd3:
        this.need(8)
        this.at = at + 8
        return this.view.getBigInt64(at)
      case 0xd4:
        return this.wideString(this.u8())
      case 0xd5:
        return this.wideString(this.u16())
      case 0xd6:
        return this.wideString(this.u32())
      case 0xd7:
        return this.date()
      case 0xd9:
        return this.latinString(this.u8())
      case 0xda:
        return this.latinString(this.u16())
      case 0xdb:
        return this.latinString(this.u32())
      case 0xdc:
        return this.array(this.u16())
      case 0xdd:
        return this.array(this.u32())
      case 0xde:
        return this.map(this.u16())
      case 0xdf:
        return this.map(this.u32())
      default:
        return this.unknown(lead)
    }
  }

  private record(): object {
    const id = this.u16()
    const shape = this.shapes[id]
    if (shape === undefined) return this.corrupt(`shape ${id} is not known`)
    if (++this.depth > MAX_DEPTH) this.corrupt('values are nested too deep')
    const object = shape.read(this)
    this.depth--
    return object
  }

  private array(length: number): unknown[] {
    // Each element takes at least one byte: a wrong length never allocates more than the section could hold.
    this.need(length)
    if (++this.depth > MAX_DEPTH) this.corrupt('values are nested too deep')
    const array = this.few(length)
    for (let i = array.length; i < length; i++) array.push(this.value())
    this.depth--
    return array
  }

  /** The first values are in a literal, which has no spare capacity; the first push would allocate room for 17. */
  private few(length: number): unknown[] {
    if (length === 1) return [this.value()]
    if (length === 2) return [this.value(), this.value()]
    if (length === 3) return [this.value(), this.value(), this.value()]
    return length === 0 ? [] : [this.value(), this.value(), this.value(), this.value()]
  }

  private map(length: number): object {
    this.need(2 * length)
    if (++this.depth > MAX_DEPTH) this.corrupt('values are nested too deep')
    const object: { [key: string]: unknown } = {}
    for (let i = 0; i < length; i++) {
      const key = this.value()
      if (typeof key !== 'string') return this.corrupt('a name is not a string')
      if (key === '__proto__') define(object, key, this.value())
      else object[key] = this.value()
    }
    this.depth--
    return object
  }

  private latinString(length: number): string {
    if (length === 0) return ''
    const from = this.at
    const end = (this.at = from + length)
    if (end > this.latinEnd) this.nextLatin(from, end)
    const first = this.latinFrom
    return this.latin.substring(from - first, end - first)
  }

  /** Creates the piece that begins with this string. */
  private nextLatin(from: number, end: number): void {
    if (end > this.end) this.corrupt('the section ends early')
    const piece = from - this.latinEnd > PIECE ? SMALL_PIECE : PIECE
    this.latinFrom = from
    this.latinEnd = Math.min(this.end, Math.max(end, from + piece))
    this.latin = this.bytes.latin1Slice(from, this.latinEnd)
  }

  private wideString(length: number): string {
    let at = this.wideAt
    if (at + length > this.wide.length) {
      this.nextWide(length)
      at = 0
    }
    const end = (this.wideAt = at + length)
    return this.wide.substring(at, end)
  }

  private nextWide(least: number): void {
    if (this.wideLeft-- <= 0) this.corrupt('a string is missing')
    const length = this.view.getUint32(this.wideLengths, true)
    this.wideLengths += 4
    if (length < 2 * least || length % 2 !== 0) this.corrupt('a string is longer than its block')
    this.wide = this.bytes.ucs2Slice(this.wideBytes, this.wideBytes + length)
    this.wideBytes += length
  }

  private binary(length: number): Buffer {
    this.need(length)
    const from = this.at
    this.at = from + length
    return Buffer.from(this.bytes.subarray(from, this.at))
  }

  private date(): Date {
    this.need(9)
    const at = this.at
    if (this.bytes[at] !== 1) this.unknown(0xd7)
    this.at = at + 9
    return new RealDate(this.view.getInt32(at + 1) * 0x100000000 + this.view.getUint32(at + 5))
  }

  private objectIdValue(): unknown {
    this.need(14)
    const from = this.at + 2
    if (this.bytes[from - 2] !== 12 || this.bytes[from - 1] !== 2) this.unknown(0xc7)
    this.at = from + 12
    const id = this.bytes.subarray(from, this.at)
    return this.objectId === ObjectId ? new ObjectId(id) : this.foreign(id)
  }

  /**
   * An ObjectId of the program's class. Its constructor may keep the bytes that it gets, and may read documents with this
   * reader. So it gets a copy, the state of the reader is restored afterwards, and the buffer is marked as lent meanwhile.
   */
  private foreign(id: Uint8Array): unknown {
    const { end, bytes, view, at, latin, latinFrom, latinEnd, start, shapes, depth, wide, wideAt, wideLengths, wideBytes, wideLeft, owner } = this
    owner.lent = true
    let made: unknown
    try {
      made = new this.objectId(Uint8Array.from(id))
    } finally {
      owner.lent = false
    }
    this.end = end
    this.bytes = bytes
    this.view = view
    this.at = at
    this.latin = latin
    this.latinFrom = latinFrom
    this.latinEnd = latinEnd
    this.start = start
    this.shapes = shapes
    this.depth = depth
    this.wide = wide
    this.wideAt = wideAt
    this.wideLengths = wideLengths
    this.wideBytes = wideBytes
    this.wideLeft = wideLeft
    return made
  }

  private u8(): number {
    return this.bytes[this.at++] as number
  }

  private u16(): number {
    const { bytes, at } = this
    this.at = at + 2
    return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
  }

  private u32(): number {
    this.need(4)
    this.at += 4
    return this.view.getUint32(this.at - 4)
  }

  private need(length: number): void {
    if (length > this.end - this.at) this.corrupt('the section ends early')
  }

  private unknown(lead: number | undefined): never {
    this.corrupt(lead === undefined ? 'the section ends early' : `token 0x${lead.toString(16)} is not known`)
  }

  private corrupt(what: string): never {
    const offset = this.at - this.start
    throw new MoltenError('CORRUPT', `a result is damaged at byte ${offset} of its section: ${what}; open the database again, and report it if it stays`, { offset })
  }
}

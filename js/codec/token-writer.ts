// The tokens of the stored form: each value in its one encoding.

import { isWellFormed, lengthOf, MAX_DOCUMENT, Refusal } from './classify.js'
import type { NativeBuffer, Writer } from './writer.js'

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n
/** Up to this length a loop over the characters is faster than a native call. */
export const SHORT_STRING = 40
/** The longest head of any value, and the longest value that is neither a string nor binary. */
export const HEAD = 16
export const TOO_LARGE = `is larger than ${MAX_DOCUMENT} bytes; store parts of it as documents of their own`

/**
 * Writes the tokens of the stored form: the single encoding of each value, and nothing beyond the size limit of a document.
 */
export class TokenWriter {
  protected readonly limit: number

  constructor(protected readonly out: Writer) {
    this.limit = out.length + MAX_DOCUMENT
  }

  protected number(value: number): void {
    const out = this.out
    out.ensure(HEAD)
    const bytes = out.bytes
    const at = out.length
    const int = value | 0
    if (int !== value || (int === 0 && 1 / value < 0)) {
      bytes[at] = 0xcb
      // All NaNs are stored as one, whatever their payload.
      out.view.setFloat64(at + 1, value === value ? value : NaN)
      out.length = at + 9
    } else if (int >= 0) {
      if (int < 0x80) {
        bytes[at] = int
        out.length = at + 1
      } else if (int < 0x100) {
        bytes[at] = 0xcc
        bytes[at + 1] = int
        out.length = at + 2
      } else if (int < 0x10000) {
        bytes[at] = 0xcd
        out.view.setUint16(at + 1, int)
        out.length = at + 3
      } else {
        bytes[at] = 0xce
        out.view.setUint32(at + 1, int)
        out.length = at + 5
      }
    } else if (int >= -32) {
      bytes[at] = int
      out.length = at + 1
    } else if (int >= -0x80) {
      bytes[at] = 0xd0
      bytes[at + 1] = int
      out.length = at + 2
    } else if (int >= -0x8000) {
      bytes[at] = 0xd1
      out.view.setInt16(at + 1, int)
      out.length = at + 3
    } else {
      bytes[at] = 0xd2
      out.view.setInt32(at + 1, int)
      out.length = at + 5
    }
  }

  protected bigint(value: bigint): void {
    if (value < MIN_INT64 || value > MAX_INT64) throw new Refusal('is a BigInt beyond int64; store it as a string')
    const out = this.out
    out.ensure(HEAD)
    out.bytes[out.length] = 0xd3
    out.view.setBigInt64(out.length + 1, value)
    out.length += 9
  }

  protected string(value: string): void {
    const out = this.out
    out.ensure(HEAD + SHORT_STRING)
    const end = writeShort(out.bytes, out.length, value)
    if (end > 0) out.length = end
    else this.longString(value)
  }

  private longString(value: string): void {
    if (!isWellFormed(value)) throw new Refusal('is a string with a lone surrogate; store well-formed Unicode, or a Buffer')
    const out = this.out
    if (out.length + value.length > this.limit) throw new Refusal(TOO_LARGE, 'BSONObjectTooLarge')
    const most = value.length > 4096 ? Buffer.byteLength(value) : 3 * value.length
    out.ensure(HEAD + most)
    const start = out.length
    // Written in place if it is ASCII, and moved if its head turns out to be longer.
    const guess = start + stringHead(value.length)
    const length = (out.bytes as NativeBuffer).utf8Write(value, guess, most)
    const body = start + stringHead(length)
    if (body !== guess) out.bytes.copyWithin(body, guess, guess + length)
    if (length < 32) out.bytes[start] = 0xa0 | length
    else this.head(0xd9, length)
    out.length = body + length
  }

  /** Writes a length with the lead byte for its size: three consecutive lead bytes stand for u8, u16 and u32. */
  private head(lead8: number, length: number): void {
    const out = this.out
    out.ensure(HEAD)
    const at = out.length
    if (length < 0x100) {
      out.bytes[at] = lead8
      out.bytes[at + 1] = length
      out.length = at + 2
    } else if (length < 0x10000) {
      out.bytes[at] = lead8 + 1
      out.view.setUint16(at + 1, length)
      out.length = at + 3
    } else {
      out.bytes[at] = lead8 + 2
      out.view.setUint32(at + 1, length)
      out.length = at + 5
    }
  }

  /** The head of an array or map: the length in the lead byte, or after one of two. */
  protected count(lead4: number, lead16: number, count: number): void {
    const out = this.out
    if (count < 16) return out.token(lead4 | count)
    out.ensure(HEAD)
    const at = out.length
    if (count < 0x10000) {
      out.bytes[at] = lead16
      out.view.setUint16(at + 1, count)
      out.length = at + 3
    } else {
      out.bytes[at] = lead16 + 1
      out.view.setUint32(at + 1, count)
      out.length = at + 5
    }
  }

  protected date(time: number): void {
    const out = this.out
    out.ensure(HEAD)
    const at = out.length
    out.bytes[at] = 0xd7
    out.bytes[at + 1] = 1
    out.view.setInt32(at + 2, Math.floor(time / 0x100000000))
    out.view.setUint32(at + 6, time >>> 0)
    out.length = at + 10
  }

  protected binary(value: Uint8Array): void {
    const length = lengthOf(value)
    const out = this.out
    if (out.length + length > this.limit) throw new Refusal(TOO_LARGE, 'BSONObjectTooLarge')
    this.head(0xc4, length)
    out.ensure(length)
    out.bytes.set(value, out.length)
    out.length += length
  }

  protected objectId(bytes: Uint8Array): void {
    const out = this.out
    out.ensure(HEAD)
    out.bytes[out.length] = 0xc7
    out.bytes[out.length + 1] = 12
    out.bytes[out.length + 2] = 2
    out.bytes.set(bytes, out.length + 3)
    out.length += 15
  }
}

/** Writes a short ASCII string as a value; returns its end, or -1 for any other string. The caller has made room. */
export function writeShort(bytes: Uint8Array, start: number, string: string): number {
  const length = string.length
  if (length > SHORT_STRING) return -1
  let at = start
  if (length < 32) {
    bytes[at++] = 0xa0 | length
  } else {
    bytes[at++] = 0xd9
    bytes[at++] = length
  }
  for (let i = 0; i < length; i++) {
    const code = string.charCodeAt(i)
    if (code > 0x7f) return -1
    bytes[at++] = code
  }
  return at
}

function stringHead(length: number): number {
  return length < 32 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : 5
}

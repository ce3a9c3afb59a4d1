// The two buffers that JavaScript and the core share. Replaced, never grown in place: the core holds the memory.

import type { Writer } from '../codec/writer.js'
import type { Native } from './native.js'

const REQUEST_BYTES = 64 << 10
const RESULT_BYTES = 256 << 10
/** Buffers longer than this are given back when what filled them is done. */
export const KEPT_BYTES = 4 << 20

/** The buffers of one port. */
export class PortBuffers {
  /** Code of the program runs while a result is read. What the core writes meanwhile goes to another buffer. */
  lent = false
  request = Buffer.allocUnsafeSlow(REQUEST_BYTES)
  /** The request as words, in the order of bytes of this machine: little endian on every platform that has an addon. */
  words = wordsOf(this.request)
  result = Buffer.allocUnsafeSlow(RESULT_BYTES)

  constructor(
    private readonly native: Native,
    private readonly port: number
  ) {
    this.hand()
  }

  /** Copies into the request buffer at this place, and makes it longer first where it must be. */
  copyIn(from: Writer, at = 0): void {
    const needed = at + from.length
    if (needed > this.request.length) {
      const before = this.request
      this.replaceRequest(Math.max(needed, 2 * before.length))
      before.copy(this.request, 0, 0, at)
    }
    from.copyTo(this.request, at)
  }

  /** Replaces the result buffer by one of at least this length. */
  replaceResult(length: number): void {
    this.result = Buffer.allocUnsafeSlow(Math.max(length, RESULT_BYTES))
    this.hand()
  }

  /** Before the core writes results. */
  keepLent(): void {
    if (!this.lent) return
    this.lent = false
    this.replaceResult(RESULT_BYTES)
  }

  /** Gives back what one long request took. */
  shrinkRequest(): void {
    if (this.request.length > KEPT_BYTES) this.replaceRequest(REQUEST_BYTES)
  }

  /** Gives back what one long result took. */
  shrinkResult(): void {
    if (this.result.length > KEPT_BYTES) this.replaceResult(RESULT_BYTES)
  }

  /** Lets go of both; the core has done so. */
  release(): void {
    this.request = this.result = Buffer.allocUnsafeSlow(0)
    this.words = new Uint32Array(16)
  }

  private replaceRequest(length: number): void {
    this.request = Buffer.allocUnsafeSlow(length)
    this.words = wordsOf(this.request)
    this.hand()
  }

  private hand(): void {
    this.native.setBuffers(this.port, this.request, this.result)
  }
}

function wordsOf(bytes: Buffer): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, 16)
}

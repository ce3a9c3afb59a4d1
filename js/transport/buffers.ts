// The two buffers shared by JavaScript and the core. They are replaced, never resized in place, because the core refers to
// their memory.

import type { Writer } from '../codec/writer.js'
import type { Native } from './native.js'

const REQUEST_BYTES = 64 << 10
const RESULT_BYTES = 256 << 10
/** Longer buffers are replaced by short ones after use. */
export const KEPT_BYTES = 4 << 20

/** The buffers of one port. */
export class PortBuffers {
  /** Set while code of the program runs in the middle of a result: the core must use another buffer meanwhile. */
  lent = false
  request = Buffer.allocUnsafeSlow(REQUEST_BYTES)
  /** The request as words in this machine's byte order, which is little endian on every platform with an addon. */
  words = wordsOf(this.request)
  result = Buffer.allocUnsafeSlow(RESULT_BYTES)

  constructor(
    private readonly native: Native,
    private readonly port: number
  ) {
    this.hand()
  }

  /** Copies into the request buffer at this position; replaces a buffer that is too short first. */
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

  /** Called before the core writes results: a buffer that is being read is replaced. */
  keepLent(): void {
    if (!this.lent) return
    this.lent = false
    this.replaceResult(RESULT_BYTES)
  }

  /** Frees the memory of a long request. */
  shrinkRequest(): void {
    if (this.request.length > KEPT_BYTES) this.replaceRequest(REQUEST_BYTES)
  }

  /** Frees the memory of a long result. */
  shrinkResult(): void {
    if (this.result.length > KEPT_BYTES) this.replaceResult(RESULT_BYTES)
  }

  /** Releases both, after the core has released them. */
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

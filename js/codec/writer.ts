// The growable buffer for encoded values.

/** Node.js's string writers, which skip the lookup of the encoding. */
export interface NativeBuffer extends Buffer {
  utf8Write(string: string, offset: number, length: number): number
  latin1Slice(start: number, end: number): string
  ucs2Slice(start: number, end: number): string
}

/**
 * A growable buffer. Values are encoded into a separate one, whose bytes are copied into the request when no more user code
 * can run: an exception or a re-entrant call leaves the request as it was.
 */
export class Writer {
  bytes: Buffer
  view: DataView
  length = 0
  /** Set while a value is being encoded. An operation that a getter starts meanwhile needs another writer. */
  busy = false

  constructor(capacity = 4096) {
    // Not from Node.js's buffer pool: a writer keeps its bytes for a long time.
    this.bytes = Buffer.allocUnsafeSlow(capacity)
    this.view = viewOf(this.bytes)
  }

  clear(): void {
    this.length = 0
  }

  /** Makes room for this many more bytes. */
  ensure(extra: number): void {
    if (this.length + extra > this.bytes.length) this.grow(extra)
  }

  /** One byte of the stored form. */
  token(lead: number): void {
    this.ensure(1)
    this.bytes[this.length++] = lead
  }

  u8(n: number): void {
    this.ensure(1)
    this.bytes[this.length++] = n
  }

  u16(n: number): void {
    this.ensure(2)
    this.view.setUint16(this.length, n, true)
    this.length += 2
  }

  u32(n: number): void {
    this.ensure(4)
    this.view.setUint32(this.length, n, true)
    this.length += 4
  }

  /** UTF-8 after its length; the string must be well-formed. */
  text(string: string): void {
    this.ensure(4 + 3 * string.length)
    const written = (this.bytes as NativeBuffer).utf8Write(string, this.length + 4, 3 * string.length)
    this.view.setUint32(this.length, written, true)
    this.length += 4 + written
  }

  patchU32(at: number, n: number): void {
    this.view.setUint32(at, n, true)
  }

  copyTo(target: Uint8Array, at: number): void {
    this.bytes.copy(target, at, 0, this.length)
  }

  private grow(extra: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.length + extra))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
    this.view = viewOf(grown)
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

// What the readers of shapes use, so that they need not know the reader that uses them.

import type { NativeBuffer } from './writer.js'

/** What the readers of shapes use of the reader of a section: its bytes, the place in them, and the way to read one value. */
export interface ValueReader {
  bytes: NativeBuffer
  view: DataView
  at: number
  end: number
  /** A piece of the bytes, one character a byte, and the range that it covers. */
  latin: string
  latinFrom: number
  latinEnd: number
  value(): unknown
  rarer(lead: number): unknown
}

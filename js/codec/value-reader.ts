// The interface that shape readers use, so that they do not depend on the reader that uses them.

import type { NativeBuffer } from './writer.js'

/** The part of a section reader that shape readers use: its bytes, the position in them, and how to read one value. */
export interface ValueReader {
  bytes: NativeBuffer
  view: DataView
  at: number
  end: number
  /** A piece of the bytes, one character per byte, and its range. */
  latin: string
  latinFrom: number
  latinEnd: number
  value(): unknown
  rarer(lead: number): unknown
}

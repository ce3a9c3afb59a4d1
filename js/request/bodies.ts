// Bodies, and parts of bodies, that several requests share.

import type { KeyPairs } from '../arguments/index-spec.js'
import type { SortKeys } from '../arguments/sort.js'
import { encodeValue } from '../codec/encode.js'
import type { Writer } from '../codec/writer.js'
import type { Document } from '../types/index.js'

/** The parameters of a find besides its filter. */
export interface FindShape {
  sort: SortKeys | undefined
  projection: Document | null
  skip: number
  limit: number
  batch: number
  hint: string | KeyPairs | null
  /** `Flag.NoDisk` with `allowDiskUse: false`. */
  flags: number
  /** The option `let`. */
  variables: Document | null
  signal: AbortSignal | undefined
  /** The time limit of all batches together, in milliseconds; 0 means no limit. */
  maxTimeMS: number
}

/** A value of the protocol itself: a count, an option, the path of a field. */
export function writeField(out: Writer, value: unknown): void {
  // Small numbers are their own bytes.
  if (typeof value === 'number' && (value & 127) === value && !out.busy) out.token(value)
  else encodeValue(out, value, 'document')
}

/** The head of an array; its elements follow. */
export function writeArrayHead(out: Writer, count: number): void {
  if (count < 16) {
    out.u8(0x90 | count)
  } else if (count < 0x10000) {
    out.u8(0xdc)
    out.u8(count >>> 8)
    out.u8(count & 0xff)
  } else {
    out.u8(0xdd)
    for (let shift = 24; shift >= 0; shift -= 8) out.u8((count >>> shift) & 0xff)
  }
}

/** The body of MORE. */
export function writeMore(out: Writer, cursor: number, batch: number): void {
  writeField(out, cursor)
  writeField(out, batch)
}

/** The body of FIND. */
export function writeFind(out: Writer, filter: Document, find: FindShape, batch = find.batch): void {
  encodeValue(out, filter, 'filter')
  writeField(out, find.sort ?? null)
  encodeValue(out, find.projection, 'filter')
  writeField(out, find.skip)
  writeField(out, find.limit)
  writeField(out, batch)
  writeField(out, find.hint)
}

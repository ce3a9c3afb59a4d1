// Bodies that more than one method writes.

import { encodeValue } from './encode.js'
import type { KeyPairs } from './index-spec.js'
import type { SortKeys } from './sort.js'
import type { Document } from './types.js'
import type { Writer } from './writer.js'

/** What a find asks for besides its filter. */
export interface FindShape {
  sort: SortKeys | undefined
  projection: Document | null
  skip: number
  limit: number
  batch: number
  hint: string | KeyPairs | null
  /** The option `let`. */
  variables: Document | null
  signal: AbortSignal | undefined
  /** Milliseconds for all batches together; 0 for any. */
  maxTimeMS: number
}

/** The head of an array whose elements follow. */
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
  encodeValue(out, cursor, 'document')
  encodeValue(out, batch, 'document')
}

/** The body of FIND. */
export function writeFind(out: Writer, filter: Document, find: FindShape, batch = find.batch): void {
  encodeValue(out, filter, 'filter')
  encodeValue(out, find.sort ?? null, 'document')
  encodeValue(out, find.projection, 'filter')
  encodeValue(out, find.skip, 'document')
  encodeValue(out, find.limit, 'document')
  encodeValue(out, batch, 'document')
  encodeValue(out, find.hint, 'document')
}

// Bodies, and parts of bodies, that several requests share.

import type { KeyPairs } from '../arguments/index-spec.js'
import type { SortKeys } from '../arguments/sort.js'
import { encodeValue } from '../codec/encode.js'
import type { Writer } from '../codec/writer.js'
import { MoltenError } from '../errors.js'
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
  /** Whether it waits for more documents of a capped collection. */
  tailable: boolean
  /** Whether `tryNext` waits, and how long, in milliseconds. */
  awaitData: boolean
  maxAwaitTimeMS: number
  /** The option `let`, and the collation. */
  variables: Document | readonly unknown[] | null
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

/** The sort and the hint as they are sent: natural order, which a sort may name alone, is that of a hint. */
function ordered({ sort, hint }: FindShape): Pick<FindShape, 'sort' | 'hint'> {
  if (sort?.length !== 1 || sort[0]![0] !== '$natural') return { sort, hint }
  const [[, direction]] = sort as [[string, 1 | -1]]
  if (hint !== null && !(Array.isArray(hint) && hint[0]?.[0] === '$natural' && hint[0][1] === direction)) {
    throw new MoltenError('BAD_QUERY', 'a sort by $natural and a hint exclude each other; leave one of them out', { code: 2, codeName: 'BadValue' })
  }
  return { sort: undefined, hint: [['$natural', direction]] }
}

/** The body of FIND. */
export function writeFind(out: Writer, filter: Document, find: FindShape, batch = find.batch): void {
  const { sort, hint } = ordered(find)
  encodeValue(out, filter, 'filter')
  writeField(out, sort ?? null)
  encodeValue(out, find.projection, 'filter')
  writeField(out, find.skip)
  writeField(out, find.limit)
  writeField(out, batch)
  writeField(out, hint)
}

// What the port knows of an operation: its collection, the receiver of its result, and the writer of its body.

import { NO_COLLECTION, type PortShapes, type Shape } from '../codec/shapes.js'
import type { Writer } from '../codec/writer.js'
import type { ErrorDetails } from '../errors.js'

/** Reads the sections of one database. */
export interface SectionReader {
  section(bytes: Buffer, at: number): unknown
  plain(bytes: Buffer, characters: string, shapes: readonly Shape[]): unknown
}

/** A collection, as the port knows it. */
export interface Target {
  /** The handle that the core assigned on this port. */
  handle: number
  /** The number of the collection whose shapes JavaScript knows; unknown before the first result. */
  number: number
  /** How many of that collection's shapes JavaScript knows. */
  shapes(): readonly Shape[]
  reader: SectionReader
  /** Reads a document by an operation, which may wait. */
  readAgain(id: unknown): Promise<unknown>
  /** The running operations, which include late reads. */
  readonly pending: { count: number }
  /** Called when so many late reads have ended. */
  ended(count: number): void
}

/** Receives the result of an operation. */
export interface Waiter {
  target: Target
  /** The shapes that the core takes as known for this operation: its result defines the ones that follow them. */
  shapes?: readonly Shape[]
  succeed(value: unknown): void
  /** Called when the operation failed in the core. */
  refuse(details: ErrorDetails): void
  /** Called when its result could not be decoded. */
  fail(error: unknown): void
}

/** One operation: its opcode, flags, and what writes its body. */
export interface Operation {
  opcode: number
  flags: number
  /** The number of its transaction; absent or 0 for none. */
  transaction?: number | undefined
  body(out: Writer, shapes: PortShapes): void
}

/** Reads the section of a result; records the number of the collection whose shapes it defines. */
export function readSection(target: Target, bytes: Buffer, at = 0): unknown {
  const value = target.reader.section(bytes, at)
  const number = bytes.readUInt32LE(at + 4)
  if (number !== NO_COLLECTION) target.number = number
  return value
}

// An operation as the methods of the API build it: what is sent, its limits, and the conversion of its result.

import { encodeValue } from '../codec/encode.js'
import type { PortShapes } from '../codec/shapes.js'
import type { Writer } from '../codec/writer.js'
import { Flag } from '../transport/opcodes.js'
import { now } from '../transport/scheduling.js'
import type { Operation } from '../transport/target.js'
import type { Document, ProgressOptions } from '../types/index.js'
import { writeArrayHead, writeField } from './bodies.js'
import { timeLeft } from './time-limit.js'

/** The elements of a body that is an array of documents or writes. */
export interface Elements {
  count: number
  write(out: Writer, shapes: PortShapes, i: number): void
}

/** What an operation belongs to: a session, or a transaction of one. */
export interface Scope {
  /** The number of the transaction for the next operation; 0 outside of one. Throws where there can be none. */
  enter(where: string): number
  /** Whether the next operation is part of a transaction. */
  inTransaction(): boolean
  /** Whether it is a transaction whose function is synchronous. */
  readonly isSync?: boolean
}

/** The variables of expressions, or a pair of them and a collation. */
export type Variables = Document | readonly unknown[]

/** An operation and the conversion of its result. */
export interface Request<T = unknown> extends Operation {
  signal?: AbortSignal | undefined
  /** The session, or the transaction, that it belongs to. */
  session?: Scope | undefined
  /** The time limit in milliseconds; 0 means no limit. */
  maxTimeMS?: number | undefined
  /** The variables of its expressions, the option `let`, and its collation. */
  variables?: Variables | null
  /** Runs when the body is complete, before it is added to the batch. */
  prepared?: (() => void) | undefined
  /** What `body` writes, one after the other: many are encoded in slices. */
  elements?: Elements | undefined
  /** The option of long operations. */
  onProgress?: ProgressOptions['onProgress'] | undefined
  /** Makes the result of a value; the caller may have given up and been rejected. */
  finish(value: never, isGivenUp?: boolean): T
  /** A single write, whose failure is not a bulk error. */
  single?: boolean
  /** Completes the error of a failure. */
  failed?(error: Error): void
}

/**
 * A request whose fields are all there. Requests of one hidden class keep what runs them fast: in a program that calls many methods, a property of
 * an object of many classes takes ten times as long to read.
 */
export function requestOf<T>(
  opcode: number, flags: number, variables: Variables | null, body: Operation['body'], finish: (value: never) => T, single = false
): Request<T> {
  return { opcode, flags, variables, body, finish, single, transaction: 0, session: undefined, signal: undefined, maxTimeMS: undefined, prepared: undefined, elements: undefined, onProgress: undefined }
}

/** The body that these elements make. */
export function bodyOf({ count, write }: Elements): Operation['body'] {
  return (out, shapes) => {
    writeArrayHead(out, count)
    for (let i = 0; i < count; i++) write(out, shapes, i)
  }
}

/** The operation with its limits, as the core reads them. */
export function withLimits(where: string, request: Request<unknown>): Operation {
  const { signal, maxTimeMS, variables, onProgress } = request
  if (!signal && !maxTimeMS && !variables && !onProgress) return request
  const writeTime = timeWriter(where, request)
  const body: Operation['body'] = (out, shapes) => {
    request.body(out, shapes)
    writeVariables(out, request)
    writeTime(out)
  }
  return { opcode: request.opcode, flags: flagsOf(request), transaction: request.transaction, body }
}

/** The flags of an operation with those of its limits. */
export function flagsOf({ flags, signal, maxTimeMS, variables, onProgress }: Request): number {
  return flags | (variables ? Flag.Let : 0) | (signal || onProgress ? Flag.Cancellable : 0) | (maxTimeMS ? Flag.Timed : 0)
}

/** Writes the variables, which follow the body. */
export function writeVariables(out: Writer, { variables }: Request): void {
  if (variables) encodeValue(out, variables, 'pipeline')
}

/** Writes the time that is left, which ends the body: the core's time begins at the submission. Throws `TIMEOUT` when there is none. */
export function timeWriter(where: string, { maxTimeMS }: Request): (out: Writer) => void {
  if (!maxTimeMS) return () => {}
  const began = now()
  return (out) => writeField(out, timeLeft(where, maxTimeMS, began))
}

/** Documents of one call that are always encoded within it, as docs/api.md says. */
const MOST_AT_ONCE = 1000

/** Whether an operation is encoded in slices. */
export function isLarge({ elements }: Request): boolean {
  return elements !== undefined && elements.count > MOST_AT_ONCE
}

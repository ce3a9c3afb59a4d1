// The port to the core: the operations of one turn of the event loop cross in one call.
//
// An operation is encoded into a scratch writer, where getters and Proxies of the caller may run, throw, or start other
// operations; only whole operations are appended to the batch. The batch is copied into the request buffer when it is
// submitted, so that a point read or a synchronous call may use that buffer in between.

import { PortShapes } from './shapes.js'
import { type ErrorDetails } from './errors.js'
import { native, type Native } from './native.js'
import { Writer } from './writer.js'

/** Operation codes of docs/boundary.md. */
export const Opcode = {
  Define: 1,
  Insert: 10,
  Find: 11,
  More: 12,
  CloseCursor: 13,
  Count: 14,
  Update: 15,
  Replace: 16,
  Delete: 17,
  Get: 18,
  GetMany: 19,
  Has: 20,
  Set: 21,
  DeleteId: 22,
  Drop: 23,
  ListCollections: 24,
  Distinct: 25,
  FindOneAnd: 26,
  Bulk: 27,
  Rename: 28,
  Aggregate: 30,
  CreateIndexes: 31,
  DropIndex: 32,
  ListIndexes: 33,
  Explain: 34,
  Stats: 35,
  Create: 36
} as const

/** Flags of docs/boundary.md; a bit means what its opcode says. */
export const Flag = { Unordered: 1, Single: 1, Many: 1, Meta: 1, DropTarget: 1, Upsert: 2, After: 4, Cancellable: 64, Timed: 128 } as const

/** Verbs of `attempt`. */
export const Verb = { Get: 1, Has: 2 } as const

/** What `attempt` says when the answer would have to wait. */
export const MUST_WAIT = Symbol('must wait')

const HEADER_BYTES = 24
const NO_COLLECTION = 0xffffffff
const REQUEST_BYTES = 64 << 10
const RESULT_BYTES = 256 << 10
/** A batch longer than this is submitted at once. */
const EARLY_BYTES = 16 << 20
/** Buffers longer than this are given back when what filled them is done. */
const KEPT_BYTES = 4 << 20
/** Hot reads that may settle without a turn of the event loop. */
const HOT_READS = 1000

/** Reads the sections of one database. */
export interface SectionReader {
  section(bytes: Buffer, at: number): unknown
}

/** A collection as the port knows it. */
export interface Target {
  /** The handle that the core gave it on this port. */
  handle: number
  /** The number of the collection whose shapes JavaScript has; unknown before the first answer. */
  number: number
  /** How many of that collection's shapes JavaScript has. */
  known(): number
  reader: SectionReader
}

/** Who waits for an operation. */
export interface Waiter {
  target: Target
  succeed(value: unknown): void
  fail(error: unknown): void
  /** Makes the error of a failed operation. */
  errorOf(details: ErrorDetails): Error
}

/** One operation: its code, flags, and what writes its body. */
export interface Operation {
  opcode: number
  flags: number
  body(out: Writer, shapes: PortShapes): void
}

/** The port of this evaluation of the package in this thread. */
export class Port {
  readonly #native: Native
  readonly #id: number
  readonly #shapes = new PortShapes()
  readonly #waiters = new Map<number, Waiter>()
  readonly #scratch: Writer[] = [new Writer()]
  #depth = 0
  #batch = new Writer(REQUEST_BYTES)
  #scheduled = false
  #request = Buffer.allocUnsafeSlow(REQUEST_BYTES)
  #result = Buffer.allocUnsafeSlow(RESULT_BYTES)
  #ticket = 0
  #hotReads = 0
  #users = 0

  static #current: Port | undefined

  /** The port, opened by the first database and closed with the last. */
  static acquire(): Port {
    const port = (Port.#current ??= new Port())
    port.#users += 1
    return port
  }

  /** Node.js runs no cleanup hooks of the main thread after process.exit or an uncaught exception. */
  readonly #atExit = (): void => this.#native.closeAll()

  private constructor() {
    this.#native = native()
    this.#id = this.#native.openPort(() => this.#drain())
    this.#native.setBuffers(this.#id, this.#request, this.#result)
    process.on('exit', this.#atExit)
  }

  /** Gives up one use of the port. */
  release(): void {
    this.#users -= 1
    if (this.#users > 0) return
    if (Port.#current === this) Port.#current = undefined
    process.off('exit', this.#atExit)
    this.#native.closePort(this.#id)
  }

  /** The handle of a collection; the empty name stands for the database itself. */
  collection(database: number, name: string): number {
    return this.#native.collection(this.#id, database, name)
  }

  /** Encodes an operation and appends it to the batch; answers its ticket. A throw leaves the batch as it was. */
  append(operation: Operation, waiter: Waiter, prepared?: () => void): number {
    const scratch = this.#enter()
    let ticket: number
    try {
      operation.body(scratch, this.#shapes)
      prepared?.()
      this.#define()
      ticket = this.#nextTicket()
      this.#writeOperation(this.#batch, operation, ticket, waiter.target, scratch)
      this.#waiters.set(ticket, waiter)
    } finally {
      this.#leave(scratch)
    }
    if (this.#batch.length > EARLY_BYTES) this.#submit()
    else this.#schedule()
    return ticket
  }

  /** Lets the core stop an operation; its answer comes all the same. */
  cancel(ticket: number): void {
    // What was not submitted yet goes first, so that the core knows the ticket.
    if (this.#scheduled) this.#submit()
    if (this.#waiters.has(ticket)) this.#native.cancel(this.#id, ticket)
  }

  /** Runs one operation on this thread; its waiter is called before this returns. */
  call(operation: Operation, waiter: Waiter): void {
    const scratch = this.#enter()
    const whole = this.#enter()
    try {
      operation.body(scratch, this.#shapes)
      const ticket = this.#nextTicket()
      this.#writeOperation(whole, operation, ticket, waiter.target, scratch)
      this.#fill(whole)
      this.#waiters.set(ticket, waiter)
      this.#native.call(this.#id, whole.length)
    } finally {
      this.#leave(whole)
      this.#leave(scratch)
    }
    this.#drain()
  }

  /** Tries a point read of a document in memory; the body writes its `_id`. */
  attempt(target: Target, verb: number, body: (out: Writer) => void): unknown {
    const scratch = this.#enter()
    try {
      body(scratch)
      this.#fill(scratch)
      for (;;) {
        const answer = this.#native.attempt(this.#id, target.handle, verb, scratch.length, target.number, target.known())
        if (answer > 0) return verb === Verb.Has ? true : this.#section(target, this.#result, 0)
        if (answer === 0) return verb === Verb.Has ? false : null
        if (answer > -16) return MUST_WAIT
        this.#replaceResult(-answer)
      }
    } finally {
      this.#leave(scratch)
    }
  }

  /** A settled promise of a hot read; now and then one that lets the event loop turn first. */
  settled<T>(value: T): Promise<T> {
    if (this.#hotReads < HOT_READS) {
      this.#hotReads += 1
      return Promise.resolve(value)
    }
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#hotReads = 0
        resolve(value)
      })
    })
  }

  #enter(): Writer {
    const scratch = (this.#scratch[this.#depth] ??= new Writer())
    this.#depth += 1
    scratch.clear()
    return scratch
  }

  #leave(scratch: Writer): void {
    this.#depth -= 1
    if (scratch.bytes.length > KEPT_BYTES) this.#scratch[this.#depth] = new Writer()
  }

  #nextTicket(): number {
    do this.#ticket = (this.#ticket + 1) >>> 0
    while (this.#ticket === 0 || this.#waiters.has(this.#ticket))
    return this.#ticket
  }

  /** Shapes are defined before the operations that use them, in the same batch. */
  #define(): void {
    if (this.#shapes.pending === 0) return
    const start = this.#batch.length
    writeHeader(this.#batch, Opcode.Define, 0, 0, 0, NO_COLLECTION, 0)
    this.#shapes.writeDefinitions(this.#batch)
    this.#batch.patchU32(start + HEADER_BYTES - 4, this.#batch.length - start - HEADER_BYTES)
    this.#shapes.committed()
  }

  #writeOperation(out: Writer, operation: Operation, ticket: number, target: Target, body: Writer): void {
    writeHeader(out, operation.opcode, operation.flags, ticket, target.handle, target.number, target.known())
    out.patchU32(out.length - 4, body.length)
    out.ensure(body.length)
    body.copyTo(out.bytes, out.length)
    out.length += body.length
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      if (this.#scheduled) this.#submit()
    })
  }

  /** Hands over what has been appended so far. */
  #submit(): void {
    this.#scheduled = false
    const batch = this.#batch
    if (batch.length === 0) return
    this.#fill(batch)
    const length = batch.length
    if (batch.bytes.length > KEPT_BYTES) this.#batch = new Writer(REQUEST_BYTES)
    else batch.clear()
    this.#native.submit(this.#id, length)
    if (this.#request.length > KEPT_BYTES) this.#replaceRequest(REQUEST_BYTES)
  }

  /** Copies into the request buffer, which is made longer first where it must be. */
  #fill(from: Writer): void {
    if (from.length > this.#request.length) this.#replaceRequest(Math.max(from.length, 2 * this.#request.length))
    from.copyTo(this.#request, 0)
  }

  #replaceRequest(length: number): void {
    this.#request = Buffer.allocUnsafeSlow(length)
    this.#native.setBuffers(this.#id, this.#request, this.#result)
  }

  #replaceResult(length: number): void {
    this.#result = Buffer.allocUnsafeSlow(Math.max(length, RESULT_BYTES))
    this.#native.setBuffers(this.#id, this.#request, this.#result)
  }

  /** Takes results until there are none. */
  #drain(): void {
    this.#hotReads = 0
    for (;;) {
      const length = this.#native.take(this.#id)
      if (length === 0) break
      if (length < 0) this.#replaceResult(-length)
      else this.#settleAll(length)
    }
    if (this.#result.length > KEPT_BYTES) this.#replaceResult(RESULT_BYTES)
  }

  #settleAll(length: number): void {
    const bytes = this.#result
    let at = 0
    while (at < length) {
      const ticket = bytes.readUInt32LE(at)
      const failed = bytes[at + 4] === 1
      const section = at + 8
      at = section + 4 + bytes.readUInt32LE(section)
      const waiter = this.#waiters.get(ticket)
      this.#waiters.delete(ticket)
      if (waiter) this.#settle(waiter, bytes, section, failed)
    }
  }

  #settle(waiter: Waiter, bytes: Buffer, at: number, failed: boolean): void {
    try {
      const value = this.#section(waiter.target, bytes, at)
      if (failed) waiter.fail(waiter.errorOf(value as ErrorDetails))
      else waiter.succeed(value)
    } catch (error) {
      waiter.fail(error)
    }
  }

  #section(target: Target, bytes: Buffer, at: number): unknown {
    const number = bytes.readUInt32LE(at + 4)
    const value = target.reader.section(bytes, at)
    if (number !== NO_COLLECTION) target.number = number
    return value
  }
}

function writeHeader(
  out: Writer, opcode: number, flags: number, ticket: number, collection: number, number: number, known: number
): void {
  out.ensure(HEADER_BYTES)
  out.u8(opcode)
  out.u8(flags)
  out.u16(0)
  out.u32(ticket)
  out.u32(collection)
  out.u32(number)
  out.u32(known)
  out.u32(0)
}

/** What `Target.number` is before the first answer. */
export const UNKNOWN_COLLECTION = NO_COLLECTION

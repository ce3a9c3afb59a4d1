// The port to the core: the operations of one turn of the event loop cross in one call.
//
// An operation is encoded into a scratch writer, where getters and Proxies of the caller may run, throw, or start other
// operations; only whole operations are appended to the batch. The batch is copied into the request buffer when it is
// submitted, so that a point read or a synchronous call may use that buffer in between.
//
// A program may call with next to no stack left, and then any call in here throws. So what belongs together is changed by assignments
// behind the last call, and put back by assignments: an operation is in the batch whole, known and scheduled, or not at all.
//
// Small writes are done by the core in the call that submits them, and settle there. As a program that awaits one after
// the other would keep the event loop from turning, what settles counts as point reads do (`TurnBudget`).

import { NO_COLLECTION, PortShapes } from '../codec/shapes.js'
import { Writer } from '../codec/writer.js'
import type { ErrorDetails } from '../errors.js'
import { KEPT_BYTES, PortBuffers } from './buffers.js'
import { closeAtExit, keepAtExit } from './exit.js'
import { native, type Native } from './native.js'
import { Opcode } from './opcodes.js'
import { PointReads } from './point-reads.js'
import { afterCode, afterTurn, now } from './scheduling.js'
import { type Operation, readSection, type Target, type Waiter } from './target.js'
import { TurnBudget } from './turn-budget.js'

const HEADER_BYTES = 24
const REQUEST_BYTES = 64 << 10
/** A batch longer than this is submitted at once. */
const EARLY_BYTES = 16 << 20
/** How long results are made into values before the event loop turns. */
const DRAIN_MS = 2

/** Milliseconds after which a turn that should have come is not waited for any longer. */
const OVERDUE_MS = 50
/** Calls, one in the other, that there must be room for where results of other operations are settled. */
const ROOM = 1000

/** The port of this evaluation of the package in this thread. */
export class Port {
  readonly #native: Native
  readonly #id: number
  readonly #shapes = new PortShapes()
  readonly #waiters = new Map<number, Waiter>()
  readonly #scratch: Writer[] = []
  #depth = 0
  #batch = new Writer(REQUEST_BYTES)
  /** Whether a job or a turn will submit the batch. */
  #scheduled = false
  /** When the turn that will submit the batch is overdue. */
  #due = Infinity
  /** The buffers that it shares with the core. */
  readonly buffers: PortBuffers
  readonly #turn = new TurnBudget()
  /** Point reads of documents in memory. */
  readonly reads: PointReads
  #ticket = 0
  /** Milliseconds that results took since they were last left. */
  #draining = 0
  /** Results are left until the event loop has turned. */
  #resting = false
  #users = 0

  static #current: Port | undefined

  /** The port, opened by the first database and closed with the last. */
  static acquire(): Port {
    const port = (Port.#current ??= new Port())
    port.#users += 1
    return port
  }

  /** What the core's wake-up reaches this port through: the core lets go of the function only when the event loop turns. */
  readonly #awake: { port: Port | undefined } = { port: this }
  readonly #atExit = (): void => this.#native.closeAll()

  private constructor() {
    this.#native = native()
    const awake = this.#awake
    this.#id = this.#native.openPort(() => awake.port && awake.port.#woken(), () => {})
    this.buffers = new PortBuffers(this.#native, this.#id)
    this.reads = new PointReads(this.#native, this.#id, this.buffers, this.#turn)
    closeAtExit(this.#atExit)
  }

  /** Gives up one use of the port. */
  release(): void {
    this.#users -= 1
    if (this.#users > 0) return
    if (Port.#current === this) Port.#current = undefined
    keepAtExit(this.#atExit)
    this.#awake.port = undefined
    this.#native.closePort(this.#id)
    // What else refers to this port may do so until the event loop turns.
    this.buffers.release()
    this.reads.release()
    this.#batch = new Writer(0)
    this.#scratch.length = 0
  }

  /** The handle of a collection; the empty name stands for the database itself. */
  collection(database: number, name: string): number {
    return this.#native.collection(this.#id, database, name)
  }

  /** Gives a handle back when nothing refers to it any more. */
  releaseCollection(handle: number): void {
    if (this.#users > 0) this.#native.releaseCollection(this.#id, handle)
  }

  /** Encodes an operation and appends it to the batch; answers its ticket. A throw leaves the batch as it was. */
  append(operation: Operation, waiter: Waiter, prepared?: () => void): number {
    const depth = this.#depth
    let ticket: number
    try {
      const scratch = this.#enter()
      operation.body(scratch, this.#shapes)
      prepared?.()
      this.#schedule()
      ticket = this.#add(operation, waiter, scratch)
      if (scratch.bytes.length > KEPT_BYTES) this.#scratch[depth] = new Writer()
    } finally {
      this.#depth = depth
    }
    if (this.#batch.length > EARLY_BYTES || this.#due !== Infinity) this.#submitEarly()
    return ticket
  }

  /** Lets the core stop an operation; its answer comes all the same. */
  cancel(ticket: number): void {
    // What was not submitted yet goes first, so that the core knows the ticket.
    if (this.#batch.length > 0 && hasRoom()) this.#submit()
    if (this.#waiters.has(ticket)) this.#native.cancel(this.#id, ticket)
  }

  /** Whether an operation that was given a time has begun, or is done. */
  hasBegun(ticket: number): boolean {
    return this.#native.hasBegun(this.#id, ticket)
  }

  /** Runs one operation on this thread; its waiter is called before this returns. */
  call(operation: Operation, waiter: Waiter): void {
    const depth = this.#depth
    try {
      const scratch = this.#enter()
      const whole = this.#enter()
      operation.body(scratch, this.#shapes)
      this.#writeOperation(whole, operation, this.#nextTicket(), waiter.target, scratch)
      this.buffers.copyIn(whole)
      this.#native.call(this.#id, whole.length)
      if (scratch.bytes.length > KEPT_BYTES) this.#scratch[depth] = new Writer()
      if (whole.bytes.length > KEPT_BYTES) this.#scratch[depth + 1] = new Writer()
    } finally {
      this.#depth = depth
    }
    // The result of a call is the next that is taken, alone. Those of other operations wait for the turn.
    this.buffers.keepLent()
    let length = this.#native.take(this.#id)
    while (length < 0) {
      this.buffers.replaceResult(-length)
      length = this.#native.take(this.#id)
    }
    const bytes = this.buffers.result
    settle(waiter, bytes, 8, bytes[4] === 1)
    this.buffers.shrinkResult()
  }

  #enter(): Writer {
    const scratch = (this.#scratch[this.#depth] ??= new Writer())
    scratch.length = 0
    scratch.busy = false
    this.#depth += 1
    return scratch
  }

  #nextTicket(): number {
    do this.#ticket = (this.#ticket + 1) >>> 0
    while (this.#ticket === 0 || this.#waiters.has(this.#ticket))
    return this.#ticket
  }

  /** Appends an operation that was encoded, and what defines its shapes, to the batch. */
  #add(operation: Operation, waiter: Waiter, body: Writer): number {
    const batch = this.#batch
    const shapes = this.#shapes
    const start = batch.length
    let added = false
    try {
      if (shapes.pending > 0) this.#define()
      const ticket = this.#nextTicket()
      this.#writeOperation(batch, operation, ticket, waiter.target, body)
      this.#waiters.set(ticket, waiter)
      shapes.sent = shapes.written
      added = true
      return ticket
    } finally {
      if (!added) batch.length = start
    }
  }

  /** Shapes are defined before the operations that use them, in the same batch. */
  #define(): void {
    const start = this.#batch.length
    writeHeader(this.#batch, Opcode.Define, 0, 0, 0, NO_COLLECTION, 0)
    this.#shapes.writeDefinitions(this.#batch)
    this.#batch.patchU32(start + HEADER_BYTES - 4, this.#batch.length - start - HEADER_BYTES)
  }

  #writeOperation(out: Writer, operation: Operation, ticket: number, target: Target, body: Writer): void {
    writeHeader(out, operation.opcode, operation.flags, ticket, target.handle, target.number, target.shapes().length)
    out.patchU32(out.length - 4, body.length)
    out.ensure(body.length)
    body.copyTo(out.bytes, out.length)
    out.length += body.length
  }

  /** Submits when the program's synchronous code is done, or after a turn of the event loop where one is due. */
  #schedule(): void {
    if (this.#scheduled) return
    if (this.#turn.isSpent || this.#draining >= DRAIN_MS) {
      const due = now() + OVERDUE_MS
      afterTurn(() => this.#submitScheduled(true))
      this.#due = due
    } else {
      afterCode(() => this.#submitScheduled(false))
    }
    this.#scheduled = true
  }

  #submitScheduled(turned: boolean): void {
    if (turned) {
      this.#turn.begin()
      this.#draining = 0
    }
    this.#submit()
  }

  /** Submits before what was scheduled does: a long batch, or one whose turn does not come. */
  #submitEarly(): void {
    if (this.#batch.length > EARLY_BYTES || now() > this.#due) {
      if (hasRoom()) this.#submit()
    }
  }

  /** Hands over what has been appended so far. What is small is done by the core at once. */
  #submit(): void {
    this.#scheduled = false
    this.#due = Infinity
    const batch = this.#batch
    if (batch.length === 0) return
    this.buffers.copyIn(batch)
    const length = batch.length
    if (batch.bytes.length > KEPT_BYTES) this.#batch = new Writer(REQUEST_BYTES)
    else batch.clear()
    const start = now()
    this.buffers.keepLent()
    const finished = this.#native.submit(this.#id, length)
    this.buffers.shrinkRequest()
    if (finished < 0) return this.#rest()
    if (finished === 0) return
    this.#settleAll(finished)
    this.#draining += now() - start
  }

  /** The core has results. Node.js calls this again without a turn of the event loop while more come. */
  #woken(): void {
    // The last database may have been closed since the call was made, and the port with it.
    if (this.#resting || this.#users === 0) return
    this.#turn.begin()
    const start = now()
    const done = this.#drain(start + DRAIN_MS - this.#draining)
    this.#draining += now() - start
    if (!done || this.#draining >= DRAIN_MS) this.#rest()
  }

  /** Leaves results until the event loop has turned. */
  #rest(): void {
    if (this.#resting) return
    afterTurn(() => {
      this.#resting = false
      this.#woken()
    })
    this.#draining = 0
    this.#resting = true
  }

  /** Takes results until there are none, or it is that late; answers whether there are none. */
  #drain(until: number): boolean {
    for (;;) {
      const length = this.#native.take(this.#id)
      if (length === 0) break
      if (length < 0) {
        this.buffers.replaceResult(-length)
        continue
      }
      this.#settleAll(length)
      if (now() > until) return false
    }
    this.buffers.shrinkResult()
    return true
  }

  #settleAll(length: number): void {
    const bytes = this.buffers.result
    let at = 0
    while (at < length) {
      this.#turn.add(1)
      const ticket = bytes.readUInt32LE(at)
      const failed = bytes[at + 4] === 1
      const start = at + 8
      at = start + 4 + bytes.readUInt32LE(start)
      const waiter = this.#waiters.get(ticket)
      this.#waiters.delete(ticket)
      if (waiter) settle(waiter, bytes, start, failed)
    }
  }
}

function settle(waiter: Waiter, bytes: Buffer, at: number, failed: boolean): void {
  try {
    const value = readSection(waiter.target, bytes, at)
    if (failed) waiter.refuse(value as ErrorDetails)
    else waiter.succeed(value)
  } catch (error) {
    waiter.fail(error)
  }
}

/** Whether there is stack for as much as settling may take. */
function hasRoom(): boolean {
  try {
    deeper(ROOM)
    return true
  } catch {
    return false
  }
}

function deeper(calls: number): number {
  return calls === 0 ? 0 : deeper(calls - 1) + 1
}

function writeHeader(
  out: Writer, opcode: number, flags: number, ticket: number, collection: number, number: number, known: number
): void {
  out.ensure(HEADER_BYTES)
  const { view, length } = out
  view.setUint16(length, opcode | (flags << 8), true)
  view.setUint16(length + 2, 0)
  view.setUint32(length + 4, ticket, true)
  view.setUint32(length + 8, collection, true)
  view.setUint32(length + 12, number, true)
  view.setUint32(length + 16, known, true)
  view.setUint32(length + 20, 0)
  out.length = length + HEADER_BYTES
}

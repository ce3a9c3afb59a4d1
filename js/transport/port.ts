// The port to the core: the operations of one turn of the event loop are submitted in one call.
//
// An operation is encoded into a scratch writer, where getters and Proxies of the caller may run, throw, or start other
// operations; only complete operations are appended to the batch. The batch is copied into the request buffer when it is
// submitted, so that a point read or a synchronous call may use that buffer before.
//
// A program may call with almost no stack left, and then any call in here may throw. So related state is changed by
// assignments after the last call, and restored by assignments: an operation is in the batch completely, registered and
// scheduled, or not at all.
//
// The core executes small writes within the call that submits them, and they settle there. A program that awaits one after
// the other would keep the event loop from turning, so they count towards the budget of the turn, like point reads
// (`TurnBudget`).

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
/** A longer batch is submitted at once. */
const EARLY_BYTES = 16 << 20
/** Milliseconds for which results are decoded before the event loop turns. */
const DRAIN_MS = 2

/** A batch is submitted at once when the turn that should submit it is later than this, in milliseconds. */
const OVERDUE_MS = 50
/** Nested calls for which the stack must have room before results of other operations are settled. */
const ROOM = 1000

/** The port of this instance of the package in this thread. */
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
  /** The time after which the turn that will submit the batch is overdue. */
  #due = Infinity
  /** The buffers that it shares with the core. */
  readonly buffers: PortBuffers
  readonly #turn = new TurnBudget()
  /** Point reads of documents in memory. */
  readonly reads: PointReads
  #ticket = 0
  /** Milliseconds spent on results since they were last postponed. */
  #draining = 0
  /** Whether results are postponed until the event loop has turned. */
  #resting = false
  #users = 0

  static #current: Port | undefined

  /** The port, opened by the first database and closed with the last. */
  static acquire(): Port {
    const port = (Port.#current ??= new Port())
    port.#users += 1
    return port
  }

  /**
   * How the core's wake-up reaches this port. The core releases the function only when the event loop turns, so it must not
   * refer to the port.
   */
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

  /** Releases one use of the port. */
  release(): void {
    this.#users -= 1
    if (this.#users > 0) return
    if (Port.#current === this) Port.#current = undefined
    keepAtExit(this.#atExit)
    this.#awake.port = undefined
    this.#native.closePort(this.#id)
    // Other objects may refer to this port until the event loop turns.
    this.buffers.release()
    this.reads.release()
    this.#batch = new Writer(0)
    this.#scratch.length = 0
  }

  /** The handle of a collection; the empty name stands for the database itself. */
  collection(database: number, name: string): number {
    return this.#native.collection(this.#id, database, name)
  }

  /** Releases a handle that is no longer used. */
  releaseCollection(handle: number): void {
    if (this.#users > 0) this.#native.releaseCollection(this.#id, handle)
  }

  /** Encodes an operation and appends it to the batch; returns its ticket. An exception leaves the batch as it was. */
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
    this.#submitEarly()
    return ticket
  }

  /** The shapes by which bodies are encoded. */
  get shapes(): PortShapes {
    return this.#shapes
  }

  /** Appends an operation whose body is encoded already. An exception leaves the batch as it was. */
  appendEncoded(opcode: number, flags: number, waiter: Waiter, body: Writer): number {
    this.#schedule()
    const ticket = this.#add({ opcode, flags }, waiter, body)
    this.#submitEarly()
    return ticket
  }

  /** Interrupts an operation in the core; its result still arrives. */
  cancel(ticket: number): void {
    // The batch is submitted first, so that the core knows the ticket.
    if (this.#batch.length > 0 && hasRoom()) this.#submit()
    if (this.#waiters.has(ticket)) this.#native.cancel(this.#id, ticket)
  }

  /** Whether an operation with a time limit has begun or is done. */
  hasBegun(ticket: number): boolean {
    return this.#native.hasBegun(this.#id, ticket)
  }

  /** Steps of an interruptible operation that are done, and all steps; null once its result was taken. */
  progress(ticket: number): number[] | null {
    return this.#native.progress(this.#id, ticket)
  }

  /** Runs one operation on this thread; its waiter is called before this returns. */
  call(operation: Operation, waiter: Waiter): void {
    const depth = this.#depth
    try {
      const scratch = this.#enter()
      const whole = this.#enter()
      operation.body(scratch, this.#shapes)
      if (this.#shapes.pending > 0) this.#defineNow()
      this.#writeOperation(whole, operation, this.#nextTicket(), waiter.target, scratch)
      this.buffers.copyIn(whole)
      this.#native.call(this.#id, whole.length)
      if (scratch.bytes.length > KEPT_BYTES) this.#scratch[depth] = new Writer()
      if (whole.bytes.length > KEPT_BYTES) this.#scratch[depth + 1] = new Writer()
    } finally {
      this.#depth = depth
    }
    // The next result taken is the only one of this call. Results of other operations wait for the turn.
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

  /** Appends an encoded operation to the batch, preceded by the definitions of its shapes. */
  #add(operation: Pick<Operation, 'opcode' | 'flags' | 'transaction'>, waiter: Waiter, body: Writer): number {
    const batch = this.#batch
    const shapes = this.#shapes
    const start = batch.length
    let added = false
    try {
      if (shapes.pending > 0) this.#define()
      const ticket = this.#nextTicket()
      waiter.shapes = waiter.target.shapes()
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
    writeHeader(this.#batch, Opcode.Define, 0, 0, 0, 0, NO_COLLECTION, 0)
    this.#shapes.writeDefinitions(this.#batch)
    this.#batch.patchU32(start + HEADER_BYTES - 4, this.#batch.length - start - HEADER_BYTES)
  }

  /** Submits the definitions of new shapes: a call holds nothing but its operation. */
  #defineNow(): void {
    const start = this.#batch.length
    let defined = false
    try {
      this.#define()
      this.#shapes.sent = this.#shapes.written
      defined = true
    } finally {
      if (!defined) this.#batch.length = start
    }
    this.#submit()
  }

  #writeOperation(out: Writer, operation: Pick<Operation, 'opcode' | 'flags' | 'transaction'>, ticket: number, target: Target, body: Writer): void {
    writeHeader(out, operation.opcode, operation.flags, operation.transaction ?? 0, ticket, target.handle, target.number, target.shapes().length)
    out.patchU32(out.length - 4, body.length)
    out.ensure(body.length)
    body.copyTo(out.bytes, out.length)
    out.length += body.length
  }

  /**
   * Schedules the submission: after the program's synchronous code, or after a turn of the event loop when the budget is
   * spent.
   */
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

  /** Submits what was appended before this, now. */
  submit(): void {
    this.#submit()
  }

  /** Submits before the scheduled time: a long batch, or one whose turn is overdue. */
  #submitEarly(): void {
    if (this.#batch.length > EARLY_BYTES || (this.#due !== Infinity && now() > this.#due)) {
      if (hasRoom()) this.#submit()
    }
  }

  /** Submits the batch. The core executes small operations at once. */
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

  /** Called when the core has results. Node.js calls it again without a turn of the event loop while more arrive. */
  #woken(): void {
    // The last database may have been closed since, and the port with it.
    if (this.#resting || this.#users === 0) return
    this.#turn.begin()
    const start = now()
    const done = this.#drain(start + DRAIN_MS - this.#draining)
    this.#draining += now() - start
    if (!done || this.#draining >= DRAIN_MS) this.#rest()
  }

  /** Postpones results until the event loop has turned. */
  #rest(): void {
    if (this.#resting) return
    afterTurn(() => {
      this.#resting = false
      this.#woken()
    })
    this.#draining = 0
    this.#resting = true
  }

  /** Takes results until there are none or the time is up; returns whether there are none. */
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

/** Whether the stack has room for as many calls as settling may take. */
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
  out: Writer, opcode: number, flags: number, transaction: number, ticket: number, collection: number, number: number, known: number
): void {
  out.ensure(HEADER_BYTES)
  const { view, length } = out
  view.setUint16(length, opcode | (flags << 8), true)
  view.setUint16(length + 2, transaction, true)
  view.setUint32(length + 4, ticket, true)
  view.setUint32(length + 8, collection, true)
  view.setUint32(length + 12, number, true)
  view.setUint32(length + 16, known, true)
  view.setUint32(length + 20, 0)
  out.length = length + HEADER_BYTES
}

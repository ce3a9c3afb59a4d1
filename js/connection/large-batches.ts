// Large batches: the many documents of one call are encoded in slices, between which the event loop turns, and submitted
// together when the last one is encoded. What is written meanwhile and must not overtake such a batch waits behind it,
// encoded already; so writes take effect in the order of the calls. Reads, and writes to other collections, pass.
//
// A program may call with almost no stack left, and then any call may throw. So what is kept here is changed by assignments
// after the last call.

import { Writer } from '../codec/writer.js'
import { MoltenError } from '../errors.js'
import { writeArrayHead } from '../request/bodies.js'
import { flagsOf, isLarge, type Request, timeWriter, writeVariables } from '../request/request.js'
import { Opcode } from '../transport/opcodes.js'
import type { Port } from '../transport/port.js'
import { afterTurn, now } from '../transport/scheduling.js'
import type { Waiter } from '../transport/target.js'
import type { CollectionState } from './collection-state.js'
import { named } from './failures.js'

/** Milliseconds of encoding before the event loop turns. */
const SLICE_MS = 8
/** The time is checked after so many documents or bytes. */
const LOOK_DOCUMENTS = 32
const LOOK_BYTES = 64 << 10

/** Writes to one collection. */
const WRITES: ReadonlySet<number> = new Set([
  Opcode.Insert, Opcode.Set, Opcode.Update, Opcode.Replace, Opcode.Delete, Opcode.DeleteId, Opcode.FindOneAnd, Opcode.Bulk, Opcode.Create,
  Opcode.Drop, Opcode.CreateIndexes, Opcode.DropIndex
])

/** Writes that concern several collections, which only the core knows. */
const WIDE: ReadonlySet<number> = new Set([Opcode.Rename, Opcode.Aggregate, Opcode.DropDatabase, Opcode.Snapshot, Opcode.Restore, Opcode.Barrier])

/** Receives the result of an operation, or is told before its submission that there will be none. */
interface LateWaiter extends Waiter {
  ticket: number | undefined
  /** Whether its signal or its time limit has rejected it. */
  readonly isGivenUp: boolean
  drop(): void
  failTraced(make: () => Error): void
}

/** The large batches of a database that are being encoded and the writes behind them, in the order of the calls. */
export class LargeBatches {
  #line: Waiting[] = []
  /** How many writes in the line are to each collection. */
  readonly #writes = new Map<CollectionState, number>()
  /** How many writes in the line concern several collections. */
  #wide = 0
  #scheduled = false
  /** Whether a slice is being encoded, which may run code of the program. */
  #turning = false
  #emptied: (() => void) | undefined

  constructor(private readonly port: Port) {}

  /** Whether an operation is to be added here. */
  takes(target: CollectionState, request: Request): boolean {
    // What follows it in its transaction would have to wait too.
    if (request.transaction) return false
    if (isLarge(request)) return true
    if (this.#line.length === 0) return false
    const { opcode } = request
    if (WIDE.has(opcode)) return true
    return WRITES.has(opcode) && this.#isBehind(target)
  }

  /**
   * Encodes an operation, as much of a large batch as fits into a slice. Submits it, or keeps it in the line. Throws what its
   * values throw, and then nothing was changed.
   */
  add(where: string, target: CollectionState, request: Request, waiter: LateWaiter): void {
    const added = new Waiting(this.port, where, target, request, waiter)
    added.encode()
    if (added.isComplete && (added.isRead || !this.#isBehind(added.target))) return added.send()
    this.#schedule()
    if (added.target === undefined) this.#wide += 1
    else this.#writes.set(added.target, (this.#writes.get(added.target) ?? 0) + 1)
    this.#line[this.#line.length] = added
  }

  /** Submits, before this returns, what a write to this collection must not overtake; undefined stands for several collections. */
  submitNow(where: string, target: CollectionState | undefined): void {
    while (this.#isBehind(target)) {
      if (this.#turning) throw new MoltenError('NOT_SUPPORTED', `${where}: a getter of a document that is being written cannot write to its collection and wait; write before or after`)
      this.#advance()
    }
  }

  /** Resolves when the line is empty; called once, when no operation will be added. */
  async empty(): Promise<void> {
    if (this.#line.length > 0) await new Promise<void>((resolve) => (this.#emptied = resolve))
  }

  /** Whether the line has a write to this collection; undefined stands for several collections. */
  #isBehind(target: CollectionState | undefined): boolean {
    return this.#wide > 0 || (target === undefined ? this.#line.length > 0 : this.#writes.has(target))
  }

  #schedule(): void {
    if (this.#scheduled) return
    afterTurn(() => this.#turn())
    this.#scheduled = true
  }

  /** Encodes a slice of the first batch that is not complete. */
  #turn(): void {
    this.#scheduled = false
    this.#advance()
    if (this.#line.length > 0) this.#schedule()
    else this.#emptied?.()
  }

  #advance(): void {
    const first = this.#line.find(({ isComplete }) => !isComplete)
    if (first) {
      this.#turning = true
      try {
        first.encodeFurther()
      } finally {
        this.#turning = false
      }
    }
    if (first === undefined || first.isComplete || first.isOver) this.#submit()
  }

  /** Submits the writes that have to wait for none before them. */
  #submit(): void {
    const line = this.#line
    const kept: Waiting[] = []
    const held = new Set<CollectionState | undefined>()
    // Results that are settled meanwhile may run code of the program, which adds to the line.
    for (let i = 0; i < line.length; i++) {
      const next = line[i]!
      const { target } = next
      const isHeld = held.has(undefined) || (target === undefined ? held.size > 0 : held.has(target))
      if (!next.isOver && (isHeld || !next.isComplete)) {
        held.add(target)
        kept.push(next)
        continue
      }
      this.#forget(target)
      next.finish()
    }
    this.#line = kept
  }

  #forget(target: CollectionState | undefined): void {
    if (target === undefined) {
      this.#wide -= 1
      return
    }
    const left = this.#writes.get(target)! - 1
    if (left > 0) this.#writes.set(target, left)
    else this.#writes.delete(target)
  }
}

/** An operation that waits: until it is encoded, or for those before it. */
class Waiting {
  /** The collection that it writes to; undefined if it concerns several. */
  readonly target: CollectionState | undefined
  readonly #body: Writer
  readonly #writeTime: (out: Writer) => void
  /** The elements of a large batch that are encoded. */
  #encoded = 0
  isComplete = false
  #failure: { error: unknown } | undefined

  constructor(
    private readonly port: Port,
    private readonly where: string,
    target: CollectionState,
    private readonly request: Request,
    private readonly waiter: LateWaiter
  ) {
    this.target = WIDE.has(request.opcode) ? undefined : target
    this.#body = new Writer(isLarge(request) ? 64 << 10 : 256)
    this.#writeTime = timeWriter(where, request)
  }

  /** Whether it will not be submitted. */
  get isOver(): boolean {
    return this.#failure !== undefined || this.waiter.isGivenUp
  }

  /** Whether it is a pipeline that writes nothing: the core too takes those for reads that do not name these stages. */
  get isRead(): boolean {
    if (this.request.opcode !== Opcode.Aggregate) return false
    const bytes = this.#body.bytes.subarray(0, this.#body.length)
    return !bytes.includes('$out') && !bytes.includes('$merge')
  }

  encode(): void {
    const { port, request } = this
    if (request.elements === undefined) request.body(this.#body, port.shapes)
    else if (!this.#slice(request.elements)) return
    writeVariables(this.#body, request)
    this.isComplete = true
  }

  /** Encodes elements for the time of a slice; returns whether none are left. */
  #slice({ count, write }: NonNullable<Request['elements']>): boolean {
    const out = this.#body
    const { shapes } = this.port
    const until = now() + SLICE_MS
    if (this.#encoded === 0) writeArrayHead(out, count)
    let i = this.#encoded
    let [looked, length] = [i, out.length]
    for (; i < count; i++) {
      if (i - looked >= LOOK_DOCUMENTS || out.length - length >= LOOK_BYTES) {
        if (now() >= until) break
        looked = i
        length = out.length
      }
      write(out, shapes, i)
    }
    this.#encoded = i
    return i === count
  }

  encodeFurther(): void {
    if (this.isOver) return
    try {
      this.encode()
    } catch (error) {
      this.#failure = { error }
    }
  }

  send(): void {
    const { port, request, waiter } = this
    this.#writeTime(this.#body)
    waiter.ticket = port.appendEncoded(request.opcode, flagsOf(request), waiter, this.#body)
  }

  /** Leaves the line: submits it unless it is over. */
  finish(): void {
    if (!this.isOver) {
      try {
        return this.send()
      } catch (error) {
        this.#failure = { error }
      }
    }
    if (this.#failure === undefined) this.waiter.drop()
    else this.#fail(this.#failure.error)
  }

  /** Errors of this package get the stack of the call; one that a getter threw stays as it is. */
  #fail(error: unknown): void {
    const { where, waiter } = this
    const isOwn = error instanceof MoltenError || (error instanceof TypeError && error.message.startsWith(where))
    if (isOwn) waiter.failTraced(() => named(where, error) as Error)
    else waiter.fail(error)
  }
}

/** None yet. */
export function largeBatchesOf(port: Port): LargeBatches {
  return new LargeBatches(port)
}

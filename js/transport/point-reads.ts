// Point reads on this thread: a document in memory is read within the call.
//
// A program that awaits such reads one after the other would keep the event loop from turning, so each turn has a budget of
// them (`TurnBudget`). When it is spent, reads wait for the next turn, where many of them are done in one call.

import { encodeId } from '../codec/encode.js'
import { SHORT_STRING, writeShort } from '../codec/token-writer.js'
import { Writer } from '../codec/writer.js'
import type { PortBuffers } from './buffers.js'
import type { Native } from './native.js'
import { afterTurn } from './scheduling.js'
import { readSection, type Target } from './target.js'
import { SHARE, type TurnBudget } from './turn-budget.js'

/** Verbs of a point read. */
const GET = 1
const HAS = 2
const MANY = 3
const ALL = 4

/** The result of a read that would block. */
export const MUST_WAIT = Symbol('must wait')

/** Bytes before the `_id`s in the request of a read. */
const HEAD_BYTES = 24

/** A read that waits for the next turn. */
interface LateRead {
  id: unknown
  settle(value: unknown): void
}

/** Reads of one collection that wait for the next turn. */
interface Late {
  reads: LateRead[]
  next: number
}

/** The point reads of a port. */
export class PointReads {
  /** Executes the read in the request buffer. */
  readonly #attempt: () => number | string
  readonly #buffers: PortBuffers
  readonly #turn: TurnBudget
  readonly #late = new Map<Target, Late>()
  #ids = new Writer(16 << 10)
  #scheduled = false

  constructor(native: Native, port: number, buffers: PortBuffers, turn: TurnBudget) {
    this.#attempt = native.pointReads(port)
    this.#buffers = buffers
    this.#turn = turn
  }

  /** The port is closed. */
  release(): void {
    this.#ids = new Writer(0)
  }

  /** The document with this `_id`, or null, if it is in memory. */
  get(target: Target, id: unknown): unknown {
    this.#write(target, GET, id)
    this.#buffers.keepLent()
    for (;;) {
      const answer = this.#attempt()
      if (typeof answer === 'string') return target.reader.plain(this.#buffers.result, answer, target.shapes())
      if (answer > 0) return readSection(target, this.#buffers.result)
      if (answer === 0) return null
      if (answer > -16) return MUST_WAIT
      this.#buffers.replaceResult(-answer)
    }
  }

  /** Whether there is a document with this `_id`. */
  has(target: Target, id: unknown): boolean | typeof MUST_WAIT {
    this.#write(target, HAS, id)
    const answer = this.#attempt() as number
    return answer < 0 ? MUST_WAIT : answer === 1
  }

  /** The documents with these `_id`s, null for each that is missing, of one state, if all are in memory. */
  many(target: Target, ids: readonly unknown[]): unknown[] | typeof MUST_WAIT {
    return this.#some(target, ALL, ids)
  }

  /** A promise resolved with the value; when the budget of this turn is spent, it resolves in the next turn. */
  settled<T>(value: T): Promise<T> {
    if (!this.#turn.isSpent) {
      this.#turn.add(1)
      return Promise.resolve(value)
    }
    return new Promise((resolve) => {
      afterTurn(() => {
        this.#turn.begin()
        resolve(value)
      })
    })
  }

  /** Whether `get` should postpone the read with `later`. */
  isLate(id: unknown): boolean {
    // The program could change an object meanwhile.
    return this.#turn.isSpent && typeof id !== 'object'
  }

  /** Reads in the next turn, together with all other postponed reads. */
  later(target: Target, id: unknown): Promise<unknown> {
    if (!this.#scheduled) this.#schedule()
    let late = this.#late.get(target)
    if (late === undefined) this.#late.set(target, (late = { reads: [], next: 0 }))
    const { reads } = late
    return new Promise((settle) => {
      reads.push({ id, settle })
      target.pending.count += 1
    })
  }

  #schedule(): void {
    afterTurn(() => this.#readLate())
    this.#scheduled = true
  }

  #readLate(): void {
    this.#scheduled = false
    this.#turn.begin()
    let room = SHARE
    for (const [target, late] of this.#late) {
      while (room > 0 && late.next < late.reads.length) {
        const some = late.reads.slice(late.next, late.next + room)
        const documents = this.#someOrNone(target, some.map(({ id }) => id))
        const count = documents === MUST_WAIT ? some.length : documents.length
        late.next += count
        room -= count
        for (let i = 0; i < count; i++) {
          const { id, settle } = some[i]!
          settle(documents === MUST_WAIT ? target.readAgain(id) : documents[i])
        }
        target.ended(count)
      }
      if (late.next === late.reads.length) this.#late.delete(target)
    }
    if (this.#late.size > 0) this.#schedule()
  }

  /** Reads that fail together are repeated one by one as operations, which reject with the reason. */
  #someOrNone(target: Target, ids: readonly unknown[]): unknown[] | typeof MUST_WAIT {
    try {
      return this.#some(target, MANY, ids)
    } catch {
      return MUST_WAIT
    }
  }

  /** The first of these documents, as many as the core returns in one call; with `ALL` all of them. */
  #some(target: Target, verb: typeof MANY | typeof ALL, ids: readonly unknown[]): unknown[] | typeof MUST_WAIT {
    // A getter in an `_id` may start another read, which takes another writer.
    const out = this.#ids.busy ? new Writer() : this.#ids
    out.clear()
    for (const id of ids) {
      out.ensure(SHORT_STRING + 2)
      const end = typeof id === 'string' ? writeShort(out.bytes, out.length, id) : -1
      if (end > 0) out.length = end
      else encodeId(out, id)
    }
    this.#head(target, verb, ids.length, HEAD_BYTES + out.length)
    this.#buffers.copyIn(out, HEAD_BYTES)
    this.#buffers.keepLent()
    for (;;) {
      const answer = this.#attempt() as number
      if (answer > 0) {
        const documents = readSection(target, this.#buffers.result) as unknown[]
        this.#buffers.shrinkResult()
        this.#buffers.shrinkRequest()
        return documents.length === 0 ? MUST_WAIT : documents
      }
      if (answer > -16) return MUST_WAIT
      this.#buffers.replaceResult(-answer)
    }
  }

  /** Writes the request for a read of one document. */
  #write(target: Target, verb: number, id: unknown): void {
    if (typeof id === 'string') {
      const end = writeShort(this.#buffers.request, HEAD_BYTES, id)
      if (end > 0) return this.#head(target, verb, 1, end)
    }
    // Getters of the program may start reads meanwhile, so the buffer is written after they ran.
    const out = new Writer(64)
    encodeId(out, id)
    this.#head(target, verb, 1, HEAD_BYTES + out.length)
    this.#buffers.copyIn(out, HEAD_BYTES)
  }

  #head(target: Target, verb: number, count: number, end: number): void {
    const { words } = this.#buffers
    words[0] = target.handle
    words[1] = target.number
    words[2] = target.shapes().length
    words[3] = verb
    words[4] = count
    words[5] = end
  }
}

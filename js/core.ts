// What the handles of one open database share: the port, the native database, and the operations under way.

import { checkCollectionName } from './arguments/arguments.js'
import type { Settings } from './arguments/open-options.js'
import { Reader } from './codec/decode.js'
import { NO_COLLECTION, type Shape, ShapeCache } from './codec/shapes.js'
import { onGivenUp, untilGivenUp } from './deadline.js'
import { type ErrorDetails, errorFrom, MoltenBulkWriteError, MoltenError } from './errors.js'
import { printedKey } from './ids/equality.js'
import { getRequest } from './request/reads.js'
import { type Request, withLimits } from './request/request.js'
import type { Limits } from './request/time-limit.js'
import { fromHere, traced } from './traces.js'
import { failureOf, type NativeDatabase } from './transport/native.js'
import { Opcode } from './transport/opcodes.js'
import { Port } from './transport/port.js'
import type { Target, Waiter } from './transport/target.js'

/** A collection of an open database, shared by its handles. */
export class CollectionState implements Target {
  number = NO_COLLECTION
  /** The shapes of the collection of this number. */
  #shapes: readonly Shape[] = []
  #shapesOf = NO_COLLECTION

  constructor(
    readonly name: string,
    readonly handle: number,
    readonly reader: Reader,
    private readonly core: Core,
    private readonly cache: ShapeCache
  ) {
    this.pending = core.pending
  }

  /** The operations under way of its database. */
  readonly pending: Pending

  shapes(): readonly Shape[] {
    if (this.#shapesOf !== this.number) {
      this.#shapes = this.cache.of(this.number)
      this.#shapesOf = this.number
    }
    return this.#shapes
  }

  readAgain(id: unknown): Promise<unknown> {
    return this.core.run(`${this.name}.get`, this, getRequest<unknown>(id, false))
  }

  ended(count: number): void {
    this.core.ended(count)
  }
}

/** Collections that are kept though nothing refers to them. */
const KEPT_COLLECTIONS = 256

/**
 * The collections of a database that were asked for, by name. Beyond the latest, those that no handle, cursor or operation refers to go, here
 * and in the core: a program may make up names.
 */
class CollectionStates {
  readonly #states = new Map<string, WeakRef<CollectionState>>()
  readonly #kept: CollectionState[] = []
  #next = 0

  of(name: string): CollectionState | undefined {
    return this.#states.get(name)?.deref()
  }

  add(state: CollectionState, port: Port): void {
    const { name, handle } = state
    const reference = new WeakRef(state)
    this.#states.set(name, reference)
    this.#kept[this.#next++ % KEPT_COLLECTIONS] = state
    released.register(state, () => {
      if (this.#states.get(name) === reference) this.#states.delete(name)
      port.releaseCollection(handle)
    })
  }
}

const released = new FinalizationRegistry<() => void>((release) => release())

/** Operations under way. Changed by assignments: where the stack has run out, a call fails. */
export interface Pending {
  count: number
}

/** An open database behind its handles. */
export class Core {
  readonly reader: Reader
  readonly #shapes = new ShapeCache()
  readonly #collections = new CollectionStates()
  #open = true
  #closed: Promise<void> | undefined
  #tickets = 0
  readonly pending: Pending = { count: 0 }
  #idle: (() => void) | undefined

  constructor(
    readonly port: Port,
    readonly native: NativeDatabase,
    readonly settings: Settings,
    /** The name in messages. */
    readonly name: string
  ) {
    this.reader = new Reader(this.#shapes, { owner: port.buffers, ...(settings.objectId && { objectId: settings.objectId }) })
  }

  /** Throws `CLOSED` once close has been called. */
  checkOpen(where: string): void {
    if (!this.#open) throw this.closedError(where)
  }

  closedError(where: string): MoltenError {
    return new MoltenError('CLOSED', `${where}: the database '${this.name}' is closed; open it again with Database.open`)
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** The collection of this name; the empty name stands for the database itself. */
  collection(name: string, where: string): CollectionState {
    const known = this.#collections.of(name)
    if (known) return known
    if (name !== '') checkCollectionName(where, name)
    const state = new CollectionState(name, this.port.collection(this.native.handle, name), this.reader, this, this.#shapes)
    this.#collections.add(state, this.port)
    return state
  }

  /** Appends an operation; resolves with what `finish` makes of its value. */
  run<T>(where: string, target: CollectionState, request: Request<T>): Promise<T> {
    const { signal } = request
    if (signal?.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      const waiter = new OperationWaiter<T>(this, where, target, request, resolve, reject)
      // Counted before the body is written: what it calls may close the database.
      this.pending.count += 1
      try {
        waiter.ticket = this.port.append(withLimits(where, request), waiter, request.prepared)
      } catch (error) {
        // An assignment: where the stack has run out, a call fails too.
        this.pending.count -= 1
        waiter.stop?.()
        throw named(where, error)
      }
    })
  }

  /** A point read when the turn's share of those that settle at once is spent. */
  readLater(target: CollectionState, id: unknown): Promise<unknown> {
    return this.port.reads.later(target, id)
  }

  /** So many operations ended. */
  ended(count: number): void {
    this.pending.count -= count
    if (this.pending.count === 0) this.#idle?.()
  }

  /** Runs an operation on this thread. */
  call<T>(where: string, target: CollectionState, request: Request<T>): T {
    let answer: { value: T } | { error: unknown } | undefined
    const waiter: Waiter = {
      target,
      succeed: (value) => (answer = { value: request.finish(value as never) }),
      refuse: (details) => (answer = { error: fromHere(this.errorOf(where, target.name, details)) }),
      fail: (error) => (answer = { error })
    }
    try {
      this.port.call(withLimits(where, request), waiter)
    } catch (error) {
      throw named(where, error)
    }
    if (!answer) throw new MoltenError('INTERNAL', `${where}: no answer came; please report this`)
    if ('error' in answer) throw answer.error
    return answer.value
  }

  /** The error of a failed operation, with the collection and method in its message. */
  errorOf(where: string, collection: string, details: ErrorDetails): Error {
    details.message = this.#messageOf(where, collection, details)
    for (const item of details.writeErrors ?? []) item.message = this.#messageOf(where, collection, item)
    return errorFrom(details)
  }

  /** A duplicate key reads as MongoDB's does; any other failure is prefixed with where it happened. */
  #messageOf(where: string, collection: string, details: Pick<ErrorDetails, 'kind' | 'message' | 'indexName' | 'keyPattern' | 'keyValue'>): string {
    if (details.kind !== 'DUPLICATE_KEY' || !details.keyValue) return `${where}: ${details.message}`
    const index = details.indexName ?? '_id_'
    return `E11000 duplicate key error collection: ${this.name}.${collection} index: ${index} dup key: ${printedKey(details.keyValue)}`
  }

  /** Runs an async method of the native database. What takes long hears by its ticket that nobody waits any more. */
  async direct<T>(where: string, method: (database: NativeDatabase, ticket: number) => Promise<T>, limits: Limits = {}): Promise<T> {
    this.checkOpen(where)
    const { signal, maxTimeMS } = limits
    const ticket = ++this.#tickets
    try {
      return await untilGivenUp(where, method(this.native, ticket), { signal, maxTimeMS }, () => this.native.stop(ticket))
    } catch (error) {
      throw signal?.aborted && error === signal.reason ? error : errorOfNative(where, error)
    }
  }

  /** Refuses new operations, waits for those under way, and closes. */
  close(): Promise<void> {
    this.#open = false
    return (this.#closed ??= this.#close())
  }

  async #close(): Promise<void> {
    try {
      // An operation whose body is being written calls this too, and may yet fail.
      await undefined
      if (this.pending.count > 0) {
        // What is short ends by itself; what is not ends with CLOSED.
        this.native.interrupt()
        await new Promise<void>((resolve) => (this.#idle = resolve))
      }
      await this.native.close()
    } catch (error) {
      throw errorOfNative('Database.close', error)
    } finally {
      this.reader.release()
      this.port.release()
    }
  }
}

/** Operations that write documents; an aggregation may. */
const WRITES: ReadonlySet<number> = new Set([
  Opcode.Insert, Opcode.Set, Opcode.Update, Opcode.Replace, Opcode.Delete, Opcode.DeleteId, Opcode.FindOneAnd, Opcode.Bulk, Opcode.Aggregate
])

/** Who called for an operation, and waits for it. */
class OperationWaiter<T> implements Waiter {
  ticket: number | undefined
  /** Ends the waiting for the signal. */
  readonly stop: (() => void) | undefined
  #aborted = false

  constructor(
    private readonly core: Core,
    private readonly where: string,
    readonly target: CollectionState,
    private readonly request: Request<T>,
    private readonly resolve: (value: T | Promise<never>) => void,
    private readonly reject: (error: unknown) => void
  ) {
    const givenUp = (reason: unknown): (() => void) | undefined => {
      this.#aborted = true
      reject(reason)
      const { ticket } = this
      return ticket === undefined ? undefined : () => core.port.cancel(ticket)
    }
    this.stop = onGivenUp(where, request, givenUp, () => {
      return WRITES.has(request.opcode) && this.ticket !== undefined && core.port.hasBegun(this.ticket)
    })
  }

  succeed(value: unknown): void {
    const result = this.request.finish(value as never)
    this.#end()
    this.resolve(result)
  }

  refuse(details: ErrorDetails): void {
    this.#end()
    // Whoever gave up has the signal's reason, and nobody would hear of this error.
    if (!this.#aborted) this.resolve(traced(() => this.#errorOf(details)))
  }

  fail(error: unknown): void {
    this.#end()
    this.reject(error)
  }

  #errorOf(details: ErrorDetails): Error {
    const { request } = this
    if (request.single) delete details.writeErrors
    const error = this.core.errorOf(this.where, this.target.name, details)
    request.failed?.(error)
    return error
  }

  #end(): void {
    this.stop?.()
    this.core.ended(1)
  }
}

/** Puts collection and method into the message of an error that the codec threw; others are passed on. */
export function named(where: string, error: unknown): unknown {
  if (!(error instanceof MoltenError) || error instanceof MoltenBulkWriteError) return error
  if (error.message.startsWith(`${where}: `)) return error
  const { path, keyPattern, keyValue, cause, codeName } = error
  const code = typeof error.code === 'number' ? error.code : undefined
  return new MoltenError(error.kind, `${where}: ${error.message}`, { path, keyPattern, keyValue, cause, code, codeName } as object)
}

/** The error of a rejected native promise. */
export function errorOfNative(where: string, error: unknown): Error {
  if (error instanceof MoltenError) return error
  const failure = failureOf(error)
  return errorFrom({ ...failure, message: `${where}: ${failure.message}`, cause: error } as ErrorDetails)
}

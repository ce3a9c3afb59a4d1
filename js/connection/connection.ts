// What the handles of one open database share: the port, the native database, and the running operations.

import { checkCollectionName } from '../arguments/arguments.js'
import type { MomentNumbers } from '../arguments/moment.js'
import { type DatabaseName, defaultDatabase, plainName, shownName } from '../arguments/namespace.js'
import { MEMORY, type Settings } from '../arguments/open-options.js'
import { Reader } from '../codec/decode.js'
import { ShapeCache } from '../codec/shapes.js'
import { type ErrorDetails, errorFrom, MoltenError } from '../errors.js'
import { getRequest } from '../request/reads.js'
import { isLarge, type Request, requestOf, withLimits } from '../request/request.js'
import type { Limits } from '../request/time-limit.js'
import { Opcode } from '../transport/opcodes.js'
import type { NativeDatabase, NativeProgress } from '../transport/native.js'
import { Port } from '../transport/port.js'
import type { Waiter } from '../transport/target.js'
import type { ProgressOptions } from '../types/index.js'
import { type CollectionOwner, CollectionState, CollectionStates, type Pending } from './collection-state.js'
import { untilGivenUp } from './deadline.js'
import { isWatched, type Told } from './diagnostics/channels.js'
import { contextOf, isTold, toldCall, toldPromise } from './diagnostics/telling.js'
import { errorOfNative, named } from './failures.js'
import { type LargeBatches, largeBatchesOf } from './large-batches.js'
import { type OperationOwner, OperationWaiter } from './operation-waiter.js'
import { reporting } from './progress.js'
import { fromHere } from './traces.js'

/** Earlier states that may be open at once: each is in memory as a whole, and one that was dropped is freed when it is collected, which may be late. */
const MOST_PASTS = 16

/** The operation of a method of a database that runs one of the native database: `compact` of `Database.compact`. */
function operationOf(where: string): string {
  return where.slice(where.lastIndexOf('.') + 1)
}

/** The start of the core's message of a duplicate key, which is MongoDB's. */
const DUPLICATE = 'E11000 duplicate key error collection: '

/** The connection behind the handles of an open database. */
export class Connection implements CollectionOwner, OperationOwner {
  readonly reader: Reader
  readonly #shapes = new ShapeCache()
  readonly #collections = new CollectionStates()
  #open = true
  #closed: Promise<void> | undefined
  #tickets = 0
  readonly pending: Pending = { count: 0 }
  #idle: (() => void) | undefined
  /** Made for the first one. */
  #batches: LargeBatches | undefined
  /** What serves this database and ends before it does. */
  readonly closers = new Set<() => Promise<void>>()
  /** Earlier states that are open. */
  #pasts: WeakRef<Connection>[] = []
  #openingPasts = 0
  readonly #told: Told
  /** The time that the core was given last. */
  #time: number | undefined

  constructor(
    readonly port: Port,
    readonly native: NativeDatabase,
    readonly settings: Settings,
    /** The default database. */
    readonly database: DatabaseName
  ) {
    this.#told = { slowMs: settings.slowMs, database: database.name, run: (name, request) => this.#run('explain', this.collection(name, 'explain'), request) }
    this.reader = new Reader(this.#shapes, { owner: port.buffers, ...(settings.objectId && { objectId: settings.objectId }) })
  }

  /** Whether documents may be read without an operation: nobody is told of these reads, and they are not asked for their time. */
  get readsDirectly(): boolean {
    return this.#told.slowMs === undefined && this.settings.clock === undefined && !isWatched()
  }

  /** Gives the core the time of the program's clock. What was called before has the time of its call. */
  #setTime(where: string): void {
    let time: number
    try {
      time = this.settings.clock!()
    } catch (error) {
      throw error instanceof TypeError && error.message.startsWith('option clock') ? new TypeError(`${where}: ${error.message}`) : error
    }
    if (time === this.#time) return
    this.port.submit()
    this.native.setTime(time)
    this.#time = time
  }

  /** Throws `CLOSED` once close has been called. */
  checkOpen(where: string): void {
    if (!this.#open) throw this.closedError(where)
  }

  closedError(where: string): MoltenError {
    return new MoltenError('CLOSED', `${where}: the database '${this.database.name}' is closed; open it again with Database.open`)
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** The collection of this full name; one without a collection stands for the database itself. */
  collection(name: string, where: string): CollectionState {
    const known = this.#collections.of(name)
    if (known) return known
    const plain = plainName(name)
    if (plain !== '') checkCollectionName(where, plain)
    const state = new CollectionState(name, this.port.collection(this.native.handle, name), this.reader, this, this.#shapes)
    this.#collections.add(state, this.port)
    return state
  }

  /** Runs an operation; resolves with the result of `finish` for its value. */
  run<T>(where: string, target: CollectionState, request: Request<T>): Promise<T> {
    if ((this.#told.slowMs !== undefined || isWatched()) && isTold(request.opcode)) {
      const context = contextOf(this.#told, where, target.name, request.opcode, false, request.signal)
      return toldPromise(this.#told, context, request, () => this.#run(where, target, request))
    }
    return this.#run(where, target, request)
  }

  /** Appends an operation. */
  #run<T>(where: string, target: CollectionState, request: Request<T>): Promise<T> {
    const { signal, session } = request
    if (this.settings.clock) {
      try {
        this.#setTime(where)
      } catch (error) {
        return Promise.reject(error)
      }
    }
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (session) {
      if (session.isSync) return Promise.reject(new TypeError(`${where}: the transaction is synchronous; call the methods whose names end with Sync, or use db.transaction`))
      request.transaction = session.enter(where)
    }
    return new Promise((resolve, reject) => {
      const waiter = new OperationWaiter<T>(this, where, target, request, resolve, reject)
      // Counted before the body is written, because that runs getters of the program, which may close the database.
      this.pending.count += 1
      try {
        if (this.#batches === undefined && isLarge(request)) this.#batches = largeBatchesOf(this.port)
        if (this.#batches?.takes(target, request)) this.#batches.add(where, target, request, waiter)
        else waiter.ticket = this.port.append(withLimits(where, request), waiter, request.prepared)
      } catch (error) {
        // An assignment: when the stack is exhausted, a call fails too.
        this.pending.count -= 1
        waiter.stop?.()
        throw named(where, error)
      }
    })
  }

  /** Reads a document by an operation, which may wait for the disk. */
  readAgain(collection: CollectionState, id: unknown): Promise<unknown> {
    return this.run(`${shownName(collection.name)}.get`, collection, getRequest<unknown>(id, false))
  }

  /** A point read after the turn's budget is spent. */
  readLater(target: CollectionState, id: unknown): Promise<unknown> {
    return this.port.reads.later(target, id)
  }

  /** Called when so many operations have ended. */
  ended(count: number): void {
    this.pending.count -= count
    if (this.pending.count === 0) this.#idle?.()
  }

  /**
   * Blocks until an operation is done, after the writes that were called before it and concern its collection; one of the database itself, as
   * the beginning of a transaction is, after all of them.
   */
  callInTurn<T>(where: string, target: CollectionState, request: Request<T>): T {
    if (!request.session) {
      this.#batches?.submitNow(where, target.isDatabase ? undefined : target)
      this.port.submit()
    }
    return this.call(where, target, request)
  }

  /** Runs a short operation on this thread, after what was called before it is submitted. */
  callNow<T>(where: string, target: CollectionState, request: Request<T>): T {
    this.port.submit()
    return this.call(where, target, request)
  }

  /** Runs an operation on this thread. */
  call<T>(where: string, target: CollectionState, request: Request<T>): T {
    if (this.settings.clock) this.#setTime(where)
    if (this.#told.slowMs !== undefined || isWatched()) {
      const context = contextOf(this.#told, where, target.name, request.opcode, true, request.signal)
      return toldCall(this.#told, context, () => this.#call(where, target, request))
    }
    return this.#call(where, target, request)
  }

  #call<T>(where: string, target: CollectionState, request: Request<T>): T {
    const { session } = request
    if (session) request.transaction = session.enter(where)
    let answer: { value: T } | { error: unknown } | undefined
    const waiter: Waiter = {
      target,
      succeed: (value) => (answer = { value: request.finish(value as never) }),
      refuse: (details) => {
        if (request.single) delete details.writeErrors
        const error = fromHere(this.errorOf(where, details))
        request.failed?.(error)
        answer = { error }
      },
      fail: (error) => (answer = { error })
    }
    try {
      this.port.call(withLimits(where, request), waiter)
    } catch (error) {
      throw named(where, error)
    }
    if (!answer) throw new MoltenError('INTERNAL', `${where}: no result arrived; please report this`)
    if ('error' in answer) throw answer.error
    return answer.value
  }

  /** The error of a failed operation, with the collection and method in its message. */
  errorOf(where: string, details: ErrorDetails): Error {
    details.message = this.#messageOf(where, details)
    for (const item of details.writeErrors ?? []) item.message = this.#messageOf(where, item)
    return errorFrom(details)
  }

  /** A duplicate key error has MongoDB's message. Any other message gets the method in front. */
  #messageOf(where: string, { message }: { message: string }): string {
    return message.startsWith(DUPLICATE) ? message : `${where}: ${message}`
  }

  /**
   * Runs an async method of the native database. When the signal or the deadline ends the call, its ticket interrupts a long
   * one.
   */
  async callNative<T>(
    where: string, method: (database: NativeDatabase, ticket: number, progress?: NativeProgress) => Promise<T>, limits: Limits & ProgressOptions = {}
  ): Promise<T> {
    this.checkOpen(where)
    if (this.#told.slowMs !== undefined || isWatched()) {
      const context = contextOf(this.#told, where, '', operationOf(where), false, limits.signal)
      return toldPromise(this.#told, context, undefined, () => this.step(where, method, limits))
    }
    return this.step(where, method, limits)
  }

  /** Runs an operation of several steps, of which one thing is told: of a database by the full name of a collection without a name. */
  told<T>(where: string, signal: AbortSignal | null | undefined, run: () => Promise<T>, name = ''): Promise<T> {
    if (this.#told.slowMs === undefined && !isWatched()) return run()
    return toldPromise(this.#told, contextOf(this.#told, where, name, operationOf(where), false, signal ?? undefined), undefined, run)
  }

  /** Runs a method of the addon, of which nothing is told. */
  async step<T>(
    where: string, method: (database: NativeDatabase, ticket: number, progress?: NativeProgress) => Promise<T>, limits: Limits & ProgressOptions = {}
  ): Promise<T> {
    this.checkOpen(where)
    const { signal, maxTimeMS, onProgress } = limits
    const ticket = ++this.#tickets
    const stop = (): void => this.native.stop(ticket)
    try {
      const run = (progress?: NativeProgress): Promise<T> => method(this.native, ticket, progress)
      return await untilGivenUp(where, reporting(run, onProgress, stop), { signal, maxTimeMS }, stop)
    } catch (error) {
      throw signal?.aborted && error === signal.reason ? error : errorOfNative(where, error)
    }
  }

  /** An earlier state, which is closed with this connection. */
  async past(where: string, { lsn, time }: MomentNumbers, limits: Limits): Promise<Connection> {
    this.checkOpen(where)
    this.#pasts = this.#pasts.filter((known) => known.deref()?.isOpen)
    if (this.#pasts.length + this.#openingPasts >= MOST_PASTS) {
      throw new MoltenError('LIMIT', `${where}: ${MOST_PASTS} earlier states are open; close those that are not needed, as by await using`)
    }
    const port = Port.acquire()
    this.#openingPasts += 1
    let opening: Promise<NativeDatabase> | undefined
    try {
      const opened = await this.callNative(where, (database) => (opening = database.asOf(lsn, time)), limits)
      const { name } = JSON.parse(opened.describe()) as { name: string }
      const past = new Connection(port, opened, { ...this.settings, readOnly: true }, defaultDatabase(name))
      this.#pasts.push(new WeakRef(past))
      return past
    } catch (error) {
      port.release()
      opening?.then((abandoned) => abandoned.close()).catch(() => {})
      throw error
    } finally {
      this.#openingPasts -= 1
    }
  }

  /** A copy in memory of what there is after the writes that were called before, as a database of its own. */
  async forked(where: string, limits: Limits): Promise<Connection> {
    this.checkOpen(where)
    const target = this.collection('', where)
    await this.run(where, target, { ...requestOf<void>(Opcode.Barrier, 0, null, () => {}, () => {}), ...limits })
    const port = Port.acquire()
    let opening: Promise<NativeDatabase> | undefined
    try {
      const opened = await this.callNative(where, (database) => (opening = database.fork()), limits)
      const { name } = JSON.parse(opened.describe()) as { name: string }
      const settings: Settings = { ...this.settings, path: MEMORY, storage: 'memory', readOnly: false }
      return new Connection(port, opened, settings, defaultDatabase(name))
    } catch (error) {
      port.release()
      opening?.then((abandoned) => abandoned.close()).catch(() => {})
      throw error
    }
  }

  /** Refuses new operations, waits for running ones, and closes. */
  close(): Promise<void> {
    this.#open = false
    return (this.#closed ??= this.#close())
  }

  async #close(): Promise<void> {
    try {
      // A getter may call this while the body of its operation is being written, and that operation may still fail.
      await undefined
      await Promise.all([...this.closers].map((close) => close()))
      await this.#batches?.empty()
      await Promise.all(this.#pasts.map((past) => past.deref()?.close()))
      if (this.pending.count > 0) {
        // Short operations end by themselves; long ones reject with CLOSED.
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

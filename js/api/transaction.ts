// Transactions of functions: the object that the function gets, and the running again.

import { AsyncLocalStorage } from 'node:async_hooks'

import { countOf, wrongArgument } from '../arguments/arguments.js'
import { optionsOf } from '../arguments/option-check.js'
import { DATABASE } from '../arguments/option-table.js'
import { onAbort } from '../connection/abort.js'
import { backOff, checkIsolation, isTransient, noTransaction, RETRY_MS, Session, type SessionOwner } from '../connection/session.js'
import { type SyncOwner, SyncTransaction } from '../connection/sync-transaction.js'
import type { Scope } from '../request/request.js'
import { disposeWith } from '../cursor/dispose.js'
import { timeout } from '../request/time-limit.js'
import { now } from '../transport/scheduling.js'
import type { CollectionOptions, Document, OperationOptions } from '../types/index.js'
import type { Savepoint, SyncTransactionOptions, TransactionRunOptions } from '../types/options.js'
import type { Collection } from './collection.js'

disposeWith(Session.prototype, function endSession() {
  return this.endSession()
})

/** Makes the collections of a transaction. */
export interface TransactionMaker {
  collection<T extends Document>(scope: Scope, name: string, options: CollectionOptions | undefined): Collection<T>
  create<T extends Document>(scope: Scope, name: string, options: OperationOptions | undefined): Promise<Collection<T>>
  /** The same for another database. */
  sibling(name: string): TransactionMaker
}

/** What the objects of a transaction share, one for each database. */
interface Shared {
  readonly savepoints: WeakSet<Savepoint>
  over: boolean
}

/**
 * A transaction, as `db.transaction` gives it to its function. Only what is called through it belongs to it.
 *
 * Reads see the state at its first operation and its own writes. A call after its end rejects with code 251.
 */
export class Transaction {
  readonly #session: Session
  readonly #make: TransactionMaker
  readonly #shared: Shared
  readonly #scope: Scope

  /** @internal */
  constructor(session: Session, make: TransactionMaker, shared: Shared = { savepoints: new WeakSet(), over: false }) {
    this.#session = session
    this.#make = make
    this.#shared = shared
    this.#scope = {
      enter: (where) => {
        if (shared.over || !session.inTransaction()) throw noTransaction(where)
        return session.enter(where)
      },
      inTransaction: () => true
    }
  }

  /** A handle of a collection whose operations belong to the transaction. */
  collection<T extends Document = Document>(name: string, options?: CollectionOptions): Collection<T> {
    return this.#make.collection<T>(this.#scope, name, options)
  }

  /** Creates an empty collection with the commit; resolves with a handle whose operations belong to the transaction. */
  createCollection<T extends Document = Document>(name: string, options?: OperationOptions): Promise<Collection<T>> {
    return this.#make.create<T>(this.#scope, name, options)
  }

  /** The same transaction in another database of the directory: `tx.sibling('other').collection('users')`. */
  sibling(name: string): Transaction {
    return new Transaction(this.#session, this.#make.sibling(name), this.#shared)
  }

  /** Sets a savepoint: `rollbackTo` takes back what was written after it. */
  async savepoint(): Promise<Savepoint> {
    const where = 'Transaction.savepoint'
    if (this.#shared.over) throw noTransaction(where)
    const savepoint = Object.freeze({ number: await this.#session.savepoint(where) })
    this.#shared.savepoints.add(savepoint)
    return savepoint
  }

  /**
   * Takes back what was written after a savepoint, which stays; later savepoints and all open cursors end. A transaction that a failed write
   * has ended goes on from there.
   */
  async rollbackTo(savepoint: Savepoint): Promise<void> {
    const where = 'Transaction.rollbackTo'
    checkSavepoint(where, this.#shared.savepoints, savepoint)
    if (this.#shared.over) throw noTransaction(where)
    await this.#session.rollbackTo(where, savepoint.number)
  }

  /** @internal */
  belongsTo(owner: object): boolean {
    return this.#session.belongsTo(owner as SessionOwner)
  }

  /** @internal */
  end(): void {
    this.#shared.over = true
  }
}

/** A function that runs in a transaction. */
interface Running {
  /** The connection of its database; undefined when it is over: what it has begun may live longer, and keeps nothing. */
  owner: SessionOwner | undefined
  readonly outer: Running | undefined
}

/** The first version of Node where following the functions costs nothing: promises do not call anything for it. */
const FOLLOWING = 24

/** The functions around what is called, where following them costs nothing. */
const around = Number.parseInt(process.versions.node) >= FOLLOWING ? new AsyncLocalStorage<Running>() : undefined

/** Refuses a transaction within the function of another one: it would be neither part of that nor see what that has written. */
function refuseNested(where: string, owner: SessionOwner): void {
  for (let one = around?.getStore(); one !== undefined; one = one.outer) {
    if (one.owner !== owner) continue
    throw new TypeError(`${where}: it was called within the function of another ${where} of this database, which it would not be part of; use the tx of that one, or call it afterwards`)
  }
}

/** Runs a function in a transaction, and again after errors that another attempt may not meet. */
export async function runInTransaction<R>(
  owner: SessionOwner, make: TransactionMaker, run: (tx: Transaction) => Promise<R>, options: TransactionRunOptions | undefined
): Promise<R> {
  const where = 'Database.transaction'
  if (typeof run !== 'function') throw wrongArgument(where, 'run', 'a function', run)
  refuseNested(where, owner)
  const { maxTimeMS = RETRY_MS, maxIdleMS, signal, retries = Infinity, isolation } = checkedOptions(where, options)
  const until = now() + maxTimeMS
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted()
    const session = new Session(owner)
    // Without a limit of the caller an attempt that has begun may go on for as long as any transaction.
    const left = options?.maxTimeMS === undefined ? {} : { maxTimeMS: Math.max(1, Math.ceil(until - now())) }
    session.startTransaction({ ...left, ...(maxIdleMS !== undefined && { maxIdleMS }), ...(isolation !== undefined && { isolation }) })
    const tx = new Transaction(session, make)
    const running: Running = { owner, outer: around?.getStore() }
    try {
      return await abortable(session, signal, session.attempt(where, () => (around === undefined ? run(tx) : around.run(running, run, tx))))
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      if (!isTransient(error) || attempt >= retries) throw error
      if (!(await backOff(attempt, until))) throw options?.maxTimeMS === undefined ? error : timeout(where)
    } finally {
      running.owner = undefined
      tx.end()
    }
  }
}

/** Settles like the attempt, or rejects with the signal's reason, which aborts it. */
function abortable<R>(session: Session, signal: AbortSignal | undefined, attempt: Promise<R>): Promise<R> {
  if (!signal) return attempt
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, (reason) => {
      // A commit that has begun is waited for.
      if (!session.inTransaction()) return
      session.abortTransaction().catch(() => {})
      reject(reason)
    })
    attempt.then(resolve, reject).finally(stop)
  })
}

function checkedOptions(where: string, options: TransactionRunOptions | undefined): TransactionRunOptions {
  const given = optionsOf<TransactionRunOptions>(where, options, DATABASE.transaction)
  for (const name of ['maxIdleMS', 'retries'] as const) {
    if (given[name] !== undefined) countOf(where, `option ${name}`, given[name])
  }
  checkIsolation(where, given.isolation)
  return given
}

/** How long another attempt of a synchronous transaction waits at most, in milliseconds. */
const PAUSE_MS = 5

/** Blocks for a random time. Where a thread must not, as that of a page must not, another attempt begins at once. */
function pauseBriefly(): void {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.random() * PAUSE_MS)
  } catch {
    // There is no SharedArrayBuffer, or no waiting.
  }
}

/** Refuses what is no savepoint of a transaction. */
function checkSavepoint(where: string, known: WeakSet<Savepoint>, savepoint: Savepoint): void {
  if (typeof savepoint === 'object' && savepoint !== null && known.has(savepoint)) return
  throw wrongArgument(where, 'savepoint', 'a savepoint of this transaction', savepoint)
}

/**
 * A transaction, as `db.transactionSync` gives it to its function. Only what is called through it belongs to it: the methods of its collections
 * whose names end with `Sync`.
 */
export class TransactionSync {
  readonly #transaction: SyncTransaction
  readonly #make: TransactionMaker
  readonly #savepoints: WeakSet<Savepoint>

  /** @internal */
  constructor(transaction: SyncTransaction, make: TransactionMaker, savepoints = new WeakSet<Savepoint>()) {
    this.#transaction = transaction
    this.#make = make
    this.#savepoints = savepoints
  }

  /** A handle of a collection whose operations belong to the transaction. */
  collection<T extends Document = Document>(name: string, options?: CollectionOptions): Collection<T> {
    return this.#make.collection<T>(this.#transaction, name, options)
  }

  /** The same transaction in another database of the directory. */
  sibling(name: string): TransactionSync {
    return new TransactionSync(this.#transaction, this.#make.sibling(name), this.#savepoints)
  }

  /** Sets a savepoint: `rollbackTo` takes back what was written after it. */
  savepoint(): Savepoint {
    const savepoint = Object.freeze({ number: this.#transaction.savepoint('TransactionSync.savepoint') })
    this.#savepoints.add(savepoint)
    return savepoint
  }

  /**
   * Takes back what was written after a savepoint, which stays; later savepoints end. A transaction that a failed write has ended goes on from
   * there.
   */
  rollbackTo(savepoint: Savepoint): void {
    const where = 'TransactionSync.rollbackTo'
    checkSavepoint(where, this.#savepoints, savepoint)
    this.#transaction.rollbackTo(where, savepoint.number)
  }
}

/** Runs a synchronous function in a transaction, and again after errors that another attempt may not meet. */
export function runInTransactionSync<R>(
  owner: SyncOwner, make: TransactionMaker, run: (tx: TransactionSync) => R, options: SyncTransactionOptions | undefined
): R {
  const where = 'Database.transactionSync'
  if (typeof run !== 'function') throw wrongArgument(where, 'run', 'a function', run)
  const { retries = 10, isolation } = optionsOf<SyncTransactionOptions>(where, options, DATABASE.transactionSync)
  countOf(where, 'option retries', retries)
  checkIsolation(where, isolation)
  for (let attempt = 0; ; attempt++) {
    const transaction = new SyncTransaction(owner, isolation)
    try {
      const result = run(new TransactionSync(transaction, make))
      if (isThenable(result)) throw new TypeError(`${where}: the function must not return a promise: what it awaits would run after the commit; use db.transaction`)
      transaction.commit(where)
      return result
    } catch (error) {
      transaction.abort(where)
      if (!isTransient(error) || attempt >= retries) throw error
      pauseBriefly()
    }
  }
}

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

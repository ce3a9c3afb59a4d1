// Sessions: the states of their transactions, as the driver has them, and the running of functions in transactions.
//
// A transaction has a number, which goes with each of its operations. It begins in the core with its first operation; one that ends before
// is known only here.

import { countOf, unsupported, wrongArgument } from '../arguments/arguments.js'
import { optionsOf } from '../arguments/option-check.js'
import { DATABASE, PARTS } from '../arguments/option-table.js'
import { MoltenError, numbered } from '../errors.js'
import { uuidv7 } from '../ids/uuid.js'
import { writeField } from '../request/bodies.js'
import type { Request, Scope } from '../request/request.js'
import { Flag, Opcode } from '../transport/opcodes.js'
import { afterMilliseconds, now } from '../transport/scheduling.js'
import type { ClientSession, ClientSessionOptions, Isolation, TransactionOptions } from '../types/options.js'
import type { CollectionState } from './collection-state.js'

/** What a session needs of its connection. */
export interface SessionOwner {
  readonly isOpen: boolean
  checkOpen(where: string): void
  closedError(where: string): MoltenError
  collection(name: string, where: string): CollectionState
  run<T>(where: string, target: CollectionState, request: Request<T>): Promise<T>
}

/** The id of a new session: 16 bytes that no other has. */
export function sessionId(): Buffer {
  return Buffer.from(uuidv7().replaceAll('-', ''), 'hex')
}

/** How long a transaction may be open and left alone, in milliseconds. */
export const OPEN_MS = 600_000
export const IDLE_MS = 60_000
/** How long withTransaction begins further attempts, in milliseconds. */
export const RETRY_MS = 120_000
/** The back-off before attempt n + 1: up to 5 ms * 1.5^n, at most 500 ms. */
const FIRST_BACKOFF_MS = 5
const MOST_BACKOFF_MS = 500
/** The label of errors after which a transaction is run again. */
const TRANSIENT = 'TransientTransactionError'
/** The largest number of a transaction. */
const NUMBERS = 0xffff

/** The numbers of the open transactions of this thread. */
const numbers = new Set<number>()
let last = 0

/** A number for a transaction that begins. */
export function takeNumber(where: string): number {
  if (numbers.size >= NUMBERS) throw new MoltenError('LIMIT', `${where}: ${NUMBERS} transactions are open; end some of them`)
  do last = last >= NUMBERS ? 1 : last + 1
  while (numbers.has(last))
  numbers.add(last)
  return last
}

/** Releases the number of a transaction that has ended in the core. */
export function endNumber(number: number): void {
  numbers.delete(number)
}

/** Aborts the transactions of sessions that the program dropped. */
const abandoned = new FinalizationRegistry<Held>(({ owner, number }) => {
  if (number !== 0) endOf(owner, 'ClientSession', Opcode.Abort, number).catch(() => {})
})

/** The transaction of a session, for the time when the session is gone. */
interface Held {
  readonly owner: SessionOwner
  number: number
}

/** Ends a transaction in the core. While that may know its number, no other transaction takes it. */
function endOf(owner: SessionOwner, where: string, opcode: number, number: number, maxTimeMS?: number): Promise<void> {
  if (!owner.isOpen) {
    // The close has ended it, or will.
    numbers.delete(number)
    return Promise.reject(owner.closedError(where))
  }
  const ended = new Promise<void>((resolve) => resolve(owner.run<void>(where, owner.collection('', where), { ...step(opcode, number), maxTimeMS })))
  const release = (): void => void numbers.delete(number)
  ended.then(release, release)
  return ended
}

/** The states of the driver. */
type State = 'none' | 'starting' | 'in progress' | 'committed' | 'committed empty' | 'aborted'

/** A session. */
export class Session implements ClientSession, Scope {
  readonly #owner: SessionOwner
  readonly #defaults: TransactionOptions
  #state: State = 'none'
  #options: TransactionOptions = {}
  readonly #held: Held
  #outcome: Promise<void> | undefined
  #ended = false
  #id: { id: Buffer } | undefined
  /** Transactions that were begun. */
  #transactions = 0

  constructor(owner: SessionOwner, options: ClientSessionOptions = {}) {
    this.#owner = owner
    this.#held = { owner, number: 0 }
    abandoned.register(this, this.#held)
    this.#defaults = options.defaultTransactionOptions ?? {}
  }

  get id(): { id: Buffer } {
    return (this.#id ??= { id: sessionId() })
  }

  get hasEnded(): boolean {
    return this.#ended
  }

  inTransaction(): boolean {
    return this.#state === 'starting' || this.#state === 'in progress'
  }

  /** Whether it is a session of this connection. */
  belongsTo(owner: SessionOwner): boolean {
    return this.#owner === owner
  }

  /** The number of the transaction for the next operation, which begins the transaction if it is the first. */
  enter(where: string): number {
    if (this.#ended) throw new MoltenError('CLOSED', `${where}: Cannot use a session that has ended`)
    if (this.#state === 'starting') this.#begin(where)
    if (this.#state === 'in progress') return this.#held.number
    this.#state = 'none'
    return 0
  }

  #begin(where: string): void {
    const owner = this.#owner
    const number = takeNumber(where)
    const { maxIdleMS = IDLE_MS, maxTimeMS = OPEN_MS, isolation } = this.#options
    try {
      const id = this.id.id
      const transaction = ++this.#transactions
      const body: Request['body'] = (out) => {
        writeField(out, maxIdleMS)
        writeField(out, maxTimeMS)
        writeField(out, id)
        writeField(out, transaction)
      }
      // If it cannot begin, the operation after it is told.
      owner.run(where, owner.collection('', where), { ...beginning(number, isolation), body }).catch(() => {})
    } catch (error) {
      numbers.delete(number)
      throw error
    }
    this.#held.number = number
    this.#state = 'in progress'
  }

  startTransaction(options?: TransactionOptions): void {
    const where = 'ClientSession.startTransaction'
    if (this.#ended) throw new MoltenError('CLOSED', `${where}: Cannot use a session that has ended`)
    if (this.inTransaction()) throw new TypeError(`${where}: Transaction already in progress`)
    const given = { ...this.#defaults, ...transactionOptionsOf(where, options) }
    // The driver refuses it too: a commit that nobody acknowledges could be lost without a word.
    if ((given.writeConcern as { w?: unknown } | null | undefined)?.w === 0) {
      throw new TypeError(`${where}: Transactions do not support unacknowledged write concern`)
    }
    this.#options = given
    this.#outcome = undefined
    this.#state = 'starting'
  }

  commitTransaction(): Promise<void> {
    return this.#commit('ClientSession.commitTransaction')
  }

  #commit(where: string): Promise<void> {
    switch (this.#state) {
      case 'none':
        return Promise.reject(new TypeError(`${where}: No transaction started`))
      case 'aborted':
        return Promise.reject(new TypeError(`${where}: Cannot call commitTransaction after calling abortTransaction`))
      case 'starting':
      case 'committed empty':
        this.#state = 'committed empty'
        return Promise.resolve()
      case 'committed':
        return this.#outcome!
      default:
        this.#state = 'committed'
        return (this.#outcome = this.#end(where, Opcode.Commit, this.#options.maxCommitTimeMS))
    }
  }

  async abortTransaction(): Promise<void> {
    const where = 'ClientSession.abortTransaction'
    switch (this.#state) {
      case 'none':
        throw new TypeError(`${where}: No transaction started`)
      case 'aborted':
        throw new TypeError(`${where}: Cannot call abortTransaction twice`)
      case 'committed':
      case 'committed empty':
        throw new TypeError(`${where}: Cannot call abortTransaction after calling commitTransaction`)
      case 'starting':
        this.#state = 'aborted'
        return
      default:
        this.#state = 'aborted'
        // What is not committed is not kept, whatever happens to this.
        await this.#end(where, Opcode.Abort).catch(() => {})
    }
  }

  #end(where: string, opcode: number, maxTimeMS?: number): Promise<void> {
    const { number } = this.#held
    this.#held.number = 0
    return endOf(this.#owner, where, opcode, number, maxTimeMS)
  }

  /** Sets a savepoint; resolves with its number. */
  savepoint(where: string): Promise<number> {
    return this.#run<number>(where, Opcode.Savepoint, () => {})
  }

  /** Takes back what was written since a savepoint. */
  rollbackTo(where: string, savepoint: number): Promise<void> {
    return this.#run<void>(where, Opcode.RollBack, (out) => writeField(out, savepoint))
  }

  async #run<T>(where: string, opcode: number, body: Request['body']): Promise<T> {
    if (!this.inTransaction()) throw noTransaction(where)
    this.#owner.checkOpen(where)
    return this.#owner.run<T>(where, this.#owner.collection('', where), { ...step(opcode, 0), session: this, body, finish: (value: never) => value })
  }

  async withTransaction<R>(run: (session: ClientSession) => Promise<R>, options?: TransactionOptions): Promise<R> {
    const where = 'ClientSession.withTransaction'
    if (typeof run !== 'function') throw wrongArgument(where, 'run', 'a function', run)
    const began = now()
    for (let attempt = 0; ; attempt++) {
      this.startTransaction(options)
      try {
        return await this.attempt(where, () => run(this))
      } catch (error) {
        if (!isTransient(error) || !(await backOff(attempt, began + RETRY_MS))) throw error
      }
    }
  }

  /** Runs a function in the transaction that was started, and commits unless the function has ended it; aborts when it rejects. */
  async attempt<R>(where: string, run: () => Promise<R>): Promise<R> {
    let result: R
    try {
      const running: unknown = run()
      if (typeof (running as Promise<R> | undefined)?.then !== 'function') throw new TypeError(`${where}: the function must return a promise`)
      result = await (running as Promise<R>)
    } catch (error) {
      if (this.inTransaction()) await this.abortTransaction()
      throw error
    }
    if (this.inTransaction()) await this.#commit(where)
    return result
  }

  async endSession(): Promise<void> {
    if (this.#ended) return
    if (this.inTransaction()) await this.abortTransaction()
    this.#ended = true
  }

  declare [Symbol.asyncDispose]: () => Promise<void>
}

/** A session for the program. */
export function startSession(where: string, owner: SessionOwner, options: ClientSessionOptions | undefined): ClientSession {
  return new Session(owner, sessionOptionsOf(where, options))
}

/** The session of an option. Throws a TypeError for one of another database. */
export function scopeOfSession(where: string, session: ClientSession, owner: SessionOwner): Session {
  if (!(session instanceof Session)) throw wrongArgument(where, 'option session', 'a session of startSession()', session)
  if (!session.belongsTo(owner)) throw new TypeError(`${where}: option session belongs to another database, or to another handle of it; start one there`)
  return session
}

/** A step of a transaction itself. */
export function step(opcode: number, transaction: number, flags = 0): Request<void> {
  return { opcode, flags, transaction, body: () => {}, finish: () => {} }
}

/** The first step of a transaction. */
export function beginning(transaction: number, isolation: Isolation | undefined): Request<void> {
  return step(Opcode.Begin, transaction, isolation === 'serializable' ? Flag.Serializable : 0)
}

/** Refuses another isolation than there is. */
export function checkIsolation(where: string, isolation: unknown): void {
  if (isolation === undefined || isolation === 'snapshot' || isolation === 'serializable') return
  throw wrongArgument(where, 'option isolation', "'snapshot' or 'serializable'", isolation)
}

/** The error of an operation whose transaction has ended. */
export function noTransaction(where: string): MoltenError {
  return new MoltenError('CLOSED', `${where}: the transaction has ended; begin another`, numbered('NoSuchTransaction'))
}

/** Whether the transaction may succeed when it is run again. */
export function isTransient(error: unknown): boolean {
  const labelled = error as { hasErrorLabel?: (label: string) => boolean } | null | undefined
  return typeof labelled?.hasErrorLabel === 'function' && labelled.hasErrorLabel(TRANSIENT)
}

/** Waits before the next attempt, for a random time; resolves with false when there is no time left for one. */
export async function backOff(attempt: number, until: number): Promise<boolean> {
  const most = Math.min(FIRST_BACKOFF_MS * 1.5 ** attempt, MOST_BACKOFF_MS)
  const wait = Math.random() * most
  if (now() + wait >= until) return false
  await new Promise<void>((resolve) => void afterMilliseconds(wait, resolve, true))
  return true
}

/** The options of a session, checked. */
function sessionOptionsOf(where: string, options: ClientSessionOptions | undefined): ClientSessionOptions {
  const given = optionsOf<ClientSessionOptions>(where, options, DATABASE.startSession)
  if ((given as { snapshot?: unknown }).snapshot) throw unsupported(where, 'snapshot', 'use a transaction: all of its reads see one state')
  transactionOptionsOf(`${where}: option defaultTransactionOptions`, given.defaultTransactionOptions)
  return given
}

/** The options of a transaction, checked. */
export function transactionOptionsOf(where: string, options: TransactionOptions | undefined): TransactionOptions {
  const given = optionsOf<TransactionOptions>(where, options, PARTS['a transaction'])
  for (const name of ['maxCommitTimeMS', 'maxIdleMS'] as const) {
    if (given[name] !== undefined) countOf(where, `option ${name}`, given[name])
  }
  checkIsolation(where, given.isolation)
  return given
}

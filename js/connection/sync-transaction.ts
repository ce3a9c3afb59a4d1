// A transaction whose operations block.

import type { Writer } from '../codec/writer.js'
import { writeField } from '../request/bodies.js'
import type { Request, Scope } from '../request/request.js'
import { Opcode } from '../transport/opcodes.js'
import type { Isolation } from '../types/options.js'
import type { CollectionState } from './collection-state.js'
import { beginning, endNumber, IDLE_MS, noTransaction, OPEN_MS, sessionId, type SessionOwner, step, takeNumber } from './session.js'

/** What a synchronous transaction needs of its connection. */
export interface SyncOwner extends SessionOwner {
  callInTurn<T>(where: string, target: CollectionState, request: Request<T>): T
  call<T>(where: string, target: CollectionState, request: Request<T>): T
}

function writeLimits(out: Writer): void {
  writeField(out, IDLE_MS)
  writeField(out, OPEN_MS)
  writeField(out, sessionId())
  writeField(out, 1)
}

/** A transaction of `db.transactionSync`. It begins with its first operation, when the writes before that are done. */
export class SyncTransaction implements Scope {
  readonly isSync = true
  #number = 0
  #over = false

  constructor(private readonly owner: SyncOwner, private readonly isolation?: Isolation) {}

  inTransaction(): boolean {
    return !this.#over
  }

  enter(where: string): number {
    if (this.#over) throw noTransaction(where)
    if (this.#number === 0) {
      const number = takeNumber(where)
      try {
        this.owner.callInTurn(where, this.owner.collection('', where), { ...beginning(number, this.isolation), body: writeLimits })
      } catch (error) {
        endNumber(number)
        throw error
      }
      this.#number = number
    }
    return this.#number
  }

  /** Sets a savepoint; returns its number. */
  savepoint(where: string): number {
    return this.#call<number>(where, { ...step(Opcode.Savepoint, this.enter(where)), finish: (value: never) => value })
  }

  /** Takes back what was written since a savepoint. */
  rollbackTo(where: string, savepoint: number): void {
    this.#call(where, { ...step(Opcode.RollBack, this.enter(where)), body: (out) => writeField(out, savepoint) })
  }

  /** Commits what was written. */
  commit(where: string): void {
    this.#end(where, Opcode.Commit)
  }

  /** Ends it. What is not committed is not kept, whatever happens to this. */
  abort(where: string): void {
    try {
      this.#end(where, Opcode.Abort)
    } catch {
      // The close of the database has ended it.
    }
  }

  #end(where: string, opcode: number): void {
    if (this.#over) return
    this.#over = true
    const number = this.#number
    if (number === 0) return
    try {
      this.owner.checkOpen(where)
      this.#call(where, step(opcode, number))
    } finally {
      endNumber(number)
    }
  }

  #call<T>(where: string, request: Request<any>): T {
    return this.owner.call<T>(where, this.owner.collection('', where), request)
  }
}

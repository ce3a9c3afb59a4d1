// The JavaScript side of a running operation: it settles the promise that the caller has.

import type { Shape } from '../codec/shapes.js'
import type { ErrorDetails } from '../errors.js'
import type { Request } from '../request/request.js'
import { Opcode } from '../transport/opcodes.js'
import type { Port } from '../transport/port.js'
import type { Waiter } from '../transport/target.js'
import type { CollectionState } from './collection-state.js'
import { onGivenUp } from './deadline.js'
import { ProgressReports } from './progress.js'
import { traced } from './traces.js'

/** What an operation needs of its connection. */
export interface OperationOwner {
  readonly port: Port
  /** The error for a failed operation. */
  errorOf(where: string, details: ErrorDetails): Error
  ended(count: number): void
}

/** Operations that write documents; an aggregation may write too. */
const WRITES: ReadonlySet<number> = new Set([
  Opcode.Insert, Opcode.Set, Opcode.Update, Opcode.Replace, Opcode.Delete, Opcode.DeleteId, Opcode.FindOneAnd, Opcode.Bulk, Opcode.Aggregate,
  Opcode.Commit, Opcode.Restore
])

/** Receives the result of an operation and settles its promise. */
export class OperationWaiter<T> implements Waiter {
  ticket: number | undefined
  shapes: readonly Shape[] | undefined
  /** Removes the listener of the signal and the timer. */
  readonly stop: (() => void) | undefined
  #aborted = false
  #reports: ProgressReports | undefined

  constructor(
    private readonly owner: OperationOwner,
    private readonly where: string,
    readonly target: CollectionState,
    private readonly request: Request<T>,
    private readonly resolve: (value: T | Promise<never>) => void,
    private readonly reject: (error: unknown) => void
  ) {
    // Most operations have neither, and make no functions for them.
    this.stop = request.signal || request.maxTimeMS || request.onProgress ? this.#watch() : undefined
  }

  #giveUp(reason: unknown): (() => void) | undefined {
    this.#aborted = true
    this.reject(reason)
    const { ticket, owner } = this
    return ticket === undefined ? undefined : () => owner.port.cancel(ticket)
  }

  /** Begins to watch signal and time, and to report progress; returns what ends that. */
  #watch(): (() => void) | undefined {
    const { where, request, owner } = this
    const stop = onGivenUp(where, request, (reason) => this.#giveUp(reason), () => {
      return WRITES.has(request.opcode) && this.ticket !== undefined && owner.port.hasBegun(this.ticket)
    })
    if (!request.onProgress) return stop
    const read = (): number[] | null => (this.ticket === undefined ? null : owner.port.progress(this.ticket))
    const reports = new ProgressReports(request.onProgress, read, (error) => this.#giveUp(error)?.())
    this.#reports = reports
    return () => {
      stop?.()
      reports.end()
    }
  }

  succeed(value: unknown): void {
    const result = this.request.finish(value as never, this.#aborted)
    if (!this.#aborted) this.#reports?.succeeded()
    this.#end()
    this.resolve(result)
  }

  refuse(details: ErrorDetails): void {
    this.#end()
    // Already rejected with the signal's reason, or with TIMEOUT.
    if (!this.#aborted) this.resolve(traced(() => this.#errorOf(details)))
  }

  fail(error: unknown): void {
    this.#end()
    this.reject(error)
  }

  /** Rejects with an error that is made outside of the call, before the operation is submitted. */
  failTraced(make: () => Error): void {
    this.#end()
    if (!this.#aborted) this.resolve(traced(make))
  }

  /** Whether its signal or its time limit has rejected it. */
  get isGivenUp(): boolean {
    return this.#aborted
  }

  /** Ends an operation that was given up before it was submitted. */
  drop(): void {
    this.#end()
  }

  #errorOf(details: ErrorDetails): Error {
    const { request } = this
    if (request.single) delete details.writeErrors
    const error = this.owner.errorOf(this.where, details)
    request.failed?.(error)
    return error
  }

  #end(): void {
    this.stop?.()
    this.owner.ended(1)
  }
}

// Live queries: the result of a find, and then what each newer state of the database makes of it.

import { onAbort } from '../connection/abort.js'
import type { CollectionState } from '../connection/collection-state.js'
import type { Connection } from '../connection/connection.js'
import { type FindShape, writeField, writeFind } from '../request/bodies.js'
import { unwatchRequest } from '../request/changes.js'
import { type Request, requestOf } from '../request/request.js'
import { Opcode } from '../transport/opcodes.js'
import type { LiveResult } from '../types/changes.js'
import type { Document } from '../types/index.js'
import { disposeWith } from './dispose.js'

/** A step as the core tells it: the numbers of all documents in order, and those documents that are new or changed, each after its number. */
type StepAnswer = [stream: number, lsn: number, order: number[], documents: unknown[]]

/** What a live query reads. */
export interface LiveSource {
  connection: Connection
  where: string
  target: CollectionState
  filter: Document
  settings: FindShape
  transform: ((document: any) => unknown) | undefined
  signal: AbortSignal | undefined
}

/** Closes live queries that the program dropped. */
const forgotten = new FinalizationRegistry<{ connection: Connection; target: CollectionState; id: number }>(({ connection, target, id }) => {
  if (connection.isOpen) connection.run('LiveQuery.close', target, unwatchRequest(id)).catch(() => {})
})

/**
 * The results of a find, one after the other: the first is the result now, each later one that of a newer state in which it is another. States that
 * follow each other while the program is busy are told as one. A document that has not changed is the same object in the next result. Ends with `close`,
 * with its signal, or when the loop over it is left.
 *
 * @example
 * for await (const { documents } of tasks.find({ done: false }).sort({ due: 1 }).live()) render(documents)
 */
export class LiveQuery<T = any> implements AsyncIterableIterator<LiveResult<T>> {
  readonly #source: LiveSource
  #id = 0
  #documents = new Map<number, T>()
  #order: number[] = []
  #closed = false
  #reason: { error: unknown } | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #unwatch: (() => void) | undefined

  /** @internal */
  constructor(source: LiveSource) {
    this.#source = source
    const { signal } = source
    if (!signal) return
    if (signal.aborted) {
      this.#abort(signal.reason)
      return
    }
    const reference = new WeakRef(this)
    this.#unwatch = onAbort(signal, (reason) => {
      const live = reference.deref()
      if (live) live.#abort(reason)
    })
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed
  }

  /** Resolves with the next result as soon as there is another than before, done when the live query is closed. */
  next(): Promise<IteratorResult<LiveResult<T>, undefined>> {
    const result = this.#turn.then(() => this.#next())
    this.#turn = result.catch(() => {})
    return result
  }

  /** Closes it, as leaving a loop does. */
  async return(): Promise<IteratorResult<LiveResult<T>, undefined>> {
    await this.close()
    return { done: true, value: undefined }
  }

  /** Closes it: a `next` that waits is done. */
  async close(): Promise<void> {
    const id = this.#end()
    const { connection, target } = this.#source
    if (id !== 0 && connection.isOpen) await connection.run('LiveQuery.close', target, unwatchRequest(id))
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Closes at the end of an `await using`. */
  declare [Symbol.asyncDispose]: () => Promise<void>

  async #next(): Promise<IteratorResult<LiveResult<T>, undefined>> {
    const { connection, where, target } = this.#source
    this.#throwReason()
    if (this.#closed) return { done: true, value: undefined }
    connection.checkOpen(where)
    try {
      if (this.#id === 0) {
        const id = await connection.run(where, target, this.#opening())
        if (this.#closed) {
          if (connection.isOpen) await connection.run('LiveQuery.close', target, unwatchRequest(id))
          return { done: true, value: undefined }
        }
        this.#id = id
        forgotten.register(this, { connection, target, id }, this)
      }
      const answer = await connection.run(where, target, this.#stepping())
      this.#throwReason()
      // The answer to close.
      if (this.#closed || answer === null || answer.length !== 4) return { done: true, value: undefined }
      return { done: false, value: this.#result(answer) }
    } catch (error) {
      this.#throwReason()
      if (this.#closed) return { done: true, value: undefined }
      this.#end()
      throw error
    }
  }

  /** Throws why its signal has ended it. */
  #throwReason(): void {
    if (this.#reason) throw this.#reason.error
  }

  #opening(): Request<number> {
    const { filter, settings } = this.#source
    const request = requestOf<number>(Opcode.Live, settings.flags, settings.variables, (out) => writeFind(out, filter, settings), (number) => number)
    request.maxTimeMS = settings.maxTimeMS
    return request
  }

  #stepping(): Request<StepAnswer | null> {
    const id = this.#id
    return requestOf<StepAnswer | null>(
      Opcode.Changes,
      0,
      null,
      (out) => {
        writeField(out, id)
        writeField(out, 0)
        writeField(out, null)
      },
      (answer) => answer
    )
  }

  #result([, lsn, order, told]: StepAnswer): LiveResult<T> {
    const { transform } = this.#source
    const added: T[] = []
    const changed: T[] = []
    const before = this.#documents
    const fresh = new Map<number, T>()
    for (let i = 0; i < told.length; i += 2) {
      const document = (transform ? transform(told[i + 1]) : told[i + 1]) as T
      fresh.set(told[i] as number, document)
    }
    const now = new Map<number, T>()
    const documents = order.map((number) => {
      const document = fresh.has(number) ? fresh.get(number)! : before.get(number)!
      if (!before.has(number)) added.push(document)
      else if (fresh.has(number)) changed.push(document)
      now.set(number, document)
      return document
    })
    const removed = this.#order.filter((number) => !now.has(number)).map((number) => before.get(number)!)
    this.#documents = now
    this.#order = order
    return { documents, added, changed, removed, lsn }
  }

  #end(): number {
    const id = this.#id
    this.#id = 0
    this.#closed = true
    this.#unwatch?.()
    this.#unwatch = undefined
    forgotten.unregister(this)
    return id
  }

  #abort(error: unknown): void {
    if (this.#closed) return
    this.#reason = { error }
    const id = this.#end()
    const { connection, target } = this.#source
    if (id !== 0 && connection.isOpen) connection.run('LiveQuery.close', target, unwatchRequest(id)).catch(() => {})
  }
}

disposeWith(LiveQuery.prototype, function (this: LiveQuery) {
  return this.close()
})

/** A live query. */
export function liveQueryOf<T>(source: LiveSource): LiveQuery<T> {
  return new LiveQuery<T>(source)
}

// The cursor in the core from which a cursor of the API reads.

import { onAbort } from '../connection/abort.js'
import type { CollectionState } from '../connection/collection-state.js'
import type { Connection } from '../connection/connection.js'
import { type FindShape, writeField, writeFind, writeMore } from '../request/bodies.js'
import { changesRequest, unwatchRequest } from '../request/changes.js'
import { type Request, requestOf, type Scope, type Variables } from '../request/request.js'
import { Opcode } from '../transport/opcodes.js'
import type { Document } from '../types/index.js'

type BatchAnswer = [cursor: number, documents: unknown[]]

/** A cursor in the core. It holds a view open, so it must be closed when it is not read to its end. */
export class RemoteCursor {
  #id = 0
  #target: CollectionState | undefined
  /** Stops watching the signal, which closes the cursor between two fetches. */
  #unwatch: (() => void) | undefined
  #aborted = false
  /** Whether it waits for more documents. */
  #tails = false

  constructor(
    private readonly connection: Connection,
    /** The full name of the collection. */
    private readonly collection: string,
    private readonly signal: AbortSignal | undefined,
    private readonly session: Scope | undefined
  ) {}

  /** Whether it was not read to its end: there may be more, or its signal has ended it. */
  get isLive(): boolean {
    return this.#id !== 0 || this.#aborted
  }

  open(where: string, filter: Document, find: FindShape, batch: number): Promise<unknown[]> {
    this.#target = this.connection.collection(this.collection, where)
    return this.#fetch(where, Opcode.Find, (out) => writeFind(out, filter, find, batch), find.maxTimeMS, find.variables, find.flags)
  }

  /** Opens a cursor with another operation whose result has the form of a find's. */
  openBy(where: string, opcode: number, flags: number, body: Request['body'], maxTimeMS: number, variables: Variables | null): Promise<unknown[]> {
    this.#target = this.connection.collection(this.collection, where)
    return this.#fetch(where, opcode, body, maxTimeMS, variables, flags)
  }

  /** Opens a tailable cursor, and reads from it: see `more`. */
  async tail(where: string, filter: Document, find: FindShape, batch: number, wait: number | null): Promise<unknown[]> {
    this.#target = this.connection.collection(this.collection, where)
    this.#tails = true
    const finish = (id: number, isGivenUp?: boolean): void => {
      this.#hold(id)
      if (isGivenUp) this.#abandon()
    }
    const request = requestOf<void>(Opcode.Tail, find.flags, find.variables, (out) => writeFind(out, filter, find, batch), finish)
    await this.connection.run(where, this.#target, { ...request, signal: this.signal, maxTimeMS: find.maxTimeMS })
    if (this.#id === 0) return []
    // It may be closed by now, and then nobody would answer.
    this.connection.checkOpen(where)
    return this.more(where, batch, wait)
  }

  /** The next batch. Of a tailable cursor `wait` is how long there may be no document, in milliseconds, or null. */
  async more(where: string, batch: number, wait: number | null = null): Promise<unknown[]> {
    const id = this.#id
    if (this.#tails) {
      try {
        return await this.#fetch(where, Opcode.Changes, changesRequest(id, batch, wait).body)
      } catch (error) {
        // It ended with the error, unless that is the signal's.
        if (!this.#aborted) this.#hold(0)
        throw error
      }
    }
    return this.#fetch(where, Opcode.More, (out) => writeMore(out, id, batch))
  }

  /** Closes the cursor; does nothing when it was read to its end. */
  async close(): Promise<void> {
    const id = this.#id
    this.#hold(0)
    if (id === 0 || !this.#target || !this.connection.isOpen) return
    if (this.#tails) {
      await this.connection.run('cursor.close', this.#target, unwatchRequest(id))
      return
    }
    const body: Request['body'] = (out) => writeField(out, id)
    await this.connection.run('cursor.close', this.#target, { opcode: Opcode.CloseCursor, flags: 0, body, finish: () => {} })
  }

  #fetch(where: string, opcode: number, body: Request['body'], maxTimeMS = 0, variables: Variables | null = null, flags = 0): Promise<unknown[]> {
    const finish = ([id, documents]: BatchAnswer, isGivenUp?: boolean): unknown[] => {
      this.#hold(id)
      // Nobody has received the documents, and nobody will read on.
      if (isGivenUp) this.#abandon()
      return documents
    }
    return this.connection.run(where, this.#target!, { opcode, flags, body, session: this.session, signal: this.signal, maxTimeMS, variables, finish })
  }

  /** Takes the number of the open cursor, 0 for none; while there is one, the signal closes it. */
  #hold(id: number): void {
    this.#id = id
    if (id === 0) {
      this.#unwatch?.()
      this.#unwatch = undefined
    } else if (this.signal) {
      this.#unwatch ??= onAbort(this.signal, () => this.#abandon())
    }
  }

  #abandon(): void {
    this.#aborted = true
    this.close().catch(() => {})
  }
}

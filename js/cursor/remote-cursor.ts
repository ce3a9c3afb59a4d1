// The cursor in the core from which a cursor of the API reads.

import type { CollectionState } from '../connection/collection-state.js'
import type { Connection } from '../connection/connection.js'
import { type FindShape, writeField, writeFind, writeMore } from '../request/bodies.js'
import type { Request } from '../request/request.js'
import { Opcode } from '../transport/opcodes.js'
import type { Document } from '../types/index.js'

type BatchAnswer = [cursor: number, documents: unknown[]]

/** A cursor in the core. It holds a view open, so it must be closed when it is not read to its end. */
export class RemoteCursor {
  #id = 0
  #target: CollectionState | undefined

  constructor(
    private readonly connection: Connection,
    private readonly collection: string,
    private readonly signal: AbortSignal | undefined
  ) {}

  /** Whether there may be more to fetch. */
  get isLive(): boolean {
    return this.#id !== 0
  }

  open(where: string, filter: Document, find: FindShape, batch: number): Promise<unknown[]> {
    this.#target = this.connection.collection(this.collection, where)
    return this.#fetch(where, Opcode.Find, (out) => writeFind(out, filter, find, batch), find.maxTimeMS, find.variables)
  }

  /** Opens a cursor with another operation whose result has the form of a find's. */
  openBy(where: string, opcode: number, body: Request['body'], maxTimeMS: number, variables: Document | null): Promise<unknown[]> {
    this.#target = this.connection.collection(this.collection, where)
    return this.#fetch(where, opcode, body, maxTimeMS, variables)
  }

  more(where: string, batch: number): Promise<unknown[]> {
    const id = this.#id
    return this.#fetch(where, Opcode.More, (out) => writeMore(out, id, batch))
  }

  /** Closes the cursor; does nothing when it was read to its end. */
  async close(): Promise<void> {
    const id = this.#id
    this.#id = 0
    if (id === 0 || !this.#target || !this.connection.isOpen) return
    const body: Request['body'] = (out) => writeField(out, id)
    await this.connection.run('cursor.close', this.#target, { opcode: Opcode.CloseCursor, flags: 0, body, finish: () => {} })
  }

  #fetch(where: string, opcode: number, body: Request['body'], maxTimeMS = 0, variables: Document | null = null): Promise<unknown[]> {
    const finish = ([id, documents]: BatchAnswer): unknown[] => {
      this.#id = id
      return documents
    }
    return this.connection.run(where, this.#target!, { opcode, flags: 0, body, signal: this.signal, maxTimeMS, variables, finish })
  }
}

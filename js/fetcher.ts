// The core's side of a cursor.

import { Opcode } from './batch.js'
import { type FindShape, writeFind, writeMore } from './bodies.js'
import type { CollectionState, Core, Request } from './core.js'
import { encodeValue } from './encode.js'
import type { Document } from './types.js'

type BatchAnswer = [cursor: number, documents: unknown[]]

/** The cursor on the core's side: it pins a view, so that it must end when nobody reads on. */
export class Fetcher {
  #id = 0
  #target: CollectionState | undefined

  constructor(
    private readonly core: Core,
    private readonly collection: string,
    private readonly signal: AbortSignal | undefined
  ) {}

  /** Whether there may be more to fetch. */
  get isLive(): boolean {
    return this.#id !== 0
  }

  open(where: string, filter: Document, find: FindShape, batch: number): Promise<unknown[]> {
    this.#target = this.core.collection(this.collection, where)
    return this.#fetch(where, Opcode.Find, (out) => writeFind(out, filter, find, batch), find.maxTimeMS, find.variables)
  }

  /** Opens by another operation that answers as a find does. */
  openBy(where: string, opcode: number, body: Request['body'], maxTimeMS: number, variables: Document | null): Promise<unknown[]> {
    this.#target = this.core.collection(this.collection, where)
    return this.#fetch(where, opcode, body, maxTimeMS, variables)
  }

  more(where: string, batch: number): Promise<unknown[]> {
    const id = this.#id
    return this.#fetch(where, Opcode.More, (out) => writeMore(out, id, batch))
  }

  /** Ends the cursor; nothing to do when it was read to its end. */
  async close(): Promise<void> {
    const id = this.#id
    this.#id = 0
    if (id === 0 || !this.#target || !this.core.isOpen) return
    const body: Request['body'] = (out) => encodeValue(out, id, 'document')
    await this.core.run('cursor.close', this.#target, { opcode: Opcode.CloseCursor, flags: 0, body, finish: () => {} })
  }

  #fetch(where: string, opcode: number, body: Request['body'], maxTimeMS = 0, variables: Document | null = null): Promise<unknown[]> {
    const finish = ([id, documents]: BatchAnswer): unknown[] => {
      this.#id = id
      return documents
    }
    return this.core.run(where, this.#target!, { opcode, flags: 0, body, signal: this.signal, maxTimeMS, variables, finish })
  }
}

// The collections of an open database, shared by its handles, cursors and operations.

import { plainName } from '../arguments/namespace.js'
import type { Reader } from '../codec/decode.js'
import { NO_COLLECTION, type Shape, ShapeCache } from '../codec/shapes.js'
import { Port } from '../transport/port.js'
import type { Target } from '../transport/target.js'

/** The number of running operations. Changed by assignments: when the stack is exhausted, a call fails. */
export interface Pending {
  count: number
}

/** What a collection needs of its connection. */
export interface CollectionOwner {
  readonly pending: Pending
  readAgain(collection: CollectionState, id: unknown): Promise<unknown>
  ended(count: number): void
}

/** A collection of an open database, shared by its handles. */
export class CollectionState implements Target {
  number = NO_COLLECTION
  /** The shapes of the collection of this number. */
  #shapes: readonly Shape[] = []
  #shapesOf = NO_COLLECTION

  constructor(
    /** Its full name; that of a database as a whole has no collection. */
    readonly name: string,
    readonly handle: number,
    readonly reader: Reader,
    private readonly owner: CollectionOwner,
    private readonly cache: ShapeCache
  ) {
    this.pending = owner.pending
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

  /** Whether it stands for a database as a whole. */
  get isDatabase(): boolean {
    return plainName(this.name) === ''
  }

  readAgain(id: unknown): Promise<unknown> {
    return this.owner.readAgain(this, id)
  }

  ended(count: number): void {
    this.owner.ended(count)
  }
}

/** How many unreferenced collections are kept. */
const KEPT_COLLECTIONS = 256

/**
 * The collections of a database that are in use, by name. Beyond the latest 256, those that no handle, cursor or operation
 * refers to are released, here and in the core: a program may use any number of names.
 */
export class CollectionStates {
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

// Listings as cursors, as in the driver. The first read fetches the whole listing.

import type { Readable } from 'node:stream'
import { inspect, type InspectOptions } from 'node:util'

import { wrongArgument } from '../arguments/arguments.js'
import { disposeWith } from './dispose.js'
import { readableOf } from './streams.js'

/** What a listing reads. */
export interface ListSource<T> {
  /** The method that made it, for messages. */
  where: string
  checkOpen(where: string): void
  read(where: string): Promise<T[]>
}

/**
 * A cursor over the items of a listing. It shows the state at its first read.
 *
 * Its methods reject with `CLOSED` when the database was closed.
 */
export class ListCursor<T = any> implements AsyncIterable<T> {
  readonly #source: ListSource<T>
  #rows: Promise<T[]> | undefined
  #buffered: T[] = []
  #at = 0
  #closed = false
  /** Whether the listing failed. Every read rejects with its error then, until the cursor is closed or rewound. */
  #failed = false

  /** @internal */
  static create<T>(source: ListSource<T>): ListCursor<T> {
    return new ListCursor<T>(source)
  }

  private constructor(source: ListSource<T>) {
    this.#source = source
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `ListCursor ${inspect({ of: this.#source.where, closed: this.#closed }, options)}`
  }

  /** Whether the cursor was closed or read to its end. */
  get closed(): boolean {
    return this.#closed
  }

  /** Resolves with the next item, or null at the end. */
  async next(): Promise<T | null> {
    if (!(await this.#fill('next'))) return null
    return this.#buffered[this.#at++]!
  }

  /** Like `next`. */
  tryNext(): Promise<T | null> {
    return this.next()
  }

  /** Resolves with whether there is another item. */
  hasNext(): Promise<boolean> {
    return this.#fill('hasNext')
  }

  /** Resolves with all remaining items, and closes the cursor. */
  async toArray(): Promise<T[]> {
    const rows = (await this.#fill('toArray')) ? this.#buffered.slice(this.#at) : []
    await this.close()
    return rows
  }

  /** Calls a function with each item, until it returns false; resolves at the end. */
  async forEach(iterator: (row: T) => boolean | void): Promise<void> {
    if (typeof iterator !== 'function') throw wrongArgument(`${this.#source.where}().forEach`, 'iterator', 'a function', iterator)
    for await (const row of this) {
      if (iterator(row) === false) return
    }
  }

  /** The number of buffered items: fetched and not read yet. */
  bufferedCount(): number {
    return this.#buffered.length - this.#at
  }

  /** Takes buffered items, at most this many. */
  readBufferedDocuments(count = this.bufferedCount()): T[] {
    const end = Math.min(this.#buffered.length, this.#at + count)
    const rows = this.#buffered.slice(this.#at, end)
    this.#at = end
    return rows
  }

  /** Starts over: the next read makes a new listing. */
  rewind(): void {
    this.#rows = undefined
    this.#buffered = []
    this.#at = 0
    this.#closed = this.#failed = false
  }

  /** A new cursor over the same listing. */
  clone(): ListCursor<T> {
    return new ListCursor<T>(this.#source)
  }

  /** Ends the cursor and releases the remaining items. */
  async close(): Promise<void> {
    this.#closed = true
    this.#buffered = []
    this.#at = 0
  }

  /** The items as an object stream. */
  stream(): Readable {
    return readableOf(this)
  }

  /** Yields each item; closes the cursor at the end or when the loop is left. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    try {
      for (;;) {
        const row = await this.next()
        if (row === null) return
        yield row
      }
    } finally {
      if (!this.#failed) await this.close()
    }
  }

  /** Closes at the end of an `await using`. */
  declare [Symbol.asyncDispose]: () => Promise<void>

  /** Whether there is an item to read. Concurrent reads share the listing. */
  async #fill(method: string): Promise<boolean> {
    const { where, checkOpen, read } = this.#source
    const at = `${where}().${method}`
    checkOpen(at)
    if (this.#closed) return false
    const rows = (this.#rows ??= read(at))
    const all = await rows.catch((error: unknown) => {
      this.#failed = this.#rows === rows
      throw error
    })
    // Closed or rewound meanwhile: these items are dropped.
    if (this.#rows !== rows || this.#closed) return false
    this.#buffered = all
    return this.#at < all.length
  }
}

disposeWith(ListCursor.prototype, function () {
  return this.close()
})

/** A cursor over what `read` of its source resolves with. */
export function listCursorOf<T>(source: ListSource<T>): ListCursor<T> {
  return ListCursor.create<T>(source)
}

// What all cursors over documents have: reading on, starting over and ending.

import type { Readable } from 'node:stream'

import { checkNames } from './arguments/option-check.js'
import { CURSOR } from './arguments/option-table.js'
import { Batches, type Reading } from './batches.js'
import { disposeWith } from './dispose.js'
import { readableOf } from './streams.js'

/** The documents behind a cursor's face. */
export let batchesOf: (cursor: BatchCursor<any>) => Batches

/** The methods of a cursor, whatever it reads. */
export abstract class BatchCursor<T = any> implements AsyncIterable<T> {
  readonly #batches: Batches

  static {
    batchesOf = (cursor) => cursor.#batches
  }

  /** @internal */
  protected constructor(reading: Reading) {
    this.#batches = new Batches(reading)
  }

  /** Whether the cursor was closed or read to its end. */
  get closed(): boolean {
    return this.#batches.hasEnded
  }

  /** Resolves with the next document, or null at the end. */
  next(): Promise<T | null> {
    return this.#batches.next('next')
  }

  /** As `next`. */
  tryNext(): Promise<T | null> {
    return this.#batches.next('tryNext')
  }

  /** Resolves with whether there is another document. */
  hasNext(): Promise<boolean> {
    return this.#batches.hasNext()
  }

  /** Resolves with all documents that are left, and closes the cursor. */
  toArray(): Promise<T[]> {
    return this.#batches.toArray()
  }

  /** Calls a function with each document, until it returns false; resolves at the end. */
  async forEach(iterator: (document: T) => boolean | void): Promise<void> {
    this.#batches.checkFunction('forEach', 'iterator', iterator)
    for await (const document of this) {
      if (iterator(document) === false) return
    }
  }

  /** Documents that have crossed and were not read yet. */
  bufferedCount(): number {
    return this.#batches.count
  }

  /** Takes documents that have crossed already, at most this many. */
  readBufferedDocuments(count = this.bufferedCount()): T[] {
    return this.#batches.take(count) as T[]
  }

  /** Starts over: the next read takes a new view. */
  rewind(): void {
    this.#batches.rewind()
  }

  /** Ends the cursor and frees its view. Resolves at once when it has ended. */
  close(): Promise<void> {
    return this.#batches.end()
  }

  /** The documents as a stream of objects; a function may change each. */
  stream(options?: { transform?: (document: T) => unknown }): Readable {
    if (options) checkNames(this.#batches.where('stream'), options, CURSOR.stream)
    const transform = options?.transform
    if (transform !== undefined) this.#batches.checkFunction('stream', 'option transform', transform)
    return readableOf(transform ? this.#transformed(transform) : this)
  }

  /** Yields each document, and closes the cursor at the end or when the loop is left. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    if (this.#batches.isClosed) {
      this.#batches.checkOpen('next')
      return
    }
    try {
      for (;;) {
        const document = await this.next()
        if (document === null) return
        yield document
      }
    } finally {
      await this.#batches.end()
    }
  }

  /** Closes at the end of an `await using`. */
  declare [Symbol.asyncDispose]: () => Promise<void>

  async *#transformed(transform: (document: T) => unknown): AsyncGenerator<unknown, void, void> {
    for await (const document of this) yield transform(document)
  }
}

disposeWith(BatchCursor.prototype, function () {
  return this.close()
})

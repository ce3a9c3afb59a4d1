// What all cursors over documents share: next, rewind and close.

import type { Readable } from 'node:stream'

import { checkNames } from '../arguments/option-check.js'
import { CURSOR } from '../arguments/option-table.js'
import type { CursorBuffer } from './buffer.js'
import { disposeWith } from './dispose.js'
import { readableOf } from './streams.js'

/** The methods of all cursors over documents. */
export abstract class AbstractCursor<T = any> implements AsyncIterable<T> {
  readonly #buffer: CursorBuffer

  /** @internal */
  protected constructor(buffer: CursorBuffer) {
    this.#buffer = buffer
  }

  /** Whether the cursor was closed or read to its end. */
  get closed(): boolean {
    return this.#buffer.hasEnded
  }

  /** Resolves with the next document, or null at the end. */
  next(): Promise<T | null> {
    return this.#buffer.next('next')
  }

  /** Like `next`; of a tailable cursor null where there is no document yet. */
  tryNext(): Promise<T | null> {
    return this.#buffer.tryNext()
  }

  /** Resolves with whether there is another document. */
  hasNext(): Promise<boolean> {
    return this.#buffer.hasNext()
  }

  /** Resolves with all remaining documents, and closes the cursor. */
  toArray(): Promise<T[]> {
    return this.#buffer.toArray()
  }

  /** Calls a function with each document, until it returns false; resolves at the end. */
  async forEach(iterator: (document: T) => boolean | void): Promise<void> {
    this.#buffer.checkFunction('forEach', 'iterator', iterator)
    for await (const document of this) {
      if (iterator(document) === false) return
    }
  }

  /** The number of buffered documents: fetched and not read yet. */
  bufferedCount(): number {
    return this.#buffer.count
  }

  /** Takes buffered documents, at most this many. */
  readBufferedDocuments(count = this.bufferedCount()): T[] {
    return this.#buffer.take(count) as T[]
  }

  /** Starts over: the next read sees the state of that time. */
  rewind(): void {
    this.#buffer.rewind()
  }

  /** Closes the cursor and releases its state. Resolves at once when it has ended. */
  close(): Promise<void> {
    return this.#buffer.close()
  }

  /** The documents as an object stream; a function may transform each. */
  stream(options?: { transform?: (document: T) => unknown }): Readable {
    if (options) checkNames(this.#buffer.where('stream'), options, CURSOR.stream)
    const transform = options?.transform
    if (transform !== undefined) this.#buffer.checkFunction('stream', 'option transform', transform)
    return readableOf(transform ? this.#transformed(transform) : this)
  }

  /** Yields each document; closes the cursor at the end or when the loop is left. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    if (this.#buffer.isClosed) {
      this.#buffer.checkOpen('next')
      return
    }
    try {
      for (;;) {
        const document = await this.next()
        if (document === null) return
        yield document
      }
    } finally {
      await this.#buffer.end()
    }
  }

  /** Closes at the end of an `await using`. */
  declare [Symbol.asyncDispose]: () => Promise<void>

  async *#transformed(transform: (document: T) => unknown): AsyncGenerator<unknown, void, void> {
    for await (const document of this) yield transform(document)
  }
}

disposeWith(AbstractCursor.prototype, function () {
  return this.close()
})

// Node.js streams, loaded at first use: few programs need them, and loading them would slow every start.

import type * as Stream from 'node:stream'
import type * as Promises from 'node:stream/promises'

/** A stream of the values of this iterable. */
export function readableOf(source: AsyncIterable<unknown>): Stream.Readable {
  return (require('node:stream') as typeof Stream).Readable.from(source, { objectMode: true })
}

/** A stream of what `next` resolves with, until that is null; `close` ends it, also while a `next` waits. */
export function readableBy(next: () => Promise<unknown>, close: () => Promise<void>): Stream.Readable {
  const { Readable } = require('node:stream') as typeof Stream
  return new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      next().then(
        (value) => void this.push(value),
        (error: Error) => this.destroy(error)
      )
    },
    destroy(error, done) {
      close().then(() => done(error), done)
    }
  })
}

/** Resolves when all values of this iterable are written. */
export function writeAll(source: AsyncIterable<unknown>, stream: NodeJS.WritableStream, signal?: AbortSignal): Promise<void> {
  const { pipeline } = require('node:stream/promises') as typeof Promises
  return pipeline(source, stream, signal ? { signal } : {})
}

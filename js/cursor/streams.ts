// Node.js streams, loaded at first use: few programs want one, and every program pays for what it loads at its start.

import type * as Stream from 'node:stream'
import type * as Promises from 'node:stream/promises'

/** A stream of what this gives. */
export function readableOf(source: AsyncIterable<unknown>): Stream.Readable {
  return (require('node:stream') as typeof Stream).Readable.from(source, { objectMode: true })
}

/** Resolves when everything that this gives was written. */
export function writeAll(source: AsyncIterable<unknown>, stream: NodeJS.WritableStream, signal?: AbortSignal): Promise<void> {
  const { pipeline } = require('node:stream/promises') as typeof Promises
  return pipeline(source, stream, signal ? { signal } : {})
}

// The versions that a document had, read from the log.

import type { CollectionState } from '../connection/collection-state.js'
import type { Connection } from '../connection/connection.js'
import { changesRequest, unwatchRequest, watchRequest } from '../request/changes.js'
import type { DocumentVersion } from '../types/changes.js'
import type { Document } from '../types/index.js'

/** The stream of a history that is being read. */
interface Reading {
  readonly connection: Connection
  readonly where: string
  readonly target: CollectionState
  /** 0 before it is opened and after its end. */
  stream: number
}

/** What a history that was left without its end has in the core goes with its iterator. */
const abandoned = new FinalizationRegistry<Reading>((reading) => {
  end(reading).catch(() => {})
})

async function end(reading: Reading): Promise<void> {
  const { connection, where, target, stream } = reading
  reading.stream = 0
  if (stream !== 0 && connection.isOpen) await connection.run(where, target, unwatchRequest(stream))
}

/** The versions of the document with this `_id` up to now. Nothing is read before the first is asked for. */
export function versionsOf<T extends Document>(
  connection: Connection, where: string, target: CollectionState, id: unknown, batch: number, signal: AbortSignal | undefined
): AsyncIterable<DocumentVersion<T>> {
  return {
    [Symbol.asyncIterator]() {
      const reading: Reading = { connection, where, target, stream: 0 }
      const iterator = read<T>(reading, id, batch, signal)
      abandoned.register(iterator, reading)
      return iterator
    }
  }
}

async function* read<T extends Document>(reading: Reading, id: unknown, batch: number, signal: AbortSignal | undefined): AsyncGenerator<DocumentVersion<T>, void, undefined> {
  const { connection, where, target } = reading
  signal?.throwIfAborted()
  const watching = { options: { scope: 'collection', pipeline: [], versionsOf: id }, batch, await: 0, consumer: undefined, maxTimeMS: undefined }
  ;[reading.stream] = connection.callNow(where, target, watchRequest(watching))
  try {
    while (reading.stream !== 0) {
      const [next, versions] = await connection.run(where, target, { ...changesRequest(reading.stream, batch, 0), signal })
      reading.stream = next
      yield* versions as DocumentVersion<T>[]
    }
  } finally {
    await end(reading)
  }
}

// The versions that a document had, read from the log.

import type { CollectionState } from '../connection/collection-state.js'
import type { Connection } from '../connection/connection.js'
import { changesRequest, unwatchRequest, watchRequest } from '../request/changes.js'
import type { DocumentVersion } from '../types/changes.js'
import type { Document } from '../types/index.js'

/** The versions of the document with this `_id` up to now. Nothing is read before the first is asked for. */
export function versionsOf<T extends Document>(
  connection: Connection, where: string, target: CollectionState, id: unknown, batch: number, signal: AbortSignal | undefined
): AsyncIterable<DocumentVersion<T>> {
  return {
    async *[Symbol.asyncIterator]() {
      signal?.throwIfAborted()
      const watching = { options: { scope: 'collection', pipeline: [], versionsOf: id }, batch, await: 0, consumer: undefined, maxTimeMS: undefined }
      let [stream] = connection.callNow(where, target, watchRequest(watching))
      try {
        while (stream !== 0) {
          const [next, versions] = await connection.run(where, target, { ...changesRequest(stream, batch, 0), signal })
          stream = next
          yield* versions as DocumentVersion<T>[]
        }
      } finally {
        if (stream !== 0 && connection.isOpen) await connection.run(where, target, unwatchRequest(stream))
      }
    }
  }
}

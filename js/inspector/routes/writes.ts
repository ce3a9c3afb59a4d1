// Edits, for an inspector that was told to write. Each is one operation of one document or index.

import type { CreateIndexesOptions, Document, IndexSpecification } from '../../types/index.js'
import { objectOf, valueOf } from '../../values/extended-json.js'
import { type Call, type Route, withCollection } from '../calls/call.js'
import { Refusal } from '../calls/guard.js'
import { idOf } from './queries.js'

/** How long a write may take; an index is built of many documents. */
const WRITE_TIME = 30_000
const BUILD_TIME = 600_000

const within = ({ signal }: Call, maxTimeMS = WRITE_TIME): { signal: AbortSignal; maxTimeMS: number } => ({ signal, maxTimeMS })

export const insert: Route = {
  writes: true,
  run: (call) => {
    const document = objectOf(call.body.needed('document'), 'The document')
    return withCollection(call, async (collection) => ({ id: (await collection.insertOne(document, within(call))).insertedId }))
  }
}

/** Replaces the document that was looked at: another writer's change since is not undone without a word. */
export const replace: Route = {
  writes: true,
  run: (call) => {
    const id = idOf(call.body)
    const replacement = objectOf(call.body.needed('document'), 'The document')
    const ifVersion = call.body.count('version', 0, Number.MAX_SAFE_INTEGER)
    if (ifVersion === 0) throw new Refusal(400, 'version is missing')
    return withCollection(call, async (collection) => {
      const { matchedCount } = await collection.replaceOne({ _id: id } as Document, replacement, { ifVersion, ...within(call) })
      if (matchedCount === 0) throw new Refusal(409, 'the document was deleted meanwhile')
      return { replaced: matchedCount }
    })
  }
}

export const remove: Route = {
  writes: true,
  run: (call) => {
    const id = idOf(call.body)
    return withCollection(call, async (collection) => ({ deleted: (await collection.deleteOne({ _id: id } as Document, within(call))).deletedCount }))
  }
}

export const createIndex: Route = {
  writes: true,
  run: (call) => {
    const key = valueOf(call.body.needed('key'), 'The key') as IndexSpecification
    const text = call.body.text('options')
    const options = text === undefined ? {} : objectOf(text, 'The options') as CreateIndexesOptions
    return withCollection(call, async (collection) => ({ name: await collection.createIndex(key, { ...options, ...within(call, BUILD_TIME) }) }))
  }
}

export const dropIndex: Route = {
  writes: true,
  run: (call) => {
    const name = call.body.needed('name')
    return withCollection(call, (collection) => collection.dropIndex(name, within(call)))
  }
}

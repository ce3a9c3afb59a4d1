// What there is: databases, collections, indexes, and the fields of documents.

import type { Database } from '../../api/database.js'
import type { CollectionInfo, Document, IndexDescriptionInfo } from '../../types/index.js'
import { type Call, type Route, SHORT_TIME, withCollection, withDatabase } from '../calls/call.js'
import { Fields } from './fields.js'

/** Documents that a schema is made from. */
const SAMPLE = 1000
/** More collections than this are listed without their sizes. */
const MEASURED = 500

export const overview: Route = {
  run: async (call) => {
    const { db, writes, signal, body } = call
    const { databases } = await db.listDatabases({ nameOnly: true, signal })
    // A database without a collection is still the one that was opened.
    const names = [...new Set([db.databaseName, ...databases.map(({ name }) => name)])]
    const listed = []
    for (const name of names) listed.push({ name, collections: await withDatabase(call, (one) => collectionsOf(one, call), name) })
    const { lastLsn, history } = await db.stats({ signal })
    return { path: db.path, database: db.databaseName, storage: db.storage, writes, readOnly: call.readOnly, at: body.text('at'), lastLsn, history, databases: listed }
  }
}

async function collectionsOf(db: Database, { signal }: Call): Promise<Document[]> {
  const rows: Document[] = []
  const infos = await db.listCollections({}, { signal }).toArray() as CollectionInfo[]
  for (const { name, type, options } of infos) {
    if (type === 'view') rows.push({ name, type, viewOn: (options as Document)['viewOn'], pipeline: (options as Document)['pipeline'] })
    else if (rows.length >= MEASURED) rows.push({ name, type })
    else {
      const { count, size, nindexes, capped } = await db.collection(name).stats({ signal })
      rows.push({ name, type, count, size, nindexes, ...(capped && { capped }), ...('validator' in options && { validated: true }) })
    }
  }
  return rows
}

export const indexes: Route = {
  run: (call) => withCollection(call, async (collection) => {
    const { signal } = call
    const described = await collection.indexes({ signal, full: true }) as IndexDescriptionInfo[]
    const { indexSizes, indexUses, suggestedIndexes, count } = await collection.stats({ signal })
    return { count, indexes: described.map((index) => ({ index, bytes: indexSizes[index.name] ?? null, uses: indexUses[index.name] ?? 0 })), suggested: suggestedIndexes }
  })
}

export const schema: Route = {
  run: (call) => withCollection(call, async (collection) => {
    const within = { maxTimeMS: SHORT_TIME * 2, signal: call.signal }
    try {
      return await fieldsIn(collection.aggregate([{ $sample: { size: SAMPLE } }], within))
    } catch (error) {
      if ((error as { kind?: unknown }).kind !== 'LIMIT') throw error
      // A sample of documents that are large does not fit into queryMemoryLimit: the first ones are read one after the other.
      return fieldsIn(collection.find({}, { ...within, limit: SAMPLE, batchSize: 10 }))
    }
  })
}

async function fieldsIn(documents: AsyncIterable<Document> & { close(): Promise<void> }): Promise<Document> {
  const fields = new Fields()
  try {
    for await (const document of documents) fields.add(document)
  } finally {
    await documents.close()
  }
  return fields.answer()
}

// Methods of the mongodb driver that do not exist here: ported programs get an error with the next step instead of "is not a function". They have
// no types, so that compilers refuse them.

import { fromHere } from '../connection/traces.js'
import { MoltenError } from '../errors.js'

const SEARCH = 'use createIndex and filters'

/** What to do instead of each. */
export const REFUSED_METHODS: { readonly [type in 'Database' | 'Collection']: { readonly [method: string]: string } } = {
  Database: {
    admin: 'use db.listDatabases(), db.stats(), db.listCollections() or Database.verify(path)',
    createIndex: 'use db.collection(name).createIndex(fields)',
    indexInformation: 'use db.collection(name).indexInformation()',
    runCursorCommand: 'use find or aggregate of a collection',
    removeUser: 'there are no users',
    profilingLevel: 'use explain, or the option slowMs of Database.open',
    setProfilingLevel: 'use explain, or the option slowMs of Database.open'
  },
  Collection: {
    initializeOrderedBulkOp: 'use bulkWrite(operations)',
    initializeUnorderedBulkOp: 'use bulkWrite(operations, { ordered: false })',
    count: 'use countDocuments(filter), or estimatedDocumentCount() for all documents',
    insert: 'use insertOne or insertMany',
    update: 'use updateOne or updateMany',
    remove: 'use deleteOne or deleteMany',
    save: 'use replaceOne(filter, document, { upsert: true }), or set(id, document)',
    findAndModify: 'use findOneAndUpdate, findOneAndReplace or findOneAndDelete',
    ensureIndex: 'use createIndex(fields)',
    mapReduce: 'use aggregate(pipeline)',
    createSearchIndex: SEARCH,
    createSearchIndexes: SEARCH,
    listSearchIndexes: SEARCH,
    updateSearchIndex: SEARCH,
    dropSearchIndex: SEARCH
  }
}

/** Those that answer an object at once, in the driver. */
const SYNCHRONOUS = new Set(['admin', 'runCursorCommand', 'initializeOrderedBulkOp', 'initializeUnorderedBulkOp', 'listSearchIndexes'])

/** Adds the methods to a class; `placeOf` names the object in messages. */
export function refuseMethods<T extends object>(type: keyof typeof REFUSED_METHODS, prototype: T, placeOf: (object: T) => string): void {
  for (const [name, instead] of Object.entries(REFUSED_METHODS[type])) {
    const { [name]: method } = {
      [name](this: T): Promise<never> {
        const error = fromHere(new MoltenError('NOT_SUPPORTED', `${placeOf(this)}.${name} is not supported; ${instead}`))
        if (SYNCHRONOUS.has(name)) throw error
        return Promise.reject(error)
      }
    }
    Object.defineProperty(prototype, name, { value: method, writable: true, configurable: true })
  }
}

// The declarations of indexes, hints, explain results and listings; checked by the compiler, never run.

import { expectTypeOf } from 'expect-type'

import {
  type CollectionInfo, type CollectionStats, type CreateIndexesOptions, Database, type Document, type ExplainVerbosity, type Hint, type IndexDescription,
  type IndexDescriptionCompact, type IndexDescriptionInfo, type IndexDirection, type IndexSpecification, type ListCursor
} from '../index.js'

interface User {
  _id: string
  name: string
  age: number
}

declare const db: Database
const users = db.collection<User>('users')

// Specifications, in every form that the driver takes
const forms: IndexSpecification[] = [
  'a', ['a', 'b'], ['a', -1], { a: 1 }, { a: 1, 'b.c': -1 }, [['a', 1], ['b', -1]], [{ a: 1 }, { b: -1 }], new Map([['a', 1]]), ['a', { b: 1 }], { a: 'text' }
]
void forms
expectTypeOf<1>().toExtend<IndexDirection>()
expectTypeOf(users.createIndex({ age: 1 })).resolves.toEqualTypeOf<string>()
void users.createIndex({ age: 1 }, { unique: true, sparse: true, name: 'ages', partialFilterExpression: { age: { $gt: 5 } }, maxTimeMS: 5 })
void users.createIndex({ age: 1 }, { expireAfterSeconds: 60 })
// @ts-expect-error a number of seconds
void users.createIndex({ age: 1 }, { expireAfterSeconds: '60' })
// @ts-expect-error an option of another type
void users.createIndex('age', { unique: 'yes' })
// @ts-expect-error an option that does not exist
void users.createIndex('age', { unqiue: true })
// @ts-expect-error no specification
void users.createIndex(5)
const options: CreateIndexesOptions = { unique: true }
const rows: IndexDescription[] = [{ key: { age: 1 }, unique: true }, { key: new Map([['name', -1]]), name: 'names' }]
expectTypeOf(users.createIndexes(rows)).resolves.toEqualTypeOf<string[]>()
void users.createIndex('age', options)
// @ts-expect-error a row without key
void users.createIndexes([{ unique: true }])

// Listings
expectTypeOf(users.listIndexes()).toEqualTypeOf<ListCursor<IndexDescriptionInfo>>()
expectTypeOf(users.indexes()).resolves.toEqualTypeOf<IndexDescriptionInfo[]>()
expectTypeOf(users.indexes({ full: false })).resolves.toEqualTypeOf<IndexDescriptionCompact>()
expectTypeOf(users.indexInformation()).resolves.toEqualTypeOf<IndexDescriptionCompact>()
expectTypeOf(users.indexInformation({ full: true })).resolves.toEqualTypeOf<IndexDescriptionInfo[]>()
expectTypeOf(users.indexExists(['a', 'b'])).resolves.toEqualTypeOf<boolean>()
expectTypeOf(users.dropIndex('a')).resolves.toEqualTypeOf<{ nIndexesWas: number; ok: number }>()
expectTypeOf(users.dropIndexes()).resolves.toEqualTypeOf<boolean>()
expectTypeOf(users.stats()).resolves.toEqualTypeOf<CollectionStats>()
expectTypeOf(users.options()).resolves.toEqualTypeOf<Document>()
expectTypeOf(users.isCapped()).resolves.toEqualTypeOf<boolean>()
expectTypeOf(db.listCollections().toArray()).resolves.toEqualTypeOf<CollectionInfo[]>()
expectTypeOf(db.listCollections({ name: 'a' }, { nameOnly: true }).next()).resolves.toEqualTypeOf<{ name: string; type: 'collection' | 'view' } | null>()
expectTypeOf(db.renameCollection<User>('a', 'b')).resolves.toEqualTypeOf(users)

// Hints and explanations
const hint: Hint = { age: 1 }
void users.find({ age: 5 }, { hint })
void users.find({ age: 5 }).hint('age_1').comment('x').collation({ locale: 'simple' }).maxTimeMS(5)
void users.findOne({}, { hint })
void users.countDocuments({}, { hint })
void users.distinct('age', {}, { hint })
void users.updateMany({}, { $set: { age: 1 } }, { hint, explain: true })
void users.deleteMany({}, { hint })
void users.findOneAndDelete({}, { hint })
void users.aggregate([], { hint })
void users.bulkWrite([{ deleteMany: { filter: {}, hint } }])
expectTypeOf(users.find().explain('executionStats')).resolves.toEqualTypeOf<Document>()
expectTypeOf(users.aggregate().explain()).resolves.toEqualTypeOf<Document>()
expectTypeOf<'allPlansExecution'>().toExtend<ExplainVerbosity>()
// @ts-expect-error a verbosity that does not exist
void users.find().explain('everything')
void Database.open('x', { autoIndex: 'suggest' })
// @ts-expect-error a word that does not exist
void Database.open('x', { autoIndex: true })

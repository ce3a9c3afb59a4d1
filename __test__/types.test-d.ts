// The declarations; checked by the compiler, never run.

import { expectTypeOf } from 'expect-type'
import { ObjectId as BsonObjectId } from 'bson'

import { type AggregationCursor, type Collection, Database, type ExportMongodumpResult, type Filter, type FindCursor, MoltenError, type RejectedRecord, type UpdateFilter, type WithId } from '../index.js'

interface User {
  _id: string
  name: string
  age: number
  nick?: string
  tags: string[]
  home: { city: string; zip?: number }
  orders: { sku: string; amount: number }[]
  at: Date
}

declare const db: Database
const users = db.collection<User>('users')
const anything = db.collection('anything')
const noId = db.collection<{ name: string }>('noId')

expectTypeOf(users).toEqualTypeOf<Collection<User>>()
expectTypeOf(db.close).returns.resolves.toEqualTypeOf<void>()
expectTypeOf(db.storage).toEqualTypeOf<'async' | 'sync' | 'memory'>()
// @ts-expect-error a storage that does not exist
void Database.open('x', { storage: 'disk' })
void Database.open('x', { ObjectId: BsonObjectId, pkFactory: { createPk: () => new BsonObjectId() } })
// @ts-expect-error made by Database.open
void new Database()

async function disposal(): Promise<void> {
  await using opened = await Database.open(':memory:')
  await using cursor = opened.collection('a').find()
  void cursor
}
void disposal

// Documents in and out
const ada = { name: 'Ada', age: 36, tags: [], home: { city: 'London' }, orders: [], at: new Date() }
void users.insertOne(ada)
void users.insertOne({ _id: null, ...ada })
void users.insertMany([ada, { _id: 'u1', ...ada }])
// @ts-expect-error an _id of another type
void users.insertOne({ _id: 5, ...ada })
// @ts-expect-error fields are missing
void users.insertOne({ name: 'Ada' })
expectTypeOf(users.insertOne(ada)).resolves.toEqualTypeOf<{ acknowledged: boolean; insertedId: string }>()
expectTypeOf(users.findOne()).resolves.toEqualTypeOf<WithId<User> | null>()
expectTypeOf<WithId<User>['_id']>().toEqualTypeOf<string>()
expectTypeOf(noId.findOne()).resolves.exclude(null).toHaveProperty('_id').toEqualTypeOf<string>()
expectTypeOf(anything.findOne({ any: 'thing', 'a.b': { $gt: 1 } })).resolves.exclude(null).toHaveProperty('_id').toBeAny()

// Key access
expectTypeOf(users.get('u1')).resolves.toEqualTypeOf<WithId<User> | null>()
expectTypeOf(users.get('u1', { meta: true })).resolves.exclude(null).toHaveProperty('version').toEqualTypeOf<number>()
expectTypeOf(users.getSync('u1')).toEqualTypeOf<WithId<User> | null>()
expectTypeOf(users.getMany(['a'])).resolves.toEqualTypeOf<(WithId<User> | null)[]>()
expectTypeOf(users.set('u1', ada)).resolves.toEqualTypeOf<number>()
void users.setMany(new Map([['u1', ada]]))
void users.setMany([['u1', ada, { ifVersion: 0 }]])
// @ts-expect-error an id of another type
void users.get(5)
void anything.get(5)

// Filters
const filters: Filter<User>[] = [
  {},
  { name: 'Ada' },
  { name: { $in: ['Ada', 'Grace'] }, age: { $gte: 18, $lt: 100 } },
  { tags: 'math' },
  { tags: ['math', 'poetry'] },
  { 'home.city': 'London' },
  { 'home.zip': { $exists: false } },
  { 'orders.sku': 'x' },
  { 'orders.0.amount': { $gt: 5 } },
  { nick: null },
  { age: { $not: { $gt: 5 } } },
  { $or: [{ age: 1 }, { $and: [{ name: 'x' }] }] },
  { _id: { $ne: 'u1' } },
  { age: { $type: 'number', $mod: [2, 0] }, tags: { $size: 1, $all: ['x'] }, orders: { $elemMatch: { sku: 'x' } } }
]
void filters
// @ts-expect-error no such field
void users.find({ nam: 'Ada' })
// @ts-expect-error a value of another type
void users.find({ age: '36' })
// @ts-expect-error an operator of another type
void users.find({ age: { $gt: 'x' } })
// @ts-expect-error an operator that does not exist
void users.find({ age: { $bigger: 1 } })
// @ts-expect-error a path of another type
void users.find({ 'home.city': 5 })
// @ts-expect-error no such path
void users.find({ 'home.town': 'London' })

// Updates
const updates: UpdateFilter<User>[] = [
  { $set: { name: 'Ada', 'home.city': 'London', 'orders.0.amount': 5 } },
  { $unset: { nick: '' } },
  { $inc: { age: 1, 'home.zip': -1 } },
  { $push: { tags: 'x', orders: { sku: 'x', amount: 1 } } },
  { $push: { tags: { $each: ['x', 'y'] } } },
  { $pull: { tags: 'x', orders: { sku: 'x' } } },
  { $pull: { tags: { $in: ['x'] } } },
  { $push: { tags: { $each: ['x'], $position: 0, $slice: -5, $sort: 1 } }, $addToSet: { tags: 'x' }, $pop: { orders: -1 } },
  { $mul: { age: 2 }, $min: { age: 1 }, $max: { age: 9 }, $rename: { nick: 'alias' }, $currentDate: { at: true } },
  { $pullAll: { tags: ['x'] }, $bit: { age: { and: 1 } }, $setOnInsert: { name: 'x' } }
]
void updates
// @ts-expect-error an operator is needed
void users.updateOne({}, { name: 'Ada' })
// @ts-expect-error a value of another type
void users.updateOne({}, { $set: { age: 'x' } })
// @ts-expect-error no number there
void users.updateOne({}, { $inc: { name: 1 } })
// @ts-expect-error no array there
void users.updateOne({}, { $push: { name: 'x' } })
// @ts-expect-error an element of another type
void users.updateOne({}, { $push: { tags: 5 } })
// @ts-expect-error an _id never changes
void users.updateOne({}, { $set: { _id: 'x' } })
void anything.updateOne({}, { $set: { a: 1 } })
void users.replaceOne({ _id: 'u1' }, ada, { upsert: true })
expectTypeOf(users.updateOne({}, { $set: { age: 1 } })).resolves.toHaveProperty('upsertedId').toEqualTypeOf<string | null>()

// Positional paths, regular expressions, writes that return their document
void users.updateOne({ tags: /x/i }, { $set: { 'tags.$': 'y', 'tags.$[x]': 'z' } }, { arrayFilters: [{ x: 'a' }] })
void users.findOne({ name: /^a/, tags: { $in: [/x/, 'y'], $not: /z/ } }, { projection: { 'tags.$': 1, tags: { $slice: 2 } } })
// @ts-expect-error a number is no text
void users.findOne({ age: /1/ })
expectTypeOf(users.findOneAndUpdate({}, { $set: { age: 1 } })).resolves.toEqualTypeOf<WithId<User> | null>()
expectTypeOf(users.findOneAndDelete({}, { includeResultMetadata: true })).resolves.toHaveProperty('value').toEqualTypeOf<WithId<User> | null>()
expectTypeOf(users.distinct('tags')).resolves.toEqualTypeOf<string[]>()
expectTypeOf(users.rename('others')).resolves.toEqualTypeOf<typeof users>()
expectTypeOf(users.bulkWrite([{ deleteOne: { filter: { age: 1 } } }])).resolves.toHaveProperty('insertedCount').toEqualTypeOf<number>()
// @ts-expect-error a field that is not there
void users.bulkWrite([{ updateOne: { filter: {}, update: { $set: { nothing: 1 } } } }])

// Schemas, expressions and bits in filters; computed fields in projections
void users.find({ $jsonSchema: { required: ['name'] }, $expr: { $gt: ['$age', 5] }, age: { $bitsAllSet: [0, 1] } })
void users.find({}, { projection: { _id: 0, name: 1, total: { $add: ['$age', 1] }, 'home.city': '$name', list: ['$age'] } })
// @ts-expect-error 2 neither shows nor hides
void users.find({}, { projection: { age: 2 } })

// Cursors
const cursor = users.find({ age: { $gt: 1 } }, { sort: { age: -1 }, projection: { 'home.city': 1 } })
expectTypeOf(cursor).toEqualTypeOf<FindCursor<WithId<User>, User>>()
expectTypeOf(cursor.sort({ age: -1 }).sort('name').sort(['a', 'b']).sort([['a', -1]]).sort('a', 'desc').limit(1).skip(1)).toEqualTypeOf(cursor)
expectTypeOf(cursor.toArray()).resolves.toEqualTypeOf<WithId<User>[]>()
expectTypeOf(cursor.next()).resolves.toEqualTypeOf<WithId<User> | null>()
expectTypeOf(cursor.map((user) => user.age)).toEqualTypeOf<FindCursor<number, User>>()
expectTypeOf(cursor.project<{ name: string }>({ name: 1 })).toEqualTypeOf<FindCursor<{ name: string }, User>>()
// @ts-expect-error a direction that does not exist
cursor.sort({ age: 2 })

// Synchronous reads
expectTypeOf(users.findSync({ age: { $gt: 1 } })).toEqualTypeOf<WithId<User>[]>()
expectTypeOf(users.findOneSync({ name: 'Ada' })).toEqualTypeOf<WithId<User> | null>()
expectTypeOf(users.countSync()).toEqualTypeOf<number>()

// Options: those of the method, those of the driver without effect here, and no others
void users.find({}, { limit: 1, hint: { $natural: -1 }, let: { x: 1 }, readPreference: 'primary', comment: 'for logs', allowDiskUse: true, ignoreUndefined: true })
void users.insertOne(ada, { writeConcern: { w: 'majority' }, bypassDocumentValidation: true, collation: { locale: 'simple' } })
void users.updateOne({}, { $set: { age: 1 } }, { sort: { age: -1 }, let: { x: 1 }, upsert: true })
void users.replaceOne({}, ada, { sort: ['age', -1], ignoreUndefined: false })
void users.findOne({}, { explain: true })
void users.bulkWrite([{ updateOne: { filter: {}, update: { $set: { age: 1 } }, sort: { age: 1 }, collation: { locale: 'simple' } } }], { let: { x: 1 } })
// @ts-expect-error a misspelt option
void users.find({}, { limt: 1 })
// @ts-expect-error an option of another method
void users.insertOne(ada, { upsert: true })
// @ts-expect-error all of them change
void users.updateMany({}, { $set: { age: 1 } }, { sort: { age: 1 } })
// @ts-expect-error no operators, no filters of arrays
void users.replaceOne({}, ada, { arrayFilters: [{ x: 1 }] })
// @ts-expect-error what is deleted is not made
void users.findOneAndDelete({}, { upsert: true })
// @ts-expect-error there is no document after a deletion
void users.findOneAndDelete({}, { returnDocument: 'after' })
// @ts-expect-error only the cursor of find waits for more
void users.findOne({}, { tailable: true })
void users.find({}, { tailable: true, awaitData: true, maxAwaitTimeMS: 5 }).addCursorFlag('tailable', false)
// @ts-expect-error there is no such flag
void users.find().addCursorFlag('slow', true)
void users.find({}, { collation: { locale: 'de', strength: 2, caseFirst: 'upper' } })
// @ts-expect-error there is no such choice
void users.find({}, { collation: { locale: 'de', caseFirst: 'first' } })
// @ts-expect-error all of them change
void users.bulkWrite([{ updateMany: { filter: {}, update: { $set: { age: 1 } }, sort: { age: 1 } } }])
// @ts-expect-error a version belongs to an entry
void users.setMany([['u1', ada]], { ifVersion: 1 })
// @ts-expect-error a misspelt option
void db.collection('x', { pkFactroy: { createPk: () => 1 } })
// @ts-expect-error an option of operations
void Database.open('x', { comment: 'x' })
expectTypeOf(users.hasSync('u1', { signal: new AbortController().signal })).toEqualTypeOf<boolean>()

// In, out, and verified
expectTypeOf(db.inspect({ port: 0, write: true })).resolves.toHaveProperty('url').toEqualTypeOf<string>()
void db.inspect().then(({ port, close }): [number, Promise<void>] => [port, close()])
// @ts-expect-error
void db.inspect({ port: '0' })
void db.exportJSONL(process.stdout, { collections: ['users'], onProgress: ({ documents }) => documents })
void db.exportJSONL(new WritableStream())
expectTypeOf(db.importFile('a.csv', { format: 'csv', types: { age: 'number' }, onError: 'skip', onProgress: ({ imported }) => void imported.toFixed() })).resolves.toHaveProperty('rejected').toEqualTypeOf<RejectedRecord[]>()
// @ts-expect-error there is no such format
void db.importFile('a.csv', { format: 'cvs' })
expectTypeOf(db.exportMongodump(new URL('file:///dump'), { archive: true, gzip: true })).resolves.toEqualTypeOf<ExportMongodumpResult>()
expectTypeOf(db.importJSONL(process.stdin, { ifExists: 'skip', batchSize: 5 })).resolves.toHaveProperty('lines').toEqualTypeOf<number>()
void db.importJSONL(['{}'])
// @ts-expect-error a word that does not exist
void db.importJSONL(process.stdin, { ifExists: 'ignore' })
expectTypeOf(Database.verify('x')).resolves.toHaveProperty('ok').toEqualTypeOf<boolean>()

// Errors
declare const error: unknown
if (MoltenError.isMoltenError(error)) {
  expectTypeOf(error).toEqualTypeOf<MoltenError>()
  if (error.kind === 'DUPLICATE_KEY') void error.keyValue
}

// Aggregation
expectTypeOf(users.aggregate([{ $match: {} }])).toExtend<AggregationCursor>()
expectTypeOf(users.aggregate<{ n: number }>([{ $count: 'n' }]).toArray()).resolves.toEqualTypeOf<{ n: number }[]>()
expectTypeOf(users.aggregate<{ n: number }>([]).map(({ n }) => String(n)).next()).resolves.toEqualTypeOf<string | null>()
void users.aggregate().match({ age: 1 }).group<{ _id: string }>({ _id: '$name' }).sort({ _id: 1 })
void users.updateOne({ _id: 'x' }, [{ $set: { age: { $add: ['$age', 1] } } }])
// @ts-expect-error a pipeline is an array
void users.aggregate({ $match: {} })

// Code as it is written against the mongodb driver; checked by the compiler, never run.

import { ObjectId } from 'bson'
import { expectTypeOf } from 'expect-type'

import {
  type Abortable, type AnyBulkWriteOperation, type BulkWriteResult, type Collection, type CountDocumentsOptions, Database, type Db,
  type DeleteResult, type Document, type Filter, type FindCursor, type FindOptions,
  type InsertManyResult, type InsertOneResult, type MatchKeysAndValues, type ModifyResult, type MongoError, type MongoServerError, type OptionalId,
  type OptionalUnlessRequiredId, type Projection, type ReplaceOptions, type ReturnDocument, type Sort, type StrictFilter,
  type StrictUpdateFilter, type UpdateFilter, type UpdateOptions, type UpdateResult,
  type WithId, type WithoutId
} from '../index.js'

type Status = 'open' | 'paid' | 'sent'
interface Line {
  readonly sku: string
  amount: number
  notes?: string[]
}
interface Order {
  _id: ObjectId
  status: Status
  total: number
  customer: { name: string; mail?: string; addresses: { city: string; geo: { lat: number; lon: number } }[] }
  lines: readonly Line[]
  tags?: string[]
  matrix: number[][]
  scores: Record<string, number>
  paidAt: Date | null
  file?: Buffer
  size: bigint
  parent?: ObjectId
}
type Shape = { kind: 'circle'; radius: number } | { kind: 'square'; side: number }
interface Tree {
  name: string
  children: Tree[]
}

declare const db: Database
declare const id: ObjectId
declare const word: string
const orders = db.collection<Order>('orders')
const shapes = db.collection<Shape>('shapes')
const trees = db.collection<Tree>('trees')
const open = db.collection('open')
const untyped = db.collection<any>('untyped')

// Filters
const filters: Filter<Order>[] = [
  { _id: id },
  { _id: { $in: [id, id] } },
  { _id: { $gt: id, $ne: id } },
  { status: 'paid' },
  { status: { $in: ['open', 'paid'] } },
  { status: /^p/ },
  { status: { $not: /^p/ } },
  { status: { $nin: ['sent', /x/] } },
  { 'customer.name': { $regex: 'x', $options: 'i' } },
  { 'customer.addresses.city': 'Paris' },
  { 'customer.addresses.0.geo.lat': { $gte: 5, $lt: 9 } },
  { customer: { name: 'Ada', addresses: [] } },
  { 'lines.sku': { $all: ['a', 'b'] } },
  { lines: { $elemMatch: { sku: 'x', amount: { $gt: 1 } } } },
  { lines: { $size: 2 } },
  { lines: [] },
  { tags: 'x' },
  { tags: { $exists: false } },
  { tags: null },
  { tags: { $in: ['a', /b/] } },
  { matrix: [1, 2] },
  { 'matrix.0': 5 },
  { 'scores.math': { $gt: 5 } },
  { paidAt: null },
  { paidAt: { $lte: new Date() } },
  { paidAt: { $type: 'date' } },
  { paidAt: { $type: ['date', 'null', 10] } },
  { size: { $gt: 5n } },
  { total: { $mod: [2, 0] } },
  { total: { $not: { $gt: 5, $lt: 1 } } },
  { parent: { $eq: id } },
  { $and: [{ total: 1 }, { $or: [{ status: 'open' }, { $nor: [{ 'lines.amount': 1 }] }] }] },
  { $expr: { $gt: ['$total', '$lines.0.amount'] } },
  { $jsonSchema: { required: ['total'] } },
  { $comment: 'why' }
]
const wrongFilters: Filter<Order>[] = [
  // @ts-expect-error no such status
  { status: 'lost' },
  // @ts-expect-error no such status among them
  { status: { $in: ['open', 'lost'] } },
  // @ts-expect-error a string is no ObjectId
  { _id: 'abc' },
  // @ts-expect-error text where a number stands
  { 'lines.amount': 'x' },
  // @ts-expect-error text where a number stands, deep down
  { 'customer.addresses.geo.lat': 'x' },
  // @ts-expect-error no such field, deep down
  { 'customer.addresses.street': 'x' },
  // @ts-expect-error no date
  { paidAt: 'today' },
  // @ts-expect-error no such type
  { total: { $type: 'integer' } },
  // @ts-expect-error a pair of numbers
  { total: { $mod: [2] } },
  // @ts-expect-error filters in an array
  { $or: { total: 1 } },
  // @ts-expect-error filters of this collection
  { $or: [{ nothing: 1 }] },
  // @ts-expect-error a number of elements
  { lines: { $size: 'two' } }
]
void [filters, wrongFilters]

// A filter put together step by step, as programs do
const filter: Filter<Order> = {}
filter.status = 'open'
if (word) filter['customer.name'] = new RegExp(word, 'i')
filter.$or = [{ total: { $gt: 5 } }]
void orders.find(filter)
void shapes.findOne({ kind: 'circle', radius: { $gt: 1 } })
void shapes.insertOne({ kind: 'square', side: 1 })
// @ts-expect-error a circle has no side
void shapes.insertOne({ kind: 'circle', side: 1 })
void trees.findOne({ 'children.children.name': 'x' })

// Functions over any collection
async function byId<T extends Document & { _id: string }>(collection: Collection<T>, _id: T['_id']): Promise<WithId<T> | null> {
  return collection.findOne({ _id } as Filter<T>)
}
async function page<T extends Document>(collection: Collection<T>, where: Filter<T>, options: FindOptions<T>, sort: Sort): Promise<WithId<T>[]> {
  return collection.find(where, options).sort(sort).skip(1).limit(2).toArray()
}
async function save<T extends Document>(collection: Collection<T>, document: OptionalId<T>): Promise<InsertOneResult<T>> {
  return collection.insertOne(document)
}
async function change<T extends Document>(collection: Collection<T>, where: Filter<T>, update: UpdateFilter<T>, options?: UpdateOptions): Promise<UpdateResult<T>> {
  return collection.updateMany(where, update, options)
}
void [byId, page, save, change]

// Updates
const updates: UpdateFilter<Order>[] = [
  { $set: { status: 'sent', 'customer.mail': 'x', 'lines.0.amount': 5, 'scores.math': 1, paidAt: null, tags: ['x'] } },
  { $set: { lines: [{ sku: 'x', amount: 1 }], customer: { name: 'x', addresses: [] } } },
  { $unset: { tags: '', 'customer.mail': 1, parent: true } },
  { $inc: { total: 1, 'lines.0.amount': -1, 'scores.math': 2 } },
  { $inc: { size: 1n } },
  { $mul: { total: 1.5 }, $min: { total: 1 }, $max: { paidAt: new Date() } },
  { $push: { tags: 'x' }, $addToSet: { lines: { sku: 'x', amount: 1 } } },
  { $push: { tags: { $each: ['x'], $sort: -1, $slice: 5 }, 'customer.addresses': { city: 'x', geo: { lat: 1, lon: 1 } } } },
  { $push: { 'lines.0.notes': 'x' } },
  { $addToSet: { tags: { $each: ['a', 'b'] } } },
  { $pull: { tags: { $in: ['x'] }, lines: { amount: { $lt: 1 } } } },
  { $pull: { tags: /^x/ } },
  { $pullAll: { tags: ['a'] }, $pop: { lines: 1 } },
  { $set: { 'lines.$.amount': 1, 'lines.$[].amount': 2, 'lines.$[x].amount': 3 } },
  { $inc: { 'lines.$.amount': 1 } },
  { $currentDate: { paidAt: true } },
  { $currentDate: { paidAt: { $type: 'date' } } },
  { $rename: { total: 'sum', 'customer.mail': 'customer.email' } },
  { $setOnInsert: { status: 'open' } },
  { $bit: { total: { or: 5 } } }
]
const wrongUpdates: UpdateFilter<Order>[] = [
  // @ts-expect-error no such status
  { $set: { status: 'lost' } },
  // @ts-expect-error text where a number stands
  { $set: { 'lines.0.amount': 'x' } },
  // @ts-expect-error no number
  { $inc: { status: 1 } },
  // @ts-expect-error by a number
  { $inc: { total: 'x' } },
  // @ts-expect-error no array
  { $push: { total: 1 } },
  // @ts-expect-error elements of another type
  { $push: { lines: 'x' } },
  // @ts-expect-error elements of another type in $each
  { $push: { tags: { $each: [1] } } },
  // @ts-expect-error no date
  { $currentDate: { total: true } },
  // @ts-expect-error the first or the last
  { $pop: { lines: 2 } },
  // @ts-expect-error no such operator
  { $append: { tags: 'x' } },
  // @ts-expect-error _id never changes
  { $set: { _id: id } }
]
void [updates, wrongUpdates]
void orders.updateOne({ _id: id }, [{ $set: { total: { $sum: '$lines.amount' } } }])
void open.updateOne({ a: 1 }, { $set: { b: 1 }, $inc: { 'c.d': 1 } }, { upsert: true, arrayFilters: [{ x: 1 }] })
void untyped.updateOne({ 'any.thing': 1 }, { $set: { 'some.thing': 1 } })
void orders.replaceOne({ _id: id }, {} as WithoutId<Order>, { upsert: true })

// Documents in
const order = { status: 'open', total: 1, customer: { name: 'x', addresses: [] }, lines: [], matrix: [], scores: {}, paidAt: null, size: 1n } satisfies OptionalId<Order>
expectTypeOf(orders.insertOne(order)).resolves.toEqualTypeOf<InsertOneResult<Order>>()
expectTypeOf(orders.insertOne({ ...order, _id: id })).resolves.toHaveProperty('insertedId').toEqualTypeOf<ObjectId>()
expectTypeOf(orders.insertMany([order], { ordered: false })).resolves.toEqualTypeOf<InsertManyResult<Order>>()
expectTypeOf<InsertManyResult<Order>['insertedIds'][number]>().toEqualTypeOf<ObjectId>()
expectTypeOf(open.insertOne({ a: 1 })).resolves.toHaveProperty('insertedId').toBeAny()

// Documents out
expectTypeOf<WithId<Order>['_id']>().toEqualTypeOf<ObjectId>()
expectTypeOf<WithId<{ a: 1 }>>().toHaveProperty('_id').toEqualTypeOf<string>()
expectTypeOf(orders.find().project<{ total: number }>({ total: 1, _id: 0 }).toArray()).resolves.toEqualTypeOf<{ total: number }[]>()
expectTypeOf(orders.find().map(({ _id }) => _id.toHexString())).toEqualTypeOf<FindCursor<string, Order>>()
expectTypeOf(orders.deleteMany({ status: 'sent' })).resolves.toEqualTypeOf<DeleteResult>()
expectTypeOf(orders.distinct('status')).resolves.toEqualTypeOf<Status[]>()
expectTypeOf(orders.distinct('customer.addresses.city')).resolves.toEqualTypeOf<string[]>()
expectTypeOf(orders.distinct(word)).resolves.toEqualTypeOf<any[]>()
expectTypeOf(orders.countDocuments({ total: 1 }, { limit: 5 })).resolves.toEqualTypeOf<number>()
async function walks(): Promise<void> {
  for await (const each of orders.find({}).batchSize(5)) expectTypeOf(each.customer.name).toEqualTypeOf<string>()
  for await (const each of orders.aggregate<{ _id: Status; n: number }>([{ $sortByCount: '$status' }])) expectTypeOf(each.n).toEqualTypeOf<number>()
}
void walks

// Projections
const projections: Projection<Order>[] = [
  { total: 1, _id: 0 }, { 'customer.name': true }, { lines: { $slice: 5 } }, { lines: { $slice: [1, 2] } }, { lines: { $elemMatch: { sku: 'x' } } }, { 'lines.$': 1 },
  { 'scores.math': 1 }, { customer: { name: 1 } }
]
void projections

// findOneAnd*
expectTypeOf(orders.findOneAndUpdate({ _id: id }, { $set: { total: 1 } }, { returnDocument: 'after' })).resolves.toEqualTypeOf<WithId<Order> | null>()
expectTypeOf(orders.findOneAndUpdate({}, { $set: { total: 1 } }, { includeResultMetadata: true })).resolves.toEqualTypeOf<ModifyResult<WithId<Order>>>()
expectTypeOf(orders.findOneAndUpdate({}, { $set: { total: 1 } }, { includeResultMetadata: false, sort: { total: -1 } })).resolves.toEqualTypeOf<WithId<Order> | null>()
void orders.findOneAndUpdate({ _id: id }, [{ $set: { total: 1 } }])
expectTypeOf(orders.findOneAndReplace({}, order, { upsert: true })).resolves.toEqualTypeOf<WithId<Order> | null>()
expectTypeOf(orders.findOneAndDelete({}, { projection: { total: 1 } })).resolves.toEqualTypeOf<WithId<Order> | null>()
// @ts-expect-error before or after
void orders.findOneAndUpdate({}, { $set: { total: 1 } }, { returnDocument: 'later' })

// bulkWrite
const writes: AnyBulkWriteOperation<Order>[] = [
  { insertOne: { document: order } },
  { updateOne: { filter: { _id: id }, update: { $inc: { total: 1 } }, upsert: true } },
  { updateMany: { filter: {}, update: { $set: { 'lines.$[x].amount': 1 } }, arrayFilters: [{ 'x.sku': 'a' }] } },
  { updateOne: { filter: {}, update: [{ $set: { total: 1 } }] } },
  { replaceOne: { filter: { _id: id }, replacement: order } },
  { deleteOne: { filter: { status: 'sent' } } },
  { deleteMany: { filter: {} } }
]
expectTypeOf(orders.bulkWrite(writes, { ordered: false })).resolves.toEqualTypeOf<BulkWriteResult<Order>>()
// @ts-expect-error no such write
void orders.bulkWrite([{ removeOne: { filter: {} } }])

// The driver's names of types
expectTypeOf<Db>().toEqualTypeOf<Database>()
expectTypeOf<OptionalUnlessRequiredId<Order>>().toEqualTypeOf<OptionalId<Order>>()
expectTypeOf<ReturnDocument>().toEqualTypeOf<'before' | 'after'>()
const fields: MatchKeysAndValues<Order> = { total: 1, 'customer.name': 'x' }
// @ts-expect-error text where a number stands
const wrongFields: MatchKeysAndValues<Order> = { total: 'x' }
const strict: StrictFilter<Order> = { total: { $gt: 1 } }
const strictUpdate: StrictUpdateFilter<Order> = { $set: fields }
const replacing: ReplaceOptions & Abortable & CountDocumentsOptions = { upsert: true, signal: new AbortController().signal, limit: 1 }
void [fields, wrongFields, strict, strictUpdate, replacing]
function report(failure: MongoServerError | MongoError): string {
  return `${failure.code}: ${failure.message}`
}
void report

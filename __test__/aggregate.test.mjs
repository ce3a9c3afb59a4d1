import test from 'ava'

import { AggregationCursor } from '../index.mjs'
import { collection, memory, onDisk, directory, rejectsType, rejectsWith } from './support/database.mjs'

const SALES = [
  { _id: 1, item: 'abc', price: 10, quantity: 2, tags: ['a', 'b'], at: new Date('2014-03-01T08:00:00Z') },
  { _id: 2, item: 'jkl', price: 20, quantity: 1, tags: [], at: new Date('2014-03-01T09:00:00Z') },
  { _id: 3, item: 'xyz', price: 5, quantity: 10, tags: ['b'], at: new Date('2014-03-15T09:00:00Z') },
  { _id: 4, item: 'abc', price: 10, quantity: 10, at: new Date('2014-04-04T11:21:39Z') }
]

test('a pipeline groups, sorts and reshapes what a filter lets through', async (t) => {
  const sales = await collection(t, SALES)
  const found = await sales
    .aggregate([
      { $match: { price: { $gte: 10 } } },
      { $group: { _id: '$item', total: { $sum: { $multiply: ['$price', '$quantity'] } }, average: { $avg: '$quantity' } } },
      { $sort: { total: -1 } },
      { $project: { _id: 0, item: '$_id', total: 1, average: 1 } }
    ])
    .toArray()
  t.deepEqual(found, [
    { total: 120, average: 6, item: 'abc' },
    { total: 20, average: 1, item: 'jkl' }
  ])
})

test('a group on stored documents reads keys and numbers of every kind', async (t) => {
  const things = await collection(t, [
    { _id: 1, k: 'a', n: 0.1 },
    { _id: 2, k: 'a', n: 0.2 },
    { _id: 3, k: 'b', n: 5n },
    { _id: 4, k: 'b', n: 2147483647 },
    { _id: 5, n: 'no number' }
  ])
  t.deepEqual(await things.aggregate([{ $group: { _id: '$k', sum: { $sum: '$n' }, max: { $max: '$n' }, count: { $sum: 1 } } }]).toArray(), [
    { _id: 'a', sum: 0.30000000000000004, max: 0.2, count: 2 },
    { _id: 'b', sum: 2147483652n, max: 2147483647, count: 2 },
    { _id: null, sum: 0, max: 'no number', count: 1 }
  ])
})

test('stages can be added before the first read, and not after it', async (t) => {
  const sales = await collection(t, SALES)
  const cursor = sales.aggregate().match({ item: 'abc' }).sort({ _id: -1 }).skip(1).limit(1).project({ item: 1 }).addStage({ $set: { x: 1 } })
  t.true(cursor instanceof AggregationCursor)
  t.deepEqual(cursor.pipeline.map((stage) => Object.keys(stage)[0]), ['$match', '$sort', '$skip', '$limit', '$project', '$set'])
  t.deepEqual(await cursor.toArray(), [{ _id: 1, item: 'abc', x: 1 }])
  t.throws(() => cursor.limit(1), { instanceOf: TypeError, message: /has started/ })
  t.deepEqual(await sales.aggregate().unwind('$tags').group({ _id: '$tags', n: { $count: {} } }).toArray(), [{ _id: 'a', n: 1 }, { _id: 'b', n: 2 }])
})

test('the cursor reads in batches of any size, and runs again after rewind', async (t) => {
  const numbers = await collection(t, Array.from({ length: 2500 }, (_, i) => ({ _id: i })))
  for (const batchSize of [1, 7, 999, 5000]) {
    const seen = []
    for await (const { _id } of numbers.aggregate([{ $match: { _id: { $lt: 50 } } }, { $set: { x: 1 } }], { batchSize })) seen.push(_id)
    t.deepEqual(seen, Array.from({ length: 50 }, (_, i) => i))
  }
  const cursor = numbers.aggregate([{ $project: { twice: { $multiply: ['$_id', 2] } } }]).batchSize(10).map(({ twice }) => twice)
  t.true(await cursor.hasNext())
  t.deepEqual([await cursor.next(), await cursor.tryNext(), cursor.bufferedCount()], [0, 2, 8])
  t.deepEqual(cursor.readBufferedDocuments(1), [{ _id: 2, twice: 4 }])
  cursor.rewind()
  t.is((await cursor.toArray()).length, 2500)
  t.true(cursor.closed)
  t.is((await cursor.clone().toArray()).length, 2500)
  const streamed = []
  for await (const document of numbers.aggregate([{ $limit: 3 }]).stream()) streamed.push(document._id)
  t.deepEqual(streamed, [0, 1, 2])
  let count = 0
  await numbers.aggregate().forEach(() => ++count < 5)
  t.is(count, 5)
  const killed = numbers.aggregate().batchSize(2)
  await killed.next()
  await killed.close()
  await rejectsWith(t, 'CLOSED', killed.next(), /rewind\(\)/)
})

test('a pipeline sees one state, collections of its lookups included', async (t) => {
  const db = await memory(t)
  const orders = db.collection('orders')
  const stock = db.collection('stock')
  await orders.insertMany([{ _id: 1, sku: 'a' }, { _id: 2, sku: 'b' }])
  await stock.insertMany([{ _id: 'x', sku: 'a', n: 5 }])
  const cursor = orders.aggregate([{ $lookup: { from: 'stock', localField: 'sku', foreignField: 'sku', as: 'stock' } }], { batchSize: 1 })
  t.deepEqual(await cursor.next(), { _id: 1, sku: 'a', stock: [{ _id: 'x', sku: 'a', n: 5 }] })
  await stock.insertOne({ _id: 'y', sku: 'b', n: 1 })
  await orders.insertOne({ _id: 3, sku: 'a' })
  t.deepEqual(await cursor.toArray(), [{ _id: 2, sku: 'b', stock: [] }])
  const joined = await orders
    .aggregate([
      { $lookup: { from: 'stock', let: { sku: '$sku' }, pipeline: [{ $match: { $expr: { $eq: ['$sku', '$$sku'] } } }, { $project: { _id: 0, n: 1 } }], as: 's' } },
      { $match: { 's.0.n': { $gt: 1 } } },
      { $project: { s: 1 } }
    ])
    .toArray()
  t.deepEqual(joined, [{ _id: 1, s: [{ n: 5 }] }, { _id: 3, s: [{ n: 5 }] }])
})

test('$out and $merge write through the log and answer no documents', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, { storage: 'sync' }, path)
  const sales = db.collection('sales')
  await sales.insertMany(SALES)
  await db.collection('totals').insertOne({ _id: 'old' })
  const group = { $group: { _id: '$item', n: { $sum: '$quantity' } } }
  t.deepEqual(await sales.aggregate([group, { $out: 'totals' }]).toArray(), [])
  const totals = [{ _id: 'abc', n: 12 }, { _id: 'jkl', n: 1 }, { _id: 'xyz', n: 10 }]
  t.deepEqual(await db.collection('totals').find().toArray(), totals)

  await db.collection('report').insertMany([{ _id: 'abc', seen: 1 }, { _id: 'other' }])
  await sales.aggregate([group, { $merge: { into: 'report', whenMatched: 'merge' } }]).toArray()
  const report = [{ _id: 'abc', seen: 1, n: 12 }, { _id: 'other' }, { _id: 'jkl', n: 1 }, { _id: 'xyz', n: 10 }]
  t.deepEqual(await db.collection('report').find().toArray(), report)
  await sales.aggregate([group, { $merge: { into: 'report', whenMatched: [{ $set: { n: { $add: ['$n', '$$new.n'] } } }], whenNotMatched: 'discard' } }]).toArray()
  t.is((await db.collection('report').get('abc')).n, 24)
  const taken = await rejectsWith(t, 'DUPLICATE_KEY', sales.aggregate([group, { $merge: { into: 'report', whenMatched: 'fail' } }]).toArray(), /whenMatched is fail/)
  t.deepEqual([taken.code, taken.keyPattern, taken.keyValue], [11000, { _id: 1 }, { _id: 'abc' }])

  // Into the collection that is read.
  await sales.aggregate([{ $match: { item: 'abc' } }, { $out: 'sales' }]).toArray()
  t.deepEqual((await sales.find().toArray()).map(({ _id }) => _id), [1, 4])
  await sales.aggregate([{ $project: { _id: 0, item: 1 } }, { $out: 'made' }]).toArray()
  t.true((await db.collection('made').find().toArray()).every(({ _id }) => /^[0-9a-f-]{36}$/.test(_id)))

  await db.close()
  const again = await onDisk(t, { readOnly: true }, path)
  t.deepEqual(await again.collection('totals').find().toArray(), totals)
  await rejectsWith(t, 'READ_ONLY', again.collection('sales').aggregate([group, { $out: 'x' }]).toArray(), /readOnly/)
  t.is((await again.collection('sales').aggregate([group]).toArray()).length, 1)
})

test('unions, facets, buckets, samples and documents', async (t) => {
  const db = await memory(t)
  const sales = db.collection('sales')
  await sales.insertMany(SALES)
  await db.collection('more').insertOne({ _id: 9, price: 100 })
  const [facets] = await sales
    .aggregate([
      { $unionWith: 'more' },
      { $facet: { count: [{ $count: 'n' }], prices: [{ $bucket: { groupBy: '$price', boundaries: [0, 10, 50], default: 'more' } }] } }
    ])
    .toArray()
  t.deepEqual(facets, { count: [{ n: 5 }], prices: [{ _id: 0, count: 1 }, { _id: 10, count: 3 }, { _id: 'more', count: 1 }] })
  const sample = await sales.aggregate([{ $sample: { size: 2 } }]).toArray()
  t.is(new Set(sample.map(({ _id }) => _id)).size, 2)
  t.deepEqual(await sales.aggregate([{ $documents: [{ x: 1 }, { x: 2 }] }, { $match: { x: 2 } }]).toArray(), [{ x: 2 }])
  t.deepEqual(await db.collection('none').aggregate([{ $count: 'n' }]).toArray(), [])
})

test('a stage that would hold too much is LIMIT naming the stage and the next step', async (t) => {
  const numbers = await collection(t, Array.from({ length: 200 }, (_, i) => ({ _id: i })))
  const large = { $reduce: { input: { $range: [0, 20] }, initialValue: 'x', in: { $concat: ['$$value', '$$value'] } } }
  const pipeline = [{ $set: { text: large } }, { $group: { _id: null, all: { $push: '$text' } } }]
  await rejectsWith(t, 'LIMIT', numbers.aggregate(pipeline).toArray(), /\$group would hold more than 100 MiB; put a \$match/)
  await rejectsWith(t, 'LIMIT', numbers.aggregate([pipeline[0], { $sort: { _id: -1 } }]).toArray(), /\$sort would hold more than 100 MiB/)
  t.is((await numbers.aggregate([pipeline[0], { $sort: { _id: -1 } }, { $limit: 1 }]).toArray())[0]._id, 199)
})

test('what is wrong with a pipeline is named', async (t) => {
  const sales = await collection(t, SALES)
  const bad = (pipeline, message) => rejectsWith(t, 'BAD_QUERY', sales.aggregate(pipeline).toArray(), message)
  const error = await bad([{ $match: {} }, { $set: { a: { $ad: [1] } } }], /unknown expression operator '\$ad'/)
  t.is(error.path, 'pipeline.1.$set.a.$ad')
  await bad([{ $frob: {} }], /unknown stage '\$frob'/)
  await bad([{ $set: { a: { $divide: ['$price', 0] } } }], /\$divide cannot divide by 0/)
  await bad([{ $set: { a: undefined } }], /\$set\.a/)
  await rejectsWith(t, 'NOT_SUPPORTED', sales.aggregate([{ $graphLookup: {} }]).toArray(), /\$graphLookup/)
  await bad([{ $set: { h: { $hour: { date: '$at', timezone: 'Europe/Lutetia' } } } }], /Europe\/Lutetia/)
  await rejectsType(t, () => sales.aggregate({}), /pipeline must be an array of stages/)
  await rejectsType(t, () => sales.aggregate([1]), /pipeline\[0\] must be an object/)
  await rejectsType(t, () => sales.aggregate([], { batchSize: -1 }), /batchSize/)
})

test('after close a cursor rejects with CLOSED and can itself be closed', async (t) => {
  const db = await memory(t)
  await db.collection('c').insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }])
  const cursor = db.collection('c').aggregate().batchSize(1)
  await cursor.next()
  await db.close()
  await rejectsWith(t, 'CLOSED', cursor.next(), /closed/)
  await cursor.close()
})

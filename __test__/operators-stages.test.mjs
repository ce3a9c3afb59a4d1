// Stages of pipelines: the options of each, and what it refuses.

import test from 'ava'

import { collection, memory, rejectsWith } from './support/database.mjs'
import { badQuery, endsWith, notSupported, runs } from './support/operators.mjs'

const ITEMS = [
  { _id: 1, item: 'abc', sizes: ['S', 'M'], price: 12, qty: 2 },
  { _id: 2, item: 'efg', sizes: [], price: 18, qty: 1 },
  { _id: 3, item: 'ijk', sizes: 'M', price: 5, qty: 10 },
  { _id: 4, item: 'lmn', price: 12, qty: 5 },
  { _id: 5, item: 'xyz', sizes: null, price: 30, qty: 1 }
]
const ids = (...list) => list.map((_id) => ({ _id }))
const only = { $project: { _id: 1 } }

test('$match, $sort, $limit, $skip, $count and $sample', async (t) => {
  await runs(t, ITEMS, [
    [[{ $match: { price: { $gt: 12 } } }, only], ids(2, 5)],
    [[{ $match: { $expr: { $gt: ['$price', '$qty'] }, sizes: 'M' } }, only], ids(1)],
    [[{ $match: { $or: [{ $expr: { $eq: ['$qty', 5] } }, { item: 'abc' }] } }, only], ids(1, 4)],
    [[{ $match: 5 }], badQuery(/needs a filter/)],
    [[{ $match: { $where: '1' } }], notSupported(/no code/)],
    [[{ $sort: { price: 1, _id: -1 } }, only], ids(3, 4, 1, 2, 5)],
    [[{ $sort: { price: -1 } }, { $skip: 1 }, { $limit: 2 }, only], ids(2, 1)],
    [[{ $sort: {} }], badQuery(/at least one/)],
    [[{ $sort: { a: 2 } }], badQuery(/must be 1 or -1/)],
    [[{ $limit: 2 }, only], ids(1, 2)],
    [[{ $limit: 0 }], badQuery(/at least 1/)],
    [[{ $skip: 4 }, only], ids(5)],
    [[{ $skip: -1 }], badQuery(/at least 0/)],
    [[{ $match: { price: 12 } }, { $count: 'n' }], [{ n: 2 }]],
    [[{ $match: { price: 99 } }, { $count: 'n' }], []],
    [[{ $count: 'a.b' }], badQuery(/name of a field/)],
    [[{ $sample: { size: 3 } }, { $count: 'n' }], [{ n: 3 }]],
    [[{ $sample: { size: 99 } }, { $count: 'n' }], [{ n: 5 }]],
    [[{ $sample: {} }], badQuery(/needs size/)]
  ])
})

test('$project, $addFields, $set, $unset, $replaceRoot and $replaceWith', async (t) => {
  const documents = [{ _id: 1, a: 1, b: { c: 2, d: 3 }, l: [{ x: 1, y: 2 }, { x: 3 }] }]
  await runs(t, documents, [
    [[{ $project: { a: 1 } }], [{ _id: 1, a: 1 }]],
    [[{ $project: { _id: 0, 'b.c': 1, sum: { $add: ['$a', '$b.c'] } } }], [{ b: { c: 2 }, sum: 3 }]],
    [[{ $project: { b: 0, l: false } }], [{ _id: 1, a: 1 }]],
    [[{ $project: { l: { x: 1 }, _id: 0 } }], [{ l: [{ x: 1 }, { x: 3 }] }]],
    [[{ $project: { a: { $cond: [true, '$$REMOVE', 1] } } }], [{ _id: 1 }]],
    [[{ $project: { a: 1, b: 0 } }], badQuery(/include and exclude/)],
    [[{ $project: {} }], badQuery(/at least one field/)],
    [[{ $project: { a: 1, 'a.b': 1 } }], badQuery(/collide/)],
    [[{ $addFields: { n: { $size: '$l' }, 'b.e': 5 } }, { $project: { l: 0 } }], [{ _id: 1, a: 1, b: { c: 2, d: 3, e: 5 }, n: 2 }]],
    [[{ $set: { 'l.z': '$a' } }, { $project: { l: 1 } }], [{ _id: 1, l: [{ x: 1, y: 2, z: 1 }, { x: 3, z: 1 }] }]],
    [[{ $set: { a: '$$REMOVE' } }, { $project: { a: 1 } }], [{ _id: 1 }]],
    [[{ $set: {} }], badQuery(/at least one field/)],
    [[{ $unset: ['b.c', 'l.x'] }], [{ _id: 1, a: 1, b: { d: 3 }, l: [{ y: 2 }, {}] }]],
    [[{ $unset: 'b' }, { $unset: 'l' }], [{ _id: 1, a: 1 }]],
    [[{ $unset: 5 }], badQuery(/field or an array/)],
    [[{ $replaceRoot: { newRoot: '$b' } }], [{ c: 2, d: 3 }]],
    [[{ $replaceRoot: { newRoot: { $mergeObjects: [{ z: 0 }, '$b'] } } }], [{ z: 0, c: 2, d: 3 }]],
    [[{ $replaceRoot: { newRoot: '$a' } }], badQuery(/needs an object as the new document/)],
    [[{ $replaceRoot: { root: '$b' } }], badQuery(/newRoot/)],
    [[{ $replaceWith: { $first: '$l' } }], [{ x: 1, y: 2 }]],
    [[{ $replaceWith: '$none' }], badQuery(/missing/)]
  ])
})

test('$unwind', async (t) => {
  const sizes = { $project: { sizes: 1 } }
  await runs(t, ITEMS, [
    [[{ $unwind: '$sizes' }, sizes], [{ _id: 1, sizes: 'S' }, { _id: 1, sizes: 'M' }, { _id: 3, sizes: 'M' }]],
    [[{ $unwind: { path: '$sizes', preserveNullAndEmptyArrays: true } }, sizes], [{ _id: 1, sizes: 'S' }, { _id: 1, sizes: 'M' }, { _id: 2 }, { _id: 3, sizes: 'M' }, { _id: 4 }, { _id: 5, sizes: null }]],
    [[{ $unwind: { path: '$sizes', includeArrayIndex: 'i' } }, { $project: { i: 1 } }], [{ _id: 1, i: 0 }, { _id: 1, i: 1 }, { _id: 3, i: null }]],
    [[{ $unwind: 'sizes' }], badQuery(/'\$' in front/)],
    [[{ $unwind: {} }], badQuery(/needs path/)],
    [[{ $unwind: { path: '$sizes', includeArrayIndex: '$i' } }], badQuery(/cannot use '\$i'/)],
    [[{ $unwind: { path: '$sizes', preserveNullAndEmptyArrays: 1 } }], badQuery(/must be a boolean/)]
  ])
})

test('$group, $sortByCount, $bucket, $bucketAuto and $facet', async (t) => {
  await runs(t, ITEMS, [
    [[{ $group: { _id: '$price', n: { $sum: '$qty' } } }, { $sort: { _id: 1 } }], [{ _id: 5, n: 10 }, { _id: 12, n: 7 }, { _id: 18, n: 1 }, { _id: 30, n: 1 }]],
    [[{ $sortByCount: '$price' }, { $limit: 1 }], [{ _id: 12, count: 2 }]],
    [[{ $bucket: { groupBy: '$price', boundaries: [0, 10, 20], default: 'other', output: { n: { $sum: 1 }, items: { $push: '$item' } } } }], [{ _id: 0, n: 1, items: ['ijk'] }, { _id: 10, n: 3, items: ['abc', 'efg', 'lmn'] }, { _id: 'other', n: 1, items: ['xyz'] }]],
    [[{ $bucket: { groupBy: '$price', boundaries: [0, 100] } }], [{ _id: 0, count: 5 }]],
    [[{ $bucket: { groupBy: '$price', boundaries: [0, 10] } }], badQuery(/no bucket/)],
    [[{ $bucket: { groupBy: '$price', boundaries: [5, 1] } }], badQuery(/ascending/)],
    [[{ $bucket: { groupBy: '$price', boundaries: [0, 10], default: 5 } }], badQuery(/outside/)],
    [[{ $bucketAuto: { groupBy: '$price', buckets: 2 } }], [{ _id: { min: 5, max: 18 }, count: 3 }, { _id: { min: 18, max: 30 }, count: 2 }]],
    [[{ $bucketAuto: { groupBy: '$price', buckets: 9, output: { n: { $sum: '$qty' } } } }], [{ _id: { min: 5, max: 12 }, n: 10 }, { _id: { min: 12, max: 18 }, n: 7 }, { _id: { min: 18, max: 30 }, n: 1 }, { _id: { min: 30, max: 30 }, n: 1 }]],
    [[{ $bucketAuto: { groupBy: '$price', buckets: 0 } }], badQuery(/at least 1/)],
    [[{ $bucketAuto: { groupBy: '$price', buckets: 2, granularity: 'R5' } }], notSupported(/granularity/)],
    [[{ $facet: { n: [{ $count: 'n' }], dear: [{ $match: { price: { $gt: 12 } } }, only], none: [{ $match: { price: 0 } }] } }], [{ n: [{ n: 5 }], dear: ids(2, 5), none: [] }]],
    [[{ $facet: {} }], badQuery(/at least one/)],
    [[{ $facet: { a: [{ $facet: { b: [] } }] } }], badQuery(/cannot stand inside/)],
    [[{ $facet: { a: [{ $out: 'x' }] } }], badQuery(/last stage of the whole/)],
    [[{ $facet: { a: [{ $documents: [] }] } }], badQuery(/first stage/)],
    [[{ $facet: { 'a.b': [] } }], badQuery(/cannot name a facet/)]
  ])
})

test('$documents and pipelines that are not well formed', async (t) => {
  await runs(t, ITEMS, [
    [[{ $documents: [{ a: 1 }, { a: { $add: [1, 1] } }] }, { $match: { a: 2 } }], [{ a: 2 }]],
    [[{ $match: {} }, { $documents: [] }], badQuery(/first stage/)],
    [[{ $documents: 5 }], badQuery(/array of objects/)],
    [[{ $nope: 1 }], badQuery(/unknown stage/)],
    [[{ $limit: 1, $skip: 1 }], badQuery(/exactly one operator/)],
    [[{ $out: 'x' }, { $limit: 1 }], badQuery(/last stage/)]
  ])
})

test('$lookup by equal fields, by a pipeline with variables, and by both', async (t) => {
  const db = await memory(t)
  const [orders, stock] = [db.collection('orders'), db.collection('stock')]
  await orders.insertMany([{ _id: 1, item: 'nut', n: 2 }, { _id: 2, item: ['nut', 'oil'], n: 60 }, { _id: 3 }])
  await stock.insertMany([{ _id: 1, sku: 'nut', left: 50 }, { _id: 2, sku: 'oil', left: 70 }, { _id: 3, sku: null }, { _id: 4, tags: ['nut'] }])
  const rows = [
    [{ from: 'stock', localField: 'item', foreignField: 'sku', as: 's' }, [[1], [1, 2], [3, 4]]],
    [{ from: 'stock', localField: 'item', foreignField: 'tags', as: 's' }, [[4], [4], [1, 2, 3]]],
    [{ from: 'stock', let: { n: '$n' }, pipeline: [{ $match: { $expr: { $gte: ['$left', '$$n'] } } }], as: 's' }, [[1, 2], [2], [1, 2, 3, 4]]],
    [{ from: 'stock', localField: 'item', foreignField: 'sku', let: { n: '$n' }, pipeline: [{ $match: { $expr: { $gte: ['$left', '$$n'] } } }], as: 's' }, [[1], [2], [3, 4]]],
    [{ from: 'stock', pipeline: [{ $match: { left: { $gt: 60 } } }], as: 's' }, [[2], [2], [2]]],
    [{ from: 'nowhere', localField: 'item', foreignField: 'sku', as: 's' }, [[], [], []]],
    [{ pipeline: [{ $documents: [{ _id: 9 }] }], as: 's' }, [[9], [9], [9]]],
    [{ from: 'stock', localField: 'item', as: 's' }, badQuery(/together/)],
    [{ from: 'stock', as: 's' }, badQuery(/or a pipeline/)],
    [{ from: 'stock', localField: 'a', foreignField: 'b' }, badQuery(/needs 'as'/)],
    [{ from: 'stock', localField: 'a', foreignField: 'b', as: '$s' }, badQuery(/cannot use/)],
    [{ from: { db: 'x', coll: 'y' }, localField: 'a', foreignField: 'b', as: 's' }, notSupported(/this database only/)],
    [{ from: 'stock', pipeline: [{ $out: 'x' }], as: 's' }, badQuery(/whole pipeline/)]
  ]
  for (const [lookup, wanted] of rows) {
    const work = async () => (await orders.aggregate([{ $lookup: lookup }]).toArray()).map(({ s }) => s.map(({ _id }) => _id))
    await endsWith(t, wanted, work, lookup)
  }
  const nested = await orders.aggregate([{ $match: { _id: 1 } }, { $lookup: { from: 'stock', localField: 'item', foreignField: 'sku', as: 'in.stock' } }]).next()
  t.deepEqual(nested, { _id: 1, item: 'nut', n: 2, in: { stock: [{ _id: 1, sku: 'nut', left: 50 }] } })
})

test('$unionWith brings the documents of another collection', async (t) => {
  const db = await memory(t)
  const [a, b] = [db.collection('a'), db.collection('b')]
  await a.insertMany([{ _id: 1 }, { _id: 2 }])
  await b.insertMany([{ _id: 2, x: 1 }, { _id: 3 }])
  t.deepEqual(await a.aggregate([{ $unionWith: 'b' }]).toArray(), [{ _id: 1 }, { _id: 2 }, { _id: 2, x: 1 }, { _id: 3 }])
  t.deepEqual(await a.aggregate([{ $unionWith: { coll: 'b', pipeline: [{ $match: { x: 1 } }] } }, { $count: 'n' }]).toArray(), [{ n: 3 }])
  t.deepEqual(await a.aggregate([{ $limit: 1 }, { $unionWith: { pipeline: [{ $documents: [{ y: 1 }] }] } }]).toArray(), [{ _id: 1 }, { y: 1 }])
  await rejectsWith(t, 'BAD_QUERY', a.aggregate([{ $unionWith: {} }]).toArray(), /needs coll/)
})

test('$out replaces a collection, $merge changes one', async (t) => {
  const db = await memory(t)
  const [from, to] = [db.collection('from'), db.collection('to')]
  await from.insertMany([{ _id: 1, n: 1 }, { _id: 2, n: 2 }])
  await to.insertOne({ _id: 9 })
  t.deepEqual(await from.aggregate([{ $project: { n: 1 } }, { $out: 'to' }]).toArray(), [])
  t.deepEqual(await to.find().toArray(), [{ _id: 1, n: 1 }, { _id: 2, n: 2 }])

  t.deepEqual(await from.aggregate([{ $match: { n: 9 } }, { $out: 'fresh' }]).toArray(), [])
  t.deepEqual(await from.aggregate([{ $match: { n: 9 } }, { $merge: 'nothing' }]).toArray(), [])
  t.deepEqual((await db.listCollections().toArray()).map(({ name }) => name), ['fresh', 'from', 'to'], '$out makes an empty collection of no documents, $merge none')

  /** The content of `to` after merging these over `{ _id: 1, old: 1 }`. */
  const merged = async (merge) => {
    await to.deleteMany({})
    await to.insertOne({ _id: 1, old: 1 })
    await from.aggregate([{ $merge: merge }]).toArray()
    return to.find().toArray()
  }
  const rows = [
    ['to', [{ _id: 1, old: 1, n: 1 }, { _id: 2, n: 2 }]],
    [{ into: 'to', on: '_id' }, [{ _id: 1, old: 1, n: 1 }, { _id: 2, n: 2 }]],
    [{ into: 'to', whenMatched: 'replace' }, [{ _id: 1, n: 1 }, { _id: 2, n: 2 }]],
    [{ into: 'to', whenMatched: 'keepExisting' }, [{ _id: 1, old: 1 }, { _id: 2, n: 2 }]],
    [{ into: 'to', whenMatched: 'merge', whenNotMatched: 'discard' }, [{ _id: 1, old: 1, n: 1 }]],
    [{ into: 'to', whenMatched: [{ $set: { sum: { $add: ['$old', '$$new.n'] } } }], whenNotMatched: 'discard' }, [{ _id: 1, old: 1, sum: 2 }]],
    [{ into: 'to', let: { m: { $multiply: ['$n', 10] } }, whenMatched: [{ $set: { m: '$$m' } }], whenNotMatched: 'discard' }, [{ _id: 1, old: 1, m: 10 }]],
    [{ into: 'to', whenNotMatched: 'fail' }, badQuery(/whenNotMatched is fail/)],
    [{ into: 'to', whenMatched: 'what' }, badQuery(/cannot be 'what'/)],
    [{ into: 'to', whenMatched: [{ $group: { _id: 1 } }] }, badQuery(/but not \$group/)],
    [{ into: 'to', on: 'n' }, notSupported(/by _id only/)],
    [{}, badQuery(/needs into/)]
  ]
  for (const [merge, wanted] of rows) await endsWith(t, wanted, () => merged(merge), merge)
  await rejectsWith(t, 'DUPLICATE_KEY', merged({ into: 'to', whenMatched: 'fail' }), /whenMatched is fail/)
  await rejectsWith(t, 'BAD_QUERY', from.aggregate([{ $out: '' }]).toArray(), /name of a collection/)
})

test('stages that are not there say so', async (t) => {
  const docs = await collection(t)
  const stages = ['$setWindowFields', '$graphLookup', '$densify', '$fill', '$redact', '$geoNear', '$indexStats', '$collStats', '$currentOp', '$search', '$searchMeta', '$vectorSearch', '$changeStream', '$changeStreamSplitLargeEvent', '$listLocalSessions', '$listSampledQueries', '$listSearchIndexes', '$listSessions', '$planCacheStats', '$querySettings', '$queryStats', '$rankFusion', '$scoreFusion', '$shardedDataDistribution']
  for (const stage of stages) await endsWith(t, notSupported(/is not supported/), () => docs.aggregate([{ [stage]: {} }]).toArray(), stage)
})

import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

import test from 'ava'

import { collection, Database, directory, memory, onDisk, rejectsWith } from './support/database.mjs'

/** Letters alone; letters and accents; letters, accents and case. */
const [FIRST, SECOND, THIRD] = [1, 2, 3].map((strength) => ({ locale: 'en', strength }))
const names = ['cafe', 'Cafe', 'CAF\u00c9', 'caf\u00e9', 'tea']
const shop = () => names.map((name, n) => ({ _id: n + 1, name }))
const idsOf = (rows) => rows.map(({ _id }) => _id)
const find = async (things, filter, collation, more = {}) => idsOf(await things.find(filter, { collation, ...more }).toArray())
const stagesOf = (plan) => (plan.inputStage ? [plan.stage, ...stagesOf(plan.inputStage)] : [plan.stage])
const planOf = async (things, filter, options) => stagesOf((await things.find(filter, options).explain('queryPlanner')).queryPlanner.winningPlan)

test('strength says which strings are equal: letters, accents, case', async (t) => {
  const things = await collection(t, shop())
  t.deepEqual(await find(things, { name: 'cafe' }, FIRST), [1, 2, 3, 4])
  t.deepEqual(await find(things, { name: 'cafe' }, SECOND), [1, 2])
  t.deepEqual(await find(things, { name: 'caf\u00e9' }, SECOND), [3, 4])
  t.deepEqual(await find(things, { name: 'cafe' }, THIRD), [1])
  t.deepEqual(await find(things, { name: 'cafe' }, undefined), [1])
  t.deepEqual(await find(things, { name: 'CAFE' }, { locale: 'en', strength: 1, caseLevel: true }), [3])
})

test('the order is that of the language', async (t) => {
  const sorted = async (list, collation) => {
    const things = await collection(t, list.map((word, n) => ({ _id: n, word })))
    return (await things.find({}, { collation, sort: { word: 1 } }).toArray()).map(({ word }) => word)
  }
  t.deepEqual(await sorted(['cot\u00e9', 'c\u00f4te', 'c\u00f4t\u00e9', 'cote'], { locale: 'fr' }), ['cote', 'cot\u00e9', 'c\u00f4te', 'c\u00f4t\u00e9'])
  t.deepEqual(await sorted(['cot\u00e9', 'c\u00f4te', 'c\u00f4t\u00e9', 'cote'], { locale: 'fr_CA' }), ['cote', 'c\u00f4te', 'cot\u00e9', 'c\u00f4t\u00e9'])
  t.deepEqual(await sorted(['Af', '\u00c4', 'Ad', 'Ae'], { locale: 'de' }), ['\u00c4', 'Ad', 'Ae', 'Af'])
  for (const locale of ['de@collation=phonebook', 'de-u-co-phonebk']) t.deepEqual(await sorted(['Af', '\u00c4', 'Ad', 'Ae'], { locale }), ['Ad', 'Ae', '\u00c4', 'Af'])
  t.deepEqual(await sorted(['\u00f6', 'z', '\u00e4', '\u00e5', 'a'], { locale: 'sv' }), ['a', 'z', '\u00e5', '\u00e4', '\u00f6'])
  t.deepEqual(await sorted(['A', 'a', 'B', 'b'], { locale: 'en', caseFirst: 'upper' }), ['A', 'a', 'B', 'b'])
  t.deepEqual(await sorted(['b', 'B', 'a', 'A'], undefined), ['A', 'B', 'a', 'b'])
})

test('digits sort by the number that they make, and punctuation may not count', async (t) => {
  const things = await collection(t, ['16', '2', '10', 'a-b', 'ab'].map((n, i) => ({ _id: i, n })))
  const numeric = { locale: 'en', numericOrdering: true }
  t.deepEqual(await find(things, { n: { $gt: '2', $lt: '9999' } }, numeric), [0, 2])
  t.deepEqual(await find(things, { n: { $lt: 'a' } }, numeric, { sort: { n: -1 } }), [0, 2, 1])
  t.deepEqual(await find(things, { n: 'ab' }, { locale: 'en', alternate: 'shifted' }), [3, 4])
})

test('every operator that compares does so under the collation', async (t) => {
  const things = await collection(t, [
    { _id: 1, s: 'Ann', list: ['X', 'y'], o: { p: 'Q' }, n: 1 },
    { _id: 2, s: 'bob', list: ['x'], o: { p: 'r' }, n: 'ann' },
    { _id: 3, s: 'ANN', list: [{ k: 'V' }], n: null },
    { _id: 4, s: '', list: [], o: { P: 'q' } }
  ])
  const rows = [
    [{ s: { $eq: 'ann' } }, [1, 3]], [{ s: { $ne: 'ann' } }, [2, 4]], [{ s: { $in: ['ANN', 5, null, ''] } }, [1, 3, 4]], [{ s: { $nin: ['BOB', 1] } }, [1, 3, 4]],
    [{ s: { $gt: 'ANN' } }, [2]], [{ s: { $gte: 'ANN' } }, [1, 2, 3]], [{ s: { $lt: 'ann' } }, [4]], [{ s: { $lte: 'ann' } }, [1, 3, 4]],
    [{ s: { $not: { $eq: 'BOB' } } }, [1, 3, 4]], [{ list: 'x' }, [1, 2]], [{ list: ['x', 'Y'] }, [1]], [{ list: { $all: ['X', 'Y'] } }, [1]],
    [{ list: { $elemMatch: { $eq: 'Y' } } }, [1]], [{ list: { $elemMatch: { k: 'v' } } }, [3]], [{ o: { p: 'q' } }, [1]], [{ 'o.p': 'R' }, [2]],
    [{ n: { $in: ['ANN', 1] } }, [1, 2]], [{ $expr: { $eq: ['$s', 'ann'] } }, [1, 3]], [{ $or: [{ s: 'ann' }, { n: 'Ann' }] }, [1, 2, 3]],
    [{ list: { $contains: 'Y' } }, [1]], [{ s: { $regex: '^ann$' } }, []], [{ $jsonSchema: { properties: { s: { enum: ['ann', 'bob', ''] } } } }, [2, 4]]
  ]
  for (const [filter, expected] of rows) t.deepEqual(await find(things, filter, FIRST), expected, JSON.stringify(filter))
})

test('distinct, groups, sets and extremes take equal strings together, the first met for all', async (t) => {
  const things = await collection(t, [{ _id: 1, s: 'Ann', n: 1 }, { _id: 2, s: 'bob', n: 2 }, { _id: 3, s: 'ANN', n: 3 }, { _id: 4, s: 'Bob', n: 4 }, { _id: 5, s: 1, n: 5 }])
  const run = (...stages) => things.aggregate(stages, { collation: SECOND }).toArray()
  t.deepEqual(await things.distinct('s', {}, { collation: SECOND }), ['Ann', 'bob', 1])
  t.deepEqual(await run({ $group: { _id: '$s', n: { $sum: '$n' } } }), [{ _id: 'Ann', n: 4 }, { _id: 'bob', n: 6 }, { _id: 1, n: 5 }])
  t.deepEqual(await run({ $group: { _id: { s: '$s' }, n: { $push: '$n' } } }, { $sort: { '_id.s': -1 } }), [{ _id: { s: 'bob' }, n: [2, 4] }, { _id: { s: 'Ann' }, n: [1, 3] }, { _id: { s: 1 }, n: [5] }])
  t.deepEqual(await run({ $sortByCount: '$s' }, { $limit: 2 }), [{ _id: 'Ann', count: 2 }, { _id: 'bob', count: 2 }])
  const [row] = await run({
    $group: { _id: null, least: { $min: '$s' }, most: { $max: '$s' }, set: { $addToSet: '$s' }, two: { $minN: { input: '$s', n: 3 } }, top: { $top: { sortBy: { s: -1 }, output: '$_id' } } }
  })
  t.deepEqual(row, { _id: null, least: 1, most: 'bob', set: ['Ann', 'bob', 1], two: [1, 'Ann', 'ANN'], top: 2 })
  t.deepEqual(await run({ $bucket: { groupBy: '$s', boundaries: ['A', 'b', 'c'], default: 'other' } }, { $sort: { count: -1 } }), [{ _id: 'A', count: 2 }, { _id: 'b', count: 2 }, { _id: 'other', count: 1 }])
  t.deepEqual((await run({ $match: { n: { $lt: 5 } } }, { $bucketAuto: { groupBy: '$s', buckets: 2 } })).map(({ count }) => count), [2, 2])
})

test('after a group its _id is a value like others; the _id of a stored document compares by bytes', async (t) => {
  const things = await collection(t, [{ _id: 'b', s: 'b' }, { _id: 'A', s: 'A' }, { _id: 'a', s: 'a' }])
  t.deepEqual(await find(things, { _id: 'B' }, FIRST), [])
  t.deepEqual(await find(things, { _id: { $in: ['a', 'B'] } }, FIRST), ['a'])
  t.deepEqual(await find(things, {}, FIRST, { sort: { _id: 1 } }), ['A', 'a', 'b'])
  t.deepEqual(await planOf(things, { _id: 'a' }, { collation: FIRST }), ['IDHACK'])
  t.is((await things.insertOne({ _id: 'B' })).insertedId, 'B')
  const groups = await things.aggregate([{ $match: { s: { $exists: true } } }, { $group: { _id: '$s' } }, { $match: { _id: 'B' } }], { collation: FIRST }).toArray()
  t.deepEqual(groups, [{ _id: 'b' }])
  const order = await things.aggregate([{ $group: { _id: '$s' } }, { $sort: { _id: -1 } }], { collation: FIRST }).toArray()
  t.deepEqual(order.slice(0, 2), [{ _id: 'b' }, { _id: 'A' }])
})

test('expressions compare under the collation, and functions of text do not', async (t) => {
  const things = await collection(t, [{ _id: 1, s: 'Ann', list: ['b', 'A', 'a', 'B'] }])
  const [row] = await things.aggregate([{
    $project: {
      eq: { $eq: ['$s', 'ann'] }, cmp: { $cmp: ['$s', 'ANN'] }, in: { $in: ['ANN', ['x', '$s']] }, many: { $in: ['$s', Array.from({ length: 20 }, (_, n) => (n === 7 ? 'ANN' : `w${n}`))] },
      union: { $setUnion: ['$list', ['a']] }, subset: { $setIsSubset: [['a', 'b'], '$list'] }, minus: { $setDifference: ['$list', ['A']] }, sorted: { $sortArray: { input: '$list', sortBy: 1 } },
      max: { $max: '$list' }, at: { $indexOfArray: ['$list', 'a'] }, where: { $indexOfCP: ['$s', 'N'] }, folded: { $strcasecmp: ['$s', 'ann'] }, found: { $regexMatch: { input: '$s', regex: 'ann' } },
      chosen: { $cond: [{ $eq: ['$s', 'ANN'] }, 1, 2] }
    }
  }], { collation: FIRST }).toArray()
  t.deepEqual(row, {
    _id: 1, eq: true, cmp: 0, in: true, many: true, union: ['A', 'b'], subset: true, minus: ['b'], sorted: ['A', 'a', 'b', 'B'], max: 'b', at: 1, where: -1, folded: 0, found: false, chosen: 1
  })
})

test('stages that read other collections compare as the operation does', async (t) => {
  const db = await memory(t)
  await db.collection('a').insertMany([{ _id: 1, k: 'X' }, { _id: 2, k: 'y' }])
  await db.collection('b').insertMany([{ _id: 1, k: 'x' }, { _id: 2, k: 'X' }, { _id: 3, k: 'Y' }])
  const look = (pipeline) => db.collection('a').aggregate(pipeline, { collation: FIRST }).toArray()
  const joined = await look([{ $lookup: { from: 'b', localField: 'k', foreignField: 'k', as: 'found' } }])
  t.deepEqual(joined.map(({ found }) => idsOf(found)), [[1, 2], [3]])
  const matched = await look([{ $lookup: { from: 'b', let: { k: '$k' }, pipeline: [{ $match: { $expr: { $eq: ['$k', '$$k'] } } }], as: 'found' } }])
  t.deepEqual(matched.map(({ found }) => idsOf(found)), [[1, 2], [3]])
  t.is((await look([{ $unionWith: { coll: 'b', pipeline: [{ $match: { k: 'Y' } }] } }])).length, 3)
  t.deepEqual(await look([{ $facet: { some: [{ $match: { k: 'x' } }, { $count: 'n' }] } }]), [{ some: [{ n: 1 }] }])
})

test('writes choose and change by the collation', async (t) => {
  const things = await collection(t, [{ _id: 1, s: 'Ann', tags: ['A', 'b', 'a'], n: 'b' }, { _id: 2, s: 'bob', tags: [{ k: 'X', v: 1 }] }, { _id: 3, s: 'ANN' }])
  const collation = FIRST
  t.is((await things.updateMany({ s: 'ann' }, { $set: { seen: true } }, { collation })).matchedCount, 2)
  t.is((await things.updateOne({ _id: 1 }, { $addToSet: { tags: 'B' } }, { collation })).modifiedCount, 0)
  await things.updateOne({ _id: 1 }, { $pull: { tags: 'A' } }, { collation })
  t.deepEqual((await things.findOne({ _id: 1 })).tags, ['b'])
  await things.updateOne({ _id: 1 }, { $push: { tags: { $each: ['C', 'A', 'B'], $sort: 1 } }, $min: { n: 'C' } }, { collation })
  t.like(await things.findOne({ _id: 1 }), { tags: ['A', 'b', 'B', 'C'], n: 'b' })
  await things.updateOne({ _id: 1 }, { $max: { n: 'C' }, $pullAll: { tags: ['c', 'a'] } }, { collation })
  t.like(await things.findOne({ _id: 1 }), { tags: ['b', 'B'], n: 'C' })
  await things.updateOne({ _id: 2 }, { $set: { 'tags.$[one].v': 2 } }, { arrayFilters: [{ 'one.k': 'x' }], collation })
  await things.updateOne({ s: 'BOB', 'tags.k': 'x' }, { $inc: { 'tags.$.v': 1 } }, { collation })
  t.deepEqual((await things.findOne({ _id: 2 })).tags, [{ k: 'X', v: 3 }])
  await things.updateOne({ _id: 3 }, [{ $set: { same: { $eq: ['$s', 'ann'] } } }], { collation })
  t.true((await things.findOne({ _id: 3 })).same)
  t.is((await things.replaceOne({ s: 'BOB' }, { s: 'Bob' }, { collation })).modifiedCount, 1)
  t.is((await things.findOneAndUpdate({ s: 'bob' }, { $set: { x: 1 } }, { collation, returnDocument: 'after' })).x, 1)
  t.is((await things.findOneAndReplace({ s: 'BOB' }, { s: 'carl' }, { collation }))._id, 2)
  t.is((await things.findOneAndDelete({ s: 'CARL' }, { collation }))._id, 2)
  t.is((await things.updateOne({ s: 'DORA' }, { $set: { x: 1 } }, { upsert: true, collation })).upsertedCount, 1)
  t.is((await things.updateOne({ s: 'dora' }, { $set: { x: 2 } }, { upsert: true, collation })).upsertedCount, 0)
  t.is((await things.findOne({ x: 2 })).s, 'DORA')
  t.is((await things.deleteOne({ s: 'dora' }, { collation })).deletedCount, 1)
  t.is((await things.deleteMany({ s: 'ann' }, { collation })).deletedCount, 2)
})

test('each write of a bulk write has its own collation, else that of the call', async (t) => {
  const things = await collection(t, [{ _id: 1, s: 'a' }, { _id: 2, s: 'A' }, { _id: 3, s: 'b' }, { _id: 4, s: 'B' }])
  const result = await things.bulkWrite([
    { updateMany: { filter: { s: 'a' }, update: { $set: { x: 1 } }, collation: FIRST } },
    { updateMany: { filter: { s: 'b' }, update: { $set: { x: 1 } } } },
    { insertOne: { document: { _id: 5, s: 'C' } } },
    { replaceOne: { filter: { s: 'c' }, replacement: { s: 'd' }, collation: FIRST } },
    { deleteOne: { filter: { s: 'D' }, collation: FIRST } },
    { deleteMany: { filter: { s: 'B' }, collation: { locale: 'simple' } } }
  ])
  t.like(result, { matchedCount: 4, modifiedCount: 4, deletedCount: 2, insertedCount: 1 })
  t.is((await things.bulkWrite([{ deleteMany: { filter: { s: 'A' } } }], { collation: FIRST })).deletedCount, 2)
  const synchronous = things.bulkWriteSync([{ deleteOne: { filter: { s: 'B' }, collation: FIRST } }])
  t.is(synchronous.deletedCount, 1)
})

test('the methods that block take it too', async (t) => {
  const things = await collection(t, shop())
  t.deepEqual(idsOf(things.findSync({ name: 'TEA' }, { collation: FIRST })), [5])
  t.is(things.findOneSync({ name: 'TEA' }, { collation: FIRST })._id, 5)
  t.is(things.countSync({ name: 'CAFE' }, { collation: FIRST }), 4)
  t.is(things.updateManySync({ name: 'CAFE' }, { $set: { x: 1 } }, { collation: FIRST }).matchedCount, 4)
  t.is(things.deleteManySync({ name: 'CAFE' }, { collation: FIRST }).deletedCount, 4)
})

test('cursor.collation is the option collation', async (t) => {
  const things = await collection(t, shop())
  const cursor = things.find({ name: 'CAFE' }).sort({ name: 1 }).collation(FIRST)
  t.deepEqual(idsOf(await cursor.clone().toArray()), [1, 2, 3, 4])
  t.is(await cursor.count(), 4)
  t.deepEqual(idsOf(await cursor.collation({ locale: 'simple' }).toArray()), [])
  t.is(await things.countDocuments({ name: 'CAFE' }, { collation: FIRST }), 4)
  t.is((await things.findOne({ name: 'TEA' }, { collation: FIRST, let: { x: 1 } }))._id, 5)
})

test('a collection gives its collation to operations and indexes that name none', async (t) => {
  const db = await memory(t)
  const things = await db.createCollection('things', { collation: SECOND })
  await things.insertMany(shop())
  t.deepEqual(await find(things, { name: 'CAFE' }), [1, 2])
  t.deepEqual(await find(things, { name: 'CAFE' }, { locale: 'simple' }), [])
  t.deepEqual(await find(things, { name: 'CAFE' }, FIRST), [1, 2, 3, 4])
  t.is(await things.countDocuments({ name: 'CAFE' }), 2)
  t.deepEqual(await things.distinct('name'), ['cafe', 'CAF\u00c9', 'tea'])
  t.is((await things.aggregate([{ $group: { _id: '$name' } }]).toArray()).length, 3)
  t.deepEqual(idsOf(things.findSync({ name: 'TEA' })), [5])
  await things.createIndex({ name: 1 })
  await things.createIndex({ name: -1 }, { collation: { locale: 'simple' } })
  t.deepEqual((await things.indexes()).map(({ name, collation }) => [name, collation?.strength]), [['_id_', undefined], ['name_1', 2], ['name_-1', undefined]])
  t.deepEqual((await things.indexes())[1].collation, {
    locale: 'en', caseLevel: false, caseFirst: 'off', strength: 2, numericOrdering: false, alternate: 'non-ignorable', maxVariable: 'punct', normalization: false, backwards: false, version: '2.4.0'
  })
  t.deepEqual((await db.listCollections().toArray())[0].options.collation, (await things.indexes())[1].collation)
  t.is((await things.updateMany({ name: 'TEA' }, { $set: { x: 1 } })).matchedCount, 1)
  t.is((await things.deleteMany({ name: 'TEA' })).deletedCount, 1)
  // Made once more as it is, and not otherwise.
  await db.createCollection('things', { collation: SECOND })
  await rejectsWith(t, 'CONFLICT', db.createCollection('things', { collation: FIRST }))
  await rejectsWith(t, 'BAD_QUERY', db.command({ collMod: 'things', collation: FIRST }))
})

test('an index serves the collation that it has, and no other strings', async (t) => {
  const things = await collection(t, shop())
  await things.insertMany(Array.from({ length: 300 }, (_, n) => ({ _id: 100 + n, name: `w${n}`, n })))
  await things.createIndex({ name: 1 }, { name: 'second', collation: SECOND })
  t.deepEqual(await planOf(things, { name: 'CAFE' }, { collation: SECOND }), ['FETCH', 'IXSCAN'])
  t.deepEqual(await planOf(things, { name: 'CAFE' }, { collation: FIRST }), ['COLLSCAN'])
  t.deepEqual(await planOf(things, { name: 'CAFE' }), ['COLLSCAN'])
  t.deepEqual(await planOf(things, { name: { $in: ['a', 1] } }), ['COLLSCAN'])
  t.deepEqual(await planOf(things, { name: 5 }), ['FETCH', 'IXSCAN'], 'a number is a number under every collation')
  t.deepEqual(await planOf(things, { name: null }), ['FETCH', 'IXSCAN'])
  const ordered = await planOf(things, { name: { $gt: 'w29' } }, { collation: SECOND, sort: { name: 1 }, limit: 3 })
  t.true(ordered.includes('IXSCAN') && !ordered.includes('SORT'), ordered.join())
  t.true((await planOf(things, {}, { sort: { name: 1 }, limit: 3 })).includes('COLLSCAN'))
  t.deepEqual(await find(things, { name: { $gt: 'W297' } }, SECOND, { sort: { name: 1 } }), await find(things, { name: { $gt: 'W297' } }, SECOND, { sort: { name: 1 }, hint: { $natural: 1 } }))
  t.deepEqual(await find(things, { name: { $in: ['TEA', /^caf/] } }, SECOND), [1, 4, 5])
  t.deepEqual(await find(things, { name: { $in: [/^caf/, 7] } }, SECOND, { hint: 'second' }), [1, 4])
  t.is(await things.countDocuments({ name: { $regex: '^caf', $gt: 'A' } }, { collation: SECOND, hint: 'second' }), 2)
  t.is(await things.countDocuments({ name: 'CAFE' }, { collation: SECOND }), 2)
  t.is(await things.countDocuments({ name: 'CAFE' }, { hint: 'second' }), 0)
  t.deepEqual(await find(things, { name: 'cafe' }, undefined, { hint: 'second' }), [1])
  t.deepEqual(await things.distinct('name', { name: { $lt: 'w' } }, { collation: SECOND }), ['cafe', 'CAF\u00c9', 'tea'])
  const { winningPlan } = (await things.find({ name: 'a' }, { collation: SECOND }).explain('queryPlanner')).queryPlanner
  t.regex(winningPlan.inputStage.indexBounds.name[0], /^\["CollationKey\(0x[\da-f]+\)"/)
  // The same fields under other collations are other indexes.
  await things.createIndex({ name: 1 }, { name: 'first', collation: FIRST })
  await things.createIndex({ name: 1 })
  await rejectsWith(t, 'BAD_QUERY', things.createIndex({ name: 1 }, { collation: FIRST, name: 'name_1' }))
  t.deepEqual(await find(things, { name: 'CAFE' }, FIRST), [1, 2, 3, 4])
  t.deepEqual(await find(things, { name: 'cafe' }), [1])
})

test('a unique index takes strings that are equal under its collation for the same', async (t) => {
  const things = await collection(t, [{ _id: 1, name: 'Ann' }])
  await things.createIndex({ name: 1 }, { unique: true, collation: SECOND })
  const error = await rejectsWith(t, 'DUPLICATE_KEY', things.insertOne({ name: 'ANN' }))
  t.deepEqual(error.keyValue ?? error.details?.keyValue, { name: 'ANN' })
  await rejectsWith(t, 'DUPLICATE_KEY', things.updateOne({ _id: 1 }, { $set: { name: 'bob' } }).then(() => things.insertMany([{ name: 'Bob' }])))
  await things.updateOne({ _id: 1 }, { $set: { name: 'BOB' } })
  t.is((await things.findOne({ _id: 1 })).name, 'BOB')
  await things.insertMany([{ _id: 2, name: ['x', 'X'] }, { _id: 3, name: 'B\u00f3b' }])
  await rejectsWith(t, 'DUPLICATE_KEY', things.insertOne({ name: ['X'] }))
  const more = await collection(t, [{ s: 'a' }, { s: 'A' }])
  await rejectsWith(t, 'DUPLICATE_KEY', more.createIndex({ s: 1 }, { unique: true, collation: FIRST }))
  await more.createIndex({ s: 1 }, { unique: true })
})

test('unique, partial, sparse and multikey go together with a collation', async (t) => {
  const things = await collection(t, [])
  await things.createIndex({ s: 1 }, { unique: true, collation: SECOND, partialFilterExpression: { kind: 'Open' } })
  await things.createIndex({ tags: 1 }, { sparse: true, collation: FIRST })
  await things.insertMany([{ _id: 1, s: 'a', kind: 'open', tags: ['X', 'y'] }, { _id: 2, s: 'A', kind: 'shut' }, { _id: 3, s: 'b', kind: 'OPEN', tags: 'x' }])
  await rejectsWith(t, 'DUPLICATE_KEY', things.insertOne({ s: 'A', kind: 'oPEN' }))
  await rejectsWith(t, 'DUPLICATE_KEY', things.updateOne({ _id: 2 }, { $set: { kind: 'OPEN' } }))
  t.deepEqual(await planOf(things, { s: 'A', kind: 'OPEN' }, { collation: SECOND, hint: 's_1' }), ['FETCH', 'IXSCAN'])
  t.deepEqual(await find(things, { s: 'A', kind: 'OPEN' }, SECOND), [1])
  t.deepEqual(await find(things, { s: 'A', kind: 'OPEN' }, SECOND, { hint: 's_1' }), [1])
  t.deepEqual(await find(things, { s: 'A', kind: 'OPEN' }, undefined, { hint: 's_1' }), [])
  t.deepEqual(await find(things, { s: 'A' }, SECOND, { hint: 's_1' }), [1, 2])
  t.deepEqual(await find(things, { tags: 'x' }, FIRST), [1, 3])
  t.deepEqual(await find(things, { tags: { $in: ['Y', null] } }, FIRST), [1, 2])
})

test('odd strings: empty ones, NUL, halves of pairs, and a megabyte', async (t) => {
  const long = 'x'.repeat(1 << 20)
  const odd = ['', '\0', 'a\0b', 'ab', '\u{1f600}', `${long}a`, `${long}B`, `${long}A`, '\ufffd']
  const things = await collection(t, odd.map((s, n) => ({ _id: n, s })))
  const scanned = await collection(t, odd.map((s, n) => ({ _id: n, s })))
  await things.createIndex({ s: 1 }, { collation: FIRST })
  for (const s of odd) {
    t.deepEqual(await find(things, { s }, FIRST), await find(scanned, { s }, FIRST), s.slice(0, 5))
    t.is(await things.countDocuments({ s }, { collation: FIRST }), (await find(scanned, { s }, FIRST)).length)
    t.deepEqual(await find(things, { s: { $gte: s } }, FIRST, { sort: { s: 1 } }), await find(scanned, { s: { $gte: s } }, FIRST, { sort: { s: 1 } }))
  }
  t.deepEqual(await find(things, { s: `${long}a` }, FIRST), [5, 7])
  t.is((await things.distinct('s', {}, { collation: FIRST })).length, (await scanned.distinct('s', {}, { collation: FIRST })).length)
  await t.throwsAsync(things.insertOne({ s: '\ud800' }))
  await things.createIndex({ t: 1 }, { unique: true, sparse: true, collation: FIRST })
  await things.insertOne({ t: `${long}a` })
  await rejectsWith(t, 'DUPLICATE_KEY', things.insertOne({ t: `${long}A` }))
  await things.insertOne({ t: `${long}b` })
})

test('a view has its own collation, and no other can be asked of it', async (t) => {
  const db = await memory(t)
  await db.createCollection('things', { collation: FIRST })
  await db.collection('things').insertMany(shop())
  await db.createCollection('plain', { viewOn: 'things', pipeline: [{ $match: { name: 'CAFE' } }] })
  await db.createCollection('view', { viewOn: 'things', pipeline: [{ $match: { name: 'CAFE' } }], collation: SECOND })
  t.deepEqual(await find(db.collection('plain'), {}), [], 'none is the simple one, whatever is below')
  const view = db.collection('view')
  t.deepEqual(await find(view, {}), [1, 2])
  t.deepEqual(await find(view, { name: 'cAfE' }, SECOND), [1, 2])
  t.is(await view.countDocuments({ name: 'CAFE' }), 2)
  t.deepEqual(await view.distinct('name'), ['cafe'])
  t.is((await view.aggregate([{ $match: { name: 'CAFe' } }]).toArray()).length, 2)
  for (const collation of [FIRST, { locale: 'simple' }]) {
    const error = await rejectsWith(t, 'BAD_QUERY', view.find({}, { collation }).toArray())
    t.is(error.code, 167)
    await rejectsWith(t, 'BAD_QUERY', view.aggregate([], { collation }).toArray())
    await rejectsWith(t, 'BAD_QUERY', view.countDocuments({}, { collation }))
    await rejectsWith(t, 'BAD_QUERY', view.distinct('name', {}, { collation }))
  }
  await rejectsWith(t, 'BAD_QUERY', db.createCollection('over', { viewOn: 'view', collation: FIRST }))
  await db.createCollection('over', { viewOn: 'view', collation: SECOND })
  t.deepEqual(await find(db.collection('over'), { name: 'CAFE' }), [1, 2])
  await rejectsWith(t, 'BAD_QUERY', db.collection('things').aggregate([{ $lookup: { from: 'view', localField: 'name', foreignField: 'name', as: 'x' } }]).toArray())
  t.is((await view.find().explain('queryPlanner')).queryPlanner.winningPlan.stage, 'COLLSCAN')
})

test('a validator compares as its collection does', async (t) => {
  const db = await memory(t)
  const things = await db.createCollection('things', { collation: FIRST, validator: { kind: { $in: ['open', 'shut'] } } })
  await things.insertOne({ kind: 'OPEN' })
  const error = await rejectsWith(t, 'SCHEMA_VIOLATION', things.insertOne({ kind: 'other' }))
  t.is(error.code, 121)
  await db.command({ collMod: 'things', validator: { kind: 'BOTH' } })
  await things.insertOne({ kind: 'both' })
  await rejectsWith(t, 'SCHEMA_VIOLATION', things.insertOne({ kind: 'open' }))
})

test('a transaction sees its own writes under the collation', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  await things.insertMany(shop())
  await things.createIndex({ name: 1 }, { unique: true, collation: THIRD })
  await db.transaction(async (tx) => {
    const own = tx.collection('things')
    await own.insertOne({ _id: 10, name: 'CAFE' })
    await own.updateOne({ name: 'TEA' }, { $set: { name: 'cafE' } }, { collation: SECOND })
    t.deepEqual(await find(own, { name: 'cafe' }, SECOND, { sort: { name: 1, _id: 1 } }), [1, 2, 5, 10])
    t.deepEqual(await find(own, { name: 'CAFE' }, THIRD), [10])
    t.is(await own.countDocuments({ name: 'cafe' }, { collation: FIRST }), 6)
    t.deepEqual(await own.distinct('name', {}, { collation: FIRST }), ['cafe'])
    const fresh = await tx.createCollection('fresh', { collation: FIRST })
    await fresh.createIndex({ s: 1 }, { unique: true })
    await fresh.insertOne({ s: 'a' })
    t.is(await fresh.countDocuments({ s: 'A' }), 1)
  })
  await rejectsWith(t, 'DUPLICATE_KEY', db.transaction((tx) => tx.collection('fresh').insertOne({ s: 'A' })))
  t.is(await db.collection('fresh').countDocuments({ s: 'A' }), 1)
  db.transactionSync((tx) => {
    tx.collection('fresh').updateOneSync({ s: 'A' }, { $set: { n: 1 } })
    t.is(tx.collection('fresh').findOneSync({ s: 'A' }).n, 1)
  })
})

test('a live query compares as its find, and as its collection does', async (t) => {
  const db = await memory(t)
  const things = await db.createCollection('things', { collation: FIRST })
  await things.insertMany([{ _id: 1, s: 'b' }, { _id: 2, s: 'A' }])
  const live = things.find({ s: { $lte: 'B' } }).sort({ s: 1 }).live()
  const next = async () => idsOf((await live.next()).value.documents)
  t.deepEqual(await next(), [2, 1])
  await things.insertOne({ _id: 3, s: 'a' })
  t.deepEqual(await next(), [2, 3, 1])
  await live.close()
})

for (const way of ['closed', 'without its checkpoint', 'compacted']) {
  test(`indexes and collections have their collations after reopening: ${way}`, async (t) => {
    const path = directory(t)
    const db = await Database.open(path)
    const things = await db.createCollection('things', { collation: SECOND, validator: { kind: 'open' } })
    await things.insertMany(shop().map((one) => ({ ...one, kind: 'OPEN' })))
    await things.createIndex({ name: 1 })
    await things.createIndex({ name: 1, _id: 1 }, { collation: FIRST })
    await db.createCollection('view', { viewOn: 'things', pipeline: [{ $match: { name: 'TEA' } }], collation: THIRD })
    const before = [await things.indexes(), await db.listCollections().toArray()]
    if (way === 'compacted') await db.compact()
    await db.close()
    if (way === 'without its checkpoint') for (const name of readdirSync(path)) if (name.endsWith('.chk')) rmSync(join(path, name))
    const again = await onDisk(t, {}, path)
    const same = again.collection('things')
    t.deepEqual([await same.indexes(), await again.listCollections().toArray()], before)
    t.deepEqual(await find(same, { name: 'CAFE' }), [1, 2])
    t.deepEqual(await find(same, { name: 'CAFE' }, FIRST, { hint: 'name_1__id_1' }), [1, 2, 3, 4])
    t.deepEqual(await find(again.collection('view'), {}), [])
    await rejectsWith(t, 'SCHEMA_VIOLATION', same.insertOne({ kind: 'x' }))
    await same.insertOne({ _id: 9, name: 'TEA', kind: 'Open' })
    t.deepEqual(await find(same, { name: 'tEa' }), [5, 9])
  })
}

test('copies, earlier states and dumps keep it', async (t) => {
  const db = await onDisk(t, { history: { past: { maxAge: 60_000 } } })
  const things = await db.createCollection('things', { collation: SECOND })
  await things.insertMany(shop())
  await things.createIndex({ name: 1 }, { name: 'first', collation: FIRST })
  const folder = directory(t)
  await db.backup(join(folder, 'copy'))
  t.true((await Database.verify(join(folder, 'copy'))).ok ?? true)
  const copy = await onDisk(t, {}, join(folder, 'copy'))
  const fork = await db.fork()
  const dump = join(folder, 'dump')
  await db.exportMongodump(dump)
  const fromDump = await memory(t)
  await fromDump.importFile(join(dump, readdirSync(dump)[0]), { format: 'mongodump' })
  for (const one of [copy, fork, fromDump]) {
    const same = one.collection('things')
    t.deepEqual(await find(same, { name: 'CAFE' }), [1, 2])
    t.deepEqual(await find(same, { name: 'CAFE' }, FIRST, { hint: 'first' }), [1, 2, 3, 4])
    t.deepEqual(await same.indexes(), await things.indexes())
  }
  await fork.close()
  const held = await memory(t)
  await held.createCollection('c', { collation: FIRST })
  await held.collection('c').insertOne({ s: 'a' })
  const snapshot = await held.snapshot()
  await held.collection('c').drop()
  await held.collection('c').insertOne({ s: 'b' })
  await held.restore(snapshot)
  t.is(await held.collection('c').countDocuments({ s: 'A' }), 1)
})

test('with memoryLimit: 1 every answer is the same', async (t) => {
  const db = await onDisk(t, { memoryLimit: 1 })
  const things = await db.createCollection('things', { collation: FIRST })
  const words = ['a', 'A', '\u00e1', 'b', 'B', 'c']
  await things.insertMany(Array.from({ length: 600 }, (_, n) => ({ _id: n, s: `${words[n % 6]}${n % 10}`, big: 'x'.repeat(200) })))
  await things.createIndex({ s: 1 })
  t.is(await things.countDocuments({ s: 'A0' }), 40)
  t.is((await things.find({ s: 'A0' }).toArray()).length, 40)
  t.is((await things.distinct('s')).length, 25)
  t.is((await things.aggregate([{ $group: { _id: '$s', n: { $sum: 1 } } }]).toArray()).length, 25)
  const sorted = (await things.find({}, { sort: { s: 1 } }).toArray()).map(({ s }) => s.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase())
  t.deepEqual(sorted, [...sorted].sort())
})

test('sorts and groups on disk have the results that they have in memory', async (t) => {
  const rows = Array.from({ length: 20_000 }, (_, n) => ({ _id: n, s: `${'aA\u00e1bB'[n % 5]}${(n * 7) % 997}`, more: 'x'.repeat(100) }))
  const run = async (options) => {
    const db = await onDisk(t, options)
    await db.collection('c').insertMany(rows)
    const pipeline = [{ $group: { _id: '$s', all: { $push: '$_id' }, set: { $addToSet: '$s' } } }, { $sort: { _id: 1 } }]
    return [await db.collection('c').aggregate(pipeline, { collation: FIRST }).toArray(), idsOf(await db.collection('c').aggregate([{ $sort: { s: -1 } }], { collation: FIRST }).toArray())]
  }
  t.deepEqual(await run({ queryMemoryLimit: 1 << 20 }), await run({}))
})

test('worker threads read and write under the collation of a collection', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  await (await db.createCollection('things', { collation: FIRST })).createIndex({ s: 1 }, { unique: true })
  await db.collection('things').insertOne({ s: 'a' })
  const source = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { Database } = require(${JSON.stringify(new URL('../index.js', import.meta.url).pathname)})
    Database.open(workerData).then(async (db) => {
      const things = db.collection('things')
      const failed = await things.insertOne({ s: 'A' }).then(() => 'none', (error) => error.kind)
      parentPort.postMessage([await things.countDocuments({ s: 'A' }), failed])
      await db.close()
    })`
  const worker = new Worker(source, { eval: true, workerData: path })
  const answer = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  t.deepEqual(answer, [1, 'DUPLICATE_KEY'])
  await worker.terminate()
})

test('a collation that is none is refused, with the name of the field', async (t) => {
  const things = await collection(t, shop())
  const refused = async (collation, kind, code, field) => {
    const error = await rejectsWith(t, kind, things.find({}, { collation }).toArray(), new RegExp(field))
    t.is(error.code, code, JSON.stringify(collation))
  }
  await refused({ locale: 'xx' }, 'BAD_QUERY', 2, 'locale')
  await refused({ locale: 'de_CH' }, 'BAD_QUERY', 2, "did you mean 'de'")
  await refused({ locale: 'en', strength: 0 }, 'BAD_QUERY', 2, 'strength')
  await refused({ locale: 'en', strength: '1' }, 'BAD_QUERY', 14, 'strength')
  await refused({ locale: 'en', caseFirst: 'both' }, 'BAD_QUERY', 2, 'caseFirst')
  await refused({ locale: 'en', numericOrdering: 1 }, 'BAD_QUERY', 14, 'numericOrdering')
  await refused({ strength: 1 }, 'BAD_QUERY', 40414, 'locale')
  await refused({ locale: 'simple', strength: 1 }, 'BAD_QUERY', 2, 'locale')
  await rejectsWith(t, 'NOT_SUPPORTED', things.find({}, { collation: { locale: 'fr', backwards: true } }).toArray(), /backwards/)
  await rejectsWith(t, 'NOT_SUPPORTED', things.find({}, { collation: { locale: 'de@collation=search' } }).toArray(), /locale/)
  t.throws(() => things.find({}, { collation: { locale: 'en', strenght: 1 } }), { instanceOf: TypeError, message: /strength/ })
  t.throws(() => things.find({}, { collation: 'en' }), { instanceOf: TypeError })
  await rejectsWith(t, 'BAD_QUERY', things.createIndex({ name: 1 }, { collation: { locale: 'xx' } }), /locale/)
  await rejectsWith(t, 'NOT_SUPPORTED', things.createIndex({ _id: 1 }, { collation: FIRST }), /_id/)
  await rejectsWith(t, 'NOT_SUPPORTED', things.createIndexes([{ key: { name: 1 } }], { collation: FIRST }), /each index/)
  t.throws(() => things.watch([], { collation: FIRST }), { message: /collation/ })
})

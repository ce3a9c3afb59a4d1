// Wrong operands, operator by operator, and the code of MongoDB's server for each.

/* oxlint-disable unicorn/no-thenable -- branches of $cond and $switch are no Promises */

import test from 'ava'

import { collection, memory } from './support/database.mjs'

/** The outcome in one word per case, so that all differences are shown at once. */
async function codes(t, cases, run) {
  const wrong = []
  for (const [code, ...input] of cases) {
    const shown = JSON.stringify(input, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))
    try {
      await run(...input)
      wrong.push(`${shown}: nothing was refused, ${code} expected`)
    } catch (error) {
      if (error.code !== code) wrong.push(`${shown}: ${error.code} (${error.message}), ${code} expected`)
      else if (typeof error.codeName !== 'string') wrong.push(`${shown}: no codeName`)
    }
  }
  t.deepEqual(wrong, [])
}

const document = { _id: 1, n: 5, s: 'x', a: [1, 2], o: { b: 1 }, b: [3, 4], d: new Date(0) }

test('expressions', async (t) => {
  const users = await collection(t, [document])
  await codes(t, [
    [168, { $nothing: 1 }], [15983, { $add: [1], $abs: 1 }], [16410, { a: 1, $add: [1] }], [16412, [{ 'a.b': 1 }]], [17276, '$$unknown'],
    [16872, '$'], [40353, '$a.'], [15998, '$a..b'], [16020, { $divide: [1] }], [28667, { $round: [1, 2, 3] }], [1257300, { $ifNull: [1] }],
    [28765, { $abs: 's' }], [28680, { $abs: -9223372036854775808n }], [14, { $add: ['x', 1] }], [16612, { $add: ['$d', '$d'] }],
    [28765, { $ceil: 's' }], [14, { $divide: ['x', 1] }], [2, { $divide: [1, 0] }], [28766, { $ln: 0 }], [28761, { $log10: -1 }], [28756, { $log: ['x', 2] }],
    [28757, { $log: [1, 'x'] }], [28758, { $log: [0, 2] }], [28759, { $log: [1, 1] }], [16611, { $mod: ['x', 1] }], [16610, { $mod: [1, 0] }],
    [14, { $multiply: ['x', 1] }], [28762, { $pow: ['x', 1] }], [28763, { $pow: [1, 'x'] }], [28764, { $pow: [0, -1] }], [51081, { $round: ['x', 1] }],
    [51082, { $round: [1, 1.5] }], [51083, { $round: [1, 101] }], [28714, { $sqrt: -1 }], [14, { $subtract: ['x', 1] }], [51081, { $trunc: ['x'] }],
    [28765, { $sin: 'x' }], [50989, { $acos: 2 }], [51044, { $atan2: ['x', 1] }], [51045, { $atan2: [1, 'x'] }], [14, { $bitAnd: [1.5, 1] }],
    [28689, { $arrayElemAt: [1, 0] }], [28690, { $arrayElemAt: [[1], 'x'] }], [28691, { $arrayElemAt: [[1], 1.5] }], [28664, { $concatArrays: [[1], 1] }],
    [28689, { $first: 's' }], [28689, { $last: 's' }], [40081, { $in: [1, 1] }], [40090, { $indexOfArray: [1, 1] }],
    [40096, { $indexOfArray: [[1], 1, 'x'] }], [40097, { $indexOfArray: [[1], 1, -1] }], [34443, { $range: ['x', 1] }], [34444, { $range: [1.5, 2] }],
    [34445, { $range: [1, 'x'] }], [34447, { $range: [1, 2, 'x'] }], [34449, { $range: [1, 2, 0] }], [34435, { $reverseArray: 1 }], [17124, { $size: 1 }],
    [28724, { $slice: [1, 1] }], [28725, { $slice: [[1], 'x'] }], [28727, { $slice: [[1], 1, 'x'] }], [28729, { $slice: [[1], 0, 0] }],
    [34460, { $zip: 1 }], [34461, { $zip: { inputs: 1 } }], [34464, { $zip: { inputs: [[1]], x: 1 } }], [34468, { $zip: { inputs: [1] } }],
    [34466, { $zip: { inputs: [[1]], defaults: [1] } }], [5788200, { $firstN: { input: 1, n: 1 } }], [5787908, { $firstN: { input: [1], n: 0 } }],
    [5787902, { $lastN: { input: [1], n: 'x' } }], [2942504, { $sortArray: { input: 1, sortBy: 1 } }], [2942503, { $sortArray: { input: [1] } }],
    [17040, { $allElementsTrue: [1] }], [17041, { $anyElementTrue: [1] }], [17048, { $setDifference: [1, [1]] }], [17049, { $setDifference: [[1], 1] }],
    [17044, { $setEquals: [[1], 1] }], [17045, { $setEquals: [[1]] }], [17047, { $setIntersection: [[1], 1] }], [17046, { $setIsSubset: [1, [1]] }],
    [17042, { $setIsSubset: [[1], 1] }], [17043, { $setUnion: [[1], 1] }], [40386, { $arrayToObject: 1 }], [40396, { $arrayToObject: { $literal: [['a', 1], { k: 'a', v: 1 }] } }],
    [40397, { $arrayToObject: { $literal: [['a']] } }], [40392, { $arrayToObject: { $literal: [{ k: 'a' }] } }], [40400, { $mergeObjects: [1] }],
    [40390, { $objectToArray: 1 }], [4161105, { $setField: { field: 'a', input: 1, value: 1 } }], [4161103, { $setField: { field: 'a', input: {} } }],
    [3041704, { $getField: { field: { $add: [1] } } }], [16702, { $concat: ['a', 1] }], [50699, { $trim: { input: 1 } }], [50700, { $trim: { input: 'a', chars: 1 } }],
    [50695, { $ltrim: { chars: 'a' } }], [40085, { $split: [1, 'a'] }], [40086, { $split: ['a', 1] }], [40087, { $split: ['a', ''] }], [34473, { $strLenBytes: 1 }],
    [34471, { $strLenCP: 1 }], [16007, { $toLower: ['$a'] }], [16034, { $substrBytes: ['a', 'x', 1] }], [50752, { $substrBytes: ['a', -1, 1] }],
    [28656, { $substrBytes: ['\u00e9', 1, 1] }], [34450, { $substrCP: ['a', 'x', 1] }], [34454, { $substrCP: ['a', 0, -1] }], [40091, { $indexOfBytes: [1, 'a'] }],
    [40094, { $indexOfCP: ['a', 1] }], [40097, { $indexOfCP: ['a', 'a', -1] }], [51746, { $replaceOne: { input: 1, find: 'a', replacement: 'b' } }],
    [51745, { $replaceAll: { input: 'a', find: 1, replacement: 'b' } }], [51747, { $replaceAll: { input: 'a', find: 'a' } }], [51104, { $regexMatch: { input: 1, regex: 'a' } }],
    [51105, { $regexFind: { input: 'a', regex: '$n' } }], [51111, { $regexFind: { input: 'a', regex: '(' } }], [51108, { $regexMatch: { input: 'a', regex: 'a', options: 'q' } }],
    [51103, { $regexFindAll: 1 }], [31024, { $regexMatch: { input: 'a', regex: 'a', x: 1 } }], [31022, { $regexMatch: { regex: 'a' } }],
    [241, { $toInt: 'x' }], [241, { $convert: { input: 'x', to: 'double' } }], [2, { $convert: { input: 'x', to: 'nothing' } }], [9, { $convert: { input: 'x' } }],
    [17083, { $cond: { if: 1, then: 1, x: 1 } }], [17082, { $cond: { if: 1, then: 1 } }], [16020, { $cond: [1] }], [40060, { $switch: 1 }], [40066, { $switch: { branches: [{ case: false, then: 1 }] } }],
    [40068, { $switch: { branches: [] } }], [16874, { $let: 1 }], [16877, { $let: { vars: {} } }], [9, { $let: { vars: { Bad: 1 }, in: 1 } }], [16883, { $map: { input: 1, in: 1 } }],
    [16882, { $map: { input: [1] } }], [16879, { $map: { input: [1], in: 1, x: 1 } }], [28651, { $filter: { input: 1, cond: true } }], [28650, { $filter: { input: [1] } }],
    [327392, { $filter: { input: [1], cond: true, limit: 0 } }], [40080, { $reduce: { input: 1, initialValue: 0, in: 1 } }], [40079, { $reduce: { input: [1], initialValue: 0 } }],
    [16006, { $year: 'x' }], [40485, { $hour: { date: '$d', timezone: 'Nowhere/City' } }], [40533, { $hour: { date: '$d', timezone: 1 } }], [40517, { $dateToString: { date: '$d', timezone: 1 } }],
    [18536, { $dateToString: { date: '$d', format: '%q' } }], [18535, { $dateToString: { date: '$d', format: '%' } }], [241, { $dateFromString: { dateString: 'x' } }],
    [40542, { $dateFromString: {} }], [40516, { $dateFromParts: {} }], [40515, { $dateFromParts: { year: 'x' } }], [40489, { $dateFromParts: { year: 2000, isoWeek: 1 } }],
    [5166403, { $dateAdd: { startDate: 1, unit: 'day', amount: 1 } }], [9, { $dateAdd: { startDate: '$d', unit: 'x', amount: 1 } }], [5166405, { $dateSubtract: { startDate: '$d', unit: 'day', amount: 'x' } }],
    [5166307, { $dateDiff: { startDate: 1, endDate: '$d', unit: 'day' } }], [5439014, { $dateDiff: { startDate: '$d', endDate: '$d', unit: 'x' } }], [5439012, { $dateTrunc: { date: 1, unit: 'day' } }],
    [51276, { $binarySize: 1 }], [31393, { $bsonSize: 1 }]
  ], (expression) => users.aggregate([{ $addFields: { x: expression } }]).toArray())
})

test('stages', async (t) => {
  const users = await collection(t, [document])
  await codes(t, [
    [40324, { $nothing: 1 }], [40323, {}], [15959, { $match: 1 }], [2, { $match: { n: { $nothing: 1 } } }], [15947, { $group: 1 }], [15955, { $group: { n: { $sum: 1 } } }],
    [40234, { $group: { _id: 1, n: 1 } }], [40235, { $group: { _id: 1, 'a.b': { $sum: 1 } } }], [40238, { $group: { _id: 1, n: { $sum: 1, $max: 1 } } }],
    [15952, { $group: { _id: 1, n: { $nothing: 1 } } }], [40237, { $group: { _id: 1, n: { $sum: [1, 2] } } }], [5787908, { $group: { _id: 1, n: { $firstN: { input: 1, n: 0 } } } }],
    [5788005, { $group: { _id: 1, n: { $top: { output: 1 } } } }], [15969, { $project: 1 }], [51272, { $project: {} }], [31254, { $project: { a: 1, b: 0 } }],
    [31253, { $project: { a: 0, b: 1 } }], [51270, { $project: { a: {} } }], [31250, { $project: { a: 1, 'a.b': 1 } }], [40272, { $addFields: 1 }], [40177, { $set: {} }],
    [31002, { $unset: 1 }], [31120, { $unset: [1] }], [15973, { $sort: 1 }], [15975, { $sort: { a: 2 } }], [15974, { $sort: { a: 'x' } }], [15976, { $sort: {} }],
    [2, { $sort: { a: 1, b: 1 } }], [15958, { $limit: 0 }], [5107201, { $limit: -1 }], [5107201, { $limit: 'x' }], [5107200, { $skip: -1 }], [28745, { $sample: 1 }],
    [28747, { $sample: { size: -1 } }], [28749, { $sample: {} }], [28748, { $sample: { size: 1, x: 1 } }], [15981, { $unwind: 1 }], [28818, { $unwind: 'a' }], [28812, { $unwind: {} }],
    [28811, { $unwind: { path: '$a', x: 1 } }], [28809, { $unwind: { path: '$a', preserveNullAndEmptyArrays: 1 } }], [28822, { $unwind: { path: '$a', includeArrayIndex: '$i' } }],
    [40156, { $count: 1 }], [40157, { $count: '' }], [40158, { $count: '$a' }], [40160, { $count: 'a.b' }], [40201, { $bucket: 1 }], [40198, { $bucket: { groupBy: '$n' } }],
    [40200, { $bucket: { groupBy: '$n', boundaries: 1 } }], [40192, { $bucket: { groupBy: '$n', boundaries: [1] } }], [40194, { $bucket: { groupBy: '$n', boundaries: [2, 1] } }],
    [40193, { $bucket: { groupBy: '$n', boundaries: [1, 'a'] } }], [40199, { $bucket: { groupBy: '$n', boundaries: [1, 9], default: 5 } }],
    [40066, { $bucket: { groupBy: '$n', boundaries: [1, 2] } }], [40240, { $bucketAuto: 1 }], [40243, { $bucketAuto: { groupBy: '$n', buckets: 0 } }], [40169, { $facet: 1 }],
    [40170, { $facet: { a: 1 } }], [40600, { $facet: { a: [{ $facet: { b: [] } }] } }], [40319, { $lookup: 1 }], [9, { $lookup: { from: 'a', as: 'b', localField: 'c' } }],
    [9, { $lookup: { from: 'a', as: 'b', x: 1 } }], [40229, { $replaceRoot: 1 }], [40414, { $replaceRoot: {} }], [40228, { $replaceRoot: { newRoot: '$n' } }], [40228, { $replaceWith: '$n' }],
    [9, { $unionWith: 1 }], [40415, { $unionWith: { coll: 'a', x: 1 } }], [16990, { $out: 1 }], [51182, { $merge: 1 }], [40414, { $merge: {} }],
    [2, { $merge: { into: 'a', whenMatched: 'x' } }], [13113, { $merge: { into: 'nowhere', whenNotMatched: 'fail' } }]
  ], (stage) => users.aggregate([stage]).toArray())
  await codes(t, [[40601, [{ $out: 'x' }, { $match: {} }]], [40602, [{ $match: {} }, { $documents: [] }]]], (pipeline) => users.aggregate(pipeline).toArray())
})

test('filters, sorts and projections', async (t) => {
  const users = await collection(t, [document])
  await codes(t, [
    [2, { $nothing: 1 }], [2, { n: { $nothing: 1 } }], [2, { n: { $in: 1 } }], [2, { n: { $in: [{ $gt: 1 }] } }], [2, { $and: [] }], [2, { n: { $not: 1 } }], [2, { n: { $size: -1 } }],
    [2, { n: { $size: 'x' } }], [2, { n: { $mod: [0, 1] } }], [2, { n: { $mod: [1] } }], [2, { n: { $all: 1 } }], [2, { n: { $elemMatch: 1 } }], [2, { n: { $type: 'nothing' } }],
    [9, { n: { $type: [] } }], [9, { n: { $bitsAllSet: -1 } }], [2, { s: { $options: 'i' } }], [51091, { s: { $regex: '(' } }], [51108, { s: { $regex: 'x', $options: 'q' } }],
    [51075, { s: { $regex: /x/i, $options: 'i' } }], [9, { $jsonSchema: { nothing: 1 } }], [14, { $jsonSchema: { required: 1 } }], [168, { $expr: { $nothing: 1 } }], [238, { $where: '1' }]
  ], (filter) => users.find(filter).toArray())
  await codes(t, [[16410, { $a: 1 }], [15998, { 'a..b': 1 }], [2, { a: 1, b: 1 }]], (sort) => users.find().sort(sort).toArray())
  await codes(t, [
    [31254, { a: 1, b: 0 }], [31253, { a: 0, b: 1 }], [31250, { a: 1, 'a.b': 1 }], [51270, { a: {} }], [31275, { 'a.b': { $elemMatch: {} } }], [31276, { 'a.$': 1, 'b.$': 1 }],
    [31394, { 'a.$.b': 1 }], [51246, { 'a.$': 1 }], [28724, { a: { $slice: 'x' } }], [28724, { a: { $slice: [1, 0] } }], [168, { x: { $nothing: 1 } }]
  ], (projection) => users.find({}, { projection }).toArray())
})

test('updates', async (t) => {
  const users = await collection(t, [document])
  await codes(t, [
    [9, { $nothing: { a: 1 } }], [9, { a: 1 }], [9, {}], [9, { $set: 1 }], [56, { $set: { 'a..b': 1 } }], [66, { $set: { _id: 2 } }], [40, { $set: { n: 1 }, $inc: { n: 1 } }],
    [40, { $set: { o: 1, 'o.b': 1 } }], [28, { $set: { 's.x': 1 } }], [28, { $inc: { 'n.x.y': 1 } }], [28, { $set: { 'a.x': 1 } }], [14, { $inc: { n: 'x' } }], [14, { $inc: { s: 1 } }],
    [14, { $mul: { n: 'x' } }], [14, { $mul: { s: 2 } }], [2, { $push: { n: 1 } }], [2, { $push: { a: { $each: 1 } } }], [2, { $push: { a: { $each: [], $slice: 'x' } } }],
    [2, { $push: { a: { $each: [], $nothing: 1 } } }], [2, { $addToSet: { n: 1 } }], [14, { $addToSet: { a: { $each: 1 } } }], [2, { $pull: { n: 1 } }], [2, { $pullAll: { n: [1] } }],
    [2, { $pullAll: { a: 1 } }], [9, { $pop: { a: 2 } }], [14, { $pop: { n: 1 } }], [2, { $bit: { s: { and: 1 } } }], [2, { $bit: { n: { nothing: 1 } } }], [2, { $rename: { n: 1 } }],
    [2, { $currentDate: { n: 1 } }], [52, { $set: { 'o.$x': 1 } }], [2, { $set: { 'a.$': 1 } }], [2, { $set: { 'a.$[x]': 1 } }], [2, { $set: { 'n.$[]': 1 } }], [34, { $set: { 'a.1500001': 1 } }],
    [72, [{ $match: {} }]], [40324, [{ $nothing: 1 }]], [66, [{ $set: { _id: 2 } }]], [14, [{ $set: { n: { $add: ['$s', 1] } } }]]
  ], (update) => users.updateOne({ _id: 1 }, update))
  await codes(t, [[9, [{ x: 1 }]]], (arrayFilters) => users.updateOne({ _id: 1 }, { $set: { n: 1 } }, { arrayFilters }))
  await codes(t, [[52, { $set: { n: 1 } }], [66, { _id: 2 }]], (replacement) => users.replaceOne({ _id: 1 }, replacement))
  await codes(t, [[54, { $and: [{ n: 1 }, { n: 2 }] }]], (filter) => users.updateOne(filter, { $set: { x: 1 } }, { upsert: true }))
  await codes(t, [[53, { _id: [1] }], [11000, { _id: 1 }], [10334, { s: 'x'.repeat(17 << 20) }]], (one) => users.insertOne(one))
})

test('indexes, collections and hints', async (t) => {
  const db = await memory(t)
  const users = db.collection('users')
  await users.insertMany([{ a: [1], b: [1], n: 1 }, { n: 1 }])
  await users.createIndex({ n: 1 }, { name: 'one' })
  await codes(t, [
    [67, { a: 5 }], [67, { 'a..b': 1 }], [67, { $a: 1 }], [171, { a: 1, b: 1 }], [85, { n: 1 }, { name: 'two' }], [86, { z: 1 }, { name: 'one' }],
    [85, { n: 1 }, { name: 'one', unique: true }], [67, { z: 1 }, { sparse: true, partialFilterExpression: { a: 1 } }], [67, { z: 1 }, { partialFilterExpression: { a: { $ne: 1 } } }],
    [11000, { n: 1 }, { name: 'u', unique: true }]
  ], (key, options) => users.createIndex(key, options))
  await codes(t, [[27, 'nothing'], [72, '_id_']], (name) => users.dropIndex(name))
  await codes(t, [[26, 'nowhere', 'x'], [20, 'users', 'users'], [48, 'users', 'other']], async (from, to) => {
    await db.createCollection('other')
    await db.collection(from).rename(to)
  })
  await codes(t, [[73, 'a$b'], [73, ''], [73, 'a..b']], (name) => db.createCollection(name))
  await codes(t, [[2, 'nothing'], [2, { z: 1 }]], (hint) => users.find({}, { hint }).toArray())
  await codes(t, [[26, 'one']], () => db.collection('nowhere').dropIndex('one'))
})

test('writes of a bulk operation carry the numbers, and the bulk the first of them', async (t) => {
  const users = await collection(t, [document])
  const error = await t.throwsAsync(users.bulkWrite([
    { updateOne: { filter: { _id: 1 }, update: { $inc: { s: 1 } } } }, { insertOne: { document: { _id: 1 } } }, { updateOne: { filter: { _id: 1 }, update: { $set: { 's.x': 1 } } } }
  ], { ordered: false }))
  t.deepEqual([error.code, error.codeName], [14, 'TypeMismatch'])
  t.deepEqual(error.writeErrors.map(({ code, codeName }) => [code, codeName]), [[14, 'TypeMismatch'], [11000, 'DuplicateKey'], [28, 'PathNotViable']])
})

test('time limits, signals and versions have their numbers; what only an embedded database has keeps its word', async (t) => {
  const db = await memory(t)
  const users = db.collection('users')
  await users.insertOne({ _id: 1 })
  const conflict = await t.throwsAsync(users.set(1, { n: 1 }, { ifVersion: 99 }))
  t.deepEqual([conflict.kind, conflict.code, conflict.codeName], ['CONFLICT', 112, 'WriteConflict'])
  await db.close()
  const closed = await t.throwsAsync(users.findOne())
  t.deepEqual([closed.kind, closed.code, closed.codeName], ['CLOSED', 'CLOSED', undefined])
})

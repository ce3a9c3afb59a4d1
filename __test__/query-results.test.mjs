// Limits on what queries hold and return, even if it is computed from little input: the error names what holds the memory.

import test from 'ava'

import { PortShapes } from '../dist/internal.js'
import { collection, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

const MIB = 1 << 20
const names = (n) => Array.from({ length: 40 }, (_, k) => `${n}-${k}-${'x'.repeat(30_000)}`)
const copies = (n) => Array(n).fill('$text')
/** An expression whose value is a string of one character, doubled so many times. */
const doubled = (times) => ({ $reduce: { input: { $range: [0, times] }, initialValue: 'x', in: { $concat: ['$$value', '$$value'] } } })

test('an error of too much memory names the stage or the operator that holds the most', async (t) => {
  const db = await memory(t, { queryMemoryLimit: 4 * MIB })
  const c = db.collection('c')
  await c.insertMany(Array.from({ length: 100 }, (_, _id) => ({ _id, k: _id % 50, text: String(_id).padStart(3).repeat(40_000) })))
  const told = async (stages, name) => {
    const error = await rejectsWith(t, 'LIMIT', c.aggregate(stages).toArray(), /would hold more than 4 MiB/)
    t.is(error.message.split(' would hold')[0].split(': ').at(-1), name)
    t.is(error.codeName, 'QueryExceededMemoryLimitNoDiskUseAllowed')
  }
  await told([{ $group: { _id: null, all: { $push: '$text' } } }], '$group')
  await told([{ $group: { _id: '$_id', least: { $min: '$text' } } }], '$group')
  await told([{ $group: { _id: { k: '$k' }, most: { $max: '$text' }, least: { $min: '$text' } } }], '$group')
  await told([{ $set: { more: '$text' } }, { $sort: { k: 1 } }], '$sort')
  await told([{ $set: { all: copies(60) } }], '$set')
  await told([{ $addFields: { all: copies(60) } }], '$addFields')
  await told([{ $project: { all: { $concatArrays: [copies(30), copies(30)] } } }], '$concatArrays')
  await told([{ $project: { all: { $sortArray: { input: { $map: { input: { $range: [0, 20] }, in: { a: '$text' } } }, sortBy: { a: 1 } } } } }], '$sortArray')
  await rejectsWith(t, 'LIMIT', c.find().project({ all: copies(60) }).toArray(), /the projection would hold/)
})

test('a result larger than a document may be is LIMIT, and between stages it may be larger', async (t) => {
  const c = await collection(t, Array.from({ length: 20 }, (_, _id) => ({ _id })))
  const group = [{ $set: { text: doubled(20) } }, { $group: { _id: null, all: { $push: '$text' } } }]
  const error = await rejectsWith(t, 'LIMIT', c.aggregate(group).toArray(), /the pipeline makes a document of 2097\d+ bytes encoded, more than the 16777216 of the limit/)
  t.is(error.code, 10334)
  t.is(error.codeName, 'BSONObjectTooLarge')
  t.deepEqual(await c.aggregate([...group, { $project: { n: { $size: '$all' } } }]).toArray(), [{ _id: null, n: 20 }])
  t.is((await c.aggregate([...group, { $unwind: '$all' }, { $count: 'n' }]).next()).n, 20)
  const wide = { all: Array.from({ length: 17 }, () => doubled(20)) }
  await rejectsWith(t, 'LIMIT', c.findOne({}, { projection: wide }), /the projection makes a document of 178\d+ bytes encoded/)
  await rejectsWith(t, 'LIMIT', c.findOneAndUpdate({ _id: 1 }, { $set: { a: 1 } }, { projection: wide }), /the projection makes a document of/)
  t.is((await c.findOne({ _id: 1 })).a, undefined, 'what is refused changes nothing')
})

test('a batch of a find ends where expressions make its documents large', async (t) => {
  const db = await onDisk(t)
  const c = db.collection('c')
  await c.insertMany(Array.from({ length: 40 }, (_, _id) => ({ _id })))
  const ids = []
  let most = 0
  for (const options of [{}, { limit: 13 }, { skip: 3, limit: 30, batchSize: 7, sort: { _id: -1 } }]) {
    const expected = (await c.find({}, options).toArray()).map(({ _id }) => _id)
    const cursor = c.find({}, { ...options, projection: { text: doubled(20) } })
    ids.length = 0
    for await (const { _id, text } of cursor) {
      ids.push(_id)
      t.is(text.length, MIB)
      most = Math.max(most, cursor.bufferedCount())
    }
    t.deepEqual(ids, expected)
  }
  t.true(most < 6, `${most} documents of a MiB waited at once`)
})

test('a count that is whole but too large is told so', async (t) => {
  const c = await collection(t, [{ _id: 1, a: [1, 2, 3] }])
  for (const n of [Number.MAX_SAFE_INTEGER, 2 ** 53, 2 ** 62]) {
    for (const stage of [{ $limit: n }, { $sample: { size: n } }, { $project: { a: { $slice: ['$a', n] } } }]) t.is((await c.aggregate([stage]).toArray()).length, 1)
    t.deepEqual((await c.findOne({}, { projection: { a: { $slice: n } } })).a, [1, 2, 3])
  }
  for (const n of [2 ** 63, 1e300]) {
    for (const stage of [{ $limit: n }, { $skip: n }, { $sample: { size: n } }]) await rejectsWith(t, 'BAD_QUERY', c.aggregate([stage]).toArray(), /needs a whole number below 2\^63/)
    await rejectsWith(t, 'BAD_QUERY', c.aggregate([{ $project: { a: { $slice: ['$a', n] } } }]).toArray(), /needs a whole number of 64 bits as argument 2/)
    t.deepEqual((await c.findOne({}, { projection: { a: { $slice: n } } })).a, [1, 2, 3])
  }
  t.is((await c.find().limit(Number.MAX_SAFE_INTEGER).toArray()).length, 1)
  await rejectsType(t, () => c.find().limit(2 ** 53), /count must be a number of at most Number\.MAX_SAFE_INTEGER/)
  await rejectsType(t, () => c.find().skip(-1), /count must be a whole number, 0 or more/)
})

test('a port keeps so many characters of names and no more, and objects of others are written as maps', async (t) => {
  const shapes = new PortShapes()
  const given = Array.from({ length: 20 }, (_, n) => shapes.numberOf(names(n)))
  t.deepEqual(given, [0, 1, 2, 3, ...Array(16).fill(-1)])
  t.is(shapes.numberOf(names(1)), 1)
  const db = await memory(t)
  const c = db.collection('c')
  const long = (n) => Object.fromEntries(names(n).map((name, k) => [name, k]))
  for (let n = 0; n < 10; n++) {
    await c.set(1, long(n))
    t.deepEqual(await c.get(1), { _id: 1, ...long(n) })
  }
})

test('many objects of a few long names are as large as what they hold', async (t) => {
  const c = await collection(t)
  const part = Object.fromEntries(Array.from({ length: 10 }, (_, k) => [`${k}${'x'.repeat(1000)}`, 1]))
  await t.throwsAsync(async () => c.insertOne({ _id: 1, all: Array(5_000).fill(part) }), { message: /limit/ })
  await c.insertOne({ _id: 1, all: Array(1_000).fill(part) })
  t.is((await c.get(1)).all.length, 1_000)
})

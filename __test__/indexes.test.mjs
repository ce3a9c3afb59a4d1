// Secondary indexes as programs for the driver use them: created, listed, dropped, unique, sparse, partial, multikey,
// compound, persistent.

import test from 'ava'

import { collection, directory, memory, onDisk, rejectsWith } from './support/database.mjs'

/** Documents whose `_id` is their index. */
const numbered = (count, make) => Array.from({ length: count }, (_, i) => ({ _id: i, ...make(i) }))
const idsOf = (documents) => documents.map(({ _id }) => _id)

test('indexes are made, listed and dropped', async (t) => {
  const users = await collection(t, [{ city: 'Rome', age: 30 }])
  t.is(await users.createIndex({ city: 1, age: -1 }), 'city_1_age_-1')
  t.is(await users.createIndex('email', { unique: true, sparse: true, name: 'mail' }), 'mail')
  t.deepEqual(await users.createIndexes([{ key: { a: 1 } }, { key: new Map([['b', -1]]), name: 'bees' }]), ['a_1', 'bees'])
  const expected = [
    { v: 2, key: { _id: 1 }, name: '_id_' },
    { v: 2, key: { city: 1, age: -1 }, name: 'city_1_age_-1' },
    { v: 2, key: { email: 1 }, name: 'mail', unique: true, sparse: true },
    { v: 2, key: { a: 1 }, name: 'a_1' },
    { v: 2, key: { b: -1 }, name: 'bees' }
  ]
  t.deepEqual(await users.listIndexes().toArray(), expected)
  t.deepEqual(await users.indexes(), expected)
  t.deepEqual(await users.indexInformation({ full: true }), expected)
  t.deepEqual(Object.keys((await users.indexes())[1].key), ['city', 'age'])
  const names = { _id_: [['_id', 1]], 'city_1_age_-1': [['city', 1], ['age', -1]], mail: [['email', 1]], a_1: [['a', 1]], bees: [['b', -1]] }
  t.deepEqual(await users.indexInformation(), names)
  t.deepEqual(await users.indexes({ full: false }), names)
  t.true(await users.indexExists('mail'))
  t.true(await users.indexExists(['mail', '_id_']))
  t.false(await users.indexExists(['mail', 'nope']))
  t.deepEqual(await users.dropIndex('mail'), { nIndexesWas: 5, ok: 1 })
  t.deepEqual(await users.dropIndex({ b: -1 }), { nIndexesWas: 4, ok: 1 })
  t.true(await users.dropIndexes())
  t.deepEqual(idsOf((await users.indexes()).map(({ name }) => ({ _id: name }))), ['_id_'])
})

test('a listing of indexes reads as a cursor', async (t) => {
  const users = await collection(t)
  await users.createIndex('a')
  const cursor = users.listIndexes()
  t.true(await cursor.hasNext())
  t.is((await cursor.next()).name, '_id_')
  t.is(cursor.bufferedCount(), 1)
  t.is((await cursor.tryNext()).name, 'a_1')
  t.is(await cursor.next(), null)
  cursor.rewind()
  const names = []
  for await (const { name } of cursor) names.push(name)
  await cursor.clone().forEach(({ name }) => void names.push(name))
  for await (const { name } of users.listIndexes().stream()) names.push(name)
  t.deepEqual(names, ['_id_', 'a_1', '_id_', 'a_1', '_id_', 'a_1'])
  t.true(cursor.closed)
})

test('dropIndexes of a collection that is missing resolves with false, as the driver has it', async (t) => {
  const users = await collection(t)
  t.false(await users.dropIndexes())
  const error = await rejectsWith(t, 'BAD_QUERY', () => users.dropIndex('a_1'), /does not exist/)
  t.is(error.code, 26)
})

test('a collection that is missing has no indexes, and making one makes it', async (t) => {
  const db = await memory(t)
  const users = db.collection('users')
  t.deepEqual(await users.indexes(), [])
  t.false(await users.indexExists('_id_'))
  t.is(await users.createIndex('a'), 'a_1')
  t.deepEqual(await db.listCollections({}, { nameOnly: true }).toArray(), [{ name: 'users', type: 'collection' }])
})

test('the index of _id is there already and stays', async (t) => {
  const users = await collection(t, [{ _id: 1 }])
  t.is(await users.createIndex({ _id: 1 }), '_id_')
  t.is((await users.indexes()).length, 1)
  for (const index of ['_id_', { _id: 1 }]) {
    const error = await rejectsWith(t, 'BAD_QUERY', () => users.dropIndex(index), /_id/)
    t.is(error.code, 72)
  }
})

test('an index that is not there cannot be dropped', async (t) => {
  const users = await collection(t, [{ _id: 1 }])
  for (const index of ['nope', { nope: 1 }]) {
    const error = await rejectsWith(t, 'BAD_QUERY', () => users.dropIndex(index), /^users\.dropIndex: .*nope/)
    t.is(error.code, 27)
  }
})

test('the same index again is no error, another of its name or fields is', async (t) => {
  const users = await collection(t)
  await users.createIndex('a', { unique: true })
  t.is(await users.createIndex('a', { unique: true }), 'a_1')
  const sameFields = await rejectsWith(t, 'BAD_QUERY', () => users.createIndex('a', { unique: true, name: 'other' }), /a_1/)
  t.is(sameFields.code, 85)
  const sameName = await rejectsWith(t, 'BAD_QUERY', () => users.createIndex('b', { name: 'a_1' }), /a_1/)
  t.is(sameName.code, 86)
  const otherOptions = await rejectsWith(t, 'BAD_QUERY', () => users.createIndex('a'), /a_1/)
  t.true([85, 86].includes(otherOptions.code))
  t.is((await users.indexes()).length, 2)
})

test('createIndexes makes all or none', async (t) => {
  const users = await collection(t, [{ _id: 1, a: 1 }, { _id: 2, a: 1 }])
  await rejectsWith(t, 'DUPLICATE_KEY', () => users.createIndexes([{ key: { b: 1 } }, { key: { a: 1 }, unique: true }]))
  t.is((await users.indexes()).length, 1)
})

const fields = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, 1]))

test('limits: 64 indexes, 32 fields, names of 127 bytes, no empty parts', async (t) => {
  const users = await collection(t)
  await rejectsWith(t, 'BAD_QUERY', () => users.createIndex(fields(33), { name: 'many' }), /32/)
  t.is(await users.createIndex(fields(32), { name: 'many' }), 'many')
  await rejectsWith(t, 'BAD_QUERY', () => users.createIndex('a', { name: 'x'.repeat(128) }), /127/)
  await users.createIndexes(Array.from({ length: 62 }, (_, i) => ({ key: { [`g${i}`]: 1 } })))
  await rejectsWith(t, 'LIMIT', () => users.createIndex('a'), /64/)
  await rejectsWith(t, 'BAD_QUERY', () => users.createIndex('a..b'), /a\.\.b/)
  await rejectsWith(t, 'BAD_QUERY', () => users.createIndex('$a'), /\$a/)
  await rejectsWith(t, 'BAD_QUERY', () => users.createIndex('a', { sparse: true, partialFilterExpression: { a: 1 } }), /sparse/)
  await rejectsWith(t, 'BAD_QUERY', () => users.createIndex('a', { partialFilterExpression: { a: { $nope: 1 } } }), /\$nope/)
})

/** Asserts the error of a duplicate, equal to the server's. */
async function duplicate(t, work, keyValue, name = 'mail_1') {
  const error = await rejectsWith(t, 'DUPLICATE_KEY', work)
  t.is(error.code, 11000)
  t.deepEqual(error.keyPattern, { mail: 1 })
  t.deepEqual(error.keyValue, keyValue)
  t.regex(error.message, new RegExp(`^E11000 duplicate key error collection: memory\\.users index: ${name} dup key: \\{ mail: `))
  return error
}

test('a unique index refuses a second document with the value, whatever writes it', async (t) => {
  const users = await collection(t, [{ _id: 1, mail: 'a' }, { _id: 2, mail: 'b' }])
  await users.createIndex('mail', { unique: true })
  const taken = { mail: 'a' }
  const writes = {
    insertOne: () => users.insertOne({ _id: 3, mail: 'a' }),
    updateOne: () => users.updateOne({ _id: 2 }, { $set: { mail: 'a' } }),
    replaceOne: () => users.replaceOne({ _id: 2 }, { mail: 'a' }),
    upsert: () => users.updateOne({ _id: 3 }, { $set: { mail: 'a' } }, { upsert: true }),
    'replaceOne with upsert': () => users.replaceOne({ _id: 3 }, { mail: 'a' }, { upsert: true }),
    findOneAndUpdate: () => users.findOneAndUpdate({ _id: 2 }, { $set: { mail: 'a' } }),
    findOneAndReplace: () => users.findOneAndReplace({ _id: 2 }, { mail: 'a' }),
    updateMany: () => users.updateMany({}, { $set: { mail: 'a' } }),
    set: () => users.set(3, { mail: 'a' }),
    setMany: () => users.setMany([[3, { mail: 'c' }], [4, { mail: 'a' }]])
  }
  for (const [name, work] of Object.entries(writes)) {
    const error = await duplicate(t, work, taken)
    t.is(error.name, 'MoltenError', name)
    t.deepEqual(await users.find().sort('_id').toArray(), [{ _id: 1, mail: 'a' }, { _id: 2, mail: 'b' }], name)
  }
  t.is((await users.updateOne({ _id: 1 }, { $set: { mail: 'a', seen: true } })).modifiedCount, 1)
  t.is(await users.set(2, { mail: 'b', seen: true }), 2)
})

test('insertMany and bulkWrite tell which documents collide', async (t) => {
  const users = await collection(t, [{ _id: 0, mail: 'a' }])
  await users.createIndex('mail', { unique: true })
  const rows = [{ _id: 1, mail: 'b' }, { _id: 2, mail: 'a' }, { _id: 3, mail: 'b' }, { _id: 4, mail: 'c' }]
  const ordered = await rejectsWith(t, 'DUPLICATE_KEY', () => users.insertMany(rows))
  t.is(ordered.code, 11000)
  t.deepEqual(ordered.writeErrors.map(({ index, code, keyPattern, keyValue }) => ({ index, code, keyPattern, keyValue })), [
    { index: 1, code: 11000, keyPattern: { mail: 1 }, keyValue: { mail: 'a' } }
  ])
  t.regex(ordered.writeErrors[0].errmsg, /^E11000 duplicate key error collection: memory\.users index: mail_1 dup key: \{ mail: "a" \}/)
  t.deepEqual(ordered.insertedIds, { 0: 1 })
  t.deepEqual(idsOf(await users.find().toArray()), [0, 1])
  const unordered = await rejectsWith(t, 'DUPLICATE_KEY', () => users.insertMany(rows.slice(1), { ordered: false }))
  t.deepEqual(unordered.writeErrors.map(({ index }) => index), [0, 1])
  t.deepEqual(unordered.insertedIds, { 2: 4 })
  const bulk = await rejectsWith(t, 'DUPLICATE_KEY', () => users.bulkWrite([
    { insertOne: { document: { _id: 5, mail: 'd' } } },
    { updateOne: { filter: { _id: 5 }, update: { $set: { mail: 'a' } } } },
    { deleteOne: { filter: { _id: 0 } } },
    { replaceOne: { filter: { _id: 9 }, replacement: { mail: 'a' }, upsert: true } }
  ], { ordered: false }))
  t.deepEqual(bulk.writeErrors.map(({ index }) => index), [1])
  t.deepEqual(bulk.result.upsertedIds, { 3: 9 })
  t.deepEqual(await users.find().sort('_id').project({ _id: 0, mail: 1 }).map(({ mail }) => mail).toArray(), ['b', 'c', 'd', 'a'])
})

test('values that leave a unique index may come again in the same write', async (t) => {
  const users = await collection(t, [{ _id: 1, mail: 'a' }, { _id: 2, mail: 'b' }])
  await users.createIndex('mail', { unique: true })
  await users.bulkWrite([{ deleteOne: { filter: { _id: 1 } } }, { insertOne: { document: { _id: 3, mail: 'a' } } }])
  await users.deleteOne({ _id: 2 })
  await users.insertOne({ _id: 4, mail: 'b' })
  await users.setMany([[4, { mail: 'z' }], [5, { mail: 'b' }]])
  t.deepEqual(await users.find().sort('mail').map(({ mail }) => mail).toArray(), ['a', 'b', 'z'])
})

test('a unique index over documents that collide is not made', async (t) => {
  const users = await collection(t, [{ _id: 1, mail: 'a' }, { _id: 2, mail: 'a' }])
  await duplicate(t, () => users.createIndex('mail', { unique: true }), { mail: 'a' })
  t.is((await users.indexes()).length, 1)
  await users.deleteOne({ _id: 2 })
  t.is(await users.createIndex('mail', { unique: true }), 'mail_1')
})

test('absent is null to a unique index, unless it is sparse or partial', async (t) => {
  const users = await collection(t, [{ _id: 1 }])
  await users.createIndex('mail', { unique: true })
  await duplicate(t, () => users.insertOne({ _id: 2 }), { mail: null })
  await duplicate(t, () => users.insertOne({ _id: 2, mail: null }), { mail: null })
  await users.dropIndex('mail_1')
  await users.createIndex('mail', { unique: true, sparse: true })
  await users.insertMany([{ _id: 2 }, { _id: 3, mail: null }])
  await duplicate(t, () => users.insertOne({ _id: 4, mail: null }), { mail: null })
  await users.dropIndex('mail_1')
  await users.createIndex('mail', { unique: true, partialFilterExpression: { on: true } })
  await users.insertMany([{ _id: 5, mail: 'a', on: true }, { _id: 6, mail: 'a', on: false }])
  await duplicate(t, () => users.updateOne({ _id: 6 }, { $set: { on: true } }), { mail: 'a' })
})

test('a unique index on arrays lets no element be in two documents', async (t) => {
  const users = await collection(t, [{ _id: 1, mail: ['a', 'a', 'b'] }])
  await users.createIndex('mail', { unique: true })
  await duplicate(t, () => users.insertOne({ _id: 2, mail: ['c', 'b'] }), { mail: 'b' })
  await users.insertOne({ _id: 2, mail: ['c', 'd'] })
})

test('numbers equal by value collide: 1, 1n and 1.0, 0 and -0', async (t) => {
  const users = await collection(t, [{ _id: 1, mail: 1 }, { _id: 2, mail: 0 }])
  await users.createIndex('mail', { unique: true })
  await duplicate(t, () => users.insertOne({ mail: 1n }), { mail: 1n })
  await duplicate(t, () => users.insertOne({ mail: -0 }), { mail: -0 })
  await users.insertOne({ mail: '1' })
})

test('a compound unique index compares all of its fields', async (t) => {
  const users = await collection(t, [{ _id: 1, a: 1, b: 1 }])
  await users.createIndex({ a: 1, b: -1 }, { unique: true })
  await users.insertMany([{ _id: 2, a: 1, b: 2 }, { _id: 3, a: 2, b: 1 }])
  const error = await rejectsWith(t, 'DUPLICATE_KEY', () => users.insertOne({ a: 1, b: 1 }), /index: a_1_b_-1 dup key: \{ a: 1, b: 1 \}/)
  t.deepEqual(error.keyPattern, { a: 1, b: -1 })
  t.deepEqual(error.keyValue, { a: 1, b: 1 })
})

test('an index of two arrays cannot be, and no document breaks it later', async (t) => {
  const users = await collection(t, [{ _id: 1, a: [1], b: 1 }])
  await users.createIndex({ a: 1, b: 1 })
  await rejectsWith(t, 'BAD_DOCUMENT', () => users.insertOne({ _id: 2, a: [1], b: [1] }), /parallel arrays/)
  await rejectsWith(t, 'BAD_DOCUMENT', () => users.updateOne({ _id: 1 }, { $set: { b: [1, 2] } }), /parallel arrays/)
  t.deepEqual(await users.find().toArray(), [{ _id: 1, a: [1], b: 1 }])
  await users.insertOne({ _id: 3, c: [1], d: [1] })
  await rejectsWith(t, 'BAD_DOCUMENT', () => users.createIndex({ c: 1, d: 1 }), /parallel arrays/)
  t.is((await users.indexes()).length, 2)
})

/** Filters and sorts whose results must not depend on an index. */
const QUESTIONS = [
  [{ n: 500 }], [{ n: { $gte: 990 } }], [{ n: { $gt: 10, $lt: 15 } }], [{ n: { $in: [3, 5, 9999] } }], [{ n: null }], [{ n: { $exists: false } }],
  [{ n: { $ne: 5 } }, { limit: 3 }], [{ s: 'k7' }], [{ s: /^k99/ }], [{ s: { $gt: 'k998' } }], [{ tags: 't3' }], [{ tags: { $all: ['t3', 't4'] } }],
  [{ tags: [] }], [{ tags: { $size: 0 } }], [{ 'sub.x': 7 }], [{ 'list.y': { $elemMatch: { $gt: 1 } } }], [{ list: { $elemMatch: { y: { $gt: 3 } } } }],
  [{ $or: [{ n: 1 }, { s: 'k2' }] }], [{ $and: [{ n: { $gt: 5 } }, { n: { $lt: 8 } }] }], [{ n: { $not: { $lt: 995 } } }],
  [{ n: { $gte: 900 } }, { sort: { n: -1 }, limit: 5 }], [{}, { sort: { n: 1 }, limit: 7, skip: 2 }], [{}, { sort: { n: -1, s: 1 }, limit: 4 }],
  [{ flag: true, n: { $lt: 20 } }, { sort: { s: -1 } }], [{ mixed: { $gt: 3 } }], [{ mixed: 'x' }], [{ mixed: { $lte: null } }]
]

test('an index changes no answer and no order', async (t) => {
  const documents = numbered(1000, (i) => ({
    n: i % 97 === 0 ? undefined : i,
    s: `k${i}`,
    tags: i % 11 === 0 ? [] : [`t${i % 7}`, `t${(i + 1) % 7}`],
    sub: { x: i % 50 },
    list: [{ y: i % 5 }, { y: i % 3 }],
    flag: i % 2 === 0,
    mixed: [i, 'x', null, { a: i }, [i]][i % 5]
  }))
  const users = await collection(t, documents)
  const answers = []
  for (const [filter, options] of QUESTIONS) answers.push(idsOf(await users.find(filter, options).toArray()))
  await users.createIndexes([
    { key: { n: 1 } }, { key: { s: -1 } }, { key: { tags: 1 } }, { key: { 'sub.x': 1 } }, { key: { 'list.y': 1 } }, { key: { mixed: 1 } },
    { key: { flag: 1, n: -1 } }, { key: { n: -1, s: 1 } }
  ])
  for (const [i, [filter, options]] of QUESTIONS.entries()) {
    const shown = JSON.stringify([filter, options])
    t.deepEqual(idsOf(await users.find(filter, options).toArray()), answers[i], shown)
    t.deepEqual(idsOf(users.findSync(filter, options)), answers[i], shown)
    if (!options) t.is(await users.countDocuments(filter), answers[i].length, shown)
    if (!options?.sort) t.is((await users.findOne(filter))?._id, answers[i][0], shown)
    t.deepEqual(idsOf(await users.find(filter, { ...options, batchSize: 3 }).toArray()), answers[i], shown)
  }
})

test('sparse and partial indexes lose no document of a find, not even with a hint', async (t) => {
  const users = await collection(t, numbered(300, (i) => (i % 3 === 0 ? {} : { n: i, on: i % 2 === 0 })))
  await users.createIndex('n', { sparse: true, name: 'sparse' })
  await users.createIndex({ n: -1 }, { partialFilterExpression: { on: true }, name: 'partial' })
  for (const hint of [undefined, 'sparse', 'partial', '_id_', { $natural: 1 }]) {
    t.is((await users.find({ n: { $gt: 290 } }, { hint }).toArray()).length, 6, String(hint))
    t.is(await users.countDocuments({ n: null }, { hint }), 100)
    t.is((await users.find({}, { hint }).sort({ n: 1 }).limit(3).toArray())[0]._id, 0)
    t.is(await users.countDocuments({ n: { $gt: 290 }, on: true }, { hint }), 3)
  }
})

test('indexes follow every write', async (t) => {
  const users = await collection(t, numbered(500, (i) => ({ n: i })))
  await users.createIndex('n')
  await users.updateMany({ n: { $lt: 10 } }, { $inc: { n: 1000 } })
  t.deepEqual(idsOf(await users.find({ n: { $gte: 1000 } }).toArray()), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  t.is(await users.countDocuments({ n: { $lt: 10 } }), 0)
  t.is((await users.deleteMany({ n: { $gte: 495, $lt: 1000 } })).deletedCount, 5)
  await users.replaceOne({ n: 400 }, { n: 'four hundred' })
  t.is((await users.findOne({ n: 'four hundred' }))._id, 400)
  t.is((await users.findOneAndDelete({ n: 399 }))._id, 399)
  t.is(await users.countDocuments({ n: { $in: [399, 400, 495] } }), 0)
  await users.set('new', { n: 399 })
  t.deepEqual(await users.find({ n: 399 }).toArray(), [{ _id: 'new', n: 399 }])
  await users.deleteMany({})
  t.is(await users.countDocuments({ n: { $gt: 0 } }), 0)
  t.is((await users.stats()).indexSizes.n_1 >= 0, true)
})

test('a cursor that began before an index, a write or a drop sees its own state to the end', async (t) => {
  const users = await collection(t, numbered(5000, (i) => ({ n: i })))
  await users.createIndex('n')
  const cursor = users.find({ n: { $gte: 100, $lt: 400 } }).batchSize(10)
  t.is((await cursor.next())._id, 100)
  await users.updateMany({ n: { $gte: 100, $lt: 400 } }, { $inc: { n: 10_000 } })
  await users.dropIndexes()
  await users.drop()
  t.is((await cursor.toArray()).length, 299)
})

test('writes go on while an index is built, and the index has them all', async (t) => {
  const users = await collection(t, numbered(20_000, (i) => ({ n: i % 100, mail: i })))
  const building = users.createIndexes([{ key: { n: 1 } }, { key: { mail: 1 }, unique: true }])
  const writes = []
  for (let i = 0; i < 500; i++) {
    writes.push(users.insertOne({ _id: `new${i}`, n: 50, mail: `m${i}` }))
    writes.push(users.updateOne({ _id: i }, { $set: { n: 77 } }))
    writes.push(users.deleteOne({ _id: 10_000 + i }))
  }
  await Promise.all(writes)
  t.deepEqual(await building, ['n_1', 'mail_1'])
  for (const n of [0, 49, 50, 77, 99]) {
    t.is(await users.countDocuments({ n }), await users.countDocuments({ n }, { hint: { $natural: 1 } }), `n: ${n}`)
  }
  await rejectsWith(t, 'DUPLICATE_KEY', () => users.insertOne({ mail: 'm7' }))
})

test('a duplicate that is written while a unique index is built is refused, or the index is', async (t) => {
  const users = await collection(t, numbered(20_000, (i) => ({ mail: i })))
  const building = users.createIndex('mail', { unique: true }).then(() => true, (error) => error.kind)
  const written = users.insertOne({ _id: 'again', mail: 19_999 }).then(() => true, (error) => error.kind)
  const [built, inserted] = await Promise.all([building, written])
  t.deepEqual([built, inserted].sort(), ['DUPLICATE_KEY', true].sort())
  t.is((await users.indexes()).length, built === true ? 2 : 1)
})

for (const storage of ['async', 'sync']) {
  test(`indexes are there after reopening, with and without compaction (${storage})`, async (t) => {
    const path = directory(t)
    let db = await onDisk(t, { storage }, path)
    let users = db.collection('users')
    await users.insertMany(numbered(200, (i) => ({ n: i, mail: `m${i}`, tags: [i, i + 1] })))
    await users.createIndexes([
      { key: { n: -1 }, partialFilterExpression: { n: { $gt: 10 } } }, { key: { mail: 1 }, unique: true, name: 'mail' }, { key: { tags: 1 }, sparse: true }
    ])
    await users.createIndex('gone')
    await users.dropIndex('gone_1')
    const listed = await users.indexes()
    for (const step of ['log', 'snapshot', 'both']) {
      if (step === 'snapshot') await db.compact()
      await db.close()
      db = await onDisk(t, { storage }, path)
      users = db.collection('users')
      t.deepEqual(await users.indexes(), listed, step)
      await rejectsWith(t, 'DUPLICATE_KEY', () => users.insertOne({ mail: 'm7' }), /index: mail dup key/)
      t.deepEqual(idsOf(await users.find({ tags: 100 }, { hint: 'tags_1' }).toArray()), [99, 100])
      t.is(await users.countDocuments({ n: { $gt: 190 } }, { hint: 'n_-1' }), 9)
      await users.insertOne({ _id: step, mail: step })
      t.is((await users.findOne({ mail: step }))._id, step)
    }
    await db.collection('users').rename('people')
    t.deepEqual(await db.collection('people').indexes(), listed)
    await db.collection('people').drop()
    t.deepEqual(await db.collection('people').indexes(), [])
  })
}

test('a read-only database finds by its indexes and makes none', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  await db.collection('users').insertMany(numbered(100, (i) => ({ n: i })))
  await db.collection('users').createIndex('n')
  await db.close()
  const users = (await onDisk(t, { readOnly: true }, path)).collection('users')
  t.is((await users.indexes()).length, 2)
  t.is((await users.findOne({ n: 7 }))._id, 7)
  await rejectsWith(t, 'READ_ONLY', () => users.createIndex('m'))
  await rejectsWith(t, 'READ_ONLY', () => users.dropIndex('n_1'))
})

test('an import stops at the line that a unique index refuses', async (t) => {
  const users = await collection(t, [{ _id: 0, mail: 'a' }])
  await users.createIndex('mail', { unique: true })
  const lines = ['b', 'a', 'c'].map((mail, i) => `${JSON.stringify({ collection: 'users', document: { _id: i + 1, mail } })}\n`)
  for (const ifExists of ['error', 'replace', 'skip']) {
    const error = await rejectsWith(t, 'DUPLICATE_KEY', () => users.db.importJSONL(lines, { ifExists }), /mail_1/)
    t.is(error.line, 2)
    t.is(await users.countDocuments({ mail: 'a' }), 1)
  }
  t.deepEqual(await users.find().sort('_id').map(({ mail }) => mail).toArray(), ['a', 'b'])
})

test('$out keeps the indexes of its collection', async (t) => {
  const db = await memory(t)
  const [source, target] = [db.collection('source'), db.collection('target')]
  await source.insertMany(numbered(50, (i) => ({ n: i })))
  await target.createIndex('n', { unique: true })
  await source.aggregate([{ $out: 'target' }]).toArray()
  t.deepEqual((await target.indexes()).map(({ name }) => name), ['_id_', 'n_1'])
  t.is((await target.find({ n: 7 }, { hint: 'n_1' }).toArray())[0]._id, 7)
  await rejectsWith(t, 'DUPLICATE_KEY', () => target.insertOne({ n: 7 }))
})

test('figures of a collection name its indexes and their bytes', async (t) => {
  const users = await collection(t, numbered(1000, (i) => ({ n: i })))
  await users.createIndex('n')
  await users.find({ n: 7 }).toArray()
  const stats = await users.stats()
  t.is(stats.ns, 'memory.users')
  t.is(stats.count, 1000)
  t.true(stats.size > 1000 && stats.avgObjSize === stats.size / 1000)
  t.is(stats.nindexes, 2)
  t.true(stats.indexSizes.n_1 > 1000)
  t.is(stats.totalIndexSize, stats.indexSizes.n_1)
  t.is(stats.indexUses.n_1, 1)
  t.deepEqual(stats.suggestedIndexes, [])
  t.is(stats.ok, 1)
  const of = await users.db.stats()
  t.is(of.indexes, 1)
  t.is(of.indexBytes, stats.totalIndexSize)
})

test('figures of a collection that is missing are zero', async (t) => {
  const users = await collection(t)
  t.deepEqual(await users.stats(), {
    ns: 'memory.users', count: 0, size: 0, nindexes: 0, indexSizes: {}, totalIndexSize: 0, indexUses: {}, suggestedIndexes: [], ok: 1
  })
})

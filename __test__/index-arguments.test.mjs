// The arguments of the index methods, and what they refuse before anything is sent.

import test from 'ava'

import { collection, memory, rejectsType, rejectsWith } from './support/database.mjs'

test('every form of an index that the driver takes names the same fields', async (t) => {
  const users = await collection(t)
  const names = new Map([
    ['a', 'a_1'],
    [['a'], 'a_1'],
    [['a', -1], 'a_-1'],
    [{ a: 1 }, 'a_1'],
    [{ a: 1, b: -1 }, 'a_1_b_-1'],
    [new Map([['b', 1], ['a', 1]]), 'b_1_a_1'],
    [['a', 'b'], 'a_1_b_1'],
    [[['a', -1], ['b', 1]], 'a_-1_b_1'],
    [[{ a: 1 }, { b: -1 }], 'a_1_b_-1'],
    [['a', ['b', -1], { c: 1 }], 'a_1_b_-1_c_1'],
    [{ 'home.city': 1 }, 'home.city_1']
  ])
  for (const [form, name] of names) {
    t.is(await users.createIndex(form), name)
    t.deepEqual(await users.dropIndex(typeof form === 'string' ? name : form), { nIndexesWas: 2, ok: 1 })
  }
})

test('an index without fields, or with a field that is none, is a TypeError', async (t) => {
  const users = await collection(t)
  for (const form of [undefined, null, 5, '', {}, [], new Map(), [['a', 1, 2]], [5], new Date()]) {
    await rejectsType(t, () => users.createIndex(form), /^users\.createIndex: indexSpec must be/)
  }
  await rejectsType(t, () => users.createIndex({ a: true }), /^users\.createIndex: direction of 'a' must be 1 or -1, not true/)
  await rejectsType(t, () => users.createIndex({ a: NaN }), /direction of 'a'/)
})

test('an option of the wrong type is a TypeError', async (t) => {
  const users = await collection(t)
  await rejectsType(t, () => users.createIndex('a', { unique: 1 }), /option unique must be a boolean, not 1/)
  await rejectsType(t, () => users.createIndex('a', { sparse: 'yes' }), /option sparse must be a boolean/)
  await rejectsType(t, () => users.createIndex('a', { name: 5 }), /option name must be a string/)
  await rejectsType(t, () => users.createIndex('a', { name: '' }), /option name must be at least one character/)
  await rejectsType(t, () => users.createIndex('a', { partialFilterExpression: [] }), /option partialFilterExpression must be an object/)
  await rejectsType(t, () => users.createIndex('a', []), /options must be an object/)
  await rejectsType(t, () => users.createIndexes([]), /indexSpecs must be an array of at least one index, not "\[\]"/)
  await rejectsType(t, () => users.createIndexes({ a: 1 }), /indexSpecs must be an array/)
  await rejectsType(t, () => users.createIndexes(['a']), /indexSpecs\[0\] must be an object/)
  await rejectsType(t, () => users.createIndexes([{ key: 'a' }]), /indexSpecs\[0\]\.key must be an object or a Map/)
  await rejectsType(t, () => users.createIndexes([{ key: { a: 1 }, unique: 1 }]), /indexSpecs\[0\]: option unique must be a boolean/)
  await rejectsType(t, () => users.dropIndex(), /index must be the name of an index, or its fields, not undefined/)
  await rejectsType(t, () => users.dropIndex(5), /index must be the name of an index/)
  await rejectsType(t, () => users.indexExists(5), /indexes must be a name or an array of names/)
  await rejectsType(t, () => users.indexExists([5]), /indexes must be a name or an array of names/)
  await rejectsType(t, () => users.indexes({ full: 1 }), /option full must be a boolean/)
})

test('what a server has and this package has not is NOT_SUPPORTED, and a misspelt option is not ignored', async (t) => {
  const users = await collection(t)
  for (const direction of ['text', '2dsphere', '2d', 'hashed']) {
    await rejectsWith(t, 'NOT_SUPPORTED', () => users.createIndex({ a: direction }))
  }
  await rejectsWith(t, 'NOT_SUPPORTED', () => users.createIndex({ '$**': 1 }), /wildcard/)
  await rejectsWith(t, 'NOT_SUPPORTED', () => users.createIndex('a', { prepareUnique: true }), /prepareUnique/)
  await rejectsType(t, () => users.createIndex('a', { collation: { locale: 'de', strenght: 1 } }), /did you mean "strength"/)
  await rejectsType(t, () => users.createIndex('a', { unqiue: true }), /no option "unqiue"; did you mean "unique"/)
  await rejectsType(t, () => users.createIndexes([{ key: { a: 1 }, unqiue: true }]), /indexSpecs\[0\]: there is no option "unqiue"/)
  t.is(await users.createIndex('a', { background: true, collation: { locale: 'simple' }, hidden: false, comment: 'for logs' }), 'a_1')
})

test('a hint is the name of an index or its fields', async (t) => {
  const users = await collection(t, [{ a: 1 }])
  await users.createIndex('a')
  for (const hint of ['a_1', { a: 1 }, new Map([['a', 1]]), [['a', 1]], { $natural: 1 }, '_id_', { _id: 1 }]) {
    t.is((await users.find({ a: 1 }).hint(hint).toArray()).length, 1)
    t.is((await users.find({ a: 1 }, { hint }).toArray()).length, 1)
    t.is(await users.countDocuments({ a: 1 }, { hint }), 1)
    t.is((await users.findOne({ a: 1 }, { hint })).a, 1)
    t.is((await users.findSync({ a: 1 }, { hint })).length, 1)
    t.is(await users.countSync({ a: 1 }, { hint }), 1)
    t.deepEqual(await users.distinct('a', {}, { hint }), [1])
    t.is((await users.aggregate([{ $match: { a: 1 } }], { hint }).toArray()).length, 1)
    t.is((await users.updateOne({ a: 1 }, { $set: { b: 1 } }, { hint })).matchedCount, 1)
    t.is((await users.replaceOne({ a: 1 }, { a: 1 }, { hint })).matchedCount, 1)
    t.is((await users.findOneAndUpdate({ a: 1 }, { $set: { b: 1 } }, { hint })).a, 1)
    t.is((await users.bulkWrite([{ updateMany: { filter: { a: 1 }, update: { $unset: { b: 1 } }, hint } }])).matchedCount, 1)
  }
  for (const hint of [5, true, '']) {
    t.throws(() => users.find({}, { hint }), { instanceOf: TypeError, message: /hint must be the name of an index/ })
    t.throws(() => users.find().hint(hint), { instanceOf: TypeError, message: /hint must be/ })
    await rejectsType(t, () => users.deleteOne({}, { hint }), /hint must be/)
  }
})

test('a hint of an index that is not there is BAD_QUERY, wherever it stands', async (t) => {
  const users = await collection(t, [{ a: 1 }])
  const hint = 'nope'
  const operations = [
    () => users.find({}, { hint }).toArray(),
    () => users.find().hint({ b: 1 }).toArray(),
    () => users.findOne({}, { hint }),
    () => users.countDocuments({}, { hint }),
    () => users.distinct('a', {}, { hint }),
    () => users.aggregate([], { hint }).toArray(),
    () => users.updateOne({}, { $set: { b: 1 } }, { hint }),
    () => users.updateMany({}, { $set: { b: 1 } }, { hint }),
    () => users.replaceOne({}, {}, { hint }),
    () => users.deleteOne({}, { hint }),
    () => users.deleteMany({}, { hint }),
    () => users.findOneAndUpdate({}, { $set: { b: 1 } }, { hint }),
    () => users.findOneAndReplace({}, {}, { hint }),
    () => users.findOneAndDelete({}, { hint })
  ]
  for (const work of operations) await rejectsWith(t, 'BAD_QUERY', work, /hint/)
  await rejectsWith(t, 'BAD_QUERY', async () => users.findSync({}, { hint }), /hint/)
  t.is(await users.countDocuments({ a: 1, b: { $exists: false } }), 1)
})

test('autoIndex is one of three words', async (t) => {
  await rejectsType(t, () => memory(t, { autoIndex: true }), /option autoIndex must be 'off', 'suggest' or 'on', not true/)
  for (const autoIndex of ['off', 'suggest', 'on']) t.truthy(await memory(t, { autoIndex }))
})

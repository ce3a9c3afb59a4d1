import test from 'ava'

import { collection, rejectsType, rejectsWith } from './support/database.mjs'

const result = (fields) => ({ acknowledged: true, matchedCount: 0, modifiedCount: 0, upsertedCount: 0, upsertedId: null, ...fields })

test('updateOne changes the first match and answers as the driver does', async (t) => {
  const users = await collection(t, [{ _id: 1, n: 1 }, { _id: 2, n: 1 }])
  t.deepEqual(await users.updateOne({ n: 1 }, { $set: { name: 'Ada' } }), result({ matchedCount: 1, modifiedCount: 1 }))
  t.deepEqual(await users.find().toArray(), [{ _id: 1, n: 1, name: 'Ada' }, { _id: 2, n: 1 }])
})

test('updateMany changes every match', async (t) => {
  const users = await collection(t, [{ _id: 1, n: 1 }, { _id: 2, n: 1 }, { _id: 3, n: 2 }])
  t.deepEqual(await users.updateMany({ n: 1 }, { $inc: { n: 10 } }), result({ matchedCount: 2, modifiedCount: 2 }))
  t.deepEqual((await users.find().toArray()).map(({ n }) => n), [11, 11, 2])
})

test('an update that changes nothing is matched and not modified', async (t) => {
  const users = await collection(t, [{ _id: 1, n: 1 }])
  t.deepEqual(await users.updateOne({ _id: 1 }, { $set: { n: 1 } }), result({ matchedCount: 1 }))
  t.deepEqual(await users.updateOne({ _id: 9 }, { $set: { n: 1 } }), result())
})

test('each operator does what MongoDB\'s does', async (t) => {
  const users = await collection(t, [{ _id: 1, n: 1, gone: true, list: [1, 2, 3], home: { city: 'London' } }])
  await users.updateOne({ _id: 1 }, {
    $set: { 'home.zip': 'N1' }, $unset: { gone: '' }, $inc: { n: 2, 'stats.visits': 1 }, $push: { log: 'first' }, $pull: { list: 2 }
  })
  t.deepEqual(await users.get(1), {
    _id: 1, n: 3, list: [1, 3], home: { city: 'London', zip: 'N1' }, stats: { visits: 1 }, log: ['first']
  })
})

test('upsert makes a document from filter and update', async (t) => {
  const users = await collection(t)
  const made = await users.updateOne({ name: 'Ada' }, { $set: { age: 36 } }, { upsert: true })
  t.deepEqual(made, result({ upsertedCount: 1, upsertedId: made.upsertedId }))
  t.is(typeof made.upsertedId, 'string')
  t.deepEqual(await users.get(made.upsertedId), { _id: made.upsertedId, name: 'Ada', age: 36 })
  const named = await users.updateOne({ _id: 'u1' }, { $set: { age: 1 } }, { upsert: true })
  t.is(named.upsertedId, 'u1')
  t.deepEqual(await users.updateOne({ _id: 'u1' }, { $set: { age: 2 } }, { upsert: true }), result({ matchedCount: 1, modifiedCount: 1 }))
})

test('an update that cannot apply is BAD_UPDATE and changes nothing', async (t) => {
  const users = await collection(t, [{ _id: 1, name: 'Ada', n: 1 }])
  const error = await rejectsWith(t, 'BAD_UPDATE', users.updateOne({ _id: 1 }, { $inc: { n: 1, name: 1 } }), /users\.updateOne/)
  t.regex(error.message, /name/)
  t.deepEqual(await users.get(1), { _id: 1, name: 'Ada', n: 1 })
  await rejectsWith(t, 'BAD_UPDATE', users.updateOne({ _id: 1 }, { $set: { _id: 2 } }), /_id/)
  await rejectsWith(t, 'BAD_UPDATE', users.updateOne({ _id: 1 }, { $frobnicate: { n: 1 } }), /\$frobnicate/)
})

test('undefined fields of updates are left out, or stored as null where ignoreUndefined is false', async (t) => {
  const users = await collection(t, [{ _id: 1, name: 'Ada', n: 1, tags: ['a'], homes: [{ city: 'x' }] }])
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, i === 7 ? i : undefined]))
  await users.updateOne({ _id: 1 }, { $set: { name: undefined, home: { city: 'x', zip: undefined }, ...many }, $inc: { n: undefined }, $pull: { tags: undefined } })
  const stored = { _id: 1, name: 'Ada', n: 1, tags: ['a'], homes: [{ city: 'x' }], home: { city: 'x' }, f7: 7 }
  t.deepEqual(await users.get(1), stored)
  await users.bulkWrite([{ updateMany: { filter: {}, update: { $set: { name: undefined, n: 2 }, $inc: undefined } } }])
  await users.findOneAndUpdate({ _id: 1 }, [{ $set: { name: undefined, n: { $add: ['$n', 1] } } }])
  t.deepEqual(await users.get(1), { ...stored, n: 3 })
  await users.updateOne({ _id: 1 }, { $set: { name: undefined, tags: [undefined, { x: undefined }] } }, { ignoreUndefined: false })
  t.deepEqual(await users.get(1), { ...stored, n: 3, name: null, tags: [null, { x: null }] })
  // A condition that is left out would pull every element.
  await rejectsWith(t, 'BAD_UPDATE', users.updateOne({ _id: 1 }, { $pull: { homes: { city: undefined } } }), /'\$pull\.homes\.city' is undefined/)
})

test('a replacement is refused where operators are expected', async (t) => {
  const users = await collection(t)
  await rejectsWith(t, 'BAD_UPDATE', users.updateOne({}, { name: 'Ada' }), /use \$set, or replaceOne/)
  await rejectsWith(t, 'BAD_UPDATE', users.updateMany({}, {}), /no operator/)
})

test('wrong arguments are TypeErrors', async (t) => {
  const users = await collection(t)
  await rejectsType(t, () => users.updateOne({}, [1]), /update\[0\] must be an object/)
  await rejectsType(t, () => users.updateOne(), /users\.updateOne: filter must be an object, not undefined/)
  await rejectsType(t, () => users.updateOne({}, null), /update must be an object, not null/)
  await rejectsType(t, () => users.updateOne({}, { $set: {} }, { upsert: 'yes' }), /option upsert must be a boolean/)
  await rejectsWith(t, 'NOT_SUPPORTED', users.updateMany({}, { $set: { a: 1 } }, { ifVersion: 1 }), /ifVersion/)
})

test('concurrent increments all count', async (t) => {
  const users = await collection(t, [{ _id: 1, n: 0 }])
  await Promise.all(Array.from({ length: 500 }, () => users.updateOne({ _id: 1 }, { $inc: { n: 1 } })))
  t.is((await users.get(1)).n, 500)
})

test('updateMany ends when documents of several forms get new fields', async (t) => {
  const c = await collection(t, [{ _id: 1 }, { _id: 2, n: 1 }, { _id: 3, z: 'y'.repeat(16384) }, { _id: 4, m: 1 }, { _id: 5 }])
  t.is((await c.updateMany({}, [{ $set: { d: 1 } }], { maxTimeMS: 60_000 })).modifiedCount, 5)
  t.is((await c.updateMany({}, { $set: { b: 3 } }, { maxTimeMS: 60_000 })).modifiedCount, 5)
  const { modifiedCount } = await c.bulkWrite([{ updateMany: { filter: {}, update: [{ $unset: 'd' }, { $set: { e: { f: '$n' } } }] } }], { maxTimeMS: 60_000 })
  t.is(modifiedCount, 5)
  t.deepEqual(await c.find({ _id: { $lt: 3 } }).toArray(), [{ _id: 1, b: 3, e: {} }, { _id: 2, n: 1, b: 3, e: { f: 1 } }])
})

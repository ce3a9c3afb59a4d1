import test from 'ava'

import { collection, rejectsType, rejectsWith } from './support/database.mjs'

test('replaceOne keeps the _id and nothing else', async (t) => {
  const users = await collection(t, [{ _id: 1, a: 1 }, { _id: 2, a: 1 }])
  const replaced = await users.replaceOne({ a: 1 }, { b: 2 })
  t.deepEqual(replaced, { acknowledged: true, matchedCount: 1, modifiedCount: 1, upsertedCount: 0, upsertedId: null })
  t.deepEqual(await users.find().toArray(), [{ _id: 1, b: 2 }, { _id: 2, a: 1 }])
  await users.replaceOne({ _id: 2 }, { _id: 2, c: 3 })
  t.deepEqual(await users.get(2), { _id: 2, c: 3 })
})

test('another _id is refused', async (t) => {
  const users = await collection(t, [{ _id: 1 }])
  await rejectsWith(t, 'BAD_UPDATE', users.replaceOne({ _id: 1 }, { _id: 2 }), /users\.replaceOne: .*_id/)
})

test('upsert inserts the replacement', async (t) => {
  const users = await collection(t)
  const made = await users.replaceOne({ name: 'Ada' }, { age: 36 }, { upsert: true })
  t.is(made.upsertedCount, 1)
  t.deepEqual(await users.find().toArray(), [{ _id: made.upsertedId, age: 36 }])
  t.is((await users.replaceOne({ _id: 'u1' }, { a: 1 }, { upsert: true })).upsertedId, 'u1')
  t.deepEqual(await users.get('u1'), { _id: 'u1', a: 1 })
})

test('operators are refused', async (t) => {
  const users = await collection(t)
  await rejectsWith(t, 'BAD_UPDATE', users.replaceOne({}, { $set: { a: 1 } }), /use updateOne/)
  await rejectsType(t, () => users.replaceOne({}, [1]), /replacement must be an object, not an array/)
})

test('a value that cannot be stored is BAD_DOCUMENT', async (t) => {
  const users = await collection(t, [{ _id: 1 }])
  await rejectsWith(t, 'BAD_DOCUMENT', users.replaceOne({ _id: 1 }, { a: { b: Symbol('x') } }), /a\.b/)
})

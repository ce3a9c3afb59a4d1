import test from 'ava'

import { collection, rejectsType, rejectsWith } from './support/database.mjs'

const numbers = () => Array.from({ length: 10 }, (_, _id) => ({ _id, even: _id % 2 === 0 }))

test('deleteOne deletes the first match', async (t) => {
  const users = await collection(t, numbers())
  t.deepEqual(await users.deleteOne({ even: true }), { acknowledged: true, deletedCount: 1 })
  t.false(await users.has(0))
  t.deepEqual(await users.deleteOne({ _id: 'none' }), { acknowledged: true, deletedCount: 0 })
})

test('deleteMany deletes every match', async (t) => {
  const users = await collection(t, numbers())
  t.deepEqual(await users.deleteMany({ even: true }), { acknowledged: true, deletedCount: 5 })
  t.is(await users.countDocuments(), 5)
  t.deepEqual(await users.deleteMany({}), { acknowledged: true, deletedCount: 5 })
})

test('a document inserted again comes last, at version 1', async (t) => {
  const users = await collection(t, numbers())
  await users.deleteOne({ _id: 0 })
  await users.insertOne({ _id: 0 })
  t.is((await users.find().toArray()).at(-1)._id, 0)
  t.is((await users.get(0, { meta: true })).version, 1)
})

test('a bad filter deletes nothing', async (t) => {
  const users = await collection(t, numbers())
  await rejectsWith(t, 'BAD_QUERY', users.deleteMany({ a: { $x: 1 } }), /users\.deleteMany/)
  await rejectsWith(t, 'BAD_QUERY', users.deleteMany({ even: undefined }))
  await rejectsType(t, () => users.deleteMany('x'), /filter must be an object/)
  t.is(await users.countDocuments(), 10)
})

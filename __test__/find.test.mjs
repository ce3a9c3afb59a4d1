import test from 'ava'

import { collection, rejectsType, rejectsWith } from './support/database.mjs'

const people = () => [
  { _id: 1, name: 'Ada', age: 36, tags: ['math', 'poetry'], home: { city: 'London' } },
  { _id: 2, name: 'Grace', age: 85, tags: ['navy'], home: { city: 'New York' } },
  { _id: 3, name: 'Alan', age: 41, tags: [], home: { city: 'London' } },
  { _id: 4, name: 'Edsger', age: 72, home: null }
]

const ids = async (users, filter, options) => (await users.find(filter, options).toArray()).map(({ _id }) => _id)

test('find without a filter yields everything in the order of insertion', async (t) => {
  const users = await collection(t, people())
  t.deepEqual(await users.find().toArray(), people())
})

test('filters select', async (t) => {
  const users = await collection(t, people())
  t.deepEqual(await ids(users, { name: 'Ada' }), [1])
  t.deepEqual(await ids(users, { age: { $gt: 36, $lte: 72 } }), [3, 4])
  t.deepEqual(await ids(users, { 'home.city': 'London' }), [1, 3])
  t.deepEqual(await ids(users, { tags: 'math' }), [1])
  t.deepEqual(await ids(users, { 'tags.1': 'poetry' }), [1])
  t.deepEqual(await ids(users, { name: { $in: ['Ada', 'Alan'] } }), [1, 3])
  t.deepEqual(await ids(users, { name: { $nin: ['Ada', 'Alan'] } }), [2, 4])
  t.deepEqual(await ids(users, { tags: { $exists: false } }), [4])
  t.deepEqual(await ids(users, { home: null }), [4])
  t.deepEqual(await ids(users, { $or: [{ age: 36 }, { age: 85 }] }), [1, 2])
  t.deepEqual(await ids(users, { $nor: [{ age: 36 }, { age: 85 }] }), [3, 4])
  t.deepEqual(await ids(users, { $and: [{ age: { $gt: 40 } }, { 'home.city': 'London' }] }), [3])
  t.deepEqual(await ids(users, { age: { $not: { $gt: 40 } } }), [1])
  t.deepEqual(await ids(users, { age: { $ne: 36 } }), [2, 3, 4])
})

test('sort, skip and limit shape the result', async (t) => {
  const users = await collection(t, people())
  t.deepEqual(await ids(users, {}, { sort: { age: -1 } }), [2, 4, 3, 1])
  t.deepEqual(await ids(users, {}, { sort: { age: 1 }, skip: 1, limit: 2 }), [3, 4])
  t.deepEqual(await ids(users, {}, { limit: -2 }), [1, 2])
})

test('projection shows or leaves out fields', async (t) => {
  const users = await collection(t, people())
  t.deepEqual(await users.findOne({ _id: 1 }, { projection: { name: 1 } }), { _id: 1, name: 'Ada' })
  t.deepEqual(await users.findOne({ _id: 1 }, { projection: { _id: 0, 'home.city': 1 } }), { home: { city: 'London' } })
  t.deepEqual(Object.keys(await users.findOne({ _id: 1 }, { projection: { age: 0 } })), ['_id', 'name', 'tags', 'home'])
})

test('findOne resolves with the first match or null', async (t) => {
  const users = await collection(t, people())
  t.is((await users.findOne()).name, 'Ada')
  t.is((await users.findOne({ age: { $gt: 40 } }, { sort: { age: 1 } })).name, 'Alan')
  t.is((await users.findOne({}, { skip: 1 })).name, 'Grace')
  t.is(await users.findOne({ name: 'Nobody' }), null)
  t.is((await users.findOne({ _id: 2 })).name, 'Grace')
  t.is((await users.findOne({ _id: 2n })).name, 'Grace')
  t.is(await users.findOne({ _id: 'none' }), null)
  t.is((await users.findOne({ _id: { $gte: 4 } })).name, 'Edsger')
})

test('countDocuments counts what matches, within skip and limit', async (t) => {
  const users = await collection(t, people())
  t.is(await users.countDocuments(), 4)
  t.is(await users.countDocuments({ age: { $gt: 40 } }), 3)
  t.is(await users.countDocuments({}, { skip: 1 }), 3)
  t.is(await users.countDocuments({}, { limit: 2 }), 2)
  t.is(await users.estimatedDocumentCount(), 4)
})

test('a missing collection is empty', async (t) => {
  const users = await collection(t)
  t.deepEqual(await users.find().toArray(), [])
  t.is(await users.findOne({}), null)
  t.is(await users.countDocuments(), 0)
  t.deepEqual(await users.deleteMany({}), { acknowledged: true, deletedCount: 0 })
})

test('a filter that is not well formed is BAD_QUERY naming the path', async (t) => {
  const users = await collection(t, people())
  const error = await rejectsWith(t, 'BAD_QUERY', users.find({ age: { $bigger: 1 } }).toArray(), /users\.find/)
  t.regex(error.message, /\$bigger/)
  await rejectsWith(t, 'NOT_SUPPORTED', users.findOne({ $where: 'true' }), /users\.findOne: .*\$where/)
  await rejectsWith(t, 'BAD_QUERY', users.countDocuments({ age: undefined }), /age/)
  await rejectsWith(t, 'BAD_QUERY', users.find({ age: { $in: 5 } }).next())
})

test('a filter of 5,000 values in $in works', async (t) => {
  const users = await collection(t, people())
  t.is(await users.countDocuments({ _id: { $in: Array.from({ length: 5000 }, (_, i) => i) } }), 4)
})

test('wrong arguments are TypeErrors', async (t) => {
  const users = await collection(t)
  await rejectsType(t, () => users.find('x'), /users\.find: filter must be an object, not "x"/)
  await rejectsType(t, () => users.find({}, { skip: -1 }), /option skip must be a whole number/)
  await rejectsType(t, () => users.find({}, { limit: 1.5 }), /option limit/)
  await rejectsType(t, () => users.find({}, { batchSize: 'x' }), /option batchSize/)
  await rejectsType(t, () => users.find({}, { projection: 5 }), /option projection/)
  await rejectsType(t, () => users.find({}, { sort: 5 }), /sort must be/)
  await rejectsType(t, () => users.find({}, { sort: { a: 2 } }), /sort direction of 'a'/)
  await rejectsType(t, () => users.findOne([]), /filter must be an object, not an array/)
})

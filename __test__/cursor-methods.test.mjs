// Options of cursors that are set by methods, before the first read.

import test from 'ava'

import { collection, rejectsWith } from './support/database.mjs'

test('comment, collation, hint and maxTimeMS are set before the first read', async (t) => {
  const users = await collection(t, [{ _id: 1 }, { _id: 2 }])
  const cursor = users.find().comment('for logs').collation({ locale: 'simple' }).hint('_id_').maxTimeMS(60_000)
  t.deepEqual(await cursor.toArray(), [{ _id: 1 }, { _id: 2 }])
  const started = users.find()
  await started.next()
  for (const [method, argument] of [['comment', 'x'], ['collation', { locale: 'simple' }], ['hint', '_id_'], ['maxTimeMS', 5]]) {
    t.throws(() => started[method](argument), { instanceOf: TypeError, message: new RegExp(`users\\.find\\(\\)\\.${method}: the cursor has started`) })
  }
})

test('a collation is an object with the names of its fields', async (t) => {
  const users = await collection(t, [{ _id: 1, name: 'Ann' }])
  t.is((await users.find({ name: 'ann' }).collation({ locale: 'en', strength: 2 }).toArray()).length, 1)
  t.throws(() => users.find().collation('de'), { instanceOf: TypeError })
  t.throws(() => users.find().collation({ locale: 'de', strenght: 1 }), { instanceOf: TypeError, message: /users\.find\(\)\.collation: option collation: there is no option "strenght"/ })
})

test('find takes no explain option, for a cursor has a method', async (t) => {
  const users = await collection(t)
  for (const method of ['find', 'findSync']) {
    t.throws(() => users[method]({}, { explain: true }), { message: /option explain is not supported; use explain\(\) of the cursor/ })
  }
  t.throws(() => users.aggregate([], { explain: true }), { message: /use explain\(\) of the cursor/ })
})

test('clone keeps the hint', async (t) => {
  const users = await collection(t, [{ _id: 1 }])
  await rejectsWith(t, 'BAD_QUERY', () => users.find().hint('nope').clone().toArray(), /hint/)
})

test('the time of a pipeline is bounded by option and method', async (t) => {
  const users = await collection(t, Array.from({ length: 3000 }, (_, i) => ({ n: i })))
  const join = [{ $lookup: { from: 'users', let: { n: '$n' }, pipeline: [{ $match: { $expr: { $gt: ['$n', '$$n'] } } }], as: 'more' } }, { $count: 'n' }]
  const error = await rejectsWith(t, 'TIMEOUT', () => users.aggregate(join, { maxTimeMS: 1 }).toArray())
  t.is(error.code, 50)
  await rejectsWith(t, 'TIMEOUT', () => users.aggregate(join).maxTimeMS(1).toArray())
  t.is((await users.aggregate([{ $count: 'n' }]).maxTimeMS(60_000).toArray())[0].n, 3000)
})

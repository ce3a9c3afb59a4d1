import test from 'ava'

import { collection, memory, rejectsType, rejectsWith } from './support/database.mjs'

const numbers = (count) => Array.from({ length: count }, (_, i) => ({ _id: i, half: i >> 1 }))
const ids = (documents) => documents.map(({ _id }) => _id)

test('next yields each document and then null, again and again', async (t) => {
  const cursor = (await collection(t, numbers(2))).find()
  t.deepEqual(await cursor.next(), { _id: 0, half: 0 })
  t.deepEqual(await cursor.tryNext(), { _id: 1, half: 0 })
  t.is(await cursor.next(), null)
  t.is(await cursor.next(), null)
})

test('hasNext does not move the cursor', async (t) => {
  const cursor = (await collection(t, numbers(1))).find()
  t.true(await cursor.hasNext())
  t.true(await cursor.hasNext())
  t.deepEqual(await cursor.next(), { _id: 0, half: 0 })
  t.false(await cursor.hasNext())
})

test('batches of any size yield every document once, in order', async (t) => {
  const users = await collection(t, numbers(2500))
  for (const size of [1, 7, 1000, 2500, 9999]) {
    const seen = []
    for await (const { _id } of users.find({ _id: { $lt: 100 } }).batchSize(size)) seen.push(_id)
    t.deepEqual(seen, ids(numbers(100)))
  }
  t.deepEqual(ids(await users.find().toArray()), ids(numbers(2500)))
})

test('nexts that overlap share a fetch and yield each document once', async (t) => {
  const cursor = (await collection(t, numbers(10))).find().batchSize(2)
  const documents = await Promise.all(Array.from({ length: 12 }, () => cursor.next()))
  t.deepEqual(documents.filter(Boolean).map(({ _id }) => _id).sort((a, b) => a - b), ids(numbers(10)))
})

test('every form of a sort that the driver takes is taken', async (t) => {
  const users = await collection(t, [{ _id: 1, a: 1, b: 2 }, { _id: 2, a: 2, b: 1 }, { _id: 3, a: 1, b: 1 }])
  const sorted = async (...sort) => ids(await users.find().sort(...sort).toArray())
  t.deepEqual(await sorted('b'), [2, 3, 1])
  t.deepEqual(await sorted('_id', -1), [3, 2, 1])
  t.deepEqual(await sorted('_id', 'desc'), [3, 2, 1])
  t.deepEqual(await sorted(['_id', -1]), [3, 2, 1])
  t.deepEqual(await sorted(['a', 'b']), [3, 1, 2])
  t.deepEqual(await sorted([['a', 'descending'], ['b', 'ascending']]), [2, 3, 1])
  t.deepEqual(await sorted({ a: 1, b: -1 }), [1, 3, 2])
  t.deepEqual(await sorted(new Map([['a', -1], ['b', 1]])), [2, 3, 1])
  t.deepEqual(await sorted({ a: '-1', b: '1' }), [2, 3, 1])
})

test('skip, limit and project chain', async (t) => {
  const users = await collection(t, numbers(10))
  t.deepEqual(await users.find().skip(2).limit(2).project({ half: 1, _id: 0 }).toArray(), [{ half: 1 }, { half: 1 }])
})

test('map runs its functions one after the other', async (t) => {
  const users = await collection(t, numbers(3))
  t.deepEqual(await users.find().map(({ _id }) => _id + 1).map((n) => n * 10).toArray(), [10, 20, 30])
  await rejectsType(t, () => users.find().map(() => null).next(), /map returned null/)
})

test('forEach stops where its function returns false', async (t) => {
  const seen = []
  await (await collection(t, numbers(5))).find().forEach(({ _id }) => {
    seen.push(_id)
    return _id < 2
  })
  t.deepEqual(seen, [0, 1, 2])
})

test('count counts within skip and limit', async (t) => {
  const users = await collection(t, numbers(10))
  t.is(await users.find({ _id: { $gte: 5 } }).count(), 5)
  t.is(await users.find().skip(2).limit(3).count(), 3)
})

test('a cursor sees the state at its first fetch', async (t) => {
  const users = await collection(t, numbers(100))
  const cursor = users.find().batchSize(10)
  await cursor.next()
  await users.deleteMany({})
  await users.insertOne({ _id: 'late' })
  t.deepEqual(ids(await cursor.toArray()), ids(numbers(100)).slice(1))
  t.deepEqual(ids(await users.find().toArray()), ['late'])
})

test('a cursor outlives the drop of its collection', async (t) => {
  const users = await collection(t, numbers(100))
  const cursor = users.find().batchSize(10)
  await cursor.next()
  await users.drop()
  await users.insertOne({ _id: 'new', other: true })
  t.is((await cursor.toArray()).length, 99)
  t.deepEqual(await users.find().toArray(), [{ _id: 'new', other: true }])
})

test('options cannot change after the first read', async (t) => {
  const cursor = (await collection(t, numbers(3))).find()
  await cursor.next()
  for (const change of [() => cursor.sort('a'), () => cursor.limit(1), () => cursor.skip(1), () => cursor.project({}), () => cursor.batchSize(1)]) {
    t.throws(change, { instanceOf: TypeError, message: /the cursor has started/ })
  }
})

test('rewind and clone start over', async (t) => {
  const cursor = (await collection(t, numbers(5))).find().sort({ _id: -1 }).batchSize(2)
  t.is((await cursor.next())._id, 4)
  const copy = cursor.clone()
  cursor.rewind()
  t.deepEqual(ids(await cursor.toArray()), [4, 3, 2, 1, 0])
  t.deepEqual(ids(await copy.toArray()), [4, 3, 2, 1, 0])
})

test('a cursor closed half-way rejects with CLOSED; one read to its end stays at null', async (t) => {
  const users = await collection(t, numbers(10))
  const cursor = users.find().batchSize(2)
  await cursor.next()
  await cursor.close()
  await cursor.close()
  t.true(cursor.closed)
  await rejectsWith(t, 'CLOSED', cursor.next(), /cursor was closed/)
  t.false(await cursor.hasNext())
  t.deepEqual(await cursor.toArray(), [])
  const whole = users.find()
  await whole.toArray()
  t.is(await whole.next(), null)
  t.deepEqual(await whole.toArray(), [])
})

test('leaving a loop closes the cursor', async (t) => {
  const cursor = (await collection(t, numbers(10))).find().batchSize(2)
  for await (const document of cursor) {
    t.is(document._id, 0)
    break
  }
  t.true(cursor.closed)
})

test('await using closes the cursor', async (t) => {
  const cursor = (await collection(t, numbers(10))).find()
  await cursor[Symbol.asyncDispose]()
  t.true(cursor.closed)
})

test('stream yields the documents', async (t) => {
  const users = await collection(t, numbers(5))
  const seen = []
  for await (const id of users.find().stream({ transform: ({ _id }) => _id })) seen.push(id)
  t.deepEqual(seen, [0, 1, 2, 3, 4])
})

test('an aborted signal rejects with its reason', async (t) => {
  const users = await collection(t, numbers(10))
  const controller = new AbortController()
  const cursor = users.find({}, { signal: controller.signal }).batchSize(2)
  await cursor.next()
  controller.abort(new Error('enough'))
  await t.throwsAsync(cursor.toArray(), { message: 'enough' })
})

test('cursors of many are open at once', async (t) => {
  const db = await memory(t)
  const users = db.collection('users')
  await users.insertMany(numbers(300))
  const cursors = Array.from({ length: 100 }, () => users.find().batchSize(3))
  const totals = await Promise.all(cursors.map(async (cursor) => (await cursor.toArray()).length))
  t.true(totals.every((total) => total === 300))
})

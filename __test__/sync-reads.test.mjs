import test from 'ava'

import { collection, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

const numbers = (count) => Array.from({ length: count }, (_, _id) => ({ _id, half: _id >> 1, name: `user ${_id}` }))

test('findSync answers what find does, as an array', async (t) => {
  const users = await collection(t, numbers(5000))
  const cases = [
    [undefined, undefined],
    [null, null],
    [{ half: { $lt: 7 } }, { sort: { half: -1, _id: 1 } }],
    [{ half: { $gte: 1000 } }, { skip: 10, limit: 1500, projection: { name: 1 } }],
    [{ _id: 77 }, {}],
    [{ none: 1 }, {}],
    [{}, { batchSize: 7, limit: 100 }],
    [{}, { sort: { half: -1 }, batchSize: 999 }]
  ]
  for (const [filter, options] of cases) {
    t.deepEqual(users.findSync(filter, options), await users.find(filter, options).toArray())
  }
  t.is(users.findSync().length, 5000)
})

test('findOneSync and countSync answer what their twins do', async (t) => {
  const users = await collection(t, numbers(100))
  t.deepEqual(users.findOneSync({ half: 3 }), await users.findOne({ half: 3 }))
  t.deepEqual(users.findOneSync({}, { sort: { _id: -1 }, projection: { _id: 0, name: 1 } }), { name: 'user 99' })
  t.deepEqual(users.findOneSync({ _id: 5 }), numbers(6)[5])
  t.is(users.findOneSync({ none: 1 }), null)
  t.is(users.countSync(), 100)
  t.is(users.countSync({ half: { $lt: 5 } }), 10)
  t.is(users.countSync({}, { skip: 10, limit: 20 }), 20)
})

test('a missing collection has nothing, and is not made by reading', async (t) => {
  const db = await memory(t)
  const none = db.collection('none')
  t.deepEqual([none.findSync(), none.findOneSync(), none.countSync()], [[], null, 0])
  t.deepEqual(await db.listCollections().toArray(), [])
})

test('what is wrong is thrown with the method\'s name', async (t) => {
  const users = await collection(t, numbers(3))
  await rejectsWith(t, 'BAD_QUERY', () => users.findSync({ name: { $nope: 1 } }), /users\.findSync: .*\$nope/)
  await rejectsWith(t, 'BAD_QUERY', () => users.findOneSync({ name: { $nope: 1 } }), /users\.findOneSync/)
  await rejectsWith(t, 'BAD_QUERY', () => users.countSync({ name: { $nope: 1 } }), /users\.countSync/)
  await rejectsType(t, () => users.findSync('u1'), /filter must be an object/)
  await rejectsType(t, () => users.countSync({}, { skip: -1 }), /skip/)
  const reason = new Error('enough')
  t.is(t.throws(() => users.findSync({}, { signal: AbortSignal.abort(reason) })), reason)
  await users.db.close()
  for (const method of ['findSync', 'findOneSync', 'countSync']) {
    await rejectsWith(t, 'CLOSED', () => users[method](), new RegExp(`users\\.${method}`))
  }
})

test('maxTimeMS ends them', async (t) => {
  const users = await collection(t, numbers(2000))
  const long = { $expr: { $lt: [{ $size: { $filter: { input: { $range: [0, 1e5] }, cond: { $gt: ['$$this', 1e9] } } } }, 0] } }
  for (const method of ['findSync', 'findOneSync', 'countSync']) {
    await rejectsWith(t, 'TIMEOUT', () => users[method](long, { maxTimeMS: 20 }), new RegExp(`users\\.${method}`))
    t.truthy(users[method]({}, { maxTimeMS: 60_000 }))
  }
})

test('synchronous reads see every awaited write and leave no view behind', async (t) => {
  const db = await memory(t)
  const users = db.collection('users')
  for (let round = 1; round <= 50; round++) {
    await users.insertOne({ _id: round })
    t.is(users.countSync({ _id: { $gt: 0 } }), round)
    t.is(users.findSync({}, { batchSize: 3 }).length, round)
  }
  t.is((await db.stats()).views, 0)
})

test('they run beside operations under way, and read what is on disk alone', async (t) => {
  const db = await onDisk(t, { memoryLimit: 1 })
  const users = db.collection('users')
  const writing = users.insertMany(numbers(2000))
  users.findSync({ half: 1 })
  await writing
  await db.close()
  const again = await onDisk(t, { memoryLimit: 1 }, db.path)
  t.deepEqual(again.collection('users').findSync({ half: { $lt: 500 } }), numbers(1000))
})

test('batches are bounded by bytes: documents of 5 MiB cross one by one', async (t) => {
  const users = await collection(t)
  const big = 'x'.repeat(5 << 20)
  for (let _id = 0; _id < 4; _id++) await users.insertOne({ _id, big })
  for (const options of [{}, { sort: { _id: 1 } }, { sort: { _id: 1 }, limit: 3 }, { batchSize: 1000 }]) {
    const cursor = users.find({}, options)
    let seen = 0
    for (let document = await cursor.next(); document; document = await cursor.next()) {
      t.is(document._id, seen++)
      t.is(document.big.length, 5 << 20)
      t.is(cursor.bufferedCount(), 0, `document ${seen} did not come alone`)
    }
    t.is(seen, options.limit ?? 4)
  }
  t.is(users.findSync().length, 4)
  t.is((await users.find().toArray()).length, 4)
})

test('a batch of small documents ends after 4 MiB', async (t) => {
  const users = await collection(t)
  await users.insertMany(Array.from({ length: 900 }, (_, _id) => ({ _id, text: 'x'.repeat(10_000) })))
  const cursor = users.find()
  await cursor.next()
  const bytes = (cursor.bufferedCount() + 1) * 10_000
  t.true(bytes > 4 << 20 && bytes < 5 << 20, `${bytes} bytes crossed at once`)
  await cursor.close()
})

import test from 'ava'

import { collection, memory, onDisk } from './support/database.mjs'

test('10,000 operations of one turn all settle with their own answers', async (t) => {
  const users = await collection(t)
  const writes = await Promise.all(Array.from({ length: 10_000 }, (_, i) => users.insertOne({ _id: i })))
  t.true(writes.every(({ insertedId }, i) => insertedId === i))
  const reads = await Promise.all(Array.from({ length: 10_000 }, (_, i) => users.findOne({ _id: { $eq: i } })))
  t.true(reads.every(({ _id }, i) => _id === i))
})

test('writes that name their _ids commit in the order they were called', async (t) => {
  const users = await collection(t)
  const all = []
  for (let i = 0; i < 200; i++) all.push(users.set('k', { i }))
  t.deepEqual(await Promise.all(all), Array.from({ length: 200 }, (_, i) => i + 1))
  t.is((await users.get('k')).i, 199)
})

test('a failing operation leaves the others of its turn alone', async (t) => {
  const users = await collection(t)
  const outcomes = await Promise.allSettled([
    users.insertOne({ _id: 1 }),
    users.insertOne({ _id: 1 }),
    users.insertOne({ _id: 2, bad: () => {} }),
    users.insertOne({ _id: 3, a: { b: 1 } }),
    users.find({ $bad: 1 }).toArray()
  ])
  t.deepEqual(outcomes.map(({ status }) => status), ['fulfilled', 'rejected', 'rejected', 'fulfilled', 'rejected'])
  t.deepEqual(await users.find().sort('_id').toArray(), [{ _id: 1 }, { _id: 3, a: { b: 1 } }])
})

test('a getter may start operations of its own', async (t) => {
  const db = await memory(t)
  const users = db.collection('users')
  await users.insertOne({ _id: 'seen', n: 1 })
  const inner = []
  const outer = users.insertOne({
    _id: 'outer',
    get a() {
      inner.push(users.insertOne({ _id: 'inner', other: { shape: true } }), users.get('seen'))
      return users.getSync('seen').n
    },
    nested: { x: 1 }
  })
  await Promise.all([outer, ...inner])
  t.deepEqual(await users.get('outer'), { _id: 'outer', a: 1, nested: { x: 1 } })
  t.deepEqual(await users.get('inner'), { _id: 'inner', other: { shape: true } })
})

test('an operation that throws half-way leaves its shapes usable', async (t) => {
  const users = await collection(t)
  await t.throwsAsync(users.insertOne({ _id: 1, half: { a: 1, b: Symbol('x') } }))
  await users.insertOne({ _id: 2, half: { a: 1, b: 2 } })
  t.deepEqual(await users.get(2), { _id: 2, half: { a: 1, b: 2 } })
})

test('a Proxy is read like the object it stands for', async (t) => {
  const users = await collection(t)
  await users.insertOne(new Proxy({ _id: 1, a: 2 }, {}))
  t.deepEqual(await users.get(1), { _id: 1, a: 2 })
})

test('requests and results far beyond the buffers go through', async (t) => {
  const db = await onDisk(t)
  const files = db.collection('files')
  const bytes = Buffer.alloc(4 << 20, 1)
  await Promise.all(Array.from({ length: 12 }, (_, i) => files.insertOne({ _id: i, bytes })))
  const all = await files.find().toArray()
  t.is(all.length, 12)
  t.true(all.every((file) => file.bytes.equals(bytes)))
  await files.insertOne({ _id: 'small' })
  t.deepEqual(await files.get('small'), { _id: 'small' })
})

test('results are the program\'s own: later traffic does not change them', async (t) => {
  const users = await collection(t, [{ _id: 1, text: 'abc', bytes: Buffer.from('first') }])
  const kept = await users.get(1)
  await users.insertMany(Array.from({ length: 2000 }, (_, i) => ({ _id: `k${i}`, text: 'x'.repeat(200), bytes: Buffer.alloc(100) })))
  await users.find().toArray()
  t.is(kept.text, 'abc')
  t.is(kept.bytes.toString(), 'first')
})

test('a caller may change its object as soon as the call returns', async (t) => {
  const users = await collection(t)
  const document = { _id: 1, a: 1, list: [1] }
  const write = users.insertOne(document)
  document.a = 2
  document.list.push(2)
  await write
  t.deepEqual(await users.get(1), { _id: 1, a: 1, list: [1] })
})

import test from 'ava'
import { ObjectId as BsonObjectId } from 'bson'

import { ObjectId } from '../index.mjs'
import { collection, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

test('get resolves with the document or null', async (t) => {
  const users = await collection(t, [{ _id: 'u1', name: 'Ada' }])
  t.deepEqual(await users.get('u1'), { _id: 'u1', name: 'Ada' })
  t.is(await users.get('u2'), null)
  t.deepEqual(users.getSync('u1'), { _id: 'u1', name: 'Ada' })
  t.is(users.getSync('u2'), null)
})

test('each read gives an object of its own', async (t) => {
  const users = await collection(t, [{ _id: 1, list: [1] }])
  const first = await users.get(1)
  first.list.push(2)
  t.deepEqual(await users.get(1), { _id: 1, list: [1] })
})

test('meta tells version and times', async (t) => {
  const users = await collection(t)
  const before = Date.now()
  t.is(await users.set('u1', { n: 1 }), 1)
  t.is(await users.set('u1', { n: 2 }), 2)
  const { value, version, createdAt, modifiedAt } = await users.get('u1', { meta: true })
  t.deepEqual(value, { _id: 'u1', n: 2 })
  t.is(version, 2)
  t.true(createdAt instanceof Date && modifiedAt >= createdAt)
  t.true(createdAt.getTime() >= before - 1000 && modifiedAt.getTime() <= Date.now() + 1000)
  t.is(users.getSync('u1', { meta: true }).version, 2)
  t.is(await users.get('none', { meta: true }), null)
})

test('getMany keeps the order, with null for each that is missing', async (t) => {
  const users = await collection(t, [{ _id: 1 }, { _id: 2 }])
  t.deepEqual(await users.getMany([2, 'none', 1, 2]), [{ _id: 2 }, null, { _id: 1 }, { _id: 2 }])
  t.deepEqual(await users.getMany([]), [])
})

test('has and hasSync tell whether it is there', async (t) => {
  const users = await collection(t, [{ _id: 1 }])
  t.deepEqual([await users.has(1), await users.has(2), users.hasSync(1), users.hasSync(2)], [true, false, true, false])
})

test('set inserts or replaces, and leaves the object given alone', async (t) => {
  const users = await collection(t)
  const document = { name: 'Ada' }
  await users.set('u1', document)
  t.deepEqual(document, { name: 'Ada' })
  t.deepEqual(await users.get('u1'), { _id: 'u1', name: 'Ada' })
  await users.set('u1', { _id: 'u1', name: 'Grace' })
  t.deepEqual(await users.get('u1'), { _id: 'u1', name: 'Grace' })
})

test('set with another _id is a TypeError', async (t) => {
  const users = await collection(t)
  await rejectsType(t, () => users.set('u1', { _id: 'u2' }), /users\.set: document has another _id/)
  await users.set(1, { _id: 1n })
  const id = new ObjectId('0123456789abcdef01234567')
  await users.set(id, { _id: new BsonObjectId('0123456789abcdef01234567') })
  t.true(await users.has(id))
})

test('ifVersion guards set and delete', async (t) => {
  const users = await collection(t)
  t.is(await users.set('u1', { n: 1 }, { ifVersion: 0 }), 1)
  await rejectsWith(t, 'CONFLICT', users.set('u1', { n: 2 }, { ifVersion: 0 }), /users\.set/)
  t.is(await users.set('u1', { n: 2 }, { ifVersion: 1 }), 2)
  const error = await rejectsWith(t, 'CONFLICT', users.delete('u1', { ifVersion: 1 }), /users\.delete/)
  t.is(error.code, 112)
  t.true(await users.delete('u1', { ifVersion: 2 }))
})

test('setMany writes all or nothing', async (t) => {
  const users = await collection(t, [{ _id: 'b', n: 0 }])
  t.deepEqual(await users.setMany(new Map([['a', { n: 1 }], ['b', { n: 2 }]])), [1, 2])
  await rejectsWith(t, 'CONFLICT', users.setMany([['c', { n: 3 }], ['b', { n: 4 }, { ifVersion: 1 }]]))
  t.false(await users.has('c'))
  t.deepEqual(await users.get('b'), { _id: 'b', n: 2 })
  t.deepEqual(await users.setMany([]), [])
  await rejectsType(t, () => users.setMany(5), /entries must be/)
  await rejectsType(t, () => users.setMany([['a']]), /document must be an object/)
})

test('delete resolves with whether there was one', async (t) => {
  const users = await collection(t, [{ _id: 1 }])
  t.true(await users.delete(1))
  t.false(await users.delete(1))
})

test('every kind of _id finds its document', async (t) => {
  const users = await collection(t)
  const all = [
    'text', '', 5, -1.5, NaN, Infinity, 2n ** 60n, true, new Date(0), Buffer.from([1, 2]), new ObjectId('0123456789abcdef01234567'),
    { a: 1, b: 'x' }
  ]
  for (const [n, id] of all.entries()) await users.set(id, { n })
  for (const [n, id] of all.entries()) {
    t.is((await users.get(id)).n, n)
    t.is(users.getSync(id).n, n)
    t.true(await users.has(id))
  }
  t.is(await users.countDocuments(), all.length)
})

test('ObjectIds come back as the class given at open', async (t) => {
  const db = await memory(t, { ObjectId: BsonObjectId })
  const id = new BsonObjectId()
  await db.collection('users').insertOne({ _id: id, ref: id })
  const found = await db.collection('users').findOne({ _id: id })
  t.true(found._id instanceof BsonObjectId && found.ref.equals(id))
  const plain = await collection(t, [{ _id: id }])
  t.is((await plain.findOne({ _id: id }))._id.toHexString(), id.toHexString())
})

test('wrong ids are TypeErrors', async (t) => {
  const users = await collection(t)
  await rejectsType(t, () => users.get(), /users\.get: id must be a value that can be an _id, not undefined/)
  await rejectsType(t, () => users.get([1]), /id must be/)
  await rejectsType(t, () => users.has(() => {}), /id must be/)
  await rejectsType(t, () => users.getMany(5), /ids must be an array/)
  await rejectsType(t, () => users.getMany([undefined]), /ids\[0\] must be/)
  await rejectsType(t, () => users.set('u1'), /document must be an object/)
  await rejectsType(t, () => users.set('u1', {}, { ifVersion: -1 }), /option ifVersion/)
  t.throws(() => users.getSync(undefined), { instanceOf: TypeError })
})

test('an _id over 1 KiB is refused', async (t) => {
  const users = await collection(t)
  await t.throwsAsync(users.set('x'.repeat(1100), {}))
})

test('20,000 hot reads let timers run in between', async (t) => {
  const users = await collection(t, [{ _id: 1 }])
  let turns = 0
  const timer = setInterval(() => turns++, 0)
  for (let i = 0; i < 20_000; i++) await users.get(1)
  clearInterval(timer)
  t.true(turns > 0)
})

test('large documents come back by every way', async (t) => {
  const db = await onDisk(t)
  const files = db.collection('files')
  const text = 'a\u00e9\u4e2d'.repeat(700_000)
  await files.insertOne({ _id: 1, text, bytes: Buffer.alloc(3 << 20, 7) })
  for (const document of [await files.get(1), files.getSync(1), await files.findOne({ _id: 1 }), (await files.find().toArray())[0], (await files.getMany([1]))[0]]) {
    t.is(document.text, text)
    t.is(document.bytes.length, 3 << 20)
  }
})

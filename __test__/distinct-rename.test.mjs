import test from 'ava'

import { collection, directory, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

test('distinct answers different values, elements in place of arrays', async (t) => {
  const users = await collection(t, [
    { _id: 1, dept: 'A', sizes: ['S', 'M'], item: { sku: 111 } },
    { _id: 2, dept: 'A', sizes: ['M', ['L']], item: { sku: 111n } },
    { _id: 3, dept: 'B', sizes: 'S', item: [{ sku: 222 }, { sku: null }] },
    { _id: 4, sizes: [] }
  ])
  t.deepEqual(await users.distinct('dept'), ['A', 'B'])
  t.deepEqual(await users.distinct('sizes'), ['S', 'M', ['L']])
  t.deepEqual(await users.distinct('item.sku'), [111, 222, null])
  t.deepEqual(await users.distinct('sizes', { dept: 'B' }), ['S'])
  t.deepEqual(await users.distinct('sizes.1'), ['M', 'L'])
  t.deepEqual(await users.distinct('none'), [])
  t.deepEqual(await users.db.collection('nowhere').distinct('a'), [])
  await rejectsType(t, () => users.distinct(), /key must be a path/)
  await rejectsWith(t, 'BAD_QUERY', users.distinct('a', { $foo: 1 }))
})

test('rename keeps documents, and readers under way', async (t) => {
  const users = await collection(t, [{ _id: 1 }, { _id: 2 }])
  const cursor = users.find().batchSize(1)
  t.deepEqual(await cursor.next(), { _id: 1 })
  const people = await users.rename('people')
  t.is(people.collectionName, 'people')
  t.deepEqual(await people.find().toArray(), [{ _id: 1 }, { _id: 2 }])
  t.is(await users.countDocuments(), 0)
  t.deepEqual(await cursor.toArray(), [{ _id: 2 }])
  await people.insertOne({ _id: 3 })
  t.deepEqual((await users.db.listCollections().toArray()).map(({ name, count }) => [name, count]), [['people', 3]])
})

test('rename refuses names that are taken, and drops their collections when told to', async (t) => {
  const db = await memory(t)
  await db.collection('a').insertOne({ _id: 'a' })
  await db.collection('b').insertOne({ _id: 'b' })
  await rejectsWith(t, 'CONFLICT', db.collection('a').rename('b'), /dropTarget/)
  await rejectsWith(t, 'BAD_QUERY', db.collection('none').rename('c'), /does not exist/)
  await rejectsWith(t, 'BAD_QUERY', db.collection('a').rename('a'), /has this name already/)
  await rejectsWith(t, 'BAD_QUERY', db.collection('a').rename('x..y'), /two dots/)
  const renamed = await db.collection('a').rename('b', { dropTarget: true })
  t.deepEqual(await renamed.find().toArray(), [{ _id: 'a' }])
})

test('a rename survives reopening', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  await db.collection('a').insertOne({ _id: 1 })
  await (await db.collection('a').rename('b')).insertOne({ _id: 2 })
  await db.collection('a').insertOne({ _id: 'new' })
  await db.close()
  const again = await onDisk(t, {}, path)
  t.deepEqual(await again.collection('b').find().toArray(), [{ _id: 1 }, { _id: 2 }])
  t.deepEqual(await again.collection('a').find().toArray(), [{ _id: 'new' }])
})

test('estimatedDocumentCount counts all', async (t) => {
  const users = await collection(t, [{ _id: 1 }, { _id: 2 }])
  t.is(await users.estimatedDocumentCount(), 2)
  t.is(await users.estimatedDocumentCount({ maxTimeMS: 1000 }), 2)
})

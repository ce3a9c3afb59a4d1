// Collections: created, listed, renamed by the database, and their statistics.

import test from 'ava'

import { collection, directory, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

async function three(t) {
  const db = await memory(t)
  for (const name of ['users', 'orders', 'carts']) await db.collection(name).insertOne({ _id: 1 })
  await db.collection('users').insertOne({ _id: 2 })
  return db
}

test('collections are listed by name, as the driver lists them', async (t) => {
  const db = await three(t)
  const rows = await db.listCollections().toArray()
  t.deepEqual(rows.map(({ name }) => name), ['carts', 'orders', 'users'])
  const { number, ...row } = rows[2]
  t.is(typeof number, 'number')
  t.deepEqual(row, {
    name: 'users', type: 'collection', count: 2, options: {}, info: { readOnly: false }, idIndex: { v: 2, key: { _id: 1 }, name: '_id_' }
  })
})

test('a filter chooses collections, and nameOnly shows name and type', async (t) => {
  const db = await three(t)
  t.deepEqual(await db.listCollections({ name: 'users' }, { nameOnly: true }).toArray(), [{ name: 'users', type: 'collection' }])
  t.deepEqual(await db.listCollections({ name: /s$/, count: { $gt: 1 } }, { nameOnly: true }).toArray(), [{ name: 'users', type: 'collection' }])
  t.is((await db.listCollections({ type: 'collection' }).toArray()).length, 3)
  t.is((await db.listCollections({ type: 'view' }).toArray()).length, 0)
  t.false(await db.listCollections({ name: 'none' }).hasNext())
  await rejectsWith(t, 'BAD_QUERY', () => db.listCollections({ name: { $nope: 1 } }).toArray(), /\$nope/)
  await rejectsType(t, () => db.listCollections('users'), /filter must be an object/)
  await rejectsType(t, () => db.listCollections({}, { nameOnly: 1 }), /option nameOnly must be a boolean/)
})

test('a listing reads as a cursor: next, loops, streams, rewind, clone', async (t) => {
  const db = await three(t)
  const cursor = db.listCollections()
  t.is((await cursor.next()).name, 'carts')
  t.deepEqual((await cursor.toArray()).map(({ name }) => name), ['orders', 'users'])
  t.true(cursor.closed)
  t.is(await cursor.next(), null)
  t.deepEqual(await cursor.toArray(), [])
  cursor.rewind()
  await db.dropCollection('carts')
  const names = []
  for await (const { name } of cursor) {
    names.push(name)
    if (name === 'orders') break
  }
  t.true(cursor.closed)
  for await (const { name } of cursor.clone().stream()) names.push(name)
  await db.listCollections().forEach(({ name }) => {
    names.push(name)
    return false
  })
  t.deepEqual(names, ['orders', 'orders', 'users', 'orders'])
  await rejectsType(t, () => db.listCollections().forEach(), /iterator must be a function/)
  const disposed = db.listCollections()
  const both = await Promise.all([disposed.next(), disposed.next(), disposed.next()])
  t.deepEqual(both.map((row) => row?.name), ['orders', 'users', undefined])
  await disposed[Symbol.asyncDispose]()
  t.true(disposed.closed)
  const closed = db.listCollections()
  await closed.close()
  t.is(await closed.next(), null)
  const kept = db.listCollections()
  await kept.hasNext()
  t.is(kept.bufferedCount(), 2)
  t.deepEqual(kept.readBufferedDocuments(1).map(({ name }) => name), ['orders'])
  t.is(kept.bufferedCount(), 1)
})

test('createCollection makes an empty collection, which stays', async (t) => {
  const path = directory(t)
  let db = await onDisk(t, {}, path)
  const made = await db.createCollection('empty')
  t.is(made.namespace, 'db.empty')
  await db.createCollection('empty')
  await db.close()
  db = await onDisk(t, {}, path)
  t.deepEqual((await db.listCollections().toArray()).map(({ name, count }) => [name, count]), [['empty', 0]])
  for (const option of ['clusteredIndex', 'expireAfterSeconds', 'timeseries']) {
    await rejectsWith(t, 'NOT_SUPPORTED', () => db.createCollection('other', { [option]: {} }), new RegExp(option))
  }
  t.truthy(await db.createCollection('plain', { capped: false }))
  await rejectsWith(t, 'BAD_QUERY', () => db.createCollection('a..b'), /dots/)
  await rejectsType(t, () => db.createCollection(5), /name must be a string/)
})

test('renameCollection is rename by name', async (t) => {
  const db = await three(t)
  const people = await db.renameCollection('users', 'people')
  t.is(people.collectionName, 'people')
  t.is(await people.countDocuments(), 2)
  await rejectsWith(t, 'CONFLICT', () => db.renameCollection('people', 'carts'))
  await db.renameCollection('people', 'carts', { dropTarget: true })
  t.is(await db.collection('carts').countDocuments(), 2)
  await rejectsWith(t, 'BAD_QUERY', () => db.renameCollection('none', 'some'), /does not exist/)
  await rejectsType(t, () => db.renameCollection('carts', 5), /renameCollection: to must be a string/)
})

test('a collection has no options and is not capped', async (t) => {
  const users = await collection(t)
  t.deepEqual(await users.options(), {})
  t.false(await users.isCapped())
  await rejectsType(t, () => users.options(5), /options must be an object/)
})

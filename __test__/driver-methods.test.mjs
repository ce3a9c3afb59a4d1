// Methods that programs for the mongodb driver call: small ones that are here, and others that say what to use instead.

import test from 'ava'

import internal from '../dist/internal.js'
import { memory, rejectsWith } from './support/database.mjs'

test('collections answers handles of all collections, by name', async (t) => {
  const db = await memory(t)
  t.deepEqual(await db.collections(), [])
  for (const name of ['users', 'orders']) await db.collection(name).insertOne({ _id: 1 })
  const found = await db.collections()
  t.deepEqual(found.map(({ collectionName }) => collectionName), ['orders', 'users'])
  t.is(await found[0].countDocuments(), 1)
})

test('dropDatabase leaves an empty database that goes on', async (t) => {
  const db = await memory(t)
  for (const name of ['users', 'orders']) await db.collection(name).insertOne({ _id: 1 })
  t.true(await db.dropDatabase())
  t.deepEqual(await db.listCollections().toArray(), [])
  await db.collection('users').insertOne({ _id: 1 })
  t.is(await db.collection('users').countDocuments(), 1)
})

test('aggregate of a database begins with $documents', async (t) => {
  const db = await memory(t)
  const sums = await db.aggregate([{ $documents: [{ a: 1 }, { a: 2 }] }, { $group: { _id: null, sum: { $sum: '$a' } } }]).toArray()
  t.deepEqual(sums, [{ _id: null, sum: 3 }])
  for (const pipeline of [undefined, [], [{ $match: {} }], [{ $limit: 1 }, { $documents: [] }]]) {
    await rejectsWith(t, 'NOT_SUPPORTED', () => db.aggregate(pipeline), /Database\.aggregate: a pipeline of a database begins with \$documents; use db\.collection/)
  }
  t.deepEqual(await db.collections(), [])
})

test('each method of the driver that is not here says what to use instead', async (t) => {
  const db = await memory(t)
  for (const [type, object, place] of [['Database', db, 'Database'], ['Collection', db.collection('users'), 'users']]) {
    for (const [method, instead] of Object.entries(internal.REFUSED_METHODS[type])) {
      const error = await rejectsWith(t, 'NOT_SUPPORTED', async () => object[method]({}))
      t.is(error.message, `${place}.${method} is not supported; ${instead}`)
      t.regex(error.stack, /driver-methods\.test/)
    }
  }
})

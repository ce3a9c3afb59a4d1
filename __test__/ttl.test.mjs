// TTL indexes: what expires, when it is deleted, and who is told.

import { setTimeout as pause } from 'node:timers/promises'

import test from 'ava'

import { Database, directory, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

const SOON = { ttlInterval: 20 }
const LONG_AGO = new Date(1000)

/** Waits until this is so. */
async function until(t, isSo) {
  for (let n = 0; n < 1000; n++) {
    if (await isSo()) return
    await pause(20)
  }
  t.fail('it never became so')
}

test('documents are deleted soon after the date in their field, and other documents never', async (t) => {
  const db = await memory(t, SOON)
  const sessions = db.collection('sessions')
  t.is(await sessions.createIndex({ at: 1 }, { expireAfterSeconds: 60 }), 'at_1')
  t.deepEqual((await sessions.indexes())[1], { v: 2, key: { at: 1 }, name: 'at_1', expireAfterSeconds: 60 })
  await sessions.insertMany([
    { _id: 'old', at: LONG_AGO },
    { _id: 'new', at: new Date() },
    { _id: 'next year', at: new Date(Date.now() + 31_536_000_000) },
    { _id: 'earliest of several', at: ['x', new Date(), LONG_AGO] },
    { _id: 'only new ones', at: [new Date()] },
    { _id: 'number', at: 5 },
    { _id: 'text', at: '1970-01-01' },
    { _id: 'null', at: null },
    { _id: 'none' }
  ])
  await until(t, async () => (await sessions.countDocuments()) === 7)
  await pause(60)
  t.deepEqual((await sessions.distinct('_id')).sort(), ['new', 'next year', 'none', 'null', 'number', 'only new ones', 'text'])
})

test('a partial TTL index deletes what is in it, a hidden and a descending one as well', async (t) => {
  const db = await memory(t, SOON)
  const carts = db.collection('carts')
  await carts.createIndex({ at: -1 }, { expireAfterSeconds: 0, hidden: true, partialFilterExpression: { paid: false } })
  await carts.insertMany([{ _id: 1, at: LONG_AGO, paid: true }, { _id: 2, at: LONG_AGO, paid: false }, { _id: 3, at: LONG_AGO }])
  await until(t, async () => (await carts.countDocuments()) === 2)
  await pause(60)
  t.deepEqual(await carts.distinct('_id'), [1, 3])
})

test('collMod changes when documents expire, makes a TTL index of a plain one, and change streams tell it', async (t) => {
  const path = directory(t)
  let db = await onDisk(t, { ttlMonitor: false }, path)
  const sessions = db.collection('sessions')
  await sessions.insertOne({ _id: 1, at: LONG_AGO })
  await sessions.createIndex({ at: 1 })
  await sessions.createIndex({ seen: 1 }, { expireAfterSeconds: 10 })
  const stream = sessions.watch([], { showExpandedEvents: true })
  t.deepEqual(await db.command({ collMod: 'sessions', index: { name: 'seen_1', expireAfterSeconds: 20 } }), { expireAfterSeconds_old: 10, expireAfterSeconds_new: 20, ok: 1 })
  t.deepEqual(await db.command({ collMod: 'sessions', index: { keyPattern: { at: 1 }, expireAfterSeconds: 0, hidden: true } }), { hidden_old: false, hidden_new: true, expireAfterSeconds_new: 0, ok: 1 })
  const { operationType, operationDescription, stateBeforeChange } = await stream.next()
  t.deepEqual({ operationType, operationDescription, stateBeforeChange }, {
    operationType: 'modify',
    operationDescription: { index: { name: 'seen_1', expireAfterSeconds: 20 } },
    stateBeforeChange: { collectionOptions: {}, indexOptions: { expireAfterSeconds: 10 } }
  })
  t.deepEqual((await stream.next()).operationDescription, { index: { name: 'at_1', hidden: true, expireAfterSeconds: 0 } })
  await stream.close()
  t.deepEqual(await sessions.options(), {})
  await pause(60)
  t.is(await sessions.countDocuments(), 1, 'ttlMonitor: false')
  await db.close()
  db = await Database.open(path, { readOnly: true, ttlInterval: 1 })
  await pause(60)
  t.is(await db.collection('sessions').countDocuments(), 1, 'read-only')
  t.deepEqual((await db.collection('sessions').indexes()).map(({ expireAfterSeconds }) => expireAfterSeconds), [undefined, 0, 20])
  await db.close()
  db = await onDisk(t, SOON, path)
  await until(t, async () => (await db.collection('sessions').countDocuments()) === 0)
})

test('a deletion is an event and part of the history, and a document that is renewed stays', async (t) => {
  const db = await onDisk(t, { ...SOON, history: { past: {} } })
  const sessions = db.collection('sessions')
  await sessions.createIndex({ at: 1 }, { expireAfterSeconds: 1 })
  const before = await db.stats()
  const stream = sessions.watch()
  await sessions.insertMany([{ _id: 'gone', at: LONG_AGO }, { _id: 'renewed', at: new Date(Date.now() + 500) }])
  const events = [await stream.next(), await stream.next(), await stream.next()]
  await stream.close()
  t.deepEqual(events.map(({ operationType, documentKey }) => [operationType, documentKey._id]), [['insert', 'gone'], ['insert', 'renewed'], ['delete', 'gone']])
  const { lastLsn } = await db.stats()
  const past = await db.asOf({ lsn: lastLsn - 1 })
  t.deepEqual(await past.collection('sessions').distinct('_id'), ['gone', 'renewed'])
  t.true(lastLsn > before.lastLsn)
  await sessions.updateOne({ _id: 'renewed' }, { $set: { at: new Date(Date.now() + 3_600_000) } })
  await pause(2000)
  t.deepEqual(await sessions.distinct('_id'), ['renewed'])
})

test('a transaction that has read a document that expired meanwhile conflicts only where it writes it', async (t) => {
  const db = await memory(t, SOON)
  const sessions = db.collection('sessions')
  await sessions.createIndex({ at: 1 }, { expireAfterSeconds: 0 })
  const session = db.startSession()
  await sessions.insertOne({ _id: 1, at: new Date(Date.now() + 300) })
  session.startTransaction()
  t.is(await sessions.countDocuments({}, { session }), 1)
  await until(t, async () => (await sessions.countDocuments()) === 0)
  t.truthy(await sessions.findOne({ _id: 1 }, { session }), 'its snapshot has it')
  const error = await t.throwsAsync(sessions.updateOne({ _id: 1 }, { $set: { n: 1 } }, { session }))
  t.is(error.code, 112)
  await session.endSession()
})

test('what is wrong with a TTL index is refused with the code of the server', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  const code = async (work) => (await t.throwsAsync(work)).code
  for (const wrong of [-1, 2 ** 31, 2 ** 53, Infinity, NaN, '5', {}, true]) {
    t.is(await code(things.createIndex({ a: 1 }, { expireAfterSeconds: wrong })), 67, String(wrong))
  }
  t.is(await code(things.createIndex({ a: 1, b: 1 }, { expireAfterSeconds: 5 })), 67)
  t.is(await code(things.createIndex({ _id: 1 }, { expireAfterSeconds: 5 })), 197)
  await things.createIndex({ a: 1 }, { expireAfterSeconds: 2 ** 31 - 1 })
  await things.createIndex({ a: 1 }, { expireAfterSeconds: 2 ** 31 - 1 })
  t.is(await code(things.createIndex({ a: 1 }, { expireAfterSeconds: 5 })), 85)
  t.is(await code(things.createIndex({ a: 1 })), 85)
  await rejectsType(t, () => things.createIndex({ a: 1 }, { expireAfterSecond: 5 }), /did you mean "expireAfterSeconds"/)
  await rejectsType(t, () => Database.open(':memory:', { ttlIntervall: 5 }), /did you mean "ttlInterval"/)
  for (const wrong of [0, -1, NaN, '5', 2 ** 53]) await rejectsType(t, () => Database.open(':memory:', { ttlInterval: wrong }), /option ttlInterval/)
  await rejectsType(t, () => Database.open(':memory:', { ttlMonitor: 1 }), /option ttlMonitor/)
  await rejectsWith(t, 'NOT_SUPPORTED', db.createCollection('x', { expireAfterSeconds: 5 }), /expireAfterSeconds/)
})

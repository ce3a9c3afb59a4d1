// The limits of every method that takes them: a signal that is aborted already, and a time limit that is too short.

import test from 'ava'

import internal from '../dist/internal.js'
import { collection, Database, directory, memory, onDisk, rejectsWith } from './support/database.mjs'
import { DATABASE as DATABASE_CALLS, METHODS } from './support/methods.mjs'

const { COLLECTION, DATABASE, ownOf } = internal

/** Valid arguments with these options. */
function argumentsOf(places, options) {
  return places.map(([good, { name }]) => (name === 'options|option' ? options : good instanceof WritableStream ? new WritableStream() : good))
}

async function outcomeOf(call) {
  try {
    const answer = await call()
    if (typeof answer?.toArray === 'function') await answer.toArray()
    return 'done'
  } catch (error) {
    return error
  }
}

const takesSignal = (table, method) => ownOf(table[method]).includes('signal')

for (const [method, places] of Object.entries(METHODS).filter(([name]) => takesSignal(COLLECTION, name))) {
  test(`a signal that is aborted already rejects Collection.${method} with its reason, and nothing is done`, async (t) => {
    const documents = [{ _id: 1, a: [1] }, { _id: 2 }]
    const things = await collection(t, documents)
    await things.createIndex('a')
    const reason = new Error('enough')
    t.is(await outcomeOf(() => things[method](...argumentsOf(places, { signal: AbortSignal.abort(reason) }))), reason)
    t.deepEqual(await things.find().toArray(), documents)
    t.deepEqual((await things.indexes()).map((index) => index.name), ['_id_', 'a_1'])
  })
}

for (const [method, places] of Object.entries(DATABASE_CALLS).filter(([name]) => takesSignal(DATABASE, name))) {
  test(`a signal that is aborted already rejects Database.${method} with its reason, and nothing is done`, async (t) => {
    const db = await memory(t)
    await db.collection('a').insertOne({ _id: 1 })
    const reason = new Error('enough')
    t.is(await outcomeOf(() => db[method](...argumentsOf(places, { signal: AbortSignal.abort(reason) }))), reason)
    t.deepEqual((await db.listCollections().toArray()).map((one) => one.name), ['a'])
  })
}

test('a signal that is aborted already rejects Database.open, verify and recoverTo with its reason', async (t) => {
  const reason = new Error('enough')
  const options = { signal: AbortSignal.abort(reason) }
  t.is(await outcomeOf(() => Database.open(directory(t), options)), reason)
  t.is(await outcomeOf(() => Database.verify(directory(t), options)), reason)
  t.is(await outcomeOf(() => Database.recoverTo(directory(t), directory(t), new Date(), options)), reason)
})

/** An expression that takes seconds per document, and hours for all of them. */
const heavy = { $size: { $filter: { input: { $range: [0, 50_000] }, cond: { $gt: [{ $size: { $filter: { input: { $range: [0, 1000] }, cond: { $gt: ['$$this', 1e9] } } } }, 1e9] } } } }
const pipeline = [{ $set: { z: heavy } }]
const limit = { maxTimeMS: 1 }

const SLOW = {
  updateOne: (c) => c.updateOne({}, pipeline, limit),
  updateMany: (c) => c.updateMany({}, pipeline, limit),
  findOneAndUpdate: (c) => c.findOneAndUpdate({}, pipeline, limit),
  'updateMany with $expr': (c) => c.updateMany({ $expr: { $gte: [heavy, 0] } }, { $set: { a: 1 } }, limit),
  'replaceOne with $expr': (c) => c.replaceOne({ $expr: { $lt: [heavy, 0] } }, {}, limit),
  'deleteOne with $expr': (c) => c.deleteOne({ $expr: { $lt: [heavy, 0] } }, limit),
  'deleteMany with $expr': (c) => c.deleteMany({ $expr: { $lt: [heavy, 0] } }, limit),
  'findOneAndDelete with $expr': (c) => c.findOneAndDelete({ $expr: { $lt: [heavy, 0] } }, limit),
  'findOneAndReplace with $expr': (c) => c.findOneAndReplace({ $expr: { $lt: [heavy, 0] } }, {}, limit),
  'an upsert by a pipeline': (c) => c.updateOne({ none: 1 }, pipeline, { ...limit, upsert: true }),
  bulkWrite: (c) => c.bulkWrite([{ updateOne: { filter: {}, update: pipeline } }], limit),
  $merge: (c) => c.aggregate([...pipeline, { $merge: 'other' }], limit).toArray(),
  $out: (c) => c.aggregate([...pipeline, { $out: 'other' }], limit).toArray()
}

for (const [name, work] of Object.entries(SLOW)) {
  test(`maxTimeMS ends ${name} with TIMEOUT, and the document in hand stays as it was`, async (t) => {
    const users = await collection(t, [{ _id: 1 }, { _id: 2 }])
    const error = await rejectsWith(t, 'TIMEOUT', work(users))
    t.is(error.code, 50)
    t.deepEqual(await users.find().toArray(), [{ _id: 1 }, { _id: 2 }])
  })
}

const BATCHES = {
  insertMany: (c, documents, options) => c.insertMany(documents, options),
  setMany: (c, documents, options) => c.setMany(documents.map((document, i) => [i, document]), options),
  bulkWrite: (c, documents, options) => c.bulkWrite(documents.map((document) => ({ insertOne: { document } })), options)
}

/** A value that takes longer to read than 10 ms. */
function late() {
  const end = performance.now() + 20
  while (performance.now() < end);
  return 1
}

for (const [method, call] of Object.entries(BATCHES)) {
  test(`${method} looks at its limits while it reads its documents, and writes nothing when it stops there`, async (t) => {
    const users = await collection(t, [])
    let last = 0
    const documents = (first) => [
      { get a() { return first() } },
      ...Array.from({ length: 1000 }, (_, i) => ({ i })),
      { get a() { return (last += 1) } }
    ]
    const controller = new AbortController()
    const reason = new Error('enough')
    t.is(await outcomeOf(() => call(users, documents(() => controller.abort(reason)), { signal: controller.signal })), reason)
    t.is((await rejectsWith(t, 'TIMEOUT', call(users, documents(late), { maxTimeMS: 10 }))).code, 50)
    t.is(last, 0, 'the last document is not read')
    t.is(await users.countDocuments(), 0)
    await call(users, documents(late), { maxTimeMS: 60_000, signal: new AbortController().signal })
    t.deepEqual([last, await users.countDocuments()], [1, 1002])
  })
}

test('what reading the documents takes counts against maxTimeMS', async (t) => {
  const users = await collection(t, [])
  await rejectsWith(t, 'TIMEOUT', users.insertOne({ get a() { return late() } }, { maxTimeMS: 10 }))
  t.is(await users.countDocuments(), 0)
})

test.serial('a write that began before its time was up rejects when nothing is written any more', async (t) => {
  const users = await collection(t, Array.from({ length: 20_000 }, (_, n) => ({ n })))
  await rejectsWith(t, 'TIMEOUT', users.updateMany({}, { $set: { changed: true } }, limit))
  const changed = await users.countDocuments({ changed: true })
  // Parts are committed one after the other: this one would wait behind the running one.
  await users.updateOne({ n: 19_999 }, { $set: { other: true } })
  t.is(await users.countDocuments({ changed: true }), changed)
})

test.serial('maxTimeMS ends insertMany, createIndex, compact and backup with TIMEOUT', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  const users = db.collection('users')
  const text = 'x'.repeat(200)
  const many = Array.from({ length: 60_000 }, (_, i) => ({ _id: i, a: `${i}${text}`, b: `${60_000 - i}${text}`, c: `${i % 1000}${text}` }))
  await rejectsWith(t, 'TIMEOUT', users.insertMany(many, limit))
  // What was inserted until then stays, without gaps.
  const found = await users.find().toArray()
  t.deepEqual(found, many.slice(0, found.length))
  await users.insertMany(many.slice(found.length))
  await rejectsWith(t, 'TIMEOUT', users.createIndex({ a: 1, b: 1, c: 1 }, limit))
  t.deepEqual((await users.indexes()).map((index) => index.name), ['_id_'])
  await rejectsWith(t, 'TIMEOUT', db.compact(limit))
  await rejectsWith(t, 'TIMEOUT', db.backup(`${path}-copy`, limit))
  t.is(await users.countDocuments(), 60_000)
})

// Writes to one collection that are not awaited take effect in the order of the calls.

import test from 'ava'

import { directory, memory, onDisk } from './support/database.mjs'

const documents = Array.from({ length: 60 }, (_, i) => ({ _id: i, x: i, s: 'y'.repeat(50) }))
const rejected = (promise) => promise.then(() => 'done', (error) => error.kind)

/** What takes the documents with an `x` of 0 or more away, all in ways of their own. */
const FIRST = {
  drop: (c) => c.drop(),
  rename: (c) => c.rename('other', { dropTarget: true }),
  deleteMany: (c) => c.deleteMany({ s: /y/ }),
  updateMany: (c) => c.updateMany({ s: /y/ }, { $set: { x: -1 } }),
  bulkWrite: (c) => c.bulkWrite([{ updateMany: { filter: { x: { $gte: 30 } }, update: { $inc: { x: -1000 } } } }, { deleteMany: { filter: { x: { $gte: 0 } } } }]),
  $out: (c) => c.aggregate([{ $limit: 1 }, { $set: { x: -1 } }, { $out: c.collectionName }]).toArray(),
  $merge: (c) => c.aggregate([{ $set: { x: -1 } }, { $merge: { into: { coll: c.collectionName } } }]).toArray()
}
/** What would change a document with an `x` of 49, if there were one. */
const SEARCHING = {
  updateOne: (c) => c.updateOne({ x: 49 }, { $set: { v: 1 } }).then((result) => result.matchedCount),
  updateMany: (c) => c.updateMany({ x: 49 }, { $set: { v: 1 } }).then((result) => result.matchedCount),
  replaceOne: (c) => c.replaceOne({ x: 49 }, { v: 1 }).then((result) => result.matchedCount),
  findOneAndUpdate: (c) => c.findOneAndUpdate({ x: 49 }, { $set: { v: 1 } }).then((found) => (found === null ? 0 : 1)),
  deleteOne: (c) => c.deleteOne({ x: 49 }).then((result) => result.deletedCount),
  bulkWrite: (c) => c.bulkWrite([{ updateOne: { filter: { x: 49 }, update: { $set: { v: 1 } } } }]).then((result) => result.matchedCount),
  'updateOne by _id': (c) => c.updateOne({ _id: 49, x: 49 }, { $set: { v: 1 } }).then((result) => result.matchedCount)
}
/** What needs the `_id` 1 to be free. */
const INSERTING = {
  insertOne: (c) => c.insertOne({ _id: 1 }),
  set: (c) => c.set(1, { v: 1 }, { ifVersion: 0 }),
  bulkWrite: (c) => c.bulkWrite([{ insertOne: { document: { _id: 1 } } }]),
  insertMany: (c) => c.insertMany(Array.from({ length: 200 }, (_, i) => ({ _id: i + 1 })))
}

for (const memoryLimit of [undefined, 1]) {
  for (const [name, first] of Object.entries(FIRST)) {
    test(`no write overtakes ${name}${memoryLimit ? ', documents on disk' : ''}`, async (t) => {
      const db = await onDisk(t, { memoryLimit })
      let round = 0
      const fresh = async () => {
        const c = db.collection(`c${round++}`)
        await c.insertMany(documents)
        return c
      }
      for (let times = 0; times < 5; times++) {
        for (const [method, second] of Object.entries(SEARCHING)) {
          const c = await fresh()
          const [, count] = await Promise.all([first(c), second(c)])
          t.is(count, 0, method)
        }
        if (!['drop', 'rename', 'deleteMany'].includes(name)) continue
        for (const [method, second] of Object.entries(INSERTING)) {
          const c = await fresh()
          const outcomes = await Promise.all([first(c), rejected(second(c))])
          t.is(outcomes[1], 'done', method)
          t.is((await c.get(1))?.x, undefined)
        }
      }
    })
  }
}

test('writes by _id and by filter alternate in the order of the calls, in several collections at once', async (t) => {
  const db = await onDisk(t)
  const all = ['a', 'b'].map((name) => db.collection(name))
  for (const c of all) await c.insertOne({ _id: 1, x: 0 })
  const outcomes = []
  for (let step = 0; step < 300; step++) {
    // Each one finds the document only as the one before it left it.
    const filter = step % 3 === 0 ? { _id: 1, x: step } : { x: step }
    for (const c of all) outcomes.push(c.updateOne(filter, { $set: { x: step + 1 } }))
    if (step % 50 === 7) await Promise.resolve()
  }
  for (const { matchedCount } of await Promise.all(outcomes)) t.is(matchedCount, 1)
})

test('a write that is aborted, runs out of time or fails lets the next ones begin', async (t) => {
  const db = await onDisk(t)
  const c = db.collection('c')
  await c.insertMany(documents)
  const long = { $expr: { $gt: [{ $size: { $filter: { input: { $range: [0, 4e5] }, cond: { $gt: ['$$this', 1e9] } } } }, 1e9] } }
  const stop = new AbortController()
  const outcomes = [
    c.updateMany(long, { $set: { v: 1 } }, { signal: stop.signal }),
    c.updateMany(long, { $set: { v: 1 } }, { maxTimeMS: 20 }),
    c.updateMany({ x: { $nope: 1 } }, { $set: { v: 1 } }),
    c.deleteMany(long, { signal: stop.signal }),
    c.insertOne({ _id: 0 }),
    c.insertOne({ _id: 'new' })
  ].map((promise) => promise.then(() => 'done', (error) => error.kind ?? error.name))
  setTimeout(() => stop.abort(), 50)
  t.deepEqual(await Promise.all(outcomes), ['AbortError', 'TIMEOUT', 'BAD_QUERY', 'AbortError', 'DUPLICATE_KEY', 'done'])
})

test('a drop waits for the index build before it, and documents are written meanwhile', async (t) => {
  const db = await onDisk(t)
  const c = db.collection('c')
  await c.insertMany(Array.from({ length: 5000 }, (_, _id) => ({ _id, x: _id })))
  const outcomes = await Promise.all([c.createIndex({ x: 1 }), c.updateOne({ x: 7 }, { $set: { v: 1 } }), c.dropIndex('x_1'), c.createIndex({ x: 1 }, { name: 'again' }), c.drop(), c.createIndex({ x: 1 })])
  t.is(outcomes[0], 'x_1')
  t.is(outcomes[1].matchedCount, 1)
  t.deepEqual(outcomes.slice(3), ['again', true, 'x_1'])
  t.is(await c.countDocuments(), 0)
  t.deepEqual((await c.indexes()).map(({ name }) => name), ['_id_', 'x_1'])
})

const BEFORE = {
  updateMany: (c) => c.updateMany({}, { $set: { g: 3 } }),
  bulkWrite: (c) => c.bulkWrite([{ updateMany: { filter: {}, update: { $set: { g: 3 } } } }]),
  'updateOne by _id': (c) => Promise.all([1, 2, 3].map((_id) => c.updateOne({ _id }, { $set: { g: 3 } }))),
  $merge: (c) => c.aggregate([{ $set: { g: 3 } }, { $merge: 'c' }]).toArray(),
  'drop and insertMany': (c) => Promise.all([c.drop(), c.insertMany([1, 2, 3].map((_id) => ({ _id, g: 3 })))])
}

for (const storage of ['async', 'sync']) {
  for (const [name, before] of Object.entries(BEFORE)) {
    for (const last of [{ $out: 'c' }, { $merge: { into: 'c' } }]) {
      test(`${Object.keys(last)[0]} into its own source reads what ${name} before it has left, ${storage}`, async (t) => {
        const db = await onDisk(t, { storage })
        const c = db.collection('c')
        for (let round = 0; round < 5; round++) {
          await c.drop()
          await c.insertMany([1, 2, 3].map((_id) => ({ _id, g: 0 })))
          await Promise.all([before(c), c.aggregate([{ $match: { g: 3 } }, { $set: { o: 1 } }, last]).toArray()])
          t.deepEqual(await c.find().sort({ _id: 1 }).toArray(), [1, 2, 3].map((_id) => ({ _id, g: 3, o: 1 })))
        }
      })
    }
  }
}

const READING = {
  'run on': (db, last) => db.collection('from').aggregate([last]),
  $lookup: (db, last) => db.collection('one').aggregate([{ $lookup: { from: 'from', pipeline: [], as: 'all' } }, { $unwind: '$all' }, { $replaceWith: '$all' }, last]),
  $unionWith: (db, last) => db.collection('none').aggregate([{ $unionWith: 'from' }, last]),
  'nested $unionWith': (db, last) =>
    db.collection('one').aggregate([{ $facet: { all: [{ $unionWith: { coll: 'none', pipeline: [{ $unionWith: { coll: 'from' } }] } }] } }, { $unwind: '$all' }, { $replaceWith: '$all' }, { $match: { n: { $exists: true } } }, last])
}

for (const [name, reading] of Object.entries(READING)) {
  for (const last of [{ $out: 'to' }, { $merge: 'to' }]) {
    test(`${Object.keys(last)[0]} reads what the writes before it have left in a collection that it reads, and nothing of the later ones: ${name}`, async (t) => {
      const db = await onDisk(t, {})
      const from = db.collection('from')
      await db.collection('one').insertOne({ _id: 'one' })
      await from.insertMany(documents.map(({ _id, s }) => ({ _id, s, n: 0 })))
      for (let round = 0; round < 10; round++) {
        const before = [from.updateMany({ s: /y/ }, { $set: { n: 2 * round } }), from.bulkWrite([{ updateMany: { filter: { s: /y/ }, update: { $inc: { n: 1 } } } }])]
        const merged = reading(db, last).toArray()
        await Promise.all([...before, merged, from.updateMany({}, { $set: { n: -1 } }), from.updateOne({ _id: 5 }, { $set: { n: -2 } })])
        t.deepEqual(new Set(await db.collection('to').distinct('n')), new Set([2 * round + 1]))
        t.is(await from.countDocuments({ n: -1 }), documents.length - 1)
      }
    })
  }
}

test('once a close has ended a write, it ends the later ones to the same collection', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  const c = db.collection('c')
  const other = db.collection('other')
  await c.insertMany(documents)
  // More than a close waits for.
  const long = { $expr: { $gt: [{ $size: { $filter: { input: { $range: [0, 1e6] }, cond: { $gt: ['$$this', 1e9] } } } }, 1e9] } }
  const outcomes = [
    c.updateMany(long, { $set: { v: 1 } }), c.deleteMany({}), c.insertOne({ _id: 'new' }), c.set(7, { later: true }), c.createIndex({ x: 1 }), c.dropIndex('x_1'),
    c.bulkWrite([{ insertOne: { document: { _id: 'bulk' } } }]), c.updateOne({ _id: 11 }, { $set: { later: true } }), c.rename('renamed')
  ].map(rejected)
  const apart = rejected(other.insertOne({ _id: 1 }))
  await db.close()
  t.deepEqual(new Set(await Promise.all(outcomes)), new Set(['CLOSED']))
  t.is(await apart, 'done')
  const again = await onDisk(t, {}, path)
  t.deepEqual(await again.collection('c').find().sort({ _id: 1 }).toArray(), documents)
  t.is(await again.collection('other').countDocuments(), 1)
})

test('dropDatabase drops what was written before it, and nothing that is written after it', async (t) => {
  for (const db of [await memory(t), await onDisk(t), await onDisk(t, { storage: 'sync', memoryLimit: 1 })]) {
    const c = db.collection('c')
    for (const before of [() => c.insertOne({ _id: 'a' }), () => c.updateMany({}, { $set: { v: 1 } }), () => db.collection('b').rename('fresh', { dropTarget: true })]) {
      await Promise.all([c, db.collection('b')].map((one) => one.insertMany(documents)))
      const outcomes = [before(), db.dropDatabase(), c.insertOne({ _id: 'b' }), db.collection('d').insertOne({ _id: 'd' })]
      t.true((await Promise.all(outcomes))[1])
      t.deepEqual(await c.find().toArray(), [{ _id: 'b' }])
      t.deepEqual((await db.listCollections().toArray()).map(({ name }) => name), ['c', 'd'])
    }
  }
})

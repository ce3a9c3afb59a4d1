// Writes by filter that check the version of their document, and the versions that findOne tells.

import test from 'ava'

import { memory, onDisk, rejectsWith } from './support/database.mjs'

const WRITES = {
  updateOne: (c, options) => c.updateOne({ _id: 1 }, { $inc: { n: 1 } }, options),
  'updateOne by pipeline': (c, options) => c.updateOne({ _id: 1 }, [{ $set: { n: { $add: ['$n', 1] } } }], options),
  'updateOne by a field': (c, options) => c.updateOne({ name: 'a' }, { $inc: { n: 1 } }, { ...options, sort: { n: 1 } }),
  replaceOne: (c, options) => c.replaceOne({ _id: 1 }, { name: 'a', n: 9 }, options),
  deleteOne: (c, options) => c.deleteOne({ _id: 1 }, options),
  findOneAndUpdate: (c, options) => c.findOneAndUpdate({ _id: 1 }, { $inc: { n: 1 } }, options),
  findOneAndReplace: (c, options) => c.findOneAndReplace({ name: 'a' }, { name: 'a', n: 9 }, options),
  findOneAndDelete: (c, options) => c.findOneAndDelete({ name: 'a' }, options),
  updateOneSync: async (c, options) => c.updateOneSync({ _id: 1 }, { $inc: { n: 1 } }, options),
  replaceOneSync: async (c, options) => c.replaceOneSync({ _id: 1 }, { name: 'a', n: 9 }, options),
  deleteOneSync: async (c, options) => c.deleteOneSync({ _id: 1 }, options),
  'bulkWrite updateOne': (c, options) => c.bulkWrite([{ updateOne: { filter: { _id: 1 }, update: { $inc: { n: 1 } }, ...options } }]),
  'bulkWrite replaceOne': (c, options) => c.bulkWrite([{ replaceOne: { filter: { _id: 1 }, replacement: { name: 'a', n: 9 }, ...options } }]),
  'bulkWrite deleteOne': (c, options) => c.bulkWrite([{ deleteOne: { filter: { _id: 1 }, ...options } }])
}

for (const [name, open] of Object.entries({ memory, 'documents on disk': (t) => onDisk(t, { memoryLimit: 1 }) })) {
  for (const [method, write] of Object.entries(WRITES)) {
    test(`${method} changes the document at the version that it names, and no other: ${name}`, async (t) => {
      const db = await open(t)
      const c = db.collection('c')
      await c.insertOne({ _id: 1, name: 'a', n: 0 })
      await c.updateOne({ _id: 1 }, { $set: { n: 5 } })
      const before = await c.get(1, { meta: true })
      t.is(before.version, 2)
      for (const ifVersion of [0, 1, 3]) {
        const error = await t.throwsAsync(async () => write(c, { ifVersion }))
        const told = error.writeErrors?.[0] ?? error
        t.regex(told.message ?? told.errmsg, /expected at version \d, but it has version 2/)
        if (!error.writeErrors) t.is(error.kind, 'CONFLICT')
        t.deepEqual(await c.get(1, { meta: true }), before)
      }
      await write(c, { ifVersion: 2 })
      t.notDeepEqual(await c.get(1, { meta: true }), before)
    })
  }
}

test('where none matches, a version is a conflict and 0 is not; an upsert with 0 inserts', async (t) => {
  const db = await memory(t)
  const c = db.collection('c')
  await rejectsWith(t, 'CONFLICT', c.updateOne({ _id: 1 }, { $set: { a: 1 } }, { ifVersion: 1 }), /there is no such document/)
  await rejectsWith(t, 'CONFLICT', c.updateOne({ _id: 1 }, { $set: { a: 1 } }, { ifVersion: 1, upsert: true }), /there is no such document/)
  t.is(await c.countDocuments(), 0)
  t.is((await c.updateOne({ _id: 1 }, { $set: { a: 1 } }, { ifVersion: 0 })).matchedCount, 0)
  t.is((await c.updateOne({ _id: 1 }, { $set: { a: 1 } }, { ifVersion: 0, upsert: true })).upsertedId, 1)
  await rejectsWith(t, 'CONFLICT', c.updateOne({ _id: 1 }, { $set: { a: 2 } }, { ifVersion: 0, upsert: true }), /it has version 1/)
  await rejectsWith(t, 'CONFLICT', c.deleteOne({ _id: 2 }, { ifVersion: 3 }))
  await t.throwsAsync(c.updateOne({ _id: 1 }, { $set: { a: 1 } }, { ifVersion: -1 }), { instanceOf: TypeError })
  await rejectsWith(t, 'NOT_SUPPORTED', c.updateMany({ _id: 1 }, { $set: { a: 1 } }, { ifVersion: 1 }), /writes of one document/)
  await rejectsWith(t, 'NOT_SUPPORTED', c.deleteMany({ _id: 1 }, { ifVersion: 1 }))
})

test('concurrent increments that read, then write at the version that they read, lose none', async (t) => {
  const db = await onDisk(t)
  const c = db.collection('c')
  await c.insertOne({ _id: 1, n: 0, tag: 'x' })
  let conflicts = 0
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (let done = 0; done < 25;) {
      const { value, version } = await c.findOne({ tag: 'x' }, { meta: true })
      try {
        await c.updateOne({ tag: 'x' }, { $set: { n: value.n + 1 } }, { ifVersion: version })
        done += 1
      } catch (error) {
        t.is(error.kind, 'CONFLICT')
        conflicts += 1
      }
    }
  }))
  t.deepEqual(await c.findOne({}, { meta: true }).then(({ value, version }) => [value.n, version]), [200, 201])
  t.log(`${conflicts} conflicts`)
})

test('a version is that of the transaction which checks it', async (t) => {
  const db = await memory(t)
  const c = db.collection('c')
  await c.insertOne({ _id: 1, n: 0 })
  await db.transaction(async (tx) => {
    const own = tx.collection('c')
    await own.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { ifVersion: 1 })
    t.is((await own.findOne({ n: 1 }, { meta: true })).version, 2)
    await own.updateOne({ n: 1 }, { $inc: { n: 1 } }, { ifVersion: 2 })
  })
  t.deepEqual(await c.findOne({ _id: 1 }, { meta: true }).then(({ value, version }) => [value, version]), [{ _id: 1, n: 2 }, 2 + 1])
  const error = await t.throwsAsync(db.transaction(async (tx) => tx.collection('c').updateOne({ _id: 1 }, { $inc: { n: 1 } }, { ifVersion: 1 })))
  t.is(error.kind, 'CONFLICT')
  t.false(error.hasErrorLabel('TransientTransactionError'))
})

for (const [name, open] of Object.entries({ memory, async: (t) => onDisk(t), 'documents on disk': (t) => onDisk(t, { memoryLimit: 1 }) })) {
  test(`findOne tells what get tells with meta, for each document: ${name}`, async (t) => {
    const db = await open(t)
    const c = db.collection('c')
    await c.createIndex({ n: 1 })
    await c.insertMany(Array.from({ length: 200 }, (_, n) => ({ _id: n, n, text: 'x'.repeat(n) })))
    await c.updateMany({ n: { $gte: 100 } }, { $set: { a: 1 } })
    await c.updateMany({ n: { $gte: 150 } }, { $push: { list: 1 } })
    await c.replaceOne({ _id: 7 }, { n: 7 })
    if (name === 'async') await db.compact()
    await c.updateOne({ _id: 8 }, { $unset: { text: 1 } })
    for (let n = 0; n < 200; n++) {
      const expected = await c.get(n, { meta: true })
      t.deepEqual(await c.findOne({ _id: n }, { meta: true }), expected)
      t.deepEqual(c.findOneSync({ n }, { meta: true }), expected)
    }
    const { value, version } = await c.findOne({ n: 160 }, { meta: true, projection: { list: 1 } })
    t.deepEqual([value, version], [{ _id: 160, list: [1] }, 3])
    t.is((await c.findOne({}, { meta: true, sort: { n: -1 } })).value._id, 199)
    t.is(await c.findOne({ n: 1000 }, { meta: true }), null)
    t.is(await db.collection('none').findOne({}, { meta: true }), null)
  })
}

// Writes that block: they do what the promises do, in the order of the calls, and throw what those reject with.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'

import test from 'ava'

import { MoltenBulkWriteError } from '../index.mjs'
import { Database, directory, memory, onDisk } from './support/database.mjs'

const ways = {
  memory: (t) => memory(t),
  async: (t) => onDisk(t, { storage: 'async' }),
  sync: (t) => onDisk(t, { storage: 'sync' }),
  'documents on disk': (t) => onDisk(t, { memoryLimit: 1 })
}

for (const [name, open] of Object.entries(ways)) {
  test(`each synchronous write does what the method without Sync does: ${name}`, async (t) => {
    const db = await open(t)
    const c = db.collection('c')
    const created = c.insertOneSync({ n: 1 })
    t.true(created.acknowledged)
    t.deepEqual(c.findOneSync({ n: 1 }), { _id: created.insertedId, n: 1 })
    t.deepEqual(c.insertManySync([{ _id: 1, n: 2 }, { _id: 2, n: 3 }]), { acknowledged: true, insertedCount: 2, insertedIds: { 0: 1, 1: 2 } })
    t.like(c.updateOneSync({ _id: 1 }, { $inc: { n: 10 } }), { matchedCount: 1, modifiedCount: 1 })
    t.like(c.updateManySync({ n: { $gte: 3 } }, { $set: { big: true } }), { matchedCount: 2, modifiedCount: 2 })
    t.like(c.updateOneSync({ _id: 'new' }, { $set: { a: 1 } }, { upsert: true }), { upsertedId: 'new', upsertedCount: 1 })
    t.like(c.replaceOneSync({ _id: 2 }, { r: 1 }), { modifiedCount: 1 })
    t.is(c.setSync('s', { a: 1 }), 1)
    t.is(c.setSync('s', { a: 2 }, { ifVersion: 1 }), 2)
    t.is(c.setSync(2, { r: 2 }), 4)
    t.true(c.deleteSync('s'))
    t.false(c.deleteSync('s'))
    t.deepEqual(c.deleteOneSync({ big: true }), { acknowledged: true, deletedCount: 1 })
    const bulk = c.bulkWriteSync([{ insertOne: { document: { _id: 9 } } }, { updateOne: { filter: { _id: 9 }, update: { $set: { x: 1 } } } }, { deleteOne: { filter: { _id: 'new' } } }])
    t.deepEqual([bulk.insertedCount, bulk.modifiedCount, bulk.deletedCount], [1, 1, 1])
    t.deepEqual(await c.find({}, { sort: { _id: 1 } }).map(({ _id }) => _id).toArray(), [2, 9, created.insertedId])
    t.deepEqual(c.deleteManySync(), { acknowledged: true, deletedCount: 3 })
    t.is(c.countSync(), 0)
  })

  test(`a synchronous write takes effect after the writes that were called before it: ${name}`, async (t) => {
    const db = await open(t)
    const c = db.collection('c')
    const other = db.collection('other')
    const before = [
      c.insertMany(Array.from({ length: 2500 }, (_, n) => ({ _id: n, n: 0 }))),
      c.updateMany({}, { $inc: { n: 1 } }),
      other.insertOne({ _id: 1 }),
      c.deleteMany({ _id: { $gte: 2000 } })
    ]
    t.like(c.updateManySync({ n: 1 }, { $inc: { n: 1 } }), { matchedCount: 2000, modifiedCount: 2000 })
    t.is(c.countSync({ n: 2 }), 2000)
    const dropped = c.drop()
    c.insertOneSync({ _id: 'after' })
    t.deepEqual(c.findSync(), [{ _id: 'after' }])
    await Promise.all([...before, dropped])
    t.is(await c.countDocuments(), 1)
  })
}

test('what a synchronous write throws is what the promise rejects with', async (t) => {
  const db = await memory(t)
  const c = db.collection('c')
  c.insertOneSync({ _id: 1 })
  const cases = [
    ['insertOne', { _id: 1 }], ['insertOne', { _id: [] }], ['insertOne', 5], ['insertMany', []], ['insertMany', [{ _id: 1 }]], ['updateOne', {}, { a: 1 }],
    ['updateOne', { _id: 1 }, { $inc: { _id: 1 } }], ['updateMany', { $nope: 1 }, { $set: { a: 1 } }], ['replaceOne', {}, { $set: {} }],
    ['deleteOne', { $nope: 1 }], ['deleteMany', 7], ['set', 1, { _id: 2 }], ['set', 1, {}, { ifVersion: 7 }], ['delete', 1, { ifVersion: 9 }],
    ['bulkWrite', []], ['bulkWrite', [{ insertOne: { document: { _id: 1 } } }]], ['insertOne', {}, { wrong: 1 }]
  ]
  for (const [method, ...args] of cases) {
    const rejected = await t.throwsAsync(async () => c[method](...args), { any: true })
    const thrown = t.throws(() => c[`${method}Sync`](...args), { any: true })
    t.is(thrown.constructor, rejected.constructor, method)
    t.is(thrown.message.replaceAll(`${method}Sync`, method), rejected.message)
    t.deepEqual([thrown.kind, thrown.code, thrown.codeName], [rejected.kind, rejected.code, rejected.codeName])
    t.deepEqual(thrown.writeErrors?.map(({ index }) => index), rejected.writeErrors?.map(({ index }) => index))
  }
  const error = t.throws(() => c.insertManySync([{ _id: 2 }, { _id: 1 }, { _id: 3 }]), { instanceOf: MoltenBulkWriteError })
  t.deepEqual([error.insertedIds, error.result?.insertedCount], [{ 0: 2 }, 1])
  t.is(t.throws(() => c.updateOneSync({}, { $set: { a: 1 } }, { explain: true })).code, 238)
  t.throws(() => c.insertOneSync({}, { signal: AbortSignal.abort(new Error('mine')) }), { message: 'mine' })
  t.is(c.countSync(), 2)
})

test('many documents, and documents of many shapes, are written by one call', async (t) => {
  const db = await onDisk(t)
  const c = db.collection('c')
  const many = Array.from({ length: 20_000 }, (_, n) => ({ _id: n, [`k${n % 50}`]: n, text: 'x'.repeat(n % 300) }))
  t.is(c.insertManySync(many).insertedCount, 20_000)
  t.deepEqual(c.findSync({}), many)
  t.is(c.updateManySync({ k7: { $exists: true } }, [{ $set: { n: { $add: ['$k7', 1] } } }]).modifiedCount, 400)
})

test('a getter of a document may write synchronously; one of a large batch that is under way not to its collection', async (t) => {
  const db = await memory(t)
  const [c, other] = [db.collection('c'), db.collection('other')]
  c.insertOneSync({ _id: 1, get a() { return c.insertOneSync({ _id: 2 }).insertedId } })
  t.deepEqual(c.findSync({}, { sort: { _id: 1 } }), [{ _id: 1, a: 2 }, { _id: 2 }])
  const told = []
  const many = Array.from({ length: 100_000 }, (_, n) => ({ n, get a() { if (n === 99_999) { other.insertOneSync({}); try { c.insertOneSync({}) } catch (error) { told.push(error.kind) } } return n } }))
  await c.insertMany(many)
  t.deepEqual(told, ['NOT_SUPPORTED'])
  t.is(c.countSync(), 100_002)
  t.is(other.countSync(), 1)
})

test('a closed database and a read-only one refuse synchronous writes', async (t) => {
  const path = directory(t)
  const db = await Database.open(path)
  const c = db.collection('c')
  c.insertOneSync({ _id: 1 })
  await db.close()
  for (const write of [() => c.insertOneSync({}), () => c.updateOneSync({}, { $set: { a: 1 } }), () => db.transactionSync(() => 1)]) t.is(t.throws(write).kind, 'CLOSED')
  const reader = await Database.open(path, { readOnly: true })
  t.teardown(() => reader.close())
  t.is(t.throws(() => reader.collection('c').insertOneSync({})).kind, 'READ_ONLY')
  t.is(reader.collection('c').countSync(), 1)
})

test('a script that writes synchronously and is killed has lost nothing that returned, with storage sync', (t) => {
  const path = directory(t)
  const program = `
    const { Database } = require(${JSON.stringify(dirname(import.meta.dirname))})
    Database.open(${JSON.stringify(path)}, { storage: 'sync' }).then((db) => {
      const c = db.collection('c')
      for (let n = 0; n < 50; n++) c.insertOneSync({ _id: n })
      db.transactionSync((tx) => { for (let n = 50; n < 60; n++) tx.collection('c').insertOneSync({ _id: n }) })
      process.kill(process.pid, 'SIGKILL')
    })`
  t.is(spawnSync(process.execPath, ['-e', program]).signal, 'SIGKILL')
  return Database.open(path).then(async (db) => {
    t.is(await db.collection('c').countDocuments(), 60)
    await db.close()
  })
})

test('maxTimeMS ends a synchronous write, and terminate ends a worker in one', async (t) => {
  const path = directory(t)
  const db = await Database.open(path)
  t.teardown(() => db.close())
  const c = db.collection('c')
  c.insertManySync(Array.from({ length: 200_000 }, (_, n) => ({ _id: n })))
  const slow = { $expr: { $lt: [{ $reduce: { input: { $range: [0, 2000] }, initialValue: 0, in: { $add: ['$$value', '$$this'] } } }, 0] } }
  t.is(t.throws(() => c.updateManySync(slow, { $set: { a: 1 } }, { maxTimeMS: 50 })).kind, 'TIMEOUT')
  const program = `
    const { parentPort, workerData } = require('node:worker_threads')
    require(workerData.root).Database.open(workerData.path).then((db) => {
      parentPort.postMessage('begun')
      db.collection('c').updateManySync(workerData.slow, { $set: { a: 1 } })
    })`
  const worker = new Worker(program, { eval: true, workerData: { root: dirname(import.meta.dirname), path, slow } })
  await once(worker, 'message')
  await worker.terminate()
  t.is(c.countSync({ a: 1 }), 0)
})

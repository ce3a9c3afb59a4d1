// Sorts and groups of more than `queryMemoryLimit` use the disk, with the results of those in memory.

import { readdirSync } from 'node:fs'
import { Worker } from 'node:worker_threads'

import test from 'ava'

import { Database, directory, rejectsWith } from './support/database.mjs'

const DOCUMENTS = 6_000
const MIB = 1 << 20

const document = (n) => ({ _id: n, k: `${String((n * 7_919) % 500).padStart(3, '0')}${'k'.repeat(197)}`, x: (n % 97) * 10 ** ((n % 20) - 10) })
const documents = () => Array.from({ length: DOCUMENTS }, (_, n) => document(n))
const GROUP = [{ $group: { _id: { k: '$k', n: { $mod: ['$_id', 1_500] } }, sum: { $sum: '$x' }, all: { $push: '$_id' }, last: { $last: '$$ROOT' } } }]
/** Also the order of equal keys. */
const sorted = () => documents().sort((a, b) => (a.k < b.k ? -1 : a.k > b.k ? 1 : 0))

async function filled(t, options = {}) {
  const path = directory(t)
  const db = await Database.open(path, { queryMemoryLimit: MIB, ...options })
  t.teardown(() => db.close())
  await db.collection('c').insertMany(documents())
  return { db, path, c: db.collection('c') }
}

const leftovers = (path) => readdirSync(path).filter((name) => name.startsWith('spill-'))

test('a find and a pipeline beyond queryMemoryLimit answer what they answer in memory', async (t) => {
  const { db, path, c } = await filled(t)
  const memory = await Database.open(':memory:')
  await memory.collection('c').insertMany(documents())
  t.deepEqual(await c.find().sort({ k: 1 }).toArray(), sorted())
  t.deepEqual(c.findSync({}, { sort: { k: 1 }, skip: 100, limit: 5_000 }), sorted().slice(100, 5_100))
  const groups = await memory.collection('c').aggregate(GROUP).toArray()
  t.deepEqual(await c.aggregate(GROUP).toArray(), groups)
  const views = [{ $sort: { x: -1 } }, { $group: { _id: '$k', first: { $first: '$_id' } } }, { $sort: { _id: -1 } }, { $skip: 10 }]
  t.deepEqual(await c.aggregate(views).toArray(), await memory.collection('c').aggregate(views).toArray())
  t.is((await db.stats()).spillBytes, 0)
  t.deepEqual(leftovers(path), [])
  await memory.close()
})

test('allowDiskUse: false is LIMIT with code 292, and anything but a boolean a TypeError', async (t) => {
  const { c } = await filled(t)
  const message = /would hold more than 1 MiB, and allowDiskUse is false/
  for (const run of [
    () => c.find({}, { allowDiskUse: false }).sort({ k: 1 }).toArray(),
    () => c.find().sort({ k: 1 }).allowDiskUse(false).toArray(),
    () => c.aggregate(GROUP, { allowDiskUse: false }).toArray(),
    async () => c.findSync({}, { sort: { k: 1 }, allowDiskUse: false })
  ]) {
    const error = await rejectsWith(t, 'LIMIT', run(), message)
    t.is(error.code, 292)
  }
  t.is((await c.find({}, { allowDiskUse: false }).sort({ k: 1 }).allowDiskUse().toArray()).length, DOCUMENTS)
  t.is((await c.find({}, { allowDiskUse: false, sort: { k: 1 }, limit: 10 }).toArray()).length, 10)
  t.throws(() => c.find({}, { allowDiskUse: 'yes' }), { instanceOf: TypeError, message: /option allowDiskUse/ })
  t.throws(() => c.find().allowDiskUse(1), { instanceOf: TypeError })
  t.throws(() => c.aggregate([], { allowDiskUse: 1 }), { instanceOf: TypeError })
})

test('explain and stats tell what is on disk', async (t) => {
  const { db, c } = await filled(t)
  const { executionStats } = await c.find().sort({ k: 1 }).explain('executionStats')
  t.true(executionStats.usedDisk)
  t.true(executionStats.spills > 1 && executionStats.spilledBytes > MIB)
  t.false((await c.find().sort({ k: 1 }).limit(5).explain('executionStats')).executionStats.usedDisk)
  const cursor = c.find().sort({ k: 1 }).batchSize(10)
  t.deepEqual(await cursor.next(), sorted()[0])
  t.true((await db.stats()).spillBytes > MIB)
  await cursor.close()
  t.is((await db.stats()).spillBytes, 0)
})

test('a cursor on disk reads its own state beside writers, compaction and backup, and ends with its database', async (t) => {
  const { db, path, c } = await filled(t, { memoryLimit: 1 })
  const cursor = c.find().sort({ k: 1 }).batchSize(100)
  const found = [await cursor.next()]
  await Promise.all([c.deleteMany({ _id: { $lt: 5_000 } }), c.updateMany({}, { $set: { x: 0 } }), db.compact()])
  await db.backup(`${path}-copy`)
  t.deepEqual(leftovers(`${path}-copy`), [])
  for await (const one of cursor) found.push(one)
  t.deepEqual(found, sorted())

  const open = c.find().sort({ k: 1 }).batchSize(10)
  await open.next()
  await db.close()
  await t.throwsAsync(async () => { for (let n = 0; n < 20; n++) await open.next() }, { code: 'CLOSED' })
  t.deepEqual(leftovers(path), [])
})

test('maxTimeMS and a signal end a query that uses the disk', async (t) => {
  const { db, c } = await filled(t)
  await rejectsWith(t, 'TIMEOUT', c.aggregate([{ $unionWith: 'c' }, { $unionWith: 'c' }, ...GROUP, { $sort: { sum: 1 } }]).maxTimeMS(5).toArray())
  const controller = new AbortController()
  const running = c.aggregate([{ $unionWith: 'c' }, ...GROUP], { signal: controller.signal }).toArray()
  controller.abort(new Error('enough'))
  await t.throwsAsync(running, { message: 'enough' })
  await c.insertOne({ _id: 'still works' })
  t.is((await db.stats()).spillBytes, 0)
})

test('a worker that exits with an open cursor leaves no file', async (t) => {
  const { db, path } = await filled(t)
  const source = `
    const { workerData } = require('node:worker_threads')
    import(workerData.addon).then(async ({ Database }) => {
      const db = await Database.open(workerData.path)
      const cursor = db.collection('c').find().sort({ k: 1 }).batchSize(10)
      await cursor.next()
      process.exit(0)
    })`
  const worker = new Worker(source, { eval: true, workerData: { path, addon: new URL('../index.mjs', import.meta.url).href } })
  t.is(await new Promise((resolve) => worker.once('exit', resolve)), 0)
  // The cursor goes with the worker's environment, on another thread.
  for (let n = 0; n < 200 && (await db.stats()).spillBytes > 0; n++) await new Promise((resolve) => setTimeout(resolve, 10))
  t.is((await db.stats()).spillBytes, 0)
  t.deepEqual(leftovers(path), [])
})

test('a database in memory writes nothing: groups are LIMIT, a sorted find is not limited', async (t) => {
  const db = await Database.open(':memory:', { queryMemoryLimit: MIB })
  const c = db.collection('c')
  await c.insertMany(documents())
  await rejectsWith(t, 'LIMIT', c.aggregate(GROUP).toArray(), /\$group would hold more than 1 MiB; put/)
  t.deepEqual(await c.find().sort({ k: 1 }).toArray(), sorted())
  await db.close()
})

test('a thousand stages that gather their input, one behind the other, do not run out of stack', async (t) => {
  const db = await Database.open(':memory:')
  t.teardown(() => db.close())
  await db.collection('c').insertOne({ _id: 1, a: 1 })
  for (const stage of [{ $bucketAuto: { groupBy: '$a', buckets: 1 } }, { $group: { _id: '$a' } }, { $sort: { a: 1 } }, { $sample: { size: 2 } }]) {
    const answer = await db.collection('c').aggregate(Array(1000).fill(stage)).toArray().then((found) => found.length, (error) => error.kind)
    t.true(answer === 1 || answer === 'LIMIT', `${Object.keys(stage)[0]}: ${answer}`)
  }
})

// Capped collections, and the cursors that wait for their next documents.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import test from 'ava'

import { directory, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

const idsOf = (documents) => documents.map(({ _id }) => _id)
const range = (from, to) => Array.from({ length: to - from }, (_, n) => ({ _id: from + n }))

async function capped(t, options, db) {
  db ??= await memory(t)
  return db.createCollection('log', { capped: true, ...options })
}

test('a capped collection has its newest documents, in the order in which they came', async (t) => {
  const path = directory(t)
  let db = await onDisk(t, {}, path)
  const log = await capped(t, { size: 10_000, max: 3 }, db)
  t.true(await log.isCapped())
  t.deepEqual(await log.options(), { capped: true, size: 10_240, max: 3 })
  await log.insertMany(range(0, 10))
  t.deepEqual(idsOf(await log.find().toArray()), [7, 8, 9])
  await log.updateOne({ _id: 8 }, { $set: { text: 'x'.repeat(500) } })
  await log.deleteOne({ _id: 7 })
  await log.insertOne({ _id: 10 })
  await log.insertOne({ _id: 7 })
  t.deepEqual(idsOf(await log.find().toArray()), [9, 10, 7])
  t.deepEqual(idsOf(await log.find().sort({ $natural: -1 }).toArray()), [7, 10, 9])
  t.deepEqual(idsOf(await log.find().sort({ $natural: 1 }).limit(1).toArray()), [9])
  t.deepEqual(idsOf(await log.find().hint({ $natural: -1 }).toArray()), [7, 10, 9])
  t.is((await t.throwsAsync(log.find().sort({ $natural: -1 }).hint({ $natural: 1 }).toArray())).code, 2)
  const { max, maxSize, capped: isCapped } = await db.command({ collStats: 'log' })
  t.deepEqual({ max, maxSize, isCapped }, { max: 3, maxSize: 10_240, isCapped: true })
  await db.compact()
  await db.close()
  db = await onDisk(t, { memoryLimit: 1 }, path)
  const again = db.collection('log')
  t.deepEqual(idsOf(await again.find().toArray()), [9, 10, 7])
  await again.insertOne({ _id: 11 })
  t.deepEqual(idsOf(await again.find().toArray()), [10, 7, 11])
  t.true(await again.isCapped())
  t.deepEqual((await db.listCollections({ 'options.capped': true }).toArray()).map(({ name }) => name), ['log'])
  t.deepEqual(await db.command({ collMod: 'log', cappedMax: 1 }), { ok: 1 })
  await again.insertOne({ _id: 12 })
  t.deepEqual(idsOf(await again.find().toArray()), [12])
})

test('the size counts, and what makes way is told as deletions', async (t) => {
  const db = await onDisk(t)
  const log = await capped(t, { size: 1024 }, db)
  const stream = log.watch()
  for (let n = 0; n < 10; n++) await log.insertOne({ _id: n, text: 'x'.repeat(300) })
  const ids = idsOf(await log.find().toArray())
  t.deepEqual(ids, [7, 8, 9])
  t.true((await log.stats()).size <= 1024)
  const events = []
  for (;;) {
    const event = await stream.tryNext()
    if (event === null) break
    events.push(`${event.operationType} ${event.documentKey._id}`)
  }
  t.deepEqual(events.slice(0, 5), ['insert 0', 'insert 1', 'insert 2', 'insert 3', 'delete 0'])
  t.is(events.length, 17)
  await stream.close()
  await log.createIndex({ text: 1 }, { unique: true, partialFilterExpression: { once: true } })
  await log.insertOne({ _id: 'a', once: true, text: 'u' })
  await rejectsWith(t, 'DUPLICATE_KEY', log.insertOne({ _id: 'b', once: true, text: 'u' }))
})

test('a backup has it, an import into a capped collection keeps the newest, and $merge too', async (t) => {
  const db = await onDisk(t)
  const log = await capped(t, { size: 100_000, max: 4 }, db)
  await log.insertMany(range(0, 9))
  const copy = directory(t)
  await db.backup(copy)
  const second = await onDisk(t, {}, copy)
  await second.collection('log').insertOne({ _id: 'more' })
  t.deepEqual(idsOf(await second.collection('log').find().toArray()), [6, 7, 8, 'more'])
  await db.collection('plain').insertMany(range(100, 110))
  const other = await memory(t)
  await capped(t, { size: 4096, max: 2 }, other)
  await other.importJSONL(Array.from({ length: 5 }, (_, n) => `{"collection":"log","document":{"_id":${n}}}\n`))
  t.deepEqual(idsOf(await other.collection('log').find().toArray()), [3, 4])
  await db.collection('plain').aggregate([{ $merge: 'log' }]).toArray()
  t.deepEqual(idsOf(await log.find().toArray()), [106, 107, 108, 109])
  t.is((await t.throwsAsync(db.collection('plain').aggregate([{ $out: 'log' }]).toArray())).code, 17152)
})

test('what is wrong is refused with the code of the server, and misspelt options by their names', async (t) => {
  const db = await memory(t)
  const code = async (options) => (await t.throwsAsync(db.createCollection('x', options), undefined, String(options.size))).code
  for (const size of [0, -1, NaN, 2 ** 53, Infinity, 0n]) t.is(await code({ capped: true, size }), 51024, String(size))
  for (const size of ['5', {}]) t.is(await code({ capped: true, size }), 14)
  for (const max of [0, -1, 2 ** 31]) t.is(await code({ capped: true, size: 5, max }), 51024)
  t.is(await code({ capped: true }), 72)
  t.is(await code({ size: 5 }), 72)
  t.is(await code({ capped: 'yes', size: 5 }), 14)
  await rejectsType(t, () => db.createCollection('x', { caped: true, size: 5 }), /did you mean "capped"/)
  const log = await capped(t, { size: 300, max: 1 }, db)
  const large = await rejectsWith(t, 'LIMIT', log.insertOne({ text: 'x'.repeat(600) }), /exceeds cappedMaxSize/)
  t.is(large.code, 2)
  await log.insertOne({ _id: 1 })
  t.is((await rejectsWith(t, 'LIMIT', log.updateOne({ _id: 1 }, { $set: { text: 'x'.repeat(600) } }))).code, 2)
  const inTransaction = await rejectsWith(t, 'NOT_SUPPORTED', db.transaction((tx) => tx.collection('log').insertOne({ _id: 2 })), /is a capped collection/)
  t.is(inTransaction.code, 263)
  t.deepEqual(await db.transaction((tx) => tx.collection('log').findOne()), { _id: 1 })
  t.is((await t.throwsAsync(db.command({ collMod: 'log', cappedSize: 0 }))).code, 51024)
  await rejectsWith(t, 'NOT_SUPPORTED', db.command({ convertToCapped: 'log', size: 5 }), /createCollection/)
  await rejectsWith(t, 'CONFLICT', db.createCollection('log', { capped: true, size: 9_999 }))
  await db.createCollection('log', { capped: true, size: 300, max: 1 })
})

test('a tailable cursor goes on after the last document: next waits, tryNext does not', async (t) => {
  const log = await capped(t, { size: 100_000 })
  await log.insertMany(range(0, 3))
  const cursor = log.find({ _id: { $ne: 1 } }, { tailable: true, awaitData: true, maxAwaitTimeMS: 30, projection: { _id: 1 } })
  t.deepEqual([await cursor.next(), await cursor.next()], [{ _id: 0 }, { _id: 2 }])
  t.is(await cursor.tryNext(), null)
  t.false(cursor.closed)
  const waiting = cursor.next()
  t.is(await cursor.tryNext(), null, 'what comes belongs to the next that waits')
  await log.insertOne({ _id: 3 })
  t.deepEqual(await waiting, { _id: 3 })
  await log.insertMany(range(4, 6))
  t.deepEqual(await cursor.tryNext(), { _id: 4 })
  t.true(await cursor.hasNext())
  t.deepEqual(await cursor.next(), { _id: 5 })
  const last = cursor.next()
  await cursor.close()
  t.is(await last, null, 'close ends it')
  t.is(await cursor.tryNext(), null)
  t.true(cursor.closed)
})

test('a loop over a tailable cursor goes on until it is left, its signal aborts, the collection is dropped or the database closed', async (t) => {
  const db = await memory(t)
  const log = await capped(t, { size: 100_000 }, db)
  const read = async (options, enough = Infinity, seen = []) => {
    for await (const { _id } of log.find({}, { tailable: true, awaitData: true, ...options })) {
      seen.push(_id)
      if (seen.length === enough) break
    }
    return seen
  }
  const three = read({}, 3)
  const two = read({ limit: 2, skip: 1 })
  const controller = new AbortController()
  const aborted = read({ signal: controller.signal })
  const seen = []
  const dropped = read({}, Infinity, seen)
  for (let n = 0; n < 5; n++) {
    await log.insertOne({ _id: n })
    await pause(5)
  }
  t.deepEqual(await three, [0, 1, 2])
  t.deepEqual(await two, [1, 2])
  controller.abort(new Error('enough'))
  await t.throwsAsync(aborted, { message: 'enough' })
  while (seen.length < 5) await pause(5)
  await log.drop()
  t.deepEqual(await dropped, [0, 1, 2, 3, 4])
  await capped(t, { size: 100_000 }, db)
  const closed = read({})
  await pause(20)
  await db.close()
  await rejectsWith(t, 'CLOSED', closed)
})

test('a tailable cursor dies when documents that it has not read made way', async (t) => {
  const log = await capped(t, { size: 100_000, max: 2 })
  await log.insertMany(range(0, 2))
  const cursor = log.find().addCursorFlag('tailable', true).addCursorFlag('awaitData', true).maxAwaitTimeMS(10)
  t.deepEqual(await cursor.next(), { _id: 0 })
  t.deepEqual(await cursor.next(), { _id: 1 })
  await log.insertMany(range(2, 9))
  const lost = await rejectsWith(t, 'HISTORY_LOST', cursor.next(), /made way/)
  t.is(lost.code, 136)
  t.is(lost.codeName, 'CappedPositionLost')
  t.is(await cursor.next(), null)
  t.true(cursor.closed)
  cursor.rewind()
  t.deepEqual(idsOf([await cursor.next(), await cursor.next()]), [7, 8])
  await cursor.close()
})

test('cursors are tailable on capped collections only, in natural order, outside of transactions', async (t) => {
  const db = await memory(t)
  const log = await capped(t, { size: 100_000 }, db)
  await db.collection('plain').insertOne({})
  const code = async (cursor) => (await t.throwsAsync(cursor.next())).code
  t.is(await code(db.collection('plain').find({}, { tailable: true })), 2)
  t.is(await code(log.find({}, { tailable: true, sort: { a: 1 } })), 2)
  t.is(await code(log.find({}, { tailable: true }).sort({ $natural: -1 })), 2)
  t.is(await code(log.find({}, { awaitData: true })), 9)
  t.is(await db.collection('none').find({}, { tailable: true }).next(), null)
  const aborted = log.find({}, { tailable: true, signal: AbortSignal.abort(new Error('early')) })
  for (const read of ['next', 'tryNext', 'hasNext']) await t.throwsAsync(aborted[read](), { message: 'early' })
  await rejectsType(t, () => log.find({}, { tailable: 1 }), /option tailable must be a boolean/)
  await rejectsType(t, () => log.find({}, { tailabel: true }), /did you mean "tailable"/)
  await rejectsType(t, () => log.find().addCursorFlag('slow', true), /flag must be/)
  await rejectsType(t, () => log.find().addCursorFlag('tailable', 1), /value must be/)
  await rejectsType(t, () => log.find({}, { tailable: true }).live(), /no live query/)
  await rejectsWith(t, 'NOT_SUPPORTED', log.findOne({}, { tailable: true }), /use find/)
  await db.transaction(async (tx) => {
    await rejectsWith(t, 'NOT_SUPPORTED', tx.collection('log').find({}, { tailable: true }).next(), /transaction/)
  })
  await log.insertOne({ _id: 1 })
  const sorted = log.find({}, { tailable: true }).sort({ $natural: 1 })
  t.deepEqual(await sorted.next(), { _id: 1 })
  await sorted.close()
})

test('a tailable cursor keeps the process alive only while a document is awaited', (t) => {
  const program = `
    const { Database } = require(${JSON.stringify(join(import.meta.dirname, '..', 'index.js'))})
    Database.open(':memory:', { ttlInterval: 1000 }).then(async (db) => {
      const log = await db.createCollection('log', { capped: true, size: 5000 })
      await log.createIndex({ at: 1 }, { expireAfterSeconds: 1 })
      const cursor = log.find({}, { tailable: true, awaitData: true })
      setTimeout(() => log.insertOne({ _id: 1 }), 50)
      console.log((await cursor.next())._id)
      console.log(await cursor.tryNext())
    })`
  t.is(execFileSync(process.execPath, ['-e', program], { encoding: 'utf8', timeout: 60_000 }), '1\nnull\n')
})

test('a close ends a tailable cursor whenever it comes', async (t) => {
  for (let round = 0; round < 20; round++) {
    const db = await memory(t)
    const log = await capped(t, { size: 5000 }, db)
    const read = rejectsWith(t, 'CLOSED', log.find({}, { tailable: true, awaitData: true }).next())
    if (round % 4 > 0) await pause(round % 4 - 1)
    await db.close()
    await read
  }
})

test('two workers write to a capped collection, and a third tails it without a gap', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  const log = await capped(t, { size: 10_000_000 }, db)
  const { Worker } = await import('node:worker_threads')
  const source = `
    const { workerData } = require('node:worker_threads')
    const { Database } = require(workerData.index)
    Database.open(workerData.path).then(async (db) => {
      for (let n = 0; n < 200; n++) await db.collection('log').insertOne({ _id: workerData.name + n })
      await db.close()
    })`
  const index = join(import.meta.dirname, '..', 'index.js')
  const ended = ['a', 'b'].map((name) => {
    const worker = new Worker(source, { eval: true, workerData: { index, path, name } })
    return new Promise((resolve) => worker.once('exit', resolve))
  })
  const seen = []
  for await (const { _id } of log.find({}, { tailable: true, awaitData: true })) {
    seen.push(_id)
    if (seen.length === 400) break
  }
  t.deepEqual(seen, idsOf(await log.find().toArray()))
  await Promise.all(ended)
})

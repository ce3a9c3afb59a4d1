// Small writes settle in the call that submits them, and point reads are sent together: the guarantees that hold
// nevertheless.

import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

import test from 'ava'

import { collection, Database, directory, onDisk, rejectsWith } from './support/database.mjs'

const LONG = 'x'.repeat(20_000)

/** How often the event loop turns while a program awaits 4,000 calls one after the other. */
async function turnsWhile(call) {
  let turns = 0
  let counting = true
  const count = () => {
    turns++
    if (counting) setImmediate(count)
  }
  setImmediate(count)
  for (let i = 0; i < 4000; i++) await call(i)
  counting = false
  return turns
}

for (const storage of ['async', 'sync']) {
  test(`writes small and large, awaited and not, commit in the order of the calls (${storage})`, async (t) => {
    const db = await onDisk(t, { storage })
    const items = db.collection('items')
    const versions = []
    let last
    for (let i = 0; i < 600; i++) {
      last = { _id: 'k', i, pad: i % 13 === 5 ? LONG : '' }
      versions.push(items.set('k', last))
      if (i % 7 === 0) await versions.at(-1)
      if (i % 31 === 0) await turn()
    }
    t.deepEqual(await Promise.all(versions), Array.from({ length: 600 }, (_, i) => i + 1))
    t.deepEqual(await items.get('k'), last)
  })
}

test('the event loop turns while a program awaits small writes and reads', async (t) => {
  const db = await onDisk(t)
  const items = db.collection('items')
  const written = await turnsWhile((i) => items.set(i % 10, { i }))
  const read = await turnsWhile((i) => items.get(i % 10))
  t.true(written >= 3, `${written} turns in 4,000 writes`)
  t.true(read >= 3, `${read} turns in 4,000 reads`)
})

test('an answer is there for every reader once it settled', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  const other = await onDisk(t, {}, path)
  for (let i = 0; i < 500; i++) {
    await db.collection('items').updateOne({ _id: 'n' }, { $inc: { n: 1 } }, { upsert: true })
    t.is(other.collection('items').getSync('n').n, i + 1)
  }
})

test('the main thread and workers increment one document, and no increment is lost', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, { flushInterval: 5 }, path)
  const items = db.collection('items')
  await items.insertOne({ _id: 'n', n: 0 })
  const source = `
    const { Database } = require(process.argv[2])
    Database.open(process.argv[3], { flushInterval: 5 }).then(async (db) => {
      for (let i = 0; i < 1000; i++) await db.collection('items').updateOne({ _id: 'n' }, { $inc: { n: 1 } })
      await db.close()
    })`
  const index = new URL('../index.js', import.meta.url).pathname
  const workers = [1, 2].map(() => new Worker(source, { eval: true, argv: [index, path] }))
  const ends = workers.map((worker) => once(worker, 'exit'))
  for (let i = 0; i < 1000; i++) {
    await items.updateOne({ _id: 'n' }, { $inc: { n: 1 } })
    if (i % 100 === 0) await items.insertMany(Array.from({ length: 1000 }, (_, k) => ({ _id: `${i}-${k}` })))
  }
  t.deepEqual((await Promise.all(ends)).map(([code]) => code), [0, 0])
  t.is((await items.get('n')).n, 3000)
})

test('5,000 concurrent reads answer their own documents, missing ones null, and refused ones themselves', async (t) => {
  const items = await collection(t, Array.from({ length: 3000 }, (_, i) => ({ _id: i % 2 ? i : `k${i}`, i })))
  const ids = Array.from({ length: 5000 }, (_, i) => (i % 2 ? i : `k${i}`))
  ids[4001] = '\ud800'
  ids[4002] = 'x'.repeat(2000)
  const outcomes = await Promise.allSettled(ids.map((id) => items.get(id)))
  outcomes.forEach(({ status, value, reason }, i) => {
    if (i === 4001 || i === 4002) {
      t.is(reason?.kind, 'BAD_DOCUMENT')
      t.regex(reason.message, /^users\.get: /)
    } else {
      if (status !== 'fulfilled') t.fail(String(reason))
      if (i < 3000 ? value?.i !== i : value !== null) t.fail(`${ids[i]} gave ${JSON.stringify(value)}`)
    }
  })
})

test('reads that wait for the next turn are answered before close is done, and later ones refused', async (t) => {
  const db = await onDisk(t)
  const items = db.collection('items')
  await items.insertOne({ _id: 1, n: 1 })
  const reads = Array.from({ length: 3000 }, () => items.get(1))
  await db.close()
  t.true((await Promise.all(reads)).every((document) => document.n === 1))
  await rejectsWith(t, 'CLOSED', items.get(1))
  await rejectsWith(t, 'CLOSED', items.set(1, {}))
})

test('getMany keeps the order of its ids, however much the documents take', async (t) => {
  const items = await collection(t, Array.from({ length: 100 }, (_, i) => ({ _id: i, text: LONG.repeat(i % 10) + i })))
  const ids = Array.from({ length: 300 }, (_, i) => (i * 7) % 110)
  const documents = await items.getMany(ids)
  t.deepEqual(documents.map((document) => document?._id ?? null), ids.map((id) => (id < 100 ? id : null)))
  t.is(documents[9].text, LONG.repeat(63 % 10) + 63)
  t.deepEqual(await items.getMany([]), [])
})

test('reads settle with what a memory limit turned cold', async (t) => {
  const db = await onDisk(t, { memoryLimit: 1 << 20 })
  const items = db.collection('items')
  for (let i = 0; i < 400; i++) await items.insertOne({ _id: i, text: LONG.slice(0, 10_000) + i })
  t.true((await db.stats()).hotBytes < 2 << 20)
  const documents = await Promise.all(Array.from({ length: 2400 }, (_, i) => items.get(i % 400)))
  t.true(documents.every(({ _id, text }, i) => _id === i % 400 && text.endsWith(String(_id))))
  for (let i = 0; i < 400; i++) await items.updateOne({ _id: i }, { $set: { i } })
  t.is((await items.getMany([399]))[0].i, 399)
})

test('a database may be closed while results wait for the next turn', async (t) => {
  for (let round = 0; round < 20; round++) {
    const db = await Database.open(':memory:')
    const items = db.collection('items')
    await items.insertMany(Array.from({ length: 400 }, (_, i) => ({ _id: i, text: LONG.slice(0, 4000) })))
    t.is((await items.find().toArray()).length, 400)
    await db.close()
  }
  await turn()
})

test('small finds answer what findSync does, and cursors go on from them', async (t) => {
  const items = await collection(t, Array.from({ length: 3000 }, (_, i) => ({ _id: i, ten: i % 10, hundred: i % 100, text: `t${i % 7}` })))
  await items.createIndexes([{ key: { hundred: 1 } }, { key: { ten: 1, _id: 1 } }])
  const filters = [{ hundred: 5 }, { hundred: { $in: [1, 2, 3] }, text: 't3' }, { ten: 4 }, { _id: { $in: [5, 1, 2999, 5000] } }, { hundred: 200 }, { $or: [{ hundred: 1 }, { _id: 7 }] }, { text: /6$/ }]
  const shapes = [{}, { limit: 7 }, { skip: 3, limit: 4 }, { sort: { _id: -1 } }, { sort: { ten: -1, _id: -1 }, limit: 5 }, { projection: { ten: 1 } }, { batchSize: 3 }]
  for (const filter of filters) {
    for (const options of shapes) {
      const expected = items.findSync(filter, options)
      t.deepEqual(await items.find(filter, options).toArray(), expected)
      const seen = []
      for await (const item of items.find(filter, options)) seen.push(item)
      t.deepEqual(seen, expected)
      // One document has neither a limit nor batches.
      const one = Object.fromEntries(Object.entries(options).filter(([name]) => name !== 'limit' && name !== 'batchSize'))
      t.deepEqual(await items.findOne(filter, one), options.skip ? items.findOneSync(filter, one) : (expected[0] ?? null))
    }
  }
})

test('the event loop turns while a program awaits small finds', async (t) => {
  const items = await collection(t, Array.from({ length: 1000 }, (_, i) => ({ _id: i, hundred: i % 100 })))
  await items.createIndex({ hundred: 1 })
  const turns = await turnsWhile((i) => items.find({ hundred: i % 100 }).toArray())
  t.true(turns >= 3, `${turns} turns in 4,000 finds`)
})

test('a find in the call sees the awaited write before it, also when it grows beyond a call', async (t) => {
  const db = await onDisk(t, { memoryLimit: 1 << 20 })
  const items = db.collection('items')
  await items.createIndex({ k: 1 })
  for (let i = 0; i < 300; i++) {
    await items.insertOne({ _id: i, k: 1, text: i % 3 ? 'x' : LONG })
    const found = await items.find({ k: 1 }).toArray()
    t.is(found.length, i + 1)
    t.is(found[i]._id, i)
  }
})

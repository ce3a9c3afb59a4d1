// Worker threads write the same collections, by all kinds of writes that none of them awaits one by one. The writes of each take effect in the order
// of its calls: its own documents are always those of a plain model, at the end in the reopened database too.

import { Worker } from 'node:worker_threads'

import test from 'ava'

import { Database } from '../index.mjs'
import { directory } from './support/database.mjs'

const WORKERS = 3
const ROUNDS = 8
const BURST = 80
const KEYS = 25

async function work({ open, path, options, me, seed, rounds, burst, keys }) {
  const db = await open(path, options)
  let state = (seed * 7919 + me * 104_729 + 1) >>> 0
  const roll = (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
  const faults = []
  const models = { a: new Map(), b: new Map() }
  let counted = 0
  let version = 0
  for (let round = 0; round < rounds && faults.length === 0; round++) {
    const calls = []
    for (let i = 0; i < burst; i++) {
      const name = roll(2) === 0 ? 'a' : 'b'
      const c = db.collection(name)
      const model = models[name]
      const k = roll(keys)
      const _id = `${me}:${k}`
      const v = ++version
      const found = model.get(_id)
      const hits = found ? 1 : 0
      const expect = (promise, count, wanted) =>
        calls.push(promise.then((result) => count(result) === wanted || faults.push(`worker ${me}, round ${round}, write ${v} of ${_id} in ${name}: ${JSON.stringify(result)}, not ${wanted}`)))
      const change = (next) => found && model.set(_id, next)
      switch (roll(9)) {
        case 0:
          if (found) expect(c.deleteOne({ _id }), (result) => result.deletedCount, 1)
          else expect(c.insertOne({ _id, w: me, k, v }), (result) => result.insertedId, _id)
          if (found) model.delete(_id)
          else model.set(_id, { _id, w: me, k, v })
          break
        case 1:
          expect(c.set(_id, { w: me, k, v }), () => 0, 0)
          model.set(_id, { _id, w: me, k, v })
          break
        case 2:
          expect(c.updateOne({ w: me, k }, { $set: { v } }), (result) => result.matchedCount, hits)
          change({ ...found, v })
          break
        case 3: {
          const below = [...model.values()].filter((document) => document.k < k)
          expect(c.updateMany({ w: me, k: { $lt: k } }, { $inc: { v: 1 } }), (result) => result.matchedCount, below.length)
          for (const document of below) model.set(document._id, { ...document, v: document.v + 1 })
          break
        }
        case 4:
          expect(c.deleteMany({ w: me, k }), (result) => result.deletedCount, hits)
          model.delete(_id)
          break
        case 5:
          expect(c.updateOne({ w: me, k }, { $set: { v }, $setOnInsert: { _id } }, { upsert: true }), (result) => result.upsertedCount, 1 - hits)
          model.set(_id, { _id, w: me, k, v })
          break
        case 6:
          expect(c.bulkWrite([{ updateMany: { filter: { w: me, k }, update: { $set: { v: 0 } } } }, { deleteOne: { filter: { _id } } }, { insertOne: { document: { _id, w: me, k, v } } }]), (result) => result.deletedCount, hits)
          model.set(_id, { _id, w: me, k, v })
          break
        case 7:
          expect(c.updateOne({ _id }, [{ $set: { v: { $add: ['$v', 5] } } }]), (result) => result.matchedCount, hits)
          change({ ...found, v: found?.v + 5 })
          break
        default:
          expect(db.collection('counter').updateOne({ _id: 'n' }, { $inc: { n: 1 } }, { upsert: true }), () => 0, 0)
          counted++
      }
    }
    await Promise.all(calls)
  }
  await db.close()
  return { faults, counted, documents: Object.fromEntries(Object.entries(models).map(([name, model]) => [name, [...model.values()]])) }
}

const SOURCE = `const { parentPort, workerData } = require('node:worker_threads')
const { Database } = require(workerData.entry)
const work = ${work}
work({ open: Database.open.bind(Database), ...workerData }).then((result) => parentPort.postMessage(result))`

function inWorker(workerData) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(SOURCE, { eval: true, workerData })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the worker ended before it was done')))
  })
}

const byId = (a, b) => (a._id < b._id ? -1 : 1)

for (const options of [{ storage: 'async' }, { storage: 'async', memoryLimit: 1 }, { storage: 'sync', memoryLimit: 1 }]) {
  test(`writes of several threads that are not awaited keep the order of each thread, ${JSON.stringify(options)}`, async (t) => {
    const path = directory(t)
    const seed = Date.now() % 1_000_000
    t.log(`seed ${seed}`)
    const db = await Database.open(path, options)
    await db.collection('a').createIndex({ w: 1, k: 1 })
    const entry = new URL('../index.js', import.meta.url).pathname
    const given = { entry, path, options, seed, rounds: ROUNDS, burst: BURST, keys: KEYS }
    const main = { waits: true }
    const workers = Promise.all(Array.from({ length: WORKERS }, (_, me) => inWorker({ ...given, me }))).finally(() => (main.waits = false))
    const compacting = (async () => {
      while (main.waits) {
        await db.compact()
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })()
    const results = await workers
    await compacting
    t.deepEqual(results.flatMap(({ faults }) => faults), [])
    const check = async (from) => {
      for (const name of ['a', 'b']) {
        const wanted = results.flatMap(({ documents }) => documents[name]).sort(byId)
        const found = (await from.collection(name).find().toArray()).map(({ _id, w, k, v }) => ({ _id, w, k, v }))
        t.deepEqual(found.sort(byId), wanted)
        t.is(await from.collection(name).countDocuments({ w: { $gte: 0 } }), wanted.length)
      }
      t.is((await from.collection('counter').get('n')).n, results.reduce((sum, { counted }) => sum + counted, 0))
    }
    await check(db)
    await db.close()
    t.true((await Database.verify(path)).ok)
    const again = await Database.open(path, options)
    t.teardown(() => again.close())
    await check(again)
  })
}

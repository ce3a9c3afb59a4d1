// Upserts of the same key by every method, concurrently and from several threads: one document, and no change is lost.

import { Worker } from 'node:worker_threads'

import test from 'ava'

import { collection, directory, onDisk, rejectsWith } from './support/database.mjs'

const KEYS = 15
const AT_ONCE = 4
const WORKERS = 2

/** Each method as text: workers evaluate it. */
const METHODS = {
  updateOne: "(c, k) => c.updateOne({ k }, { $inc: { n: 1 } }, { upsert: true })",
  updateMany: "(c, k) => c.updateMany({ k, n: { $gte: 0 } }, { $inc: { n: 1 } }, { upsert: true })",
  replaceOne: "(c, k) => c.replaceOne({ k }, { k, n: 0 }, { upsert: true })",
  findOneAndUpdate: "(c, k) => c.findOneAndUpdate({ $expr: { $eq: ['$k', k] } }, { $set: { k }, $inc: { n: 1 } }, { upsert: true })",
  findOneAndReplace: "(c, k) => c.findOneAndReplace({ k: { $gte: k, $lte: k } }, { k, n: 0 }, { upsert: true })",
  bulkWrite: "(c, k) => c.bulkWrite([{ updateOne: { filter: { k }, update: { $inc: { n: 1 } }, upsert: true } }])",
  merge:
    "(c, k) => c.aggregate([{ $documents: [{ _id: k, k, n: 1 }] }, { $merge: { into: c.collectionName, whenMatched: [{ $set: { n: { $add: ['$n', 1] } } }] } }]).toArray()"
}
/** Those that count how often they were called. */
const COUNTING = ['updateOne', 'updateMany', 'findOneAndUpdate', 'bulkWrite', 'merge']

const work = `async ({ Database, path, name, method }) => {
  const db = await Database.open(path)
  const c = db.collection(name)
  for (let k = 0; k < ${KEYS}; k++) await Promise.all(Array.from({ length: ${AT_ONCE} }, () => method(c, k)))
  await db.close()
}`

const SOURCE = `const { parentPort, workerData } = require('node:worker_threads')
const { Database } = require(workerData.entry)
const work = ${work}
const { path, name, method } = workerData
work({ Database, path, name, method: eval(method) }).then(() => parentPort.postMessage('done'))`

function inWorker(workerData) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(SOURCE, { eval: true, workerData })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the worker ended before it was done')))
  })
}

for (const [method, text] of Object.entries(METHODS)) {
  for (const indexed of [false, true]) {
    test(`${method} from several threads inserts one document for each key${indexed ? ', with an index' : ''}`, async (t) => {
      const path = directory(t)
      const db = await onDisk(t, {}, path)
      const c = db.collection('c')
      if (indexed) await c.createIndex({ k: 1 })
      const entry = new URL('../index.js', import.meta.url).pathname
      await Promise.all(Array.from({ length: WORKERS }, () => inWorker({ entry, path, name: 'c', method: text })))
      const documents = await c.find().sort({ k: 1 }).toArray()
      t.deepEqual(documents.map((document) => document.k), Array.from({ length: KEYS }, (_, k) => k))
      if (COUNTING.includes(method)) t.true(documents.every((document) => document.n === AT_ONCE * WORKERS))
    })
  }
}

test('an upsert by parts of an _id is refused and inserts nothing', async (t) => {
  const users = await collection(t)
  const byPart = { '_id.a': 1 }
  const options = { upsert: true }
  await rejectsWith(t, 'BAD_QUERY', users.updateOne(byPart, { $set: { b: 1 } }, options))
  await rejectsWith(t, 'BAD_QUERY', users.updateMany(byPart, { $set: { b: 1 } }, options))
  await rejectsWith(t, 'BAD_QUERY', users.findOneAndUpdate(byPart, { $set: { b: 1 } }, options))
  t.is(await users.countDocuments(), 0)
})

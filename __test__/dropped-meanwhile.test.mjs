// Writes of one document beside other threads that drop and rename the collection: each ends, and none changes what is gone.

import { Worker } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'

import test from 'ava'

import { onDisk } from './support/database.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

const SOURCE = `
const { parentPort, workerData } = require('node:worker_threads')
const { Database } = require(workerData.root)
Database.open(workerData.path).then(async (db) => {
  const [items, other] = [db.collection('items'), db.collection('other')]
  const documents = Array.from({ length: 5 }, (_, _id) => ({ _id, n: _id, pad: 'x'.repeat(500) }))
  let runs = true
  parentPort.once('message', () => { runs = false })
  for (let round = 0; runs; round++) {
    if (round % 2) {
      await items.drop()
      await items.insertMany(documents)
    } else {
      await other.insertMany(documents)
      await other.rename('items', { dropTarget: true })
    }
  }
  await db.close()
  parentPort.close()
})`

for (const options of [{}, { storage: 'sync', memoryLimit: 1 }]) {
  test(`a write of one document ends beside a thread that drops and renames its collection: ${JSON.stringify(options)}`, async (t) => {
    const db = await onDisk(t, options)
    const items = db.collection('items')
    await items.insertOne({ _id: 0, n: 0 })
    const worker = new Worker(SOURCE, { eval: true, workerData: { root, path: db.path } })
    const ended = new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
    const until = Date.now() + 1_500
    let found = 0
    while (Date.now() < until) {
      const [one] = await Promise.all([
        items.findOneAndUpdate({}, { $inc: { n: 1 } }, { sort: { n: -1 } }), items.updateOne({ _id: 1 }, { $inc: { n: 1 } }),
        items.deleteOne({ n: { $gt: 2 } }), items.updateOne({ n: { $gte: 0 } }, { $set: { x: 1 } }, { hint: { $natural: -1 } })
      ])
      if (one !== null) found++
    }
    worker.postMessage('end')
    t.is(await ended, 0)
    t.true(found > 0)
  })
}

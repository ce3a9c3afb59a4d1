// Closing a database, and ending the process, during work that would take minutes.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import test from 'ava'

import { Database, directory } from './support/database.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
/** The maximum milliseconds of closing on a busy machine; the work takes minutes. */
const BOUND = 20_000

/** An expression that takes minutes for one document and stays small. */
const forLong = { $size: { $filter: { input: { $range: [0, 4e5] }, cond: { $gt: [{ $size: { $filter: { input: { $range: [0, 1e5] }, cond: { $gt: ['$$this', 1e9] } } } }, 1e9] } } } }
/** The same for a thousandth of the time per document: many documents take minutes. */
const forSome = { $size: { $filter: { input: { $range: [0, 4000] }, cond: { $gt: [{ $size: { $filter: { input: { $range: [0, 1000] }, cond: { $gt: ['$$this', 1e9] } } } }, 1e9] } } } }
const unwinds = [{ $set: { a: { $range: [0, 1e6] }, b: { $range: [0, 1e6] } } }, { $unwind: '$a' }, { $unwind: '$b' }]

const WORK = {
  'updateMany with $expr': (c) => c.updateMany({ $expr: { $gte: [forSome, 0] } }, { $inc: { z: 1 } }),
  'updateMany by a pipeline': (c) => c.updateMany({}, [{ $set: { z: forSome } }]),
  'updateOne by a long pipeline': (c) => c.updateOne({}, [{ $set: { z: forLong } }]),
  'deleteMany with $expr': (c) => c.deleteMany({ $expr: { $gte: [forSome, 0] } }),
  'findOneAndUpdate by a long pipeline': (c) => c.findOneAndUpdate({}, [{ $set: { z: forLong } }]),
  bulkWrite: (c) => c.bulkWrite(Array.from({ length: 1000 }, (_, i) => ({ updateOne: { filter: { _id: i }, update: [{ $set: { z: forSome } }] } }))),
  '$merge by a pipeline': (c) => c.aggregate([{ $merge: { into: c.collectionName, whenMatched: [{ $set: { z: forSome } }] } }]).toArray(),
  '$out of $unwind x $unwind': (c) => c.aggregate([...unwinds, { $unset: '_id' }, { $count: 'n' }, { $out: 'o' }]).toArray(),
  '$unwind x $unwind': (c) => c.aggregate([...unwinds, { $count: 'n' }]).toArray(),
  $lookup: (c) => c.aggregate([{ $lookup: { from: c.collectionName, pipeline: [{ $match: { $expr: { $gte: [forSome, 0] } } }, { $count: 'n' }], as: 'l' } }, { $count: 'n' }]).toArray()
}
const documents = Array.from({ length: 2000 }, (_, i) => ({ _id: i, n: i, t: 'x'.repeat(50) }))

for (const [name, work] of Object.entries(WORK)) {
  for (const memoryLimit of [undefined, 10_000]) {
    test.serial(`close ends ${name} with CLOSED${memoryLimit ? ', documents on disk' : ''}`, async (t) => {
      const db = await Database.open(directory(t), { memoryLimit })
      const c = db.collection('c')
      await c.insertMany(documents)
      const outcome = work(c).then(() => 'done', (error) => error.kind)
      await new Promise((resolve) => setTimeout(resolve, 50))
      const began = performance.now()
      await db.close()
      t.true(performance.now() - began < BOUND)
      t.is(await outcome, 'CLOSED')
    })
  }
}

for (const name of ['updateMany by a pipeline', '$merge by a pipeline', '$unwind x $unwind', '$lookup']) {
  test.serial(`the process ends while ${name} goes on`, (t) => {
    const program = `
      const { Database } = require('./index.js')
      const forSome = ${JSON.stringify(forSome)}, unwinds = ${JSON.stringify(unwinds)}
      const work = ${WORK[name]}
      Database.open(':memory:').then(async (db) => {
        const c = db.collection('c')
        await c.insertMany(Array.from({ length: 2000 }, (_, i) => ({ _id: i, n: i })))
        for (let i = 0; i < 3; i++) work(c).catch(() => {})
        setTimeout(() => process.exit(7), 100)
      })`
    const { status, signal, stderr } = spawnSync(process.execPath, ['-e', program], { cwd: root, encoding: 'utf8', timeout: BOUND })
    t.deepEqual([status, signal, stderr], [7, null, ''])
  })
}

// The main thread, which waits for its workers, has not loaded the package: only the call itself can notice.
for (const [end, code] of Object.entries({ 'process.exit(7)': 7, 'worker.terminate().then(() => (process.exitCode = 8))': 8 })) {
  for (const [name, count] of Object.entries({ 'one long document': 1, 'many documents, which several threads read': 2000 })) {
    test.serial(`${end.split('.').slice(0, 2).join('.').replace(/\(.*/, '')} ends a findSync of ${name}`, (t) => {
      const program = `
        const { Worker } = require('node:worker_threads')
        const worker = new Worker(${JSON.stringify(`
          const { parentPort } = require('node:worker_threads')
          const { Database } = require('./index.js')
          Database.open(':memory:').then(async (db) => {
            const c = db.collection('c')
            await c.insertMany(Array.from({ length: ${count} }, (_, n) => ({ n })))
            parentPort.postMessage('begins')
            c.findSync({ $expr: { $lt: [${JSON.stringify(count === 1 ? forLong : forSome)}, 0] } })
          })`)}, { eval: true })
        worker.once('message', () => setTimeout(() => ${end}, 100))`
      const { status, signal, stderr } = spawnSync(process.execPath, ['-e', program], { cwd: root, encoding: 'utf8', timeout: BOUND })
      t.deepEqual([status, signal, stderr], [code, null, ''])
    })
  }
}

test('close ends the counting of many writes between two of them, and what was done stays whole', async (t) => {
  const path = directory(t)
  const db = await Database.open(path)
  const c = db.collection('c')
  await c.insertMany(documents)
  const outcome = c.updateMany({}, [{ $set: { z: forSome, y: forSome } }]).then(() => 'done', (error) => error.kind)
  await new Promise((resolve) => setTimeout(resolve, 50))
  await db.close()
  t.is(await outcome, 'CLOSED')
  const again = await Database.open(path)
  t.teardown(() => again.close())
  for (const document of await again.collection('c').find().toArray()) t.is('z' in document, 'y' in document)
})

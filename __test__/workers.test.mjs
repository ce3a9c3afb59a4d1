import { execFile } from 'node:child_process'
import { on, once } from 'node:events'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'

import test from 'ava'

import { directory, onDisk } from './support/database.mjs'

const index = new URL('../index.js', import.meta.url).pathname

function start(path, body) {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { Database } = require(workerData.index)
    Database.open(workerData.path).then(async (db) => { ${body} }).catch((error) => { throw error })`
  return new Worker(source, { eval: true, workerData: { path, index } })
}

test('workers share one engine and see each other\'s writes', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  await db.collection('users').insertOne({ _id: 'main', from: 'main' })
  const worker = start(path, `
    const users = db.collection('users')
    parentPort.postMessage(await users.get('main'))
    await users.insertOne({ _id: 'worker', from: 'worker', extra: { shape: 1 } })
    parentPort.postMessage('written')
    await db.close()`)
  const exited = once(worker, 'exit')
  // Both may arrive before the first is read.
  const messages = on(worker, 'message')
  const { value: [seen] } = await messages.next()
  t.deepEqual(seen, { _id: 'main', from: 'main' })
  await messages.next()
  t.deepEqual(await db.collection('users').get('worker'), { _id: 'worker', from: 'worker', extra: { shape: 1 } })
  const [code] = await exited
  t.is(code, 0)
})

test('workers write at once, each in a port of its own', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  const workers = Array.from({ length: 4 }, (_, w) => start(path, `
    const items = db.collection('items')
    await Promise.all(Array.from({ length: 500 }, (_, i) => items.insertOne({ _id: '${w}-' + i, ['only${w}']: i })))
    await db.close()`))
  const codes = await Promise.all(workers.map(async (worker) => (await once(worker, 'exit'))[0]))
  t.deepEqual(codes, [0, 0, 0, 0])
  t.is(await db.collection('items').countDocuments(), 2000)
  t.is((await db.collection('items').get('3-499')).only3, 499)
})

test('a worker terminated in the middle disturbs nobody', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  for (let round = 0; round < 5; round++) {
    const worker = start(path, `
      parentPort.postMessage('started')
      for (let i = 0; ; i++) await db.collection('items').set('w', { i })`)
    await once(worker, 'message')
    await worker.terminate()
    await db.collection('items').set('main', { round })
    t.is((await db.collection('items').get('main')).round, round)
  }
})

test('workers come and go in a process whose main thread never loads the addon', async (t) => {
  const worker = `
    const { workerData: { index, i } } = require('node:worker_threads')
    const { Database } = require(index)
    Database.open(':memory:').then(async (db) => {
      const c = db.collection('c')
      await Promise.all(Array.from({ length: 500 }, (_, j) => c.insertOne({ j, s: 'x'.repeat(j % 300) })))
      await c.find({ j: { $gt: 5 } }).toArray()
      if (i % 3 === 0) process.exit(0)
      if (i % 3 === 1) await db.close()
      c.updateMany({}, { $inc: { j: 1 } }).catch(() => {})
    })`
  const main = `
    const { Worker } = require('node:worker_threads')
    const one = (i) => new Promise((ended, failed) => {
      const worker = new Worker(${JSON.stringify(worker)}, { eval: true, workerData: { index: ${JSON.stringify(index)}, i } })
      worker.on('error', failed)
      worker.on('exit', ended)
      if (i % 4 === 3) setTimeout(() => worker.terminate(), 20)
    })
    ;(async () => {
      for (let round = 0; round < 3; round++) await Promise.all([0, 1, 2, 3].map((i) => one(round * 4 + i)))
      console.log('all ended')
    })()`
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', main])
  t.is(stdout, 'all ended\n')
})

test('getMany reads all its documents of one state, while another thread changes them together', async (t) => {
  for (const memoryLimit of [undefined, 1]) {
    const path = directory(t)
    const db = await onDisk(t, { storage: 'async', ...(memoryLimit && { memoryLimit }) }, path)
    const items = db.collection('items')
    const ids = Array.from({ length: 40 }, (_, i) => i)
    // Some reads have more than is read on the calling thread.
    const pad = 'x'.repeat(2_000)
    await items.insertMany(ids.map((_id) => ({ _id, n: 0, pad })))
    const worker = start(path, `
      parentPort.once('message', () => parentPort.stop = true)
      parentPort.postMessage('begun')
      for (let n = 1; !parentPort.stop; n++) {
        await db.transaction(async (tx) => {
          for (const _id of [0, 39]) await tx.collection('items').updateOne({ _id }, { $set: { n } })
        })
        await new Promise((resolve) => setImmediate(resolve))
      }
      await db.close()`)
    const exited = once(worker, 'exit')
    await once(worker, 'message')
    const until = Date.now() + 700
    let changes = 0
    let last = 0
    for (let round = 0; Date.now() < until; round++) {
      const documents = await items.getMany(round % 3 === 0 ? [...ids, ...Array.from({ length: 600 }, () => 5), 39] : ids)
      const [first, other] = [documents[0].n, documents.at(-1).n]
      if (first !== other) {
        t.fail(`the first has ${first}, the last ${other}`)
        break
      }
      changes += Number(first !== last)
      last = first
    }
    worker.postMessage('stop')
    await exited
    t.true(changes > 3)
  }
})

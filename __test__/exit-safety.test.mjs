// However a program ends, acknowledged writes are stored and the directory is unlocked.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'

import test from 'ava'

import { Database, directory, onDisk } from './support/database.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const index = fileURLToPath(new URL('../index.js', import.meta.url))

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc')

function run(path, storage, program) {
  const source = `
    const { Database } = require('./index.js')
    ;(async () => {
      const db = await Database.open(${JSON.stringify(path)}, { storage: '${storage}' })
      const a = db.collection('a')
      for (let i = 0; i < 20; i++) await a.insertOne({ _id: i })
      ${program}
    })()`
  return spawnSync(process.execPath, ['-e', source], { cwd: root, encoding: 'utf8', timeout: 30_000 })
}

/** Opens the directory in another process, which fails while another process holds it. */
function countElsewhere(path) {
  const source = `
    const { Database } = require('./index.js')
    Database.open(${JSON.stringify(path)}).then(async (db) => {
      console.log(await db.collection('a').countDocuments())
      await db.close()
    })`
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', source], { cwd: root, encoding: 'utf8', timeout: 30_000 })
  return stderr === '' ? Number(stdout) : stderr
}

/** Waits until the condition holds; garbage collection and finalizers take their time. */
async function eventually(t, condition, message) {
  for (let round = 0; round < 100; round++) {
    gc()
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.fail(message)
}

const endings = {
  'process.exit': ['process.exit(0)', 0],
  'process.exit with writes under way': ['for (let i = 20; i < 500; i++) a.insertOne({ _id: i }).catch(() => {}); setImmediate(() => process.exit(0))', 0],
  'an uncaught exception': ["setTimeout(() => { throw new Error('on purpose') })", 1],
  'an unhandled rejection': ["Promise.reject(new Error('on purpose'))", 1],
  'an idle end': ['', 0]
}

for (const storage of ['async', 'sync']) {
  for (const [what, [program, status]] of Object.entries(endings)) {
    test(`${what} closes the database (${storage})`, async (t) => {
      const path = directory(t)
      const ended = run(path, storage, program)
      t.is(ended.status, status, ended.stderr)
      t.is(ended.signal, null)
      const db = await onDisk(t, {}, path)
      t.true(db.recovery.clean, 'the database was left open')
      t.is(db.recovery.bytesCut, 0)
      t.true((await db.collection('a').countDocuments()) >= 20)
    })
  }

  test(`a kill leaves a database that recovers, and no lock (${storage})`, async (t) => {
    const path = directory(t)
    const { signal } = run(path, storage, "process.kill(process.pid, 'SIGKILL')")
    t.is(signal, 'SIGKILL')
    t.is(countElsewhere(path), 20)
    const db = await onDisk(t, {}, path)
    t.is(await db.collection('a').countDocuments(), 20)
  })
}

test('an abort leaves a database that recovers, and no lock', async (t) => {
  const path = directory(t)
  const { signal } = run(path, 'sync', 'process.abort()')
  t.is(signal, 'SIGABRT')
  t.is(countElsewhere(path), 20)
})

const workerEnds = {
  'worker.terminate': 'await new Promise(() => setInterval(() => {}, 1000))',
  'process.exit in a worker': 'process.exit(0)',
  'an exception in a worker': "setTimeout(() => { throw new Error('on purpose') })",
  'the end of a worker': ''
}

for (const [what, body] of Object.entries(workerEnds)) {
  test(`${what} gives the directory back`, async (t) => {
    const path = directory(t)
    const source = `
      const { parentPort, workerData } = require('node:worker_threads')
      const { Database } = require(workerData.index)
      Database.open(workerData.path).then(async (db) => {
        for (let i = 0; i < 20; i++) await db.collection('a').insertOne({ _id: i })
        parentPort.postMessage('written')
        ${body}
      })`
    const worker = new Worker(source, { eval: true, workerData: { path, index } })
    worker.on('error', () => {})
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    // The error event of a worker would reject `once`.
    await new Promise((resolve) => worker.once('message', resolve))
    if (what === 'worker.terminate') await worker.terminate()
    await ended
    t.is(countElsewhere(path), 20)
    const db = await onDisk(t, {}, path)
    t.true(db.recovery.clean)
    t.is(await db.collection('a').countDocuments(), 20)
  })
}

test('a collected database that nobody closed gives its directory back', async (t) => {
  const path = directory(t)
  await (async () => {
    const db = await Database.open(path)
    await db.collection('a').insertMany([{ _id: 1 }, { _id: 2 }])
  })()
  await eventually(t, () => countElsewhere(path) === 2, 'the directory is still locked')
  const db = await onDisk(t, {}, path)
  t.true(db.recovery.clean)
  await db.close()
})

test('a collection or cursor keeps its database open', async (t) => {
  const path = directory(t)
  const { collection, cursor } = await (async () => {
    const db = await Database.open(path)
    const a = db.collection('a')
    await a.insertMany(Array.from({ length: 100 }, (_, _id) => ({ _id })))
    return { collection: db.collection('a'), cursor: a.find().batchSize(10) }
  })()
  for (let round = 0; round < 10; round++) {
    gc()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.is(await collection.countDocuments(), 100)
  t.is((await cursor.toArray()).length, 100)
  t.regex(String(countElsewhere(path)), /LOCKED/)
  await collection.db.close()
  t.is(countElsewhere(path), 100)
})

test('listeners do not pile up on the process', async (t) => {
  const before = process.listenerCount('exit')
  for (let round = 0; round < 15; round++) {
    const db = await Database.open(':memory:')
    await db.close()
  }
  t.true(process.listenerCount('exit') <= before + 1)
})

// Transactions of synchronous functions: one commit, own writes seen, everything taken back after an error.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'

import test from 'ava'

import { Database, directory, memory, onDisk } from './support/database.mjs'

for (const [name, open] of Object.entries({ memory, async: (t) => onDisk(t), sync: (t) => onDisk(t, { storage: 'sync' }), 'documents on disk': (t) => onDisk(t, { memoryLimit: 1 }) })) {
  test(`the writes of a synchronous transaction are one commit, which its own reads see before: ${name}`, async (t) => {
    const db = await open(t)
    const [a, b] = [db.collection('a'), db.collection('b')]
    await a.createIndex({ n: 1 })
    a.insertManySync([{ _id: 1, n: 1 }, { _id: 2, n: 2 }])
    const before = (await db.stats()).lastLsn
    const result = db.transactionSync((tx) => {
      const [inA, inB] = [tx.collection('a'), tx.collection('b')]
      inA.updateOneSync({ _id: 1 }, { $inc: { n: 10 } })
      inA.insertOneSync({ _id: 3, n: 3 })
      inA.deleteOneSync({ n: 2 })
      inB.setSync('x', { from: 'a' })
      t.deepEqual(inA.findSync({}, { sort: { n: 1 } }), [{ _id: 3, n: 3 }, { _id: 1, n: 11 }])
      t.deepEqual(inA.getSync(1), { _id: 1, n: 11 })
      t.deepEqual([inA.hasSync(2), inA.hasSync(3), inA.countSync({ n: { $gt: 2 } })], [false, true, 2])
      t.deepEqual([inB.findOneSync(), inB.getSync('x')], [{ _id: 'x', from: 'a' }, { _id: 'x', from: 'a' }])
      t.deepEqual([a.countSync({ n: 2 }), b.countSync()], [1, 0], 'others see nothing')
      return 'done'
    })
    t.is(result, 'done')
    t.deepEqual(a.findSync({}, { sort: { _id: 1 } }), [{ _id: 1, n: 11 }, { _id: 3, n: 3 }])
    t.is(b.countSync(), 1)
    const after = (await db.stats()).lastLsn
    if (before !== undefined) t.is(Number(after) - Number(before), 1)
  })
}

test('what the function throws takes everything back and is passed on', async (t) => {
  const db = await memory(t)
  const c = db.collection('c')
  const mine = new Error('mine')
  t.is(t.throws(() => db.transactionSync((tx) => { tx.collection('c').insertOneSync({}); throw mine })), mine)
  t.is(t.throws(() => db.transactionSync((tx) => { tx.collection('c').insertManySync([{ _id: 1 }, { _id: 1 }]) })).code, 11000)
  t.is(c.countSync(), 0)
  t.is((await db.stats()).views, 0)
})

test('a function that returns a promise is refused, and keeps nothing', async (t) => {
  const db = await memory(t)
  const error = t.throws(() => db.transactionSync(async (tx) => { tx.collection('c').insertOneSync({}) }), { instanceOf: TypeError })
  t.regex(error.message, /db\.transaction/)
  t.is(db.collection('c').countSync(), 0)
  t.throws(() => db.transactionSync(5), { instanceOf: TypeError })
  t.throws(() => db.transactionSync(() => {}, { retry: 1 }), { instanceOf: TypeError })
  t.throws(() => db.transactionSync(() => {}, { retries: -1 }), { instanceOf: TypeError })
})

test('methods with promises are refused in it, and its collections after it', async (t) => {
  const db = await memory(t)
  let kept
  const refused = db.transactionSync((tx) => {
    kept = tx.collection('c')
    return [kept.insertOne({}), kept.get(1), kept.find().toArray()]
  })
  for (const call of refused) await t.throwsAsync(call, { instanceOf: TypeError, message: /Sync/ })
  t.is(t.throws(() => kept.insertOneSync({})).code, 251)
  t.is(t.throws(() => kept.getSync(1)).code, 251)
  await db.transaction(async (tx) => {
    const within = t.throws(() => tx.collection('c').insertOneSync({}))
    t.is(within.code, 263)
  })
})

test('a savepoint takes back what was written after it', async (t) => {
  const db = await memory(t)
  db.transactionSync((tx) => {
    const c = tx.collection('c')
    c.insertOneSync({ _id: 1 })
    const savepoint = tx.savepoint()
    t.throws(() => c.insertManySync([{ _id: 2 }, { _id: 1 }]))
    tx.rollbackTo(savepoint)
    c.insertOneSync({ _id: 3 })
    t.throws(() => tx.rollbackTo({ number: 1 }), { instanceOf: TypeError })
  })
  t.deepEqual(db.collection('c').findSync().map(({ _id }) => _id), [1, 3])
})

test('threads that count with synchronous transactions lose nothing', async (t) => {
  const path = directory(t)
  const db = await Database.open(path)
  t.teardown(() => db.close())
  const c = db.collection('c')
  c.insertOneSync({ _id: 'n', n: 0 })
  const program = `
    const { workerData } = require('node:worker_threads')
    require(workerData.root).Database.open(workerData.path).then(async (db) => {
      for (let i = 0; i < 100; i++) {
        db.transactionSync((tx) => {
          const c = tx.collection('c')
          c.setSync('n', { n: c.getSync('n').n + 1 })
        }, { retries: 10_000 })
      }
      await db.close()
    })`
  const workers = [1, 2, 3].map(() => new Worker(program, { eval: true, workerData: { root: dirname(import.meta.dirname), path } }))
  const ended = workers.map((worker) => once(worker, 'exit'))
  t.deepEqual((await Promise.all(ended)).map(([code]) => code), [0, 0, 0])
  t.is(c.getSync('n').n, 300)
})

test('a conflict is met again as often as retries says', async (t) => {
  const db = await memory(t)
  const c = db.collection('c')
  c.insertOneSync({ _id: 1, n: 0 })
  let runs = 0
  const disturbed = (retries) => db.transactionSync((tx) => {
    runs += 1
    tx.collection('c').getSync(1)
    if (runs <= 3) c.updateOneSync({ _id: 1 }, { $inc: { n: 1 } })
    tx.collection('c').updateOneSync({ _id: 1 }, { $inc: { n: 100 } })
  }, { retries })
  const error = t.throws(() => disturbed(1))
  t.deepEqual([error.code, error.hasErrorLabel('TransientTransactionError'), runs], [112, true, 2])
  runs = 0
  disturbed(5)
  t.is(runs, 4)
  t.is(c.getSync(1).n, 2 + 3 + 100)
})

test('where a thread must not wait, or has no shared memory, a conflict is met again at once', (t) => {
  const program = `
    Atomics.wait = () => { throw new TypeError('Atomics.wait cannot be called in this context') }
    if (process.argv[1] === 'none') delete globalThis.SharedArrayBuffer
    require(${JSON.stringify(dirname(import.meta.dirname))}).Database.open(':memory:').then((db) => {
      const c = db.collection('c')
      c.insertOneSync({ _id: 1, n: 0 })
      let runs = 0
      db.transactionSync((tx) => {
        tx.collection('c').getSync(1)
        if (++runs < 4) c.updateOneSync({ _id: 1 }, { $inc: { n: 1 } })
        tx.collection('c').updateOneSync({ _id: 1 }, { $inc: { n: 10 } })
      })
      console.log(runs, c.getSync(1).n)
      return db.close()
    })`
  for (const how of ['some', 'none']) {
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', program, how], { encoding: 'utf8' })
    t.is(stdout, '4 13\n', stderr)
  }
})

for (const [name, open] of Object.entries({ memory, async: (t) => onDisk(t), sync: (t) => onDisk(t, { storage: 'sync' }), 'documents on disk': (t) => onDisk(t, { memoryLimit: 1 }) })) {
  test(`a synchronous transaction begins when the writes before it are done, awaited or not: ${name}`, async (t) => {
    const db = await open(t)
    const [a, b] = [db.collection('a'), db.collection('b')]
    for (let round = 0; round < 20; round++) {
      const before = [
        a.insertOne({ _id: `one ${round}` }), a.insertMany([{ _id: `two ${round}` }, { _id: `three ${round}` }]), b.set('n', { n: round * 10 }),
        a.updateMany({}, { $set: { round } }), a.deleteOne({ _id: `three ${round}` })
      ]
      const seen = db.transactionSync((tx) => {
        const inB = tx.collection('b')
        inB.setSync('n', { n: inB.getSync('n').n + 1 })
        return tx.collection('a').countSync({ round })
      })
      t.is(seen, 2 * (round + 1))
      t.is(b.getSync('n').n, round * 10 + 1)
      await Promise.all(before)
    }
    const many = a.insertMany(Array.from({ length: 20_000 }, (_, n) => ({ _id: n })))
    t.is(db.transactionSync((tx) => tx.collection('a').countSync({ _id: { $gte: 0 } })), 20_000)
    await many
  })
}

test('a synchronous transaction does not wait for an index that is being built', async (t) => {
  const db = await onDisk(t)
  const c = db.collection('c')
  c.insertManySync(Array.from({ length: 100_000 }, (_, n) => ({ _id: n, n })))
  let built = false
  const building = c.createIndex({ n: 1 }).then(() => (built = true))
  db.transactionSync((tx) => tx.collection('c').updateOneSync({ _id: 1 }, { $set: { n: -1 } }))
  t.false(built)
  await building
  t.deepEqual(await c.find({ n: { $lt: 0 } }).hint({ n: 1 }).toArray(), [{ _id: 1, n: -1 }])
})

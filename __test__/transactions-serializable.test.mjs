// Serializable transactions: what they have read is checked by their commit.

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

import test from 'ava'

import { directory, memory, onDisk, rejectsType } from './support/database.mjs'

const serializable = { isolation: 'serializable' }
const TRANSIENT = 'TransientTransactionError'

/** Two doctors on call. */
async function onCall(t, open = memory) {
  const db = await open(t)
  const doctors = db.collection('doctors')
  await doctors.insertMany([{ _id: 'ann', on: true }, { _id: 'bob', on: true }])
  return { db, doctors }
}

/** Lets so many callers go on once all of them are there. */
function meeting(callers) {
  let open
  const opened = new Promise((resolve) => (open = resolve))
  return () => {
    if (--callers <= 0) open()
    return opened
  }
}

/** Both go off call if the other is on call. */
async function bothLeave(db, options, read) {
  const meet = meeting(2)
  const attempts = { ann: 0, bob: 0 }
  const leave = (who) => db.transaction(async (tx) => {
    attempts[who]++
    const doctors = tx.collection('doctors')
    const others = await read(doctors, who)
    await meet()
    if (others > 0) await doctors.updateOne({ _id: who }, { $set: { on: false } })
  }, options)
  await Promise.all([leave('ann'), leave('bob')])
  return attempts.ann + attempts.bob
}

const reads = {
  'by key': async (doctors, who) => ((await doctors.get(who === 'ann' ? 'bob' : 'ann')).on ? 1 : 0),
  'by a filter': async (doctors, who) => (await doctors.find({ on: true }).toArray()).filter(({ _id }) => _id !== who).length,
  'by a count': async (doctors) => (await doctors.countDocuments({ on: true })) - 1,
  'by a pipeline': async (doctors) => (await doctors.aggregate([{ $match: { on: true } }, { $count: 'sum' }]).next()).sum - 1
}

for (const [how, read] of Object.entries(reads)) {
  for (const [where, open] of Object.entries({ 'in memory': memory, 'with documents on disk': (t) => onDisk(t, { memoryLimit: 1 }) })) {
    test(`two transactions that read what the other writes both commit unless they are serializable; then one runs again: ${how}, ${where}`, async (t) => {
      const skewed = await onCall(t, open)
      t.is(await bothLeave(skewed.db, {}, read), 2)
      t.is(await skewed.doctors.countDocuments({ on: true }), 0)
      const serial = await onCall(t, open)
      t.is(await bothLeave(serial.db, serializable, read), 3)
      t.is(await serial.doctors.countDocuments({ on: true }), 1)
    })
  }
}

test('the commit rejects with code 112 and the label, and nothing is applied', async (t) => {
  const { db, doctors } = await onCall(t)
  const session = db.startSession({ defaultTransactionOptions: serializable })
  session.startTransaction()
  t.is(await doctors.countDocuments({ on: true }, { session }), 2)
  await db.collection('log').insertOne({ _id: 1 }, { session })
  await doctors.insertOne({ _id: 'cleo', on: true })
  const error = await t.throwsAsync(session.commitTransaction())
  t.deepEqual([error.kind, error.code, error.hasErrorLabel(TRANSIENT)], ['CONFLICT', 112, true])
  t.regex(error.message, /'doctors'.*read/)
  t.is(await db.collection('log').countDocuments(), 0)
  session.startTransaction({ isolation: 'snapshot' })
  t.is(await doctors.countDocuments({ on: true }, { session }), 3)
  await db.collection('log').insertOne({ _id: 1 }, { session })
  await doctors.deleteOne({ _id: 'cleo' })
  await session.commitTransaction()
  t.is(await db.collection('log').countDocuments(), 1, 'a session can begin another kind')
  let attempts = 0
  await session.withTransaction(async () => {
    const count = await doctors.countDocuments({ on: true }, { session })
    if (attempts++ === 0) await doctors.insertOne({ _id: 'dan', on: true })
    await db.collection('log').insertOne({ count }, { session })
  }, serializable)
  t.is(attempts, 2)
  t.is((await db.collection('log').findOne({ count: { $exists: true } })).count, 3)
})

test('a serializable transaction that only reads never meets a conflict, whatever changes', async (t) => {
  const { db, doctors } = await onCall(t)
  const seen = await db.transaction(async (tx) => {
    const own = tx.collection('doctors')
    const before = await own.countDocuments({ on: true })
    await doctors.updateMany({}, { $set: { on: false } })
    return [before, await own.countDocuments({ on: true })]
  }, { ...serializable, retries: 0 })
  t.deepEqual(seen, [2, 2])
})

test('a collection that a $lookup has read is checked, and so is one that was not there', async (t) => {
  const { db } = await onCall(t)
  for (const write of [() => db.collection('shifts').insertOne({ doctor: 'ann' }), () => db.collection('shifts').updateOne({}, { $set: { doctor: 'bob' } })]) {
    const run = db.transaction(async (tx) => {
      await tx.collection('doctors').aggregate([{ $match: { _id: 'ann' } }, { $lookup: { from: 'shifts', localField: '_id', foreignField: 'doctor', as: 's' } }]).toArray()
      await write()
      await tx.collection('log').insertOne({})
    }, { ...serializable, retries: 0 })
    t.is((await t.throwsAsync(run)).code, 112)
  }
  t.is(await db.collection('log').countDocuments(), 0)
})

test('a cursor that is left open, and a query that is called but not awaited, do not hold up the commit', async (t) => {
  const { db, doctors } = await onCall(t)
  await db.transaction(async (tx) => {
    const cursor = tx.collection('doctors').find().batchSize(1)
    await cursor.next()
    tx.collection('doctors').countDocuments({ on: true }).catch(() => {})
    await tx.collection('log').insertOne({})
  }, serializable)
  t.is(await db.collection('log').countDocuments(), 1)
  t.is((await db.stats()).views, 0)
  const run = db.transaction(async (tx) => {
    await tx.collection('doctors').find().batchSize(1).next()
    await tx.collection('log').insertOne({})
    await doctors.updateOne({ _id: 'bob' }, { $set: { on: false } })
  }, { ...serializable, retries: 0 })
  t.is((await t.throwsAsync(run)).code, 112, 'the cursor has read all that its filter matches')
})

test('the synchronous form takes it, too, and runs again when another thread has changed what it read', async (t) => {
  const path = directory(t)
  const { db, doctors } = await onCall(t, () => onDisk(t, {}, path))
  const flags = new Int32Array(new SharedArrayBuffer(8))
  const source = `
    import { parentPort, workerData } from 'node:worker_threads'
    const { Database } = await import(workerData.index)
    const { flags, path } = workerData
    const db = await Database.open(path)
    parentPort.postMessage('open')
    Atomics.wait(flags, 0, 0)
    db.collection('doctors').insertOneSync({ _id: 'cleo', on: true })
    Atomics.store(flags, 1, 1)
    Atomics.notify(flags, 1)
    await db.close()
  `
  const index = new URL('../index.mjs', import.meta.url).href
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData: { path, index, flags } })
  await once(worker, 'message')
  let attempts = 0
  const seen = db.transactionSync((tx) => {
    const count = tx.collection('doctors').countSync({ on: true })
    tx.collection('log').insertOneSync({ count })
    if (attempts++ === 0) {
      Atomics.store(flags, 0, 1)
      Atomics.notify(flags, 0)
      Atomics.wait(flags, 1, 0)
    }
    return count
  }, serializable)
  t.deepEqual([seen, attempts], [3, 2])
  t.is(await doctors.countDocuments(), 3)
  t.deepEqual((await db.collection('log').find().toArray()).map((entry) => entry.count), [3])
  await worker.terminate()
})

test('another value is refused, and the error names the two', async (t) => {
  const { db } = await onCall(t)
  for (const isolation of ['serialisable', 'SERIALIZABLE', '', null, 1, {}]) {
    for (const call of [
      () => db.transaction(async () => {}, { isolation }),
      async () => db.transactionSync(() => {}, { isolation }),
      async () => db.startSession({ defaultTransactionOptions: { isolation } }),
      async () => db.startSession().startTransaction({ isolation }),
      () => db.startSession().withTransaction(async () => {}, { isolation })
    ]) {
      const error = await t.throwsAsync(async () => call(), { instanceOf: TypeError })
      t.regex(error.message, /option isolation must be 'snapshot' or 'serializable'/)
    }
  }
  await rejectsType(t, () => db.transaction(async () => {}, { isolated: 'serializable' }))
  await db.transaction(async (tx) => { await tx.collection('log').insertOne({}) }, { isolation: undefined })
})

test('thousands of transactions in turn leave nothing in memory, and very many keys are read', async (t) => {
  const { db } = await onCall(t)
  const c = db.collection('c')
  await c.insertMany(Array.from({ length: 1_000 }, (_, n) => ({ _id: n, n })))
  for (let n = 0; n < 2_000; n++) {
    db.transactionSync((tx) => {
      const own = tx.collection('c')
      own.countSync({ n: { $gt: n % 1_000 } })
      own.getSync(n % 1_000)
      own.updateOneSync({ _id: (n * 7) % 1_000 }, { $inc: { v: 1 } })
    }, serializable)
  }
  const ids = Array.from({ length: 10_000 }, (_, n) => n)
  await db.transaction(async (tx) => {
    for (let n = 0; n < 12; n++) await tx.collection('c').getMany(ids.map((id) => id + n * 10_000))
    await tx.collection('log').insertOne({})
  }, serializable)
  const { views, transactions } = await db.stats()
  t.is(views, 0)
  t.deepEqual([transactions.open, transactions.bytes, transactions.conflicts], [0, 0, 0])
})

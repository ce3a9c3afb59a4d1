// Cursors and transactions that keep too much in memory end with the server's code for what is gone, and say why; `stats` counts what views
// hold.

import test from 'ava'

import { memory, onDisk } from './support/database.mjs'

const LIMIT = 16 << 20
const text = 'x'.repeat(20_000)
const documents = Array.from({ length: 100 }, (_, n) => ({ _id: n, round: 0, text }))

test('the cursor of the oldest state ends with code 43 when views hold a quarter of memoryLimit, and newer ones go on', async (t) => {
  const db = await onDisk(t, { memoryLimit: LIMIT })
  const c = db.collection('c')
  await c.insertMany(documents)
  t.is((await db.stats()).viewBytes, 0)
  const forgotten = c.find().batchSize(10)
  const sums = c.aggregate([{ $match: { round: 0 } }]).batchSize(10)
  for (const cursor of [forgotten, sums]) t.is((await cursor.next())._id, 0)
  await c.updateMany({}, { $inc: { round: 1 } })
  const { viewBytes, views, oldestViewAge } = await db.stats()
  t.true(viewBytes > 2_000_000 && viewBytes < 2_200_000, `${viewBytes}`)
  t.is(views, 2)
  t.true(oldestViewAge >= 0)
  const newer = c.find().batchSize(10)
  await newer.next()
  for (let round = 0; round < 2; round++) await c.updateMany({}, { $inc: { round: 1 } })
  for (const cursor of [forgotten, sums]) {
    const error = await t.throwsAsync(async () => { while (await cursor.hasNext()) await cursor.next() })
    t.is(error.kind, 'LIMIT')
    t.is(error.code, 43)
    t.is(error.codeName, 'CursorNotFound')
    t.regex(error.message, /kept an older state of the database in memory.*memoryLimit.*Run the query again/)
    await cursor.close()
  }
  t.deepEqual((await newer.toArray()).map(({ round }) => round), Array(99).fill(1))
  t.is((await db.stats()).viewBytes, 0)
})

test('a cursor that is read without a pause, and one without a limit, read their state to the end', async (t) => {
  for (const db of [await onDisk(t, { memoryLimit: 1 }), await memory(t)]) {
    const c = db.collection('c')
    await c.insertMany(documents)
    let seen = 0
    for await (const { round } of c.find().batchSize(10)) {
      t.is(round, 0)
      if (seen++ % 10 === 0) await c.updateMany({ _id: { $lt: 5 } }, { $inc: { round: 1 } })
    }
    t.is(seen, 100)
  }
})

test('a transaction of the oldest state is aborted when views hold a quarter of memoryLimit, and a newer one commits', async (t) => {
  const db = await onDisk(t, { memoryLimit: LIMIT })
  const c = db.collection('c')
  await c.insertMany(documents)
  const [oldest, newer] = [db.startSession(), db.startSession()]
  oldest.startTransaction()
  t.is((await c.findOne({ _id: 1 }, { session: oldest })).round, 0)
  await c.updateMany({}, { $inc: { round: 1 } })
  newer.startTransaction()
  t.is((await c.findOne({ _id: 1 }, { session: newer })).round, 1)
  await db.collection('other').insertOne({ _id: 1 }, { session: newer })
  for (let round = 0; round < 2; round++) await c.updateMany({}, { $inc: { round: 1 } })
  const error = await t.throwsAsync(async () => c.findOne({ _id: 1 }, { session: oldest }))
  t.deepEqual([error.code, error.errorLabels], [251, ['TransientTransactionError']])
  t.regex(error.message, /memoryLimit/)
  await oldest.endSession()
  t.is((await c.findOne({ _id: 1 }, { session: newer })).round, 1)
  await newer.commitTransaction()
  await newer.endSession()
  t.is(await db.collection('other').countDocuments(), 1)
  t.is((await db.stats()).viewBytes, 0)
})

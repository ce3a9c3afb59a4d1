// Sessions: the states, messages and labels of the driver's ClientSession.

import test from 'ava'

import { memory, rejectsType, rejectsWith } from './support/database.mjs'

const TRANSIENT = 'TransientTransactionError'

test('operations with a session belong to its transaction, others do not', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  const session = db.startSession()
  await things.insertOne({ _id: 0 }, { session })
  t.is(await things.countDocuments(), 1, 'without a transaction the option has no effect')
  session.startTransaction()
  t.true(session.inTransaction())
  await things.insertOne({ _id: 1 }, { session })
  await things.insertOne({ _id: 2 })
  t.deepEqual(await things.find({}, { session }).toArray(), [{ _id: 0 }, { _id: 1 }])
  t.deepEqual(await things.aggregate([{ $count: 'n' }], { session }).toArray(), [{ n: 2 }])
  t.deepEqual(await things.findOne({ _id: 1 }, { session }), { _id: 1 })
  t.is(await things.findOne({ _id: 1 }), null)
  await session.commitTransaction()
  t.false(session.inTransaction())
  t.deepEqual(await things.find().toArray(), [{ _id: 0 }, { _id: 2 }, { _id: 1 }])
  await session.endSession()
})

test('the states are the driver\'s, with its messages', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  const session = db.startSession()
  await rejectsType(t, () => session.commitTransaction(), /No transaction started$/)
  await rejectsType(t, () => session.abortTransaction(), /No transaction started$/)
  session.startTransaction()
  await rejectsType(t, async () => session.startTransaction(), /Transaction already in progress$/)
  // Without an operation there is nothing to commit or to abort.
  await session.commitTransaction()
  await session.commitTransaction()
  await rejectsType(t, () => session.abortTransaction(), /Cannot call abortTransaction after calling commitTransaction$/)
  session.startTransaction()
  await session.abortTransaction()
  await rejectsType(t, () => session.abortTransaction(), /Cannot call abortTransaction twice$/)
  await rejectsType(t, () => session.commitTransaction(), /Cannot call commitTransaction after calling abortTransaction$/)
  session.startTransaction()
  await things.insertOne({ _id: 1 }, { session })
  await session.commitTransaction()
  await session.commitTransaction()
  await rejectsType(t, () => session.abortTransaction(), /Cannot call abortTransaction after calling commitTransaction$/)
  session.startTransaction()
  await things.insertOne({ _id: 2 }, { session })
  await session.endSession()
  t.true(session.hasEnded)
  await session.endSession()
  const error = await rejectsWith(t, 'CLOSED', things.insertOne({ _id: 3 }, { session }))
  t.regex(error.message, /Cannot use a session that has ended$/)
  t.throws(() => session.startTransaction(), { message: /Cannot use a session that has ended$/ })
  t.deepEqual(await things.find().toArray(), [{ _id: 1 }])
})

test('a second commit answers as the first did', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  await things.insertOne({ _id: 1, n: 0 })
  const session = db.startSession()
  session.startTransaction()
  await things.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session })
  await things.updateOne({ _id: 1 }, { $inc: { n: 10 } })
  const first = await rejectsWith(t, 'CONFLICT', session.commitTransaction())
  t.is(await t.throwsAsync(session.commitTransaction()), first)
  t.deepEqual([first.code, first.errorLabels], [112, [TRANSIENT]])
  t.deepEqual(await things.get(1), { _id: 1, n: 10 })
})

test('a transaction that a failed write has ended commits with code 251 and without the label', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  const session = db.startSession()
  session.startTransaction()
  await things.insertOne({ _id: 1 }, { session })
  const duplicate = await rejectsWith(t, 'DUPLICATE_KEY', things.insertOne({ _id: 1 }, { session }))
  t.false(duplicate.hasErrorLabel(TRANSIENT))
  const bulk = await t.throwsAsync(things.insertMany([{ _id: 3 }], { session }))
  t.is(bulk.code, 251)
  const error = await rejectsWith(t, 'CLOSED', session.commitTransaction())
  t.deepEqual([error.code, error.codeName, error.errorLabels], [251, 'NoSuchTransaction', []])
  session.startTransaction()
  await things.insertOne({ _id: 2 }, { session })
  await session.commitTransaction()
  t.deepEqual(await things.find().toArray(), [{ _id: 2 }])
})

test('withTransaction runs the function again after transient errors only, and resolves with its result', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  await things.insertOne({ _id: 1, n: 0 })
  const session = db.startSession()
  let runs = 0
  const result = await session.withTransaction(async (own) => {
    t.is(own, session)
    runs += 1
    await things.findOne({ _id: 1 }, { session })
    if (runs < 3) await things.updateOne({ _id: 1 }, { $inc: { n: 100 } })
    await things.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session })
    return 'result'
  })
  t.deepEqual([result, runs], ['result', 3])
  t.deepEqual(await things.get(1), { _id: 1, n: 201 })
  const own = new Error('own')
  t.is(await t.throwsAsync(session.withTransaction(async () => {
    await things.deleteMany({}, { session })
    throw own
  })), own)
  t.is(await things.countDocuments(), 1)
  // The function may end the transaction itself.
  await session.withTransaction(async () => {
    await things.insertOne({ _id: 2 }, { session })
    await session.abortTransaction()
  })
  t.is(await things.countDocuments(), 1)
  await rejectsType(t, () => session.withTransaction(() => 5), /must return a promise/)
  await rejectsType(t, () => session.withTransaction(), /run must be a function/)
})

test('options are checked: those of the driver without effect are accepted', async (t) => {
  const db = await memory(t)
  const session = db.startSession({ causalConsistency: true, defaultTransactionOptions: { readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority' } } })
  session.startTransaction({ readPreference: 'primary', maxCommitTimeMS: 1000 })
  await db.collection('things').insertOne({ _id: 1 }, { session })
  await session.commitTransaction()
  t.throws(() => session.startTransaction({ readConcer: 1 }), { instanceOf: TypeError, message: /did you mean "readConcern"/ })
  t.throws(() => db.startSession({ snapshot: true }), { message: /snapshot/ })
  t.throws(() => db.startSession({ other: 1 }), { instanceOf: TypeError })
})

test('a transaction whose writes nobody acknowledges does not begin', async (t) => {
  const db = await memory(t)
  const writeConcern = { w: 0 }
  const message = /^ClientSession\.startTransaction: Transactions do not support unacknowledged write concern$/
  const session = db.startSession()
  t.throws(() => session.startTransaction({ writeConcern }), { instanceOf: TypeError, message })
  t.false(session.inTransaction())
  await rejectsType(t, () => session.withTransaction(async () => t.fail(), { writeConcern }), message)
  const careless = db.startSession({ defaultTransactionOptions: { writeConcern } })
  t.throws(() => careless.startTransaction(), { instanceOf: TypeError, message })
  careless.startTransaction({ writeConcern: { w: 1 } })
  await db.collection('things').insertOne({ _id: 1 }, { session: careless })
  await careless.commitTransaction()
  t.is(await db.collection('things').countDocuments(), 1)
})

test('many transactions may be open, and each number is used again', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  await db.createCollection('things')
  const sessions = Array.from({ length: 300 }, () => db.startSession())
  await Promise.all(sessions.map(async (session, i) => {
    session.startTransaction()
    await things.insertOne({ _id: i }, { session })
  }))
  await Promise.all(sessions.map((session, i) => (i % 2 === 0 ? session.commitTransaction() : session.abortTransaction())))
  t.is(await things.countDocuments(), 150)
})

for (const end of ['commitTransaction', 'abortTransaction', 'endSession']) {
  test(`${end} after the database was closed settles, and harms no other database`, async (t) => {
    const db = await memory(t)
    await db.collection('things').insertOne({ _id: 1 })
    const session = db.startSession()
    session.startTransaction()
    await db.collection('things').updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session })
    await db.close()
    const other = await memory(t)
    await other.transaction(async (tx) => {
      await tx.collection('things').insertOne({ _id: 2 })
      if (end === 'commitTransaction') await rejectsWith(t, 'CLOSED', session[end](), /^ClientSession\.commitTransaction: the database .* is closed/)
      else await session[end]()
    })
    t.is(await other.collection('things').countDocuments(), 1)
  })
}

test('a function in a transaction whose database is closed meanwhile rejects with CLOSED, or with its own error', async (t) => {
  for (const own of [undefined, new Error('its own')]) {
    const db = await memory(t)
    const running = db.transaction(async (tx) => {
      await tx.collection('things').insertOne({ _id: 1 })
      await db.close()
      if (own) throw own
    })
    const error = await t.throwsAsync(running)
    if (own) t.is(error, own)
    else t.like(error, { kind: 'CLOSED', message: "Database.transaction: the database 'memory' is closed; open it again with Database.open" })
  }
})

test('a savepoint of a closed database is refused', async (t) => {
  const db = await memory(t)
  const running = db.transaction(async (tx) => {
    await tx.collection('things').insertOne({ _id: 1 })
    await db.close()
    await tx.savepoint()
  })
  await rejectsWith(t, 'CLOSED', running, /^Transaction\.savepoint: the database .* is closed/)
})

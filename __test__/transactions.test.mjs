// Transactions of db.transaction: what they see, what they keep, and what ends them.

import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

import test from 'ava'

import { Database, directory, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

/** A promise and what resolves it. */
function gate() {
  let open
  const opened = new Promise((resolve) => (open = resolve))
  return { open, opened }
}

const TRANSIENT = 'TransientTransactionError'

/** Rejects with MongoDB's code; returns the error. */
async function rejectsCode(t, code, work) {
  const error = await t.throwsAsync(async () => work())
  t.is(error.code, code, error.message)
  return error
}

test('the writes of a transaction are kept together, and seen by others with the commit only', async (t) => {
  const db = await memory(t)
  const [a, b] = [db.collection('a'), db.collection('b')]
  const result = await db.transaction(async (tx) => {
    await tx.collection('a').insertOne({ _id: 1 })
    await tx.collection('b').insertMany([{ _id: 1 }, { _id: 2 }])
    t.deepEqual([await a.countDocuments(), await b.countDocuments()], [0, 0])
    return 'done'
  })
  t.is(result, 'done')
  t.deepEqual([await a.countDocuments(), await b.countDocuments()], [1, 2])
})

test('an error of the function takes everything back, and is passed on', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  await things.insertOne({ _id: 1, n: 1 })
  const own = new Error('not today')
  const run = db.transaction(async (tx) => {
    await tx.collection('things').updateOne({ _id: 1 }, { $set: { n: 2 } })
    await tx.collection('things').insertOne({ _id: 2 })
    await tx.collection('new').insertOne({ _id: 1 })
    throw own
  })
  t.is(await t.throwsAsync(run), own)
  t.deepEqual(await things.find().toArray(), [{ _id: 1, n: 1 }])
  t.deepEqual((await db.collections()).map(({ collectionName }) => collectionName), ['things'])
})

test('reads see one state and the own writes, whatever others commit meanwhile', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  await things.createIndex({ n: 1 })
  await things.insertMany([{ _id: 1, n: 1 }, { _id: 2, n: 2 }, { _id: 3, n: 3 }])
  await db.transaction(async (tx) => {
    const own = tx.collection('things')
    t.is(await own.countDocuments(), 3)
    await things.insertOne({ _id: 9, n: 2 })
    await things.updateOne({ _id: 3 }, { $set: { n: 30 } })
    await own.updateOne({ _id: 1 }, { $set: { n: 5 } })
    await own.deleteOne({ _id: 2 })
    await own.insertOne({ _id: 4, n: 2 })
    const all = [{ _id: 1, n: 5 }, { _id: 3, n: 3 }, { _id: 4, n: 2 }]
    t.deepEqual(await own.find().toArray(), all)
    t.deepEqual(await own.find().sort({ n: 1 }).toArray(), [all[2], all[1], all[0]])
    t.deepEqual(await own.find({ n: 2 }).toArray(), [all[2]])
    t.deepEqual(await own.find({ n: { $gte: 3 } }).sort({ n: -1 }).limit(1).toArray(), [all[0]])
    t.deepEqual([await own.get(1), await own.get(2), await own.get(9)], [all[0], null, null])
    t.deepEqual(await own.getMany([4, 3, 2]), [all[2], all[1], null])
    t.deepEqual([await own.has(4), await own.has(2)], [true, false])
    t.deepEqual(await own.findOne({ _id: 4 }), all[2])
    t.deepEqual([await own.countDocuments(), await own.countDocuments({ n: 2 })], [3, 1])
    t.deepEqual(await own.distinct('n'), [5, 3, 2])
    t.deepEqual(await own.aggregate([{ $group: { _id: null, sum: { $sum: '$n' }, ids: { $push: '$_id' } } }]).toArray(), [{ _id: null, sum: 10, ids: [1, 3, 4] }])
    const joined = await own.aggregate([{ $match: { _id: 4 } }, { $lookup: { from: 'things', localField: 'n', foreignField: 'n', as: 'same' } }]).toArray()
    t.deepEqual(joined[0].same, [all[2]])
  })
  t.deepEqual(await things.find().toArray(), [{ _id: 1, n: 5 }, { _id: 3, n: 30 }, { _id: 9, n: 2 }, { _id: 4, n: 2 }])
})

test('a document that another writer has changed is a conflict: the function runs again', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  await things.insertOne({ _id: 1, n: 0 })
  let runs = 0
  const add = () => db.transaction(async (tx) => {
    runs += 1
    const { n } = await tx.collection('things').findOne({ _id: 1 })
    await tx.collection('things').updateOne({ _id: 1 }, { $set: { n: n + 1 } })
  })
  await Promise.all(Array.from({ length: 12 }, add))
  t.deepEqual(await things.get(1), { _id: 1, n: 12 })
  t.true(runs >= 12)
})

test('two transactions that read what the other writes may both commit: write skew is there', async (t) => {
  const db = await memory(t)
  const doctors = db.collection('doctors')
  await doctors.insertMany([{ _id: 'a', onCall: true }, { _id: 'b', onCall: true }])
  const both = [gate(), gate()]
  const leave = (id, mine, other) => db.transaction(async (tx) => {
    const own = tx.collection('doctors')
    const count = await own.countDocuments({ onCall: true })
    mine.open()
    await other.opened
    if (count > 1) await own.updateOne({ _id: id }, { $set: { onCall: false } })
  })
  await Promise.all([leave('a', both[0], both[1]), leave('b', both[1], both[0])])
  t.is(await doctors.countDocuments({ onCall: true }), 0)
})

test('the first committer wins: the other rejects at its write, or at its commit, with the label', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  await things.insertMany([{ _id: 1, n: 0 }, { _id: 2, n: 0 }])
  for (const when of ['before its write', 'before its commit']) {
    let runs = 0
    const run = db.transaction(async (tx) => {
      runs += 1
      const own = tx.collection('things')
      await own.findOne({ _id: 1 })
      if (when === 'before its commit') await own.updateOne({ _id: 1 }, { $inc: { n: 1 } })
      await things.updateOne({ _id: 1 }, { $inc: { n: 100 } })
      if (when === 'before its write') await own.updateOne({ _id: 1 }, { $inc: { n: 1 } })
    }, { retries: 2 })
    const error = await rejectsWith(t, 'CONFLICT', run)
    t.deepEqual([error.code, error.codeName, error.hasErrorLabel(TRANSIENT), error.errorLabels], [112, 'WriteConflict', true, [TRANSIENT]])
    t.is(runs, 3, when)
  }
  t.deepEqual(await things.get(1), { _id: 1, n: 600 })
})

test('a document that another writer has inserted or deleted is a conflict too', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  await things.insertOne({ _id: 1, n: 0 })
  const attempt = (work) => db.transaction(async (tx) => {
    const own = tx.collection('things')
    await own.countDocuments()
    await work(own)
  }, { retries: 0 })
  const inserted = attempt(async (own) => {
    await things.insertOne({ _id: 2 })
    await own.insertOne({ _id: 2 })
  })
  t.true((await rejectsCode(t, 112, () => inserted)).hasErrorLabel(TRANSIENT))
  await rejectsCode(t, 112, () => attempt(async (own) => {
    await things.deleteOne({ _id: 1 })
    await own.updateOne({ _id: 1 }, { $set: { n: 1 } })
  }))
  await rejectsCode(t, 112, () => attempt(async (own) => {
    await own.insertOne({ _id: 3 })
    await things.insertOne({ _id: 3 })
  }))
  t.deepEqual(await things.find().toArray(), [{ _id: 2 }, { _id: 3 }])
})

test('a unique value is a duplicate where the transaction sees it, and a conflict where it does not', async (t) => {
  const db = await memory(t)
  const users = db.collection('users')
  await users.createIndex({ email: 1 }, { unique: true })
  await users.insertMany([{ _id: 1, email: 'a' }, { _id: 2, email: 'b' }])
  const attempt = (work) => db.transaction((tx) => work(tx.collection('users')), { retries: 0 })
  const seen = await rejectsWith(t, 'DUPLICATE_KEY', attempt((own) => own.insertOne({ _id: 3, email: 'a' })))
  t.deepEqual([seen.code, seen.keyValue, seen.errorLabels], [11000, { email: 'a' }, []])
  await rejectsWith(t, 'DUPLICATE_KEY', attempt(async (own) => {
    await own.insertOne({ _id: 3, email: 'c' })
    await own.insertOne({ _id: 4, email: 'c' })
  }))
  await rejectsCode(t, 112, () => attempt(async (own) => {
    await own.countDocuments()
    await users.insertOne({ _id: 5, email: 'd' })
    await own.insertOne({ _id: 6, email: 'd' })
  }))
  await rejectsCode(t, 112, () => attempt(async (own) => {
    await own.insertOne({ _id: 6, email: 'e' })
    await users.insertOne({ _id: 7, email: 'e' })
  }))
  // Two documents exchange their values: at the end no value is there twice.
  await attempt(async (own) => {
    await own.updateOne({ _id: 1 }, { $set: { email: 'free' } })
    await own.updateOne({ _id: 2 }, { $set: { email: 'a' } })
    await own.updateOne({ _id: 1 }, { $set: { email: 'b' } })
  })
  t.deepEqual(await users.find({ _id: { $lt: 3 } }).toArray(), [{ _id: 1, email: 'b' }, { _id: 2, email: 'a' }])
  t.deepEqual(await users.find({ email: 'a' }).toArray(), [{ _id: 2, email: 'a' }])
})

test('a failed write ends the transaction, also where the function catches its error', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  await things.insertOne({ _id: 1 })
  let runs = 0
  const run = db.transaction(async (tx) => {
    runs += 1
    const own = tx.collection('things')
    await own.insertOne({ _id: 2 })
    await rejectsWith(t, 'DUPLICATE_KEY', own.insertOne({ _id: 1 }))
    const error = await rejectsCode(t, 251, () => own.findOne({ _id: 2 }))
    t.deepEqual([error.codeName, error.errorLabels], ['NoSuchTransaction', []])
  })
  const error = await rejectsCode(t, 251, () => run)
  t.deepEqual([error.kind, error.hasErrorLabel(TRANSIENT), runs], ['CLOSED', false, 1])
  t.is(await things.countDocuments(), 1)
})

test('a failed read leaves the transaction as it is', async (t) => {
  const db = await memory(t)
  await db.transaction(async (tx) => {
    const own = tx.collection('things')
    await own.insertOne({ _id: 1 })
    await rejectsWith(t, 'BAD_QUERY', own.find({ a: { $no: 1 } }).toArray())
    t.is(await own.countDocuments(), 1)
  })
  t.is(await db.collection('things').countDocuments(), 1)
})

test('rollbackTo takes back what was written after a savepoint, and a failed write with it', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  await things.insertOne({ _id: 1, n: 1 })
  await db.transaction(async (tx) => {
    const own = tx.collection('things')
    await own.updateOne({ _id: 1 }, { $set: { n: 2 } })
    const first = await tx.savepoint()
    await own.insertOne({ _id: 2 })
    const second = await tx.savepoint()
    await own.deleteMany({})
    t.is(await own.countDocuments(), 0)
    await tx.rollbackTo(second)
    t.is(await own.countDocuments(), 2)
    await rejectsWith(t, 'DUPLICATE_KEY', own.insertOne({ _id: 1 }))
    await tx.rollbackTo(first)
    t.deepEqual(await own.find().toArray(), [{ _id: 1, n: 2 }])
    const gone = await rejectsWith(t, 'BAD_QUERY', tx.rollbackTo(second))
    t.regex(gone.message, /no such savepoint/)
    await rejectsType(t, () => tx.rollbackTo({ number: 1 }), /savepoint of this transaction/)
    await own.insertOne({ _id: 3 })
  })
  t.deepEqual(await things.find().toArray(), [{ _id: 1, n: 2 }, { _id: 3 }])
})

test('an open cursor returns what there was at its first read', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  await things.insertMany(Array.from({ length: 10 }, (_, i) => ({ _id: i, n: i })))
  let left
  await db.transaction(async (tx) => {
    const own = tx.collection('things')
    await own.insertOne({ _id: 10, n: 10 })
    const seen = []
    for await (const { _id } of own.find({}, { batchSize: 2 })) {
      seen.push(_id)
      await own.updateOne({ _id }, { $inc: { n: 100 } })
      await own.insertOne({ _id: 100 + _id })
      await own.deleteOne({ _id: _id + 1 })
    }
    t.deepEqual(seen, Array.from({ length: 11 }, (_, i) => i))
    left = own.find({}, { batchSize: 2 })
    await left.next()
  })
  await t.throwsAsync(async () => {
    for (;;) if ((await left.next()) === null) return
  })
})

test('updateMany does not find again what it has changed', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  await things.createIndex({ n: 1 })
  await things.insertMany(Array.from({ length: 600 }, (_, i) => ({ _id: i, n: 1 })))
  await db.transaction(async (tx) => {
    const own = tx.collection('things')
    for (let round = 0; round < 3; round++) {
      t.deepEqual((await own.updateMany({ n: { $gt: 0 } }, { $inc: { n: 1 } })).modifiedCount, 600)
    }
  })
  t.is(await things.countDocuments({ n: 4 }), 600)
  t.is((await things.get(5, { meta: true })).version, 4)
})

/** Every write once; returns the results, and what they leave. */
const inside = async (things) => {
  await things.insertMany([{ _id: 1, n: 1 }, { _id: 2, n: 2 }, { _id: 3, n: 3 }])
  const results = [
    await things.updateOne({ _id: 9 }, { $set: { n: 9 } }, { upsert: true }),
    await things.updateOne({ n: 77 }, { $set: { _id: 77 } }, { upsert: true }),
    await things.replaceOne({ _id: 1 }, { m: 1 }),
    await things.findOneAndUpdate({ n: { $gt: 1 } }, { $inc: { n: 10 } }, { sort: { n: -1 }, returnDocument: 'after' }),
    await things.findOneAndReplace({ _id: 2 }, { z: 1 }),
    await things.findOneAndDelete({ _id: 3 }),
    await things.deleteMany({ n: { $gt: 1000 } }),
    await things.set(5, { n: 5 }),
    await things.set(5, { n: 6 }, { ifVersion: 1 }),
    await things.setMany([[6, { n: 6 }], [5, { n: 7 }, { ifVersion: 2 }]]),
    await things.delete(6),
    await things.delete(66),
    await things.get(5, { meta: true }).then(({ version }) => version),
    await things.bulkWrite([
      { insertOne: { document: { _id: 20 } } },
      { updateOne: { filter: { _id: 20 }, update: { $set: { n: 1 } } } },
      { updateMany: { filter: { n: 1 }, update: [{ $set: { twice: { $multiply: ['$n', 2] } } }] } },
      { replaceOne: { filter: { _id: 21 }, replacement: { n: 21 }, upsert: true } },
      { deleteOne: { filter: { _id: 5 } } }
    ]).then(({ insertedCount, matchedCount, modifiedCount, deletedCount, upsertedCount }) => [insertedCount, matchedCount, modifiedCount, deletedCount, upsertedCount]),
    await things.insertOne({ _id: 5, again: true }).then(({ insertedId }) => insertedId)
  ]
  return { results, all: await things.find().toArray() }
}

test('every write works inside, and leaves what it leaves outside', async (t) => {
  const db = await memory(t)
  const outside = await inside(db.collection('outside'))
  let within
  await db.transaction(async (tx) => (within = await inside(tx.collection('within'))))
  t.deepEqual(within, outside)
  t.deepEqual(await db.collection('within').find().toArray(), outside.all)
})

test('a collection is created by an insert, with its indexes, and only with the commit', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  const names = async () => (await db.collections()).map(({ collectionName }) => collectionName)
  await db.transaction(async (tx) => {
    const fresh = await tx.createCollection('fresh')
    t.is(await fresh.createIndex({ u: 1 }, { unique: true }), 'u_1')
    await fresh.insertMany([{ _id: 1, u: 1 }, { _id: 2, u: 2 }])
    await tx.collection('other').insertOne({ _id: 1 })
    t.deepEqual(await fresh.find({ u: 2 }, { hint: 'u_1' }).toArray(), [{ _id: 2, u: 2 }])
    t.deepEqual(await names(), [])
    await rejectsCode(t, 263, () => tx.collection('other').createIndex({ n: 1 }))
  }).catch((error) => t.is(error.code, 251))
  t.deepEqual(await names(), [])
  await db.transaction(async (tx) => {
    const fresh = await tx.createCollection('fresh')
    await fresh.createIndex({ u: 1 }, { unique: true })
    await fresh.insertMany([{ _id: 1, u: 1, list: [{ a: 1 }] }, { _id: 2, u: 2 }])
  })
  await rejectsWith(t, 'DUPLICATE_KEY', db.collection('fresh').insertOne({ _id: 3, u: 1 }))
  await db.close()
  const again = await Database.open(path)
  t.teardown(() => again.close())
  t.deepEqual(await again.collection('fresh').find({ u: 1 }).toArray(), [{ _id: 1, u: 1, list: [{ a: 1 }] }])
  t.deepEqual((await again.collection('fresh').indexes()).map(({ name }) => name), ['_id_', 'u_1'])
})

test('two transactions that begin the same collection: the second conflicts', async (t) => {
  const db = await memory(t)
  const run = db.transaction(async (tx) => {
    await tx.collection('fresh').insertOne({ _id: 1 })
    await db.collection('fresh').insertOne({ _id: 2 })
  }, { retries: 0 })
  await rejectsCode(t, 112, () => run)
  t.deepEqual(await db.collection('fresh').find().toArray(), [{ _id: 2 }])
})

test('a collection that was dropped or renamed meanwhile is a conflict', async (t) => {
  const db = await memory(t)
  for (const end of [(things) => things.drop(), (things) => things.rename('elsewhere', { dropTarget: true })]) {
    await db.collection('things').insertOne({ _id: 1 })
    const run = db.transaction(async (tx) => {
      await tx.collection('things').updateOne({ _id: 1 }, { $set: { n: 1 } })
      await end(db.collection('things'))
      t.is(await tx.collection('things').countDocuments(), 1)
    }, { retries: 0 })
    await rejectsCode(t, 112, () => run)
  }
})

test('what cannot be part of a transaction is refused with code 263, and the transaction goes on', async (t) => {
  const db = await memory(t)
  await db.collection('things').insertOne({ _id: 1 })
  await db.transaction(async (tx) => {
    const own = tx.collection('things')
    await own.insertOne({ _id: 2 })
    const refused = [
      () => own.drop(), () => own.rename('other'), () => own.dropIndex('n_1'), () => own.dropIndexes(), () => own.indexes(), () => own.stats(),
      () => own.find().explain(), () => own.aggregate([]).explain(), () => own.countDocuments({}, { explain: true }),
      () => own.aggregate([{ $out: 'other' }]).toArray(), () => own.aggregate([{ $merge: 'other' }]).toArray(), () => own.estimatedDocumentCount(),
      async () => own.getSync(1), async () => own.hasSync(1), async () => own.findSync(), async () => own.findOneSync(), async () => own.countSync()
    ]
    for (const call of refused) {
      const error = await rejectsCode(t, 263, call)
      t.deepEqual([error.kind, error.codeName, error.errorLabels], ['NOT_SUPPORTED', 'OperationNotSupportedInTransaction', []], call.toString())
    }
    t.is(await own.countDocuments(), 2)
  })
  t.is(await db.collection('things').countDocuments(), 2)
})

test('a call after the end rejects with code 251', async (t) => {
  const db = await memory(t)
  let tx
  await db.transaction(async (own) => {
    tx = own
    await own.collection('things').insertOne({ _id: 1 })
  })
  const things = tx.collection('things')
  for (const call of [() => things.insertOne({ _id: 2 }), () => things.findOne({ _id: 1 }), () => things.get(1), () => things.find().toArray(), () => tx.savepoint(), () => things.getMany([1])]) {
    const error = await rejectsCode(t, 251, call)
    t.deepEqual([error.kind, error.codeName], ['CLOSED', 'NoSuchTransaction'])
  }
  t.is(await db.collection('things').countDocuments(), 1)
})

test('a transaction that is left alone, or open, for too long is aborted, and runs again', async (t) => {
  const db = await memory(t)
  let runs = 0
  await db.transaction(async (tx) => {
    runs += 1
    await tx.collection('things').insertOne({ _id: runs })
    if (runs === 1) await sleep(30)
  }, { maxIdleMS: 5 }).catch((error) => t.is(error.code, 251))
  t.true(runs >= 2)
  const session = db.startSession()
  for (const limit of [{ maxIdleMS: 1 }, { maxTimeMS: 1 }]) {
    session.startTransaction(limit)
    await db.collection('others').insertOne({ _id: 1 }, { session }).catch(() => {})
    await sleep(15)
    const error = await rejectsCode(t, 251, () => db.collection('others').countDocuments({}, { session }))
    t.true(error.hasErrorLabel(TRANSIENT), error.message)
    await rejectsCode(t, 251, () => session.commitTransaction())
  }
  t.is(await db.collection('others').countDocuments(), 0)
})

test('a signal aborts the transaction', async (t) => {
  const db = await memory(t)
  const controller = new AbortController()
  const reason = new Error('enough')
  const never = new Promise(() => {})
  const run = db.transaction(async (tx) => {
    await tx.collection('things').insertOne({ _id: 1 })
    controller.abort(reason)
    await never
  }, { signal: controller.signal })
  t.is(await t.throwsAsync(run), reason)
  t.is(await t.throwsAsync(db.transaction(async () => t.fail(), { signal: AbortSignal.abort(reason) })), reason)
  t.is(await db.collection('things').countDocuments(), 0)
})

test('operations that are not awaited take effect in the order of the calls', async (t) => {
  const db = await memory(t)
  await db.transaction(async (tx) => {
    const own = tx.collection('things')
    const calls = []
    for (let i = 0; i < 50; i++) {
      calls.push(own.updateOne({ _id: 1 }, { $push: { list: i } }, { upsert: true }))
      if (i % 10 === 9) calls.push(own.get(1).then(({ list }) => t.is(list.length, i + 1)))
    }
    await Promise.all(calls)
  })
  t.deepEqual((await db.collection('things').get(1)).list, Array.from({ length: 50 }, (_, i) => i))
})

test('many documents are one commit', async (t) => {
  const db = await onDisk(t, { memoryLimit: 1 << 20 })
  const many = Array.from({ length: 5000 }, (_, i) => ({ _id: i, text: 'x'.repeat(200), n: i % 7 }))
  const things = db.collection('things')
  await things.createIndex({ n: 1 })
  const before = (await db.stats()).lastLsn
  await db.transaction(async (tx) => {
    await tx.collection('things').insertMany(many)
    await tx.collection('things').updateMany({ n: 3 }, { $set: { n: 30 } })
    t.is(await tx.collection('things').countDocuments({ n: 30 }), 714)
  })
  const after = (await db.stats()).lastLsn
  t.is(after === undefined ? 1 : Number(after) - Number(before), 1)
  t.is(await things.countDocuments({ n: 30 }), 714)
  await db.transaction(async (tx) => t.is((await tx.collection('things').deleteMany({ n: 30 })).deletedCount, 714))
  t.is(await things.countDocuments(), 5000 - 714)
})

test('a close aborts what is open', async (t) => {
  const path = directory(t)
  const db = await Database.open(path)
  await db.collection('things').insertOne({ _id: 1 })
  const [begun, closed] = [gate(), gate()]
  const run = db.transaction(async (tx) => {
    await tx.collection('things').insertOne({ _id: 2 })
    begun.open()
    await closed.opened
  })
  await begun.opened
  await db.close()
  closed.open()
  await rejectsWith(t, 'CLOSED', run)
  const again = await onDisk(t, {}, path)
  t.deepEqual(await again.collection('things').find().toArray(), [{ _id: 1 }])
})

test('a transaction ends with its worker thread', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  const things = db.collection('things')
  await things.insertOne({ _id: 1 })
  const source = `
    import { parentPort, workerData } from 'node:worker_threads'
    const { Database } = await import(workerData.index)
    const db = await Database.open(workerData.path)
    const session = db.startSession()
    session.startTransaction()
    await db.collection('things').insertOne({ _id: 2 }, { session })
    parentPort.postMessage('begun')
    setInterval(() => {}, 1000)
  `
  const index = new URL('../index.mjs', import.meta.url).href
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData: { path, index } })
  await once(worker, 'message')
  t.is((await db.stats()).views, 1)
  await worker.terminate()
  for (let looks = 0; (await db.stats()).views > 0; looks++) {
    if (looks > 1000) return t.fail('its view is still open')
    await sleep(10)
  }
  await db.transaction((tx) => tx.collection('things').insertOne({ _id: 2 }))
  t.is(await things.countDocuments(), 2)
})

test('wrong arguments are a TypeError that names them', async (t) => {
  const db = await memory(t)
  await rejectsType(t, () => db.transaction(), /run must be a function/)
  await rejectsType(t, () => db.transaction(() => 1), /must return a promise/)
  await rejectsType(t, () => db.transaction(async () => {}, { retry: 1 }), /no option "retry"; there are maxTimeMS, maxIdleMS, signal, retries/)
  await rejectsType(t, () => db.transaction(async () => {}, { retries: -1 }), /retries/)
  await rejectsType(t, () => db.transaction(async () => {}, { signal: 1 }), /signal/)
  await rejectsType(t, () => db.transaction(async (tx) => tx.collection(5)), /name/)
  const other = await memory(t)
  const things = db.collection('things')
  await rejectsType(t, () => things.insertOne({}, { session: other.startSession() }), /another database/)
  await rejectsType(t, () => things.insertOne({}, { session: {} }), /session/)
  t.is(await things.countDocuments(), 0)
})

for (const [name, options] of Object.entries({ 'in memory': {}, 'on disk': { memoryLimit: 1 }, 'on disk, durable': { memoryLimit: 1, storage: 'sync' } })) {
  test(`each operation on one document is done once, whether or not it has to wait for what is ${name}`, async (t) => {
    const path = directory(t)
    const ids = Array.from({ length: 1500 }, (_, n) => `k${n}`)
    const before = await Database.open(path, { storage: options.storage })
    await before.collection('c').createIndex({ u: 1 }, { unique: true })
    await before.collection('c').insertMany(ids.map((_id, n) => ({ _id, n: 0, u: n, text: 'x'.repeat(n % 200) })))
    await before.close()
    const db = await onDisk(t, options, path)
    const expected = new Map(ids.map((id) => [id, 0]))
    let seed = 7
    const roll = (sides) => (seed = (seed * 1103515245 + 12345) % 2147483648) % sides
    for (let round = 0; round < 60; round++) {
      const own = new Map(expected)
      const isKept = roll(3) > 0
      const run = db.transaction(async (tx) => {
        const c = tx.collection('c')
        for (let step = 0; step < 1 + roll(12); step++) {
          const id = ids[roll(ids.length)]
          const there = own.has(id)
          switch (roll(6)) {
            case 0:
              t.is((await c.get(id))?.n, own.get(id))
              break
            case 1:
              t.is((await c.updateOne({ _id: id }, [{ $set: { n: { $add: ['$n', 1] } } }])).modifiedCount, there ? 1 : 0)
              if (there) own.set(id, own.get(id) + 1)
              break
            case 2:
              t.is((await c.findOneAndUpdate({ _id: id }, { $inc: { n: 1 } }, { returnDocument: 'after' }))?.n, there ? own.get(id) + 1 : undefined)
              if (there) own.set(id, own.get(id) + 1)
              break
            case 3:
              t.is(await c.delete(id), there)
              own.delete(id)
              break
            case 4:
              if (!there) {
                await c.insertOne({ _id: id, n: 5, u: `again ${round} ${step}` })
                own.set(id, 5)
              }
              break
            default:
              t.is((await c.updateOne({ _id: id }, { $inc: { n: 1 } })).matchedCount, there ? 1 : 0)
              if (there) own.set(id, own.get(id) + 1)
          }
        }
        if (!isKept) throw new Error('mine')
      })
      if (isKept) await run
      else await t.throwsAsync(run, { message: 'mine' })
      if (!isKept) continue
      expected.clear()
      for (const [id, n] of own) expected.set(id, n)
    }
    const found = await db.collection('c').find({}, { projection: { n: 1 } }).toArray()
    t.deepEqual(new Map(found.map(({ _id, n }) => [_id, n]).sort()), new Map([...expected].sort()))
  })
}

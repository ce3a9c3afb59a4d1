// Snapshots, forks and clocks of databases: what a test suite puts back between two tests.

import { setTimeout as sleep } from 'node:timers/promises'

import test from 'ava'

import { Database, directory, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

/** Everything that a database shows, its siblings too. */
async function seen(db, databases = ['memory', 'other']) {
  const all = {}
  for (const name of databases) {
    const one = db.sibling(name)
    for (const { name: collection, options } of await one.listCollections().toArray()) {
      const handle = one.collection(collection)
      const documents = await handle.find().toArray()
      const metas = await Promise.all(documents.map(({ _id }) => handle.get(_id, { meta: true })))
      const indexes = await handle.indexes()
      const reads = []
      for (let n = 0; n < 4; n++) {
        for (const filter of [{ a: n }, { b: n }, { a: { $gte: n } }]) {
          const found = await handle.find(filter).toArray()
          t_equal(found, await handle.find(filter).hint({ $natural: 1 }).toArray())
          t_equal(await handle.countDocuments(filter), found.length)
          reads.push(found, await handle.find(filter).sort({ a: 1, _id: 1 }).toArray())
        }
      }
      all[`${name}.${collection}`] = { options, indexes, metas, reads, distinct: await handle.distinct('a'), count: await handle.estimatedDocumentCount() }
    }
  }
  return all
}

function t_equal(a, b) {
  if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(`${JSON.stringify(a)} is not ${JSON.stringify(b)}`)
}

/** Waits until nothing of older states is kept. */
async function nothingHeld(db) {
  for (;;) {
    const { views, viewBytes } = await db.stats()
    if (views === 0 && viewBytes === 0) return
    await sleep(1)
  }
}

/** Random numbers below n, from a seed. */
function dice(seed) {
  let state = seed
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
}

/** A random operation; whether it succeeds does not matter. */
async function step(db, roll) {
  const base = roll(3) === 0 ? db.sibling('other') : db
  const c = base.collection(['x', 'y', 'z'][roll(3)])
  const document = () => ({ _id: roll(30), a: roll(4), b: roll(2) ? [roll(4), roll(4)] : roll(4) })
  const acts = [
    () => c.insertMany(Array.from({ length: 1 + roll(5) }, document), { ordered: false }),
    () => c.insertOne({ ...document(), _id: `${roll(1e9)}` }),
    () => c.updateMany({ a: roll(4) }, { $inc: { a: 1 }, $set: { s: 'x'.repeat(roll(2000)) } }),
    () => c.set(roll(30), { a: roll(4) }),
    () => c.deleteMany({ a: roll(4) }),
    () => c.deleteOne({ _id: roll(30) }),
    () => c.findOneAndReplace({ _id: roll(30) }, { b: roll(4) }, { upsert: true }),
    () => c.createIndex([{ a: 1 }, { b: -1 }, { a: 1, b: 1 }][roll(3)], { sparse: roll(3) === 0 }),
    () => c.createIndex({ s: 1 }, { unique: true, sparse: true }),
    () => c.dropIndex(['a_1', 'b_-1', 'a_1_b_1', 's_1'][roll(4)]),
    () => c.drop(),
    () => c.rename(['x', 'y', 'z'][roll(3)], { dropTarget: roll(2) === 0 }),
    () => base.createCollection('w', { validator: { a: { $lt: 9 } } }),
    () => base.command({ collMod: c.collectionName, changeStreamPreAndPostImages: { enabled: roll(2) === 0 } }),
    () => base.command({ collMod: c.collectionName, index: { name: 'a_1', hidden: roll(2) === 0 } }),
    () => c.aggregate([{ $match: { a: roll(4) } }, { $out: 'out' }]).toArray(),
    () => (roll(5) === 0 ? base.dropDatabase() : undefined),
    () => db.compact(),
    () => db.transaction(async (tx) => {
      await tx.collection('x').insertOne(document())
      await tx.collection('y').updateMany({ a: roll(4) }, { $inc: { b: 1 } })
    }, { retries: 1 }),
    () => c.insertOneSync(document())
  ]
  try {
    await acts[roll(acts.length)]()
  } catch {
    // A duplicate, a missing collection ...
  }
}

test('random operations with snapshots in any order, and forks, against what was read before', async (t) => {
  t.timeout(300_000)
  const first = Number(process.env.SEED ?? 1)
  for (let seed = first; seed < first + Number(process.env.SNAPSHOT_RUNS ?? 4); seed++) {
    const roll = dice(seed)
    const db = await Database.open(':memory:')
    const kept = []
    const forks = []
    for (let n = 0; n < 40; n++) {
      const context = `SEED=${seed} SNAPSHOT_RUNS=1, step ${n}`
      const what = roll(12)
      if (what === 0 && kept.length < 5) kept.push([await db.snapshot(), await seen(db)])
      else if (what <= 2 && kept.length > 0) {
        const [snapshot, expected] = kept[roll(kept.length)]
        await db.restore(snapshot)
        t.deepEqual(await seen(db), expected, context)
      } else if (what === 3 && kept.length > 0) kept.splice(roll(kept.length), 1)[0][0].release()
      else if (what === 4 && forks.length < 2) {
        const fork = await db.fork()
        forks.push([fork, await seen(fork)])
        t.deepEqual(forks.at(-1)[1], await seen(db), `${context}: fork`)
      } else if (what === 5 && forks.length > 0) {
        const one = forks[roll(forks.length)]
        t.deepEqual(await seen(one[0]), one[1], `${context}: a fork was changed`)
        const before = await seen(db)
        for (let i = 0; i < 5; i++) await step(one[0], roll)
        one[1] = await seen(one[0])
        t.deepEqual(await seen(db), before, `${context}: changed by its fork`)
      } else for (let i = 0; i < 3; i++) await step(db, roll)
    }
    for (const [snapshot] of kept) snapshot.release()
    for (const [fork] of forks) await fork.close()
    await db.close()
  }
})

test('a suite restores between tests what its setup made', async (t) => {
  const db = await memory(t)
  const users = db.collection('users')
  await users.createIndex({ email: 1 }, { unique: true })
  await users.insertMany([{ _id: 1, email: 'a' }, { _id: 2, email: 'b' }])
  const snapshot = await db.snapshot()
  const before = await seen(db)
  for (let n = 0; n < 20; n++) {
    await users.deleteOne({ _id: 1 })
    await users.insertOne({ _id: 3, email: 'a' })
    await users.dropIndex('email_1')
    await db.collection(`made${n}`).insertOne({})
    await db.renameCollection('users', 'people')
    await db.restore(snapshot)
    t.deepEqual(await seen(db), before)
  }
  await t.throwsAsync(users.insertOne({ email: 'b' }), { message: /E11000/ })
  t.deepEqual((await db.stats()).viewBytes, 0)
})

test('writes called before a restore are undone, those called after it stay, without an await between', async (t) => {
  const db = await memory(t)
  const users = db.collection('users')
  await users.insertMany(Array.from({ length: 3_000 }, (_, _id) => ({ _id, n: 0 })))
  const snapshot = await db.snapshot()
  for (let n = 0; n < 10; n++) {
    const all = [
      users.updateMany({}, { $inc: { n: 1 } }),
      users.insertMany(Array.from({ length: 2_000 }, () => ({}))),
      db.sibling('other').collection('a').insertOne({}),
      db.restore(snapshot),
      users.insertOne({ _id: 'after' }),
      db.sibling('other').collection('b').insertOne({ _id: 1 })
    ]
    await Promise.all(all)
    t.is(await users.countDocuments(), 3_001)
    t.is(await users.countDocuments({ n: 0 }), 3_000)
    t.deepEqual((await db.sibling('other').collections()).map(({ collectionName }) => collectionName), ['b'])
    await db.restore(snapshot)
  }
})

test('open cursors keep their state, transactions conflict, live queries tell the restored result, streams end', async (t) => {
  const db = await memory(t)
  const users = db.collection('users')
  await users.insertMany([{ _id: 1, n: 0 }, { _id: 2, n: 0 }, { _id: 3, n: 0 }])
  const snapshot = await db.snapshot()
  await users.updateMany({}, { $set: { n: 1 } })
  const cursor = users.find().batchSize(1)
  t.deepEqual(await cursor.next(), { _id: 1, n: 1 })
  const session = db.startSession()
  session.startTransaction()
  await users.updateOne({ _id: 1 }, { $set: { n: 9 } }, { session })
  const stream = users.watch()
  const live = users.find({}, { sort: { _id: 1 } }).live()
  t.deepEqual((await live.next()).value.documents.map(({ n }) => n), [1, 1, 1])
  await users.insertOne({ _id: 4, n: 1 })
  const waiting = live.next()
  await db.restore(snapshot)
  t.deepEqual((await cursor.toArray()).map(({ n }) => n), [1, 1])
  const error = await rejectsWith(t, 'CONFLICT', () => session.commitTransaction())
  t.true(error.hasErrorLabel('TransientTransactionError'))
  await waiting
  // Versions are the same numbers once more: the new content must be told nevertheless.
  await users.updateMany({}, { $set: { n: 7 } })
  let told
  do told = (await live.next()).value.documents.map(({ n }) => n)
  while (told[0] !== 7)
  t.deepEqual(told, [7, 7, 7])
  await live.return()
  t.is((await stream.next()).operationType, 'insert')
  const invalidate = await stream.next()
  t.is(invalidate.operationType, 'invalidate')
  await stream.close()
  const next = users.watch([], { startAfter: invalidate._id })
  t.is((await next.next()).operationType, 'update')
  await next.close()
})

test('a restore while a writer loop runs, many times, leaves no view behind', async (t) => {
  const db = await memory(t)
  const users = db.collection('users')
  await users.createIndex({ n: 1 })
  await users.insertMany(Array.from({ length: 100 }, (_, _id) => ({ _id, n: 0 })))
  const snapshot = await db.snapshot()
  const state = { stops: false }
  const writing = Array.from({ length: 3 }, async (_, seed) => {
    const roll = dice(seed)
    while (!state.stops) {
      await users.updateOne({ _id: roll(100) }, { $inc: { n: 1 } })
      await users.deleteOne({ _id: roll(100) })
      await users.set(roll(200), { n: roll(9) })
    }
  })
  for (let n = 0; n < 200; n++) await db.restore(snapshot)
  state.stops = true
  await Promise.all(writing)
  await db.restore(snapshot)
  t.deepEqual(await users.find().toArray(), Array.from({ length: 100 }, (_, _id) => ({ _id, n: 0 })))
  t.is(await users.countDocuments({ n: 0 }), 100)
  snapshot.release()
  await nothingHeld(db)
})

test('a snapshot that was released, is of another database, or is none, is refused', async (t) => {
  const db = await memory(t)
  const other = await memory(t)
  const snapshot = await db.snapshot()
  await rejectsType(t, () => other.restore(snapshot), /another database/)
  await rejectsType(t, () => db.restore({}), /snapshot must be/)
  await rejectsType(t, () => db.restore(), /snapshot must be/)
  t.false(snapshot.isReleased)
  snapshot.release()
  snapshot.release()
  t.true(snapshot.isReleased)
  await rejectsType(t, () => db.restore(snapshot), /released/)
  const symbol = Symbol.dispose ?? Symbol.for('Symbol.dispose')
  const used = await db.snapshot()
  used[symbol]()
  t.true(used.isReleased)
  const fork = await db.fork()
  const last = await db.snapshot()
  await rejectsType(t, () => fork.restore(last), /another database/)
  await db.sibling('b').collection('a').insertOne({})
  await db.sibling('c').restore(last)
  t.deepEqual((await db.listDatabases()).databases, [])
  await fork.close()
  await db.close()
  await rejectsWith(t, 'CLOSED', () => db.restore(last))
  last.release()
})

test('a thousand snapshots, restored from the last to the first', async (t) => {
  const db = await memory(t)
  const users = db.collection('users')
  const all = []
  for (let n = 0; n < 1_000; n++) {
    all.push(await db.snapshot())
    await users.insertOne({ _id: n })
  }
  for (let n = 999; n >= 0; n -= 37) {
    await db.restore(all[n])
    t.is(await users.countDocuments(), n)
  }
  await db.restore(all[999])
  t.is(await users.countDocuments(), 999)
  for (const one of all) one.release()
  await nothingHeld(db)
  t.pass()
})

test('a database with files has no snapshots, and its fork is in memory with all of it', async (t) => {
  const db = await onDisk(t)
  await rejectsWith(t, 'NOT_SUPPORTED', () => db.snapshot(), /db\.fork\(\).*db\.backup/s)
  const users = db.collection('users')
  await users.createIndex({ a: 1 })
  users.insertMany(Array.from({ length: 1_500 }, (_, _id) => ({ _id, a: _id % 4 })))
  db.sibling('other').collection('b').insertOne({ _id: 1 })
  const fork = await db.fork()
  t.is(fork.path, ':memory:')
  t.is(fork.storage, 'memory')
  const names = [db.databaseName, 'other']
  t.deepEqual(await seen(fork, names), await seen(db, names))
  await fork.collection('users').deleteMany({})
  t.is(await users.countDocuments(), 1_500)
  const snapshot = await fork.snapshot()
  await fork.dropDatabase()
  await fork.restore(snapshot)
  t.deepEqual(await fork.collection('users').indexes(), await users.indexes())
  await fork.close()
  t.is((await db.stats()).views, 0)
})

test('a fork of a fork, of a sibling and of an earlier state', async (t) => {
  const db = await memory(t)
  await db.sibling('b').collection('a').insertOne({ _id: 1 })
  const fork = await db.sibling('b').fork()
  t.is(fork.databaseName, 'b')
  const again = await fork.fork()
  await fork.collection('a').deleteMany({})
  t.deepEqual(await again.collection('a').find().toArray(), [{ _id: 1 }])
  await Promise.all([fork.close(), again.close()])
  t.is(await db.sibling('b').collection('a').countDocuments(), 1)

  const path = directory(t)
  const disk = await Database.open(path, { history: { past: {} } })
  await disk.collection('a').insertOne({ _id: 1 })
  const { lastLsn: lsn } = await disk.stats()
  await disk.collection('a').insertOne({ _id: 2 })
  const past = await disk.asOf({ lsn })
  const of = await past.fork()
  t.deepEqual(await of.collection('a').find().toArray(), [{ _id: 1 }])
  await of.collection('a').insertOne({ _id: 3 })
  await of.close()
  await disk.close()
})

test('the clock of the program is that of documents, expressions, times and ids', async (t) => {
  let now = new Date('2030-01-01T00:00:00Z')
  const db = await memory(t, { clock: () => now })
  const c = db.collection('c')
  const { insertedId } = await c.insertOne({ n: 1 })
  t.is(parseInt(insertedId.replaceAll('-', '').slice(0, 12), 16), now.getTime())
  const { insertedId: next } = await c.insertOne({ n: 2 })
  t.true(next > insertedId)
  t.deepEqual((await c.get(insertedId, { meta: true })).createdAt, now)
  now = new Date('2031-01-01T00:00:00Z')
  await c.updateOne({ n: 1 }, { $currentDate: { at: true } })
  const { value, createdAt, modifiedAt } = await c.get(insertedId, { meta: true })
  t.deepEqual([value.at, createdAt, modifiedAt], [now, new Date('2030-01-01T00:00:00Z'), now])
  t.deepEqual(await c.aggregate([{ $match: { n: 2 } }, { $project: { _id: 0, now: '$$NOW' } }]).toArray(), [{ now }])
  await c.updateOne({ n: 9 }, [{ $set: { now: '$$NOW' } }], { upsert: true })
  t.deepEqual((await c.findOne({ now: { $exists: true } })).now, now)
  await db.transaction(async (tx) => {
    await tx.collection('c').insertOne({ _id: 'tx' })
  })
  t.deepEqual((await c.get('tx', { meta: true })).createdAt, now)
  c.insertOneSync({ _id: 'sync' })
  t.deepEqual((await c.get('sync', { meta: true })).createdAt, now)
})

test('a clock that goes back never puts a commit before another; a restore does', async (t) => {
  let now = Date.UTC(2030, 0)
  const db = await memory(t, { clock: () => now, pkFactory: { createPk: () => 'fixed' } })
  const c = db.collection('c')
  await c.insertOne({ _id: 0 })
  const snapshot = await db.snapshot()
  now = Date.UTC(2040, 0)
  await c.insertOne({})
  now = Date.UTC(2035, 0)
  await c.insertOne({ _id: 2 })
  const times = async () => (await Promise.all((await c.find().toArray()).map(({ _id }) => c.get(_id, { meta: true })))).map(({ createdAt }) => createdAt.getUTCFullYear())
  t.deepEqual(await times(), [2030, 2040, 2040])
  await db.restore(snapshot)
  await c.insertOne({ _id: 3 })
  t.deepEqual(await times(), [2030, 2035])
})

test('limits of time are of the real clock, and a clock that is none is refused', async (t) => {
  const db = await memory(t, { clock: () => 0 })
  const c = db.collection('c')
  await c.insertMany(Array.from({ length: 1_000 }, (_, _id) => ({ _id })))
  await rejectsWith(t, 'TIMEOUT', () => c.find({ $expr: { $lt: [{ $reduce: { input: { $range: [0, 100_000] }, initialValue: 0, in: { $add: ['$$value', '$$this'] } } }, 0] } }, { maxTimeMS: 20 }).toArray())
  for (const clock of [5, 'Date', {}, true]) await rejectsType(t, () => Database.open(':memory:', { clock }), /option clock must be/)
  for (const time of [NaN, 'x', undefined, Infinity, new Date(NaN)]) {
    const odd = await memory(t, { clock: () => time })
    await rejectsType(t, () => odd.collection('c').countDocuments(), /option clock must return/)
  }
  const failing = await memory(t, { clock: () => { throw new RangeError('mine') } })
  await t.throwsAsync(failing.collection('c').countDocuments(), { instanceOf: RangeError, message: 'mine' })
})

test('the clock is followed by each operation of a turn', async (t) => {
  let now = 1_000
  const db = await memory(t, { clock: () => now++ })
  const c = db.collection('c')
  await Promise.all(Array.from({ length: 5 }, (_, _id) => c.insertOne({ _id })))
  const times = await Promise.all((await c.find().toArray()).map(({ _id }) => c.get(_id, { meta: true })))
  t.deepEqual(times.map(({ createdAt }) => createdAt.getTime() - times[0].createdAt.getTime()), [0, 1, 2, 3, 4])
})

test('forks and snapshots that are dropped without a word are freed', async (t) => {
  if (!global.gc) return t.pass('needs --expose-gc')
  const db = await memory(t)
  for (let n = 0; n < 50; n++) {
    await db.snapshot()
    await db.collection('c').insertOne({})
  }
  for (let n = 0; n < 100 && (await db.stats()).views > 0; n++) {
    global.gc()
    await sleep(10)
  }
  t.is((await db.stats()).views, 0)
})

// Live queries: at every step the result is what the query answers.

import test from 'ava'

import { Database, directory, memory, onDisk } from './support/database.mjs'

test('the first result is the state now, each later one tells what was added, changed and removed', async (t) => {
  const db = await memory(t)
  const tasks = db.collection('tasks')
  await tasks.insertMany([{ _id: 1, due: 3, done: false }, { _id: 2, due: 1, done: false }, { _id: 3, due: 2, done: true }])
  const live = tasks.find({ done: false }).sort({ due: 1 }).live()
  const step = async () => (await live.next()).value
  let result = await step()
  t.deepEqual(result.documents.map(({ _id }) => _id), [2, 1])
  t.deepEqual([result.added.length, result.changed, result.removed], [2, [], []])
  await tasks.updateOne({ _id: 3 }, { $set: { done: false } })
  result = await step()
  t.deepEqual(result.documents.map(({ _id }) => _id), [2, 3, 1])
  t.deepEqual([result.added, result.changed, result.removed], [[{ _id: 3, due: 2, done: false }], [], []])
  await tasks.updateOne({ _id: 2 }, { $set: { due: 9 } })
  result = await step()
  t.deepEqual(result.documents.map(({ _id }) => _id), [3, 1, 2])
  t.deepEqual([result.added, result.changed, result.removed], [[], [{ _id: 2, due: 9, done: false }], []])
  await tasks.deleteOne({ _id: 1 })
  result = await step()
  t.deepEqual([result.added, result.changed, result.removed], [[], [], [{ _id: 1, due: 3, done: false }]])
  t.is(result.lsn, (await db.stats()).lastLsn)
  await live.close()
  t.deepEqual(await live.next(), { done: true, value: undefined })
})

test('writes that do not touch the result are not told, and several at once are one step', async (t) => {
  const db = await memory(t)
  const tasks = db.collection('tasks')
  const live = tasks.find({ open: true }).live()
  t.deepEqual((await live.next()).value.documents, [])
  const next = live.next()
  await tasks.insertOne({ _id: 1, open: false })
  await db.collection('other').insertOne({ _id: 1, open: true })
  await tasks.insertOne({ _id: 2, open: true })
  t.deepEqual((await next).value.documents, [{ _id: 2, open: true }])
  await tasks.insertOne({ _id: 3, open: true })
  await tasks.insertOne({ _id: 4, open: true })
  t.deepEqual((await live.next()).value.added.map(({ _id }) => _id), [3, 4])
})

test('a document that is deleted and inserted again is told as changed, with its new content', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  await items.insertOne({ _id: 1, n: 1 })
  const live = items.find().live()
  await live.next()
  await items.deleteOne({ _id: 1 })
  await items.insertOne({ _id: 1, n: 2 })
  const { documents } = (await live.next()).value
  t.deepEqual(documents, [{ _id: 1, n: 2 }])
})

test('dropping, renaming and making the collection are followed', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  const live = items.find().live()
  t.deepEqual((await live.next()).value.documents, [])
  await items.insertOne({ _id: 1 })
  t.deepEqual((await live.next()).value.documents, [{ _id: 1 }])
  await items.drop()
  t.deepEqual((await live.next()).value.removed, [{ _id: 1 }])
  await db.collection('other').insertOne({ _id: 2 })
  await db.collection('other').rename('items')
  t.deepEqual((await live.next()).value.documents, [{ _id: 2 }])
})

test('a document of a collection that was dropped and made again is told, though it has the place and the version of the one before', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  const live = items.find().live()
  await live.next()
  for (const n of [1, 2, 3]) {
    await items.insertMany([{ _id: 1, n }, { _id: 2 }])
    let { documents } = (await live.next()).value
    while (documents.length !== 2 || documents[0].n !== n) ({ documents } = (await live.next()).value)
    t.deepEqual(documents, [{ _id: 1, n }, { _id: 2 }])
    await items.drop()
  }
})

test('projection, map, skip, limit and an order by an index hold at each step', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  await items.createIndex({ n: 1 })
  await items.insertMany(Array.from({ length: 200 }, (_, n) => ({ _id: n, n, x: 'x' })))
  const live = items.find({ n: { $gte: 10 } }, { projection: { n: 1 } }).sort({ n: 1 }).skip(2).limit(3).map(({ n }) => n).live()
  t.deepEqual((await live.next()).value.documents, [12, 13, 14])
  await items.deleteMany({ n: { $lt: 100 } })
  t.deepEqual((await live.next()).value.documents, [102, 103, 104])
  await items.insertOne({ _id: 'a', n: 50 })
  t.deepEqual((await live.next()).value.documents, [101, 102, 103])
})

test('at every step a live query shows what a find of that state answers', async (t) => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.log(`SEED=${seed}`)
  let state = seed
  const random = (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  for (const options of [{}, { memoryLimit: 1 }]) {
    const db = await onDisk(t, options)
    const items = db.collection('items')
    await items.createIndex({ a: 1, b: -1 })
    const queries = [
      [{}, {}], [{ a: { $gt: 3 } }, { sort: { b: 1 } }], [{ a: { $lt: 5 } }, { sort: { a: -1, b: 1 }, limit: 4 }], [{ tags: 'x' }, { sort: { a: 1 }, skip: 2, limit: 3 }],
      [{ $expr: { $gt: ['$a', '$b'] } }, { limit: 5 }], [{ b: { $exists: true } }, { sort: { b: -1 }, skip: 1 }]
    ]
    const lives = queries.map(([filter, find]) => items.find(filter, find).live())
    for (let round = 0; round < 60; round++) {
      const writes = 1 + random(8)
      for (let i = 0; i < writes; i++) {
        const _id = random(40)
        const tags = random(2) ? ['x', 'y'] : 'z'
        switch (random(7)) {
          case 0:
          case 1:
            await items.set(_id, { a: random(8), b: random(8), tags })
            break
          case 2:
            await items.updateOne({ _id }, { $inc: { a: 1 }, $set: { tags } })
            break
          case 3:
            await items.deleteOne({ _id })
            break
          case 4:
            await items.updateMany({ a: random(8) }, { $set: { b: random(8) } })
            break
          case 5:
            if (random(8) === 0) await items.drop()
            break
          default:
            if (random(6) === 0) await db.compact()
            else await db.transaction(async (tx) => {
              await tx.collection('items').set(_id, { a: random(8) })
              await tx.collection('items').deleteOne({ _id: random(40) })
            })
        }
      }
      // A last write that every query can see makes each of them tell its result, unless it did not change.
      for (const [n, live] of lives.entries()) {
        const expected = await items.find(...queries[n]).toArray()
        let shown = live.shown
        while (JSON.stringify(shown) !== JSON.stringify(expected)) {
          const step = await Promise.race([live.next(), new Promise((resolve) => setTimeout(resolve, 5_000, 'late'))])
          if (step === 'late') return t.deepEqual(shown, expected, `SEED=${seed} query ${n} round ${round}`)
          const { documents, added, changed, removed } = step.value
          const before = new Map((shown ?? []).map((document) => [document._id, document]))
          for (const { _id } of removed) before.delete(_id)
          for (const document of [...added, ...changed]) before.set(document._id, document)
          t.deepEqual(documents.map(({ _id }) => _id).sort(), [...before.keys()].sort(), `SEED=${seed}`)
          for (const document of documents) t.deepEqual(before.get(document._id), document)
          shown = live.shown = documents
        }
      }
    }
    await Promise.all(lives.map((live) => live.close()))
  }
})

test('close, a signal and the close of the database end a live query', async (t) => {
  const path = directory(t)
  const db = await Database.open(path)
  const items = db.collection('items')
  const closed = items.find().live()
  await closed.next()
  const waiting = closed.next()
  await closed.close()
  t.deepEqual(await waiting, { done: true, value: undefined })
  const controller = new AbortController()
  const aborted = items.find().live({ signal: controller.signal })
  await aborted.next()
  const rejects = aborted.next()
  controller.abort(new Error('enough'))
  await t.throwsAsync(rejects, { message: 'enough' })
  for await (const { documents } of items.find().live()) {
    t.deepEqual(documents, [])
    break
  }
  const last = items.find().live()
  await last.next()
  const ended = last.next()
  await db.close()
  t.is((await t.throwsAsync(ended)).kind, 'CLOSED')
})

test('what cannot be live is refused', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  await items.insertOne({ _id: 1 })
  const started = items.find()
  await started.next()
  t.throws(() => started.live(), { instanceOf: TypeError, message: /has started/ })
  t.throws(() => items.find().live({ signals: 1 }), { instanceOf: TypeError, message: /did you mean "signal"/ })
  t.throws(() => items.find().live({ signal: 1 }), { instanceOf: TypeError, message: /option signal/ })
  t.is((await t.throwsAsync(items.find({ $nothing: 1 }).live().next())).kind, 'BAD_QUERY')
  await db.transaction(async (tx) => {
    t.throws(() => tx.collection('items').find().live(), { code: 263 })
  })
})

// A cursor in the core holds a state open; its signal closes it.

import test from 'ava'

import { collection } from './support/database.mjs'

const documents = Array.from({ length: 3000 }, (_, _id) => ({ _id, half: _id >> 1 }))
const reason = new Error('enough')

/** Passes once no state is held open; a cursor is closed by an operation, which takes a moment. */
async function released(t, db) {
  for (let tries = 0; tries < 1000 && (await db.stats()).views > 0; tries++) await new Promise((resolve) => setTimeout(resolve, 5))
  t.is((await db.stats()).views, 0)
}

test('a signal closes the cursors that wait for their next read', async (t) => {
  const users = await collection(t, documents)
  const stop = new AbortController()
  const { signal } = stop
  const cursors = [users.find({}, { signal, batchSize: 2 }), users.aggregate([{ $match: { half: { $gt: 5 } } }], { signal, batchSize: 2 })]
  for (const cursor of cursors) t.truthy(await cursor.next())
  const other = users.find({}, { batchSize: 2 })
  t.is((await other.next())._id, 0)
  const held = (await users.db.stats()).views
  t.true(held >= 2)
  stop.abort(reason)
  t.is((await other.next())._id, 1, 'a cursor without the signal goes on')
  await other.close()
  await released(t, users.db)
  for (const cursor of cursors) {
    t.truthy(await cursor.next(), 'a document that was fetched before')
    await t.throwsAsync(cursor.next(), { is: reason })
    t.false(cursor.closed)
    await cursor.close()
    await t.throwsAsync(cursor.next(), { code: 'CLOSED' })
  }
})

test('a signal that aborts while a batch is fetched leaves no cursor open, whether or not the batch was made', async (t) => {
  const users = await collection(t, documents)
  for (let round = 0; round < 50; round++) {
    const stop = new AbortController()
    const cursor = users.find({ half: { $gte: 0 } }, { signal: stop.signal, batchSize: 2 })
    if (round % 2) await cursor.next()
    const reading = cursor.toArray()
    // Submitted when the promise jobs have run; its result is taken in a later turn.
    await new Promise((resolve) => process.nextTick(resolve))
    const until = performance.now() + (round % 5) * 2
    while (performance.now() < until);
    stop.abort(reason)
    await t.throwsAsync(reading, { is: reason })
  }
  await released(t, users.db)
})

test('a cursor that was read to its end no longer listens to its signal', async (t) => {
  const users = await collection(t, documents.slice(0, 5))
  const stop = new AbortController()
  const listeners = { added: 0, removed: 0 }
  const { addEventListener, removeEventListener } = stop.signal
  stop.signal.addEventListener = (...given) => ((listeners.added += 1), addEventListener.apply(stop.signal, given))
  stop.signal.removeEventListener = (...given) => ((listeners.removed += 1), removeEventListener.apply(stop.signal, given))
  t.is((await users.find({}, { signal: stop.signal, batchSize: 2 }).toArray()).length, 5)
  const left = users.find({}, { signal: stop.signal, batchSize: 2 })
  await left.next()
  await left.close()
  t.true(listeners.added > 0)
  t.is(listeners.added, listeners.removed)
})

test('a cursor that its signal has closed rejects with its reason, however often it is read', async (t) => {
  const users = await collection(t, documents)
  const signal = AbortSignal.abort(new Error('enough'))
  const iterate = async (cursor) => {
    for await (const each of cursor) t.fail(String(each))
  }
  for (const make of [() => users.find({}, { signal }), () => users.aggregate([], { signal })]) {
    for (const read of [(cursor) => cursor.toArray(), (cursor) => cursor.next(), (cursor) => cursor.hasNext(), (cursor) => cursor.forEach(() => {}), iterate]) {
      const cursor = make()
      for (let time = 0; time < 3; time++) await t.throwsAsync(read(cursor), { message: 'enough' }, String(read))
    }
  }
})

test('a listing that its signal has ended rejects with its reason, however often it is read', async (t) => {
  const users = await collection(t, documents.slice(0, 2))
  const signal = AbortSignal.abort(new Error('enough'))
  const iterate = async (cursor) => {
    for await (const each of cursor) t.fail(String(each))
  }
  for (const make of [() => users.listIndexes({ signal }), () => users.db.listCollections({}, { signal })]) {
    for (const read of [(cursor) => cursor.toArray(), (cursor) => cursor.next(), (cursor) => cursor.hasNext(), (cursor) => cursor.forEach(() => {}), iterate]) {
      const cursor = make()
      for (let time = 0; time < 3; time++) await t.throwsAsync(read(cursor), { message: 'enough' }, String(read))
      t.false(cursor.closed)
      await cursor.close()
      t.is(await cursor.next(), null)
    }
  }
})

test('a cursor that was read to its end has ended, whatever its signal does later', async (t) => {
  const users = await collection(t, documents.slice(0, 5))
  const stop = new AbortController()
  const cursor = users.find({}, { signal: stop.signal })
  const listing = users.listIndexes({ signal: stop.signal })
  for await (const each of cursor) t.truthy(each)
  for await (const each of listing) t.truthy(each)
  stop.abort(reason)
  for (const ended of [cursor, listing]) {
    t.is(await ended.next(), null)
    t.deepEqual(await ended.toArray(), [])
    for await (const each of ended) t.fail(String(each))
  }
})

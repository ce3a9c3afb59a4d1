// More than 1,000 documents of one call are encoded in several turns of the event loop. What other calls see of it is the same
// as if they were encoded within the call: the order of writes, errors before anything is written, signals and time limits.

import test from 'ava'

import { directory, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

const COUNT = 1200

/** Occupies the thread for longer than a slice takes. */
function spin() {
  const until = performance.now() + 9
  while (performance.now() < until);
}

/** Documents whose encoding takes several slices; `read` counts those that were encoded. */
function slow(count = COUNT, { every = 300, read = { count: 0 }, make = (i) => ({ _id: i, n: i }) } = {}) {
  return Array.from({ length: count }, (_, i) => {
    const document = make(i)
    Object.defineProperty(document, 'x', {
      enumerable: true,
      get() {
        read.count += 1
        if (i % every === 100) spin()
        return i
      }
    })
    return document
  })
}

const outcome = (promise) => promise.then(() => 'done', (error) => error.kind ?? error.name)
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** The methods that take many documents, with documents as they take them. */
const METHODS = {
  insertMany: (c, documents, options) => c.insertMany(documents, options),
  bulkWrite: (c, documents, options) => c.bulkWrite(documents.map((document) => ({ insertOne: { document } })), options),
  setMany: (c, documents, options) => c.setMany(documents.map((document, i) => [i, document]), options)
}

for (const [name, write] of Object.entries(METHODS)) {
  test(`${name} reads 1,000 documents within the call, and lets the event loop turn while it reads more`, async (t) => {
    const db = await memory(t)
    const c = db.collection('c')
    const read = { count: 0 }
    const small = write(c, slow(1000, { read }))
    t.is(read.count, 1000)
    await small
    await c.drop()
    read.count = 0
    const large = write(c, slow(COUNT, { read, every: 120 }))
    t.true(read.count < 300, `${read.count} were read`)
    const other = db.collection('other')
    let passed = 0
    while (read.count < COUNT) {
      // Writes to other collections, and reads of this one, do not wait for it.
      await other.insertOne({})
      const count = await c.countDocuments()
      if (read.count < COUNT) t.is(count, 0)
      passed += 1
      await turn()
    }
    t.true(passed > 1)
    await large
    t.is(await c.countDocuments(), COUNT)
    t.deepEqual(await c.get(COUNT - 1), { _id: COUNT - 1, n: COUNT - 1, x: COUNT - 1 })
  })

  test(`${name} of many refuses a value that cannot be stored before anything is written, and the writes behind it begin`, async (t) => {
    const db = await onDisk(t)
    const c = db.collection('c')
    const thrown = new RangeError('of the program')
    const bad = {
      BAD_DOCUMENT: { v: () => {} },
      RangeError: Object.defineProperty({}, 'v', { enumerable: true, get() { throw thrown } })
    }
    for (const [kind, document] of Object.entries(bad)) {
      const outcomes = [write(c, [...slow(), document]), c.insertOne({ _id: kind }), c.updateMany({}, { $set: { later: true } })]
      t.is(await outcome(outcomes[0]), kind)
      await Promise.all(outcomes.slice(1))
      t.deepEqual(await c.find().toArray(), [{ _id: kind, later: true }])
      await c.drop()
    }
    t.is(thrown.stack.split('\n')[0], 'RangeError: of the program')
  })

  test(`${name} of many ends at its signal and its time limit, with nothing written, and the writes behind it begin`, async (t) => {
    const db = await onDisk(t)
    const c = db.collection('c')
    const stop = new AbortController()
    const documents = slow(COUNT, { every: 120, make: (i) => (i === 500 ? Object.defineProperty({}, 'v', { enumerable: true, get: () => stop.abort() }) : {}) })
    const outcomes = [write(c, documents, { signal: stop.signal }), write(c, slow(COUNT, { every: 120 }), { maxTimeMS: 5 }), c.insertOne({ _id: 'after' }), c.deleteMany({ n: { $gte: 0 } })]
    t.deepEqual(await Promise.all(outcomes.map(outcome)), ['AbortError', 'TIMEOUT', 'done', 'done'])
    t.deepEqual(await c.find().toArray(), [{ _id: 'after' }])
    const late = new AbortController()
    const aborted = outcome(write(c, slow(), { signal: late.signal }))
    const behind = outcome(c.insertOne({ _id: 'behind' }, { signal: late.signal }))
    await turn()
    late.abort()
    t.deepEqual([await aborted, await behind], ['AbortError', 'AbortError'])
    await db.flush()
    t.deepEqual(await c.find().toArray(), [{ _id: 'after' }])
  })

  test(`a close waits for ${name} of many and for the writes behind it`, async (t) => {
    const path = directory(t)
    const db = await onDisk(t, {}, path)
    const c = db.collection('c')
    const outcomes = [write(c, slow()), c.updateOne({ _id: 7 }, { $set: { later: true } }), c.deleteOne({ _id: 8 })].map(outcome)
    await db.close()
    t.deepEqual(await Promise.all(outcomes), ['done', 'done', 'done'])
    const again = (await onDisk(t, {}, path)).collection('c')
    t.is(await again.countDocuments(), COUNT - 1)
    t.true((await again.get(7)).later)
  })

  test(`errors of ${name} of many name the function that awaits it`, async (t) => {
    const c = (await memory(t)).collection('c')
    async function functionOfTheProgram() {
      return await write(c, [...slow(), { v: () => {} }])
    }
    const error = await t.throwsAsync(functionOfTheProgram)
    t.regex(error.stack, /functionOfTheProgram/)
    t.is(error.path, 'v')
    t.regex(error.message, new RegExp(`^c.${name}: `))
  })
}

test('the array may be changed after the call, and each document gets its _id', async (t) => {
  const c = (await memory(t)).collection('c')
  const documents = slow(COUNT, { make: (i) => ({ n: i }) })
  const copy = [...documents]
  const inserted = c.insertMany(documents)
  documents.length = 0
  const { insertedCount, insertedIds } = await inserted
  t.is(insertedCount, COUNT)
  t.deepEqual(Object.values(insertedIds), copy.map(({ _id }) => _id))
  t.deepEqual((await c.find().toArray()).map(({ _id, n }) => [_id, n]), copy.map(({ _id, n }) => [_id, n]))
})

test('a malformed write of many is a TypeError that names it and the call, and writes nothing', async (t) => {
  const c = (await memory(t)).collection('c')
  const writes = slow().map((document) => ({ insertOne: { document } }))
  async function functionOfTheProgram() {
    return await c.bulkWrite([...writes, { insertOne: { document: 5 } }])
  }
  const error = await rejectsType(t, functionOfTheProgram, /^c\.bulkWrite: operations\[1200\]\.insertOne: document must be an object, not 5$/)
  t.regex(error.stack, /functionOfTheProgram/)
  await rejectsType(t, () => c.bulkWrite([...writes, { upsertOne: {} }]), /operations\[1200\]\.upsertOne: there is no write/)
  await rejectsType(t, () => c.bulkWrite([...writes, null]), /operations\[1200\] must be an object, not null/)
  t.is(await c.countDocuments(), 0)
})

test('a bulk write of many takes variables, and its failures name the writes and what was inserted', async (t) => {
  const c = (await memory(t)).collection('c')
  const writes = Array.from({ length: COUNT }, (_, i) => ({ updateOne: { filter: { _id: i }, update: [{ $set: { n: '$$v' } }], upsert: true } }))
  await c.bulkWrite(writes, { let: { v: 'of let' } })
  t.is(await c.countDocuments({ n: 'of let' }), COUNT)
  const inserts = slow(COUNT, { make: (i) => ({ _id: i < 1100 ? `new ${i}` : i }) }).map((document) => ({ insertOne: { document } }))
  const error = await rejectsWith(t, 'DUPLICATE_KEY', c.bulkWrite(inserts))
  t.is(error.writeErrors[0].index, 1100)
  t.is(Object.keys(error.result.insertedIds).length, 1100)
})

test.serial('a large batch is written where the program replaced the functions that schedule', async (t) => {
  const c = (await memory(t)).collection('c')
  const names = ['setImmediate', 'setTimeout', 'queueMicrotask']
  const own = names.map((name) => globalThis[name])
  for (const name of names) globalThis[name] = () => {}
  try {
    await c.insertMany(slow())
  } finally {
    names.forEach((name, i) => (globalThis[name] = own[i]))
  }
  t.is(await c.countDocuments(), COUNT)
})

test('a getter of a large batch may write to its collection: both are done whole', async (t) => {
  const c = (await memory(t)).collection('c')
  const inner = []
  const documents = slow(COUNT, { make: (i) => (i % 400 !== 150 ? { _id: i } : Object.defineProperty({ _id: i }, 'v', { enumerable: true, get: () => void inner.push(c.insertMany(slow(COUNT, { make: (j) => ({ _id: `${i} ${j}` }) }))) })) })
  await c.insertMany(documents)
  await Promise.all(inner)
  t.is(inner.length, 3)
  t.is(await c.countDocuments(), 4 * COUNT)
})

const pick = (random, list) => list[Math.floor(random() * list.length)]

/** Numbers from a seed (mulberry32). */
function randomOf(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** A write of any kind, as a function of the database. */
function writeOf(random, step) {
  const name = pick(random, ['a', 'b', 'c'])
  const other = pick(random, ['a', 'b', 'c'].filter((one) => one !== name))
  const from = Math.floor(random() * 3) * 700
  const ordered = random() < 0.5
  const make = (i) => ({ _id: from + i, n: step })
  const writes = [
    (db) => db.collection(name).insertMany(slow(COUNT, { make, every: 600 }), { ordered }),
    (db) => db.collection(name).insertMany(slow(COUNT, { make: (i) => ({ _id: `${step} ${i}`, n: step }), every: 600 })),
    (db) => db.collection(name).setMany(slow(COUNT, { make: () => ({ n: step }), every: 600 }).map((document, i) => [from + i, document])),
    (db) => db.collection(name).bulkWrite(Array.from({ length: COUNT }, (_, i) => ({ updateOne: { filter: { _id: from + i }, update: { $inc: { n: 1 } } } }))),
    (db) => db.collection(name).updateMany({ n: { $gte: 0 } }, { $inc: { n: 1 } }),
    (db) => db.collection(name).deleteMany({ n: step - 2 }),
    (db) => db.collection(name).insertOne({ _id: from, n: step }),
    (db) => db.collection(name).updateOne({ _id: from }, { $set: { n: -step } }),
    (db) => db.collection(name).findOneAndDelete({ n: { $gte: 0 } }, { sort: { _id: 1 } }),
    (db) => db.collection(name).drop(),
    (db) => db.collection(name).rename(other, { dropTarget: true }),
    (db) => db.collection(name).aggregate([{ $match: { n: { $gte: 0 } } }, { $set: { n: step } }, { $out: other }]).toArray(),
    (db) => db.collection(name).aggregate([{ $unionWith: other }, { $limit: 50 }, { $set: { n: step } }, { $merge: 'm' }]).toArray(),
    (db) => db.dropDatabase()
  ]
  // Large batches, and the last of them rarely.
  return random() < 0.4 ? pick(random, writes.slice(0, 4)) : pick(random, writes.slice(4, random() < 0.2 ? undefined : -1))
}

const told = (value) => {
  if (value instanceof Error) return [value.kind ?? value.name, value.writeErrors?.length, value.writeErrors?.[0]?.index]
  return JSON.stringify(value, (key, part) => (key === 'db' || key === 'collectionName' ? undefined : part))?.length
}

async function contentOf(db) {
  const content = {}
  for (const { name } of await db.listCollections().toArray()) content[name] = await db.collection(name).find().toArray()
  return content
}

test('writes that are not awaited do what they do when each is awaited, with large batches among them', async (t) => {
  for (let round = 0; round < 8; round++) {
    const seed = (Date.now() * 31 + round) | 0
    const random = randomOf(seed)
    const writes = Array.from({ length: 8 }, (_, step) => writeOf(random, step))
    const [together, alone] = [await onDisk(t), await memory(t)]
    const outcomes = await Promise.allSettled(writes.map((write) => write(together)))
    for (const [i, write] of writes.entries()) {
      const expected = await write(alone).catch((error) => error)
      t.deepEqual(told(outcomes[i].status === 'fulfilled' ? outcomes[i].value : outcomes[i].reason), told(expected), `seed ${seed}, write ${i}: ${write}`)
    }
    t.deepEqual(await contentOf(together), await contentOf(alone), `seed ${seed}`)
  }
})

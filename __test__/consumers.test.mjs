// Named readers of change streams: their places survive, move with acknowledgements, and belong to the newest reader.

import test from 'ava'

import { Database, directory, memory, onDisk } from './support/database.mjs'

const ids = (events) => events.map((event) => event.documentKey._id)

async function take(stream, count) {
  const events = []
  for (let i = 0; i < count; i++) events.push(await stream.next())
  return events
}

test('a consumer goes on after what it has acknowledged, also after a restart', async (t) => {
  const path = directory(t)
  let db = await Database.open(path)
  let stream = db.collection('jobs').watch([], { consumer: 'mailer' })
  await db.collection('jobs').insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }])
  const [first, second] = await take(stream, 2)
  t.deepEqual(ids([first, second]), [1, 2])
  await stream.acknowledge(first)
  await db.close()
  db = await Database.open(path)
  t.teardown(() => db.close())
  stream = db.collection('jobs').watch([], { consumer: 'mailer' })
  t.deepEqual(ids(await take(stream, 2)), [2, 3])
  await stream.acknowledge()
  await stream.close()
  stream = db.collection('jobs').watch([], { consumer: 'mailer' })
  t.is(await stream.tryNext(), null)
  await db.collection('jobs').insertOne({ _id: 4 })
  t.deepEqual(ids([await stream.next()]), [4])
})

test('a consumer that has acknowledged nothing begins where it began first', async (t) => {
  const db = await memory(t)
  const jobs = db.collection('jobs')
  const stream = jobs.watch([], { consumer: 'a' })
  t.is(await stream.tryNext(), null)
  await stream.close()
  await jobs.insertOne({ _id: 1 })
  t.deepEqual(ids([await jobs.watch([], { consumer: 'a' }).next()]), [1])
})

test('an acknowledgement in a transaction moves the place with the writes, or not at all', async (t) => {
  const db = await memory(t)
  const jobs = db.collection('jobs')
  const done = db.collection('done')
  const stream = jobs.watch([], { consumer: 'a' })
  await jobs.insertMany([{ _id: 1 }, { _id: 2 }])
  const [first, second] = await take(stream, 2)
  await db.transaction(async (tx) => {
    await tx.collection('done').insertOne({ _id: first.documentKey._id })
    await stream.acknowledge(first, { session: tx })
  })
  const session = db.startSession()
  session.startTransaction()
  await done.insertOne({ _id: second.documentKey._id }, { session })
  await stream.acknowledge(second, { session })
  await session.abortTransaction()
  await stream.close()
  t.deepEqual(await done.find().toArray(), [{ _id: 1 }])
  t.deepEqual(ids([await jobs.watch([], { consumer: 'a' }).next()]), [2])
})

test('a transaction of any database moves the place of the reader that acknowledges, and one of another engine is refused', async (t) => {
  const db = await memory(t)
  const sibling = db.sibling('sibling')
  const [mine, theirs] = [db.collection('c').watch([], { consumer: 'mails' }), sibling.collection('c').watch([], { consumer: 'mails' })]
  t.is(await mine.tryNext(), null)
  t.is(await theirs.tryNext(), null)
  await db.collection('c').insertMany([{ _id: 'a1' }, { _id: 'a2' }])
  await sibling.collection('c').insertMany([{ _id: 'b1' }, { _id: 'b2' }])
  const event = await theirs.next()
  await db.transaction(async (tx) => theirs.acknowledge(event, { session: tx }))
  t.deepEqual(ids([await db.collection('c').watch([], { consumer: 'mails' }).next()]), ['a1'])
  const later = sibling.collection('c').watch([], { consumer: 'mails' })
  t.deepEqual(ids([await later.next()]), ['b2'])
  const other = await memory(t)
  await other.transaction(async (tx) => {
    await t.throwsAsync(later.acknowledge(event, { session: tx }), { instanceOf: TypeError, message: /of the database that is watched/ })
  })
  const acknowledged = []
  db.transactionSync((tx) => {
    acknowledged.push(later.acknowledge(event, { session: tx }))
  })
  await t.throwsAsync(acknowledged[0], { instanceOf: TypeError })
})

test('a place that a program has spoilt is told by the name of the consumer', async (t) => {
  const db = await memory(t)
  await db.collection('system.consumers').insertOne({ _id: 'a', token: 1 })
  const error = await t.throwsAsync(db.watch([], { consumer: 'a' }).next(), { message: /consumer 'a'/ })
  t.is(error.kind, 'BAD_DOCUMENT')
})

test('a later reader takes over: the one before can acknowledge nothing', async (t) => {
  const db = await memory(t)
  const jobs = db.collection('jobs')
  const earlier = jobs.watch([], { consumer: 'a' })
  await jobs.insertMany([{ _id: 1 }, { _id: 2 }])
  const event = await earlier.next()
  const later = jobs.watch([], { consumer: 'a' })
  t.deepEqual(ids([await later.next()]), [1])
  const error = await t.throwsAsync(earlier.acknowledge(event), { message: /taken over the consumer 'a'/ })
  t.deepEqual([error.kind, error.code], ['CONFLICT', 112])
  await later.acknowledge(event)
})

test('what a reader has acknowledged between the opening of the next and its first read is not told twice', async (t) => {
  const db = await memory(t)
  const jobs = db.collection('jobs')
  const earlier = jobs.watch([], { consumer: 'a' })
  await jobs.insertMany([{ _id: 1 }, { _id: 2 }])
  const event = await earlier.next()
  const later = jobs.watch([], { consumer: 'a' })
  await earlier.acknowledge(event)
  t.deepEqual(ids([await later.next()]), [2])
})

test('the places of consumers are documents, and no events', async (t) => {
  const db = await memory(t)
  const all = db.watch([], { consumer: 'all' })
  await db.collection('a').insertOne({ _id: 1 })
  const event = await all.next()
  await all.acknowledge(event)
  t.is(await all.tryNext(), null)
  t.deepEqual(await db.collection('system.consumers').find({}, { projection: { token: 1 } }).toArray(), [{ _id: 'all', token: event._id }])
})

test('arguments of consumers are checked', async (t) => {
  const db = await onDisk(t)
  for (const consumer of ['', 'x'.repeat(513), '\ud800', 5]) t.throws(() => db.watch([], { consumer }), { instanceOf: TypeError, message: /consumer must be a name/ })
  t.throws(() => db.watch([], { consumer: 'a', resumeAfter: { _data: '' } }), { instanceOf: TypeError, message: /consumer and resumeAfter/ })
  await t.throwsAsync(db.watch().acknowledge(), { instanceOf: TypeError, message: /has no consumer/ })
  const stream = db.watch([], { consumer: 'a' })
  await t.throwsAsync(stream.acknowledge({ _id: 5 }), { instanceOf: TypeError })
  await t.throwsAsync(stream.acknowledge(undefined, { sessions: 1 }), { instanceOf: TypeError, message: /session/ })
  await t.throwsAsync(stream.acknowledge(), { instanceOf: TypeError, message: /nothing was read/ })
})

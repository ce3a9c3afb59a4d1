// Options of collections that are changed while the collection is used: db.command({ collMod }), and the other commands.

import test from 'ava'

import { Database, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

const IMAGES = { changeStreamPreAndPostImages: { enabled: true } }

async function take(stream, count) {
  const events = []
  while (events.length < count) events.push(await stream.next())
  return events
}

test('collMod changes the options of a collection, and writes from then on have them', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  await items.insertOne({ _id: 1, n: 1 })
  const stream = items.watch([], { fullDocumentBeforeChange: 'whenAvailable' })
  await items.updateOne({ _id: 1 }, { $inc: { n: 1 } })
  t.deepEqual(await db.command({ collMod: 'items', ...IMAGES }), { ok: 1 })
  await items.updateOne({ _id: 1 }, { $inc: { n: 1 } })
  t.deepEqual((await take(stream, 2)).map((event) => event.fullDocumentBeforeChange), [null, { _id: 1, n: 2 }])
  t.deepEqual(await items.options(), IMAGES)
  await stream.close()
})

test('a stream with expanded events tells a change of options, and how they were', async (t) => {
  const db = await memory(t)
  await db.createCollection('items', IMAGES)
  const [plain, expanded] = [db.watch(), db.watch([], { showExpandedEvents: true })]
  await db.command({ collMod: 'items', changeStreamPreAndPostImages: { enabled: false } })
  await db.command({ collMod: 'items', changeStreamPreAndPostImages: { enabled: false } })
  await db.collection('items').insertOne({ _id: 1 })
  const [event, insert] = await take(expanded, 2)
  t.is(event.operationType, 'modify')
  t.deepEqual(event.ns, { db: 'memory', coll: 'items' })
  t.deepEqual(event.operationDescription, { changeStreamPreAndPostImages: { enabled: false } })
  t.deepEqual(event.stateBeforeChange, { collectionOptions: IMAGES })
  t.is(insert.operationType, 'insert')
  t.is((await plain.next()).operationType, 'insert')
  await Promise.all([plain.close(), expanded.close()])
})

test('options survive reopening, compaction and a backup, and earlier states have theirs', async (t) => {
  const db = await onDisk(t, { history: { past: {} } })
  await db.createCollection('items')
  const { lastLsn: created } = await db.stats()
  await db.command({ collMod: 'items', ...IMAGES })
  const before = await db.asOf({ lsn: created })
  t.deepEqual(await before.collection('items').options(), {})
  await rejectsWith(t, 'READ_ONLY', () => before.command({ collMod: 'items', ...IMAGES }))
  await db.compact()
  await db.backup(`${db.path}-copy`)
  const copy = await onDisk(t, {}, `${db.path}-copy`)
  t.deepEqual(await copy.collection('items').options(), IMAGES)
  await db.close()
  const again = await onDisk(t, {}, db.path)
  t.deepEqual(await again.collection('items').options(), IMAGES)
  await again.close()
  t.true((await Database.verify(db.path)).ok)
})

test('what is wrong with collMod is refused, also in a transaction', async (t) => {
  const db = await memory(t)
  await db.createCollection('items')
  t.is((await rejectsWith(t, 'BAD_QUERY', () => db.command({ collMod: 'none', ...IMAGES }), /'none' does not exist/)).code, 26)
  t.is((await rejectsWith(t, 'BAD_QUERY', () => db.command({ collMod: 'items', images: true }), /'images' is not an option of collMod/)).code, 40415)
  t.is((await rejectsWith(t, 'BAD_QUERY', () => db.command({ collMod: 'items', viewOn: 'a', pipeline: [] }), /'items' is no view/)).code, 72)
  await rejectsType(t, () => db.command({ collMod: 5 }), /command\.collMod must be the name of a collection/)
  await rejectsWith(t, 'BAD_QUERY', () => db.command({ collMod: 'a$b' }), /Database\.command/)
  const session = db.startSession()
  session.startTransaction()
  await db.collection('items').insertOne({ _id: 1 }, { session })
  t.is((await rejectsWith(t, 'NOT_SUPPORTED', () => db.command({ collMod: 'items', ...IMAGES }, { session }))).code, 263)
  await session.commitTransaction()
  t.deepEqual(await db.collection('items').options(), {})
})

test('the other commands answer as the server does', async (t) => {
  const db = await memory(t)
  t.deepEqual(await db.command({ ping: 1 }), { ok: 1 })
  await rejectsType(t, () => db.command({ ping: 1, foo: 2 }), /ping has no field "foo"/)
  const info = await db.command({ buildinfo: 1, comment: 'hello' })
  t.like(info, { ok: 1, maxBsonObjectSize: 16777216, bits: 64 })
  t.deepEqual(await db.command({ create: 'items', ...IMAGES, writeConcern: { w: 1 } }), { ok: 1 })
  t.is((await t.throwsAsync(db.command({ create: 'items', changeStreamPreAndPostImages: { enabled: false } }))).code, 48)
  await rejectsType(t, () => db.command({ create: 'more', changeStreamImages: {} }), /there is no option "changeStreamImages"/)
  await db.collection('items').insertOne({ _id: 1 })
  t.like(await db.command({ collStats: 'items' }), { ns: 'memory.items', count: 1, nindexes: 1, ok: 1 })
  t.like(await db.command({ dbStats: 1 }), { db: 'memory', collections: 1, objects: 1, ok: 1 })
  t.like(await db.sibling('other').command({ dbStats: 1 }), { db: 'other', collections: 0, objects: 0, dataSize: 0 })
  await rejectsType(t, () => db.command({ dbStats: 1, scal: 2 }), /dbStats has no field "scal"/)
})

test('another command is refused with the method that does it', async (t) => {
  const db = await memory(t)
  for (const [command, instead] of [[{ find: 'items' }, /no such command: "find"; use db\.collection\(name\)\.find/], [{ constructor: 1 }, /there are ping/], [{}, /\{\}/]]) {
    const error = await rejectsWith(t, 'NOT_SUPPORTED', () => db.command(command), instead)
    t.is(error.code, 59)
    t.is(error.codeName, 'CommandNotFound')
  }
  await rejectsType(t, () => db.command('ping'), /command must be an object/)
})

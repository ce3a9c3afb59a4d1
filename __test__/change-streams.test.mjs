// Change streams: what is told of each write, in which order, and how a stream is read.

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'

import test from 'ava'

import { Database, directory, memory, MoltenError, onDisk } from './support/database.mjs'

async function take(stream, count) {
  const events = []
  for (let i = 0; i < count; i++) events.push(await stream.next())
  return events
}

test('a stream tells inserts, updates, replacements and deletions as the driver has them', async (t) => {
  const db = await memory(t)
  const users = db.collection('users')
  const stream = users.watch()
  await users.insertOne({ _id: 1, name: 'Ann', tags: ['a', 'b'] })
  await users.updateOne({ _id: 1 }, { $set: { name: 'Bea', 'tags.1': 'c' }, $unset: { none: 1 } })
  await users.replaceOne({ _id: 1 }, { name: 'Cy' })
  await users.deleteOne({ _id: 1 })
  const [insert, update, replace, remove] = await take(stream, 4)
  t.is(insert.operationType, 'insert')
  t.deepEqual(insert.fullDocument, { _id: 1, name: 'Ann', tags: ['a', 'b'] })
  t.deepEqual(insert.ns, { db: 'memory', coll: 'users' })
  t.deepEqual(insert.documentKey, { _id: 1 })
  t.true(insert.wallTime instanceof Date)
  t.is(insert.clusterTime.t, Math.floor(insert.wallTime.getTime() / 1000))
  t.is(update.operationType, 'update')
  t.deepEqual(update.updateDescription, { updatedFields: { name: 'Bea', 'tags.1': 'c' }, removedFields: [], truncatedArrays: [] })
  t.false('fullDocument' in update)
  t.is(replace.operationType, 'replace')
  t.deepEqual(replace.fullDocument, { _id: 1, name: 'Cy' })
  t.is(remove.operationType, 'delete')
  t.deepEqual(remove.documentKey, { _id: 1 })
  t.true(insert.commit.lsn < update.commit.lsn && update.commit.lsn < replace.commit.lsn)
})

test('a stream begins with its call: what is written before the first read is told, what was written before the call is not', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  await items.insertOne({ _id: 'before' })
  const stream = items.watch()
  items.insertOne({ _id: 'after' })
  t.deepEqual((await stream.next()).documentKey, { _id: 'after' })
  t.is(await stream.tryNext(), null)
})

test('updates have the whole document where it is asked for, as that update left it', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  await items.insertOne({ _id: 1, n: 0 })
  for (const fullDocument of ['updateLookup', 'whenAvailable', 'required']) {
    const stream = items.watch([], { fullDocument })
    await items.updateOne({ _id: 1 }, { $inc: { n: 1 } })
    const after = (await items.findOne({ _id: 1 })).n
    await items.updateOne({ _id: 1 }, { $inc: { n: 1 } })
    t.is((await stream.next()).fullDocument.n, after)
    await stream.close()
  }
})

test('documents before a change are told where the collection keeps them', async (t) => {
  const db = await memory(t)
  const items = await db.createCollection('items', { changeStreamPreAndPostImages: { enabled: true } })
  const plain = db.collection('plain')
  const stream = db.watch([], { fullDocumentBeforeChange: 'whenAvailable' })
  for (const collection of [items, plain]) {
    await collection.insertOne({ _id: 1, n: 1 })
    await collection.updateOne({ _id: 1 }, { $inc: { n: 1 } })
    await collection.replaceOne({ _id: 1 }, { n: 'three' })
    await collection.set(1, { n: 'four' })
    await collection.deleteOne({ _id: 1 })
  }
  const before = (await take(stream, 10)).map((event) => event.fullDocumentBeforeChange)
  t.deepEqual(before, [undefined, { _id: 1, n: 1 }, { _id: 1, n: 2 }, { _id: 1, n: 'three' }, { _id: 1, n: 'four' }, undefined, null, null, null, null])
  const strict = plain.watch([], { fullDocumentBeforeChange: 'required' })
  await plain.insertOne({ _id: 2 })
  await plain.deleteOne({ _id: 2 })
  t.is((await strict.next()).operationType, 'insert')
  const error = await t.throwsAsync(strict.next(), { instanceOf: MoltenError, message: /changeStreamPreAndPostImages/ })
  t.is(error.code, 47)
  t.deepEqual(await items.options(), { changeStreamPreAndPostImages: { enabled: true } })
  t.deepEqual(await plain.options(), {})
  t.deepEqual(await db.listCollections({ name: 'items' }).next().then(({ options }) => options), { changeStreamPreAndPostImages: { enabled: true } })
  await t.throwsAsync(db.createCollection('plain', { changeStreamPreAndPostImages: { enabled: true } }), { code: 48 })
  await t.throwsAsync(db.createCollection('x', { changeStreamPreAndPostImages: { enable: true } }), { instanceOf: TypeError, message: /enabled/ })
})

test('when an event of a commit cannot be told, those before it are, and the place is behind them', async (t) => {
  const db = await memory(t)
  await db.collection('b').insertOne({ _id: 'old' })
  const stream = db.watch([], { fullDocumentBeforeChange: 'required' })
  // A deletion needs the document before, which the collection does not keep.
  await db.transaction(async (tx) => {
    await tx.collection('b').deleteOne({ _id: 'old' })
    await tx.collection('a').insertMany([{ _id: 1 }, { _id: 2 }])
  })
  const [, second] = await take(stream, 2)
  t.is((await t.throwsAsync(stream.next())).code, 47)
  t.is(second.documentKey._id, 2)
  t.deepEqual(stream.resumeToken, second._id)
  const rest = await take(db.watch([], { resumeAfter: stream.resumeToken }), 1)
  t.deepEqual(rest.map((event) => event.documentKey._id), ['old'])
})

test('images before a change are of the transaction as a whole, and survive $out', async (t) => {
  const db = await memory(t)
  const items = await db.createCollection('items', { changeStreamPreAndPostImages: { enabled: true } })
  await items.insertOne({ _id: 1, n: 1 })
  const stream = items.watch([], { fullDocumentBeforeChange: 'required' })
  await db.transaction(async (tx) => {
    await tx.collection('items').updateOne({ _id: 1 }, { $set: { n: 2 } })
    await tx.collection('items').updateOne({ _id: 1 }, { $set: { n: 3 } })
  })
  t.deepEqual((await stream.next()).fullDocumentBeforeChange, { _id: 1, n: 1 })
  await db.collection('other').insertOne({ _id: 7 })
  await db.collection('other').aggregate([{ $out: 'items' }]).toArray()
  const again = items.watch([], { fullDocumentBeforeChange: 'required' })
  await items.deleteOne({ _id: 7 })
  t.deepEqual((await again.next()).fullDocumentBeforeChange, { _id: 7 })
})

test('the events of a transaction follow each other, name it, and say which is the last', async (t) => {
  const db = await memory(t)
  const stream = db.watch()
  const session = db.startSession()
  await session.withTransaction(async () => {
    await db.collection('a').insertMany([{ _id: 1 }, { _id: 2 }], { session })
    await db.collection('b').insertOne({ _id: 3 }, { session })
  })
  await db.collection('a').insertOne({ _id: 4 })
  const events = await take(stream, 4)
  t.deepEqual(events.map((event) => event.documentKey._id), [1, 2, 3, 4])
  t.deepEqual(events.map((event) => event.commit.last), [false, false, true, true])
  t.is(new Set(events.slice(0, 3).map((event) => event.commit.lsn)).size, 1)
  for (const event of events.slice(0, 3)) {
    t.deepEqual(event.lsid.id, session.id.id)
    t.is(event.txnNumber, 1)
  }
  t.false('lsid' in events[3])
})

test('an aborted transaction and a failed write are not told', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  const stream = items.watch()
  await t.throwsAsync(db.transaction(async (tx) => {
    await tx.collection('items').insertOne({ _id: 1 })
    throw new Error('no')
  }), { message: 'no' })
  await items.insertOne({ _id: 2 })
  await t.throwsAsync(items.insertOne({ _id: 2 }), { code: 11000 })
  t.deepEqual((await stream.next()).documentKey, { _id: 2 })
  t.is(await stream.tryNext(), null)
})

test('a pipeline chooses and shapes events, and must leave their _id', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  const stream = items.watch([{ $match: { operationType: 'insert', 'fullDocument.n': { $gt: 1 } } }, { $project: { n: '$fullDocument.n' } }])
  await items.insertMany([{ _id: 1, n: 1 }, { _id: 2, n: 2 }])
  await items.updateOne({ _id: 2 }, { $set: { n: 9 } })
  const event = await stream.next()
  t.deepEqual(Object.keys(event), ['_id', 'n'])
  t.is(event.n, 2)
  t.is(await stream.tryNext(), null)
  const broken = items.watch([{ $unset: '_id' }])
  await items.insertOne({ _id: 3 })
  t.is((await t.throwsAsync(broken.next())).code, 280)
  for (const stage of [{ $group: { _id: null } }, { $sort: { a: 1 } }, { $lookup: { from: 'x', as: 'y', pipeline: [] } }, { $out: 'x' }, { $limit: 1 }]) {
    const error = await t.throwsAsync(items.watch([stage]).next(), { instanceOf: MoltenError })
    t.is(error.code, 20, JSON.stringify(stage))
  }
  t.is((await t.throwsAsync(items.watch([{ $nothing: 1 }]).next())).kind, 'BAD_QUERY')
})

test('a stream of a collection ends after it was dropped or renamed, and may go on with startAfter', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  await items.insertOne({ _id: 1 })
  const stream = items.watch()
  await items.drop()
  const types = []
  let last
  for await (const event of stream) {
    types.push(event.operationType)
    last = event
  }
  t.deepEqual(types, ['drop', 'invalidate'])
  t.true(stream.closed)
  await items.insertOne({ _id: 2 })
  const refused = await t.throwsAsync(items.watch([], { resumeAfter: last._id }).next())
  t.is(refused.code, 260)
  const further = items.watch([], { startAfter: last._id })
  t.deepEqual((await further.next()).documentKey, { _id: 2 })
  const target = db.collection('target').watch()
  await items.rename('target')
  const rename = await further.next()
  t.is(rename.operationType, 'rename')
  t.deepEqual([rename.ns.coll, rename.to.coll], ['items', 'target'])
  t.is((await further.next()).operationType, 'invalidate')
  t.is((await target.next()).operationType, 'rename')
  t.is((await target.next()).operationType, 'invalidate')
})

test('a stream of a database tells all of its collections and ends with it; one of all databases goes on', async (t) => {
  const db = await memory(t)
  const other = db.sibling('other')
  const [mine, theirs, all] = [db.watch(), other.watch(), db.watch([], { allDatabases: true })]
  await db.collection('a').insertOne({ _id: 1 })
  await other.collection('b').insertOne({ _id: 2 })
  t.deepEqual((await mine.next()).ns, { db: 'memory', coll: 'a' })
  t.deepEqual((await theirs.next()).ns, { db: 'other', coll: 'b' })
  await other.dropDatabase()
  const seen = []
  for await (const event of theirs) seen.push([event.operationType, event.ns])
  t.deepEqual(seen, [['drop', { db: 'other', coll: 'b' }], ['dropDatabase', { db: 'other' }], ['invalidate', undefined]])
  t.is(await mine.tryNext(), null)
  t.deepEqual((await take(all, 4)).map((event) => event.operationType), ['insert', 'insert', 'drop', 'dropDatabase'])
  await other.collection('b').insertOne({ _id: 3 })
  t.deepEqual((await all.next()).documentKey, { _id: 3 })
})

test('expanded events tell new collections and indexes', async (t) => {
  const db = await memory(t)
  const stream = db.watch([], { showExpandedEvents: true })
  const plain = db.watch()
  const items = await db.createCollection('items')
  await items.createIndex({ a: 1 }, { unique: true })
  await items.dropIndex('a_1')
  const events = await take(stream, 3)
  t.deepEqual(events.map((event) => event.operationType), ['create', 'createIndexes', 'dropIndexes'])
  t.deepEqual(events[1].operationDescription, { indexes: [{ v: 2, key: { a: 1 }, name: 'a_1', unique: true }] })
  t.is(await plain.tryNext(), null)
})

test('a resume token goes on after its event, at each event of a history', async (t) => {
  const db = await memory(t)
  const stream = db.watch()
  const first = db.collection('a')
  for (let i = 0; i < 10; i++) await first.insertMany([{ _id: 3 * i }, { _id: 3 * i + 1 }, { _id: 3 * i + 2 }])
  await first.rename('b')
  await db.collection('b').updateMany({}, { $set: { x: 1 } })
  await db.collection('b').drop()
  const events = await take(stream, 30 + 1 + 30 + 1)
  for (const [place, event] of events.entries()) {
    const resumed = db.watch([], { resumeAfter: event._id, batchSize: 7 })
    const rest = await take(resumed, events.length - place - 1)
    t.deepEqual(rest, events.slice(place + 1), `after event ${place}`)
    t.is(await resumed.tryNext(), null)
    await resumed.close()
  }
  const since = db.watch([], { startAtOperationTime: events[31].clusterTime })
  t.deepEqual((await since.next())._id, events[31]._id)
})

test('an error after which no stream goes on from there has the server\'s label', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  const label = 'NonResumableChangeStreamError'
  await items.insertOne({ _id: 0 })
  const broken = items.watch([{ $unset: '_id' }])
  await items.insertOne({ _id: 1 })
  const fatal = await t.throwsAsync(broken.next())
  t.deepEqual([fatal.code, fatal.errorLabels], [280, [label]])
  const lost = await t.throwsAsync(items.watch([], { startAtOperationTime: new Date(0) }).next())
  t.deepEqual([lost.code, lost.errorLabels], [286, [label]])
  const listened = items.watch([], { startAtOperationTime: new Date(0) })
  const told = await new Promise((resolve) => listened.once('error', resolve).on('change', resolve))
  t.true(told.hasErrorLabel(label))
  for (const other of [items.watch([], { resumeAfter: { _data: 'abc' } }), items.watch([{ $limit: 1 }])]) {
    t.deepEqual((await t.throwsAsync(other.next(), { instanceOf: MoltenError })).errorLabels, [])
  }
})

test('a token of another database, of none, or beyond what is kept is refused and never passed over', async (t) => {
  const db = await memory(t)
  const other = await memory(t)
  await other.collection('a').insertOne({ _id: 0 })
  const stream = other.watch()
  await other.collection('a').insertOne({ _id: 1 })
  const { _id } = await stream.next()
  const lost = await t.throwsAsync(db.watch([], { resumeAfter: _id }).next(), { instanceOf: MoltenError })
  t.deepEqual([lost.kind, lost.code, lost.codeName], ['HISTORY_LOST', 286, 'ChangeStreamHistoryLost'])
  t.is((await t.throwsAsync(db.watch([], { resumeAfter: { _data: 'abc' } }).next())).code, 260)
  t.is((await t.throwsAsync(other.watch([], { startAtOperationTime: new Date(0) }).next())).code, 286)
})

test('a token with any changed digit is none', async (t) => {
  const db = await memory(t)
  const stream = db.watch()
  await db.collection('a').insertMany([{ _id: 1 }, { _id: 2 }])
  const { _data } = (await stream.next())._id
  for (let at = 0; at < _data.length; at++) {
    const changed = _data.slice(0, at) + (_data[at] === '7' ? '8' : '7') + _data.slice(at + 1)
    t.is((await t.throwsAsync(db.watch([], { resumeAfter: { _data: changed } }).next())).code, 260, changed)
  }
})

test('where no commit is kept, an earlier time is lost and a later one is waited for', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  await items.insertOne({ _id: 1 })
  await db.watch().close()
  t.is((await t.throwsAsync(items.watch([], { startAtOperationTime: new Date(0) }).next())).code, 286)
  t.is((await t.throwsAsync(items.watch([], { startAtOperationTime: { t: 1, i: 1 } }).next())).code, 286)
  for (const startAtOperationTime of [new Date(Date.now() + 60_000), { t: 4_294_967_295, i: 4_294_967_295 }]) {
    const later = items.watch([], { startAtOperationTime })
    t.is(await later.tryNext(), null)
    await later.close()
  }
})

test('next waits for an event, tryNext does not, or as long as it is told', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  const stream = items.watch()
  t.is(await stream.tryNext(), null)
  const waiting = stream.next()
  await db.collection('elsewhere').insertOne({ _id: 0 })
  await items.insertOne({ _id: 1 })
  t.deepEqual((await waiting).documentKey, { _id: 1 })
  const patient = items.watch([], { maxAwaitTimeMS: 20 })
  t.is(await patient.tryNext(), null)
  const first = items.watch()
  const awaited = first.next()
  await new Promise((resolve) => setTimeout(resolve, 10))
  t.is(await first.tryNext(), null)
  await items.insertOne({ _id: 'x' })
  t.deepEqual((await awaited).documentKey, { _id: 'x' })
  t.deepEqual((await patient.next()).documentKey, { _id: 'x' })
  const there = patient.hasNext()
  await items.insertOne({ _id: 2 })
  t.true(await there)
  t.deepEqual((await patient.tryNext()).documentKey, { _id: 2 })
})

test('reads that are called at once get one event each, in order', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  const stream = items.watch()
  const reads = [stream.next(), stream.next(), stream.next()]
  await items.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }])
  t.deepEqual((await Promise.all(reads)).map((event) => event.documentKey._id), [1, 2, 3])
})

test('close ends a read that waits with CLOSED, and a loop without an error', async (t) => {
  const db = await memory(t)
  const stream = db.watch()
  const waiting = stream.next()
  await stream.close()
  t.is((await t.throwsAsync(waiting)).kind, 'CLOSED')
  t.is((await t.throwsAsync(stream.next())).kind, 'CLOSED')
  await stream.close()
  const looped = db.watch()
  const loop = (async () => {
    for await (const event of looped) t.fail(event.operationType)
  })()
  await new Promise((resolve) => setImmediate(resolve))
  await looped.close()
  await t.notThrowsAsync(loop)
})

test('leaving a loop closes the stream, and so does await using', async (t) => {
  const db = await memory(t)
  const stream = db.watch()
  await db.collection('a').insertOne({ _id: 1 })
  for await (const event of stream) {
    t.is(event.operationType, 'insert')
    break
  }
  t.true(stream.closed)
  const other = db.watch()
  await other[Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]()
  t.true(other.closed)
})

test('closing the database ends the streams that wait at once', async (t) => {
  const db = await Database.open(':memory:')
  const waiting = db.watch().next()
  await new Promise((resolve) => setTimeout(resolve, 20))
  await db.close()
  t.is((await t.throwsAsync(waiting)).kind, 'CLOSED')
  t.throws(() => db.watch(), { message: /closed/ })
})

test('a signal ends a stream with its reason', async (t) => {
  const db = await memory(t)
  const controller = new AbortController()
  const stream = db.watch([], { signal: controller.signal })
  const waiting = stream.next()
  controller.abort(new Error('enough'))
  await t.throwsAsync(waiting, { message: 'enough' })
  t.true(stream.closed)
  t.throws(() => db.watch([], { signal: AbortSignal.abort(new Error('before')) }), { message: 'before' })
})

test('listeners get the events, and a stream is read in one way only', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  const stream = items.watch()
  const seen = []
  stream.on('change', (event) => seen.push(event.operationType))
  await items.insertOne({ _id: 1 })
  await items.drop()
  await once(stream, 'close')
  t.deepEqual(seen, ['insert', 'drop', 'invalidate'])
  await t.throwsAsync(stream.next(), { message: /listeners/ })
  const iterated = items.watch()
  t.is(await iterated.tryNext(), null)
  t.throws(() => iterated.on('change', () => {}), { message: /iterator/ })
  const failing = items.watch([{ $sort: { a: 1 } }])
  failing.on('change', () => {})
  const [error] = await once(failing, 'error')
  t.is(error.code, 20)
})

test('without listeners a stream rests: nothing is lost, and the process may end', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  const stream = items.watch()
  const seen = []
  const listener = (event) => seen.push(event.documentKey._id)
  const until = async (count) => {
    while (seen.length < count) await new Promise((resolve) => setImmediate(resolve))
  }
  stream.on('change', listener)
  await items.insertOne({ _id: 1 })
  await until(1)
  await new Promise((resolve) => setTimeout(resolve, 10))
  stream.off('change', listener)
  await items.insertOne({ _id: 2 })
  await items.insertOne({ _id: 3 })
  t.deepEqual(seen, [1])
  stream.on('change', listener)
  await items.insertOne({ _id: 4 })
  await until(4)
  stream.off('change', listener)
  stream.on('change', listener)
  await items.insertOne({ _id: 5 })
  await until(5)
  t.deepEqual(seen, [1, 2, 3, 4, 5])
  const { stdout } = await run(`const { Database } = require(${JSON.stringify(fileURLToPath(new URL('../index.js', import.meta.url)))})
    Database.open(':memory:').then(async (db) => {
      const stream = db.watch().on('change', function one(event) { console.log(event.documentKey._id); setTimeout(() => stream.off('change', one), 50) })
      await db.collection('a').insertOne({ _id: 1 })
    })`)
  t.is(stdout, '1\n')
})

test('the close of the database is no error of a stream to which nobody listens for errors', async (t) => {
  const { stdout } = await run(`const { Database } = require(${JSON.stringify(fileURLToPath(new URL('../index.js', import.meta.url)))})
    Database.open(':memory:').then(async (db) => {
      db.watch().on('change', () => {}).on('close', () => console.log('ended'))
      setTimeout(() => db.close().then(() => console.log('closed')), 20)
    })`)
  t.deepEqual(stdout.trim().split('\n').sort(), ['closed', 'ended'])
})

test('a stream is a Node.js stream as well', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  const stream = items.watch()
  await items.insertMany([{ _id: 1 }, { _id: 2 }])
  const ids = []
  for await (const id of stream.stream({ transform: (event) => event.documentKey._id })) {
    ids.push(id)
    if (ids.length === 2) break
  }
  t.deepEqual(ids, [1, 2])
  t.true(stream.closed)
})

test('arguments are checked by name', async (t) => {
  const db = await memory(t)
  const items = db.collection('items')
  const wrong = [
    [{}, undefined, /pipeline must be an array/],
    [[1], undefined, /pipeline\[0\]/],
    [[], { fullDocument: 'all' }, /fullDocument must be/],
    [[], { fullDocuments: 'default' }, /did you mean "fullDocument"/],
    [[], { resumeAfter: 'x' }, /resumeAfter must be an object/],
    [[], { resumeAfter: {} }, /resume token/],
    [[], { startAtOperationTime: 5 }, /startAtOperationTime must be/],
    [[], { startAtOperationTime: new Date(NaN) }, /valid Date/],
    [[], { resumeAfter: { _data: '' }, startAfter: { _data: '' } }, /begins at one of them/],
    [[], { allDatabases: true }, /there is no option "allDatabases"/]
  ]
  for (const [pipeline, options, message] of wrong) t.throws(() => items.watch(pipeline, options), { instanceOf: TypeError, message })
  t.throws(() => db.watch([], { allDatabases: 1 }), { instanceOf: TypeError })
  for (const options of [1, 'x', { transfrm: 1 }, { transform: 1 }]) t.throws(() => items.watch().stream(options), { instanceOf: TypeError, message: /transform|options/ })
  for (const id of [/x/, new Date(NaN)]) t.is(t.throws(() => items.history(id)).kind, 'BAD_DOCUMENT')
  await db.transaction(async (tx) => {
    t.throws(() => tx.collection('items').watch(), { code: 263 })
  })
})

test('a slow reader gets every event from the log once memory has let go of them', async (t) => {
  const db = await onDisk(t)
  const items = db.collection('items')
  const stream = items.watch([{ $project: { documentKey: 1 } }])
  const filling = 'x'.repeat(10_000)
  for (let i = 0; i < 3_000; i += 100) await items.insertMany(Array.from({ length: 100 }, (_, n) => ({ _id: i + n, filling })))
  for (let i = 0; i < 3_000; i++) {
    const event = await stream.next()
    if (event.documentKey._id !== i) return t.fail(`event ${i} is of ${event.documentKey._id}`)
  }
  t.is(await stream.tryNext(), null)
})

test('a stream goes on after a restart, through compactions, renames and drops', async (t) => {
  const folder = directory(t)
  let db = await Database.open(folder)
  const stream = db.watch([], { showExpandedEvents: true })
  await db.collection('a').insertOne({ _id: 1, x: { y: 1 } })
  const { _id: begin } = await stream.next()
  await db.collection('a').updateOne({ _id: 1 }, { $set: { 'x.y': 2 } })
  await db.compact()
  await db.collection('a').rename('b')
  await db.collection('b').insertOne({ _id: 2, z: [1] })
  await db.compact()
  await db.collection('b').drop()
  await db.collection('c').insertOne({ _id: 3 })
  await db.close()
  const expected = [
    ['insert', 'a'], ['update', 'a'], ['rename', 'a'], ['insert', 'b'], ['drop', 'b'], ['create', 'c'], ['insert', 'c'], ['insert', 'c']
  ]
  for (let round = 0; round < 3; round++) {
    db = await Database.open(folder)
    const resumed = db.watch([], { resumeAfter: begin, showExpandedEvents: true, fullDocument: 'updateLookup' })
    if (round === 0) await db.collection('c').insertOne({ _id: 4 })
    const events = await take(resumed, expected.length)
    t.deepEqual(events.map((event) => [event.operationType, event.ns.coll]), expected, `round ${round}`)
    t.deepEqual(events[1].fullDocument, { _id: 1, x: { y: 2 } })
    if (round === 1) await db.compact()
    await db.close()
  }
})

test('worker threads watch the same database, and a worker that ends leaves nothing behind', async (t) => {
  const path = directory(t)
  const db = await Database.open(path)
  t.teardown(() => db.close())
  const source = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { Database } = require(workerData.module)
    Database.open(workerData.path).then(async (db) => {
      const stream = db.collection('items').watch()
      parentPort.postMessage('watching')
      for (let i = 0; i < 3; i++) parentPort.postMessage((await stream.next()).documentKey._id)
      await stream.next()
    })
  `
  const workerData = { path, module: fileURLToPath(new URL('../index.js', import.meta.url)) }
  const workers = [0, 1].map(() => new Worker(source, { eval: true, workerData }))
  const own = db.collection('items').watch()
  const seen = workers.map(() => [])
  const all = workers.map((worker, n) => new Promise((resolve, reject) => {
    worker.on('error', reject)
    worker.on('message', (message) => {
      seen[n].push(message)
      if (seen[n].length === 4) resolve()
    })
  }))
  while (!seen.every(([first]) => first === 'watching')) await new Promise((resolve) => setTimeout(resolve, 5))
  for (let _id = 1; _id <= 3; _id++) await db.collection('items').insertOne({ _id })
  await Promise.all(all)
  t.deepEqual(seen, [['watching', 1, 2, 3], ['watching', 1, 2, 3]])
  await Promise.all(workers.map((worker) => worker.terminate()))
  await db.collection('items').insertOne({ _id: 4 })
  t.deepEqual((await take(own, 4)).map((event) => event.documentKey._id), [1, 2, 3, 4])
})

test('a stream of a read-only database tells what the log has', async (t) => {
  const path = directory(t)
  const db = await Database.open(path, { history: { changes: {} } })
  await db.collection('items').insertOne({ _id: 1 })
  await db.close()
  const read = await Database.open(path, { readOnly: true })
  t.teardown(() => read.close())
  const stream = read.watch([], { startAtOperationTime: new Date(0) })
  t.deepEqual((await stream.next()).documentKey, { _id: 1 })
  t.is(await stream.tryNext(), null)
  const error = await t.throwsAsync(read.watch([], { consumer: 'a' }).next())
  t.is(error.kind, 'READ_ONLY')
})

const run = (source) => promisify(execFile)(process.execPath, ['-e', source], { timeout: 20_000 })

test('a stream keeps the process alive only while an event is awaited', async (t) => {
  const start = `const { Database } = require(${JSON.stringify(fileURLToPath(new URL('../index.js', import.meta.url)))})
    Database.open(':memory:').then(async (db) => { const stream = db.watch(); await db.collection('a').insertOne({ _id: 1 });`
  const idle = await run(`${start} console.log((await stream.next()).documentKey._id) })`)
  t.is(idle.stdout, '1\n')
  const waiting = await run(`${start} await stream.next(); setTimeout(() => db.collection('a').insertOne({ _id: 2 }), 300).unref(); console.log((await stream.next()).documentKey._id) })`)
  t.is(waiting.stdout, '2\n')
})

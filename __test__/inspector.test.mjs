// The inspector as a program uses it, and what its calls answer. The page is driven in a browser by `npm run test:inspector`.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import test from 'ava'

import { Database, directory, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'
import { clientOf, inspecting, lines, send } from './support/inspector.mjs'

const packageFile = fileURLToPath(new URL('../index.js', import.meta.url))

async function people(t, options, inspector) {
  const db = await onDisk(t, options)
  const users = db.collection('users')
  await users.insertMany(Array.from({ length: 250 }, (_, i) => ({ _id: i, name: `n${i}`, age: i % 50, at: new Date(i), deep: { a: [i, { b: 1n }] } })))
  await users.createIndex({ age: 1 })
  await db.sibling('archive').collection('old users').insertOne({ _id: 1, name: 'Zoe' })
  return { db, users, client: await inspecting(t, db, inspector) }
}

test('it resolves with its URL and port, and is closed by itself, by await using, and with its database', async (t) => {
  const db = await memory(t)
  const inspector = await db.inspect()
  t.regex(inspector.url, new RegExp(`^http://127\\.0\\.0\\.1:${inspector.port}/#token=[\\w-]{43}$`))
  t.is((await send(inspector, { path: '/' })).status, 200)
  await Promise.all([inspector.close(), inspector.close()])
  await t.throwsAsync(send(inspector, { path: '/' }), { code: 'ECONNREFUSED' })
  const disposed = await db.inspect()
  await disposed[Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]()
  await t.throwsAsync(send(disposed, { path: '/' }), { code: 'ECONNREFUSED' })
  const two = [await db.inspect(), await db.inspect()]
  await db.close()
  for (const one of two) await t.throwsAsync(send(one, { path: '/' }), { code: 'ECONNREFUSED' })
  await rejectsWith(t, 'CLOSED', () => db.inspect())
})

test('wrong options are refused by name', async (t) => {
  const db = await memory(t)
  for (const port of [-1, 65_536, 1.5, '80', NaN, {}]) await rejectsType(t, () => db.inspect({ port }), /Database\.inspect: option port must be a whole number from 0 to 65535/)
  await rejectsType(t, () => db.inspect({ write: 'yes' }), /option write/)
  await rejectsType(t, () => db.inspect({ writes: true }), /there is no option "writes"; did you mean "write"\?/)
  const path = directory(t)
  await (await Database.open(path)).close()
  const reader = await onDisk(t, { readOnly: true }, path)
  await rejectsWith(t, 'READ_ONLY', () => reader.inspect({ write: true }), /open read-only/)
})

test('it keeps no process alive, also while a page is open', (t) => {
  const source = `
    const { Database } = require(${JSON.stringify(packageFile)})
    Database.open(':memory:').then(async (db) => {
      const { port } = await db.inspect()
      const socket = require('node:net').connect(port, '127.0.0.1', () => { socket.write('GET / HTTP/1.1\\r\\n'); socket.unref() })
      setTimeout(() => console.log('done'), 200)
    })`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', source], { encoding: 'utf8', timeout: 20_000 })
  t.is(stderr, '')
  t.deepEqual([status, stdout], [0, 'done\n'])
})

test('nothing of it is loaded before it is used', (t) => {
  const source = `
    const { Database } = require(${JSON.stringify(packageFile)})
    const loaded = () => Object.keys(require.cache).filter((name) => name.endsWith('inspector.js')).length
    Database.open(':memory:').then(async (db) => {
      const before = loaded()
      await db.inspect()
      console.log(before, loaded())
      await db.close()
    })`
  t.is(spawnSync(process.execPath, ['-e', source], { encoding: 'utf8' }).stdout, '0 1\n')
  t.false(readFileSync(packageFile, 'utf8').includes('x-inspector-key'))
})

test('the overview has databases and collections with their counts and bytes, views too', async (t) => {
  const { db, client } = await people(t)
  await db.createCollection('adults', { viewOn: 'users', pipeline: [{ $match: { age: { $gte: 18 } } }] })
  const { path, database, writes, readOnly, databases, lastLsn } = await client.call('overview')
  t.deepEqual([path, database, writes, readOnly], [db.path, 'db', false, false])
  t.true(lastLsn > 2)
  t.deepEqual(databases.map(({ name, collections }) => [name, collections.map((one) => one.name)]), [['archive', ['old users']], ['db', ['adults', 'users']]].toSorted((a, b) => (a[0] === 'db' ? -1 : b[0] === 'db' ? 1 : 0)))
  const [view, users] = databases.find(({ name }) => name === 'db').collections
  t.deepEqual([view.type, view.viewOn], ['view', 'users'])
  t.deepEqual([users.count, users.nindexes], [250, 2])
  t.true(users.size > 1000)
  // What a view makes has no version.
  t.deepEqual(Object.keys(await client.call('document', { collection: 'adults', id: '20' })), ['value'])
  t.is((await client.call('document', { collection: 'users', id: '20' })).version, 1)
})

test('find answers a page of Extended JSON, and whether there is more', async (t) => {
  const { client } = await people(t)
  const first = await client.call('find', { collection: 'users', filter: "{ age: { $lt: 40 }, name: /^n/ }", sort: '-age,name', projection: 'age,at,deep', limit: 2 })
  t.true(first.more)
  t.deepEqual(first.documents[0], { _id: 139, age: 39, at: { $date: { $numberLong: '139' } }, deep: { a: [139, { b: { $numberLong: '1' } }] } })
  const last = await client.call('find', { collection: 'users', skip: 240, limit: 100 })
  t.deepEqual([last.documents.length, last.more], [10, false])
  t.deepEqual(await client.call('count', { collection: 'users', filter: '{ age: 3 }' }), { count: 5 })
  t.is((await client.call('find', { database: 'archive', collection: 'old users' })).documents[0].name, 'Zoe')
})

test('what cannot be read or found is said in a sentence', async (t) => {
  const { client } = await people(t)
  const fails = (name, body, message) => t.throwsAsync(client.call(name, body), { message })
  await fails('find', { collection: 'users', filter: '{ age: }' }, /^The filter is not JSON: a value is expected at/)
  await fails('find', { collection: 'users', filter: '{ age: { $gtt: 1 } }' }, /\$gtt/)
  await fails('find', { collection: 'users', sort: ',' }, /^The sort names no field/)
  await fails('find', { collection: 'user' }, 'there is no collection "user" in the database "db"')
  await fails('find', { collection: 'users', database: 'other' }, 'there is no collection "users" in the database "other"')
  await fails('find', {}, 'collection is missing')
  await fails('aggregate', { collection: 'users', pipeline: '[{ $matsh: {} }]' }, /\$matsh/)
  await fails('document', { collection: 'users', id: '999' }, 'there is no such document any more')
  await fails('find', { collection: 'users', at: 'yesterday' }, /^the moment must be/)
})

test('explain has the plan, and a sentence about the index that is missing', async (t) => {
  const { db, client } = await people(t)
  await db.collection('many').insertMany(Array.from({ length: 3000 }, (_, i) => ({ _id: i, city: `c${i}` })))
  const { plan, advice } = await client.call('explain', { collection: 'users', filter: '{ age: 3 }' })
  t.is(plan.queryPlanner.winningPlan.inputStage.indexName, 'age_1')
  t.deepEqual(advice, [])
  const scan = await client.call('explain', { collection: 'many', filter: '{ city: "c5" }' })
  t.is(scan.plan.queryPlanner.winningPlan.stage, 'COLLSCAN')
  t.regex(scan.advice[0], /an index \{"city":1\} may save that/)
  for (let i = 0; i < 3; i++) await client.call('find', { collection: 'many', filter: '{ city: "c5" }' })
  t.regex((await client.call('explain', { collection: 'many', filter: '{ city: "c5" }' })).advice[0], /^An index \{"city":1\} would have helped \d+ scans\.$/)
  t.deepEqual((await client.call('indexes', { collection: 'many' })).suggested[0].key, { city: 1 })
  t.is((await client.call('explain', { collection: 'users', pipeline: '[{ $match: { age: 3 } }, { $group: { _id: "$name" } }]' })).plan.executionStats.totalKeysExamined, 5)
})

test('a pipeline is previewed stage by stage, up to the one that fails', async (t) => {
  const { client } = await people(t)
  const { stages, previews } = await client.call('preview', { collection: 'users', pipeline: '[{ $match: { age: 3 } }, { $group: { _id: "$age", n: { $sum: 1 } } }]' })
  t.deepEqual(stages, [{ $match: { age: 3 } }, { $group: { _id: '$age', n: { $sum: 1 } } }])
  t.deepEqual(previews.map(({ documents, more }) => [documents.length, more]), [[20, true], [5, false], [1, false]])
  t.deepEqual(previews[2].documents, [{ _id: 3, n: 5 }])
  const failed = await client.call('preview', { collection: 'users', pipeline: '[{ $match: {} }, { $project: { x: { $divide: ["$name", 2] } } }, { $limit: 1 }]' })
  t.is(failed.previews.length, 3)
  t.regex(failed.previews[2].error, /\$divide/)
  t.deepEqual((await client.call('aggregate', { collection: 'users', pipeline: '{ $count: "n" }' })).documents, [{ n: 250 }])
})

test('a schema tells the fields of a sample with types, shares and ranges', async (t) => {
  const { db, client } = await people(t)
  await db.collection('users').insertMany([{ _id: 'x', name: null }, { _id: 'y', name: 'n1' }])
  const { documents, fields } = await client.call('schema', { collection: 'users' })
  t.is(documents, 252)
  const of = (path) => fields.find((field) => field.path === path)
  t.deepEqual(of('_id').types, [['number', 250], ['string', 2]])
  t.deepEqual([of('age').documents, of('age').least, of('age').greatest], [250, 0, 49])
  t.deepEqual(of('name').types, [['string', 251], ['null', 1]])
  t.deepEqual(of('age').examples.map(([, count]) => count), [5, 5, 5, 5, 5])
  t.deepEqual(of('deep.a[]').types, [['number', 250], ['object', 250]])
  t.deepEqual(of('deep.a[].b').types, [['long', 250]])
})

test('earlier states and the versions of a document are shown where the log has them', async (t) => {
  const { db, users, client } = await people(t)
  const { lastLsn } = await db.stats()
  await users.updateOne({ _id: 5 }, { $set: { name: 'changed' } })
  await users.deleteOne({ _id: 6 })
  const at = String(lastLsn)
  t.is((await client.call('find', { collection: 'users', filter: '{ _id: 5 }', at })).documents[0].name, 'n5')
  t.deepEqual(await client.call('count', { collection: 'users', at }), { count: 250 })
  t.deepEqual(await client.call('count', { collection: 'users' }), { count: 249 })
  t.is((await client.call('overview', { at: '1' })).databases.flatMap(({ collections }) => collections).length, 1)
  const { versions } = await client.call('history', { collection: 'users', id: '5' })
  t.deepEqual(versions.map(({ operation, document }) => [operation, document.name]), [['insert', 'n5'], ['update', 'changed']])
  t.deepEqual((await client.call('history', { collection: 'users', id: '6' })).versions.at(-1).document, null)
  await t.throwsAsync(client.call('find', { collection: 'users', at: '999999' }), { message: /999999|no such commit|newest/ })
  // More states than are kept open.
  for (let lsn = 1; lsn <= lastLsn + 2; lsn++) await client.call('overview', { at: String(lsn) })
})

test('changes are told as they are committed, after the newest of the log', async (t) => {
  const { users, client } = await people(t, { history: { changes: {} } })
  const stream = lines(client, 'changes')
  let event
  do event = await stream.next()
  while (event.ns.coll !== 'old users' || event.operationType !== 'insert')
  t.is(event.fullDocument.name, 'Zoe')
  await users.updateOne({ _id: 1 }, { $set: { age: 99 } })
  event = await stream.next()
  t.deepEqual([event.operationType, event.documentKey, event.updateDescription.updatedFields], ['update', { _id: 1 }, { age: 99 }])
  stream.close()
})

test('a database that nothing watches does not begin to keep its log because it is looked at', async (t) => {
  const { db, client } = await people(t)
  await t.throwsAsync(client.call('changes'), { message: /^nothing watches this database yet/ })
  await t.throwsAsync(client.call('changes', { start: true }), { message: /^nothing watches this database yet/ })
  t.is((await db.stats()).history.changes, null)
  const writer = await inspecting(t, db, { write: true })
  const stream = lines(writer, 'changes', { start: true })
  t.truthy(await stream.next())
  t.not((await db.stats()).history.changes, null)
  stream.close()
})

test('the storage has files, recovery and statistics; a closed database can be verified', async (t) => {
  const path = directory(t)
  const db = await Database.open(path)
  await db.collection('c').insertOne({ _id: 1 })
  const writer = await inspecting(t, db)
  const { files, stats, recovery, storage } = await writer.call('storage')
  t.true(files.some(({ name, bytes }) => name === 'MANIFEST' && bytes > 0))
  t.deepEqual([stats.documents, recovery.created, storage], [1, true, 'async'])
  t.is((await t.throwsAsync(writer.call('verify'))).kind, 'LOCKED')
  await db.close()
  const reader = await inspecting(t, await onDisk(t, { readOnly: true }, path))
  const verified = await reader.call('verify')
  t.deepEqual([verified.ok, verified.documents], [true, 1])
  const inMemory = await inspecting(t, await memory(t))
  t.deepEqual((await inMemory.call('storage')).files, [])
  await t.throwsAsync(inMemory.call('verify'), { message: /no files/ })
})

test('with write, documents and indexes are changed, and no change of another writer is lost', async (t) => {
  const { users, client } = await people(t, undefined, { write: true })
  t.deepEqual(await client.call('insert', { collection: 'users', document: '{ _id: "new", at: ISODate("2024-01-01T00:00:00Z") }' }), { id: 'new' })
  t.deepEqual(await users.findOne({ _id: 'new' }), { _id: 'new', at: new Date('2024-01-01T00:00:00Z') })
  const { value, version } = await client.call('document', { collection: 'users', id: '"new"' })
  t.deepEqual([value._id, version], ['new', 1])
  t.deepEqual(await client.call('replace', { collection: 'users', id: '"new"', version, document: '{ a: 1 }' }), { replaced: 1 })
  t.is((await t.throwsAsync(client.call('replace', { collection: 'users', id: '"new"', version, document: '{ a: 2 }' }))).kind, 'CONFLICT')
  t.deepEqual(await users.findOne({ _id: 'new' }), { _id: 'new', a: 1 })
  t.deepEqual(await client.call('delete', { collection: 'users', id: '"new"' }), { deleted: 1 })
  await t.throwsAsync(client.call('replace', { collection: 'users', id: '"new"', version: 2, document: '{ a: 2 }' }))
  t.deepEqual(await client.call('createIndex', { collection: 'users', key: '{ name: 1 }', options: '{ unique: true }' }), { name: 'name_1' })
  const { indexes } = await client.call('indexes', { collection: 'users' })
  t.deepEqual(indexes.map(({ index }) => index.name), ['_id_', 'age_1', 'name_1'])
  t.true(indexes[2].index.unique)
  await client.call('dropIndex', { collection: 'users', name: 'name_1' })
  t.is((await users.indexes()).length, 2)
  t.is((await t.throwsAsync(client.call('insert', { collection: 'users', document: '{ _id: 1 }' }))).kind, 'DUPLICATE_KEY')
  await t.throwsAsync(client.call('insert', { collection: 'nothing', document: '{ _id: 1 }' }), { message: /no collection/ })
})

test('an export has what the query selects, in the file of the collection', async (t) => {
  const { client } = await people(t)
  const headers = { cookie: client.cookie, 'sec-fetch-site': 'same-origin' }
  const { ticket, name } = await client.call('export', { database: 'archive', collection: 'old users' })
  t.is(name, 'old_users.jsonl')
  t.is((await send(client, { path: `/download/${ticket}`, headers })).text, '{"_id":1,"name":"Zoe"}\n')
  const filtered = await client.call('export', { collection: 'users', filter: '{ age: 3 }', sort: '-_id', projection: '_id' })
  t.is((await send(client, { path: `/download/${filtered.ticket}`, headers })).text, [203, 153, 103, 53, 3].map((id) => `{"_id":${id}}\n`).join(''))
  await t.throwsAsync(client.call('export', { collection: 'users', filter: '{' }), { message: /^The filter is not JSON/ })
  const none = await client.call('export', { collection: 'users', filter: '{ age: -1 }' })
  t.deepEqual([(await send(client, { path: `/download/${none.ticket}`, headers })).status], [200])
})

test('an earlier state, another database of the directory and a fork have inspectors of their own', async (t) => {
  const { db, users } = await people(t)
  const past = await db.asOf({ lsn: (await db.stats()).lastLsn })
  await users.deleteMany({})
  const ofPast = await inspecting(t, past)
  t.deepEqual(await ofPast.call('count', { collection: 'users' }), { count: 250 })
  await t.throwsAsync(ofPast.call('changes'), { message: /./ })
  await rejectsWith(t, 'READ_ONLY', () => past.inspect({ write: true }))
  const ofSibling = await inspecting(t, db.sibling('archive'))
  t.is((await ofSibling.call('overview')).databases[0].name, 'archive')
  t.is((await ofSibling.call('find', { collection: 'old users' })).documents[0].name, 'Zoe')
  const fork = await db.fork()
  const ofFork = await inspecting(t, fork, { write: true })
  await ofFork.call('insert', { collection: 'users', document: '{ _id: 1 }' })
  t.is(await users.countDocuments(), 0)
  await fork.close()
})

test('two inspectors do not disturb each other, and one serves several pages', async (t) => {
  const { db, client } = await people(t)
  const other = await memory(t)
  await other.collection('things').insertOne({ _id: 1 })
  const second = await inspecting(t, other)
  t.not(client.cookie.split('=')[0], second.cookie.split('=')[0])
  const both = `${client.cookie}; ${second.cookie}`
  for (const one of [client, second]) one.cookie = both
  t.is((await client.call('overview')).path, db.path)
  t.is((await second.call('overview')).path, ':memory:')
  const inspector = await db.inspect()
  const [a, b] = [await clientOf(inspector.url), await clientOf(inspector.url)]
  t.is((await a.call('count', { collection: 'users' })).count, (await b.call('count', { collection: 'users' })).count)
})

// Many databases in one directory: their names, what sees its own only, and what spans all of them.

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'

import test from 'ava'

import { Database, directory, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

const index = new URL('../index.js', import.meta.url).pathname

const names = async (db) => (await db.listDatabases({ nameOnly: true })).databases.map(({ name }) => name)
const collectionsOf = async (db) => (await db.listCollections().toArray()).map(({ name }) => name)

async function exported(db, options) {
  const chunks = []
  await db.exportJSONL(new Writable({ write: (chunk, _, done) => (chunks.push(chunk), done()) }), options)
  return Buffer.concat(chunks).toString().split('\n').filter((line) => line !== '')
}

const usersOf = (one) => one.collection('users')

/** Three databases with a collection of the same name. */
async function filled(db) {
  const all = [db, db.sibling('b'), db.sibling('c')]
  for (const [i, one] of all.entries()) {
    await one.collection('users').insertMany([{ _id: 1, from: one.databaseName }, { _id: 2, n: i }])
  }
  await db.sibling('b').collection('orders').insertOne({ _id: 'o' })
  return all
}

test('a sibling reads and writes its own collections', async (t) => {
  for (const db of [await memory(t), await onDisk(t), await onDisk(t, { storage: 'sync' })]) {
    const [own, b, c] = await filled(db)
    t.is(b.databaseName, 'b')
    t.is(b.path, db.path)
    t.is(b.storage, db.storage)
    t.is(b.recovery, db.recovery)
    for (const one of [own, b, c]) {
      const users = one.collection('users')
      t.is(users.db, one)
      t.is(users.dbName, one.databaseName)
      t.is(users.collectionName, 'users')
      t.is(users.namespace, `${one.databaseName}.users`)
      t.deepEqual(await users.get(1), { _id: 1, from: one.databaseName })
      t.deepEqual(users.getSync(1), { _id: 1, from: one.databaseName })
      t.true(users.hasSync(2))
      t.deepEqual(await users.getMany([2, 3]), [{ _id: 2, n: [own, b, c].indexOf(one) }, null])
      t.is(await users.countDocuments({ n: { $exists: true } }), 1)
      t.deepEqual(await users.find().project({ from: 1 }).limit(1).toArray(), [{ _id: 1, from: one.databaseName }])
    }
    t.deepEqual(await collectionsOf(db), ['users'])
    t.deepEqual(await collectionsOf(b), ['orders', 'users'])
    t.deepEqual((await b.collections()).map(({ namespace }) => namespace), ['b.orders', 'b.users'])
    t.deepEqual((await b.listCollections({ name: 'orders' }, { nameOnly: true }).toArray()), [{ name: 'orders', type: 'collection' }])
    t.deepEqual(await names(c), ['b', 'c', db.databaseName].sort())
  }
})

test('the default database is named after its directory, and its name gives it again', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  t.is(db.databaseName, 'db')
  t.is(db.sibling('db'), db)
  t.is(db.sibling('other').sibling('db'), db)
  t.not(db.sibling('other'), db)
  t.is(db.sibling('other').sibling('third').databaseName, 'third')
  t.is((await memory(t)).databaseName, 'memory')
  t.deepEqual(await names(db), [], 'a database exists as long as it has a collection')
})

test('options of a sibling hold for its collections', async (t) => {
  let last = 0
  const db = await memory(t, { ignoreUndefined: false })
  const b = db.sibling('b', { pkFactory: { createPk: () => ++last }, ignoreUndefined: true })
  t.is((await usersOf(b).insertOne({ a: undefined })).insertedId, 1)
  t.deepEqual(await usersOf(b).find().toArray(), [{ _id: 1 }])
  await usersOf(db).insertOne({ _id: 1, a: undefined })
  t.deepEqual(await usersOf(db).find().toArray(), [{ _id: 1, a: null }])
  await usersOf(db.sibling('memory', { ignoreUndefined: true })).insertOne({ _id: 2, a: undefined })
  t.deepEqual(await usersOf(db).get(2), { _id: 2 })
  await rejectsType(t, () => db.sibling('b', { pkFactori: 1 }), /did you mean "pkFactory"/)
})

test('names that no database can have are refused', async (t) => {
  const db = await onDisk(t)
  for (const bad of ['', 'a.b', 'a b', 'a$', 'a/b', 'a\\b', 'a"', 'a*', 'a<', 'a>', 'a:', 'a|', 'a?', 'a\0b', 'x'.repeat(64), '\u{e9}'.repeat(32), '\ud800']) {
    const error = await rejectsWith(t, 'BAD_QUERY', () => db.sibling(bad), /^Database\.sibling: database name/)
    t.is(error.code, 73)
    t.false(error.message.includes('\0'))
  }
  t.is((await rejectsWith(t, 'BAD_QUERY', () => db.sibling('DB'))).code, 13297)
  for (const bad of [undefined, null, 1, {}]) await rejectsType(t, () => db.sibling(bad), /^Database\.sibling: name must be a string/)
  for (const fine of ['a', 'a-b_1', '\u{e9}', 'x'.repeat(63)]) t.is(db.sibling(fine).databaseName, fine)
  await db.sibling('Other').collection('c').insertOne({ _id: 1 })
  const error = await rejectsWith(t, 'BAD_QUERY', db.sibling('other').collection('c').insertOne({ _id: 1 }), /different case already have: \[Other\]/)
  t.is(error.code, 13297)
  t.is(error.codeName, 'DatabaseDifferCase')
  await t.throwsAsync(db.transaction((tx) => tx.sibling('OTHER').collection('c').insertOne({ _id: 1 })), { code: 13297 })
  await db.sibling('Other').dropDatabase()
  await db.sibling('other').collection('c').insertOne({ _id: 1 })
  t.deepEqual(await names(db), ['other'])
})

test('messages and descriptions show database and collection, and no NUL', async (t) => {
  const db = await memory(t)
  const b = db.sibling('b')
  const users = b.collection('users')
  await users.insertOne({ _id: 1, email: 'x' })
  await users.createIndex({ email: 1 }, { unique: true })
  const said = []
  const failed = async (call) => {
    const error = await t.throwsAsync(async () => call())
    said.push(error.message, ...(error.writeErrors ?? []).map(({ errmsg }) => errmsg))
    return error
  }
  const twice = await failed(() => users.insertOne({ _id: 1 }))
  t.is(twice.message, 'E11000 duplicate key error collection: b.users index: _id_ dup key: { _id: 1 }')
  t.is((await failed(() => db.collection('users').insertMany([{ _id: 1 }, { _id: 1 }]))).writeErrors[0].errmsg, 'E11000 duplicate key error collection: memory.users index: _id_ dup key: { _id: 1 }')
  t.regex((await failed(() => users.insertOne({ _id: 2, email: 'x' }))).message, /collection: b\.users index: email_1/)
  t.regex((await failed(() => users.findOne({ $no: 1 }))).message, /^b\.users\.findOne: /)
  t.regex((await failed(() => users.find({ $no: 1 }).toArray())).message, /^b\.users\.find\(\)\.toArray: /)
  t.regex((await failed(() => users.aggregate([{ $no: 1 }]).toArray())).message, /^b\.users\.aggregate\(\)\.toArray: /)
  t.regex((await failed(() => users.findOneSync({ $no: 1 }))).message, /^b\.users\.findOneSync: /)
  t.regex((await failed(() => users.set(1, {}, { ifVersion: 9 }))).message, /a document of b\.users was expected/)
  t.regex((await failed(() => b.collection('none').rename('x'))).message, /the collection 'b\.none' does not exist/)
  t.regex((await failed(() => users.rename('users'))).message, /the collection 'b\.users' has this name already/)
  await b.createCollection('there')
  t.regex((await failed(() => users.rename('there'))).message, /there is a collection 'b\.there' already/)
  t.regex((await failed(() => users.dropIndex('none'))).message, /in the collection 'b\.users'/)
  t.regex((await failed(() => users.aggregate([{ $merge: { into: 'there', whenNotMatched: 'fail' } }]).toArray())).message, /no document in there/)
  for (const name of ['a\0b', 'other\0users']) {
    t.is((await failed(() => db.collection(name))).code, 73)
    t.is((await failed(() => b.createCollection(name))).code, 73)
    t.is((await failed(() => b.dropCollection(name))).code, 73)
    t.is((await failed(() => users.rename(name))).code, 73)
    t.is((await failed(() => users.aggregate([{ $lookup: { from: name, localField: 'a', foreignField: 'b', as: 'c' } }]).toArray())).code, 73)
    t.is((await failed(() => db.collection('users').aggregate([{ $unionWith: name }]).toArray())).code, 73)
    t.is((await failed(() => users.aggregate([{ $out: name }]).toArray())).code, 73)
    t.is(typeof (await failed(() => users.aggregate([{ $out: { db: name, coll: 'x' } }]).toArray())).code, 'number')
  }
  for (const message of said) t.false(message.includes('\0') || message.includes('undefined'), message)
  const { queryPlanner } = await users.find({ email: 'x' }).explain()
  t.is(queryPlanner.namespace, 'b.users')
  t.is((await db.collection('users').aggregate([]).explain()).queryPlanner.namespace, 'memory.users')
  t.is((await users.updateOne({}, { $set: { a: 1 } }, { explain: true })).queryPlanner.namespace, 'b.users')
  t.is((await users.stats()).ns, 'b.users')
  const shown = [inspect(users), inspect(users.find({})), inspect(users.aggregate([])), inspect(b), inspect(b.aggregate([{ $documents: [] }]))]
  t.deepEqual(shown.map((text) => /'b[.']/.test(text)), [true, true, true, true, true], shown.join('\n'))
  await b.close()
  t.regex((await failed(() => users.findOne({}))).message, /^b\.users\.findOne: the database 'memory' is closed/)
})

test('dropDatabase drops one database by one commit, in its turn', async (t) => {
  for (const options of [{}, { storage: 'sync', memoryLimit: 1 }]) {
    const db = await onDisk(t, options)
    const [, b, c] = await filled(db)
    const before = (await db.stats()).lastLsn
    t.true(await b.dropDatabase())
    t.is((await db.stats()).lastLsn, before + 1)
    t.true(await b.dropDatabase())
    t.is((await db.stats()).lastLsn, before + 1)
    t.deepEqual(await names(db), ['c', 'db'])
    for (const slow of [() => c.collection('users').updateMany({}, { $set: { v: 1 } }), () => c.collection('users').insertMany(Array.from({ length: 3000 }, () => ({ big: true })))]) {
      await c.collection('users').insertMany(Array.from({ length: 500 }, (_, n) => ({ n })))
      const outcomes = [
        slow(), db.collection('users').aggregate([{ $out: { db: 'c', coll: 'made' } }]).toArray(), c.dropDatabase(), c.collection('new').insertOne({ _id: 1 }), c.collection('users').updateMany({}, { $set: { v: 2 } }),
        db.collection('users').aggregate([{ $limit: 1 }, { $merge: { into: { db: 'c', coll: 'later' } } }]).toArray(), db.collection('other').insertOne({})
      ]
      t.deepEqual((await Promise.all(outcomes))[4].matchedCount, 0)
      t.deepEqual(await collectionsOf(c), ['later', 'new'])
    }
    t.is(await db.collection('users').countDocuments(), 2)
    await db.dropDatabase()
    t.deepEqual(await names(db), ['c'])
  }
  await rejectsWith(t, 'READ_ONLY', async () => {
    const path = directory(t)
    await (await Database.open(path)).close()
    return (await onDisk(t, { readOnly: true }, path)).sibling('b').dropDatabase()
  })
})

test('databases come back after a close, a compaction, a checkpoint, a backup, under another name, and are verified', async (t) => {
  const path = directory(t)
  let db = await Database.open(path)
  await filled(db)
  await db.sibling('b').collection('users').createIndex({ n: 1 })
  const check = async (again, name) => {
    t.deepEqual(await names(again), ['b', 'c', name].sort())
    t.deepEqual(await again.sibling('b').collection('users').find().hint('n_1').toArray(), [{ _id: 1, from: 'b' }, { _id: 2, n: 1 }])
    t.deepEqual(await again.sibling('c').collection('users').get(2), { _id: 2, n: 2 })
    t.is(await again.collection('users').countDocuments(), 2)
    await again.close()
  }
  await db.close()
  db = await Database.open(path)
  await db.compact()
  await db.close()
  db = await Database.open(path)
  const copy = join(dirname(path), 'b')
  await db.backup(copy)
  await db.close()
  t.true((await Database.verify(path)).ok)
  await check(await Database.open(path, { memoryLimit: 1 }), 'db')
  await check(await Database.open(path, { readOnly: true, check: 'full' }), 'db')
  // The copy has the name of a database in it.
  t.true((await Database.verify(copy)).ok)
  await check(await Database.open(copy), 'b_default')
  const moved = join(dirname(path), 'moved')
  renameSync(path, moved)
  await check(await Database.open(moved), 'moved')
})

test('what was committed to several databases is there after a kill', (t) => {
  const path = directory(t)
  const body = `
    const { Database } = require(${JSON.stringify(index)})
    Database.open(${JSON.stringify(path)}).then(async (db) => {
      const b = db.sibling('b'), c = db.sibling('c')
      await c.collection('x').insertOne({ _id: 1 })
      await db.transaction(async (tx) => {
        await tx.collection('users').insertOne({ _id: 1 })
        await tx.sibling('b').collection('users').insertOne({ _id: 1 })
      })
      await c.dropDatabase()
      process.kill(process.pid, 'SIGKILL')
    })`
  t.throws(() => execFileSync(process.execPath, ['-e', body], { stdio: 'ignore' }), { message: /failed/ })
  return onDisk(t, {}, path).then(async (db) => {
    t.deepEqual(await names(db), ['b', 'db'])
    t.is(await db.sibling('b').collection('users').countDocuments(), 1)
    t.is(await db.collection('users').countDocuments(), 1)
  })
})

test('closing a handle closes all of them, and a handle keeps the others open', async (t) => {
  const path = directory(t)
  const users = (await Database.open(path)).sibling('b').collection('users')
  await users.insertOne({ _id: 1 })
  // The default database is not referred to any more.
  globalThis.gc?.()
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.deepEqual(await users.get(1), { _id: 1 })
  const db = users.db.sibling('db')
  await users.db.close()
  for (const closed of [db, db.sibling('c')]) await rejectsWith(t, 'CLOSED', closed.listDatabases())
  await users.db.close()
  const again = await onDisk(t, {}, path)
  t.deepEqual(await again.sibling('b').collection('users').get(1), { _id: 1 })
})

test('transactions, sessions and synchronous writes span databases', async (t) => {
  const db = await onDisk(t)
  const [, b, c] = await filled(db)
  await db.transaction(async (tx) => {
    await usersOf(tx).updateOne({ _id: 1 }, { $set: { t: 1 } })
    const there = tx.sibling('b')
    const mark = await tx.savepoint()
    await usersOf(there).deleteOne({ _id: 1 })
    await there.rollbackTo(mark)
    await usersOf(there).updateOne({ _id: 1 }, { $set: { t: 1 } })
    t.is(tx.sibling('db').collection('users').namespace, 'db.users')
    t.is(await usersOf(there).countDocuments({ t: 1 }), 1)
    t.is(await usersOf(b).countDocuments({ t: 1 }), 0, 'outside nothing is seen')
    await there.createCollection('made')
    await t.throwsAsync(there.collection('made').drop(), { code: 263 })
  })
  t.deepEqual(await Promise.all([db, b].map((one) => usersOf(one).countDocuments({ t: 1 }))), [1, 1])
  t.true((await collectionsOf(b)).includes('made'))
  const lost = new Error('mine')
  await t.throwsAsync(b.transaction(async (tx) => {
    await usersOf(tx).deleteMany({})
    await usersOf(tx.sibling('c')).deleteMany({})
    throw lost
  }), { is: lost })
  t.deepEqual(await Promise.all([b, c].map((one) => usersOf(one).countDocuments())), [2, 2])
  await using(b.startSession(), async (session) => {
    await session.withTransaction(async () => {
      await usersOf(c).insertOne({ _id: 'session' }, { session })
      await usersOf(db).insertOne({ _id: 'session' }, { session })
      t.is(await usersOf(c).countDocuments({}), 2)
    })
    await t.throwsAsync(b.dropDatabase({ session: started(session) }), { code: 263 })
    await t.throwsAsync(b.listDatabases({ session }), { code: 263 })
  })
  t.deepEqual(await Promise.all([db, c].map((one) => usersOf(one).countDocuments({ _id: 'session' }))), [1, 1])
  c.transactionSync((tx) => {
    usersOf(tx).insertOneSync({ _id: 'sync' })
    usersOf(tx.sibling('b')).insertOneSync({ _id: 'sync' })
  })
  usersOf(c).updateOneSync({ _id: 'sync' }, { $set: { n: 1 } })
  t.deepEqual([usersOf(b), usersOf(c)].map((one) => one.getSync('sync')), [{ _id: 'sync' }, { _id: 'sync', n: 1 }])
  let tx
  await db.transaction(async (own) => void (tx = own))
  await t.throwsAsync(tx.sibling('b').collection('users').findOne({ _id: 1, n: 1 }), { code: 251 })
})

async function using(session, run) {
  await run(session)
  await session.endSession()
}

function started(session) {
  session.startTransaction()
  return session
}

test('stages name collections of the database of the pipeline, and $out and $merge any database', async (t) => {
  const db = await memory(t)
  const [, b, c] = await filled(db)
  await b.collection('orders').insertOne({ _id: 'p', user: 1 })
  await db.collection('orders').insertOne({ _id: 'wrong', user: 1 })
  const looked = await b.collection('users').aggregate([
    { $match: { _id: 1 } }, { $lookup: { from: 'orders', localField: '_id', foreignField: 'user', as: 'orders' } }, { $unionWith: 'orders' }
  ]).toArray()
  t.deepEqual(looked, [{ _id: 1, from: 'b', orders: [{ _id: 'p', user: 1 }] }, { _id: 'o' }, { _id: 'p', user: 1 }])
  await b.collection('users').aggregate([{ $out: 'copy' }]).toArray()
  await b.collection('users').aggregate([{ $merge: 'merged' }]).toArray()
  await b.collection('users').aggregate([{ $out: { db: 'd', coll: 'copy' } }]).toArray()
  await b.collection('users').aggregate([{ $merge: { into: { db: 'memory', coll: 'users' }, whenMatched: 'replace' } }]).toArray()
  await db.collection('users').aggregate([{ $match: { _id: 1 } }, { $out: { db: 'memory', coll: 'own' } }]).toArray()
  await c.collection('users').aggregate().out({ db: 'e', coll: 'copy' }).toArray()
  t.deepEqual(await collectionsOf(b), ['copy', 'merged', 'orders', 'users'])
  t.deepEqual(await collectionsOf(db), ['orders', 'own', 'users'])
  t.deepEqual(await db.collection('users').find().toArray(), [{ _id: 1, from: 'b' }, { _id: 2, n: 1 }])
  t.deepEqual(await names(db), ['b', 'c', 'd', 'e', 'memory'])
  t.is(await db.sibling('d').collection('copy').countDocuments(), 2)
  for (const [target, code] of [[{ db: 'a.b', coll: 'x' }, 73], [{ db: 'MEMORY', coll: 'x' }, 13297], [{ db: 'D', coll: 'x' }, 13297]]) {
    await t.throwsAsync(db.collection('users').aggregate([{ $out: target }]).toArray(), { code }, target.db)
    await t.throwsAsync(db.collection('users').aggregate([{ $merge: { into: target } }]).toArray(), { code }, target.db)
  }
  await rejectsWith(t, 'NOT_SUPPORTED', db.collection('users').aggregate([{ $lookup: { from: { db: 'b', coll: 'orders' }, pipeline: [], as: 'x' } }]).toArray())
  t.deepEqual(await b.aggregate([{ $documents: [{ _id: 9 }] }, { $lookup: { from: 'orders', pipeline: [], as: 'o' } }]).toArray(), [{ _id: 9, o: [{ _id: 'o' }, { _id: 'p', user: 1 }] }])
})

test('a rename stays within its database', async (t) => {
  const db = await memory(t)
  const [, b] = await filled(db)
  const renamed = await b.renameCollection('users', 'people')
  t.is(renamed.namespace, 'b.people')
  t.is((await b.collection('orders').rename('people', { dropTarget: true })).namespace, 'b.people')
  t.deepEqual(await collectionsOf(b), ['people'])
  t.deepEqual(await collectionsOf(db), ['users'])
})

test('lists of databases have sizes and take filters', async (t) => {
  const db = await memory(t)
  await filled(db)
  await db.sibling('c').collection('users').insertOne({ _id: 'large', text: 'x'.repeat(100_000) })
  const all = await db.listDatabases()
  t.deepEqual(all.databases.map(({ name, empty }) => [name, empty]), [['b', false], ['c', false], ['memory', false]])
  t.true(all.databases[1].sizeOnDisk > 100_000 && all.databases[0].sizeOnDisk < 1000)
  t.is(all.totalSize, all.databases.reduce((sum, { sizeOnDisk }) => sum + sizeOnDisk, 0))
  t.deepEqual([all.totalSizeMb, all.ok], [0, 1])
  t.deepEqual(await db.listDatabases({ filter: { name: /^b|c/ }, nameOnly: true }), { databases: [{ name: 'b' }, { name: 'c' }], ok: 1 })
  t.deepEqual((await db.listDatabases({ filter: { sizeOnDisk: { $gt: 50_000 } }, authorizedDatabases: true })).databases.map(({ name }) => name), ['c'])
  await rejectsWith(t, 'BAD_QUERY', db.listDatabases({ filter: { $no: 1 } }))
  await rejectsType(t, () => db.listDatabases({ filter: 1 }), /filter must be an object/)
  await rejectsType(t, () => db.listDatabases({ nameonly: true }), /nameOnly/)
})

test('statistics count the database, and tell of all', async (t) => {
  const db = await onDisk(t, { autoIndex: 'suggest' })
  const [, b] = await filled(db)
  await b.collection('users').createIndex({ n: 1 })
  await b.collection('many').insertMany(Array.from({ length: 2000 }, (_, n) => ({ n })))
  for (let n = 0; n < 4; n++) await b.collection('many').findOne({ n })
  for (let n = 0; n < 4; n++) await b.collection('many').find({ n: 1999 }).toArray()
  const [own, other] = [await db.stats(), await b.stats()]
  t.deepEqual([own.collections, own.documents, own.indexes, own.suggestedIndexes], [1, 2, 0, []])
  t.deepEqual([other.collections, other.documents, other.indexes], [3, 2003, 1])
  t.like(other.suggestedIndexes, { 0: { collection: 'many', name: 'n_1' } })
  const counts = [{ name: 'b', collections: 3, documents: 2003 }, { name: 'c', collections: 1, documents: 2 }, { name: 'db', collections: 1, documents: 2 }]
  t.deepEqual(own.databases, counts)
  t.deepEqual(other.databases, counts)
  t.deepEqual([own.lastLsn, own.bytesOnDisk], [other.lastLsn, other.bytesOnDisk])
  t.deepEqual(await db.sibling('none').stats().then(({ collections, documents }) => [collections, documents]), [0, 0])
})

test('automatic indexes are made in siblings', async (t) => {
  const b = (await memory(t, { autoIndex: 'on' })).sibling('b')
  const many = b.collection('many')
  await many.insertMany(Array.from({ length: 2000 }, (_, n) => ({ n })))
  for (let round = 0; round < 200 && !(await many.indexExists('n_1')); round++) {
    await many.find({ n: 7 }).toArray()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.true(await many.indexExists('n_1'))
})

test('lines of JSON are of one database, or of all, and go to the database that they name', async (t) => {
  const db = await memory(t)
  const [, b] = await filled(db)
  t.deepEqual(await exported(b, { collections: ['orders'] }), ['{"collection":"orders","document":{"_id":"o"}}'])
  t.is((await exported(db)).length, 2)
  const lines = await exported(b, { allDatabases: true })
  t.deepEqual(lines.map((line) => JSON.parse(line)).map(({ database, collection }) => [database, collection].join()), ['b,orders', 'b,users', 'b,users', 'c,users', 'c,users', ',users', ',users'])
  t.deepEqual(await exported(db, { allDatabases: true, collections: ['orders'] }), ['{"database":"b","collection":"orders","document":{"_id":"o"}}'])
  await rejectsType(t, () => exported(db, { allDatabases: 1 }), /allDatabases must be a boolean/)
  const other = await onDisk(t)
  t.like(await other.importJSONL([lines.join('\n')]), { imported: 7 })
  t.deepEqual(await names(other), ['b', 'c', 'db'])
  t.deepEqual((await exported(other, { allDatabases: true })).sort(), lines.sort())
  const x = other.sibling('x')
  t.like(await x.importJSONL([lines.join('\n')], { ifExists: 'replace' }), { imported: 7 })
  t.deepEqual(await collectionsOf(x), ['users'])
  await x.importJSONL(['{"_id":1}'], { collection: 'single' })
  t.deepEqual(await collectionsOf(x), ['single', 'users'])
  await x.importJSONL(['{"database":"db","collection":"back","document":{"_id":1}}'])
  t.deepEqual(await collectionsOf(other), ['back', 'users'])
  for (const [database, code] of [['a.b', 73], ['', 73], ['a\\u0000b', 73], ['B', 13297], ['DB', 13297]]) {
    const error = await t.throwsAsync(x.importJSONL([`{"database":"${database}","collection":"c","document":{"_id":1}}`]))
    t.is(error.code, code, database)
    t.is(error.line, 1)
  }
})

test('worker threads share the databases of a directory', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  await db.sibling('b').collection('users').insertOne({ _id: 'main' })
  const worker = new Worker(`
    const { workerData, parentPort } = require('node:worker_threads')
    const { Database } = require(workerData.index)
    Database.open(workerData.path).then(async (db) => {
      const b = db.sibling('b')
      const seen = await b.collection('users').findOne({})
      await b.collection('users').insertOne({ _id: 'worker' })
      await db.sibling('w').collection('users').insertOne({ _id: 'worker' })
      parentPort.postMessage([db.databaseName, seen])
      await b.close()
    })`, { eval: true, workerData: { path, index } })
  const exited = once(worker, 'exit')
  const [message] = await once(worker, 'message')
  t.deepEqual(message, ['db', { _id: 'main' }])
  await exited
  t.deepEqual((await db.sibling('b').collection('users').find().toArray()).map(({ _id }) => _id), ['main', 'worker'])
  t.deepEqual(await names(db), ['b', 'w'])
})

test('a database under a memory limit reads documents of its siblings from disk', async (t) => {
  const path = directory(t)
  const before = await Database.open(path)
  for (const name of ['b', 'c']) await before.sibling(name).collection('x').insertMany(Array.from({ length: 500 }, (_, i) => ({ _id: i, name, pad: 'x'.repeat(200) })))
  await before.compact()
  await before.close()
  const db = await onDisk(t, { memoryLimit: 1 }, path)
  for (const name of ['b', 'c']) {
    const x = db.sibling(name).collection('x')
    t.is(await x.countDocuments({ name }), 500)
    await x.updateMany({ _id: { $lt: 100 } }, { $set: { n: 1 } })
    t.is(await x.countDocuments({ n: 1 }), 100)
    t.deepEqual((await x.get(400)).name, name)
  }
})

async function told(stream, count) {
  const events = []
  while (events.length < count) events.push(await stream.next())
  await stream.close()
  return events.map(({ operationType, ns }) => [operationType, ns?.db, ns?.coll])
}

test('a change stream of a database tells what changes in it, and one of all databases tells everything', async (t) => {
  const db = await memory(t)
  const b = db.sibling('b')
  const [own, all] = [b.watch(), db.watch([], { allDatabases: true })]
  await usersOf(db).insertOne({ _id: 1 })
  await usersOf(b).insertOne({ _id: 2 })
  await b.dropDatabase()
  const ofB = [['insert', 'b', 'users'], ['drop', 'b', 'users'], ['dropDatabase', 'b', undefined]]
  t.deepEqual(await told(own, 3), ofB)
  t.deepEqual(await told(all, 4), [['insert', 'memory', 'users'], ...ofB])
})

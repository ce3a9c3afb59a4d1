import { mkdirSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'

import test from 'ava'

import { collection, Database, directory, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

test('documents are there again after close and open', async (t) => {
  const path = directory(t)
  const first = await Database.open(path)
  await first.collection('users').insertOne({ _id: 'u1', name: 'Ada' })
  await first.close()
  const second = await onDisk(t, {}, path)
  t.deepEqual(await second.collection('users').get('u1'), { _id: 'u1', name: 'Ada' })
})

test('path, storage and recovery tell how the database was opened', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, { storage: 'sync' }, path)
  t.is(db.path, path)
  t.is(db.storage, 'sync')
  t.is(typeof db.recovery, 'object')
  const inMemory = await memory(t)
  t.is(inMemory.path, ':memory:')
  t.is(inMemory.storage, 'memory')
})

test('two databases in memory share nothing', async (t) => {
  const [a, b] = [await memory(t), await memory(t)]
  await a.collection('users').insertOne({ _id: 1 })
  t.is(await b.collection('users').countDocuments(), 0)
})

test('wrong arguments are TypeErrors that name the argument', async (t) => {
  await rejectsType(t, () => Database.open(), /Database\.open: path must be .*, not undefined/)
  await rejectsType(t, () => Database.open(''), /path must be/)
  for (const address of ['mongodb://user:secret@localhost:27017/shop', 'MongoDB+srv://cluster/']) {
    const error = await rejectsType(t, () => Database.open(address), /Database\.open: path is the address of a MongoDB server, but this database is embedded .* give the path of a directory/)
    t.false(error.message.includes('secret'))
  }
  for (const address of ['https://user:secret@example.org/data', 'redis://:secret@localhost', new URL('https://user:secret@example.org')]) {
    const error = await rejectsType(t, () => Database.open(address), /Database\.open: path is a URL that names no directory; give the path of a directory, as in '\.\/data'/)
    t.false(error.message.includes('secret'))
  }
  await rejectsType(t, () => Database.open('x', 5), /options must be an object, not 5/)
  await rejectsType(t, () => Database.open('x', { storage: 'disk' }), /option storage must be .*"disk"/)
  await rejectsType(t, () => Database.open('x', { flushInterval: 0 }), /option flushInterval must be 1 to 60000 milliseconds, not 0/)
  await rejectsType(t, () => Database.open('x', { readOnly: 1 }), /option readOnly must be a boolean/)
  await rejectsType(t, () => Database.open('x', { recovery: 'no' }), /option recovery/)
  await rejectsType(t, () => Database.open('x', { ObjectId: {} }), /option ObjectId/)
  await rejectsType(t, () => Database.open('x', { pkFactory: {} }), /option pkFactory/)
  await rejectsType(t, () => Database.open('x', { flushIntervall: 5 }), /there is no option "flushIntervall"/)
  await rejectsType(t, () => Database.open(':memory:', { storage: 'sync' }), /storage cannot be 'sync' for ':memory:'/)
  await rejectsType(t, () => Database.open('x', { signal: {} }), /option signal must be an AbortSignal/)
})

test('a file: URL names a directory, as a URL and as text', async (t) => {
  const path = directory(t)
  const url = pathToFileURL(path)
  const db = await Database.open(url)
  t.is(db.path, path)
  await db.collection('users').insertOne({ _id: 1 })
  await db.backup(pathToFileURL(`${path}-copy`))
  await db.close()
  const again = await onDisk(t, {}, url.href)
  t.deepEqual(await again.collection('users').get(1), { _id: 1 })
  t.true((await Database.verify(pathToFileURL(`${path}-copy`))).ok)
})

test('a second opening in the process joins the first; what it is given must be the same', async (t) => {
  const path = directory(t)
  const first = await Database.open(path, { storage: 'sync' })
  const second = await onDisk(t, undefined, path)
  t.is(second.storage, 'sync')
  await rejectsWith(t, 'LOCKED', () => Database.open(path, { storage: 'async' }), /is open in this process with storage 'sync'/)
  await second.close()
  await first.close()
  const reader = await onDisk(t, { readOnly: true }, path)
  const other = await onDisk(t, {}, path)
  await rejectsWith(t, 'READ_ONLY', () => other.collection('users').insertOne({}))
  await rejectsWith(t, 'LOCKED', () => Database.open(path, { readOnly: false }), /is open in this process with readOnly/)
  t.is(reader.storage, other.storage)
})

test('an option of a later version is refused, not ignored', async (t) => {
  await rejectsWith(t, 'NOT_SUPPORTED', () => Database.open('x', { encryptedFields: {} }), /encryptedFields/)
})

test('createIfMissing and errorIfExists are kept', async (t) => {
  const path = directory(t)
  await t.throwsAsync(Database.open(path, { createIfMissing: false }))
  const db = await Database.open(path, { errorIfExists: true })
  await db.close()
  await t.throwsAsync(Database.open(path, { errorIfExists: true }))
})

test('a path that is a file is refused', async (t) => {
  const path = directory(t)
  mkdirSync(path)
  writeFileSync(`${path}/file`, 'no database')
  await t.throwsAsync(Database.open(`${path}/file`))
})

test('a read-only database refuses writes', async (t) => {
  const path = directory(t)
  const writer = await Database.open(path)
  await writer.collection('users').insertOne({ _id: 'u1' })
  await writer.close()
  const db = await onDisk(t, { readOnly: true }, path)
  const users = db.collection('users')
  t.deepEqual(await users.findOne({ _id: 'u1' }), { _id: 'u1' })
  await rejectsWith(t, 'READ_ONLY', () => users.insertOne({ _id: 'u2' }), /users\.insertOne/)
})

test('close waits for writes under way', async (t) => {
  const path = directory(t)
  const db = await Database.open(path)
  const writes = Array.from({ length: 200 }, (_, i) => db.collection('users').insertOne({ _id: i }))
  await db.close()
  await Promise.all(writes)
  const again = await onDisk(t, {}, path)
  t.is(await again.collection('users').countDocuments(), 200)
})

test('a second close resolves', async (t) => {
  const db = await Database.open(':memory:')
  await Promise.all([db.close(), db.close()])
  await db.close()
  t.pass()
})

test('await using closes', async (t) => {
  const db = await Database.open(':memory:')
  await db[Symbol.asyncDispose]()
  await rejectsWith(t, 'CLOSED', db.collection('users').insertOne({}))
})

test('an aborted open rejects with the reason of the signal', async (t) => {
  const reason = new Error('no longer needed')
  const error = await t.throwsAsync(Database.open(directory(t), { signal: AbortSignal.abort(reason) }))
  t.is(error, reason)
})

test('flush and stats resolve', async (t) => {
  const db = await onDisk(t)
  await db.collection('users').insertOne({ _id: 1 })
  await db.flush()
  t.is(typeof (await db.stats()), 'object')
})

test('collections are listed and dropped', async (t) => {
  const db = await memory(t)
  await db.collection('a').insertMany([{}, {}])
  await db.collection('b').insertOne({})
  const listed = await db.listCollections().toArray()
  t.deepEqual(listed.map(({ name, count }) => [name, count]).sort(), [['a', 2], ['b', 1]])
  t.is((await db.listCollections().toArray()).length, 2)
  t.true(await db.dropCollection('a'))
  t.false(await db.dropCollection('a'))
  t.true(await db.collection('b').drop())
  t.deepEqual(await db.listCollections().toArray(), [])
  t.is(await db.collection('a').countDocuments(), 0)
})

test('a name that cannot be is refused', async (t) => {
  const db = await memory(t)
  for (const name of ['', 'a$b', '.a', 'a.', 'a..b', 'a/b', 'a\\b', 'a\0b', 'x'.repeat(121), '\u00e9'.repeat(61)]) {
    await rejectsWith(t, 'BAD_QUERY', async () => db.collection(name), /collection name/)
  }
  await rejectsType(t, () => db.collection(5), /name must be a string, not 5/)
  t.is(db.collection('x'.repeat(120)).collectionName.length, 120)
  t.is(db.collection('a.b').namespace, 'memory.a.b')
})

function storageUnder(mode) {
  const program = `
    const { Database } = require('./index.js')
    const { tmpdir } = require('node:os')
    const { mkdtempSync, rmSync } = require('node:fs')
    const path = mkdtempSync(tmpdir() + '/moltendb-')
    const open = () => Database.open(path + '/db')
    open().then((db) => db.close()).then(open).then(async (db) => {
      console.log(db.storage)
      await db.close()
      rmSync(path, { recursive: true })
    })`
  const result = spawnSync(process.execPath, ['-e', program], { env: { ...process.env, WRITE_MODE: mode }, encoding: 'utf8' })
  return { storage: result.stdout.trim(), warnings: result.stderr.split('WRITE_MODE').length - 1 }
}

test('WRITE_MODE sets the default, and anything else is ignored with one warning', (t) => {
  t.deepEqual(storageUnder('sync'), { storage: 'sync', warnings: 0 })
  t.deepEqual(storageUnder('async'), { storage: 'async', warnings: 0 })
  t.deepEqual(storageUnder('fast'), { storage: 'async', warnings: 1 })
})

test('a handle made before the first write sees it', async (t) => {
  const users = await collection(t)
  t.is(await users.findOne({}), null)
  await users.insertOne({ _id: 1 })
  t.deepEqual(await users.findOne({}), { _id: 1 })
})

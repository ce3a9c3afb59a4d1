// What the channels of node:diagnostics_channel tell of operations, and the log of slow ones.

import { AsyncLocalStorage } from 'node:async_hooks'
import { execFile } from 'node:child_process'
import { channel, subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { promisify } from 'node:util'

import test from 'ava'

import { Database, directory, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

const command = tracingChannel('moltendb:command')
const PHASES = ['start', 'end', 'asyncStart', 'asyncEnd', 'error']

/** The contexts of a database's operations, with the phases of each, while `work` runs. */
async function watched(database, work) {
  const all = new Map()
  const handlers = Object.fromEntries(
    PHASES.map((phase) => [phase, (context) => {
      if (context.database !== database) return
      if (!all.has(context)) all.set(context, [])
      all.get(context).push(phase)
    }])
  )
  command.subscribe(handlers)
  try {
    await work()
  } finally {
    command.unsubscribe(handlers)
  }
  return [...all].map(([context, phases]) => ({ ...context, phases: phases.join(' ') }))
}

/** A database with a name of its own: other tests of this file run at the same time. */
async function named(t, name, options) {
  return (await memory(t, options)).sibling(name)
}

test('every operation is told once, with what it was and how it went', async (t) => {
  const db = await named(t, 'told')
  const users = db.collection('users')
  const told = await watched('told', async () => {
    await users.insertMany([{ _id: 1, n: 1 }, { _id: 2, n: 2 }, { _id: 3, n: 3 }])
    await users.insertOne({ _id: 4 })
    await users.find({ n: { $gt: 1 } }).toArray()
    await users.findOne({ n: 1 })
    await users.get(1)
    await users.getMany([1, 99])
    await users.has(1)
    await users.countDocuments({ n: 1 })
    await users.updateMany({}, { $set: { m: 1 } })
    await users.deleteOne({ _id: 4 })
    await users.set(7, { n: 7 })
    await users.delete(7)
    await users.bulkWrite([{ insertOne: { document: { _id: 8 } } }, { deleteOne: { filter: { _id: 8 } } }])
    await users.findOneAndUpdate({ _id: 1 }, { $set: { z: 1 } })
    await users.distinct('n')
    await users.aggregate([{ $match: { n: 1 } }]).toArray()
    await users.createIndex({ n: 1 })
    await db.listCollections().toArray()
  })
  t.deepEqual(told.map(({ operation, documents }) => [operation, documents]), [
    ['insert', 3], ['insert', 1], ['find', 2], ['find', 1], ['get', 1], ['getMany', 1], ['has', undefined], ['count', undefined], ['update', 4], ['delete', 1],
    ['set', 1], ['delete', 1], ['bulkWrite', 2], ['findAndModify', 1], ['distinct', undefined], ['aggregate', 1], ['createIndexes', undefined],
    ['listCollections', undefined]
  ])
  for (const { phases, durationMs, sync, error } of told) {
    t.is(phases, 'start end asyncStart asyncEnd')
    t.true(durationMs >= 0)
    t.false(sync)
    t.is(error, undefined)
  }
  const [first] = told
  t.like(first, { method: 'told.users.insertMany', namespace: 'told.users', database: 'told', collection: 'users', signal: undefined })
  t.like(told.at(-1), { namespace: 'told', collection: undefined })
})

test('a command is told, and so are openings and what static methods do with a directory', async (t) => {
  const db = await named(t, 'commands')
  const told = await watched('commands', async () => {
    await db.command({ ping: 1 })
    await rejectsWith(t, 'NOT_SUPPORTED', () => db.command({ nope: 1 }))
    await db.command({ create: 'made' })
  })
  t.deepEqual(told.map(({ operation, method, phases, error }) => [operation, method, phases.includes('error'), error?.code]), [
    ['command', 'Database.command', false, undefined], ['command', 'Database.command', true, 59],
    ['command', 'Database.command', false, undefined], ['create', 'Database.createCollection', false, undefined]
  ])
  const path = join(directory(t), 'watched-files')
  const statics = await watched('watched-files', async () => {
    const own = await Database.open(path, { encryptionKey: Buffer.alloc(32, 1) })
    await own.close()
    await Database.verify(path, { encryptionKey: Buffer.alloc(32, 1) })
    await Database.rekey(path, Buffer.alloc(32, 1), Buffer.alloc(32, 2))
    await rejectsWith(t, 'WRONG_KEY', () => Database.verify(path, { encryptionKey: Buffer.alloc(32, 1) }))
  })
  t.deepEqual(statics.map(({ operation, method, error }) => [operation, method, error?.kind]), [
    ['open', 'Database.open', undefined], ['close', 'Database.close', undefined], ['verify', 'Database.verify', undefined], ['rekey', 'Database.rekey', undefined], ['verify', 'Database.verify', 'WRONG_KEY']
  ].filter(([operation]) => operation !== 'close' || statics.some((one) => one.operation === 'close')))
})

test('no content of documents, filters or updates is told', async (t) => {
  const db = await named(t, 'content')
  const users = db.collection('users')
  const told = await watched('content', async () => {
    await users.insertOne({ _id: 'SECRET1', name: 'SECRET2' })
    await users.find({ name: 'SECRET2' }).toArray()
    await users.updateOne({ name: 'SECRET2' }, { $set: { name: 'SECRET3' } })
  })
  t.is(told.length, 3)
  t.notRegex(JSON.stringify(told), /SECRET/)
})

test('a failure is told with its error, and rejects as it does unwatched', async (t) => {
  const db = await named(t, 'failing')
  const users = db.collection('users')
  await users.insertOne({ _id: 1 })
  const controller = new AbortController()
  const told = await watched('failing', async () => {
    await t.throwsAsync(users.insertOne({ _id: 1 }), { message: /E11000/ })
    await t.throwsAsync(users.find({ $nope: 1 }).toArray())
    const waiting = users.find({ $where: 1 }, { signal: controller.signal }).toArray()
    await t.throwsAsync(waiting)
    t.throws(() => users.insertOneSync({ _id: 1 }), { message: /E11000/ })
  })
  t.deepEqual(told.map(({ phases }) => phases), [...Array(3).fill('start end error asyncStart asyncEnd'), 'start error end'])
  t.is(told[0].error.code, 11000)
  t.is(told[2].signal, controller.signal)
})

test('the stack of a failure still leads to the call', async (t) => {
  const db = await named(t, 'stack')
  async function callsIt() {
    await db.collection('users').updateOne({}, { $nope: 1 })
  }
  await watched('stack', async () => {
    const error = await t.throwsAsync(callsIt())
    t.regex(error.stack, /callsIt/)
  })
})

test('a cursor is a find and its getMores; synchronous methods are told within the call', async (t) => {
  const db = await named(t, 'cursors')
  const users = db.collection('users')
  await users.insertMany(Array.from({ length: 7 }, (_, _id) => ({ _id })))
  const told = await watched('cursors', async () => {
    for await (const one of users.find().batchSize(3)) void one
    const cursor = users.find().batchSize(2)
    await cursor.next()
    await cursor.close()
    users.getSync(1)
    users.findSync({ _id: { $gt: 4 } })
    users.countSync()
    users.insertOneSync({})
    users.hasSync(1)
  })
  t.deepEqual(told.map(({ operation, documents, sync }) => [operation, documents, sync]), [
    ['find', 3, false], ['getMore', 3, false], ['getMore', 1, false], ['find', 2, false], ['killCursors', undefined, false],
    ['get', 1, true], ['find', 2, true], ['count', undefined, true], ['insert', 1, true], ['has', undefined, true]
  ])
  t.true(told.filter(({ sync }) => sync).every(({ phases }) => phases === 'start end'))
})

test('the store of a subscriber holds within the operation', async (t) => {
  const db = await named(t, 'stores')
  const spans = new AsyncLocalStorage()
  command.start.bindStore(spans, (context) => context.operation)
  let within
  const handler = (context) => {
    if (context.database === 'stores') within = spans.getStore()
  }
  command.subscribe({ end: handler })
  try {
    await db.collection('a').insertOne({})
  } finally {
    command.start.unbindStore(spans)
    command.unsubscribe({ end: handler })
  }
  t.is(within, 'insert')
  t.is(spans.getStore(), undefined)
})

test('transactions, and what a database does as a whole, are told; waiting for changes is not', async (t) => {
  const db = await memory(t)
  const users = db.collection('users')
  const told = await watched('memory', async () => {
    await db.transaction(async (tx) => {
      await tx.collection('users').insertOne({ _id: 1 })
    })
    const stream = users.watch()
    const next = stream.next()
    await users.insertOne({ _id: 2 })
    await next
    await stream.close()
    await db.compact()
    await db.stats()
    const snapshot = await db.snapshot()
    await db.restore(snapshot)
    await (await db.fork()).close()
  })
  const operations = told.map(({ operation }) => operation)
  for (const operation of ['startTransaction', 'insert', 'commitTransaction', 'watch', 'compact', 'stats', 'snapshot', 'restore', 'fork']) t.true(operations.includes(operation), operation)
  t.false(operations.includes('changes'))
})

test('a slow operation is told on a channel of its own, with its plan', async (t) => {
  const db = await named(t, 'slow', { slowMs: 0 })
  const users = db.collection('users')
  await users.createIndex({ n: 1 })
  await users.insertMany(Array.from({ length: 50 }, (_, _id) => ({ _id, n: _id })))
  const told = []
  const handler = (operation) => {
    if (operation.database === 'slow') told.push(operation)
  }
  subscribe('moltendb:slow', handler)
  await users.find({ n: 5 }).toArray()
  await users.find({ other: 5 }).toArray()
  await users.countDocuments({ n: { $gt: 3 } })
  await users.insertOne({ name: 'SECRET' })
  users.getSync(1)
  await t.throwsAsync(users.find({ $nope: 1 }).toArray())
  while (told.length < 6) await new Promise((resolve) => setImmediate(resolve))
  unsubscribe('moltendb:slow', handler)
  const of = (operation, n = 0) => told.filter((one) => one.operation === operation)[n]
  t.like(of('find'), { documents: 1, planSummary: 'IXSCAN { n: 1 }', namespace: 'slow.users' })
  t.like(of('find', 1), { documents: 0, planSummary: 'COLLSCAN' })
  t.is(of('count').planSummary, 'COUNT_SCAN { n: 1 }')
  t.is(of('insert').planSummary, undefined)
  t.true(of('get').sync)
  t.truthy(told.find(({ error }) => error))
  t.true(told.every(({ durationMs }) => durationMs >= 0))
  t.notRegex(JSON.stringify(told), /SECRET/)
  t.false(channel('moltendb:slow').hasSubscribers)
})

test('below the threshold nothing is told, and without one nothing is measured', async (t) => {
  const told = []
  const handler = (operation) => told.push(operation.database)
  subscribe('moltendb:slow', handler)
  for (const [name, slowMs] of [['quick', 60_000], ['off', false], ['unset', undefined]]) {
    const db = await named(t, name, { slowMs })
    await db.collection('users').find().toArray()
  }
  unsubscribe('moltendb:slow', handler)
  t.deepEqual(told.filter((name) => ['quick', 'off', 'unset'].includes(name)), [])
  for (const slowMs of [-1, NaN, '5', true, Infinity]) await rejectsType(t, () => memory(t, { slowMs }), /option slowMs must be/)
})

const run = promisify(execFile)
const SCRIPT = `
import { Database } from ${JSON.stringify(new URL('../index.mjs', import.meta.url).href)}
const db = await Database.open(':memory:', { slowMs: 0 })
await db.collection('users').insertOne({ name: 'SECRET' })
await db.collection('users').find({ name: 'SECRET' }).toArray()
await db.compact()
await db.close()
`
const script = (env) => run(process.execPath, ['--input-type=module', '-e', SCRIPT], { env: { ...process.env, ...env } })

test('the log goes where MOLTENDB_LOG says, and nowhere without it', async (t) => {
  const silent = await script({ MOLTENDB_LOG: '' })
  t.deepEqual([silent.stdout, silent.stderr], ['', ''])
  const { stdout, stderr } = await script({ MOLTENDB_LOG: 'stderr' })
  t.is(stdout, '')
  t.regex(stderr, /^\d{4}-\d\d-\d\dT[\d:.]+Z WARN {2}a slow operation operation="users\.insertOne" namespace="memory\.users" duration_ms=[\d.e-]+ documents=1$/m)
  t.regex(stderr, /Z INFO {2}packed documents=1 /)
  t.notRegex(stderr, /SECRET/)
  const path = directory(t) + '.log'
  await script({ MOLTENDB_LOG: path, MOLTENDB_LOG_LEVEL: 'warn' })
  await script({ MOLTENDB_LOG: path, MOLTENDB_LOG_LEVEL: 'warn' })
  const lines = readFileSync(path, 'utf8').trim().split('\n')
  t.true(lines.length >= 4)
  t.true(lines.every((line) => line.includes(' WARN  ')))
  if (process.platform !== 'win32') t.is(statSync(path).mode & 0o777, 0o600)
  const loud = await script({ MOLTENDB_LOG: '/nowhere/at/all', MOLTENDB_LOG_LEVEL: 'loud' })
  t.regex(loud.stderr, /WARN {2}MOLTENDB_LOG="\/nowhere\/at\/all" cannot be opened/)
})

test('nobody who listens sees operations of databases on disk otherwise', async (t) => {
  const db = await onDisk(t)
  const told = await watched(db.databaseName, async () => {
    await db.collection('a').insertOne({ _id: 1 })
    await db.flush()
    await db.collection('a').get(1)
  })
  t.deepEqual(told.map(({ operation, namespace }) => [operation, namespace]), [['insert', 'db.a'], ['flush', 'db'], ['get', 'db.a']])
})

test('a transfer is told once, with its error', async (t) => {
  const told = []
  // Other tests run at the same time.
  const { signal } = new AbortController()
  const note = { start() {}, end() {}, asyncStart() {}, asyncEnd: (context) => { if (context.signal === signal) told.push([context.method, context.error?.kind ?? context.error?.message]) }, error() {} }
  const db = await memory(t)
  await db.collection('c').insertOne({ _id: 1 })
  command.subscribe(note)
  await db.exportJSONL(new PassThrough().resume(), { signal })
  await t.throwsAsync(db.exportJSONL(new Writable({ write: (_chunk, _encoding, done) => done(new Error('full')) }), { signal }))
  await t.throwsAsync(db.importJSONL(Readable.from(['{"collection":"c","document":{"_id":1}}\n']), { signal }))
  await t.throwsAsync(db.exportMolten('/nowhere/at/all', { signal }))
  command.unsubscribe(note)
  t.deepEqual(told, [['Database.exportJSONL', undefined], ['Database.exportJSONL', 'full'], ['Database.importJSONL', 'DUPLICATE_KEY'], ['Database.exportMolten', 'IO']])
})

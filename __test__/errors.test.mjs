import { createRequire } from 'node:module'

import test from 'ava'

import core from '../index.js'
import { MoltenBulkWriteError, MoltenError } from '../index.mjs'
import { collection, directory, memory, Database } from './support/database.mjs'

test('errors carry a kind, a code and the place', async (t) => {
  const users = await collection(t, [{ _id: 1 }])
  const error = await t.throwsAsync(users.insertOne({ _id: 1 }))
  t.true(error instanceof MoltenError && error instanceof Error)
  t.is(error.name, 'MoltenError')
  t.deepEqual([error.kind, error.code, error.codeName], ['DUPLICATE_KEY', 11000, 'DuplicateKey'])
  const query = await t.throwsAsync(users.find({ a: { $x: 1 } }).toArray())
  t.deepEqual([query.kind, query.code, query.codeName], ['BAD_QUERY', 2, 'BadValue'])
})

test('isMoltenError knows errors of another evaluation of the package', (t) => {
  t.true(MoltenError.isMoltenError(new core.MoltenError('IO', 'x')))
  t.true(MoltenError.isMoltenError(new MoltenBulkWriteError('x', [], {})))
  t.false(MoltenError.isMoltenError(new Error('x')))
  t.false(MoltenError.isMoltenError(null))
})

test('a label is added once, and the list that is told is a copy', (t) => {
  const error = new MoltenError('IO', 'x')
  error.addErrorLabel('own')
  error.addErrorLabel('own')
  error.errorLabels.push('other')
  t.deepEqual(error.errorLabels, ['own'])
  t.true(error.hasErrorLabel('own'))
})

test('an error of a getter is passed on, and nothing is written', async (t) => {
  const users = await collection(t)
  const thrown = new Error('from a getter')
  const document = { _id: 1, get a() { throw thrown } }
  t.is(await t.throwsAsync(users.insertOne(document)), thrown)
  t.is(await users.countDocuments(), 0)
})

test('a getter runs once', async (t) => {
  const users = await collection(t)
  let runs = 0
  await users.insertOne({ get _id() { runs++; return 'u1' }, get a() { runs++; return 1 } })
  t.is(runs, 2)
  t.deepEqual(await users.get('u1'), { _id: 'u1', a: 1 })
})

test('an operation aborted before it starts rejects with the reason, and nothing is written', async (t) => {
  const users = await collection(t)
  const reason = { why: 'shutting down' }
  const signal = AbortSignal.abort(reason)
  for (const work of [() => users.insertOne({}, { signal }), () => users.get(1, { signal }), () => users.find({}, { signal }).toArray()]) {
    const outcome = await work().then(() => 'resolved', (error) => error)
    t.is(outcome, reason)
  }
  t.is(await users.countDocuments(), 0)
})

test('an operation aborted under way rejects with the reason', async (t) => {
  const users = await collection(t)
  const controller = new AbortController()
  const write = users.insertOne({ _id: 1 }, { signal: controller.signal })
  controller.abort()
  t.is(await write.then(() => 'resolved', (error) => error.name), 'AbortError')
})

test('an open that fails leaves nothing open', async (t) => {
  const path = directory(t)
  await t.throwsAsync(Database.open(path, { createIfMissing: false }))
  const db = await Database.open(path)
  await db.close()
  t.pass()
})

test('a rejection that comes from the core names the method', async (t) => {
  const db = await memory(t)
  const error = await t.throwsAsync(db.collection('a.b').find({ x: { $y: 1 } }).toArray())
  t.regex(error.message, /^a\.b\.find/)
})

test('instanceof knows the errors of another evaluation of the package, each of its class', (t) => {
  const require = createRequire(import.meta.url)
  const path = require.resolve('../index.js')
  const first = require(path)
  delete require.cache[path]
  const other = require(path)
  require.cache[path].exports = first
  class Mine extends MoltenError {}
  t.not(other.MoltenError, MoltenError)
  t.true(new other.MoltenError('IO', 'x') instanceof MoltenError && new MoltenBulkWriteError('x', [], {}) instanceof other.MoltenBulkWriteError)
  t.true(new other.MoltenBulkWriteError('x', [], {}) instanceof MoltenError && new Mine('IO', 'x') instanceof Mine && new Mine('IO', 'x') instanceof MoltenError)
  for (const no of [new MoltenError('IO', 'x'), new Error('x'), {}, null]) t.false(no instanceof MoltenBulkWriteError)
  for (const no of [new Error('x'), { kind: 'IO' }, null, 'x']) t.false(no instanceof MoltenError)
  t.false(new MoltenError('IO', 'x') instanceof Mine)
})

test('instanceof of a class that is derived from ObjectId asks for that class', (t) => {
  class AppId extends core.ObjectId {}
  t.true(new AppId() instanceof AppId && new AppId() instanceof core.ObjectId)
  t.false(new core.ObjectId() instanceof AppId)
})

// The package under Jest, whose tests run in a realm of their own.

const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

let { Database, MoltenError } = require('../../../index.js')

let path
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'moltendb-jest-'))
})
afterEach(() => rmSync(path, { recursive: true, force: true }))

test('opens, writes, closes and opens again', async () => {
  const first = await Database.open(join(path, 'db'))
  await first.collection('users').insertOne({ _id: 'u1', name: 'Ada' })
  await first.close()
  const second = await Database.open(join(path, 'db'))
  expect(await second.collection('users').get('u1')).toEqual({ _id: 'u1', name: 'Ada' })
  await second.close()
})

test('values of this realm are stored, and read back as values of this realm', async () => {
  const db = await Database.open(':memory:')
  const users = db.collection('users')
  const document = { _id: 1, at: new Date(5), list: [1, { a: 1 }], bytes: Buffer.from('abc'), big: 5n, none: null }
  await users.insertOne(document)
  const read = await users.get(1)
  expect(read).toEqual(document)
  expect(read.at).toBeInstanceOf(Date)
  expect(read.list).toBeInstanceOf(Array)
  expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
  expect(await users.find({ at: { $gt: new Date(0) } }).toArray()).toHaveLength(1)
  await db.close()
})

test('errors and promises are of this realm', async () => {
  const db = await Database.open(':memory:')
  const users = db.collection('users')
  await users.insertOne({ _id: 1 })
  const insert = users.insertOne({ _id: 1 })
  expect(insert).toBeInstanceOf(Promise)
  await expect(insert).rejects.toBeInstanceOf(MoltenError)
  await expect(users.insertOne({ _id: 1 })).rejects.toThrow(Error)
  await expect(users.get()).rejects.toThrow(TypeError)
  await db.close()
})

test('a clock follows fake timers', async () => {
  jest.useFakeTimers({ now: new Date('2030-01-01T00:00:00Z') })
  try {
    const db = await Database.open(':memory:', { clock: () => Date.now() })
    const users = db.collection('users')
    await users.insertOne({ _id: 1 })
    jest.setSystemTime(new Date('2031-01-01T00:00:00Z'))
    await users.updateOne({ _id: 1 }, { $currentDate: { at: true } })
    const { value, createdAt } = await users.get(1, { meta: true })
    expect([createdAt, value.at]).toStrictEqual([new Date('2030-01-01T00:00:00Z'), new Date('2031-01-01T00:00:00Z')])
    await db.close()
  } finally {
    jest.useRealTimers()
  }
})

test('jest.resetModules gives a second evaluation that works beside the first', async () => {
  const before = MoltenError
  const first = await Database.open(':memory:')
  jest.resetModules()
  ;({ Database, MoltenError } = require('../../../index.js'))
  expect(MoltenError).not.toBe(before)
  const second = await Database.open(':memory:')
  await Promise.all([first.collection('a').insertOne({ _id: 1 }), second.collection('a').insertOne({ _id: 1 })])
  const error = await first.collection('a').insertOne({ _id: 1 }).catch((thrown) => thrown)
  expect(error).toBeInstanceOf(MoltenError)
  expect(MoltenError.isMoltenError(error)).toBe(true)
  await first.close()
  await second.close()
})

test('await using works without Symbol.asyncDispose', async () => {
  const db = await Database.open(':memory:')
  const dispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')
  await db[dispose]()
  await expect(db.collection('a').insertOne({})).rejects.toMatchObject({ kind: 'CLOSED' })
})

test('a database that is left open does not keep the run alive', async () => {
  const db = await Database.open(':memory:')
  await db.collection('a').insertOne({ _id: 1 })
})

/** More operations than one turn of the event loop settles, of every kind. */
async function works(db) {
  const users = db.collection('users')
  for (let i = 0; i < 1500; i++) await users.insertOne({ _id: i })
  for (let i = 0; i < 1500; i++) expect(await users.get(i)).toEqual({ _id: i })
  expect(await users.find({ _id: { $gte: 10 } }, { batchSize: 10 }).toArray()).toHaveLength(1490)
  expect((await Promise.all(Array.from({ length: 1500 }, (__, i) => users.get(i)))).at(-1)).toEqual({ _id: 1499 })
  await Promise.all(Array.from({ length: 500 }, (__, i) => users.updateOne({ _id: i }, { $set: { done: true } })))
  expect(await users.countDocuments({ done: true })).toBe(500)
  await expect(users.insertOne({ _id: 1 })).rejects.toThrow(/E11000/)
}

// Jest's fakes replace queueMicrotask, setImmediate, setTimeout, nextTick, Date, performance and hrtime; what they hold back never runs.
describe.each([['modern', {}], ['legacy', { legacyFakeTimers: true }]])('under %s fake timers', (_, config) => {
  afterEach(() => jest.useRealTimers())

  test('a database that was opened before works on, is closed, and works after them too', async () => {
    const db = await Database.open(join(path, 'db'))
    jest.useFakeTimers(config)
    await works(db)
    jest.useRealTimers()
    expect(await db.collection('users').countDocuments()).toBe(1500)
    jest.useFakeTimers(config)
    await db.close()
  })

  test('a package that is evaluated under them works', async () => {
    jest.useFakeTimers(config)
    jest.resetModules()
    const again = require('../../../index.js')
    const db = await again.Database.open(':memory:')
    await works(db)
    await db.close()
  })
})

// The package under vitest: in processes, in workers, and in workers with separate realms.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { Database, MoltenError } from '../../../index.mjs'

let path
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'moltendb-vitest-'))
})
afterEach(() => rmSync(path, { recursive: true, force: true }))

test('opens, writes, closes and opens again', async () => {
  const first = await Database.open(join(path, 'db'))
  await first.collection('users').insertMany([{ _id: 1, at: new Date(5) }, { _id: 2 }])
  await first.close()
  const second = await Database.open(join(path, 'db'))
  expect(await second.collection('users').find().toArray()).toEqual([{ _id: 1, at: new Date(5) }, { _id: 2 }])
  await second.close()
})

test('documents and errors are of this realm', async () => {
  const db = await Database.open(':memory:')
  const users = db.collection('users')
  await users.insertOne({ _id: 1, list: [1], at: new Date() })
  const read = await users.get(1)
  expect(read.list).toBeInstanceOf(Array)
  expect(read.at).toBeInstanceOf(Date)
  await expect(users.insertOne({ _id: 1 })).rejects.toBeInstanceOf(MoltenError)
  await expect(users.insertOne({ _id: 1 })).rejects.toMatchObject({ code: 11000 })
  await db.close()
})

test('a database that is left open does not keep the run alive', async () => {
  const db = await Database.open(':memory:')
  await db.collection('a').insertOne({ _id: 1 })
})

test('fake timers hold no operation back', async () => {
  const db = await Database.open(':memory:')
  const users = db.collection('users')
  // Everything that vitest can fake in its own process.
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'Date', 'performance', 'hrtime'] })
  try {
    for (let i = 0; i < 1500; i++) await users.insertOne({ _id: i })
    for (let i = 0; i < 1500; i++) expect(await users.get(i)).toEqual({ _id: i })
    expect(await users.find({}, { batchSize: 10 }).toArray()).toHaveLength(1500)
    await db.close()
  } finally {
    vi.useRealTimers()
  }
})

test('the fake timers that vitest takes by default hold no operation back, and the clock may be moved', async () => {
  vi.useFakeTimers()
  try {
    const db = await Database.open(join(path, 'db'))
    const users = db.collection('users')
    await users.insertMany([{ _id: 1, until: new Date(Date.now() + 1000) }])
    vi.advanceTimersByTime(5000)
    expect(await users.find({ until: { $lt: new Date() } }).toArray()).toHaveLength(1)
    await db.close()
  } finally {
    vi.useRealTimers()
  }
})

test('vi.resetModules gives an evaluation that works beside the first', async () => {
  const first = await Database.open(':memory:')
  vi.resetModules()
  const again = await import('../../../index.mjs')
  const second = await again.Database.open(':memory:')
  for (const db of [first, second]) {
    await db.collection('a').insertOne({ _id: 1 })
    const error = await db.collection('a').insertOne({ _id: 1 }).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(MoltenError)
    expect(error).toBeInstanceOf(again.MoltenError)
    await db.close()
  }
})

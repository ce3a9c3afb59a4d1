// How errors cross calls of the addon: as exceptions with the kind and the details as properties, never within the message.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

import test from 'ava'

import { Database, directory } from './support/database.mjs'

const { cache } = createRequire(import.meta.url)

/** The addon, which the facade has loaded when the first database is open. */
async function native() {
  await (await Database.open(':memory:')).close()
  return cache[Object.keys(cache).find((path) => path.endsWith('.node'))].exports
}

const own = (error) => ({ message: error.message, ...error })

test('an exception of a synchronous call has the kind of the error as a property', async (t) => {
  const addon = await native()
  const wrong = t.throws(() => addon.NativeDatabase.open(':memory:', '{"storag":1}'))
  t.deepEqual(own(wrong), { message: 'there is no option storag; check its spelling', kind: 'ARGUMENT', code: 'ARGUMENT' })
  const missing = t.throws(() => addon.submit(4294967295, 0))
  t.deepEqual([missing.kind, missing.message], ['INTERNAL', 'there is no port 4294967295 in this environment'])
})

test('a rejected promise has them too, with the details', async (t) => {
  const path = directory(t)
  const db = await Database.open(path)
  await db.collection('users').insertOne({ _id: 1 })
  await db.close()
  const log = join(path, readdirSync(path).find((name) => name.endsWith('.log')))
  const bytes = readFileSync(log)
  bytes[bytes.length - 5] ^= 1
  writeFileSync(log, bytes.subarray(0, bytes.length - 1))
  const { cause, ...error } = await t.throwsAsync(Database.open(path))
  t.deepEqual([cause.kind, cause.file, cause.offset], [error.kind, error.file, error.offset])
  t.true(cause.file.endsWith('.log') && cause.offset > 0)
  t.false(cause.message.includes('{'))
})

test('the cause of a LOCKED within the process says with what the database is open', async (t) => {
  const path = directory(t)
  const db = await Database.open(path, { storage: 'sync' })
  const { cause } = await t.throwsAsync(Database.open(path, { storage: 'async' }))
  t.deepEqual([cause.kind, cause.openWith], ['LOCKED', 'sync'])
  await db.close()
})

test('a setter that a program adds to Object.prototype is not called', async (t) => {
  const addon = await native()
  const seen = []
  const prototype = Object.getPrototypeOf({})
  Object.defineProperty(prototype, 'kind', { configurable: true, set: (value) => { seen.push(value) } })
  try {
    const error = t.throws(() => addon.NativeDatabase.open(':memory:', '[]'))
    t.deepEqual([error.kind, seen], ['ARGUMENT', []])
  } finally {
    delete prototype.kind
  }
})

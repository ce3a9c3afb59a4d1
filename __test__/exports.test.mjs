import { createRequire } from 'node:module'

import test from 'ava'

import * as esm from '../index.mjs'

const require = createRequire(import.meta.url)
const NAMES = [
  'AggregationCursor', 'BulkWriteResult', 'ChangeStream', 'Collection', 'Database', 'FindCursor', 'LiveQuery', 'MoltenBulkWriteError', 'MoltenError', 'MongoBulkWriteError', 'MongoError',
  'MongoServerError', 'ObjectId'
]

test('ESM and CommonJS export the same names and the same classes', (t) => {
  const cjs = require('../index.js')
  t.deepEqual(Object.keys(esm).filter((name) => name !== 'default').sort(), NAMES)
  t.deepEqual(Object.keys(cjs).sort(), NAMES)
  for (const name of NAMES) t.is(esm[name], cjs[name])
})

test('the package resolves by its own name from both systems', async (t) => {
  const imported = await import('moltendb-node')
  t.is(imported.Database, esm.Database)
  t.is(require('moltendb-node').Database, esm.Database)
})

test('handles are made by methods, not with new', (t) => {
  t.throws(() => new esm.Database(), { instanceOf: TypeError, message: /Database\.open/ })
})

test('a program written for the driver tells errors by the classes that it knows', async (t) => {
  const db = await esm.Database.open(':memory:')
  const users = db.collection('users')
  await users.insertOne({ _id: 1 })
  const taken = await t.throwsAsync(users.insertOne({ _id: 1 }), { instanceOf: esm.MongoServerError })
  t.true(taken instanceof esm.MongoError)
  t.is(taken.code, 11000)
  await t.throwsAsync(users.insertMany([{ _id: 1 }]), { instanceOf: esm.MongoBulkWriteError })
  await db.close()
})

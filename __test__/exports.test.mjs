import { createRequire } from 'node:module'

import test from 'ava'

import * as esm from '../index.mjs'

const require = createRequire(import.meta.url)
const NAMES = [
  'AggregationCursor', 'BulkWriteResult', 'Collection', 'Database', 'FindCursor', 'MoltenBulkWriteError', 'MoltenError', 'ObjectId'
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

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

import test from 'ava'

import * as imported from '../index.mjs'

const require = createRequire(import.meta.url)
const required = require('../index.js')

const index = fileURLToPath(new URL('../index.js', import.meta.url))

/** Runs a script in its own process; returns the modules of Node.js that it loaded. */
function loadedBy(script) {
  const source = `
    const index = ${JSON.stringify(index)}
    const before = new Set(process.moduleLoadList)
    async function main() { ${script} }
    main().then(() => console.log(JSON.stringify(process.moduleLoadList.filter((name) => !before.has(name)))))`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', source], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

const LARGE = /^NativeModule (crypto|stream|perf_hooks|worker_threads|child_process|fs\/promises|internal\/(crypto|streams|perf)\/)/

test('the first calls load none of the large modules of Node.js', (t) => {
  const loaded = loadedBy(`
    const { Database } = require(index)
    const db = await Database.open(':memory:')
    const users = db.collection('users')
    await users.insertOne({ _id: 'u1', name: 'Ada' })
    if ((await users.get('u1')).name !== 'Ada') throw new Error('wrong answer')
    await db.close()`)
  t.deepEqual(loaded.filter((name) => LARGE.test(name)), [])
})

test('a generated _id loads node:crypto, so the test above can tell', (t) => {
  const loaded = loadedBy(`
    const { Database } = require(index)
    const db = await Database.open(':memory:')
    await db.collection('users').insertOne({})
    await db.close()`)
  t.true(loaded.some((name) => LARGE.test(name)))
})

test('new ObjectId() works where nothing has loaded node:crypto', (t) => {
  const loaded = loadedBy(`
    const { ObjectId } = require(index)
    const ids = new Set(Array.from({ length: 100 }, () => new ObjectId().toHexString()))
    if (ids.size !== 100) throw new Error('the same twice')`)
  t.true(loaded.includes('NativeModule crypto'))
})

test('an import lets Node.js search no large script for the names that it exports', async (t) => {
  const specifiers = [...readFileSync(new URL('../index.mjs', import.meta.url), 'utf8').matchAll(/from '(.*)'/g)].map(([, name]) => name)
  t.deepEqual(specifiers, ['./core.js'])
  t.true(readFileSync(new URL('../core.js', import.meta.url), 'utf8').length < 1_000)
  // If Node.js had followed its require, there would be more names than its own two.
  const found = Object.keys(await import('../core.js')).filter((name) => name !== 'default' && name !== 'module.exports')
  t.deepEqual(found, [])
})

/** Runs a script in its own process; returns the files of the package that it loaded. */
function filesOf(script) {
  const source = `
    const index = ${JSON.stringify(index)}
    const { basename, dirname } = require('node:path')
    async function main() { ${script} }
    main().then(() => console.log(JSON.stringify(Object.keys(require.cache).filter((file) => dirname(file) === dirname(index) && file.endsWith('.js')).map((file) => basename(file)).sort())))`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', source], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

test('the first calls load index.js and no other file; a file is loaded when something in it is used', (t) => {
  const start = `
    const { Database } = require(index)
    const db = await Database.open(':memory:')
    const users = db.collection('users')
    await users.insertOne({ _id: 'u1', name: 'Ada' })
    await users.updateOne({ _id: 'u1' }, { $set: { born: 1815 } })
    if ((await users.find({ born: { $lt: 1900 } }, { limit: 1 }).toArray())[0].name !== 'Ada') throw new Error('wrong answer')`
  t.deepEqual(filesOf(start), ['index.js'])
  t.deepEqual(filesOf(`${start}; await users.createIndex({ born: 1 })`), ['index.js', 'often.js'])
  t.deepEqual(filesOf(`${start}; users.aggregate([])`), ['classes.js', 'index.js'])
  t.deepEqual(filesOf(`${start}; db.startSession()`), ['index.js', 'transactions.js'])
  t.deepEqual(filesOf(`${start}; await db.command({ ping: 1 })`), ['index.js', 'seldom.js'])
  t.deepEqual(filesOf(`${start}; db.molten`), ['importers.js', 'index.js'])
})

test('an import loads the classes that it names, and no other file', (t) => {
  t.deepEqual(filesOf(`await import(${JSON.stringify(new URL('../index.mjs', import.meta.url).href)})`), ['classes.js', 'core.js', 'index.js'])
})

test('a class that is loaded on demand is one class, whoever asks for it, with its own name', async (t) => {
  for (const name of ['AggregationCursor', 'BulkWriteResult', 'ChangeStream', 'Collection', 'Database', 'FindCursor', 'LiveQuery', 'MoltenError', 'ObjectId']) {
    t.is(required[name], imported[name], name)
    t.is(required[name].name, name)
    t.true(Object.keys(required).includes(name), name)
  }
  const db = await required.Database.open(':memory:')
  const users = db.collection('users')
  t.true(users.aggregate([]) instanceof imported.AggregationCursor)
  t.true(users.watch() instanceof imported.ChangeStream)
  t.true(users.find().live() instanceof imported.LiveQuery)
  t.true((await users.bulkWrite([{ insertOne: { document: {} } }])) instanceof imported.BulkWriteResult)
  await db.close()
})

test('what a second copy of index.js loads is its own, as where a test runner loads modules anew', async (t) => {
  const first = require('../index.js')
  const { ChangeStream } = first
  delete require.cache[require.resolve('../index.js')]
  const second = require('../index.js')
  t.not(second.Database, first.Database)
  t.not(second.ChangeStream, ChangeStream)
  for (const { Database, ChangeStream: own, MoltenError } of [first, second]) {
    const db = await Database.open(':memory:')
    t.true(db.watch() instanceof own)
    await t.throwsAsync(db.command({ nothing: 1 }), { instanceOf: MoltenError })
    await db.close()
  }
})

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import test from 'ava'

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

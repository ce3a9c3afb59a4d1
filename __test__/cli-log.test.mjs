// The verb log: the newest changes, and those that come.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import test from 'ava'

import { Database } from '../index.mjs'
import { fails, json, lines, people, start } from './support/cli.mjs'
import { directory } from './support/database.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

test('log prints the newest changes of all databases, in order', async (t) => {
  const path = await people(t)
  const events = json(t, ['log', path])
  t.deepEqual(events.map(({ operationType, ns }) => `${operationType} ${ns.db}.${ns.coll}`), [
    'create db.users', 'insert db.users', 'insert db.users', 'insert db.users', 'createIndexes db.users', 'update db.users', 'create archive.old users', 'insert archive.old users'
  ])
  t.deepEqual(json(t, ['log', path, '--limit', '2']), events.slice(-2))
  t.deepEqual(json(t, ['log', path, '--limit', '0']), events)
  t.deepEqual(json(t, ['log', path, '--db', 'archive']).map(({ ns }) => ns.db), ['archive', 'archive'])
  const table = lines(t, ['log', path, '--table'])
  t.regex(table[5], /^\d{4}-\S+Z {2} +\d+ {2}update {3}db\.users {2}"ann" {2}\{"age":37\}$/)
  t.true(table.every((line) => line.length <= 100))
})

test('log prints what came after a time', async (t) => {
  const path = await people(t)
  await setTimeout(20)
  const since = new Date()
  const db = await Database.open(path)
  await db.collection('users').deleteOne({ _id: 'bob' })
  await db.close()
  t.deepEqual(json(t, ['log', path, '--since', since.toISOString()]).map(({ operationType, documentKey }) => [operationType, documentKey]), [['delete', { _id: 'bob' }]])
  t.is(json(t, ['log', path, '--since', '1h', '--limit', '0']).length, 9)
  t.deepEqual(lines(t, ['log', path, '--since', new Date(Date.now() + 60_000).toISOString(), '--table']), ['no changes in the kept log'])
  t.regex(fails(t, 2, ['log', path, '--since', 'monday']), /--since must be a time/)
})

test('log begins where the kept log does', async (t) => {
  const path = directory(t)
  const db = await Database.open(path)
  const c = db.collection('c')
  for (let i = 0; i < 5; i++) await c.insertOne({ _id: i })
  await db.compact()
  await setTimeout(20)
  await c.insertOne({ _id: 'after' })
  await setTimeout(20)
  await c.insertOne({ _id: 'last' })
  await db.close()
  t.deepEqual(json(t, ['log', path]).map(({ documentKey }) => documentKey._id), ['after', 'last'])
  await Database.open(path).then(async (again) => (await again.compact(), again.close()))
  t.deepEqual(lines(t, ['log', path]), [])
})

test('log --follow prints what programs write one after another, and waits while one is open', async (t) => {
  const path = await people(t)
  const follower = start(['log', path, '--follow', '--limit', '1'])
  t.teardown(() => follower.kill())
  const events = []
  const told = []
  let rest = ''
  follower.stdout.on('data', (text) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop()
    events.push(...parts.map((line) => JSON.parse(line)))
  })
  follower.stderr.on('data', (text) => told.push(String(text)))
  const until = async (count) => {
    for (let tries = 0; events.length < count && tries < 400; tries++) await setTimeout(25)
    t.is(events.length, count, told.join(''))
  }
  await until(1)
  const source = `require('./index.js').Database.open(${JSON.stringify(path)}).then(async (db) => {
    await db.collection('users').insertOne({ _id: 'dan' })
    process.stdout.write('written')
    process.stdin.resume().on('end', () => db.close())
  })`
  const writer = spawn(process.execPath, ['-e', source], { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => writer.kill())
  await once(writer.stdout, 'data')
  for (let tries = 0; told.length === 0 && tries < 400; tries++) await setTimeout(25)
  t.regex(told.join(''), new RegExp(`^moltendb-node: .* is held by process ${writer.pid}; .*; waiting for it to be closed\\n$`))
  writer.stdin.end()
  await until(2)
  t.is(events[1].documentKey._id, 'dan')
  const db = await Database.open(path)
  await db.collection('users').deleteOne({ _id: 'dan' })
  await db.close()
  await until(3)
  t.is(events[2].operationType, 'delete')
  follower.kill('SIGINT')
  t.is((await once(follower, 'close'))[0], 130)
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import test from 'ava'

import { Database, directory, rejectsWith } from './support/database.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** A process that has the database open until its input ends. */
async function holder(t, path, options = {}) {
  const source = `
    const { Database } = require('./index.js')
    Database.open(${JSON.stringify(path)}, ${JSON.stringify(options)}).then((db) => {
      process.stdout.write('open')
      process.stdin.resume().on('end', () => db.close())
    })`
  const child = spawn(process.execPath, ['-e', source], { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  await once(child.stdout, 'data')
  return child
}

test('a second process gets LOCKED with the pid of the first', async (t) => {
  const path = directory(t)
  const child = await holder(t, path)
  const error = await rejectsWith(t, 'LOCKED', Database.open(path), /Database\.open/)
  t.is(error.pid, child.pid)
  t.regex(error.message, new RegExp(String(child.pid)))
  const ended = once(child, 'exit')
  child.stdin.end()
  await ended
  const db = await Database.open(path)
  await db.close()
})

test('a writer beside a process that reads gets LOCKED without a pid: OWNER is of the last one that wrote', async (t) => {
  const path = directory(t)
  await Database.open(path).then((db) => db.close())
  const child = await holder(t, path, { readOnly: true })
  const error = await rejectsWith(t, 'LOCKED', Database.open(path), /is open in another process that reads it/)
  t.is(error.pid, undefined)
  const beside = await Database.open(path, { readOnly: true })
  await beside.close()
  const ended = once(child, 'exit')
  child.stdin.end()
  await ended
})

test('a directory opened twice in one process is one database', async (t) => {
  const path = directory(t)
  const first = await Database.open(path)
  const second = await Database.open(path)
  await first.collection('users').insertOne({ _id: 1 })
  t.deepEqual(await second.collection('users').get(1), { _id: 1 })
  await first.close()
  await second.collection('users').insertOne({ _id: 2 })
  t.is(await second.collection('users').countDocuments(), 2)
  await second.close()
})

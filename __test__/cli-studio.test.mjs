// The verb studio: the inspector from the command line, until it is ended.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import test from 'ava'

import { Database } from '../index.mjs'
import { fails, people, program, start, stateOf } from './support/cli.mjs'
import { directory } from './support/database.mjs'
import { clientOf, post } from './support/inspector.mjs'

// One after the other: a program that is waited for keeps this process from sending what another has waited for since its connection.

/** Starts it; answers the process, what it printed first, and a session. */
async function studio(t, args, options) {
  const child = start(['studio', ...args], options)
  t.teardown(() => child.kill('SIGKILL'))
  let printed = ''
  child.stderr.on('data', (text) => (printed += text))
  const [line] = await Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), once(child, 'exit').then(([code]) => {
    throw new Error(`ended with ${code}: ${printed}`)
  })])
  return { child, line, client: await clientOf(/http:\S+?(?=["\s])/.exec(line)[0]), printed: () => printed }
}

async function ended(child, signal) {
  const exit = once(child, 'exit')
  if (signal) child.kill(signal)
  return exit
}

test.serial('it serves a database read-only until SIGINT or SIGTERM, and changes no byte', async (t) => {
  const path = await people(t)
  const before = stateOf(path)
  for (const signal of process.platform === 'win32' ? [] : ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    const { child, line, client, printed } = await studio(t, [path])
    t.deepEqual(Object.keys(JSON.parse(line)), ['url', 'port', 'write'])
    const { databases, writes } = await client.call('overview')
    t.deepEqual([databases.length, writes], [2, false])
    t.is((await client.call('find', { collection: 'users' })).documents.length, 3)
    t.true((await client.call('verify')).ok)
    t.is((await post(client, 'insert', { collection: 'users', document: '{}' })).status, 403)
    t.deepEqual((await ended(child, signal)).slice(0, 1), [0], printed())
    t.is(printed(), '')
  }
  t.is(stateOf(path), before)
})

test.serial('with --write documents are changed, at the port that is asked for', async (t) => {
  const path = await people(t)
  const free = await studio(t, [path])
  const { port } = free.client
  await ended(free.child, 'SIGTERM')
  const { child, client } = await studio(t, [path, '--write', '--port', String(port)])
  t.is(client.port, port)
  await client.call('insert', { collection: 'users', document: '{ _id: "dan" }' })
  // It is open for writing, so nobody else has it.
  t.regex(fails(t, 3, ['studio', path]), /is held by process/)
  await ended(child, 'SIGTERM')
  const db = await Database.open(path)
  t.true(await db.collection('users').has('dan'))
  await db.close()
})

test.serial('several look at the same database, and a port that is taken is an error', async (t) => {
  const path = await people(t)
  const one = await studio(t, [path])
  const two = await studio(t, [path])
  t.is((await two.client.call('count', { collection: 'users' })).count, 3)
  t.regex(fails(t, 1, ['studio', path, '--port', String(one.client.port)]), /EADDRINUSE/)
})

test.serial('on a terminal it says what to do', async (t) => {
  const path = await people(t)
  const { line } = await studio(t, [path, '--table'])
  t.regex(line, /^The inspector of .* only reads\. Open this URL, end it with Ctrl-C:\nhttp:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}\n$/)
})

test.serial('an encrypted database is opened with the key of the environment, or of a file', async (t) => {
  const path = directory(t)
  const encryptionKey = 'a password of some length'
  const db = await Database.open(path, { encryptionKey })
  await db.collection('secrets').insertOne({ _id: 1 })
  await db.close()
  t.regex(fails(t, 1, ['studio', path]), /is encrypted; set the environment variable MOLTENDB_KEY/)
  const { client } = await studio(t, [path], { env: { MOLTENDB_KEY: encryptionKey } })
  t.is((await client.call('count', { collection: 'secrets' })).count, 1)
  const file = join(path, '..', 'key')
  writeFileSync(file, `${encryptionKey}\n`)
  const second = await studio(t, [path, '--key-file', file])
  t.is((await second.client.call('count', { collection: 'secrets' })).count, 1)
})

test.serial('what cannot be served is said, with the exit codes of all verbs', async (t) => {
  const path = directory(t)
  t.regex(fails(t, 4, ['studio', path]), /there is no database/)
  t.false(existsSync(path))
  t.regex(fails(t, 4, ['studio', path, '--write']), /there is no database/)
  t.regex(fails(t, 2, ['studio', path, '--port', '65536']), /--port must be at most 65535/)
  t.regex(fails(t, 2, ['studio', path, '--port', 'x']), /whole number/)
  t.regex(fails(t, 2, ['inspect', path]), /did you mean studio\?/)
})

;(process.platform === 'win32' ? test.skip : test)('it ends with its parent', async (t) => {
  const path = await people(t)
  // The parent is a shell that leaves it running.
  const shell = spawn('sh', ['-c', `"${process.execPath}" "${program}" studio "${path}" & echo $!; sleep 60`], { stdio: ['ignore', 'pipe', 'ignore'], detached: true })
  t.teardown(() => {
    try {
      process.kill(-shell.pid, 'SIGKILL')
    } catch { /* It has ended. */ }
  })
  let text = ''
  shell.stdout.setEncoding('utf8').on('data', (piece) => (text += piece))
  while (!text.includes('"url"')) await setTimeout(20)
  const pid = Number(/^\d+/.exec(text)[0])
  const client = await clientOf(JSON.parse(/\{.*\}/.exec(text)[0]).url)
  shell.kill('SIGKILL')
  const isThere = () => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  for (let waits = 0; isThere() && waits < 250; waits++) await setTimeout(20)
  t.false(isThere())
  await t.throwsAsync(post(client, 'overview', {}), { code: 'ECONNREFUSED' })
})

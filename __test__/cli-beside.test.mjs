// The verbs that read, while another process has the database open.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import ava from 'ava'

import { Database } from '../index.mjs'
import { cli, people } from './support/cli.mjs'
import { directory } from './support/database.mjs'

// The program is run synchronously, and the owners take all of a processor: one after the other.
const test = ava.serial
const root = fileURLToPath(new URL('..', import.meta.url))

/** A process that has the database open and runs this with it. */
async function owner(t, path, options, body) {
  const source = `
    require('./index.js').Database.open(${JSON.stringify(path)}, ${JSON.stringify(options)}).then(async (db) => {
      let ended = false
      process.stdin.resume().on('end', () => { ended = true })
      process.stdout.write('open')
      const isEnded = () => ended
      ${body}
      while (!ended) await new Promise((resolve) => setTimeout(resolve, 10))
      await db.close()
    })`
  const child = spawn(process.execPath, ['-e', source], { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

async function end(child) {
  const ended = once(child, 'exit')
  child.stdin.end()
  t_is(await ended)
}

function t_is([code]) {
  if (code !== 0) throw new Error(`the owner ended with ${code}`)
}

/** Both accounts change in one commit; compactions follow each other. */
const WRITER = `
  const set = (n) => db.transaction(async (tx) => { await tx.collection('pairs').set('a', { n }); await tx.collection('pairs').set('b', { n: 1e9 - n }) })
  await set(0)
  await db.collection('bulk').insertMany(Array.from({ length: 1000 }, (_, i) => ({ _id: i, text: 'x'.repeat(200) })))
  const compacting = (async () => { while (!isEnded()) { await db.compact(); await new Promise((resolve) => setTimeout(resolve, 5)) } })()
  for (let n = 1; !isEnded(); n++) { await set(n); await db.collection('bulk').updateOne({ _id: n % 1000 }, { $set: { n } }) }
  await compacting
`

for (const [name, options] of [['async', { storage: 'async' }], ['sync', { storage: 'sync' }], ['encrypted', { encryptionKey: 'secret' }], ['with history and small steps', { history: { changes: { maxAge: 60_000 }, past: { maxAge: 60_000 } } }]]) {
  test(`a program that writes and compacts all the time is read as of one moment, and not disturbed: ${name}`, async (t) => {
    const path = directory(t)
    const env = options.encryptionKey ? { MOLTENDB_KEY: options.encryptionKey } : {}
    const child = await owner(t, path, options, WRITER)
    await setTimeout(500)
    let last = 0
    for (let run = 0; run < 4; run++) {
      const { code, stdout, stderr } = cli(['find', path, 'pairs', '--json'], { env })
      t.is(code, 0, stderr)
      t.regex(stderr, new RegExp(`^moltendb-node: process ${child.pid} has .*db open; this is the state of its files after commit [\\d,]+, at 20.*Z\\n$`))
      const [a, b] = stdout.trim().split('\n').map((line) => JSON.parse(line))
      t.is(a.n + b.n, 1e9)
      t.true(a.n >= last)
      last = a.n
    }
    const verified = cli(['verify', path, '--json'], { env })
    t.is(verified.code, 0, verified.stdout + verified.stderr)
    t.like(JSON.parse(verified.stdout), { ok: true, documents: 1002 })
    const copied = cli(['backup', path, `${path}-copy`, '--json'], { env })
    t.is(copied.code, 0, copied.stderr)
    await end(child)
    const copy = await Database.open(`${path}-copy`, options)
    t.is(await copy.collection('bulk').countDocuments(), 1000)
    await copy.close()
    t.true((await Database.verify(path, options.encryptionKey ? options : {})).ok)
    t.deepEqual(readdirSync(dirname(path)).toSorted(), ['db', 'db-copy'])
  })
}

test('each verb that reads works beside the owner, with the names and the path of the database', async (t) => {
  const path = await people(t)
  const child = await owner(t, path, {}, "await db.collection('users').insertOne({ _id: 'dan', age: 50 }); await db.flush(); process.stdout.write('written')")
  await setTimeout(500)
  const read = (...args) => {
    const { code, stdout, stderr } = cli(args)
    t.is(code, 0, stderr)
    t.true(stderr.includes(`process ${child.pid} has ${path} open`), stderr)
    return stdout
  }
  t.like(JSON.parse(read('stats', path)), { path, database: 'db', documents: 4 })
  t.regex(read('ls', path, '--table'), /db +users +4 /)
  t.is(read('count', path, 'users'), '4\n')
  t.regex(read('aggregate', path, 'users', '[{$count:"n"}]'), /"n":4/)
  t.regex(read('explain', path, 'users', '{age:50}', '--table'), /1 document returned/)
  t.is(read('export', path, 'users').split('\n').length, 5)
  t.regex(read('log', path, '--table'), /insert +db\.users +"dan"/)
  t.regex(read('history', path, 'users', 'ann'), /"age":37/)
  t.regex(read('doctor', path, '--table'), /^ok +every byte was read/)
  t.is(read('count', path, 'users', '--at', '1'), '3\n')
  t.regex(read('dump', path, `${path}.dump`), /"documents":4/)
  t.regex(read('find', path, 'old users', '--db', 'archive'), /Zoe/)
  const { code, stderr } = cli(['find', path, 'nobody'])
  t.is(code, 1)
  t.regex(stderr, /there is no collection "nobody" in the database "db"/)
  await end(child)
  t.deepEqual(readdirSync(dirname(path)).toSorted(), ['db', 'db.dump'])
})

const isRoot = process.getuid?.() === 0

;(process.platform === 'win32' || isRoot ? ava.skip : test)('where nothing may be written beside the database, the files are copied elsewhere', async (t) => {
  const path = await people(t)
  const child = await owner(t, path, {}, '')
  chmodSync(dirname(path), 0o500)
  t.is(cli(['count', path, 'users']).stdout, '3\n')
  chmodSync(dirname(path), 0o700)
  await end(child)
})

test('an owner that was killed is not waited for, and an interrupted reader leaves nothing', async (t) => {
  const path = directory(t)
  const child = await owner(t, path, {}, WRITER)
  await setTimeout(300)
  const reader = spawn(process.execPath, [`${root}cli.js`, 'log', path, '--limit', '0'], { stdio: 'ignore' })
  await setTimeout(120)
  const left = once(reader, 'exit')
  reader.kill('SIGINT')
  await left
  const died = once(child, 'exit')
  child.kill('SIGKILL')
  await died
  const { code, stderr } = cli(['count', path, 'pairs'])
  t.is(code, 0)
  t.is(stderr, '')
  t.deepEqual(readdirSync(dirname(path)), ['db'])
  t.false(existsSync(`${path}.partial`))
})

test('what a killed reader has left is removed by the next verb, and nothing else', async (t) => {
  const path = await people(t)
  const db = await Database.open(path)
  t.teardown(() => db.close())
  const nameOf = (pid, host) => `${path}.partial-${pid}-${host}-0123abcd`
  const dead = spawn(process.execPath, ['-e', ''])
  await once(dead, 'exit')
  const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8)
  const left = nameOf(dead.pid, host)
  const others = [nameOf(process.pid, host), nameOf(dead.pid, 'ffffffff'), `${path}.partial-0123456789abcdef`, `${path}x.partial-${dead.pid}-${host}-0123abcd`]
  for (const name of [left, ...others]) mkdirSync(name)
  t.is(cli(['count', path, 'users']).code, 0)
  t.false(existsSync(left))
  for (const name of others) t.true(existsSync(name), name)
})

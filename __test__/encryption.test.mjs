// Encryption as a program sees it: keys of each kind, what is told of a wrong one, another key, copies, threads, the command line.

import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

import test from 'ava'

import { Database, directory, rejectsType, rejectsWith } from './support/database.mjs'

const PASSWORD = 'correct horse battery staple'
const RAW = Buffer.alloc(32, 7)
const never = () => new Promise(() => {})
const root = fileURLToPath(new URL('..', import.meta.url))

async function sample(path, encryptionKey) {
  const db = await Database.open(path, { encryptionKey })
  await db.collection('canarycoll').insertMany(Array.from({ length: 300 }, (_, i) => ({ _id: `canaryid${i}`, canaryfield: `canaryvalue${i}` })))
  await db.collection('canarycoll').createIndex({ canaryfield: 1 })
  await db.close()
}

/** The bytes of all files below a directory. */
function contentOf(path) {
  return readdirSync(path, { recursive: true }).toSorted().filter((name) => statSync(join(path, name)).isFile()).map((name) => [name, readFileSync(join(path, name), 'latin1')])
}

test('a database is opened with the key that it was created with, of each kind, and nothing of it stands in its files', async (t) => {
  for (const [name, key, same] of [
    ['text', PASSWORD, () => PASSWORD], ['bytes', RAW, new Uint8Array(RAW)], ['function', async () => RAW, Buffer.from(RAW)]
  ]) {
    const path = join(directory(t), name)
    await sample(path, key)
    t.deepEqual(contentOf(path).filter(([, content]) => content.includes('canary')), [])
    const db = await Database.open(path, { encryptionKey: same })
    t.is(await db.collection('canarycoll').countDocuments({ canaryfield: 'canaryvalue7' }), 1)
    const stats = await db.stats()
    t.true(stats.encrypted)
    t.false(JSON.stringify(stats).includes(PASSWORD))
    await db.close()
  }
})

test('a plain database is as it was', async (t) => {
  const path = directory(t)
  await sample(path)
  t.true(contentOf(path).some(([, content]) => content.includes('canaryvalue')))
  const db = await Database.open(path)
  t.false((await db.stats()).encrypted)
  await db.close()
})

test('a key that does not fit is told by its own kind and changes nothing', async (t) => {
  const [secret, plain] = [join(directory(t), 'secret'), join(directory(t), 'plain')]
  await sample(secret, RAW)
  await sample(plain)
  const cases = [
    [secret, Buffer.alloc(32, 8), 'WRONG_KEY'], [secret, RAW.toString('latin1'), 'WRONG_KEY'], [secret, undefined, 'KEY_REQUIRED'], [plain, RAW, 'NOT_ENCRYPTED']
  ]
  for (const [path, encryptionKey, kind] of cases) {
    const before = contentOf(path)
    const error = await rejectsWith(t, kind, () => Database.open(path, { encryptionKey }))
    t.is(error.code, kind)
    t.true(error.file.endsWith('MANIFEST'))
    await rejectsWith(t, kind, () => Database.verify(path, { encryptionKey }))
    await rejectsWith(t, kind, () => Database.recoverTo(path, join(path, '..', 'never'), { time: new Date() }, { encryptionKey }))
    t.deepEqual(contentOf(path), before)
  }
})

test('a key of another type is a TypeError that does not show it', async (t) => {
  const path = directory(t)
  const wrong = ['', 'x'.repeat(65_537), Buffer.alloc(31), Buffer.alloc(0), 7, {}, [1], null, new ArrayBuffer(32), new Uint16Array(32)]
  for (const encryptionKey of wrong) {
    const error = await rejectsType(t, () => Database.open(path, { encryptionKey }), /encryptionKey must be a text/)
    t.false(error.message.includes('xxxx'))
    await rejectsType(t, () => Database.rekey(path, encryptionKey, RAW), /oldKey must be/)
    await rejectsType(t, () => Database.rekey(path, RAW, encryptionKey), /newKey must be/)
    await rejectsType(t, () => Database.open(path, { encryptionKey: () => encryptionKey }), /encryptionKey must be a text/)
  }
  await rejectsType(t, () => Database.open(path, { encryptionkey: RAW }), /encryptionKey/)
  t.false(existsSync(path))
  const thrown = new Error('the key chain is locked')
  t.is(await t.throwsAsync(Database.open(path, { encryptionKey: () => { throw thrown } })), thrown)
  t.is(await t.throwsAsync(Database.open(path, { encryptionKey: () => Promise.reject(thrown) })), thrown)
})

test('a function is called once for each opening, and the bytes of the program stay', async (t) => {
  const path = directory(t)
  let calls = 0
  const key = Buffer.alloc(32, 9)
  const encryptionKey = async () => {
    calls += 1
    return key
  }
  const first = await Database.open(path, { encryptionKey, storage: 'sync' })
  // Joins the open one, with its storage.
  const second = await Database.open(path, { encryptionKey })
  t.is(calls, 2)
  t.is(second.storage, 'sync')
  t.deepEqual(key, Buffer.alloc(32, 9))
  await rejectsWith(t, 'WRONG_KEY', () => Database.open(path, { encryptionKey: Buffer.alloc(32, 1) }))
  await rejectsWith(t, 'KEY_REQUIRED', () => Database.open(path))
  await first.close()
  await second.close()
})

test('worker threads open it with the same key', async (t) => {
  const path = directory(t)
  await sample(path, PASSWORD)
  const db = await Database.open(path, { encryptionKey: PASSWORD })
  const run = (encryptionKey) => new Promise((resolve, reject) => {
    const source = `
      const { Database } = require(${JSON.stringify(root)})
      const { parentPort, workerData } = require('node:worker_threads')
      const { path, encryptionKey } = workerData
      Database.open(path, { encryptionKey }).then(async (db) => {
        const count = await db.collection('canarycoll').countDocuments()
        await db.close()
        parentPort.postMessage(count)
      }, (error) => parentPort.postMessage(error.kind))`
    const worker = new Worker(source, { eval: true, workerData: { path, encryptionKey } })
    worker.on('message', resolve).on('error', reject)
  })
  t.deepEqual(await Promise.all([run(PASSWORD), run('another'), run(undefined)]), [300, 'WRONG_KEY', 'KEY_REQUIRED'])
  await db.close()
})

test('another key opens it after rekey, the old one does not, also what is in backup/', async (t) => {
  const path = directory(t)
  const db = await Database.open(path, { encryptionKey: PASSWORD, retention: { generations: 1 } })
  await db.collection('c').insertOne({ _id: 1 })
  await db.compact()
  await rejectsWith(t, 'LOCKED', () => Database.rekey(path, PASSWORD, RAW))
  await db.close()
  const before = contentOf(path)
  await rejectsWith(t, 'WRONG_KEY', () => Database.rekey(path, 'another', RAW))
  await rejectsWith(t, 'WRONG_KEY', () => Database.rekey(path, 'another', RAW, { reencrypt: true }))
  await rejectsType(t, () => Database.rekey(path, PASSWORD, RAW, { reencrypt: 1 }), /option reencrypt must be a boolean/)
  await rejectsType(t, () => Database.rekey(':memory:', PASSWORD, RAW), /memory/)
  t.deepEqual(contentOf(path), before)
  t.deepEqual(await Database.rekey(path, async () => PASSWORD, RAW), { reencrypted: false, bytes: 0, generations: 0, lost: null })
  t.deepEqual(contentOf(path).filter(([name, content], i) => before[i][0] !== name || before[i][1] !== content).map(([name]) => name).toSorted(), ['MANIFEST', join('backup', '1', 'MANIFEST'), 'OWNER'].filter((name) => name !== 'OWNER' || contentOf(path).find(([one]) => one === 'OWNER')[1] !== before.find(([one]) => one === 'OWNER')[1]).toSorted())
  for (const at of [path, join(path, 'backup', '1')]) {
    await rejectsWith(t, 'WRONG_KEY', () => Database.open(at, { encryptionKey: PASSWORD, readOnly: true }))
    const again = await Database.open(at, { encryptionKey: RAW, readOnly: true })
    t.is(await again.collection('c').countDocuments(), 1)
    await again.close()
  }
  const plain = join(directory(t), 'plain')
  await sample(plain)
  await rejectsWith(t, 'NOT_ENCRYPTED', () => Database.rekey(plain, PASSWORD, RAW))
  await rejectsWith(t, 'NOT_ENCRYPTED', () => Database.rekey(plain, PASSWORD, RAW, { reencrypt: true }))
  await rejectsWith(t, 'IO', () => Database.rekey(join(plain, 'nothing'), PASSWORD, RAW))
})

test('with reencrypt all files are written again: the old ones and the old key open nothing, and the history stays', async (t) => {
  const path = directory(t)
  const options = { retention: { generations: 5 }, history: { changes: {}, past: {} } }
  const db = await Database.open(path, { encryptionKey: PASSWORD, ...options })
  const users = db.collection('users')
  const stream = db.watch()
  await users.insertOne({ _id: 1, n: 1 })
  const { _id: token } = await stream.next()
  await stream.close()
  await users.createIndex({ n: 1 })
  const { lastLsn: lsn } = await db.stats()
  await db.compact()
  await users.updateOne({ _id: 1 }, { $set: { n: 2 } })
  await rejectsWith(t, 'LOCKED', () => Database.rekey(path, PASSWORD, RAW, { reencrypt: true }))
  await db.compact()
  await users.insertMany(Array.from({ length: 3000 }, (_, n) => ({ _id: `id${n}`, n, text: 'x'.repeat(300) })))
  await db.close()
  const before = contentOf(path)
  const done = await Database.rekey(path, () => PASSWORD, RAW, { reencrypt: true })
  t.like(done, { reencrypted: true, generations: 2, lost: null })
  t.true(done.bytes > 900_000)
  const old = new Set(before.map(([, content]) => content).filter((content) => content.length > 64))
  t.deepEqual(contentOf(path).filter(([, content]) => old.has(content)).map(([name]) => name), [])
  await rejectsWith(t, 'WRONG_KEY', () => Database.open(path, { encryptionKey: PASSWORD }))
  t.true((await Database.verify(path, { encryptionKey: RAW })).ok)
  const again = await Database.open(path, { encryptionKey: RAW, ...options })
  t.is(await again.collection('users').countDocuments({ n: { $gte: 0 } }), 3001)
  const resumed = again.watch([], { startAfter: token })
  t.like(await resumed.next(), { operationType: 'update', documentKey: { _id: 1 } })
  t.like(await resumed.next(), { operationType: 'insert', documentKey: { _id: 'id0' } })
  await resumed.close()
  const then = await again.asOf({ lsn })
  t.deepEqual(await then.collection('users').find().toArray(), [{ _id: 1, n: 1 }])
  await then.close()
  await again.collection('users').insertOne({ _id: 'new' })
  await again.compact()
  await again.close()
  // Who kept the old manifest and the old key reads nothing with them.
  const [, manifest] = before.find(([name]) => name === 'MANIFEST')
  const own = readFileSync(join(path, 'MANIFEST'))
  writeFileSync(join(path, 'MANIFEST'), manifest, 'latin1')
  await t.throwsAsync(Database.open(path, { encryptionKey: PASSWORD, readOnly: true }))
  writeFileSync(join(path, 'MANIFEST'), own)
  const last = await Database.open(path, { encryptionKey: RAW })
  t.is(await last.collection('users').countDocuments(), 3002)
  await last.close()
})

test('a copy has the same key, or another one; so a plain database becomes an encrypted one', async (t) => {
  const [path, copies] = [directory(t), directory(t)]
  await sample(path, RAW)
  const db = await Database.open(path, { encryptionKey: RAW })
  await db.backup(join(copies, 'same'))
  await db.backup(join(copies, 'other'), { encryptionKey: () => PASSWORD })
  await db.close()
  await Database.recoverTo(path, join(copies, 'recovered'), { time: new Date() }, { encryptionKey: RAW })
  const plainPath = directory(t)
  await sample(plainPath)
  const plain = await Database.open(plainPath)
  await plain.backup(join(copies, 'sealed'), { encryptionKey: PASSWORD })
  await plain.close()
  for (const [name, encryptionKey] of Object.entries({ same: RAW, other: PASSWORD, recovered: RAW, sealed: PASSWORD })) {
    const at = join(copies, name)
    await rejectsWith(t, 'KEY_REQUIRED', () => Database.open(at))
    t.true((await Database.verify(at, { encryptionKey })).ok)
    const copy = await Database.open(at, { encryptionKey })
    t.is(await copy.collection('canarycoll').countDocuments(), 300)
    await copy.close()
  }
  t.deepEqual(contentOf(copies).filter(([, content]) => content.includes('canary')), [])
})

test('the scrub, change streams and temporary files of an encrypted database work as those of a plain one', async (t) => {
  const path = directory(t)
  const db = await Database.open(path, { encryptionKey: RAW, scrub: { interval: 50, bytesPerSecond: 1 << 30 }, queryMemoryLimit: 1 << 20, history: { past: {} } })
  const things = db.collection('things')
  const stream = things.watch()
  await things.insertMany(Array.from({ length: 3_000 }, (_, n) => ({ _id: n, canaryfield: `canary${(n * 7_919) % 3_000}`, pad: 'canary'.repeat(100) })))
  await db.compact()
  await things.updateOne({ _id: 1 }, { $set: { canaryfield: 'canary again' } })
  t.is((await stream.next()).documentKey._id, 0)
  await stream.close()
  const cursor = things.find({}, { sort: { canaryfield: 1 }, batchSize: 100 })
  await cursor.next()
  t.true((await db.stats()).spillBytes > 0)
  t.is((await cursor.toArray()).length, 2_999)
  for (let i = 0; i < 400 && (await db.stats()).scrub.passes < 2; i++) await new Promise((resolve) => setTimeout(resolve, 50))
  const { passes, errors } = (await db.stats()).scrub
  t.true(passes >= 2)
  t.is(errors, 0)
  await db.close()
  t.deepEqual(contentOf(path).filter(([, content]) => content.includes('canary')), [])
})

test('a database in memory takes a key and encrypts what it copies', async (t) => {
  const db = await Database.open(':memory:', { encryptionKey: RAW })
  await db.collection('c').insertOne({ _id: 1 })
  t.is(await db.collection('c').countDocuments(), 1)
  t.true((await db.stats()).encrypted)
  await db.close()
})

test('changed bytes are told by opening and by verify', async (t) => {
  const path = directory(t)
  await sample(path, RAW)
  const name = readdirSync(path).find((one) => one.endsWith('.log'))
  const good = readFileSync(join(path, name))
  const bad = Buffer.from(good)
  bad[200] ^= 1
  writeFileSync(join(path, name), bad)
  await rejectsWith(t, 'CORRUPT', () => Database.open(path, { encryptionKey: RAW, check: 'full' }))
  const found = await Database.verify(path, { encryptionKey: RAW })
  t.false(found.ok)
  t.is(found.files.find(({ firstDamage }) => firstDamage !== null).file, name)
  // Which is not encrypted.
  writeFileSync(join(path, name), good)
  const plain = join(directory(t), 'plain')
  await sample(plain)
  writeFileSync(join(path, name), readFileSync(join(plain, name)))
  await rejectsWith(t, 'TAMPERED', () => Database.open(path, { encryptionKey: RAW, check: 'full' }))
})

test('the command line reads the key from the environment or a file, and shows it nowhere', async (t) => {
  const [path, copies] = [directory(t), directory(t)]
  await sample(path, PASSWORD)
  const call = (args, env = {}) => {
    const { MOLTENDB_KEY: _, ...others } = process.env
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'cli.js'), ...args], { encoding: 'utf8', env: { ...others, ...env } })
    t.false((stdout + stderr).includes(PASSWORD))
    return { status, stdout, stderr }
  }
  const missing = call(['count', path, 'canarycoll'])
  t.is(missing.status, 1)
  t.regex(missing.stderr, /is encrypted; set the environment variable MOLTENDB_KEY/)
  t.is(call(['count', path, 'canarycoll'], { MOLTENDB_KEY: PASSWORD }).stdout, '300\n')
  t.regex(call(['count', path, 'canarycoll'], { MOLTENDB_KEY: 'another' }).stderr, /another key/)
  mkdirSync(join(copies, 'keys'), { recursive: true })
  const file = join(copies, 'keys', 'one')
  writeFileSync(file, `${PASSWORD}\n`)
  t.is(call(['count', path, 'canarycoll', '--key-file', file]).stdout, '300\n')
  t.is(call(['verify', path, '--key-file', file]).status, 0)
  t.is(call(['doctor', path, '--key-file', file]).status, 0)
  t.is(call(['compact', path, '--key-file', file]).status, 0)
  t.is(call(['backup', path, join(copies, 'copy'), '--key-file', file]).status, 0)
  t.is(call(['recover', path, join(copies, 'recovered'), '--time', 'now', '--key-file', file]).status, 0)
  t.is(call(['count', join(copies, 'recovered'), 'canarycoll', '--key-file', file]).stdout, '300\n')
  const key = randomBytes(32)
  await Database.rekey(join(copies, 'copy'), PASSWORD, key)
  t.is(call(['count', join(copies, 'copy'), 'canarycoll'], { MOLTENDB_KEY: `hex:${key.toString('hex')}` }).stdout, '300\n')
  t.regex(call(['count', path, 'canarycoll', '--key-file', join(copies, 'none')]).stderr, /the key cannot be read/)
})

test('backups of a database in memory, and of its forks, are encrypted with its key', async (t) => {
  const at = directory(t)
  mkdirSync(at)
  for (const [n, key] of [PASSWORD, RAW].entries()) {
    const db = await Database.open(':memory:', { encryptionKey: key })
    await db.collection('canary').insertOne({ _id: 'canary' })
    const fork = await db.fork()
    for (const [name, one] of [['own', db], ['fork', fork]]) {
      const path = join(at, `${name}${n}`)
      await one.backup(path)
      for (const file of readdirSync(path)) t.false(readFileSync(join(path, file)).includes('canary'), file)
      await rejectsWith(t, 'KEY_REQUIRED', () => Database.open(path))
      const copy = await Database.open(path, { encryptionKey: key })
      t.is(await copy.collection('canary').countDocuments(), 1)
      await copy.close()
    }
    await fork.close()
    await db.close()
  }
})

test('a function that does not answer is not waited for when the call is given up', async (t) => {
  const at = directory(t)
  const db = await Database.open(at, { encryptionKey: RAW })
  const calls = [
    (options) => Database.open(`${at}-2`, { ...options, encryptionKey: never }), (options) => Database.verify(at, { ...options, encryptionKey: never }),
    (options) => db.backup(`${at}-3`, { ...options, encryptionKey: never }), (options) => Database.recoverTo(at, `${at}-4`, new Date(), { ...options, encryptionKey: never }),
    (options) => Database.rekey(at, never, RAW, options)
  ]
  for (const call of calls) {
    const reason = new Error('given up')
    const given = new AbortController()
    const pending = call({ signal: given.signal })
    setTimeout(() => given.abort(reason), 5)
    t.is(await t.throwsAsync(pending), reason)
  }
  await rejectsWith(t, 'TIMEOUT', () => db.backup(`${at}-3`, { maxTimeMS: 20, encryptionKey: never }))
  await db.close()
})

test('texts that are not well-formed are no keys: several would be the same', async (t) => {
  for (const encryptionKey of ['\ud800', 'a\udfffb', '', 'x'.repeat(65_537)]) {
    await rejectsType(t, () => Database.open(':memory:', { encryptionKey }), /well-formed Unicode/)
  }
  await (await Database.open(':memory:', { encryptionKey: '\u{1f511}' })).close()
})

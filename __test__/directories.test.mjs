// Changes around an open database: the working directory changes, directories are moved and replaced, LOCK is removed,
// foreign folders and links are beside a backup, and files have other types.

import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import test from 'ava'

import { Database, directory, onDisk, rejectsWith } from './support/database.mjs'

const unix = process.platform !== 'win32'
const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const CHILD = `const { Database } = require(process.argv[1])
const [path, id, end] = process.argv.slice(2)
Database.open(path, { storage: 'sync' }).then(async (db) => {
  for (let n = 0; n < 20; n++) await db.collection('c').insertOne({ _id: id + n })
  if (end === 'kill') process.kill(process.pid, 'SIGKILL')
  await db.close()
  console.log('written')
}).catch((error) => console.log(error.kind))`

/** The output of another process that writes there. */
const elsewhere = (path, id = 'other', end = 'close') =>
  spawnSync(process.execPath, ['-e', CHILD, PACKAGE, path, id, end], { encoding: 'utf8' }).stdout.trim()

async function ids(path) {
  const db = await Database.open(path)
  const found = await db.collection('c').find().toArray()
  await db.close()
  return found.map(({ _id }) => _id).toSorted()
}

async function made(path, ...names) {
  const db = await Database.open(path, { storage: 'sync' })
  for (const _id of names) await db.collection('c').insertOne({ _id })
  await db.close()
}

test.serial('a relative path means what it meant when it was given, whatever the working directory becomes', async (t) => {
  const [ours, theirs] = [directory(t), directory(t)]
  for (const path of [ours, theirs]) mkdirSync(path)
  const home = process.cwd()
  t.teardown(() => process.chdir(home))
  await made(join(theirs, 'data'), 'theirs')
  process.chdir(ours)
  const opening = Database.open('./data', { storage: 'sync' })
  process.chdir(theirs)
  const db = await opening
  t.is(db.path, './data')
  await db.collection('c').insertOne({ _id: 'first' })
  await db.compact()
  await db.collection('c').insertOne({ _id: 'second' })
  process.chdir(ours)
  const copying = db.backup('copy')
  process.chdir(theirs)
  await copying
  await db.close()
  process.chdir(ours)
  const verifying = Database.verify('data')
  process.chdir(theirs)
  t.is((await verifying).documents, 2)
  // Also where the key comes later.
  process.chdir(ours)
  const encryptionKey = async () => {
    process.chdir(theirs)
    return 'secret'
  }
  const sealed = await Database.open('sealed', { encryptionKey })
  process.chdir(ours)
  await sealed.backup('sealed-copy', { encryptionKey })
  await sealed.close()
  process.chdir(ours)
  t.true((await Database.verify('sealed-copy', { encryptionKey })).ok)
  process.chdir(ours)
  await Database.rekey('sealed', encryptionKey, 'another')
  process.chdir(home)
  t.deepEqual(readdirSync(theirs), ['data'])
  t.deepEqual(await ids(join(theirs, 'data')), ['theirs'])
  t.deepEqual(await ids(join(ours, 'data')), ['first', 'second'])
  t.deepEqual(await ids(join(ours, 'copy')), ['first', 'second'])
})

test('a backup neither removes nor follows what stands beside it, and leaves nothing of its own', async (t) => {
  const path = directory(t)
  mkdirSync(path)
  const db = await Database.open(join(path, 'db'))
  await db.collection('c').insertOne({ _id: 1 })
  mkdirSync(join(path, 'copy.partial'))
  writeFileSync(join(path, 'copy.partial', 'thesis'), 'five years')
  await db.backup(join(path, 'copy'))
  t.is(readFileSync(join(path, 'copy.partial', 'thesis'), 'utf8'), 'five years')
  if (unix) {
    mkdirSync(join(path, 'precious'))
    writeFileSync(join(path, 'precious', 'key'), 'secret')
    symlinkSync(join(path, 'precious'), join(path, 'linked.partial'))
    await db.backup(join(path, 'linked'))
    symlinkSync(join(path, 'nowhere'), join(path, 'dangling'))
    await rejectsWith(t, 'IO', db.backup(join(path, 'dangling')), /is there already/)
    t.deepEqual(readdirSync(join(path, 'precious')), ['key'])
  }
  for (const inside of ['in', 'backup/1', 'a/b']) {
    await rejectsWith(t, 'IO', db.backup(join(path, 'db', inside)), /is inside the directory of the database; name a directory outside of it/)
  }
  await db.close()
  t.deepEqual(readdirSync(path).filter((name) => name.includes('.partial-')), [])
  t.false(existsSync(join(path, 'db', 'a')))
})

test('of two backups to one place at the same time one is made, and the other is told', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  await db.collection('c').insertMany(Array.from({ length: 2_000 }, (_, _id) => ({ _id, text: 'x'.repeat(100) })))
  for (let n = 0; n < 5; n++) {
    const target = `${path}-copy-${n}`
    const ends = await Promise.allSettled([db.backup(target), db.backup(target), db.backup(target)])
    t.is(ends.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const { reason } of ends.filter(({ status }) => status === 'rejected')) {
      t.is(reason.kind, 'IO')
      t.regex(reason.message, /is there already; a backup is made in a directory of its own/)
    }
    t.true((await Database.verify(target)).ok)
    const copy = await onDisk(t, {}, target)
    t.is(await copy.collection('c').countDocuments(), 2_000)
    await copy.close()
  }
  t.deepEqual(readdirSync(join(path, '..')).filter((name) => name.includes('partial')), [])
})

test('a file that only looks like ours is not removed by opening', async (t) => {
  const path = directory(t)
  await made(path, 'a')
  writeFileSync(join(path, 'snap-holiday.tmp'), 'a photograph')
  writeFileSync(join(path, 'snap-0000000000000009.tmp'), 'ours')
  t.deepEqual(await ids(path), ['a'])
  t.deepEqual(readdirSync(path).filter((name) => name.endsWith('.tmp')), ['snap-holiday.tmp'])
})

test('a segment far away is told once', async (t) => {
  const path = directory(t)
  await made(path, 'a')
  for (const name of ['seg-3fffffffffffffff.log', 'seg-ffffffffffffffff.log']) writeFileSync(join(path, name), Buffer.alloc(100))
  const found = await Database.verify(path)
  t.false(found.ok)
  t.true(found.files.length < 8, `${found.files.length} reports`)
  await rejectsWith(t, 'CORRUPT', Database.open(path), /seg-0000000000000002.log.*missing/)
})

if (unix) {
  test('a directory that is moved poisons at the next file, and another one in its place stays as it is', async (t) => {
    for (const act of ['compact', 'close', 'write']) {
      const path = directory(t)
      mkdirSync(path)
      const [here, moved] = [join(path, 'db'), join(path, 'moved')]
      await made(here, 'before')
      const db = await Database.open(here, { storage: 'sync' })
      if (act !== 'write') await db.collection('c').insertOne({ _id: 'acknowledged' })
      renameSync(here, moved)
      await made(here, 'theirs')
      const files = () => readdirSync(here).map((name) => [name, readFileSync(join(here, name), 'hex')])
      const before = files()
      const acts = { compact: () => db.compact(), close: () => db.close(), write: () => db.collection('c').insertOne({ _id: 'refused' }) }
      await rejectsWith(t, 'STORAGE_POISONED', acts[act](), /is not the directory that was opened: it was moved, removed or replaced/)
      if (act !== 'close') await rejectsWith(t, 'STORAGE_POISONED', db.close())
      t.deepEqual(files(), before)
      t.deepEqual(await ids(here), ['theirs'])
      t.deepEqual(await ids(moved), act === 'write' ? ['before'] : ['acknowledged', 'before'])
    }
  })

  test('a link in the path that is turned elsewhere changes nothing', async (t) => {
    const path = directory(t)
    for (const name of ['one', 'two']) mkdirSync(join(path, name), { recursive: true })
    symlinkSync('one', join(path, 'current'))
    const db = await Database.open(join(path, 'current', 'db'), { storage: 'sync' })
    rmSync(join(path, 'current'))
    symlinkSync('two', join(path, 'current'))
    await db.collection('c').insertOne({ _id: 1 })
    await db.compact()
    await db.close()
    t.deepEqual(await ids(join(path, 'one', 'db')), [1])
    t.deepEqual(readdirSync(join(path, 'two')), [])
  })

  test('who removes LOCK lets no other process in', async (t) => {
    const path = directory(t)
    const db = await Database.open(path, { storage: 'sync' })
    await db.collection('c').insertOne({ _id: 'a' })
    rmSync(join(path, 'LOCK'))
    t.is(elsewhere(path), 'LOCKED')
    writeFileSync(join(path, 'LOCK'), '')
    t.is(elsewhere(path), 'LOCKED')
    const same = await Database.open(path, { storage: 'sync' })
    await same.collection('c').insertOne({ _id: 'b' })
    await db.compact()
    await same.close()
    await db.close()
    t.deepEqual(await ids(path), ['a', 'b'])
  })

  test('files of another kind are refused at once, by name and kind', async (t) => {
    for (const [kind, make] of [['a named pipe', (at) => execFileSync('mkfifo', [at])], ['a symbolic link', (at) => symlinkSync('/dev/zero', at)]]) {
      for (const name of ['MANIFEST', 'LOCK', 'OWNER', 'seg-0000000000000001.log', 'seg-0000000000000007.log', 'snap-0000000000000007.snp', 'chk-0000000000000007.chk', 'backup', 'quarantine']) {
        const path = directory(t)
        await made(path, 'a')
        rmSync(join(path, name), { force: true })
        make(join(path, name))
        const words = new RegExp(`${name} is ${kind}`)
        await rejectsWith(t, 'IO', Database.open(path), words)
        await rejectsWith(t, 'IO', Database.open(path, { readOnly: true }), words)
        await rejectsWith(t, 'IO', Database.verify(path), words)
      }
    }
  })

  test('without the newest segment of a session that was killed a database is not opened as if that had never been', async (t) => {
    const losses = [(at) => rmSync(at), (at) => truncateSync(at, 0), (at) => truncateSync(at, 64)]
    for (const loss of losses) {
      for (const first of [false, true]) {
        const path = directory(t)
        if (!first) await made(path, 'before')
        elsewhere(path, 'killed', 'kill')
        loss(join(path, readdirSync(path).filter((name) => name.startsWith('seg-')).toSorted().at(-1)))
        await rejectsWith(t, 'CORRUPT', Database.open(path), /seg-000000000000000[12].log is damaged/)
        await rejectsWith(t, 'CORRUPT', Database.open(path, { readOnly: true }), /seg-000000000000000[12].log is damaged/)
        t.false((await Database.verify(path)).ok)
      }
    }
  })

  test('a killed session that only read leaves MANIFEST as it was', async (t) => {
    const path = directory(t)
    await made(path, 'a')
    const before = readFileSync(join(path, 'MANIFEST'))
    const db = await Database.open(path)
    t.is(await db.collection('c').countDocuments(), 1)
    t.deepEqual(readFileSync(join(path, 'MANIFEST')), before)
    await db.close()
    t.deepEqual(readFileSync(join(path, 'MANIFEST')), before)
  })
}

test('the rest of an old generation whose removal a kill ended goes at the next opening; that of another database stays', async (t) => {
  const path = directory(t)
  const retention = { generations: 1 }
  const db = await Database.open(path, { storage: 'sync', retention })
  for (let n = 0; n < 3; n++) {
    await db.collection('c').insertOne({ _id: n })
    await db.compact()
  }
  await db.close()
  t.deepEqual(readdirSync(join(path, 'backup')), ['3'])
  for (const rest of ['1', '2']) mkdirSync(join(path, 'backup', rest))
  writeFileSync(join(path, 'backup', '1', 'seg-0000000000000001.log'), 'rest')
  const other = join(path, 'backup', '0')
  const another = await Database.open(`${path}-other`)
  t.teardown(() => rmSync(`${path}-other`, { recursive: true, force: true }))
  await another.collection('c').insertOne({ _id: 'theirs' })
  await another.backup(`${path}-copy`)
  await another.close()
  renameSync(`${path}-copy`, other)
  const again = await Database.open(path, { storage: 'sync', retention })
  t.deepEqual(readdirSync(join(path, 'backup')).toSorted(), ['0', '3'])
  await again.collection('c').insertOne({ _id: 9 })
  await again.compact()
  await again.close()
  t.deepEqual(readdirSync(join(path, 'backup')).toSorted(), ['0', '4'])
  t.deepEqual(await ids(other), ['theirs'])
})

test('flush makes the directory durable that was opened, and tells that another one is in its place', async (t) => {
  if (!unix) return t.pass('an open directory cannot be moved')
  const path = directory(t)
  await made(path, 'a')
  const db = await Database.open(path, { storage: 'sync' })
  t.deepEqual(await db.collection('c').get('a'), { _id: 'a' })
  renameSync(path, `${path}-moved`)
  mkdirSync(path)
  await rejectsWith(t, 'STORAGE_POISONED', db.flush(), /is not the directory that was opened/)
  rmSync(path, { recursive: true })
  renameSync(`${path}-moved`, path)
  // What it found is not known to be durable: nothing may depend on it.
  await rejectsWith(t, 'STORAGE_POISONED', db.collection('c').insertOne({ _id: 'b' }))
  t.deepEqual(await db.collection('c').get('a'), { _id: 'a' })
  await t.throwsAsync(db.close())
  t.deepEqual(await ids(path), ['a'])
})

test('a relative path is refused where the working directory was removed', (t) => {
  if (!unix) return t.pass('a working directory cannot be removed')
  const path = directory(t)
  mkdirSync(path)
  const source = `const { rmdirSync } = require('node:fs')
const { Database } = require(process.argv[1])
// Node.js remembers the working directory until it is changed.
process.chdir(process.argv[2])
rmdirSync(process.argv[2])
const told = (error) => [error.name, error.kind, /working directory cannot be told/.test(error.message)].join()
Promise.all([
  Database.open('db'), Database.verify('db'), Database.recoverTo('db', 'other', { lsn: 1 }),
  Database.open(':memory:').then((db) => db.exportMongodump('dump').finally(() => db.close()))
].map((one) => one.then(() => 'made', told))).then((all) => console.log(all.join(' ')))`
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', source, PACKAGE, path], { encoding: 'utf8' })
  t.is(stdout.trim(), Array.from({ length: 4 }, () => 'MoltenError,IO,true').join(' '), stderr)
})

test('nothing is exported into the directory of the database, whatever leads there', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  await db.collection('c').insertOne({ _id: 1 })
  if (unix) symlinkSync(path, `${path}-link`)
  const before = readdirSync(path).toSorted()
  const places = [join(path, 'new'), join(path, 'deep', 'er'), join(path, '..', 'db', 'x'), join(path, 'seg-0000000000000002.log'), ...(unix ? [join(`${path}-link`, 'x')] : [])]
  writeFileSync(`${path}.json`, '[{"_id":2}]')
  for (const place of places) {
    await rejectsWith(t, 'IO', db.exportMongodump(place, { archive: true }), /inside the directory of the database/)
    await rejectsWith(t, 'IO', db.exportMolten(place), /inside the directory of the database/)
    await rejectsWith(t, 'IO', db.importFile(`${path}.json`, { onError: 'skip', rejects: place }), /inside the directory of the database/)
  }
  t.deepEqual(readdirSync(path).toSorted(), before)
  await db.exportMongodump(`${path}-beside`)
})

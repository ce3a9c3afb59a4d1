// Errors of the file system: a typed error that says what to do, and not a byte changed.

import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync, chownSync, cpSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import test from 'ava'

import { Database, directory, rejectsWith } from './support/database.mjs'

const unix = process.platform !== 'win32'
const isRoot = process.getuid?.() === 0

/** Name, kind, mode and bytes of everything in a directory. */
function stateOf(path) {
  const hash = createHash('sha256')
  const walk = (at) => {
    const stat = lstatSync(at)
    hash.update(`${at} ${stat.mode} ${stat.mtimeMs};`)
    if (stat.isSymbolicLink()) hash.update(readlinkSync(at))
    else if (stat.isDirectory()) for (const name of readdirSync(at).toSorted()) walk(join(at, name))
    else if (stat.isFile()) hash.update(readFileSync(at))
  }
  walk(path)
  return hash.digest('hex')
}

async function sample(t) {
  const path = directory(t)
  const db = await Database.open(path)
  await db.collection('a').insertMany(Array.from({ length: 50 }, (_, _id) => ({ _id })))
  await db.close()
  return path
}

/** Expects that opening is refused and changes nothing except LOCK and OWNER. */
async function refused(t, kind, path, message, options) {
  const before = stateOf(path)
  const error = await rejectsWith(t, kind, Database.open(path, options), message)
  t.is(stateOf(path), before, 'something was touched')
  return error
}

function segment(path) {
  return join(path, readdirSync(path).filter((name) => name.endsWith('.log')).toSorted().at(-1))
}

test('a file in place of the directory', async (t) => {
  const path = directory(t)
  writeFileSync(path, 'mine')
  const error = await refused(t, 'IO', path, /is not a directory; a database is a directory of its own/)
  t.is(error.file, path)
})

test('a file on the way to the directory', async (t) => {
  const path = directory(t)
  writeFileSync(path, 'mine')
  const error = await rejectsWith(t, 'IO', Database.open(join(path, 'db')))
  t.regex(error.file, /db/)
  t.is(readFileSync(path, 'utf8'), 'mine')
})

test('a directory of other files', async (t) => {
  const path = directory(t)
  mkdirSync(path)
  writeFileSync(join(path, 'notes.txt'), 'mine')
  const error = await refused(t, 'IO', path, /notes\.txt.*name a new or an empty directory/)
  t.is(error.file, path)
})

test('a directory that is not there, where none may be made', async (t) => {
  const path = directory(t)
  await rejectsWith(t, 'IO', Database.open(path, { createIfMissing: false }), /there is no database at/)
  await rejectsWith(t, 'IO', Database.open(path, { readOnly: true }), /there is no database at/)
  t.throws(() => statSync(path), { code: 'ENOENT' })
})

test('a manifest that is something else', async (t) => {
  const path = await sample(t)
  writeFileSync(join(path, 'MANIFEST'), 'x'.repeat(512))
  const error = await rejectsWith(t, 'CORRUPT', Database.open(path), /not a manifest/)
  t.is(error.file, join(path, 'MANIFEST'))
  t.is(readFileSync(join(path, 'MANIFEST'), 'utf8'), 'x'.repeat(512))
})

/** CRC-32C, bit by bit. */
function crc32c(bytes) {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}

for (const [what, fileOf, length] of [['manifest', (path) => join(path, 'MANIFEST'), 512], ['segment', segment, 64]]) {
  test(`a ${what} of a newer format is refused by version`, async (t) => {
    const path = await sample(t)
    const file = fileOf(path)
    const bytes = readFileSync(file)
    bytes.writeUInt32LE(3, 8)
    bytes.writeUInt32LE(crc32c(bytes.subarray(0, length - 4)), length - 4)
    writeFileSync(file, bytes)
    for (const options of [{}, { readOnly: true }]) {
      const before = readFileSync(file)
      const error = await rejectsWith(t, 'VERSION', Database.open(path, options), /format version 3.*open it with a newer moltendb-node/)
      t.is(error.file, file)
      t.deepEqual(readFileSync(file), before)
    }
    await rejectsWith(t, 'VERSION', Database.verify(path))
  })
}

if (unix) {
  for (const name of ['MANIFEST', 'LOCK', 'OWNER', 'segment']) {
    test(`a symbolic link in place of ${name} is refused`, async (t) => {
      const path = await sample(t)
      const file = name === 'segment' ? segment(path) : join(path, name)
      const target = `${path}-target`
      renameSync(file, target)
      t.teardown(() => rmSync(target))
      symlinkSync(target, file)
      const error = await refused(t, 'IO', path, /is a symbolic link; the files of a database are regular files/)
      t.is(error.file, file)
    })
  }

  test('a symbolic link to the directory is followed', async (t) => {
    const path = await sample(t)
    symlinkSync(path, `${path}-link`)
    const [db, same] = [await Database.open(`${path}-link`), await Database.open(path)]
    await db.collection('a').insertOne({ _id: 'through the link' })
    t.true(await same.collection('a').has('through the link'))
    await db.close()
    await same.close()
  })

  test('a socket or a directory in place of a file is refused', async (t) => {
    const path = await sample(t)
    rmSync(join(path, 'MANIFEST'))
    mkdirSync(join(path, 'MANIFEST'))
    await refused(t, 'IO', path, /MANIFEST is a directory; the files of a database are regular files/)
  })

  test.serial('directories have mode 0700 and files 0600, whatever the umask', async (t) => {
    const before = process.umask(0)
    t.teardown(() => process.umask(before))
    const path = join(directory(t), 'deeper')
    const db = await Database.open(path)
    await db.collection('a').insertOne({})
    await db.close()
    process.umask(before)
    t.is(statSync(path).mode & 0o777, 0o700)
    for (const name of readdirSync(path)) t.is(statSync(join(path, name)).mode & 0o777, 0o600, name)
  })

  test.serial('a directory that may not be read', async (t) => {
    const path = await sample(t)
    chmodSync(path, 0o000)
    t.teardown(() => chmodSync(path, 0o700))
    await unprivileged(path, async () => {
      for (const options of [{}, { readOnly: true }]) {
        const error = await rejectsWith(t, 'IO', Database.open(path, options), /Permission denied/)
        t.is(error.file, path)
      }
      await rejectsWith(t, 'IO', Database.verify(path), /Permission denied/)
    })
  })

  test.serial('a directory that may not be written', async (t) => {
    const path = await sample(t)
    chmodSync(path, 0o500)
    t.teardown(() => chmodSync(path, 0o700))
    await unprivileged(path, async () => {
      await rejectsWith(t, 'IO', Database.open(join(path, 'new')), /Permission denied/)
      const db = await Database.open(path, { readOnly: true })
      t.is(await db.collection('a').countDocuments(), 50)
      await db.close()
    })
  })

  for (const name of ['segment', 'MANIFEST', 'LOCK']) {
    test.serial(`a ${name} that may not be read`, async (t) => {
      const path = await sample(t)
      const file = name === 'segment' ? segment(path) : join(path, name)
      chmodSync(file, 0o000)
      await unprivileged(path, async () => {
        const error = await rejectsWith(t, 'IO', Database.open(path), /Permission denied/)
        t.is(error.file, file)
      })
      chmodSync(file, 0o600)
      const db = await Database.open(path)
      t.true(db.recovery.clean)
      await db.close()
    })
  }
}

/** Runs as a user who is subject to permissions, unlike root. */
async function unprivileged(path, work) {
  if (!isRoot) return work()
  const nobody = 65_534
  for (const name of [dirname(path), path, ...readdirSync(path).map((file) => join(path, file))]) chownSync(name, nobody, nobody)
  process.seteuid(nobody)
  try {
    return await work()
  } finally {
    process.seteuid(0)
  }
}

/** Why a test cannot have its own file system here; undefined if it can. */
function whyNoMount() {
  if (process.platform !== 'linux' || !isRoot) return 'mounting needs root on Linux'
  const path = mkdtempSync(join(tmpdir(), 'moltendb-mount-'))
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path], { encoding: 'utf8' })
  if (status === 0) spawnSync('umount', ['-l', path])
  rmSync(path, { recursive: true })
  return status === 0 ? undefined : `this machine mounts no tmpfs: ${(stderr ?? error?.message ?? '').trim()}`
}

const noMount = whyNoMount()

/**
 * A test that needs its own file system. If it cannot have one, it is skipped, and its title says why, because ava cannot
 * skip at run time.
 */
function testOnMount(title, body) {
  if (noMount === undefined) test(title, body)
  else test.skip(`${title} [skipped: ${noMount}]`, body)
}

/** A small file system for one test. */
function mounted(t, options) {
  const path = mkdtempSync(join(tmpdir(), 'moltendb-mount-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path])
  t.teardown(() => {
    spawnSync('umount', ['-l', path])
    rmSync(path, { recursive: true })
  })
  return path
}

testOnMount('a read-only file system: reading works, writing is refused by name', async (t) => {
  const mount = mounted(t, 'size=16m')
  const path = join(mount, 'db')
  cpSync(await sample(t), path, { recursive: true })
  execFileSync('mount', ['-o', 'remount,ro', mount])
  const before = stateOf(path)
  const error = await rejectsWith(t, 'IO', Database.open(path), /Read-only file system/)
  t.is(error.file, join(path, 'LOCK'))
  await rejectsWith(t, 'IO', Database.open(join(mount, 'new')), /Read-only file system/)
  const db = await Database.open(path, { readOnly: true })
  t.is(await db.collection('a').countDocuments(), 50)
  await rejectsWith(t, 'READ_ONLY', db.collection('a').insertOne({}))
  await db.close()
  t.true((await Database.verify(path)).ok)
  t.is(stateOf(path), before)
})

for (const storage of ['sync', 'async']) {
  testOnMount(`a full disk refuses the write, keeps the rest, and heals (${storage})`, async (t) => {
    const mount = mounted(t, 'size=6m')
    const path = join(mount, 'db')
    const ballast = join(mount, 'ballast')
    let db = await Database.open(path, { storage })
    const a = db.collection('a')
    const big = 'x'.repeat(20_000)
    const acknowledged = []
    writeFileSync(ballast, Buffer.alloc(1 << 20))
    const fill = async (from) => {
      for (let i = from; i < from + 1000; i++) {
        await a.insertOne({ _id: i, big })
        acknowledged.push(i)
      }
    }
    const error = await rejectsWith(t, 'STORAGE_FULL', fill(0), /space/i)
    t.regex(error.message, /a\.insertOne/)
    t.true(acknowledged.length > 50)
    const next = acknowledged.length
    t.is(await a.get(next), null, 'the refused write left a trace')
    await rejectsWith(t, 'STORAGE_FULL', a.updateMany({}, { $set: { changed: true } }))
    await rejectsWith(t, 'STORAGE_FULL', a.insertMany([{ _id: 'many', big: big.repeat(50) }]))
    t.is(await a.countDocuments(), next)
    t.is(await a.countDocuments({ changed: true }), 0)
    t.is((await a.find({ _id: { $lt: 10 } }).toArray()).length, Math.min(10, next))
    // When there is space again, writes succeed without reopening.
    rmSync(ballast)
    await a.insertOne({ _id: 'after', big })
    await db.flush()
    await rejectsWith(t, 'STORAGE_FULL', fill(10_000))
    await db.close()
    t.true((await Database.verify(path)).ok)
    db = await Database.open(path, { readOnly: true })
    const back = db.collection('a')
    t.is(await back.countDocuments(), acknowledged.length + 1)
    t.true((await back.getMany(acknowledged)).every((document) => document?.big === big))
    t.true(await back.has('after'))
    t.is(await back.get(next), null)
    await db.close()
  })
}

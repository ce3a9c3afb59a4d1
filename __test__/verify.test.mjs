import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import test from 'ava'

import { Database, directory, rejectsType, rejectsWith } from './support/database.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** A closed database of 100 documents in three sessions, so three segments. */
async function sample(t) {
  const path = directory(t)
  for (let session = 0; session < 3; session++) {
    const db = await Database.open(path)
    const users = db.collection('users')
    for (let i = 0; i < 40; i++) await users.insertOne({ _id: session * 40 + i, name: `user ${i}`, [`only${session}`]: true })
    await db.close()
  }
  const db = await Database.open(path)
  await db.collection('users').deleteMany({ _id: { $lt: 20 } })
  await db.close()
  return path
}

function hashOf(path) {
  const hash = createHash('sha256')
  for (const name of readdirSync(path).toSorted()) hash.update(name).update(readFileSync(join(path, name)))
  return hash.digest('hex')
}

function segments(path) {
  return readdirSync(path).filter((name) => name.endsWith('.log')).toSorted()
}

test('a whole database is reported file by file, and no byte changes', async (t) => {
  const path = await sample(t)
  const before = hashOf(path)
  const found = await Database.verify(path)
  t.is(hashOf(path), before)
  t.true(found.ok)
  t.true(found.clean)
  t.is(found.documents, 100)
  t.is(found.lastLsn, 121)
  t.deepEqual(found.files.map((file) => file.kind), ['manifest', 'segment', 'segment', 'segment', 'segment'])
  t.is(found.files[0].bytes, 512)
  t.deepEqual(found.files.slice(1).map((file) => file.frames), [40, 40, 40, 1])
  t.true(found.files.every((file) => file.firstDamage === null && file.tornBytes === 0 && file.bytes > 0))
})

test('reading goes on behind damage, and only the damaged file is blamed', async (t) => {
  const path = await sample(t)
  const name = segments(path)[1]
  const bytes = readFileSync(join(path, name))
  const at = bytes.indexOf('user 7')
  bytes[at] ^= 1
  writeFileSync(join(path, name), bytes)
  const found = await Database.verify(path)
  t.false(found.ok)
  t.false(found.clean)
  t.deepEqual(found.files.filter((file) => file.firstDamage !== null).map((file) => file.file), [name])
  const damaged = found.files.find((file) => file.file === name)
  t.is(damaged.frames, 39)
  t.is(damaged.firstDamage.lsn, 48)
  t.true(damaged.firstDamage.offset < at && damaged.firstDamage.offset > at - 200)
  t.regex(damaged.firstDamage.message, /checksum/)
  t.is(found.documents, 99)
  t.is(found.lastLsn, 121)
})

test('every byte flipped is found, whichever file it is in', async (t) => {
  const path = await sample(t)
  let flips = 0
  for (const name of ['MANIFEST', ...segments(path)]) {
    const whole = readFileSync(join(path, name))
    for (let at = 0; at < whole.length; at += 53) {
      const bytes = Buffer.from(whole)
      bytes[at] ^= 1 << (at % 8)
      writeFileSync(join(path, name), bytes)
      const found = await Database.verify(path).catch((error) => error)
      t.true(found.kind === 'VERSION' || found.ok === false, `${name} at ${at}`)
      if (found.ok === false) t.not(found.files.find((file) => file.file === name)?.firstDamage ?? null, null, `${name} at ${at}`)
      flips += 1
    }
    writeFileSync(join(path, name), whole)
  }
  t.true(flips > 150)
  t.true((await Database.verify(path)).ok)
})

test('a missing segment and a missing manifest are damage of those files', async (t) => {
  const path = await sample(t)
  const [, second] = segments(path)
  const kept = readFileSync(join(path, second))
  rmSync(join(path, second))
  const gap = await Database.verify(path)
  t.is(gap.files.find((file) => file.firstDamage)?.file, second)
  t.regex(gap.files.find((file) => file.firstDamage).firstDamage.message, /missing/)
  t.is(gap.documents, 60)
  writeFileSync(join(path, second), kept)
  rmSync(join(path, 'MANIFEST'))
  const headless = await Database.verify(path)
  t.deepEqual(headless.files.filter((file) => file.firstDamage).map((file) => file.file), ['MANIFEST'])
  t.is(headless.documents, 100)
})

test('what a kill left unfinished is torn, not damaged', async (t) => {
  const path = await sample(t)
  const source = `
    const { Database } = require('./index.js')
    Database.open(${JSON.stringify(path)}).then(async (db) => {
      for (let i = 1000; i < 1010; i++) await db.collection('users').insertOne({ _id: i })
      process.kill(process.pid, 'SIGKILL')
    })`
  await once(spawn(process.execPath, ['-e', source], { cwd: root, stdio: 'inherit' }), 'exit')
  const name = join(path, segments(path).at(-1))
  writeFileSync(name, readFileSync(name).subarray(0, -9))
  const before = hashOf(path)
  const found = await Database.verify(path)
  t.is(hashOf(path), before)
  t.true(found.ok)
  t.false(found.clean)
  t.is(found.documents, 109)
  t.true(found.files.at(-1).tornBytes > 0)
  const db = await Database.open(path)
  t.is(db.recovery.bytesCut, found.files.at(-1).tornBytes)
  t.is(await db.collection('users').countDocuments(), 109)
  await db.close()
})

test('a database that is open for writing is LOCKED, one that is read is not', async (t) => {
  const path = await sample(t)
  const writing = await Database.open(path)
  const error = await rejectsWith(t, 'LOCKED', Database.verify(path), /Database\.verify/)
  t.is(error.pid, process.pid)
  await writing.close()
  const reading = await Database.open(path, { readOnly: true })
  t.true((await Database.verify(path)).ok)
  await reading.close()
})

test('what is no database is refused and left alone', async (t) => {
  const path = directory(t)
  await rejectsWith(t, 'IO', Database.verify(path), /there is no database at/)
  t.false(existsSync(path))
  writeFileSync(path, 'a file')
  await rejectsWith(t, 'IO', Database.verify(path), /not a directory/)
  await rejectsWith(t, 'IO', Database.verify(root), /holds no database/)
  await rejectsType(t, () => Database.verify(':memory:'), /path/)
  await rejectsType(t, () => Database.verify(7), /path/)
  const reason = new Error('enough')
  t.is(await t.throwsAsync(Database.verify(path, { signal: AbortSignal.abort(reason) })), reason)
})

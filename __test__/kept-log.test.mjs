// The option history: the log is kept for change streams within limits, and stats, verify and the files tell how much of it.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import test from 'ava'

import { Database, directory, memory, rejectsType } from './support/database.mjs'

const segments = (path) => readdirSync(path).filter((name) => name.startsWith('seg-')).sort()

async function write(db, from, count) {
  for (let n = from; n < from + count; n++) await db.collection('a').insertOne({ _id: n, text: 'x'.repeat(1000) })
}

test('the log is kept beyond compactions, also when it is opened again, until the option says false', async (t) => {
  const path = directory(t)
  const began = Date.now()
  let db = await Database.open(path, { history: { changes: {} } })
  await write(db, 0, 100)
  t.like((await db.stats()).history.changes, { from: 1, bytes: 0 })
  await db.compact()
  await write(db, 100, 1)
  let stats = await db.stats()
  const { from, time, bytes } = stats.history.changes
  t.is(from, 1)
  t.true(time >= began && time <= Date.now())
  t.true(bytes > 100_000 && stats.bytesOnDisk > 1.9 * bytes)
  await db.close()
  t.true((await Database.verify(path)).files.some(({ file, frames }) => file === segments(path)[0] && frames >= 100))

  db = await Database.open(path)
  t.deepEqual((await db.stats()).history.changes, { from, time, bytes })
  await db.compact()
  t.is((await db.stats()).history.changes.from, 1)
  t.is(await db.collection('a').countDocuments(), 101)
  await db.close()
  t.true(segments(path).length >= 3)

  db = await Database.open(path, { history: { changes: false } })
  stats = await db.stats()
  t.deepEqual(stats.history, { log: { from: stats.lastLsn + 1, time: null }, changes: null, past: null })
  t.true(stats.bytesOnDisk < 1.5 * bytes && segments(path).length === 1)
  t.is(await db.collection('a').countDocuments(), 101)
  await db.close()
})

test('without a reader nothing is kept, and limits give the oldest back', async (t) => {
  const path = directory(t)
  let db = await Database.open(path)
  t.deepEqual((await db.stats()).history, { log: { from: 1, time: null }, changes: null, past: null })
  await db.collection('b').insertOne({ _id: 1 })
  const { log } = (await db.stats()).history
  t.true(log.from === 1 && Math.abs(log.time - Date.now()) < 60_000)
  await write(db, 0, 10)
  await db.compact()
  t.is(segments(path).length, 1)
  await db.close()
  db = await Database.open(path, { history: { changes: { maxAge: Infinity, maxBytes: 60_000 } } })
  for (let n = 1; n <= 5; n++) {
    await write(db, n * 20, 20)
    await db.compact()
  }
  const { from, bytes } = (await db.stats()).history.changes
  t.true(from > 11 && bytes > 20_000 && bytes <= 60_000)
  await db.close()
  db = await Database.open(path, { history: { changes: { maxAge: 1 } } })
  const { lastLsn, history } = await db.stats()
  t.deepEqual(history.changes, { from: lastLsn + 1, time: null, bytes: 0 })
  await db.close()
  t.is((await (await memory(t)).stats()).history, null)
})

test('damage of the history is told by verify and does not keep the database from opening', async (t) => {
  const path = directory(t)
  let db = await Database.open(path, { history: { changes: {} } })
  await write(db, 0, 20)
  await db.compact()
  await db.close()
  const file = join(path, segments(path)[0])
  const content = readFileSync(file)
  content[content.length >> 1] ^= 1
  writeFileSync(file, content)
  const { ok, files } = await Database.verify(path)
  t.false(ok)
  const damaged = files.filter(({ firstDamage }) => firstDamage)
  t.deepEqual(damaged.map((one) => one.file), [segments(path)[0]])
  db = await Database.open(path)
  t.is(await db.collection('a').countDocuments(), 20)
  await db.close()
})

test('a wrong option is named', async (t) => {
  for (const [history, message] of [
    [true, /option history/], [{ change: {} }, /option history.*no option "change"; did you mean "changes"/], [{ changes: true }, /option history\.changes .*or false/],
    [{ changes: 0 }, /option history\.changes .*or false/], [{ changes: { age: 1 } }, /option history\.changes.*no option "age"/],
    [{ changes: { maxAge: 0 } }, /option history\.changes\.maxAge .*changes: false/], [{ changes: { maxBytes: '1 GB' } }, /option history\.changes\.maxBytes/]
  ]) await rejectsType(t, () => Database.open('nowhere', { history, createIfMissing: false }), message)
})

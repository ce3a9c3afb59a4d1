// Earlier states of a database: read beside it, and made a new one.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import test from 'ava'

import { Database, directory, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

const lastLsn = async (db) => (await db.stats()).lastLsn

async function lines(db, options) {
  let text = ''
  await db.exportJSONL(new WritableStream({ write: (chunk) => void (text += Buffer.from(chunk)) }), options)
  return text
}

/** A database with three states of users, and what each has. */
async function withHistory(t, options) {
  const path = directory(t)
  const db = await onDisk(t, { history: { changes: {} }, autoCompact: false, ...options }, path)
  const users = db.collection('users')
  const states = []
  const note = async () => {
    await sleep(3)
    states.push({ lsn: await lastLsn(db), time: new Date(), users: await users.find().toArray() })
    await sleep(3)
  }
  await users.insertMany([{ _id: 1, n: 1 }, { _id: 2, n: 1 }])
  await users.createIndex('n')
  await note()
  await users.updateOne({ _id: 1 }, { $set: { n: 2 } })
  await db.sibling('other').collection('things').insertOne({ _id: 'x' })
  await note()
  await users.deleteMany({})
  await users.drop()
  await note()
  return { path, db, states }
}

test('asOf reads the state after a commit and at a time, with its indexes, siblings and $$NOW', async (t) => {
  const { db, states } = await withHistory(t)
  for (const compacts of [false, true]) {
    if (compacts) await db.compact()
    for (const { lsn, time, users } of states) {
      for (const moment of [{ lsn }, time, { time }]) {
        const past = await db.asOf(moment)
        const of = past.collection('users')
        t.deepEqual(await of.find().toArray(), users)
        t.deepEqual(await of.find({ n: 1 }).toArray(), users.filter(({ n }) => n === 1))
        t.is(await of.countDocuments({ n: 2 }), users.filter(({ n }) => n === 2).length)
        t.deepEqual(users.length > 0 ? (await of.indexes()).map(({ name }) => name) : [], users.length > 0 ? ['_id_', 'n_1'] : [])
        t.is(of.getSync(1)?.n, users.find(({ _id }) => _id === 1)?.n)
        t.is(await lastLsn(past), lsn)
        t.is(await past.sibling('other').collection('things').countDocuments(), lsn > states[0].lsn ? 1 : 0)
        const [{ now }] = await past.aggregate([{ $documents: [{}] }, { $project: { now: '$$NOW' } }]).toArray()
        t.true(now <= time, 'the time of the commit')
        const seen = await of.aggregate([{ $match: { $expr: { $eq: ['$$NOW', now] } } }]).toArray()
        t.is(seen.length, users.length)
        await past.close()
      }
    }
  }
  const siblingOfThen = await db.sibling('other').asOf({ lsn: states[1].lsn })
  t.deepEqual([siblingOfThen.databaseName, await siblingOfThen.collection('things').countDocuments()], ['other', 1])
  await siblingOfThen.close()
  t.is(await (await db.asOf(new Date(0))).collection('users').countDocuments(), 0, 'before the first commit there was nothing')
})

test('an earlier state refuses writes and watching, and can be copied out', async (t) => {
  const { db, states, path } = await withHistory(t)
  const past = await db.asOf({ lsn: states[1].lsn })
  const users = past.collection('users')
  const words = /this is an earlier state of .*, which cannot be changed; write to the database itself/
  await rejectsWith(t, 'READ_ONLY', users.insertOne({ _id: 9 }), words)
  await rejectsWith(t, 'READ_ONLY', users.deleteMany({}), words)
  await rejectsWith(t, 'READ_ONLY', users.createIndex('m'))
  await rejectsWith(t, 'READ_ONLY', past.dropDatabase())
  await rejectsWith(t, 'READ_ONLY', past.compact())
  await rejectsWith(t, 'NOT_SUPPORTED', users.watch().next(), /nothing changes; watch the database itself/)
  t.is(await past.transaction((tx) => tx.collection('users').countDocuments()), 2)
  t.is((await lines(past)).trim().split('\n').length, 2)
  t.is((await lines(past, { allDatabases: true })).trim().split('\n').length, 3)
  const result = await past.backup(`${path}-copy`)
  t.is(result.lsn, states[1].lsn)
  const copy = await onDisk(t, {}, `${path}-copy`)
  t.deepEqual(await copy.collection('users').find().toArray(), states[1].users)
  const versions = []
  for await (const version of users.history(1)) versions.push(version.version)
  t.deepEqual(versions, [1, 2], 'the versions up to then')
})

test('an earlier state stays what it is while the database goes on, and ends with it', async (t) => {
  const { db, states } = await withHistory(t, { memoryLimit: 1, history: { changes: false } })
  const past = await db.asOf({ lsn: states[1].lsn })
  const other = await db.asOf({ lsn: states[0].lsn })
  await db.collection('users').insertMany(Array.from({ length: 500 }, (_, _id) => ({ _id, text: 'x'.repeat(200) })))
  await db.compact()
  await db.compact()
  t.deepEqual(await past.collection('users').find().toArray(), states[1].users)
  await rejectsWith(t, 'HISTORY_LOST', db.asOf({ lsn: states[1].lsn }), /the state after commit \d+ is no longer kept; the oldest that is kept is the one after commit \d+, of \d{4}-/)
  await other.close()
  await rejectsWith(t, 'CLOSED', other.collection('users').findOne())
  await db.close()
  await rejectsWith(t, 'CLOSED', past.collection('users').findOne())
  await rejectsWith(t, 'CLOSED', db.asOf({ lsn: 0 }))
})

test('asOf names what it cannot give', async (t) => {
  const { db } = await withHistory(t)
  const newest = await lastLsn(db)
  await rejectsType(t, () => db.asOf({ lsn: newest + 1 }), new RegExp(`there is no commit ${newest + 1} yet; the newest one is ${newest}`))
  for (const wrong of [undefined, null, 5, '2024-01-01', {}, { lsn: -1 }, { lsn: 1.5 }, { lsn: 1, time: new Date() }, { time: 5 }]) {
    await rejectsType(t, () => db.asOf(wrong), /Database.asOf: moment must be/)
  }
  await rejectsType(t, () => db.asOf({ lsm: 1 }), /lsm/)
  await rejectsType(t, () => db.asOf(new Date(NaN)), /moment is an invalid Date/)
  const inMemory = await memory(t)
  await rejectsWith(t, 'NOT_SUPPORTED', inMemory.asOf({ lsn: 0 }), /a database in memory keeps no earlier states/)
})

test('at most 16 earlier states are open at once, also of calls at the same time', async (t) => {
  const { db, states } = await withHistory(t)
  const { lsn } = states[0]
  const opened = await Promise.allSettled(Array.from({ length: 20 }, () => db.asOf({ lsn })))
  const pasts = opened.flatMap(({ value }) => value ?? [])
  t.is(pasts.length, 16)
  t.true(opened.every(({ reason }) => reason === undefined || (reason.kind === 'LIMIT' && /16 earlier states are open/.test(reason.message))))
  await rejectsWith(t, 'LIMIT', db.asOf({ lsn }))
  await pasts[3].close()
  const next = await db.asOf({ lsn })
  t.is(await next.collection('users').countDocuments(), 2)
  await next.close()
  await rejectsType(t, () => db.asOf({ lsn: 1e6 }), /there is no commit/)
  t.is((await db.asOf({ lsn })).collection('users').collectionName, 'users', 'one that failed is not open')
})

test('a recoverTo that was given up makes nothing and holds nothing', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, { history: { changes: {} } }, path)
  const rows = Array.from({ length: 20_000 }, (_, n) => ({ n, text: 'x'.repeat(100) }))
  await db.collection('rows').insertMany(rows)
  const lsn = await lastLsn(db)
  await db.close()
  for (const wait of [0, 5, 20]) {
    const controller = new AbortController()
    const given = Database.recoverTo(path, `${path}-to`, { lsn }, { signal: controller.signal })
    const ended = given.then(() => 'made', (error) => error.name)
    await sleep(wait)
    controller.abort()
    const how = await ended
    if (how === 'made') rmSync(`${path}-to`, { recursive: true })
    else t.is(how, 'AbortError')
    t.deepEqual(readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}-to`)), [])
    const again = await Database.open(path)
    t.is(await again.collection('rows').countDocuments(), rows.length)
    await again.close()
  }
})

test('a new database is not made in the one it is made of, by whatever path, nor in memory', async (t) => {
  const { db, states, path } = await withHistory(t)
  mkdirSync(`${path}/quarantine`, { recursive: true })
  const { lsn } = states[0]
  for (const inside of [`${path}/x`, `${path}/quarantine/../x`, `${path}/./y/../x`]) {
    await rejectsWith(t, 'IO', db.backup(inside), /./)
  }
  t.true((await db.backup(`${path}/../${basename(path)}-copy`)).documents >= 0)
  await rejectsType(t, () => db.backup(':memory:'), /the destination must be a directory/)
  await db.close()
  await rejectsType(t, () => Database.recoverTo(path, ':memory:', { lsn }), /the destination must be a directory/)
  await rejectsWith(t, 'IO', Database.recoverTo(path, `${path}/quarantine/../x`, { lsn }), /is inside the directory of the database/)
  t.false(existsSync(`${path}/x`))
})

test('with history.past states reach behind compactions, within its limits, also in later openings, until it is false', async (t) => {
  const path = directory(t)
  const snapshots = () => readdirSync(path).filter((name) => name.endsWith('.snp')).length
  let db = await Database.open(path, { history: { changes: false, past: {} }, autoCompact: false })
  const users = db.collection('users')
  const states = []
  for (let n = 0; n < 5; n++) {
    await users.insertOne({ _id: n, text: 'x'.repeat(5_000) })
    await users.updateOne({ _id: 0 }, { $set: { n } })
    states.push({ lsn: await lastLsn(db), count: n + 1, n })
    if (n > 0) await db.compact()
  }
  const holds = async ({ lsn, count, n }) => {
    const past = await db.asOf({ lsn })
    t.deepEqual([await past.collection('users').countDocuments(), (await past.collection('users').findOne({ _id: 0 })).n], [count, n])
    await past.close()
  }
  for (const state of states) await holds(state)
  const { history } = await db.stats()
  t.like(history.past, { from: 0, time: null })
  t.true(history.past.bytes > 20_000 && history.changes.from === 1, JSON.stringify(history))
  t.is(snapshots(), 4)
  await db.close()
  t.is((await Database.verify(path)).files.filter(({ file, blocks }) => file.endsWith('.snp') && blocks > 0).length, 4)

  db = await Database.open(path)
  for (const state of states) await holds(state)
  await db.close()
  for (const [n, { lsn, count }] of states.entries()) {
    t.is((await Database.recoverTo(path, `${path}-${n}`, { lsn })).documents, count)
  }

  // The two oldest snapshots, and the log before them, are over the limit.
  db = await Database.open(path, { history: { changes: false, past: { maxBytes: history.past.bytes - 1 } } })
  const oldest = (await db.stats()).history.past
  t.true(oldest.from > 0 && oldest.bytes < history.past.bytes && oldest.time > 0)
  await rejectsWith(t, 'HISTORY_LOST', db.asOf({ lsn: oldest.from - 1 }), new RegExp(`the oldest that is kept is the one after commit ${oldest.from}, of`))
  for (const state of states.filter(({ lsn }) => lsn >= oldest.from)) await holds(state)
  await db.close()
  t.true(snapshots() < 4)

  db = await Database.open(path, { history: { past: false } })
  t.is((await db.stats()).history.past, null)
  t.is(snapshots(), 1)
  t.is(await db.collection('users').countDocuments(), 5)
  for (const wrong of [true, null, 5, { age: 1 }, { maxAge: 0 }, { maxBytes: '1' }]) {
    await rejectsType(t, () => Database.open(`${path}-y`, { history: { past: wrong } }), /option history.past|there is no option/)
  }
})

test('a damaged snapshot of an earlier state is told, and an older one leads there as well', async (t) => {
  const path = directory(t)
  let db = await Database.open(path, { history: { past: {} }, autoCompact: false })
  for (let n = 0; n < 3; n++) {
    await db.collection('users').insertOne({ _id: n, text: 'x'.repeat(500) })
    await db.compact()
  }
  const lsn = (await lastLsn(db)) - 1
  await db.close()
  const [, damaged] = readdirSync(path).filter((name) => name.endsWith('.snp'))
  const bytes = readFileSync(join(path, damaged))
  bytes[200] ^= 4
  writeFileSync(join(path, damaged), bytes)
  t.deepEqual((await Database.verify(path)).files.filter(({ firstDamage }) => firstDamage).map(({ file }) => file), [damaged])
  db = await Database.open(path)
  const error = await rejectsWith(t, 'CORRUPT', db.asOf({ lsn }))
  t.is(error.file, join(path, damaged))
  t.is(await db.collection('users').countDocuments(), 3)
  await db.close()
  t.is((await Database.recoverTo(path, `${path}-to`, { lsn })).documents, 2)
  // Of a damaged beginning of the oldest nothing else leads to its states.
  const [oldest] = readdirSync(path).filter((name) => name.endsWith('.snp'))
  const first = readdirSync(path).find((name) => name.endsWith('.log'))
  writeFileSync(join(path, oldest), Buffer.alloc(8))
  rmSync(join(path, first))
  db = await Database.open(path)
  t.is((await rejectsWith(t, 'CORRUPT', db.asOf({ lsn: 1 }))).file, join(path, oldest))
  t.is(await db.collection('users').countDocuments(), 3)
  await db.close()
  t.is((await rejectsWith(t, 'CORRUPT', Database.recoverTo(path, `${path}-none`, { lsn: 1 }))).file, join(path, first), 'the way from nothing ends there')
})

test('a damaged beginning of a kept segment is told, and takes away no file of other states', async (t) => {
  const path = directory(t)
  let db = await Database.open(path, { history: { past: {} }, autoCompact: false })
  const lsns = []
  for (let n = 0; n < 3; n++) {
    await db.collection('users').insertMany([{ _id: n }, { _id: n + 10 }])
    await db.collection('users').insertOne({ _id: n + 20 })
    lsns.push(await lastLsn(db))
    await db.compact()
  }
  await db.close()
  const files = () => readdirSync(path).filter((name) => /\.(log|snp)$/.test(name))
  const before = files()
  const damaged = join(path, before.filter((name) => name.endsWith('.log'))[2])
  const bytes = readFileSync(damaged)
  bytes[20] ^= 1
  writeFileSync(damaged, bytes)
  db = await Database.open(path)
  const error = await rejectsWith(t, 'CORRUPT', db.asOf({ lsn: lsns[2] - 1 }))
  t.is(error.file, damaged)
  t.is(await db.collection('users').countDocuments(), 9)
  await db.close()
  t.deepEqual(files().filter((name) => before.includes(name)), before)
  t.is((await Database.recoverTo(path, `${path}-to`, { lsn: lsns[1] - 1 })).documents, 5)
})

test('recoverTo makes a new database of a moment and changes nothing', async (t) => {
  const { db, states, path } = await withHistory(t)
  await db.compact()
  await rejectsWith(t, 'LOCKED', Database.recoverTo(path, `${path}-open`, states[0].time))
  await db.close()
  const content = () => readdirSync(path).map((name) => [name, readFileSync(join(path, name)).toString('base64')])
  const before = content()
  for (const [n, { lsn, time, users }] of states.entries()) {
    const to = `${path}-${n}`
    const made = await Database.recoverTo(path, to, n === 0 ? { lsn } : { time })
    t.is(made.lsn, lsn)
    t.true(made.time <= time.getTime() && made.bytes > 0)
    t.is(made.damage, null)
    const copy = await onDisk(t, {}, to)
    t.deepEqual(await copy.collection('users').find().toArray(), users)
    t.is(made.documents, users.length + (n > 0 ? 1 : 0))
    await rejectsWith(t, 'IO', Database.recoverTo(path, to, { lsn }), /is there already/)
  }
  t.deepEqual(content(), before)
  await rejectsType(t, () => Database.recoverTo(path, `${path}-x`, { lsn: 1e6 }), /there is no commit 1000000; the newest one is/)
  await rejectsWith(t, 'IO', Database.recoverTo(`${path}-none`, `${path}-x`, { lsn: 1 }), /there is no database/)
  t.false(existsSync(`${path}-x`))
})

test('recoverTo tells how far a damaged directory is whole, and takes that if it may', async (t) => {
  const { db, states, path } = await withHistory(t)
  await db.close()
  const log = readdirSync(path).find((name) => name.endsWith('.log'))
  const bytes = readFileSync(join(path, log))
  // In the last quarter of the log, which has the deletions.
  const at = Math.floor(statSync(join(path, log)).size * 0.8)
  bytes[at] ^= 1
  writeFileSync(join(path, log), bytes)
  const error = await rejectsWith(t, 'CORRUPT', Database.recoverTo(path, `${path}-x`, states[2].time), /The state after commit \d+, of .* is the newest that is whole; allowPartial takes it/)
  t.is(error.file, join(path, log))
  t.false(existsSync(`${path}-x`))
  const made = await Database.recoverTo(path, `${path}-part`, states[2].time, { allowPartial: true })
  t.true(made.lsn >= states[0].lsn && made.lsn < states[2].lsn, JSON.stringify(made))
  t.is(made.damage.file, join(path, log))
  const copy = await onDisk(t, {}, `${path}-part`)
  t.is(await copy.collection('users').countDocuments(), 2)
  t.is((await Database.recoverTo(path, `${path}-before`, { lsn: states[0].lsn })).damage, null, 'what is before the damage needs no leave')
})

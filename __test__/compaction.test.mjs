// Compaction, backups and documents beyond the memory limit: the same results, smaller files, copies that open.

import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

import test from 'ava'

import { Database } from '../index.mjs'
import { directory, rejectsWith } from './support/database.mjs'

const document = (n) => ({ _id: n, text: `document ${n} `.repeat(8), version: 0 })
const documents = Array.from({ length: 5000 }, (_, n) => document(n))

function bytesOf(path) {
  return readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0)
}

test('compact answers what it did, shrinks the files and changes no answer', async (t) => {
  const path = directory(t)
  const db = await Database.open(path, { autoCompact: false })
  const items = db.collection('items')
  await items.insertMany(documents)
  for (let round = 0; round < 4; round++) await items.updateMany({}, { $inc: { version: 1 } })
  await items.deleteMany({ _id: { $gte: 2500 } })
  const before = bytesOf(path)
  const writes = Promise.all(Array.from({ length: 100 }, (_, n) => items.insertOne({ _id: `during-${n}` })))
  const result = await db.compact()
  await writes
  t.true(result.documents >= 2500 && result.documents <= 2600)
  t.true(result.bytesAfter < result.bytesBefore / 4, JSON.stringify(result))
  t.true(typeof result.ms === 'number' && typeof result.pauseMs === 'number')
  t.true(bytesOf(path) < before / 3)
  for (let opened = db, n = 0; n < 2; n++) {
    const found = opened.collection('items')
    t.is(await found.countDocuments({ version: 4 }), 2500)
    t.is(await found.countDocuments({ _id: /^during-/ }), 100)
    t.deepEqual(await found.get(77), { ...document(77), version: 4 })
    t.deepEqual((await found.get(77, { meta: true })).version, 5)
    await opened.close()
    if (n === 0) opened = await Database.open(path)
  }
})

test('compacting a database in memory releases what deletions left', async (t) => {
  const db = await Database.open(':memory:', { autoCompact: false })
  const items = db.collection('items')
  await items.insertMany(documents)
  await items.deleteMany({ _id: { $mod: [100, 1] } })
  t.deepEqual((await db.compact()).documents, 4950)
  await items.deleteMany({ _id: { $not: { $mod: [100, 0] } } })
  const result = await db.compact()
  t.is(result.documents, 50)
  t.true(result.bytesAfter < result.bytesBefore / 20, JSON.stringify(result))
  t.deepEqual(await items.find().toArray(), documents.filter((_, n) => n % 100 === 0))
  await db.close()
})

test('retention keeps generations that open by themselves', async (t) => {
  const path = directory(t)
  const db = await Database.open(path, { autoCompact: false, retention: { generations: 1 } })
  const items = db.collection('items')
  await items.insertOne({ _id: 'first' })
  await db.compact()
  await items.deleteOne({ _id: 'first' })
  await items.insertOne({ _id: 'second' })
  await db.compact()
  await db.close()
  const kept = readdirSync(join(path, 'backup'))
  t.is(kept.length, 1)
  const old = await Database.open(join(path, 'backup', kept[0]))
  t.deepEqual((await old.collection('items').find().toArray()).map(({ _id }) => _id).toSorted(), ['second'])
  await old.close()
  await t.throwsAsync(Database.open(path, { retention: { generations: -1 } }), { instanceOf: TypeError })
  await t.throwsAsync(Database.open(path, { retention: 3 }), { instanceOf: TypeError })
})

test('a backup made while writers go on holds all that had resolved, and opens by itself', async (t) => {
  for (const from of [directory(t), ':memory:']) {
    const destination = join(directory(t), 'copy')
    const db = await Database.open(from)
    const items = db.collection('items')
    await items.insertMany(documents)
    await db.collection('others').insertOne({ _id: 1n, when: new Date(5), bytes: Buffer.from([1, 2]) })
    const later = Promise.all(Array.from({ length: 200 }, (_, n) => items.insertOne({ _id: `later-${n}` })))
    const result = await db.backup(destination)
    t.true(result.documents >= 5001, JSON.stringify(result))
    await later
    await rejectsWith(t, 'IO', db.backup(destination), /is there already/)
    await db.close()
    t.false(existsSync(`${destination}.partial`))
    t.true((await Database.verify(destination)).ok)
    const copy = await Database.open(destination, { storage: 'sync' })
    t.deepEqual(await copy.collection('items').find({ text: { $exists: true } }).toArray(), documents)
    t.deepEqual(await copy.collection('others').find().toArray(), [{ _id: 1n, when: new Date(5), bytes: Buffer.from([1, 2]) }])
    await copy.collection('items').insertOne({ _id: 'goes on' })
    await copy.close()
  }
})

test('beyond memoryLimit documents are on disk, with the same answers', async (t) => {
  const path = directory(t)
  for (let opening = 0; opening < 2; opening++) {
    const db = await Database.open(path, { memoryLimit: 60_000 })
    const items = db.collection('items')
    if (opening === 0) for (let n = 0; n < 5000; n += 500) await items.insertMany(documents.slice(n, n + 500))
    t.deepEqual(await items.find().toArray(), documents)
    t.deepEqual(await items.find({ _id: { $in: [4, 4000] } }).sort({ _id: -1 }).toArray(), [document(4000), document(4)])
    for (let n = 0; n < 5000; n += 61) t.deepEqual(await items.get(n), document(n))
    t.deepEqual(items.getSync(1234), document(1234))
    t.true((await db.stats()).hotBytes < 90_000)
    await db.compact()
    t.deepEqual(await items.find().toArray(), documents)
    await db.close()
  }
})

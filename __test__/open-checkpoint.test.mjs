// Opening from the checkpoint that a clean close leaves: it answers what a list of the same documents answers, whatever was
// written behind it, and whatever happened to its file. `support/checkpoints.mjs` has the database and the comparison.

import { cp, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import test from 'ava'

import { agrees, change, checkpoints, COUNT, create, document, idOf, killed } from './support/checkpoints.mjs'
import { Database, rejectsWith } from './support/database.mjs'

let folder, original, documents

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moltendb-checkpoint-'))
  original = join(folder, 'original')
  documents = await create(original)
})

test.after.always(() => rm(folder, { recursive: true, force: true }))

/** A closed copy of the database, and its own list of documents. */
let copies = 0
async function copy() {
  const path = join(folder, `copy-${copies++}`)
  await cp(original, path, { recursive: true })
  return { path, model: documents.copy() }
}

async function opened(t, path, options) {
  const db = await Database.open(path, options)
  t.teardown(() => db.close().catch(() => {}))
  return db
}

/** Changes one byte of a file, from the end where the offset is negative. */
async function flip(path, offset) {
  const file = await open(path, 'r+')
  const at = offset < 0 ? (await file.stat()).size + offset : offset
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, at)
  byte[0] ^= 4
  await file.write(byte, 0, 1, at)
  await file.close()
}

const segments = async (path) => (await readdir(path)).filter((name) => name.endsWith('.log')).sort()

test('a clean close leaves one checkpoint, and the next opening reads nothing of the log', async (t) => {
  const { path } = await copy()
  const [name, ...more] = await checkpoints(path)
  t.deepEqual(more, [])
  if (process.platform !== 'win32') t.is((await stat(join(path, name))).mode & 0o777, 0o600)
  const db = await opened(t, path)
  t.true(db.recovery.clean)
  t.is(db.recovery.framesReplayed, 0)
  const before = await db.stats()
  t.is(before.documents, documents.all.size + 60)
  t.is(before.hotBytes, 0)
  t.deepEqual(await db.collection('users').get(idOf(1)), document(1))
  const after = await db.stats()
  t.true(after.pagesRead > before.pagesRead && after.cacheBytes > before.cacheBytes)
  t.true(after.hotBytes > 0, 'a document that was read stays in memory')
})

test('a database answers the same when it was opened again, and after changes, three times over', async (t) => {
  const { path, model } = await copy()
  for (let round = 1; round <= 3; round++) {
    const db = await opened(t, path)
    t.is(db.recovery.clean, true)
    await agrees(t, db, model, `opened ${round}`)
    await change(t, db, model, round)
    await agrees(t, db, model, `changed ${round}`)
    await db.close()
  }
  const report = await Database.verify(path)
  t.true(report.ok)
  t.is(report.documents, model.all.size + 60)
})

test('changes come first, reads afterwards', async (t) => {
  const { path, model } = await copy()
  const db = await opened(t, path)
  await change(t, db, model, 1)
  await agrees(t, db, model)
  await db.close()
  await agrees(t, await opened(t, path), model)
})

test('a memory limit changes no answer', async (t) => {
  const { path, model } = await copy()
  for (const memoryLimit of [1, 100_000]) {
    const db = await opened(t, path, { memoryLimit })
    await agrees(t, db, model, `limit ${memoryLimit}`)
    await change(t, db, model, memoryLimit === 1 ? 1 : 2)
    await agrees(t, db, model, `limit ${memoryLimit}, changed`)
    t.true((await db.stats()).hotBytes <= 2 * memoryLimit + 200_000)
    await db.close()
  }
})

test('a database that is only read answers from the checkpoint, and leaves its files as they are', async (t) => {
  const { path, model } = await copy()
  const names = (await readdir(path)).sort()
  const db = await opened(t, path, { readOnly: true })
  t.is(db.recovery.framesReplayed, 0)
  await agrees(t, db, model)
  await rejectsWith(t, 'READ_ONLY', () => db.collection('users').insertOne({}))
  await db.close()
  t.deepEqual((await readdir(path)).sort(), names)
})

test('the checkpoint stays where little was written behind it, and is replaced where much was', async (t) => {
  const { path, model } = await copy()
  const [first] = await checkpoints(path)
  let db = await opened(t, path)
  await change(t, db, model, 1)
  await db.close()
  t.deepEqual(await checkpoints(path), [first])
  db = await opened(t, path)
  t.true(db.recovery.clean)
  t.true(db.recovery.framesReplayed > 0 && db.recovery.framesReplayed < 30)
  await agrees(t, db, model, 'little')
  const more = Array.from({ length: COUNT }, (_, n) => document(2 * COUNT + n))
  await db.collection('users').insertMany(more)
  model.insert(...more)
  await db.close()
  const [second, ...others] = await checkpoints(path)
  t.deepEqual(others, [])
  t.not(second, first)
  db = await opened(t, path)
  t.is(db.recovery.framesReplayed, 0)
  await agrees(t, db, model, 'much')
})

test('what a killed process wrote behind the checkpoint is read on it, by two openings, too', async (t) => {
  const { path, model } = await copy()
  await killed(path, `
    await users.updateOne({ _id: ${JSON.stringify(idOf(10))} }, { $set: { city: 'moved' } })
    await users.deleteOne({ _id: ${JSON.stringify(idOf(11))} })
    await users.insertOne(${JSON.stringify({ ...document(11), city: 'new' })})
    await users.deleteOne({ _id: ${JSON.stringify(idOf(COUNT - 1))} })
    await users.updateMany({ city: 'city-5' }, { $set: { age: 1, tags: ['t3', 't10'] } })
    await users.updateMany({ city: 'city-5' }, { $set: { age: 80 } })
    await users.insertOne(${JSON.stringify(document(COUNT))})`)
  model.set(idOf(10), { city: 'moved' })
  model.delete(idOf(11))
  model.insert({ ...document(11), city: 'new' })
  model.delete(idOf(COUNT - 1))
  for (const one of model.list(({ city }) => city === 'city-5')) model.set(one._id, { age: 80, tags: ['t3', 't10'] })
  model.insert(document(COUNT))
  const reader = await opened(t, path, { readOnly: true })
  t.false(reader.recovery.clean)
  t.true(reader.recovery.framesReplayed > 0 && reader.recovery.framesReplayed < 30, 'the log before the checkpoint is not read')
  await agrees(t, reader, model, 'read only')
  await reader.close()
  await killed(path, `await users.deleteOne({ _id: ${JSON.stringify(idOf(10))} })`)
  model.delete(idOf(10))
  const db = await opened(t, path)
  await agrees(t, db, model, 'killed twice')
  await change(t, db, model, 2)
  await agrees(t, db, model, 'changed')
  await db.close()
  await agrees(t, await opened(t, path), model, 'closed')
})

test('a killed process that wrote much more than there was: everything is read again', async (t) => {
  const { path, model } = await copy()
  await killed(path, `
    const documents = Array.from({ length: 60 }, (_, n) => ({ _id: 'large-' + n, pad: 'y'.repeat(100_000) }))
    await db.collection('large').insertMany(documents)`)
  const db = await opened(t, path)
  t.true(db.recovery.framesReplayed > 6)
  t.is((await db.stats()).pagesRead, 0)
  await agrees(t, db, model)
  t.is(await db.collection('large').countDocuments(), 60)
})

test('indexes and collections that were made, dropped and renamed behind the checkpoint', async (t) => {
  const { path, model } = await copy()
  await killed(path, `
    await users.createIndex({ n: -1 })
    await users.dropIndex('tags_1')
    await db.collection('cities').rename('places')
    await db.collection('cities').insertMany(await db.collection('places').find({}).toArray())
    await db.collection('places').drop()
    await db.collection('third').createIndex({ a: 1 })
    await db.collection('third').insertMany([{ _id: 1, a: 1 }, { _id: 2, a: 2 }])`)
  for (let round = 0; round < 2; round++) {
    const db = await opened(t, path)
    const users = db.collection('users')
    await agrees(t, db, model, `round ${round}`)
    const names = (await users.indexes()).map(({ name }) => name)
    t.true(names.includes('n_-1') && !names.includes('tags_1'))
    t.deepEqual(await users.find({ n: { $lt: 3 } }).sort({ n: -1 }).toArray(), [2, 1, 0].map(document))
    t.deepEqual((await db.listCollections().toArray()).map(({ name }) => name).sort(), ['cities', 'third', 'users'])
    t.deepEqual(await db.collection('third').find({ a: 2 }).toArray(), [{ _id: 2, a: 2 }])
    await db.close()
  }
  // And the same in one session that closes.
  const db = await opened(t, path)
  await db.collection('users').createIndex({ tags: 1 })
  await db.collection('users').dropIndex('n_-1')
  await db.collection('third').drop()
  await db.close()
  const again = await opened(t, path)
  await agrees(t, again, model, 'closed')
  t.deepEqual((await again.listCollections().toArray()).map(({ name }) => name).sort(), ['cities', 'users'])
})

test('a unique index that the checkpoint holds refuses what stands there, and takes what was freed', async (t) => {
  const { path } = await copy()
  const users = (await opened(t, path)).collection('users')
  const { email } = document(20)
  await t.throwsAsync(users.insertOne({ _id: 'other', email }), { code: 11_000 })
  await t.throwsAsync(users.updateOne({ _id: idOf(22) }, { $set: { email } }), { code: 11_000 })
  await users.updateOne({ _id: idOf(20) }, { $unset: { email: 1 } })
  await users.insertOne({ _id: 'other', email })
  t.deepEqual(await users.find({ email }).toArray(), [{ _id: 'other', email }])
  const upserted = await users.updateOne({ email: document(24).email }, { $set: { city: 'moved' } }, { upsert: true })
  t.is(upserted.upsertedCount, 0)
})

test('an open cursor sees its own state while documents of the checkpoint change', async (t) => {
  const { path, model } = await copy()
  const db = await opened(t, path)
  const before = model.list()
  const cursor = db.collection('users').find({}).batchSize(100)
  const found = [await cursor.next()]
  await change(t, db, model, 1)
  await db.collection('users').deleteMany({ city: 'city-50' })
  for await (const one of cursor) found.push(one)
  t.deepEqual(found, before)
})

test('a compaction and a backup of a database that was opened from a checkpoint hold all of it', async (t) => {
  const { path, model } = await copy()
  const db = await opened(t, path)
  await change(t, db, model, 1)
  const count = model.all.size
  await db.backup(`${path}-backup`)
  await db.compact()
  await agrees(t, db, model, 'compacted')
  await change(t, db, model, 2)
  await db.close()
  await agrees(t, await opened(t, path), model, 'compacted and closed')
  const copied = await opened(t, `${path}-backup`)
  t.is(await copied.collection('users').countDocuments(), count)
  await copied.close()
})

test('after a compaction and a kill opening begins with the checkpoint of the compaction, and answers the same', async (t) => {
  const { path, model } = await copy()
  await killed(path, `
    await db.compact()
    await users.updateOne({ _id: ${JSON.stringify(idOf(10))} }, { $set: { city: 'moved' } })`)
  model.set(idOf(10), { city: 'moved' })
  const db = await opened(t, path)
  t.true((await db.stats()).pagesRead > 0)
  await agrees(t, db, model)
})

test('without its checkpoint, or with one that is torn, a database opens from its log', async (t) => {
  for (const damage of ['removed', 'empty', 'half', 'head', 'foot', 'unfinished']) {
    const { path, model } = await copy()
    const [name] = await checkpoints(path)
    const file = join(path, name)
    if (damage === 'removed') await rm(file)
    if (damage === 'empty') await truncate(file, 0)
    if (damage === 'half') await truncate(file, (await stat(file)).size >> 1)
    if (damage === 'head') await flip(file, 40)
    if (damage === 'foot') await flip(file, -20)
    if (damage === 'unfinished') {
      await writeFile(file.replace('.chk', '.tmp'), (await readFile(file)).subarray(0, 5_000))
      await rm(file)
    }
    const db = await opened(t, path)
    t.true(db.recovery.clean && db.recovery.framesReplayed > 0, damage)
    t.false((await readdir(path)).some((one) => one.endsWith('.tmp')), damage)
    await agrees(t, db, model, damage)
    await change(t, db, model, 1)
    await db.close()
    t.is((await checkpoints(path)).length, 1, damage)
    const again = await opened(t, path)
    t.is(again.recovery.framesReplayed, 0, damage)
    await agrees(t, again, model, damage)
    await again.close()
  }
})

test('the checkpoint of another database, or of another state, is not used', async (t) => {
  const { path, model } = await copy()
  const other = join(folder, 'other')
  await create(other)
  const [name] = await checkpoints(path)
  await cp(join(other, (await checkpoints(other))[0]), join(path, name))
  const db = await opened(t, path)
  t.true(db.recovery.framesReplayed > 0)
  await agrees(t, db, model)
})

for (const writes of [false, true]) test(`a damaged page of the checkpoint is told where it is read, with file and offset; the close removes it${writes ? ', much written or not' : ''}`, async (t) => {
  const { path, model } = await copy()
  const [name] = await checkpoints(path)
  const file = join(path, name)
  let db = await opened(t, path)
  const { size } = await stat(file)
  for (let at = 200; at < size - 2_000; at += 500) await flip(file, at)
  const users = db.collection('users')
  const questions = [() => users.get(idOf(3_000)), () => users.countDocuments({ city: 'city-7' }), () => users.find({}).toArray(), () => users.insertOne({ _id: 'one' })]
  for (const ask of questions) {
    const error = await rejectsWith(t, 'CORRUPT', ask)
    t.is(error.file, file)
    t.true(error.offset > 0)
  }
  // With much written the close would replace the checkpoint; what cannot be read cannot be written again.
  const more = Array.from({ length: writes ? 20 : 0 }, (_, n) => ({ _id: n, pad: 'y'.repeat(100_000) }))
  if (writes) await db.collection('more').insertMany(more)
  await db.close()
  t.deepEqual(await checkpoints(path), [])
  db = await opened(t, path)
  await agrees(t, db, model)
  t.is(await db.collection('more').countDocuments(), more.length)
})

test('a reader leaves a damaged checkpoint where it is', async (t) => {
  const { path } = await copy()
  const [name] = await checkpoints(path)
  const db = await opened(t, path, { readOnly: true })
  const { size } = await stat(join(path, name))
  for (let at = 200; at < size - 2_000; at += 500) await flip(join(path, name), at)
  const bytes = await readFile(join(path, name))
  await rejectsWith(t, 'CORRUPT', () => db.collection('users').find({}).toArray())
  await db.close()
  t.deepEqual(await checkpoints(path), [name])
  t.true(bytes.equals(await readFile(join(path, name))))
})

test('verify reads the checkpoint too, and tells what is damaged in it; a torn one is as if it were not there', async (t) => {
  const { path } = await copy()
  const [name] = await checkpoints(path)
  const whole = await Database.verify(path)
  t.true(whole.ok)
  t.deepEqual(whole.files.filter(({ kind }) => kind === 'checkpoint').map(({ file, firstDamage }) => [file, firstDamage]), [[name, null]])
  await flip(join(path, name), (await stat(join(path, name))).size >> 1)
  const damaged = await Database.verify(path)
  t.false(damaged.ok)
  t.deepEqual(damaged.files.filter(({ firstDamage }) => firstDamage).map(({ file }) => file), [name])
  await rm(join(path, name))
  t.true((await Database.verify(path)).ok)
})

test('damage of a document is told where it is read, by verify, and by an opening that reads the log', async (t) => {
  const { path, model } = await copy()
  const [segment] = await segments(path)
  const file = join(path, segment)
  await flip(file, (await stat(file)).size >> 1)
  const db = await opened(t, path)
  const users = db.collection('users')
  t.is(await users.countDocuments(), model.all.size)
  t.is(await users.countDocuments({ city: 'city-6' }), model.list(({ city }) => city === 'city-6').length)
  let [told, whole] = [0, 0]
  for (const expected of model.list()) {
    try {
      t.deepEqual(await users.get(expected._id), expected)
      whole++
    } catch (error) {
      t.is(error.kind, 'CORRUPT')
      t.is(error.file, file)
      t.true(error.offset > 0)
      told++
    }
  }
  t.true(told > 0 && told <= 1_000 && whole >= COUNT - 1_001, `${told} and ${whole}`)
  const scan = await rejectsWith(t, 'CORRUPT', () => users.find({}).toArray())
  t.is(scan.file, file)
  await rejectsWith(t, 'CORRUPT', () => db.compact())
  await rejectsWith(t, 'CORRUPT', () => db.backup(`${path}-backup`))
  await users.insertOne({ _id: 'still', city: 'new' })
  await db.close()
  const report = await Database.verify(path)
  t.false(report.ok)
  t.is(report.files.find(({ firstDamage }) => firstDamage)?.file, segment)
  for (const name of await checkpoints(path)) await rm(join(path, name))
  const error = await rejectsWith(t, 'CORRUPT', () => Database.open(path))
  t.is(error.file, file)
})

test("check: 'full' reads the log, damaged or not, before it answers, and leaves the checkpoint aside", async (t) => {
  const { path, model } = await copy()
  const db = await opened(t, path, { check: 'full' })
  t.true(db.recovery.framesReplayed > 0)
  await agrees(t, db, model)
  t.is((await db.stats()).pagesRead, 0)
  await db.close()
  const [segment] = await segments(path)
  await flip(join(path, segment), 300_000)
  const error = await rejectsWith(t, 'CORRUPT', () => Database.open(path, { check: 'full' }))
  t.is(error.file, join(path, segment))
  const quick = await opened(t, path, { check: 'quick' })
  t.is(await quick.collection('users').countDocuments(), model.all.size)
})

test('a small database leaves no checkpoint, and one with an _id of more than 1,000 bytes no new one', async (t) => {
  const small = join(folder, 'small')
  const one = await Database.open(small)
  await one.collection('c').insertOne({ _id: 1 })
  await one.close()
  t.deepEqual(await checkpoints(small), [])
  const { path, model } = await copy()
  const before = await checkpoints(path)
  const long = { ...document(COUNT), _id: 'k'.repeat(1_010) }
  let db = await opened(t, path)
  await db.collection('users').insertOne(long)
  model.insert(long)
  // Much, so that another one would be left.
  await db.collection('users').insertMany(Array.from({ length: COUNT }, (_, n) => document(2 * COUNT + n)))
  model.insert(...Array.from({ length: COUNT }, (_, n) => document(2 * COUNT + n)))
  await db.close()
  t.deepEqual(await checkpoints(path), before, 'the one before goes on')
  db = await opened(t, path)
  t.deepEqual(await db.collection('users').get(long._id), long)
  await agrees(t, db, model)
})

import test from 'ava'

import { Database } from '../index.mjs'
import { directory, onDisk } from './support/database.mjs'

/** A document large enough that an operation over many of them takes longer than the pause between two reports. */
const document = (i) => ({ _id: i, n: i, text: `${i} `.repeat(200), list: Array.from({ length: 20 }, (_, j) => i * j) })

async function filled(t, count = 40_000) {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  const c = db.collection('c')
  for (let i = 0; i < count; i += 1000) await c.insertMany(Array.from({ length: 1000 }, (_, j) => document(i + j)))
  return { path, db, c }
}

/** Collects reports, and checks that they never go back. */
function reports(t) {
  const seen = []
  const onProgress = (progress) => {
    t.deepEqual(Object.keys(progress), ['done', 'total'])
    t.true(progress.done <= progress.total)
    t.true(seen.length === 0 || progress.done >= seen.at(-1).done)
    seen.push(progress)
  }
  return { seen, onProgress }
}

test('long operations report how far they are, and at last that all is done', async (t) => {
  const { path, db, c } = await filled(t)
  const operations = {
    createIndex: (onProgress) => c.createIndex({ list: 1, text: 1 }, { onProgress }),
    createIndexes: (onProgress) => c.createIndexes([{ key: { n: 1 } }, { key: { text: 1 } }], { onProgress }),
    compact: (onProgress) => db.compact({ onProgress }),
    backup: (onProgress) => db.backup(`${path}-copy`, { onProgress })
  }
  for (const [name, run] of Object.entries(operations)) {
    const { seen, onProgress } = reports(t)
    await run(onProgress)
    const last = seen.at(-1)
    t.true(last.total >= 40_000, name)
    t.is(last.done, last.total, name)
  }
  await db.close()
  const { seen, onProgress } = reports(t)
  const report = await Database.verify(path, { onProgress })
  t.true(report.ok)
  t.is(seen.at(-1).total, report.files.filter(({ kind }) => kind === 'segment' || kind === 'snapshot').reduce((sum, { bytes }) => sum + bytes, 0))
  const opened = reports(t)
  const again = await Database.open(path, { onProgress: opened.onProgress })
  t.is(opened.seen.at(-1).done, opened.seen.at(-1).total)
  t.is(await again.collection('c').countDocuments(), 40_000)
  await again.close()
})

test('an operation is reported from its middle', async (t) => {
  const { c } = await filled(t)
  const { seen, onProgress } = reports(t)
  await c.createIndexes([{ key: { list: 1, text: 1 } }, { key: { list: 1, n: 1 } }, { key: { text: 1, list: 1 } }, { key: { list: -1 } }], { onProgress })
  t.true(seen.length >= 2, `${seen.length} reports`)
})

test('what onProgress throws ends the operation and rejects it', async (t) => {
  const { path, db, c } = await filled(t, 3000)
  const fault = new Error('enough')
  const onProgress = () => { throw fault }
  await t.throwsAsync(db.compact({ onProgress }), { is: fault })
  await t.throwsAsync(db.backup(`${path}-copy`, { onProgress }), { is: fault })
  await t.throwsAsync(c.createIndex({ n: 1 }, { onProgress }), { is: fault })
  await db.compact()
  t.is(await c.countDocuments({ n: { $gte: 0 } }), 3000)
  await db.close()
  await t.throwsAsync(Database.verify(path, { onProgress }), { is: fault })
  await t.throwsAsync(Database.open(path, { onProgress }), { is: fault })
  // The opening that was given up closes by itself.
  const again = await Database.open(path)
  t.is(await again.collection('c').countDocuments(), 3000)
  await again.close()
})

test('onProgress must be a function, in every operation that takes it', async (t) => {
  const { path, db, c } = await filled(t, 1000)
  const wrong = { onProgress: 1 }
  const calls = [
    () => db.compact(wrong), () => db.backup(`${path}-copy`, wrong), () => c.createIndex({ n: 1 }, wrong), () => c.createIndexes([{ key: { n: 1 } }], wrong),
    () => Database.verify(path, wrong), () => Database.open(path, wrong)
  ]
  for (const call of calls) await t.throwsAsync(call, { instanceOf: TypeError, message: /onProgress must be a function, not 1/ })
  await t.throwsAsync(c.countDocuments({}, { onProgress: () => {} }), { instanceOf: TypeError, message: /onProgress/ })
})

// db.stats() tells of transactions: those that are open, and what has become of the others.

import { setTimeout as sleep } from 'node:timers/promises'

import test from 'ava'

import { memory } from './support/database.mjs'

test('stats count the open transactions, their age and their bytes, and commits, aborts and conflicts', async (t) => {
  const db = await memory(t)
  const c = db.collection('c')
  const counts = async () => (await db.stats()).transactions
  const none = { open: 0, oldestAge: 0, bytes: 0, commits: 0, aborts: 0, conflicts: 0 }
  t.deepEqual(await counts(), none)
  await c.insertOne({ _id: 1 })
  t.deepEqual(await counts(), none, 'a write alone is none')
  await db.transaction(async (tx) => {
    t.deepEqual(await counts(), none, 'it begins with its first operation')
    await tx.collection('c').get(1)
    await sleep(20)
    const reading = await counts()
    t.deepEqual({ ...reading, oldestAge: 0 }, { ...none, open: 1 })
    t.true(reading.oldestAge >= 15 && reading.oldestAge < 10_000, `${reading.oldestAge}`)
    await tx.collection('c').insertOne({ text: 'x'.repeat(10_000) })
    const { bytes } = await counts()
    t.true(bytes >= 10_000 && bytes < 12_000, `${bytes}`)
  })
  t.deepEqual(await counts(), { ...none, commits: 1 })
  db.transactionSync((tx) => tx.collection('c').getSync(1))
  t.deepEqual(await counts(), { ...none, commits: 2 }, 'one that only reads is counted, too')
  await t.throwsAsync(db.transaction(async (tx) => {
    await tx.collection('c').insertOne({ _id: 2 })
    throw new Error('not today')
  }))
  t.deepEqual(await counts(), { ...none, commits: 2, aborts: 1 })
  let attempts = 0
  await db.transaction(async (tx) => {
    const own = tx.collection('c')
    await own.get(1)
    if (attempts++ === 0) await c.updateOne({ _id: 1 }, { $set: { n: 1 } })
    await own.updateOne({ _id: 1 }, { $inc: { n: 1 } })
  })
  t.deepEqual(await counts(), { ...none, commits: 3, aborts: 2, conflicts: 1 }, 'a write was refused')
  const session = db.startSession()
  session.startTransaction()
  await c.updateOne({ _id: 1 }, { $set: { m: 1 } }, { session })
  await c.updateOne({ _id: 1 }, { $set: { m: 2 } })
  await t.throwsAsync(session.commitTransaction())
  t.deepEqual(await counts(), { ...none, commits: 3, aborts: 3, conflicts: 2 }, 'a commit was refused')
  const failing = db.transaction(async (tx) => {
    await tx.collection('c').insertOne({ _id: 1 }).catch(() => {})
    t.like(await counts(), { open: 0, aborts: 4, bytes: 0 }, 'a failed write has ended it')
  })
  t.is((await t.throwsAsync(failing)).code, 251)
  t.deepEqual(await counts(), { ...none, commits: 3, aborts: 4, conflicts: 2 })
})

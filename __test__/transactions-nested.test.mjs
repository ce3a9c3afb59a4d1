// db.transaction within the function of another one: it is refused where following the functions costs nothing.

import test from 'ava'

import { memory, rejectsType } from './support/database.mjs'

const follows = Number.parseInt(process.versions.node) >= 24
const following = follows ? test : test.skip

following('a transaction within the function of another one of the same database is a TypeError that says so', async (t) => {
  const db = await memory(t)
  const message = /Database\.transaction: it was called within the function of another Database\.transaction of this database/
  const result = await db.transaction(async (tx) => {
    await tx.collection('c').insertOne({ _id: 1 })
    await rejectsType(t, () => db.transaction(async () => t.fail('it ran')), message)
    await new Promise((resolve) => setTimeout(resolve, 1))
    await Promise.all([1, 2].map(async () => rejectsType(t, () => db.transaction(async () => t.fail('it ran')), message)))
    await rejectsType(t, () => db.sibling('other').transaction(async () => t.fail('it ran')), message)
    return 'done'
  })
  t.is(result, 'done')
  t.is(await db.collection('c').countDocuments(), 1)
  await rejectsType(t, () => db.transaction(() => db.transaction(async () => {})), message)
})

test('a transaction of another database, one afterwards, and one that outlives the function, are as any other', async (t) => {
  const [db, other] = [await memory(t), await memory(t)]
  let later
  await db.transaction(async (tx) => {
    await tx.collection('c').insertOne({ _id: 1 })
    await other.transaction(async (own) => { await own.collection('c').insertOne({ _id: 1 }) })
    later = new Promise((resolve) => setTimeout(resolve, 30)).then(() => db.transaction(async (own) => { await own.collection('c').insertOne({ _id: 2 }) }))
  })
  await db.transaction(async (tx) => { await tx.collection('c').insertOne({ _id: 3 }) })
  await later
  t.deepEqual([await db.collection('c').countDocuments(), await other.collection('c').countDocuments()], [3, 1])
  await Promise.all([4, 5].map((_id) => db.transaction(async (tx) => { await tx.collection('c').insertOne({ _id }) })))
  await t.throwsAsync(db.transaction(async () => { throw new Error('not today') }))
  await db.transaction(async (tx) => { await tx.collection('c').insertOne({ _id: 6 }) })
  t.is(await db.collection('c').countDocuments(), 6)
})

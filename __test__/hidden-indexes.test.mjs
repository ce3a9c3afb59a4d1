// Hidden indexes: queries pass them over, writes do not.

import test from 'ava'

import { Database, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

/** The stages of the plan of a find. */
async function stagesOf(users, filter, hint) {
  const found = users.find(filter)
  if (hint !== undefined) found.hint(hint)
  const { queryPlanner } = await found.explain('queryPlanner')
  const stages = []
  for (let stage = queryPlanner.winningPlan; stage; stage = stage.inputStage) stages.push(stage.indexName ?? stage.stage)
  return stages.join(' ')
}

async function filled(db, options) {
  const users = db.collection('users')
  await users.insertMany(Array.from({ length: 1000 }, (_, n) => ({ _id: n, city: `c${n % 50}`, email: `u${n}` })))
  await users.createIndex({ city: 1 }, options)
  return users
}

const hiddenOf = async (users) => Object.fromEntries((await users.indexes()).map(({ name, hidden }) => [name, hidden]))

test('an index that is made hidden is used by no query until it is shown', async (t) => {
  const db = await memory(t)
  const users = await filled(db, { hidden: true })
  t.deepEqual(await hiddenOf(users), { _id_: undefined, city_1: true })
  t.is(await stagesOf(users, { city: 'c7' }), 'COLLSCAN')
  t.is(await users.countDocuments({ city: 'c7' }), 20)
  for (const hint of ['city_1', { city: 1 }]) {
    const error = await rejectsWith(t, 'BAD_QUERY', () => users.find({ city: 'c7' }).hint(hint).toArray(), /does not correspond to an existing index/)
    t.is(error.code, 2)
    await rejectsWith(t, 'BAD_QUERY', () => users.updateOne({ _id: 1 }, { $set: { a: 1 } }, { hint }))
  }
  await users.insertOne({ _id: 'new', city: 'c7' })
  await users.deleteOne({ _id: 7 })
  t.deepEqual(await db.command({ collMod: 'users', index: { name: 'city_1', hidden: false } }), { hidden_old: true, hidden_new: false, ok: 1 })
  t.is(await stagesOf(users, { city: 'c7' }), 'FETCH city_1')
  t.is(await users.countDocuments({ city: 'c7' }), 20)
  t.deepEqual(await db.command({ collMod: 'users', index: { keyPattern: { city: 1 }, hidden: true } }), { hidden_old: false, hidden_new: true, ok: 1 })
  t.deepEqual(await db.command({ collMod: 'users', index: { keyPattern: { city: 1 }, hidden: true } }), { ok: 1 })
  t.is(await stagesOf(users, { city: 'c7' }), 'COLLSCAN')
})

test('a hidden unique index still refuses duplicates, in transactions too', async (t) => {
  const db = await memory(t)
  const users = await filled(db)
  await users.createIndex({ email: 1 }, { unique: true, hidden: true })
  await rejectsWith(t, 'DUPLICATE_KEY', () => users.insertOne({ email: 'u1' }))
  await rejectsWith(t, 'DUPLICATE_KEY', () => db.transaction((tx) => tx.collection('users').insertOne({ email: 'u1' })))
  // Another definition would differ in more than that it is hidden.
  t.is(await users.createIndex({ email: 1 }, { unique: true }), 'email_1')
  t.is((await t.throwsAsync(users.createIndex({ email: 1 }))).code, 85)
  t.true((await hiddenOf(users)).email_1)
  await users.dropIndex('email_1')
  await users.createIndex({ email: 1 })
  t.is((await hiddenOf(users)).email_1, undefined)
})

test('what is hidden stays so after reopening, compaction and a backup, and earlier states have theirs', async (t) => {
  const db = await onDisk(t, { history: { past: {} } })
  const users = await filled(db, { hidden: true })
  await users.createIndex({ email: 1 })
  const { lastLsn } = await db.stats()
  const early = await hiddenOf(users)
  await db.command({ collMod: 'users', index: { name: 'city_1', hidden: false } })
  await db.command({ collMod: 'users', index: { name: 'email_1', hidden: true } })
  const late = { _id_: undefined, city_1: undefined, email_1: true }
  t.deepEqual([early, await hiddenOf(users)], [{ _id_: undefined, city_1: true, email_1: undefined }, late])
  const reopened = async (path, expected) => {
    const again = await onDisk(t, {}, path)
    t.deepEqual(await hiddenOf(again.collection('users')), expected)
    t.is(await stagesOf(again.collection('users'), { city: 'c1' }), 'FETCH city_1')
    await again.close()
  }
  await db.backup(`${db.path}-copy`)
  await reopened(`${db.path}-copy`, late)
  await db.compact()
  const before = await db.asOf({ lsn: lastLsn })
  t.deepEqual(await hiddenOf(before.collection('users')), early)
  await users.aggregate([{ $limit: 5 }, { $out: 'users' }]).toArray()
  t.deepEqual(await hiddenOf(users), late)
  await db.createCollection('users')
  await db.close()
  const again = await onDisk(t, {}, db.path)
  t.deepEqual(await hiddenOf(again.collection('users')), late)
  await again.collection('users').dropIndex('email_1')
  await again.close()
  t.true((await Database.verify(db.path)).ok)
  const last = await onDisk(t, {}, db.path)
  t.deepEqual(await hiddenOf(last.collection('users')), { _id_: undefined, city_1: undefined })
  t.deepEqual(await last.collection('users').options(), {})
})

test('a transaction may make a hidden index in a collection that it begins', async (t) => {
  const db = await memory(t)
  await db.transaction(async (tx) => {
    const items = await tx.createCollection('items')
    await items.createIndex({ a: 1 }, { hidden: true })
    await items.insertOne({ a: 1 })
  })
  t.deepEqual(await hiddenOf(db.collection('items')), { _id_: undefined, a_1: true })
})

test('a stream with expanded events tells that an index was hidden', async (t) => {
  const db = await memory(t)
  const users = await filled(db)
  const stream = users.watch([], { showExpandedEvents: true })
  await db.command({ collMod: 'users', index: { name: 'city_1', hidden: true } })
  await users.createIndex({ email: 1 }, { hidden: true })
  const [modify, created] = [await stream.next(), await stream.next()]
  t.is(modify.operationType, 'modify')
  t.deepEqual(modify.operationDescription, { index: { name: 'city_1', hidden: true } })
  t.deepEqual(modify.stateBeforeChange, { collectionOptions: {}, indexOptions: { hidden: false } })
  t.deepEqual(created.operationDescription, { indexes: [{ v: 2, key: { email: 1 }, name: 'email_1', hidden: true }] })
  await stream.close()
})

test('what is wrong with hiding an index is refused', async (t) => {
  const db = await memory(t)
  const users = await filled(db)
  const refused = async (index, code, kind = 'BAD_QUERY') => t.is((await rejectsWith(t, kind, () => db.command({ collMod: 'users', index }))).code, code, JSON.stringify(index))
  await refused({ name: 'none', hidden: true }, 27)
  await refused({ keyPattern: { city: -1 }, hidden: true }, 27)
  await refused({ name: '_id_', hidden: true }, 2)
  await refused({ keyPattern: { _id: 1 }, hidden: true }, 2)
  await refused({ hidden: true }, 72)
  await refused({ name: 'city_1' }, 72)
  await refused({ name: 'city_1', keyPattern: { city: 1 }, hidden: true }, 72)
  await refused({ name: 'city_1', hidden: 'yes' }, 14)
  await refused({ name: 'city_1', hiden: true }, 40415)
  await refused({ name: 'city_1', prepareUnique: true }, 238, 'NOT_SUPPORTED')
  t.is((await rejectsWith(t, 'BAD_QUERY', () => users.createIndex({ _id: 1 }, { hidden: true }))).code, 2)
  await rejectsType(t, () => users.createIndex({ a: 1 }, { hidden: 1 }), /option hidden must be a boolean/)
})

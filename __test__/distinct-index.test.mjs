import test from 'ava'

import { collection, onDisk } from './support/database.mjs'

const plan = async (users, path, filter) => {
  const { queryPlanner, executionStats } = await users.distinct(path, filter, { explain: 'executionStats' })
  return { stages: JSON.stringify(queryPlanner.winningPlan), ...executionStats }
}

const people = (count) => Array.from({ length: count }, (_, n) => ({ _id: n, city: `c${n % 10}`, n, half: n >> 1, tags: [n % 3] }))

test('distinct of an indexed field looks at one document a value', async (t) => {
  const users = await collection(t, people(5_000))
  await users.createIndex({ city: 1 })
  const whole = await plan(users, 'city')
  t.regex(whole.stages, /DISTINCT_SCAN/)
  t.is(whole.totalDocsExamined, 10)
  t.true(whole.totalKeysExamined < 100)
  const some = await plan(users, 'city', { city: { $gte: 'c7' } })
  t.is(some.totalDocsExamined, 3)
  t.deepEqual(await users.distinct('city', { city: { $gte: 'c7' } }), ['c7', 'c8', 'c9'])
})

test('its answer and order are those of a scan, whatever the index, the values and the changes', async (t) => {
  const users = await collection(t, people(3_000))
  await users.updateMany({ n: { $in: [5, 6] } }, { $set: { city: null } })
  await users.updateMany({ n: { $in: [9, 10] } }, { $unset: { city: 1 } })
  await users.updateOne({ n: 20 }, { $set: { city: 7n } })
  await users.updateOne({ n: 30 }, { $set: { city: 7 } })
  await users.updateOne({ n: 40 }, { $set: { city: { deep: [1] } } })
  await users.deleteMany({ n: { $lt: 3 } })
  const paths = ['city', 'half', 'tags', 'none']
  const filters = [{}, { city: { $gt: 'c4' } }, { half: { $lt: 20 } }, { city: null }, { city: 7 }]
  const answers = () => Promise.all(paths.flatMap((path) => filters.map((filter) => users.distinct(path, filter))))
  const scanned = await answers()
  for (const direction of [1, -1]) {
    for (const options of [{}, { sparse: true }]) {
      for (const path of paths) await users.createIndex({ [path]: direction }, options)
      t.deepEqual(await answers(), scanned, `${direction} ${JSON.stringify(options)}`)
      await users.dropIndexes()
    }
  }
})

test('it sees the state of its read, beside cursors that see an older one, and in transactions', async (t) => {
  const users = await collection(t, people(2_000))
  await users.createIndex({ city: 1 })
  const cursor = users.find().batchSize(1)
  await cursor.next()
  await users.db.transaction(async (tx) => {
    t.is((await tx.collection(users.collectionName).distinct('city')).length, 10)
    await users.updateMany({ city: 'c3' }, { $set: { city: 'new' } })
    await users.deleteMany({ city: 'c4' })
    const outside = (await users.distinct('city')).toSorted()
    t.deepEqual(outside, ['c0', 'c1', 'c2', 'c5', 'c6', 'c7', 'c8', 'c9', 'new'])
    await tx.collection(users.collectionName).insertOne({ _id: 'own', city: 'own' })
    const inside = await tx.collection(users.collectionName).distinct('city')
    t.deepEqual(inside.toSorted(), ['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8', 'c9', 'own'])
  })
  await cursor.close()
  t.is((await users.distinct('city')).length, 10)
})

test('where most values differ, or most documents lack the field, all documents are looked at', async (t) => {
  const users = await collection(t, people(4_000))
  await users.createIndex({ n: 1 })
  await users.createIndex({ none: 1 })
  t.is((await users.distinct('n')).length, 4_000)
  t.deepEqual(await users.distinct('none'), [])
  t.notRegex((await plan(users, 'none')).stages, /DISTINCT_SCAN/)
})

test('it reads the entries of a database that was opened again, and those over them', async (t) => {
  const first = await onDisk(t)
  await first.collection('users').insertMany(people(4_000))
  await first.collection('users').createIndex({ city: 1 })
  const { path } = first
  await first.close()
  const db = await onDisk(t, { memoryLimit: 1 }, path)
  const users = db.collection('users')
  t.is((await plan(users, 'city')).totalDocsExamined, 10)
  t.is((await users.distinct('city')).length, 10)
  await users.deleteMany({ city: 'c0' })
  await users.insertOne({ _id: 'x', city: 'c00' })
  t.deepEqual((await users.distinct('city')).toSorted(), ['c00', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8', 'c9'])
})

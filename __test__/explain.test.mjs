// Explain results in the server's shape, and indexes suggested for scans.

import test from 'ava'

import { collection, memory, rejectsType, rejectsWith } from './support/database.mjs'

const numbered = (count, make) => Array.from({ length: count }, (_, i) => ({ _id: i, ...make(i) }))

/** The names of a plan's stages, from the outermost inwards. */
function stages(plan) {
  const below = plan.inputStages ?? (plan.inputStage ? [plan.inputStage] : [])
  return [plan.stage, ...below.flatMap(stages)]
}

const planOf = ({ queryPlanner }) => stages(queryPlanner.winningPlan)

/** The first stage of this name. */
function stage(plan, name) {
  if (plan.stage === name) return plan
  for (const below of plan.inputStages ?? (plan.inputStage ? [plan.inputStage] : [])) {
    const found = stage(below, name)
    if (found) return found
  }
  return undefined
}

async function indexed(t) {
  const users = await collection(t, numbered(2000, (i) => ({ n: i, city: `c${i % 10}`, tags: [i % 5] })), { autoIndex: 'off' })
  await users.createIndexes([{ key: { n: 1 }, unique: true }, { key: { city: 1, n: -1 } }, { key: { tags: 1 }, sparse: true }])
  return users
}

test('a find by an index is a fetch of an index scan, with bounds and what it took', async (t) => {
  const users = await indexed(t)
  const explained = await users.find({ n: { $gte: 5, $lte: 10 } }).explain()
  t.is(explained.explainVersion, '1')
  t.is(explained.ok, 1)
  t.is(explained.queryPlanner.namespace, 'memory.users')
  t.deepEqual(explained.queryPlanner.rejectedPlans, [])
  const scan = stage(explained.queryPlanner.winningPlan, 'IXSCAN')
  t.deepEqual(planOf(explained).slice(0, 2), ['FETCH', 'IXSCAN'])
  t.deepEqual(scan.keyPattern, { n: 1 })
  t.is(scan.indexName, 'n_1')
  t.deepEqual([scan.isMultiKey, scan.isUnique, scan.isSparse, scan.isPartial, scan.direction], [false, true, false, false, 'forward'])
  t.deepEqual(scan.indexBounds, { n: ['[5, 10]'] })
  const { executionSuccess, nReturned, totalKeysExamined, totalDocsExamined, executionTimeMillis } = explained.executionStats
  t.deepEqual([executionSuccess, nReturned, totalKeysExamined, totalDocsExamined], [true, 6, 6, 6])
  t.is(typeof executionTimeMillis, 'number')
})

test('verbosity is taken as the driver takes it', async (t) => {
  const users = await indexed(t)
  for (const verbosity of ['queryPlanner', 'queryPlannerExtended', false, { verbosity: 'queryPlanner' }]) {
    t.is((await users.find({ n: 5 }).explain(verbosity)).executionStats, undefined)
  }
  for (const verbosity of [undefined, true, 'executionStats', 'allPlansExecution', { verbosity: 'executionStats', maxTimeMS: 5000 }]) {
    t.is((await users.find({ n: 5 }).explain(verbosity)).executionStats.nReturned, 1)
  }
  await rejectsType(t, () => users.find().explain('everything'), /verbosity must be 'queryPlanner'/)
  await rejectsType(t, () => users.find().explain({}), /verbosity must be/)
})

test('a find without an index scans the collection, one by _id does not', async (t) => {
  const users = await indexed(t)
  const scan = await users.find({ other: 5 }).explain()
  t.deepEqual(planOf(scan), ['COLLSCAN'])
  t.is(scan.executionStats.totalDocsExamined, 2000)
  t.is(scan.executionStats.totalKeysExamined, 0)
  t.deepEqual(planOf(await users.find({ n: 5 }).hint({ $natural: 1 }).explain()), ['COLLSCAN'])
  const byId = await users.find({ _id: 5 }).explain()
  t.deepEqual(planOf(byId), ['IDHACK'])
  t.true(byId.executionStats.totalDocsExamined <= 1)
})

test('sorts, limits and skips are stages of their own, unless an index gives the order', async (t) => {
  const users = await indexed(t)
  t.true(planOf(await users.find({ n: { $lt: 9 } }).sort({ city: 1 }).explain()).includes('SORT'))
  const ordered = await users.find().sort({ n: -1 }).limit(5).explain()
  t.false(planOf(ordered).includes('SORT'))
  t.is(stage(ordered.queryPlanner.winningPlan, 'IXSCAN').direction, 'backward')
  t.true(planOf(ordered).includes('LIMIT'))
  t.is(ordered.executionStats.nReturned, 5)
  t.true(ordered.executionStats.totalDocsExamined < 100)
  t.true(planOf(await users.find({ n: { $lt: 9 } }).skip(2).explain()).includes('SKIP'))
})

test('$or of indexed fields is a union', async (t) => {
  const users = await indexed(t)
  const explained = await users.find({ $or: [{ n: 7 }, { n: 9 }, { _id: 11 }] }).explain()
  t.true(planOf(explained).includes('OR'))
  t.is(explained.executionStats.nReturned, 3)
})

test('a hint decides the plan', async (t) => {
  const users = await indexed(t)
  const filter = { n: 7, city: 'c7' }
  for (const [hint, name] of [['n_1', 'n_1'], [{ city: 1, n: -1 }, 'city_1_n_-1']]) {
    const { queryPlanner } = await users.find(filter).hint(hint).explain()
    t.is(stage(queryPlanner.winningPlan, 'IXSCAN').indexName, name)
  }
  await rejectsWith(t, 'BAD_QUERY', () => users.find(filter).hint('nope').explain(), /hint/)
})

test('counts, distinct values and pipelines are explained', async (t) => {
  const users = await indexed(t)
  const counted = await users.countDocuments({ n: { $lt: 7 } }, { explain: 'executionStats' })
  t.true(planOf(counted).includes('COUNT_SCAN'))
  t.is(counted.executionStats.totalDocsExamined, 0)
  t.true(planOf(await users.distinct('city', { n: { $lt: 5 } }, { explain: true })).includes('IXSCAN'))
  const cursor = users.aggregate([{ $match: { n: { $lt: 5 } } }, { $group: { _id: '$city' } }])
  const explained = await cursor.explain()
  t.true(JSON.stringify(explained).includes('"IXSCAN"'), JSON.stringify(explained))
  t.is((await cursor.toArray()).length, 5)
})

test('an explained write changes nothing', async (t) => {
  const users = await indexed(t)
  const filter = { n: { $lt: 5 } }
  const options = { explain: 'executionStats' }
  const explanations = [
    await users.updateOne(filter, { $set: { a: 1 } }, options),
    await users.updateMany(filter, { $set: { a: 1 } }, options),
    await users.replaceOne(filter, { a: 1 }, options),
    await users.deleteOne(filter, options),
    await users.deleteMany(filter, options),
    await users.findOneAndUpdate(filter, { $set: { a: 1 } }, options),
    await users.findOneAndDelete(filter, options)
  ]
  for (const explained of explanations) {
    t.true(JSON.stringify(explained.queryPlanner.winningPlan).includes('"IXSCAN"'), JSON.stringify(explained))
  }
  t.is(await users.countDocuments(), 2000)
  t.is(await users.countDocuments({ a: 1 }), 0)
})

test('a collection that is missing is explained too', async (t) => {
  const db = await memory(t)
  const explained = await db.collection('none').find({ a: 1 }).explain()
  t.is(explained.executionStats.nReturned, 0)
  t.is(typeof explained.queryPlanner.winningPlan.stage, 'string')
})

test('explaining leaves the cursor as it was', async (t) => {
  const users = await indexed(t)
  const cursor = users.find({ n: { $lt: 3 } })
  await cursor.next()
  t.is((await cursor.explain()).executionStats.nReturned, 3)
  t.is((await cursor.toArray()).length, 2)
})

test("autoIndex 'suggest' names a field that costly scans ask for, in statistics and explanations", async (t) => {
  const users = await collection(t, numbered(3000, (i) => ({ n: i, m: i % 3 })))
  for (let i = 0; i < 5; i++) {
    await users.find({ n: 7 }).toArray()
    await users.find({ m: 1 }).toArray()
  }
  const { suggestedIndexes } = await users.stats()
  t.deepEqual(suggestedIndexes.map(({ key }) => key), [{ n: 1 }])
  t.true(suggestedIndexes[0].scans >= 3)
  t.deepEqual((await users.db.stats()).suggestedIndexes.map(({ collection: name, key }) => [name, key]), [['users', { n: 1 }]])
  t.true(JSON.stringify((await users.find({ n: 8 }).explain()).suggestedIndexes).includes('"n"'))
  t.is((await users.indexes()).length, 1)
  await users.createIndex('n')
  t.deepEqual((await users.stats()).suggestedIndexes, [])
})

test('of ranges and the order of _id it suggests the index that can be made, and not of lookups', async (t) => {
  const users = await collection(t, numbered(3000, (i) => ({ n: i })))
  for (let i = 0; i < 5; i++) await users.find({ _id: { $in: [i, i + 1] }, n: { $gte: 0 } }).toArray()
  t.deepEqual((await users.stats()).suggestedIndexes, [])
  for (let i = 0; i < 2; i++) {
    await users.find().sort({ _id: -1 }).limit(3).toArray()
    await users.find({ _id: { $gt: 2990 } }).toArray()
  }
  const [{ key }] = (await users.stats()).suggestedIndexes
  t.deepEqual(key, { _id: -1 })
  t.like((await users.db.stats()).suggestedIndexes[0], { key: { _id: -1 }, name: '_id_-1' })
  t.is(await users.createIndex(key), '_id_-1')
  t.deepEqual((await users.stats()).suggestedIndexes, [])
  for (const query of [users.find().sort({ _id: -1 }).limit(3), users.find({ _id: { $gt: 2990 } }).sort({ _id: 1 })]) {
    t.true(JSON.stringify((await query.explain()).queryPlanner.winningPlan).includes('"_id_-1"'))
  }
})

test("autoIndex 'off' suggests nothing", async (t) => {
  const users = await collection(t, numbered(3000, (i) => ({ n: i })), { autoIndex: 'off' })
  for (let i = 0; i < 5; i++) await users.find({ n: 7 }).toArray()
  t.deepEqual((await users.stats()).suggestedIndexes, [])
  t.is((await users.find({ n: 8 }).explain()).suggestedIndexes, undefined)
})

test("autoIndex 'on' makes the index in the background", async (t) => {
  const users = await collection(t, numbered(3000, (i) => ({ n: i })), { autoIndex: 'on' })
  // Bounded by ava's own limit: the index is built, or the test fails.
  while (!(await users.indexExists('n_1'))) t.is((await users.find({ n: 7 }).toArray()).length, 1)
  const { queryPlanner } = await users.find({ n: 7 }).explain()
  t.is(stage(queryPlanner.winningPlan, 'IXSCAN').indexName, 'n_1')
})

test('rejected plans are reported, and executed with allPlansExecution', async (t) => {
  const users = await collection(t, numbered(2000, (i) => ({ n: i, city: `c${i % 10}` })), { autoIndex: 'off' })
  await users.createIndexes([{ key: { n: 1 } }, { key: { city: 1 } }])
  const filter = { n: { $lt: 5 }, city: 'c3' }
  const planner = await users.find(filter).explain('queryPlanner')
  t.is(stage(planner.queryPlanner.winningPlan, 'IXSCAN').indexName, 'n_1')
  t.deepEqual(planner.queryPlanner.rejectedPlans.map((plan) => stage(plan, 'IXSCAN').indexName), ['city_1'])
  t.is(planner.executionStats, undefined)
  const stats = await users.find(filter).explain('executionStats')
  t.is(stats.executionStats.allPlansExecution, undefined)
  const all = await users.find(filter).explain('allPlansExecution')
  const [winning, rejected, ...more] = all.executionStats.allPlansExecution
  t.deepEqual(more, [])
  t.deepEqual([winning.nReturned, winning.totalKeysExamined, stage(winning.executionStages, 'IXSCAN').indexName], [1, 5, 'n_1'])
  t.deepEqual([rejected.nReturned, rejected.totalKeysExamined, stage(rejected.executionStages, 'IXSCAN').indexName], [1, 200, 'city_1'])
  const one = await users.find({ n: 5 }).explain('allPlansExecution')
  t.deepEqual([one.queryPlanner.rejectedPlans, one.executionStats.allPlansExecution], [[], []])
  const hinted = await users.find(filter).hint('city_1').explain('allPlansExecution')
  t.deepEqual(hinted.queryPlanner.rejectedPlans, [])
})

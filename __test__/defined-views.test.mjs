// Views: a read of one answers what its pipeline answers, on every path of reading; nothing is stored in one.

import { PassThrough } from 'node:stream'

import test from 'ava'

import { Database, directory, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

const DOCUMENTS = Array.from({ length: 200 }, (_, n) => ({ _id: n, k: n % 7, tags: [`t${n % 3}`, `t${n % 5}`], name: `n${n}`, active: n % 2 === 0 }))
const ACTIVE = [{ $match: { active: true } }, { $project: { active: 0 } }]

async function filled(t, options) {
  const db = await memory(t, options)
  const items = db.collection('items')
  await items.insertMany(DOCUMENTS)
  const view = await db.createCollection('active', { viewOn: 'items', pipeline: ACTIVE })
  return { db, items, view }
}

test('every read of a view answers what its pipeline answers', async (t) => {
  const { db, items, view } = await filled(t)
  const all = await items.aggregate(ACTIVE).toArray()
  t.is(all.length, 100)
  t.deepEqual(await view.find().toArray(), all)
  t.deepEqual(await view.find({ k: 3 }).toArray(), all.filter(({ k }) => k === 3))
  t.deepEqual(await view.find({}, { sort: { k: -1, _id: 1 }, skip: 3, limit: 5, projection: { name: 1 } }).toArray(),
    all.toSorted((a, b) => b.k - a.k || a._id - b._id).slice(3, 8).map(({ _id, name }) => ({ _id, name })))
  t.deepEqual(await view.find({}, { batchSize: 7 }).toArray(), all)
  t.is(await view.countDocuments(), 100)
  t.is(await view.estimatedDocumentCount(), 100)
  t.is(await view.countDocuments({ k: 3 }), all.filter(({ k }) => k === 3).length)
  t.is(await view.countDocuments({}, { skip: 90, limit: 50 }), 10)
  t.deepEqual(await view.distinct('tags'), [...new Set(all.flatMap(({ tags }) => tags))])
  t.deepEqual(await view.distinct('k', { _id: { $lt: 4 } }), [0, 2])
  t.deepEqual(await view.findOne({ _id: 4 }), all[2])
  t.is(await view.findOne({ _id: 5 }), null)
  t.deepEqual(await view.get(4), all[2])
  t.is(await view.get(5), null)
  t.deepEqual(view.getSync(4), all[2])
  t.deepEqual(await view.getMany([6, 5, 4, 4, 'none']), [all[3], null, all[2], all[2], null])
  t.deepEqual(await view.getMany([]), [])
  t.deepEqual([await view.has(4), await view.has(5)], [true, false])
  t.deepEqual(await view.aggregate([{ $match: { k: 1 } }, { $group: { _id: null, n: { $sum: 1 } } }]).toArray(), [{ _id: null, n: all.filter(({ k }) => k === 1).length }])
  t.deepEqual(await view.find({ $expr: { $eq: ['$k', '$$wanted'] } }, { let: { wanted: 2 } }).toArray(), all.filter(({ k }) => k === 2))
  t.deepEqual(view.findSync({ k: 3 }), all.filter(({ k }) => k === 3))
  // Views of views, in joins and unions.
  const firsts = await db.createCollection('firsts', { viewOn: 'active', pipeline: [{ $match: { k: { $lt: 2 } } }, { $sort: { _id: -1 } }] })
  const lower = all.filter(({ k }) => k < 2).reverse()
  t.deepEqual(await firsts.find().toArray(), lower)
  t.deepEqual(await firsts.find({ k: 1 }).toArray(), lower.filter(({ k }) => k === 1))
  t.deepEqual(await firsts.find().limit(3).toArray(), lower.slice(0, 3))
  const joined = await items.aggregate([
    { $match: { _id: { $lt: 3 } } },
    { $lookup: { from: 'active', localField: '_id', foreignField: '_id', as: 'same' } },
    { $lookup: { from: 'firsts', let: { k: '$k' }, pipeline: [{ $match: { $expr: { $eq: ['$k', '$$k'] } } }, { $limit: 1 }, { $project: { _id: 1 } }], as: 'last' } }
  ]).toArray()
  t.deepEqual(joined.map(({ same }) => same.map(({ _id }) => _id)), [[0], [], [2]])
  t.deepEqual(joined.map(({ last }) => last.map(({ _id }) => _id)), [[196], [190], []])
  const union = await db.collection('none').aggregate([{ $unionWith: 'firsts' }]).toArray()
  t.deepEqual(union, lower)
  // What is written is read at once.
  await items.insertOne({ _id: 1000, k: 1, active: true })
  t.deepEqual(await firsts.findOne(), { _id: 1000, k: 1 })
})

test('a view uses the indexes of the collection below it', async (t) => {
  const { items, view } = await filled(t)
  await items.createIndex({ k: 1 })
  const { queryPlanner } = await view.find({ k: 3 }).explain('queryPlanner')
  t.is(queryPlanner.namespace, items.namespace)
  t.is(queryPlanner.winningPlan.stage, 'FETCH', 'a condition behind the projection of the view')
})

test('conditions on a view are looked up together with those of the view', async (t) => {
  const { db, items } = await filled(t)
  await items.createIndex({ k: 1 })
  const plain = await db.createCollection('plain', { viewOn: 'items', pipeline: [{ $match: { active: true } }, { $sort: { name: 1 } }] })
  const explained = await plain.find({ k: 3 }).explain('executionStats')
  t.is(explained.queryPlanner.winningPlan.inputStage.inputStage.indexName, 'k_1')
  t.deepEqual(explained.queryPlanner.parsedQuery, { $and: [{ active: true }, { k: 3 }] })
  t.is(explained.executionStats.totalKeysExamined, DOCUMENTS.filter(({ k }) => k === 3).length)
  t.is((await rejectsWith(t, 'BAD_QUERY', () => plain.updateOne({}, { $set: { a: 1 } }), /is a view/)).code, 166)
})

test('a view stores nothing: what writes, indexes or watches it is refused', async (t) => {
  const { db, items, view } = await filled(t)
  const before = await items.find().toArray()
  const refusals = [
    () => view.insertOne({ _id: 1 }), () => view.insertMany([{ _id: 1 }]), () => view.updateOne({ _id: 0 }, { $set: { a: 1 } }), () => view.updateMany({}, { $set: { a: 1 } }),
    () => view.updateOne({ _id: 9 }, { $set: { a: 1 } }, { upsert: true }), () => view.replaceOne({ _id: 0 }, {}), () => view.deleteOne({ _id: 0 }), () => view.deleteMany({}),
    () => view.findOneAndUpdate({ _id: 0 }, { $set: { a: 1 } }), () => view.findOneAndDelete({ k: 1 }), () => view.bulkWrite([{ insertOne: { document: { _id: 1 } } }]),
    () => view.set(1, { a: 1 }), () => view.delete(0), () => view.createIndex({ k: 1 }), () => view.dropIndexes(), () => view.indexes(), () => view.stats(), () => view.rename('other'),
    () => view.findOne({}, { meta: true }), () => view.get(0, { meta: true }), () => items.aggregate([{ $out: 'active' }]).toArray(), () => items.aggregate([{ $merge: 'active' }]).toArray(),
    () => view.watch().next(), () => view.find().live().next(), () => view.history(0)[Symbol.asyncIterator]().next(),
    () => db.transaction((tx) => tx.collection('active').insertOne({ _id: 1 })), () => db.transaction((tx) => tx.collection('active').updateMany({}, { $set: { a: 1 } })),
    () => db.transaction((tx) => tx.collection('active').delete(0))
  ]
  for (const refusal of refusals) {
    const error = await t.throwsAsync(async () => refusal())
    t.is(error?.code, 166, `${refusal}: ${error?.message}`)
  }
  for (const projection of [{ 'tags.$': 1 }, { tags: { $slice: 1 } }, { tags: { $elemMatch: { $eq: 't1' } } }]) {
    t.is((await rejectsWith(t, 'BAD_QUERY', () => view.find({ tags: 't1' }, { projection }).toArray())).code, 167)
  }
  t.deepEqual(await items.find().toArray(), before)
  t.is(await view.countDocuments(), 100)
})

test('a view is listed as one, changed by collMod, and dropped without what it reads', async (t) => {
  const { db, items, view } = await filled(t)
  const [listed] = await db.listCollections({ type: 'view' }).toArray()
  t.deepEqual([listed.name, listed.type, listed.options, listed.info], ['active', 'view', { viewOn: 'items', pipeline: ACTIVE }, { readOnly: true }])
  t.false('idIndex' in listed)
  t.deepEqual(await db.listCollections({ type: 'collection' }, { nameOnly: true }).toArray(), [{ name: 'items', type: 'collection' }])
  const { collections, views } = await db.command({ dbStats: 1 })
  t.deepEqual([collections, views], [1, 1])
  await db.command({ collMod: 'active', viewOn: 'items', pipeline: [{ $match: { k: 0 } }] })
  t.is(await view.countDocuments(), DOCUMENTS.filter(({ k }) => k === 0).length)
  for (const change of [{ pipeline: [] }, { viewOn: 'items' }, { validator: { a: 1 } }, { viewOn: 'items', pipeline: [], validationLevel: 'off' }]) {
    t.is((await rejectsWith(t, 'BAD_QUERY', () => db.command({ collMod: 'active', ...change }))).code, 72)
  }
  t.is((await rejectsWith(t, 'BAD_QUERY', () => db.command({ collMod: 'items', viewOn: 'x', pipeline: [] }), /no view/)).code, 72)
  t.true(await view.drop())
  t.is(await items.countDocuments(), 200)
  t.deepEqual(await view.find().toArray(), [])
  await view.insertOne({ _id: 1 })
  t.is((await rejectsWith(t, 'CONFLICT', () => db.createCollection('active', { viewOn: 'items' }))).code, 48)
})

test('what is wrong with a view is refused when it is made', async (t) => {
  const { db } = await filled(t)
  const made = (options) => () => db.createCollection('v', options)
  t.is((await rejectsWith(t, 'BAD_QUERY', made({ viewOn: 'v', pipeline: [] }), /read itself/)).code, 5)
  t.is((await rejectsWith(t, 'BAD_QUERY', made({ pipeline: [] }), /viewOn/)).code, 72)
  t.is((await rejectsWith(t, 'BAD_QUERY', made({ viewOn: 'items', pipeline: [{ $out: 'x' }] }), /must not write/)).code, 167)
  t.is((await rejectsWith(t, 'BAD_QUERY', made({ viewOn: 'items', pipeline: [{ $nope: 1 }] }), /unknown stage/)).code, 40324)
  t.is((await rejectsWith(t, 'BAD_QUERY', made({ viewOn: 'items', pipeline: {} }), /array of stages/)).code, 14)
  t.is((await rejectsWith(t, 'BAD_QUERY', made({ viewOn: 'a$b' }))).code, 73)
  t.is((await rejectsWith(t, 'BAD_QUERY', made({ viewOn: 5 }), /viewOn must be/)).code, 9)
  t.is((await rejectsWith(t, 'BAD_QUERY', made({ viewOn: 'items', validator: { a: 1 } }), /no options of a collection/)).code, 72)
  await rejectsType(t, made({ viewsOn: 'items' }), /viewsOn.*viewOn/)
  await db.createCollection('ping', { viewOn: 'pong' })
  t.is((await rejectsWith(t, 'BAD_QUERY', () => db.createCollection('pong', { viewOn: 'ping' }), /read itself/)).code, 5)
  t.deepEqual(await db.collection('ping').find().toArray(), [])
  let last = 'items'
  for (let n = 1; n <= 20; n++) {
    await db.createCollection(`deep${n}`, { viewOn: last, pipeline: [{ $match: { k: { $gte: 0 } } }] })
    last = `deep${n}`
  }
  t.is(await db.collection(last).countDocuments(), 200)
  t.is((await rejectsWith(t, 'BAD_QUERY', () => db.createCollection('deep21', { viewOn: last }), /more than 20/)).code, 165)
  await db.command({ collMod: 'ping', viewOn: last, pipeline: [] }).then(() => t.fail(), ({ code }) => t.is(code, 165))
  // The one below was made longer afterwards.
  await db.createCollection('more', { viewOn: 'items' })
  await db.command({ collMod: 'deep1', viewOn: 'more', pipeline: [] })
  t.is((await rejectsWith(t, 'BAD_QUERY', () => db.collection(last).find().toArray(), /more than 20/)).code, 165)
})

test('views that look each other up are refused when they are made, and when a read would go too deep', async (t) => {
  const { db } = await filled(t)
  const looks = {
    lookup: (from) => [{ $lookup: { from, as: 'x', pipeline: [] } }], equal: (from) => [{ $lookup: { from, localField: '_id', foreignField: '_id', as: 'x' } }],
    union: (from) => [{ $unionWith: from }], facet: (from) => [{ $facet: { x: [{ $lookup: { from, as: 'x', pipeline: [] } }] } }]
  }
  for (const [name, stages] of Object.entries(looks)) {
    await db.createCollection(`${name}0`, { viewOn: `${name}1` })
    t.is((await rejectsWith(t, 'BAD_QUERY', () => db.createCollection(`${name}1`, { viewOn: 'items', pipeline: stages(`${name}0`) }), /read itself/)).code, 5)
    await db.createCollection(`${name}1`, { viewOn: 'items' })
    t.is((await rejectsWith(t, 'BAD_QUERY', () => db.command({ collMod: `${name}1`, viewOn: 'items', pipeline: stages(`${name}0`) }), /read itself/)).code, 5)
    t.is(await db.collection(`${name}0`).countDocuments(), 200)
    await db.createCollection(`${name}-1`, { viewOn: 'items', pipeline: [{ $limit: 1 }] })
    for (let n = 2; n <= 20; n++) await db.createCollection(`${name}-${n}`, { viewOn: 'items', pipeline: [{ $limit: 1 }, ...stages(`${name}-${n - 1}`)] })
    t.is((await rejectsWith(t, 'BAD_QUERY', () => db.createCollection(`${name}-21`, { viewOn: 'items', pipeline: stages(`${name}-20`) }), /more than 20/)).code, 165)
    t.true((await db.collection(`${name}-20`).find().toArray()).length > 0)
    // Two transactions may make what neither could alone.
    await db.transaction(async (tx) => {
      await tx.createCollection(`${name}-a`, { viewOn: 'items', pipeline: stages(`${name}-b`) })
      await db.createCollection(`${name}-b`, { viewOn: 'items', pipeline: stages(`${name}-a`) })
    })
    t.is((await rejectsWith(t, 'BAD_QUERY', () => db.collection(`${name}-a`).find().toArray(), /more than 20/)).code, 165)
    t.is((await rejectsWith(t, 'BAD_QUERY', () => db.collection('items').aggregate(stages(`${name}-a`)).toArray(), /more than 20/)).code, 165)
  }
  await rejectsWith(t, 'BAD_QUERY', () => db.exportJSONL(new PassThrough(), { collections: ['active'] }), /is a view/)
})

test('getMany of a view reads one state, whatever is written meanwhile', async (t) => {
  const { db, items, view } = await filled(t)
  const end = new AbortController()
  const writing = (async () => {
    for (let n = 0; !end.signal.aborted; n++) await db.transaction(async (tx) => tx.collection('items').updateMany({ _id: { $in: [0, 198] } }, { $set: { n } }))
  })()
  for (let round = 0; round < 300; round++) {
    const [first, last] = await view.getMany([0, 198])
    t.is(first.n, last.n)
  }
  end.abort()
  await writing
  t.is((await items.findOne({ _id: 0 })).n, (await items.findOne({ _id: 198 })).n)
})

test('a view is as before after a restart, a compaction, a backup, and in earlier states', async (t) => {
  const path = directory(t)
  let db = await onDisk(t, { memoryLimit: 1, history: { past: {} } }, path)
  await db.collection('items').insertMany(DOCUMENTS)
  await db.createCollection('active', { viewOn: 'items', pipeline: ACTIVE })
  const before = await db.collection('active').find().toArray()
  t.is(before.length, 100)
  const moment = Date.now()
  await new Promise((resolve) => setTimeout(resolve, 20))
  await db.collection('items').insertOne({ _id: 'x', active: true })
  await db.command({ collMod: 'active', viewOn: 'items', pipeline: ACTIVE.slice(0, 1) })
  await db.command({ collMod: 'active', viewOn: 'items', pipeline: ACTIVE })
  await db.compact()
  const past = await db.asOf(new Date(moment))
  t.deepEqual(await past.collection('active').find().toArray(), before)
  await past.close()
  t.is((await db.collection('active').find().toArray()).length, 101)
  await db.close()
  db = await onDisk(t, { memoryLimit: 1 }, path)
  t.is((await db.collection('active').find().toArray()).length, 101)
  t.deepEqual(await db.collection('active').options(), { viewOn: 'items', pipeline: ACTIVE })
  await db.backup(`${path}-copy`)
  const copy = await onDisk(t, {}, `${path}-copy`)
  t.is(await copy.collection('active').countDocuments(), 101)
  await db.collection('active').drop()
  await db.close()
  t.true((await Database.verify(path)).ok)
})

test('a transaction reads views as of its snapshot, with what it has written', async (t) => {
  const { db, items } = await filled(t)
  await db.transaction(async (tx) => {
    const view = tx.collection('active')
    t.is(await view.countDocuments(), 100)
    await tx.collection('items').insertOne({ _id: 'mine', active: true, k: 99 })
    await items.insertOne({ _id: 'other', active: true, k: 99 })
    t.deepEqual(await view.find({ k: 99 }).toArray(), [{ _id: 'mine', k: 99 }])
    t.deepEqual(await view.get('mine'), { _id: 'mine', k: 99 })
    t.is(await view.get('other'), null)
    t.deepEqual(await view.distinct('_id', { k: 99 }), ['mine'])
    t.is((await view.aggregate([{ $match: { k: 99 } }]).toArray()).length, 1)
    await db.command({ collMod: 'active', viewOn: 'items', pipeline: [{ $match: { k: 'nothing' } }] })
    t.is(await view.countDocuments(), 101, 'the view is as it was, too')
  })
  t.is(await db.collection('active').countDocuments(), 0)
  await db.transaction(async (tx) => {
    await tx.createCollection('made', { viewOn: 'items', pipeline: [{ $match: { _id: 'mine' } }] })
    t.is(await tx.collection('made').countDocuments(), 1)
    await t.throwsAsync(tx.collection('made').insertOne({}), { code: 166 })
  }).catch(({ code }) => t.is(code, 251, 'a failed write ends the transaction'))
})

test('a serializable transaction that has read a view conflicts with writes of what the view reads', async (t) => {
  const { db, items } = await filled(t)
  let runs = 0
  await db.transaction(async (tx) => {
    runs++
    const count = await tx.collection('active').countDocuments({ k: 3 })
    if (runs === 1) await items.updateOne({ k: 3, active: true }, { $set: { active: false } })
    await tx.collection('counts').insertOne({ _id: runs, count })
  }, { isolation: 'serializable' })
  t.is(runs, 2)
  runs = 0
  await db.transaction(async (tx) => {
    runs++
    const count = await tx.collection('active').countDocuments()
    if (runs === 1) await db.command({ collMod: 'active', viewOn: 'items', pipeline: [] })
    await tx.collection('counts').insertOne({ _id: `view ${runs}`, count })
  }, { isolation: 'serializable' })
  t.is(runs, 2)
})

test('change streams tell the creation, the change and the drop of views when they are asked to', async (t) => {
  const { db } = await filled(t)
  const stream = db.watch([], { showExpandedEvents: true })
  await db.createCollection('v', { viewOn: 'items', pipeline: ACTIVE })
  await db.command({ collMod: 'v', viewOn: 'items', pipeline: [] })
  await db.collection('v').drop()
  const [create, modify, drop] = [await stream.next(), await stream.next(), await stream.next()]
  t.deepEqual([create.operationType, create.nsType, create.operationDescription], ['create', 'view', { viewOn: 'items', pipeline: ACTIVE }])
  t.deepEqual([modify.operationType, modify.operationDescription], ['modify', { pipeline: [] }])
  t.is(drop.operationType, 'drop')
  await stream.close()
})

test('a view reads like a collection with the documents that its pipeline makes, for random pipelines and reads', async (t) => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.log(`SEED=${seed}`)
  const rounds = Number(process.env.ROUNDS ?? 60)
  let state = seed
  const random = (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >> 8) % below
  }
  const one = (...of) => of[random(of.length)]
  const field = () => one('a', 'b', 'c', 'd')
  const value = () => one(0, 1, 2, 'x', null)
  const condition = () => one(
    () => ({ [field()]: value() }), () => ({ [field()]: { $gt: random(3) } }), () => ({ [field()]: { $exists: random(2) === 0 } }), () => ({ $or: [{ [field()]: value() }, { [field()]: value() }] }),
    () => ({ 'd.e': value() }), () => ({ _id: { $lt: random(60) } }), () => ({ $expr: { $gt: [`$${field()}`, value()] } }), () => ({ [field()]: { $not: { $gt: 1 } } }), () => ({})
  )()
  const order = () => ({ [field()]: one(1, -1), _id: one(1, -1) })
  const shape = () => one(() => ({ $project: { [field()]: 1, [field()]: 1 } }), () => ({ $project: { [field()]: 0 } }), () => ({ $set: { [field()]: one(1, '$a', '$b') } }), () => ({ $unset: field() }),
    () => ({ $project: { a: 1, b: '$c' } }), () => ({ $project: { 'd.e': 1, a: 1 } }), () => ({ $set: { 'd.e': 2 } }), () => ({ $replaceRoot: { newRoot: { _id: '$_id', a: '$b', b: '$a' } } }))()
  const stage = () => one(() => ({ $match: condition() }), () => ({ $match: condition() }), () => ({ $sort: order() }), () => ({ $limit: 1 + random(50) }), () => ({ $skip: random(20) }), shape, shape)()
  const stages = (most) => Array.from({ length: random(most + 1) }, stage)
  for (let round = 0; round < rounds; round++) {
    const db = await memory(t)
    const items = db.collection('items')
    const documents = Array.from({ length: 80 }, (_, _id) => {
      const document = { _id }
      for (const name of ['a', 'b', 'c', 'd']) if (random(4) > 0) document[name] = one(value, value, () => [value(), value()], () => ({ e: value() }))()
      return document
    })
    await items.insertMany(documents)
    if (random(2) === 0) await items.createIndex({ [field()]: 1 })
    const [first, second] = [stages(3), stages(3)]
    await db.createCollection('below', { viewOn: 'items', pipeline: first })
    const view = await db.createCollection('view', { viewOn: 'below', pipeline: second })
    const copy = db.collection('copy')
    const made = await items.aggregate([...first, ...second]).toArray()
    if (made.length > 0) await copy.insertMany(made)
    for (let read = 0; read < 12; read++) {
      const [filter, sort, own] = [condition(), one(undefined, order()), stages(3)]
      const options = { ...(sort && { sort }), skip: random(5), limit: random(10), ...(random(3) === 0 && { projection: one({ a: 1 }, { b: 0 }) }) }
      const reads = [
        (of) => of.find(filter, options).toArray(), (of) => of.countDocuments(filter), (of) => of.distinct(one('a', 'd.e'), filter), (of) => of.aggregate(own).toArray(), (of) => of.findOne({ _id: read * 5 })
      ]
      const before = state
      for (const run of reads) {
        const kept = state
        const answer = await run(view)
        state = kept
        t.deepEqual(answer, await run(copy), `SEED=${seed} round ${round}: ${JSON.stringify({ first, second, filter, options, own })}`)
      }
      state = before + read
    }
    await db.close()
  }
})

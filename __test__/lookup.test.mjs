// `$lookup`: what it finds is what a filter finds, whether an index of the other collection serves it or not.

import test from 'ava'

import { Random } from './differential/random.mjs'
import { memory } from './support/database.mjs'

/** Values of all kinds that a path may end in, arrays and objects in arrays included. */
function valueOf(next, depth = 0) {
  const pick = (n) => Math.floor(next() * n)
  switch (pick(depth > 1 ? 6 : 9)) {
    case 0: return null
    case 1: return undefined
    case 2: return ['a', 'b', 'A'][pick(3)]
    case 3: return pick(3)
    case 4: return 1.5
    case 5: return new Date(pick(2))
    case 6: return Array.from({ length: pick(3) }, () => valueOf(next, depth + 1) ?? null)
    default: return Object.fromEntries(['x', '0', 'b'].filter(() => next() < 0.5).map((key) => [key, valueOf(next, depth + 1)]).filter(([, value]) => value !== undefined))
  }
}

/** The values of a path in a document, as the server takes them: elements of arrays, and null where there is nothing. */
function valuesOf(document, [first, ...rest]) {
  const found = []
  const visit = (value, parts) => {
    while (parts.length > 0 && Array.isArray(value) && /^\d+$/.test(parts[0])) {
      value = value[Number(parts[0])]
      parts = parts.slice(1)
    }
    if (value === undefined) return
    if (parts.length === 0) found.push(...(Array.isArray(value) ? value : [value]))
    else if (Array.isArray(value)) value.filter(isObject).forEach((item) => visit(item[parts[0]], parts.slice(1)))
    else if (isObject(value)) visit(value[parts[0]], parts.slice(1))
  }
  visit(document[first], rest)
  return found.length === 0 ? [null] : found
}

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date)

test('it finds what a filter by each value finds, with and without an index, in a transaction too', async (t) => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.log(`SEED=${seed}`)
  const random = new Random(seed)
  const next = () => random.unit()
  const db = await memory(t)
  const local = db.collection('local')
  const documentsOf = (count) => Array.from({ length: count }, (_, _id) => ({ _id, ...Object.fromEntries(['a', 'v'].map((key) => [key, valueOf(next)]).filter(([, value]) => value !== undefined)) }))
  const foreign = documentsOf(60)
  const names = ['plain', 'indexed', 'sparse', 'partial']
  for (const name of names) await db.collection(name).insertMany(foreign)
  for (const path of ['a', 'a.x', 'a.0', 'a.b.x']) {
    await db.collection('indexed').createIndex({ [path]: 1 })
    await db.collection('sparse').createIndex({ [path]: -1 }, { sparse: true })
    await db.collection('partial').createIndex({ [path]: 1 }, { partialFilterExpression: { v: { $exists: true } } })
  }
  await local.insertMany(documentsOf(40))
  const check = async (home, where) => {
    for (const localField of ['v', 'v.x', 'v.0', 'v.b.x', '_id']) for (const foreignField of ['a', 'a.x', 'a.0', 'a.b.x', '_id']) {
      for (const name of names) {
        const rows = await home.collection('local').aggregate([{ $sort: { _id: 1 } }, { $lookup: { from: name, localField, foreignField, as: 'found' } }]).toArray()
        for (const { found, ...row } of rows) {
          const expected = await home.collection('plain').find({ [foreignField]: { $in: valuesOf(row, localField.split('.')) } }).toArray()
          t.deepEqual(found.map(({ _id }) => _id), expected.map(({ _id }) => _id), `SEED=${seed} ${where} ${name} ${localField} ${foreignField} ${JSON.stringify(row)}`)
        }
      }
    }
  }
  await check(db, 'database')
  await db.transaction(async (tx) => {
    for (const name of names) {
      const own = tx.collection(name)
      await own.deleteMany({ _id: { $lt: 5 } })
      await own.updateMany({ _id: { $lt: 20 } }, { $set: { a: [1, 'a', { x: 2 }] } })
      await own.insertOne({ _id: 1000, a: { x: ['a', null], b: [{ x: 1 }] } })
    }
    await check(tx, 'transaction')
  })
})

test('an index of the other collection, or its _id, serves it: more documents than memory holds are no hindrance', async (t) => {
  const db = await memory(t, { queryMemoryLimit: 1 << 20 })
  const [small, big] = [db.collection('small'), db.collection('big')]
  await big.insertMany(Array.from({ length: 30_000 }, (_, _id) => ({ _id, key: `k${_id}`, other: _id % 1000 })))
  await big.createIndex({ key: 1 })
  await small.insertMany([{ _id: 1, ref: 7, key: 'k8', keys: ['k9', 'k10', 'none'] }, { _id: 2 }])
  const found = async (stage) => (await small.aggregate([{ $sort: { _id: 1 } }, { $lookup: { from: 'big', as: 'z', ...stage } }]).toArray()).map(({ z }) => z.map(({ _id }) => _id))
  t.deepEqual(await found({ localField: 'ref', foreignField: '_id' }), [[7], []])
  t.deepEqual(await found({ localField: 'key', foreignField: 'key' }), [[8], []])
  t.deepEqual(await found({ localField: 'keys', foreignField: 'key' }), [[9, 10], []])
  t.deepEqual(await found({ localField: 'keys', foreignField: 'key', pipeline: [{ $match: { other: 10 } }] }), [[10], []])
  t.deepEqual(await found({ let: { key: '$key' }, pipeline: [{ $match: { $expr: { $eq: ['$key', '$$key'] } } }] }), [[8], []])
  const many = await big.aggregate([{ $lookup: { from: 'big', localField: '_id', foreignField: '_id', as: 'z' } }, { $match: { 'z.0': { $exists: true } } }, { $count: 'n' }]).toArray()
  t.deepEqual(many, [{ n: 30_000 }])
  await t.throwsAsync(found({ localField: 'ref', foreignField: 'other' }), { message: /\$lookup/ })
})

test('conditions of $expr that are equalities are found by an index', async (t) => {
  const db = await memory(t)
  const c = db.collection('c')
  await c.insertMany(Array.from({ length: 2_000 }, (_, _id) => ({ _id, e: `u${_id % 100}`, n: { x: _id % 7 } })))
  await c.insertMany([{ _id: 'array', e: ['u5'] }, { _id: 'null', e: null }, { _id: 'none' }])
  await c.createIndex({ e: 1 })
  await c.createIndex({ 'n.x': 1 })
  const examined = async (filter, options) => {
    const cursor = c.find(filter, options)
    const { totalDocsExamined } = (await c.find(filter, options).explain('executionStats')).executionStats
    return [(await cursor.toArray()).length, totalDocsExamined < 500]
  }
  t.deepEqual(await examined({ $expr: { $eq: ['$e', 'u5'] } }), [20, true])
  t.deepEqual(await examined({ $expr: { $eq: ['u5', '$e'] } }), [20, true])
  t.deepEqual(await examined({ $expr: { $and: [{ $eq: ['$n.x', 3] }, { $eq: ['$e', '$$e'] }] } }, { let: { e: 'u5' } }), [2, true])
  t.deepEqual(await examined({ $expr: { $eq: ['$e', ['u5']] } }), [1, false])
  t.deepEqual(await examined({ $expr: { $eq: ['$e', null] } }), [1, false])
  t.deepEqual(await examined({ $expr: { $or: [{ $eq: ['$e', 'u5'] }] } }), [20, false])
  t.is((await c.updateOne({ $expr: { $eq: ['$e', 'new'] } }, { $set: { a: 1 } }, { upsert: true })).upsertedCount, 1)
  t.is((await c.findOne({ a: 1 })).e, undefined)
  const plan = JSON.stringify(await c.aggregate([{ $match: { _id: { $gte: 0 }, $expr: { $eq: ['$e', 'u5'] } } }]).explain())
  t.regex(plan, /"indexName":"e_1"/)
})

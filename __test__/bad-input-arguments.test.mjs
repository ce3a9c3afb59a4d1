// Every public method with arguments of every wrong type: a TypeError that names the argument; nothing crashes and nothing
// changes.

import test from 'ava'

import { AggregationCursor, Collection, FindCursor } from '../index.mjs'
import { collection, Database, directory, memory, MoltenError, ObjectId, rejectsType } from './support/database.mjs'
import { AGGREGATION, CURSOR, DATABASE, everyType, methodsOf, METHODS, NO_ARGUMENTS } from './support/methods.mjs'

for (const [type, table] of [[Collection, METHODS], [Database, DATABASE], [FindCursor, CURSOR], [AggregationCursor, AGGREGATION]]) {
  test(`every method of ${type.name} is in the table`, (t) => {
    t.deepEqual(methodsOf(type).filter((name) => !(name in table) && !NO_ARGUMENTS[type.name].includes(name)), [])
  })
}

/** Calls with each type at each position; `make` returns a new receiver. */
async function refusesWrongTypes(t, table, make) {
  for (const [method, places] of Object.entries(table)) {
    for (let place = 0; place < places.length; place++) {
      const [, { name, right }] = places[place]
      for (const [type, value] of Object.entries(everyType())) {
        if (right.includes(type)) continue
        const receiver = await make()
        const args = places.map(([good], i) => (i === place ? value : good)).slice(0, Math.max(place + 1, places.length - 1))
        const error = await t.throwsAsync(async () => receiver[method](...args), undefined, `${method}: ${type} as ${name}`)
        t.true(error instanceof TypeError, `${method}: ${type} as ${name}: ${error}`)
        t.regex(error.message, new RegExp(`(^|[.: ])${method}\\b.*\\b(${name})`), `${method}: ${type} as ${name}`)
      }
    }
  }
}

test('methods of a collection', async (t) => {
  const things = await collection(t, [{ _id: 1, a: [1] }])
  await refusesWrongTypes(t, METHODS, () => things)
  t.deepEqual(await things.find().toArray(), [{ _id: 1, a: [1] }])
})

test('methods of a database', async (t) => {
  const db = await memory(t)
  await db.collection('a').insertOne({ _id: 1 })
  await refusesWrongTypes(t, DATABASE, () => db)
  t.deepEqual(await db.collection('a').find().toArray(), [{ _id: 1 }])
  for (const value of Object.values(everyType())) {
    if (typeof value !== 'string' || value === '') await rejectsType(t, () => Database.open(value), /Database.open: path must be/)
    if (typeof value !== 'string' || value === '') await rejectsType(t, () => Database.verify(value), /Database.verify: path must be/)
    if (value !== undefined && (typeof value !== 'object' || Array.isArray(value))) await rejectsType(t, () => Database.open(directory(t), value), /options/)
    if (typeof value !== 'string' || value === '') {
      await rejectsType(t, () => Database.recoverTo(value, directory(t), new Date()), /Database.recoverTo: path must be/)
      await rejectsType(t, () => Database.recoverTo(directory(t), value, new Date()), /Database.recoverTo: path must be/)
    }
    if (!(value instanceof Date)) await rejectsType(t, () => Database.recoverTo(directory(t), directory(t), value), /moment/)
  }
})

test('methods of cursors', async (t) => {
  const things = await collection(t, [{ _id: 1 }])
  await refusesWrongTypes(t, CURSOR, () => things.find())
  await refusesWrongTypes(t, AGGREGATION, () => things.aggregate())
  t.is(await things.countDocuments(), 1)
})

test('whatever comes as any argument ends in an answer, a TypeError or a MoltenError', async (t) => {
  const things = await collection(t, [{ _id: 1, a: [1] }])
  for (const [table, make] of [[METHODS, () => things], [CURSOR, () => things.find()], [AGGREGATION, () => things.aggregate()]]) {
    for (const [method, places] of Object.entries(table)) {
      if (method === 'drop' || method === 'rename') continue
      for (const [type, value] of Object.entries(everyType())) {
        for (let place = 0; place < places.length; place++) {
          const args = places.map(([good], i) => (i === place ? value : good))
          try {
            const answer = await make()[method](...args)
            if (typeof answer?.toArray === 'function') await answer.toArray()
          } catch (error) {
            t.true(error instanceof TypeError || MoltenError.isMoltenError(error), `${method}: ${type}: ${error?.stack}`)
          }
        }
      }
    }
  }
  t.true((await things.countDocuments()) >= 0)
})

test('options of wrong values are TypeErrors that name them', async (t) => {
  const things = await collection(t, [{ _id: 1 }])
  const calls = {
    skip: [(value) => things.find({}, { skip: value }), -1, 1.5, NaN, Infinity, '1', [], {}, 2 ** 53, 1n, true],
    limit: [(value) => things.find({}, { limit: value }), 1.5, NaN, Infinity, '1', [], {}, 1n, true],
    batchSize: [(value) => things.find({}, { batchSize: value }), -1, 1.5, NaN, '1', {}, 1n],
    maxTimeMS: [(value) => things.findOne({}, { maxTimeMS: value }), -1, 1.5, NaN, '1', {}, 1n],
    'maxTimeMS ': [(value) => things.find().explain({ verbosity: 'queryPlanner', maxTimeMS: value }), -1, 1.5, NaN, '1', {}, 1n],
    hint: [(value) => things.countDocuments({}, { hint: value }), 1, true, '', {}, [], Symbol('x')],
    collation: [(value) => things.find({}, { collation: value }), 1, 'simple', [], true],
    unique: [(value) => things.createIndex('a', { unique: value }), 1, 'yes', {}],
    nameOnly: [(value) => things.db.listCollections({}, { nameOnly: value }), 1, 'yes', {}],
    full: [(value) => things.indexes({ full: value }), 1, 'yes', {}],
    signal: [(value) => things.findOne({}, { signal: value }), 1, 'x', {}, [], null, { aborted: 'no', addEventListener() {} }],
    projection: [(value) => things.findOne({}, { projection: value }), 1, 'a', [], true],
    sort: [(value) => things.findOne({}, { sort: value }), 1, true, { a: 0 }, { a: 2 }, { a: 'up' }, { a: null }, { a: {} }, [['a', 2]], [1], [['a']], new Map([['a', 5]]), new Map([[1, 1]]), { '': 1 }, ''],
    upsert: [(value) => things.updateOne({}, { $set: { a: 1 } }, { upsert: value }), 1, 'yes', {}, []],
    arrayFilters: [(value) => things.updateOne({}, { $set: { 'a.$[x]': 1 } }, { arrayFilters: value }), 1, 'x', {}, [1], [null], [[]]],
    ordered: [(value) => things.insertMany([{}], { ordered: value }), 1, 'yes', {}],
    returnDocument: [(value) => things.findOneAndDelete({ _id: 0 }, { returnDocument: value }), 'x', 1, true, {}],
    includeResultMetadata: [(value) => things.findOneAndDelete({ _id: 0 }, { includeResultMetadata: value }), 1, 'x', {}],
    ifVersion: [(value) => things.set(1, {}, { ifVersion: value }), -1, 1.5, NaN, '1', {}, 1n],
    meta: [(value) => things.get(1, { meta: value }), 1, 'x', {}],
    dropTarget: [(value) => things.rename('other', { dropTarget: value }), 1, 'x', {}],
    forceServerObjectId: [(value) => things.insertOne({}, { forceServerObjectId: value }), 1, 'x', {}],
    ignoreUndefined: [(value) => things.insertOne({}, { ignoreUndefined: value }), 1, 'x', {}],
    pkFactory: [(value) => things.db.collection('x', { pkFactory: value }), 1, 'x', {}, { createPk: 1 }]
  }
  for (const [name, [call, ...values]] of Object.entries(calls)) {
    for (const value of values) await rejectsType(t, async () => call(value), new RegExp(name))
  }
  t.deepEqual(await things.find().toArray(), [{ _id: 1 }])
})

test('a pkFactory may make anything: what is no _id is refused', async (t) => {
  const db = await memory(t)
  for (const made of [undefined, [], Symbol('x'), () => {}, new Map(), { a: undefined, b: /x/ }, 'x'.repeat(1100)]) {
    const things = db.collection('things', { pkFactory: { createPk: () => made } })
    await t.throwsAsync(things.insertOne({}), { instanceOf: MoltenError })
    await t.throwsAsync(things.updateOne({ a: 1 }, { $set: { b: 1 } }, { upsert: true }), { instanceOf: MoltenError })
  }
  const reason = new Error('no key today')
  t.is(await t.throwsAsync(db.collection('things', { pkFactory: { createPk() { throw reason } } }).insertOne({})), reason)
  t.is(await db.collection('things').countDocuments(), 0)
})

test('an array of holes is refused at its first one, and a batch size beyond all documents is one', async (t) => {
  const things = await collection(t, [{ _id: 1 }, { _id: 2 }])
  // 2^32 - 1 holes: walking over all of them takes minutes.
  const holes = []
  holes.length = 2 ** 32 - 1
  const calls = {
    insertMany: () => things.insertMany(holes),
    getMany: () => things.getMany(holes),
    bulkWrite: () => things.bulkWrite(holes),
    setMany: () => things.setMany(holes),
    aggregate: () => things.aggregate(holes),
    'updateOne: update': () => things.updateOne({}, holes),
    'updateOne: option arrayFilters': () => things.updateOne({}, { $set: { a: 1 } }, { arrayFilters: holes }),
    find: () => things.find({}, { sort: holes }),
    'find: hint': () => things.find({}, { hint: holes }),
    createIndex: () => things.createIndex(holes),
    createIndexes: () => things.createIndexes(holes),
    indexExists: () => things.indexExists(holes),
    'Database.exportJSONL': () => things.db.exportJSONL(new WritableStream(), { collections: holes })
  }
  for (const [name, call] of Object.entries(calls)) await rejectsType(t, call, new RegExp(name))
  for (const batchSize of [2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    t.is((await things.find({}, { batchSize }).toArray()).length, 2)
    t.is((await things.find().batchSize(batchSize).toArray()).length, 2)
    t.is((await things.aggregate([], { batchSize }).batchSize(batchSize).toArray()).length, 2)
    t.is(things.findSync({}, { batchSize }).length, 2)
    t.is((await things.find({}, { skip: batchSize }).toArray()).length, 0)
    t.is((await things.find({}, { limit: batchSize }).toArray()).length, 2)
    t.is(await things.countDocuments({}, { limit: batchSize, maxTimeMS: batchSize }), 2)
  }
})

test('a value that is an object only for JavaScript is named by its class', async (t) => {
  const users = await collection(t)
  await rejectsType(t, () => users.find(new Date()), /filter must be an object, not a Date/)
  await rejectsType(t, () => users.insertOne(Buffer.from('x')), /document must be an object, not a Buffer/)
  await rejectsType(t, () => users.findOne(new Uint8Array(1)), /filter must be an object, not a typed array/)
  await rejectsType(t, () => users.deleteOne(new ObjectId()), /filter must be an object, not an ObjectId/)
})

// Every public method with arguments of every wrong type: a TypeError that names the argument, never a crash, and nothing changes.

import test from 'ava'

import { AggregationCursor, Collection, FindCursor } from '../index.mjs'
import { collection, Database, directory, memory, MoltenError, rejectsType } from './support/database.mjs'

/** One of each type, new at each call: an insert gives a document its `_id`, and tests of this file run side by side. */
const everyType = () => ({
  null: null, undefined, number: 5, NaN: NaN, string: 'x', 'empty string': '', boolean: true, bigint: 1n, symbol: Symbol('x'), function: () => {}, class: Map,
  array: [], 'array of null': [null], 'nested array': [[]], object: {}, date: new Date(0), bytes: Buffer.from('x'), map: new Map(), set: new Set(), regexp: /x/, promise: Promise.resolve(), error: new Error('x')
})
/** What counts as an object with fields before its content is looked at. */
const FIELDS = ['object', 'map', 'set', 'regexp', 'promise', 'error']
const ARRAYS = ['array', 'array of null', 'nested array']
const ABSENT = ['undefined', 'null']

const filter = { name: 'filter', right: [...FIELDS] }
const optionalFilter = { name: 'filter', right: [...FIELDS, ...ABSENT] }
const options = { name: 'options|option', right: ['undefined', 'null', 'object', 'map', 'set', 'regexp', 'promise', 'error', 'date', 'bytes'] }
const id = { name: 'id', right: Object.keys(everyType()).filter((type) => !['undefined', 'symbol', 'function', 'class', ...ARRAYS].includes(type)) }
const document = { name: 'document', right: FIELDS }
const update = { name: 'update', right: [...FIELDS, 'array'] }

/** The arguments of each method: good ones, and which is what. */
const METHODS = {
  insertOne: [[{}, document], [{}, options]],
  insertMany: [[[{}], { name: 'documents', right: [] }], [{}, options]],
  findOne: [[{}, optionalFilter], [{}, options]],
  find: [[{}, optionalFilter], [{}, options]],
  aggregate: [[[], { name: 'pipeline', right: ['undefined', 'array'] }], [{}, options]],
  countDocuments: [[{}, optionalFilter], [{}, options]],
  estimatedDocumentCount: [[{}, options]],
  updateOne: [[{}, filter], [{ $set: { a: 1 } }, update], [{}, options]],
  updateMany: [[{}, filter], [{ $set: { a: 1 } }, update], [{}, options]],
  replaceOne: [[{}, filter], [{}, { name: 'replacement', right: FIELDS }], [{}, options]],
  findOneAndUpdate: [[{}, filter], [{ $set: { a: 1 } }, update], [{}, options]],
  findOneAndReplace: [[{}, filter], [{}, { name: 'replacement', right: FIELDS }], [{}, options]],
  findOneAndDelete: [[{}, filter], [{}, options]],
  bulkWrite: [[[{ deleteOne: { filter: {} } }], { name: 'operations', right: [] }], [{}, options]],
  distinct: [['a', { name: 'key', right: ['string'] }], [{}, optionalFilter], [{}, options]],
  rename: [['x', { name: 'name', right: ['string', 'empty string'] }], [{}, options]],
  deleteOne: [[{}, optionalFilter], [{}, options]],
  deleteMany: [[{}, optionalFilter], [{}, options]],
  drop: [[{}, options]],
  get: [['x', id], [{}, options]],
  getMany: [[['x'], { name: 'ids', right: ['array', 'array of null'] }], [{}, options]],
  has: [['x', id], [{}, options]],
  set: [['x', id], [{}, document], [{}, options]],
  setMany: [[[['x', {}]], { name: 'entries|entry', right: ['array', 'map', 'set'] }], [{}, options]],
  delete: [['x', id], [{}, options]],
  getSync: [['x', id], [{}, options]],
  hasSync: [['x', id]],
  findSync: [[{}, optionalFilter], [{}, options]],
  findOneSync: [[{}, optionalFilter], [{}, options]],
  countSync: [[{}, optionalFilter], [{}, options]],
  createIndex: [['a', { name: 'indexSpec', right: ['string'] }], [{}, options]],
  createIndexes: [[[{ key: { a: 1 } }], { name: 'indexSpecs', right: [] }], [{}, options]],
  dropIndex: [['a_1', { name: 'index', right: ['string'] }], [{}, options]],
  dropIndexes: [[{}, options]],
  listIndexes: [[{}, options]],
  indexes: [[{}, options]],
  indexInformation: [[{}, options]],
  indexExists: [['a_1', { name: 'indexes', right: ['string', 'empty string', 'array'] }], [{}, options]],
  stats: [[{}, options]],
  options: [[{}, options]],
  isCapped: [[{}, options]]
}

const DATABASE = {
  collection: [['a', { name: 'name', right: ['string', 'empty string'] }], [{}, options]],
  createCollection: [['a', { name: 'name', right: ['string', 'empty string'] }], [{}, options]],
  listCollections: [[{}, optionalFilter], [{}, options]],
  renameCollection: [['a', { name: 'from', right: ['string', 'empty string'] }], ['b', { name: 'to', right: ['string', 'empty string'] }], [{}, options]],
  dropCollection: [['a', { name: 'name', right: ['string', 'empty string'] }], [{}, options]],
  flush: [[{}, options]],
  compact: [[{}, options]],
  backup: [['/nowhere/at/all', { name: 'path', right: ['string'] }], [{}, options]],
  stats: [[{}, options]],
  exportJSONL: [[new WritableStream(), { name: 'writable', right: [] }], [{}, options]],
  importJSONL: [[['{}'], { name: 'readable', right: ['array', 'array of null', 'nested array', 'map', 'set', 'bytes', 'string', 'empty string'] }], [{}, options]]
}

const CURSOR = {
  filter: [[{}, optionalFilter]],
  sort: [['a', { name: 'sort', right: ['string', ...ABSENT, 'array', 'object', 'map', 'date', 'bytes', 'set', 'regexp', 'promise', 'error'] }]],
  maxTimeMS: [[1, { name: 'count', right: ['number'] }]],
  skip: [[1, { name: 'count', right: ['number'] }]],
  limit: [[1, { name: 'count', right: ['number'] }]],
  batchSize: [[1, { name: 'count', right: ['number'] }]],
  project: [[{}, { name: 'projection', right: FIELDS }]],
  hint: [['a_1', { name: 'hint', right: ['string', ...ABSENT] }]],
  comment: [['x', { name: 'comment', right: Object.keys(everyType()) }]],
  // An object without the one locale that there is is NOT_SUPPORTED.
  collation: [[{ locale: 'simple' }, { name: 'collation', right: FIELDS }]],
  explain: [['queryPlanner', { name: 'verbosity', right: ['boolean', ...ABSENT] }]],
  map: [[(each) => each, { name: 'transform', right: ['function', 'class'] }]],
  forEach: [[() => {}, { name: 'iterator', right: ['function', 'class'] }]]
}

const AGGREGATION = {
  addStage: [[{}, { name: 'stage', right: FIELDS }]],
  batchSize: [[1, { name: 'count', right: ['number', ...ABSENT] }]],
  maxTimeMS: [[1, { name: 'value', right: ['number', ...ABSENT] }]],
  explain: CURSOR.explain,
  map: CURSOR.map,
  forEach: CURSOR.forEach
}

/** Methods without arguments to check, by class. */
const NO_ARGUMENTS = {
  Collection: [],
  Database: ['close'],
  FindCursor: ['next', 'tryNext', 'hasNext', 'toArray', 'count', 'bufferedCount', 'readBufferedDocuments', 'rewind', 'clone', 'close', 'stream'],
  AggregationCursor: [
    'next', 'tryNext', 'hasNext', 'toArray', 'bufferedCount', 'readBufferedDocuments', 'rewind', 'clone', 'close', 'stream',
    // Stages are checked where the pipeline runs.
    'match', 'project', 'group', 'sort', 'limit', 'skip', 'unwind', 'lookup', 'out'
  ]
}

for (const [type, table] of [[Collection, METHODS], [Database, DATABASE], [FindCursor, CURSOR], [AggregationCursor, AGGREGATION]]) {
  test(`every method of ${type.name} is in the table`, (t) => {
    const prototypes = []
    for (let at = type.prototype; at !== Object.prototype; at = Object.getPrototypeOf(at)) prototypes.push(at)
    const methods = new Set(prototypes.flatMap((at) => Object.entries(Object.getOwnPropertyDescriptors(at))).filter(([name, { value }]) => typeof value === 'function' && name !== 'constructor').map(([name]) => name))
    t.deepEqual([...methods].filter((name) => !(name in table) && !NO_ARGUMENTS[type.name].includes(name)), [])
  })
}

/** Calls with each type in each place; `make` answers a fresh receiver. */
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

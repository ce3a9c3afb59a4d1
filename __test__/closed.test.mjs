// Every method, while the database closes and after it has closed.

import { createRequire } from 'node:module'

import test from 'ava'

import { Database, rejectsWith } from './support/database.mjs'

const ofCollection = {
  insertOne: (c) => c.insertOne({}),
  insertMany: (c) => c.insertMany([{}]),
  findOne: (c) => c.findOne({ a: 1 }),
  'findOne by _id': (c) => c.findOne({ _id: 1 }),
  'find.toArray': (c) => c.find().toArray(),
  'find.next': (c) => c.find().next(),
  'find.tryNext': (c) => c.find().tryNext(),
  'find.hasNext': (c) => c.find().hasNext(),
  'find.count': (c) => c.find().count(),
  'find.forEach': (c) => c.find().forEach(() => {}),
  'find.for await': async (c) => {
    for await (const document of c.find()) void document
  },
  countDocuments: (c) => c.countDocuments(),
  estimatedDocumentCount: (c) => c.estimatedDocumentCount(),
  updateOne: (c) => c.updateOne({}, { $set: { a: 1 } }),
  updateMany: (c) => c.updateMany({}, { $set: { a: 1 } }),
  replaceOne: (c) => c.replaceOne({}, { a: 1 }),
  deleteOne: (c) => c.deleteOne({}),
  deleteMany: (c) => c.deleteMany({}),
  findOneAndUpdate: (c) => c.findOneAndUpdate({}, { $set: { a: 1 } }),
  findOneAndReplace: (c) => c.findOneAndReplace({}, { a: 1 }),
  findOneAndDelete: (c) => c.findOneAndDelete({}),
  bulkWrite: (c) => c.bulkWrite([{ insertOne: { document: {} } }]),
  distinct: (c) => c.distinct('a'),
  rename: (c) => c.rename('others'),
  drop: (c) => c.drop(),
  createIndex: (c) => c.createIndex('a'),
  createIndexes: (c) => c.createIndexes([{ key: { a: 1 } }]),
  dropIndex: async (c) => {
    await c.createIndex('b')
    return c.dropIndex('b_1')
  },
  dropIndexes: (c) => c.dropIndexes(),
  listIndexes: (c) => c.listIndexes().toArray(),
  indexes: (c) => c.indexes(),
  indexInformation: (c) => c.indexInformation(),
  indexExists: (c) => c.indexExists('a'),
  'collection.stats': (c) => c.stats(),
  options: (c) => c.options(),
  isCapped: (c) => c.isCapped(),
  'find.explain': (c) => c.find().explain(),
  'aggregate.explain': (c) => c.aggregate().explain(),
  get: (c) => c.get(1),
  'get with meta': (c) => c.get(1, { meta: true }),
  getMany: (c) => c.getMany([1]),
  has: (c) => c.has(1),
  set: (c) => c.set(1, {}),
  setMany: (c) => c.setMany([[1, {}]]),
  delete: (c) => c.delete(1),
  getSync: async (c) => c.getSync(1),
  hasSync: async (c) => c.hasSync(1),
  insertOneSync: async (c) => c.insertOneSync({}),
  insertManySync: async (c) => c.insertManySync([{}]),
  updateOneSync: async (c) => c.updateOneSync({}, { $set: { a: 1 } }),
  updateManySync: async (c) => c.updateManySync({}, { $set: { a: 1 } }),
  replaceOneSync: async (c) => c.replaceOneSync({}, { a: 1 }),
  deleteOneSync: async (c) => c.deleteOneSync({}),
  deleteManySync: async (c) => c.deleteManySync({}),
  bulkWriteSync: async (c) => c.bulkWriteSync([{ insertOne: { document: {} } }]),
  setSync: async (c) => c.setSync(1, {}),
  deleteSync: async (c) => c.deleteSync(1)
}

const ofDatabase = {
  flush: (db) => db.flush(),
  stats: (db) => db.stats(),
  snapshot: (db) => db.snapshot(),
  'snapshot and restore': async (db) => db.restore(await db.snapshot()),
  fork: (db) => db.fork().then((fork) => fork.close()),
  listCollections: (db) => db.listCollections().toArray(),
  dropCollection: (db) => db.dropCollection('users'),
  collections: (db) => db.collections(),
  dropDatabase: (db) => db.dropDatabase(),
  listDatabases: (db) => db.listDatabases(),
  command: (db) => db.command({ ping: 1 }),
  transaction: (db) => db.transaction(async () => {}),
  transactionSync: async (db) => db.transactionSync(() => {}),
  startSession: async (db) => db.startSession(),
  'aggregate of the database': (db) => db.aggregate([{ $documents: [] }]).toArray(),
  createCollection: (db) => db.createCollection('users'),
  renameCollection: (db) => db.renameCollection('users', 'others')
}

async function opened() {
  const db = await Database.open(':memory:')
  const users = db.collection('users')
  await users.insertMany([{ _id: 1 }, { _id: 2 }])
  return { db, users }
}

for (const [name, work] of [...Object.entries(ofCollection), ...Object.entries(ofDatabase)]) {
  const target = (handles) => (Object.hasOwn(ofDatabase, name) ? handles.db : handles.users)

  test(`${name} rejects with CLOSED after close`, async (t) => {
    const handles = await opened()
    await handles.db.close()
    const error = await rejectsWith(t, 'CLOSED', () => work(target(handles)), /'memory' is closed/)
    t.is(error.code, 'CLOSED')
  })

  test(`${name} rejects with CLOSED while closing`, async (t) => {
    const handles = await opened()
    const closing = handles.db.close()
    await rejectsWith(t, 'CLOSED', () => work(target(handles)))
    await closing
  })

  test(`${name} called before close settles`, async (t) => {
    const handles = await opened()
    const outcome = Promise.resolve(work(target(handles))).then(
      () => 'resolved',
      (error) => error.kind
    )
    await handles.db.close()
    t.true(['resolved', 'CLOSED'].includes(await outcome))
  })
}

test('an open cursor rejects with CLOSED after close, and can itself be closed', async (t) => {
  const { db, users } = await opened()
  const cursor = users.find().batchSize(1)
  await cursor.next()
  await db.close()
  await rejectsWith(t, 'CLOSED', () => cursor.next())
  await cursor.close()
})

// Serial, so that no other database uses the port. Regression: closing released the port before a wake-up on its way
// arrived, whose call threw INTERNAL, uncaught.
test.serial('a wake-up that comes after close disturbs nobody', async (t) => {
  await (await opened()).db.close()
  const { cache } = createRequire(import.meta.url)
  const addon = cache[Object.keys(cache).find((path) => path.endsWith('.node'))].exports
  const { openPort } = addon
  t.teardown(() => (addon.openPort = openPort))
  let wake
  addon.openPort = (...functions) => {
    wake = functions[0]
    return openPort(...functions)
  }
  const { db } = await opened()
  await db.close()
  t.notThrows(wake)
})

// Validators of collections: every way of writing a document checks it, and what fails is told as MongoDB's server tells it.

import { Readable } from 'node:stream'

import test from 'ava'

import { Database, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

const SCHEMA = {
  $jsonSchema: {
    bsonType: 'object',
    title: 'a person',
    required: ['name', 'age'],
    properties: {
      name: { bsonType: 'string', description: 'a name is a string' },
      age: { bsonType: 'int', minimum: 0 }
    }
  }
}

const ADA = { _id: 'ada', name: 'Ada', age: 36 }

async function people(t, options = { validator: SCHEMA }, open) {
  const db = await memory(t, open)
  return { db, users: await db.createCollection('users', options) }
}

/** The error of a refused write. */
async function refused(t, write) {
  const error = await rejectsWith(t, 'SCHEMA_VIOLATION', write, /Document failed validation/)
  t.is(error.code, 121)
  t.is(error.codeName, 'DocumentValidationFailure')
  return error
}

test('a document that a validator refuses is not stored, whichever method writes it', async (t) => {
  const { db, users } = await people(t)
  await users.insertOne(ADA)
  const wrong = { _id: 'bob', name: 5, age: -1 }
  for (const write of [
    () => users.insertOne(wrong),
    () => users.insertMany([wrong]),
    () => users.set('bob', wrong),
    () => users.setMany([['bob', wrong]]),
    () => users.set('ada', { name: 'Ada' }),
    () => users.updateOne({ _id: 'ada' }, { $set: { age: 'old' } }),
    () => users.updateOne({ _id: 'ada' }, { $inc: { age: -100 } }),
    () => users.updateOne({ name: 'Ada' }, { $unset: { name: 1 } }),
    () => users.updateMany({}, { $set: { 'name.first': 'A' }, $unset: { age: 1 } }).catch((error) => {
      if (error.code === 28) return users.updateMany({}, { $unset: { age: 1 } })
      throw error
    }),
    () => users.updateOne({ _id: 'ada' }, [{ $set: { age: { $toString: '$age' } } }]),
    () => users.replaceOne({ _id: 'ada' }, { name: 'Ada' }),
    () => users.updateOne({ _id: 'bob' }, { $set: { name: 'Bob' } }, { upsert: true }),
    () => users.updateOne({ name: 'Bob' }, { $set: { age: 'x' } }, { upsert: true }),
    () => users.replaceOne({ name: 'Bob' }, { name: 'Bob' }, { upsert: true }),
    () => users.findOneAndUpdate({ _id: 'ada' }, { $set: { age: null } }),
    () => users.findOneAndReplace({ _id: 'ada' }, { age: 1 }, { returnDocument: 'after' }),
    () => users.bulkWrite([{ insertOne: { document: wrong } }]),
    () => users.bulkWrite([{ updateOne: { filter: { _id: 'ada' }, update: { $unset: { age: 1 } } } }]),
    () => db.aggregate([{ $documents: [wrong] }, { $out: 'users' }]).toArray(),
    () => db.aggregate([{ $documents: [wrong] }, { $merge: 'users' }]).toArray(),
    () => db.aggregate([{ $documents: [{ _id: 'ada', age: 'x' }] }, { $merge: 'users' }]).toArray(),
    async () => users.insertOneSync(wrong),
    async () => users.updateOneSync({ _id: 'ada' }, { $unset: { age: 1 } }),
    async () => users.setSync('ada', { name: 'Ada' }),
    async () => users.bulkWriteSync([{ insertOne: { document: wrong } }]),
    () => db.importJSONL(Readable.from('{"_id":"bob","name":5,"age":1}\n'), { collection: 'users' }),
    () => db.importJSONL(Readable.from('{"_id":"ada","name":"A"}\n'), { collection: 'users', ifExists: 'replace' }),
    () => db.transaction((tx) => tx.collection('users').insertOne(wrong)),
    () => db.transaction((tx) => tx.collection('users').updateOne({ _id: 'ada' }, { $set: { age: 'x' } })),
    () => db.transaction((tx) => tx.collection('users').set('ada', { name: 'Ada' }))
  ]) {
    await refused(t, write)
    t.deepEqual(await users.find().toArray(), [ADA], `${write}`)
  }
  await users.updateOne({ _id: 'ada' }, { $inc: { age: 1 } })
  await users.insertOne({ _id: 'bob', name: 'Bob', age: 5 })
  t.deepEqual((await users.distinct('age')).sort(), [37, 5])
})

test('the error says which rules a document breaks, as the server does', async (t) => {
  const { users } = await people(t)
  const error = await refused(t, () => users.insertOne({ _id: 7, name: 5 }))
  t.deepEqual(error.errInfo, {
    failingDocumentId: 7,
    details: {
      operatorName: '$jsonSchema',
      title: 'a person',
      schemaRulesNotSatisfied: [
        {
          operatorName: 'properties',
          propertiesNotSatisfied: [
            {
              propertyName: 'name',
              description: 'a name is a string',
              details: [
                {
                  operatorName: 'bsonType',
                  specifiedAs: { bsonType: 'string' },
                  reason: 'type did not match',
                  consideredValue: 5,
                  consideredType: 'int'
                }
              ]
            }
          ]
        },
        { operatorName: 'required', specifiedAs: { required: ['name', 'age'] }, missingProperties: ['age'] }
      ]
    }
  })
  const many = await refused(t, () => users.insertMany([ADA, { _id: 8, name: 'B', age: -1 }, { _id: 9, name: 'C', age: 1 }], { ordered: false }))
  t.deepEqual(many.writeErrors.map(({ index, code }) => [index, code]), [[1, 121]])
  t.like(many.writeErrors[0].errInfo, { failingDocumentId: 8 })
  t.is(many.errInfo.details.schemaRulesNotSatisfied[0].propertiesNotSatisfied[0].details[0].reason, 'comparison failed')
  t.is(await users.countDocuments(), 2)
})

test('a validator of query operators is told operator by operator', async (t) => {
  const validator = { status: { $in: ['open', 'done'] }, n: { $gt: 5, $lt: 10 }, when: { $not: { $lt: new Date(0) } } }
  const { users } = await people(t, { validator })
  await users.insertOne({ _id: 1, status: 'open', n: 7, when: new Date() })
  t.deepEqual((await refused(t, () => users.insertOne({ _id: 2, status: 'lost', n: 10, when: new Date(-1) }))).errInfo.details, {
    operatorName: '$and',
    clausesNotSatisfied: [
      {
        index: 0,
        details: {
          operatorName: '$in',
          specifiedAs: { status: { $in: ['open', 'done'] } },
          reason: 'no matching value found in array',
          consideredValue: 'lost'
        }
      },
      { index: 2, details: { operatorName: '$lt', specifiedAs: { n: { $lt: 10 } }, reason: 'comparison failed', consideredValue: 10 } },
      {
        index: 3,
        details: {
          operatorName: '$not',
          details: {
            operatorName: '$lt',
            specifiedAs: { when: { $lt: new Date(0) } },
            reason: 'comparison succeeded',
            consideredValue: new Date(-1)
          }
        }
      }
    ]
  })
  const { users: others } = await people(t, { validator: { $or: [{ a: 1 }, { b: { $exists: true } }] } })
  t.deepEqual((await refused(t, () => others.insertOne({ _id: 1 }))).errInfo.details, {
    operatorName: '$or',
    clausesNotSatisfied: [
      { index: 0, details: { operatorName: '$eq', specifiedAs: { a: 1 }, reason: 'field was missing' } },
      { index: 1, details: { operatorName: '$exists', specifiedAs: { b: { $exists: true } }, reason: 'path does not exist' } }
    ]
  })
  const { users: sums } = await people(t, { validator: { $expr: { $eq: ['$sum', { $add: ['$a', '$b'] }] } } })
  await sums.insertOne({ a: 1, b: 2, sum: 3 })
  t.like((await refused(t, () => sums.insertOne({ a: 1, b: 2, sum: 4 }))).errInfo.details, { operatorName: '$expr', expressionResult: false })
})

test('moderate leaves documents that were not valid before, and off checks nothing', async (t) => {
  const { db, users } = await people(t, {})
  await users.insertMany([{ _id: 1, name: 5 }, ADA])
  await db.command({ collMod: 'users', validator: SCHEMA, validationLevel: 'moderate' })
  await users.updateOne({ _id: 1 }, { $set: { seen: true } })
  await users.set(1, { name: 6 })
  await db.transaction((tx) => tx.collection('users').updateOne({ _id: 1 }, { $set: { seen: false } }))
  await db.aggregate([{ $documents: [{ _id: 1, more: 1 }] }, { $merge: 'users' }]).toArray()
  t.deepEqual(await users.findOne({ _id: 1 }), { _id: 1, name: 6, seen: false, more: 1 })
  await refused(t, () => users.updateOne({ _id: 'ada' }, { $unset: { age: 1 } }))
  await refused(t, () => users.set('ada', { name: 6 }))
  await refused(t, () => users.insertOne({ _id: 3, name: 5 }))
  await refused(t, () => users.updateOne({ _id: 3 }, { $set: { name: 5 } }, { upsert: true }))
  await refused(t, () => db.aggregate([{ $documents: [{ _id: 1, name: 6 }] }, { $out: 'users' }]).toArray())
  await db.command({ collMod: 'users', validationLevel: 'strict' })
  await refused(t, () => users.updateOne({ _id: 1 }, { $set: { seen: 1 } }))
  await db.command({ collMod: 'users', validationLevel: 'off' })
  await users.updateOne({ _id: 1 }, { $set: { seen: 1 } })
  await users.insertOne({ _id: 3, name: 5 })
})

test('warn stores what it is warned of, and errorAndLog refuses it', async (t) => {
  const { db, users } = await people(t, { validator: SCHEMA, validationAction: 'warn' })
  await users.insertOne({ _id: 1 })
  await users.updateOne({ _id: 1 }, { $set: { n: 1 } })
  await users.set(2, { n: 1 })
  t.is(await users.countDocuments(), 2)
  await db.command({ collMod: 'users', validationAction: 'errorAndLog' })
  await refused(t, () => users.insertOne({ _id: 3 }))
})

test('bypassDocumentValidation stores a document all the same, in transactions too', async (t) => {
  const { db, users } = await people(t)
  const bypass = { bypassDocumentValidation: true }
  await users.insertOne({ _id: 1 }, bypass)
  await users.insertMany([{ _id: 2 }], bypass)
  await users.updateOne({ _id: 1 }, { $set: { n: 1 } }, bypass)
  await users.updateMany({}, [{ $set: { m: 1 } }], bypass)
  await users.replaceOne({ _id: 2 }, { n: 2 }, bypass)
  await users.updateOne({ _id: 3 }, { $set: { n: 3 } }, { upsert: true, ...bypass })
  await users.findOneAndUpdate({ _id: 3 }, { $inc: { n: 1 } }, bypass)
  await users.findOneAndReplace({ _id: 3 }, { n: 9 }, bypass)
  await users.bulkWrite([{ insertOne: { document: { _id: 4 } } }, { updateOne: { filter: { _id: 4 }, update: { $set: { n: 1 } } } }], bypass)
  users.insertOneSync({ _id: 5 }, bypass)
  await db.aggregate([{ $documents: [{ _id: 6 }] }, { $merge: 'users' }], bypass).toArray()
  await db.transaction((tx) => tx.collection('users').insertOne({ _id: 7 }, bypass))
  t.deepEqual(await users.distinct('_id'), [1, 2, 3, 4, 5, 6, 7])
  await refused(t, () => users.updateOne({ _id: 1 }, { $set: { n: 2 } }, { bypassDocumentValidation: false }))
  await users.aggregate([{ $limit: 1 }, { $out: 'users' }], bypass).toArray()
  t.is(await users.countDocuments(), 1)
  await refused(t, () => users.insertOne({ _id: 8 }))
  await rejectsType(t, () => users.insertOne({ _id: 8 }, { bypassDocumentValidation: 1 }), /bypassDocumentValidation/)
})

test('a transaction is checked by the rules of its commit', async (t) => {
  const { db, users } = await people(t, {})
  await users.insertOne(ADA)
  const session = db.startSession()
  session.startTransaction()
  await users.insertOne({ _id: 1, name: 5 }, { session })
  await db.command({ collMod: 'users', validator: SCHEMA })
  await refused(t, () => session.commitTransaction())
  t.is(await users.countDocuments(), 1)
  session.startTransaction()
  await users.insertOne({ _id: 2, name: 'B', age: 2 }, { session })
  await users.insertOne({ _id: 3 }, { session, bypassDocumentValidation: true })
  await db.command({ collMod: 'users', validator: { name: { $ne: 'C' } } })
  await session.commitTransaction()
  t.deepEqual(await users.distinct('_id'), ['ada', 2, 3])
  session.startTransaction()
  await t.throwsAsync(users.insertOne({ _id: 4, name: 'C' }, { session }), { code: 121 })
  t.is((await t.throwsAsync(session.commitTransaction())).code, 251)
  await db.transaction(async (tx) => {
    const fresh = await tx.createCollection('fresh', { validator: { n: { $type: 'int' } } })
    await fresh.insertOne({ _id: 1, n: 1 })
    const point = await tx.savepoint()
    await t.throwsAsync(fresh.insertOne({ _id: 2 }), { code: 121 })
    await tx.rollbackTo(point)
  })
  await refused(t, () => db.collection('fresh').insertOne({ _id: 2 }))
})

test('validators keep the types of their values, and are there after reopening and in earlier states', async (t) => {
  const db = await onDisk(t, { history: { past: {} } })
  const validator = { when: { $gte: new Date(0) }, big: { $ne: 5n }, name: { $regex: '^[A-Z]', $options: 'i' }, code: /^\d+$/ }
  await db.createCollection('plain')
  const { lastLsn } = await db.stats()
  const items = await db.createCollection('items', { validator, validationLevel: 'strict', validationAction: 'error' })
  const good = { _id: 1, when: new Date(), big: 6n, name: 'a', code: '12' }
  await items.insertOne(good)
  await refused(t, () => items.insertOne({ ...good, _id: 2, when: 5 }))
  const options = await items.options()
  t.deepEqual(options.validator.when, validator.when)
  t.is(options.validator.big.$ne, 5n)
  const before = await db.asOf({ lsn: lastLsn })
  t.deepEqual((await before.listCollections().toArray()).map(({ name }) => name), ['plain'])
  await db.command({ collMod: 'items', validator: {} })
  t.deepEqual(await items.options(), { validationLevel: 'strict', validationAction: 'error' })
  await items.insertOne({ _id: 3 })
  await db.command({ collMod: 'items', validator })
  await db.compact()
  await db.close()
  const again = await onDisk(t, {}, db.path)
  t.deepEqual(await again.collection('items').options(), options)
  await refused(t, () => again.collection('items').insertOne({ ...good, _id: 2, code: 'x' }))
  await again.createCollection('items', { validator, validationLevel: 'strict', validationAction: 'error' })
  t.is((await t.throwsAsync(again.createCollection('items', { validator: { a: 1 } }))).code, 48)
  await again.close()
  t.true((await Database.verify(db.path)).ok)
})

test('what is wrong with a validator is refused', async (t) => {
  const db = await memory(t)
  for (const [options, code, kind = 'BAD_QUERY'] of [
    [{ validator: { $where: 'true' } }, 2],
    [{ validator: { $and: [{ a: { $near: [0, 0] } }] } }, 2],
    [{ validator: { a: { $not: { $nearSphere: [0, 0] } } } }, 2],
    [{ validator: { $text: { $search: 'a' } } }, 2],
    [{ validator: { a: { $gtt: 1 } } }, 2],
    [{ validator: { $jsonSchema: { bsonTyp: 'object' } } }, 9],
    [{ validationLevel: 'some' }, 2],
    [{ validationAction: 'throw' }, 2]
  ]) {
    t.is((await rejectsWith(t, kind, () => db.createCollection('users', options))).code, code, JSON.stringify(options))
    await db.createCollection('there')
    t.is((await rejectsWith(t, kind, () => db.command({ collMod: 'there', ...options }))).code, code)
  }
  t.is((await rejectsWith(t, 'BAD_QUERY', () => db.createCollection('system.users', { validator: { a: 1 } }))).code, 72)
  await db.collection('system.consumers').insertOne({ _id: 'a' })
  for (const run of [
    () => db.createCollection('system.other', { capped: true, size: 4096 }),
    () => db.collection('system.consumers').createIndex({ at: 1 }, { expireAfterSeconds: 60 }),
    () => db.collection('system.other').createIndex({ at: 1 }, { expireAfterSeconds: 60 }),
    () => db.transaction((tx) => tx.collection('system.other').createIndex({ at: 1 }, { expireAfterSeconds: 60 })),
    async () => {
      await db.collection('system.consumers').createIndex({ at: 1 })
      await db.command({ collMod: 'system.consumers', index: { name: 'at_1', expireAfterSeconds: 60 } })
    }
  ]) t.is((await rejectsWith(t, 'BAD_QUERY', run)).code, 72, String(run))
  await db.dropCollection('system.consumers')
  await rejectsWith(t, 'LIMIT', () => db.createCollection('users', { validator: { a: 'x'.repeat(1 << 20) } }), /1048576/)
  await rejectsType(t, () => db.createCollection('users', { validator: 5 }), /validator must be an object/)
  t.deepEqual((await db.listCollections().toArray()).map(({ name }) => name), ['there'])
})

test('a change of a validator is an expanded event with the validator before', async (t) => {
  const { db } = await people(t, { validator: { a: 1 } })
  const stream = db.watch([], { showExpandedEvents: true })
  await db.command({ collMod: 'users', validator: { b: 2 }, validationLevel: 'moderate' })
  await db.command({ collMod: 'users', validator: {} })
  const [first, second] = [await stream.next(), await stream.next()]
  t.deepEqual(first.operationDescription, { validator: { b: 2 }, validationLevel: 'moderate' })
  t.deepEqual(first.stateBeforeChange, { collectionOptions: { validator: { a: 1 } } })
  t.deepEqual(second.operationDescription, { validator: {} })
  await stream.close()
})

test('large documents and long lists are checked, and their details are bounded', async (t) => {
  const { db, users } = await people(t, { validator: { $jsonSchema: { properties: { list: { items: { bsonType: 'int' }, uniqueItems: true } } } } })
  const list = Array.from({ length: 200_000 }, (_, n) => n)
  await users.insertOne({ _id: 1, list })
  const details = (await refused(t, () => users.updateOne({ _id: 1 }, { $push: { list: 'x' } }))).errInfo.details
  t.like(details.schemaRulesNotSatisfied[0].propertiesNotSatisfied[0].details[0], { operatorName: 'items', itemIndex: 200_000 })
  const text = 'x'.repeat(600_000)
  await db.command({ collMod: 'users', validator: { $and: Array.from({ length: 50 }, (_, n) => ({ text: n })) } })
  const large = await refused(t, () => users.insertOne({ _id: 2, text }))
  t.regex(large.errInfo.details.reason, /too large/)
})

/** The value, 30 levels down. */
function nest(value) {
  for (let n = 0; n < 30; n++) value = { a: value }
  return value
}

test('deep schemas and patterns are checked on a database with little memory', async (t) => {
  let schema = { bsonType: 'string', pattern: '^(a+)+$' }
  for (let n = 0; n < 30; n++) schema = { bsonType: 'object', properties: { a: schema }, required: ['a'] }
  const db = await onDisk(t, { memoryLimit: 1 })
  const deep = await db.createCollection('deep', { validator: { $jsonSchema: schema } })
  await deep.insertMany(Array.from({ length: 200 }, (_, n) => ({ _id: n, ...nest('a'.repeat(n + 1)) })))
  // What is told has fewer levels than a document may have.
  let told = (await refused(t, () => deep.updateOne({ _id: 5 }, { $set: { ['a.'.repeat(29) + 'a']: 'aaab' } }))).errInfo.details.schemaRulesNotSatisfied[0]
  while (told.propertiesNotSatisfied?.[0]?.details?.[0] !== undefined) told = told.propertiesNotSatisfied[0].details[0]
  t.regex(JSON.stringify(told), /nested too deeply to be told/)
  await db.command({ collMod: 'deep', validator: { _id: { $lt: 0 } }, validationLevel: 'moderate' })
  const { modifiedCount } = await deep.updateMany({}, { $set: { b: 1 } })
  t.is(modifiedCount, 200)
})

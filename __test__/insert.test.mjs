import test from 'ava'

import { collection, memory, rejectsType, rejectsWith } from './support/database.mjs'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('insertOne answers as the mongodb driver does', async (t) => {
  const users = await collection(t)
  t.deepEqual(await users.insertOne({ _id: 'u1', name: 'Ada' }), { acknowledged: true, insertedId: 'u1' })
})

test('an absent or null _id becomes a UUIDv7 on the caller\'s object', async (t) => {
  const users = await collection(t)
  for (const document of [{ name: 'Ada' }, { _id: null, name: 'Ada' }, { _id: undefined, name: 'Ada' }]) {
    const { insertedId } = await users.insertOne(document)
    t.regex(insertedId, UUID_V7)
    t.is(document._id, insertedId)
    t.deepEqual(await users.get(insertedId), { _id: insertedId, name: 'Ada' })
  }
})

test('no name in an _id begins with a dollar, but those of a reference', async (t) => {
  const db = await memory(t)
  const users = db.collection('users')
  const writes = {
    insertOne: (_id) => users.insertOne({ _id }),
    insertMany: (_id) => users.insertMany([{ _id }]),
    bulkWrite: (_id) => users.bulkWrite([{ insertOne: { document: { _id } } }]),
    insertOneSync: async (_id) => users.insertOneSync({ _id }),
    set: (_id) => users.set(_id, {}),
    setMany: (_id) => users.setMany([[_id, {}]]),
    upsert: (_id) => users.updateOne({ a: 1 }, { $set: { _id } }, { upsert: true }),
    merge: (_id) => db.aggregate([{ $documents: [{ _id: { $literal: _id } }] }, { $merge: { into: 'users' } }]).toArray(),
    transaction: (_id) => db.transaction((tx) => tx.collection('users').insertOne({ _id }))
  }
  for (const [name, write] of Object.entries(writes)) {
    for (const _id of [{ $a: 1 }, { a: [{ b: 1, $c: 1 }] }, { $id: 1 }]) {
      const { kind, code, codeName } = await t.throwsAsync(write(_id), undefined, name)
      t.deepEqual([kind, code, codeName], ['BAD_DOCUMENT', 52, 'DollarPrefixedFieldName'], name)
    }
    t.is(await users.countDocuments(), 0, name)
    const reference = { a$: 1, b: { $ref: 'users', $id: 1, $db: 'other' } }
    await write(reference)
    t.deepEqual(await users.get(reference), { _id: reference, ...(name === 'upsert' && { a: 1 }) }, name)
    await users.deleteMany()
  }
})

test('made _ids sort in the order they were made', async (t) => {
  const users = await collection(t)
  const { insertedIds } = await users.insertMany(Array.from({ length: 5000 }, () => ({})))
  const ids = Object.values(insertedIds)
  t.deepEqual(ids, [...ids].sort())
  t.is(new Set(ids).size, 5000)
})

test('forceServerObjectId leaves the caller\'s object as it is', async (t) => {
  const db = await memory(t)
  const document = {}
  const { insertedId } = await db.collection('users').insertOne(document, { forceServerObjectId: true })
  t.deepEqual(document, {})
  t.true(await db.collection('users').has(insertedId))
  await db.collection('logs', { forceServerObjectId: true }).insertMany([document])
  t.deepEqual(document, {})
})

test('a frozen object is inserted, and the result names its _id', async (t) => {
  const users = await collection(t)
  const { insertedId } = await users.insertOne(Object.freeze({ a: 1 }))
  t.deepEqual(await users.get(insertedId), { _id: insertedId, a: 1 })
})

test('pkFactory makes the _id', async (t) => {
  let next = 0
  const db = await memory(t, { pkFactory: { createPk: () => ++next } })
  const { insertedIds } = await db.collection('users').insertMany([{}, { _id: 'own' }, {}])
  t.deepEqual(insertedIds, { 0: 1, 1: 'own', 2: 2 })
  const local = db.collection('other', { pkFactory: { createPk: () => 'made' } })
  t.is((await local.insertOne({})).insertedId, 'made')
})

test('_id comes first in what is stored', async (t) => {
  const users = await collection(t)
  await users.insertOne({ b: 1, _id: 'u1', a: 2 })
  t.deepEqual(Object.keys(await users.get('u1')), ['_id', 'b', 'a'])
})

test('a taken _id is a DUPLICATE_KEY with the code and message of MongoDB', async (t) => {
  const users = await collection(t, [{ _id: 'u1' }])
  const error = await rejectsWith(t, 'DUPLICATE_KEY', users.insertOne({ _id: 'u1' }))
  t.is(error.code, 11000)
  t.is(error.message, 'E11000 duplicate key error collection: memory.users index: _id_ dup key: { _id: "u1" }')
  t.deepEqual(error.keyPattern, { _id: 1 })
  t.deepEqual(error.keyValue, { _id: 'u1' })
})

test('1 and 1n and 1.0 are one _id, and so are 0 and -0', async (t) => {
  const users = await collection(t, [{ _id: 1 }, { _id: 0 }])
  await rejectsWith(t, 'DUPLICATE_KEY', users.insertOne({ _id: 1n }))
  await rejectsWith(t, 'DUPLICATE_KEY', users.insertOne({ _id: -0 }))
  t.true(await users.has(1n))
})

test('insertMany answers as the mongodb driver does', async (t) => {
  const users = await collection(t)
  const result = await users.insertMany([{ _id: 'a' }, { _id: 2 }])
  t.deepEqual(result, { acknowledged: true, insertedCount: 2, insertedIds: { 0: 'a', 1: 2 } })
})

test('an ordered insertMany stops at the first failure and keeps what came before', async (t) => {
  const users = await collection(t, [{ _id: 2 }])
  const error = await rejectsWith(t, 'DUPLICATE_KEY', users.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }]))
  t.is(error.name, 'MoltenBulkWriteError')
  t.is(error.insertedCount, 1)
  t.deepEqual(error.insertedIds, { 0: 1 })
  t.deepEqual(error.writeErrors.map(({ index, code, keyValue }) => ({ index, code, keyValue })), [
    { index: 1, code: 11000, keyValue: { _id: 2 } }
  ])
  t.regex(error.writeErrors[0].errmsg, /^E11000 duplicate key error collection: memory\.users/)
  t.deepEqual((await users.find().toArray()).map(({ _id }) => _id), [2, 1])
})

test('an unordered insertMany leaves the failures out', async (t) => {
  const users = await collection(t, [{ _id: 2 }])
  const error = await rejectsWith(t, 'DUPLICATE_KEY', users.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }, { _id: 3 }], { ordered: false }))
  t.is(error.insertedCount, 2)
  t.deepEqual(error.insertedIds, { 0: 1, 2: 3 })
  t.deepEqual(error.writeErrors.map(({ index }) => index), [1, 3])
})

test('a value that cannot be stored stops the whole insertMany and names its path', async (t) => {
  const users = await collection(t)
  const error = await rejectsWith(t, 'BAD_DOCUMENT', users.insertMany([{ _id: 1 }, { _id: 2, a: [{ b: () => {} }] }]), /users\.insertMany: .*a\.0\.b/)
  t.is(error.path, 'a.0.b')
  t.is(await users.countDocuments(), 0)
})

test('undefined fields are left out, or stored as null where ignoreUndefined is false', async (t) => {
  const users = await collection(t)
  await users.insertOne({ _id: 1, a: undefined, b: [undefined] })
  await users.insertOne({ _id: 2, a: undefined }, { ignoreUndefined: false })
  t.deepEqual(await users.get(1), { _id: 1, b: [null] })
  t.deepEqual(await users.get(2), { _id: 2, a: null })
})

test('an _id cannot be an array', async (t) => {
  const users = await collection(t)
  await rejectsWith(t, 'BAD_DOCUMENT', users.insertOne({ _id: [1] }), /_id/)
})

test('wrong arguments are TypeErrors', async (t) => {
  const users = await collection(t)
  await rejectsType(t, () => users.insertOne(), /users\.insertOne: document must be an object, not undefined/)
  await rejectsType(t, () => users.insertOne([{}]), /document must be an object, not an array/)
  await rejectsType(t, () => users.insertMany({}), /documents must be an array/)
  await rejectsType(t, () => users.insertMany([]), /documents must be/)
  await rejectsType(t, () => users.insertMany([{}, null]), /documents\[1\] must be an object, not null/)
  await rejectsType(t, () => users.insertOne({}, 'x'), /options must be an object/)
})

test('a document over 16 MiB is refused', async (t) => {
  const users = await collection(t)
  const error = await t.throwsAsync(users.insertOne({ _id: 1, text: 'x'.repeat(17 << 20) }))
  t.true(['BAD_DOCUMENT', 'LIMIT'].includes(error.kind))
  await users.insertOne({ _id: 2, text: 'x'.repeat(15 << 20) })
  t.is((await users.get(2)).text.length, 15 << 20)
})

test('documents of many shapes come back as they were', async (t) => {
  const users = await collection(t)
  const documents = Array.from({ length: 3000 }, (_, i) => ({ _id: i, [`field${i}`]: i, nested: { [`x${i % 50}`]: i } }))
  await users.insertMany(documents)
  t.deepEqual(await users.find().toArray(), documents)
})

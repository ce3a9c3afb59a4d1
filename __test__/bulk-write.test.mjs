import test from 'ava'

import { BulkWriteResult, MoltenBulkWriteError } from '../index.mjs'
import { collection, rejectsType, rejectsWith } from './support/database.mjs'

test('bulkWrite runs writes in order and answers as the driver does', async (t) => {
  const users = await collection(t, [{ _id: 1, n: 1 }, { _id: 2, n: 1 }, { _id: 3, list: [1, 9] }])
  const result = await users.bulkWrite([
    { insertOne: { document: { _id: 4, n: 1 } } },
    { insertOne: { document: { n: 1 } } },
    { updateOne: { filter: { _id: 1 }, update: { $inc: { n: 10 } } } },
    { updateMany: { filter: { n: 1 }, update: { $set: { seen: true } } } },
    { updateOne: { filter: { _id: 'new' }, update: { $set: { n: 5 } }, upsert: true } },
    { replaceOne: { filter: { _id: 2 }, replacement: { replaced: true } } },
    { updateOne: { filter: { _id: 3 }, update: { $set: { 'list.$[x]': 0 } }, arrayFilters: [{ x: { $gt: 5 } }] } },
    { deleteOne: { filter: { _id: 4 } } },
    { deleteMany: { filter: { n: 1 } } }
  ])
  t.true(result instanceof BulkWriteResult)
  t.deepEqual({ ...result }, {
    ok: 1, insertedCount: 2, matchedCount: 6, modifiedCount: 6, deletedCount: 2, upsertedCount: 1,
    upsertedIds: { 4: 'new' }, insertedIds: { 0: 4, 1: result.insertedIds[1] }
  })
  t.is(result.getUpsertedIdAt(4), 'new')
  t.deepEqual(await users.find().toArray(), [
    { _id: 1, n: 11 }, { _id: 2, replaced: true }, { _id: 3, list: [1, 0] }, { _id: 'new', n: 5 }
  ])
})

test('insertOne takes the document alone too, as the driver does, but no misspelt name', async (t) => {
  const users = await collection(t, [])
  const made = { n: 1, collation: 'x' }
  const { insertedIds } = await users.bulkWrite([{ insertOne: made }])
  t.is(made._id, insertedIds[0])
  t.deepEqual(await users.find().toArray(), [{ _id: made._id, n: 1, collation: 'x' }])
  await rejectsType(t, () => users.bulkWrite([{ insertOne: { documnt: {} } }]), /did you mean "document"/)
  await rejectsType(t, () => users.bulkWrite([{ insertOne: { document: undefined, n: 1 } }]), /no option "n"/)
  t.is(await users.countDocuments(), 1)
})

test('ordered, the first failure is the last write', async (t) => {
  const users = await collection(t, [{ _id: 1, n: 'x' }])
  const error = await rejectsWith(t, 'DUPLICATE_KEY', users.bulkWrite([
    { insertOne: { document: { _id: 2 } } },
    { updateOne: { filter: { _id: 2 }, update: { $set: { n: 1 } } } },
    { insertOne: { document: { _id: 1 } } },
    { insertOne: { document: { _id: 3 } } }
  ]))
  t.true(error instanceof MoltenBulkWriteError)
  t.is(error.code, 11000)
  t.deepEqual(error.writeErrors.map(({ index, code }) => ({ index, code })), [{ index: 2, code: 11000 }])
  t.deepEqual([error.insertedCount, error.matchedCount, error.modifiedCount], [1, 1, 1])
  t.deepEqual(error.insertedIds, { 0: 2 })
  t.is(await users.countDocuments(), 2)
})

test('unordered, all others are run', async (t) => {
  const users = await collection(t, [{ _id: 1, n: 'x' }])
  const error = await rejectsWith(t, 'DUPLICATE_KEY', users.bulkWrite([
    { insertOne: { document: { _id: 1 } } },
    { insertOne: { document: { _id: 2 } } },
    { updateOne: { filter: { _id: 1 }, update: { $inc: { n: 1 } } } },
    { updateOne: { filter: { _id: 'up' }, update: { $set: { n: 1 } }, upsert: true } },
    { deleteOne: { filter: { _id: 1 } } }
  ], { ordered: false }))
  t.deepEqual(error.writeErrors.map(({ index, kind }) => [index, kind]), [[0, 'DUPLICATE_KEY'], [2, 'BAD_UPDATE']])
  t.deepEqual(error.result.upsertedIds, { 3: 'up' })
  t.deepEqual([error.insertedCount, error.deletedCount, error.upsertedCount], [1, 1, 1])
  t.deepEqual(error.insertedIds, { 1: 2 })
  t.deepEqual(await users.find().toArray(), [{ _id: 2 }, { _id: 'up', n: 1 }])
})

test('a value that cannot be stored is refused before anything is written', async (t) => {
  const users = await collection(t)
  await rejectsWith(t, 'BAD_DOCUMENT', users.bulkWrite([{ insertOne: { document: { _id: 1 } } }, { insertOne: { document: { f() {} } } }]), /f/)
  t.is(await users.countDocuments(), 0)
})

test('wrong arguments', async (t) => {
  const users = await collection(t)
  await rejectsType(t, () => users.bulkWrite([]), /at least one write/)
  await rejectsType(t, () => users.bulkWrite([{ insert: {} }]), /no write 'insert'/)
  await rejectsType(t, () => users.bulkWrite([{ insertOne: {} }]), /operations\[0\]\.insertOne: document must be an object/)
  await rejectsType(t, () => users.bulkWrite([{ deleteOne: {}, insertOne: {} }]), /an object of one write/)
  await rejectsWith(t, 'BAD_UPDATE', users.bulkWrite([{ updateOne: { filter: {}, update: { a: 1 } } }]), /use \$set/)
})

import test from 'ava'

import { collection, rejectsWith } from './support/database.mjs'

const JOBS = [{ _id: 'low', priority: 1 }, { _id: 'high', priority: 9 }, { _id: 'middle', priority: 5 }]
const sort = { priority: -1 }
const ids = (documents) => documents.map(({ _id }) => _id)

test('sort says which document an update or a replacement changes, in a bulk write too', async (t) => {
  const taken = async (write) => {
    const jobs = await collection(t, JOBS)
    await write(jobs)
    return (await jobs.findOne({ taken: true }))?._id
  }
  t.is(await taken((jobs) => jobs.updateOne({}, { $set: { taken: true } }, { sort })), 'high')
  t.is(await taken((jobs) => jobs.updateOne({ priority: { $lt: 9 } }, { $set: { taken: true } }, { sort: [['priority', 'desc']] })), 'middle')
  t.is(await taken((jobs) => jobs.replaceOne({}, { taken: true }, { sort })), 'high')
  t.is(await taken((jobs) => jobs.bulkWrite([{ updateOne: { filter: {}, update: { $set: { taken: true } }, sort } }])), 'high')
  t.is(await taken((jobs) => jobs.bulkWrite([{ replaceOne: { filter: {}, replacement: { taken: true }, sort } }])), 'high')
  t.is(await taken((jobs) => jobs.updateOne({}, { $set: { taken: true } })), 'low')
})

test('an upsert takes a sort, and an update with one is explained', async (t) => {
  const jobs = await collection(t, [])
  await jobs.updateOne({ _id: 'x' }, { $set: { n: 1 } }, { sort, upsert: true })
  t.deepEqual(await jobs.get('x'), { _id: 'x', n: 1 })
  const { queryPlanner } = await jobs.updateOne({ n: 1 }, { $set: { n: 2 } }, { sort: { n: 1 }, explain: 'queryPlanner' })
  t.true(JSON.stringify(queryPlanner.winningPlan).includes('SORT'))
})

test('let gives variables to the expressions of every method that takes them', async (t) => {
  const fresh = () => collection(t, [{ _id: 1, n: 1 }, { _id: 2, n: 2 }, { _id: 3, n: 3 }])
  const filter = { $expr: { $gte: ['$n', '$$least'] } }
  const given = { let: { least: { $add: [1, 1] }, name: 'Ada', object: { a: [{ b: 7 }] } } }
  const users = await fresh()
  t.deepEqual(ids(await users.find(filter, given).toArray()), [2, 3])
  t.deepEqual(ids(users.findSync(filter, given)), [2, 3])
  t.deepEqual(await users.findOne(filter, { ...given, projection: { _id: 0, who: '$$name', b: '$$object.a.b' } }), { who: 'Ada', b: [7] })
  t.is(await users.countDocuments(filter, given), 2)
  t.is(users.countSync(filter, given), 2)
  t.deepEqual(await users.aggregate([{ $match: filter }, { $project: { who: '$$name' } }], given).toArray(), [{ _id: 2, who: 'Ada' }, { _id: 3, who: 'Ada' }])
  t.is(await users.find(filter, given).count(), 2)
  t.is((await users.find(filter, given).explain('executionStats')).executionStats.nReturned, 2)
  t.is((await users.aggregate([{ $match: filter }], given).explain()).ok, 1)
  t.is((await users.updateMany(filter, { $inc: { m: 1 } }, given)).modifiedCount, 2)
  t.is((await users.updateOne({ _id: 1 }, [{ $set: { who: '$$name' } }], given)).modifiedCount, 1)
  t.is((await users.get(1)).who, 'Ada')
  t.is((await users.replaceOne(filter, { r: 1 }, given)).modifiedCount, 1)
  t.deepEqual(await users.get(2), { _id: 2, r: 1 })
  t.deepEqual(await users.findOneAndUpdate(filter, [{ $set: { n: '$$least' } }], { ...given, returnDocument: 'after', projection: { _id: 0, n: 1, who: '$$name' } }), { n: 2, who: 'Ada' })
  t.deepEqual((await users.findOneAndReplace(filter, { n: 5 }, given))._id, 3)
  t.deepEqual((await users.findOneAndDelete(filter, given))._id, 3)
  t.is((await users.deleteMany({ $expr: { $eq: ['$_id', '$$id'] } }, { let: { id: 2 } })).deletedCount, 1)
  t.is((await users.deleteOne({ $expr: { $eq: ['$who', '$$name'] } }, given)).deletedCount, 1)
  const more = await fresh()
  const writes = [{ updateOne: { filter, update: [{ $set: { who: '$$name' } }] } }, { deleteOne: { filter: { $expr: { $eq: ['$n', '$$least'] }, _id: { $gt: 0 } } } }]
  t.like(await more.bulkWrite(writes, given), { modifiedCount: 1, deletedCount: 1 })
  t.deepEqual(ids(await more.find().toArray()), [1, 3])
})

test('what is wrong with let is named', async (t) => {
  const users = await collection(t, [{ _id: 1 }])
  await rejectsWith(t, 'BAD_QUERY', users.findOne({}, { let: { a: '$_id' } }), /'a' in let reads a field/)
  await rejectsWith(t, 'BAD_QUERY', users.findOne({}, { let: { A: 1 } }), /no name for a variable/)
  await rejectsWith(t, 'BAD_QUERY', users.findOne({ $expr: '$$b' }, { let: { a: 1 } }), /no variable \$\$b/)
  await t.throwsAsync(users.findOne({}, { let: 5 }), { instanceOf: TypeError, message: /option let/ })
  // A variable of the pipeline hides one of let.
  const inner = { $let: { vars: { a: 2 }, in: '$$a' } }
  t.deepEqual(await users.findOne({}, { let: { a: 1 }, projection: { _id: 0, x: inner, y: '$$a' } }), { x: 2, y: 1 })
})

test('the hint { $natural: -1 } reads from the last document to the first', async (t) => {
  const users = await collection(t, Array.from({ length: 5_000 }, (_, i) => ({ _id: i, even: i % 2 === 0 })))
  const hint = { $natural: -1 }
  const even = Array.from({ length: 2_500 }, (_, i) => 4_998 - 2 * i)
  t.deepEqual((await users.find({ even: true }, { hint }).toArray()).map(({ _id }) => _id), even)
  t.deepEqual((await users.find({ even: true }).hint(hint).skip(3).limit(2).batchSize(1).toArray()).map(({ _id }) => _id), even.slice(3, 5))
  t.is((await users.findOne({}, { hint }))._id, 4_999)
  t.deepEqual(await users.aggregate([{ $group: { _id: null, last: { $first: '$_id' } } }], { hint }).toArray(), [{ _id: null, last: 4_999 }])
  t.is(await users.countDocuments({ even: true }, { hint }), 2_500)
  t.is((await users.findOneAndDelete({ even: true }, { hint }))._id, 4_998)
  t.deepEqual((await users.find({}, { hint, sort: { _id: 1 }, limit: 1 }).toArray())[0]._id, 0)
})

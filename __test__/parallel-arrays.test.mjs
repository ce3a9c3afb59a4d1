// A sort by arrays at two paths has no defined order; the server refuses it, and so does every plan.

import test from 'ava'

import { collection, rejectsWith } from './support/database.mjs'

const documents = [{ _id: 1, a: 1, b: 1 }, { _id: 2, a: [1, 2], b: 2 }, { _id: 3, a: [0], b: [3] }, { _id: 4, a: 5, b: [4] }]
const parallel = /cannot sort with keys that are parallel arrays/

test('a compound sort by two arrays is refused by every method, with an index and without', async (t) => {
  for (const index of [undefined, { a: 1 }, { b: 1, _id: 1 }, { _id: 1, a: 1 }]) {
    const users = await collection(t, documents)
    if (index) await users.createIndex(index)
    const sort = { a: 1, b: -1 }
    const works = [
      () => users.find({}).sort(sort).toArray(),
      () => users.find({}).sort(sort).limit(1).toArray(),
      () => users.find({ _id: { $gte: 0 } }).sort(sort).toArray(),
      () => users.findOne({}, { sort }),
      () => users.aggregate([{ $sort: sort }]).toArray(),
      () => users.aggregate([{ $addFields: { c: 1 } }, { $sort: sort }, { $limit: 1 }]).toArray(),
      () => users.aggregate([{ $group: { _id: null, top: { $top: { sortBy: sort, output: '$_id' } } } }]).toArray(),
      () => users.findOneAndUpdate({}, { $set: { c: 1 } }, { sort }),
      () => users.findOneAndReplace({}, { c: 1 }, { sort }),
      () => users.findOneAndDelete({}, { sort })
    ]
    for (const work of works) {
      const error = await rejectsWith(t, 'BAD_QUERY', work, parallel)
      t.deepEqual([error.code, error.codeName], [2, 'BadValue'])
    }
    t.deepEqual(await users.find().sort({ _id: 1 }).toArray(), documents)
    t.deepEqual((await users.find({ _id: { $ne: 3 } }).sort(sort).toArray()).map(({ _id }) => _id), [2, 1, 4])
  }
})

test('a group by an object of one field takes a missing value for null, alone and behind another stage', async (t) => {
  const people = await collection(t, [{ _id: 1, home: { city: 'Oslo' } }, { _id: 2 }, { _id: 3, home: null }, { _id: 4, home: {} }, { _id: 5, home: { city: null } }])
  const right = [{ _id: { city: 'Oslo' }, n: 1 }, { _id: { city: null }, n: 4 }]
  const group = { $group: { _id: { city: '$home.city' }, n: { $sum: 1 } } }
  t.deepEqual(await people.aggregate([group, { $sort: { n: 1 } }]).toArray(), right)
  t.deepEqual(await people.aggregate([{ $addFields: { x: 1 } }, group, { $sort: { n: 1 } }]).toArray(), right)
  const two = await people.aggregate([{ $group: { _id: { city: '$home.city', x: '$x' }, n: { $sum: 1 } } }, { $sort: { n: 1, _id: 1 } }]).toArray()
  t.deepEqual(two, [{ _id: { city: null }, n: 1 }, { _id: { city: 'Oslo' }, n: 1 }, { _id: {}, n: 3 }])
})

test('counts of a slice and of a limit go up to int64', async (t) => {
  const users = await collection(t, [{ _id: 1, a: [1, 2, 3] }])
  const most = Number.MAX_SAFE_INTEGER
  for (const count of [most, 2 ** 53, 9223372036854775807n]) {
    t.deepEqual(await users.findOne({}, { projection: { a: { $slice: count } } }), { _id: 1, a: [1, 2, 3] })
    t.deepEqual(await users.findOne({}, { projection: { a: { $slice: [1, count] } } }), { _id: 1, a: [2, 3] })
    t.deepEqual(await users.aggregate([{ $limit: count }]).toArray(), [{ _id: 1, a: [1, 2, 3] }])
    t.deepEqual(await users.aggregate([{ $skip: count }]).toArray(), [])
  }
})

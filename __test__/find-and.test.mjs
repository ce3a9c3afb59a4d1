import test from 'ava'

import { collection, rejectsType, rejectsWith } from './support/database.mjs'

const people = [{ _id: 1, name: 'Ada', n: 2 }, { _id: 2, name: 'Bob', n: 1 }, { _id: 3, name: 'Cy', n: 3 }]

test('findOneAndUpdate answers the document as it was, or as it is', async (t) => {
  const users = await collection(t, people)
  t.deepEqual(await users.findOneAndUpdate({ _id: 1 }, { $inc: { n: 5 } }), people[0])
  t.deepEqual(await users.findOneAndUpdate({ _id: 1 }, { $inc: { n: 5 } }, { returnDocument: 'after' }), { ...people[0], n: 12 })
  t.is(await users.findOneAndUpdate({ _id: 9 }, { $inc: { n: 5 } }), null)
  t.deepEqual(await users.findOneAndUpdate({ _id: 1 }, { $set: { n: 12 } }, { returnDocument: 'after' }), { ...people[0], n: 12 })
})

test('sort chooses, projection shapes', async (t) => {
  const users = await collection(t, people)
  const options = { sort: { n: 1 }, projection: { name: 1, _id: 0 }, returnDocument: 'after' }
  t.deepEqual(await users.findOneAndUpdate({}, { $set: { name: 'Zoe' } }, options), { name: 'Zoe' })
  t.is((await users.get(2)).name, 'Zoe')
  t.deepEqual(await users.findOneAndDelete({}, { sort: { n: -1 } }), people[2])
  t.is(await users.countDocuments(), 2)
})

test('array filters and positional projections', async (t) => {
  const users = await collection(t, [{ _id: 1, list: [1, 5, 9] }])
  const options = { arrayFilters: [{ x: { $gt: 4 } }], returnDocument: 'after' }
  t.deepEqual(await users.findOneAndUpdate({}, { $inc: { 'list.$[x]': 1 } }, options), { _id: 1, list: [1, 6, 10] })
  t.deepEqual(await users.findOneAndUpdate({ list: 6 }, { $set: { 'list.$': 7 } }, { projection: { 'list.$': 1 } }), { _id: 1, list: [6] })
  await rejectsWith(t, 'BAD_QUERY', users.findOneAndUpdate({ list: 7 }, { $set: { a: 1 } }, { projection: { 'list.$': 1 }, returnDocument: 'after' }), /before the write/)
  t.deepEqual(await users.get(1), { _id: 1, list: [1, 7, 10] })
})

test('findOneAndReplace and findOneAndDelete', async (t) => {
  const users = await collection(t, people)
  t.deepEqual(await users.findOneAndReplace({ _id: 1 }, { name: 'Eve' }, { returnDocument: 'after' }), { _id: 1, name: 'Eve' })
  t.deepEqual(await users.findOneAndReplace({ _id: 1 }, { name: 'Fay' }), { _id: 1, name: 'Eve' })
  t.deepEqual(await users.findOneAndDelete({ name: 'Bob' }), people[1])
  t.is(await users.findOneAndDelete({ name: 'Bob' }), null)
})

test('upsert and the metadata of the result', async (t) => {
  const users = await collection(t)
  t.is(await users.findOneAndUpdate({ _id: 'a' }, { $set: { n: 1 } }, { upsert: true }), null)
  t.deepEqual(await users.findOneAndUpdate({ _id: 'b' }, { $set: { n: 1 } }, { upsert: true, returnDocument: 'after' }), { _id: 'b', n: 1 })
  t.deepEqual(
    await users.findOneAndUpdate({ _id: 'c' }, { $set: { n: 1 } }, { upsert: true, includeResultMetadata: true }),
    { value: null, lastErrorObject: { n: 1, updatedExisting: false, upserted: 'c' }, ok: 1 }
  )
  t.deepEqual(
    await users.findOneAndUpdate({ _id: 'c' }, { $set: { n: 2 } }, { includeResultMetadata: true }),
    { value: { _id: 'c', n: 1 }, lastErrorObject: { n: 1, updatedExisting: true }, ok: 1 }
  )
})

test('each caller gets the document of its own write', async (t) => {
  const users = await collection(t, [{ _id: 1, n: 0 }])
  const numbers = await Promise.all(Array.from({ length: 300 }, (_, i) =>
    users.findOneAndUpdate(i % 2 ? { _id: 1 } : { n: { $gte: 0 } }, { $inc: { n: 1 } }, { returnDocument: 'after' })))
  t.deepEqual(numbers.map(({ n }) => n).sort((a, b) => a - b), Array.from({ length: 300 }, (_, i) => i + 1))
})

test('a queue hands each job out once', async (t) => {
  const jobs = await collection(t, Array.from({ length: 100 }, (_, i) => ({ _id: i, state: 'new', rank: -i })))
  const take = () => jobs.findOneAndUpdate({ state: 'new' }, { $set: { state: 'taken' } }, { sort: { rank: 1 } })
  const taken = await Promise.all(Array.from({ length: 120 }, take))
  t.is(new Set(taken.filter(Boolean).map(({ _id }) => _id)).size, 100)
  t.is(taken.filter((job) => job === null).length, 20)
})

test('wrong arguments', async (t) => {
  const users = await collection(t)
  await rejectsType(t, () => users.findOneAndUpdate({}, { $set: { a: 1 } }, { returnDocument: 'new' }), /returnDocument must be 'before' or 'after'/)
  await rejectsType(t, () => users.findOneAndDelete(), /filter must be an object/)
  await rejectsWith(t, 'BAD_UPDATE', users.findOneAndReplace({}, { $set: { a: 1 } }), /updateOne for operators/)
})

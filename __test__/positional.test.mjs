import test from 'ava'

import { collection, rejectsType, rejectsWith } from './support/database.mjs'

test('$ changes the element that matched', async (t) => {
  const students = await collection(t, [{ _id: 1, grades: [85, 80, 80] }, { _id: 2, grades: [88, 90, 92] }])
  await students.updateOne({ _id: 1, grades: 80 }, { $set: { 'grades.$': 82 } })
  t.deepEqual((await students.get(1)).grades, [85, 82, 80])
  await students.updateMany({ grades: { $gte: 85 } }, { $inc: { 'grades.$': 1 } })
  t.deepEqual((await students.find().toArray()).map(({ grades }) => grades), [[86, 82, 80], [89, 90, 92]])
  await rejectsWith(t, 'BAD_UPDATE', students.updateOne({ _id: 1 }, { $set: { 'grades.$': 1 } }), /did not find the match/)
})

test('$[] changes all elements', async (t) => {
  const students = await collection(t, [{ _id: 1, grades: [{ mean: 1 }, { mean: 2 }] }, { _id: 2, grades: [] }])
  t.is((await students.updateMany({}, { $inc: { 'grades.$[].mean': 10 } })).modifiedCount, 1)
  t.deepEqual((await students.get(1)).grades, [{ mean: 11 }, { mean: 12 }])
})

test('$[x] changes the elements that an array filter names', async (t) => {
  const students = await collection(t, [{ _id: 1, grades: [95, 102, 90, 150] }])
  await students.updateMany({}, { $set: { 'grades.$[element]': 100 } }, { arrayFilters: [{ element: { $gte: 100 } }] })
  t.deepEqual((await students.get(1)).grades, [95, 100, 90, 100])
  await students.updateOne({ _id: 1 }, { $unset: { 'grades.$[x]': '' } }, { arrayFilters: [{ x: { $in: [95] } }] })
  t.deepEqual((await students.get(1)).grades, [null, 100, 90, 100])
})

test('malformed array filters are refused', async (t) => {
  const students = await collection(t, [{ _id: 1, grades: [1] }])
  const set = { $set: { 'grades.$[x]': 1 } }
  await rejectsWith(t, 'BAD_UPDATE', students.updateOne({}, set), /no array filter found for identifier 'x'/)
  await rejectsWith(t, 'BAD_UPDATE', students.updateOne({}, set, { arrayFilters: [{ x: 1 }, { y: 1 }] }), /'y' was not used/)
  await rejectsType(t, () => students.updateOne({}, set, { arrayFilters: { x: 1 } }), /arrayFilters must be an array/)
  await rejectsType(t, () => students.updateOne({}, set, { arrayFilters: [1] }), /arrayFilters\[0\] must be an object/)
})

test('projections cut arrays', async (t) => {
  const students = await collection(t, [{ _id: 1, semester: 1, grades: [70, 87, 90], list: [{ n: 1 }, { n: 2 }] }])
  t.deepEqual(await students.findOne({ grades: { $gte: 85 } }, { projection: { 'grades.$': 1 } }), { _id: 1, grades: [87] })
  t.deepEqual(await students.findOne({}, { projection: { grades: { $slice: -2 }, list: 0 } }), { _id: 1, semester: 1, grades: [87, 90] })
  t.deepEqual(await students.findOne({}, { projection: { list: { $elemMatch: { n: { $gt: 1 } } } } }), { _id: 1, list: [{ n: 2 }] })
  t.deepEqual(await students.find({}).project({ list: { n: 1 }, _id: 0 }).toArray(), [{ list: [{ n: 1 }, { n: 2 }] }])
  await rejectsWith(t, 'BAD_QUERY', students.findOne({ _id: 1 }, { projection: { 'grades.$': 1 } }), /no matching element/)
})

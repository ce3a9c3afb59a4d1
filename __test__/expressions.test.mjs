import test from 'ava'

import { collection, rejectsWith } from './support/database.mjs'

/** The value of an expression for a document. */
async function evaluate(t, expression, document = {}) {
  const docs = await collection(t, [{ _id: 1, ...document }])
  const [{ value }] = await docs.aggregate([{ $project: { value: expression } }]).toArray()
  return value
}

test('numbers keep the kind that JavaScript gave them', async (t) => {
  const document = { n: 2147483647, big: 5n, half: 0.5 }
  t.is(await evaluate(t, { $add: ['$n', 1] }, document), 2147483648)
  t.is(await evaluate(t, { $multiply: ['$big', 2] }, document), 10n)
  t.is(await evaluate(t, { $add: ['$big', '$half'] }, document), 5.5)
  t.is(await evaluate(t, { $toLong: '$n' }, document), 2147483647n)
  t.is(await evaluate(t, { $sum: [[0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]] }), 1)
})

test('dates, strings, objects and arrays cross as they are', async (t) => {
  const document = { at: new Date('2020-02-29T12:00:00Z'), text: 'na\u00efve \u{1f600}', list: [3, 1, 2], object: { b: 1, a: { c: 2 } } }
  t.deepEqual(await evaluate(t, { $dateAdd: { startDate: '$at', unit: 'year', amount: 1 } }, document), new Date('2021-02-28T12:00:00Z'))
  t.is(await evaluate(t, { $dateToString: { date: '$at', format: '%d.%m.%Y %H:%M', timezone: '+02:00' } }, document), '29.02.2020 14:00')
  t.is(await evaluate(t, { $toUpper: '$text' }, document), 'NA\u00cfVE \u{1f600}')
  t.is(await evaluate(t, { $strLenCP: '$text' }, document), 7)
  t.deepEqual(await evaluate(t, { $sortArray: { input: '$list', sortBy: -1 } }, document), [3, 2, 1])
  t.deepEqual(await evaluate(t, { $mergeObjects: ['$object', { d: '$object.a.c' }] }, document), { b: 1, a: { c: 2 }, d: 2 })
  t.deepEqual(await evaluate(t, { $map: { input: '$list', as: 'n', in: { n: '$$n', even: { $eq: [{ $mod: ['$$n', 2] }, 0] } } } }, document), [
    { n: 3, even: false },
    { n: 1, even: false },
    { n: 2, even: true }
  ])
})

test('$expr compares the fields of a document in find, count and updates', async (t) => {
  const budgets = await collection(t, [
    { _id: 1, category: 'food', budget: 400, spent: 450 },
    { _id: 2, category: 'drinks', budget: 100, spent: 150 },
    { _id: 3, category: 'clothes', budget: 100, spent: 50 }
  ])
  const over = { $expr: { $gt: ['$spent', '$budget'] } }
  t.deepEqual((await budgets.find(over).toArray()).map(({ _id }) => _id), [1, 2])
  t.is(await budgets.countDocuments({ $and: [over, { budget: 100 }] }), 1)
  t.is((await budgets.updateMany({ $nor: [over] }, { $set: { fine: true } })).modifiedCount, 1)
  t.is(await budgets.countDocuments({ $expr: { $divide: ['$spent', 0] } }), 0)
  await rejectsWith(t, 'BAD_QUERY', budgets.find({ $expr: { $gtt: [1, 2] } }).toArray(), /unknown expression operator '\$gtt'/)
  await rejectsWith(t, 'NOT_SUPPORTED', budgets.find({ $expr: { $lt: ['$at', '$$NOW'] } }).toArray(), /give a Date/)
})

test('an update by pipeline computes from the document', async (t) => {
  const students = await collection(t, [{ _id: 1, tests: [95, 92, 90] }, { _id: 2, tests: [94, 88, 90] }])
  const result = await students.updateMany({}, [
    { $set: { average: { $trunc: [{ $avg: '$tests' }, 0] } } },
    // oxlint-disable-next-line unicorn/no-thenable -- a branch of $switch is no Promise
    { $set: { grade: { $switch: { branches: [{ case: { $gte: ['$average', 92] }, then: 'A' }], default: 'B' } } } },
    { $unset: 'tests' }
  ])
  t.is(result.modifiedCount, 2)
  t.deepEqual(await students.find().toArray(), [{ _id: 1, average: 92, grade: 'A' }, { _id: 2, average: 90, grade: 'B' }])
  t.is((await students.updateOne({ _id: 1 }, [{ $set: { grade: 'A' } }])).modifiedCount, 0)
  await students.updateOne({ _id: 3 }, [{ $set: { made: { $concat: ['a', 'b'] } } }], { upsert: true })
  t.deepEqual(await students.get(3), { _id: 3, made: 'ab' })
  await rejectsWith(t, 'BAD_UPDATE', students.updateOne({ _id: 1 }, [{ $set: { _id: 9 } }]), /immutable/)
  await rejectsWith(t, 'BAD_UPDATE', students.updateOne({ _id: 1 }, [{ $group: { _id: 1 } }]), /but not \$group/)
  await rejectsWith(t, 'BAD_UPDATE', students.updateOne({ _id: 1 }, []), /at least one stage/)
  t.deepEqual(await students.get(1), { _id: 1, average: 92, grade: 'A' })
})

test('$in takes a long list as a literal too', async (t) => {
  const c = await collection(t, Array.from({ length: 50 }, (_, _id) => ({ _id, a: _id % 2 ? _id : `${_id}` })))
  const list = Array.from({ length: 100 }, (_, n) => n % 3 ? n : `${n}`)
  const found = async (operand) => (await c.find({ $expr: { $in: ['$a', operand] } }).toArray()).map(({ _id }) => _id)
  const expected = Array.from({ length: 50 }, (_, id) => id).filter((id) => list.includes(id % 2 ? id : `${id}`))
  t.deepEqual(await found(list), expected)
  t.deepEqual(await found({ $literal: list }), expected)
  t.deepEqual(await found({ $literal: list.slice(0, 3) }), expected.filter((id) => list.slice(0, 3).some((one) => `${one}` === `${id}` && typeof one === (id % 2 ? 'number' : 'string'))))
})

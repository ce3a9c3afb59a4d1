// Projections of find and of writes that return their document.

import test from 'ava'

import { collection } from './support/database.mjs'
import { badQuery, endsWith, notSupported } from './support/operators.mjs'

const ITEM = { _id: 1, name: 'pen', a: 2, b: 3, size: { h: 5, w: 6 }, list: [{ n: 1, m: 2 }, { n: 3, m: 4 }], tags: ['x', 'y', 'z'] }

async function projects(t, rows, filter = {}) {
  const docs = await collection(t, [ITEM])
  for (const [projection, wanted] of rows) {
    await endsWith(t, wanted, () => docs.findOne(filter, { projection }), projection)
    await endsWith(t, wanted === null ? wanted : wanted, async () => (await docs.find(filter).project(projection).toArray())[0], projection)
  }
}

test('fields are included or excluded', async (t) => {
  await projects(t, [
    [{ name: 1 }, { _id: 1, name: 'pen' }],
    [{ name: true, _id: 0 }, { name: 'pen' }],
    [{ 'size.h': 1, _id: 0 }, { size: { h: 5 } }],
    [{ size: { w: 1 }, _id: 0 }, { size: { w: 6 } }],
    [{ 'list.n': 1, _id: 0 }, { list: [{ n: 1 }, { n: 3 }] }],
    [{ list: 0, tags: 0, size: 0 }, { _id: 1, name: 'pen', a: 2, b: 3 }],
    [{ 'list.n': 0, tags: 0, size: 0, _id: 0 }, { name: 'pen', a: 2, b: 3, list: [{ m: 2 }, { m: 4 }] }],
    [{ name: 1, a: 0 }, badQuery(/cannot exclude 'a'/)],
    [{ name: 0, a: 1 }, badQuery(/cannot include 'a'/)],
    [{ 'size.h': 1, size: 1 }, badQuery(/two things/)],
    [{ size: 1, 'size.h': 1 }, badQuery(/two things/)],
    [{ a: {} }, badQuery(/empty object/)]
  ])
})

test('expressions compute fields', async (t) => {
  await projects(t, [
    [{ total: { $add: ['$a', '$b'] } }, { _id: 1, total: 5 }],
    [{ total: { $add: ['$a', '$b'] }, name: 1, _id: 0 }, { name: 'pen', total: 5 }],
    [{ _id: 0, label: 'text', one: { $literal: 1 } }, { label: 'text', one: 1 }],
    [{ _id: 0, title: '$name', height: '$size.h', ns: '$list.n' }, { title: 'pen', height: 5, ns: [1, 3] }],
    [{ _id: 0, pair: ['$a', '$missing'], at: new Date(5), none: null }, { pair: [2, null], at: new Date(5), none: null }],
    [{ _id: 0, size: { area: { $multiply: ['$size.h', '$size.w'] }, h: 1 } }, { size: { h: 5, area: 30 } }],
    [{ _id: 0, 'made.up': '$name' }, { made: { up: 'pen' } }],
    [{ _id: 0, 'list.twice': '$a' }, { list: [{ twice: 2 }, { twice: 2 }] }],
    [{ _id: 0, name: { $toUpper: '$name' } }, { name: 'PEN' }],
    [{ _id: 0, gone: '$$REMOVE', a: 1 }, { a: 2 }],
    [{ _id: 0, whole: '$$ROOT.size' }, { whole: { h: 5, w: 6 } }],
    [{ _id: '$name' }, { _id: 'pen' }],
    [{ _id: 0, part: { $slice: ['$tags', 1, 1] } }, { part: ['y'] }],
    [{ total: { $add: ['$a', '$b'] }, a: 0 }, badQuery(/cannot exclude 'a'/)],
    [{ a: 0, total: '$b' }, badQuery(/cannot include 'total'/)],
    [{ size: '$a', 'size.h': 1 }, badQuery(/two things/)],
    [{ x: { $nope: 1 } }, badQuery(/unknown expression operator/)],
    [{ x: { $add: 1, y: 1 } }, badQuery(/one operator/)],
    [{ x: { $divide: ['$a', 0] } }, badQuery(/divide by 0/)],
    [{ x: '$$nope' }, badQuery(/no variable/)],
    [{ x: '$$NOW' }, notSupported(/give a Date/)],
    [{ x: { $rand: {} } }, notSupported(/not supported/)],
    [{ x: { $meta: 'textScore' } }, notSupported(/not supported/)]
  ])
})

test('$slice, $elemMatch and $ keep parts of arrays', async (t) => {
  await projects(t, [
    [{ tags: { $slice: 1 }, name: 1 }, { _id: 1, name: 'pen', tags: ['x'] }],
    [{ tags: { $slice: -2 }, name: 1 }, { _id: 1, name: 'pen', tags: ['y', 'z'] }],
    [{ tags: { $slice: [1, 1] }, list: 0, size: 0 }, { _id: 1, name: 'pen', a: 2, b: 3, tags: ['y'] }],
    [{ list: { $elemMatch: { n: { $gt: 1 } } } }, { _id: 1, list: [{ n: 3, m: 4 }] }],
    [{ tags: { $slice: 'x' } }, badQuery(/needs a number/)],
    [{ 'size.h': { $elemMatch: {} } }, badQuery(/inside another field/)]
  ])
  await projects(t, [
    [{ 'list.$': 1 }, { _id: 1, list: [{ n: 3, m: 4 }] }],
    [{ 'list.$': 1, total: { $add: ['$a', '$b'] } }, { _id: 1, list: [{ n: 3, m: 4 }], total: 5 }],
    [{ 'list.$': 1, 'tags.$': 1 }, badQuery(/at most one/)],
    [{ 'list.$': 0 }, badQuery(/only be included/)]
  ], { list: { $elemMatch: { n: 3 } } })
})

test('writes answer what a projection makes of their document', async (t) => {
  const docs = await collection(t, [{ _id: 1, a: 1, b: 2 }])
  const projection = { _id: 0, sum: { $add: ['$a', '$b'] } }
  t.deepEqual(await docs.findOneAndUpdate({ _id: 1 }, { $inc: { a: 5 } }, { projection }), { sum: 3 })
  t.deepEqual(await docs.findOneAndUpdate({ _id: 1 }, { $inc: { a: 5 } }, { projection, returnDocument: 'after' }), { sum: 13 })
  t.deepEqual(await docs.findOneAndReplace({ _id: 1 }, { a: 3, b: 4 }, { projection, returnDocument: 'after' }), { sum: 7 })
  const fails = { projection: { x: { $divide: ['$a', 0] } } }
  await endsWith(t, badQuery(/divide by 0/), () => docs.findOneAndUpdate({ _id: 1 }, { $set: { a: 9 } }, fails), fails)
  await endsWith(t, badQuery(/divide by 0/), () => docs.findOneAndDelete({ _id: 1 }, fails), fails)
  t.deepEqual(await docs.findOneAndDelete({ _id: 1 }, { projection }), { sum: 7 })
  t.is(await docs.countDocuments(), 0)
})

// Update operators, their modifiers, their conflicts, and what an upsert inserts.

import test from 'ava'

import { collection } from './support/database.mjs'
import { badQuery, badUpdate, endsWith, updates } from './support/operators.mjs'

test('$set, $unset and $setOnInsert', async (t) => {
  await updates(t, [
    [{ a: 1 }, { $set: { a: 2, b: 3 } }, { a: 2, b: 3 }],
    [{ a: 1 }, { $set: { a: 1 } }, { a: 1 }],
    [{ a: 1 }, { $set: { a: 1n } }, { a: 1n }],
    [{ a: { b: 1 } }, { $set: { 'a.c.d': 2 } }, { a: { b: 1, c: { d: 2 } } }],
    [{ a: [1] }, { $set: { 'a.3': 4 } }, { a: [1, null, null, 4] }],
    [{ a: [1, 2] }, { $set: { 'a.0': 9 } }, { a: [9, 2] }],
    [{ a: [{ b: 1 }] }, { $set: { 'a.0.b': 9 } }, { a: [{ b: 9 }] }],
    [{}, { $set: { 'x.0': 1 } }, { x: { 0: 1 } }],
    [{ a: { b: 1, c: 2 } }, { $set: { a: { c: 2, b: 1 } } }, { a: { c: 2, b: 1 } }],
    [{}, { $set: { 10: 'ten', 9: 'nine', b: 1, a: 2 } }, { 9: 'nine', 10: 'ten', a: 2, b: 1 }],
    [{ a: 1 }, { $set: { 'a.b': 1 } }, badUpdate(/cannot create field 'b' in 'a'/i)],
    [{ a: [1] }, { $set: { 'a.b': 1 } }, badUpdate(/cannot create field 'b'/i)],
    [{ a: 1 }, { $set: { 'a..b': 1 } }, badUpdate(/empty part/)],
    [{ a: 1 }, { $set: { $b: 1 } }, badUpdate(/must not start with '\$'/)],
    [{ a: 1 }, { $set: { _id: 99 } }, badUpdate(/immutable field '_id'/)],
    [{ a: 1 }, { $set: {} }, { a: 1 }],
    [{ a: 1, b: 2 }, { $unset: { a: '' } }, { b: 2 }],
    [{ a: 1 }, { $unset: { x: 1, 'y.z': 1 } }, { a: 1 }],
    [{ a: [1, 2] }, { $unset: { 'a.0': 1 } }, { a: [null, 2] }],
    [{ a: { b: 1 } }, { $unset: { 'a.b': 1 } }, { a: {} }],
    [{ a: 1 }, { $unset: { _id: 1 } }, badUpdate(/immutable/)],
    [{ a: 1 }, { $setOnInsert: { a: 2 } }, { a: 1 }],
    [{ a: 1 }, { $nope: { a: 1 } }, badUpdate(/unknown update operator '\$nope'/)],
    [{ a: 1 }, { $set: 5 }, badUpdate(/needs an object of paths/)]
  ])
})

test('$inc, $mul, $min, $max and $bit', async (t) => {
  await updates(t, [
    [{ a: 1 }, { $inc: { a: 2 } }, { a: 3 }],
    [{}, { $inc: { a: 2 } }, { a: 2 }],
    [{ a: 1 }, { $inc: { a: 0 } }, { a: 1 }],
    [{ a: 1 }, { $inc: { a: -1.5 } }, { a: -0.5 }],
    [{ a: 1n }, { $inc: { a: 2 } }, { a: 3n }],
    [{ a: 2147483647 }, { $inc: { a: 1 } }, { a: 2147483648 }],
    [{ a: 9223372036854775807n }, { $inc: { a: 1n } }, badUpdate(/int64/)],
    [{ a: 'x' }, { $inc: { a: 1 } }, badUpdate(/cannot apply \$inc to 'a'.*string/)],
    [{ a: null }, { $inc: { a: 1 } }, badUpdate(/null/)],
    [{ a: 1 }, { $inc: { a: 'x' } }, badUpdate(/needs a number/)],
    [{ a: 3 }, { $mul: { a: 2.5 } }, { a: 7.5 }],
    [{}, { $mul: { a: 5 } }, { a: 0 }],
    [{}, { $mul: { a: 5n } }, { a: 0n }],
    [{ a: 4 }, { $mul: { a: 1 } }, { a: 4 }],
    [{ a: [1, 2] }, { $mul: { 'a.1': 3 } }, { a: [1, 6] }],
    [{ a: 'x' }, { $mul: { a: 2 } }, badUpdate(/\$mul/)],
    [{ a: 5 }, { $min: { a: 3 } }, { a: 3 }],
    [{ a: 5 }, { $min: { a: 7 } }, { a: 5 }],
    [{ a: 5 }, { $min: { a: 5n } }, { a: 5 }],
    [{ a: 5 }, { $max: { a: 7 } }, { a: 7 }],
    [{ a: 5 }, { $max: { a: 'x' } }, { a: 'x' }],
    [{ a: 'x' }, { $min: { a: 5 } }, { a: 5 }],
    [{ a: null }, { $max: { a: -1 } }, { a: -1 }],
    [{}, { $max: { a: 7 }, $min: { b: 1 } }, { a: 7, b: 1 }],
    [{ a: new Date(5) }, { $min: { a: new Date(1) } }, { a: new Date(1) }],
    [{ a: 13 }, { $bit: { a: { and: 10 } } }, { a: 8 }],
    [{ a: 3 }, { $bit: { a: { or: 5 } } }, { a: 7 }],
    [{ a: 1 }, { $bit: { a: { xor: 5 } } }, { a: 4 }],
    [{ a: 7n }, { $bit: { a: { and: 5n } } }, { a: 5n }],
    [{}, { $bit: { a: { or: 5 } } }, { a: 5 }],
    [{ a: 1.5 }, { $bit: { a: { or: 5 } } }, badUpdate(/int32 or a BigInt/)],
    [{ a: 1 }, { $bit: { a: { nand: 5 } } }, badUpdate(/and, or, xor/)],
    [{ a: 1 }, { $bit: { a: {} } }, badUpdate(/and, or, or xor/)],
    [{ a: 1 }, { $bit: { a: { or: 1.5 } } }, badUpdate(/int32 or a BigInt/)]
  ])
})

test('$rename moves fields, and not through arrays', async (t) => {
  await updates(t, [
    [{ a: 1, b: 2 }, { $rename: { a: 'c' } }, { b: 2, c: 1 }],
    [{ a: 1, b: 2 }, { $rename: { a: 'b' } }, { b: 1 }],
    [{ a: { x: 1 } }, { $rename: { 'a.x': 'b.y' } }, { a: {}, b: { y: 1 } }],
    [{ a: 1 }, { $rename: { x: 'y' } }, { a: 1 }],
    [{ a: [{ x: 1 }] }, { $rename: { 'a.0.x': 'b' } }, badUpdate(/element of an array/)],
    [{ a: [], b: 1 }, { $rename: { b: 'a.0' } }, badUpdate(/element of an array/)],
    [{ a: 1 }, { $rename: { a: 'a' } }, badUpdate(/conflict/)],
    [{ a: 1 }, { $rename: { a: 'a.b' } }, badUpdate(/conflict/)],
    [{ a: 1 }, { $rename: { a: 'b' }, $set: { b: 1 } }, badUpdate(/conflict/)],
    [{ a: 1 }, { $rename: { a: 5 } }, badUpdate(/path to rename to/)],
    [{ a: 1 }, { $rename: { _id: 'b' } }, badUpdate(/immutable/)],
    [{ a: 1 }, { $rename: { a: '_id' } }, badUpdate(/immutable/)],
    [{ a: 1 }, { $rename: { 'a.$[]': 'b' } }, badUpdate(/dynamic/)]
  ])
})

test('$currentDate sets dates', async (t) => {
  const docs = await collection(t, [{ _id: 1, at: 1 }])
  const before = Date.now()
  await docs.updateOne({ _id: 1 }, { $currentDate: { at: true, 'in.it': { $type: 'date' } } })
  const { at, in: inside } = await docs.get(1)
  t.true(at instanceof Date && at.getTime() >= before && at.getTime() <= Date.now())
  t.deepEqual(inside.it, at)
  for (const operand of [{ $type: 'timestamp' }, { $type: 'x' }, 1, {}]) {
    await endsWith(t, badUpdate(/no timestamps/), () => docs.updateOne({ _id: 1 }, { $currentDate: { at: operand } }), operand)
  }
})

test('$push adds, places, sorts and cuts', async (t) => {
  const quizzes = [{ w: 1, s: 9 }, { w: 2, s: 5 }]
  await updates(t, [
    [{ a: [1] }, { $push: { a: 2 } }, { a: [1, 2] }],
    [{}, { $push: { a: 2 } }, { a: [2] }],
    [{ a: [1] }, { $push: { a: [2, 3] } }, { a: [1, [2, 3]] }],
    [{ a: [1] }, { $push: { a: { $each: [2, 3] } } }, { a: [1, 2, 3] }],
    [{ a: [1] }, { $push: { a: { $each: [] } } }, { a: [1] }],
    [{ a: [1, 2] }, { $push: { a: { $each: [9], $position: 0 } } }, { a: [9, 1, 2] }],
    [{ a: [1, 2] }, { $push: { a: { $each: [9, 8], $position: -1 } } }, { a: [1, 9, 8, 2] }],
    [{ a: [1, 2] }, { $push: { a: { $each: [9], $position: 7 } } }, { a: [1, 2, 9] }],
    [{ a: [3] }, { $push: { a: { $each: [1, 2], $sort: 1 } } }, { a: [1, 2, 3] }],
    [{ a: [1, 3, 2] }, { $push: { a: { $each: [], $sort: -1 } } }, { a: [3, 2, 1] }],
    [{ a: [1, 2] }, { $push: { a: { $each: [3], $slice: 2 } } }, { a: [1, 2] }, { modified: 1 }],
    [{ a: [1, 2] }, { $push: { a: { $each: [], $sort: 1 } } }, { a: [1, 2] }, { modified: 1 }],
    [{ a: [1, 2] }, { $push: { a: { $each: [3], $position: Number.MAX_SAFE_INTEGER, $slice: -Number.MAX_SAFE_INTEGER } } }, { a: [1, 2, 3] }],
    [{ a: [1, 2] }, { $push: { a: { $each: [3], $slice: -2 } } }, { a: [2, 3] }],
    [{ a: [1, 2] }, { $push: { a: { $each: [3], $slice: 0 } } }, { a: [] }],
    [{ a: [3, 1] }, { $push: { a: { $each: [2], $position: 0, $sort: 1, $slice: 2 } } }, { a: [1, 2] }],
    [{ a: quizzes }, { $push: { a: { $each: [{ w: 3, s: 7 }], $sort: { s: -1 }, $slice: 2 } } }, { a: [{ w: 1, s: 9 }, { w: 3, s: 7 }] }],
    [{ a: 5 }, { $push: { a: 1 } }, badUpdate(/needs an array/)],
    [{ a: null }, { $push: { a: 1 } }, badUpdate(/needs an array/)],
    [{ a: [] }, { $push: { a: { $each: 1 } } }, badUpdate(/must be an array/)],
    [{ a: [] }, { $push: { a: { $each: [], $nope: 1 } } }, badUpdate(/unknown clause/)],
    [{ a: [] }, { $push: { a: { $slice: 1 } } }, badUpdate(/needs \$each/)],
    [{ a: [] }, { $push: { a: { $each: [1], $slice: 1.5 } } }, badUpdate(/must be an integer/)],
    [{ a: [] }, { $push: { a: { $each: [1], $sort: 2 } } }, badUpdate(/must be 1, -1/)],
    [{ a: [] }, { $push: { a: { $each: [1], $position: 'x' } } }, badUpdate(/must be an integer/)]
  ])
})

test('$addToSet, $pop, $pull and $pullAll', async (t) => {
  await updates(t, [
    [{ a: [1] }, { $addToSet: { a: 2 } }, { a: [1, 2] }],
    [{ a: [1] }, { $addToSet: { a: 1n } }, { a: [1] }],
    [{ a: [{ x: 1, y: 2 }] }, { $addToSet: { a: { y: 2, x: 1 } } }, { a: [{ x: 1, y: 2 }, { y: 2, x: 1 }] }],
    [{ a: [1] }, { $addToSet: { a: { $each: [1, 2, 2] } } }, { a: [1, 2] }],
    [{}, { $addToSet: { a: { $each: [1, 1] } } }, { a: [1] }],
    [{ a: [1] }, { $addToSet: { a: [2, 3] } }, { a: [1, [2, 3]] }],
    [{ a: 1 }, { $addToSet: { a: 2 } }, badUpdate(/needs an array/)],
    [{ a: [] }, { $addToSet: { a: { $each: 1 } } }, badUpdate(/must be an array/)],
    [{ a: [] }, { $addToSet: { a: { $each: [1], $slice: 1 } } }, badUpdate(/unknown clause/)],
    [{ a: [1, 2, 3] }, { $pop: { a: 1 } }, { a: [1, 2] }],
    [{ a: [1, 2, 3] }, { $pop: { a: -1 } }, { a: [2, 3] }],
    [{ a: [] }, { $pop: { a: 1 } }, { a: [] }],
    [{}, { $pop: { a: 1 } }, {}],
    [{ a: 1 }, { $pop: { a: 1 } }, badUpdate(/needs an array/)],
    [{ a: [1] }, { $pop: { a: 2 } }, badUpdate(/1 \(the last element\) or -1/)],
    [{ a: [1, 2, 1, 3] }, { $pull: { a: 1 } }, { a: [2, 3] }],
    [{ a: [1, 5, 9] }, { $pull: { a: { $gte: 5 } } }, { a: [1] }],
    [{ a: ['x', 'y'] }, { $pull: { a: { $in: ['x', 'z'] } } }, { a: ['y'] }],
    [{ a: ['ax', 'b'] }, { $pull: { a: /^a/ } }, { a: ['b'] }],
    [{ a: [{ n: 1, m: 1 }, { n: 2 }] }, { $pull: { a: { n: 1 } } }, { a: [{ n: 2 }] }],
    [{ a: [{ n: 1 }, { n: 5 }] }, { $pull: { a: { n: { $gt: 3 }, m: { $exists: false } } } }, { a: [{ n: 1 }] }],
    [{ a: [{ l: [{ q: 1, z: 1 }] }, { l: [{ q: 2 }] }] }, { $pull: { a: { l: { $elemMatch: { q: 1, z: 1 } } } } }, { a: [{ l: [{ q: 2 }] }] }],
    [{ a: [[1, 2], [3]] }, { $pull: { a: [1, 2] } }, { a: [[3]] }],
    [{ a: [1] }, { $pull: { a: 9 } }, { a: [1] }],
    [{}, { $pull: { a: 9 } }, {}],
    [{ a: 1 }, { $pull: { a: 9 } }, badUpdate(/needs an array/)],
    [{ a: [1] }, { $pull: { a: { $nope: 1 } } }, badUpdate(/unknown operator/)],
    [{ a: [1, 2, 1, [1]] }, { $pullAll: { a: [1, 9] } }, { a: [2, [1]] }],
    [{ a: [{ x: 1, y: 2 }, { x: 1 }] }, { $pullAll: { a: [{ x: 1 }] } }, { a: [{ x: 1, y: 2 }] }],
    [{ a: [1] }, { $pullAll: { a: 1 } }, badUpdate(/must be an array/)]
  ])
})

test('positional parts name elements', async (t) => {
  const grades = { grades: [{ g: 80, m: 75 }, { g: 85, m: 90 }, { g: 90, m: 85 }] }
  await updates(t, [
    [{ a: [1, 5, 9] }, { $set: { 'a.$': 0 } }, { a: [1, 0, 9] }, { filter: { a: { $gt: 3 } } }],
    [grades, { $set: { 'grades.$.m': 0 } }, { grades: [{ g: 80, m: 75 }, { g: 85, m: 0 }, { g: 90, m: 85 }] }, { filter: { grades: { $elemMatch: { g: { $lte: 90 }, m: { $gt: 80 } } } } }],
    [{ a: [1, 2] }, { $set: { 'a.$': 0 } }, badUpdate(/did not find the match needed/)],
    [{ a: [1, 2] }, { $inc: { 'a.$[]': 10 } }, { a: [11, 12] }],
    [{ a: [] }, { $inc: { 'a.$[]': 10 } }, { a: [] }],
    [{ a: 5 }, { $inc: { 'a.$[]': 10 } }, badUpdate(/array/)],
    [{}, { $inc: { 'a.$[]': 10 } }, badUpdate(/must exist in the document/)],
    [{ a: [95, 102, 90] }, { $set: { 'a.$[e]': 100 } }, { a: [95, 100, 90] }, { arrayFilters: [{ e: { $gte: 100 } }] }],
    [grades, { $set: { 'grades.$[x].m': 100 } }, { grades: [{ g: 80, m: 75 }, { g: 85, m: 100 }, { g: 90, m: 100 }] }, { arrayFilters: [{ 'x.g': { $gte: 85 } }] }],
    [{ a: [{ b: [1, 5] }, { b: [7] }] }, { $inc: { 'a.$[].b.$[n]': 1 } }, { a: [{ b: [1, 6] }, { b: [8] }] }, { arrayFilters: [{ n: { $gt: 1 } }] }],
    [{ a: [{ x: 1, y: 1 }, { x: 1, y: 2 }] }, { $set: { 'a.$[e].z': 1 } }, { a: [{ x: 1, y: 1 }, { x: 1, y: 2, z: 1 }] }, { arrayFilters: [{ $and: [{ 'e.x': 1 }, { 'e.y': { $ne: 1 } }] }] }],
    [{ a: [1] }, { $set: { 'a.$[e]': 1 } }, badUpdate(/no array filter found for identifier 'e'/)],
    [{ a: [1] }, { $set: { 'a.0': 1 } }, badUpdate(/was not used/), { arrayFilters: [{ e: 1 }] }],
    [{ a: [1] }, { $set: { 'a.$[e]': 1 } }, badUpdate(/e/), { arrayFilters: [{ e: 1 }, { e: 2 }] }],
    [{ a: [1] }, { $set: { 'a.$[e]': 1 } }, badUpdate(/one element/), { arrayFilters: [{ e: 1, f: 2 }] }],
    [{ a: [1] }, { $set: { 'a.$[E]': 1 } }, badUpdate(/lowercase/), { arrayFilters: [{ E: 1 }] }],
    [{ a: [1] }, { $set: { 'a.$[]': 1, 'a.0': 2 } }, badUpdate(/conflict/)],
    [{ a: [1] }, { $set: { '$[]': 1 } }, badUpdate(/name the array first/)],
    [{ a: [[1]] }, { $set: { 'a.$.$': 1 } }, badUpdate(/too many positional/)]
  ])
})

test('no path is named twice or inside another', async (t) => {
  await updates(t, [
    [{ a: 1 }, { $set: { a: 1 }, $inc: { a: 1 } }, badUpdate(/would create a conflict at 'a'/)],
    [{ a: {} }, { $set: { 'a.b': 1, a: 1 } }, badUpdate(/conflict/)],
    [{ a: {} }, { $set: { a: 1 }, $unset: { 'a.b': 1 } }, badUpdate(/conflict/)],
    [{ a: [] }, { $push: { a: 1 }, $pull: { a: 1 } }, badUpdate(/conflict/)],
    [{ a: {} }, { $set: { 'a.b': 1, 'a.c': 2 } }, { a: { b: 1, c: 2 } }],
    [{ a: {} }, { $set: { 'a.b': 1 }, $inc: { ab: 1 } }, { a: { b: 1 }, ab: 1 }]
  ])
})

test('an update is operators or a pipeline', async (t) => {
  await updates(t, [
    [{ a: 1, b: 2 }, [{ $set: { c: { $add: ['$a', '$b'] } } }, { $unset: 'a' }], { b: 2, c: 3 }],
    [{ a: 1 }, [{ $replaceWith: { x: '$a', _id: '$_id' } }], { x: 1 }],
    [{ a: 1 }, [{ $project: { a: 1 } }], { a: 1 }],
    [{ a: 1 }, [{ $addFields: { a: 1 } }], { a: 1 }],
    [{ a: 1 }, [{ $set: { b: { $divide: [1, 0] } } }], badUpdate(/divide by 0/)],
    [{ a: 1 }, [{ $match: {} }], badUpdate(/but not \$match/)],
    [{ a: 1 }, [{ $set: { _id: 99 } }], badUpdate(/immutable/)],
    [{ a: 1 }, [{ $set: { b: 1 } }], badUpdate(/arrayFilters/), { arrayFilters: [{ x: 1 }] }],
    [{ a: 1 }, [], badUpdate(/at least one stage/)]
  ])
})

test('an upsert starts from what the filter says by equality', async (t) => {
  const docs = await collection(t)
  const rows = [
    [{ a: 1, 'b.c': 2 }, { $set: { d: 3 } }, { a: 1, b: { c: 2 }, d: 3 }],
    [{ a: { $eq: 1 }, b: { $gt: 5 } }, { $set: { d: 3 } }, { a: 1, d: 3 }],
    [{ $and: [{ a: 1 }, { b: { $eq: 2 } }] }, { $set: { d: 3 } }, { a: 1, b: 2, d: 3 }],
    [{ $or: [{ a: 1 }] }, { $set: { d: 3 } }, { a: 1, d: 3 }],
    [{ $or: [{ a: 1 }, { b: 1 }] }, { $set: { d: 3 } }, { d: 3 }],
    [{ a: { $in: [7] } }, { $set: { d: 3 } }, { a: 7, d: 3 }],
    [{ a: { $in: [7, 8] } }, { $set: { d: 3 } }, { d: 3 }],
    [{ a: { $all: [7] } }, { $set: { d: 3 } }, { a: 7, d: 3 }],
    [{ a: { $all: [7, 8] } }, { $set: { d: 3 } }, badQuery(/'a' twice/)],
    [{ a: /x/ }, { $set: { d: 3 } }, { d: 3 }],
    [{ a: { b: 1 } }, { $set: { 'a.c': 2 } }, { a: { b: 1, c: 2 } }],
    [{ a: 5 }, { $inc: { a: 2 } }, { a: 7 }],
    [{ a: 5 }, { $setOnInsert: { e: 1 }, $inc: { n: 1 } }, { a: 5, e: 1, n: 1 }],
    [{ a: 5 }, { $unset: { a: 1 }, $set: { z: 1 } }, { z: 1 }],
    [{ a: 5 }, [{ $set: { twice: { $multiply: ['$a', 2] } } }], { a: 5, twice: 10 }],
    [{ a: 1, 'a.b': 2 }, { $set: { d: 3 } }, badQuery(/'a' twice/)],
    [{ a: 'none', b: 1 }, { $set: { 'b.c': 3 } }, badUpdate(/cannot create field/i)]
  ]
  let _id = 100
  for (const [filter, update, wanted] of rows) {
    _id += 1
    await endsWith(t, wanted, async () => {
      const result = await docs.updateOne({ _id, ...filter }, update, { upsert: true })
      t.deepEqual([result.upsertedId, result.upsertedCount, result.matchedCount, result.modifiedCount], [_id, 1, 0, 0])
      const { _id: own, ...document } = await docs.get(_id)
      t.is(own, _id)
      return document
    }, [filter, update])
  }
  await docs.updateOne({ a: 'set' }, { $set: { _id: 'mine' } }, { upsert: true })
  t.deepEqual(await docs.get('mine'), { _id: 'mine', a: 'set' })
  await endsWith(t, badUpdate(/immutable/), () => docs.updateOne({ _id: 'x' }, { $set: { _id: 'y' } }, { upsert: true }))
})

test('modifiedCount counts documents that really changed', async (t) => {
  const docs = await collection(t, [{ _id: 1, a: 1 }, { _id: 2, a: 2 }, { _id: 3, a: 1 }])
  const many = await docs.updateMany({}, { $set: { a: 1 } })
  t.deepEqual([many.matchedCount, many.modifiedCount], [3, 1])
  const replaced = await docs.replaceOne({ _id: 1 }, { a: 1 })
  t.deepEqual([replaced.matchedCount, replaced.modifiedCount], [1, 0])
})

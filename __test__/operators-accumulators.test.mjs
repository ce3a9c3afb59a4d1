// Accumulators of $group, $bucket and $bucketAuto.

import test from 'ava'

import { badQuery, notSupported, runs } from './support/operators.mjs'

const SALES = [
  { _id: 1, who: 'Ada', n: 5, score: 62, tags: ['x'], o: { a: 1 } },
  { _id: 2, who: 'Ada', n: 10, score: 60, tags: ['y'], o: { b: 2 } },
  { _id: 3, who: 'Ada', n: 5, score: 67 },
  { _id: 4, who: 'Bob', score: 64, o: null },
  { _id: 5, who: 'Bob', n: 'many', score: 60, o: { a: 9 } }
]

const group = (accumulator, _id = '$who') => [{ $group: { _id, v: accumulator } }, { $sort: { _id: 1 } }]
const gives = (ada, bob) => [{ _id: 'Ada', v: ada }, { _id: 'Bob', v: bob }]

test('numbers of a group', async (t) => {
  await runs(t, SALES, [
    [group({ $sum: '$n' }), gives(20, 0)],
    [group({ $sum: 1 }), gives(3, 2)],
    [group({ $sum: { $multiply: ['$score', 2] } }), gives(378, 248)],
    [group({ $avg: '$n' }), gives(20 / 3, null)],
    [group({ $count: {} }), gives(3, 2)],
    [group({ $stdDevPop: '$score' }), gives(Math.sqrt(((62 - 63) ** 2 + (60 - 63) ** 2 + (67 - 63) ** 2) / 3), 2)],
    [group({ $stdDevSamp: '$n' }), gives(Math.sqrt(25 / 3), null)],
    [group({ $median: { input: '$score', method: 'approximate' } }, null), [{ _id: null, v: 62 }]],
    [group({ $percentile: { input: '$score', p: [0.5, 0.75, 0.95], method: 'approximate' } }, null), [{ _id: null, v: [62, 64, 67] }]],
    [group({ $median: { input: '$none', method: 'approximate' } }), gives(null, null)],
    [group({ $percentile: { input: '$none', p: [0.1], method: 'approximate' } }), gives([null], [null])],
    [group({ $count: 1 }), badQuery(/object/)],
    [group({ $median: { input: '$n' } }), badQuery(/'approximate'/)],
    [group({ $percentile: { input: '$n', p: [], method: 'approximate' } }), badQuery(/as p/)],
    [group({ $sum: ['$n', 1] }), badQuery(/one expression/)]
  ])
})

test('least, greatest, first and last of a group', async (t) => {
  await runs(t, SALES, [
    [group({ $min: '$n' }), gives(5, 'many')],
    [group({ $max: '$n' }), gives(10, 'many')],
    [group({ $max: '$none' }), gives(null, null)],
    [group({ $first: '$n' }), gives(5, null)],
    [group({ $last: '$score' }), gives(67, 60)],
    [group({ $firstN: { input: '$n', n: 2 } }), gives([5, 10], [null, 'many'])],
    [group({ $lastN: { input: '$score', n: 2 } }), gives([60, 67], [64, 60])],
    [group({ $minN: { input: '$n', n: 2 } }), gives([5, 5], ['many'])],
    [group({ $maxN: { input: '$score', n: 2 } }), gives([67, 62], [64, 60])],
    [group({ $top: { sortBy: { score: -1 }, output: '$_id' } }), gives(3, 4)],
    [group({ $topN: { sortBy: { score: -1 }, output: ['$_id', '$score'], n: 2 } }), gives([[3, 67], [1, 62]], [[4, 64], [5, 60]])],
    [group({ $bottom: { sortBy: { score: -1 }, output: '$_id' } }), gives(2, 5)],
    [group({ $bottomN: { sortBy: { score: -1 }, output: '$_id', n: 2 } }), gives([1, 2], [4, 5])],
    [group({ $topN: { sortBy: { score: -1 }, output: '$_id' } }), badQuery(/needs n/)],
    [group({ $firstN: { input: '$n', n: 0 } }), badQuery(/at least 1/)],
    [group({ $top: { output: '$_id' } }), badQuery(/needs sortBy and output/)]
  ])
})

test('lists and objects of a group', async (t) => {
  await runs(t, SALES, [
    [group({ $push: '$n' }), gives([5, 10, 5], ['many'])],
    [group({ $push: { id: '$_id', n: '$n' } }, null), [{ _id: null, v: [{ id: 1, n: 5 }, { id: 2, n: 10 }, { id: 3, n: 5 }, { id: 4 }, { id: 5, n: 'many' }] }]],
    [group({ $addToSet: '$n' }), gives([5, 10], ['many'])],
    [group({ $addToSet: '$tags' }), gives([['x'], ['y']], [])],
    [group({ $mergeObjects: '$o' }), gives({ a: 1, b: 2 }, { a: 9 })],
    [group({ $mergeObjects: '$who' }), badQuery(/needs objects/)],
    [group({ $accumulator: {} }), notSupported(/no code is evaluated/)],
    [group({ $concatArrays: '$tags' }), notSupported(/\$push the arrays/)],
    [group({ $setUnion: '$tags' }), notSupported(/\$push the arrays/)],
    [group({ $nope: 1 }), badQuery(/unknown accumulator/)],
    [group('$n'), badQuery(/needs an accumulator/)],
    [[{ $group: { _id: null, 'a.b': { $sum: 1 } } }], badQuery(/cannot name a field/)]
  ])
})

test('keys of a group are values, missing counts as null', async (t) => {
  await runs(t, [{ _id: 1, k: 1 }, { _id: 2, k: 1n }, { _id: 3 }, { _id: 4, k: null }, { _id: 5, k: [1] }], [
    [[{ $group: { _id: '$k', ids: { $push: '$_id' } } }], [{ _id: 1, ids: [1, 2] }, { _id: null, ids: [3, 4] }, { _id: [1], ids: [5] }]],
    [[{ $group: { _id: { k: '$k', c: 1 }, n: { $sum: 1 } } }, { $limit: 2 }], [{ _id: { k: 1, c: 1 }, n: 2 }, { _id: { c: 1 }, n: 1 }]],
    [[{ $group: { _id: null } }], [{ _id: null }]],
    [[{ $group: { n: { $sum: 1 } } }], badQuery(/needs _id/)]
  ])
})

// Expression operators: the ordinary case, edge cases, and what each refuses.

/* oxlint-disable unicorn/no-thenable -- branches of $cond and $switch are no Promises */

import test from 'ava'

import { ObjectId } from '../index.mjs'
import { MISSING, badQuery, evaluates, notSupported } from './support/operators.mjs'

const iso = (text) => new Date(text)
const near = (value, wanted) => ({ $lt: [{ $abs: { $subtract: [value, wanted] } }, 1e-12] })

test('arithmetic', async (t) => {
  const document = { i: 7, d: 2.5, n: -7, big: 5n, text: 'x', nothing: null, at: new Date(1000) }
  await evaluates(t, document, [
    [{ $abs: '$n' }, 7],
    [{ $abs: -5n }, 5n],
    [{ $abs: '$nothing' }, null],
    [{ $abs: '$missing' }, null],
    [{ $abs: '$text' }, badQuery(/\$abs needs a number/)],
    [{ $add: ['$i', '$d', 1] }, 10.5],
    [{ $add: ['$i', '$big'] }, 12n],
    [{ $add: ['$at', 500] }, new Date(1500)],
    [{ $add: ['$at', '$at'] }, badQuery(/one date/)],
    [{ $add: ['$i', '$nothing'] }, null],
    [{ $add: [] }, 0],
    [{ $add: [1, 'x'] }, badQuery(/needs a number/)],
    [{ $ceil: 2.1 }, 3],
    [{ $ceil: -2.1 }, -2],
    [{ $divide: ['$i', 2] }, 3.5],
    [{ $divide: [6, 3] }, 2],
    [{ $divide: [1, 0] }, badQuery(/divide by 0/)],
    [{ $exp: 0 }, 1],
    [{ $floor: -2.1 }, -3],
    [{ $floor: '$big' }, 5n],
    [{ $ln: 1 }, 0],
    [{ $ln: 0 }, badQuery(/above 0/)],
    [{ $log: [100, 10] }, 2],
    [{ $log: [8, 2] }, 3],
    [{ $log: [8, 1] }, badQuery(/base other than 1/)],
    [{ $log10: 1000 }, 3],
    [{ $mod: ['$i', 4] }, 3],
    [{ $mod: ['$n', 4] }, -3],
    [{ $mod: [7.5, 2] }, 1.5],
    [{ $mod: [1, 0] }, badQuery(/divide by 0/)],
    [{ $multiply: ['$i', '$d'] }, 17.5],
    [{ $multiply: ['$i', '$big'] }, 35n],
    [{ $multiply: ['$i', null] }, null],
    [{ $pow: [2, 10] }, 1024],
    [{ $pow: [2, -1] }, 0.5],
    [{ $pow: [0, -1] }, badQuery(/negative power/)],
    [{ $round: [2.5] }, 2],
    [{ $round: [3.5] }, 4],
    [{ $round: [1.2345, 2] }, 1.23],
    [{ $round: [1234.5, -2] }, 1200],
    [{ $round: ['$nothing', 1] }, null],
    [{ $round: [1, 101] }, badQuery(/place/)],
    [{ $sigmoid: 0 }, 0.5],
    [{ $sigmoid: '$nothing' }, null],
    [{ $sqrt: 25 }, 5],
    [{ $sqrt: -1 }, badQuery(/not negative/)],
    [{ $subtract: ['$i', '$d'] }, 4.5],
    [{ $subtract: ['$at', 500] }, new Date(500)],
    [{ $subtract: ['$at', new Date(400)] }, 600],
    [{ $subtract: [1, '$at'] }, badQuery(/needs a number/)],
    [{ $trunc: -2.7 }, -2],
    [{ $trunc: [1.2389, 2] }, 1.23],
    [{ $trunc: [1289, -2] }, 1200],
    [{ $lt: [{ $rand: {} }, 1] }, true],
    [{ $gte: [{ $rand: {} }, 0] }, true]
  ])
})

test('trigonometry', async (t) => {
  const rows = [
    [{ $sin: Math.PI / 2 }, 1],
    [{ $cos: Math.PI }, -1],
    [{ $tan: Math.PI / 4 }, 1],
    [{ $asin: 1 }, Math.PI / 2],
    [{ $acos: -1 }, Math.PI],
    [{ $atan: 1 }, Math.PI / 4],
    [{ $atan2: [1, -1] }, (3 * Math.PI) / 4],
    [{ $sinh: 1 }, Math.sinh(1)],
    [{ $cosh: 1 }, Math.cosh(1)],
    [{ $tanh: 1 }, Math.tanh(1)],
    [{ $asinh: 1 }, Math.asinh(1)],
    [{ $acosh: 2 }, Math.acosh(2)],
    [{ $atanh: 0.5 }, Math.atanh(0.5)],
    [{ $degreesToRadians: 180 }, Math.PI],
    [{ $radiansToDegrees: Math.PI }, 180]
  ]
  await evaluates(t, {}, rows.map(([expression, value]) => [near(expression, value), true]))
  await evaluates(t, { nothing: null, far: Infinity }, [
    [{ $sin: '$nothing' }, null],
    [{ $cos: '$missing' }, null],
    [{ $tan: '$far' }, badQuery(/finite/)],
    [{ $sin: 'x' }, badQuery(/needs a number/)],
    [{ $asin: 2 }, badQuery(/from -1 to 1/)],
    [{ $acosh: 0 }, badQuery(/from 1/)],
    [{ $atan2: [1, null] }, null],
    [{ $atanh: 1 }, Infinity],
    [{ $cos: 0 }, 1]
  ])
})

test('bits', async (t) => {
  await evaluates(t, { a: 12, b: 10, big: 12n, nothing: null, d: 1.5 }, [
    [{ $bitAnd: ['$a', '$b'] }, 8],
    [{ $bitOr: ['$a', '$b', 1] }, 15],
    [{ $bitXor: ['$a', '$b'] }, 6],
    [{ $bitXor: ['$big', '$b'] }, 6n],
    [{ $bitNot: '$a' }, -13],
    [{ $bitNot: '$big' }, -13n],
    [{ $bitAnd: [] }, -1],
    [{ $bitOr: [] }, 0],
    [{ $bitXor: [] }, 0],
    [{ $bitAnd: ['$a', '$nothing'] }, null],
    [{ $bitNot: '$missing' }, null],
    [{ $bitOr: ['$a', '$d'] }, badQuery(/int32 numbers or BigInts/)]
  ])
})

test('booleans and comparison', async (t) => {
  await evaluates(t, { a: 1, b: 2, s: 'x', zero: 0, nothing: null, list: [] }, [
    [{ $and: ['$a', '$b'] }, true],
    [{ $and: ['$a', '$zero'] }, false],
    [{ $and: [] }, true],
    [{ $or: ['$zero', '$nothing', '$missing', false] }, false],
    [{ $or: ['$zero', '$list'] }, true],
    [{ $or: [] }, false],
    [{ $not: ['$zero'] }, true],
    [{ $not: ['$s'] }, false],
    [{ $not: [[false]] }, false],
    [{ $cmp: ['$a', '$b'] }, -1],
    [{ $cmp: ['$b', '$b'] }, 0],
    [{ $cmp: ['$s', '$b'] }, 1],
    [{ $eq: ['$a', 1n] }, true],
    [{ $eq: ['$missing', null] }, false],
    [{ $ne: ['$a', '$b'] }, true],
    [{ $gt: ['$s', '$b'] }, true],
    [{ $gte: ['$a', '$a'] }, true],
    [{ $lt: ['$missing', '$nothing'] }, true],
    [{ $lte: ['$b', '$a'] }, false],
    [{ $eq: ['$a'] }, badQuery(/2 arguments/)]
  ])
})

test('conditions and variables', async (t) => {
  await evaluates(t, { qty: 300, nothing: null, a: { b: 1 } }, [
    [{ $cond: { if: { $gte: ['$qty', 250] }, then: 30, else: 20 } }, 30],
    [{ $cond: [{ $lt: ['$qty', 250] }, 30, 20] }, 20],
    [{ $cond: [true, 1] }, badQuery(/3 arguments/)],
    [{ $cond: { if: 1, then: 1 } }, badQuery(/needs 'else'/)],
    [{ $ifNull: ['$nothing', '$missing', 'other'] }, 'other'],
    [{ $ifNull: ['$qty', 'other'] }, 300],
    [{ $ifNull: ['$nothing', '$missing'] }, MISSING],
    [{ $ifNull: ['$qty'] }, badQuery(/at least 2/)],
    [{ $switch: { branches: [{ case: { $eq: [1, 2] }, then: 'a' }, { case: '$qty', then: 'b' }], default: 'c' } }, 'b'],
    [{ $switch: { branches: [{ case: false, then: 'a' }], default: 'c' } }, 'c'],
    [{ $switch: { branches: [{ case: false, then: 'a' }] } }, badQuery(/no default/)],
    [{ $switch: { branches: [] } }, badQuery(/at least one branch/)],
    [{ $let: { vars: { low: 1, high: '$qty' }, in: { $subtract: ['$$high', '$$low'] } } }, 299],
    [{ $let: { vars: { x: '$a' }, in: '$$x.b' } }, 1],
    [{ $let: { vars: { X: 1 }, in: 1 } }, badQuery(/no name for a variable/)],
    ['$$nope', badQuery(/no variable \$\$nope/)],
    [{ $literal: '$qty' }, '$qty'],
    [{ $literal: { $add: [1, 2] } }, { $add: [1, 2] }],
    ['$$REMOVE', MISSING],
    ['$$ROOT.a.b', 1],
    ['$$CURRENT.qty', 300],
    [{ $type: '$$NOW' }, 'date']
  ])
})

test('arrays', async (t) => {
  const document = { list: [3, 1, 2], words: ['a', 'b'], empty: [], nothing: null, pairs: [['a', 1], ['b', 2]], objects: [{ n: 2, s: 'x' }, { n: 1, s: 'y' }, { n: 2, s: 'a' }] }
  await evaluates(t, document, [
    [{ $arrayElemAt: ['$list', 0] }, 3],
    [{ $arrayElemAt: ['$list', -1] }, 2],
    [{ $arrayElemAt: ['$list', 9] }, MISSING],
    [{ $arrayElemAt: ['$nothing', 0] }, null],
    [{ $arrayElemAt: ['$list', 1.5] }, badQuery(/whole number/)],
    [{ $arrayElemAt: ['x', 0] }, badQuery(/needs an array/)],
    [{ $arrayToObject: '$pairs' }, { a: 1, b: 2 }],
    [{ $arrayToObject: [[{ k: 'x', v: 1 }, { k: 'x', v: 2 }]] }, { x: 2 }],
    [{ $arrayToObject: [[1]] }, badQuery(/pairs/)],
    [{ $arrayToObject: [[['a', 1], { k: 'b', v: 2 }]] }, badQuery(/not both/)],
    [{ $concatArrays: ['$list', '$words'] }, [3, 1, 2, 'a', 'b']],
    [{ $concatArrays: ['$list', '$missing'] }, null],
    [{ $concatArrays: ['$list', 1] }, badQuery(/needs an array/)],
    [{ $filter: { input: '$list', cond: { $gt: ['$$this', 1] } } }, [3, 2]],
    [{ $filter: { input: '$list', as: 'x', cond: { $gt: ['$$x', 0] }, limit: 2 } }, [3, 1]],
    [{ $filter: { input: '$nothing', cond: true } }, null],
    [{ $filter: { input: '$list', cond: true, limit: 0 } }, badQuery(/above 0/)],
    [{ $first: '$list' }, 3],
    [{ $first: '$empty' }, MISSING],
    [{ $first: '$nothing' }, null],
    [{ $last: '$list' }, 2],
    [{ $firstN: { input: '$list', n: 2 } }, [3, 1]],
    [{ $lastN: { input: '$list', n: 2 } }, [1, 2]],
    [{ $firstN: { input: '$list', n: 0 } }, badQuery(/above 0/)],
    [{ $maxN: { input: '$list', n: 2 } }, [3, 2]],
    [{ $minN: { input: [5, null, 4], n: 2 } }, [4, 5]],
    [{ $in: [1, '$list'] }, true],
    [{ $in: ['x', '$list'] }, false],
    [{ $in: [1, '$nothing'] }, badQuery(/needs an array/)],
    [{ $indexOfArray: ['$list', 2] }, 2],
    [{ $indexOfArray: ['$list', 3, 1] }, -1],
    [{ $indexOfArray: ['$list', 1, 0, 1] }, -1],
    [{ $indexOfArray: ['$nothing', 1] }, null],
    [{ $isArray: '$list' }, true],
    [{ $isArray: ['$words.0'] }, true],
    [{ $isArray: 'x' }, false],
    [{ $map: { input: '$list', as: 'x', in: { $multiply: ['$$x', 2] } } }, [6, 2, 4]],
    [{ $map: { input: '$list', in: '$$this' } }, [3, 1, 2]],
    [{ $map: { input: '$nothing', in: 1 } }, null],
    [{ $map: { input: 1, in: 1 } }, badQuery(/needs an array/)],
    [{ $objectToArray: { a: 1, b: 2 } }, [{ k: 'a', v: 1 }, { k: 'b', v: 2 }]],
    [{ $range: [0, 10, 4] }, [0, 4, 8]],
    [{ $range: [3, 0, -1] }, [3, 2, 1]],
    [{ $range: [0, 0] }, []],
    [{ $range: [0, 5, 0] }, badQuery(/step other than 0/)],
    [{ $reduce: { input: '$list', initialValue: 0, in: { $add: ['$$value', '$$this'] } } }, 6],
    [{ $reduce: { input: '$missing', initialValue: 0, in: 1 } }, null],
    [{ $reverseArray: '$list' }, [2, 1, 3]],
    [{ $size: '$list' }, 3],
    [{ $size: '$nothing' }, badQuery(/needs an array/)],
    [{ $slice: ['$list', 2] }, [3, 1]],
    [{ $slice: ['$list', -2] }, [1, 2]],
    [{ $slice: ['$list', 1, 1] }, [1]],
    [{ $slice: ['$list', -9, 2] }, [3, 1]],
    [{ $slice: ['$list', 1, 0] }, badQuery(/count above 0/)],
    [{ $sortArray: { input: '$list', sortBy: 1 } }, [1, 2, 3]],
    [{ $sortArray: { input: '$objects', sortBy: { n: 1, s: -1 } } }, [{ n: 1, s: 'y' }, { n: 2, s: 'x' }, { n: 2, s: 'a' }]],
    [{ $sortArray: { input: '$nothing', sortBy: 1 } }, null],
    [{ $zip: { inputs: ['$list', '$words'] } }, [[3, 'a'], [1, 'b']]],
    [{ $zip: { inputs: ['$list', '$words'], useLongestLength: true, defaults: [0, '-'] } }, [[3, 'a'], [1, 'b'], [2, '-']]],
    [{ $zip: { inputs: ['$list', '$words'], useLongestLength: true } }, [[3, 'a'], [1, 'b'], [2, null]]],
    [{ $zip: { inputs: ['$nothing'] } }, null],
    [{ $zip: { inputs: ['$list'], defaults: [1] } }, badQuery(/useLongestLength/)]
  ])
})

test('accumulators over arrays', async (t) => {
  await evaluates(t, { list: [1, 2, 3, 4, 'x', null], n: 5, empty: [] }, [
    [{ $sum: '$list' }, 10],
    [{ $sum: ['$list', '$n'] }, 5],
    [{ $sum: '$missing' }, 0],
    [{ $avg: '$list' }, 2.5],
    [{ $avg: ['$n', 7] }, 6],
    [{ $avg: '$empty' }, null],
    [{ $max: '$list' }, 'x'],
    [{ $min: '$list' }, 1],
    [{ $min: ['$missing', '$n'] }, 5],
    [{ $max: '$empty' }, null],
    [{ $stdDevPop: [[2, 4, 4, 4, 5, 5, 7, 9]] }, 2],
    [{ $stdDevSamp: [[1, 3]] }, Math.SQRT2],
    [{ $stdDevSamp: [[1]] }, null],
    [{ $median: { input: '$list', method: 'approximate' } }, 2],
    [{ $median: { input: [3, 1, 2], method: 'approximate' } }, 2],
    [{ $median: { input: '$empty', method: 'approximate' } }, null],
    [{ $percentile: { input: [62, 60, 67, 64, 60], p: [0, 0.5, 0.75, 0.95, 1], method: 'approximate' } }, [60, 62, 64, 67, 67]],
    [{ $percentile: { input: '$empty', p: [0.5], method: 'approximate' } }, [null]],
    [{ $percentile: { input: '$list', p: [2], method: 'approximate' } }, badQuery(/from 0 to 1/)],
    [{ $median: { input: '$list', method: 'exact' } }, badQuery(/'approximate'/)]
  ])
})

test('sets', async (t) => {
  await evaluates(t, { a: [1, 2, 2, 3], b: [3, 1n], nothing: null }, [
    [{ $allElementsTrue: [[true, 1, 'x']] }, true],
    [{ $allElementsTrue: [[true, 0]] }, false],
    [{ $allElementsTrue: [[]] }, true],
    [{ $anyElementTrue: [[0, null, 'x']] }, true],
    [{ $anyElementTrue: [[]] }, false],
    [{ $setDifference: ['$a', '$b'] }, [2]],
    [{ $setEquals: [[1, 2], [2, 1, 1], [1, 2]] }, true],
    [{ $setEquals: ['$a', '$b'] }, false],
    [{ $setIntersection: ['$a', '$b'] }, [1, 3]],
    [{ $setIntersection: ['$a', '$nothing'] }, null],
    [{ $setIsSubset: ['$b', '$a'] }, true],
    [{ $setIsSubset: ['$a', '$b'] }, false],
    [{ $setUnion: ['$a', [5]] }, [1, 2, 3, 5]],
    [{ $setUnion: ['$a', 5] }, badQuery(/needs an array/)],
    [{ $setEquals: ['$a', '$nothing'] }, badQuery(/needs an array/)]
  ])
})

test('objects', async (t) => {
  await evaluates(t, { o: { a: 1, b: { c: 2 } }, odd: { 'a.b': 1, $c: 2 }, list: [{ x: 1 }, { x: 2 }], nothing: null }, [
    [{ $getField: { field: 'a.b', input: '$odd' } }, 1],
    [{ $getField: { field: { $literal: '$c' }, input: '$odd' } }, 2],
    [{ $getField: 'o' }, { a: 1, b: { c: 2 } }],
    [{ $getField: { field: 'x', input: '$o' } }, MISSING],
    [{ $getField: { field: 'x', input: '$nothing' } }, null],
    [{ $getField: { field: 1, input: '$o' } }, badQuery(/string as field/)],
    [{ $mergeObjects: ['$o', { a: 5, d: 6 }, '$nothing'] }, { a: 5, b: { c: 2 }, d: 6 }],
    [{ $mergeObjects: '$list' }, { x: 2 }],
    [{ $mergeObjects: [1] }, badQuery(/needs objects/)],
    [{ $setField: { field: 'a.b', input: '$odd', value: 9 } }, { 'a.b': 9, $c: 2 }],
    [{ $setField: { field: 'n', input: '$o', value: '$list' } }, { a: 1, b: { c: 2 }, n: [{ x: 1 }, { x: 2 }] }],
    [{ $setField: { field: 'a', input: '$o', value: '$$REMOVE' } }, { b: { c: 2 } }],
    [{ $setField: { field: 'a', input: '$nothing', value: 1 } }, null],
    [{ $unsetField: { field: 'a', input: '$o' } }, { b: { c: 2 } }],
    ['$list.x', [1, 2]],
    ['$o.b.c', 2],
    [{ a: '$o.a', b: { c: '$o.b.c' }, d: '$missing' }, { a: 1, b: { c: 2 } }],
    [['$o.a', '$missing'], [1, null]]
  ])
})

test('strings', async (t) => {
  const document = { s: 'Hello', u: 'caf\u00e9 \u{1f600}', p: '  x ', nothing: null, n: 5, at: new Date(0) }
  await evaluates(t, document, [
    [{ $concat: ['$s', ' ', 'World'] }, 'Hello World'],
    [{ $concat: ['$s', '$nothing'] }, null],
    [{ $concat: ['$s', 1] }, badQuery(/needs a string/)],
    [{ $indexOfBytes: ['$u', '\u{1f600}'] }, 6],
    [{ $indexOfCP: ['$u', '\u{1f600}'] }, 5],
    [{ $indexOfCP: ['$s', 'l', 3] }, 3],
    [{ $indexOfCP: ['$s', 'l', 0, 2] }, -1],
    [{ $indexOfBytes: ['$nothing', 'x'] }, null],
    [{ $indexOfBytes: ['$s', '$nothing'] }, badQuery(/needs a string/)],
    [{ $ltrim: { input: '$p' } }, 'x '],
    [{ $rtrim: { input: '$p' } }, '  x'],
    [{ $trim: { input: '$p' } }, 'x'],
    [{ $trim: { input: '$s', chars: 'Ho' } }, 'ell'],
    [{ $trim: { input: '$nothing' } }, null],
    [{ $replaceOne: { input: '$s', find: 'l', replacement: 'L' } }, 'HeLlo'],
    [{ $replaceAll: { input: '$s', find: 'l', replacement: 'L' } }, 'HeLLo'],
    [{ $replaceAll: { input: '$nothing', find: 'l', replacement: 'L' } }, null],
    [{ $replaceOne: { input: '$s', find: 1, replacement: 'L' } }, badQuery(/needs a string/)],
    [{ $split: ['a-b--c', '-'] }, ['a', 'b', '', 'c']],
    [{ $split: ['$nothing', '-'] }, null],
    [{ $split: ['$s', ''] }, badQuery(/not empty/)],
    [{ $strLenBytes: '$u' }, 10],
    [{ $strLenCP: '$u' }, 6],
    [{ $strLenCP: '$nothing' }, badQuery(/needs a string/)],
    [{ $strcasecmp: ['$s', 'hello'] }, 0],
    [{ $strcasecmp: ['a', 'B'] }, -1],
    [{ $strcasecmp: ['b', '$nothing'] }, 1],
    [{ $substr: ['$s', 1, 2] }, 'el'],
    [{ $substrBytes: ['$u', 0, 3] }, 'caf'],
    [{ $substrBytes: ['$u', 4, 1] }, badQuery(/in the middle/)],
    [{ $substrBytes: ['$s', 2, -1] }, 'llo'],
    [{ $substrCP: ['$u', 3, 3] }, '\u00e9 \u{1f600}'],
    [{ $substrCP: ['$nothing', 0, 3] }, ''],
    [{ $toLower: '$s' }, 'hello'],
    [{ $toUpper: '$s' }, 'HELLO'],
    [{ $toUpper: '$nothing' }, ''],
    [{ $toLower: '$at' }, '1970-01-01t00:00:00.000z']
  ])
})

test('regular expressions with what they found', async (t) => {
  const document = { text: 'caf\u00e9 2024-05 and 2025-06', mail: 'Ada@x.org', nothing: null, n: 5, pattern: '^a', list: ['a'] }
  await evaluates(t, document, [
    [{ $regexMatch: { input: '$mail', regex: /^ada/i } }, true],
    [{ $regexMatch: { input: '$mail', regex: '^ada' } }, false],
    [{ $regexMatch: { input: '$mail', regex: '^ada', options: 'i' } }, true],
    [{ $regexMatch: { input: '$mail', regex: /^ada/, options: 'i' } }, true],
    [{ $regexMatch: { input: '$mail', regex: '$pattern', options: { $concat: ['i'] } } }, true],
    [{ $regexMatch: { input: '$nothing', regex: /a/ } }, false],
    [{ $regexMatch: { input: '$mail', regex: '$nothing' } }, false],
    [{ $regexMatch: { input: '$n', regex: /a/ } }, badQuery(/needs a string as input/)],
    [{ $regexMatch: { input: '$mail', regex: '$n' } }, badQuery(/needs a regular expression or a string/)],
    [{ $regexMatch: { input: '$mail', regex: /a/i, options: 'i' } }, badQuery(/give them once/)],
    [{ $regexMatch: { input: '$mail', regex: '(?=a)' } }, badQuery(/look-around/)],
    [{ $regexMatch: { input: '$mail' } }, badQuery(/needs 'input' and 'regex'/)],
    [{ $regexFind: { input: '$text', regex: /(\d{4})-(\d\d)/ } }, { match: '2024-05', idx: 5, captures: ['2024', '05'] }],
    [{ $regexFind: { input: '$text', regex: /(?<year>\d{4})|(x)/ } }, { match: '2024', idx: 5, captures: ['2024', null] }],
    [{ $regexFind: { input: '$text', regex: /zz/ } }, null],
    [{ $regexFind: { input: '$missing', regex: /zz/ } }, null],
    [{ $regexFindAll: { input: '$text', regex: /(\d{4})-\d\d/ } }, [{ match: '2024-05', idx: 5, captures: ['2024'] }, { match: '2025-06', idx: 17, captures: ['2025'] }]],
    [{ $regexFindAll: { input: '$text', regex: 'zz' } }, []],
    [{ $regexFindAll: { input: '$nothing', regex: /a/ } }, []],
    [{ $regexFindAll: { input: 'b\u00e9b', regex: /\u00e9*/ } }, [{ match: '', idx: 0, captures: [] }, { match: '\u00e9', idx: 1, captures: [] }, { match: '', idx: 2, captures: [] }]],
    [{ $map: { input: { $regexFindAll: { input: '$text', regex: /\d+/ } }, in: '$$this.match' } }, ['2024', '05', '2025', '06']]
  ])
})

test('dates', async (t) => {
  const at = new Date('2017-01-01T13:14:15.160Z')
  await evaluates(t, { at, id: new ObjectId('507c7f79bcf86cd7994f6c0e'), nothing: null, s: 'x' }, [
    [{ $year: '$at' }, 2017],
    [{ $month: '$at' }, 1],
    [{ $dayOfMonth: '$at' }, 1],
    [{ $dayOfWeek: '$at' }, 1],
    [{ $dayOfYear: '$at' }, 1],
    [{ $hour: '$at' }, 13],
    [{ $minute: '$at' }, 14],
    [{ $second: '$at' }, 15],
    [{ $millisecond: '$at' }, 160],
    [{ $week: '$at' }, 1],
    [{ $isoWeek: '$at' }, 52],
    [{ $isoWeekYear: '$at' }, 2016],
    [{ $isoDayOfWeek: '$at' }, 7],
    [{ $hour: { date: '$at', timezone: '-05:00' } }, 8],
    [{ $hour: { date: '$at', timezone: 'Europe/Vienna' } }, 14],
    [{ $hour: { date: '$at', timezone: 'Europe/Wien' } }, badQuery(/time zone 'Europe\/Wien'/)],
    [{ $year: '$id' }, 2012],
    [{ $year: '$nothing' }, null],
    [{ $year: '$s' }, badQuery(/needs a date/)],
    [{ $dateAdd: { startDate: '$at', unit: 'month', amount: 1 } }, iso('2017-02-01T13:14:15.160Z')],
    [{ $dateAdd: { startDate: iso('2020-01-31T00:00:00Z'), unit: 'month', amount: 1 } }, iso('2020-02-29T00:00:00Z')],
    [{ $dateAdd: { startDate: '$at', unit: 'eon', amount: 1 } }, badQuery(/unit 'eon'/)],
    [{ $dateSubtract: { startDate: '$at', unit: 'day', amount: 1 } }, iso('2016-12-31T13:14:15.160Z')],
    [{ $dateDiff: { startDate: iso('2020-12-31T23:59:00Z'), endDate: iso('2021-01-01T00:01:00Z'), unit: 'year' } }, 1],
    [{ $dateDiff: { startDate: '$at', endDate: iso('2017-01-08T00:00:00Z'), unit: 'week' } }, 1],
    [{ $dateDiff: { startDate: '$at', endDate: '$nothing', unit: 'day' } }, null],
    [{ $dateFromParts: { year: 2017, month: 2, day: 8, hour: 12 } }, iso('2017-02-08T12:00:00Z')],
    [{ $dateFromParts: { year: 2016, month: 14, day: 1 } }, iso('2017-02-01T00:00:00Z')],
    [{ $dateFromParts: { isoWeekYear: 2017, isoWeek: 6, isoDayOfWeek: 3 } }, iso('2017-02-08T00:00:00Z')],
    [{ $dateFromParts: { month: 2 } }, badQuery(/the year at least/)],
    [{ $dateToParts: { date: '$at' } }, { year: 2017, month: 1, day: 1, hour: 13, minute: 14, second: 15, millisecond: 160 }],
    [{ $dateToParts: { date: '$at', iso8601: true } }, { isoWeekYear: 2016, isoWeek: 52, isoDayOfWeek: 7, hour: 13, minute: 14, second: 15, millisecond: 160 }],
    [{ $dateFromString: { dateString: '2017-02-08T12:10:40.787Z' } }, iso('2017-02-08T12:10:40.787Z')],
    [{ $dateFromString: { dateString: '06-15-2018', format: '%m-%d-%Y' } }, iso('2018-06-15T00:00:00Z')],
    [{ $dateFromString: { dateString: 'nonsense', onError: 'bad' } }, 'bad'],
    [{ $dateFromString: { dateString: '$nothing', onNull: 'none' } }, 'none'],
    [{ $dateFromString: { dateString: 'nonsense' } }, badQuery(/cannot read/)],
    [{ $dateToString: { date: '$at', format: '%Y-%m-%d' } }, '2017-01-01'],
    [{ $dateToString: { date: '$at', format: '%G-W%V-%u %H:%M:%S.%L %z %j', timezone: '+02:00' } }, '2016-W52-7 15:14:15.160 +0200 001'],
    [{ $dateToString: { date: '$at' } }, '2017-01-01T13:14:15.160Z'],
    [{ $dateToString: { date: '$nothing', onNull: '-' } }, '-'],
    [{ $dateTrunc: { date: '$at', unit: 'hour' } }, iso('2017-01-01T13:00:00Z')],
    [{ $dateTrunc: { date: '$at', unit: 'week', startOfWeek: 'monday' } }, iso('2016-12-26T00:00:00Z')],
    [{ $dateTrunc: { date: '$at', unit: 'month', binSize: 2 } }, iso('2017-01-01T00:00:00Z')],
    [{ $toDate: '2018-03-20' }, iso('2018-03-20T00:00:00Z')]
  ])
})

test('types and sizes', async (t) => {
  const id = new ObjectId('507c7f79bcf86cd7994f6c0e')
  await evaluates(t, { i: 5, d: 5.5, b: 5n, s: '12', id, bytes: Buffer.from('abc'), nothing: null, flag: true, at: new Date(1), o: { a: 1 } }, [
    [{ $type: '$i' }, 'int'],
    [{ $type: '$d' }, 'double'],
    [{ $type: '$b' }, 'long'],
    [{ $type: '$missing' }, 'missing'],
    [{ $type: '$bytes' }, 'binData'],
    [{ $isNumber: '$b' }, true],
    [{ $isNumber: '$s' }, false],
    [{ $toInt: '$s' }, 12],
    [{ $toInt: 5.9 }, 5],
    [{ $toInt: '1.5' }, badQuery(/cannot convert/)],
    [{ $toInt: 3000000000 }, badQuery(/cannot convert/)],
    [{ $toInt: '$at' }, badQuery(/cannot convert/)],
    [{ $toLong: '$s' }, 12n],
    [{ $toLong: '$at' }, 1n],
    [{ $toDouble: '-5.5' }, -5.5],
    [{ $toDouble: '$flag' }, 1],
    [{ $toBool: 'false' }, true],
    [{ $toBool: 0 }, false],
    [{ $toString: '$d' }, '5.5'],
    [{ $toString: '$id' }, '507c7f79bcf86cd7994f6c0e'],
    [{ $toString: '$nothing' }, null],
    [{ $toObjectId: '507c7f79bcf86cd7994f6c0e' }, id],
    [{ $toObjectId: 'x' }, badQuery(/cannot convert/)],
    [{ $toDate: 1000 }, new Date(1000)],
    [{ $convert: { input: '$s', to: 'int' } }, 12],
    [{ $convert: { input: 'x', to: 16, onError: 'no' } }, 'no'],
    [{ $convert: { input: '$nothing', to: 'int', onNull: 'none' } }, 'none'],
    [{ $convert: { input: 1, to: 'decimal' } }, notSupported(/decimal/)],
    [{ $convert: { input: 1, to: 'what' } }, badQuery(/type 'what'/)],
    [{ $binarySize: 'caf\u00e9' }, 5],
    [{ $binarySize: '$bytes' }, 3],
    [{ $binarySize: '$nothing' }, null],
    [{ $binarySize: '$i' }, badQuery(/string or binary/)],
    [{ $bsonSize: '$o' }, 12],
    [{ $bsonSize: { a: 'xy', b: [1, null], c: 1.5, d: { e: true } } }, 5 + (3 + 7) + (3 + 5 + (3 + 4) + 3) + (3 + 8) + (3 + 5 + 4)],
    [{ $bsonSize: '$missing' }, null],
    [{ $bsonSize: '$i' }, badQuery(/needs an object/)]
  ])
})

test('operators that are not there say so', async (t) => {
  const missing = ['$accumulator', '$function', '$meta', '$sampleRate', '$toDecimal', '$toHashedIndexKey', '$toUUID', '$tsIncrement', '$tsSecond']
  const windows = ['$covariancePop', '$covarianceSamp', '$denseRank', '$derivative', '$documentNumber', '$expMovingAvg', '$integral', '$linearFill', '$locf', '$rank', '$shift']
  await evaluates(t, {}, [...missing, ...windows].map((name) => [{ [name]: 1 }, notSupported(/is not supported/)]))
  await evaluates(t, {}, [[{ $nonsense: 1 }, badQuery(/unknown expression operator/)]])
})

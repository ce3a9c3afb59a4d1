// Pipelines of forms for which mingo agrees with MongoDB (known-pipelines.mjs has the others), over suitable documents:
// orders with numbers, text, dates, lists and nested objects, some of them missing.

const COLOURS = ['red', 'green', 'blue', '']

/** An order. */
export function order(random, _id) {
  const made = { _id, k: random.pick(['a', 'b', 'c']), n: random.between(-5, 9), price: random.between(0, 400) / 4 }
  if (random.chance(0.8)) made.colour = random.pick(COLOURS)
  if (random.chance(0.15)) made.colour = null
  if (random.chance(0.9)) made.at = new Date(Date.UTC(2020 + random.below(5), random.below(12), random.between(1, 28), random.below(24), random.below(60), random.below(60), random.below(1000)))
  if (random.chance(0.9)) made.tags = random.list(random.below(4), () => random.pick(['x', 'y', 'z', 'xy']))
  if (random.chance(0.8)) made.items = random.list(random.below(4), () => ({ sku: random.pick(['s1', 's2', 's3']), q: random.between(0, 9) }))
  if (random.chance(0.8)) made.home = { city: random.pick(['Paris', 'Rome', 'Oslo']), zip: random.between(100, 104) }
  return made
}

const ZIP = { $ifNull: ['$home.zip', 7] }
const CITY = { $ifNull: ['$home.city', 'Bern'] }

const number = (random) => random.pick(['$n', '$price', ZIP, { $literal: random.between(-3, 6) }, 2, 0.5])
const whole = (random) => random.pick(['$n', random.between(-3, 6)])
const text = (random) => random.pick(['$k', CITY, 'a b a', { $literal: 'Rome' }, { $toString: '$n' }])
const list = (random) => random.pick([{ $ifNull: ['$tags', []] }, ['a', 'b', 'a'], [1, '$n', 3], { $ifNull: ['$items.q', []] }])
const texts = (random) => random.pick([{ $ifNull: ['$tags', []] }, ['a', 'x', 'a'], ['z']])
const date = (random) => random.pick([{ $ifNull: ['$at', new Date(0)] }, new Date('2024-02-29T12:30:15.250Z')])
const any = (random) => random.pick([number, text, list])(random)

/** Operators by result type (number, text, list, boolean, date): each with the generator of its operands. */
const EXPRESSIONS = {
  $add: (random) => random.list(random.between(1, 3), () => inner(random, number)),
  $subtract: (random) => [inner(random, number), inner(random, number)],
  $multiply: (random) => random.list(2, () => inner(random, number)),
  $divide: (random) => [inner(random, number), random.pick([2, 4, -0.5])],
  $mod: (random) => [whole(random), random.pick([2, 3, 5])],
  $abs: (random) => inner(random, number),
  $ceil: (random) => inner(random, number),
  $floor: (random) => inner(random, number),
  $trunc: (random) => [number(random), random.below(2)],
  $cmp: (random) => [number(random), number(random)],
  $eq: (random) => [text(random), text(random)],
  $ne: (random) => [number(random), number(random)],
  $gt: (random) => [number(random), number(random)],
  $lte: (random) => [text(random), text(random)],
  $and: (random) => [{ $gt: [number(random), 0] }, { $lt: [number(random), 5] }],
  $or: (random) => [{ $gt: [number(random), 3] }, { $eq: [text(random), 'a'] }],
  $not: (random) => [{ $gt: [number(random), 0] }],
  $cond: (random) => [{ $gte: [number(random), number(random)] }, inner(random, any), inner(random, any)],
  $ifNull: (random) => ['$colour', text(random)],
  $switch: (random) => ({ branches: [{ case: { $gt: [number(random), 3] }, then: 'more' }, { case: { $eq: [text(random), 'a'] }, then: 'a' }], default: any(random) }), // oxlint-disable-line unicorn/no-thenable -- an operand, never awaited
  $concat: (random) => random.list(random.between(1, 3), () => inner(random, text)),
  $toUpper: (random) => text(random),
  $toLower: (random) => text(random),
  $strLenCP: (random) => text(random),
  $strLenBytes: (random) => text(random),
  $substrCP: (random) => [text(random), random.below(3), random.below(4)],
  $split: (random) => [text(random), random.pick(['a', ' ', 'o'])],
  $trim: (random) => ({ input: text(random), chars: random.pick(['a', 'R', ' ']) }),
  $replaceAll: (random) => ({ input: text(random), find: random.pick(['a', 'o']), replacement: '-' }),
  $strcasecmp: (random) => [text(random), text(random)],
  $size: (random) => ({ $concatArrays: [list(random)] }),
  $arrayElemAt: (random) => [list(random), random.between(-2, 2)],
  $first: (random) => ({ $concatArrays: [list(random), ['z']] }),
  $last: (random) => ({ $concatArrays: [['z'], list(random)] }),
  $concatArrays: (random) => [list(random), list(random)],
  $reverseArray: (random) => ({ $concatArrays: [list(random)] }),
  $slice: (random) => [list(random), random.pick([1, 2, -1, -2])],
  $in: (random) => [random.pick(['x', 'a', 3]), list(random)],
  $indexOfArray: (random) => [list(random), random.pick(['x', 'a', 3])],
  $isArray: (random) => ({ $concatArrays: [list(random)] }),
  $range: (random) => [0, random.between(0, 5), random.between(1, 2)],
  $filter: (random) => ({ input: list(random), as: 'each', cond: { $ne: ['$$each', random.pick(['x', 'a', 1])] } }),
  $map: (random) => ({ input: { $range: [0, 3] }, as: 'each', in: { $add: ['$$each', number(random)] } }),
  $reduce: (random) => ({ input: { $range: [1, 4] }, initialValue: number(random), in: { $add: ['$$value', '$$this'] } }),
  $zip: (random) => ({ inputs: [[1, '$n', 3], ['p', text(random)]] }),
  $sortArray: (random) => ({ input: { [random.pick(['$setUnion', '$setIntersection', '$setDifference'])]: [texts(random), texts(random)] }, sortBy: random.pick([1, -1]) }),
  $setIsSubset: (random) => [list(random), list(random)],
  $setEquals: (random) => [list(random), list(random)],
  $let: (random) => ({ vars: { v: number(random) }, in: { $multiply: ['$$v', 2] } }),
  $mergeObjects: () => [{ $ifNull: ['$home', {}] }, { extra: '$n' }],
  $objectToArray: () => ({ $ifNull: ['$home', {}] }),
  $arrayToObject: (random) => ({ $map: { input: { $ifNull: ['$items', []] }, as: 'each', in: { k: '$$each.sku', v: random.pick(['$$each.q', 1]) } } }),
  $year: date, $month: date, $dayOfMonth: date, $hour: date, $minute: date, $second: date, $millisecond: date, $dayOfWeek: date, $dayOfYear: date, $isoDayOfWeek: date, $isoWeek: date,
  $dateToString: (random) => ({ date: date(random), format: random.pick(['%Y-%m-%d', '%H:%M:%S.%L', '%j %u %V']) }),
  $dateAdd: (random) => ({ startDate: { $ifNull: ['$at', new Date(0)] }, unit: random.pick(['day', 'hour', 'month', 'year', 'week', 'quarter']), amount: random.between(-3, 14) }),
  $dateSubtract: (random) => ({ startDate: { $ifNull: ['$at', new Date(0)] }, unit: random.pick(['day', 'minute', 'week']), amount: random.between(0, 14) }),
  $dateDiff: (random) => ({ startDate: date(random), endDate: date(random), unit: random.pick(['day', 'hour', 'month', 'year']) }),
  $dateTrunc: (random) => ({ date: { $ifNull: ['$at', new Date('2024-02-29T12:30:15.250Z')] }, unit: random.pick(['day', 'hour', 'month', 'year']) }),
  $dateFromParts: (random) => ({ year: random.between(1999, 2024), month: random.between(1, 12), day: random.between(1, 28) }),
  $toString: (random) => whole(random),
  $toInt: (random) => whole(random),
  $toDouble: (random) => random.pick(['1.5', '$n']),
  $toBool: (random) => number(random),
  $type: (random) => text(random),
  $isNumber: (random) => random.pick([number, text])(random)
}

/** An operand, sometimes another expression. */
const inner = (random, plain) => (plain === number && random.chance(0.3) ? { $add: [number(random), number(random)] } : plain(random))

/** An expression by its operator. */
export function expression(random, operator = random.pick(Object.keys(EXPRESSIONS))) {
  return { [operator]: EXPRESSIONS[operator](random) }
}

const ACCUMULATORS = {
  $sum: number, $avg: number, $min: number, $max: number, $push: (random) => number(random), $addToSet: (random) => random.pick(['$k', '$n']), $first: number, $last: number,
  $count: () => ({}), $stdDevPop: () => '$n', $mergeObjects: () => ({ $ifNull: ['$home', {}] }),
  $firstN: (random) => ({ n: 2, input: number(random) }), $lastN: (random) => ({ n: 2, input: number(random) }),
  $maxN: () => ({ n: 2, input: '$n' }), $minN: () => ({ n: 2, input: '$n' }),
  $topN: () => ({ n: 2, sortBy: { price: -1, _id: 1 }, output: '$_id' }), $bottomN: () => ({ n: 2, sortBy: { price: -1, _id: 1 }, output: '$_id' })
}

function group(random) {
  const made = { _id: random.pick([null, '$k', '$home.city', { k: '$k', even: { $mod: ['$n', 2] } }]) }
  for (const [n, name] of random.some(Object.keys(ACCUMULATORS), 1, 3).entries()) made[`v${n}`] = { [name]: ACCUMULATORS[name](random) }
  return made
}

/** Stages that keep the fields of an order, so that others may follow. */
const KEEPING = {
  $match: (random) => random.pick([{ n: { $gt: random.between(-4, 4) } }, { k: { $in: ['a', 'b'] } }, { 'items.q': { $gte: 5 } }, { $expr: { $lt: ['$n', '$price'] } }, { tags: 'x' }]),
  $set: (random) => ({ made: expression(random) }),
  $addFields: (random) => ({ 'home.made': expression(random, random.pick(['$add', '$concat', '$size'])) }),
  $unset: (random) => random.pick(['colour', ['at', 'home.zip']]),
  $sort: (random) => ({ [random.pick(['n', 'price', 'k'])]: random.pick([1, -1]), _id: 1 }),
  $skip: (random) => random.below(5),
  $limit: (random) => random.between(1, 15),
  $unwind: (random) => random.pick(['$tags', '$items', { path: '$tags', includeArrayIndex: 'at_' }, { path: '$items', preserveNullAndEmptyArrays: true }]),
  $lookup: (random) => random.pick([{ from: 'cities', localField: 'home.city', foreignField: 'name', as: 'found' }, { from: 'cities', let: { z: '$n' }, pipeline: [{ $match: { $expr: { $gt: ['$size', '$$z'] } } }, { $project: { _id: 0, name: 1 } }], as: 'found' }]),
  $unionWith: () => ({ coll: 'cities', pipeline: [{ $match: { size: { $gt: 3 } } }] })
}

const ENDING = {
  $group: group,
  $project: (random) => random.pick([{ n: 1, home: 1 }, { items: 0, at: 0 }, { _id: 0, made: expression(random), k: 1 }, { 'items.q': 1 }, { 'home.zip': 0 }]),
  $count: () => 'total',
  $sortByCount: (random) => random.pick(['$k', '$home.city']),
  $replaceRoot: () => ({ newRoot: { $ifNull: ['$home', { none: true }] } }),
  $replaceWith: () => ({ $mergeObjects: [{ _id: '$_id' }, '$home'] }),
  $bucket: (random) => ({ groupBy: '$n', boundaries: [-5.5, 0.5, 3.5], default: 'rest', ...(random.chance(0.5) ? { output: { count: { $sum: 1 }, ids: { $push: '$_id' } } } : {}) }),
  $facet: (random) => ({ one: [{ $group: group(random) }], two: [{ $sort: { _id: 1 } }, { $limit: 2 }] }),
  $set: (random) => ({ made: expression(random), other: expression(random) })
}

/** A pipeline. */
export function pipeline(random) {
  const stages = random.list(random.below(3), () => random.pick(Object.keys(KEEPING))).map((name) => ({ [name]: KEEPING[name](random) }))
  const last = random.pick(Object.keys(ENDING))
  // For no documents mingo returns one document with 0.
  if (last === '$count') return [...stages.filter((stage) => '$set' in stage || '$sort' in stage || '$lookup' in stage), { $count: 'total' }]
  // mingo lists empty buckets.
  return [...stages, { [last]: ENDING[last](random) }, ...(last === '$bucket' ? [{ $match: { count: { $gt: 0 } } }] : [])]
}

/** The other collection. */
export const CITIES = ['Paris', 'Rome', 'Oslo', 'Paris'].map((name, i) => ({ _id: `c${i}`, name, size: i * 2, n: i - 1, k: 'c', price: i / 2 }))

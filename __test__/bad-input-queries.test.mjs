// Malformed or malicious filters, updates and pipelines: an error that names the path, in time; the collection keeps
// working.

import test from 'ava'

import { collection, MoltenError, rejectsType, rejectsWith } from './support/database.mjs'

const DOCUMENTS = [{ _id: 1, n: 5, text: 'x'.repeat(5000), list: [1, 2, { x: 1 }] }, { _id: 2, n: 7, list: [] }]

/** Checks that the collection is unchanged and usable. */
async function unharmed(t, things) {
  t.deepEqual(await things.find().toArray(), DOCUMENTS)
  await things.updateOne({ _id: 2 }, { $set: { alive: true } })
  await things.updateOne({ _id: 2 }, { $unset: { alive: 1 } })
}

const nested = (levels, wrap, inner) => {
  for (let i = 0; i < levels; i++) inner = wrap(inner)
  return inner
}

const FILTERS = {
  'an unknown operator': [{ n: { $foo: 1 } }, 'n.$foo'],
  'an unknown operator of the root': [{ $foo: 1 }, '$foo'],
  'a field beside operators': [{ n: { $gt: 1, x: 1 } }, 'n.x'],
  '$and of no array': [{ $and: {} }, '$and'],
  '$and of nothing': [{ $and: [] }, '$and'],
  '$or of scalars': [{ $or: [1] }, '$or.0'],
  '$nor of null': [{ $nor: [null] }, '$nor.0'],
  '$not of a value': [{ n: { $not: 5 } }, 'n.$not'],
  '$not of nothing': [{ n: { $not: {} } }, 'n.$not'],
  '$in of no array': [{ n: { $in: 5 } }, 'n.$in'],
  '$in of operators': [{ n: { $in: [{ $gt: 1 }] } }, 'n.$in.0'],
  '$nin of an object': [{ n: { $nin: {} } }, 'n.$nin'],
  '$all of no array': [{ n: { $all: 1 } }, 'n.$all'],
  '$size of text': [{ n: { $size: 'x' } }, 'n.$size'],
  '$size below 0': [{ n: { $size: -1 } }, 'n.$size'],
  '$size of a fraction': [{ n: { $size: 1.5 } }, 'n.$size'],
  '$type of an unknown name': [{ n: { $type: 'foo' } }, 'n.$type'],
  '$type of an unknown number': [{ n: { $type: 99 } }, 'n.$type'],
  '$type of nothing': [{ n: { $type: [] } }, 'n.$type'],
  '$mod by 0': [{ n: { $mod: [0, 1] } }, 'n.$mod'],
  '$mod by NaN': [{ n: { $mod: [NaN, 1] } }, 'n.$mod'],
  '$mod of one number': [{ n: { $mod: [1] } }, 'n.$mod'],
  '$mod of three numbers': [{ n: { $mod: [1, 2, 3] } }, 'n.$mod'],
  '$elemMatch of a value': [{ n: { $elemMatch: 1 } }, 'n.$elemMatch'],
  '$regex that is none': [{ n: { $regex: '(' } }, 'n.$regex'],
  '$regex of a number': [{ n: { $regex: 5 } }, 'n.$regex'],
  '$regex with a look-behind': [{ text: { $regex: '(?<=a)b' } }, 'text.$regex'],
  '$regex with a back-reference': [{ text: { $regex: '(a)\\1' } }, 'text.$regex'],
  '$options that are unknown': [{ text: { $regex: 'a', $options: 'q' } }, 'text.$options'],
  '$options of a number': [{ text: { $regex: 'a', $options: 5 } }, 'text.$options'],
  '$options alone': [{ text: { $options: 'i' } }, 'text.$options'],
  '$expr with an unknown operator': [{ $expr: { $foo: 1 } }, '$expr.$foo'],
  '$where': [{ $where: 'true' }, '$where'],
  'undefined': [{ n: undefined }, 'n'],
  'undefined in $in': [{ n: { $in: [undefined] } }, 'n.$in.0']
}

test('filters that are not well formed are BAD_QUERY with their path, in every method', async (t) => {
  const things = await collection(t, DOCUMENTS)
  for (const [name, [filter, path]] of Object.entries(FILTERS)) {
    const calls = {
      findOne: () => things.findOne(filter),
      find: () => things.find(filter).toArray(),
      countDocuments: () => things.countDocuments(filter),
      distinct: () => things.distinct('n', filter),
      updateOne: () => things.updateOne(filter, { $set: { n: 0 } }),
      upsert: () => things.updateOne(filter, { $set: { n: 0 } }, { upsert: true }),
      updateMany: () => things.updateMany(filter, { $set: { n: 0 } }),
      replaceOne: () => things.replaceOne(filter, {}),
      deleteOne: () => things.deleteOne(filter),
      deleteMany: () => things.deleteMany(filter),
      findOneAndDelete: () => things.findOneAndDelete(filter),
      aggregate: () => things.aggregate([{ $match: filter }]).toArray(),
      findSync: async () => things.findSync(filter),
      countSync: async () => things.countSync(filter)
    }
    for (const [method, call] of Object.entries(calls)) {
      const error = await t.throwsAsync(call, { instanceOf: MoltenError }, `${method}: ${name}`)
      t.true(['BAD_QUERY', 'NOT_SUPPORTED'].includes(error.kind), `${method}: ${name}: ${error.kind}`)
      t.true((error.path ?? '').replace(/^pipeline\.0\.\$match\.?/, '').startsWith(path.split('.')[0]), `${method}: ${name}: ${error.path}: ${error.message}`)
    }
  }
  await unharmed(t, things)
})

test('filters of any depth and size end in an answer or BAD_QUERY', async (t) => {
  const things = await collection(t, DOCUMENTS)
  for (const levels of [30, 45, 49, 50, 60, 99, 101, 1000, 100_000]) {
    const filters = [
      nested(levels, (inner) => ({ $and: [inner] }), { n: 5 }),
      nested(levels, (inner) => ({ $nor: [inner] }), { n: 5 }),
      { n: nested(levels, (inner) => ({ $not: inner }), { $gt: 1 }) },
      { list: nested(levels, (inner) => ({ $elemMatch: inner }), { $gt: 1 }) },
      { $expr: nested(levels, (inner) => ({ $not: [inner] }), '$n') },
      { n: nested(levels, (inner) => [inner], 1) },
      { n: { $eq: nested(levels, (inner) => ({ a: inner }), 1) } },
      { [Array(levels).fill('a').join('.')]: 1 }
    ]
    for (const filter of filters) {
      await things.findOne(filter).catch((error) => t.is(error.kind, 'BAD_QUERY', String(error.stack)))
    }
  }
  const million = Array.from({ length: 1_000_000 }, (_, i) => i)
  t.is(await things.countDocuments({ n: { $in: million } }), 2)
  t.is(await things.countDocuments({ n: { $nin: million } }), 0)
  t.is(await things.countDocuments({ $or: million.slice(0, 20_000).map((n) => ({ n })) }), 2)
  t.is(await things.countDocuments(Object.fromEntries(million.slice(0, 20_000).map((n) => [`f${n}`, null]))), 2)
  await rejectsWith(t, 'BAD_QUERY', things.findOne({ n: { $in: Array.from({ length: 40 }, () => 'x'.repeat(500_000)) } }), /16777216/)
  await unharmed(t, things)
})

test('regular expressions that would take for ever elsewhere end in time, or are refused', async (t) => {
  const things = await collection(t, DOCUMENTS)
  for (const pattern of ['(x+x+)+y', '(x*)*y', '(x|x)*y', '([a-z]+)*$y', '^(([a-z])+.)+[A-Z]([a-z])+$', '(.*)(.*)(.*)(.*)(.*)y']) {
    t.is(await things.countDocuments({ text: { $regex: pattern } }), 0, pattern)
    t.is(await things.countDocuments({ text: new RegExp(pattern) }), 0, pattern)
  }
  for (const pattern of ['x{1000}{1000}', '((x{100}){100}){100}', `${'('.repeat(10_000)}x${')'.repeat(10_000)}`, '\\p{Foo}', '[z-a]', 'x{5,1}', '*', '(?<name', '\\']) {
    const error = await t.throwsAsync(things.findOne({ text: { $regex: pattern } }), { instanceOf: MoltenError }, pattern.slice(0, 40))
    t.is(error.kind, 'BAD_QUERY')
    t.true(error.path.startsWith('text'), error.path)
  }
  t.is(await things.countDocuments({ text: { $regex: 'x'.repeat(5000) } }), 1)
  await things.findOne({ text: { $regex: 'x|'.repeat(500_000) } }).catch((error) => t.is(error.kind, 'BAD_QUERY'))
  await unharmed(t, things)
})

const UPDATES = {
  'an unknown operator': { $foo: { n: 1 } },
  'operands that are no object': { $set: 5 },
  'an array of operands': { $set: [1] },
  '$inc by text': { $inc: { n: 'x' } },
  '$inc by null': { $inc: { n: null } },
  '$inc of a list': { $inc: { list: 1 } },
  '$mul by an object': { $mul: { n: {} } },
  '$bit of an unknown operation': { $bit: { n: { not: 1 } } },
  '$bit by a fraction': { $bit: { n: { and: 1.5 } } },
  '$rename to itself': { $rename: { n: 'n' } },
  '$rename to no name': { $rename: { n: 5 } },
  '$rename into itself': { $rename: { n: 'n.x' } },
  '$push to a number': { $push: { n: 1 } },
  '$each of no array': { $push: { list: { $each: 1 } } },
  '$position of text': { $push: { list: { $each: [1], $position: 'x' } } },
  '$slice of a fraction': { $push: { list: { $each: [1], $slice: 1.5 } } },
  '$sort of 0': { $push: { list: { $each: [1], $sort: 0 } } },
  'an unknown modifier': { $push: { list: { $each: [1], $foo: 1 } } },
  '$pop of 2': { $pop: { list: 2 } },
  '$pull with an unknown operator': { $pull: { list: { $foo: 1 } } },
  '$pullAll of no array': { $pullAll: { list: 1 } },
  '$currentDate of text': { $currentDate: { n: 'now' } },
  'the _id': { $set: { _id: 9 } },
  'a part of the _id': { $set: { '_id.x': 9 } },
  'an empty path': { $set: { '': 1 } },
  'an empty part': { $set: { 'a..b': 1 } },
  'a path that ends in a dot': { $set: { 'a.': 1 } },
  'a part with a dollar': { $set: { 'a.$b': 1 } },
  'one path twice': { $set: { n: 1 }, $inc: { n: 1 } },
  'a path and one below it': { $set: { a: 1, 'a.b': 2 } },
  'an element that nothing names': { $set: { 'list.$': 1 } },
  'an array filter that is not there': { $set: { 'list.$[x]': 1 } },
  'all elements of a number': { $set: { 'n.$[]': 1 } },
  'a path through a number': { $set: { 'n.x.y': 1 } },
  'a million elements at once': { $set: { 'list.9999999': 1 } },
  'an element past all numbers': { $set: { 'list.99999999999999999999': 1 } }
}

test('updates that are not well formed or cannot apply are BAD_UPDATE and change nothing', async (t) => {
  const things = await collection(t, DOCUMENTS)
  for (const [name, update] of Object.entries(UPDATES)) {
    for (const call of [() => things.updateOne({ _id: 1 }, update), () => things.updateMany({}, update), () => things.findOneAndUpdate({ _id: 1 }, update), () => things.bulkWrite([{ updateOne: { filter: { _id: 1 }, update } }])]) {
      const error = await t.throwsAsync(call, undefined, name)
      t.true(error instanceof TypeError || ['BAD_UPDATE', 'BAD_QUERY', 'LIMIT'].includes(error.kind), `${name}: ${error.kind} ${error.message}`)
    }
  }
  const deep = [nested(100_000, (inner) => ({ a: inner }), 1), nested(100_000, (inner) => [inner], 1)]
  for (const value of deep) await rejectsWith(t, 'BAD_UPDATE', things.updateOne({}, { $set: { a: value } }), /nested deeper/)
  await t.throwsAsync(things.updateOne({ _id: 1 }, { $set: { [Array(100_000).fill('a').join('.')]: 1 } }), { instanceOf: MoltenError })
  await unharmed(t, things)
})

const PIPELINES = {
  'an unknown stage': [{ $foo: {} }],
  'two stages in one': [{ $match: {}, $limit: 1 }],
  'no stage in a stage': [{}],
  '$limit of 0': [{ $limit: 0 }],
  '$limit below 0': [{ $limit: -1 }],
  '$limit of text': [{ $limit: 'x' }],
  '$skip below 0': [{ $skip: -1 }],
  '$sort of nothing': [{ $sort: {} }],
  '$sort by 0': [{ $sort: { n: 0 } }],
  '$group without _id': [{ $group: { n: { $sum: 1 } } }],
  '$group by an unknown accumulator': [{ $group: { _id: 1, n: { $foo: 1 } } }],
  '$group with a dotted field': [{ $group: { _id: 1, 'a.b': { $sum: 1 } } }],
  '$project of nothing': [{ $project: {} }],
  '$project both ways': [{ $project: { a: 1, b: 0 } }],
  '$unwind of no path': [{ $unwind: 'list' }],
  '$unwind of a number': [{ $unwind: 5 }],
  '$lookup without from': [{ $lookup: { as: 'x' } }],
  '$count of a path': [{ $count: 'a.b' }],
  '$count of a dollar': [{ $count: '$a' }],
  '$bucket without boundaries': [{ $bucket: { groupBy: '$n' } }],
  '$bucket of falling boundaries': [{ $bucket: { groupBy: '$n', boundaries: [5, 1] } }],
  '$replaceRoot by a number': [{ $replaceRoot: { newRoot: '$n' } }],
  '$sample of text': [{ $sample: { size: 'x' } }],
  '$sample below 0': [{ $sample: { size: -1 } }],
  '$facet of $out': [{ $facet: { a: [{ $out: 'x' }] } }],
  '$out that is not last': [{ $out: 'x' }, { $match: {} }],
  '$merge into nothing': [{ $merge: {} }],
  'an unknown variable': [{ $set: { a: '$$foo' } }],
  'a division by 0': [{ $set: { a: { $divide: [1, 0] } } }],
  'a $range without end': [{ $set: { a: { $range: [0, 2 ** 31 - 1] } } }],
  'a $range by 0': [{ $set: { a: { $range: [0, 5, 0] } } }],
  'the root of a negative number': [{ $set: { a: { $sqrt: -1 } } }],
  'a date of a wrong form': [{ $set: { a: { $dateToString: { date: '$n' } } } }],
  '$arrayElemAt of a number': [{ $set: { a: { $arrayElemAt: [5, 0] } } }],
  '$substrBytes in a character': [{ $set: { a: { $substrBytes: ['\u20ac', 1, 1] } } }],
  'operands too few': [{ $set: { a: { $cond: [true] } } }]
}

test('pipelines that are not well formed, or cannot go on, name the place', async (t) => {
  const things = await collection(t, DOCUMENTS)
  for (const [name, pipeline] of Object.entries(PIPELINES)) {
    const error = await t.throwsAsync(async () => things.aggregate(pipeline).toArray(), { instanceOf: MoltenError }, name)
    t.true(['BAD_QUERY', 'LIMIT'].includes(error.kind), `${name}: ${error.kind}`)
  }
  for (const levels of [101, 200, 100_000]) {
    const pipelines = [
      [{ $set: { a: nested(levels, (inner) => ({ $abs: inner }), 1) } }],
      [{ $set: { a: nested(levels, (inner) => [inner], 1) } }],
      nested(levels, (inner) => [{ $facet: { a: inner } }], [{ $limit: 1 }]),
      nested(levels, (inner) => [{ $unionWith: { coll: 'users', pipeline: inner } }], [{ $limit: 1 }]),
      nested(levels, (inner) => [{ $lookup: { from: 'users', pipeline: inner, as: 'a' } }], [{ $limit: 1 }])
    ]
    for (const pipeline of pipelines) {
      const error = await t.throwsAsync(things.aggregate(pipeline).toArray())
      t.is(error.kind, 'BAD_QUERY', error.stack)
    }
  }
  t.deepEqual(await things.aggregate(Array.from({ length: 500 }, () => ({ $match: { n: 5 } }))).toArray(), [DOCUMENTS[0]])
  await rejectsWith(t, 'BAD_QUERY', things.aggregate(Array.from({ length: 5000 }, () => ({ $match: { n: 5 } }))).toArray(), /stages/)
  const doubling = { $set: { text: { $concat: ['$text', '$text'] } } }
  await rejectsWith(t, 'BAD_QUERY', things.aggregate(Array.from({ length: 40 }, () => doubling)).toArray(), /16 MiB|16777216/)
  const product = [{ $unwind: '$list' }, ...Array.from({ length: 12 }, () => ({ $set: { list: { $concatArrays: ['$list', '$list'] } } }))]
  await things.aggregate([{ $set: { list: { $range: [0, 1000] } } }, ...product.slice(1), { $unwind: '$list' }, { $group: { _id: '$text', all: { $push: '$$ROOT' } } }]).toArray().catch((error) => t.true(['LIMIT', 'BAD_QUERY'].includes(error.kind), error.message))
  await unharmed(t, things)
})

test('projections and sorts that are not well formed are refused', async (t) => {
  const things = await collection(t, DOCUMENTS)
  for (const projection of [{ a: 1, b: 0 }, { 'a.$': 1, 'b.$': 1 }, { a: { $slice: 'x' } }, { a: { $slice: [1] } }, { a: { $elemMatch: 5 } }, { 'a..b': 1 }, { '': 1 }, { a: 1, 'a.b': 1 }, { a: { $foo: 1 } }]) {
    await t.throwsAsync(things.findOne({}, { projection }), { instanceOf: MoltenError }, JSON.stringify(projection))
  }
  for (const sort of ['a..b', '.a', 'a.', '$a']) await things.find({}, { sort }).toArray().catch((error) => t.is(error.kind, 'BAD_QUERY'))
  t.is((await things.find({}, { sort: Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f${i}`, 1])) }).toArray().catch((error) => [error, error])).length, 2)
  await rejectsType(t, () => things.find().sort({ a: 5 }), /sort direction of 'a'/)
  await unharmed(t, things)
})

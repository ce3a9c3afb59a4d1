// The same filters, sorts and writes on a collection without secondary indexes and on one with them: an index never changes
// a result. Indexes of every kind are created and dropped between rounds of writes.

import { inspect, isDeepStrictEqual } from 'node:util'

import test from 'ava'

import { document, documents, path } from './differential/documents.mjs'
import { filter } from './differential/filters.mjs'
import { matches, reached } from './differential/naive.mjs'
import { extent, Random } from './differential/random.mjs'
import { update } from './differential/updates.mjs'
import { memory, outcome } from './support/database.mjs'

const { cases, seed } = extent(2000)
const PER_ROUND = 50

/** Indexes to try, created anew for each round: [specification, options]. */
const KINDS = {
  single: (random) => [{ [path(random)]: random.pick([1, -1]) }, {}],
  compound: (random) => [Object.fromEntries([...new Set(random.list(random.between(2, 3), () => path(random)))].map((each) => [each, random.pick([1, -1])])), {}],
  sparse: (random) => [{ [path(random)]: 1 }, { sparse: true }],
  partial: (random) => [{ [path(random)]: 1 }, { partialFilterExpression: random.pick([{ a: { $exists: true } }, { b: { $gt: 0 } }, { c: { $type: 'string' } }, { a: { $gte: 1 }, b: { $exists: true } }]) }],
  unique: () => [{ u: 1 }, { unique: true }],
  'unique and sparse': () => [{ 'w.x': 1 }, { unique: true, sparse: true }]
}

const told = (random, n, rest) => `SEED=${random}, case ${n}: ${inspect(rest, { depth: 12 })}`

/** Mostly a path of one of these indexes. */
const pathOf = (random, indexes) => (indexes.length > 0 && random.chance(0.8) ? random.pick(Object.keys(random.pick(indexes)[0])) : path(random))

/** A condition on one path that an index may serve; its operand is often an existing value. */
function served(random, all, indexes) {
  const name = pathOf(random, indexes)
  const there = (each) => reached(each, name).find((value) => typeof value !== 'symbol')
  const operand = () => (random.chance(0.6) ? there(random.pick(all)) : undefined) ?? random.between(-2, 5)
  const operator = random.pick(['$eq', '$eq', '$gt', '$gte', '$lt', '$lte', '$in'])
  return { [name]: { [operator]: operator === '$in' ? random.list(random.between(1, 3), operand) : operand() } }
}

/** A sort order, often that of an index, and half of those times reversed. */
function sortOf(random, indexes) {
  const turn = random.pick([1, -1])
  if (indexes.length > 0 && random.chance(0.5)) return Object.fromEntries(Object.entries(random.pick(indexes)[0]).map(([name, direction]) => [name, direction * turn]))
  return Object.fromEntries(random.list(random.between(1, 2), () => [path(random), random.pick([1, -1])]))
}

/**
 * A filter, options of its find, and the name of an index to use, or none. Documents with equal sort keys are in natural
 * order with every plan.
 */
function question(random, all, made) {
  const indexes = [...made.values()]
  const both = random.chance(0.3) ? { $and: [served(random, all, indexes), served(random, all, indexes)] } : served(random, all, indexes)
  return {
    condition: random.chance(0.3) ? filter(random, all) : both,
    options: {
      ...(random.chance(0.6) ? { sort: sortOf(random, indexes) } : {}),
      skip: random.chance(0.7) ? 0 : random.below(5),
      limit: random.chance(0.6) ? 0 : random.between(1, 10)
    },
    hint: made.size > 0 && random.chance(0.5) ? { hint: random.pick([...made.keys()]) } : {}
  }
}

/** Whether a document in JavaScript has its fields in the stored order: integer-like names come first there. */
const keepsOrder = (value) => typeof value !== 'object' || value === null || Object.entries(value).every(([name, each]) => (Array.isArray(value) || !/^\d+$/.test(name)) && keepsOrder(each))

const PARALLEL = 'parallel arrays'
const ids = (list) => (list === PARALLEL ? list : list.map(({ _id }) => _id))

/** The results; a sort by two arrays is refused, by every plan or by none. */
async function answered(work) {
  try {
    return await work()
  } catch (error) {
    if (/cannot sort with keys that are parallel arrays/.test(error.message)) return PARALLEL
    throw error
  }
}

/** Queries both collections; returns what is wrong, or undefined. */
async function differs(plain, indexed, { condition, options, hint }) {
  const expected = await answered(() => plain.findSync(condition, options))
  const found = await answered(() => indexed.findSync(condition, { ...options, ...hint }))
  if (!isDeepStrictEqual(found, expected)) return { found: ids(found), expected: ids(expected) }
  const [all, chosen] = [plain.findSync(condition), indexed.findSync(condition, hint)]
  if (!isDeepStrictEqual(chosen, all)) return { found: ids(chosen), expected: ids(all) }
  const right = plain.findSync({}).filter((each) => keepsOrder(each) && matches(each, condition))
  if (!isDeepStrictEqual(chosen.filter(keepsOrder), right)) return { found: ids(chosen), expected: ids(right) }
  const counts = [await plain.countDocuments(condition), await indexed.countDocuments(condition, hint), all.length]
  if (new Set(counts).size > 1) return { counts }
  const pipeline = [{ $match: condition }, ...(options.sort ? [{ $sort: options.sort }] : []), { $limit: 10 }]
  const answers = [await answered(() => plain.aggregate(pipeline).toArray()), await answered(() => indexed.aggregate(pipeline, hint).toArray())]
  return isDeepStrictEqual(answers[0], answers[1]) ? undefined : { pipeline, found: ids(answers[1]), expected: ids(answers[0]) }
}

/** Whether the plan of a find reads an index other than that of `_id`. */
async function usesIndex(cursor) {
  const { queryPlanner } = await cursor.explain('queryPlanner')
  return /"stage":"IXSCAN"/.test(JSON.stringify(queryPlanner.winningPlan))
}

/** The same write on both collections, which must have the same outcome. */
async function write(plain, indexed, random, all, n) {
  const roll = random.unit()
  const _id = random.below(60)
  let call
  if (roll < 0.35) {
    // `u` and `w.x` are always unique, so that a unique index refuses nothing that the other collection accepts.
    const made = { ...document(random, `n${n}`), u: n, ...(random.chance(0.5) ? { w: { x: `${n}` } } : {}) }
    call = (collection) => collection.insertOne({ ...made })
  } else if (roll < 0.75) {
    const { u: _, ...fields } = random.pick(all)
    const changed = update(random, fields, all)
    call = (collection) => collection.updateOne({ _id }, changed.update, { arrayFilters: changed.arrayFilters })
  } else if (roll < 0.85) {
    const { _id: _, ...fields } = document(random, 0)
    call = (collection) => collection.replaceOne({ _id }, { ...fields, u: -n - 1 })
  } else {
    call = (collection) => collection.deleteOne({ _id })
  }
  const [expected, found] = [await outcome(() => call(plain)), await outcome(() => call(indexed))]
  return isDeepStrictEqual(found, expected) ? undefined : { expected, found }
}

test('an index of any kind changes no answer, with writes between', async (t) => {
  const db = await memory(t)
  const used = { sorted: 0, unsorted: 0 }
  for (let round = 0; round * PER_ROUND < cases; round++) {
    const random = new Random(seed + round)
    const all = documents(random, 60).map((each) => ({ ...each, u: `d${each._id}` }))
    const [plain, indexed] = [db.collection(`plain${round}`), db.collection(`indexed${round}`)]
    for (const collection of [plain, indexed]) await collection.insertMany(all.map((each) => ({ ...each })))
    const made = new Map()
    for (let n = 0; n < PER_ROUND; n++) {
      if (n % 10 === 0) {
        for (const name of random.some([...made.keys()], 0, 2)) {
          await indexed.dropIndex(name)
          made.delete(name)
        }
        const [specification, options] = KINDS[random.pick(Object.keys(KINDS))](random)
        // Two arrays in one document cannot be in one index: MongoDB's rule, and nothing is created then.
        const { answer: name } = await outcome(() => indexed.createIndex(specification, options))
        if (name !== undefined) made.set(name, [specification, options])
      }
      for (let writes = random.below(4); writes > 0; writes--) {
        const fault = await write(plain, indexed, random, all, round * PER_ROUND * 10 + n * 10 + writes)
        if (fault && ![...made.values()].some(([keys]) => Object.keys(keys).length > 1)) return t.fail(told(seed + round, n, { indexes: [...made.values()], ...fault }))
        // An index of two arrays may refuse what the other collection accepted.
        if (fault) await sameAgain(plain, indexed)
      }
      const query = question(random, all, made)
      const fault = await differs(plain, indexed, query)
      if (fault) return t.fail(told(seed + round, n, { indexes: [...made.values()], ...query, ...fault }))
      const order = query.options.sort ? 'sorted' : 'unsorted'
      used[order] += await usesIndex(indexed.find(query.condition, { ...query.options, ...query.hint }))
    }
    for (const collection of [plain, indexed]) await collection.drop()
  }
  t.log(`${cases} cases; an index was used in ${used.unsorted} of them without a sort and in ${used.sorted} with one`)
  t.true(used.unsorted > cases / 10 && used.sorted > cases / 10)
})

/** Makes the first collection equal to the second. */
async function sameAgain(plain, indexed) {
  await plain.deleteMany({})
  await plain.insertMany(await indexed.find().toArray())
}

// The same filters, sorts and writes on a collection without secondary indexes and on one with them: an index never changes an answer. Indexes of
// every kind come and go between rounds of writes.

import { inspect, isDeepStrictEqual } from 'node:util'

import test from 'ava'

import { document, documents, path } from './differential/documents.mjs'
import { filter } from './differential/filters.mjs'
import { matches } from './differential/naive.mjs'
import { extent, Random } from './differential/random.mjs'
import { update } from './differential/updates.mjs'
import { memory, MoltenError } from './support/database.mjs'

const { cases, seed } = extent(2000)
const PER_ROUND = 50

/** Indexes to try, made anew for each round: [specification, options]. */
const KINDS = {
  single: (random) => [{ [path(random)]: random.pick([1, -1]) }, {}],
  compound: (random) => [Object.fromEntries([...new Set(random.list(random.between(2, 3), () => path(random)))].map((each) => [each, random.pick([1, -1])])), {}],
  sparse: (random) => [{ [path(random)]: 1 }, { sparse: true }],
  partial: (random) => [{ [path(random)]: 1 }, { partialFilterExpression: random.pick([{ a: { $exists: true } }, { b: { $gt: 0 } }, { c: { $type: 'string' } }, { a: { $gte: 1 }, b: { $exists: true } }]) }],
  unique: () => [{ u: 1 }, { unique: true }],
  'unique and sparse': () => [{ 'w.x': 1 }, { unique: true, sparse: true }]
}

/** What a call ends in: its answer, or the kind of its error. */
async function outcome(call) {
  try {
    return { answer: await call() }
  } catch (error) {
    if (!MoltenError.isMoltenError(error)) throw error
    return { refused: error.kind }
  }
}

/** The order of documents that sort alike is that of the plan; ties are broken by _id. */
const sortOf = (random) => ({ ...Object.fromEntries(random.list(random.between(1, 2), () => [path(random), random.pick([1, -1])])), _id: 1 })

const told = (random, n, rest) => `SEED=${random}, case ${n}: ${inspect(rest, { depth: 12 })}`

/** Asks both collections; answers what is wrong, or undefined. */
async function differs(t, plain, indexed, random, all) {
  const condition = random.chance(0.5) ? filter(random, all) : { [path(random)]: { [random.pick(['$eq', '$gt', '$gte', '$lt', '$lte'])]: random.between(-2, 5) } }
  const options = { sort: sortOf(random), skip: random.chance(0.7) ? 0 : random.below(5), limit: random.chance(0.6) ? 0 : random.between(1, 10) }
  const [expected, found] = [plain.findSync(condition, options), indexed.findSync(condition, options)]
  if (!isDeepStrictEqual(found, expected)) return { condition, options, found: found.map(({ _id }) => _id), expected: expected.map(({ _id }) => _id) }
  const ids = new Set(indexed.findSync(condition).map(({ _id }) => _id))
  const wrong = plain.findSync({}).find((each) => ids.has(each._id) !== matches(each, condition))
  if (wrong) return { condition, document: wrong, found: ids.has(wrong._id) }
  const counts = [await plain.countDocuments(condition), await indexed.countDocuments(condition), ids.size]
  if (new Set(counts).size > 1) return { condition, counts }
  const pipeline = [{ $match: condition }, { $sort: options.sort }, { $limit: 10 }]
  const answers = [await plain.aggregate(pipeline).toArray(), await indexed.aggregate(pipeline).toArray()]
  return isDeepStrictEqual(answers[0], answers[1]) ? undefined : { pipeline, answers }
}

/** The same write on both, which must end the same way. */
async function write(plain, indexed, random, all, n) {
  const roll = random.unit()
  const _id = random.below(60)
  let call
  if (roll < 0.35) {
    // `u` and `w.x` never collide, so that a unique index refuses nothing that the other collection takes.
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
        // Two arrays in one document cannot be in one index: MongoDB's rule, and nothing is made then.
        const { answer: name } = await outcome(() => indexed.createIndex(specification, options))
        if (name !== undefined) made.set(name, [specification, options])
      }
      for (let writes = random.below(4); writes > 0; writes--) {
        const fault = await write(plain, indexed, random, all, round * PER_ROUND * 10 + n * 10 + writes)
        if (fault && ![...made.values()].some(([keys]) => Object.keys(keys).length > 1)) return t.fail(told(seed + round, n, { indexes: [...made.values()], ...fault }))
        // An index of two arrays may refuse what the other collection took.
        if (fault) await sameAgain(plain, indexed)
      }
      const fault = await differs(t, plain, indexed, random, all)
      if (fault) return t.fail(told(seed + round, n, { indexes: [...made.values()], ...fault }))
    }
    for (const collection of [plain, indexed]) await collection.drop()
  }
  t.pass()
})

/** Makes the first collection what the second is. */
async function sameAgain(plain, indexed) {
  await plain.deleteMany({})
  await plain.insertMany(await indexed.find().toArray())
}

// Inside a transaction every query equals the same query on a copy: random documents, writes and queries. The other writers change or delete
// everything after the snapshot, which must not be seen.

import { inspect, isDeepStrictEqual } from 'node:util'

import test from 'ava'

import { document, documents, path } from './differential/documents.mjs'
import { filter } from './differential/filters.mjs'
import { CITIES, order, pipeline } from './differential/pipelines.mjs'
import { extent, Random } from './differential/random.mjs'
import { update } from './differential/updates.mjs'
import { memory, outcome } from './support/database.mjs'

const { cases, seed } = extent(600)
const PER_ROUND = 30

/** One write, as a function of a collection. */
function write(random, all, next) {
  const _id = random.below(all.length + 10)
  const roll = random.unit()
  const made = next(_id)
  if (roll < 0.25) return (to) => to.insertOne(made)
  if (roll < 0.4) return (to) => to.set(_id, made)
  if (roll < 0.5) return (to) => to.deleteOne({ _id })
  const { update: change, arrayFilters } = update(random, all[_id % all.length], all)
  const condition = filter(random, all)
  if (roll < 0.55) return (to) => to.deleteMany({ $and: [condition, { _id: { $lt: 4 } }] })
  if (roll < 0.85) return (to) => to.updateOne({ _id }, change, { arrayFilters })
  if (roll < 0.95) return (to) => to.updateMany(condition, change, { arrayFilters })
  return (to) => to.findOneAndUpdate(condition, change, { arrayFilters, sort: { _id: -1 }, returnDocument: 'after' })
}

/** A query with its options, as a function of a collection. */
function query(random, all, indexes) {
  const condition = random.chance(0.15) ? {} : filter(random, all)
  const name = random.pick(indexes)
  const sort = random.chance(0.5) ? { [random.chance(0.5) ? name : path(random)]: random.pick([1, -1]), ...(random.chance(0.3) && { [path(random)]: 1 }) } : undefined
  const options = { sort, skip: random.chance(0.7) ? 0 : random.below(5), limit: random.chance(0.5) ? 0 : random.between(1, 9), batchSize: random.between(1, 7) }
  const served = { [name]: random.pick([{ $gte: random.between(-2, 3) }, random.between(-2, 5), { $in: [0, 1, 'a', null] }, { $exists: true }]) }
  const chosen = random.chance(0.5) ? condition : served
  const counted = random.chance(0.8) ? {} : { limit: 3 }
  return random.pick([
    ['find', (of) => of.find(chosen, options).toArray()],
    ['find', (of) => of.find(chosen, options).toArray()],
    ['backward', (of) => of.find(chosen, { hint: { $natural: -1 } }).toArray()],
    ['count', (of) => of.countDocuments(chosen, counted)],
    ['count', (of) => of.countDocuments(served)],
    ['distinct', (of) => of.distinct(name, chosen)],
    ['by _id', (of) => of.find({ _id: { $in: [0, 3, 5, 70] } }, { sort }).toArray()],
    ['findOne', (of) => of.findOne(chosen, { sort, skip: options.skip })],
    ['group', (of) => of.aggregate([{ $match: chosen }, ...(sort ? [{ $sort: sort }, { $limit: 8 }] : []), { $group: { _id: `$${name}`, n: { $sum: 1 }, ids: { $push: '$_id' } } }, { $sort: { ids: 1 } }]).toArray()],
    ['lookup', (of) => of.aggregate([{ $match: chosen }, { $limit: 5 }, { $lookup: { from: of.collectionName, localField: name, foreignField: name, as: 'same' } }]).toArray()]
  ]).concat(inspect({ chosen, options, name }, { depth: 9 }))
}

/** Runs one round: writes and queries in a transaction, and on a copy. Returns what differs. */
async function round(t, n, start) {
  const random = new Random(seed + n)
  const db = await memory(t)
  const next = start.next(random)
  const all = start.documents(random)
  const [things, copy] = [db.collection('things'), db.collection('copy')]
  await db.collection('cities').insertMany(CITIES)
  const indexes = random.list(3, () => start.path(random))
  for (const name of new Set(indexes)) await outcome(() => things.createIndex({ [name]: random.pick([1, -1]) }))
  for (const each of all) {
    // A document that an index cannot hold is left out of both.
    if ((await outcome(() => things.insertOne(each))).answer) await copy.insertOne(each)
  }
  let fault
  await db.transaction(async (tx) => {
    const own = tx.collection('things')
    await own.findOne({ _id: 'begin' })
    await things.insertOne({ _id: 'of another', a: 1, b: 'a', n: 1 })
    for (let step = 0; step < PER_ROUND && !fault; step++) {
      if (random.chance(0.5)) {
        const change = write(random, all, next)
        const savepoint = await tx.savepoint()
        const inside = await outcome(() => change(own))
        if (inside.refused) await tx.rollbackTo(savepoint)
        // An index may refuse what the copy takes, and a refused updateMany keeps there what it has changed.
        const outside = inside.refused === 'BAD_DOCUMENT' || (inside.refused && /updateMany/.test(change)) ? inside : await outcome(() => change(copy))
        if (!isDeepStrictEqual(inside, outside)) fault = { step, change: change.toString(), inside, outside }
        const both = [await own.find().toArray(), await copy.find().toArray()]
        if (!fault && !isDeepStrictEqual(...both)) fault = { step, change: change.toString(), own: both[0], copy: both[1] }
      } else {
        const [kind, ask, told] = start.query(random, all, indexes)
        const inside = await outcome(() => ask(own))
        const outside = await outcome(() => ask(copy))
        if (!isDeepStrictEqual(inside, outside)) fault = { step, kind, told, inside, outside }
      }
    }
    throw new Error('done')
  }).catch((error) => {
    if (error.message !== 'done') throw error
  })
  return fault && `SEED=${seed + n}: ${inspect(fault, { depth: 12 })}`
}

/** A pipeline, as a query. */
const asked = (random) => {
  const stages = pipeline(random)
  return ['pipeline', (of) => of.aggregate(stages).toArray(), inspect(stages, { depth: 12 })]
}

test('queries on documents of every kind, with indexes and without', async (t) => {
  const start = { documents: (random) => documents(random, 40), next: (random) => (_id) => document(random, _id), path, query }
  const rounds = Math.max(1, Math.round(cases / PER_ROUND))
  for (let n = 0; n < rounds; n++) {
    const fault = await round(t, n, start)
    if (fault) return t.fail(fault)
  }
  t.pass()
})

test('pipelines of every stage', async (t) => {
  const start = { documents: (random) => random.list(30, (i) => order(random, i)), next: (random) => (_id) => order(random, _id), path: (random) => random.pick(['n', 'k', 'price', 'home.city']), query: asked }
  const rounds = Math.max(1, Math.round(cases / PER_ROUND))
  for (let n = 0; n < rounds; n++) {
    const fault = await round(t, n + 10_000, start)
    if (fault) return t.fail(fault)
  }
  t.pass()
})

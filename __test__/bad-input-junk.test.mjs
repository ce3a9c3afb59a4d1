// Random junk from a seed for every method: each call ends in a result, a TypeError or a MoltenError that is not INTERNAL,
// and the database keeps working. SEED repeats a run; CASES sets the number of calls, 5,000 a second on two cores.

import { inspect } from 'node:util'

import test from 'ava'

import { scalar, value } from './differential/documents.mjs'
import { Random } from './differential/random.mjs'
import { directory, MoltenError, onDisk } from './support/database.mjs'

const CASES = Number(process.env.CASES ?? 6000)
const SEED = Number(process.env.SEED ?? 7)

const WORDS = [
  'a', 'b', '_id', 'a.b', 'a.0', 'a.$', 'a.$[]', 'a.$[x]', '', '.', 'a..b', '$', '$a', '$$ROOT', '__proto__', 'constructor', '\0', '\ud800', 'x'.repeat(2000),
  '$eq', '$gt', '$in', '$nin', '$and', '$or', '$nor', '$not', '$exists', '$type', '$mod', '$all', '$elemMatch', '$size', '$regex', '$options', '$expr',
  '$set', '$unset', '$inc', '$mul', '$min', '$max', '$rename', '$push', '$each', '$slice', '$sort', '$position', '$addToSet', '$pull', '$pullAll', '$pop', '$bit', '$currentDate', '$setOnInsert',
  '$match', '$group', '$project', '$unwind', '$lookup', '$limit', '$skip', '$facet', '$bucket', '$bucketAuto', '$sample', '$count', '$unionWith', '$replaceRoot', '$addFields', '$merge', '$out', '$documents', '$sortByCount',
  '$add', '$divide', '$concat', '$cond', '$switch', '$map', '$filter', '$reduce', '$let', '$zip', '$dateToString', '$convert', '$literal', '$getField', '$arrayToObject', '$substrCP', '$range', '$sum', '$avg', '$first', '$top',
  'filter', 'update', 'upsert', 'sort', 'projection', 'limit', 'skip', 'batchSize', 'input', 'in', 'as', 'from', 'pipeline', 'let', 'coll', 'into', 'on', 'path', 'newRoot', 'document', 'insertOne', 'updateOne', 'deleteMany', '$regularExpression', 'pattern', 'options'
]
const ODD = [
  undefined, NaN, -0, 2 ** 53, 1n, 2n ** 64n, Symbol('x'), () => {}, Map, /a/, /(?=a)/, new Map([['a', 1]]), new Set(), new Date(NaN), Buffer.from('x'), new Float64Array(1), Promise.resolve(),
  new Error('x'), Object(1), new Proxy({}, {}), Object.create(null), [, 1], Object.freeze({ a: 1 }), new (class Odd { x = 1 })() // oxlint-disable-line no-sparse-arrays
]

/** Any value: mostly objects with known names, which pass more checks. */
function junk(random, depth = 0) {
  const roll = random.unit()
  if (roll < 0.12) return random.pick(ODD)
  if (roll < 0.3) return scalar(random)
  if (roll < 0.45) return random.pick(WORDS)
  if (depth > 4) return random.below(5)
  if (roll < 0.6) return random.list(random.below(4), () => junk(random, depth + 1))
  if (roll < 0.65) return value(random)
  const object = {}
  for (let fields = random.below(4); fields > 0; fields--) {
    Object.defineProperty(object, random.pick(WORDS), { value: junk(random, depth + 1), enumerable: true, configurable: true, writable: true })
  }
  return object
}

/** Junk that half of the time has the outer form of a valid argument. */
function likely(random, form) {
  if (random.chance(0.15)) return junk(random)
  const fields = (words) => Object.fromEntries(random.list(random.between(1, 2), () => [random.pick(words), junk(random, 1)]))
  switch (form) {
    case 'filter':
      return fields(WORDS.slice(0, 37))
    case 'update':
      return random.chance(0.2) ? random.list(2, () => fields(WORDS.slice(59, 78))) : Object.fromEntries(random.list(1, () => [random.pick(WORDS.slice(37, 56)), fields(WORDS.slice(0, 12))]))
    case 'pipeline':
      return random.list(random.between(1, 3), () => Object.fromEntries([[random.pick(WORDS.slice(56, 75)), junk(random, 1)]]))
    case 'writes':
      return random.list(2, () => ({ [random.pick(['insertOne', 'updateOne', 'updateMany', 'deleteMany', 'replaceOne'])]: { filter: likely(random, 'filter'), update: likely(random, 'update'), document: junk(random), replacement: junk(random) } }))
    case 'options':
      return random.chance(0.5) ? undefined : { [random.pick(['upsert', 'sort', 'projection', 'limit', 'skip', 'batchSize', 'arrayFilters', 'ordered', 'meta', 'ifVersion', 'returnDocument', 'maxTimeMS'])]: junk(random, 2) }
    default:
      return junk(random)
  }
}

const METHODS = {
  insertOne: ['document', 'options'], insertMany: ['list', 'options'], findOne: ['filter', 'options'], find: ['filter', 'options'], aggregate: ['pipeline', 'options'],
  countDocuments: ['filter', 'options'], updateOne: ['filter', 'update', 'options'], updateMany: ['filter', 'update', 'options'], replaceOne: ['filter', 'document', 'options'],
  findOneAndUpdate: ['filter', 'update', 'options'], findOneAndReplace: ['filter', 'document', 'options'], findOneAndDelete: ['filter', 'options'], bulkWrite: ['writes', 'options'],
  distinct: ['key', 'filter', 'options'], deleteOne: ['filter', 'options'], get: ['id', 'options'], getMany: ['list', 'options'], has: ['id', 'options'], set: ['id', 'document', 'options'],
  setMany: ['list', 'options'], delete: ['id', 'options'], getSync: ['id', 'options'], hasSync: ['id'], findSync: ['filter', 'options'], findOneSync: ['filter', 'options'], countSync: ['filter', 'options'],
  insertOneSync: ['document', 'options'], insertManySync: ['list', 'options'], updateOneSync: ['filter', 'update', 'options'], updateManySync: ['filter', 'update', 'options'],
  replaceOneSync: ['filter', 'document', 'options'], deleteOneSync: ['filter', 'options'], bulkWriteSync: ['writes', 'options'], setSync: ['id', 'document', 'options'], deleteSync: ['id', 'options']
}

test('junk ends in an answer or a typed error, and the database goes on', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, { storage: 'async' }, path)
  const before = Object.getOwnPropertyNames(Object.prototype).join()
  const things = db.collection('things')
  const witness = db.collection('witness')
  await witness.insertMany(Array.from({ length: 50 }, (_, i) => ({ _id: i, a: [i, { b: i }] })))
  const seen = new Map()
  for (let n = 0; n < CASES; n++) {
    const random = new Random(SEED + n)
    const method = random.pick(Object.keys(METHODS))
    const args = METHODS[method].map((form) => likely(random, form))
    try {
      const answer = await things[method](...args)
      if (typeof answer?.toArray === 'function') await answer.toArray()
      seen.set('answered', (seen.get('answered') ?? 0) + 1)
    } catch (error) {
      // A TypeError of ours names the method.
      const known = (error instanceof TypeError && error.message.startsWith('things')) || (MoltenError.isMoltenError(error) && error.kind !== 'INTERNAL')
      if (!known) return t.fail(`SEED=${SEED + n} CASES=1: ${method}(${inspect(args, { depth: 8 })}): ${error?.stack ?? error}`)
      const kind = error.kind ?? 'TypeError'
      seen.set(kind, (seen.get(kind) ?? 0) + 1)
    }
    if (n % 1000 === 999) {
      t.is(await things.countDocuments(), (await things.find().toArray()).length)
      await things.deleteMany({})
    }
  }
  t.is(Object.getOwnPropertyNames(Object.prototype).join(), before)
  t.deepEqual((await witness.get(49)).a, [49, { b: 49 }])
  const left = await things.find().toArray()
  await db.close()
  const again = await onDisk(t, {}, path)
  t.deepEqual(await again.collection('things').find().toArray(), left)
  t.is(await again.collection('witness').countDocuments(), 50)
  t.log(inspect(Object.fromEntries(seen)))
})

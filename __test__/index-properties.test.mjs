// Random documents, indexes, writes and queries: every index, chosen or forced, gives the results of a scan.

import test from 'ava'
import fc from 'fast-check'

import { memory } from './support/database.mjs'

const FIELDS = ['a', 'b', 'a.x', 'b.0']
const scalar = fc.oneof(
  fc.integer({ min: -3, max: 3 }), fc.constantFrom('', 'a', 'ab', 'b', null, true, false, NaN, -0, 2n, 0.5), fc.constant(new Date(0)), fc.constant(Buffer.from('a'))
)
const value = fc.oneof(
  { weight: 4, arbitrary: scalar },
  { weight: 2, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.record({ x: scalar }) },
  { weight: 1, arbitrary: fc.array(fc.oneof(fc.record({ x: scalar }), fc.array(scalar, { maxLength: 2 })), { maxLength: 2 }) }
)
const document = fc.record({ a: value, b: value }, { requiredKeys: [] })
const path = fc.constantFrom(...FIELDS)
const condition = fc.oneof(
  value,
  fc.record({ $gt: scalar }), fc.record({ $gte: scalar, $lt: scalar }), fc.record({ $lte: scalar }), fc.record({ $in: fc.array(scalar, { maxLength: 3 }) }),
  fc.record({ $ne: scalar }), fc.record({ $exists: fc.boolean() }), fc.record({ $elemMatch: fc.record({ $gte: scalar }) }),
  fc.constantFrom(/^a/, { $regex: '^ab?' }, { $size: 0 }, { $not: { $gt: 0 } }, { $type: 'number' }, { $elemMatch: { x: 1 } })
)
const clause = fc.tuple(path, condition).map(([name, wanted]) => ({ [name]: wanted }))
const filter = fc.oneof(
  { weight: 4, arbitrary: clause },
  { weight: 2, arbitrary: fc.array(clause, { minLength: 1, maxLength: 3 }).map(($and) => ({ $and })) },
  { weight: 2, arbitrary: fc.array(clause, { minLength: 1, maxLength: 3 }).map(($or) => ({ $or })) }
)
const direction = fc.constantFrom(1, -1)
const keys = fc.uniqueArray(fc.tuple(path, direction), { minLength: 1, maxLength: 2, selector: ([name]) => name })
const index = fc.record({
  key: keys,
  options: fc.constantFrom({}, {}, { sparse: true }, { partialFilterExpression: { a: { $gt: 0 } } }, { partialFilterExpression: { b: { $exists: true } } })
})
const question = fc.record({
  filter, sort: fc.option(keys, { nil: undefined }), skip: fc.constantFrom(0, 0, 2), limit: fc.constantFrom(0, 0, 1, 4), batchSize: fc.constantFrom(0, 1, 3)
})
const write = fc.oneof(
  fc.tuple(fc.nat(19), document).map(([id, fields]) => ({ replaceOne: { filter: { _id: id }, replacement: fields, upsert: true } })),
  fc.tuple(fc.nat(19), fc.constantFrom('a', 'b'), value).map(([id, name, set]) => ({ updateOne: { filter: { _id: id }, update: { $set: { [name]: set } } } })),
  fc.nat(19).map((id) => ({ deleteOne: { filter: { _id: id } } }))
)

/** A write or an index that would put two arrays of one document into an index is refused, and so is a sort by two arrays; all else must succeed. */
const orParallel = (promise) => promise.catch((error) => {
  if (!/parallel arrays/.test(error.message)) throw error
  return undefined
})

test('every index gives the answers of a scan, whatever was written before and after it was made', async (t) => {
  const db = await memory(t, { autoIndex: 'off' })
  let run = 0
  const property = fc.asyncProperty(
    fc.array(document, { maxLength: 12 }), fc.array(index, { minLength: 1, maxLength: 3 }), fc.array(write, { maxLength: 12 }),
    fc.array(question, { minLength: 1, maxLength: 6 }),
    async (documents, indexes, writes, questions) => {
      const users = db.collection(`users${run++}`)
      if (documents.length > 0) await users.insertMany(documents.map((fields, i) => ({ _id: i, ...fields })))
      const names = []
      for (const [i, { key, options }] of indexes.entries()) {
        const name = await orParallel(users.createIndex(key, { ...options, name: `index${i}` }).catch((error) => {
          if (error.code === 85) return undefined
          throw error
        }))
        if (name !== undefined) names.push(name)
      }
      for (const one of writes) await orParallel(users.bulkWrite([one]))
      for (const { filter: wanted, ...options } of questions) {
        const found = (hint) => orParallel(users.find(wanted, { ...options, hint }).toArray())
        const expected = await found({ $natural: 1 })
        const count = await users.countDocuments(wanted, { hint: { $natural: 1 } })
        const values = await users.distinct('a', wanted, { hint: { $natural: 1 } })
        for (const hint of [undefined, ...names]) {
          t.deepEqual(await found(hint), expected, String(hint))
          t.is(await users.countDocuments(wanted, { hint }), count, String(hint))
          t.deepEqual(await users.distinct('a', wanted, { hint }), values, String(hint))
        }
      }
      await users.drop()
    }
  )
  await fc.assert(property, { numRuns: 150 })
})

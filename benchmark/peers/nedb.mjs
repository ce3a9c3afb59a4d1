// NeDB in its maintained fork. It never fsyncs a write, so it has no durable insert to measure; it has no group and no
// distinct: both are loops over the results of find.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import Datastore from '@seald-io/nedb'

export const title = '@seald-io/nedb'
export const version = createRequire(import.meta.url)('@seald-io/nedb/package.json').version
export const settings = 'append-only file, no fsync of a write; indexes on city and age'
export const durable = false
export const start = 'nedb'

const AGED = { $inc: { age: 1 } }

export async function open(directory) {
  const db = new Datastore({ filename: join(directory, 'data.nedb') })
  await db.loadDatabaseAsync()
  await db.ensureIndexAsync({ fieldName: 'city' })
  await db.ensureIndexAsync({ fieldName: 'age' })
  return {
    load: (batch) => db.insertAsync(batch),
    settle: async () => {},
    get: (id) => db.findOneAsync({ _id: id }),
    getMany: (ids) => db.findAsync({ _id: { $in: ids } }),
    insert: (document) => db.insertAsync(document),
    findCity: (city) => db.findAsync({ city }),
    range: (from, to, limit) => db.findAsync({ age: { $gte: from, $lte: to } }).sort({ age: 1 }).limit(limit),
    findBelow: (score) => db.findAsync({ score: { $lt: score } }),
    countBelow: (score) => db.countAsync({ score: { $lt: score } }),
    countAges: (from, to) => db.countAsync({ age: { $gte: from, $lte: to } }),
    group: async () => {
      const sums = new Map()
      for (const { city, score } of await db.findAsync({}, { city: 1, score: 1 })) {
        const entry = sums.get(city) ?? { sum: 0, count: 0 }
        entry.sum += score
        entry.count++
        sums.set(city, entry)
      }
      return new Map([...sums].map(([city, { sum, count }]) => [city, sum / count]))
    },
    distinct: async () => [...new Set((await db.findAsync({}, { city: 1 })).map(({ city }) => city))],
    addIndex: () => db.ensureIndexAsync({ fieldName: 'score' }),
    removeIndex: () => db.removeIndexAsync('score'),
    increment: (id) => db.updateAsync({ _id: id }, AGED),
    incrementMany: (ids) => db.updateAsync({ _id: { $in: ids } }, AGED, { multi: true }),
    incrementBelow: async (score) => (await db.updateAsync({ score: { $lt: score } }, AGED, { multi: true })).numAffected,
    remove: (id) => db.removeAsync({ _id: id }),
    compact: () => db.compactDatafileAsync(),
    close: async () => {}
  }
}

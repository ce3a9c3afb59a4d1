// LokiJS with its file adapter. Saving writes the whole file: there is no durable insert to measure.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import Loki from 'lokijs'

export const title = 'lokijs'
export const version = createRequire(import.meta.url)('lokijs/package.json').version
export const settings =
  'whole file saved at the end of a load and at close, no fsync; documents returned without a copy; binary indexes on city and age'
export const durable = false
export const start = 'lokijs'

export async function open(directory) {
  const db = new Loki(join(directory, 'data.json'), { adapter: new Loki.LokiFsAdapter() })
  const settled = (verb) =>
    new Promise((resolve, reject) => db[verb]((error) => (error ? reject(error) : resolve())))
  await new Promise((resolve, reject) => db.loadDatabase({}, (error) => (error ? reject(error) : resolve())))
  const users = db.getCollection('users') ?? db.addCollection('users', { unique: ['_id'], indices: ['city', 'age'] })
  const getSync = (id) => users.by('_id', id) ?? null
  const increment = (document) => {
    document.age++
    users.update(document)
  }
  const rangeSync = (from, to, limit) =>
    users.chain().find({ age: { $between: [from, to] } }).simplesort('age').limit(limit).data()
  return {
    load: async (batch) => users.insert(batch),
    settle: () => settled('saveDatabase'),
    get: async (id) => getSync(id),
    getSync,
    getMany: async (ids) => ids.map(getSync),
    insert: async (document) => users.insert(document),
    findCity: async (city) => users.find({ city }),
    range: async (from, to, limit) => rangeSync(from, to, limit),
    rangeSync,
    findBelow: async (score) => users.find({ score: { $lt: score } }),
    countBelow: async (score) => users.count({ score: { $lt: score } }),
    countAges: async (from, to) => users.count({ age: { $between: [from, to] } }),
    group: async () => {
      const sums = new Map()
      for (const { city, score } of users.data) {
        const entry = sums.get(city) ?? { sum: 0, count: 0 }
        entry.sum += score
        entry.count++
        sums.set(city, entry)
      }
      return new Map([...sums].map(([city, { sum, count }]) => [city, sum / count]))
    },
    distinct: async () => [...new Set(users.extract('city'))],
    addIndex: async () => users.ensureIndex('score'),
    removeIndex: async () => delete users.binaryIndices.score,
    increment: async (id) => increment(users.by('_id', id)),
    incrementMany: async (ids) => ids.forEach((id) => increment(users.by('_id', id))),
    incrementBelow: async (score) => {
      const found = users.find({ score: { $lt: score } })
      found.forEach(increment)
      return found.length
    },
    remove: async (id) => users.remove(users.by('_id', id)),
    close: async () => {
      await settled('saveDatabase')
      await settled('close')
    }
  }
}

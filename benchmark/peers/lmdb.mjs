// lmdb-js with shared structures. It has no indexes and no queries: two more tables (age and city to ids) are kept by hand,
// in the same transactions, and scans are loops with a JavaScript predicate.
import { readFileSync } from 'node:fs'
import { open as openLmdb } from 'lmdb'

export const title = 'lmdb'
export const version = JSON.parse(
  readFileSync(new URL('../node_modules/lmdb/package.json', import.meta.url), 'utf8')
).version
export const settings =
  'shared structures, defaults (durable: overlappingSync off, so a commit is fsynced before it resolves); indexes on city and age by hand'
export const durable = true
export const start = 'lmdb'

export async function open(directory, mode) {
  const root = openLmdb({ path: directory, ...(mode === 'durable' ? { overlappingSync: false } : {}) })
  const db = root.openDB({ name: 'users', sharedStructuresKey: Symbol.for('structures') })
  const indexes = {}
  if (mode !== 'durable') {
    for (const name of ['city', 'age']) indexes[name] = root.openDB({ name, dupSort: true, encoding: 'ordered-binary' })
  }
  const { city: byCity, age: byAge } = indexes
  const put = (document) => {
    db.put(document._id, document)
    byCity?.put(document.city, document._id)
    byAge?.put(document.age, document._id)
  }
  const incrementNow = (id) => {
    const document = db.get(id)
    byAge.remove(document.age, id)
    byAge.put(document.age + 1, id)
    db.put(id, { ...document, age: document.age + 1 })
  }
  function* all() {
    for (const { value } of db.getRange()) yield value
  }
  const rangeSync = (from, to, limit) => {
    const found = []
    for (const { value } of byAge.getRange({ start: from, end: to + 1, limit })) found.push(db.get(value))
    return found
  }
  let extra
  return {
    load: (batch) =>
      db.transaction(() => {
        for (const document of batch) put(document)
      }),
    settle: () => db.flushed,
    get: async (id) => db.get(id),
    getSync: (id) => db.get(id),
    getMany: (ids) => db.getMany(ids),
    insert: (document) => db.put(document._id, document),
    findCity: async (city) => {
      const found = []
      for (const id of byCity.getValues(city)) found.push(db.get(id))
      return found
    },
    range: async (from, to, limit) => rangeSync(from, to, limit),
    keys: async (from, limit) => [...db.getRange({ start: from, limit })].map(({ value }) => value),
    rangeSync,
    findBelow: async (score) => {
      const found = []
      for (const document of all()) if (document.score < score) found.push(document)
      return found
    },
    countBelow: async (score) => {
      let count = 0
      for (const document of all()) if (document.score < score) count++
      return count
    },
    countAges: async (from, to) => byAge.getCount({ start: from, end: to + 1 }),
    group: async () => {
      const sums = new Map()
      for (const { city, score } of all()) {
        const entry = sums.get(city) ?? { sum: 0, count: 0 }
        entry.sum += score
        entry.count++
        sums.set(city, entry)
      }
      return new Map([...sums].map(([city, { sum, count }]) => [city, sum / count]))
    },
    distinct: async () => [...byCity.getKeys()],
    addIndex: async () => {
      extra = root.openDB({ name: 'score', dupSort: true, encoding: 'ordered-binary' })
      await db.transaction(() => {
        for (const { _id, score } of all()) extra.put(score, _id)
      })
    },
    removeIndex: () => extra.drop(),
    increment: (id) => db.transaction(() => incrementNow(id)),
    incrementMany: (ids) => db.transaction(() => ids.forEach(incrementNow)),
    incrementBelow: (score) =>
      db.transaction(() => {
        const ids = []
        for (const document of all()) if (document.score < score) ids.push(document._id)
        ids.forEach(incrementNow)
        return ids.length
      }),
    incrementSync: (id) => db.transactionSync(() => incrementNow(id)),
    transaction: (ids) => db.transaction(() => ids.forEach(incrementNow)),
    transactionSync: (ids) => db.transactionSync(() => ids.forEach(incrementNow)),
    readTransaction: async (ids) => ids.filter((id) => db.get(id) !== undefined).length,
    remove: (id) =>
      db.transaction(() => {
        const document = db.get(id)
        byCity.remove(document.city, id)
        byAge.remove(document.age, id)
        db.remove(id)
      }),
    close: () => root.close()
  }
}

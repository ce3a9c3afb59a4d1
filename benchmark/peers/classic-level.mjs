// classic-level: LevelDB with JSON values. It has no indexes and no queries; the table compares its writes by key, memory
// and bytes on disk, so it keeps no index and scans with a JavaScript predicate.
import { createRequire } from 'node:module'
import { ClassicLevel } from 'classic-level'

export const title = 'classic-level'
export const version = createRequire(import.meta.url)('classic-level/package.json').version
export const settings = 'JSON values, compressed blocks, no fsync of a write (durable: sync), no indexes'
export const durable = true
export const start = 'classic-level'

export async function open(directory, mode) {
  const db = new ClassicLevel(directory, { valueEncoding: 'json' })
  await db.open()
  const written = { sync: mode === 'durable' }
  const below = async (score) => {
    const found = []
    for await (const document of db.values()) if (document.score < score) found.push(document)
    return found
  }
  const aged = (document) => ({ type: 'put', key: document._id, value: { ...document, age: document.age + 1 } })
  const incrementAll = async (documents) => {
    await db.batch(documents.map(aged), written)
    return documents.length
  }
  return {
    load: (batch) => db.batch(batch.map((value) => ({ type: 'put', key: value._id, value }))),
    settle: async () => {},
    get: async (id) => (await db.get(id)) ?? null,
    getSync: db.getSync === undefined ? undefined : (id) => db.getSync(id),
    getMany: (ids) => db.getMany(ids),
    insert: (document) => db.put(document._id, document, written),
    findCity: async (city) => {
      const found = []
      for await (const document of db.values()) if (document.city === city) found.push(document)
      return found
    },
    findBelow: below,
    countBelow: async (score) => (await below(score)).length,
    group: async () => {
      const sums = new Map()
      for await (const { city, score } of db.values()) {
        const entry = sums.get(city) ?? { sum: 0, count: 0 }
        entry.sum += score
        entry.count++
        sums.set(city, entry)
      }
      return new Map([...sums].map(([city, { sum, count }]) => [city, sum / count]))
    },
    distinct: async () => {
      const found = new Set()
      for await (const { city } of db.values()) found.add(city)
      return [...found]
    },
    increment: async (id) => incrementAll([await db.get(id)]),
    incrementMany: async (ids) => incrementAll(await db.getMany(ids)),
    incrementBelow: async (score) => incrementAll(await below(score)),
    remove: (id) => db.del(id, written),
    compact: () => db.compactRange('', '\u{10ffff}'),
    close: () => db.close()
  }
}

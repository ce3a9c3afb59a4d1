// lmdb-js with shared structures. A find is a scan with a JavaScript predicate: it has no queries.
import { readFileSync } from 'node:fs'
import { open as openLmdb } from 'lmdb'

export const title = 'lmdb'
export const version = JSON.parse(
  readFileSync(new URL('../node_modules/lmdb/package.json', import.meta.url), 'utf8')
).version
export const settings = 'shared structures, defaults (durable: overlappingSync off, so a commit is fsynced before it resolves)'
export const durable = true

export async function open(directory, mode) {
  const db = openLmdb({
    path: directory,
    sharedStructuresKey: Symbol.for('structures'),
    ...(mode === 'durable' ? { overlappingSync: false } : {})
  })
  return {
    load: (batch) =>
      db.transaction(() => {
        for (const document of batch) db.put(document._id, document)
      }),
    settle: () => db.flushed,
    get: async (id) => db.get(id),
    getSync: (id) => db.get(id),
    insert: (document) => db.put(document._id, document),
    find: async (city) => {
      const found = []
      for (const { value } of db.getRange()) if (value.city === city) found.push(value)
      return found
    },
    setScore: (id, score) => db.put(id, { ...db.get(id), score }),
    close: () => db.close()
  }
}

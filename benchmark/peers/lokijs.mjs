// LokiJS with its file adapter. It writes the whole file when asked to save: no durable insert to measure.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import Loki from 'lokijs'

export const title = 'lokijs'
export const version = createRequire(import.meta.url)('lokijs/package.json').version
export const settings = 'whole file saved at the end of a load and at close, no fsync; documents returned without a copy'
export const durable = false

export async function open(directory) {
  const db = new Loki(join(directory, 'data.json'), { adapter: new Loki.LokiFsAdapter() })
  const settled = (verb) =>
    new Promise((resolve, reject) => db[verb]((error) => (error ? reject(error) : resolve())))
  await new Promise((resolve, reject) => db.loadDatabase({}, (error) => (error ? reject(error) : resolve())))
  const users = db.getCollection('users') ?? db.addCollection('users', { unique: ['_id'] })
  const getSync = (id) => users.by('_id', id) ?? null
  return {
    load: async (batch) => users.insert(batch),
    settle: () => settled('saveDatabase'),
    get: async (id) => getSync(id),
    getSync,
    insert: async (document) => users.insert(document),
    find: async (city) => users.find({ city }),
    setScore: async (id, score) => {
      const document = users.by('_id', id)
      document.score = score
      return users.update(document)
    },
    close: async () => {
      await settled('saveDatabase')
      await settled('close')
    }
  }
}

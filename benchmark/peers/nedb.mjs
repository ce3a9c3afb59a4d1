// NeDB in its maintained fork. It never fsyncs a write, so it has no durable insert to measure.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import Datastore from '@seald-io/nedb'

export const title = '@seald-io/nedb'
export const version = createRequire(import.meta.url)('@seald-io/nedb/package.json').version
export const settings = 'append-only file, no fsync of a write'
export const durable = false

export async function open(directory) {
  const db = new Datastore({ filename: join(directory, 'data.nedb') })
  await db.loadDatabaseAsync()
  return {
    load: (batch) => db.insertAsync(batch),
    settle: async () => {},
    get: (id) => db.findOneAsync({ _id: id }),
    getSync: null,
    insert: (document) => db.insertAsync(document),
    find: (city) => db.findAsync({ city }),
    setScore: (id, score) => db.updateAsync({ _id: id }, { $set: { score } }),
    close: async () => {}
  }
}

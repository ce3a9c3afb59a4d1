// This package, as built in the root of the repository (`npm run build`).
import { readFileSync } from 'node:fs'
import { Database } from '../../index.mjs'

export const title = 'moltendb-node'
export const version = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
export const settings = "storage 'async' (durable: 'sync')"
export const durable = true

export async function open(directory, mode) {
  const db = await Database.open(directory, { storage: mode === 'durable' ? 'sync' : 'async' })
  const users = db.collection('users')
  return {
    load: (batch) => users.insertMany(batch),
    settle: () => db.flush(),
    get: (id) => users.get(id),
    getSync: (id) => users.getSync(id),
    insert: (document) => users.insertOne(document),
    find: (city) => users.find({ city }).toArray(),
    setScore: (id, score) => users.updateOne({ _id: id }, { $set: { score } }),
    close: () => db.close()
  }
}

// This package, as built in the root of the repository (`npm run build`).
import { readFileSync } from 'node:fs'
import { Database } from '../../index.mjs'

export const title = 'moltendb-node'
export const version = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
export const settings = "storage 'async' (durable: 'sync'); indexes on city and age"
export const durable = true
export const start = 'moltendb'

const AGED = { $inc: { age: 1 } }

export async function open(directory, mode, { memoryLimit, watched = false } = {}) {
  const history = watched ? { changes: {} } : undefined
  const db = await Database.open(directory, { storage: mode === 'durable' ? 'sync' : 'async', memoryLimit, history })
  const users = db.collection('users')
  if (mode === 'ordered') await users.createIndex({ _id: -1 })
  if (mode !== 'durable') await users.createIndexes([{ key: { city: 1 } }, { key: { age: 1 } }])
  return {
    load: (batch) => users.insertMany(batch),
    settle: () => db.flush(),
    get: (id) => users.get(id),
    getSync: (id) => users.getSync(id),
    getMany: (ids) => users.getMany(ids),
    insert: (document) => users.insertOne(document),
    findCity: (city) => users.find({ city }).toArray(),
    range: (from, to, limit) => users.find({ age: { $gte: from, $lte: to } }).sort({ age: 1 }).limit(limit).toArray(),
    keys: (from, limit) => users.find({ _id: { $gte: from } }).sort({ _id: 1 }).limit(limit).toArray(),
    rangeSync: (from, to, limit) => users.findSync({ age: { $gte: from, $lte: to } }, { sort: { age: 1 }, limit }),
    findBelow: (score) => users.find({ score: { $lt: score } }).toArray(),
    countBelow: (score) => users.countDocuments({ score: { $lt: score } }),
    countAges: (from, to) => users.countDocuments({ age: { $gte: from, $lte: to } }),
    group: async () => {
      const groups = await users.aggregate([{ $group: { _id: '$city', average: { $avg: '$score' } } }]).toArray()
      return new Map(groups.map(({ _id, average }) => [_id, average]))
    },
    distinct: () => users.distinct('city'),
    addIndex: () => users.createIndex({ score: 1 }),
    removeIndex: () => users.dropIndex('score_1'),
    increment: (id) => users.updateOne({ _id: id }, AGED),
    incrementMany: (ids) => users.updateMany({ _id: { $in: ids } }, AGED),
    incrementBelow: async (score) => (await users.updateMany({ score: { $lt: score } }, AGED)).modifiedCount,
    incrementSync: (id) => users.updateOneSync({ _id: id }, AGED),
    transaction: (ids) => db.transaction(async (tx) => {
      const own = tx.collection('users')
      for (const id of ids) {
        const { age } = await own.get(id)
        await own.updateOne({ _id: id }, { $set: { age: age + 1 } })
      }
    }),
    transactionSync: (ids) => db.transactionSync((tx) => {
      const own = tx.collection('users')
      for (const id of ids) own.updateOneSync({ _id: id }, { $set: { age: own.getSync(id).age + 1 } })
    }),
    readTransaction: (ids) => db.transaction(async (tx) => {
      const own = tx.collection('users')
      let found = 0
      for (const id of ids) if (await own.get(id)) found += 1
      return found
    }),
    watch: (pipeline, startAtOperationTime) => users.watch(pipeline, { startAtOperationTime }),
    remove: (id) => users.deleteOne({ _id: id }),
    compact: () => db.compact(),
    close: () => db.close()
  }
}

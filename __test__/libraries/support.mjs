// What the programs share: a database, and what stands for a MongoClient where a library asks for one.

import { ObjectId } from 'mongodb'

import { Database } from '../../index.mjs'

/** A database in memory whose ObjectIds are those of the driver's `bson`. */
export function open(options) {
  return Database.open(':memory:', { bson: { ObjectId }, pkFactory: { createPk: () => new ObjectId() }, ...options })
}

/** A client with the databases of an open one. */
export function clientOf(db) {
  return { db: (name) => (name === undefined || name === db.databaseName ? db : db.sibling(name)), close: async () => {} }
}

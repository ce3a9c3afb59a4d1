// The types of transactions and sessions; checked by the compiler, never run.

import type { ClientSession, Collection, Savepoint, Transaction, TransactionOptions } from '../index.js'
import { db, id, type User, users } from './types-model.js'

// The result of the function is that of the call.
const count: Promise<number> = db.transaction(async (tx) => tx.collection<User>('users').countDocuments())
void db.transaction(async (tx: Transaction) => {
  const own: Collection<User> = tx.collection<User>('users')
  const savepoint: Savepoint = await tx.savepoint()
  await own.updateOne({ _id: id }, { $inc: { age: 1 } })
  await tx.rollbackTo(savepoint)
}, { retries: 3, maxTimeMS: 1000, maxIdleMS: 100, signal: new AbortController().signal })
// @ts-expect-error -- no promise
void db.transaction(() => 5)
// @ts-expect-error -- no such option
void db.transaction(async () => {}, { retry: 3 })
// @ts-expect-error -- the fields of the collection's documents
void db.transaction(async (tx) => tx.collection<User>('users').findOne({ nme: 'x' }))
// @ts-expect-error -- a savepoint comes from the transaction
void db.transaction(async (tx) => tx.rollbackTo('a'))

const session: ClientSession = db.startSession({ causalConsistency: true })
const options: TransactionOptions = { readConcern: { level: 'snapshot' }, maxCommitTimeMS: 100 }
session.startTransaction(options)
void users.insertOne({} as User, { session })
void users.find({}, { session }).toArray()
void users.aggregate([], { session }).toArray()
void users.bulkWrite([], { session })
void users.get(id, { session })
const text: Promise<string> = session.withTransaction(async (own) => (own.inTransaction() ? 'yes' : 'no'), options)
// @ts-expect-error -- not a session
void users.insertOne({} as User, { session: {} })
// @ts-expect-error -- snapshot sessions are not there
db.startSession({ snapshot: true })
export { count, text }

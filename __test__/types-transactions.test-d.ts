// The types of transactions and sessions; checked by the compiler, never run.

import type { ClientSession, Collection, Database, Isolation, Savepoint, Transaction, TransactionOptions } from '../index.js'
import { db, id, type User, users } from './types-model.js'

// The result of the function is that of the call.
const count: Promise<number> = db.transaction(async (tx) => tx.collection<User>('users').countDocuments())
void db.transaction(async (tx: Transaction) => {
  const own: Collection<User> = tx.collection<User>('users')
  const savepoint: Savepoint = await tx.savepoint()
  await own.updateOne({ _id: id }, { $inc: { age: 1 } })
  await tx.rollbackTo(savepoint)
}, { retries: 3, maxTimeMS: 1000, maxIdleMS: 100, signal: new AbortController().signal, isolation: 'serializable' })
// @ts-expect-error -- it is spelt with a z
void db.transaction(async () => {}, { isolation: 'serialisable' })
// @ts-expect-error -- no promise
void db.transaction(() => 5)
// @ts-expect-error -- no such option
void db.transaction(async () => {}, { retry: 3 })
// @ts-expect-error -- the fields of the collection's documents
void db.transaction(async (tx) => tx.collection<User>('users').findOne({ nme: 'x' }))
// @ts-expect-error -- a savepoint comes from the transaction
void db.transaction(async (tx) => tx.rollbackTo('a'))

const session: ClientSession = db.startSession({ causalConsistency: true })
const options: TransactionOptions = { readConcern: { level: 'snapshot' }, maxCommitTimeMS: 100, isolation: 'snapshot' }
const isolation: Isolation = 'serializable'
void db.startSession({ defaultTransactionOptions: { isolation } })
void db.transactionSync(() => 1, { isolation })
void db.stats().then(({ transactions: { open, oldestAge, bytes, commits, aborts, conflicts } }): number => open + oldestAge + bytes + commits + aborts + conflicts)
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

// Synchronous transactions return what their function returns, and take no function that returns a promise for granted.
{
  const name: string = db.transactionSync((tx) => {
    const people = tx.collection<{ _id: string; name: string; age: number }>('people')
    const { insertedId } = people.insertOneSync({ _id: 'a', name: 'Ada', age: 36 })
    people.updateOneSync({ _id: insertedId }, { $inc: { age: 1 } })
    const version: number = people.setSync('b', { name: 'Bob', age: 2 })
    const gone: boolean = people.deleteSync('b', { ifVersion: version })
    // @ts-expect-error
    people.updateOneSync({ _id: 'a' }, { $inc: { name: 1 } })
    // @ts-expect-error
    people.insertOneSync({ _id: 5, name: 'x', age: 1 })
    return gone ? people.getSync('a')!.name : 'none'
  }, { retries: 3 })
  void name
  // @ts-expect-error
  db.transactionSync((tx) => tx.collection('a'), { maxTimeMS: 5 })
}

// Another database of the directory is a database; a transaction reaches it.
{
  const other: Database = db.sibling('other')
  void db.transaction(async (tx) => tx.sibling('other').collection<{ _id: string; n: number }>('a').findOne({ n: 1 }))
  const n: number = db.transactionSync((tx) => tx.sibling('other').collection<{ _id: string; n: number }>('a').getSync('x')!.n)
  void n
  void other.listDatabases().then(({ databases, totalSize }) => databases.map(({ name, sizeOnDisk }) => name.length + sizeOnDisk + totalSize))
  void other.listDatabases({ nameOnly: true, filter: { name: 'a' } }).then(({ databases }) => {
    const names: string[] = databases.map(({ name }) => name)
    // @ts-expect-error
    void databases[0]?.sizeOnDisk
    return names
  })
  // @ts-expect-error
  db.sibling(1)
  // @ts-expect-error
  void db.listDatabases({ nameonly: true })
  void db.stats().then(({ databases }) => databases.map(({ name, collections, documents }) => name + collections + documents))
}

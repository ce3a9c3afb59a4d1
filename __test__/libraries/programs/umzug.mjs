// Migrations with umzug: executed ones are remembered in a collection, and taken back in reverse order.

import assert from 'node:assert/strict'

import { MongoDBStorage, Umzug } from 'umzug'

import { open } from '../support.mjs'

const db = await open()
const users = db.collection('users')
const migrations = [
  { name: '1-users', up: async () => users.insertMany([{ name: 'ann' }, { name: 'bob' }]), down: async () => users.drop() },
  { name: '2-email', up: async () => users.updateMany({}, [{ $set: { email: { $concat: ['$name', '@example.org'] } } }]), down: async () => users.updateMany({}, { $unset: { email: '' } }) },
  { name: '3-unique', up: async () => users.createIndex({ email: 1 }, { unique: true }), down: async () => users.dropIndex('email_1') }
]
const umzug = new Umzug({ migrations, storage: new MongoDBStorage({ collection: db.collection('migrations') }), logger: undefined })
assert.equal((await umzug.up()).length, 3)
assert.deepEqual((await umzug.executed()).map(({ name }) => name), ['1-users', '2-email', '3-unique'])
assert.deepEqual(await users.distinct('email'), ['ann@example.org', 'bob@example.org'])
await assert.rejects(users.insertOne({ email: 'ann@example.org' }), { code: 11000 })
await umzug.down({ to: '2-email' })
assert.deepEqual((await umzug.pending()).map(({ name }) => name), ['2-email', '3-unique'])
assert.equal(await users.countDocuments({ email: { $exists: true } }), 0)
assert.equal((await umzug.up()).length, 2)
await db.close()

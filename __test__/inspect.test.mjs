// Consoles show what a handle is of, and nothing secret or long.

import { inspect } from 'node:util'

import test from 'ava'

import { memory } from './support/database.mjs'

test('databases, collections and cursors show what they are of', async (t) => {
  const db = await memory(t)
  const users = db.collection('users')
  t.is(inspect(db), "Database { path: ':memory:', storage: 'memory', closed: false }")
  t.is(inspect(users), "Collection { namespace: 'memory.users' }")
  t.is(
    inspect(users.find({ age: 5 }).sort({ age: -1 }).limit(2), { breakLength: Infinity }),
    "FindCursor { namespace: 'memory.users', filter: { age: 5 }, sort: [ [ 'age', -1 ] ], limit: 2, closed: false }"
  )
  t.is(
    inspect(users.aggregate([{ $match: { age: 5 } }]), { breakLength: Infinity, compact: 9, depth: 5 }),
    "AggregationCursor { namespace: 'memory.users', pipeline: [ { '$match': { age: 5 } } ], closed: false }"
  )
  t.is(inspect(users.listIndexes()), "ListCursor { of: 'users.listIndexes', closed: false }")
  const cursor = users.find()
  await cursor.toArray()
  t.is(inspect(cursor), "FindCursor { namespace: 'memory.users', filter: {}, closed: true }")
  await db.close()
  t.is(inspect(db), "Database { path: ':memory:', storage: 'memory', closed: true }")
})

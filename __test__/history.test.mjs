// The versions that a document had.

import test from 'ava'

import { Database, directory, memory, onDisk } from './support/database.mjs'

async function versions(collection, id, options) {
  const all = []
  for await (const version of collection.history(id, options)) all.push(version)
  return all
}

const shape = (all) => all.map(({ version, operation, document }) => [version, operation, document])

test('history tells each version of a document and its deletions, in order', async (t) => {
  const path = directory(t)
  let db = await Database.open(path, { history: { changes: {} } })
  const users = () => db.collection('users')
  await users().insertOne({ _id: 'a', n: 1 })
  await users().insertOne({ _id: 'b', n: 1 })
  await users().updateOne({ _id: 'a' }, { $set: { n: 2 } })
  await users().replaceOne({ _id: 'a' }, { m: 3 })
  await users().deleteOne({ _id: 'a' })
  await users().insertOne({ _id: 'a', again: true })
  const expected = [
    [1, 'insert', { _id: 'a', n: 1 }], [2, 'update', { _id: 'a', n: 2 }], [3, 'replace', { _id: 'a', m: 3 }], [null, 'delete', null], [1, 'insert', { _id: 'a', again: true }]
  ]
  t.deepEqual(shape(await versions(users(), 'a')), expected)
  t.deepEqual(shape(await versions(users(), 'a', { batchSize: 1 })), expected)
  t.deepEqual(await versions(users(), 'none'), [])
  const [first] = await versions(users(), 'a')
  t.true(first.time instanceof Date && Number.isInteger(first.lsn))
  await db.compact()
  await db.close()
  db = await Database.open(path)
  t.teardown(() => db.close())
  t.deepEqual(shape(await versions(users(), 'a')), expected)
  await users().drop()
  t.deepEqual(shape(await versions(users(), 'a')).at(-1), [null, 'drop', null])
})

test('the history of a name tells a collection that comes to it with the document, and one that leaves it', async (t) => {
  for (const db of [await memory(t), await onDisk(t)]) {
    db.watch()
    const [x, z, w] = ['x', 'z', 'w'].map((name) => db.collection(name))
    await x.insertOne({ _id: 1, v: 'of x' })
    await x.updateOne({ _id: 1 }, { $set: { v: 'again' } })
    await z.insertOne({ _id: 1, v: 'of z' })
    await x.rename('z', { dropTarget: true })
    t.deepEqual(shape(await versions(z, 1)), [[1, 'insert', { _id: 1, v: 'of z' }], [null, 'drop', null], [2, 'rename', { _id: 1, v: 'again' }]])
    t.deepEqual(shape(await versions(x, 1)), [[1, 'insert', { _id: 1, v: 'of x' }], [2, 'update', { _id: 1, v: 'again' }], [null, 'rename', null]])
    await z.rename('w')
    t.deepEqual(shape(await versions(w, 1)), [[2, 'rename', { _id: 1, v: 'again' }]])
    t.deepEqual(shape(await versions(z, 1, { batchSize: 1 })).at(-1), [null, 'rename', null])
    await w.updateOne({ _id: 1 }, { $set: { v: 'in w' } })
    await w.deleteOne({ _id: 1 })
    await w.rename('v')
    t.deepEqual(shape(await versions(w, 1)).map(([, operation]) => operation), ['rename', 'update', 'delete', 'rename'])
    t.deepEqual(await versions(db.collection('v'), 1), [])
  }
})

test('history ends with the state at its call, and an _id may be any value', async (t) => {
  const db = await memory(t)
  db.watch()
  const items = db.collection('items')
  const id = { a: 1, b: 'x' }
  await items.insertOne({ _id: id, n: 0 })
  const told = []
  for await (const version of items.history(id, { batchSize: 1 })) {
    told.push(version.document.n)
    if (told.length < 5) await items.updateOne({ _id: id }, { $inc: { n: 1 } })
  }
  t.deepEqual(told, [0])
  t.throws(() => items.history(undefined), { instanceOf: TypeError })
  t.throws(() => items.history(1, { batchSizes: 1 }), { instanceOf: TypeError, message: /batchSize/ })
})

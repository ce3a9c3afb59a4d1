// The stack of an error contains the function of the program that called or awaits the operation. The result arrives in a
// call of the core, whose stack contains no function of the program.

import test from 'ava'

import { collection, Database, directory, memory } from './support/database.mjs'

async function failsIn(t, name, call) {
  async function functionOfTheProgram() {
    return await call()
  }
  const error = await t.throwsAsync(functionOfTheProgram, undefined, name)
  t.regex(error.stack, /functionOfTheProgram/, `${name}: ${error.stack}`)
  return error
}

test('errors of operations name the function that awaits them', async (t) => {
  const things = await collection(t, [{ _id: 1, a: 'x' }])
  const bad = { a: { $nothing: 1 } }
  const calls = {
    insertOne: () => things.insertOne({ _id: 1 }),
    insertMany: () => things.insertMany([{ _id: 1 }]),
    bulkWrite: () => things.bulkWrite([{ insertOne: { document: { _id: 1 } } }]),
    findOne: () => things.findOne(bad),
    updateOne: () => things.updateOne({}, { $inc: { a: 1 } }),
    updateMany: () => things.updateMany({}, { $nothing: { a: 1 } }),
    replaceOne: () => things.replaceOne(bad, {}),
    findOneAndUpdate: () => things.findOneAndUpdate(bad, { $set: { a: 1 } }),
    deleteMany: () => things.deleteMany(bad),
    countDocuments: () => things.countDocuments(bad),
    distinct: () => things.distinct('a', bad),
    'find().toArray': () => things.find(bad).toArray(),
    'find().next': () => things.find(bad).next(),
    'find().count': () => things.find(bad).count(),
    'find().explain': () => things.find(bad).explain(),
    'for await': async () => {
      for await (const document of things.find(bad)) void document
    },
    'forEach': () => things.find(bad).forEach(() => {}),
    aggregate: () => things.aggregate([{ $nothing: 1 }]).toArray(),
    createIndex: () => things.createIndex({ a: 'text' }),
    dropIndex: () => things.dropIndex('none'),
    set: () => things.set(1, {}, { ifVersion: 9 }),
    'Promise.all': () => Promise.all([things.insertOne({ _id: 1 }), things.get(1)]),
    backup: () => things.db.backup(import.meta.dirname),
    'Database.open': () => Database.open(directory(t), { createIfMissing: false }),
    listCollections: () => things.db.listCollections(bad).toArray()
  }
  for (const [name, call] of Object.entries(calls)) await failsIn(t, name, call)
})

test('errors of synchronous methods name the function that called', async (t) => {
  const things = await collection(t, [{ _id: 1 }])
  for (const call of [() => things.findSync({ a: { $nothing: 1 } }), () => things.findOneSync({ a: { $nothing: 1 } }), () => things.countSync({ a: { $nothing: 1 } }), () => things.getSync([])]) {
    function functionOfTheProgram() {
      return call()
    }
    const error = t.throws(functionOfTheProgram)
    t.regex(error.stack, /functionOfTheProgram/)
  }
})

test('an error that nobody awaits has a stack, and one of an aborted operation is not left unhandled', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  await things.insertOne({ _id: 1 })
  const { promise, resolve } = Promise.withResolvers?.() ?? deferred()
  things.insertOne({ _id: 1 }).catch(resolve)
  t.regex((await promise).stack, /^MoltenError: E11000[^\n]*\n +at /)
  const unhandled = []
  const listener = (reason) => unhandled.push(reason)
  process.on('unhandledRejection', listener)
  const controller = new AbortController()
  const insert = things.insertOne({ _id: 1 }, { signal: controller.signal })
  controller.abort(new Error('enough'))
  await t.throwsAsync(insert, { message: 'enough' })
  await new Promise((done) => setTimeout(done, 50))
  process.off('unhandledRejection', listener)
  t.deepEqual(unhandled, [])
})

function deferred() {
  let resolve
  const promise = new Promise((settle) => (resolve = settle))
  return { promise, resolve }
}

// A small suite as a program has it, for any test runner: ten operations, each in memory and on disk, and what the runner's realm makes of the
// values. Half of the databases in memory are left open, which must keep no run alive. It loads nothing, so that every runner evaluates it in its own realm.

/** Each operation works on an empty collection. */
const operations = {
  async 'inserts and gets'(users, { equal }) {
    const document = { _id: 'u1', name: 'Ada', at: new Date(5), list: [1, { a: [null] }], big: 5n, nested: { deep: { yes: true } } }
    await users.insertOne(document)
    equal(await users.get('u1'), document)
    equal(await users.findOne({ 'nested.deep.yes': true }), document)
  },

  async 'finds sorted'(users, { equal }) {
    await users.insertMany(Array.from({ length: 200 }, (_, at) => ({ _id: at, age: at % 10 })))
    const found = await users.find({ age: { $gte: 8 } }).sort({ age: -1, _id: 1 }).limit(3).toArray()
    equal(found, [{ _id: 9, age: 9 }, { _id: 19, age: 9 }, { _id: 29, age: 9 }])
  },

  async updates(users, { equal }) {
    await users.insertOne({ _id: 1, count: 1 })
    await users.updateOne({ _id: 1 }, { $inc: { count: 2 }, $push: { tags: 'x' } })
    equal(await users.get(1), { _id: 1, count: 3, tags: ['x'] })
  },

  async upserts(users, { equal }) {
    await Promise.all(Array.from({ length: 20 }, () => users.updateOne({ name: 'one' }, { $inc: { times: 1 } }, { upsert: true })))
    equal((await users.find({}, { projection: { _id: 0 } }).toArray()), [{ name: 'one', times: 20 }])
  },

  async deletes(users, { equal }) {
    await users.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }])
    equal((await users.deleteMany({ _id: { $lt: 3 } })).deletedCount, 2)
    equal(await users.countDocuments(), 1)
  },

  async 'refuses duplicates'(users, { equal, instance, MoltenError }) {
    await users.createIndex({ email: 1 }, { unique: true })
    await users.insertOne({ _id: 1, email: 'a@b' })
    const error = await rejection(users.insertOne({ _id: 2, email: 'a@b' }))
    instance(error, MoltenError)
    equal([error.kind, error.code, error.keyValue], ['DUPLICATE_KEY', 11000, { email: 'a@b' }])
  },

  async aggregates(users, { equal }) {
    await users.insertMany(Array.from({ length: 30 }, (_, at) => ({ _id: at, of: at % 3 })))
    const groups = await users.aggregate([{ $group: { _id: '$of', sum: { $sum: '$_id' } } }, { $sort: { _id: 1 } }]).toArray()
    equal(groups, [{ _id: 0, sum: 135 }, { _id: 1, sum: 145 }, { _id: 2, sum: 155 }])
  },

  async 'writes in bulk'(users, { equal }) {
    const result = await users.bulkWrite([{ insertOne: { document: { _id: 1 } } }, { updateOne: { filter: { _id: 1 }, update: { $set: { a: 1 } } } }])
    equal([result.insertedCount, result.modifiedCount], [1, 1])
  },

  async iterates(users, { equal }) {
    await users.insertMany(Array.from({ length: 500 }, (_, at) => ({ _id: at })))
    let sum = 0
    for await (const { _id } of users.find({}, { batchSize: 50 })) sum += _id
    equal(sum, 124_750)
  },

  async 'finds and changes'(users, { equal }) {
    await users.insertOne({ _id: 1, state: 'new' })
    const after = await users.findOneAndUpdate({ state: 'new' }, { $set: { state: 'taken' } }, { returnDocument: 'after' })
    equal(after, { _id: 1, state: 'taken' })
    equal(await users.distinct('state'), ['taken'])
  }
}

/** Everything that a runner may have its own class of, read from a database. */
async function instances(users, { equal, instance, MoltenError, ObjectId }) {
  const document = { _id: new ObjectId(), at: new Date(5), list: [1, [2]], nested: { a: 1 }, bytes: Buffer.from('abc') }
  const inserted = users.insertOne(document)
  instance(inserted, Promise)
  await inserted
  const found = await users.findOne({})
  equal(found, document)
  for (const [value, type] of [[found, Object], [found.nested, Object], [found.at, Date], [found.list, Array], [found.list[1], Array], [found.bytes, Buffer], [found._id, ObjectId]]) instance(value, type)
  equal(Object.getPrototypeOf(found) === Object.prototype, true)
  const refused = await rejection(users.insertOne(document))
  instance(refused, MoltenError)
  instance(refused, Error)
  instance(await rejection(users.get()), TypeError)
}

/** Runs in a thread of its own, which gets the package's path. */
const THREAD = `
  const { workerData: { path, script } } = require('node:worker_threads')
  require(script).Database.open(path).then(async (db) => {
    await db.collection('users').insertOne({ _id: 'thread' })
    await db.close()
  })`

/** The error of a promise that must reject. */
function rejection(promise) {
  return promise.then(() => { throw new Error('it did not reject') }, (error) => error)
}

/**
 * The tests as pairs of a name and a function. `checks` are the runner's: `equal`, which compares strictly and loosely, and `instance`;
 * `path()` answers a new folder, `script` is where the package is for threads.
 */
module.exports = function suite({ Database, MoltenError, ObjectId }, { checks, path, script, Worker }) {
  const all = { ...checks, MoltenError, ObjectId }
  const tests = []
  for (const [at, [name, operation]] of Object.entries(operations).entries()) {
    tests.push([`${name}, in memory${at % 2 ? ', left open' : ''}`, async () => {
      const db = await Database.open(':memory:')
      await operation(db.collection('users'), all)
      if (at % 2 === 0) await db.close()
    }])
    tests.push([`${name}, on disk`, async () => {
      const folder = path()
      const db = await Database.open(folder)
      await operation(db.collection('users'), all)
      const count = await db.collection('users').countDocuments()
      await db.close()
      const again = await Database.open(folder)
      checks.equal(await again.collection('users').countDocuments(), count)
      await again.close()
    }])
  }
  tests.push(['values and errors are of the classes of the test', async () => {
    const db = await Database.open(':memory:')
    await instances(db.collection('users'), all)
    await db.close()
  }])
  tests.push(['a database is put back between tests, and forked for each', async () => {
    const db = await Database.open(':memory:')
    const users = db.collection('users')
    await users.createIndex({ email: 1 }, { unique: true })
    await users.insertMany([{ _id: 1, email: 'a' }, { _id: 2, email: 'b' }])
    const snapshot = await db.snapshot()
    for (const [, operation] of Object.entries(operations)) {
      await operation(db.collection('others'), all)
      await users.deleteMany({})
      await users.dropIndexes()
      await db.restore(snapshot)
      checks.equal(await users.find().toArray(), [{ _id: 1, email: 'a' }, { _id: 2, email: 'b' }])
      checks.equal((await db.listCollections().toArray()).length, 1)
    }
    const fork = await db.fork()
    await fork.collection('users').deleteMany({})
    checks.equal(await users.countDocuments(), 2)
    const foreign = await rejection(fork.restore(snapshot))
    checks.instance(foreign, TypeError)
    await fork.close()
    await db.close()
  }])
  tests.push(['a worker thread opens the same directory', async () => {
    const folder = path()
    const db = await Database.open(folder)
    const thread = new Worker(THREAD, { eval: true, workerData: { path: folder, script } })
    const code = await new Promise((resolve, reject) => thread.once('error', reject).once('exit', resolve))
    checks.equal([code, await db.collection('users').get('thread')], [0, { _id: 'thread' }])
    await db.close()
  }])
  return tests
}

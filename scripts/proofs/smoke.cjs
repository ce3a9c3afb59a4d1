// What an installed package must do, whatever runs it: storage on disk, each type of value, an index, a pipeline, errors, a worker, reopening.
// `node smoke.cjs [folder]`; without a name of a method it needs nothing but the package.

const assert = require('node:assert/strict')
const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { Worker } = require('node:worker_threads')

const { Database, MoltenError, ObjectId } = require('moltendb-node')

const inWorker = `
  const { workerData } = require('node:worker_threads')
  const { Database } = require(workerData.package)
  Database.open(workerData.path, { storage: 'sync' })
    .then(async (db) => { await db.collection('users').insertOne({ _id: 'worker', age: 1 }); await db.close() })`

async function fromWorker(path) {
  const worker = new Worker(inWorker, { eval: true, workerData: { path, package: require.resolve('moltendb-node') } })
  await new Promise((resolve, reject) => worker.once('error', reject).once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`worker: ${code}`)))))
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'moltendb-smoke-'))
  try {
    const path = join(folder, 'db')
    const db = await Database.open(path, { storage: 'sync' })
    const users = db.collection('users')
    const first = { _id: new ObjectId(), name: 'Ada', age: 36, born: new Date(0), bytes: Buffer.from([1, 2, 3]), big: 2n ** 60n, tags: ['a', { b: null }] }
    await users.insertOne(first)
    await users.insertMany(Array.from({ length: 1_000 }, (_, at) => ({ _id: at, age: at % 90, name: `n${at}` })))
    await users.createIndex({ name: 1 }, { unique: true })
    const found = await users.findOne({ _id: first._id })
    assert.equal(String(found._id), String(first._id))
    assert.ok(found.born instanceof Date && found.big === first.big && Buffer.compare(found.bytes, first.bytes) === 0)
    const error = await users.insertOne({ name: 'Ada' }).then(() => undefined, (refused) => refused)
    assert.ok(error instanceof MoltenError && error.kind === 'DUPLICATE_KEY' && error.code === 11000)
    const [group] = await users.aggregate([{ $group: { _id: null, count: { $sum: 1 } } }]).toArray()
    assert.equal(group.count, 1_001)
    assert.deepEqual((await users.find({ age: { $gte: 88 } }).sort({ _id: 1 }).limit(2).toArray()).map(({ _id }) => _id), [88, 89])
    await fromWorker(path)
    assert.equal((await users.get('worker')).age, 1)
    await db.close()
    const again = await Database.open(path)
    assert.equal(await again.collection('users').countDocuments({}), 1_002)
    assert.equal(again.recovery.clean, true)
    await again.compact()
    await again.close()
    await Database.open(join(folder, 'left open')).then((left) => left.collection('c').insertOne({}))
  } finally {
    // Windows removes no file that is open, and one database was left open.
    if (process.platform !== 'win32') process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  }
  console.log('ok')
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})

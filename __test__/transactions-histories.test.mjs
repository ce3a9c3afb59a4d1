// Random transactions of many callers and threads on lists and on accounts, judged by what they saw. `TRANSACTIONS` sets how many
// each test runs, `SEED` the first seed.

import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

import test from 'ava'

import { generator } from './crash/ledger.mjs'
import { findAnomalies, hasSkew } from './histories/checker.mjs'
import { runClients } from './histories/clients.mjs'
import { Database, directory } from './support/database.mjs'

const TRANSACTIONS = Number(process.env.TRANSACTIONS ?? 1500)
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
test.beforeEach((t) => t.log(`SEED=${SEED}`))

const committed = (id, begin, end, ...operations) => ({ id, begin, end, isCommitted: true, operations })
const aborted = (id, begin, end, ...operations) => ({ id, begin, end, isCommitted: false, operations })

/** Each is what no snapshot shows. */
const ANOMALIES = {
  'a write of half a transaction (G0)': {
    history: [committed('a', 0, 9, ['append', 'x', 1], ['append', 'y', 1]), committed('b', 1, 8, ['append', 'x', 2], ['append', 'y', 2])],
    final: { x: [1, 2], y: [2, 1] }
  },
  'an aborted read (G1a)': { history: [aborted('a', 0, 3, ['append', 'x', 1]), committed('b', 1, 2, ['read', 'x', [1]])], final: { x: [] } },
  'an intermediate read (G1b)': {
    history: [committed('a', 0, 3, ['append', 'x', 1], ['append', 'x', 2]), committed('b', 1, 2, ['read', 'x', [1]])], final: { x: [1, 2] }
  },
  'circular information (G1c)': {
    history: [committed('a', 0, 9, ['append', 'x', 1], ['read', 'y', [1]]), committed('b', 1, 8, ['append', 'y', 1], ['read', 'x', [1]])],
    final: { x: [1], y: [1] }
  },
  'read skew (G-single)': {
    history: [committed('a', 0, 9, ['append', 'x', 1], ['append', 'y', 1]), committed('b', 1, 8, ['read', 'x', []], ['read', 'y', [1]])],
    final: { x: [1], y: [1] }
  },
  'a lost update': { history: [committed('a', 0, 9, ['append', 'x', 1]), committed('b', 1, 8, ['append', 'x', 2])], final: { x: [2] } },
  'a value of nobody': { history: [], final: { x: [1] } },
  'a state older than what was acknowledged': {
    history: [committed('a', 0, 1, ['append', 'x', 1]), committed('b', 2, 3, ['read', 'x', []])], final: { x: [1] }
  },
  'a write that is not seen by its own transaction': {
    history: [committed('a', 0, 1, ['append', 'x', 1], ['read', 'x', []])], final: { x: [1] }
  }
}

test('the checker finds each anomaly, and allows write skew to snapshots alone', (t) => {
  for (const [name, { history, final }] of Object.entries(ANOMALIES)) {
    t.is(findAnomalies(history, new Map(Object.entries(final))).length > 0, true, name)
  }
  const skew = [
    committed('a', 0, 9, ['read', 'x', []], ['append', 'y', 1]),
    committed('b', 1, 8, ['read', 'y', []], ['append', 'x', 1])
  ]
  const final = new Map([['x', [1]], ['y', [1]]])
  t.deepEqual(findAnomalies(skew, final), [])
  t.true(hasSkew(skew, final))
  t.regex(findAnomalies(skew.map((one) => ({ ...one, isSerializable: true })), final)[0], /^not serializable/)
})

/** All lists, by their keys. */
const final = async (db) => new Map((await db.collection('lists').find().toArray()).map(({ key, list }) => [key, list]))

const sum = (documents) => documents.reduce((total, { balance }) => total + balance, 0)

/** Compacts beside the transactions until `stop.isSet`. */
async function disturb(db, stop) {
  while (!stop.isSet) {
    await db.compact()
    await sleep(5)
  }
}

for (const isSerializable of [false, true]) {
  for (const memoryLimit of [undefined, 1]) {
    const kind = `${isSerializable ? 'serializable transactions' : 'transactions'}${memoryLimit ? ' with all documents on disk' : ''}`
    test(`${kind} of many callers in two threads never see what ${isSerializable ? 'no serial order' : 'no snapshot'} shows`, async (t) => {
      const open = [directory(t), { storage: 'async', ...(memoryLimit && { memoryLimit }) }]
      const db = await Database.open(...open)
      await db.collection('lists').createIndex({ key: 1 }, { unique: true })
      const places = 2
      const settings = { seed: SEED, count: Math.ceil(TRANSACTIONS / places), clients: 12, isSerializable, places }
      const worker = new Worker(new URL('./histories/clients.mjs', import.meta.url), { workerData: { open, lists: { ...settings, place: 1 } } })
      const fromWorker = once(worker, 'message')
      const stop = { isSet: false }
      const beside = disturb(db, stop)
      const history = [...await runClients(db, { ...settings, place: 0 }), ...(await fromWorker)[0]]
      stop.isSet = true
      await beside
      const state = await final(db)
      const found = findAnomalies(history, state)
      await db.close()
      const again = await Database.open(...open)
      t.deepEqual(await final(again), state)
      await again.close()
      const commits = history.filter(({ isCommitted }) => isCommitted).length
      t.log(`${history.length} transactions, ${commits} committed, skew: ${hasSkew(history, state)}`)
      t.deepEqual(found.slice(0, 3), [])
      t.true(commits > history.length / 20)
    })
  }
}

test('accounts between which money moves have the same sum for every kind of read', async (t) => {
  const path = directory(t)
  const db = await Database.open(path, { storage: 'async' })
  t.teardown(() => db.close())
  const accounts = db.collection('accounts')
  const COUNT = 12
  await accounts.createIndex({ balance: 1 })
  await accounts.insertMany(Array.from({ length: COUNT }, (_, _id) => ({ _id, balance: 100 })))
  const { between, chance, pick } = generator(SEED)
  const stop = { isSet: false }
  const beside = disturb(db, stop)
  const group = [{ $group: { _id: null, total: { $sum: '$balance' } } }]
  const READS = {
    find: async (of) => sum(await of.find().batchSize(3).toArray()),
    sorted: async (of) => sum(await of.find({ balance: { $gte: -1e9 } }).sort({ balance: -1 }).batchSize(2).toArray()),
    group: async (of) => (await of.aggregate(group).next()).total,
    getMany: async (of) => sum(await of.getMany(Array.from({ length: COUNT }, (_, id) => id)))
  }
  let moved = 0
  let begun = 0
  const checks = []
  const client = async () => {
    while (begun < TRANSACTIONS) {
      begun += 1
      const [from, to, amount] = [between(0, COUNT - 1), between(0, COUNT - 1), between(0, 49)]
      const isRead = chance(1 / 3)
      const names = Object.keys(READS)
      try {
        if (isRead) {
          const name = pick(names)
          if (chance(1 / 2)) checks.push([name, await READS[name](accounts)])
          else await db.transaction(async (tx) => {
            const own = tx.collection('accounts')
            const seen = [await READS[name](own), await READS[pick(names)](own)]
            checks.push(...seen.map((total) => [`${name} in a transaction`, total]))
          }, { retries: 0 })
        } else if (from !== to) {
          await db.transaction(async (tx) => {
            const own = tx.collection('accounts')
            const { balance } = await own.get(from)
            if (balance < amount) return
            await own.updateOne({ _id: from }, { $set: { balance: balance - amount } })
            checks.push(['between two writes', (await READS.find(own)) + amount])
            await own.updateOne({ _id: to }, { $inc: { balance: amount } })
          }, { retries: 0 })
          moved += 1
        }
      } catch (error) {
        if (!error.hasErrorLabel?.('TransientTransactionError')) throw error
      }
    }
  }
  await Promise.all(Array.from({ length: 16 }, client))
  stop.isSet = true
  await beside
  t.deepEqual(checks.filter(([, total]) => total !== COUNT * 100).slice(0, 3), [])
  t.true(checks.length > TRANSACTIONS / 8)
  t.true(moved > TRANSACTIONS / 40)
  t.is((await accounts.find({ balance: { $lt: 0 } }).toArray()).length, 0)
  t.log(`${moved} moved, ${checks.length} sums`)
})

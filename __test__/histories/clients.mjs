// Clients that run random transactions on lists, several at a time, and tell what each saw. Runs in the thread that imports it, and
// in a worker thread that is given `workerData`.

import { setTimeout as sleep } from 'node:timers/promises'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'

import { generator } from '../crash/ledger.mjs'

/** Lists that are appended to at the same time, and how many values one is given before another takes its place. */
const ACTIVE = 6
const VALUES = 24

const now = () => Number(process.hrtime.bigint())

/** Runs `count` transactions by `clients` callers; `place` of `places` threads makes the values differ. */
export async function runClients(db, { seed, count, clients, isSerializable, place = 0, places = 1 }) {
  const { between, chance } = generator(seed + place)
  const history = []
  let value = place
  let begun = 0
  const nextKey = () => Math.floor((history.length * 1.5 * places) / VALUES) + between(0, ACTIVE - 1)
  const client = async (number) => {
    while (begun < count) {
      begun += 1
      const transaction = { id: `${place}.${number}.${begun}`, begin: now(), end: 0, isCommitted: false, isSerializable, operations: [] }
      const note = (...operation) => transaction.operations.push(operation)
      const steps = Array.from({ length: between(1, 5) }, () => ({ kind: between(0, 7), key: nextKey() }))
      const givesUp = chance(1 / 12)
      try {
        await db.transaction(async (tx) => {
          const lists = tx.collection('lists')
          const read = async (key, kind) => {
            const found = kind === 0 ? await lists.get(key) : kind === 1 ? await lists.findOne({ _id: key }) : (await lists.find({ key }).toArray())[0]
            const list = found?.list ?? []
            note('read', key, list)
            return list
          }
          for (const { kind, key } of steps) {
            if (kind < 3) await read(key, kind)
            else if (kind === 3) {
              const keys = [key, key + 1, key + 2]
              const found = new Map((await lists.find({ key: { $gte: key, $lt: key + 3 } }).toArray()).map(({ key: of, list }) => [of, list]))
              for (const of of keys) note('read', of, found.get(of) ?? [])
            } else {
              value += places
              const mine = value
              if (kind === 4) await lists.updateOne({ _id: key }, { $push: { list: mine }, $set: { key } }, { upsert: true })
              else if (kind === 5) await lists.findOneAndUpdate({ key }, { $push: { list: mine }, $setOnInsert: { _id: key } }, { upsert: true })
              else {
                const list = [...await read(key, between(0, 2)), mine]
                if (kind === 6) await lists.replaceOne({ _id: key }, { key, list }, { upsert: true })
                else await lists.set(key, { key, list })
              }
              note('append', key, mine)
            }
            if (chance(1 / 4)) await sleep(0)
          }
          if (givesUp) throw new GivenUp()
        }, { retries: 0, isolation: isSerializable ? 'serializable' : 'snapshot' })
        transaction.isCommitted = true
      } catch (error) {
        if (!(error instanceof GivenUp) && !error.hasErrorLabel?.('TransientTransactionError')) throw error
      }
      transaction.end = now()
      history.push(transaction)
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)))
  return history
}

class GivenUp extends Error {}

if (!isMainThread && workerData?.lists) {
  const { Database } = await import('../support/database.mjs')
  const db = await Database.open(...workerData.open)
  const history = await runClients(db, workerData.lists)
  await db.close()
  parentPort.postMessage(history)
}

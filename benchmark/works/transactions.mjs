// Transactions that read and increment documents by id, and the synchronous update beside them.
import { documentAt, idOf } from '../documents.mjs'
import { atOnce, fresh, must, secondsOf } from './shared.mjs'

const DOCUMENTS = 10_000
const WRITES = 4_000
const CONCURRENT = 64

export async function measure(peer, { directory, seed, wants }) {
  const figures = {}
  const db = await peer.open(fresh(directory), 'fast')
  try {
    if (!db.transaction) return figures
    await db.load(Array.from({ length: DOCUMENTS }, (_, n) => documentAt(n, seed)))
    await db.settle()
    let at = 0
    let written = 0
    const ids = (count) => Array.from({ length: count }, () => idOf(at++ % DOCUMENTS))
    /** Parts of so many ids, after one to warm up. */
    const parts = (size) => {
      written += WRITES
      return Array.from({ length: WRITES / size }, () => ids(size))
    }
    for (const [name, size] of [['transaction-1', 1], ['transaction-10', 10], ['transaction-1000', 1_000]]) {
      if (!wants(name)) continue
      const all = parts(size)
      const seconds = await secondsOf(async () => {
        for (const part of all) await db.transaction(part)
      })
      figures[name] = WRITES / seconds
    }
    if (wants('transaction-concurrent')) {
      const all = parts(10)
      figures['transaction-concurrent'] = WRITES / await secondsOf(() => atOnce(CONCURRENT, all, (part) => db.transaction(part)))
    }
    for (const [name, size] of [['transaction-sync-1', 1], ['transaction-sync-10', 10], ['transaction-sync-1000', 1_000]]) {
      if (!wants(name)) continue
      const all = parts(size)
      const seconds = await secondsOf(() => {
        for (const part of all) db.transactionSync(part)
      })
      figures[name] = WRITES / seconds
    }
    if (wants('update-sync')) {
      const all = parts(1)
      const seconds = await secondsOf(() => {
        for (const [id] of all) db.incrementSync(id)
      })
      figures['update-sync'] = WRITES / seconds
    }
    if (wants('transaction-read')) {
      const all = Array.from({ length: WRITES / 100 }, () => ids(100))
      figures['transaction-read'] = WRITES / await secondsOf(async () => {
        for (const part of all) must((await db.readTransaction(part)) === part.length, 'documents of a transaction')
      })
    }
    let sum = 0
    for (let n = 0; n < DOCUMENTS; n++) sum += (await db.get(idOf(n))).age - documentAt(n, seed).age
    must(sum === written, `${written} increments, not ${sum}`)
    return figures
  } finally {
    await db.close()
  }
}

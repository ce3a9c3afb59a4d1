// Inserts that are durable when they resolve.
import { documentAt, idOf } from '../documents.mjs'
import { atOnce, fresh, must, secondsOf } from './shared.mjs'

const ONE_BY_ONE = 1_000
const CONCURRENT = 64
const CONCURRENT_INSERTS = 12_800

export async function measure(peer, { directory, seed, wants }) {
  const figures = {}
  if (!peer.durable) return figures
  const db = await peer.open(fresh(directory), 'durable')
  let made = 0
  const some = (count) => Array.from({ length: count }, () => documentAt(made++, seed))
  for (const document of some(20)) await db.insert(document)
  if (wants('durable')) {
    const documents = some(ONE_BY_ONE)
    const seconds = await secondsOf(async () => {
      for (const document of documents) await db.insert(document)
    })
    figures.durable = ONE_BY_ONE / seconds
  }
  if (wants('durable-concurrent') && peer.concurrent !== false) {
    const documents = some(CONCURRENT_INSERTS)
    const seconds = await secondsOf(() => atOnce(CONCURRENT, documents, (document) => db.insert(document)))
    figures['durable-concurrent'] = CONCURRENT_INSERTS / seconds
  }
  if (db.get) for (const index of [0, made - 1]) must((await db.get(idOf(index)))._id === idOf(index), 'durable insert')
  await db.close()
  return figures
}

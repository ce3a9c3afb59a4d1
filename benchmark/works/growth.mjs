// What updates leave on disk, and what a compaction frees, each after the database was closed.
import { batchesOf, idOf } from '../documents.mjs'
import { bytesIn, fresh } from './shared.mjs'

export async function measure(peer, { directory, documents, seed }) {
  const figures = {}
  fresh(directory)
  const db = await peer.open(directory, 'fast')
  for (const batch of batchesOf(documents, 1_000, seed)) await db.load(batch)
  for (let pass = 0; pass < 2; pass++) {
    for (let start = 0; start < documents; start += 1_000) {
      const ids = Array.from({ length: Math.min(1_000, documents - start) }, (_, index) => idOf(start + index))
      if (db.incrementMany) await db.incrementMany(ids)
      else await Promise.all(ids.map((id) => db.increment(id)))
    }
  }
  await db.settle()
  await db.close()
  figures['disk-updates'] = bytesIn(directory) / documents
  if (db.compact) {
    const again = await peer.open(directory, 'fast')
    await again.compact()
    await again.close()
    figures['disk-compacted'] = bytesIn(directory) / documents
  }
  return figures
}

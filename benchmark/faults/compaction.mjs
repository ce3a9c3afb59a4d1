// Writers during continuous compaction.

import { join } from 'node:path'

import { Database } from '../../index.mjs'

const WRITES = 20_000
const AT_ONCE = 64

/** Inserts during continuous compaction; counts what is missing after reopening. */
export async function writesDuringCompaction({ base }) {
  const path = join(base, 'compacted')
  const db = await Database.open(path, { autoCompact: false })
  const documents = db.collection('documents')
  let writing = true
  const compacting = (async () => {
    let count = 0
    for (; writing; count++) await db.compact()
    return count
  })()
  for (let n = 0; n < WRITES; n += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, WRITES - n) }, (_, at) => n + at)
    await Promise.all(batch.map((_id) => documents.insertOne({ _id, body: `document ${_id}` })))
  }
  writing = false
  const compactions = await compacting
  await db.close()
  const again = await Database.open(path)
  const found = new Map((await again.collection('documents').find({}).toArray()).map((one) => [one._id, one.body]))
  await again.close()
  let lost = 0
  for (let n = 0; n < WRITES; n++) if (found.get(n) !== `document ${n}`) lost++
  return { text: `${lost} of ${WRITES} lost in ${compactions} compactions`, holds: lost === 0 && compactions > 0 }
}

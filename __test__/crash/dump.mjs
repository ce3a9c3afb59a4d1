// Opens a database and prints all its documents: node dump.mjs <directory> <sync|async> [abrupt|close] [memoryLimit]. With
// `abrupt` it kills itself instead of closing, so that the next open recovers again.

import { writeFileSync } from 'node:fs'
import { Database } from 'moltendb-node'

const [directory, storage, ending, memoryLimit] = process.argv.slice(2)
const db = await Database.open(directory, { storage, memoryLimit: Number(memoryLimit) || undefined })
const documents = await db.collection('documents').find({}).toArray()
for (const document of documents.filter((_, n) => n % 7 === 0)) {
  const read = await db.collection('documents').get(document._id)
  if (JSON.stringify(read) !== JSON.stringify(document)) throw new Error(`get of ${document._id} answers another document`)
}
writeFileSync(1, JSON.stringify({ recovery: db.recovery, documents }))
if (ending === 'abrupt') process.kill(process.pid, 'SIGKILL')
await db.close()

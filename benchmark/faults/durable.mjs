// Durable writes under strace: node durable.mjs <directory> <count>. Opening `mark-...`, which does not exist, separates the
// phases in the trace.

import { openSync } from 'node:fs'
import { join } from 'node:path'
import { Database } from '../../index.mjs'

const [directory, count] = process.argv.slice(2)
const ids = Array.from({ length: Number(count) }, (_, n) => n)

function mark(name) {
  try {
    openSync(join(directory, `mark-${name}`), 'r')
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
}

const db = await Database.open(directory, { storage: 'sync' })
const documents = db.collection('documents')
await documents.insertOne({ _id: 'first' })
mark('sequential')
for (const n of ids) await documents.insertOne({ _id: `a${n}`, n })
mark('concurrent')
await Promise.all(ids.map((n) => documents.insertOne({ _id: `b${n}`, n })))
mark('end')
await db.close()

// 100 durable inserts for strace.mjs, enough to fill a segment, a checkpoint and a compaction: node inserts.mjs <directory>
// <sequential|concurrent>. Opening `mark-...`, which does not exist, separates the phases in the trace.

import { existsSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Database } from 'moltendb-node'

const COUNT = 100
const LARGE = 'x'.repeat(4 << 20)
const [directory, order] = process.argv.slice(2)

function mark(name) {
  if (existsSync(directory) === false) throw new Error(`there is no ${directory}`)
  try {
    openSync(join(directory, `mark-${name}`), 'r')
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
}

const segments = () => readdirSync(directory).filter((name) => name.endsWith('.log')).length

const db = await Database.open(directory, { storage: 'sync', autoCompact: false })
const documents = db.collection('documents')
mark('first')
await documents.insertOne({ _id: 'first' })
mark('inserts')
const insert = (n) => documents.insertOne({ _id: n, text: `document ${n}` })
if (order === 'concurrent') await Promise.all(Array.from({ length: COUNT }, (_, n) => insert(n)))
else for (let n = 0; n < COUNT; n++) await insert(n)
if (order === 'sequential') {
  mark('rotate')
  for (let n = 0, before = segments(); segments() === before; n++) await documents.insertOne({ _id: `large-${n}`, text: LARGE })
  mark('checkpoint')
  // The log is long enough for one, which is written in the background.
  for (let n = 0; n < 2_000 && (await db.stats()).checkpointBytes === 0; n++) await sleep(5)
  mark('later')
  await documents.insertOne({ _id: 'later' })
  mark('compact')
  await db.compact()
}
mark('close')
await db.close()
mark('reopen')
const again = await Database.open(directory, { storage: 'sync', autoCompact: false })
if ((await again.collection('documents').get('first'))?._id !== 'first') throw new Error('the first document is gone')
mark('again')
await again.collection('documents').insertOne({ _id: 'again' })
mark('end')
await again.close()

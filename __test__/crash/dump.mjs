// Opens a database and prints all its documents: node dump.mjs <directory> <sync|async> [abrupt]. With `abrupt` it
// kills itself instead of closing, so that the next open recovers again.

import { writeFileSync } from 'node:fs'
import { Database } from 'moltendb-node'

const [directory, storage, ending] = process.argv.slice(2)
const db = await Database.open(directory, { storage })
const documents = await db.collection('documents').find({}).toArray()
writeFileSync(1, JSON.stringify({ recovery: db.recovery, documents }))
if (ending === 'abrupt') process.kill(process.pid, 'SIGKILL')
await db.close()

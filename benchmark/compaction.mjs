// Writers during continuous compaction, compared with the same writers alone: the ratio, and the longest pause of the commit
// path.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { Database } from '../index.mjs'
import { documentAt, idOf } from './documents.mjs'

const { values } = parseArgs({
  options: {
    documents: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '5' },
    storage: { type: 'string', default: 'async' }
  }
})
const count = Number(values.documents)
const time = Number(values.seconds) * 1000
const WRITERS = 64

/** Updates by id, 64 at a time, until stopped; returns writes a second. */
async function write(items, goesOn) {
  const started = performance.now()
  let done = 0
  while (goesOn()) {
    const ids = Array.from({ length: WRITERS }, (_, n) => idOf((done + n) % count))
    await Promise.all(ids.map((_id) => items.updateOne({ _id }, { $inc: { score: 1 } })))
    done += WRITERS
  }
  return (done / (performance.now() - started)) * 1000
}

const directory = mkdtempSync(join(tmpdir(), 'moltendb-compaction-'))
const db = await Database.open(join(directory, 'db'), { storage: values.storage, autoCompact: false })
const items = db.collection('items')
for (let first = 0; first < count; first += 1000) {
  await items.insertMany(Array.from({ length: Math.min(1000, count - first) }, (_, n) => documentAt(first + n)))
}
const until = performance.now() + time
const alone = await write(items, () => performance.now() < until)
let compacting = true
const writing = write(items, () => compacting)
const results = []
const started = performance.now()
while (performance.now() - started < time) results.push(await db.compact())
compacting = false
const during = await writing
await db.close()
rmSync(directory, { recursive: true })

const longest = (name) => Math.max(...results.map((result) => result[name])).toFixed(2)
console.log(`${count} documents, storage '${values.storage}', ${WRITERS} writes at a time`)
console.log(`writes a second alone               ${Math.round(alone)}`)
console.log(`writes a second during compactions  ${Math.round(during)} (${(during / alone).toFixed(2)} of alone)`)
console.log(`compactions                         ${results.length}, the longest ${longest('ms')} ms`)
console.log(`longest pause of the commit path    ${longest('pauseMs')} ms`)

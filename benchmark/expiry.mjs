// How long the writes of others take while the monitor deletes documents that have expired, beside the same writes without that:
//   node benchmark/expiry.mjs [documents, default 1000000] [storage, default async]

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Database } from '../index.mjs'

const COUNT = Number(process.argv[2] ?? 1_000_000)
const STORAGE = process.argv[3] ?? 'async'
const NEVER = 2 ** 31 - 1

const path = mkdtempSync(join(tmpdir(), 'moltendb-expiry-'))
const db = await Database.open(join(path, 'db'), { storage: STORAGE, ttlInterval: 100 })
const sessions = db.collection('sessions')
const others = db.collection('others')
await sessions.createIndex({ at: 1 }, { expireAfterSeconds: NEVER })
for (let n = 0; n < COUNT; n += 10_000) {
  await sessions.insertMany(Array.from({ length: Math.min(10_000, COUNT - n) }, (_, m) => ({ _id: n + m, at: new Date(1000 + n + m), user: `user ${m}`, pad: 'x'.repeat(100) })))
}
await db.flush()

let written = 0
/** Writes one after the other, to another collection and to the same one, as long as this is so. */
async function latencies(goesOn) {
  const times = []
  const began = performance.now()
  while (await goesOn(performance.now() - began)) {
    for (let n = 0; n < 50; n++) {
      const from = performance.now()
      if (n % 2 === 0) await others.insertOne({ _id: written++, text: 'one more' })
      else await sessions.updateOne({ _id: 'kept' }, { $inc: { n: 1 } }, { upsert: true })
      times.push(performance.now() - from)
      // Others of the process have the event loop, too.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { times: times.sort((a, b) => a - b), seconds: (performance.now() - began) / 1000 }
}

const show = ({ times, seconds }) => {
  const at = (share) => `${times[Math.min(times.length - 1, Math.floor(times.length * share))].toFixed(3)} ms`
  return `${times.length} writes in ${seconds.toFixed(1)} s: median ${at(0.5)}, p99 ${at(0.99)}, p99.9 ${at(0.999)}, longest ${at(1)}`
}

console.log(`${COUNT} documents, ${STORAGE}`)
await latencies((ms) => ms < 1000)
console.log(`nothing expires: ${show(await latencies((ms) => ms < 5000))}`)
await db.command({ collMod: 'sessions', index: { name: 'at_1', expireAfterSeconds: 0 } })
const during = await latencies(async () => (await sessions.estimatedDocumentCount()) > 1)
console.log(`all expire: ${show(during)}; ${Math.round(COUNT / during.seconds)} deletions a second`)
await db.close()
rmSync(path, { recursive: true, force: true })

// The effect of a memory limit: resident bytes (without V8's heap) of the same documents without a limit, with a tenth of
// their bytes, and with no bytes.
//
//   node --expose-gc benchmark/memory.mjs [--documents 500000]
//
// Each database is opened in its own process, reads every document by a scan and every tenth by its key, and answers a few
// queries, which must be the same everywhere.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { Database } from '../index.mjs'
import { documentAt, idOf } from './documents.mjs'

const { values } = parseArgs({
  options: { documents: { type: 'string', default: '500000' }, path: { type: 'string' }, limit: { type: 'string' } }
})
const count = Number(values.documents)

/** Resident bytes after garbage collection, without V8's heap, whose size after the scan varies. */
function resident() {
  for (let n = 0; n < 4; n++) globalThis.gc()
  const { rss, heapTotal } = process.memoryUsage()
  return rss - heapTotal
}

async function child() {
  const empty = resident()
  const db = await Database.open(values.path, { memoryLimit: values.limit === undefined ? undefined : Number(values.limit), autoCompact: false })
  const items = db.collection('items')
  const hash = createHash('sha256')
  for await (const document of items.find({})) hash.update(JSON.stringify(document))
  for (let n = 0; n < count; n += 10) hash.update(JSON.stringify(await items.get(idOf(n))))
  for (const filter of [{ age: { $gte: 60 } }, { score: { $lt: 100 } }, {}]) hash.update(String(await items.countDocuments(filter)))
  const { hotBytes, liveBytes } = await db.stats()
  console.log(JSON.stringify({ answers: hash.digest('hex'), resident: resident() - empty, hotBytes, liveBytes }))
  await db.close()
}

function measure(path, limit) {
  const args = ['--expose-gc', fileURLToPath(import.meta.url), '--documents', String(count), '--path', path]
  if (limit !== undefined) args.push('--limit', String(limit))
  const run = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (run.status !== 0) throw new Error(run.stderr)
  return JSON.parse(run.stdout)
}

async function parent() {
  const base = mkdtempSync(join(tmpdir(), 'moltendb-memory-'))
  try {
    const path = join(base, 'db')
    const db = await Database.open(path, { autoCompact: false })
    for (let first = 0; first < count; first += 1000) {
      await db.collection('items').insertMany(Array.from({ length: Math.min(1000, count - first) }, (_, n) => documentAt(first + n)))
    }
    await db.compact()
    await db.close()
    const whole = measure(path)
    const limit = Math.floor(whole.liveBytes / 10)
    const rows = [['none', whole], [String(limit), measure(path, limit)], ['1', measure(path, 1)]]
    console.log(`${count} documents, ${whole.liveBytes} bytes\n\n| memoryLimit | hot bytes | resident bytes |\n|--:|--:|--:|`)
    for (const [name, { hotBytes, resident: bytes }] of rows) console.log(`| ${name} | ${hotBytes} | ${bytes} |`)
    const same = rows.every(([, { answers }]) => answers === whole.answers)
    console.log(same ? 'every answer is the same' : 'answers differ')
    if (!same) process.exitCode = 1
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

await (values.path === undefined ? parent() : child())

// What encryption costs: the same work on a plain and on an encrypted directory, in turn, in one run.
//
//   node encryption.mjs [--documents 20000] [--rounds 7] [--out FILE]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { Database } from '../index.mjs'
import { documentAt } from './documents.mjs'
import { machine, median } from './report.mjs'

const { values: given } = parseArgs({ options: { documents: { type: 'string', default: '20000' }, rounds: { type: 'string', default: '7' }, out: { type: 'string' } } })
const [COUNT, ROUNDS] = [Number(given.documents), Number(given.rounds)]
const RAW = Buffer.alloc(32, 7)
const home = mkdtempSync(join(tmpdir(), 'moltendb-encryption-'))

/** By work and by kind: milliseconds, and microseconds of processor time, of each round. */
const measured = new Map()

async function timed(work, kind, run) {
  const [began, spent] = [performance.now(), process.cpuUsage()]
  await run()
  const [ms, { user, system }] = [performance.now() - began, process.cpuUsage(spent)]
  const kinds = measured.get(work) ?? measured.set(work, { plain: [], encrypted: [] }).get(work)
  kinds[kind].push({ ms, cpu: (user + system) / 1000 })
}

async function round(number, kind) {
  const path = join(home, `${kind}-${number}`)
  const options = { storage: 'async', autoCompact: false, ...(kind === 'encrypted' && { encryptionKey: RAW }) }
  let db = await Database.open(path, options)
  const documents = Array.from({ length: COUNT }, (_, n) => documentAt(n))
  const copies = () => documents.map((document) => ({ ...document }))
  const few = copies().slice(0, COUNT / 4)
  await timed('insertOne, awaited', kind, async () => {
    for (const document of few) await db.collection('one').insertOne(document)
    await db.flush()
  })
  const together = copies().slice(0, COUNT / 2)
  await timed('insertOne, 64 at a time', kind, async () => {
    for (let at = 0; at < together.length; at += 64) await Promise.all(together.slice(at, at + 64).map((document) => db.collection('many').insertOne(document)))
    await db.flush()
  })
  const all = copies()
  await timed('insertMany of 1,000', kind, async () => {
    for (let at = 0; at < all.length; at += 1000) await db.collection('all').insertMany(all.slice(at, at + 1000))
    await db.flush()
  })
  await timed('compact', kind, () => db.compact())
  await db.close()
  await timed('open, 32 bytes', kind, async () => {
    db = await Database.open(path, { ...options, memoryLimit: 4 << 20 })
  })
  await timed('scan from disk', kind, async () => {
    for await (const document of db.collection('all').find({ none: { $exists: true } })) throw new Error(document._id)
  })
  const ids = Array.from({ length: 2000 }, (_, n) => documents[(n * 7919) % COUNT]._id)
  await timed('get from disk', kind, async () => {
    for (const id of ids) await db.collection('all').get(id)
  })
  await db.close()
  rmSync(path, { recursive: true })
}

try {
  await round('warm', 'plain')
  await round('warm', 'encrypted')
  measured.clear()
  for (let number = 0; number < ROUNDS; number++) for (const kind of number % 2 ? ['encrypted', 'plain'] : ['plain', 'encrypted']) await round(number, kind)
  const lines = [
    '# Encryption', '', `${COUNT.toLocaleString('en')} documents, ${ROUNDS} rounds of each kind in turn, storage \`'async'\`, a key of 32 bytes. Medians; the ratio is that of encrypted to plain.`, '', machine(), '',
    '| work | plain, ms | encrypted, ms | ratio | ratio of processor time |', '|---|--:|--:|--:|--:|'
  ]
  for (const [work, { plain, encrypted }] of measured) {
    const of = (rows, field) => median(rows.map((row) => row[field]))
    const ratio = (field) => (of(encrypted, field) / of(plain, field)).toFixed(2)
    lines.push(`| ${work} | ${of(plain, 'ms').toFixed(1)} | ${of(encrypted, 'ms').toFixed(1)} | ${ratio('ms')} | ${ratio('cpu')} |`)
  }
  console.log(lines.join('\n'))
  if (given.out) writeFileSync(given.out, `${lines.join('\n')}\n`)
} finally {
  rmSync(home, { recursive: true, force: true })
}

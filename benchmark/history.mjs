// What the option `history` costs: the same writes and compactions without it, with the log kept, with a reader beside them, and with earlier
// states kept. The settings take turns; medians, and ratios to the first.
//
//   node history.mjs [--documents 20000] [--runs 5] [--seed 1] [--out FILE]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { Database } from '../index.mjs'
import { documentAt } from './documents.mjs'
import { format, machine, median } from './report.mjs'
import { atOnce, bytesIn, must, secondsOf } from './works/shared.mjs'

const { values: given } = parseArgs({
  options: { documents: { type: 'string', default: '20000' }, runs: { type: 'string', default: '5' }, seed: { type: 'string', default: '1' }, out: { type: 'string' } }
})
const [documents, runs, seed] = [given.documents, given.runs, given.seed].map(Number)
const CONCURRENT = 64

const SETTINGS = [
  { title: 'nothing kept', history: { changes: false, past: false } },
  { title: 'changes', history: { changes: {} } },
  { title: 'changes, and a reader', history: { changes: {} }, reads: true },
  { title: 'changes and past', history: { changes: {}, past: {} } }
]
const ROWS = [
  ['insert, batches of 1,000', 'documents/s', 'more'],
  ['update by id, awaited one by one', 'updates/s', 'more'],
  ['the same, 64 at a time', 'updates/s', 'more'],
  ['compaction', 'ms', 'less'],
  ['bytes on disk after compaction and close', 'bytes/document', 'less']
]

async function once({ history, reads }) {
  const directory = mkdtempSync(join(tmpdir(), 'moltendb-history-'))
  const db = await Database.open(directory, { history, autoCompact: false })
  const users = db.collection('users')
  const stream = reads ? users.watch() : undefined
  let events = 0
  const reading = (async () => {
    if (stream) while (events < documents * 2) events += (await stream.next()) ? 1 : 0
  })()
  const figures = []
  const batches = []
  for (let from = 0; from < documents; from += 1_000) {
    batches.push(Array.from({ length: Math.min(1_000, documents - from) }, (_, n) => documentAt(from + n, seed)))
  }
  const ids = batches.flat().map(({ _id }) => _id)
  const half = ids.slice(0, documents / 2)
  const update = (id) => users.updateOne({ _id: id }, { $inc: { age: 1 } })
  figures.push(documents / await secondsOf(async () => {
    for (const batch of batches) await users.insertMany(batch)
  }))
  figures.push(half.length / await secondsOf(async () => {
    for (const id of half) await update(id)
  }))
  figures.push((documents - half.length) / await secondsOf(() => atOnce(CONCURRENT, ids.slice(half.length), update)))
  figures.push(1_000 * await secondsOf(() => db.compact()))
  await reading
  await stream?.close()
  must(!reads || events === documents * 2, `${events} events`)
  await db.compact()
  await db.close()
  figures.push(bytesIn(directory) / documents)
  rmSync(directory, { recursive: true })
  return figures
}

const all = SETTINGS.map(() => [])
await once(SETTINGS[0])
for (let run = 0; run < runs; run++) {
  for (const [n, setting] of SETTINGS.entries()) all[n].push(await once(setting))
}
const medians = all.map((figures) => ROWS.map((_, row) => median(figures.map((one) => one[row]))))
const lines = [
  '# What the history costs', '',
  `${documents.toLocaleString('en-US')} documents of 245 bytes of JSON, seed ${seed}; each updated once; medians of ${runs} runs of the settings in turn, and how many times as much as nothing kept.`,
  machine(), '',
  `| work | unit | ${SETTINGS.map(({ title }) => title).join(' | ')} |`,
  `|---|---|${SETTINGS.map(() => '--:|').join('')}`,
  ...ROWS.map(([title, unit, better], row) => {
    const cells = medians.map((own) => `${format(own[row])} (${(own[row] / medians[0][row]).toFixed(2)})`)
    return `| ${title} | ${unit}, ${better} is better | ${cells.join(' | ')} |`
  })
]
const text = `${lines.join('\n')}\n`
process.stdout.write(text)
if (given.out) writeFileSync(given.out, text)

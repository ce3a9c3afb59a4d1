// What a test suite waits for between two tests: snapshots, restores and forks of databases in memory of several sizes, opening and closing one; and what
// it costs that operations can be watched.
//
//   node test-mode.mjs [--sizes 10,10000,1000000] [--runs 200] [--out FILE]
import { tracingChannel } from 'node:diagnostics_channel'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { Database } from '../index.mjs'
import { documentAt } from './documents.mjs'
import { format, machine, median } from './report.mjs'

const { values: given } = parseArgs({
  options: { sizes: { type: 'string', default: '10,10000,1000000' }, runs: { type: 'string', default: '200' }, out: { type: 'string' } }
})
const [sizes, runs] = [given.sizes.split(',').map(Number), Number(given.runs)]

/** Milliseconds of each of some calls; `before` is not counted. */
async function times(count, run, before = () => {}) {
  const all = []
  for (let n = 0; n < count; n++) {
    await before(n)
    const began = performance.now()
    await run(n)
    all.push(performance.now() - began)
  }
  return all
}

const milliseconds = (all) => `${format(median(all))} (${format(Math.min(...all))}-${format(Math.max(...all))})`

async function ofSize(size) {
  const db = await Database.open(':memory:')
  const users = db.collection('users')
  await users.createIndex({ age: 1 })
  await users.createIndex({ email: 1 })
  for (let from = 0; from < size; from += 1_000) {
    await users.insertMany(Array.from({ length: Math.min(1_000, size - from) }, (_, n) => documentAt(from + n, 1)))
  }
  const ids = await users.find({}, { projection: { _id: 1 } }).limit(1_000).map(({ _id }) => _id).toArray()
  const took = await times(runs, async () => (await db.snapshot()).release())
  const snapshot = await db.snapshot()
  const writes = (count) => async (n) => {
    for (let i = 0; i < count; i++) {
      await users.updateOne({ _id: ids[(n * count + i) % ids.length] }, { $inc: { age: 1 } })
      await users.insertOne({ _id: `new ${n} ${i}`, age: i, email: 'x' })
    }
  }
  const restored = []
  for (const count of [1, 5, 500]) restored.push(await times(Math.min(runs, 20_000 / count), () => db.restore(snapshot), writes(count)))
  const dropped = await times(runs, () => db.restore(snapshot), () => users.drop())
  const before = process.memoryUsage().rss
  const forks = [await db.fork()]
  const rss = Math.max(process.memoryUsage().rss - before, 0) / 2 ** 20
  const spent = []
  const forked = await times(size > 100_000 ? 5 : 20, async () => {
    const began = process.cpuUsage()
    forks.push(await db.fork())
    const { user, system } = process.cpuUsage(began)
    spent.push((user + system) / 1_000)
  }, async () => {
    for (const fork of forks.splice(0)) await fork.close()
    // A closed one is freed on another thread.
    if (size > 1_000) await sleep(size / 1_000)
  })
  for (const fork of forks) await fork.close()
  await db.close()
  return [format(size), ...[took, ...restored, dropped, forked, spent].map(milliseconds), `${format(rss)} MiB`]
}

/** Microseconds an operation, with nobody listening and with a listener, in turn. */
async function watching() {
  const db = await Database.open(':memory:')
  const users = db.collection('users')
  await users.insertMany(Array.from({ length: 1_000 }, (_, _id) => ({ _id, age: _id % 90 })))
  const works = [
    ['get', (n) => users.get(n % 1_000)], ['getSync', (n) => users.getSync(n % 1_000)], ['findOne by a field', (n) => users.findOne({ age: n % 90 })],
    ['updateOne', (n) => users.updateOne({ _id: n % 1_000 }, { $set: { n } })]
  ]
  const command = tracingChannel('moltendb:command')
  const handlers = { asyncEnd() {} }
  const rows = []
  for (const [title, run] of works) {
    const figures = { silent: [], watched: [] }
    for (let round = 0; round < 9; round++) {
      for (const way of ['silent', 'watched']) {
        if (way === 'watched') command.subscribe(handlers)
        const began = performance.now()
        for (let n = 0; n < 5_000; n++) await run(n)
        figures[way].push((performance.now() - began) / 5)
        if (way === 'watched') command.unsubscribe(handlers)
      }
    }
    rows.push(`| ${title} | ${milliseconds(figures.silent)} | ${milliseconds(figures.watched)} |`)
  }
  await db.close()
  return rows
}

const first = await Database.open(':memory:')
const opened = await times(2_000, async () => (await Database.open(':memory:')).close())
const used = await times(2_000, async (n) => {
  const db = await Database.open(':memory:')
  await db.collection('users').insertOne({ _id: n })
  await db.close()
})
await first.close()
const rows = []
for (const size of sizes) rows.push(await ofSize(size))
const text = `# Between two tests

Databases in memory with so many documents of 245 bytes of JSON and two indexes; milliseconds, medians of up to ${runs} runs (least-most). A test writes so often: half are updates, half inserts.
${machine()}

| documents | snapshot | restore after 2 writes | after 10 writes | after 1,000 writes | after the collection was dropped | fork | its processor time | memory of the fork |
|--:|--:|--:|--:|--:|--:|--:|--:|--:|
${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}

Opening a database in memory and closing it, with another one open: ${milliseconds(opened)} ms; with one insert between: ${milliseconds(used)} ms.

## Listening

Microseconds an operation that is awaited before the next, with nobody listening on \`moltendb:command\` and with a listener, in turn; medians of 9 rounds of 5,000.

| operation | nobody | a listener |
|---|--:|--:|
${(await watching()).join('\n')}
`
if (given.out) writeFileSync(given.out, text)
console.log(text)

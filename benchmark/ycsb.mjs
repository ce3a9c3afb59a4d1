// The six workloads of YCSB (Yahoo! Cloud Serving Benchmark), each peer in a process of its own: reads, updates, inserts and scans of keys by
// some callers at once, documents drawn by Zipf's law. Tells throughput, and how long each operation takes, while the peer does in the
// background what it does.
//
//   node ycsb.mjs [--documents 100000] [--operations 100000] [--callers 16] [--runs 3] [--peers moltendb,better-sqlite3,lmdb]
//     [--workloads A,B,C,D,E,F] [--seed 1] [--out results-ycsb.md]

import { fork } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { batchesOf, documentAt, idOf, random } from './documents.mjs'
import { format, machine, median, number } from './report.mjs'

/** Shares of the operations; E scans 1 to 100 documents from a key on, D reads what was inserted last. */
const WORKLOADS = {
  A: { title: 'half reads, half updates', read: 0.5, update: 0.5 },
  B: { title: '95 % reads, 5 % updates', read: 0.95, update: 0.05 },
  C: { title: 'reads', read: 1 },
  D: { title: '95 % reads of the newest, 5 % inserts', read: 0.95, insert: 0.05, newest: true },
  E: { title: '95 % scans of up to 100 keys, 5 % inserts', scan: 0.95, insert: 0.05 },
  F: { title: 'half reads, half reads with a change', read: 0.5, change: 0.5 }
}
const MOST = 100
const SKEW = 0.99

/** Numbers below `count` by Zipf's law, scattered over the keys; `count` may grow (Gray and others, "Quickly generating billion-record synthetic databases"). */
function zipf(next, count) {
  let sum = 0
  for (let n = 1; n <= count; n++) sum += 1 / n ** SKEW
  const alpha = 1 / (1 - SKEW)
  const eta = (1 - (2 / count) ** (1 - SKEW)) / (1 - (1 + 0.5 ** SKEW) / sum)
  return () => {
    const u = next()
    const uz = u * sum
    if (uz < 1) return 0
    if (uz < 1 + 0.5 ** SKEW) return 1
    return Math.min(count - 1, Math.floor(count * (eta * u - eta + 1) ** alpha))
  }
}

/** A number's place among the keys: neighbours by frequency are no neighbours by key. */
const scattered = (n, count) => (Math.imul(n, 0x9e3779b1) >>> 0) % count

async function workload(db, shares, { documents, operations, callers, seed }) {
  const next = random(seed)
  const rank = zipf(next, documents)
  let inserted = documents
  let started = 0
  const times = { read: [], update: [], insert: [], scan: [], change: [] }
  const kinds = Object.keys(times)
  const drawn = () => {
    let left = next()
    return kinds.find((kind) => (left -= shares[kind] ?? 0) < 0) ?? kinds.find((kind) => shares[kind] > 0)
  }
  const key = () => idOf(shares.newest ? Math.max(0, inserted - 1 - rank()) : scattered(rank(), documents))
  const run = {
    read: async () => {
      const document = await db.get(key())
      // The newest may be on its way.
      if (document === null && !shares.newest) throw new Error('a document is missing')
    },
    update: () => db.increment(key()),
    insert: async () => {
      const at = inserted++
      await db.load([documentAt(at, seed)])
    },
    scan: async () => {
      const limit = 1 + Math.floor(next() * MOST)
      const found = await db.keys(key(), limit)
      if (found.length === 0) throw new Error('a scan found nothing')
    },
    change: async () => {
      const id = key()
      await db.get(id)
      await db.increment(id)
    }
  }
  const began = performance.now()
  await Promise.all(Array.from({ length: callers }, async () => {
    while (started < operations) {
      started++
      const kind = drawn()
      const from = performance.now()
      await run[kind]()
      times[kind].push(performance.now() - from)
    }
  }))
  const took = performance.now() - began
  const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] * 1000
  const quantiles = Object.fromEntries(Object.entries(times).filter(([, list]) => list.length > 0).map(([kind, list]) => {
    const sorted = Float64Array.from(list).sort()
    return [kind, [at(sorted, 0.5), at(sorted, 0.99), at(sorted, 0.999)]]
  }))
  return { rate: (operations / took) * 1000, quantiles }
}

async function measure({ peer: name, directory, workloads, ...settings }) {
  const peer = await import(`./peers/${name}.mjs`)
  const results = {}
  for (const letter of workloads) {
    const own = `${directory}/${letter}`
    mkdirSync(own, { recursive: true })
    const db = await peer.open(own, 'ordered')
    for (const batch of batchesOf(settings.documents, 1000, settings.seed)) await db.load(batch)
    await db.settle()
    results[letter] = await workload(db, WORKLOADS[letter], settings)
    await db.close()
    rmSync(own, { recursive: true, force: true })
  }
  return { title: peer.title, version: peer.version, results }
}

function inProcess(settings) {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ['--child'])
    let answer
    child.on('message', (message) => (answer = message))
    child.on('error', reject)
    child.on('exit', (code) => (answer?.results ? resolve(answer) : reject(new Error(answer?.error ?? `${settings.peer} ended with code ${code}`))))
    child.send(settings)
  })
}

async function main() {
  const { values } = parseArgs({
    options: {
      documents: { type: 'string', default: '100000' },
      operations: { type: 'string', default: '100000' },
      callers: { type: 'string', default: '16' },
      runs: { type: 'string', default: '3' },
      peers: { type: 'string', default: 'moltendb,better-sqlite3,lmdb' },
      workloads: { type: 'string', default: Object.keys(WORKLOADS).join() },
      seed: { type: 'string', default: '1' },
      out: { type: 'string', default: fileURLToPath(new URL('results-ycsb.md', import.meta.url)) }
    }
  })
  const whole = (name) => {
    const value = Number(values[name])
    if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`--${name} must be a whole number above 0, not ${values[name]}`)
    return value
  }
  const workloads = values.workloads.split(',')
  const wrong = workloads.find((letter) => !Object.hasOwn(WORKLOADS, letter))
  if (wrong !== undefined) throw new TypeError(`--workloads: ${wrong} is none of ${Object.keys(WORKLOADS).join(', ')}`)
  const settings = { documents: whole('documents'), operations: whole('operations'), callers: whole('callers'), seed: whole('seed'), workloads }
  const data = fileURLToPath(new URL('data/', import.meta.url))
  const peers = new Map(values.peers.split(',').map((peer) => [peer, []]))
  for (let run = 0; run < whole('runs'); run++) {
    for (const [peer, runs] of peers) {
      runs.push(await inProcess({ ...settings, peer, directory: `${data}ycsb-${peer}` }))
      console.error(`run ${run + 1}: ${peer}`)
    }
  }
  rmSync(data, { recursive: true, force: true })
  const all = [...peers.values()]
  const titles = all.map(([{ title }]) => title)
  const rows = []
  for (const letter of workloads) {
    const rates = all.map((runs) => median(runs.map(({ results }) => results[letter].rate)))
    const best = Math.max(...rates.slice(1))
    const told = rates.length > 1 ? ` (${(rates[0] / best).toFixed(2)} of the best peer)` : ''
    rows.push(`| **${letter}**: ${WORKLOADS[letter].title} | operations/s | ${rates.map((rate, n) => `${format(rate)}${n === 0 ? told : ''}`).join(' | ')} |`)
    for (const kind of Object.keys(all[0][0].results[letter].quantiles)) {
      const of = (runs, n) => format(median(runs.map(({ results }) => results[letter].quantiles[kind][n])))
      rows.push(`| ${kind} | us: p50, p99, p99.9 | ${all.map((runs) => [0, 1, 2].map((n) => of(runs, n)).join(', ')).join(' | ')} |`)
    }
  }
  const text = [
    '# YCSB',
    '',
    `${number.format(settings.documents)} documents of 245 bytes of JSON with indexes on city and age, ${number.format(settings.operations)} operations by ${settings.callers} callers at once, each awaited; ` +
      `documents by Zipf's law (${SKEW}), seed ${settings.seed}; ${whole('runs') === 1 ? 'one run' : `medians of ${whole('runs')} runs`}, peers in turn. No fsync of a write. ${machine()}`,
    '',
    ...all.map(([{ title, version }]) => `- ${title} ${version}`),
    '',
    `| work | | ${titles.join(' | ')} |`,
    `|---|---|${titles.map(() => '--:|').join('')}`,
    ...rows,
    '',
    'Peers whose methods are synchronous (better-sqlite3, and the reads of lmdb) are called through an async function: their callers wait for each other, and the event loop waits for all of them.',
    ''
  ].join('\n')
  writeFileSync(values.out, text)
  console.log(text)
}

if (process.argv[2] === '--child') {
  process.once('message', (settings) => {
    measure(settings).then((answer) => process.send(answer, () => process.exit(0)), (error) => process.send({ error: error.stack }, () => process.exit(1)))
  })
} else {
  await main()
}

// Write and space amplification: bytes that each peer hands to the disk, and bytes that its files take, for each byte of documents that it loads,
// updates, or deletes and inserts anew. Each peer runs in a process of its own, whose `/proc/self/io` has the bytes (Linux).
//
//   node amplification.mjs [--documents 200000] [--peers moltendb,moltendb/10,lmdb,better-sqlite3] [--out results-amplification.md]
//
// moltendb/10 is this package with a tenth of the documents' bytes as its memory limit: then checkpoints are written beside the log.

import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'

import { batchesOf, documentAt, idOf, random } from './documents.mjs'
import { machine } from './report.mjs'
import { atOnce, bytesIn } from './works/shared.mjs'

const SEED = 1
const { values } = parseArgs({
  options: {
    documents: { type: 'string', default: '200000' },
    peers: { type: 'string', default: 'moltendb,moltendb/10,lmdb,better-sqlite3' },
    peer: { type: 'string' },
    directory: { type: 'string' },
    out: { type: 'string', default: fileURLToPath(new URL('results-amplification.md', import.meta.url)) }
  }
})
const documents = Number(values.documents)
const sizeOf = (index) => Buffer.byteLength(JSON.stringify(documentAt(index, SEED)))

/** Bytes that this process has caused to be written to a disk, or will when the system writes what it holds. */
function written() {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))[1])
}

async function measure() {
  const [peer, share] = values.peer.split('/')
  const { open, title } = await import(`./peers/${peer}.mjs`)
  const bytes = documents * sizeOf(0)
  const db = await open(values.directory, 'async', share === undefined ? {} : { memoryLimit: Math.floor(bytes / Number(share)) })
  const steps = []
  const step = async (name, run) => {
    const before = written()
    const given = await run()
    await db.settle()
    steps.push({ name, write: (written() - before) / given, space: bytesIn(values.directory) / bytes })
  }
  await step('load, batches of 1,000', async () => {
    for (const batch of batchesOf(documents, 1_000, SEED)) await db.load(batch)
    return bytes
  })
  const next = random(SEED + 3)
  await step('each document updated once on average, at random, 64 at a time', async () => {
    const ids = Array.from({ length: documents }, () => idOf(Math.floor(next() * documents)))
    await atOnce(64, ids, (id) => db.increment(id))
    return bytes
  })
  await step('churn: each deleted and another inserted in its place, by batches of 1,000', async () => {
    for (let first = 0; first < documents; first += 1_000) {
      const count = Math.min(1_000, documents - first)
      await atOnce(64, Array.from({ length: count }, (_, n) => idOf(first + n)), (id) => db.remove(id))
      await db.load(Array.from({ length: count }, (_, n) => documentAt(documents + first + n, SEED)))
    }
    return bytes
  })
  const before = written()
  await db.close()
  steps.push({ name: 'close', write: (written() - before) / bytes, space: bytesIn(values.directory) / bytes })
  console.log(JSON.stringify({ title: share === undefined ? title : `${title}, memory limit 1/${share}`, steps }))
}

async function compare() {
  const found = []
  for (const peer of values.peers.split(',')) {
    const directory = mkdtempSync(join(tmpdir(), 'moltendb-amplification-'))
    try {
      const args = [fileURLToPath(import.meta.url), '--peer', peer, '--directory', directory, '--documents', String(documents)]
      const { stdout } = await promisify(execFile)(process.execPath, args)
      found.push(JSON.parse(stdout))
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }
  const lines = [
    '# Write and space amplification',
    '',
    `${documents.toLocaleString('en')} documents of ${sizeOf(0)} bytes of JSON with indexes on city and age. Bytes written in each step for each byte of a document that it writes (for each byte of all documents in close), and bytes of the files for each byte of JSON. ${machine()}`,
    '',
    `| step | ${found.map(({ title }) => `${title}: written | files`).join(' | ')} |`,
    `|---|${found.map(() => '--:|--:|').join('')}`,
    ...found[0].steps.map(({ name }, at) => `| ${name} | ${found.map(({ steps }) => `${steps[at].write.toFixed(2)} | ${steps[at].space.toFixed(2)}`).join(' | ')} |`)
  ]
  writeFileSync(values.out, `${lines.join('\n')}\n`)
  console.log(lines.join('\n'))
}

await (values.peer === undefined ? compare() : measure())

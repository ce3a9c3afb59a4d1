// Runs every peer in turn, each in its own process, and writes one table.
//
//   node run.mjs [--documents 100000] [--runs 5] [--peers a,b] [--works a,b] [--seed 1] [--out results.md]

import { rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { report } from './report.mjs'
import { runOnce } from './run-once.mjs'
import { WORKS } from './works.mjs'

const PEERS = ['moltendb', 'better-sqlite3', 'lmdb', 'nedb', 'lokijs', 'classic-level', 'bare-file']
const data = fileURLToPath(new URL('data/', import.meta.url))

function whole(text, name) {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`--${name} must be a whole number above 0, not ${text}`)
  return value
}

function chosen(text, known, name) {
  if (text === undefined) return known
  const list = text.split(',')
  const wrong = list.find((entry) => !known.includes(entry))
  if (wrong !== undefined) throw new TypeError(`--${name}: ${wrong} is none of ${known.join(', ')}`)
  return list
}

function settings() {
  const { values } = parseArgs({
    options: {
      documents: { type: 'string', default: '100000' },
      runs: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
      peers: { type: 'string' },
      works: { type: 'string' },
      out: { type: 'string', default: fileURLToPath(new URL('results.md', import.meta.url)) }
    }
  })
  return {
    documents: whole(values.documents, 'documents'),
    runs: whole(values.runs, 'runs'),
    seed: whole(values.seed, 'seed'),
    peers: chosen(values.peers, PEERS, 'peers'),
    works: chosen(values.works, WORKS.map((work) => work.name), 'works'),
    out: values.out
  }
}

async function main() {
  const chosenSettings = settings()
  const results = new Map()
  let failures = 0
  for (let run = 1; run <= chosenSettings.runs; run++) {
    for (const peer of chosenSettings.peers) {
      const start = performance.now()
      try {
        const { figures, ...about } = await runOnce(peer, chosenSettings)
        const result = results.get(peer) ?? { name: peer, ...about, runs: [] }
        result.runs.push(figures)
        results.set(peer, result)
        console.error(`run ${run}: ${peer} in ${((performance.now() - start) / 1000).toFixed(1)} s`)
      } catch (error) {
        failures++
        console.error(`run ${run}: ${peer} failed: ${error.message}`)
      }
    }
  }
  rmSync(data, { recursive: true, force: true })
  if (results.size === 0) throw new Error('no peer finished a run')
  const text = report({ ...chosenSettings, results: [...results.values()] })
  writeFileSync(chosenSettings.out, text)
  console.log(text)
  if (failures > 0) process.exitCode = 1
}

await main()

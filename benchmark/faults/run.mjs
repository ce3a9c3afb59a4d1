// The effect of faults on a database, as one markdown table.
//
//   node benchmark/faults/run.mjs [--seed n] [--cycles 200000] [--only name,name]
//
// Works: syncs, power, writers, compaction, full, full-compaction, flips, process. `npm run build` comes first. The power
// cut needs cargo, syncs need strace, and the full disk needs the right to mount a tmpfs; a row that cannot be
// measured says why.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { writesDuringCompaction } from './compaction.mjs'
import { diskFull, fullCompaction } from './full.mjs'
import { bitFlips } from './flips.mjs'
import { concurrentWriters, powerCut, secondProcess, syncs } from './processes.mjs'

const WORKS = {
  syncs: ['syncs in 200 durable writes', syncs],
  power: ['power cut: acknowledged writes lost', powerCut],
  writers: ['concurrent writers, no crash', concurrentWriters],
  compaction: ['writes during compaction', writesDuringCompaction],
  full: ['disk full', diskFull],
  'full-compaction': ['disk full in compaction', fullCompaction],
  flips: ['single bit flips reported', bitFlips],
  process: ['second process', secondProcess]
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    cycles: { type: 'string', default: '200000' },
    only: { type: 'string', default: Object.keys(WORKS).join(',') }
  }
})

const base = mkdtempSync(join(tmpdir(), 'moltendb-faults-'))
const rows = []
let failed = false
try {
  for (const name of values.only.split(',')) {
    if (!Object.hasOwn(WORKS, name)) throw new TypeError(`--only takes ${Object.keys(WORKS).join(', ')}, not ${name}`)
    const [fault, work] = WORKS[name]
    const { text, holds } = await work({ base, seed: Number(values.seed), cycles: Number(values.cycles) })
    if (holds === false) failed = true
    rows.push(`| ${fault} | ${text} |`)
  }
} finally {
  rmSync(base, { recursive: true, force: true })
}
console.log(`| fault (seed ${values.seed}) | moltendb-node |\n|---|---|\n${rows.join('\n')}`)
if (failed) process.exitCode = 1

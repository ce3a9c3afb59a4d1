// Which files are written and synced, how often and in which order: a database is created, written, compacted, closed, read and written
// again under strace.
//
//   node __test__/crash/strace.mjs [--verbose]
//
// Checks the order of creating, the first write, switching to the next segment, a checkpoint, compacting, closing and opening again (each file durable
// before the name that makes it valid, each segment before its successor, what was found before the first change), no fsync where only reads follow an
// opening, at least one fdatasync for each awaited insert, and far fewer for concurrent ones. Without strace it says so and passes.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const CALLS = 'fdatasync,fsync,pwrite64,rename,renameat,renameat2,open,openat,mkdir,mkdirat,unlink,unlinkat'
const INSERTS = 100

/** Each phase as the design defines it. `DIR` is the database, `PARENT` its parent directory, `SEG1` its first segment. */
const ORDERS = {
  create: [
    ['mkdir DIR', 'the directory is made'],
    ['sync PARENT', 'its name is durable'],
    ['create LOCK', 'the lock file is made'],
    ['create SEG1', 'the first segment is made'],
    ['sync SEG1', 'its header is durable'],
    ['sync DIR', 'its name is durable'],
    ['create MANIFEST.tmp', 'the manifest is written beside its place'],
    ['sync MANIFEST.tmp', 'it is durable'],
    ['rename MANIFEST', 'it takes its place'],
    ['sync DIR', 'its name is durable']
  ],
  first: [
    ['header SEG1', 'the first segment begins'],
    ['sync SEG1', 'its header is durable'],
    ['sync DIR', 'its name is durable'],
    ['write MANIFEST', 'it is recorded'],
    ['sync MANIFEST', 'the record is durable'],
    ['write SEG1', 'only now a frame is written to it'],
    ['sync SEG1', 'the frame is durable']
  ],
  rotate: [
    ['create SEG2', 'the next segment is set aside'],
    ['seal SEG1', 'the segment before is sealed'],
    ['sync SEG1', 'its seal is durable'],
    ['header SEG2', 'the next segment begins'],
    ['sync SEG2', 'its header is durable'],
    ['sync DIR', 'its name is durable'],
    ['write MANIFEST', 'it is recorded'],
    ['write SEG2', 'only now a frame is written to it'],
    ['sync SEG2', 'the frame is durable']
  ],
  checkpoint: [
    ['create SEG3', 'the cut sets the next segment aside'],
    ['seal SEG2', 'the segment before the cut is sealed'],
    ['sync SEG2', 'its seal is durable'],
    ['header SEG3', 'the next segment begins'],
    ['sync SEG3', 'its header is durable'],
    ['sync DIR', 'its name is durable'],
    ['create CHK.tmp', 'the checkpoint is written beside its place'],
    ['sync CHK.tmp', 'it is durable'],
    ['rename CHK', 'it gets its name'],
    ['sync DIR', 'its name is durable']
  ],
  compact: [
    ['create SEG4', 'the cut sets the next segment aside'],
    ['create SNAP.tmp', 'the snapshot is begun'],
    ['create CHK.tmp', 'and its checkpoint beside it'],
    ['write SNAP.tmp', 'it is written'],
    ['seal SEG3', 'the segment before the cut is sealed'],
    ['sync SEG3', 'its seal is durable'],
    ['header SEG4', 'the next segment begins'],
    ['sync SEG4', 'its header is durable'],
    ['sync DIR', 'its name is durable'],
    ['sync SNAP.tmp', 'the snapshot is durable'],
    ['rename SNAP', 'it gets its name'],
    ['sync DIR', 'its name is durable'],
    ['create MANIFEST.tmp', 'the manifest is written beside its place'],
    ['sync MANIFEST.tmp', 'it is durable'],
    ['rename MANIFEST', 'it takes its place: the commit point'],
    ['sync DIR', 'its name is durable'],
    ['sync CHK.tmp', 'the checkpoint is durable'],
    ['rename CHK', 'only now it gets its name'],
    ['sync DIR', 'its name is durable'],
    ['remove CHK', 'the one of the old generation goes'],
    ['remove SEG1', 'the old segments go'],
    ['remove SEG2', 'and the next'],
    ['remove SEG3', 'all of them']
  ],
  close: [
    ['seal SEG4', 'the newest segment is sealed'],
    ['sync SEG4', 'its seal is durable'],
    ['create MANIFEST.tmp', 'the manifest is written beside its place'],
    ['sync MANIFEST.tmp', 'it is durable'],
    ['rename MANIFEST', 'it takes its place'],
    ['sync DIR', 'its name is durable']
  ],
  reopen: [],
  again: [
    ['sync DIR', 'the names that were found are durable'],
    ['sync MANIFEST', 'so is the manifest'],
    ['sync SEG4', 'and the log'],
    ['sync SNAP', 'and the snapshot'],
    ['create SEG5', 'only now the next segment is made'],
    ['header SEG5', 'it begins'],
    ['sync SEG5', 'its header is durable'],
    ['sync DIR', 'its name is durable'],
    ['write MANIFEST', 'it is recorded'],
    ['sync MANIFEST', 'the record is durable'],
    ['write SEG5', 'only now a frame is written to it'],
    ['sync SEG5', 'the frame is durable']
  ]
}

/** What must not happen before what, in the whole run. */
const NEVER_BEFORE = [
  ['write SEG1', 'sync MANIFEST', 'a frame in a segment that is not recorded'],
  ['write SEG2', 'sync SEG2', 'a frame in a segment whose header is not durable'],
  ['rename SNAP', 'sync SNAP.tmp', 'a snapshot that has its name before it is durable'],
  ['rename CHK', 'sync CHK.tmp', 'a checkpoint that has its name before it is durable'],
  ['remove SEG1', 'rename SNAP', 'a segment removed before there is a snapshot']
]

function straceIsMissing() {
  if (process.platform !== 'linux') return 'strace is a tool of Linux'
  const probe = spawnSync('strace', ['-f', '-o', '/dev/null', 'true'], { encoding: 'utf8' })
  if (probe.error?.code === 'ENOENT') return 'strace is not installed'
  return probe.status === 0 ? null : `strace cannot trace here: ${probe.stderr.trim()}`
}

/** The name of a path in the terms of ORDERS; null when it is not a file of the database. */
function nameOf(path, directory) {
  if (path === directory) return 'DIR'
  if (path === join(directory, '..')) return 'PARENT'
  const inside = relative(directory, path)
  if (inside.startsWith('..') || inside.includes('/')) return null
  const segment = /^seg-([0-9a-f]{16})\.log$/.exec(inside)
  if (segment !== null) return `SEG${Number.parseInt(segment[1], 16)}`
  const snapshot = /^snap-[0-9a-f]{16}\.(snp|tmp)$/.exec(inside)
  if (snapshot !== null) return snapshot[1] === 'snp' ? 'SNAP' : 'SNAP.tmp'
  const checkpoint = /^chk-[0-9a-f]{16}\.(chk|tmp)$/.exec(inside)
  if (checkpoint !== null) return checkpoint[1] === 'chk' ? 'CHK' : 'CHK.tmp'
  return inside
}

/**
 * A write as an event: 64 bytes at the start of a segment are its header, 32 are a seal, because every other frame here is
 * longer.
 */
function writeOf(rest, directory) {
  const path = /^\d+<([^>]*)>/.exec(rest)?.[1]
  const name = path === undefined ? null : nameOf(path, directory)
  const place = /, (\d+), (\d+)(?:\)| <unfinished)/.exec(rest.slice(rest.lastIndexOf('"')))
  if (name === null || place === null) return null
  const [length, offset] = place.slice(1).map(Number)
  if (!name.startsWith('SEG')) return { verb: 'write', name }
  if (offset === 0) return { verb: 'header', name }
  return { verb: length === 32 ? 'seal' : 'write', name }
}

/** One line of strace as an event such as `sync SEG1`; null when it does not matter. */
function eventOf(line, directory) {
  const call = /^\d+\s+(\w+)\((.*)$/.exec(line)
  if (call === null || (/ = -1 /.test(line) && !line.includes('/mark-'))) return null
  const [, verb, rest] = call
  if (verb === 'pwrite64') return writeOf(rest, directory)
  const quoted = [...rest.matchAll(/"([^"]*)"/g)].map((match) => match[1])
  if (verb === 'fsync' || verb === 'fdatasync') {
    const path = /^\d+<([^>]*)>/.exec(rest)?.[1]
    const name = path === undefined ? null : nameOf(path, directory)
    return name && { verb: 'sync', name, exact: verb }
  }
  const name = quoted.length === 0 ? null : nameOf(quoted.at(-1), directory)
  if (name === null) return null
  if (verb.startsWith('rename')) return { verb: 'rename', name }
  if (verb.startsWith('unlink')) return { verb: 'remove', name }
  if (verb.startsWith('mkdir')) return { verb: 'mkdir', name }
  if (name.startsWith('mark-')) return { verb: 'mark', name: name.slice('mark-'.length) }
  return rest.includes('O_CREAT') ? { verb: 'create', name } : null
}

/** Runs the inserts and returns the events of each phase. */
function trace(order) {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'moltendb-strace-')))
  try {
    const directory = join(base, 'db')
    const output = join(base, 'trace')
    const script = fileURLToPath(new URL('inserts.mjs', import.meta.url))
    const run = spawnSync(
      'strace',
      ['-f', '-y', '-s', '512', '-e', `trace=${CALLS}`, '-o', output, process.execPath, script, directory, order],
      { encoding: 'utf8' }
    )
    if (run.status !== 0) throw new Error(`the writer failed: ${run.stderr}`)
    const phases = { create: [], first: [], inserts: [], rotate: [], checkpoint: [], later: [], compact: [], close: [], reopen: [], again: [], end: [] }
    let phase = phases.create
    for (const line of readFileSync(output, 'utf8').split('\n')) {
      const event = eventOf(line, directory)
      if (event === null) continue
      if (event.verb === 'mark') phase = phases[event.name]
      else phase.push(event)
    }
    return phases
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

const sayOf = (event) => `${event.verb} ${event.name}`

/** The steps of an order that are missing among the events. */
function missingSteps(order, events) {
  let from = 0
  const missing = []
  for (const [step, meaning] of order) {
    const at = events.findIndex((event, index) => index >= from && sayOf(event) === step)
    if (at === -1) missing.push(`${step} (${meaning})`)
    else from = at + 1
  }
  return missing
}

/** What happened too early. */
function earlySteps(events) {
  const at = (step) => events.findIndex((event) => sayOf(event) === step)
  return NEVER_BEFORE.filter(([step, before]) => at(step) !== -1 && (at(before) === -1 || at(step) < at(before))).map(([, , what]) => what)
}

/** One line per event, or per run of repeated events. */
function shown(events) {
  const lines = []
  for (const event of events) {
    const line = `  ${event.exact ?? event.verb} ${event.name}`
    if (lines.at(-1)?.[0] === line) lines.at(-1)[1]++
    else lines.push([line, 1])
  }
  return lines.map(([line, times]) => (times === 1 ? line : `${line} (${times} times)`)).join('\n')
}

const syncs = (events) => events.filter((event) => event.verb === 'sync' && event.name.startsWith('SEG')).length

function main() {
  const { values } = parseArgs({ options: { verbose: { type: 'boolean', default: false } } })
  const missing = straceIsMissing()
  if (missing !== null) {
    console.log(`${basename(import.meta.url)}: skipped, ${missing}`)
    return
  }
  const faults = []
  const sequential = trace('sequential')
  const concurrent = trace('concurrent')
  for (const [phase, events] of Object.entries(sequential)) {
    if (values.verbose || phase !== 'inserts') console.log(`${phase}:\n${shown(events)}`)
  }
  console.log(`${INSERTS} inserts, awaited one by one: ${syncs(sequential.inserts)} syncs of the segment`)
  console.log(`${INSERTS} inserts, concurrent: ${syncs(concurrent.inserts)} syncs of the segment`)

  for (const [phase, order] of Object.entries(ORDERS)) {
    // It begins in the background, maybe before the insert that made it due has resolved.
    const events = phase === 'checkpoint' ? [...sequential.rotate, ...sequential.checkpoint] : sequential[phase]
    for (const step of missingSteps(order, events)) faults.push(`${phase} lacks, in its place: ${step}`)
  }
  for (const what of earlySteps(Object.values(sequential).flat())) faults.push(`there was ${what}`)
  for (const { verb, name } of sequential.reopen) if (verb === 'sync') faults.push(`an opening after a clean close syncs ${name}, and only reads`)
  if (syncs(sequential.first) < 1) faults.push('the first write is not synced')
  if (syncs(sequential.inserts) < INSERTS) faults.push(`${syncs(sequential.inserts)} syncs for ${INSERTS} awaited inserts`)
  const few = INSERTS / 4
  if (syncs(concurrent.inserts) < 1) faults.push('concurrent inserts are not synced')
  if (syncs(concurrent.inserts) > few) faults.push(`${syncs(concurrent.inserts)} syncs for concurrent inserts, above ${few}`)
  for (const fault of faults) console.error(`fault: ${fault}`)
  if (faults.length > 0) process.exitCode = 1
  else console.log(`${Object.values(ORDERS).flat().length} steps stand in their order`)
}

main()

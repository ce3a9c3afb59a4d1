// Which files are synced, how often and in which order: 100 durable inserts under strace.
//
//   node __test__/crash/strace.mjs [--verbose]
//
// Checks the order in which a database is created (each file durable before the name that makes it count), at least
// one fdatasync for each awaited insert, and far fewer for concurrent ones. Says so and ends well without strace.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const CALLS = 'fdatasync,fsync,rename,renameat,renameat2,open,openat,mkdir,mkdirat'
const INSERTS = 100

/** Creation, as the design says it. `DIR` is the database, `PARENT` what holds it, `SEG` its first segment. */
const CREATION = [
  ['mkdir DIR', 'the directory is made'],
  ['sync PARENT', 'its name is durable'],
  ['create LOCK', 'the lock file is made'],
  ['create SEG', 'the first segment is made'],
  ['sync SEG', 'its header is durable'],
  ['sync DIR', 'its name is durable'],
  ['create MANIFEST.tmp', 'the manifest is written beside its place'],
  ['sync MANIFEST.tmp', 'it is durable'],
  ['rename MANIFEST', 'it takes its place'],
  ['sync DIR', 'its name is durable']
]

function straceIsMissing() {
  if (process.platform !== 'linux') return 'strace is a tool of Linux'
  const probe = spawnSync('strace', ['-f', '-o', '/dev/null', 'true'], { encoding: 'utf8' })
  if (probe.error?.code === 'ENOENT') return 'strace is not installed'
  return probe.status === 0 ? null : `strace cannot trace here: ${probe.stderr.trim()}`
}

/** The name of a path in the terms of CREATION; null when it is not the database's. */
function nameOf(path, directory) {
  if (path === directory) return 'DIR'
  if (path === join(directory, '..')) return 'PARENT'
  const inside = relative(directory, path)
  if (inside.startsWith('..') || inside.includes('/')) return null
  return /^seg-[0-9a-f]{16}\.log$/.test(inside) ? 'SEG' : inside
}

/** One line of strace as an event such as `sync SEG`; null when it is of no interest. */
function eventOf(line, directory) {
  const call = /^\d+\s+(\w+)\((.*)$/.exec(line)
  if (call === null || (/ = -1 /.test(line) && !line.includes('/mark-'))) return null
  const [, verb, rest] = call
  const quoted = [...rest.matchAll(/"([^"]*)"/g)].map((match) => match[1])
  if (verb === 'fsync' || verb === 'fdatasync') {
    const path = /^\d+<([^>]*)>/.exec(rest)?.[1]
    const name = path === undefined ? null : nameOf(path, directory)
    return name && { verb: 'sync', name, exact: verb }
  }
  const name = quoted.length === 0 ? null : nameOf(quoted.at(-1), directory)
  if (name === null) return null
  if (verb.startsWith('rename')) return { verb: 'rename', name }
  if (verb.startsWith('mkdir')) return { verb: 'mkdir', name }
  if (name.startsWith('mark-')) return { verb: 'mark', name: name.slice('mark-'.length) }
  return rest.includes('O_CREAT') ? { verb: 'create', name } : null
}

/** Runs the inserts and answers the events of each phase: create, first, inserts, close. */
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
    const phases = { create: [], first: [], inserts: [], close: [] }
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

/** The steps of CREATION that are not found, in their order, among the events. */
function missingSteps(events) {
  let from = 0
  const missing = []
  for (const [step, meaning] of CREATION) {
    const at = events.findIndex((event, index) => index >= from && `${event.verb} ${event.name}` === step)
    if (at === -1) missing.push(`${step} (${meaning})`)
    else from = at + 1
  }
  return missing
}

const shown = (events) => events.map((event) => `  ${event.exact ?? event.verb} ${event.name}`).join('\n')
const syncs = (events) => events.filter((event) => event.verb === 'sync' && event.name === 'SEG').length

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
  console.log(`creation:\n${shown(sequential.create)}`)
  console.log(`first write of the session:\n${shown(sequential.first)}`)
  if (values.verbose) console.log(`inserts:\n${shown(sequential.inserts)}`)
  console.log(`close:\n${shown(sequential.close)}`)
  console.log(`${INSERTS} inserts, awaited one by one: ${syncs(sequential.inserts)} syncs of the segment`)
  console.log(`${INSERTS} inserts, concurrent: ${syncs(concurrent.inserts)} syncs of the segment`)

  for (const step of missingSteps(sequential.create)) faults.push(`creation lacks, in its place: ${step}`)
  if (syncs(sequential.first) < 1) faults.push('the first write is not synced')
  if (syncs(sequential.inserts) < INSERTS) faults.push(`${syncs(sequential.inserts)} syncs for ${INSERTS} awaited inserts`)
  const few = INSERTS / 4
  if (syncs(concurrent.inserts) < 1) faults.push('concurrent inserts are not synced')
  if (syncs(concurrent.inserts) > few) faults.push(`${syncs(concurrent.inserts)} syncs for concurrent inserts, above ${few}`)
  for (const fault of faults) console.error(`fault: ${fault}`)
  if (faults.length > 0) process.exitCode = 1
}

main()

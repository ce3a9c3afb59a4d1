// Rows that need their own processes.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

import { Database } from '../../index.mjs'

const WRITES = 200
const WORKERS = 8
const EACH = 2_000

const script = (name) => fileURLToPath(new URL(name, import.meta.url))

/** Counts the syncs of 200 awaited writes of a sync database, and those of 200 concurrent ones. */
export async function syncs({ base }) {
  if (spawnSync('strace', ['-o', '/dev/null', 'true']).status !== 0) return { text: 'not measured: strace does not run here' }
  const output = join(base, 'trace')
  const child = [process.execPath, script('durable.mjs'), join(base, 'syncs'), String(WRITES)]
  const run = spawnSync('strace', ['-f', '-e', 'trace=fsync,fdatasync,open,openat', '-o', output, ...child], { encoding: 'utf8' })
  if (run.status !== 0) throw new Error(`the writer failed: ${run.stderr}`)
  const phases = readFileSync(output, 'utf8').split(/^.*\/mark-\w+".*$/m)
  const count = (phase) => (phase.match(/\b(?:fsync|fdatasync)\(/g) ?? []).length
  const [, one, many] = phases.map(count)
  return { text: `${one} awaited one by one; ${many} when concurrent`, holds: one >= WRITES && many >= 1 }
}

/** Runs the simulation of power cuts and kills of the Rust tests. */
export async function powerCut({ cycles }) {
  const cwd = script('../..')
  const run = spawnSync(
    'cargo',
    ['test', '--no-default-features', '--test', 'crash_sim', '--', '--exact', 'no_crash_loses_an_answered_commit_or_refuses_a_healthy_database'],
    { cwd, encoding: 'utf8', env: { ...process.env, CRASH_CYCLES: String(cycles) } }
  )
  if (run.error?.code === 'ENOENT') return { text: 'not measured: cargo is not installed' }
  if (run.status === 0 && /1 passed/.test(run.stdout)) return { text: `0 lost in ${cycles} simulated crashes`, holds: true }
  const seed = /SEED=\d+: .*/.exec(run.stdout)
  if (seed === null) throw new Error(`the simulation did not run: ${run.stdout}${run.stderr}`)
  return { text: seed[0], holds: false }
}

/** Eight worker threads insert into one database; counts what is missing after reopening. */
export async function concurrentWriters({ base }) {
  const path = join(base, 'writers')
  const db = await Database.open(path)
  await Promise.all(
    Array.from({ length: WORKERS }, async (_, n) => {
      const worker = new Worker(script('inserter.mjs'), { workerData: { path, name: n, count: EACH } })
      const [code] = await once(worker, 'exit')
      if (code !== 0) throw new Error(`worker ${n} ended with ${code}`)
    })
  )
  await db.close()
  const again = await Database.open(path)
  const found = new Set((await again.collection('documents').find({}).toArray()).map(({ _id }) => _id))
  const counter = await again.collection('counters').get('all')
  await again.close()
  let lost = 0
  for (let n = 0; n < WORKERS; n++) for (let at = 0; at < EACH; at++) if (!found.has(`${n}-${at}`)) lost++
  const total = WORKERS * EACH
  const increments = total - (counter?.n ?? 0)
  return {
    text: `${lost} of ${total} inserts and ${increments} of ${total} increments of one document lost`,
    holds: lost === 0 && increments === 0
  }
}

/** Opens a database that another process has open. */
export async function secondProcess({ base }) {
  const path = join(base, 'process')
  const child = spawn(process.execPath, [script('holder.mjs'), path], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    await once(child.stdout, 'data')
    try {
      await (await Database.open(path)).close()
    } catch (error) {
      if (error.kind === 'LOCKED' && error.pid === child.pid) return { text: 'refused, naming the first', holds: true }
      throw error
    }
    return { text: 'accepted', holds: false }
  } finally {
    child.stdin.end()
    if (child.exitCode === null) await once(child, 'exit')
  }
}

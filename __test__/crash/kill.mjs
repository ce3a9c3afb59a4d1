// kill -9 of a writer at random moments; no acknowledged write may be lost.
//
//   node __test__/crash/kill.mjs [--rounds 50] [--mode sync|async|both] [--jobs 1] [--longest 400] [--seed n] [--directory path] [--keep]
//                                [--memory-limit n] [--retention n] [--workers n]
//
// One database is used in all rounds of a job. Each round starts a writer, reads its ledger, kills it after 5 to 400 ms,
// reopens the database in another process (every third of which also ends abruptly) and compares. Jobs share the rounds and
// run concurrently, with mode `both` alternating sync and async. A round's memoryLimit, kept generations and worker threads
// are random unless they are given; 0 is none.

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { generator, Ledger } from './ledger.mjs'

const script = (name) => fileURLToPath(new URL(name, import.meta.url))

function settings() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '50' },
      mode: { type: 'string', default: 'sync' },
      jobs: { type: 'string', default: '1' },
      longest: { type: 'string', default: '400' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      'memory-limit': { type: 'string' },
      retention: { type: 'string' },
      workers: { type: 'string' },
      directory: { type: 'string' },
      keep: { type: 'boolean', default: false }
    }
  })
  if (!['sync', 'async', 'both'].includes(values.mode)) throw new TypeError(`--mode must be sync, async or both, not ${values.mode}`)
  const number = (name, least) => {
    const value = Number(values[name])
    if (!Number.isSafeInteger(value) || value < least) throw new TypeError(`--${name} must be a whole number from ${least}, not ${values[name]}`)
    return value
  }
  const { mode, keep, directory } = values
  const [rounds, jobs, longest, seed] = [number('rounds', 1), number('jobs', 1), number('longest', 5), number('seed', 0)]
  const given = (name) => (values[name] === undefined ? undefined : number(name, 0))
  const fixed = { memoryLimit: given('memory-limit'), generations: given('retention'), workers: given('workers') }
  return { rounds, jobs, longest, seed, mode, keep, fixed, base: directory ?? tmpdir() }
}

/** The options of a round's database. */
function wayOf(random, fixed) {
  const drawn = { memoryLimit: random.pick([0, 0, 1, 1, 20_000]), generations: random.pick([0, 0, 1, 2]), workers: random.pick([0, 0, 2]) }
  return Object.fromEntries(Object.entries(drawn).map(([name, value]) => [name, fixed[name] ?? value]))
}

/** Identifies a build of the addon: a process dies when its addon is overwritten while it runs. */
function build() {
  const root = script('../..')
  const addons = readdirSync(root).filter((name) => name.endsWith('.node'))
  return addons.map((name) => `${name} ${statSync(join(root, name)).mtimeMs}`).join()
}

/** Runs a writer until it is killed; returns the complete lines that it printed. Rejects when it ended by itself. */
function runWriter(directory, mode, seed, random, longest, way) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script('writer.mjs'), directory, mode, String(seed), JSON.stringify(way)], {
      stdio: ['ignore', 'pipe', 'pipe']
    })
    const delay = random.between(5, longest)
    let killed = false
    const kill = () => {
      killed = true
      child.kill('SIGKILL')
    }
    const output = []
    const messages = []
    // One in six dies while Node or the database may still be opening.
    let timer = random.chance(1 / 6) ? setTimeout(kill, delay) : null
    child.stdout.on('data', (bytes) => output.push(bytes))
    child.stderr.on('data', (bytes) => {
      messages.push(bytes)
      timer ??= setTimeout(kill, delay)
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const text = Buffer.concat(output).toString()
      if (killed && signal === 'SIGKILL') resolve(text.slice(0, text.lastIndexOf('\n') + 1).split('\n').slice(0, -1))
      else reject(new Error(`the writer ended by itself (${signal ?? `code ${code}`}): ${Buffer.concat(messages)}`))
    })
  })
}

/** What another process finds after opening: id -> document. */
function dump(directory, mode, abrupt, { memoryLimit }) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script('dump.mjs'), directory, mode, abrupt ? 'abrupt' : 'close', String(memoryLimit)], {
      stdio: ['ignore', 'pipe', 'pipe']
    })
    const output = []
    const messages = []
    child.stdout.on('data', (bytes) => output.push(bytes))
    child.stderr.on('data', (bytes) => messages.push(bytes))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code !== 0 && !(abrupt && signal === 'SIGKILL')) {
        return reject(new Error(`the database does not open (${signal ?? `code ${code}`}): ${Buffer.concat(messages)}`))
      }
      const { documents } = JSON.parse(Buffer.concat(output).toString())
      const found = new Map(documents.map((document) => [document._id, document]))
      if (found.size !== documents.length) return reject(new Error('an _id was found twice'))
      resolve(found)
    })
  })
}

/** The rounds of one database; returns whether all was well, and the ledger. */
async function runJob({ rounds, mode, seed, base, keep, longest, fixed }) {
  const directory = mkdtempSync(join(base, `moltendb-kill-${mode}-`))
  const database = join(directory, 'db')
  const random = generator(seed)
  const ledger = new Ledger()
  const faults = { lost: 0, wrong: 0 }
  const built = build()
  let round = 0
  try {
    while (round < rounds && faults.lost + faults.wrong === 0) {
      round++
      const way = wayOf(random, fixed)
      for (const line of await runWriter(database, mode, seed + round, random, longest, way)) ledger.read(line)
      const { lost, wrong } = ledger.judge(await dump(database, mode, round % 3 === 0, way))
      faults.lost += lost.length
      faults.wrong += wrong.length
      for (const line of [...lost, ...wrong].slice(0, 20)) console.error(`round ${round}: ${line}`)
    }
  } catch (error) {
    faults.wrong++
    // Written beside the database, because the output is not always kept.
    writeFileSync(join(directory, 'failure.txt'), `seed ${seed}, round ${round}\n${error.stack}\n`)
    console.error(`round ${round}: ${error.stack}`)
    if (build() !== built) console.error('the addon was replaced during the run, which shows nothing: run again')
  }
  console.log(
    `mode ${mode}, seed ${seed}: ${round} rounds, ${ledger.acknowledged} operations acknowledged, ` +
      `${ledger.inFlight} in flight when killed, ${ledger.size} ids, ${faults.lost} lost, ${faults.wrong} wrong`
  )
  if (faults.lost + faults.wrong > 0) {
    const again = `--mode ${mode} --rounds ${rounds} --longest ${longest} --seed ${seed}`
    console.error(`the database and the failure are kept in ${directory}; run again with ${again}`)
    return false
  }
  if (!keep) rmSync(directory, { recursive: true, force: true })
  if (ledger.acknowledged > 0) return true
  console.error('no write was acknowledged: nothing was shown')
  return false
}

async function main() {
  const { rounds, jobs, mode, seed, ...rest } = settings()
  mkdirSync(rest.base, { recursive: true })
  const modeOf = (job) => (mode === 'both' ? ['sync', 'async'][job % 2] : mode)
  const results = await Promise.all(
    Array.from({ length: Math.min(jobs, rounds) }, (_, job) =>
      runJob({ ...rest, rounds: Math.ceil((rounds - job) / jobs), mode: modeOf(job), seed: seed + job * 1_000_000 })
    )
  )
  if (results.includes(false)) process.exitCode = 1
}

await main()

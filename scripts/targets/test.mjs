// Runs the suite against an addon of another platform, by an emulator or a loader of this machine: `npm run test:target linux-arm64-gnu`. The
// addon is that of `npm run build:targets`. Under emulation a part of the suite runs, unless files are named or `--all` is given.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { addonName, targetsNamed } from '../package/targets.mjs'
import { root, seconds } from '../steps.mjs'
import { runners } from './emulators.mjs'

/** Each part of the core and of the binding once, in files that neither start programs nor measure what emulation changes. */
const PART = [
  'aggregate', 'bulk-write', 'cold', 'compaction', 'cursor', 'decode', 'explain', 'find', 'indexes', 'insert', 'jsonl', 'open-close',
  'operators-expressions', 'operators-updates', 'regex', 'sync-reads', 'time-zones', 'update', 'values', 'verify', 'workers'
]

/** Platforms that run at full speed here, and so run everything. */
const FAST = ['linux-x64-musl']

function addonOf(target) {
  const places = ['addons', 'stand-ins'].map((folder) => join(root, 'target', folder, addonName(target)))
  const path = places.find((one) => existsSync(one))
  if (path) return path
  throw new Error(`there is no addon for ${target.name}: npm run build:targets ${target.name}`)
}

function main(args) {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { all: { type: 'boolean' } } })
  const [name, ...files] = positionals
  if (!name) throw new Error(`name a target: ${Object.keys(runners).join(', ')}`)
  const [target] = targetsNamed([name])
  if (!Object.hasOwn(runners, target.name)) throw new Error(`nothing here runs ${target.name}; there are runners for ${Object.keys(runners).join(', ')}`)
  const runner = runners[target.name]()
  // What runs for a time needs more of it under emulation, to get anywhere.
  const slow = FAST.includes(target.name) ? {} : { COLD_SECONDS: '8' }
  const env = { ...slow, ...process.env, ...runner.env, MOLTENDB_NATIVE_PATH: runner.path(addonOf(target)) }

  const whole = values.all || FAST.includes(target.name)
  const suite = files.length > 0 ? files : whole ? [] : PART.map((file) => `__test__/${file}.test.mjs`)
  const programs = [
    ['scripts/proofs/smoke.cjs'],
    ['scripts/proofs/realms.cjs'],
    ['node_modules/ava/entrypoints/cli.mjs', '--timeout=10m', '--concurrency=2', ...suite]
  ]
  for (const program of programs) {
    const started = performance.now()
    const status = run(runner, program, env, target.name)
    console.log(`${program[0]}: ${status === 0 ? 'ok' : `ended with ${status}`}, ${seconds(performance.now() - started)}`)
    if (status !== 0) return 1
  }
  return 0
}

/** Runs a program of the checkout. Wine's Node.js writes to files only. */
function run(runner, [script, ...rest], env, name) {
  mkdirSync(join(root, 'target', 'tools'), { recursive: true })
  const log = join(root, 'target', 'tools', `output-${name}.txt`)
  const output = openSync(log, 'w')
  const { status, error } = spawnSync(runner.command, [...runner.args, runner.path(join(root, script)), ...rest], { cwd: root, env, stdio: ['ignore', output, output] })
  const printed = readFileSync(log, 'utf8').trimEnd().split('\n')
  console.log((status === 0 ? printed.slice(-3) : printed.slice(-60)).join('\n'))
  if (error) throw error
  return status
}

if (process.argv[1] === import.meta.filename) {
  try {
    process.exitCode = main(process.argv.slice(2))
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}

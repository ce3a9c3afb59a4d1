// Everything that must hold before a change is merged, in two rows side by side, as each of them leaves cores idle; the output of the
// second is printed when both have ended. What Rust compiles for its tests is the addon of JavaScript's tests too, so that nothing is
// compiled twice: with assertions, and without the optimisations of a release, which `npm start` builds. An addon that is newer than
// its sources is tested in its place. Each row stops at its first failure. `--only <step>,<step>` runs these steps, one after the other.

import { spawn } from 'node:child_process'
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, rmSync, utimesSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { addonName, hostTarget, libraryName } from './package/targets.mjs'
import { buildScripts, rustSources } from './setup.mjs'
import { isStale, root, run, runTool, seconds } from './steps.mjs'

const cargo = (...args) => run('cargo', args)
const clippy = (...args) => cargo('clippy', '--locked', '--all-targets', ...args, '--', '-D', 'warnings')

/** The extent of each push for the suites of docs/testing.md that can run for any time. The environment overrides it. */
const push = {
  CRASH_CYCLES: '40000',
  DAMAGE_CYCLES: '6000',
  MODEL_RUNS: '300',
  FAULT_SCRIPTS: '12',
  FLIP_BYTES: '65536',
  MOLTENDB_FUZZ_SECONDS: '3'
}

const folder = process.env.CARGO_TARGET_DIR ?? 'target'
const targetFolder = isAbsolute(folder) ? folder : join(root, folder)
const loomTarget = join(targetFolder, 'loom')
const node = (script, ...args) => run(process.execPath, [join(root, script), ...args])

/** Kills writers, and readers of changes; skipped where a process cannot be killed as by kill -9. */
function kill() {
  if (process.platform !== 'win32') {
    return node('__test__/crash/kill.mjs', '--rounds', '40', '--jobs', '2', '--mode', 'both', '--longest', '150') ||
      node('__test__/crash/streams.mjs', '--events', '3000')
  }
  console.log('skipped: there is no kill -9 on Windows')
  return 0
}

/**
 * Puts the library that the tests of Rust link in the addon's place, unless the addon there is newer than its sources. It is made older
 * than any source, so that whatever needs a release builds one.
 */
function addon() {
  const host = hostTarget()
  const path = join(root, addonName(host))
  if (!isStale(addonName(host), rustSources)) return 0
  // A new file: a process that has the old one loaded keeps it, and macOS keeps the signature of an old one in mind.
  rmSync(path, { force: true })
  // Only what is built by name is copied out of deps.
  copyFileSync(join(targetFolder, 'debug', 'deps', libraryName(host)), path)
  utimesSync(path, 0, 0)
  return 0
}

const steps = {
  fmt: () => cargo('fmt', '--check'),
  'clippy-core': () => clippy('--no-default-features'),
  'clippy-node': () => clippy(),
  compile: () => cargo('test', '--locked', '--tests', '--no-run'),
  rust: () => run('cargo', ['test', '--locked', '--tests'], { ...push, ...process.env }),
  // A separate workspace; its products belong to the other packages.
  loom: () => run('cargo', ['run', '--locked', '--release', '--manifest-path', 'tests/loom/Cargo.toml'], { CARGO_TARGET_DIR: loomTarget }),
  addon,
  js: () => buildScripts(true),
  generated: () => run(process.execPath, [join(root, 'scripts', 'build-types.mjs'), '--check']),
  // The page of the inspector is compiled for browsers.
  types: () => runTool('typescript/bin/tsc', ['--noEmit']) || runTool('typescript/bin/tsc', ['--noEmit', '-p', 'js/inspector/page']),
  'type-tests': () => runTool('typescript/bin/tsc', ['--noEmit', '-p', '__test__/tsconfig.json']),
  lint: () => runTool('oxlint/bin/oxlint', ['--deny-warnings']),
  strace: () => node('__test__/crash/strace.mjs'),
  kill,
  ava: () => runTool('ava/entrypoints/cli.mjs', []),
  jest: () => runTool('jest/bin/jest.js', ['--config', '__test__/runners/jest/jest.config.cjs']),
  vitest: () => runTool('vitest/vitest.mjs', ['run', '--config', '__test__/runners/vitest/vitest.config.mjs'])
}

/** What needs no compiled Rust runs beside its compilation, what needs the addon beside the tests of Rust. */
const phases = [
  { here: ['fmt', 'compile'], beside: ['js', 'generated', 'types', 'type-tests', 'lint', 'loom'] },
  { here: ['rust', 'clippy-node'], beside: ['addon', 'strace', 'kill', 'ava', 'jest', 'vitest'] }
]

/** The steps named by --only, or undefined. */
function chosen(args) {
  if (args.length === 0) return undefined
  const [option, list = ''] = args
  const names = list.split(',')
  if (option === '--only' && args.length === 2 && names.every((name) => Object.hasOwn(steps, name))) return names
  const usage = `node scripts/test.mjs                        runs all steps but clippy-core
node scripts/test.mjs --only STEP,STEP...    runs these: ${Object.keys(steps).join(', ')}`
  if (option === '--help' || option === '-h') {
    console.log(usage)
    process.exit(0)
  }
  console.error(usage)
  process.exit(2)
}

/** Runs steps in order until one fails; returns the number of those that passed and whether one failed. */
async function runSteps(names) {
  const durations = []
  let code = 0
  for (const name of names) {
    console.log(`\n== ${name}`)
    const started = performance.now()
    code = await steps[name]()
    durations.push([name, performance.now() - started])
    if (code !== 0) break
  }
  console.log('')
  for (const [name, duration] of durations) console.log(`${name.padEnd(12)} ${seconds(duration).padStart(8)}`)
  if (code !== 0) console.log(`${durations.at(-1)[0]} failed with exit code ${code}`)
  const failed = code === 0 ? 0 : 1
  return { passed: durations.length - failed, failed }
}

/** Runs steps in a process of its own; resolves to the same numbers, once the output was printed. */
function beside(names) {
  mkdirSync(join(root, 'target'), { recursive: true })
  const path = join(root, 'target', 'test-beside.log')
  const log = openSync(path, 'w')
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), '--only', names.join(',')], { cwd: root, stdio: ['ignore', log, log] })
  closeSync(log)
  return new Promise((resolve) => {
    child.once('error', () => resolve({ passed: 0, failed: 1 }))
    child.once('close', () => {
      const output = readFileSync(path, 'utf8')
      process.stdout.write(output)
      const [, passed, failed] = /(\d+) passed, (\d+) failed\n$/.exec(output) ?? [undefined, '0', '1']
      resolve({ passed: Number(passed), failed: Number(failed) })
    })
  })
}

/** Runs a phase: two rows of steps side by side. */
async function runPhase({ here, beside: names }) {
  const second = beside(names)
  const first = await runSteps(here)
  const more = await second
  return { passed: first.passed + more.passed, failed: first.failed + more.failed }
}

const only = chosen(process.argv.slice(2))
let passed = 0
let failed = 0
for (const work of only ? [() => runSteps(only)] : phases.map((phase) => () => runPhase(phase))) {
  if (failed > 0) break
  const ended = await work()
  passed += ended.passed
  failed += ended.failed
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

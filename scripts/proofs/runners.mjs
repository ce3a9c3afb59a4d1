// Runs the suites of __test__/runners against the installed package, under each test runner in each of its modes: every test passes, and no run
// hangs on the databases that they leave open. `npm run test:runners`; `-- jest ava` runs some. Needs the registry.

import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { pack } from '../package/pack.mjs'
import { hostTarget } from '../package/targets.mjs'
import { root, seconds } from '../steps.mjs'
import { freshProject, runToEnd, table } from './fresh.mjs'
import { runners } from './runner-modes.mjs'

const suites = join(root, '__test__', 'runners')
/** So many files have the suite, for runners that divide files among processes. */
const COPIES = 4

/** Makes a suite load the package by its name, not from the checkout. */
function useInstalled(file) {
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/'(\.\.\/)+index\.m?js'/g, "'moltendb-node'"))
}

/** Copies the suites of a runner into a project. */
function copySuites(project, name) {
  cpSync(join(suites, 'suite.cjs'), join(project, 'suite.cjs'))
  const folder = join(project, name)
  mkdirSync(folder)
  for (const file of readdirSync(join(suites, name))) {
    const from = join(suites, name, file)
    const copies = file.startsWith('suite.') ? Array.from({ length: COPIES }, (_, at) => file.replace('suite.', `suite-${at + 1}.`)) : [file]
    for (const copy of copies) {
      cpSync(from, join(folder, copy))
      useInstalled(join(folder, copy))
    }
  }
}

/** The tests that docs/testing-your-app.md shows for a runner, as one file each. */
function copyExamples(project, name) {
  const page = readFileSync(join(root, 'docs', 'testing-your-app.md'), 'utf8')
  const section = page.slice(page.indexOf(`\n## ${name === 'node' ? 'One database per test' : name === 'jest' ? 'Jest' : name}\n`) + 1).split('\n## ')[0]
  const blocks = [...section.matchAll(/^```js(?: parse)?\n(.*?)^```$/gms)]
  if (blocks.length === 0) throw new Error(`docs/testing-your-app.md shows no test for ${name}`)
  for (const [at, [, source]] of blocks.entries()) writeFileSync(join(project, name, `example-${at + 1}.test.${name === 'jest' ? 'cjs' : 'mjs'}`), source)
}

/** How many tests there are at least: those of the copies of the suite, and an example. */
const LEAST = 22 * COPIES + 1

const home = mkdtempSync(join(tmpdir(), 'moltendb-runners-'))
const rows = []
let failed = 0

/** Runs one mode and notes how it went. */
function attempt(name, project, args) {
  const { version, command, passed, says } = runners[name]
  const started = performance.now()
  let result
  try {
    const { status, printed } = runToEnd(process.execPath, command(project, args), project)
    const count = Number(passed.exec(printed)?.[1] ?? 0)
    if (status !== 0 || count < LEAST) throw new Error(`ended with ${status} after ${count} tests\n${printed}`)
    const missing = args.map((arg) => says?.[arg]).find((text) => text && !text.test(printed))
    if (missing) throw new Error(`did not say ${missing}\n${printed}`)
    result = `${count} passed`
  } catch (error) {
    failed += 1
    result = 'FAILED'
    console.error(`${name} ${args.join(' ')}: ${error.message}`)
  }
  rows.push([name === 'node' ? 'node:test' : name, version, args.join(' ') || 'default', result, seconds(performance.now() - started)])
  console.log(rows.at(-1).join('  '))
}

try {
  const names = process.argv.slice(2)
  const unknown = names.filter((name) => !Object.hasOwn(runners, name))
  if (unknown.length > 0) throw new Error(`there is no ${unknown.join(', ')}; there are ${Object.keys(runners).join(', ')}`)
  const tarballs = pack({ names: [hostTarget().name], out: join(home, 'packages') }).map(({ path }) => path)
  for (const name of names.length > 0 ? names : Object.keys(runners)) {
    const project = freshProject(join(home, name), tarballs, name === 'node' ? {} : { [name]: runners[name].version })
    copySuites(project, name)
    copyExamples(project, name)
    for (const args of runners[name].modes) attempt(name, project, args)
  }
  console.log(`\n${table(['runner', 'version', 'mode', 'result', 'time'], rows)}`)
  console.log(`\n${rows.length - failed} passed, ${failed} failed`)
  process.exitCode = failed > 0 ? 1 : 0
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
}

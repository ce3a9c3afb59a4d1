// Runs small programs that hand a database to libraries written for the `mongodb` driver, and the tests that libraries have for their
// adapters, with the installed package: __test__/libraries. `npm run test:libraries`; `-- papr keyv` runs some. Needs the registry.

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { pack } from '../package/pack.mjs'
import { hostTarget } from '../package/targets.mjs'
import { root, seconds } from '../steps.mjs'
import { binOf, freshProject, runToEnd, table } from './fresh.mjs'

/** The libraries, by exact version, and what runs their tests. */
const packages = {
  '@agendajs/mongo-backend': '4.0.3', '@auth/mongodb-adapter': '3.11.3', '@feathersjs/adapter-tests': '5.0.50', '@feathersjs/errors': '5.0.50', '@feathersjs/feathers': '5.0.50',
  '@feathersjs/mongodb': '5.0.50', '@keyv/test-suite': '2.1.2', agenda: '6.2.6', 'connect-mongo': '6.0.0', 'express-session': '1.19.0', keyv: '5.6.0', mocha: '11.8.0', mongodb: '7.9.0', 'mqemitter-mongodb': '9.1.0', mquery: '6.0.1',
  papr: '16.0.0', 'rate-limiter-flexible': '11.4.0', umzug: '3.8.3', vitest: '4.1.12'
}

/** The suites that libraries publish: how they are started, and how they say how many tests passed. */
const suites = {
  '@keyv/test-suite': { command: (project) => [binOf(project, 'vitest'), 'run', 'keyv.suite.mjs', '--config', 'vitest.config.mjs'], passed: /Tests\s+(\d+) passed/, least: 40 },
  '@feathersjs/adapter-tests': { command: (project) => [binOf(project, 'mocha'), 'feathers.suite.cjs'], passed: /(\d+) passing/, least: 150 }
}

// They ask for different majors of the driver, of which they use ObjectId only.
process.env['npm_config_legacy_peer_deps'] = 'true'

const home = mkdtempSync(join(tmpdir(), 'moltendb-libraries-'))
const rows = []
let failed = 0

/** Runs one and notes how it went. */
function attempt(project, name, version, args, counts) {
  const started = performance.now()
  let result = 'runs'
  try {
    const { status, printed } = runToEnd(process.execPath, args, project)
    const count = counts === undefined ? 0 : Number(counts.passed.exec(printed)?.[1] ?? 0)
    if (status !== 0 || (counts !== undefined && count < counts.least)) throw new Error(`ended with ${status}\n${printed}`)
    if (counts !== undefined) result = `${count} tests pass`
  } catch (error) {
    failed += 1
    result = 'FAILED'
    console.error(`${name}: ${error.message}`)
  }
  rows.push([name, version, result, seconds(performance.now() - started)])
  console.log(rows.at(-1).join('  '))
}

/** Copies the programs into a project, where they load the package by its name. */
function copyPrograms(project) {
  cpSync(join(root, '__test__', 'libraries'), project, { recursive: true })
  cpSync(join(root, 'examples', 'keyv'), join(project, 'keyv'), { recursive: true })
  for (const folder of ['.', 'programs']) {
    for (const file of readdirSync(join(project, folder)).filter((name) => /\.[cm]js$/.test(name))) {
      const path = join(project, folder, file)
      const text = readFileSync(path, 'utf8').replaceAll(/'(\.\.\/)+index\.m?js'/g, "'moltendb-node'").replaceAll(/'(\.\.\/)+examples\/keyv\//g, folder === '.' ? "'./keyv/" : "'../keyv/")
      writeFileSync(path, text)
    }
  }
}

try {
  const asked = process.argv.slice(2)
  const programs = readdirSync(join(root, '__test__', 'libraries', 'programs')).map((file) => file.replace('.mjs', ''))
  const unknown = asked.filter((name) => !programs.includes(name) && !Object.hasOwn(suites, name))
  if (unknown.length > 0) throw new Error(`there is no ${unknown.join(', ')}; there are ${[...programs, ...Object.keys(suites)].join(', ')}`)
  const wanted = (name) => asked.length === 0 || asked.includes(name)
  const tarballs = pack({ names: [hostTarget().name], out: join(home, 'packages') }).map(({ path }) => path)
  const project = freshProject(join(home, 'project'), tarballs, packages)
  copyPrograms(project)
  const versionOf = (program) => {
    const name = { 'auth-mongodb-adapter': '@auth/mongodb-adapter', feathers: '@feathersjs/mongodb' }[program] ?? program
    return packages[name]
  }
  for (const program of programs.filter(wanted)) attempt(project, program, versionOf(program), [join('programs', `${program}.mjs`)])
  for (const [name, suite] of Object.entries(suites)) if (wanted(name)) attempt(project, name, packages[name], suite.command(project), suite)
  console.log(`\n${table(['library', 'version', 'result', 'time'], rows)}`)
  console.log(`\n${rows.length - failed} passed, ${failed} failed`)
  process.exitCode = failed > 0 ? 1 : 0
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
}

// Installs the packed packages from a registry on this machine, as people do: npm, pnpm, yarn with node_modules and with Plug'n'Play, from CommonJS,
// ES modules and TypeScript; and shows that only the package of the platform arrives. `npm run test:install`; `-- npm pnpm` runs some.

import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { readManifest } from '../package/manifests.mjs'
import { pack } from '../package/pack.mjs'
import { hostTarget, targets } from '../package/targets.mjs'
import { npmOutput, root, seconds } from '../steps.mjs'
import { withRegistry } from './registry.mjs'
import { tool } from './tools.mjs'

const NAME = 'moltendb-node'
const proofs = join(root, 'scripts', 'proofs')

const TYPESCRIPT = `import moltendb, { Database, type Collection } from '${NAME}'
interface User { _id: string; name: string; age?: number }
const db: Database = await moltendb.Database.open(':memory:')
const users: Collection<User> = db.collection<User>('users')
await users.updateOne({ _id: 'u1' }, { $set: { name: 'Ada' } }, { upsert: true })
// @ts-expect-error there is no such field
await users.findOne({ nmae: 'Ada' })
const user = await users.findOne({ name: 'Ada' })
if (user?.name !== 'Ada') throw new Error('not found')
await db.close()
console.log('ok')
`
const TS_OPTIONS = { module: 'nodenext', target: 'es2022', lib: ['ES2024', 'ESNext.Disposable'], strict: true, outDir: 'out', types: ['node'] }

const home = mkdtempSync(join(tmpdir(), 'moltendb-install-'))
const rows = []

/** A fresh project with its programs. */
function project(name) {
  const folder = join(home, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ name: 'project', version: '1.0.0', private: true })}\n`)
  copyFileSync(join(proofs, 'smoke.cjs'), join(folder, 'smoke.cjs'))
  copyFileSync(join(proofs, 'simple.mjs'), join(folder, 'simple.mjs'))
  return folder
}

/** Runs a command and answers what it printed; throws with all of it where it fails. */
function quietly(folder, args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env: outside() })
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}\n${stdout}${stderr}`)
  return stdout
}

/** Runs a program of the project, which prints ok. */
function runs(folder, ...args) {
  const printed = quietly(folder, args)
  if (printed.trim().split('\n').at(-1) !== 'ok') throw new Error(`${args.join(' ')} printed ${printed}`)
}

/** Runs the program of the package, as npx finds it. */
function commandLine(folder) {
  writeFileSync(join(folder, 'people.jsonl'), '{"_id":"ada"}\n')
  const npx = (...args) => npmOutput(['exec', '--no', '--', NAME, ...args], { cwd: folder, env: outside() })
  npx('import', 'data', 'users', 'people.jsonl', '--create')
  const printed = npx('find', 'data', 'users')
  if (printed !== '{"_id":"ada"}\n') throw new Error(`${NAME} find printed ${printed}`)
}

/** The environment without what the npm of this run put there. */
function outside() {
  const kept = Object.entries(process.env).filter(([key]) => !/^(npm_|INIT_CWD|MOLTENDB_)/i.test(key))
  return Object.fromEntries(kept)
}

function row(manager, what, started, packages) {
  rows.push({ manager, what, time: seconds(performance.now() - started), packages })
  console.log(`${manager.padEnd(20)} ${what.padEnd(30)} ${rows.at(-1).time.padStart(7)}   ${packages}`)
}

/** The packages below node_modules. */
function arrived(folder) {
  return readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.') && name !== '@types').sort()
}

function expectOnly(found, target) {
  const wanted = [NAME, `${NAME}-${target}`]
  if (found.join(' ') !== wanted.join(' ')) throw new Error(`an install for ${target} brought ${found.join(', ') || 'nothing'}`)
  return `${found.length} packages: ${found.join(', ')}`
}

function npmInstall(folder, registry, ...args) {
  npmOutput(['install', NAME, '--registry', registry, '--cache', join(folder, '.cache'), '--no-audit', '--no-fund', '--loglevel=error', ...args], { cwd: folder, env: outside() })
}

const installs = {
  /** What the registry's readers and TypeScript's resolutions make of the manifests. */
  lints() {
    const modules = tool('package-lints', { publint: '0.3.25', '@arethetypeswrong/cli': '0.18.5' })
    const started = performance.now()
    const { version } = readManifest()
    for (const name of [NAME, `${NAME}-${hostTarget().name}`]) quietly(home, [join(modules, 'publint/src/cli.js'), join(home, 'packages', `${name}-${version}.tgz`), '--strict'])
    quietly(home, [join(modules, '@arethetypeswrong/cli/dist/index.js'), join(home, 'packages', `${NAME}-${version}.tgz`)])
    row('publint, attw', 'no problems found', started, '')
  },

  npm(registry, host) {
    const folder = project('npm')
    let started = performance.now()
    npmInstall(folder, registry)
    row('npm', 'cold install', started, expectOnly(arrived(folder), host))
    started = performance.now()
    runs(folder, 'smoke.cjs')
    runs(folder, 'simple.mjs')
    row('npm', 'CommonJS and ES module run', started, '')
    started = performance.now()
    commandLine(folder)
    row('npm', 'its program runs', started, '')
    typescript(folder)
    rmSync(join(folder, 'node_modules'), { recursive: true })
    started = performance.now()
    npmOutput(['ci', '--registry', registry, '--cache', join(folder, '.cache'), '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, env: outside() })
    runs(folder, 'smoke.cjs')
    row('npm', 'ci from its lock file', started, expectOnly(arrived(folder), host))
  },

  pnpm(registry, host) {
    const cli = join(tool('pnpm', { pnpm: '10.34.9' }), 'pnpm', 'bin', 'pnpm.cjs')
    const folder = project('pnpm')
    const started = performance.now()
    quietly(folder, [cli, 'add', NAME, '--registry', registry, '--store-dir', join(folder, '.store')])
    const found = readdirSync(join(folder, 'node_modules', '.pnpm')).filter((name) => name.startsWith(NAME)).map((name) => name.split('@')[0])
    row('pnpm', 'cold install', started, expectOnly(found.sort(), host))
    runs(folder, 'smoke.cjs')
    runs(folder, 'simple.mjs')
  },

  'yarn-modules': (registry, host) => yarn('node-modules', registry, host),
  'yarn-pnp': (registry, host) => yarn('pnp', registry, host),

  /** Each platform's install, from this one: the package manager chooses by the manifests. */
  platforms(registry) {
    for (const target of targets) {
      const folder = project(`for-${target.name}`)
      const started = performance.now()
      npmInstall(folder, registry, `--os=${target.os}`, `--cpu=${target.cpu}`, ...(target.libc ? [`--libc=${target.libc}`] : []))
      row('npm', `for ${target.name}`, started, expectOnly(arrived(folder), target.name))
    }
  },

  /** What is said where an option left the addon out. */
  omitted(registry) {
    const folder = project('omitted')
    const started = performance.now()
    npmInstall(folder, registry, '--omit=optional')
    const program = `require('${NAME}').Database.open(':memory:').catch((error) => console.log(error.message.includes('--omit=optional') ? 'ok' : error.message))`
    runs(folder, '-e', program)
    row('npm', '--omit=optional is explained', started, arrived(folder).join(', '))
  }
}

/** Compiles and runs the program in TypeScript, with the compiler of the checkout. */
function typescript(folder) {
  const started = performance.now()
  mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true })
  for (const [from, to] of [['@types/node', '@types/node'], ['undici-types', 'undici-types']]) {
    symlinkSync(join(root, 'node_modules', from), join(folder, 'node_modules', to), 'junction')
  }
  writeFileSync(join(folder, 'smoke.mts'), TYPESCRIPT)
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: TS_OPTIONS, files: ['smoke.mts'] }))
  quietly(folder, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'])
  runs(folder, 'out/smoke.mjs')
  row('npm', 'TypeScript compiles and runs', started, '')
}

function yarn(linker, registry, host) {
  const cli = join(tool('yarn', { '@yarnpkg/cli-dist': '4.18.1' }), '@yarnpkg', 'cli-dist', 'bin', 'yarn.js')
  const folder = project(`yarn-${linker}`)
  const settings = {
    nodeLinker: linker, npmRegistryServer: registry, unsafeHttpWhitelist: ['127.0.0.1'], enableGlobalCache: false, globalFolder: join(home, 'yarn'), enableTelemetry: false,
    enableScripts: false, npmMinimalAgeGate: 0, pnpEnableEsmLoader: true
  }
  writeFileSync(join(folder, '.yarnrc.yml'), JSON.stringify(settings))
  writeFileSync(join(folder, 'yarn.lock'), '')
  const started = performance.now()
  quietly(folder, [cli, 'add', NAME])
  const found = linker === 'pnp' ? readdirSync(join(folder, '.yarn', 'cache')).filter((name) => name.startsWith(NAME)).map((name) => name.split('-npm-')[0]) : arrived(folder)
  row(`yarn, ${linker}`, 'cold install', started, expectOnly(found.sort(), host))
  for (const program of ['smoke.cjs', 'simple.mjs']) runs(folder, cli, 'node', program)
  if (linker === 'pnp' && !existsSync(join(folder, '.yarn', 'unplugged'))) throw new Error('the addon was not unplugged')
}

async function main(names) {
  const unknown = names.filter((name) => !Object.hasOwn(installs, name))
  if (unknown.length > 0) throw new Error(`there is no ${unknown.join(', ')}; there are ${Object.keys(installs).join(', ')}`)
  // All eight, with files of text for those that were not built here, so that a wrong choice would be seen.
  const packed = pack({ standIns: true, out: join(home, 'packages') })
  const host = hostTarget().name
  for (const { name, size, unpackedSize } of packed.filter((one) => one.name === NAME || one.name.endsWith(`-${host}`))) {
    console.log(`${name.padEnd(32)} ${(size / 1000).toFixed(1)} kB packed, ${(unpackedSize / 1000).toFixed(1)} kB unpacked`)
  }
  await withRegistry(join(home, 'packages'), async (registry) => {
    for (const name of names.length > 0 ? names : Object.keys(installs)) await installs[name](registry, host)
  })
}

try {
  await main(process.argv.slice(2))
  console.log('installed and ran everywhere')
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
}

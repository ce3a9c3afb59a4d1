// Runs the installed package on each runtime, all of which come from npm: Node.js 20 to 26, Bun, Deno, the permission model, single executables, and
// a stand-in for Electron. `npm run test:runtimes`; `-- deno bun` runs some. On Linux on x64 with glibc, where all of them are to be had.

import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { build } from 'esbuild'

import { pack } from '../package/pack.mjs'
import { root, seconds } from '../steps.mjs'
import { plainEnvironment, projectWith } from './project.mjs'
import { tool } from './tools.mjs'

const NODES = ['20.20.2', '22.23.5', '24.22.3', '26.12.1']
const BUN = '1.4.5'
const DENO = '2.9.6'
const POSTJECT = '1.0.0-alpha.6'
const ADDON = 'moltendb-node-linux-x64-gnu/moltendb-node.linux-x64-gnu.node'

const home = mkdtempSync(join(tmpdir(), 'moltendb-runtimes-'))
const project = join(home, 'project')

/** The program of a version of Node.js. */
function nodeOf(version) {
  return executable(join(tool(`node-${version}`, { 'node-linux-x64': version }), 'node-linux-x64', 'bin', 'node'))
}

const latest = () => nodeOf(NODES.at(-1))
const bun = () => executable(join(tool('bun', { '@oven/bun-linux-x64': BUN }), '@oven', 'bun-linux-x64', 'bin', 'bun'))
const deno = () => executable(join(tool('deno', { '@deno/linux-x64-glibc': DENO }), '@deno', 'linux-x64-glibc', 'deno'))

function executable(path) {
  chmodSync(path, 0o755)
  return path
}

/** Runs a program of the project, which prints ok last. */
function runs(command, args, env = {}, cwd = project) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', env: plainEnvironment(env), timeout: 120_000 })
  if (status !== 0 || !stdout.trim().endsWith('ok')) throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stdout}${stderr}`)
}

/** Each proof answers what it showed. */
const proofs = {
  ...Object.fromEntries(NODES.map((version) => [`node${version.split('.')[0]}`, () => {
    for (const program of ['smoke.cjs', 'simple.mjs', 'realms.cjs']) runs(nodeOf(version), [program])
    return `Node.js ${version}: CommonJS, ES module, worker thread, values of vm realms, exit without close`
  }])),

  bun() {
    for (const program of ['smoke.cjs', 'simple.mjs']) runs(bun(), [program])
    const single = join(home, 'compiled')
    execFileSync(bun(), ['build', '--compile', 'simple.mjs', '--outfile', single], { cwd: project, stdio: 'pipe', env: plainEnvironment() })
    runs(single, [], {}, home)
    return `Bun ${BUN}: the same; bun build --compile makes a single file that runs`
  },

  deno() {
    for (const program of ['smoke.cjs', 'simple.mjs', 'realms.cjs']) runs(deno(), ['run', '-A', program])
    return `Deno ${DENO}: the same, with run -A`
  },

  permission() {
    const allowed = ['--permission', '--allow-fs-read=*', '--allow-fs-write=*', '--allow-worker']
    runs(latest(), [...allowed, '--allow-addons', 'smoke.cjs'])
    const { stderr } = spawnSync(latest(), [...allowed, 'smoke.cjs'], { cwd: project, encoding: 'utf8', env: plainEnvironment() })
    if (!stderr.includes('add --allow-addons')) throw new Error(`without --allow-addons it says ${stderr}`)
    return `Node.js ${NODES.at(-1)} with --permission --allow-addons: runs; without --allow-addons the error names it`
  },

  async sea() {
    const bundle = join(home, 'single.cjs')
    const addon = join(project, 'node_modules', ADDON)
    await build({ entryPoints: [join(root, 'scripts/proofs/single-executable.cjs')], nodePaths: [join(project, 'node_modules')], bundle: true, platform: 'node', external: ['*.node', 'moltendb-node-*'], outfile: bundle, logLevel: 'error' })
    const config = { main: bundle, disableExperimentalSEAWarning: true, assets: { addon } }
    const shown = []
    for (const version of NODES.slice(1)) {
      const single = join(home, `single-${version}`)
      writeFileSync(join(home, 'sea.json'), JSON.stringify({ ...config, output: Number.parseInt(version, 10) >= 26 ? single : join(home, 'blob') }))
      if (Number.parseInt(version, 10) >= 26) {
        execFileSync(nodeOf(version), ['--build-sea', join(home, 'sea.json')], { cwd: home, stdio: 'pipe' })
      } else {
        execFileSync(nodeOf(version), ['--experimental-sea-config', join(home, 'sea.json')], { cwd: home, stdio: 'pipe' })
        writeFileSync(single, readFileSync(nodeOf(version)))
        const postject = join(tool('postject', { postject: POSTJECT }), 'postject', 'dist', 'cli.js')
        execFileSync(process.execPath, [postject, single, 'NODE_SEA_BLOB', join(home, 'blob'), '--sentinel-fuse', 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'], { stdio: 'pipe' })
      }
      runs(executable(single), [], {}, home)
      rmSync(single)
      shown.push(version)
    }
    return `single executables of Node.js ${shown.join(', ')}: the addon is an asset, MOLTENDB_NATIVE_PATH names it`
  },

  electron() {
    const shim = join(home, 'shim.so')
    const log = join(home, 'shim.log')
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', shim, join(root, 'scripts/proofs/no-external-buffers.c'), '-ldl'], { stdio: 'inherit' })
    runs(latest(), ['smoke.cjs'], { LD_PRELOAD: shim, SHIM_LOG: log })
    const noted = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []
    if (!noted.some((line) => line.startsWith('found'))) throw new Error('the stand-in was not in force: the addon did not look its functions up')
    return `a stand-in for Electron, without external buffers: the same; calls of the refused functions: ${noted.filter((line) => line.startsWith('called')).length}`
  }
}

async function main(names) {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('the runtimes that this command takes from npm are those of Linux on x64')
  const unknown = names.filter((name) => !Object.hasOwn(proofs, name))
  if (unknown.length > 0) throw new Error(`there is no ${unknown.join(', ')}; there are ${Object.keys(proofs).join(', ')}`)
  projectWith(project, pack({ names: ['linux-x64-gnu'], out: join(home, 'packages') }).map(({ path }) => path))
  let failed = 0
  for (const name of names.length > 0 ? names : Object.keys(proofs)) {
    const started = performance.now()
    try {
      const shown = await proofs[name]()
      console.log(`ok    ${name.padEnd(12)} ${seconds(performance.now() - started).padStart(7)}   ${shown}`)
    } catch (error) {
      failed += 1
      console.log(`FAIL  ${name.padEnd(12)} ${error.message}${error.stderr ? `\n${error.stderr}` : ''}`)
    }
  }
  process.exitCode = failed > 0 ? 1 : 0
}

try {
  await main(process.argv.slice(2))
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
}

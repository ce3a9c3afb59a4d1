// Makes a checkout ready to run: installs devDependencies when they are missing or older than the lock file, then builds the
// addon and the JavaScript when their sources are newer. `--install-only` stops after the first part, `--all` builds in any
// case. Runs before node_modules exists, so it needs only Node.js.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'

import { isStale, newest, root, run, runNpm, runTool } from './steps.mjs'

const rustSources = ['src', 'Cargo.toml', 'Cargo.lock', 'build.rs']
const scriptSources = ['js', 'package.json', 'scripts/build-js.mjs', 'tsconfig.json']

/** Installs exactly what package-lock.json lists. */
export function install() {
  const installed = newest(['node_modules/.package-lock.json'])
  if (installed !== 0 && installed >= newest(['package-lock.json'])) return 0
  console.log('installing devDependencies (npm ci)')
  return runNpm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
}

/** Builds the addon of this platform in the release profile. */
export function buildAddon(force = false) {
  const addon = readdirSync(root).find((name) => name.startsWith('moltendb-node.') && name.endsWith('.node'))
  if (!force && addon && !isStale(addon, rustSources)) return 0
  console.log('building the addon (cargo, release profile; the first build takes some minutes)')
  return runTool('@napi-rs/cli/dist/cli.js', [
    'build', '--platform', '--release', '--no-js', '--dts', 'dist/native.d.ts', '--output-dir', root
  ])
}

/** Builds index.js, core.js, index.mjs and dist/. */
export function buildScripts(force = false) {
  if (!force && ['index.js', 'core.js', 'index.mjs'].every((file) => !isStale(file, scriptSources))) return 0
  return run(process.execPath, [join(root, 'scripts', 'build-js.mjs')])
}

function main(args) {
  const force = args.includes('--all')
  const code = install()
  if (code !== 0 || args.includes('--install-only')) return code
  return buildAddon(force) || buildScripts(force)
}

if (process.argv[1] === join(root, 'scripts', 'setup.mjs')) process.exitCode = main(process.argv.slice(2))

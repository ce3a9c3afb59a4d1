// Makes a checkout ready to run: installs devDependencies when they are missing or older than the lock file, then builds the
// addon and the JavaScript when their sources are newer. `--install-only` stops after the first part, `--all` builds in any
// case, `--addon` builds the addon alone, with `--quick` without link-time optimisation. Runs before node_modules exists, so it needs only Node.js.

import { copyFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { addonName, hostTarget, libraryName } from './package/targets.mjs'
import { builtScripts, isStale, newest, root, run, runNpm } from './steps.mjs'
import { ADDON, QUICK, rustFlags } from './targets/build.mjs'

export const rustSources = ['src', 'Cargo.toml', 'Cargo.lock', 'build.rs']
const scriptSources = ['js', 'package.json', 'scripts/build-js.mjs', 'tsconfig.json']

/** Installs exactly what package-lock.json lists. */
export function install() {
  const installed = newest(['node_modules/.package-lock.json'])
  if (installed !== 0 && installed >= newest(['package-lock.json'])) return 0
  console.log('installing devDependencies (npm ci)')
  return runNpm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
}

/** Builds the addon of this platform in the release profile. */
export function buildAddon(force = false, env = {}) {
  const host = hostTarget()
  const addon = addonName(host)
  if (!force && !isStale(addon, rustSources)) return 0
  console.log('building the addon (cargo, release profile; the first build takes some minutes)')
  const folder = process.env.CARGO_TARGET_DIR ?? 'target'
  const code = run('cargo', [...ADDON, '--target-dir', folder], { ...rustFlags(host), ...env })
  if (code !== 0) return code
  // A new file: a process that has the old one loaded keeps it, and macOS keeps the signature of an old one in mind.
  rmSync(join(root, addon), { force: true })
  copyFileSync(resolve(root, folder, 'release', libraryName(host)), join(root, addon))
  return 0
}

/** Builds the scripts of the package and dist/. */
export function buildScripts(force = false) {
  if (!force && builtScripts.every((file) => !isStale(file, scriptSources))) return 0
  return run(process.execPath, [join(root, 'scripts', 'build-js.mjs')])
}

function main(args) {
  const force = args.includes('--all')
  if (args.includes('--addon')) return buildAddon(true, args.includes('--quick') ? QUICK : {})
  const code = install()
  if (code !== 0 || args.includes('--install-only')) return code
  return buildAddon(force) || buildScripts(force)
}

if (process.argv[1] === join(root, 'scripts', 'setup.mjs')) process.exitCode = main(process.argv.slice(2))

// Builds the addons of other platforms, and checks what came out: `npm run build:targets`, all of them, or some by name. `--quick` leaves
// link-time optimisation out, to try a platform; what it makes is larger and slower, and is not to be published.
//
// What the system of a target builds itself, and Linux's addons by zig, are products: target/addons, from where `npm run pack` takes them. macOS and
// Windows can be cross-built from Linux too, without Apple's signature and with MinGW or LLVM in Microsoft's place: those show that the code compiles and runs
// there, and lie in target/stand-ins, where nothing packs them.

import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { faultsOf, OLDEST_GLIBC, readAddon } from '../package/addon-file.mjs'
import { readManifest } from '../package/manifests.mjs'
import { addonName, libraryName, targets, targetsNamed } from '../package/targets.mjs'
import { root, seconds } from '../steps.mjs'
import { pathWithZig, standardLibrary, windowsImports } from './toolchain.mjs'

/** Apart from target/, whose products of the host's own triple are linked in another way. */
const targetFolder = join(root, 'target', 'cross')

/** A build in a third of the time, to try what it does. */
export const QUICK = { CARGO_PROFILE_RELEASE_LTO: 'false', CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16', CARGO_PROFILE_RELEASE_OPT_LEVEL: '2' }

/** Strip runs a program of the host's own format; what the linker leaves is small enough. */
const UNSTRIPPED = { CARGO_PROFILE_RELEASE_STRIP: 'none' }

/**
 * What cargo compiles: the addon alone. Where a build makes the library that the Rust tests link as well, cargo leaves link-time optimisation out.
 */
export const ADDON = ['rustc', '--release', '--lib', '--crate-type', 'cdylib']

/** An addon is a shared library, which a static C library cannot make. */
export function rustFlags({ triple, libc }) {
  return libc === 'musl' ? { [`CARGO_TARGET_${asVariable(triple)}_RUSTFLAGS`]: '-C target-feature=-crt-static' } : {}
}

/** How this machine builds a target: triple and environment of cargo, its linker, and whether the product may be published. */
export function planFor(target, host = process.platform) {
  const { triple, os } = target
  if (os === 'linux') {
    const zig = target.libc === 'glibc' ? `${triple}.${OLDEST_GLIBC}` : triple
    return { triple, target: zig, env: rustFlags(target), zig: true, product: true }
  }
  if (os === host) return { triple, target: triple, env: {}, product: true }
  if (os === 'darwin') return { triple, target: triple, env: UNSTRIPPED, zig: true, product: false }
  if (os === 'win32' && target.cpu === 'x64') return { triple: 'x86_64-pc-windows-gnu', target: 'x86_64-pc-windows-gnu', env: UNSTRIPPED, imports: true, product: false }
  // zig makes an error of __DATE__, which mimalloc's C code prints.
  const env = { ...UNSTRIPPED, CFLAGS_aarch64_pc_windows_gnullvm: '-Wno-error=date-time' }
  return { triple: 'aarch64-pc-windows-gnullvm', target: 'aarch64-pc-windows-gnullvm', env, imports: true, zig: true, product: false }
}

/** What tells the linker where the functions of node.exe are, where a plan needs it. */
function importsOf({ imports, triple }) {
  if (!imports) return {}
  const folder = windowsImports(triple)
  return { LIBNODE_PATH: folder, [`CARGO_TARGET_${asVariable(triple)}_RUSTFLAGS`]: `-L native=${folder}` }
}

function asVariable(triple) {
  return triple.toUpperCase().replaceAll('-', '_')
}

/** Builds one target; answers the addon's path and what its file says, with all that is wrong with it. */
export function buildTarget(target, { quick = false } = {}) {
  const plan = planFor(target)
  const library = standardLibrary(plan.triple)
  const env = { ...process.env, ...(quick && QUICK), ...plan.env, ...importsOf(plan), ...library.env, ...(plan.zig && { PATH: pathWithZig() }) }
  const cargo = plan.zig ? 'cargo-zigbuild' : 'cargo'
  const args = [...ADDON, '--locked', '--target', plan.target, '--target-dir', targetFolder, ...library.args]
  const { status, error } = spawnSync(cargo, args, { cwd: root, stdio: 'inherit', env })
  if (status !== 0) throw new Error(`${cargo} ${args.join(' ')} ended with ${status ?? error?.message}`)

  const folder = join(root, 'target', plan.product ? 'addons' : 'stand-ins')
  const path = join(folder, addonName(target))
  mkdirSync(folder, { recursive: true })
  // A new file: macOS keeps the signature of an old one in mind.
  rmSync(path, { force: true })
  copyFileSync(join(targetFolder, plan.triple, 'release', libraryName(target)), path)
  const addon = readAddon(path)
  return { path, addon, product: plan.product, faults: faultsOf(addon, target, readManifest().version, { release: plan.product && !quick }) }
}

function main(args) {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { quick: { type: 'boolean' }, help: { type: 'boolean' } } })
  if (values.help) {
    console.log(`npm run build:targets [target ...] [-- --quick]\n\nWithout a target all of them: ${targets.map(({ name }) => name).join(', ')}.`)
    console.log('--quick leaves link-time optimisation out; the product is not to be published.')
    return 0
  }
  const rows = []
  for (const target of targetsNamed(positionals)) {
    const started = performance.now()
    console.log(`\n== ${target.name}`)
    try {
      const { addon, product, faults } = buildTarget(target, values)
      const what = `${(addon.size / 1e6).toFixed(2)} MB, version ${addon.version}${addon.glibc ? `, needs glibc ${addon.glibc}` : ''}${product ? '' : ', a stand-in'}`
      rows.push({ name: target.name, what: [what, ...faults].join('; '), ok: faults.length === 0, time: seconds(performance.now() - started) })
    } catch (error) {
      rows.push({ name: target.name, what: error.message, ok: false, time: seconds(performance.now() - started) })
    }
  }
  console.log('')
  for (const { name, what, ok, time } of rows) console.log(`${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(18)} ${time.padStart(8)}  ${what}`)
  return rows.every(({ ok }) => ok) ? 0 : 1
}

if (process.argv[1] === import.meta.filename) {
  try {
    process.exitCode = main(process.argv.slice(2))
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}

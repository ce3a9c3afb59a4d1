// What a cross build needs besides cargo: the standard library of the target, zig as its linker, import libraries of Windows.

import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

import { pythonTools } from '../python.mjs'
import { root } from '../steps.mjs'

/** Debian's Rust, whose package of sources builds a standard library where rustup's servers cannot be reached. */
const DISTRIBUTION = { rustc: '/usr/bin/rustc', rustdoc: '/usr/bin/rustdoc', sources: '/usr/lib/rustlib/src/rust' }

/** Arguments and environment of cargo with which the target's standard library is there. Throws with what to install. */
export function standardLibrary(triple) {
  const added = spawnSync('rustup', ['target', 'add', triple], { encoding: 'utf8' })
  if (added.status === 0) return { args: [], env: {} }
  if (existsSync(DISTRIBUTION.rustc) && existsSync(DISTRIBUTION.sources)) {
    return { args: ['-Zbuild-std=std,panic_unwind'], env: { RUSTC: DISTRIBUTION.rustc, RUSTDOC: DISTRIBUTION.rustdoc, RUSTC_BOOTSTRAP: '1' } }
  }
  throw new Error(
    `there is no standard library of Rust for ${triple}: rustup target add ${triple} said ${added.stderr?.trim().split('\n').at(-1) ?? added.error?.message}; ` +
      'on Debian, apt-get install rustc-web rust-web-src builds it from source'
  )
}

/** The PATH with cargo-zigbuild and zig on it, installed from .github/zigbuild.txt where they are not there. */
export function pathWithZig() {
  if (zigIsInstalled()) return process.env.PATH
  return `${pythonTools('zig', '.github/zigbuild.txt')}${delimiter}${process.env.PATH}`
}

function zigIsInstalled() {
  return spawnSync('cargo-zigbuild', ['--version']).status === 0 && spawnSync('zig', ['version']).status === 0
}

/** The command of zig: the system's, or that of its package of PyPI. */
function zig() {
  return zigIsInstalled() ? ['zig'] : [join(pythonTools('zig', '.github/zigbuild.txt'), 'python'), '-m', 'ziglang']
}

/** A folder with an import library of node.exe, in which an addon for Windows finds the functions of Node-API. */
export function windowsImports(triple) {
  const folder = join(root, 'target', 'tools', triple)
  mkdirSync(folder, { recursive: true })
  if (readdirSync(folder).includes('node.lib')) return folder
  const definition = join(folder, 'node.def')
  writeFileSync(definition, 'LIBRARY node.exe\nEXPORTS\nnapi_module_register\n')
  const [dlltool, ...args] = triple.startsWith('aarch64') ? [...zig(), 'dlltool', '-m', 'arm64'] : ['x86_64-w64-mingw32-dlltool']
  execFileSync(dlltool, [...args, '-d', definition, '-l', join(folder, 'libnode.dll.a')], { stdio: 'inherit' })
  for (const name of ['libnode.dll', 'libnode.a', 'node.lib']) copyFileSync(join(folder, 'libnode.dll.a'), join(folder, name))
  return folder
}

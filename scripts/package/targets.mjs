// The platforms that have a package: one table for manifests, builds, checks and the loader's tests.

import { readFileSync } from 'node:fs'

/**
 * @typedef {object} Target
 * @property {string} name the end of the package's name, as js/addon/platform.ts makes it
 * @property {string} triple Rust's name of it
 * @property {'darwin' | 'linux' | 'win32'} os
 * @property {'x64' | 'arm64'} cpu
 * @property {'glibc' | 'musl'} [libc]
 * @property {string} title for people
 */

/** @type {readonly Target[]} */
export const targets = [
  { name: 'darwin-arm64', triple: 'aarch64-apple-darwin', os: 'darwin', cpu: 'arm64', title: 'macOS on Apple silicon' },
  { name: 'darwin-x64', triple: 'x86_64-apple-darwin', os: 'darwin', cpu: 'x64', title: 'macOS on Intel' },
  { name: 'linux-arm64-gnu', triple: 'aarch64-unknown-linux-gnu', os: 'linux', cpu: 'arm64', libc: 'glibc', title: 'Linux on Arm64 with glibc 2.17 or later' },
  { name: 'linux-arm64-musl', triple: 'aarch64-unknown-linux-musl', os: 'linux', cpu: 'arm64', libc: 'musl', title: 'Linux on Arm64 with musl' },
  { name: 'linux-x64-gnu', triple: 'x86_64-unknown-linux-gnu', os: 'linux', cpu: 'x64', libc: 'glibc', title: 'Linux on x64 with glibc 2.17 or later' },
  { name: 'linux-x64-musl', triple: 'x86_64-unknown-linux-musl', os: 'linux', cpu: 'x64', libc: 'musl', title: 'Linux on x64 with musl' },
  { name: 'win32-arm64-msvc', triple: 'aarch64-pc-windows-msvc', os: 'win32', cpu: 'arm64', title: 'Windows on Arm64' },
  { name: 'win32-x64-msvc', triple: 'x86_64-pc-windows-msvc', os: 'win32', cpu: 'x64', title: 'Windows on x64' }
]

/** The file that a target's package holds. */
export function addonName(target) {
  return `moltendb-node.${target.name}.node`
}

/** The shared library that cargo makes for a target. */
export function libraryName(target) {
  return { linux: 'libmoltendb_node.so', darwin: 'libmoltendb_node.dylib', win32: 'moltendb_node.dll' }[target.os]
}

/** The targets of these names; all for none. Throws where a name is no target's. */
export function targetsNamed(names) {
  if (names.length === 0) return [...targets]
  return names.map((name) => {
    const target = targets.find((one) => one.name === name || one.triple === name)
    if (target) return target
    throw new Error(`there is no target ${name}; there are ${targets.map((one) => one.name).join(', ')}`)
  })
}

/** The platform that this process runs on. */
export function hostTarget() {
  const { platform, arch } = process
  const libc = platform === 'linux' ? libcOfProcess() : undefined
  const target = targets.find((one) => one.os === platform && one.cpu === arch && one.libc === libc)
  if (target) return target
  throw new Error(`there is no package for ${platform}-${arch}`)
}

function libcOfProcess() {
  return /\/(ld-musl-[^/\n]*|libc\.so)$/m.test(readFileSync('/proc/self/maps', 'latin1')) ? 'musl' : 'glibc'
}

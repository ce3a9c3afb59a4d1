// What an addon's file says of itself: which system and processor it is for, which version it is, the newest glibc that it asks for.

import { readFileSync } from 'node:fs'

/** No addon may be larger: an install brings one. They have 5.7 to 6.5 MB; docs/packaging.md says of what. */
export const LARGEST = 9 * 1024 * 1024

/** The oldest glibc that the packages promise to run on. */
export const OLDEST_GLIBC = '2.17'

const ELF_CPUS = { 62: 'x64', 183: 'arm64' }
const PE_CPUS = { 0x8664: 'x64', 0xaa64: 'arm64' }
const MACHO_CPUS = { 0x01000007: 'x64', 0x0100000c: 'arm64' }

/** System, processor, C library, version and needs of an addon, read from its bytes. */
export function readAddon(path) {
  const bytes = readFileSync(path)
  const text = bytes.toString('latin1')
  const version = /moltendb-node\/(\d+\.\d+\.\d+(?:-[0-9a-z]+(?:\.[0-9a-z]+)*)?)/.exec(text)?.[1]
  return { size: bytes.length, version, ...platformOf(bytes, text) }
}

function platformOf(bytes, text) {
  if (bytes.length < 64) return {}
  if (bytes.readUInt32BE(0) === 0x7f454c46) {
    const needs = [...text.matchAll(/\0GLIBC_(\d+(?:\.\d+)+)(?=\0)/g)].map(([, version]) => version)
    return { os: 'linux', cpu: ELF_CPUS[bytes.readUInt16LE(18)], libc: needs.length > 0 ? 'glibc' : 'musl', glibc: needs.sort(compare).at(-1) }
  }
  if (bytes.readUInt32LE(0) === 0xfeedfacf) return { os: 'darwin', cpu: MACHO_CPUS[bytes.readUInt32LE(4)] }
  if (bytes.toString('latin1', 0, 2) === 'MZ') {
    const header = bytes.readUInt32LE(60)
    if (header + 6 <= bytes.length) return { os: 'win32', cpu: PE_CPUS[bytes.readUInt16LE(header + 4)] }
  }
  return {}
}

/** Orders dotted numbers. */
export function compare(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** What keeps an addon from being packed for a target, in sentences; none when all is well. `release` adds what only release builds must meet. */
export function faultsOf(addon, target, version, { release = false } = {}) {
  const faults = []
  for (const part of ['os', 'cpu', 'libc']) {
    if (addon[part] !== target[part]) faults.push(`it is for ${part} ${addon[part] ?? 'unknown'}, not ${target[part] ?? 'none'}`)
  }
  if (addon.version !== version) faults.push(`it is of version ${addon.version ?? 'unknown'}, not ${version}: build it again`)
  if (release && addon.size > LARGEST) faults.push(`it has ${addon.size} bytes, more than ${LARGEST}`)
  if (release && addon.glibc && compare(addon.glibc, OLDEST_GLIBC) > 0) faults.push(`it needs glibc ${addon.glibc}, more than ${OLDEST_GLIBC}: build it with npm run build:targets`)
  return faults
}

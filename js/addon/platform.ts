// What this process runs on, as far as it decides which addon fits: system, processor and, on Linux, C library.

import { readFileSync } from 'node:fs'

import { MoltenError } from '../errors.js'

/** The oldest major version of Node.js whose JavaScript the package needs. */
const OLDEST_NODE = 20

/** Throws where Node.js is too old, which would otherwise show itself much later as a method that is missing. */
export function checkRuntime(version = process.versions.node): void {
  if (Number.parseInt(version, 10) >= OLDEST_NODE) return
  throw new MoltenError('NOT_SUPPORTED', `moltendb-node needs Node.js 20.19 or later; this is ${version}. Install a newer one from https://nodejs.org`)
}

/** The name of this platform in the names of packages and addons, `linux-x64-gnu` for example. */
export function targetName(platform = process.platform as string, arch = process.arch as string): string {
  if (platform === 'linux') return `linux-${arch}-${isMusl() ? 'musl' : 'gnu'}`
  if (platform === 'win32') return `win32-${arch}-msvc`
  return `${platform}-${arch}`
}

/** Whether this process runs on musl, as Alpine Linux does: musl is in its address space, whatever else is installed. */
function isMusl(): boolean {
  try {
    return /\/(ld-musl-[^/\n]*|libc\.musl-[^/\n]*|libc\.so)$/m.test(readFileSync('/proc/self/maps', 'latin1'))
  } catch {
    return process.report !== undefined && !reportsGlibc()
  }
}

/** The second way to know, for processes that may not read /proc. */
function reportsGlibc(): boolean {
  Object.assign(process.report, { excludeNetwork: true })
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  return header?.glibcVersionRuntime !== undefined
}

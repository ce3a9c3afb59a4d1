// What this process runs on, as far as it decides which addon fits: system, processor and, on Linux, C library.

import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs'

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

/** Whether this process runs on musl, as Alpine Linux does. */
function isMusl(): boolean {
  return isByGlibc() ? false : mapsMusl()
}

/** The processors as musl names them in its loader. */
const MACHINES: { readonly [arch: string]: string | undefined } = { x64: 'x86_64', arm64: 'aarch64' }
/** Where the head of a program has the name of its loader. */
const HEAD_BYTES = 4096

/**
 * Whether the program names the loader of glibc, and there is none of musl, which some systems put behind that name. Saves most processes to have
 * the kernel list their address space, which takes ten times as long.
 */
function isByGlibc(): boolean {
  const machine = MACHINES[process.arch]
  if (machine === undefined || existsSync(`/lib/ld-musl-${machine}.so.1`)) return false
  try {
    const file = openSync(process.execPath, 'r')
    try {
      const head = Buffer.allocUnsafe(HEAD_BYTES)
      return head.toString('latin1', 0, readSync(file, head, 0, HEAD_BYTES, 0)).includes('/ld-linux-')
    } finally {
      closeSync(file)
    }
  } catch {
    return false
  }
}

/** Whether musl is in the address space of this process, whatever else is installed. */
function mapsMusl(): boolean {
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

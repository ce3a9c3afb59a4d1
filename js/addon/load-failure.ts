// What to say when no addon could be loaded: what it is for, what was tried, and the one thing to do about it.

import { existsSync, readFileSync } from 'node:fs'
import type * as Modules from 'node:module'
import { join } from 'node:path'

import { MoltenError } from '../errors.js'
import { REPOSITORY, VERSION } from './release.js'

/** A place that was tried in vain. */
export interface Attempt {
  place: string
  error: unknown
}

/** The platforms with a package. */
const TARGETS = [
  'darwin-arm64', 'darwin-x64', 'linux-arm64-gnu', 'linux-arm64-musl', 'linux-x64-gnu', 'linux-x64-musl', 'win32-arm64-msvc', 'win32-x64-msvc'
]

const LIBC: { readonly [end: string]: string | undefined } = { gnu: ', glibc', musl: ', musl' }

/** Why the operating system refuses a file, by what it says. */
const SYSTEM_SAYS: { says: RegExp; advice: string }[] = [
  {
    says: /\bGLIBC(XX)?_[\d.]+'? not found/,
    advice: 'The C library of this system is older than the addon was built for; packages from the registry need glibc 2.17. Build it here, in a clone: npm run build'
  },
  {
    says: /musl|__\w+: symbol not found/,
    advice: 'The addon was built for another C library (Alpine Linux has musl, most others glibc). Install on the system that runs it: delete node_modules, then npm install'
  },
  {
    says: /wrong ELF class|invalid ELF header|not a valid Win32 application|incompatible architecture|not a mach-o file|Exec format/i,
    advice: 'The addon was built for another system or processor, or the file is damaged. Install on the machine that runs it: delete node_modules, then npm install'
  }
]

/** The error of a program whose addon could not be loaded; its cause is what the system or Node.js said. */
export function loadFailure(target: string, attempts: Attempt[], folder: string): MoltenError {
  const tried = attempts.map(({ place, error }) => `${place} (${firstLine(error)})`).join(' and ')
  // A file that is there and does not load says more than a package that is missing.
  const telling = attempts.find(({ error }) => !isMissing(error)) ?? attempts.at(-1)
  return new MoltenError(
    'NOT_SUPPORTED',
    `moltendb-node ${VERSION} found no addon that it can load for ${target} (${runtime(target)}). It looked for ${tried}. ` +
      `${advice(target, telling, folder)}. See ${REPOSITORY}/blob/main/docs/packaging.md#when-no-addon-is-found`,
    { cause: telling?.error }
  )
}

/** The error of an addon that belongs to another release than this JavaScript: the bytes between them may differ. */
export function wrongVersion(place: string, version: unknown): MoltenError {
  const found = typeof version === 'string' ? version.replace('/', ' ') : 'an older moltendb-node'
  return new MoltenError(
    'NOT_SUPPORTED',
    `The JavaScript is that of moltendb-node ${VERSION}, but the addon at ${place} is that of ${found}. Both must be of one version: ` +
      'delete node_modules and install again; in a clone, npm run build'
  )
}

function runtime(target: string): string {
  const { versions, platform, arch } = process
  const name = versions.bun ? `Bun ${versions.bun}` : versions.deno ? `Deno ${versions.deno}` : versions.electron ? `Electron ${versions.electron}` : `Node.js ${process.version}`
  return `${platform}, ${arch}${LIBC[target.split('-').at(-1)!] ?? ''}, ${name}`
}

function advice(target: string, telling: Attempt | undefined, folder: string): string {
  const { error, place = '' } = telling ?? {}
  if (codeOf(error) === 'ERR_DLOPEN_DISABLED') return 'Node.js was started with --permission, which forbids addons: add --allow-addons'
  if (place.startsWith('MOLTENDB_NATIVE_PATH')) return 'Set MOLTENDB_NATIVE_PATH to an addon (a .node file) of this version and platform, or unset it'
  if (!isMissing(error)) return SYSTEM_SAYS.find(({ says }) => says.test(String(error)))?.advice ?? `The addon is there, but the system refuses it${asar(folder)}. Delete node_modules, then npm install`
  if (!TARGETS.includes(target)) {
    return `There are packages for ${TARGETS.join(', ')}. Elsewhere, build the addon in a clone with Rust (npm run build) and set MOLTENDB_NATIVE_PATH to it`
  }
  const other = installed(folder)
  if (other) {
    return (
      `Installed is moltendb-node-${other}: node_modules, or the lock file, comes from another platform. Install on the platform that runs it: ` +
      'delete node_modules, then npm install (for another platform than this one: npm install --os=linux --cpu=x64 --libc=musl, for example)'
    )
  }
  if (!isPackage(folder)) {
    return (
      'This code was bundled, and the addon was left behind. Mark moltendb-node as external and deploy node_modules with the bundle, or copy ' +
      `moltendb-node.${target}.node beside the bundle, or set MOLTENDB_NATIVE_PATH to it`
    )
  }
  return missing(folder)
}

/** A package that was not installed, by what installs packages here. */
function missing(folder: string): string {
  if ('pnp' in process.versions) return 'Run yarn install on this platform; with supportedArchitectures in .yarnrc.yml, name this one too'
  if (asar(folder) !== '') return 'Pack the folder of that package into the application too, and unpack *.node from the archive (asarUnpack)'
  return (
    'Optional dependencies were left out: by --omit=optional or --no-optional, or by npm with a lock file from another platform ' +
    '(npm/cli#4828). Delete node_modules and package-lock.json, then npm install without these options'
  )
}

function asar(folder: string): string {
  return /\.asar\b/.test(folder) ? ' inside of an asar archive; unpack *.node (asarUnpack)' : ''
}

/** The platform of a package that is installed, though it is not the one that fits. */
function installed(folder: string): string | undefined {
  if (folder === '') return undefined
  const { resolve } = (require('node:module') as typeof Modules).createRequire(join(folder, 'index.js'))
  return TARGETS.find((target) => {
    try {
      return resolve(`moltendb-node-${target}`) !== ''
    } catch {
      return false
    }
  })
}

/** Whether this file stands in its package still, not in a bundle. */
function isPackage(folder: string): boolean {
  const manifest = join(folder, 'package.json')
  try {
    return existsSync(manifest) && (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: unknown }).name === 'moltendb-node'
  } catch {
    return false
  }
}

/** Whether the place holds nothing, so that nothing could be wrong with it. */
function isMissing(error: unknown): boolean {
  return codeOf(error) !== 'ERR_DLOPEN_FAILED' && codeOf(error) !== 'ERR_DLOPEN_DISABLED'
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}

function firstLine(error: unknown): string {
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : error
  return String(message).split('\n', 1)[0] ?? ''
}

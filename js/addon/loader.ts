// How the addon is found: by MOLTENDB_NATIVE_PATH where it is set, else beside this file, else in the package of this platform.

import { existsSync } from 'node:fs'
import type * as Modules from 'node:module'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { type Attempt, loadFailure, wrongVersion } from './load-failure.js'
import { targetName } from './platform.js'
import { VERSION } from './release.js'

/** The environment variable that names an addon of one's own. Read when the first database is opened, so a program may set it. */
const VARIABLE = 'MOLTENDB_NATIVE_PATH'

/** The part of an addon that is used before anything else: its version is compared. */
interface Versioned {
  version?(): string
}

/** What came of trying to load one file or package. */
type Outcome = { addon: unknown } | { error: unknown }

/** Loads the addon; throws `NOT_SUPPORTED` with what was tried, why it failed and what to do. */
export function loadAddon(): unknown {
  const target = targetName()
  const attempts: Attempt[] = []
  for (const { place, load } of placesFor(target)) {
    const outcome = load()
    if ('error' in outcome) {
      attempts.push({ place, error: outcome.error })
      continue
    }
    const version = (outcome.addon as Versioned).version?.()
    if (version !== `moltendb-node/${VERSION}`) throw wrongVersion(place, version)
    return outcome.addon
  }
  throw loadFailure(target, attempts, folder())
}

function placesFor(target: string): { place: string; load: () => Outcome }[] {
  const path = process.env[VARIABLE]
  if (path) return [{ place: `${VARIABLE}=${path}`, load: () => requireFile(resolve(path)) }]
  const places = [{ place: `moltendb-node-${target}`, load: () => installedPackage(target) }]
  const beside = join(folder(), `moltendb-node.${target}.node`)
  if (folder() !== '' && existsSync(beside)) places.unshift({ place: beside, load: () => requireFile(beside) })
  return places
}

/** The folder of this file; in a bundle, of the bundle. Bundles that are ES modules have no `__dirname`. Empty where nothing tells it. */
function folder(): string {
  if (typeof __dirname === 'string') return __dirname
  const file = ownFile()
  if (file === undefined) return ''
  return dirname(file.startsWith('file:') ? fileURLToPath(file) : file)
}

/** The path or URL of this file, from the engine's stack, as text that no bundler can replace. */
function ownFile(): string | undefined {
  const before = Error.prepareStackTrace
  try {
    Error.prepareStackTrace = (_, frames) => frames[0]?.getFileName()
    const file: unknown = new Error().stack
    return typeof file === 'string' && (file.startsWith('file:') || isAbsolute(file)) ? file : undefined
  } finally {
    Error.prepareStackTrace = before
  }
}

/** The require of Node.js itself for a file. Loading node:module takes as long as a good part of loading the addon; where this file is no bundle, its module is of that class. */
function requireOf(path: string): NodeJS.Require {
  const own = typeof module === 'object' ? (module.constructor as Partial<typeof Modules>).createRequire : undefined
  return (own ?? (require('node:module') as typeof Modules).createRequire)(path)
}

/** By the require of Node.js itself, since one of a bundler knows no files. */
function requireFile(path: string): Outcome {
  try {
    return { addon: requireOf(path)(path) as unknown }
  } catch (error) {
    return { error }
  }
}

/** By the literal names first, and where a bundler took their `require` away, as in its ES modules, by that of Node.js. */
function installedPackage(target: string): Outcome {
  const literal = requirePackage(target)
  if ('addon' in literal || !(literal.error instanceof ReferenceError) || folder() === '') return literal
  try {
    return { addon: requireOf(join(folder(), 'bundle.js'))(`moltendb-node-${target}`) as unknown }
  } catch (error) {
    return { error }
  }
}

/**
 * Names each package literally and within `try`: bundlers and tracers of deployments find the addon by these names, and take those that are
 * not installed for optional.
 */
function requirePackage(target: string): Outcome {
  try {
    switch (target) {
      case 'darwin-arm64':
        return { addon: require('moltendb-node-darwin-arm64') as unknown }
      case 'darwin-x64':
        return { addon: require('moltendb-node-darwin-x64') as unknown }
      case 'linux-arm64-gnu':
        return { addon: require('moltendb-node-linux-arm64-gnu') as unknown }
      case 'linux-arm64-musl':
        return { addon: require('moltendb-node-linux-arm64-musl') as unknown }
      case 'linux-x64-gnu':
        return { addon: require('moltendb-node-linux-x64-gnu') as unknown }
      case 'linux-x64-musl':
        return { addon: require('moltendb-node-linux-x64-musl') as unknown }
      case 'win32-arm64-msvc':
        return { addon: require('moltendb-node-win32-arm64-msvc') as unknown }
      case 'win32-x64-msvc':
        return { addon: require('moltendb-node-win32-x64-msvc') as unknown }
      default:
        return { error: new Error('there is no such package') }
    }
  } catch (error) {
    return { error }
  }
}

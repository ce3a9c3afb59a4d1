// Checks the options of Database.open and fills in their defaults. The environment variable WRITE_MODE sets the default of
// `storage`.

import type * as Os from 'node:os'
import { basename } from 'node:path'
import type * as Url from 'node:url'

import { uuidv7 } from '../ids/uuid.js'
import { absolute } from '../paths/paths.js'
import type { EncryptionKey, OpenOptions, StorageMode } from '../types/index.js'
import { wrongArgument } from './arguments.js'
import { furtherOf } from './opening/open-settings.js'
import type { FurtherSettings } from './opening/settings.js'
import { optionsOf } from './option-check.js'
import { DATABASE } from './option-table.js'

const WHERE = 'Database.open'
const STORAGE: readonly StorageMode[] = ['async', 'sync', 'memory']

/** The directory that a method makes. */
export function destinationOf(path: string | URL, where: string): string {
  const checked = pathOf(path, where)
  if (checked === MEMORY) throw new TypeError(`${where}: the destination must be a directory, not ':memory:'`)
  return checked
}

/** The path of a file, or its file: URL. */
export function filePathOf(given: unknown, name: string, where: string): string {
  const path = isFileUrl(given) ? pathOfUrl(given, where) : given
  if (typeof path !== 'string' || path === '' || path.includes('\0')) throw wrongArgument(where, name, 'the path of a file or its file: URL', path)
  return path
}

/** The path of a database that has files. */
export function directoryOf(path: string | URL, where: string): string {
  const checked = pathOf(path, where)
  if (checked === MEMORY) throw new TypeError(`${where}: path must be a directory, not ':memory:'`)
  return checked
}

/** The path of a database without files. */
export const MEMORY = ':memory:'

/** The name that the database of a path has, as operations on it are told. */
export function nameOfDirectory(path: string, where: string): string {
  return path === MEMORY ? 'memory' : basename(absolute(path, where))
}

/** A path as it is when a key is asked for: the working directory may be another when the key is there. */
export function pathBeside(key: EncryptionKey | undefined, path: string, where: string): string {
  return key === undefined || path === MEMORY ? path : absolute(path, where)
}

/** Options with every default filled in. */
export interface Settings extends Omit<FurtherSettings, 'core'> {
  path: string
  storage: StorageMode
  /** The options that the core reads, as JSON. */
  core: string
  signal: AbortSignal | undefined
  onProgress: OpenOptions['onProgress'] | undefined
}

/** Checks path and options of an open call. */
export function settingsOf(path: unknown, given: OpenOptions | null | undefined): Settings {
  const name = pathOf(path)
  const options = optionsOf<OpenOptions>(WHERE, given, DATABASE.open)
  const storage = storageOf(name, options)
  const { core, ...further } = hasFurther(options) ? furtherOf(options) : DEFAULTS
  return {
    path: storage === 'memory' ? MEMORY : name,
    storage,
    core: JSON.stringify({ ...systemMemory(options), ...core, storage }),
    signal: options.signal,
    onProgress: options.onProgress,
    ...further
  }
}

/** What holds where no more than the path is given. */
const DEFAULTS: FurtherSettings = {
  core: {}, readOnly: false, objectId: undefined, createPk: uuidv7, clock: undefined, slowMs: undefined, ignoreUndefined: true, forceServerObjectId: false
}

/** Whether there is an option that open-settings.ts checks. */
function hasFurther(options: OpenOptions): boolean {
  for (const name in options) if (name !== 'storage' && name !== 'signal' && name !== 'onProgress') return true
  return false
}

/** The default of `memoryLimit` is a share of it; on Linux the core reads it, and the limits of control groups. */
function systemMemory({ memoryLimit }: OpenOptions): object {
  return memoryLimit !== undefined || process.platform === 'linux' ? {} : { systemMemory: (require('node:os') as typeof Os).totalmem() }
}

/** Checks a path; of a file: URL, or its text, the path that it names. */
export function pathOf(given: unknown, where = WHERE): string {
  const path = isFileUrl(given) ? pathOfUrl(given, where) : given
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw wrongArgument(where, 'path', "the path of a directory, its file: URL, or ':memory:'", path)
  }
  if (path.includes('://')) refuseAddress(path, where)
  return path
}

/** Refuses the address of a server, and a URL that names no file. */
function refuseAddress(path: string, where: string): void {
  if (/^mongodb(\+srv)?:\/\//i.test(path)) {
    // The value is not shown: it may contain a password.
    throw new TypeError(`${where}: path is the address of a MongoDB server, but this database is embedded in the process and has no server; give the path of a directory, as in './data'`)
  }
  // One letter would be a drive of Windows.
  if (/^[a-z][a-z\d+.-]+:\/\//i.test(path)) {
    throw new TypeError(`${where}: path is a URL that names no directory; give the path of a directory, as in './data', or a file: URL`)
  }
}

/** A URL of any realm, or the text of a file: URL. */
function isFileUrl(given: unknown): given is URL | string {
  if (typeof given === 'string') return /^file:\/\//i.test(given)
  return typeof given === 'object' && given !== null && typeof (given as Partial<URL>).href === 'string' && typeof (given as Partial<URL>).protocol === 'string'
}

function pathOfUrl(given: URL | string, where: string): string {
  const { fileURLToPath } = require('node:url') as typeof Url
  try {
    return fileURLToPath(typeof given === 'string' ? given : given.href)
  } catch (cause) {
    // Not shown: a URL of another kind may contain a password.
    throw new TypeError(`${where}: path is a URL that names no directory; give the path of a directory, as in './data', or a file: URL of this machine`, { cause })
  }
}

function storageOf(path: string, options: OpenOptions): StorageMode {
  const { storage } = options
  if (storage !== undefined && !STORAGE.includes(storage)) {
    throw wrongArgument(WHERE, 'option storage', "'async', 'sync' or 'memory'", storage)
  }
  if (path !== MEMORY) return storage ?? defaultStorage()
  if (storage === 'sync') throw new TypeError(`${WHERE}: option storage cannot be 'sync' for ':memory:'; give a directory`)
  return 'memory'
}

let warned = false

function defaultStorage(): StorageMode {
  const mode = process.env.WRITE_MODE
  if (mode === 'sync' || mode === 'async') return mode
  if (mode !== undefined && mode !== '' && !warned) {
    warned = true
    process.emitWarning(`moltendb-node ignores WRITE_MODE=${mode}: it is neither sync nor async; async is used`)
  }
  return 'async'
}

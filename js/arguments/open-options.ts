// Checks the options of Database.open and fills in their defaults. The environment variable WRITE_MODE sets the default of
// `storage`.

import type * as Os from 'node:os'
import { basename, resolve } from 'node:path'
import type * as Url from 'node:url'

import { uuidsBy, uuidv7 } from '../ids/uuid.js'
import type { EncryptionKey, HistoryLimits, HistoryOptions, MoltenSecret, ObjectIdConstructor, OpenOptions, PrimaryKeyFactory, Retention, StorageMode } from '../types/index.js'
import { checkFields, flagOf, wrongArgument } from './arguments.js'
import { checkKey } from './encryption-key.js'
import { checkNames, optionsOf } from './option-check.js'
import { DATABASE, PARTS } from './option-table.js'

const WHERE = 'Database.open'
const STORAGE: readonly StorageMode[] = ['async', 'sync', 'memory']
const AUTO_INDEX = ['off', 'suggest', 'on'] as const
const YEAR = 31_536_000_000
/** The directory that a method makes. */
export function destinationOf(path: string | URL, where: string): string {
  const checked = pathOf(path, where)
  if (checked === MEMORY) throw new TypeError(`${where}: the destination must be a directory, not ':memory:'`)
  return checked
}

/** A password or key of MoltenDB, and the salt of its derivation. The password is not shown. */
export function secretOf(where: string, given: MoltenSecret): { secret: string | Uint8Array | null; salt: string | null } {
  const password: string | Uint8Array | null = given.password ?? null
  const salt: string | null = given.salt ?? null
  const isKey = password instanceof Uint8Array
  if (password !== null && !isKey && (typeof password !== 'string' || password === '')) throw new TypeError(`${where}: option password must be a text, or a key of 32 bytes`)
  if (isKey && password.length !== 32) throw new TypeError(`${where}: option password is a key of ${password.length} bytes; a key has 32`)
  if (salt !== null && typeof salt !== 'string') throw wrongArgument(where, 'option salt', 'a text', salt)
  if (salt !== null && typeof password !== 'string') throw new TypeError(`${where}: option salt is of no use without a password; give both`)
  return { secret: password, salt }
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
export function nameOfDirectory(path: string): string {
  return path === MEMORY ? 'memory' : basename(resolve(path))
}

/** A path as it is when a key is asked for: the working directory may be another when the key is there. */
export function pathBeside(key: EncryptionKey | undefined, path: string): string {
  return key === undefined || path === MEMORY ? path : resolve(path)
}

/** Options with every default filled in. */
export interface Settings {
  path: string
  storage: StorageMode
  readOnly: boolean
  /** The options that the core reads, as JSON. */
  core: string
  objectId: ObjectIdConstructor | undefined
  createPk: () => unknown
  /** The time of what is written (ms since 1970), where the program gives it. */
  clock: (() => number) | undefined
  /** From how many milliseconds on an operation is slow. */
  slowMs: number | undefined
  ignoreUndefined: boolean
  forceServerObjectId: boolean
  signal: AbortSignal | undefined
  onProgress: OpenOptions['onProgress'] | undefined
}

/** Checks path and options of an open call. */
export function settingsOf(path: unknown, given: OpenOptions | null | undefined): Settings {
  const name = pathOf(path)
  const options = optionsOf<OpenOptions>(WHERE, given, DATABASE.open)
  const storage = storageOf(name, options)
  const clock = clockOf(options.clock)
  if (options.encryptionKey !== undefined) checkKey(WHERE, 'option encryptionKey', options.encryptionKey)
  return {
    path: storage === 'memory' ? MEMORY : name,
    storage,
    readOnly: options.readOnly === true,
    core: JSON.stringify({ ...coreOptions(options), storage }),
    objectId: objectIdOf(options),
    createPk: clock && !options.pkFactory ? uuidsBy(clock) : pkOf(options.pkFactory),
    clock,
    slowMs: options.slowMs === undefined || options.slowMs === false ? undefined : numberIn('slowMs', options.slowMs, 0, YEAR, 'milliseconds, or false'),
    ignoreUndefined: options.ignoreUndefined === undefined ? true : flagOf(WHERE, 'ignoreUndefined', options.ignoreUndefined),
    forceServerObjectId: flagOf(WHERE, 'forceServerObjectId', options.forceServerObjectId),
    signal: options.signal,
    onProgress: options.onProgress
  }
}

/** Checks a path; of a file: URL, or its text, the path that it names. */
export function pathOf(given: unknown, where = WHERE): string {
  const path = isFileUrl(given) ? pathOfUrl(given, where) : given
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw wrongArgument(where, 'path', "the path of a directory, its file: URL, or ':memory:'", path)
  }
  if (/^mongodb(\+srv)?:\/\//i.test(path)) {
    // The value is not shown: it may contain a password.
    throw new TypeError(`${where}: path is the address of a MongoDB server, but this database is embedded in the process and has no server; give the path of a directory, as in './data'`)
  }
  // One letter would be a drive of Windows.
  if (/^[a-z][a-z\d+.-]+:\/\//i.test(path)) {
    throw new TypeError(`${where}: path is a URL that names no directory; give the path of a directory, as in './data', or a file: URL`)
  }
  return path
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

function coreOptions(options: OpenOptions): object {
  const core: { [name: string]: unknown } = {}
  if (options.flushInterval !== undefined) core.flushInterval = numberIn('flushInterval', options.flushInterval, 1, 60_000, 'milliseconds')
  if (options.memoryLimit !== undefined) {
    // JSON has no Infinity.
    core.memoryLimit = options.memoryLimit === Infinity ? 'Infinity' : numberIn('memoryLimit', options.memoryLimit, 1, Number.MAX_SAFE_INTEGER, 'bytes, or Infinity for no limit')
  } else if (process.platform !== 'linux') {
    // The default is a share of it; on Linux the core reads it, and the limits of control groups.
    core.systemMemory = (require('node:os') as typeof Os).totalmem()
  }
  if (options.queryMemoryLimit !== undefined) {
    core.queryMemoryLimit = numberIn('queryMemoryLimit', options.queryMemoryLimit, 1_048_576, Number.MAX_SAFE_INTEGER, 'bytes')
  }
  for (const name of ['readOnly', 'createIfMissing', 'errorIfExists', 'autoCompact'] as const) {
    if (options[name] !== undefined) core[name] = flagOf(WHERE, name, options[name])
  }
  if (options.retention !== undefined) {
    checkFields(WHERE, 'option retention', options.retention)
    checkNames(`${WHERE}: option retention`, options.retention, PARTS.retention)
    const generations = (options.retention as Partial<Retention> | null)?.generations
    if (!Number.isInteger(generations)) throw wrongArgument(WHERE, 'option retention', '{ generations: a whole number }', options.retention)
    core.retention = { generations: numberIn('retention.generations', generations, 0, 1000, 'generations') }
  }
  if (options.history !== undefined) core.history = historyOf(options.history)
  if (options.scrub !== undefined) {
    checkFields(WHERE, 'option scrub', options.scrub)
    checkNames(`${WHERE}: option scrub`, options.scrub, PARTS.scrub)
    const { interval, bytesPerSecond } = options.scrub
    const scrub: { [name: string]: number } = {}
    if (interval !== undefined) scrub.interval = numberIn('scrub.interval', interval, 1, YEAR, 'milliseconds')
    if (bytesPerSecond !== undefined) {
      scrub.bytesPerSecond = Math.floor(numberIn('scrub.bytesPerSecond', bytesPerSecond, 1024, Number.MAX_SAFE_INTEGER, 'bytes'))
    }
    core.scrub = scrub
  }
  if (options.ttlMonitor !== undefined) core.ttlMonitor = flagOf(WHERE, 'ttlMonitor', options.ttlMonitor)
  if (options.ttlInterval !== undefined) core.ttlInterval = numberIn('ttlInterval', options.ttlInterval, 1, YEAR, 'milliseconds')
  const { autoIndex } = options
  if (autoIndex !== undefined) {
    if (!AUTO_INDEX.includes(autoIndex)) throw wrongArgument(WHERE, 'option autoIndex', "'off', 'suggest' or 'on'", autoIndex)
    core.autoIndex = autoIndex
  }
  const { recovery } = options
  if (recovery !== undefined) {
    if (recovery !== 'strict' && recovery !== 'truncate') throw wrongArgument(WHERE, 'option recovery', "'strict' or 'truncate'", recovery)
    core.recovery = recovery
  }
  const { check } = options
  if (check !== undefined) {
    if (check !== 'quick' && check !== 'full') throw wrongArgument(WHERE, 'option check', "'quick' or 'full'", check)
    core.check = check
  }
  return core
}

/** JSON has no Infinity: the largest whole number of JavaScript is as good as no limit. */
function historyOf(given: HistoryOptions): object {
  checkFields(WHERE, 'option history', given)
  checkNames(`${WHERE}: option history`, given, PARTS.history)
  const core: { [part: string]: object | false } = {}
  for (const part of ['changes', 'past'] as const) {
    const limits = given[part]
    if (limits !== undefined) core[part] = limits === false ? false : limitsOf(part, limits)
  }
  return core
}

function limitsOf(part: 'changes' | 'past', given: HistoryLimits): object {
  const name = `option history.${part}`
  if (typeof given !== 'object' || given === null) throw wrongArgument(WHERE, name, '{ maxAge, maxBytes } or false', given)
  checkFields(WHERE, name, given)
  checkNames(`${WHERE}: ${name}`, given, PARTS[`history.${part}`])
  const limits: { [limit: string]: number } = {}
  for (const [limit, unit] of [['maxAge', 'milliseconds'], ['maxBytes', 'bytes']] as const) {
    const value = given[limit]
    if (value === undefined) continue
    const wanted = `${unit}, or Infinity for no limit (history: { ${part}: false } keeps nothing)`
    limits[limit] = value === Infinity ? Number.MAX_SAFE_INTEGER : Math.floor(numberIn(`history.${part}.${limit}`, value, 1, Number.MAX_SAFE_INTEGER, wanted))
  }
  return limits
}

function numberIn(name: string, value: unknown, least: number, most: number, unit: string): number {
  if (typeof value !== 'number' || !(value >= least && value <= most)) {
    throw wrongArgument(WHERE, `option ${name}`, `${least} to ${most} ${unit}`, value)
  }
  return value
}

/** The class of ObjectIds that are read: given itself, or with the module that has it. */
function objectIdOf({ ObjectId, bson }: Partial<OpenOptions>): ObjectIdConstructor | undefined {
  if (bson === undefined || bson === null) return classOf(ObjectId)
  if (ObjectId !== undefined && ObjectId !== null) throw new TypeError(`${WHERE}: the options bson and ObjectId say the same; give one of them`)
  const isModule = (typeof bson === 'object' || typeof bson === 'function') && typeof bson.ObjectId === 'function'
  if (!isModule) throw wrongArgument(WHERE, 'option bson', 'the module bson or mongodb, which has the class ObjectId', bson)
  return bson.ObjectId
}

function classOf(value: unknown): ObjectIdConstructor | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'function') throw wrongArgument(WHERE, 'option ObjectId', 'a class whose constructor takes 12 bytes', value)
  return value as ObjectIdConstructor
}

/** The largest time of a Date. */
const MOST_TIME = 8.64e15

/** The clock that the program gives, as milliseconds. */
function clockOf(clock: OpenOptions['clock'] | null): (() => number) | undefined {
  if (clock === undefined || clock === null) return undefined
  if (typeof clock !== 'function') throw wrongArgument(WHERE, 'option clock', 'a function that returns a Date or milliseconds since 1970', clock)
  return () => {
    const time = Number(clock())
    if (!(Math.abs(time) <= MOST_TIME)) throw new TypeError('option clock must return a Date or milliseconds since 1970')
    return Math.floor(time)
  }
}

/** The function that creates `_id`s; also for collection options. */
export function pkOf(factory: PrimaryKeyFactory | null | undefined, where = WHERE): () => unknown {
  if (factory === undefined || factory === null) return uuidv7
  if (typeof factory !== 'object' || typeof factory.createPk !== 'function') {
    throw wrongArgument(where, 'option pkFactory', 'an object with a method createPk', factory)
  }
  return () => factory.createPk()
}

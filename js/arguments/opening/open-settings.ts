// Checks the options of Database.open beside its path and its storage mode. Loaded when one of them is given.

import { uuidsBy } from '../../ids/uuid.js'
import type { HistoryLimits, HistoryOptions, ObjectIdConstructor, OpenOptions, Retention } from '../../types/index.js'
import { checkFields, flagOf, wrongArgument } from '../arguments.js'
import { checkKey } from '../encryption-key.js'
import { checkNames } from '../option-check.js'
import { PARTS } from '../option-table.js'
import { type FurtherSettings, pkOf } from './settings.js'

const WHERE = 'Database.open'
const AUTO_INDEX = ['off', 'suggest', 'on'] as const
const YEAR = 31_536_000_000

/** Checks these options and fills in their defaults. */
export function furtherOf(options: OpenOptions): FurtherSettings {
  const clock = clockOf(options.clock)
  if (options.encryptionKey !== undefined) checkKey(WHERE, 'option encryptionKey', options.encryptionKey)
  return {
    readOnly: options.readOnly === true,
    core: coreOptions(options),
    objectId: objectIdOf(options),
    createPk: clock && !options.pkFactory ? uuidsBy(clock) : pkOf(options.pkFactory, WHERE),
    clock,
    slowMs: options.slowMs === undefined || options.slowMs === false ? undefined : numberIn('slowMs', options.slowMs, 0, YEAR, 'milliseconds, or false'),
    ignoreUndefined: options.ignoreUndefined === undefined ? true : flagOf(WHERE, 'ignoreUndefined', options.ignoreUndefined),
    forceServerObjectId: flagOf(WHERE, 'forceServerObjectId', options.forceServerObjectId)
  }
}

function coreOptions(options: OpenOptions): object {
  const core: { [name: string]: unknown } = {}
  if (options.flushInterval !== undefined) core.flushInterval = numberIn('flushInterval', options.flushInterval, 1, 60_000, 'milliseconds')
  if (options.memoryLimit !== undefined) {
    // JSON has no Infinity.
    core.memoryLimit = options.memoryLimit === Infinity ? 'Infinity' : numberIn('memoryLimit', options.memoryLimit, 1, Number.MAX_SAFE_INTEGER, 'bytes, or Infinity for no limit')
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

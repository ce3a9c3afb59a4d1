// The check of option names: an unknown name is refused, never ignored.

import { MoltenError, numbered } from '../errors.js'
import type { ClientSession, CollationOptions } from '../types/options.js'
import { checkFields, countOf, unsupported, wrongArgument } from './arguments.js'
import { refuseName } from './option-reasons.js'
import { IGNORED_NAMES, INDEX_OF_SERVERS, type OptionNames, PARTS } from './option-table.js'

/** What a call without options has. */
const NONE: object = Object.freeze({})

/** The options of a call; absent means none. */
export function optionsOf<T extends object>(where: string, options: T | null | undefined, names: OptionNames): Partial<T> {
  if (options === undefined || options === null) return NONE
  if (typeof options !== 'object' || Array.isArray(options)) throw wrongArgument(where, 'options', 'an object', options)
  checkNames(where, options, names)
  const given = options as { session?: unknown; collation?: unknown; signal?: unknown; maxTimeMS?: unknown; onProgress?: unknown }
  if (given.collation !== undefined && given.collation !== null) checkCollation(where, given.collation)
  if (given.maxTimeMS !== undefined) countOf(where, 'option maxTimeMS', given.maxTimeMS)
  if (given.signal !== undefined) checkSignal(where, given.signal)
  const { session } = given
  if (session !== undefined && session !== null) checkSession(where, session, names)
  if (given.onProgress !== undefined && typeof given.onProgress !== 'function') throw wrongArgument(where, 'option onProgress', 'a function', given.onProgress)
  return options
}

/** The options of the call itself. */
export function ownOf({ own }: OptionNames): string[] {
  return own === '' ? [] : own.split(' ')
}

/** All names that are accepted. Made when the first call is checked: most programs call few of the methods. */
export function knownOf(names: OptionNames): ReadonlySet<string> {
  if (names.known !== undefined) return names.known
  const shared = names.others === 'none' ? [] : ['collation', ...IGNORED_NAMES, ...(names.others === 'indexes' ? INDEX_OF_SERVERS : [])]
  return (names.known = new Set([...ownOf(names), ...shared]))
}

/** Refuses names that are not in this list. */
export function checkNames(where: string, options: object, names: OptionNames): void {
  // Inherited properties are checked too, because they would take effect.
  for (const name in options) {
    if (!knownOf(names).has(name)) refuseName(where, options, name, names, ownOf(names))
  }
}

/** The core checks the values. */
export function checkCollation(where: string, collation: unknown): asserts collation is CollationOptions {
  checkFields(where, 'collation', collation)
  checkNames(`${where}: option collation`, collation, PARTS.collation)
}

/** Refuses a collation where it would change the result and cannot be given. */
export function refuseCollation(where: string, { collation }: { collation?: CollationOptions | null | undefined }, instead: string): void {
  if (collation && collation.locale !== 'simple') throw unsupported(where, 'collation', instead)
}

function checkSession(where: string, session: unknown, names: OptionNames): void {
  const given = session as Partial<ClientSession>
  if (typeof given !== 'object' || typeof given.inTransaction !== 'function' || !('enter' in given)) {
    throw wrongArgument(where, 'option session', 'a session of startSession()', session)
  }
  if (names.isOutside && given.inTransaction()) throw notInTransaction(where)
}

/** The error of a method that cannot be part of a transaction. */
export function notInTransaction(where: string): MoltenError {
  const instead = where.endsWith('Sync') ? 'call the method without Sync, or use db.transactionSync' : 'do it before or after, or use another method'
  const message = `${where}: this cannot be done in a transaction; ${instead}`
  return new MoltenError('NOT_SUPPORTED', message, numbered('OperationNotSupportedInTransaction'))
}

/** Refuses what is no signal. */
export function checkSignal(where: string, signal: unknown): void {
  const given = signal as Partial<AbortSignal> | null
  if (typeof given !== 'object' || given === null || typeof given.addEventListener !== 'function' || typeof given.aborted !== 'boolean') {
    throw wrongArgument(where, 'option signal', 'an AbortSignal', signal)
  }
}

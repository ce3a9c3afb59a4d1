// Specifications of indexes and hints: every form that the mongodb driver accepts is converted into pairs of path and
// direction, and options.

import type { ExplainVerbosityLike } from '../types/documents.js'
import type { Document } from '../types/index.js'
import { checkFields, countOf, eachOf, isFields, isMap, wrongArgument } from './arguments.js'
import { checkCollation, checkNames } from './option-check.js'
import { REFUSED } from './option-reasons.js'
import { BUILDS, CURSOR, IGNORED_NAMES, INDEX_OF_SERVERS, OF_OPERATIONS, PARTS } from './option-table.js'

const FORMS = 'a field name, an object, a Map, or a list of them or of [field, direction] pairs'
/** The types of options. */
const TYPES: { readonly [option: string]: string | undefined } = {
  __proto__: null as never,
  name: 'a string',
  unique: 'a boolean',
  sparse: 'a boolean',
  hidden: 'a boolean',
  partialFilterExpression: 'an object'
}
/** Paths and directions in order. The core checks the directions. */
export type KeyPairs = [path: string, direction: number | string][]

/** Options of an index that are not sent to the core: without effect here, or refused earlier. */
const NOT_OF_INDEXES: ReadonlySet<string> = new Set([
  ...BUILDS, ...OF_OPERATIONS, 'onProgress', ...IGNORED_NAMES, ...Object.keys(REFUSED).filter((name) => !INDEX_OF_SERVERS.includes(name))
])

/** An index as it is sent to the core. */
export interface SpecBody {
  key: KeyPairs
  name?: string
  unique?: boolean
  sparse?: boolean
  partialFilterExpression?: Document
  expireAfterSeconds?: number
  hidden?: boolean
  collation?: Document
}

/** The fields of an index. */
export function indexKeys(where: string, name: string, spec: unknown): KeyPairs {
  const parts: readonly unknown[] = Array.isArray(spec) && !isPair(spec) ? spec : [spec]
  // A repeated field keeps its position and takes the last direction, as in an object.
  const keys = new Map<string, number | string>()
  eachOf(parts, (part) => {
    for (const [path, direction] of pairsOf(where, name, part)) {
      if (typeof path !== 'string' || path === '') throw wrongArgument(where, name, FORMS, path)
      keys.set(path, directionOf(where, path, direction))
    }
  })
  if (keys.size === 0) throw wrongArgument(where, name, 'at least one field', spec === '' ? spec : 'none')
  return [...keys]
}

function pairsOf(where: string, name: string, part: unknown): [unknown, unknown][] {
  if (typeof part === 'string') return [[part, 1]]
  if (Array.isArray(part)) {
    if (part.length < 1 || part.length > 2) throw wrongArgument(where, name, FORMS, part)
    return [[part[0], part[1] ?? 1]]
  }
  if (isMap(part)) return [...part]
  if (isFields(part)) return Object.entries(part)
  throw wrongArgument(where, name, FORMS, part)
}

/** `['age', -1]` is one pair; `['age', 'name']` are two fields. */
function isPair(list: readonly unknown[]): boolean {
  const [, direction] = list
  if (list.length !== 2 || typeof list[0] !== 'string') return false
  return typeof direction === 'number' || ['2d', '2dsphere', 'text', 'geoHaystack', 'hashed'].includes(direction as string)
}

function directionOf(where: string, path: string, given: unknown): number | string {
  const direction = typeof given === 'bigint' ? Number(given) : given
  if (typeof direction === 'string' || (typeof direction === 'number' && Number.isFinite(direction))) return direction
  throw wrongArgument(where, `direction of '${path}'`, '1 or -1', given)
}

/** An index as it is sent to the core, from its fields and its options. */
export function specOf(where: string, spec: unknown, options: Document, name = 'indexSpec'): SpecBody {
  const body: SpecBody = { key: indexKeys(where, name, spec) }
  for (const option of Object.keys(options)) {
    const value: unknown = options[option]
    if (value === undefined || value === null || NOT_OF_INDEXES.has(option) || option === 'key') continue
    if (option === 'collation') checkCollation(where, value)
    takeOption(where, body, option, value)
  }
  return body
}

/** Options of MongoDB's indexes are sent too: the core refuses each with its reason. */
function takeOption(where: string, body: SpecBody, option: string, value: unknown): void {
  const expected = TYPES[option]
  if (expected === 'an object') checkFields(where, `option ${option}`, value)
  else if (expected !== undefined && `a ${typeof value}` !== expected) throw wrongArgument(where, `option ${option}`, expected, value)
  if (option === 'name' && value === '') throw wrongArgument(where, 'option name', 'at least one character', value)
  ;(body as Document)[option] = value
}

/** The indexes of `createIndexes`. */
export function specsOf(where: string, rows: unknown): SpecBody[] {
  if (!Array.isArray(rows) || rows.length === 0) {
    throw wrongArgument(where, 'indexSpecs', 'an array of at least one index', Array.isArray(rows) ? '[]' : rows)
  }
  const specs: SpecBody[] = []
  eachOf<unknown>(rows, (row, i) => {
    const at = `indexSpecs[${i}]`
    checkFields(where, at, row)
    const { key } = row
    if (!isFields(key) && !isMap(key)) throw wrongArgument(where, `${at}.key`, 'an object or a Map', key)
    checkNames(`${where}: ${at}`, row, PARTS['an index of createIndexes'])
    specs.push(specOf(`${where}: ${at}`, key, row, 'key'))
  })
  return specs
}

/** Verbosities as they are sent to the core. */
const VERBOSITY: { readonly [name: string]: number | undefined } = {
  __proto__: null as never,
  queryPlanner: 0,
  queryPlannerExtended: 0,
  executionStats: 1,
  allPlansExecution: 2
}

/** The verbosity and the time limit of an explanation; as in the driver, `allPlansExecution` by default. */
export function verbosityOf(where: string, given: ExplainVerbosityLike | undefined | null): { level: number; maxTimeMS: number | undefined } {
  if (typeof given === 'object' && given !== null) {
    checkNames(`${where}: verbosity`, given, CURSOR.explain)
    const { verbosity, maxTimeMS } = given
    return { level: levelOf(where, verbosity), maxTimeMS: maxTimeMS === undefined ? undefined : countOf(where, 'option maxTimeMS', maxTimeMS) }
  }
  return { level: levelOf(where, given ?? true), maxTimeMS: undefined }
}

function levelOf(where: string, given: unknown): number {
  if (typeof given === 'boolean') return given ? 2 : 0
  const level = typeof given === 'string' ? VERBOSITY[given] : undefined
  if (level === undefined) throw wrongArgument(where, 'verbosity', "'queryPlanner', 'executionStats', 'allPlansExecution' or a boolean", given)
  return level
}

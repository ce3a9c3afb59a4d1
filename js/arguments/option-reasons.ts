// Why options are without effect or refused, and what to use instead of names that are not known.

import { slipsBetween } from '../names/slips.js'
import type { DriverOptions } from '../types/options.js'
import { shown, unsupported } from './arguments.js'
import type { IGNORED_NAMES, OptionNames, RefusalsOf } from './option-table.js'

/** Options of the driver that change no result here: accepted by every method, without effect. */
export const IGNORED: { readonly [name in keyof Required<DriverOptions> | (typeof IGNORED_NAMES)[number]]: string } = {
  comment: 'there is no log of operations',
  readPreference: 'there is one database, and reads see its newest state',
  omitReadPreference: 'as `readPreference`',
  readConcern: 'reads see only committed writes, which are never rolled back',
  writeConcern: "the database's option `storage` decides what a write survives",
  retryWrites: 'there is no network',
  willRetryWrite: 'as `retryWrites`',
  bypassPinningCheck: 'there are no servers',
  dbName: 'a collection belongs to its database',
  authdb: 'there are no users',
  noResponse: 'every operation returns a result',
  allowDiskUse: 'where nothing is sorted or grouped',
  allowPartialResults: 'there are no shards',
  partial: 'as `allowPartialResults`',
  oplogReplay: 'there is no oplog',
  noCursorTimeout: 'idle cursors always time out',
  timeout: 'as `noCursorTimeout`',
  maxAwaitTimeMS: 'where no tailable cursor and no change stream waits',
  timeoutMode: 'belongs to `timeoutMS`, which is refused',
  cursor: 'use `batchSize`',
  authorizedCollections: 'there are no users',
  authorizedDatabases: 'there are no users',
  bypassDocumentValidation: 'where no document is written',
  ignoreUndefined: 'where nothing is written: undefined is refused in filters and pipelines',
  checkKeys: 'every name of well-formed Unicode can be stored',
  serializeFunctions: 'a function is refused, whatever this says',
  enableUtf8Validation: 'text is always well-formed',
  useBigInt64: 'a BigInt comes back as a BigInt, a number as a number',
  bsonRegExp: 'no regular expression is stored'
}

/** An option that would change what an operation does and is not supported: refused with `NOT_SUPPORTED`. */
export interface RefusedOption {
  /** Values without effect, which are accepted; undefined and null always are. */
  readonly nothing: readonly unknown[]
  /** The reason, or what to do instead. */
  readonly instead: string
}

const refusal = (instead: string, ...nothing: unknown[]): RefusedOption => ({ nothing, instead })
const LATER = 'it is planned for a later version'

/** Without a prototype, like every table that is indexed by names from the program. */
type Refusals = { readonly [name: string]: RefusedOption | undefined }

/** Of every method. */
export const REFUSED: Refusals = {
  __proto__: null as never,
  timeoutMS: refusal('use maxTimeMS or signal', 0),
  explain: refusal('use explain() of the cursor that find and aggregate return, or a method that takes the option'),
  ifVersion: refusal('it is of writes of one document: updateOne, replaceOne, deleteOne, findOneAnd..., set and delete'),
  min: refusal('write the bounds into the filter'),
  max: refusal('write the bounds into the filter'),
  returnKey: refusal('use a projection of the fields of the index', false),
  showRecordId: refusal('documents have no record id', false),
  tailable: refusal('use find, whose cursor can be tailable', false),
  awaitData: refusal('use find, whose cursor can be tailable', false),
  singleBatch: refusal('use limit', false),
  out: refusal('use the stage $out'),
  raw: refusal('results are documents', false),
  fieldsAsRaw: refusal('results are documents'),
  promoteValues: refusal('results are JavaScript values', true),
  promoteLongs: refusal('64-bit integers are BigInts', true),
  promoteBuffers: refusal('binary comes back as a Buffer', true),
  encryptedFields: refusal('fields are not encrypted one by one; the option encryptionKey of Database.open encrypts all files')
}

/** Options of collections: refused by createCollection. */
export const REFUSED_OF_COLLECTIONS: Refusals = {
  __proto__: null as never,
  ...Object.fromEntries(
    [
      'expireAfterSeconds', 'timeseries',
      'clusteredIndex', 'storageEngine', 'indexOptionDefaults'
    ].map((name) => [name, refusal(LATER, false)])
  )
}

/** Refusals of single methods. */
export const REFUSALS: { readonly [method in RefusalsOf]: Refusals } = {
  createCollection: REFUSED_OF_COLLECTIONS,
  setMany: { __proto__: null as never, ifVersion: refusal('it belongs to an entry: [id, document, { ifVersion }]') }
}

/** Option names of older drivers, of servers and of similar packages, and what to use instead. */
export const OTHER_NAMES: { readonly [name: string]: string | undefined } = {
  __proto__: null as never,
  fields: 'use projection',
  returnOriginal: "use returnDocument: 'before' or 'after'",
  returnNewDocument: "use returnDocument: 'after'",
  new: "use returnDocument: 'after'",
  multi: 'use updateMany',
  justOne: 'use deleteOne',
  single: 'use deleteOne',
  rawResult: 'use includeResultMetadata',
  w: "use the database's option storage",
  j: "use the database's option storage",
  journal: "use the database's option storage",
  fsync: "use the database's option storage",
  wtimeout: 'use maxTimeMS'
}

/** Refuses a name that is not in this list, unless it says nothing. */
export function refuseName(where: string, options: object, name: string, { refused }: OptionNames, own: readonly string[]): void {
  const reason = (refused && REFUSALS[refused][name]) ?? REFUSED[name]
  const value = (options as { [name: string]: unknown })[name]
  const isNothing = value === undefined || value === null
  // Libraries hand over names of older drivers without a value.
  if (isNothing && OTHER_NAMES[name] !== undefined) return
  if (reason !== undefined) {
    if (isNothing || reason.nothing.includes(value)) return
    throw unsupported(where, name, reason.instead)
  }
  // A property that the program added to Object.prototype is not an option.
  if (!Object.hasOwn(options, name) && name in Object.prototype) return
  throw new TypeError(`${where}: there is no option ${shown(name)}; ${adviceOf(name, own)}`)
}

function adviceOf(name: string, own: readonly string[]): string {
  const other = OTHER_NAMES[name]
  if (other !== undefined) return other
  const near = nearest(name, own)
  if (near !== undefined) return `did you mean ${shown(near)}?`
  return own.length === 0 ? 'it takes none' : `there are ${own.join(', ')}`
}

/** The name with the smallest edit distance, if that is small for its length. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  if (name.length > 40) return undefined
  let best: string | undefined
  let least = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of names) {
    const slips = slipsBetween(name.toLowerCase(), candidate.toLowerCase())
    if (slips < least && slips < candidate.length) [best, least] = [candidate, slips]
  }
  return best
}

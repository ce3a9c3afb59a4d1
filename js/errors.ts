// The errors of the package, their kinds and MongoDB's error codes.

/**
 * MongoDB's codes of errors that are created in JavaScript. The whole table is src/error/codes/code.rs, whose tests compare the
 * two.
 */
export const CODES = {
  FailedToParse: 9,
  Overflow: 15,
  NamespaceNotFound: 26,
  MaxTimeMSExpired: 50,
  DollarPrefixedFieldName: 52,
  InvalidIdField: 53,
  CommandNotFound: 59,
  InvalidNamespace: 73,
  WriteConflict: 112,
  DocumentValidationFailure: 121,
  NotImplemented: 238,
  BSONObjectTooLarge: 10334,
  DuplicateKey: 11000,
  DatabaseDifferCase: 13297,
  NoSuchTransaction: 251,
  OperationNotSupportedInTransaction: 263,
  ChangeStreamFatalError: 280,
  ChangeStreamHistoryLost: 286,
  Interrupted: 11601,
  OutOfDiskSpace: 14031
} as const

/** MongoDB's name of a code. */
export type CodeName = keyof typeof CODES

/** The fields of an error with this code. */
export function numbered(codeName: CodeName): { code: number; codeName: CodeName } {
  return { code: CODES[codeName], codeName }
}

/** The kinds of errors, stable within a major version, unlike messages. */
export type MoltenErrorKind =
  | 'DUPLICATE_KEY'
  | 'CONFLICT'
  | 'BAD_QUERY'
  | 'BAD_UPDATE'
  | 'BAD_DOCUMENT'
  | 'SCHEMA_VIOLATION'
  | 'NOT_SUPPORTED'
  | 'CLOSED'
  | 'LOCKED'
  | 'READ_ONLY'
  | 'CORRUPT'
  | 'CORRUPT_TAIL'
  | 'WRONG_KEY'
  | 'KEY_REQUIRED'
  | 'NOT_ENCRYPTED'
  | 'TAMPERED'
  | 'STORAGE_POISONED'
  | 'STORAGE_FULL'
  | 'IO'
  | 'VERSION'
  | 'HISTORY_LOST'
  | 'ABORTED'
  | 'TIMEOUT'
  | 'LIMIT'
  | 'INTERNAL'

/** Details that some kinds carry besides the message. */
export interface MoltenErrorDetails {
  /** The dotted path inside a document, filter or update that caused the error. */
  path?: string
  /** The damaged or refused file. */
  file?: string
  /** Byte offset in that file. */
  offset?: number
  /** The process that holds the lock. */
  pid?: number
  /** The line of an import that caused the error, from 1. */
  line?: number
  /** `DUPLICATE_KEY`: the key pattern of the index. */
  keyPattern?: Record<string, unknown>
  /** `DUPLICATE_KEY`: the duplicate values. */
  keyValue?: Record<string, unknown>
  /** `SCHEMA_VIOLATION`: the document, and the rules of the validator that it breaks. */
  errInfo?: Record<string, unknown>
  /** MongoDB's error code, where it differs from the kind's. */
  code?: number
  /** The name of `code`. */
  codeName?: string
  /** Labels of the error: `TransientTransactionError` where its transaction may succeed when it is run again. */
  errorLabels?: readonly string[]
  /** The underlying error. */
  cause?: unknown
}

/**
 * MongoDB's code names, by kind, of errors created in JavaScript without a name of their own; a test of src/error/codes/code.rs
 * compares them. Errors for values that cannot be encoded have none: MongoDB's server never sees such values.
 */
const DEFAULTS: { readonly [kind: string]: CodeName | undefined } = {
  __proto__: null as never,
  DUPLICATE_KEY: 'DuplicateKey',
  CONFLICT: 'WriteConflict',
  SCHEMA_VIOLATION: 'DocumentValidationFailure',
  NOT_SUPPORTED: 'NotImplemented',
  STORAGE_FULL: 'OutOfDiskSpace',
  HISTORY_LOST: 'ChangeStreamHistoryLost',
  ABORTED: 'Interrupted',
  TIMEOUT: 'MaxTimeMSExpired'
}

/** Shared by every copy of this package in a process, so that `isMoltenError` recognises errors of other copies. */
const BRAND = Symbol.for('moltendb-node.MoltenError')
const BULK = Symbol.for('moltendb-node.MoltenBulkWriteError')

const DETAILS = ['path', 'file', 'offset', 'pid', 'line', 'keyPattern', 'keyValue', 'errInfo'] as const

/** An error of the database. Programming mistakes are a TypeError. */
export class MoltenError extends Error {
  /** The kind of the error, a stable name. */
  readonly kind: MoltenErrorKind
  /** MongoDB's error code where there is one, otherwise the same string as `kind`. */
  readonly code: number | MoltenErrorKind
  /** MongoDB's name of that code, for example `BadValue`. */
  declare readonly codeName?: string
  declare readonly cause?: unknown
  declare readonly path?: string
  declare readonly file?: string
  declare readonly offset?: number
  declare readonly pid?: number
  declare readonly line?: number
  declare readonly keyPattern?: Record<string, unknown>
  declare readonly keyValue?: Record<string, unknown>
  /** Of `SCHEMA_VIOLATION`: `{ failingDocumentId, details }`, the rules of the validator that the document breaks. */
  declare readonly errInfo?: Record<string, unknown>
  readonly #labels: string[]

  constructor(kind: MoltenErrorKind, message: string, details: MoltenErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.kind = kind
    this.#labels = [...(details.errorLabels ?? [])]
    const own = DEFAULTS[kind]
    this.code = details.code ?? (own ? CODES[own] : kind)
    const codeName = details.code === undefined ? own : details.codeName
    if (codeName !== undefined) Object.defineProperty(this, 'codeName', { value: codeName, enumerable: true, writable: true, configurable: true })
    for (const name of DETAILS) {
      const value = details[name]
      if (value !== undefined && value !== null) Object.defineProperty(this, name, { value, enumerable: true, writable: true, configurable: true })
    }
  }

  /** The labels of the error; with `TransientTransactionError` its transaction may succeed when it is run again. */
  get errorLabels(): string[] {
    return [...this.#labels]
  }

  /** Adds a label. */
  addErrorLabel(label: string): void {
    if (!this.#labels.includes(label)) this.#labels.push(label)
  }

  /** Whether the error has this label. */
  hasErrorLabel(label: string): boolean {
    return this.#labels.includes(label)
  }

  /** Whether a value is a MoltenError, including one of another realm or of another copy of this package. */
  static isMoltenError(value: unknown): value is MoltenError {
    return typeof value === 'object' && value !== null && (value as { [BRAND]?: unknown })[BRAND] === true
  }

  /** An error of this class, or of that of another copy of this package: after `jest.resetModules()` there are two. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this === MoltenError) return MoltenError.isMoltenError(value)
    return Function.prototype[Symbol.hasInstance].call(this, value)
  }
}

// On the prototype, so that printed errors do not show them.
Object.defineProperty(MoltenError.prototype, BRAND, { value: true })
Object.defineProperty(MoltenError.prototype, 'name', { value: 'MoltenError', writable: true, configurable: true })

/** One failed write of a bulk operation. */
export interface WriteError {
  /** Its index in the given array. */
  index: number
  kind: MoltenErrorKind
  code: number | MoltenErrorKind
  codeName?: string
  errmsg: string
  keyPattern?: Record<string, unknown>
  keyValue?: Record<string, unknown>
  errInfo?: Record<string, unknown>
}

/** What a bulk operation did, completely or up to its failures. */
export interface BulkCounts {
  insertedCount: number
  matchedCount: number
  modifiedCount: number
  deletedCount: number
  upsertedCount: number
  insertedIds: { [index: number]: unknown }
  upsertedIds: { [index: number]: unknown }
}

/**
 * A failed bulk operation: which writes failed, and what the others did. `kind` and `code` are those of the first failure.
 */
export class MoltenBulkWriteError extends MoltenError {
  readonly writeErrors: WriteError[]
  readonly result: BulkCounts

  constructor(message: string, writeErrors: WriteError[], result: Partial<BulkCounts>, errorLabels: readonly string[] = []) {
    const first = writeErrors[0]
    super(first?.kind ?? 'INTERNAL', message, { ...first, code: typeof first?.code === 'number' ? first.code : undefined, errorLabels })
    this.writeErrors = writeErrors
    this.result = {
      insertedCount: 0,
      matchedCount: 0,
      modifiedCount: 0,
      deletedCount: 0,
      upsertedCount: 0,
      insertedIds: {},
      upsertedIds: {},
      ...result
    }
  }

  /** An error of this class, or of that of another copy of this package. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== MoltenBulkWriteError) return Function.prototype[Symbol.hasInstance].call(this, value)
    return MoltenError.isMoltenError(value) && (value as { [BULK]?: unknown })[BULK] === true
  }

  get insertedCount(): number {
    return this.result.insertedCount
  }
  get matchedCount(): number {
    return this.result.matchedCount
  }
  get modifiedCount(): number {
    return this.result.modifiedCount
  }
  get deletedCount(): number {
    return this.result.deletedCount
  }
  get upsertedCount(): number {
    return this.result.upsertedCount
  }
  get insertedIds(): { [index: number]: unknown } {
    return this.result.insertedIds
  }
  get upsertedIds(): { [index: number]: unknown } {
    return this.result.upsertedIds
  }
}

Object.defineProperty(MoltenBulkWriteError.prototype, BULK, { value: true })
Object.defineProperty(MoltenBulkWriteError.prototype, 'name', { value: 'MoltenBulkWriteError', writable: true, configurable: true })

/** A failed write, as the core reports it. */
export interface FailedWrite {
  index: number
  kind: string
  message: string
  code?: number
  codeName?: string
  indexName?: string
  keyPattern?: Record<string, unknown>
  keyValue?: Record<string, unknown>
  errInfo?: Record<string, unknown>
}

/** An error, as the core reports it. */
export interface ErrorDetails extends MoltenErrorDetails {
  kind: string
  message: string
  /** For inserts and bulk writes: what failed, and what was done. */
  writeErrors?: FailedWrite[]
  /** `DUPLICATE_KEY`: the name of the index. */
  indexName?: string
  inserted?: number
  matched?: number
  modified?: number
  deleted?: number
  upserted?: [index: number, id: unknown][]
  /** Whether its transaction may succeed when it is run again. */
  transient?: boolean
}

/** The error that the core reported; kind `ARGUMENT` becomes a TypeError. */
export function errorFrom(details: ErrorDetails & { kind: 'ARGUMENT' }): TypeError
export function errorFrom(details: ErrorDetails): MoltenError
export function errorFrom(details: ErrorDetails): Error {
  if (details.kind === 'ARGUMENT') return new TypeError(details.message)
  const errorLabels = details.transient === true ? ['TransientTransactionError'] : []
  if (Array.isArray(details.writeErrors)) {
    const writeErrors = details.writeErrors.map(writeErrorFrom)
    const { inserted = 0, matched = 0, modified = 0, deleted = 0, upserted = [] } = details
    return new MoltenBulkWriteError(details.message, writeErrors, {
      insertedCount: inserted,
      matchedCount: matched,
      modifiedCount: modified,
      deletedCount: deleted,
      upsertedCount: upserted.length,
      upsertedIds: Object.fromEntries(upserted)
    }, errorLabels)
  }
  return new MoltenError(details.kind as MoltenErrorKind, details.message, { ...details, errorLabels })
}

function writeErrorFrom(item: FailedWrite): WriteError {
  const kind = item.kind as MoltenErrorKind
  const { code, codeName } = new MoltenError(kind, '', item)
  const error: WriteError = { index: item.index, kind, code, errmsg: item.message }
  if (codeName !== undefined) error.codeName = codeName
  if (item.keyPattern) error.keyPattern = item.keyPattern
  if (item.keyValue) error.keyValue = item.keyValue
  if (item.errInfo) error.errInfo = item.errInfo
  return error
}

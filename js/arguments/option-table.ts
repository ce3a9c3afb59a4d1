// All options: what each method accepts, and which of the driver's options are accepted without effect (option-reasons.ts: why, and which are refused). Each
// call is checked against these tables; tests compare them with docs/api.md and docs/compatibility.md, and the compiler compares
// them with the types.

import type { AcknowledgeOptions, ChangeStreamOptions, DatabaseChangeStreamOptions, DocumentHistoryOptions, LiveOptions } from '../types/changes.js'
import type {
  BackupOptions, CollectionOptions, CreateCollectionOptions, ExportOptions, HistoryLimits, HistoryOptions, ImportOptions, InspectorOptions, OpenOptions, RecoverToOptions, RekeyOptions, Retention,
  Scrub, VerifyOptions
} from '../types/index.js'
import type { ExplainVerbosityLike } from '../types/documents.js'
import type {
  CreateIndexesOptions, IndexDescription, IndexInformationOptions, ListCollectionsOptions, ListDatabasesOptions, ListIndexesOptions
} from '../types/indexes.js'
import type { ExportMongodumpOptions, ImportFileOptions } from '../types/importers.js'
import type { ExportMoltenOptions, ImportMoltenOptions } from '../types/molten.js'
import type {
  AggregateOptions, AnyBulkWriteOperation, BulkWriteOptions, CollationOptions, CountOptions, DeleteOneOptions, DeleteOptions, DistinctOptions, DriverOptions,
  FindOneAndDeleteOptions, FindOneAndReplaceOptions, FindOneAndUpdateOptions, FindOneOptions, FindOptions, GetOptions, InsertManyOptions,
  InsertOneOptions, LongOperationOptions, OperationOptions, RenameOptions, ReplaceOptions, SetEntry, SetManyOptions, SetOptions, TailableOptions, UpdateOneOptions, UpdateOptions,
  VersionOptions
} from '../types/options.js'
import type { ClientSessionOptions, SyncTransactionOptions, TransactionOptions, TransactionRunOptions } from '../types/options.js'

/** Options of the driver that change no result here: accepted by every method, without effect. */
export const IGNORED_NAMES = [
  'comment', 'readPreference', 'omitReadPreference', 'readConcern', 'writeConcern', 'retryWrites', 'willRetryWrite', 'bypassPinningCheck', 'dbName',
  'authdb', 'noResponse', 'allowDiskUse', 'allowPartialResults', 'partial', 'oplogReplay', 'noCursorTimeout', 'timeout', 'maxAwaitTimeMS',
  'timeoutMode', 'cursor', 'authorizedCollections', 'authorizedDatabases', 'bypassDocumentValidation', 'ignoreUndefined', 'checkKeys',
  'serializeFunctions', 'enableUtf8Validation', 'useBigInt64', 'bsonRegExp'
] as const satisfies readonly (keyof DriverOptions)[]

/** Options of indexes. */
const INDEX: readonly (keyof CreateIndexesOptions)[] = ['name', 'unique', 'sparse', 'partialFilterExpression', 'expireAfterSeconds', 'hidden', 'background'] satisfies (keyof IndexDescription)[]
/** How a server builds an index; without effect here. */
export const BUILDS = ['background', 'v', 'version', 'commitQuorum']
/** Options of a server's indexes, including those that the core refuses. */
export const INDEX_OF_SERVERS = [
  ...BUILDS, 'storageEngine', 'weights', 'default_language', 'language_override', 'textIndexVersion',
  '2dsphereIndexVersion', 'bits', 'min', 'max', 'wildcardProjection', 'clustered', 'prepareUnique'
]

/** Methods with refusals of their own (option-reasons.ts). */
export type RefusalsOf = 'createCollection' | 'setMany'

/**
 * The options of one call. Data only: the build writes what these tables come to into index.js, since making them takes longer than most of the
 * rest of a start.
 */
export interface OptionNames {
  /** The options of the call itself, in the order of the documentation, with spaces between them. */
  own: string
  /** What else is accepted: what every method accepts, that and the options of a server's indexes, or nothing. */
  others: 'all' | 'indexes' | 'none'
  /** Whose refusals hold, in addition to those of every method. */
  refused?: RefusalsOf
  /** Whether it cannot be part of a transaction. */
  isOutside?: true
  /** All names that are accepted, kept by `knownOf`. */
  known?: ReadonlySet<string>
}

const joined = (...names: readonly (readonly unknown[])[]): string => names.flat().join(' ')

/** Options of every operation. */
type Shared = keyof OperationOptions
export const OF_OPERATIONS = ['signal', 'maxTimeMS', 'session'] as const

/** A tuple that names each member once; otherwise a tuple of the missing members. */
type Whole<Names, All extends readonly unknown[]> = Exclude<Names, All[number]> extends never ? All : ['missing', Exclude<Names, All[number]>]

/**
 * The options of an operation: its own, `ignoreUndefined`, `bypassDocumentValidation` and `allowDiskUse` where they have an effect, those of all operations, and the driver's
 * options without effect.
 */
function operation<O extends OperationOptions>(refusals?: RefusalsOf) {
  return <const A extends readonly (Exclude<keyof O, Shared> | 'ignoreUndefined' | 'allowDiskUse' | 'maxAwaitTimeMS' | 'bypassDocumentValidation')[]>(...own: Whole<Exclude<keyof O, Shared>, A>): OptionNames =>
    ({ own: joined(own, OF_OPERATIONS), others: 'all', ...(refusals && { refused: refusals }) })
}

/** The options of a handle, which is not an operation. */
function handle<O extends DriverOptions>() {
  return <const A extends readonly (Exclude<keyof O, keyof DriverOptions> | 'ignoreUndefined')[]>(...own: Whole<Exclude<keyof O, keyof DriverOptions>, A>): OptionNames =>
    ({ own: joined(own), others: 'all' })
}

/** Options of indexes; a server's options are listed because the core refuses each with its reason. */
function indexNames(own: readonly string[]): OptionNames {
  return { own: joined(own), others: 'indexes' }
}

/** The options of sessions, transactions and inspectors, which are no operations. */
function session<O>() {
  return <const A extends readonly (keyof O)[]>(...own: Whole<keyof O, A>): OptionNames => ({ own: joined(own), others: 'all' })
}

/** The fields of an object of this package, which may have no others. */
function fields<O>() {
  return <const A extends readonly (keyof O)[]>(...own: Whole<keyof O, A>): OptionNames =>
    ({ own: joined(own), others: 'none' })
}

/** The same of a method that cannot be part of a transaction. */
const outside = (names: OptionNames): OptionNames => ({ ...names, isOutside: true })

const none = operation<OperationOptions>()()
const long = operation<LongOperationOptions>()('onProgress')
const finding = ['projection', 'sort', 'skip'] as const
const answering = ['projection', 'includeResultMetadata'] as const
const searching = ['hint', 'let', 'explain'] as const
const watching = [
  'fullDocument', 'fullDocumentBeforeChange', 'resumeAfter', 'startAfter', 'startAtOperationTime', 'showExpandedEvents', 'batchSize', 'maxAwaitTimeMS',
  'consumer'
] as const
const inserting = ['forceServerObjectId', 'ignoreUndefined'] as const
const UNCHECKED = 'bypassDocumentValidation'

/** The options of each method of a collection. */
export const COLLECTION = {
  insertOne: operation<InsertOneOptions>()(...inserting, UNCHECKED),
  insertMany: operation<InsertManyOptions>()('ordered', ...inserting, UNCHECKED),
  bulkWrite: operation<BulkWriteOptions>()('ordered', 'let', ...inserting, UNCHECKED),
  find: operation<FindOptions>()(...finding, 'limit', 'batchSize', 'hint', 'let', 'allowDiskUse', 'tailable', 'awaitData', 'maxAwaitTimeMS'),
  findSync: outside(operation<Omit<FindOptions, keyof TailableOptions>>()(...finding, 'limit', 'batchSize', 'hint', 'let', 'allowDiskUse')),
  findOne: operation<FindOneOptions>()('meta', ...finding, ...searching),
  findOneSync: outside(operation<Omit<FindOneOptions, 'explain'>>()('meta', ...finding, 'hint', 'let')),
  countDocuments: operation<CountOptions>()('skip', 'limit', ...searching),
  countSync: outside(operation<Omit<CountOptions, 'explain'>>()('skip', 'limit', 'hint', 'let')),
  estimatedDocumentCount: outside(none),
  distinct: operation<DistinctOptions>()('hint', 'explain'),
  aggregate: operation<AggregateOptions>()('batchSize', 'hint', 'let', 'allowDiskUse', UNCHECKED),
  updateOne: operation<UpdateOneOptions>()('ifVersion', 'upsert', 'arrayFilters', 'sort', ...searching, 'ignoreUndefined', UNCHECKED),
  updateMany: operation<UpdateOptions>()('upsert', 'arrayFilters', ...searching, 'ignoreUndefined', UNCHECKED),
  replaceOne: operation<ReplaceOptions>()('ifVersion', 'upsert', 'sort', ...searching, 'ignoreUndefined', UNCHECKED),
  deleteOne: operation<DeleteOneOptions>()('ifVersion', ...searching),
  deleteMany: operation<DeleteOptions>()(...searching),
  findOneAndUpdate: operation<FindOneAndUpdateOptions>()('ifVersion', 'returnDocument', 'upsert', 'arrayFilters', 'sort', ...answering, ...searching, 'ignoreUndefined', UNCHECKED),
  findOneAndReplace: operation<FindOneAndReplaceOptions>()('ifVersion', 'returnDocument', 'upsert', 'sort', ...answering, ...searching, 'ignoreUndefined', UNCHECKED),
  findOneAndDelete: operation<FindOneAndDeleteOptions>()('ifVersion', 'sort', ...answering, ...searching),
  get: operation<GetOptions>()('meta'),
  getSync: outside(operation<GetOptions>()('meta')),
  getMany: none,
  has: none,
  hasSync: outside(none),
  set: operation<SetOptions>()('ifVersion', 'ignoreUndefined'),
  setMany: operation<SetManyOptions>('setMany')('ignoreUndefined'),
  delete: operation<VersionOptions>()('ifVersion'),
  insertOneSync: outside(operation<InsertOneOptions>()(...inserting, UNCHECKED)),
  insertManySync: outside(operation<InsertManyOptions>()('ordered', ...inserting, UNCHECKED)),
  bulkWriteSync: outside(operation<BulkWriteOptions>()('ordered', 'let', ...inserting, UNCHECKED)),
  updateOneSync: outside(operation<Omit<UpdateOneOptions, 'explain'>>()('ifVersion', 'upsert', 'arrayFilters', 'sort', 'hint', 'let', 'ignoreUndefined', UNCHECKED)),
  updateManySync: outside(operation<Omit<UpdateOptions, 'explain'>>()('upsert', 'arrayFilters', 'hint', 'let', 'ignoreUndefined', UNCHECKED)),
  replaceOneSync: outside(operation<Omit<ReplaceOptions, 'explain'>>()('ifVersion', 'upsert', 'sort', 'hint', 'let', 'ignoreUndefined', UNCHECKED)),
  deleteOneSync: outside(operation<Omit<DeleteOneOptions, 'explain'>>()('ifVersion', 'hint', 'let')),
  deleteManySync: outside(operation<Omit<DeleteOptions, 'explain'>>()('hint', 'let')),
  setSync: outside(operation<SetOptions>()('ifVersion', 'ignoreUndefined')),
  deleteSync: outside(operation<VersionOptions>()('ifVersion')),
  rename: operation<RenameOptions>()('dropTarget'),
  drop: none,
  createIndex: indexNames([...INDEX, ...OF_OPERATIONS, 'onProgress']),
  createIndexes: indexNames([...OF_OPERATIONS, 'onProgress']),
  dropIndex: none,
  dropIndexes: none,
  listIndexes: operation<ListIndexesOptions>()('batchSize'),
  indexes: operation<IndexInformationOptions>()('full'),
  indexInformation: operation<IndexInformationOptions>()('full'),
  indexExists: operation<ListIndexesOptions>()('batchSize'),
  watch: outside(operation<ChangeStreamOptions>()(...watching)),
  history: outside(operation<DocumentHistoryOptions>()('batchSize')),
  stats: outside(none),
  options: none,
  isCapped: none
} as const satisfies { [method: string]: OptionNames }

/** The options of each method of a database; close takes none. */
export const DATABASE = {
  open: fields<OpenOptions>()(
    'storage', 'flushInterval', 'memoryLimit', 'queryMemoryLimit', 'autoCompact', 'autoIndex', 'retention', 'history', 'readOnly', 'createIfMissing', 'errorIfExists',
    'recovery', 'check', 'scrub', 'ttlMonitor', 'ttlInterval', 'encryptionKey', 'ObjectId', 'bson', 'pkFactory', 'ignoreUndefined', 'forceServerObjectId', 'clock', 'slowMs', 'signal', 'onProgress'
  ),
  verify: operation<VerifyOptions>()('onProgress', 'encryptionKey'),
  recoverTo: operation<RecoverToOptions>()('allowPartial', 'encryptionKey'),
  rekey: operation<RekeyOptions>()('reencrypt'),
  importMolten: operation<ImportMoltenOptions>()('password', 'salt', 'rejects', 'onProgress'),
  inspect: session<InspectorOptions>()('port', 'write'),
  asOf: outside(none),
  fork: outside(none),
  snapshot: outside(none),
  restore: outside(none),
  sibling: handle<CollectionOptions>()('pkFactory', ...inserting),
  collection: handle<CollectionOptions>()('pkFactory', ...inserting),
  createCollection: operation<CreateCollectionOptions>('createCollection')('pkFactory', 'changeStreamPreAndPostImages', 'validator', 'validationLevel', 'validationAction', 'viewOn', 'pipeline', 'capped', 'size', 'max', ...inserting),
  listCollections: operation<ListCollectionsOptions>()('nameOnly', 'batchSize'),
  renameCollection: operation<RenameOptions>()('dropTarget'),
  dropCollection: none,
  collections: outside(none),
  dropDatabase: outside(none),
  listDatabases: outside(operation<ListDatabasesOptions>()('filter', 'nameOnly')),
  command: outside(none),
  aggregate: operation<AggregateOptions>()('batchSize', 'hint', 'let', 'allowDiskUse', UNCHECKED),
  flush: outside(none),
  compact: outside(long),
  backup: outside(operation<BackupOptions>()('onProgress', 'encryptionKey')),
  watch: outside(operation<DatabaseChangeStreamOptions>()(...watching, 'allDatabases')),
  stats: outside(none),
  transaction: session<TransactionRunOptions>()('maxTimeMS', 'maxIdleMS', 'signal', 'retries', 'isolation'),
  transactionSync: session<SyncTransactionOptions>()('retries', 'isolation'),
  startSession: session<ClientSessionOptions>()('defaultTransactionOptions', 'causalConsistency', 'snapshot'),
  exportJSONL: outside(operation<ExportOptions>()('collections', 'allDatabases', 'onProgress')),
  importJSONL: outside(operation<ImportOptions>()('collection', 'ifExists', 'batchSize', 'onProgress')),
  importFile: outside(operation<ImportFileOptions>()(
    'format', 'collection', 'collections', 'ifExists', 'onError', 'rejects', 'idField', 'indexes', 'types', 'infer', 'separator', 'header', 'keepMeta', 'encryptionKey', 'encryptionAlgorithm',
    'batchSize', 'onProgress'
  )),
  exportMongodump: outside(operation<ExportMongodumpOptions>()('archive', 'gzip', 'collections', 'allDatabases', 'onProgress')),
  exportMolten: outside(operation<ExportMoltenOptions>()('password', 'salt', 'onProgress'))
} as const satisfies { [method: string]: OptionNames }

/** The options of cursor methods; the methods not listed take no options. */
export const CURSOR = {
  explain: fields<Extract<ExplainVerbosityLike, object>>()('verbosity', 'maxTimeMS'),
  stream: fields<{ transform: unknown }>()('transform')
} as const satisfies { [method: string]: OptionNames }

/** The options of methods that follow the commits. */
export const FOLLOWERS = {
  acknowledge: fields<AcknowledgeOptions>()('session'),
  live: fields<LiveOptions>()('signal')
} as const satisfies { [method: string]: OptionNames }

type Model<Name extends string> = Extract<AnyBulkWriteOperation, { [name in Name]: unknown }>[Name & keyof Extract<AnyBulkWriteOperation, { [name in Name]: unknown }>]

/** The writes of bulkWrite. */
export const BULK_WRITES = {
  insertOne: fields<Model<'insertOne'>>()('document'),
  updateOne: fields<Model<'updateOne'>>()('filter', 'ifVersion', 'update', 'upsert', 'arrayFilters', 'sort', 'hint', 'collation'),
  updateMany: fields<Model<'updateMany'>>()('filter', 'update', 'upsert', 'arrayFilters', 'hint', 'collation'),
  replaceOne: fields<Model<'replaceOne'>>()('filter', 'ifVersion', 'replacement', 'upsert', 'sort', 'hint', 'collation'),
  deleteOne: fields<Model<'deleteOne'>>()('filter', 'ifVersion', 'hint', 'collation'),
  deleteMany: fields<Model<'deleteMany'>>()('filter', 'hint', 'collation')
} as const satisfies { [write: string]: OptionNames }

/** Other option objects. */
export const PARTS = {
  'a transaction': session<TransactionOptions>()('readConcern', 'writeConcern', 'readPreference', 'maxCommitTimeMS', 'maxTimeMS', 'maxIdleMS', 'isolation'),
  'a moment': fields<{ lsn: unknown; time: unknown }>()('lsn', 'time'),
  retention: fields<Retention>()('generations'),
  changeStreamPreAndPostImages: fields<NonNullable<CreateCollectionOptions['changeStreamPreAndPostImages']>>()('enabled'),
  scrub: fields<Scrub>()('interval', 'bytesPerSecond'),
  history: fields<HistoryOptions>()('changes', 'past'),
  'history.changes': fields<HistoryLimits>()('maxAge', 'maxBytes'),
  'history.past': fields<HistoryLimits>()('maxAge', 'maxBytes'),
  collation: fields<CollationOptions>()('locale', 'strength', 'caseLevel', 'caseFirst', 'numericOrdering', 'alternate', 'maxVariable', 'backwards', 'normalization', 'version'),
  'an entry of setMany': fields<NonNullable<SetEntry<unknown>[2]>>()('ifVersion'),
  'an index of createIndexes': indexNames([...INDEX, 'key'])
} as const satisfies { [part: string]: OptionNames }

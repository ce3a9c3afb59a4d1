// Every public method with valid arguments, and the types that are valid at each position. Tests over all methods use these
// tables, and one of them compares the tables with the classes.

import internal from '../../dist/internal.js'

const { REFUSED_METHODS } = internal

/** One of each type, new at each call: an insert sets the `_id` of a document, and tests of this file run concurrently. */
export const everyType = () => ({
  null: null, undefined, number: 5, NaN: NaN, string: 'x', 'empty string': '', boolean: true, bigint: 1n, symbol: Symbol('x'), function: () => {}, class: Map,
  array: [], 'array of null': [null], 'nested array': [[]], object: {}, date: new Date(0), bytes: Buffer.from('x'), map: new Map(), set: new Set(), regexp: /x/, promise: Promise.resolve(), error: new Error('x')
})
/** What counts as an object with fields before its content is checked. */
const FIELDS = ['object', 'map', 'set', 'regexp', 'promise', 'error']
const ARRAYS = ['array', 'array of null', 'nested array']
const ABSENT = ['undefined', 'null']

const filter = { name: 'filter', right: [...FIELDS] }
const optionalFilter = { name: 'filter', right: [...FIELDS, ...ABSENT] }
const options = { name: 'options|option', right: ['undefined', 'null', 'object', 'map', 'set', 'regexp', 'promise', 'error', 'date', 'bytes'] }
const id = { name: 'id', right: Object.keys(everyType()).filter((type) => !['undefined', 'symbol', 'function', 'class', ...ARRAYS].includes(type)) }
const document = { name: 'document', right: FIELDS }
const update = { name: 'update', right: [...FIELDS, 'array'] }

/** The arguments of each method: valid ones, and the type of each. */
export const METHODS = {
  insertOne: [[{}, document], [{}, options]],
  insertMany: [[[{}], { name: 'documents', right: [] }], [{}, options]],
  findOne: [[{}, optionalFilter], [{}, options]],
  find: [[{}, optionalFilter], [{}, options]],
  aggregate: [[[], { name: 'pipeline', right: ['undefined', 'array'] }], [{}, options]],
  countDocuments: [[{}, optionalFilter], [{}, options]],
  estimatedDocumentCount: [[{}, options]],
  updateOne: [[{}, filter], [{ $set: { a: 1 } }, update], [{}, options]],
  updateMany: [[{}, filter], [{ $set: { a: 1 } }, update], [{}, options]],
  replaceOne: [[{}, filter], [{}, { name: 'replacement', right: FIELDS }], [{}, options]],
  findOneAndUpdate: [[{}, filter], [{ $set: { a: 1 } }, update], [{}, options]],
  findOneAndReplace: [[{}, filter], [{}, { name: 'replacement', right: FIELDS }], [{}, options]],
  findOneAndDelete: [[{}, filter], [{}, options]],
  bulkWrite: [[[{ deleteOne: { filter: {} } }], { name: 'operations', right: [] }], [{}, options]],
  watch: [[[], { name: 'pipeline', right: ['undefined', 'array'] }], [{}, options]],
  history: [['x', id], [{}, options]],
  distinct: [['a', { name: 'key', right: ['string'] }], [{}, optionalFilter], [{}, options]],
  rename: [['x', { name: 'name', right: ['string', 'empty string'] }], [{}, options]],
  deleteOne: [[{}, optionalFilter], [{}, options]],
  deleteMany: [[{}, optionalFilter], [{}, options]],
  drop: [[{}, options]],
  get: [['x', id], [{}, options]],
  getMany: [[['x'], { name: 'ids', right: ['array', 'array of null'] }], [{}, options]],
  has: [['x', id], [{}, options]],
  set: [['x', id], [{}, document], [{}, options]],
  setMany: [[[['x', {}]], { name: 'entries|entry', right: ['array', 'map', 'set'] }], [{}, options]],
  delete: [['x', id], [{}, options]],
  getSync: [['x', id], [{}, options]],
  hasSync: [['x', id], [{}, options]],
  findSync: [[{}, optionalFilter], [{}, options]],
  findOneSync: [[{}, optionalFilter], [{}, options]],
  countSync: [[{}, optionalFilter], [{}, options]],
  insertOneSync: [[{}, document], [{}, options]],
  insertManySync: [[[{}], { name: 'documents', right: [] }], [{}, options]],
  updateOneSync: [[{}, filter], [{ $set: { a: 1 } }, update], [{}, options]],
  updateManySync: [[{}, filter], [{ $set: { a: 1 } }, update], [{}, options]],
  replaceOneSync: [[{}, filter], [{}, { name: 'replacement', right: FIELDS }], [{}, options]],
  bulkWriteSync: [[[{ deleteOne: { filter: {} } }], { name: 'operations', right: [] }], [{}, options]],
  deleteOneSync: [[{}, optionalFilter], [{}, options]],
  deleteManySync: [[{}, optionalFilter], [{}, options]],
  setSync: [['x', id], [{}, document], [{}, options]],
  deleteSync: [['x', id], [{}, options]],
  createIndex: [['a', { name: 'indexSpec', right: ['string'] }], [{}, options]],
  createIndexes: [[[{ key: { a: 1 } }], { name: 'indexSpecs', right: [] }], [{}, options]],
  dropIndex: [['a_1', { name: 'index', right: ['string'] }], [{}, options]],
  dropIndexes: [[{}, options]],
  listIndexes: [[{}, options]],
  indexes: [[{}, options]],
  indexInformation: [[{}, options]],
  indexExists: [['a_1', { name: 'indexes', right: ['string', 'empty string', 'array'] }], [{}, options]],
  stats: [[{}, options]],
  options: [[{}, options]],
  isCapped: [[{}, options]]
}

export const DATABASE = {
  collection: [['a', { name: 'name', right: ['string', 'empty string'] }], [{}, options]],
  createCollection: [['a', { name: 'name', right: ['string', 'empty string'] }], [{}, options]],
  listCollections: [[{}, optionalFilter], [{}, options]],
  renameCollection: [['a', { name: 'from', right: ['string', 'empty string'] }], ['b', { name: 'to', right: ['string', 'empty string'] }], [{}, options]],
  collections: [[{}, options]],
  sibling: [['other', { name: 'name', right: ['string', 'empty string'] }], [{}, options]],
  listDatabases: [[{}, options]],
  watch: [[[], { name: 'pipeline', right: ['undefined', 'array'] }], [{}, options]],
  dropDatabase: [[{}, options]],
  command: [[{ ping: 1 }, { name: 'command', right: FIELDS }], [{}, options]],
  aggregate: [[[{ $documents: [] }], { name: 'pipeline', right: ['undefined', 'array'] }], [{}, options]],
  dropCollection: [['a', { name: 'name', right: ['string', 'empty string'] }], [{}, options]],
  transaction: [[async () => {}, { name: 'run', right: ['function', 'class'] }], [{}, options]],
  transactionSync: [[() => {}, { name: 'run', right: ['function', 'class'] }], [{}, options]],
  startSession: [[{}, options]],
  flush: [[{}, options]],
  compact: [[{}, options]],
  inspect: [[{}, options]],
  asOf: [[new Date(0), { name: 'moment', right: ['date'] }], [{}, options]],
  fork: [[{}, options]],
  snapshot: [[{}, options]],
  restore: [[{}, { name: 'snapshot', right: [] }], [{}, options]],
  backup: [['/nowhere/at/all', { name: 'path', right: ['string'] }], [{}, options]],
  stats: [[{}, options]],
  exportJSONL: [[new WritableStream(), { name: 'writable', right: [] }], [{}, options]],
  importFile: [['/nowhere/a.file', { name: 'path', right: ['string'] }], [{}, options]],
  exportMongodump: [['/nowhere/at/all', { name: 'path', right: ['string'] }], [{}, options]],
  exportMolten: [['/nowhere/at/all', { name: 'path', right: ['string'] }], [{}, options]],
  importJSONL: [[['{}'], { name: 'readable', right: ['array', 'array of null', 'nested array', 'map', 'set', 'bytes', 'string', 'empty string'] }], [{}, options]]
}

export const CURSOR = {
  filter: [[{}, optionalFilter]],
  sort: [['a', { name: 'sort', right: ['string', ...ABSENT, 'array', 'object', 'map', 'date', 'bytes', 'set', 'regexp', 'promise', 'error'] }]],
  maxTimeMS: [[1, { name: 'count', right: ['number'] }]],
  skip: [[1, { name: 'count', right: ['number'] }]],
  limit: [[1, { name: 'count', right: ['number'] }]],
  batchSize: [[1, { name: 'count', right: ['number'] }]],
  addCursorFlag: [['tailable', { name: 'flag', right: [] }], [false, { name: 'value', right: ['boolean'] }]],
  maxAwaitTimeMS: [[1, { name: 'count', right: ['number'] }]],
  allowDiskUse: [[true, { name: 'allowDiskUse', right: ['boolean', ...ABSENT] }]],
  project: [[{}, { name: 'projection', right: FIELDS }]],
  hint: [['a_1', { name: 'hint', right: ['string', ...ABSENT] }]],
  comment: [['x', { name: 'comment', right: Object.keys(everyType()) }]],
  // An object without a locale is refused by the first read.
  collation: [[{ locale: 'simple' }, { name: 'collation', right: FIELDS }]],
  explain: [['queryPlanner', { name: 'verbosity', right: ['boolean', ...ABSENT] }]],
  live: [[{}, options]],
  map: [[(each) => each, { name: 'transform', right: ['function', 'class'] }]],
  forEach: [[() => {}, { name: 'iterator', right: ['function', 'class'] }]]
}

export const AGGREGATION = {
  addStage: [[{}, { name: 'stage', right: FIELDS }]],
  batchSize: [[1, { name: 'count', right: ['number', ...ABSENT] }]],
  maxTimeMS: [[1, { name: 'value', right: ['number', ...ABSENT] }]],
  explain: CURSOR.explain,
  map: CURSOR.map,
  forEach: CURSOR.forEach
}

/** Methods without arguments to check, by class. */
export const NO_ARGUMENTS = {
  Collection: [],
  Database: ['close'],
  FindCursor: ['next', 'tryNext', 'hasNext', 'toArray', 'count', 'bufferedCount', 'readBufferedDocuments', 'rewind', 'clone', 'close', 'stream'],
  AggregationCursor: [
    'next', 'tryNext', 'hasNext', 'toArray', 'bufferedCount', 'readBufferedDocuments', 'rewind', 'clone', 'close', 'stream',
    // Stages are checked where the pipeline runs.
    'match', 'project', 'group', 'sort', 'limit', 'skip', 'unwind', 'lookup', 'out'
  ]
}

/** The methods of a class and of those that it extends. */
export function methodsOf(type) {
  const refused = REFUSED_METHODS[type.name] ?? {}
  const prototypes = []
  for (let at = type.prototype; at !== Object.prototype; at = Object.getPrototypeOf(at)) prototypes.push(at)
  const methods = prototypes.flatMap((at) => Object.entries(Object.getOwnPropertyDescriptors(at)))
  return [...new Set(methods.filter(([name, { value }]) => typeof value === 'function' && name !== 'constructor' && !Object.hasOwn(refused, name)).map(([name]) => name))]
}

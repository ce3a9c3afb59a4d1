// The operations of the unified test format, as calls of the public API. Arguments without a place of their own are options: the API
// itself refuses those that it does not know.

import { Mismatch, shown } from './match.mjs'

/** The options of an operation, with the session of their name. */
const optionsOf = (entities, { session, ...options }) => (session === undefined ? options : { ...options, session: entities.value(session, 'session') })

/** A method whose first arguments have names of their own. */
const call = (method, ...names) => (object, given, entities) => {
  const rest = { ...given }
  const places = names.map((name) => {
    const value = rest[name]
    delete rest[name]
    return value
  })
  return object[method](...places, optionsOf(entities, rest))
}

/** A method that answers a cursor. */
const list = (...names) => async (...given) => await call(...names)(...given).toArray()

const returning = (make) => (object, { returnDocument, ...given }, entities) => {
  const place = returnDocument === undefined ? {} : { returnDocument: returnDocument.toLowerCase() }
  return make(object, { ...given, ...place }, entities)
}

/** Opens a change stream. Its first read tells what is wrong with it, and that nothing has changed yet. */
async function watch(object, { pipeline, ...options }, entities) {
  const stream = object.watch(pipeline, optionsOf(entities, options))
  if ((await stream.tryNext()) !== null) throw new Error('there was a change before the change stream was opened')
  return stream
}

/** The option that `collMod` changes in these tests. */
const IMAGES = 'changeStreamPreAndPostImages'

/** Whether a command has a counterpart here. */
function hasCounterpart({ collMod, ping, ...rest }) {
  const names = Object.keys(rest)
  return (ping !== undefined && names.length === 0) || (collMod !== undefined && names.length === 1 && names[0] === IMAGES)
}

/** Runs a command. */
function command(database, given, entities) {
  const { commandName: _, command: run, ...options } = given
  return database.command(run, optionsOf(entities, options))
}

const OPERATIONS = {
  client: {
    createChangeStream: (root, given, entities) => watch(root, { ...given, allDatabases: true }, entities),
    listDatabases: async (root, given, entities) => (await root.listDatabases(optionsOf(entities, given))).databases
  },
  database: {
    aggregate: list('aggregate', 'pipeline'),
    createCollection: call('createCollection', 'collection'),
    dropCollection: call('dropCollection', 'collection'),
    listCollections: list('listCollections', 'filter'),
    createChangeStream: watch,
    runCommand: command
  },
  collection: {
    aggregate: list('aggregate', 'pipeline'),
    bulkWrite: call('bulkWrite', 'requests'),
    countDocuments: call('countDocuments', 'filter'),
    createChangeStream: watch,
    createIndex: call('createIndex', 'keys'),
    deleteMany: call('deleteMany', 'filter'),
    deleteOne: call('deleteOne', 'filter'),
    distinct: call('distinct', 'fieldName', 'filter'),
    dropIndex: call('dropIndex', 'name'),
    estimatedDocumentCount: call('estimatedDocumentCount'),
    find: list('find', 'filter'),
    findOne: call('findOne', 'filter'),
    findOneAndDelete: call('findOneAndDelete', 'filter'),
    findOneAndReplace: returning(call('findOneAndReplace', 'filter', 'replacement')),
    findOneAndUpdate: returning(call('findOneAndUpdate', 'filter', 'update')),
    insertMany: call('insertMany', 'documents'),
    insertOne: call('insertOne', 'document'),
    listIndexes: list('listIndexes'),
    rename: call('rename', 'to'),
    replaceOne: call('replaceOne', 'filter', 'replacement'),
    updateMany: call('updateMany', 'filter', 'update'),
    updateOne: call('updateOne', 'filter', 'update')
  },
  session: {
    abortTransaction: (session) => session.abortTransaction(),
    commitTransaction: (session) => session.commitTransaction(),
    endSession: (session) => session.endSession(),
    startTransaction: (session, options) => session.startTransaction(options),
    withTransaction: (session, { callback, ...options }, entities, runAll) => session.withTransaction(() => runAll(callback, true), options)
  },
  changeStream: {
    close: (stream) => stream.close(),
    iterateOnce: (stream) => stream.tryNext(),
    iterateUntilDocumentOrError: (stream) => stream.next()
  }
}

/** The types of results that later operations are called on. */
const TYPES = { createChangeStream: 'changeStream' }

function has(names, name, wanted, what) {
  if (names.includes(name) !== wanted) throw new Mismatch(`expected the ${what} ${name} ${wanted ? '' : 'not '}to be there, got ${shown(names)}`)
}

const collectionNames = async (entities, { databaseName }) => {
  const collections = await entities.database(databaseName).listCollections({}, { nameOnly: true }).toArray()
  return collections.map(({ name }) => name)
}
const indexNames = async (entities, { databaseName, collectionName }) => {
  const indexes = await entities.database(databaseName).collection(collectionName).indexes()
  return indexes.map(({ name }) => name)
}

/** The test's own operations. */
const OF_RUNNER = {
  assertCollectionExists: async (entities, given) => has(await collectionNames(entities, given), given.collectionName, true, 'collection'),
  assertCollectionNotExists: async (entities, given) => has(await collectionNames(entities, given), given.collectionName, false, 'collection'),
  assertIndexExists: async (entities, given) => has(await indexNames(entities, given), given.indexName, true, 'index'),
  assertIndexNotExists: async (entities, given) => has(await indexNames(entities, given), given.indexName, false, 'index'),
  assertSessionTransactionState: (entities, { session, state }) => {
    // A session tells whether it is in a transaction, and no more.
    const wanted = ['starting', 'in_progress'].includes(state)
    if (entities.value(session, 'session').inTransaction() !== wanted) throw new Mismatch(`expected the session to be ${wanted ? '' : 'not '}in a transaction`)
  },
  createEntities: (entities, given) => entities.create(given.entities)
}

/** Whether an operation is one that this API has; the type of an entity that is not there yet is undefined. */
export function isKnown({ object, name, arguments: given }, type) {
  if (object === 'testRunner') return Object.hasOwn(OF_RUNNER, name)
  if (name === 'runCommand') return hasCounterpart(given.command)
  const tables = type === undefined ? Object.values(OPERATIONS) : [OPERATIONS[type] ?? {}]
  return tables.some((table) => Object.hasOwn(table, name))
}

/** Runs an operation; resolves with its result. */
export async function perform({ object, name, arguments: given = {} }, entities, runAll) {
  if (object === 'testRunner') {
    if (!Object.hasOwn(OF_RUNNER, name)) throw new Error(`the operation ${name} of the runner is unknown`)
    await OF_RUNNER[name](entities, given)
    return { value: undefined }
  }
  const { type, value } = entities.get(object)
  const operation = OPERATIONS[type]?.[name]
  if (operation === undefined) throw new Error(`the operation ${name} of a ${type} is unknown`)
  return { type: TYPES[name] ?? 'value', value: await operation(value, given, entities, runAll) }
}

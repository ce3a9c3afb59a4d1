// The commands of `db.command`: MongoDB's own names and answers for the few that are about a database or a collection as a whole.

import { checkFields, wrongArgument } from '../arguments/arguments.js'
import { encodeValue } from '../codec/encode.js'
import { MoltenError, numbered } from '../errors.js'
import { Opcode } from '../transport/opcodes.js'
import type { CreateCollectionOptions, DatabaseStats, Document } from '../types/index.js'
import type { CollectionStats, ListDatabasesResult } from '../types/indexes.js'
import type { OperationOptions } from '../types/options.js'
import { type Request, requestOf } from './request.js'

/** What the commands need of a database. */
export interface Commanded {
  readonly databaseName: string
  createCollection(name: string, options: CreateCollectionOptions): Promise<unknown>
  collection(name: string): { stats(options: OperationOptions): Promise<CollectionStats> }
  stats(options: OperationOptions): Promise<DatabaseStats>
  listDatabases(options: OperationOptions & { filter: Document }): Promise<ListDatabasesResult>
  listCollections(filter: Document, options: OperationOptions & { nameOnly: true }): { toArray(): Promise<unknown[]> }
}

/** Changes options of a collection. */
export type Modify = (name: string, changes: Document, options: OperationOptions) => Promise<Document>

/** The release of MongoDB whose behaviour is that of this package. */
const RELEASE = [8, 0, 0]

type Run = (where: string, database: Commanded, command: Command, options: OperationOptions, modify: Modify) => Promise<Document>

/** A command: its first field, the value of that, and the other fields. */
interface Command {
  name: string
  value: unknown
  fields: Document
}

/** The commands, by their names in lower case. */
const COMMANDS: { readonly [name: string]: Run | undefined } = {
  __proto__: null as never,
  async ping(where, _database, command) {
    refuseFields(where, command)
    return { ok: 1 }
  },
  async buildinfo(where, _database, command) {
    refuseFields(where, command)
    return {
      version: RELEASE.join('.'), versionArray: [...RELEASE, 0], gitVersion: '', modules: [], bits: 64, debug: false,
      maxBsonObjectSize: 16 * 1024 * 1024, storageEngines: ['moltendb'], ok: 1
    }
  },
  async create(where, database, command, options) {
    await database.createCollection(collectionOf(where, command), { ...command.fields, ...options })
    return { ok: 1 }
  },
  async collmod(where, _database, command, options, modify) {
    return { ...(await modify(collectionOf(where, command), command.fields, options)), ok: 1 }
  },
  async collstats(where, database, command, options) {
    refuseFields(where, command)
    return database.collection(collectionOf(where, command)).stats(options)
  },
  async dbstats(where, database, command, options) {
    refuseFields(where, command)
    const name = database.databaseName
    const { collections, documents, indexes } = await database.stats(options)
    const { databases } = await database.listDatabases({ ...options, filter: { name } })
    const views = await database.listCollections({ type: 'view' }, { ...options, nameOnly: true }).toArray()
    return { db: name, collections, views: views.length, objects: documents, dataSize: databases[0]?.sizeOnDisk ?? 0, indexes, ok: 1 }
  }
}

/** What to call instead of other commands, by their names in lower case. */
const INSTEAD: { readonly [name: string]: string | undefined } = {
  __proto__: null as never,
  find: 'use db.collection(name).find(filter)',
  insert: 'use insertOne or insertMany of a collection',
  update: 'use updateOne, updateMany or replaceOne of a collection',
  delete: 'use deleteOne or deleteMany of a collection',
  findandmodify: 'use findOneAndUpdate, findOneAndReplace or findOneAndDelete of a collection',
  bulkwrite: 'use bulkWrite of a collection',
  aggregate: 'use db.collection(name).aggregate(pipeline)',
  count: 'use countDocuments of a collection',
  distinct: 'use db.collection(name).distinct(key, filter)',
  explain: 'use explain of a cursor, or the option explain',
  drop: 'use db.dropCollection(name)',
  dropdatabase: 'use db.dropDatabase()',
  listcollections: 'use db.listCollections(filter)',
  listdatabases: 'use db.listDatabases()',
  listindexes: 'use db.collection(name).listIndexes()',
  createindexes: 'use createIndex or createIndexes of a collection',
  dropindexes: 'use dropIndex or dropIndexes of a collection',
  renamecollection: 'use db.renameCollection(from, to)',
  serverstatus: 'use db.stats()',
  validate: 'use Database.verify(path)',
  converttocapped: 'create a capped collection with db.createCollection, and copy the documents with $merge',
  clonecollectionascapped: 'create a capped collection with db.createCollection, and copy the documents with $merge',
  compact: 'use db.compact()',
  fsync: 'use db.flush()'
}

/** Fields of every command that say nothing here. */
const GENERIC = new Set(['comment', 'writeConcern', 'readConcern', '$db', 'lsid', '$readPreference', '$clusterTime', 'apiVersion', 'apiStrict', 'apiDeprecationErrors'])

/** Runs a command. */
export async function runCommand(where: string, database: Commanded, modify: Modify, command: Document, options: OperationOptions): Promise<Document> {
  checkFields(where, 'command', command)
  const [name, ...others] = Object.keys(command)
  const run = COMMANDS[name?.toLowerCase() ?? '']
  if (name === undefined || run === undefined) throw notFound(where, name)
  const fields: Document = {}
  for (const other of others) {
    if (!GENERIC.has(other) && command[other] !== undefined) fields[other] = command[other]
  }
  const { maxTimeMS = options.maxTimeMS, ...rest } = fields as Document & { maxTimeMS?: number }
  const limits = maxTimeMS === undefined ? options : { ...options, maxTimeMS }
  return run(where, database, { name, value: command[name], fields: rest }, limits, modify)
}

function notFound(where: string, name: string | undefined): MoltenError {
  const instead = INSTEAD[name?.toLowerCase() ?? ''] ?? 'there are ping, buildInfo, create, collMod, collStats and dbStats'
  const shown = name === undefined ? '{}' : JSON.stringify(name)
  return new MoltenError('NOT_SUPPORTED', `${where}: no such command: ${shown}; ${instead}`, numbered('CommandNotFound'))
}

/** The name of the collection that a command is about. */
function collectionOf(where: string, { name, value }: Command): string {
  if (typeof value !== 'string') throw wrongArgument(where, `command.${name}`, 'the name of a collection', value)
  return value
}

/** Refuses fields of a command that takes none. */
function refuseFields(where: string, { name, fields }: Command): void {
  const [other] = Object.keys(fields)
  if (other !== undefined && other !== 'scale') throw new TypeError(`${where}: ${name} has no field ${JSON.stringify(other)}`)
  if (fields['scale'] !== undefined && fields['scale'] !== 1) throw new MoltenError('NOT_SUPPORTED', `${where}: the field scale is not supported; sizes are bytes`)
}

/** Changes options of a collection. */
export function modification(changes: Document): Request<Document> {
  return requestOf<Document>(Opcode.CollMod, 0, null, (out) => encodeValue(out, changes, 'filter'), (value) => value)
}

// Database: opening, closing, and the handles of collections.

import { inspect, type InspectOptions } from 'node:util'

import { checkCollectionName, checkDatabaseName, filterOf, flagOf } from '../arguments/arguments.js'
import { type DatabaseName, defaultDatabase, Namespace, otherDatabase } from '../arguments/namespace.js'
import { checkKey, keyFrom } from '../arguments/encryption-key.js'
import { momentOf } from '../arguments/moment.js'
import { destinationOf, directoryOf, nameOfDirectory, pathBeside, type Settings, settingsOf } from '../arguments/open-options.js'
import { optionsOf } from '../arguments/option-check.js'
import { DATABASE } from '../arguments/option-table.js'
import type { CollectionState } from '../connection/collection-state.js'
import { Connection } from '../connection/connection.js'
import { toldOfDirectory } from '../connection/diagnostics/directories.js'
import { keyWithin, recoverNative, rekeyNative, verifyNative } from '../connection/directories/directories.js'
import { joiningOptions, openNative } from '../connection/opening.js'
import { scopeOfSession, startSession } from '../connection/session.js'
import { type AggregationCursor, aggregationOf } from '../cursor/aggregation-cursor.js'
import { type ChangeStream, changeStreamOf } from '../cursor/change-stream.js'
import { consumerOf } from '../cursor/consumer.js'
import { disposeWith } from '../cursor/dispose.js'
import { type ListCursor, listCursorOf } from '../cursor/list-cursor.js'
import { MoltenError } from '../errors.js'
import { watchingOf } from '../request/changes.js'
import { collectionOptionsOf, creation } from '../request/collections.js'
import { modification, type Modify, runCommand } from '../request/commands.js'
import { databaseListing, infoOf, typeOf, type ListedCollection, listing } from '../request/reads.js'
import { requestOf, type Scope } from '../request/request.js'
import { Opcode } from '../transport/opcodes.js'
import { Port } from '../transport/port.js'
import type {
  AggregateOptions, CollectionInfo, CollectionOptions, CreateCollectionOptions, Document, EncryptionKey, Inspector, InspectorOptions, Moment, OpenOptions, OperationOptions,
  RecoverToOptions, RecoverToResult, RecoveryReport, RekeyOptions, RekeyResult, RenameOptions, StorageMode, Verification, VerifyOptions
} from '../types/index.js'
import type { ChangeStreamDocument, DatabaseChangeStreamOptions } from '../types/changes.js'
import type { ListCollectionsOptions, ListDatabasesOptions, ListDatabasesResult } from '../types/indexes.js'
import type { ClientSession, ClientSessionOptions, SyncTransactionOptions, TransactionRunOptions } from '../types/options.js'
import { Collection } from './collection.js'
import { type CollectionSettings, collectionSettings } from './handle.js'
import { startInspector } from './inspection/start.js'
import { refuseMethods } from './refused-methods.js'
import { DatabaseStateMethods } from './state/state-methods.js'
import { runInTransaction, runInTransactionSync, type Transaction, type TransactionMaker, type TransactionSync } from './transaction.js'

interface Description {
  path: string
  /** The name of the default database. */
  name: string
  storage: StorageMode
  recovery: RecoveryReport
}

/** Closes databases that the program dropped without closing them; everything acknowledged is already written. */
const abandoned = new FinalizationRegistry<Connection>((connection) => {
  connection.close().catch(() => {})
})

/**
 * An open database: the default one of a directory or of memory, or another one beside it (`sibling`).
 *
 * @example
 * const db = await Database.open('data/app')
 * const users = db.collection('users')
 * await db.close()
 */
export class Database extends DatabaseStateMethods {
  readonly #connection: Connection
  readonly #description: Description
  readonly #name: DatabaseName
  /** How its collections create and store documents unless they are told. */
  readonly #defaults: CollectionSettings
  /** What was opened. It is kept as long as any database of it is used, and closed when it is not. */
  readonly #root: Database

  /**
   * Opens a database, or creates one. Resolves when everything acknowledged earlier is recovered.
   *
   * A large database that was closed cleanly is open at once, whatever its size: documents, keys and indexes are read when they
   * are needed. So damage of a document rejects the operation that reads it, with `CORRUPT`; option `check` has all of it read
   * first.
   *
   * @param path a directory, its file: URL, or `':memory:'` for a database that keeps nothing on disk
   *
   * Rejects with `LOCKED` when another process has it open, `CORRUPT` or `CORRUPT_TAIL` when its files are damaged, `TAMPERED` when they were
   * changed without the key, `WRONG_KEY`, `KEY_REQUIRED` or `NOT_ENCRYPTED` when option `encryptionKey` does not fit, `VERSION` when a newer release wrote them, `IO` when the file system refuses, and with a TypeError when an argument is
   * wrong.
   */
  static async open(path: string | URL, options?: OpenOptions): Promise<Database> {
    const settings = settingsOf(path, options)
    settings.signal?.throwIfAborted()
    return toldOfDirectory('Database.open', nameOfDirectory(settings.path, 'Database.open'), settings.signal, () => Database.#open(settings, options))
  }

  static async #open(settings: Settings, options: OpenOptions | undefined): Promise<Database> {
    const given = options?.encryptionKey
    const place = pathBeside(given, settings.path, 'Database.open')
    const key = given === undefined ? undefined : await keyWithin('Database.open', 'option encryptionKey', given, { signal: settings.signal })
    // Asked once, also where the opening is repeated below.
    const again = key?.slice()
    const port = Port.acquire()
    try {
      const opened = await openNative(settings, place, key)
      const description = JSON.parse(opened.describe()) as Description
      return new Database(new Connection(port, opened, settings, defaultDatabase(description.name)), description)
    } catch (error) {
      port.release()
      const joining = joiningOptions(error, options)
      if (joining === undefined) throw error
      const [at, found] = again === undefined ? [settings.path, joining] : [place, { ...joining, encryptionKey: keyFrom(again) }]
      return await Database.#open(settingsOf(at, found), found)
    } finally {
      again?.fill(0)
    }
  }

  /**
   * Reads every byte of a database that no process writes, decodes every document, and resolves with the content of each
   * file and its first damage. Changes nothing; continues after damage as far as checksums are valid.
   *
   * Damage is part of the result. Rejects with `LOCKED` while a process has the database open for writing, `VERSION` when a
   * newer release wrote it, `IO` when it does not exist or cannot be read.
   */
  static async verify(path: string | URL, options?: VerifyOptions): Promise<Verification> {
    const where = 'Database.verify'
    const limits = optionsOf<VerifyOptions>(where, options, DATABASE.verify)
    const checked = directoryOf(path, where)
    limits.signal?.throwIfAborted()
    return JSON.parse(await toldOfDirectory(where, nameOfDirectory(checked, where), limits.signal, () => verifyNative(where, checked, limits))) as Verification
  }

  /**
   * Makes a new database of a moment of the directory at `path`, which no process may have open for writing and which stays as it is. The new
   * one is written into the directory `destination`, which must not exist, read back, and has an id of its own. Where the files are damaged
   * before that moment it rejects with `CORRUPT` and says up to which commit they are whole; `allowPartial` takes that one.
   *
   * Rejects with `HISTORY_LOST` when the moment is before all that is kept, `LOCKED` while a process writes to the directory, `IO` when there
   * is no database or the destination exists.
   *
   * @example
   * await Database.recoverTo('data/app', 'data/before', { time: new Date('2024-05-01T12:00:00Z') })
   */
  static async recoverTo(path: string | URL, destination: string | URL, moment: Moment, options?: RecoverToOptions): Promise<RecoverToResult> {
    const where = 'Database.recoverTo'
    const given = optionsOf<RecoverToOptions>(where, options, DATABASE.recoverTo)
    const checked = directoryOf(path, where)
    const numbers = momentOf(where, moment)
    const allowPartial = flagOf(where, 'allowPartial', given.allowPartial)
    given.signal?.throwIfAborted()
    const places = [checked, destinationOf(destination, where)] as const
    return JSON.parse(await toldOfDirectory(where, nameOfDirectory(checked, where), given.signal, () => recoverNative(where, places, numbers, allowPartial, given))) as RecoverToResult
  }

  /**
   * Makes `newKey` the key of the encrypted database at `path`, which no process may have open, and of the generations in its `backup/`. The
   * documents are not written again: they are encrypted with a key of their own, which is encrypted anew, so this takes milliseconds and the
   * derivation of a password. Whoever has `oldKey` and a copy of the files from before can still read what they hold, and what is written later.
   * With `reencrypt: true` all files are written again with a new key of their own, so that a copy from before opens nothing of them: it takes
   * the time and the space of a copy, and removes the generations in `backup/`. After a power cut exactly one of the two keys opens it.
   *
   * Rejects with `WRONG_KEY` when `oldKey` does not open it, `NOT_ENCRYPTED` when it is not encrypted, and `LOCKED` while it is open. A plain
   * database becomes an encrypted one by `backup` with `encryptionKey`.
   */
  static async rekey(path: string | URL, oldKey: EncryptionKey, newKey: EncryptionKey, options?: RekeyOptions): Promise<RekeyResult> {
    const where = 'Database.rekey'
    const given = optionsOf<RekeyOptions>(where, options, DATABASE.rekey)
    const checked = directoryOf(path, where)
    checkKey(where, 'oldKey', oldKey)
    checkKey(where, 'newKey', newKey)
    const reencrypt = flagOf(where, 'reencrypt', given.reencrypt)
    given.signal?.throwIfAborted()
    const rekey = (): Promise<string> => rekeyNative(where, checked, [oldKey, newKey], reencrypt, given)
    const written = JSON.parse(await toldOfDirectory(where, nameOfDirectory(checked, where), given.signal, rekey)) as Omit<RekeyResult, 'reencrypted'> | null
    return { reencrypted: written !== null, bytes: written?.bytes ?? 0, generations: written?.generations ?? 0, lost: written?.lost ?? null }
  }

  private constructor(connection: Connection, description: Description, sibling?: { name: DatabaseName; defaults: CollectionSettings; root: Database }) {
    if (!(connection instanceof Connection)) throw new TypeError('Database: open one with Database.open(path), not with new')
    const name = sibling?.name ?? connection.database
    super(connection, name)
    this.#connection = connection
    this.#description = description
    this.#name = name
    this.#defaults = sibling?.defaults ?? connection.settings
    this.#root = sibling?.root ?? this
    if (sibling === undefined) abandoned.register(this, connection, this)
  }

  /** The directory, as it was given, or `':memory:'`. */
  get path(): string {
    return this.#connection.settings.path
  }

  /**
   * The name of the database; of the default one the last part of its path, `memory` for one in memory. Where another database in the
   * directory has that name, because the directory was renamed, `_default` follows.
   */
  get databaseName(): string {
    return this.#name.name
  }

  /**
   * Another database in the same directory, files and commits; nothing is read or written. It exists as long as it has a collection. The name
   * of the default database gives that. Closing either closes both. The options, as those of `collection`, replace the ones of the opening.
   *
   * Throws a TypeError when the name is not a string, `BAD_QUERY` when it is not a valid name: names have 1 to 63 bytes of UTF-8, no space and
   * none of `/\\."$*<>:|?` and NUL, and differ not only in case.
   */
  sibling(name: string, options?: CollectionOptions): Database {
    const where = 'Database.sibling'
    const { database, settings } = this.#connection
    const isDefault = name === database.name
    if (!isDefault) checkDatabaseName(where, name, database.name)
    else if (options === undefined) return this.#root
    const defaults = collectionSettings(where, optionsOf<CollectionOptions>(where, options, DATABASE.sibling), settings)
    return new Database(this.#connection, this.#description, { name: isDefault ? database : otherDatabase(name), defaults, root: this.#root })
  }

  /**
   * The database as it was after a commit (`{ lsn }`), or at a time: after the newest commit that is not later. Resolves with a handle that
   * takes all reads, also `exportJSONL`, `backup` and `sibling`, and refuses writes with `READ_ONLY`; `$$NOW` is the time of that commit. It
   * is read from snapshot and log into memory, within `memoryLimit`, and freed when it is closed, or collected as garbage; closing this
   * database closes it.
   *
   * Rejects with `HISTORY_LOST` when that state is no longer kept: option `history`. Throws a TypeError when there is no such commit yet.
   *
   * @example
   * await using yesterday = await db.asOf(new Date(Date.now() - 86_400_000))
   * const was = await yesterday.collection('users').findOne({ _id: 'ann' })
   */
  async asOf(moment: Moment, options?: OperationOptions): Promise<Database> {
    const where = 'Database.asOf'
    const limits = optionsOf<OperationOptions>(where, options, DATABASE.asOf)
    const connection = await this.#connection.past(where, momentOf(where, moment), limits)
    const past = new Database(connection, JSON.parse(connection.native.describe()) as Description)
    return this.#name.prefix === '' ? past : past.sibling(this.databaseName)
  }

  /**
   * A new database in memory with what this one has now, after the writes that were called before: all databases, with indexes and options. The two are
   * independent; documents are shared until one of them changes. Of a database with files everything is read into memory.
   *
   * Rejects with `LIMIT` when the documents of a database with files take more than its `memoryLimit`.
   */
  async fork(options?: OperationOptions): Promise<Database> {
    const limits = optionsOf<OperationOptions>('Database.fork', options, DATABASE.fork)
    const connection = await this.#connection.forked('Database.fork', limits)
    const fork = new Database(connection, JSON.parse(connection.native.describe()) as Description)
    return this.#name.prefix === '' ? fork : fork.sibling(this.databaseName)
  }

  /** Where writes go: `'async'`, `'sync'` or `'memory'`. */
  get storage(): StorageMode {
    return this.#connection.settings.storage
  }

  /** What recovery found when this database was opened. */
  get recovery(): RecoveryReport {
    return this.#description.recovery
  }

  /**
   * A handle of a collection; nothing is read or written. The collection is created by its first write.
   *
   * Throws a TypeError when the name is not a string, `BAD_QUERY` when it is not a valid name: names have 1 to 120 bytes of UTF-8, no
   * `$`, `/`, `\` or NUL, no dot at either end and no two in a row.
   */
  collection<T extends Document = Document>(name: string, options?: CollectionOptions): Collection<T> {
    const where = 'Database.collection'
    checkCollectionName(where, name)
    const given = optionsOf<CollectionOptions>(where, options, DATABASE.collection)
    return this.#handle<T>(where, name, given)
  }

  #handle<T extends Document>(where: string, name: string, given: CollectionOptions, scope?: Scope): Collection<T> {
    return Collection.create<T>(this, this.#connection, new Namespace(this.#name, name), collectionSettings(where, given, this.#defaults), scope)
  }

  /**
   * Creates an empty collection; resolves with a handle. An existing collection is left as it is.
   *
   * Rejects with `CONFLICT` (code 48) when it exists with other options, and with `NOT_SUPPORTED` for options of collections that are not
   * supported yet.
   */
  createCollection<T extends Document = Document>(name: string, options?: CreateCollectionOptions): Promise<Collection<T>> {
    return this.#create<T>(undefined, name, options)
  }

  async #create<T extends Document>(scope: Scope | undefined, name: string, options: CreateCollectionOptions | undefined): Promise<Collection<T>> {
    const where = 'Database.createCollection'
    this.#connection.checkOpen(where)
    checkCollectionName(where, name)
    const given = optionsOf<CreateCollectionOptions>(where, options, DATABASE.createCollection)
    const collection = this.#handle<T>(where, name, given, scope)
    const session = scope ?? this.#scopeOf(where, given)
    const { signal, maxTimeMS } = given
    await this.#connection.run(where, this.#target(where, name), {
      ...creation(collectionOptionsOf(where, given)), session, signal, maxTimeMS
    })
    return collection
  }

  /**
   * A cursor over the collections that match a filter, by name. With `nameOnly`, only their names and types.
   *
   * Throws a TypeError when an argument is wrong; its methods reject with `BAD_QUERY` when the filter is malformed.
   */
  listCollections(filter: Document | null | undefined, options: ListCollectionsOptions & { nameOnly: true }): ListCursor<Pick<CollectionInfo, 'name' | 'type'>>
  listCollections(filter?: Document | null, options?: ListCollectionsOptions & { nameOnly?: false }): ListCursor<CollectionInfo>
  listCollections(filter?: Document | null, options?: ListCollectionsOptions): ListCursor<any> {
    const where = 'Database.listCollections'
    const given = optionsOf<ListCollectionsOptions>(where, options, DATABASE.listCollections)
    const checked = filterOf(where, filter)
    const nameOnly = flagOf(where, 'nameOnly', given.nameOnly)
    const { readOnly } = this.#connection.settings
    const shape = (row: ListedCollection) => (nameOnly ? { name: row.name, type: typeOf(row.options) } : infoOf(row, readOnly))
    const session = this.#scopeOf(where, given)
    const { signal, maxTimeMS } = given
    return listCursorOf<any>({
      where,
      checkOpen: (at) => this.#connection.checkOpen(at),
      read: async (at) => {
        const rows = await this.#connection.run(at, this.#target(at), { ...listing(checked), session, signal, maxTimeMS })
        return rows.map(shape)
      }
    })
  }

  /**
   * The function may run more than once. Runs it in a transaction and commits: what it reads through `tx` is one state of the database, and
   * its writes are kept together or not at all. When another writer has changed what it writes, or with `isolation: 'serializable'` what it has
   * read, everything is taken back and the function runs again, after a short wait, for up to 120 seconds. Resolves with what the function
   * resolves with; an error of its own aborts the transaction and is passed on. Operations that are not called through `tx` are not part of the
   * transaction.
   *
   * Rejects with a TypeError when it is called within the function of another one of the same database, from Node.js 24 on.
   *
   * @example
   * await db.transaction(async (tx) => {
   *   const accounts = tx.collection('accounts')
   *   await accounts.updateOne({ _id: 'ann' }, { $inc: { balance: -10 } })
   *   await accounts.updateOne({ _id: 'bob' }, { $inc: { balance: 10 } })
   * })
   */
  async transaction<R>(run: (tx: Transaction) => Promise<R>, options?: TransactionRunOptions): Promise<R> {
    this.#connection.checkOpen('Database.transaction')
    return runInTransaction(this.#connection, this.#maker('Transaction.collection'), run, options)
  }

  /**
   * Like `transaction`, with a function that is synchronous: blocks until the transaction is committed, and returns what the function returns. In
   * it the methods of `tx.collection(...)` whose names end with `Sync` are called. When another writer has changed what it writes, everything is
   * taken back and the function runs again, up to 10 times.
   *
   * Throws a TypeError, and keeps nothing, when the function returns a promise.
   *
   * @example
   * db.transactionSync((tx) => {
   *   const accounts = tx.collection('accounts')
   *   accounts.updateOneSync({ _id: 'ann' }, { $inc: { balance: -10 } })
   *   accounts.updateOneSync({ _id: 'bob' }, { $inc: { balance: 10 } })
   * })
   */
  transactionSync<R>(run: (tx: TransactionSync) => R, options?: SyncTransactionOptions): R {
    this.#connection.checkOpen('Database.transactionSync')
    return runInTransactionSync(this.#connection, this.#maker('TransactionSync.collection'), run, options)
  }

  /** Makes the collections of a transaction. */
  #maker(where: string): TransactionMaker {
    return {
      collection: <T extends Document>(scope: Scope, name: string, given: CollectionOptions | undefined) => {
        checkCollectionName(where, name)
        return this.#handle<T>(where, name, optionsOf<CollectionOptions>(where, given, DATABASE.collection), scope)
      },
      create: <T extends Document>(scope: Scope, name: string, given: OperationOptions | undefined) => this.#create<T>(scope, name, given),
      sibling: (name) => this.sibling(name).#maker(where)
    }
  }

  /**
   * Starts a session, for programs written for the driver: operations that are given `{ session }` belong to its transaction. `transaction`
   * does the same with less to remember.
   */
  startSession(options?: ClientSessionOptions): ClientSession {
    const where = 'Database.startSession'
    this.#connection.checkOpen(where)
    return startSession(where, this.#connection, options)
  }

  #scopeOf(where: string, { session }: { session?: ClientSession | null | undefined }): Scope | undefined {
    return session ? scopeOfSession(where, session, this.#connection) : undefined
  }

  /**
   * Renames a collection; resolves with a handle of the new name. Rejects with `CONFLICT` when a collection of that name
   * exists (`dropTarget` drops it), and with `BAD_QUERY` when there is none to rename.
   */
  async renameCollection<T extends Document = Document>(from: string, to: string, options?: RenameOptions): Promise<Collection<T>> {
    const where = 'Database.renameCollection'
    this.#connection.checkOpen(where)
    checkCollectionName(where, from, 'from')
    checkCollectionName(where, to, 'to')
    optionsOf<RenameOptions>(where, options, DATABASE.renameCollection)
    return this.collection<T>(from).rename(to, options)
  }

  /** Drops a collection with its documents; resolves with whether it existed. Rejects with `READ_ONLY`, `CLOSED`. */
  async dropCollection(name: string, options?: OperationOptions): Promise<boolean> {
    const where = 'Database.dropCollection'
    this.#connection.checkOpen(where)
    const given = optionsOf<OperationOptions>(where, options, DATABASE.dropCollection)
    const session = this.#scopeOf(where, given)
    const { signal, maxTimeMS } = given
    checkCollectionName(where, name)
    return this.#connection.run<boolean>(where, this.#target(where, name), { opcode: Opcode.Drop, flags: 0, session, signal, maxTimeMS, body: () => {}, finish: (value) => value })
  }

  /** Resolves with handles of all collections, by name. */
  async collections(options?: OperationOptions): Promise<Collection[]> {
    const where = 'Database.collections'
    this.#connection.checkOpen(where)
    const given = optionsOf<OperationOptions>(where, options, DATABASE.collections)
    const listed = await this.listCollections({}, { ...given, nameOnly: true }).toArray()
    return listed.map(({ name }) => this.collection(name))
  }

  /**
   * Drops every collection of this database, in one commit; resolves with true. The handle stays usable, and what was written before the call
   * is gone, what is written after it stays. Rejects with `READ_ONLY`, `CLOSED`.
   */
  async dropDatabase(options?: OperationOptions): Promise<boolean> {
    const where = 'Database.dropDatabase'
    this.#connection.checkOpen(where)
    const { signal, maxTimeMS } = optionsOf<OperationOptions>(where, options, DATABASE.dropDatabase)
    const request = requestOf<boolean>(Opcode.DropDatabase, 0, null, () => {}, (value) => value)
    return this.#connection.run<boolean>(where, this.#target(where), { ...request, signal, maxTimeMS })
  }

  /**
   * Resolves with the databases that have collections, by name. Their sizes are those of their documents: they share their files.
   *
   * Rejects with `BAD_QUERY` when the filter is malformed.
   */
  listDatabases(options: ListDatabasesOptions & { nameOnly: true }): Promise<{ databases: { name: string }[]; ok: 1 }>
  listDatabases(options?: ListDatabasesOptions & { nameOnly?: false }): Promise<ListDatabasesResult>
  async listDatabases(options?: ListDatabasesOptions): Promise<any> {
    const where = 'Database.listDatabases'
    this.#connection.checkOpen(where)
    const given = optionsOf<ListDatabasesOptions>(where, options, DATABASE.listDatabases)
    const request = databaseListing(filterOf(where, given.filter), flagOf(where, 'nameOnly', given.nameOnly))
    const { signal, maxTimeMS } = given
    return this.#connection.run(where, this.#target(where), { ...request, signal, maxTimeMS })
  }

  /** The collection of this name, which was checked; without one the database as a whole. */
  #target(where: string, name = ''): CollectionState {
    return this.#connection.collection(this.#name.prefix + name, where)
  }

  /**
   * Runs a pipeline that reads no collection: its first stage is `$documents`. Otherwise as `collection.aggregate`.
   *
   * Throws `NOT_SUPPORTED` when the pipeline begins with another stage.
   */
  aggregate<R extends Document = Document>(pipeline?: readonly Document[], options?: AggregateOptions): AggregationCursor<R> {
    const where = 'Database.aggregate'
    const cursor = aggregationOf<R>({ connection: this.#connection, owner: this, namespace: new Namespace(this.#name, 'Database') }, pipeline, options)
    if (!Object.hasOwn(cursor.pipeline[0] ?? {}, '$documents')) {
      throw new MoltenError('NOT_SUPPORTED', `${where}: a pipeline of a database begins with $documents; use db.collection(name).aggregate(pipeline)`)
    }
    return cursor
  }

  /**
   * A stream of the changes of all collections of this database, or of all databases, from this call on. The pipeline may have `$match`, `$project`,
   * `$addFields`, `$set`, `$unset`, `$replaceRoot` and `$replaceWith`.
   *
   * Throws a TypeError when an argument is wrong; reads reject with `BAD_QUERY` when the pipeline is malformed, `HISTORY_LOST` (code 286) when
   * the events after a resume token are no longer kept.
   */
  watch<T extends Document = Document, C extends Document = ChangeStreamDocument<T>>(
    pipeline?: readonly Document[], options?: DatabaseChangeStreamOptions
  ): ChangeStream<T, C> {
    const where = 'Database.watch'
    this.#connection.checkOpen(where)
    const given = optionsOf<DatabaseChangeStreamOptions>(where, options, DATABASE.watch)
    const scope = flagOf(where, 'allDatabases', given.allDatabases) ? 'everything' : 'database'
    const watching = watchingOf(where, scope, pipeline, given)
    given.signal?.throwIfAborted()
    return changeStreamOf<T, C>({ connection: this.#connection, where, target: this.#target(where), watching, signal: given.signal, consumer: consumerOf(watching.consumer, this, this.#connection) })
  }

  /**
   * Runs one of MongoDB's commands `ping`, `buildInfo`, `create`, `collMod`, `collStats` and `dbStats`. `collMod` changes options of a collection, for
   * all writes from then on: `{ collMod: 'users', changeStreamPreAndPostImages: { enabled: true } }`.
   *
   * Rejects with `NOT_SUPPORTED` (code 59) for other commands, and names the method to call instead; with `BAD_QUERY` when a field is malformed, or
   * the collection to change does not exist (code 26).
   */
  async command(command: Document, options?: OperationOptions): Promise<Document> {
    const where = 'Database.command'
    const given = optionsOf<OperationOptions>(where, options, DATABASE.command)
    given.signal?.throwIfAborted()
    this.#connection.checkOpen(where)
    const modify: Modify = async (name, changes, { signal, maxTimeMS }) => {
      checkCollectionName(where, name)
      return this.#connection.run<Document>(where, this.#target(where, name), { ...modification(changes), signal, maxTimeMS })
    }
    return this.#connection.told(where, given.signal, () => runCommand(where, this, modify, command, given), this.#name.prefix)
  }

  /**
   * Starts an inspector: a web page on this machine that shows collections, documents, plans, indexes, changes and files, and that reads only, unless
   * `write` is true. Resolves with its URL when it listens, at 127.0.0.1 only. Closing the database closes it, and it does not keep the process alive.
   *
   * Rejects with `READ_ONLY` when `write` is true and the database is open read-only, and with the error of the system when the port is taken.
   *
   * @example
   * const { url } = await db.inspect()
   * console.log(`open ${url}`)
   */
  async inspect(options?: InspectorOptions): Promise<Inspector> {
    return startInspector(this, this.#connection, options)
  }

  /**
   * Waits for running operations, writes what is pending and releases the directory, with all databases in it. Resolves when another process
   * may open it. After the call every other method rejects with `CLOSED`; a second call resolves with the first.
   */
  async close(): Promise<void> {
    abandoned.unregister(this.#root)
    await this.#connection.close()
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { path, storage } = this
    const name = this.#root === this ? {} : { databaseName: this.databaseName }
    return `Database ${inspect({ path, ...name, storage, closed: !this.#connection.isOpen }, options)}`
  }

  /** Closes at the end of an `await using`. */
  declare [Symbol.asyncDispose]: () => Promise<void>
}

refuseMethods('Database', Database.prototype, () => 'Database')

disposeWith(Database.prototype, function () {
  return this.close()
})

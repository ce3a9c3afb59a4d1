// The methods of a database that are about its files and memory as a whole, its statistics, and what it has for those who come from MoltenDB.

import { checkCollectionName, flagOf, wrongArgument } from '../arguments/arguments.js'
import { coreName, type DatabaseName } from '../arguments/namespace.js'
import { secretOf, spending } from '../arguments/encryption-key.js'
import { destinationOf, filePathOf, MEMORY, pathBeside } from '../arguments/open-options.js'
import { MoltenError } from '../errors.js'
import { optionsOf } from '../arguments/option-check.js'
import { DATABASE } from '../arguments/option-table.js'
import type { Connection } from '../connection/connection.js'
import { keyWithin, stoppableNative } from '../connection/directories/directories.js'
import { importFile } from '../importers/import-file.js'
import { type Dumped, writeDump } from '../importers/mongodump/write.js'
import type { Home as Importing } from '../importers/work.js'
import { type Home, payloads } from '../molten/molten.js'
import { absolute, isInside } from '../paths/paths.js'
import { native, type NativeDatabase, type NativeProgress } from '../transport/native.js'
import type {
  BackupOptions, BackupResult, CompactResult, DatabaseStats, ExportMoltenOptions, ExportMoltenResult, ExportMongodumpOptions, ExportMongodumpResult, ExportOptions, ExportResult, ImportMoltenOptions, ImportMoltenResult,
  ImportFileOptions, ImportFileResult, ImportOptions, ImportResult, ImportSource, LongOperationOptions, MoltenPayloads, OperationOptions
} from '../types/index.js'
import { exportLines, importLines } from './json-lines.js'

/** The methods of a database for its files. */
export abstract class DatabaseFileMethods {
  readonly #connection: Connection
  readonly #name: DatabaseName

  /** Where the database is. */
  abstract get path(): string

  /** @internal */
  protected constructor(connection: Connection, name: DatabaseName) {
    this.#connection = connection
    this.#name = name
  }

  /** A file that is written must not be among those of the database. */
  #outside(where: string, path: string): string {
    const file = absolute(path, where)
    if (this.path !== MEMORY && isInside(file, this.path)) throw new MoltenError('IO', `${where}: ${path} is inside the directory of the database; name a file outside of it`, { file: path })
    return path
  }

  /**
   * Resolves when everything written before the call survives a power cut. Rejects with `STORAGE_POISONED` when that is not
   * certain.
   */
  async flush(options?: OperationOptions): Promise<void> {
    const limits = optionsOf<OperationOptions>('Database.flush', options, DATABASE.flush)
    await this.#connection.callNative('Database.flush', (database) => database.flush(), limits)
  }

  /**
   * Writes every document into a new snapshot and removes the log before it, while reads and writes continue. A database in
   * memory copies the documents out of blocks that are mostly garbage. Resolves with what was done. Rejects with
   * `STORAGE_FULL` when there is no space for the snapshot; a failure leaves everything as it was.
   */
  async compact(options?: LongOperationOptions): Promise<CompactResult> {
    const limits = optionsOf<LongOperationOptions>('Database.compact', options, DATABASE.compact)
    return JSON.parse(await this.#connection.callNative('Database.compact', (database, ticket, progress) => database.compact(ticket, progress), limits)) as CompactResult
  }

  /**
   * Copies the current state into a new directory, while reads and writes continue; every write that resolved before the
   * call is included. Resolves when the copy has been read back and is durable; it is a complete database, which the key of this one opens,
   * or that of option `encryptionKey`. Rejects with `IO`
   * when the path exists or cannot be written, `STORAGE_FULL` when there is no space; then no directory of that name is
   * left.
   */
  async backup(path: string | URL, options?: BackupOptions): Promise<BackupResult> {
    const where = 'Database.backup'
    const limits = optionsOf<BackupOptions>(where, options, DATABASE.backup)
    const given = limits.encryptionKey
    const destination = pathBeside(given, destinationOf(path, where), where)
    const key = given === undefined ? undefined : await keyWithin(where, 'option encryptionKey', given, limits)
    const run = (database: NativeDatabase, ticket: number, progress?: NativeProgress): Promise<string> =>
      spending([key], () => database.backup(destination, ticket, progress, key))
    return JSON.parse(await this.#connection.callNative(where, run, limits)) as BackupResult
  }

  /**
   * Resolves with statistics: how many collections and documents the database has, and what it and the others in its directory share: bytes
   * in memory and on disk, the state of the log.
   */
  async stats(options?: OperationOptions): Promise<DatabaseStats> {
    const limits = optionsOf<OperationOptions>('Database.stats', options, DATABASE.stats)
    return JSON.parse(await this.#connection.callNative('Database.stats', (database) => database.stats(coreName(this.#name)), limits)) as DatabaseStats
  }

  /**
   * Writes documents as lines of JSON, `{"collection":"users","document":{...}}`, and ends the stream; with `allDatabases` those of the other
   * databases too, `{"database":"other","collection":"users","document":{...}}`. The lines show the state at the time
   * of the call, however long it takes and whatever is written meanwhile; values are in MongoDB Extended JSON v2, so that an import restores
   * them exactly. Respects the back pressure of the stream.
   *
   * Rejects with the error of the stream, with the signal's reason, or with `CLOSED` when the database is closed meanwhile.
   */
  async exportJSONL(writable: NodeJS.WritableStream | WritableStream, options?: ExportOptions): Promise<ExportResult> {
    return exportLines(this.#connection, this.#name, writable, options)
  }

  /**
   * Reads lines as `exportJSONL` writes them, or with the option `collection` lines that are documents, as `mongoexport` writes them, and
   * inserts the documents, batch by batch: into this database, unless a line names another one. Stops at the first line that cannot be imported; the documents of all lines before it are kept.
   *
   * Rejects with an error whose `line` is that line's number: `BAD_DOCUMENT` when the line does not have this form or has a
   * value that cannot be stored, `DUPLICATE_KEY` when its `_id` exists (option `ifExists`).
   */
  async importJSONL(readable: ImportSource, options?: ImportOptions): Promise<ImportResult> {
    return importLines(this.#connection, this.#name, readable, options)
  }

  /**
   * Imports what another database has written, or a program: NDJSON, `mongoexport`, JSON, CSV, NeDB, LokiJS, lowdb, electron-store, BSON, and what
   * `mongodump` writes, with indexes and options of collections as far as they have an equal. A record that cannot be taken stops the import, and all
   * before it is kept; with `onError: 'skip'` it is left out, listed in the result and kept in the file of option `rejects`.
   *
   * A document without `_id` gets one that is made of the name of the file and the number of the record, so the same file, imported once more
   * with `ifExists: 'skip'`, goes on where it was interrupted.
   *
   * Rejects with an error whose `file` and `line` say where: `BAD_DOCUMENT` when the record cannot be read or stored, `DUPLICATE_KEY` when its `_id` exists.
   *
   * @example
   * const { imported, rejected } = await db.importFile('people.csv', { types: { age: 'number' }, onError: 'skip', rejects: 'rejects.jsonl' })
   */
  async importFile(path: string | URL, options?: ImportFileOptions): Promise<ImportFileResult> {
    if (options?.rejects !== undefined) this.#outside('Database.importFile', filePathOf(options.rejects, 'option rejects', 'Database.importFile'))
    return importFile(this.#connection, this as unknown as Importing, path, options)
  }

  /**
   * Writes the collections as `mongodump` does, into a new directory, or with `archive` into a file, which `mongorestore` reads: documents as BSON, and
   * indexes and options. All documents are those of one moment.
   *
   * Rejects with `IO` when the path exists, with `NOT_SUPPORTED` when BSON cannot hold a document. Then nothing of that name is left.
   */
  async exportMongodump(path: string | URL, options?: ExportMongodumpOptions): Promise<ExportMongodumpResult> {
    const where = 'Database.exportMongodump'
    const given = optionsOf<ExportMongodumpOptions>(where, options, DATABASE.exportMongodump)
    const file = this.#outside(where, filePathOf(path, 'path', where))
    for (const name of ['archive', 'gzip', 'allDatabases'] as const) flagOf(where, name, given[name])
    const { collections } = given
    if (collections !== undefined && !Array.isArray(collections)) throw wrongArgument(where, 'option collections', 'an array of names', collections)
    for (const name of collections ?? []) checkCollectionName(where, name, 'option collections')
    return this.#connection.told(where, given.signal, () => writeDump(this.#connection, this.#name, this as unknown as Dumped, file, given))
  }

  /**
   * Makes a new database in the directory `destination`, which must not exist, of one of MoltenDB (the crate moltendb-core, releases 0.6 and 1.0):
   * `log` is the file that it was opened with; its snapshot and the rest are found beside it, and all of them stay as they are. Keys become `_id`s. An
   * entry that is damaged or cannot be stored is left out, listed in the result and kept in the file of option `rejects`.
   *
   * Rejects with `IO` when there is no such log or the destination exists, with `WRONG_KEY` when it is encrypted and the password is missing or wrong.
   * A failed import leaves nothing.
   *
   * @example
   * const { documents, rejected } = await Database.importMolten('old/app.log', 'data/app', { rejects: 'rejects.jsonl' })
   */
  static async importMolten(log: string | URL, destination: string | URL, options?: ImportMoltenOptions): Promise<ImportMoltenResult> {
    const where = 'Database.importMolten'
    const given = optionsOf<ImportMoltenOptions>(where, options, DATABASE.importMolten)
    const source = filePathOf(log, 'log', where)
    const made = destinationOf(destination, where)
    const rejects = given.rejects === undefined ? null : filePathOf(given.rejects, 'option rejects', where)
    const { secret, salt } = secretOf(where, given)
    given.signal?.throwIfAborted()
    const start = (progress: NativeProgress): Promise<string> => native().NativeDatabase.importMolten(source, made, rejects, secret, salt, progress)
    return JSON.parse(await stoppableNative(where, start, given)) as ImportMoltenResult
  }

  /**
   * Writes the documents, indexes and schemas of this database as MoltenDB 0.6 writes its log: into a new file, which `Db::open` of moltendb-core 0.6
   * opens, encrypted if there is a password. Dates, bytes and ObjectIds are written as in Extended JSON, `{"$date":"..."}`; an `_id` that is a number
   * or an ObjectId becomes its text.
   *
   * Rejects with `IO` when the file, or a snapshot beside it, exists; with `NOT_SUPPORTED` when another `_id` is no string, with `DUPLICATE_KEY` when
   * two `_id`s are the same text. Then no file is left.
   */
  async exportMolten(path: string | URL, options?: ExportMoltenOptions): Promise<ExportMoltenResult> {
    const where = 'Database.exportMolten'
    const limits = optionsOf<ExportMoltenOptions>(where, options, DATABASE.exportMolten)
    const file = this.#outside(where, filePathOf(path, 'path', where))
    const { secret, salt } = secretOf(where, limits)
    this.#connection.checkOpen(where)
    limits.signal?.throwIfAborted()
    const start = (progress: NativeProgress): Promise<string> => this.#connection.native.exportMolten(coreName(this.#name), file, secret, salt, progress)
    const done = await this.#connection.told(where, limits.signal, () => stoppableNative(where, start, limits))
    return JSON.parse(done) as ExportMoltenResult
  }

  /**
   * Answers payloads of MoltenDB, `get`, `set`, `update` and `delete`, as its handlers do. Each get reads one state, and each write is one commit;
   * a payload that is malformed is refused by the name of its field.
   *
   * @example
   * await db.molten.set({ collection: 'users', data: { u1: { name: 'Ada' } } })
   * const users = await db.molten.get({ collection: 'users', where: { name: 'ada' } })   // [{ name: 'Ada', _v: 1, ..., _key: 'u1' }]
   */
  get molten(): MoltenPayloads {
    return payloads(this as unknown as Home)
  }
}

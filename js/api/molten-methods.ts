// The methods of a database for those who come from MoltenDB: its files in and out, and its payloads.

import { coreName, type DatabaseName } from '../arguments/namespace.js'
import { destinationOf, filePathOf, secretOf } from '../arguments/open-options.js'
import { optionsOf } from '../arguments/option-check.js'
import { DATABASE } from '../arguments/option-table.js'
import type { Connection } from '../connection/connection.js'
import { stoppableNative } from '../connection/opening.js'
import { type Home, payloads } from '../molten/molten.js'
import { native, type NativeProgress } from '../transport/native.js'
import type { ExportMoltenOptions, ExportMoltenResult, ImportMoltenOptions, ImportMoltenResult, MoltenPayloads } from '../types/index.js'
import { DatabaseFileMethods } from './file-methods.js'

/** The methods of a database for MoltenDB's files and payloads. */
export abstract class DatabaseMoltenMethods extends DatabaseFileMethods {
  readonly #connection: Connection
  readonly #name: DatabaseName

  /** @internal */
  protected constructor(connection: Connection, name: DatabaseName) {
    super(connection, name)
    this.#connection = connection
    this.#name = name
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
    const file = filePathOf(path, 'path', where)
    const { secret, salt } = secretOf(where, limits)
    this.#connection.checkOpen(where)
    limits.signal?.throwIfAborted()
    const start = (progress: NativeProgress): Promise<string> => this.#connection.native.exportMolten(coreName(this.#name), file, secret, salt, progress)
    return JSON.parse(await stoppableNative(where, start, limits)) as ExportMoltenResult
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

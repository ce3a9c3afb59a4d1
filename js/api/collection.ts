// Collection: each method checks its arguments, encodes one operation, and converts the result into the driver's form. This
// file has the writes by filter; key methods, reads, index methods and synchronous writes have files of their own.

import { inspect, type InspectOptions } from 'node:util'

import { batchOf, checkCollectionName, checkFields, checkId, flagOf } from '../arguments/arguments.js'
import { Namespace } from '../arguments/namespace.js'
import { encodeId } from '../codec/encode.js'
import { Writer } from '../codec/writer.js'
import type { Connection } from '../connection/connection.js'
import { type ChangeStream, changeStreamOf } from '../cursor/change-stream.js'
import { consumerOf } from '../cursor/consumer.js'
import { versionsOf } from '../cursor/versions.js'
import { writeField } from '../request/bodies.js'
import type { BulkWriteResult } from '../request/bulk-result.js'
import { watchingOf } from '../request/changes.js'
import type { Scope } from '../request/request.js'
import { deletionOf, replacementOf, updateOf } from '../request/writes.js'
import { Flag, Opcode } from '../transport/opcodes.js'
import type { ChangeStreamDocument, ChangeStreamOptions, DocumentVersion, DocumentHistoryOptions } from '../types/changes.js'
import type {
  AnyBulkWriteOperation, BulkWriteOptions, DeleteOneOptions, DeleteOptions, DeleteResult, Document, Filter, FindOneAndDeleteOptions, FindOneAndReplaceOptions,
  FindOneAndUpdateOptions, InsertManyOptions, InsertManyResult, InsertOneOptions, InsertOneResult, ModifyResult, OperationOptions,
  OptionalId, RenameOptions, ReplaceOptions, InferId, UpdateFilter, UpdateOneOptions, UpdateOptions, UpdateResult, WithId, WithoutId
} from '../types/index.js'
import type { Database } from './database.js'
import { type CollectionSettings, Handle } from './handle.js'
import { refuseMethods } from './refused-methods.js'
import { CollectionSyncMethods } from './sync-methods.js'
import { bulkOf, deleteBy, findOneAnd, insertManyOf, insertOneOf, replaceBy, updateBy } from './write-requests.js'

/**
 * A collection of documents. A handle is cheap: create one wherever it is needed.
 *
 * Every method rejects with `CLOSED` after the database was closed and with a TypeError when an argument has the wrong type; writes reject
 * with `READ_ONLY`, `STORAGE_FULL`, `STORAGE_POISONED` or `IO` when they cannot be kept.
 */
export class Collection<T extends Document = Document> extends CollectionSyncMethods<T> {
  readonly #database: Database
  readonly #handle: Handle

  /** @internal */
  static create<T extends Document>(
    database: Database, connection: Connection, namespace: Namespace, settings: CollectionSettings, scope?: Scope
  ): Collection<T> {
    return new Collection<T>(database, new Handle(connection, namespace, settings, scope))
  }

  private constructor(database: Database, handle: Handle) {
    super(handle)
    this.#database = database
    this.#handle = handle
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `Collection ${inspect({ namespace: this.namespace }, options)}`
  }

  /** The database it belongs to. */
  get db(): Database {
    return this.#database
  }

  /** The name of the database. */
  get dbName(): string {
    return this.#handle.namespace.database.name
  }

  /** Database and collection, joined by a dot. */
  get namespace(): string {
    return `${this.#handle.namespace}`
  }

  /**
   * Inserts a document. If its `_id` is absent or null, one is created, a UUIDv7 string unless `pkFactory` is given, and set on the object.
   *
   * Rejects with `DUPLICATE_KEY` (code 11000) when the `_id` is taken, `BAD_DOCUMENT` naming the path of a value that cannot be stored.
   */
  insertOne(document: OptionalId<T>, options?: InsertOneOptions): Promise<InsertOneResult<T>> {
    return this.#handle.run('insertOne', options, insertOneOf<T>(this.#handle, document))
  }

  /**
   * Inserts documents in order. Ordered (the default), it stops at the first that fails, and those before it stay; with `ordered: false` all
   * others are inserted. More than 1,000 documents are encoded while the event loop turns: do not change them before the promise has settled.
   *
   * Rejects with a `MoltenBulkWriteError` when documents fail, whose `writeErrors` and `insertedIds` tell which, and with `BAD_DOCUMENT`,
   * before anything is inserted, when a value cannot be stored.
   */
  insertMany(documents: readonly OptionalId<T>[], options?: InsertManyOptions): Promise<InsertManyResult<T>> {
    return this.#handle.run('insertMany', options, insertManyOf<T>(this.#handle, documents))
  }

  /**
   * Changes the first document that matches. With `upsert`, inserts one made from filter and update when none matches.
   *
   * Rejects with `BAD_UPDATE` naming the path when the update is malformed or cannot be applied; then nothing is changed.
   */
  updateOne(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: UpdateOneOptions): Promise<UpdateResult<T>> {
    return this.#handle.run('updateOne', options, updateBy<T>(this.#handle, 0, filter, update))
  }

  /**
   * Changes every document that matches. Each document changes atomically; together they are written in consecutive commits
   * of up to 1,000 documents or 8 MiB. So after an error, an abort or a crash some documents may be changed and others not.
   * What was committed stays. Otherwise like `updateOne`.
   */
  updateMany(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: UpdateOptions): Promise<UpdateResult<T>> {
    return this.#handle.run<UpdateResult<T>, UpdateOneOptions>('updateMany', options, updateBy<T>(this.#handle, Flag.Many, filter, update))
  }

  /**
   * Replaces the first document that matches; its `_id` stays. With `upsert`, inserts the replacement when none matches.
   *
   * Rejects with `BAD_UPDATE` when the replacement has operators or another `_id`, `BAD_DOCUMENT` when a value cannot be stored.
   */
  replaceOne(filter: Filter<T>, replacement: WithoutId<T>, options?: ReplaceOptions): Promise<UpdateResult<T>> {
    return this.#handle.run('replaceOne', options, replaceBy<T>(this.#handle, filter, replacement))
  }

  /**
   * Changes the first document that matches, in the order of `sort`, and resolves with that document as it was before the
   * write or, with `returnDocument: 'after'`, as it is after it. Resolves with null when none matched. With
   * `includeResultMetadata` the document is the `value` of the result.
   *
   * Rejects like `updateOne` and `findOne`.
   */
  findOneAndUpdate(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options: FindOneAndUpdateOptions<T> & { includeResultMetadata: true }): Promise<ModifyResult<WithId<T>>>
  findOneAndUpdate(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: FindOneAndUpdateOptions<T> & { includeResultMetadata?: false }): Promise<WithId<T> | null>
  findOneAndUpdate<R>(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options: FindOneAndUpdateOptions<T> & { includeResultMetadata: true }): Promise<ModifyResult<R>>
  findOneAndUpdate<R>(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: FindOneAndUpdateOptions<T> & { includeResultMetadata?: false }): Promise<R | null>
  findOneAndUpdate(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: FindOneAndUpdateOptions<T>): Promise<WithId<T> | null | ModifyResult<WithId<T>>> {
    return this.#handle.run('findOneAndUpdate', options, findOneAnd<T, FindOneAndUpdateOptions<T>>((where, given) => {
      return updateOf(where, filter, update, given, this.#handle.documentWriter(where, given), 0)
    }))
  }

  /** Replaces the first document that matches; otherwise like `findOneAndUpdate`. */
  findOneAndReplace(filter: Filter<T>, replacement: WithoutId<T>, options: FindOneAndReplaceOptions<T> & { includeResultMetadata: true }): Promise<ModifyResult<WithId<T>>>
  findOneAndReplace(filter: Filter<T>, replacement: WithoutId<T>, options?: FindOneAndReplaceOptions<T> & { includeResultMetadata?: false }): Promise<WithId<T> | null>
  findOneAndReplace<R>(filter: Filter<T>, replacement: WithoutId<T>, options: FindOneAndReplaceOptions<T> & { includeResultMetadata: true }): Promise<ModifyResult<R>>
  findOneAndReplace<R>(filter: Filter<T>, replacement: WithoutId<T>, options?: FindOneAndReplaceOptions<T> & { includeResultMetadata?: false }): Promise<R | null>
  findOneAndReplace(filter: Filter<T>, replacement: WithoutId<T>, options?: FindOneAndReplaceOptions<T>): Promise<WithId<T> | null | ModifyResult<WithId<T>>> {
    return this.#handle.run('findOneAndReplace', options, findOneAnd<T, FindOneAndReplaceOptions<T>>((where, given) => {
      return replacementOf(where, filter, replacement, given, this.#handle.documentWriter(where, given))
    }))
  }

  /** Deletes the first document that matches, in the order of `sort`, and resolves with it; with null when none matched. */
  findOneAndDelete(filter: Filter<T>, options: FindOneAndDeleteOptions<T> & { includeResultMetadata: true }): Promise<ModifyResult<WithId<T>>>
  findOneAndDelete(filter: Filter<T>, options?: FindOneAndDeleteOptions<T> & { includeResultMetadata?: false }): Promise<WithId<T> | null>
  findOneAndDelete<R>(filter: Filter<T>, options: FindOneAndDeleteOptions<T> & { includeResultMetadata: true }): Promise<ModifyResult<R>>
  findOneAndDelete<R>(filter: Filter<T>, options?: FindOneAndDeleteOptions<T> & { includeResultMetadata?: false }): Promise<R | null>
  findOneAndDelete(filter: Filter<T>, options?: FindOneAndDeleteOptions<T>): Promise<WithId<T> | null | ModifyResult<WithId<T>>> {
    return this.#handle.run('findOneAndDelete', options, findOneAnd<T, FindOneAndDeleteOptions<T>>((where, given) => {
      checkFields(where, 'filter', filter)
      return deletionOf(where, filter, given, 0)
    }))
  }

  /**
   * Runs writes in order: `{ insertOne: { document } }`, `{ updateOne: { filter, update } }` and so on. Ordered (the
   * default), it stops at the first that fails, and the writes before it stay; with `ordered: false` all others are run.
   * Each write is its own commit. More than 1,000 writes are encoded while the event loop turns: do not change their documents, filters and
   * updates before the promise has settled.
   *
   * Rejects with a `MoltenBulkWriteError` when writes fail; its `writeErrors` and `result` say which, and what the others
   * did. Rejects with `BAD_DOCUMENT`, before anything is written, when a value cannot be stored.
   */
  bulkWrite(operations: readonly AnyBulkWriteOperation<T>[], options?: BulkWriteOptions): Promise<BulkWriteResult<T>> {
    return this.#handle.run('bulkWrite', options, bulkOf<T>(this.#handle, operations))
  }

  /**
   * Renames the collection; resolves with a handle of the new name. Rejects with `CONFLICT` when a collection of that name
   * exists (`dropTarget` drops it), and with `BAD_QUERY` when this collection does not exist.
   */
  rename(name: string, options?: RenameOptions): Promise<Collection<T>> {
    return this.#handle.run<Collection<T>, RenameOptions>('rename', options, (where, given) => {
      checkCollectionName(where, name)
      return {
        opcode: Opcode.Rename,
        flags: flagOf(where, 'dropTarget', given.dropTarget) ? Flag.DropTarget : 0,
        body: (out) => writeField(out, name),
        finish: () => {
          const { connection, namespace, settings } = this.#handle
          return Collection.create<T>(this.#database, connection, new Namespace(namespace.database, name), settings)
        }
      }
    })
  }

  /** Deletes the first document that matches. Rejects with `BAD_QUERY` when the filter is malformed. */
  deleteOne(filter?: Filter<T> | null, options?: DeleteOneOptions): Promise<DeleteResult> {
    return this.#handle.run('deleteOne', options, deleteBy(0, filter))
  }

  /**
   * Deletes every document that matches, in consecutive commits of up to 1,000 documents or 8 MiB: after an error, an abort
   * or a crash some documents may be deleted and others not. `drop` removes all documents in one commit.
   */
  deleteMany(filter?: Filter<T> | null, options?: DeleteOptions): Promise<DeleteResult> {
    return this.#handle.run('deleteMany', options, deleteBy(Flag.Many, filter))
  }

  /**
   * A stream of the changes of this collection from this call on, which need not exist yet. It ends with an event `invalidate` when the collection is
   * dropped or renamed. The pipeline may have `$match`, `$project`, `$addFields`, `$set`, `$unset`, `$replaceRoot` and `$replaceWith`.
   *
   * Throws a TypeError when an argument is wrong; reads reject with `BAD_QUERY` when the pipeline is malformed, `HISTORY_LOST` (code 286) when
   * the events after a resume token are no longer kept.
   */
  watch<S extends Document = T, C extends Document = ChangeStreamDocument<S>>(pipeline?: readonly Document[], options?: ChangeStreamOptions): ChangeStream<S, C> {
    const { connection } = this.#handle
    const { where, given } = this.#handle.checked<ChangeStreamOptions>('watch', options)
    const watching = watchingOf(where, 'collection', pipeline, given)
    given.signal?.throwIfAborted()
    return changeStreamOf<S, C>({ connection, where, target: this.#handle.target(where), watching, signal: given.signal, consumer: consumerOf(watching.consumer, this.#database, connection) })
  }

  /**
   * The versions that a document had, the oldest first: what each insert, update and replacement made of it, and its deletions, up to the state at the
   * call. It reaches as far back as the log is kept: option `history` of `Database.open`; if the first one is not version 1, older ones are gone.
   *
   * Throws a TypeError when an argument is wrong.
   */
  history(id: InferId<T>, options?: DocumentHistoryOptions): AsyncIterable<DocumentVersion<T>> {
    const { where, given } = this.#handle.checked<DocumentHistoryOptions>('history', options)
    checkId(where, id)
    encodeId(new Writer(), id)
    given.signal?.throwIfAborted()
    return versionsOf<T>(this.#handle.connection, where, this.#handle.target(where), id, batchOf(where, given.batchSize), given.signal)
  }

  /** Drops the collection with its documents; resolves with whether it existed. */
  drop(options?: OperationOptions): Promise<boolean> {
    return this.#handle.run<boolean, OperationOptions>('drop', options, () => ({
      opcode: Opcode.Drop, flags: 0, body: () => {}, finish: (value) => value
    }))
  }
}

refuseMethods('Collection', Collection.prototype, ({ collectionName }) => collectionName)

// Collection: each method checks its arguments, encodes one operation, and converts the result into the driver's form. This
// file has the writes by filter; key methods, reads and index methods have files of their own.

import { inspect, type InspectOptions } from 'node:util'

import { checkCollectionName, checkFields, filterOf, flagOf, isFields, wrongArgument } from '../arguments/arguments.js'
import type { COLLECTION } from '../arguments/option-table.js'
import { sortKeys } from '../arguments/sort.js'
import type { Connection } from '../connection/connection.js'
import { writeArrayHead, writeField } from '../request/bodies.js'
import { type BulkAnswer, bulkWriteOf, BulkWriteResult, bulkWritesOf } from '../request/bulk.js'
import { variablesOf } from '../request/reads.js'
import { bodyOf, type Elements, requestOf, type Scope } from '../request/request.js'
import { EncodingLimits } from '../request/time-limit.js'
import {
  answeringOf, type CheckedWrite, deletionOf, modified, type ModifiedAnswer, nameInserted, replacementOf, updateOf, updateResult
} from '../request/writes.js'
import { Flag, Opcode } from '../transport/opcodes.js'
import type { Operation } from '../transport/target.js'
import type {
  AnyBulkWriteOperation, BulkWriteOptions, DeleteOptions, DeleteResult, Document, Filter, FindOneAndDeleteOptions, FindOneAndReplaceOptions,
  FindOneAndUpdateOptions, InferId, InsertManyOptions, InsertManyResult, InsertOneOptions, InsertOneResult, ModifyResult, OperationOptions,
  OptionalId, RenameOptions, ReplaceOptions, UpdateFilter, UpdateOneOptions, UpdateOptions, UpdateResult, WithId, WithoutId
} from '../types/index.js'
import type { Database } from './database.js'
import { type CollectionSettings, Handle } from './handle.js'
import { CollectionIndexMethods } from './index-methods.js'
import { refuseMethods } from './refused-methods.js'

/**
 * A collection of documents. A handle is cheap: create one wherever it is needed.
 *
 * Every method rejects with `CLOSED` after the database was closed and with a TypeError when an argument has the wrong type; writes reject
 * with `READ_ONLY`, `STORAGE_FULL`, `STORAGE_POISONED` or `IO` when they cannot be kept.
 */
export class Collection<T extends Document = Document> extends CollectionIndexMethods<T> {
  readonly #database: Database
  readonly #handle: Handle

  /** @internal */
  static create<T extends Document>(
    database: Database, connection: Connection, name: string, settings: CollectionSettings, scope?: Scope
  ): Collection<T> {
    return new Collection<T>(database, new Handle(connection, name, settings, scope))
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
    return this.#handle.connection.name
  }

  /** Database and collection, joined by a dot. */
  get namespace(): string {
    return `${this.#handle.connection.name}.${this.collectionName}`
  }

  /**
   * Inserts a document. If its `_id` is absent or null, one is created, a UUIDv7 string unless `pkFactory` is given, and set on the object.
   *
   * Rejects with `DUPLICATE_KEY` (code 11000) when the `_id` is taken, `BAD_DOCUMENT` naming the path of a value that cannot be stored.
   */
  insertOne(document: OptionalId<T>, options?: InsertOneOptions): Promise<InsertOneResult<T>> {
    return this.#handle.run('insertOne', options, (where, given) => {
      checkFields(where, 'document', document)
      const writer = this.#handle.documentWriter(where, given)
      let id: unknown
      const body: Operation['body'] = (out, shapes) => {
        writeArrayHead(out, 1)
        id = writer.writeNew(out, shapes, document)
      }
      return requestOf(Opcode.Insert, 0, null, body, () => ({ acknowledged: true, insertedId: id as InferId<T> }), true)
    })
  }

  /**
   * Inserts documents in order. Ordered (the default), it stops at the first that fails, and those before it stay; with `ordered: false` all
   * others are inserted. More than 1,000 documents are encoded while the event loop turns: do not change them before the promise has settled.
   *
   * Rejects with a `MoltenBulkWriteError` when documents fail, whose `writeErrors` and `insertedIds` tell which, and with `BAD_DOCUMENT`,
   * before anything is inserted, when a value cannot be stored.
   */
  insertMany(documents: readonly OptionalId<T>[], options?: InsertManyOptions): Promise<InsertManyResult<T>> {
    return this.#handle.run('insertMany', options, (where, given) => {
      if (!Array.isArray(documents) || documents.length === 0) {
        throw wrongArgument(where, 'documents', 'an array of at least one document', Array.isArray(documents) ? '[]' : documents)
      }
      for (let i = 0; i < documents.length; i++) {
        // The place text is made only for an error: making it takes longer than the check.
        if (!isFields(documents[i])) checkFields(where, `documents[${i}]`, documents[i])
      }
      const unordered = given.ordered !== undefined && !flagOf(where, 'ordered', given.ordered)
      const limits = new EncodingLimits(where, given)
      const all: readonly OptionalId<T>[] = [...documents]
      const writer = this.#handle.documentWriter(where, given)
      const ids: { [index: number]: InferId<T> } = {}
      const elements: Elements = {
        count: all.length,
        write: (out, shapes, i) => {
          limits.next(out)
          ids[i] = writer.writeNew(out, shapes, all[i]!) as InferId<T>
        }
      }
      return {
        opcode: Opcode.Insert,
        flags: unordered ? Flag.Unordered : 0,
        body: bodyOf(elements),
        elements,
        finish: (count: number) => ({ acknowledged: true, insertedCount: count, insertedIds: ids }),
        failed: (error) => nameInserted(error, ids, unordered)
      }
    })
  }

  /**
   * Changes the first document that matches. With `upsert`, inserts one made from filter and update when none matches.
   *
   * Rejects with `BAD_UPDATE` naming the path when the update is malformed or cannot be applied; then nothing is changed.
   */
  updateOne(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: UpdateOneOptions): Promise<UpdateResult<T>> {
    return this.#update('updateOne', 0, filter, update, options)
  }

  /**
   * Changes every document that matches. Each document changes atomically; together they are written in consecutive commits
   * of up to 1,000 documents or 8 MiB. So after an error, an abort or a crash some documents may be changed and others not.
   * What was committed stays. Otherwise like `updateOne`.
   */
  updateMany(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: UpdateOptions): Promise<UpdateResult<T>> {
    return this.#update('updateMany', Flag.Many, filter, update, options)
  }

  /**
   * Replaces the first document that matches; its `_id` stays. With `upsert`, inserts the replacement when none matches.
   *
   * Rejects with `BAD_UPDATE` when the replacement has operators or another `_id`, `BAD_DOCUMENT` when a value cannot be stored.
   */
  replaceOne(filter: Filter<T>, replacement: WithoutId<T>, options?: ReplaceOptions): Promise<UpdateResult<T>> {
    return this.#handle.run('replaceOne', options, (where, given) => {
      const sort = sortKeys(where, given.sort)
      const { opcode, flags, body } = replacementOf(where, filter, replacement, given, this.#handle.documentWriter(where, given), sort)
      return requestOf(opcode, flags, variablesOf(where, given.let), body, updateResult<T>)
    })
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
    return this.#findOneAnd('findOneAndUpdate', options, (where, given) => {
      return updateOf(where, filter, update, given, this.#handle.documentWriter(where, given), 0)
    })
  }

  /** Replaces the first document that matches; otherwise like `findOneAndUpdate`. */
  findOneAndReplace(filter: Filter<T>, replacement: WithoutId<T>, options: FindOneAndReplaceOptions<T> & { includeResultMetadata: true }): Promise<ModifyResult<WithId<T>>>
  findOneAndReplace(filter: Filter<T>, replacement: WithoutId<T>, options?: FindOneAndReplaceOptions<T> & { includeResultMetadata?: false }): Promise<WithId<T> | null>
  findOneAndReplace<R>(filter: Filter<T>, replacement: WithoutId<T>, options: FindOneAndReplaceOptions<T> & { includeResultMetadata: true }): Promise<ModifyResult<R>>
  findOneAndReplace<R>(filter: Filter<T>, replacement: WithoutId<T>, options?: FindOneAndReplaceOptions<T> & { includeResultMetadata?: false }): Promise<R | null>
  findOneAndReplace(filter: Filter<T>, replacement: WithoutId<T>, options?: FindOneAndReplaceOptions<T>): Promise<WithId<T> | null | ModifyResult<WithId<T>>> {
    return this.#findOneAnd('findOneAndReplace', options, (where, given) => {
      return replacementOf(where, filter, replacement, given, this.#handle.documentWriter(where, given))
    })
  }

  /** Deletes the first document that matches, in the order of `sort`, and resolves with it; with null when none matched. */
  findOneAndDelete(filter: Filter<T>, options: FindOneAndDeleteOptions<T> & { includeResultMetadata: true }): Promise<ModifyResult<WithId<T>>>
  findOneAndDelete(filter: Filter<T>, options?: FindOneAndDeleteOptions<T> & { includeResultMetadata?: false }): Promise<WithId<T> | null>
  findOneAndDelete<R>(filter: Filter<T>, options: FindOneAndDeleteOptions<T> & { includeResultMetadata: true }): Promise<ModifyResult<R>>
  findOneAndDelete<R>(filter: Filter<T>, options?: FindOneAndDeleteOptions<T> & { includeResultMetadata?: false }): Promise<R | null>
  findOneAndDelete(filter: Filter<T>, options?: FindOneAndDeleteOptions<T>): Promise<WithId<T> | null | ModifyResult<WithId<T>>> {
    return this.#findOneAnd('findOneAndDelete', options as FindOneAndUpdateOptions<T> | undefined, (where, given) => {
      checkFields(where, 'filter', filter)
      return deletionOf(where, filter, given, 0)
    })
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
    return this.#handle.run('bulkWrite', options, (where, given) => {
      const limits = new EncodingLimits(where, given)
      const writes = bulkWritesOf(where, operations)
      const documents = this.#handle.documentWriter(where, given)
      const unordered = given.ordered !== undefined && !flagOf(where, 'ordered', given.ordered)
      const ids: { [index: number]: unknown } = {}
      const elements: Elements = {
        count: writes.length,
        write: (out, shapes, i) => {
          limits.next(out)
          const { opcode, flags, body } = bulkWriteOf(where, writes, i, documents)
          writeField(out, opcode)
          writeField(out, flags)
          const id = body(out, shapes)
          if (opcode === Opcode.Insert) ids[i] = id
        }
      }
      return {
        opcode: Opcode.Bulk,
        flags: unordered ? Flag.Unordered : 0,
        variables: variablesOf(where, given.let),
        body: bodyOf(elements),
        elements,
        finish: (answer: BulkAnswer) => new BulkWriteResult<T>(answer, ids),
        failed: (error) => nameInserted(error, ids, unordered)
      }
    })
  }

  /**
   * Renames the collection; resolves with a handle of the new name. Rejects with `CONFLICT` when a collection of that name
   * exists (`dropTarget` drops it), and with `BAD_QUERY` when this collection does not exist.
   */
  rename(name: string, options?: RenameOptions): Promise<Collection<T>> {
    return this.#handle.run<Collection<T>, RenameOptions>('rename', options, (where, given) => {
      checkCollectionName(where, name)
      // A dropDatabase that is called before this is done drops it by its new name.
      this.#handle.connection.collection(name, where)
      return {
        opcode: Opcode.Rename,
        flags: flagOf(where, 'dropTarget', given.dropTarget) ? Flag.DropTarget : 0,
        body: (out) => writeField(out, name),
        finish: () => Collection.create<T>(this.#database, this.#handle.connection, name, this.#handle.settings)
      }
    })
  }

  /** Deletes the first document that matches. Rejects with `BAD_QUERY` when the filter is malformed. */
  deleteOne(filter?: Filter<T> | null, options?: DeleteOptions): Promise<DeleteResult> {
    return this.#delete('deleteOne', 0, filter, options)
  }

  /**
   * Deletes every document that matches, in consecutive commits of up to 1,000 documents or 8 MiB: after an error, an abort
   * or a crash some documents may be deleted and others not. `drop` removes all documents in one commit.
   */
  deleteMany(filter?: Filter<T> | null, options?: DeleteOptions): Promise<DeleteResult> {
    return this.#delete('deleteMany', Flag.Many, filter, options)
  }

  /** Drops the collection with its documents; resolves with whether it existed. */
  drop(options?: OperationOptions): Promise<boolean> {
    return this.#handle.run<boolean, OperationOptions>('drop', options, () => ({
      opcode: Opcode.Drop, flags: 0, body: () => {}, finish: (value) => value
    }))
  }

  /** A write that resolves with its document. */
  #findOneAnd<O extends FindOneAndUpdateOptions<T>>(
    method: keyof typeof COLLECTION, options: O | undefined, check: (where: string, given: Partial<O>) => CheckedWrite
  ): Promise<any> {
    return this.#handle.run<any, O>(method, options, (where, given) => {
      const answering = answeringOf(where, given as FindOneAndUpdateOptions)
      const write = check(where, given)
      const body: Operation['body'] = (out, shapes) => {
        writeField(out, write.opcode)
        write.body(out, shapes)
        answering.write(out)
      }
      return requestOf(Opcode.FindOneAnd, answering.flags | write.flags, variablesOf(where, given.let), body, (answer: ModifiedAnswer<WithId<T>>) => {
        return modified(answer, answering.metadata)
      })
    })
  }

  #update(
    method: keyof typeof COLLECTION, kind: number, filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options: UpdateOneOptions | undefined
  ): Promise<UpdateResult<T>> {
    return this.#handle.run(method, options, (where, given) => {
      const sort = kind === Flag.Many ? undefined : sortKeys(where, given.sort)
      // Assigned one by one: spreading makes small updates markedly slower.
      const write = updateOf(where, filter, update, given, this.#handle.documentWriter(where, given), kind, sort)
      return requestOf(write.opcode, write.flags, variablesOf(where, given.let), write.body, updateResult<T>)
    })
  }

  #delete(method: keyof typeof COLLECTION, kind: number, filter: unknown, options: DeleteOptions | undefined): Promise<DeleteResult> {
    return this.#handle.run(method, options, (where, given) => {
      const { opcode, flags, body } = deletionOf(where, filterOf(where, filter), given, kind)
      return requestOf(opcode, flags, variablesOf(where, given.let), body, (deletedCount: number) => ({ acknowledged: true, deletedCount }))
    })
  }
}

refuseMethods('Collection', Collection.prototype, ({ collectionName }) => collectionName)

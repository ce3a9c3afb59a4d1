// The writes of a collection that block: for scripts, tests, and programs that come from synchronous databases.

import type { BulkWriteResult } from '../request/bulk-result.js'
import { Flag } from '../transport/opcodes.js'
import type {
  AnyBulkWriteOperation, BulkWriteOptions, DeleteOneOptions, DeleteOptions, DeleteResult, Document, Filter, InferId, InsertManyOptions, InsertManyResult,
  InsertOneOptions, InsertOneResult, OptionalId, ReplaceOptions, SetOptions, UpdateFilter, UpdateOneOptions, UpdateOptions, UpdateResult,
  VersionOptions, WithoutId
} from '../types/index.js'
import type { Handle } from './handle.js'
import { CollectionIndexMethods } from './index-methods.js'
import { bulkOf, deleteBy, deleteIdOf, insertManyOf, insertOneOf, replaceBy, setOf, updateBy } from './write-requests.js'

/**
 * The synchronous writes. Each does what the method without `Sync` does, but blocks until it is done, with `storage: 'sync'` until it is durable,
 * and throws what that method would reject with. It takes effect after the writes to the collection that were called before, awaited or not.
 */
export class CollectionSyncMethods<T extends Document = Document> extends CollectionIndexMethods<T> {
  readonly #handle: Handle

  /** @internal */
  protected constructor(handle: Handle) {
    super(handle)
    this.#handle = handle
  }

  /** Like `insertOne`, but blocks; returns the result. */
  insertOneSync(document: OptionalId<T>, options?: InsertOneOptions): InsertOneResult<T> {
    return this.#handle.runSync('insertOneSync', options, insertOneOf<T>(this.#handle, document))
  }

  /** Like `insertMany`, but blocks, also while it encodes more than 1,000 documents; returns the result. */
  insertManySync(documents: readonly OptionalId<T>[], options?: InsertManyOptions): InsertManyResult<T> {
    return this.#handle.runSync('insertManySync', options, insertManyOf<T>(this.#handle, documents))
  }

  /** Like `set`, but blocks; returns the new version. */
  setSync(id: InferId<T>, document: OptionalId<T>, options?: SetOptions): number {
    return this.#handle.runSync('setSync', options, setOf(this.#handle, id, document))
  }

  /** Like `updateOne`, but blocks; returns the result. */
  updateOneSync(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: Omit<UpdateOneOptions, 'explain'>): UpdateResult<T> {
    return this.#handle.runSync('updateOneSync', options, updateBy<T>(this.#handle, 0, filter, update))
  }

  /** Like `updateMany`, but blocks; returns the result. */
  updateManySync(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: Omit<UpdateOptions, 'explain'>): UpdateResult<T> {
    return this.#handle.runSync('updateManySync', options as Omit<UpdateOneOptions, 'explain'> | undefined, updateBy<T>(this.#handle, Flag.Many, filter, update))
  }

  /** Like `replaceOne`, but blocks; returns the result. */
  replaceOneSync(filter: Filter<T>, replacement: WithoutId<T>, options?: Omit<ReplaceOptions, 'explain'>): UpdateResult<T> {
    return this.#handle.runSync('replaceOneSync', options, replaceBy<T>(this.#handle, filter, replacement))
  }

  /** Like `delete`, but blocks; returns whether there was a document. */
  deleteSync(id: InferId<T>, options?: VersionOptions): boolean {
    return this.#handle.runSync('deleteSync', options, deleteIdOf(id))
  }

  /** Like `deleteOne`, but blocks; returns the result. */
  deleteOneSync(filter?: Filter<T> | null, options?: Omit<DeleteOneOptions, 'explain'>): DeleteResult {
    return this.#handle.runSync('deleteOneSync', options, deleteBy(0, filter))
  }

  /** Like `deleteMany`, but blocks; returns the result. */
  deleteManySync(filter?: Filter<T> | null, options?: Omit<DeleteOptions, 'explain'>): DeleteResult {
    return this.#handle.runSync('deleteManySync', options, deleteBy(Flag.Many, filter))
  }

  /** Like `bulkWrite`, but blocks; returns the result. */
  bulkWriteSync(operations: readonly AnyBulkWriteOperation<T>[], options?: BulkWriteOptions): BulkWriteResult<T> {
    return this.#handle.runSync('bulkWriteSync', options, bulkOf<T>(this.#handle, operations))
  }
}

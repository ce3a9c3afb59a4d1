// Collection: each method checks its arguments, writes the body of one operation, and shapes the answer.

import { type AggregateOptions, AggregationCursor } from './aggregate.js'
import {
  checkCollectionName, checkFields, checkId, checkReplacement, checkUpdate, countOf, filterOf, flagOf, optionsOf, refuseVersion, versionOf, wrongArgument
} from './arguments.js'
import { Flag, Opcode } from './batch.js'
import { type CollectionState, type Core, named, type Request } from './core.js'
import { FindCursor } from './cursor.js'
import type { Database } from './database.js'
import { encodeDocument, encodeId, encodeValue } from './encode.js'
import { sameId } from './identity.js'
import {
  checkEntry, countRequest, entriesOf, findOf, getRequest, hasRequest, limitOf, nameInserted, refuseEntriesVersion, soleId, updateResult
} from './requests.js'
import { MUST_WAIT } from './reads.js'
import type { PortShapes } from './shapes.js'
import type {
  AnyBulkWriteOperation, BulkWriteOptions, CountOptions, DeleteResult, Document, Element, Filter, FindOneAndDeleteOptions,
  FindOneAndReplaceOptions, FindOneAndUpdateOptions, FindOneOptions, FindOptions, GetOptions, InferId, InsertManyOptions, InsertManyResult,
  InsertOneOptions, InsertOneResult, ModifyResult, OperationOptions, OptionalId, Path, PathValue, RenameOptions, SetEntry, SetOptions, UpdateFilter, UpdateOptions, UpdateResult,
  Versioned, VersionOptions, WithId, WithoutId
} from './types.js'
import { writeArrayHead, writeFind } from './bodies.js'
import type { Writer } from './writer.js'
import {
  answeringOf, arrayFiltersOf, type BulkAnswer, BulkWriteResult, bulkWritesOf, modified, type ModifiedAnswer, nameBulkInserted, type WriteHelp,
  writeReplace, writeUpdate
} from './writes.js'

/** Documents that `getMany` reads on this thread; more of them would hold the event loop up. */
const HOT_MANY = 4096

/** How a collection makes and stores documents. */
export interface CollectionSettings {
  createPk: () => unknown
  ignoreUndefined: boolean
  forceServerObjectId: boolean
}

/**
 * A collection of documents. A handle is light: make one where it is needed.
 *
 * Every method rejects with `CLOSED` after the database was closed and with a TypeError when an argument has the wrong type; writes reject
 * with `READ_ONLY`, `STORAGE_FULL`, `STORAGE_POISONED` or `IO` when they cannot be kept.
 */
export class Collection<T extends Document = Document> {
  readonly #database: Database
  readonly #core: Core
  readonly #settings: CollectionSettings
  #state: CollectionState | undefined
  /** The name of the collection. */
  readonly collectionName: string

  /** @internal */
  static create<T extends Document>(database: Database, core: Core, name: string, settings: CollectionSettings): Collection<T> {
    return new Collection<T>(database, core, name, settings)
  }

  private constructor(database: Database, core: Core, name: string, settings: CollectionSettings) {
    this.#database = database
    this.#core = core
    this.#settings = settings
    this.collectionName = name
  }

  /** The database it belongs to. */
  get db(): Database {
    return this.#database
  }

  /** The name of the database. */
  get dbName(): string {
    return this.#core.name
  }

  /** Database and collection, joined by a dot. */
  get namespace(): string {
    return `${this.#core.name}.${this.collectionName}`
  }

  /**
   * Inserts a document. Where its `_id` is absent or null, one is made, a UUIDv7 string unless `pkFactory` says otherwise, and set on the
   * object.
   *
   * Rejects with `DUPLICATE_KEY` (code 11000) when the `_id` is taken, `BAD_DOCUMENT` naming the path of a value that cannot be stored.
   */
  insertOne(document: OptionalId<T>, options?: InsertOneOptions): Promise<InsertOneResult<T>> {
    return this.#run('insertOne', options, (where, given) => {
      checkFields(where, 'document', document)
      refuseVersion(where, given)
      let id: unknown
      return {
        opcode: Opcode.Insert,
        flags: 0,
        single: true,
        body: (out, shapes) => {
          writeArrayHead(out, 1)
          id = this.#writeNew(out, shapes, document, given)
        },
        finish: () => ({ acknowledged: true, insertedId: id as InferId<T> })
      }
    })
  }

  /**
   * Inserts documents in order. Ordered (the default), it stops at the first that fails, and those before it stay; with `ordered: false` all
   * others are inserted.
   *
   * Rejects with a `MoltenBulkWriteError` when documents fail, whose `writeErrors` and `insertedIds` tell which, and with `BAD_DOCUMENT`,
   * before anything is inserted, when a value cannot be stored.
   */
  insertMany(documents: readonly OptionalId<T>[], options?: InsertManyOptions): Promise<InsertManyResult<T>> {
    return this.#run('insertMany', options, (where, given) => {
      if (!Array.isArray(documents) || documents.length === 0) {
        throw wrongArgument(where, 'documents', 'an array of at least one document', Array.isArray(documents) ? '[]' : documents)
      }
      documents.forEach((document, i) => checkFields(where, `documents[${i}]`, document))
      refuseVersion(where, given)
      const unordered = given.ordered !== undefined && !flagOf(where, 'ordered', given.ordered)
      let ids: InferId<T>[] = []
      return {
        opcode: Opcode.Insert,
        flags: unordered ? Flag.Unordered : 0,
        body: (out, shapes) => {
          const all: readonly OptionalId<T>[] = [...documents]
          writeArrayHead(out, all.length)
          ids = all.map((document) => this.#writeNew(out, shapes, document, given) as InferId<T>)
        },
        finish: (count: number) => ({ acknowledged: true, insertedCount: count, insertedIds: { ...ids } }),
        failed: (error) => nameInserted(error, ids, unordered)
      }
    })
  }

  /**
   * Resolves with the first document that matches, or null. By `_id` alone it is as fast as `get`.
   *
   * Rejects with `BAD_QUERY` naming the path when filter, sort or projection are not well formed.
   */
  findOne(filter?: Filter<T> | null, options?: FindOneOptions<T>): Promise<WithId<T> | null> {
    if (options === undefined) {
      const id = soleId(filter)
      if (id !== undefined) return this.#getOne<WithId<T>>('findOne', id)
    }
    return this.#run('findOne', options, (where, given) => {
      const checked = filterOf(where, filter)
      const find = { ...findOf(where, given), limit: 1, batch: 1 }
      return {
        opcode: Opcode.Find,
        flags: Flag.Single,
        body: (out) => writeFind(out, checked, find),
        finish: ([, documents]: [number, WithId<T>[]]) => documents[0] ?? null
      }
    })
  }

  /**
   * A cursor over what a pipeline of stages makes of the documents; without stages, over all of them.
   *
   * Throws a TypeError when an argument is wrong. The cursor's methods reject with `BAD_QUERY` when a stage is not well formed.
   */
  aggregate<R extends Document = Document>(pipeline?: readonly Document[], options?: AggregateOptions): AggregationCursor<R> {
    return AggregationCursor.create<R>({ core: this.#core, owner: this, collection: this.collectionName }, pipeline, options)
  }

  /**
   * A cursor over the documents that match, in natural order unless sorted. Nothing is read before its first fetch, which is when it takes
   * its view: it sees no later write.
   *
   * Throws a TypeError when an argument has the wrong type; its methods reject with `BAD_QUERY` as `findOne` does.
   */
  find(filter?: Filter<T> | null, options?: FindOptions<T>): FindCursor<WithId<T>> {
    const where = `${this.collectionName}.find`
    const given = optionsOf<FindOptions<T>>(where, options)
    const source = { core: this.#core, owner: this, collection: this.collectionName }
    return FindCursor.create<WithId<T>>(source, filterOf(where, filter), {
      ...findOf(where, given),
      limit: limitOf(where, given.limit),
      batch: countOf(where, 'option batchSize', given.batchSize),
      signal: given.signal,
      maxTimeMS: given.maxTimeMS ?? 0
    })
  }

  /** Resolves with the number of documents that match. Rejects with `BAD_QUERY` when the filter is not well formed. */
  countDocuments(filter?: Filter<T> | null, options?: CountOptions): Promise<number> {
    return this.#run('countDocuments', options, (where, given) => {
      const checked = filterOf(where, filter)
      const skip = countOf(where, 'option skip', given.skip)
      const limit = countOf(where, 'option limit', given.limit)
      return countRequest(checked, skip, limit)
    })
  }

  /** Resolves with the number of documents in the collection. */
  estimatedDocumentCount(options?: OperationOptions): Promise<number> {
    return this.#run('estimatedDocumentCount', options, () => countRequest({}, 0, 0))
  }

  /**
   * Changes the first document that matches. With `upsert`, makes one from filter and update when none does.
   *
   * Rejects with `BAD_UPDATE` naming the path when the update is not well formed or cannot apply, and then changes nothing.
   */
  updateOne(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: UpdateOptions): Promise<UpdateResult<T>> {
    return this.#update('updateOne', 0, filter, update, options)
  }

  /** Changes every document that matches, all in one commit. Otherwise as `updateOne`. */
  updateMany(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: UpdateOptions): Promise<UpdateResult<T>> {
    return this.#update('updateMany', Flag.Many, filter, update, options)
  }

  /**
   * Replaces the first document that matches; its `_id` stays. With `upsert`, inserts the replacement when none does.
   *
   * Rejects with `BAD_UPDATE` when the replacement has operators or another `_id`, `BAD_DOCUMENT` when a value cannot be stored.
   */
  replaceOne(filter: Filter<T>, replacement: WithoutId<T>, options?: UpdateOptions): Promise<UpdateResult<T>> {
    return this.#run('replaceOne', options, (where, given) => {
      checkFields(where, 'filter', filter)
      checkReplacement(where, replacement)
      refuseVersion(where, given)
      const upsert = flagOf(where, 'upsert', given.upsert)
      return {
        opcode: Opcode.Replace,
        flags: upsert ? Flag.Upsert : 0,
        body: (out, shapes) => writeReplace(out, shapes, filter, replacement as Document, upsert, this.#help(where, given)),
        finish: updateResult<T>
      }
    })
  }

  /**
   * Changes the first document that matches, in the order of `sort`, and resolves with it as it was, or with `returnDocument: 'after'` as it
   * is now: exactly the document of this write. Resolves with null when none matched. With `includeResultMetadata` the document is the
   * `value` of the result.
   *
   * Rejects as `updateOne` and `findOne` do.
   */
  findOneAndUpdate(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options: FindOneAndUpdateOptions<T> & { includeResultMetadata: true }): Promise<ModifyResult<WithId<T>>>
  findOneAndUpdate(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: FindOneAndUpdateOptions<T> & { includeResultMetadata?: false }): Promise<WithId<T> | null>
  findOneAndUpdate(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: FindOneAndUpdateOptions<T>): Promise<WithId<T> | null | ModifyResult<WithId<T>>> {
    return this.#findOneAnd('findOneAndUpdate', Opcode.Update, options, (where, given, upsert) => {
      checkFields(where, 'filter', filter)
      checkUpdate(where, update)
      const arrayFilters = arrayFiltersOf(where, given.arrayFilters)
      return (out) => writeUpdate(out, filter, update, upsert, arrayFilters, this.#help(where, given))
    })
  }

  /** Replaces the first document that matches; otherwise as `findOneAndUpdate`. */
  findOneAndReplace(filter: Filter<T>, replacement: WithoutId<T>, options: FindOneAndReplaceOptions<T> & { includeResultMetadata: true }): Promise<ModifyResult<WithId<T>>>
  findOneAndReplace(filter: Filter<T>, replacement: WithoutId<T>, options?: FindOneAndReplaceOptions<T> & { includeResultMetadata?: false }): Promise<WithId<T> | null>
  findOneAndReplace(filter: Filter<T>, replacement: WithoutId<T>, options?: FindOneAndReplaceOptions<T>): Promise<WithId<T> | null | ModifyResult<WithId<T>>> {
    return this.#findOneAnd('findOneAndReplace', Opcode.Replace, options, (where, given, upsert) => {
      checkFields(where, 'filter', filter)
      checkReplacement(where, replacement)
      return (out, shapes) => writeReplace(out, shapes, filter, replacement as Document, upsert, this.#help(where, given))
    })
  }

  /** Deletes the first document that matches, in the order of `sort`, and resolves with it; with null when none matched. */
  findOneAndDelete(filter: Filter<T>, options: FindOneAndDeleteOptions<T> & { includeResultMetadata: true }): Promise<ModifyResult<WithId<T>>>
  findOneAndDelete(filter: Filter<T>, options?: FindOneAndDeleteOptions<T> & { includeResultMetadata?: false }): Promise<WithId<T> | null>
  findOneAndDelete(filter: Filter<T>, options?: FindOneAndDeleteOptions<T>): Promise<WithId<T> | null | ModifyResult<WithId<T>>> {
    return this.#findOneAnd('findOneAndDelete', Opcode.Delete, options as FindOneAndUpdateOptions<T> | undefined, (where) => {
      checkFields(where, 'filter', filter)
      return (out) => encodeValue(out, filter, 'filter')
    })
  }

  /**
   * Runs writes one after the other: `{ insertOne: { document } }`, `{ updateOne: { filter, update } }` and so on. Ordered (the default), they
   * stop at the first that fails, and what came before stays; with `ordered: false` all others are run. Each is a commit of its own.
   *
   * Rejects with a `MoltenBulkWriteError` when writes fail, whose `writeErrors` and `result` tell which, and what the others did; and before
   * anything is written with `BAD_DOCUMENT` when a value cannot be stored.
   */
  bulkWrite(operations: readonly AnyBulkWriteOperation<T>[], options?: BulkWriteOptions): Promise<BulkWriteResult<T>> {
    return this.#run('bulkWrite', options, (where, given) => {
      refuseVersion(where, given)
      const writes = bulkWritesOf(where, operations, this.#help(where, given))
      const unordered = given.ordered !== undefined && !flagOf(where, 'ordered', given.ordered)
      const ids = new Map<number, unknown>()
      return {
        opcode: Opcode.Bulk,
        flags: unordered ? Flag.Unordered : 0,
        body: (out, shapes) => {
          writeArrayHead(out, writes.length)
          writes.forEach(({ opcode, flags, write }, i) => {
            encodeValue(out, opcode, 'document')
            encodeValue(out, flags, 'document')
            const id = write(out, shapes)
            if (opcode === Opcode.Insert) ids.set(i, id)
          })
        },
        finish: (answer: BulkAnswer) => new BulkWriteResult<T>(answer, Object.fromEntries(ids)),
        failed: (error) => nameBulkInserted(error, ids, unordered)
      }
    })
  }

  /**
   * Resolves with the different values of a field in the documents that match: the elements in place of arrays, and nothing where the field
   * is absent. Rejects with `BAD_QUERY` when the filter is not well formed, `LIMIT` when the values take more than 16 MiB.
   */
  distinct<P extends Path<WithId<T>>>(key: P, filter?: Filter<T> | null, options?: OperationOptions): Promise<Element<PathValue<WithId<T>, P>>[]>
  distinct(key: string, filter?: Filter<T> | null, options?: OperationOptions): Promise<any[]>
  distinct(key: string, filter?: Filter<T> | null, options?: OperationOptions): Promise<any[]> {
    return this.#run<any[], OperationOptions>('distinct', options, (where) => {
      if (typeof key !== 'string' || key === '') throw wrongArgument(where, 'key', 'a path', key)
      const checked = filterOf(where, filter)
      return {
        opcode: Opcode.Distinct,
        flags: 0,
        body: (out) => {
          encodeValue(out, key, 'document')
          encodeValue(out, checked, 'filter')
        },
        finish: (values: any[]) => values
      }
    })
  }

  /**
   * Gives the collection another name; resolves with a handle of that name. Rejects with `CONFLICT` when there is a collection of that name,
   * which `dropTarget` drops, and with `BAD_QUERY` when this one does not exist.
   */
  rename(name: string, options?: RenameOptions): Promise<Collection<T>> {
    return this.#run<Collection<T>, RenameOptions>('rename', options, (where, given) => {
      checkCollectionName(where, name)
      return {
        opcode: Opcode.Rename,
        flags: flagOf(where, 'dropTarget', given.dropTarget) ? Flag.DropTarget : 0,
        body: (out) => encodeValue(out, name, 'document'),
        finish: () => Collection.create<T>(this.#database, this.#core, name, this.#settings)
      }
    })
  }

  /** Deletes the first document that matches. Rejects with `BAD_QUERY` when the filter is not well formed. */
  deleteOne(filter?: Filter<T> | null, options?: OperationOptions): Promise<DeleteResult> {
    return this.#delete('deleteOne', 0, filter, options)
  }

  /** Deletes every document that matches, all in one commit. */
  deleteMany(filter?: Filter<T> | null, options?: OperationOptions): Promise<DeleteResult> {
    return this.#delete('deleteMany', Flag.Many, filter, options)
  }

  /** Removes the collection and its documents; resolves with whether there was one. */
  drop(options?: OperationOptions): Promise<boolean> {
    return this.#run<boolean, OperationOptions>('drop', options, () => ({
      opcode: Opcode.Drop, flags: 0, body: () => {}, finish: (value) => value
    }))
  }

  /** Resolves with the document that has this `_id`, or null; with `meta`, with its version and times too. */
  get(id: InferId<T>, options: GetOptions & { meta: true }): Promise<Versioned<WithId<T>> | null>
  get(id: InferId<T>, options?: GetOptions & { meta?: false }): Promise<WithId<T> | null>
  get(id: InferId<T>, options?: GetOptions): Promise<WithId<T> | Versioned<WithId<T>> | null> {
    if (options === undefined) return this.#getOne('get', id)
    return this.#run<WithId<T> | Versioned<WithId<T>> | null, GetOptions>('get', options, (where, given) => {
      checkId(where, id)
      return getRequest<WithId<T>>(id, flagOf(where, 'meta', given.meta))
    })
  }

  /** Resolves with the documents that have these `_id`s, in their order, null for each that is missing. */
  getMany(ids: readonly InferId<T>[], options?: OperationOptions): Promise<(WithId<T> | null)[]> {
    const hot = options === undefined ? this.#getHot(ids) : undefined
    if (hot) return hot
    return this.#run('getMany', options, (where) => {
      if (!Array.isArray(ids)) throw wrongArgument(where, 'ids', 'an array', ids)
      ids.forEach((id, i) => checkId(where, id, `ids[${i}]`))
      return {
        opcode: Opcode.GetMany,
        flags: 0,
        body: (out) => {
          const all: readonly unknown[] = [...ids]
          writeArrayHead(out, all.length)
          for (const id of all) encodeId(out, id)
        },
        finish: (documents: (WithId<T> | null)[]) => documents
      }
    })
  }

  /** Resolves with whether there is a document with this `_id`. */
  has(id: InferId<T>, options?: OperationOptions): Promise<boolean> {
    if (options === undefined) {
      try {
        const answer = this.#attempt('has', id, true)
        if (answer !== MUST_WAIT) return this.#core.port.reads.settled(answer as boolean)
      } catch (error) {
        return Promise.reject(error)
      }
    }
    return this.#run('has', options, (where) => {
      checkId(where, id)
      return hasRequest(id)
    })
  }

  /**
   * Inserts the document under this `_id`, or replaces the one that is there. Resolves with its new version. The object given is not changed.
   *
   * Rejects with `CONFLICT` when the version is not `ifVersion`, with a TypeError when the document has another `_id`.
   */
  set(id: InferId<T>, document: OptionalId<T>, options?: SetOptions): Promise<number> {
    return this.#run('set', options, (where, given) => {
      const ifVersion = versionOf(where, given.ifVersion)
      checkEntry(where, id, document)
      return {
        opcode: Opcode.Set,
        flags: 0,
        body: (out, shapes) => {
          writeArrayHead(out, 1)
          this.#writeEntry(out, shapes, where, given, id, document, ifVersion)
        },
        finish: (versions: number[]) => versions[0]!
      }
    })
  }

  /**
   * Sets many documents, all or none: `[id, document]` pairs, such as a Map's, or `[id, document, { ifVersion }]`. Resolves with their new
   * versions in order.
   *
   * Rejects with `CONFLICT` when a version is not the one named; nothing is written then.
   */
  setMany(entries: Iterable<SetEntry<T>>, options?: Omit<SetOptions, 'ifVersion'>): Promise<number[]> {
    return this.#run('setMany', options, (where, given) => {
      refuseEntriesVersion(where, given)
      const list = entriesOf<T>(where, entries)
      const versions = list.map((entry, i) => {
        if (!Array.isArray(entry)) throw wrongArgument(where, `entries[${i}]`, '[id, document]', entry)
        checkEntry(`${where}: entry ${i}`, entry[0], entry[1])
        return versionOf(where, (entry[2] as VersionOptions | undefined)?.ifVersion)
      })
      return {
        opcode: Opcode.Set,
        flags: 0,
        body: (out, shapes) => {
          writeArrayHead(out, list.length)
          list.forEach(([id, document], i) => this.#writeEntry(out, shapes, where, given, id, document, versions[i]))
        },
        finish: (answer: number[]) => answer
      }
    })
  }

  /** Deletes the document with this `_id`; resolves with whether there was one. Rejects with `CONFLICT` when its version is not `ifVersion`. */
  delete(id: InferId<T>, options?: VersionOptions): Promise<boolean> {
    return this.#run<boolean, VersionOptions>('delete', options, (where, given) => {
      checkId(where, id)
      const ifVersion = versionOf(where, given.ifVersion)
      return {
        opcode: Opcode.DeleteId,
        flags: 0,
        body: (out) => {
          encodeId(out, id)
          encodeValue(out, ifVersion ?? null, 'document')
        },
        finish: (value) => value
      }
    })
  }

  /**
   * The document that has this `_id`, or null, read on this thread: at once from memory, or by a read of the file that blocks. Writes that
   * were not awaited may not show yet.
   *
   * Throws what `get` rejects with.
   */
  getSync(id: InferId<T>, options: GetOptions & { meta: true }): Versioned<WithId<T>> | null
  getSync(id: InferId<T>, options?: GetOptions & { meta?: false }): WithId<T> | null
  getSync(id: InferId<T>, options?: GetOptions): WithId<T> | Versioned<WithId<T>> | null {
    if (options === undefined) {
      const answer = this.#attempt('getSync', id, false)
      if (answer !== MUST_WAIT) return answer as WithId<T> | null
    }
    const where = `${this.collectionName}.getSync`
    const given = optionsOf<GetOptions>(where, options)
    checkId(where, id)
    const meta = flagOf(where, 'meta', given.meta)
    return this.#call(where, getRequest<WithId<T>>(id, meta), given.signal)
  }

  /** Whether there is a document with this `_id`, read on this thread as `getSync` does. */
  hasSync(id: InferId<T>): boolean {
    const answer = this.#attempt('hasSync', id, true)
    if (answer !== MUST_WAIT) return answer as boolean
    return this.#call(`${this.collectionName}.hasSync`, hasRequest(id))
  }

  /**
   * The documents that match, as an array, read on this thread, which blocks until they are found. Writes that were not awaited may not
   * show yet. All documents see one state.
   *
   * Throws what `find` rejects with.
   */
  findSync(filter?: Filter<T> | null, options?: FindOptions<T>): WithId<T>[] {
    const where = `${this.collectionName}.findSync`
    const given = optionsOf<FindOptions<T>>(where, options)
    const checked = filterOf(where, filter)
    const find = { ...findOf(where, given), limit: limitOf(where, given.limit), batch: countOf(where, 'option batchSize', given.batchSize) }
    const documents: WithId<T>[] = []
    let cursor = this.#callBatch(where, { opcode: Opcode.Find, flags: 0, body: (out) => writeFind(out, checked, find) }, documents, given.signal)
    while (cursor !== 0) {
      const id = cursor
      const body: Request['body'] = (out) => {
        encodeValue(out, id, 'document')
        encodeValue(out, find.batch, 'document')
      }
      cursor = this.#callBatch(where, { opcode: Opcode.More, flags: 0, body }, documents)
    }
    return documents
  }

  /** The first document that matches, or null, read on this thread as `findSync` does. Throws what `findOne` rejects with. */
  findOneSync(filter?: Filter<T> | null, options?: FindOneOptions<T>): WithId<T> | null {
    const where = `${this.collectionName}.findOneSync`
    const given = optionsOf<FindOneOptions<T>>(where, options)
    const checked = filterOf(where, filter)
    const find = { ...findOf(where, given), limit: 1, batch: 1 }
    return this.#call(where, {
      opcode: Opcode.Find,
      flags: Flag.Single,
      body: (out) => writeFind(out, checked, find),
      finish: ([, documents]: [number, WithId<T>[]]) => documents[0] ?? null
    }, given.signal)
  }

  /** The number of documents that match, counted on this thread as `findSync` does. Throws what `countDocuments` rejects with. */
  countSync(filter?: Filter<T> | null, options?: CountOptions): number {
    const where = `${this.collectionName}.countSync`
    const given = optionsOf<CountOptions>(where, options)
    const checked = filterOf(where, filter)
    const skip = countOf(where, 'option skip', given.skip)
    const limit = countOf(where, 'option limit', given.limit)
    return this.#call(where, countRequest(checked, skip, limit), given.signal)
  }

  /** Appends a batch of a cursor; answers the cursor, 0 after the last batch. */
  #callBatch(where: string, operation: Omit<Request, 'finish'>, into: WithId<T>[], signal?: AbortSignal): number {
    const finish = ([cursor, documents]: [number, WithId<T>[]]): number => {
      for (const document of documents) into.push(document)
      return cursor
    }
    return this.#call<number>(where, { ...operation, finish }, signal)
  }

  #target(where: string): CollectionState {
    return (this.#state ??= this.#core.collection(this.collectionName, where))
  }

  /** Checks, builds and appends an operation; whatever goes wrong is a rejection. */
  #run<R, O extends OperationOptions>(
    method: string, options: O | undefined, build: (where: string, options: Partial<O>) => Request<R>
  ): Promise<R> {
    const where = `${this.collectionName}.${method}`
    try {
      this.#core.checkOpen(where)
      const given = optionsOf<O>(where, options)
      const request = build(where, given)
      request.signal = given.signal
      request.maxTimeMS = given.maxTimeMS
      return this.#core.run(where, this.#target(where), request)
    } catch (error) {
      return Promise.reject(named(where, error))
    }
  }

  #call<R>(where: string, request: Request<R>, signal?: AbortSignal): R {
    this.#core.checkOpen(where)
    signal?.throwIfAborted()
    return this.#core.call(where, this.#target(where), request)
  }

  /** A point read where the document is in memory, without leaving this thread. */
  #attempt(method: string, id: unknown, has: boolean): unknown {
    try {
      const target = this.#readable(method, id)
      const { reads } = this.#core.port
      return has ? reads.has(target, id) : reads.get(target, id)
    } catch (error) {
      throw named(`${this.collectionName}.${method}`, error)
    }
  }

  /** Checks what every point read does. */
  #readable(method: string, id: unknown): CollectionState {
    if (!this.#core.isOpen) throw this.#core.closedError(`${this.collectionName}.${method}`)
    if (typeof id !== 'string') checkId(`${this.collectionName}.${method}`, id)
    return this.#state ?? this.#target(`${this.collectionName}.${method}`)
  }

  #getOne<D>(method: string, id: unknown): Promise<D | null> {
    const core = this.#core
    const { reads } = core.port
    try {
      if (reads.isLate(id)) return core.readLater(this.#readable(method, id), id) as Promise<D | null>
      const answer = this.#attempt(method, id, false)
      if (answer !== MUST_WAIT) return reads.settled(answer as D | null)
      const where = `${this.collectionName}.${method}`
      return core.run(where, this.#target(where), getRequest<D>(id, false) as Request<D | null>)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** All documents, where all of them are in memory. */
  #getHot(ids: unknown): Promise<(WithId<T> | null)[]> | undefined {
    if (!Array.isArray(ids) || ids.length === 0 || ids.length > HOT_MANY) return undefined
    const where = `${this.collectionName}.getMany`
    try {
      const all: readonly unknown[] = [...ids]
      const target = this.#readable('getMany', '')
      all.forEach((id, i) => checkId(where, id, `ids[${i}]`))
      const { reads } = this.#core.port
      const documents = reads.many(target, all)
      return documents === MUST_WAIT ? undefined : reads.settled(documents as (WithId<T> | null)[])
    } catch (error) {
      return Promise.reject(named(where, error))
    }
  }

  #encoding(where: string, options: { ignoreUndefined?: boolean }): { ignoreUndefined: boolean } {
    const { ignoreUndefined } = options
    if (ignoreUndefined === undefined) return this.#settings
    return { ignoreUndefined: flagOf(where, 'ignoreUndefined', ignoreUndefined) }
  }

  /** Writes a document to insert, making its `_id` where it has none; answers the `_id`. */
  #writeNew(out: Writer, shapes: PortShapes, document: object, options: InsertOneOptions): unknown {
    const own = Object.hasOwn(document, '_id') ? (document as Document)._id : undefined
    const keep = flagOf(this.collectionName, 'forceServerObjectId', options.forceServerObjectId ?? this.#settings.forceServerObjectId)
    const id = own ?? this.#settings.createPk()
    encodeDocument(out, shapes, document, this.#encoding(`${this.collectionName}.insert`, options), id)
    if (own === undefined || own === null) {
      // A frozen object keeps none; the result names the `_id` all the same.
      if (!keep) Reflect.set(document, '_id', id)
    }
    return id
  }

  #writeEntry(
    out: Writer, shapes: PortShapes, where: string, options: SetOptions, id: unknown, document: object, ifVersion: number | undefined
  ): void {
    const own = Object.hasOwn(document, '_id') ? (document as Document)._id : undefined
    if (own !== undefined && own !== null && !sameId(own, id)) {
      throw new TypeError(`${where}: document has another _id than the id that was given; leave it out or make them equal`)
    }
    writeArrayHead(out, 2)
    encodeDocument(out, shapes, document, this.#encoding(where, options), id)
    encodeValue(out, ifVersion ?? null, 'document')
  }

  /** What writes of documents need of this collection. */
  #help(where: string, given: InsertOneOptions): WriteHelp {
    return {
      writeNew: (out, shapes, document) => this.#writeNew(out, shapes, document, given),
      writeReplacement: (out, shapes, document) => encodeDocument(out, shapes, document, this.#encoding(where, given)),
      writeUpsertId: (out, upsert) => this.#writeUpsertId(out, upsert)
    }
  }

  /** A write that answers its document. */
  #findOneAnd<O extends FindOneAndUpdateOptions<T>>(
    method: string, opcode: number, options: O | undefined,
    check: (where: string, given: Partial<O>, upsert: boolean) => (out: Writer, shapes: PortShapes) => void
  ): Promise<any> {
    return this.#run<any, O>(method, options, (where, given) => {
      refuseVersion(where, given)
      const upsert = flagOf(where, 'upsert', given.upsert)
      const answering = answeringOf(where, given as FindOneAndUpdateOptions)
      const write = check(where, given, upsert)
      return {
        opcode: Opcode.FindOneAnd,
        flags: answering.flags | (upsert ? Flag.Upsert : 0),
        body: (out, shapes) => {
          encodeValue(out, opcode, 'document')
          write(out, shapes)
          answering.write(out)
        },
        finish: (answer: ModifiedAnswer<WithId<T>>) => modified(answer, answering.metadata)
      }
    })
  }

  #writeUpsertId(out: Writer, upsert: boolean): void {
    if (upsert) encodeId(out, this.#settings.createPk())
    else encodeValue(out, null, 'document')
  }

  #update(
    method: string, flags: number, filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options: UpdateOptions | undefined
  ): Promise<UpdateResult<T>> {
    return this.#run(method, options, (where, given) => {
      checkFields(where, 'filter', filter)
      checkUpdate(where, update)
      refuseVersion(where, given)
      const upsert = flagOf(where, 'upsert', given.upsert)
      const arrayFilters = arrayFiltersOf(where, given.arrayFilters)
      return {
        opcode: Opcode.Update,
        flags: flags | (upsert ? Flag.Upsert : 0),
        body: (out) => writeUpdate(out, filter, update, upsert, arrayFilters, this.#help(where, given)),
        finish: updateResult<T>
      }
    })
  }

  #delete(method: string, flags: number, filter: unknown, options: OperationOptions | undefined): Promise<DeleteResult> {
    return this.#run(method, options, (where, given) => {
      const checked = filterOf(where, filter)
      refuseVersion(where, given)
      return {
        opcode: Opcode.Delete,
        flags,
        body: (out) => encodeValue(out, checked, 'filter'),
        finish: (deletedCount: number) => ({ acknowledged: true, deletedCount })
      }
    })
  }
}

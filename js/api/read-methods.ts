// Read methods by filter: one document, cursors, counts and distinct values, on the core's threads or on the calling thread.

import { filterOf, wrongArgument } from '../arguments/arguments.js'
import { hintOf } from '../arguments/hint.js'
import { notInTransaction, optionsOf } from '../arguments/option-check.js'
import { COLLECTION } from '../arguments/option-table.js'
import { encodeValue } from '../codec/encode.js'
import type { Writer } from '../codec/writer.js'
import { type AggregationCursor, aggregationOf } from '../cursor/aggregation-cursor.js'
import { FindCursor } from '../cursor/find-cursor.js'
import { writeField, writeFind, writeMore } from '../request/bodies.js'
import { countOfMatches, countRequest, findCursorOf, findManyOf, findOneRequest, soleId, variablesOf } from '../request/reads.js'
import type { Variables } from '../request/request.js'
import { Opcode } from '../transport/opcodes.js'
import type {
  AggregateOptions, CountOptions, DistinctOptions, Document, Element, Filter, FindOneOptions, FindOptions, OperationOptions, Path,
  PathValue, Versioned, WithId
} from '../types/index.js'
import type { Handle } from './handle.js'
import { CollectionKeyMethods } from './key-methods.js'

/** The methods that read documents by filter or pipeline. */
export class CollectionReadMethods<T extends Document = Document> extends CollectionKeyMethods<T> {
  readonly #handle: Handle

  /** @internal */
  protected constructor(handle: Handle) {
    super(handle)
    this.#handle = handle
  }

  /**
   * Resolves with the first document that matches, or null; with `meta`, with its version and times, as `get` does. By `_id` alone it is as fast as
   * `get`.
   *
   * Rejects with `BAD_QUERY` naming the path when the filter, sort or projection is malformed.
   */
  findOne(filter: Filter<T> | null | undefined, options: FindOneOptions<T> & { meta: true }): Promise<Versioned<WithId<T>> | null>
  findOne<R>(filter: Filter<T> | null | undefined, options: FindOneOptions<T> & { meta: true }): Promise<Versioned<R> | null>
  findOne(filter?: Filter<T> | null, options?: FindOneOptions<T> & { meta?: false }): Promise<WithId<T> | null>
  findOne<R>(filter?: Filter<T> | null, options?: FindOneOptions<T> & { meta?: false }): Promise<R | null>
  findOne(filter?: Filter<T> | null, options?: FindOneOptions<T>): Promise<WithId<T> | Versioned<WithId<T>> | null> {
    if (options === undefined) {
      const id = soleId(filter)
      if (id !== undefined) return this.#handle.getOne<WithId<T>>('findOne', id)
    }
    return this.#handle.run<WithId<T> | Versioned<WithId<T>> | null, FindOneOptions<T>>('findOne', options, (where, given) => findOneRequest(where, filter, given as FindOneOptions))
  }

  /**
   * A cursor over the results of a pipeline; without stages, over all documents.
   *
   * Throws a TypeError when an argument is wrong. The cursor's methods reject with `BAD_QUERY` when a stage is malformed.
   */
  aggregate<R extends Document = Document>(pipeline?: readonly Document[], options?: AggregateOptions): AggregationCursor<R> {
    return aggregationOf<R>({ connection: this.#handle.connection, owner: this, namespace: this.#handle.namespace, session: this.#handle.scope }, pipeline, options)
  }

  /**
   * A cursor over the documents that match, in natural order unless sorted. It reads the state at its first
   * fetch: later writes are not seen.
   *
   * Throws a TypeError when an argument has the wrong type; its methods reject with `BAD_QUERY` like `findOne`.
   */
  find(filter?: Filter<T> | null, options?: FindOptions<T>): FindCursor<WithId<T>, T>
  find<R>(filter?: Filter<T> | null, options?: FindOptions<T>): FindCursor<R, T>
  find(filter?: Filter<T> | null, options?: FindOptions<T>): FindCursor<WithId<T>, T> {
    const where = `${this.#handle.name}.find`
    const given = optionsOf<FindOptions<any>>(where, options, COLLECTION.find)
    const session = this.#handle.scopeOf(where, given)
    const source = { connection: this.#handle.connection, owner: this, namespace: this.#handle.namespace, session }
    return FindCursor.create<WithId<T>, T>(source, filterOf(where, filter), findCursorOf(where, given))
  }

  /** Resolves with the number of documents that match. Rejects with `BAD_QUERY` when the filter is malformed. */
  countDocuments(filter?: Filter<T> | null, options?: CountOptions): Promise<number> {
    return this.#handle.run('countDocuments', options, (where, given) => countOfMatches(where, filter, given))
  }

  /** Resolves with the number of documents in the collection. */
  estimatedDocumentCount(options?: OperationOptions): Promise<number> {
    return this.#handle.run('estimatedDocumentCount', options, (where) => {
      if (this.#handle.scope) throw notInTransaction(where)
      return countRequest({}, 0, 0, null)
    })
  }

  /**
   * Resolves with the distinct values of a field in the documents that match: of an array its elements, and nothing where
   * the field is absent. Rejects with `BAD_QUERY` when the filter is malformed, `LIMIT` when the values take more than 16
   * MiB.
   */
  distinct<K extends keyof T & string>(key: K, filter?: Filter<T> | null, options?: DistinctOptions): Promise<Element<T[K]>[]>
  distinct<P extends Path<T>>(key: P, filter?: Filter<T> | null, options?: DistinctOptions): Promise<Element<PathValue<WithId<T>, P>>[]>
  distinct<K extends string>(key: string extends K ? K : never, filter?: Filter<T> | null, options?: DistinctOptions): Promise<any[]>
  distinct(key: string, filter?: Filter<T> | null, options?: DistinctOptions): Promise<any[]> {
    return this.#handle.run<any[], DistinctOptions>('distinct', options, (where, given) => {
      if (typeof key !== 'string' || key === '') throw wrongArgument(where, 'key', 'a path', key)
      const checked = filterOf(where, filter)
      const hint = hintOf(where, given.hint)
      return {
        opcode: Opcode.Distinct,
        flags: 0,
        variables: variablesOf(where, given),
        body: (out) => {
          writeField(out, key)
          encodeValue(out, checked, 'filter')
          writeField(out, hint)
        },
        finish: (values: any[]) => values
      }
    })
  }

  /**
   * The documents that match, as an array, read on this thread, which blocks until they are found. Writes that were not
   * awaited may not be visible yet. All documents are from the same state.
   *
   * Throws what `find` would reject with.
   */
  findSync(filter?: Filter<T> | null, options?: FindOptions<T>): WithId<T>[]
  findSync<R>(filter?: Filter<T> | null, options?: FindOptions<T>): R[]
  findSync(filter?: Filter<T> | null, options?: FindOptions<T>): WithId<T>[] {
    const where = `${this.#handle.name}.findSync`
    const given = optionsOf<FindOptions<any>>(where, options, COLLECTION.findSync)
    const checked = filterOf(where, filter)
    const find = findManyOf(where, given)
    const [first, documents] = this.#callBatch(where, Opcode.Find, (out) => writeFind(out, checked, find), find.variables, given, find.flags)
    let cursor = first
    while (cursor !== 0) {
      const id = cursor
      const [next, more] = this.#callBatch(where, Opcode.More, (out) => writeMore(out, id, find.batch), null)
      for (const document of more) documents.push(document)
      cursor = next
    }
    return documents
  }

  /**
   * The first document that matches, or null, read on this thread like `findSync`. Throws what `findOne` would reject with.
   */
  findOneSync(filter: Filter<T> | null | undefined, options: FindOneOptions<T> & { meta: true }): Versioned<WithId<T>> | null
  findOneSync<R>(filter: Filter<T> | null | undefined, options: FindOneOptions<T> & { meta: true }): Versioned<R> | null
  findOneSync(filter?: Filter<T> | null, options?: FindOneOptions<T> & { meta?: false }): WithId<T> | null
  findOneSync<R>(filter?: Filter<T> | null, options?: FindOneOptions<T> & { meta?: false }): R | null
  findOneSync(filter?: Filter<T> | null, options?: FindOneOptions<T>): WithId<T> | Versioned<WithId<T>> | null {
    const where = `${this.#handle.name}.findOneSync`
    const given = optionsOf<FindOneOptions<any>>(where, options, COLLECTION.findOneSync)
    return this.#handle.call(where, findOneRequest<WithId<T>>(where, filter, given), given)
  }

  /**
   * The number of documents that match, counted on this thread like `findSync`. Throws what `countDocuments` would reject
   * with.
   */
  countSync(filter?: Filter<T> | null, options?: CountOptions): number {
    const where = `${this.#handle.name}.countSync`
    const given = optionsOf<CountOptions>(where, options, COLLECTION.countSync)
    return this.#handle.call(where, countOfMatches(where, filter, given), given)
  }

  /** A batch of a cursor, and the cursor's id: 0 after the last batch. */
  #callBatch(
    where: string, opcode: number, body: (out: Writer) => void, variables: Variables | null, given?: OperationOptions, flags = 0
  ): [number, WithId<T>[]] {
    const finish = (batch: [number, WithId<T>[]]): [number, WithId<T>[]] => batch
    return this.#handle.call(where, { opcode, flags, variables, body, finish }, given)
  }
}

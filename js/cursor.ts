// The cursor of a find: what it asks for, until the first fetch.

import { checkFields, filterOf, wrongArgument } from './arguments.js'
import { Opcode } from './batch.js'
import { BatchCursor, batchesOf } from './batch-cursor.js'
import type { CursorSource, Reading } from './batches.js'
import { type FindShape, writeFind } from './bodies.js'
import type { Request } from './core.js'
import { explaining } from './explain.js'
import { hintOf } from './index-spec.js'
import type { ExplainVerbosityLike, Hint } from './index-types.js'
import { checkCollation } from './option-check.js'
import { countRequest } from './requests.js'
import { sortKeys } from './sort.js'
import type { Document, Sort, SortDirection } from './types.js'

/** Documents that cross at a time for toArray where nothing else is said. */
const LARGE_BATCH = 4000

/** What a cursor finds, until it has started. */
interface Find {
  filter: Document
  readonly settings: FindShape
}

function readingOf(source: CursorSource, find: Find): Reading {
  const { settings } = find
  return {
    source,
    method: 'find',
    first: 'set options',
    settings,
    largeBatch: LARGE_BATCH,
    open: (fetcher, where, batch) => fetcher.open(where, find.filter, settings, batch)
  }
}

/**
 * A cursor over the documents of a find. Options are set before the first read; every read sees the state at the first.
 *
 * Its methods reject with `CLOSED` when the database was closed, `BAD_QUERY` when filter, sort or projection are not well formed, `TIMEOUT`
 * when it was left alone or worked too long.
 */
export class FindCursor<T = any> extends BatchCursor<T> {
  readonly #source: CursorSource
  readonly #find: Find

  /** @internal */
  static create<T>(source: CursorSource, filter: Document, settings: FindShape): FindCursor<T> {
    return new FindCursor<T>(source, { filter, settings })
  }

  private constructor(source: CursorSource, find: Find) {
    super(readingOf(source, find))
    this.#source = source
    this.#find = find
  }

  /** Replaces the filter. */
  filter(filter: Document): this {
    this.#configure('filter')
    this.#find.filter = filterOf(this.#where('filter'), filter)
    return this
  }

  /** Sets the order: a field, an object, a Map, or a list of fields or pairs. Replaces an earlier one. */
  sort(sort: Sort | null, direction?: SortDirection): this {
    this.#configure('sort')
    this.#find.settings.sort = sortKeys(this.#where('sort'), sort, direction)
    return this
  }

  /** Milliseconds that the reads may take together; then they reject with `TIMEOUT` (code 50). 0 for any. */
  maxTimeMS(value: number): this {
    this.#configure('maxTimeMS')
    this.#find.settings.maxTimeMS = this.#whole('maxTimeMS', value)
    return this
  }

  /** Leaves out this many documents first. */
  skip(count: number): this {
    this.#configure('skip')
    this.#find.settings.skip = this.#whole('skip', count)
    return this
  }

  /** Ends after this many documents; 0 for all. */
  limit(count: number): this {
    this.#configure('limit')
    this.#find.settings.limit = this.#whole('limit', typeof count === 'number' ? Math.abs(count) : count)
    return this
  }

  /** Shows (1) or leaves out (0) fields. */
  project<P extends Document = Document>(projection: Document): FindCursor<P> {
    this.#configure('project')
    checkFields(this.#where('project'), 'projection', projection)
    this.#find.settings.projection = projection
    return this as unknown as FindCursor<P>
  }

  /** Sets how many documents cross into JavaScript at a time; 0 for the default. */
  batchSize(count: number): this {
    this.#configure('batchSize')
    this.#find.settings.batch = Math.min(this.#whole('batchSize', count), 0x7fffffff)
    return this
  }

  /** Names the index to use, or its fields; `{ $natural: 1 }` for none, `{ $natural: -1 }` from the last document to the first. The reads reject with `BAD_QUERY` when there is none such. */
  hint(hint: Hint): this {
    this.#configure('hint')
    this.#find.settings.hint = hintOf(this.#where('hint'), hint)
    return this
  }

  /** For logs; ignored. */
  comment(comment: unknown): this {
    this.#configure('comment')
    void comment
    return this
  }

  /** Compares as bytes do: `{ locale: 'simple' }`. Throws `NOT_SUPPORTED` for any other. */
  collation(collation: { locale: string }): this {
    this.#configure('collation')
    checkCollation(this.#where('collation'), collation)
    return this
  }

  /** Gives each document to a function and yields what it returns, which must not be null. Several run one after the other. */
  map<R>(transform: (document: T) => R): FindCursor<R> {
    batchesOf(this).map(transform)
    return this as unknown as FindCursor<R>
  }

  /** Resolves with the number of documents that match, within skip and limit. The cursor does not move. */
  async count(): Promise<number> {
    const where = this.#where('count')
    const { core, collection } = this.#source
    core.checkOpen(where)
    const { skip, limit, hint, variables, signal, maxTimeMS } = this.#find.settings
    const request = { ...countRequest(this.#find.filter, skip, limit, hint), variables, signal, maxTimeMS }
    return core.run<number>(where, core.collection(collection, where), request)
  }

  /** Resolves with the plan of the find and, unless `'queryPlanner'` is asked for, with what running it took. The cursor does not move. */
  async explain(verbosity?: ExplainVerbosityLike): Promise<Document> {
    const where = this.#where('explain')
    const { core, collection } = this.#source
    core.checkOpen(where)
    const { variables, signal, maxTimeMS } = this.#find.settings
    const body: Request['body'] = (out) => writeFind(out, this.#find.filter, this.#find.settings)
    const request = explaining(where, core.name, { opcode: Opcode.Find, flags: 0, variables, body }, verbosity)
    return core.run(where, core.collection(collection, where), { ...request, signal, maxTimeMS: request.maxTimeMS ?? maxTimeMS })
  }

  /** A cursor with the same filter and options that has not started; what `map` was given is left out. */
  clone(): FindCursor<T> {
    return new FindCursor<T>(this.#source, { filter: this.#find.filter, settings: { ...this.#find.settings } })
  }

  #where(method: string): string {
    return batchesOf(this).where(method)
  }

  #configure(method: string): void {
    batchesOf(this).configure(method)
  }

  #whole(method: string, count: unknown): number {
    if (!Number.isSafeInteger(count) || (count as number) < 0) {
      throw wrongArgument(this.#where(method), 'count', 'a whole number, 0 or more', count)
    }
    return count as number
  }
}

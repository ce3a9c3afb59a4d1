// The cursor of a find: its parameters can be changed until the first fetch.

import { inspect, type InspectOptions } from 'node:util'

import { checkFields, countOf, filterOf, wrongArgument } from '../arguments/arguments.js'
import { hintOf } from '../arguments/hint.js'
import { LARGE_BATCH, MAX_BATCH } from '../arguments/limits.js'
import { checkCollation, checkNames, checkSignal, notInTransaction } from '../arguments/option-check.js'
import { FOLLOWERS } from '../arguments/option-table.js'
import { sortKeys } from '../arguments/sort.js'
import { type FindShape, writeFind } from '../request/bodies.js'
import { explaining } from '../request/explain.js'
import { countRequest, diskFlagOf, underCollation } from '../request/reads.js'
import { MoltenError, numbered } from '../errors.js'
import type { Request } from '../request/request.js'
import { Opcode } from '../transport/opcodes.js'
import type { ExplainVerbosityLike, Hint } from '../types/documents.js'
import type { LiveOptions } from '../types/changes.js'
import type { CollationOptions, Document, Filter, Projection, Sort, SortDirection } from '../types/index.js'
import { AbstractCursor } from './abstract-cursor.js'
import { type LiveQuery, liveQueryOf } from './live-query.js'
import { CursorBuffer, type CursorSource, type Reading } from './buffer.js'

/** Filter and parameters of a cursor; they change until it has started. */
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
    open(remote, where, batch, wait) {
      if (settings.awaitData && !settings.tailable) {
        const message = `${where}: Cannot set 'awaitData' without also setting 'tailable'; set both, or none`
        throw new MoltenError('BAD_QUERY', message, numbered('FailedToParse'))
      }
      if (!settings.tailable) return remote.open(where, find.filter, settings, batch)
      if (source.session?.inTransaction()) throw notInTransaction(where)
      return remote.tail(where, find.filter, settings, batch, wait)
    },
    patience: () => (settings.tailable ? (settings.awaitData ? settings.maxAwaitTimeMS : 0) : undefined)
  }
}

/** Flags of cursors, as the driver names them; the others have no effect here. */
const FLAGS = ['tailable', 'awaitData', 'oplogReplay', 'noCursorTimeout', 'exhaust', 'partial'] as const

/**
 * A cursor over the documents of a find. Options are set before the first read; all reads see the state at the first one. `T` is what it
 * yields, `S` the documents of the collection, whose fields filters, orders and projections name.
 *
 * Its methods reject with `CLOSED` when the database was closed, `BAD_QUERY` when the filter, sort or projection is
 * malformed, and `TIMEOUT` when it was idle or ran for too long.
 */
export class FindCursor<T = any, S = any> extends AbstractCursor<T> {
  readonly #buffer: CursorBuffer
  readonly #source: CursorSource
  readonly #find: Find

  /** @internal */
  static create<T, S>(source: CursorSource, filter: Document, settings: FindShape): FindCursor<T, S> {
    return new FindCursor<T, S>(source, { filter, settings })
  }

  private constructor(source: CursorSource, find: Find) {
    const buffer = new CursorBuffer(readingOf(source, find))
    super(buffer)
    this.#buffer = buffer
    this.#source = source
    this.#find = find
  }

  /** Replaces the filter. */
  filter(filter: Filter<S>): this {
    this.#configure('filter')
    this.#find.filter = filterOf(this.#where('filter'), filter)
    return this
  }

  /** Sets the order: a field, an object, a Map, or a list of fields or pairs. Replaces an earlier one. */
  sort(sort: Sort<S> | null, direction?: SortDirection): this {
    this.#configure('sort')
    this.#find.settings.sort = sortKeys(this.#where('sort'), sort, direction)
    return this
  }

  /**
   * The time limit of all reads together, in milliseconds; beyond it they reject with `TIMEOUT` (code 50). 0 means no limit.
   */
  maxTimeMS(value: number): this {
    this.#configure('maxTimeMS')
    this.#find.settings.maxTimeMS = this.#whole('maxTimeMS', value)
    return this
  }

  /** Skips this many documents first. */
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

  /** Includes (1) or excludes (0) fields. */
  project<P = Document>(projection: Projection<S>): FindCursor<P, S> {
    this.#configure('project')
    checkFields(this.#where('project'), 'projection', projection)
    this.#find.settings.projection = projection
    return this as unknown as FindCursor<P, S>
  }

  /** Sets the batch size: how many documents are fetched at a time; 0 for the default. */
  batchSize(count: number): this {
    this.#configure('batchSize')
    this.#find.settings.batch = Math.min(this.#whole('batchSize', count), MAX_BATCH)
    return this
  }

  /**
   * Sets the index to use, by name or by fields; `{ $natural: 1 }` uses no index, `{ $natural: -1 }` reads from the last
   * document to the first. The reads reject with `BAD_QUERY` when there is no such index.
   */
  hint(hint: Hint): this {
    this.#configure('hint')
    this.#find.settings.hint = hintOf(this.#where('hint'), hint)
    return this
  }

  /**
   * Sets a flag of the cursor: `tailable` and `awaitData`, as the options of `find`; the driver's other flags have no effect. Of capped
   * collections only: the first read rejects with `BAD_QUERY` (code 2) for another.
   */
  addCursorFlag(flag: 'tailable' | 'awaitData' | 'oplogReplay' | 'noCursorTimeout' | 'exhaust' | 'partial', value: boolean): this {
    this.#configure('addCursorFlag')
    if (!FLAGS.includes(flag)) throw wrongArgument(this.#where('addCursorFlag'), 'flag', FLAGS.map((one) => `'${one}'`).join(' or '), flag)
    if (typeof value !== 'boolean') throw wrongArgument(this.#where('addCursorFlag'), 'value', 'a boolean', value)
    if (flag === 'tailable' || flag === 'awaitData') this.#find.settings[flag] = value
    return this
  }

  /** How long `tryNext` of a tailable cursor with `awaitData` waits for a document, in milliseconds. */
  maxAwaitTimeMS(value: number): this {
    this.#configure('maxAwaitTimeMS')
    this.#find.settings.maxAwaitTimeMS = this.#whole('maxAwaitTimeMS', value)
    return this
  }

  /** A comment for logs; ignored. */
  comment(comment: unknown): this {
    this.#configure('comment')
    void comment
    return this
  }

  /** Sets how strings compare: in the order of a language, or by their bytes with `{ locale: 'simple' }`. */
  collation(collation: CollationOptions): this {
    this.#configure('collation')
    checkCollation(this.#where('collation'), collation)
    this.#find.settings.variables = underCollation(this.#find.settings.variables, collation)
    return this
  }

  /**
   * Whether a sort may write to temporary files what is more than `queryMemoryLimit`, as it may by default; otherwise the first
   * read rejects with `LIMIT` (code 292).
   */
  allowDiskUse(allow = true): this {
    this.#configure('allowDiskUse')
    this.#find.settings.flags = diskFlagOf(this.#where('allowDiskUse'), allow)
    return this
  }

  /**
   * Applies a function to each document and yields its result, which must not be null. Several functions are applied in
   * order.
   */
  map<R>(transform: (document: T) => R): FindCursor<R, S> {
    this.#buffer.map(transform)
    return this as unknown as FindCursor<R, S>
  }

  /** Resolves with the number of documents that match, within skip and limit. The cursor does not move. */
  async count(): Promise<number> {
    const where = this.#where('count')
    const { connection, namespace, session } = this.#source
    connection.checkOpen(where)
    const { skip, limit, hint, variables, signal, maxTimeMS } = this.#find.settings
    const request = { ...countRequest(this.#find.filter, skip, limit, hint), variables, session, signal, maxTimeMS }
    return connection.run<number>(where, connection.collection(namespace.full, where), request)
  }

  /**
   * Resolves with the plan of the find and, with verbosities other than `'queryPlanner'`, with its execution statistics. The
   * cursor does not move.
   */
  async explain(verbosity?: ExplainVerbosityLike): Promise<Document> {
    const where = this.#where('explain')
    const { connection, namespace, session } = this.#source
    connection.checkOpen(where)
    const { flags, variables, signal, maxTimeMS } = this.#find.settings
    const body: Request['body'] = (out) => writeFind(out, this.#find.filter, this.#find.settings)
    const request = explaining(where, { opcode: Opcode.Find, flags, variables, body }, verbosity)
    return connection.run(where, connection.collection(namespace.full, where), { ...request, session, signal, maxTimeMS: request.maxTimeMS ?? maxTimeMS })
  }

  /**
   * The result now, and then at each newer state in which it is another: see `LiveQuery`. It is kept up from the commits, without running the query
   * again where filter, order and limit allow that. It cannot be part of a transaction.
   *
   * Throws a TypeError when the cursor has started.
   */
  live(options?: LiveOptions | null): LiveQuery<T> {
    const where = this.#where('live')
    this.#configure('live')
    const { connection, namespace, session } = this.#source
    connection.checkOpen(where)
    if (session?.inTransaction()) throw notInTransaction(where)
    if (this.#find.settings.tailable) throw new TypeError(`${where}: a tailable cursor is no live query; leave the option tailable out`)
    if (options !== undefined && options !== null) {
      if (typeof options !== 'object' || Array.isArray(options)) throw wrongArgument(where, 'options', 'an object', options)
      checkNames(where, options, FOLLOWERS.live)
      if (options.signal !== undefined) checkSignal(where, options.signal)
    }
    const settings = { ...this.#find.settings }
    const signal = options?.signal ?? settings.signal
    const target = connection.collection(namespace.full, where)
    return liveQueryOf<T>({ connection, where, target, filter: this.#find.filter, settings, transform: this.#buffer.transform, signal })
  }

  /** A new cursor with the same filter and options, without the functions of `map`. */
  clone(): FindCursor<T, S> {
    return new FindCursor<T, S>(this.#source, { filter: this.#find.filter, settings: { ...this.#find.settings } })
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { namespace } = this.#source
    const { sort, skip, limit, projection } = this.#find.settings
    const parts = { namespace: `${namespace}`, filter: this.#find.filter, sort, skip, limit, projection, closed: this.closed }
    return `FindCursor ${inspect(shown(parts), options)}`
  }

  #where(method: string): string {
    return this.#buffer.where(method)
  }

  #configure(method: string): void {
    this.#buffer.configure(method)
  }

  #whole(method: string, count: unknown): number {
    // Unlike undefined arguments elsewhere, a missing count is an error.
    if (count === undefined || count === null) throw wrongArgument(this.#where(method), 'count', 'a whole number, 0 or more', count)
    return countOf(this.#where(method), 'count', count)
  }
}

/** The parts that are set. */
function shown(parts: { [name: string]: unknown }): { [name: string]: unknown } {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined && value !== null && value !== 0))
}

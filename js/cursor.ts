// Cursors: what a find asks for, until the first fetch; then batches of documents of one view.

import type { Readable } from 'node:stream'

import { checkCollation, checkFields, filterOf, wrongArgument } from './arguments.js'
import { Opcode } from './batch.js'
import { type FindShape, writeFind } from './bodies.js'
import type { CollectionState, Core, Request } from './core.js'
import { disposeWith } from './dispose.js'
import { encodeValue } from './encode.js'
import { MoltenError } from './errors.js'
import { explaining } from './explain.js'
import { hintOf } from './index-spec.js'
import type { ExplainVerbosityLike, Hint } from './index-types.js'
import { sortKeys } from './sort.js'
import { readableOf } from './streams.js'
import type { Document, Sort, SortDirection } from './types.js'

/** Documents that cross at a time where nothing else is said. */
const BATCH = 1000
/** The same for toArray, which wants them all. */
const LARGE_BATCH = 4000

/** Where a cursor's documents come from. */
export interface CursorSource {
  core: Core
  /** Kept alive with the cursor, and with it the database. */
  owner: object
  collection: string
}

/** What a find asks for. */
export interface CursorSettings extends FindShape {
  signal: AbortSignal | undefined
  /** Milliseconds for all batches together; 0 for any. */
  maxTimeMS: number
}

type BatchAnswer = [cursor: number, documents: unknown[]]

/** The cursor on the core's side: it pins a view, so that it must end when nobody reads on. */
export class Fetcher {
  #id = 0
  #target: CollectionState | undefined

  constructor(
    private readonly core: Core,
    private readonly collection: string,
    private readonly signal: AbortSignal | undefined
  ) {}

  /** Whether there may be more to fetch. */
  get isLive(): boolean {
    return this.#id !== 0
  }

  open(where: string, filter: Document, find: FindShape, maxTimeMS: number): Promise<unknown[]> {
    this.#target = this.core.collection(this.collection, where)
    return this.#fetch(where, Opcode.Find, (out) => writeFind(out, filter, find), maxTimeMS)
  }

  /** Opens by another operation that answers as a find does. */
  openBy(where: string, opcode: number, body: Request['body'], maxTimeMS: number): Promise<unknown[]> {
    this.#target = this.core.collection(this.collection, where)
    return this.#fetch(where, opcode, body, maxTimeMS)
  }

  more(where: string, batch: number): Promise<unknown[]> {
    const id = this.#id
    return this.#fetch(where, Opcode.More, (out) => {
      encodeValue(out, id, 'document')
      encodeValue(out, batch, 'document')
    })
  }

  /** Ends the cursor; nothing to do when it was read to its end. */
  async close(): Promise<void> {
    const id = this.#id
    this.#id = 0
    if (id === 0 || !this.#target || !this.core.isOpen) return
    const body: Request['body'] = (out) => encodeValue(out, id, 'document')
    await this.core.run('cursor.close', this.#target, { opcode: Opcode.CloseCursor, flags: 0, body, finish: () => {} })
  }

  #fetch(where: string, opcode: number, body: Request['body'], maxTimeMS = 0): Promise<unknown[]> {
    const finish = ([id, documents]: BatchAnswer): unknown[] => {
      this.#id = id
      return documents
    }
    return this.core.run(where, this.#target!, { opcode, flags: 0, body, signal: this.signal, maxTimeMS, finish })
  }
}

/** Ends cursors that were let go of half-way. */
const abandoned = new FinalizationRegistry<Fetcher>((fetcher) => {
  fetcher.close().catch(() => {})
})

/**
 * A cursor over the documents of a find. Options are set before the first read; every read sees the state at the first.
 *
 * Its methods reject with `CLOSED` when the database was closed, `BAD_QUERY` when filter, sort or projection are not well formed, `TIMEOUT`
 * when it was left alone or worked too long.
 */
export class FindCursor<T = any> implements AsyncIterable<T> {
  readonly #source: CursorSource
  #filter: Document
  readonly #settings: CursorSettings
  #transform: ((document: any) => unknown) | undefined
  #fetcher: Fetcher | undefined
  #documents: unknown[] = []
  #at = 0
  #fetching: Promise<void> | undefined
  #started = false
  #exhausted = false
  #closed = false
  #killed = false

  /** @internal */
  static create<T>(source: CursorSource, filter: Document, settings: CursorSettings): FindCursor<T> {
    return new FindCursor<T>(source, filter, settings)
  }

  private constructor(source: CursorSource, filter: Document, settings: CursorSettings) {
    this.#source = source
    this.#filter = filter
    this.#settings = settings
  }

  /** Whether the cursor was closed or read to its end. */
  get closed(): boolean {
    return this.#closed || (this.#exhausted && this.bufferedCount() === 0)
  }

  /** Replaces the filter. */
  filter(filter: Document): this {
    this.#configure('filter')
    this.#filter = filterOf(this.#where('filter'), filter)
    return this
  }

  /** Sets the order: a field, an object, a Map, or a list of fields or pairs. Replaces an earlier one. */
  sort(sort: Sort | null, direction?: SortDirection): this {
    this.#configure('sort')
    this.#settings.sort = sortKeys(this.#where('sort'), sort, direction)
    return this
  }

  /** Milliseconds that the reads may take together; then they reject with `TIMEOUT` (code 50). 0 for any. */
  maxTimeMS(value: number): this {
    this.#configure('maxTimeMS')
    this.#settings.maxTimeMS = this.#whole('maxTimeMS', value)
    return this
  }

  /** Leaves out this many documents first. */
  skip(count: number): this {
    this.#configure('skip')
    this.#settings.skip = this.#whole('skip', count)
    return this
  }

  /** Ends after this many documents; 0 for all. */
  limit(count: number): this {
    this.#configure('limit')
    this.#settings.limit = this.#whole('limit', typeof count === 'number' ? Math.abs(count) : count)
    return this
  }

  /** Shows (1) or leaves out (0) fields. */
  project<P extends Document = Document>(projection: Document): FindCursor<P> {
    this.#configure('project')
    checkFields(this.#where('project'), 'projection', projection)
    this.#settings.projection = projection
    return this as unknown as FindCursor<P>
  }

  /** Sets how many documents cross into JavaScript at a time; 0 for the default. */
  batchSize(count: number): this {
    this.#configure('batchSize')
    this.#settings.batch = this.#whole('batchSize', count)
    return this
  }

  /** Names the index to use, or its fields; `{ $natural: 1 }` for none. The reads reject with `BAD_QUERY` when there is none such. */
  hint(hint: Hint): this {
    this.#configure('hint')
    this.#settings.hint = hintOf(this.#where('hint'), hint)
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
    this.#configure('map')
    this.#checkFunction('map', 'transform', transform)
    const before = this.#transform
    this.#transform = before ? (document) => transform(before(document) as T) : transform
    return this as unknown as FindCursor<R>
  }

  /** Resolves with the next document, or null at the end. */
  next(): Promise<T | null> {
    return this.#next('next')
  }

  /** As `next`. */
  tryNext(): Promise<T | null> {
    return this.#next('tryNext')
  }

  /** Resolves with whether there is another document. */
  async hasNext(): Promise<boolean> {
    const where = this.#where('hasNext')
    this.#source.core.checkOpen(where)
    if (this.#closed) return false
    return this.#fill(where, BATCH)
  }

  /** Resolves with all documents that are left, and closes the cursor. */
  async toArray(): Promise<T[]> {
    const where = this.#where('toArray')
    this.#source.core.checkOpen(where)
    const all: T[] = []
    try {
      while (!this.#closed && (await this.#fill(where, LARGE_BATCH))) this.#takeAll(all)
    } finally {
      await this.#end()
    }
    return all
  }

  /** Calls a function with each document, until it returns false; resolves at the end. */
  async forEach(iterator: (document: T) => boolean | void): Promise<void> {
    this.#checkFunction('forEach', 'iterator', iterator)
    for await (const document of this) {
      if (iterator(document) === false) return
    }
  }

  /** Resolves with the number of documents that match, within skip and limit. The cursor does not move. */
  async count(): Promise<number> {
    const where = this.#where('count')
    const { core, collection } = this.#source
    core.checkOpen(where)
    const { skip, limit, hint, signal, maxTimeMS } = this.#settings
    return core.run<number>(where, core.collection(collection, where), {
      opcode: Opcode.Count,
      flags: 0,
      signal,
      maxTimeMS,
      body: (out) => {
        encodeValue(out, this.#filter, 'filter')
        encodeValue(out, skip, 'document')
        encodeValue(out, limit, 'document')
        encodeValue(out, hint, 'document')
      },
      finish: (count) => count
    })
  }

  /** Resolves with the plan of the find and, unless `'queryPlanner'` is asked for, with what running it took. The cursor does not move. */
  async explain(verbosity?: ExplainVerbosityLike): Promise<Document> {
    const where = this.#where('explain')
    const { core, collection } = this.#source
    core.checkOpen(where)
    const { signal, maxTimeMS } = this.#settings
    const request = explaining(
      where, core.name, { opcode: Opcode.Find, flags: 0, body: (out) => writeFind(out, this.#filter, this.#settings) }, verbosity
    )
    return core.run(where, core.collection(collection, where), { ...request, signal, maxTimeMS: request.maxTimeMS ?? maxTimeMS })
  }

  /** Documents that have crossed and were not read yet. */
  bufferedCount(): number {
    return this.#documents.length - this.#at
  }

  /** Takes documents that have crossed already, at most this many. */
  readBufferedDocuments(count = this.bufferedCount()): T[] {
    const end = Math.min(this.#documents.length, this.#at + count)
    const documents = this.#documents.slice(this.#at, end) as T[]
    this.#at = end
    return documents
  }

  /** Starts over: the next read takes a new view. */
  rewind(): void {
    this.#release()
    this.#started = this.#exhausted = this.#closed = this.#killed = false
  }

  /** A cursor with the same filter and options that has not started; what `map` was given is left out. */
  clone(): FindCursor<T> {
    return new FindCursor<T>(this.#source, this.#filter, { ...this.#settings })
  }

  /** Ends the cursor and frees its view. Resolves at once when it has ended. */
  async close(): Promise<void> {
    await this.#end()
  }

  /** The documents as a stream of objects; a function may change each. */
  stream(options?: { transform?: (document: T) => unknown }): Readable {
    const transform = options?.transform
    return readableOf(transform ? this.#transformed(transform) : this)
  }

  /** Yields each document, and closes the cursor at the end or when the loop is left. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    if (this.#closed) {
      this.#source.core.checkOpen(this.#where('next'))
      return
    }
    try {
      for (;;) {
        const document = await this.next()
        if (document === null) return
        yield document
      }
    } finally {
      await this.#end()
    }
  }

  /** Closes at the end of an `await using`. */
  declare [Symbol.asyncDispose]: () => Promise<void>

  async *#transformed(transform: (document: T) => unknown): AsyncGenerator<unknown, void, void> {
    for await (const document of this) yield transform(document)
  }

  #where(method: string): string {
    return `${this.#source.collection}.find().${method}`
  }

  #configure(method: string): void {
    if (this.#started || this.#closed) {
      throw new TypeError(`${this.#where(method)}: the cursor has started; set options before the first read, or use clone()`)
    }
  }

  #whole(method: string, count: unknown): number {
    if (!Number.isSafeInteger(count) || (count as number) < 0) {
      throw wrongArgument(this.#where(method), 'count', 'a whole number, 0 or more', count)
    }
    return count as number
  }

  #checkFunction(method: string, name: string, value: unknown): void {
    if (typeof value !== 'function') throw wrongArgument(this.#where(method), name, 'a function', value)
  }

  async #next(method: string): Promise<T | null> {
    const where = this.#where(method)
    this.#source.core.checkOpen(where)
    if (this.#killed) throw new MoltenError('CLOSED', `${where}: the cursor was closed; use rewind() or a new find()`)
    // Again after each wait: another next may have taken what came.
    while (this.#at === this.#documents.length) {
      if (this.#closed || !(await this.#fill(where, BATCH))) return null
    }
    return this.#shape(where, this.#documents[this.#at++])
  }

  #shape(where: string, document: unknown): T {
    if (!this.#transform) return document as T
    const shaped = this.#transform(document)
    if (shaped === null) throw new TypeError(`${where}: the function given to map returned null, which means the end; return another value`)
    return shaped as T
  }

  #takeAll(into: T[]): void {
    const where = this.#where('toArray')
    while (this.#at < this.#documents.length) into.push(this.#shape(where, this.#documents[this.#at++]))
  }

  /** Whether there is a document to read, after a fetch where it takes one. Reads that overlap share a fetch. */
  async #fill(where: string, batch: number): Promise<boolean> {
    while (this.#at === this.#documents.length) {
      if (this.#exhausted || this.#closed) return false
      this.#fetching ??= this.#fetch(where, batch).finally(() => (this.#fetching = undefined))
      await this.#fetching
    }
    return true
  }

  async #fetch(where: string, usual: number): Promise<void> {
    const { core, collection } = this.#source
    core.checkOpen(where)
    const batch = this.#settings.batch || usual
    let fetcher = this.#fetcher
    let documents: unknown[]
    if (fetcher) {
      documents = await fetcher.more(where, batch)
    } else {
      fetcher = this.#fetcher = new Fetcher(core, collection, this.#settings.signal)
      this.#started = true
      abandoned.register(this, fetcher, fetcher)
      documents = await fetcher.open(where, this.#filter, { ...this.#settings, batch }, this.#settings.maxTimeMS)
    }
    // Closed or rewound while the answer was under way: what it brought belongs to nobody.
    if (this.#fetcher !== fetcher) return fetcher.close()
    this.#documents = documents
    this.#at = 0
    this.#exhausted = !fetcher.isLive
  }

  async #end(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#killed = this.#fetcher?.isLive ?? false
    await this.#release()
  }

  /** Lets go of the core's cursor and of what has crossed. */
  #release(): Promise<void> {
    const fetcher = this.#fetcher
    this.#fetcher = undefined
    this.#documents = []
    this.#at = 0
    if (!fetcher) return Promise.resolve()
    abandoned.unregister(fetcher)
    return fetcher.close().catch(ignoreClosed)
  }
}

disposeWith(FindCursor.prototype, function () {
  return this.close()
})

/** A view that the end of the database freed needs no closing. */
function ignoreClosed(error: unknown): void {
  if (!(error instanceof MoltenError) || error.kind !== 'CLOSED') throw error
}

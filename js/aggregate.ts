// Aggregation: a cursor over what a pipeline answers. Stages are added before the first read.

import type { Readable } from 'node:stream'

import { checkFields, countOf, optionsOf, unsupported, wrongArgument } from './arguments.js'
import { Opcode } from './batch.js'
import { type CursorSource, Fetcher } from './cursor.js'
import type { Request } from './core.js'
import { disposeWith } from './dispose.js'
import { encodeValue } from './encode.js'
import { MoltenError } from './errors.js'
import { explaining } from './explain.js'
import { hintOf, type KeyPairs } from './index-spec.js'
import type { ExplainVerbosityLike, HintOptions } from './index-types.js'
import { readableOf } from './streams.js'
import type { Document, OperationOptions } from './types.js'

/** Documents that cross at a time where nothing else is said. */
const BATCH = 1000

/** Options of `aggregate`. */
export interface AggregateOptions extends OperationOptions, HintOptions {
  /** Documents that cross into JavaScript at a time; 0 for the default. */
  batchSize?: number
  /** For the sake of programs written for a server; nothing goes to disk: a stage holds at most 100 MiB. */
  allowDiskUse?: boolean
}

interface Settings {
  batch: number
  signal: AbortSignal | undefined
  /** Milliseconds for the first batch, which is when the pipeline runs; 0 for any. */
  maxTimeMS: number
  hint: string | KeyPairs | null
}

/** Ends cursors that were let go of half-way. */
const abandoned = new FinalizationRegistry<Fetcher>((fetcher) => {
  fetcher.close().catch(() => {})
})

/**
 * A cursor over the documents that a pipeline makes. It runs at the first read, on the state of that moment; a pipeline that ends in
 * `$out` or `$merge` writes then, and has no documents.
 *
 * Its methods reject with `BAD_QUERY` when a stage is not well formed or an operator cannot take its operands, `LIMIT` when a stage would
 * hold too much, `NOT_SUPPORTED` for stages that are not there, `CLOSED` when the database was closed.
 */
export class AggregationCursor<T = any> implements AsyncIterable<T> {
  readonly #source: CursorSource
  readonly #settings: Settings
  readonly #pipeline: Document[]
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
  static create<T>(source: CursorSource, pipeline: unknown, options: AggregateOptions | undefined): AggregationCursor<T> {
    const where = `${source.collection}.aggregate`
    const given = optionsOf<AggregateOptions & { let?: unknown; explain?: unknown }>(where, options)
    if (given.let !== undefined) throw unsupported(where, 'let', 'write the values into the pipeline')
    if (given.explain !== undefined) throw unsupported(where, 'explain', 'use explain() of the cursor')
    const batch = countOf(where, 'option batchSize', given.batchSize)
    return new AggregationCursor<T>(source, stagesOf(where, pipeline), {
      batch, signal: given.signal, maxTimeMS: given.maxTimeMS ?? 0, hint: hintOf(where, given.hint)
    })
  }

  private constructor(source: CursorSource, pipeline: Document[], settings: Settings) {
    this.#source = source
    this.#pipeline = pipeline
    this.#settings = settings
  }

  /** The stages. */
  get pipeline(): readonly Document[] {
    return this.#pipeline
  }

  /** Whether the cursor was closed or read to its end. */
  get closed(): boolean {
    return this.#closed || (this.#exhausted && this.bufferedCount() === 0)
  }

  /** Adds a stage. */
  addStage<R = any>(stage: Document): AggregationCursor<R> {
    this.#configure('addStage')
    checkFields(this.#where('addStage'), 'stage', stage)
    this.#pipeline.push(stage)
    return this as unknown as AggregationCursor<R>
  }

  /** Adds a `$match` stage. */
  match(filter: Document): this {
    return this.#add('match', filter)
  }

  /** Adds a `$project` stage. */
  project<R = any>(fields: Document): AggregationCursor<R> {
    return this.#add('project', fields) as unknown as AggregationCursor<R>
  }

  /** Adds a `$group` stage. */
  group<R = any>(fields: Document): AggregationCursor<R> {
    return this.#add('group', fields) as unknown as AggregationCursor<R>
  }

  /** Adds a `$sort` stage. */
  sort(order: Document): this {
    return this.#add('sort', order)
  }

  /** Adds a `$limit` stage. */
  limit(count: number): this {
    return this.#add('limit', count)
  }

  /** Adds a `$skip` stage. */
  skip(count: number): this {
    return this.#add('skip', count)
  }

  /** Adds an `$unwind` stage. */
  unwind<R = any>(path: Document | string): AggregationCursor<R> {
    return this.#add('unwind', path) as unknown as AggregationCursor<R>
  }

  /** Adds a `$lookup` stage. */
  lookup<R = any>(join: Document): AggregationCursor<R> {
    return this.#add('lookup', join) as unknown as AggregationCursor<R>
  }

  /** Adds an `$out` stage. */
  out(collection: Document | string): this {
    return this.#add('out', collection)
  }

  /** Milliseconds that running the pipeline may take; then the first read rejects with `TIMEOUT` (code 50). 0 for any. */
  maxTimeMS(value: number): this {
    this.#configure('maxTimeMS')
    this.#settings.maxTimeMS = countOf(this.#where('maxTimeMS'), 'value', value)
    return this
  }

  /** Sets how many documents cross into JavaScript at a time; 0 for the default. */
  batchSize(count: number): this {
    this.#configure('batchSize')
    this.#settings.batch = countOf(this.#where('batchSize'), 'count', count)
    return this
  }

  /** Gives each document to a function and yields what it returns, which must not be null. Several run one after the other. */
  map<R>(transform: (document: T) => R): AggregationCursor<R> {
    this.#configure('map')
    checkFunction(this.#where('map'), 'transform', transform)
    const before = this.#transform
    this.#transform = before ? (document) => transform(before(document) as T) : transform
    return this as unknown as AggregationCursor<R>
  }

  /** Resolves with the next document, or null at the end. */
  async next(): Promise<T | null> {
    const where = this.#where('next')
    this.#source.core.checkOpen(where)
    if (this.#killed) throw new MoltenError('CLOSED', `${where}: the cursor was closed; use rewind() or a new aggregate()`)
    while (this.#at === this.#documents.length) {
      if (this.#closed || !(await this.#fill(where))) return null
    }
    return this.#shape(where, this.#documents[this.#at++])
  }

  /** As `next`. */
  tryNext(): Promise<T | null> {
    return this.next()
  }

  /** Resolves with whether there is another document. */
  async hasNext(): Promise<boolean> {
    const where = this.#where('hasNext')
    this.#source.core.checkOpen(where)
    return !this.#closed && this.#fill(where)
  }

  /** Resolves with all documents that are left, and closes the cursor. */
  async toArray(): Promise<T[]> {
    const where = this.#where('toArray')
    this.#source.core.checkOpen(where)
    const all: T[] = []
    try {
      while (!this.#closed && (await this.#fill(where))) {
        while (this.#at < this.#documents.length) all.push(this.#shape(where, this.#documents[this.#at++]))
      }
    } finally {
      await this.close()
    }
    return all
  }

  /** Calls a function with each document, until it returns false; resolves at the end. */
  async forEach(iterator: (document: T) => boolean | void): Promise<void> {
    checkFunction(this.#where('forEach'), 'iterator', iterator)
    for await (const document of this) {
      if (iterator(document) === false) return
    }
  }

  /** Resolves with the plan of the pipeline and, unless `'queryPlanner'` is asked for, with what running it took. Nothing is written. */
  async explain(verbosity?: ExplainVerbosityLike): Promise<Document> {
    const where = this.#where('explain')
    const { core, collection } = this.#source
    core.checkOpen(where)
    const { signal, maxTimeMS } = this.#settings
    const request = explaining(where, core.name, { opcode: Opcode.Aggregate, flags: 0, body: this.#body(BATCH) }, verbosity)
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

  /** Starts over: the next read runs the pipeline again. */
  rewind(): void {
    this.#release().catch(() => {})
    this.#started = this.#exhausted = this.#closed = this.#killed = false
  }

  /** A cursor with the same stages and options that has not started; what `map` was given is left out. */
  clone(): AggregationCursor<T> {
    return new AggregationCursor<T>(this.#source, [...this.#pipeline], { ...this.#settings })
  }

  /** Ends the cursor and frees its view. Resolves at once when it has ended. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#killed = this.#fetcher?.isLive ?? false
    await this.#release()
  }

  /** The documents as a stream of objects. */
  stream(): Readable {
    return readableOf(this)
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
      await this.close()
    }
  }

  /** Closes at the end of an `await using`. */
  declare [Symbol.asyncDispose]: () => Promise<void>

  #where(method: string): string {
    return `${this.#source.collection}.aggregate().${method}`
  }

  #configure(method: string): void {
    if (this.#started || this.#closed) {
      throw new TypeError(`${this.#where(method)}: the cursor has started; add stages before the first read, or use clone()`)
    }
  }

  #add(stage: string, operand: unknown): this {
    this.#configure(stage)
    if (operand === undefined) throw wrongArgument(this.#where(stage), 'stage', `what $${stage} takes`, operand)
    this.#pipeline.push({ [`$${stage}`]: operand })
    return this
  }

  #shape(where: string, document: unknown): T {
    if (!this.#transform) return document as T
    const shaped = this.#transform(document)
    if (shaped === null) throw new TypeError(`${where}: the function given to map returned null, which means the end; return another value`)
    return shaped as T
  }

  /** Whether there is a document to read, after a fetch where it takes one. Reads that overlap share a fetch. */
  async #fill(where: string): Promise<boolean> {
    while (this.#at === this.#documents.length) {
      if (this.#exhausted || this.#closed) return false
      this.#fetching ??= this.#fetch(where).finally(() => (this.#fetching = undefined))
      await this.#fetching
    }
    return true
  }

  async #fetch(where: string): Promise<void> {
    const { core, collection } = this.#source
    core.checkOpen(where)
    const batch = this.#settings.batch || BATCH
    let fetcher = this.#fetcher
    let documents: unknown[]
    if (fetcher) {
      documents = await fetcher.more(where, batch)
    } else {
      fetcher = this.#fetcher = new Fetcher(core, collection, this.#settings.signal)
      this.#started = true
      abandoned.register(this, fetcher, fetcher)
      documents = await fetcher.openBy(where, Opcode.Aggregate, this.#body(batch), this.#settings.maxTimeMS)
    }
    // Closed or rewound while the answer was under way: what it brought belongs to nobody.
    if (this.#fetcher !== fetcher) return fetcher.close()
    this.#documents = documents
    this.#at = 0
    this.#exhausted = !fetcher.isLive
  }

  #body(batch: number): Request['body'] {
    return (out) => {
      encodeValue(out, this.#pipeline, 'pipeline')
      encodeValue(out, batch, 'document')
      encodeValue(out, this.#settings.hint, 'document')
    }
  }

  /** Lets go of the core's cursor and of what has crossed. */
  async #release(): Promise<void> {
    const fetcher = this.#fetcher
    this.#fetcher = undefined
    this.#documents = []
    this.#at = 0
    if (!fetcher) return
    abandoned.unregister(fetcher)
    try {
      await fetcher.close()
    } catch (error) {
      // A view that the end of the database freed needs no closing.
      if (!(error instanceof MoltenError) || error.kind !== 'CLOSED') throw error
    }
  }
}

disposeWith(AggregationCursor.prototype, function () {
  return this.close()
})

/** The stages of a pipeline, in a list of our own. */
function stagesOf(where: string, pipeline: unknown): Document[] {
  if (pipeline === undefined) return []
  if (!Array.isArray(pipeline)) throw wrongArgument(where, 'pipeline', 'an array of stages', pipeline)
  const stages = Array.from(pipeline as unknown[])
  stages.forEach((stage, n) => checkFields(where, `pipeline[${n}]`, stage))
  return stages as Document[]
}

function checkFunction(where: string, name: string, value: unknown): void {
  if (typeof value !== 'function') throw wrongArgument(where, name, 'a function', value)
}

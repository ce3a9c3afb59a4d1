// The cursor of an aggregation: stages can be added until the first read.

import { inspect, type InspectOptions } from 'node:util'

import { batchOf, checkFields, countOf, eachOf, flagOf, wrongArgument } from '../arguments/arguments.js'
import { hintOf } from '../arguments/hint.js'
import type { KeyPairs } from '../arguments/index-spec.js'
import { BATCH } from '../arguments/limits.js'
import { optionsOf } from '../arguments/option-check.js'
import { COLLECTION } from '../arguments/option-table.js'
import { encodeValue } from '../codec/encode.js'
import { scopeOfSession } from '../connection/session.js'
import { writeField } from '../request/bodies.js'
import { explaining } from '../request/explain.js'
import { diskFlagOf, variablesOf } from '../request/reads.js'
import type { Request, Variables } from '../request/request.js'
import { Flag, Opcode } from '../transport/opcodes.js'
import type { ExplainVerbosityLike } from '../types/documents.js'
import type { AggregateOptions, Document } from '../types/index.js'
import { AbstractCursor } from './abstract-cursor.js'
import { CursorBuffer, type CursorSource, type Reading } from './buffer.js'

interface Settings {
  batch: number
  signal: AbortSignal | undefined
  /** Milliseconds for the first batch, which runs the pipeline; 0 means no limit. */
  maxTimeMS: number
  hint: string | KeyPairs | null
  /** `Flag.NoDisk` with `allowDiskUse: false`. */
  flags: number
  variables: Variables | null
}

/** What a cursor runs. */
interface Run {
  readonly pipeline: Document[]
  readonly settings: Settings
}

function readingOf(source: CursorSource, run: Run): Reading {
  return {
    source,
    method: 'aggregate',
    first: 'add stages',
    settings: run.settings,
    largeBatch: BATCH,
    open: (remote, where, batch) => {
      const { flags, maxTimeMS, variables } = run.settings
      return remote.openBy(where, Opcode.Aggregate, flags, bodyOf(run, batch), maxTimeMS, variables)
    }
  }
}

function bodyOf({ pipeline, settings }: Run, batch: number): Request['body'] {
  return (out) => {
    encodeValue(out, pipeline, 'pipeline')
    writeField(out, batch)
    writeField(out, settings.hint)
  }
}

/**
 * A cursor over the results of a pipeline. The pipeline runs at the first read, on the state of that time. A pipeline that
 * ends in `$out` or `$merge` writes then, and has no results.
 *
 * Its methods reject with `BAD_QUERY` when a stage is malformed or an operator cannot take its operands, `LIMIT` when a
 * stage would hold too much memory, `NOT_SUPPORTED` for unsupported stages, and `CLOSED` when the database was closed.
 */
export class AggregationCursor<T = any> extends AbstractCursor<T> {
  readonly #buffer: CursorBuffer
  readonly #source: CursorSource
  readonly #run: Run

  /** @internal */
  static create<T>(source: CursorSource, pipeline: unknown, options: AggregateOptions | undefined): AggregationCursor<T> {
    const where = `${source.namespace.shown}.aggregate`
    const given = optionsOf<AggregateOptions>(where, options, COLLECTION.aggregate)
    const batch = batchOf(where, given.batchSize)
    const { signal, maxTimeMS = 0 } = given
    const flags = diskFlagOf(where, given.allowDiskUse) | (flagOf(where, 'bypassDocumentValidation', given.bypassDocumentValidation) ? Flag.UncheckedOut : 0)
    const settings = { batch, signal, maxTimeMS, hint: hintOf(where, given.hint), flags, variables: variablesOf(where, given) }
    const session = given.session ? scopeOfSession(where, given.session, source.connection) : source.session
    return new AggregationCursor<T>({ ...source, session }, { pipeline: stagesOf(where, pipeline), settings })
  }

  private constructor(source: CursorSource, run: Run) {
    const buffer = new CursorBuffer(readingOf(source, run))
    super(buffer)
    this.#buffer = buffer
    this.#source = source
    this.#run = run
  }

  /** The stages. */
  get pipeline(): readonly Document[] {
    return this.#run.pipeline
  }

  /** Adds a stage. */
  addStage<R = any>(stage: Document): AggregationCursor<R> {
    this.#configure('addStage')
    checkFields(this.#where('addStage'), 'stage', stage)
    this.#run.pipeline.push(stage)
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

  /**
   * The time limit of running the pipeline, in milliseconds; beyond it the first read rejects with `TIMEOUT` (code 50). 0
   * means no limit.
   */
  maxTimeMS(value: number): this {
    this.#configure('maxTimeMS')
    this.#run.settings.maxTimeMS = countOf(this.#where('maxTimeMS'), 'value', value)
    return this
  }

  /** Sets the batch size: how many documents are fetched at a time; 0 for the default. */
  batchSize(count: number): this {
    this.#configure('batchSize')
    this.#run.settings.batch = batchOf(this.#where('batchSize'), count, 'count')
    return this
  }

  /**
   * Applies a function to each document and yields its result, which must not be null. Several functions are applied in
   * order.
   */
  map<R>(transform: (document: T) => R): AggregationCursor<R> {
    this.#buffer.map(transform)
    return this as unknown as AggregationCursor<R>
  }

  /**
   * Resolves with the plan of the pipeline and, with verbosities other than `'queryPlanner'`, with its execution statistics.
   * Nothing is written.
   */
  async explain(verbosity?: ExplainVerbosityLike): Promise<Document> {
    const where = this.#where('explain')
    const { connection, namespace, session } = this.#source
    connection.checkOpen(where)
    const { flags, signal, maxTimeMS, variables } = this.#run.settings
    const operation = { opcode: Opcode.Aggregate, flags, variables, body: bodyOf(this.#run, BATCH) }
    const request = explaining(where, operation, verbosity)
    return connection.run(where, connection.collection(namespace.full, where), { ...request, session, signal, maxTimeMS: request.maxTimeMS ?? maxTimeMS })
  }

  /** A new cursor with the same stages and options, without the functions of `map`. */
  clone(): AggregationCursor<T> {
    return new AggregationCursor<T>(this.#source, { pipeline: [...this.#run.pipeline], settings: { ...this.#run.settings } })
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { namespace } = this.#source
    return `AggregationCursor ${inspect({ namespace: `${namespace}`, pipeline: this.pipeline, closed: this.closed }, options)}`
  }

  #where(method: string): string {
    return this.#buffer.where(method)
  }

  #configure(method: string): void {
    this.#buffer.configure(method)
  }

  #add(stage: string, operand: unknown): this {
    this.#configure(stage)
    if (operand === undefined) throw wrongArgument(this.#where(stage), 'stage', `what $${stage} takes`, operand)
    this.#run.pipeline.push({ [`$${stage}`]: operand })
    return this
  }
}

/** The stages of a pipeline, in a new array. */
function stagesOf(where: string, pipeline: unknown): Document[] {
  if (pipeline === undefined) return []
  if (!Array.isArray(pipeline)) throw wrongArgument(where, 'pipeline', 'an array of stages', pipeline)
  const stages: Document[] = []
  eachOf<unknown>(pipeline, (stage, n) => {
    checkFields(where, `pipeline[${n}]`, stage)
    stages.push(stage)
  })
  return stages
}

/** The cursor of a pipeline, which is checked. */
export function aggregationOf<T>(source: CursorSource, pipeline: unknown, options: AggregateOptions | undefined): AggregationCursor<T> {
  return AggregationCursor.create<T>(source, pipeline, options)
}

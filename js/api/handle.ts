// What all methods of a collection share: its state on the port, and how an operation is checked, encoded and run.

import { checkId, flagOf } from '../arguments/arguments.js'
import { HOT_MANY } from '../arguments/limits.js'
import type { Namespace } from '../arguments/namespace.js'
import { pkOf } from '../arguments/opening/settings.js'
import { notInTransaction, optionsOf } from '../arguments/option-check.js'
import { COLLECTION } from '../arguments/option-table.js'
import { encodeDocument, encodeId, encodeValue } from '../codec/encode.js'
import type { PortShapes } from '../codec/shapes.js'
import type { Writer } from '../codec/writer.js'
import type { CollectionState } from '../connection/collection-state.js'
import type { Connection } from '../connection/connection.js'
import { named } from '../connection/failures.js'
import { scopeOfSession } from '../connection/session.js'
import { sameId } from '../ids/equality.js'
import { writeArrayHead, writeField } from '../request/bodies.js'
import { explained } from '../request/explain.js'
import { getRequest } from '../request/reads.js'
import type { Request, Scope } from '../request/request.js'
import type { DocumentWriter } from '../request/writes.js'
import { MUST_WAIT } from '../transport/point-reads.js'
import type { ClientSession, CollectionOptions, Document, ExplainOptions, InsertOneOptions, OperationOptions, SetOptions } from '../types/index.js'

/** How a collection creates and stores documents. */
export interface CollectionSettings {
  createPk: () => unknown
  ignoreUndefined: boolean
  forceServerObjectId: boolean
}

/** These options, and otherwise what holds for the database. */
export function collectionSettings(where: string, given: CollectionOptions, defaults: CollectionSettings): CollectionSettings {
  return {
    createPk: given.pkFactory ? pkOf(given.pkFactory, where) : defaults.createPk,
    ignoreUndefined: flagOf(where, 'ignoreUndefined', given.ignoreUndefined ?? defaults.ignoreUndefined),
    forceServerObjectId: flagOf(where, 'forceServerObjectId', given.forceServerObjectId ?? defaults.forceServerObjectId)
  }
}

/** The internals of a collection. */
export class Handle {
  #state: CollectionState | undefined
  /** The collection in messages. */
  readonly name: string

  constructor(
    readonly connection: Connection,
    readonly namespace: Namespace,
    readonly settings: CollectionSettings,
    /** The transaction whose collection this is. */
    readonly scope?: Scope | undefined
  ) {
    this.name = namespace.shown
  }

  target(where: string): CollectionState {
    return (this.#state ??= this.connection.collection(this.namespace.full, where))
  }

  /** Checks, builds and appends an operation. Every failure is a rejection. */
  run<R, O extends OperationOptions>(
    method: keyof typeof COLLECTION, options: O | undefined, build: (where: string, options: Partial<O>) => Request<R>
  ): Promise<R> {
    const where = `${this.name}.${method}`
    try {
      this.connection.checkOpen(where)
      const given = optionsOf<O>(where, options, COLLECTION[method])
      const built = build(where, given)
      const { explain } = given as ExplainOptions
      const request = explain === undefined || explain === null ? built : explained(where, built, explain)
      request.signal = given.signal
      request.session = this.scopeOf(where, given)
      request.maxTimeMS ??= given.maxTimeMS
      return this.connection.run(where, this.target(where), request)
    } catch (error) {
      return Promise.reject(named(where, error))
    }
  }

  /** Checks the options of a method that is no operation by itself, and cannot be part of a transaction. */
  checked<O extends OperationOptions>(method: keyof typeof COLLECTION, options: O | undefined): { where: string; given: Partial<O> } {
    const where = `${this.name}.${method}`
    this.connection.checkOpen(where)
    if (this.scope) throw notInTransaction(where)
    return { where, given: optionsOf<O>(where, options, COLLECTION[method]) }
  }

  /** The session, or the transaction, that a call belongs to. */
  scopeOf(where: string, { session }: { session?: ClientSession | null | undefined }): Scope | undefined {
    if (session === undefined || session === null) return this.scope
    return scopeOfSession(where, session, this.connection)
  }

  /** Checks and builds a write, and blocks until it is done. A signal cannot abort meanwhile. */
  runSync<R, O extends OperationOptions>(method: keyof typeof COLLECTION, options: O | undefined, build: (where: string, options: Partial<O>) => Request<R>): R {
    const where = `${this.name}.${method}`
    this.connection.checkOpen(where)
    const given = optionsOf<O>(where, options, COLLECTION[method])
    const request = build(where, given)
    this.#checkSync(where)
    given.signal?.throwIfAborted()
    request.session = this.scope
    request.maxTimeMS ??= given.maxTimeMS
    return this.connection.callInTurn(where, this.target(where), request)
  }

  /** Runs a read on this thread. A signal cannot abort meanwhile. */
  call<R>(where: string, request: Request<R>, given?: OperationOptions): R {
    this.connection.checkOpen(where)
    this.#checkSync(where)
    given?.signal?.throwIfAborted()
    request.session = this.scope
    request.maxTimeMS ??= given?.maxTimeMS
    return this.connection.call(where, this.target(where), request)
  }

  /** Refuses what blocks in a transaction whose function is asynchronous. */
  #checkSync(where: string): void {
    if (this.scope && !this.scope.isSync) throw notInTransaction(where)
  }

  /** The document with this `_id`, or null, read on this thread; `MUST_WAIT` where it is not in memory. */
  getHot(method: string, id: unknown): unknown {
    if (this.scope) return this.#inScope(method)
    try {
      const target = this.#readable(method, id)
      return this.connection.readsDirectly ? this.connection.port.reads.get(target, id) : MUST_WAIT
    } catch (error) {
      throw named(`${this.name}.${method}`, error)
    }
  }

  /**
   * Whether there is a document with this `_id`, looked up on this thread; `MUST_WAIT` where that needs a read from disk.
   */
  hasHot(method: string, id: unknown): boolean | typeof MUST_WAIT {
    if (this.scope) return this.#inScope(method)
    try {
      const target = this.#readable(method, id)
      return this.connection.readsDirectly ? this.connection.port.reads.has(target, id) : MUST_WAIT
    } catch (error) {
      throw named(`${this.name}.${method}`, error)
    }
  }

  /** What a transaction sees is not read here. */
  #inScope(method: string): typeof MUST_WAIT {
    this.#checkSync(`${this.name}.${method}`)
    return MUST_WAIT
  }

  /** The checks of every read by `_id`. */
  #readable(method: string, id: unknown): CollectionState {
    if (!this.connection.isOpen) throw this.connection.closedError(`${this.name}.${method}`)
    if (typeof id !== 'string') checkId(`${this.name}.${method}`, id)
    return this.#state ?? this.target(`${this.name}.${method}`)
  }

  getOne<D>(method: 'get' | 'findOne', id: unknown): Promise<D | null> {
    const { connection } = this
    if (this.scope) {
      return this.run<D | null, OperationOptions>(method, undefined, (where) => {
        checkId(where, id)
        return getRequest<D>(id, false) as Request<D | null>
      })
    }
    const { reads } = connection.port
    try {
      if (connection.readsDirectly && reads.isLate(id)) return connection.readLater(this.#readable(method, id), id) as Promise<D | null>
      const answer = this.getHot(method, id)
      if (answer !== MUST_WAIT) return reads.settled(answer as D | null)
      const where = `${this.name}.${method}`
      return connection.run(where, this.target(where), getRequest<D>(id, false) as Request<D | null>)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** All documents, if they are all in memory. */
  getManyHot<D>(ids: unknown): Promise<(D | null)[]> | undefined {
    if (this.scope || !this.connection.readsDirectly || !Array.isArray(ids) || ids.length === 0 || ids.length > HOT_MANY) return undefined
    const where = `${this.name}.getMany`
    try {
      const all: readonly unknown[] = [...ids]
      const target = this.#readable('getMany', '')
      for (let i = 0; i < all.length; i++) {
        // The place text is made only where it may be needed: making it takes longer than the read.
        if (typeof all[i] !== 'string') checkId(where, all[i], `ids[${i}]`)
      }
      const { reads } = this.connection.port
      const documents = reads.many(target, all)
      return documents === MUST_WAIT ? undefined : reads.settled(documents as (D | null)[])
    } catch (error) {
      return Promise.reject(named(where, error))
    }
  }

  encoding(where: string, options: { ignoreUndefined?: boolean }): { ignoreUndefined: boolean } {
    const { ignoreUndefined } = options
    if (ignoreUndefined === undefined) return this.settings
    return { ignoreUndefined: flagOf(where, 'ignoreUndefined', ignoreUndefined) }
  }

  writeEntry(
    out: Writer, shapes: PortShapes, where: string, options: SetOptions, id: unknown, document: object, ifVersion: number | undefined
  ): void {
    const own = Object.hasOwn(document, '_id') ? (document as Document)._id : undefined
    if (own !== undefined && own !== null && !sameId(own, id)) {
      throw new TypeError(`${where}: document has another _id than the id that was given; leave it out or make them equal`)
    }
    writeArrayHead(out, 2)
    encodeDocument(out, shapes, document, this.encoding(where, options), id)
    writeField(out, ifVersion ?? null)
  }

  /** How the writes of one call write documents. */
  documentWriter(where: string, given: InsertOneOptions): DocumentWriter {
    return new CallWriter(this, where, given)
  }

  writeUpsertId(out: Writer, upsert: boolean, filter: unknown): void {
    if (!upsert) return writeField(out, null)
    // The document that is inserted has the filter's own `_id`: none has to be made.
    const own = typeof filter === 'object' && filter !== null && Object.hasOwn(filter, '_id') ? (filter as Document)._id : undefined
    encodeId(out, typeof own === 'string' ? own : this.settings.createPk())
  }
}

/** How the writes of one call write documents. */
class CallWriter implements DocumentWriter {
  readonly #encoding: { ignoreUndefined: boolean }
  /** Whether a created `_id` is set on the document. */
  readonly #setsId: boolean

  constructor(
    private readonly handle: Handle,
    where: string,
    given: InsertOneOptions
  ) {
    const { settings } = handle
    this.#encoding = handle.encoding(where, given)
    this.#setsId = !flagOf(where, 'forceServerObjectId', given.forceServerObjectId ?? settings.forceServerObjectId)
  }

  writeNew(out: Writer, shapes: PortShapes, document: object): unknown {
    const own = Object.hasOwn(document, '_id') ? (document as Document)._id : undefined
    const id = own ?? this.handle.settings.createPk()
    encodeDocument(out, shapes, document, this.#encoding, id)
    if ((own === undefined || own === null) && this.#setsId) setId(document, id)
    return id
  }

  writeReplacement(out: Writer, shapes: PortShapes, document: object): void {
    encodeDocument(out, shapes, document, this.#encoding)
  }

  writeUpdate(out: Writer, update: unknown): void {
    encodeValue(out, update, 'update', this.#encoding)
  }

  writeUpsertId(out: Writer, upsert: boolean, filter: unknown): void {
    this.handle.writeUpsertId(out, upsert, filter)
  }
}

/** Sets a created `_id`. A frozen object cannot be changed; the result has the `_id` in any case. */
function setId(document: object, id: unknown): void {
  // Reflect.set takes longer than encoding a small document.
  if (Object.getPrototypeOf(document) === Object.prototype && Object.isExtensible(document) && !Object.hasOwn(document, '_id')) {
    ;(document as Document)._id = id
  } else {
    Reflect.set(document, '_id', id)
  }
}

// What the methods of a collection are made of: its state on the port, and how an operation is checked, built and run.

import { checkId, flagOf, optionsOf } from './arguments.js'
import { MUST_WAIT, Verb } from './batch.js'
import { writeArrayHead } from './bodies.js'
import { type CollectionState, type Core, named, type Request } from './core.js'
import type { Database } from './database.js'
import { encodeDocument, encodeId, encodeValue } from './encode.js'
import { explained } from './explain.js'
import { sameId } from './identity.js'
import { getRequest } from './requests.js'
import type { PortShapes } from './shapes.js'
import type { Document, ExplainOptions, InsertOneOptions, OperationOptions, SetOptions } from './types.js'
import type { Writer } from './writer.js'
import type { WriteHelp } from './writes.js'

/** How a collection makes and stores documents. */
export interface CollectionSettings {
  createPk: () => unknown
  ignoreUndefined: boolean
  forceServerObjectId: boolean
}

/** A collection behind its public face. */
export class Handle {
  #state: CollectionState | undefined

  constructor(
    readonly database: Database,
    readonly core: Core,
    readonly name: string,
    readonly settings: CollectionSettings
  ) {}

  target(where: string): CollectionState {
    return (this.#state ??= this.core.collection(this.name, where))
  }

  /** Checks, builds and appends an operation; whatever goes wrong is a rejection. */
  run<R, O extends OperationOptions>(
    method: string, options: O | undefined, build: (where: string, options: Partial<O>) => Request<R>
  ): Promise<R> {
    const where = `${this.name}.${method}`
    try {
      this.core.checkOpen(where)
      const given = optionsOf<O>(where, options)
      const request = explained(where, this.core.name, build(where, given), given as ExplainOptions)
      request.signal = given.signal
      request.maxTimeMS ??= given.maxTimeMS
      return this.core.run(where, this.target(where), request)
    } catch (error) {
      return Promise.reject(named(where, error))
    }
  }

  call<R>(where: string, request: Request<R>, signal?: AbortSignal): R {
    this.core.checkOpen(where)
    signal?.throwIfAborted()
    return this.core.call(where, this.target(where), request)
  }

  /** A point read where the document is in memory, without leaving this thread. */
  attempt(where: string, verb: number, id: unknown): unknown {
    this.core.checkOpen(where)
    checkId(where, id)
    try {
      return this.core.port.attempt(this.target(where), verb, (out) => encodeId(out, id))
    } catch (error) {
      throw named(where, error)
    }
  }

  getOne<D>(method: string, id: unknown): Promise<D | null> {
    const where = `${this.name}.${method}`
    try {
      const answer = this.attempt(where, Verb.Get, id)
      if (answer !== MUST_WAIT) return this.core.port.settled(answer as D | null)
      return this.core.run(where, this.target(where), getRequest<D>(id, false) as Request<D | null>)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  encoding(where: string, options: { ignoreUndefined?: boolean }): { ignoreUndefined: boolean } {
    const { ignoreUndefined } = options
    if (ignoreUndefined === undefined) return this.settings
    return { ignoreUndefined: flagOf(where, 'ignoreUndefined', ignoreUndefined) }
  }

  /** Writes a document to insert, making its `_id` where it has none; answers the `_id`. */
  writeNew(out: Writer, shapes: PortShapes, document: object, options: InsertOneOptions): unknown {
    const own = Object.hasOwn(document, '_id') ? (document as Document)._id : undefined
    const id = own ?? this.settings.createPk()
    encodeDocument(out, shapes, document, this.encoding(`${this.name}.insert`, options), id)
    if (own === undefined || own === null) {
      // A frozen object keeps none; the result names the `_id` all the same.
      if (!(options.forceServerObjectId ?? this.settings.forceServerObjectId)) Reflect.set(document, '_id', id)
    }
    return id
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
    encodeValue(out, ifVersion ?? null, 'document')
  }

  /** What writes of documents need of this collection. */
  help(where: string, given: InsertOneOptions): WriteHelp {
    return {
      writeNew: (out, shapes, document) => this.writeNew(out, shapes, document, given),
      writeReplacement: (out, shapes, document) => encodeDocument(out, shapes, document, this.encoding(where, given)),
      writeUpsertId: (out, upsert) => this.writeUpsertId(out, upsert)
    }
  }

  writeUpsertId(out: Writer, upsert: boolean): void {
    if (upsert) encodeId(out, this.settings.createPk())
    else encodeValue(out, null, 'document')
  }
}

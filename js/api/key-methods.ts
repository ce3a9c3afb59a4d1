// Methods that read and write documents by `_id`, with versions; includes the reads on the calling thread.

import { checkFields, checkId, eachOf, flagOf, isFields, versionOf, wrongArgument } from '../arguments/arguments.js'
import { checkNames, optionsOf } from '../arguments/option-check.js'
import { COLLECTION, PARTS } from '../arguments/option-table.js'
import { encodeId } from '../codec/encode.js'
import { writeArrayHead } from '../request/bodies.js'
import { getRequest, hasRequest } from '../request/reads.js'
import { bodyOf, type Elements } from '../request/request.js'
import { EncodingLimits } from '../request/time-limit.js'
import { Opcode } from '../transport/opcodes.js'
import { MUST_WAIT } from '../transport/point-reads.js'
import type {
  Document, GetOptions, InferId, OperationOptions, OptionalId, SetEntry, SetManyOptions, SetOptions, Versioned, VersionOptions, WithId
} from '../types/index.js'
import type { Handle } from './handle.js'
import { checkEntry, deleteIdOf, setOf } from './write-requests.js'

/** The methods that address documents by their `_id`. */
export class CollectionKeyMethods<T extends Document = Document> {
  readonly #handle: Handle
  /** The name of the collection. */
  readonly collectionName: string

  /** @internal */
  protected constructor(handle: Handle) {
    this.#handle = handle
    this.collectionName = handle.namespace.collection
  }

  /** Resolves with the document that has this `_id`, or null; with `meta`, also with its version and times. */
  get(id: InferId<T>, options: GetOptions & { meta: true }): Promise<Versioned<WithId<T>> | null>
  get(id: InferId<T>, options?: GetOptions & { meta?: false }): Promise<WithId<T> | null>
  get(id: InferId<T>, options?: GetOptions): Promise<WithId<T> | Versioned<WithId<T>> | null> {
    if (options === undefined) return this.#handle.getOne('get', id)
    return this.#handle.run<WithId<T> | Versioned<WithId<T>> | null, GetOptions>('get', options, (where, given) => {
      checkId(where, id)
      return getRequest<WithId<T>>(id, flagOf(where, 'meta', given.meta))
    })
  }

  /** Resolves with the documents that have these `_id`s, in their order, null for each that is missing, all as of one moment. */
  getMany(ids: readonly InferId<T>[], options?: OperationOptions): Promise<(WithId<T> | null)[]> {
    const hot = options === undefined ? this.#handle.getManyHot<WithId<T>>(ids) : undefined
    if (hot) return hot
    return this.#handle.run('getMany', options, (where) => {
      if (!Array.isArray(ids)) throw wrongArgument(where, 'ids', 'an array', ids)
      eachOf(ids, (id, i) => checkId(where, id, `ids[${i}]`))
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
    if (options === undefined && !this.#handle.scope) {
      try {
        const answer = this.#handle.hasHot('has', id)
        if (answer !== MUST_WAIT) return this.#handle.connection.port.reads.settled(answer as boolean)
      } catch (error) {
        return Promise.reject(error)
      }
    }
    return this.#handle.run('has', options, (where) => {
      checkId(where, id)
      return hasRequest(id)
    })
  }

  /**
   * Inserts the document under this `_id`, or replaces the existing one. Resolves with its new version. The given object is
   * not changed.
   *
   * Rejects with `CONFLICT` when the version is not `ifVersion`, with a TypeError when the document has another `_id`.
   */
  set(id: InferId<T>, document: OptionalId<T>, options?: SetOptions): Promise<number> {
    return this.#handle.run('set', options, setOf(this.#handle, id, document))
  }

  /**
   * Sets many documents, all or none: `[id, document]` pairs, such as a Map's, or `[id, document, { ifVersion }]`. Resolves
   * with their new versions, in the same order. More than 1,000 documents are encoded while the event loop turns: do not change them before the
   * promise has settled.
   *
   * Rejects with `CONFLICT` when a version differs from its `ifVersion`; nothing is written then.
   */
  setMany(entries: Iterable<SetEntry<T>>, options?: SetManyOptions): Promise<number[]> {
    return this.#handle.run('setMany', options, (where, given) => {
      const limits = new EncodingLimits(where, given)
      const list: SetEntry<T>[] = []
      const versions: (number | undefined)[] = []
      if (typeof entries !== 'object' || entries === null || typeof entries[Symbol.iterator] !== 'function') {
        throw wrongArgument(where, 'entries', 'a list of [id, document] pairs or a Map', entries)
      }
      for (const entry of entries) {
        const i = list.length
        if (!Array.isArray(entry)) throw wrongArgument(where, `entries[${i}]`, '[id, document]', entry)
        const [id, document, own] = entry as SetEntry<T>
        // The place text is made only where it may be needed: making it takes longer than the checks.
        if (typeof id !== 'string' || !isFields(document)) checkEntry(`${where}: entry ${i}`, id, document)
        list.push([id, document])
        versions.push(own === undefined || own === null ? undefined : entryVersion(`${where}: entry ${i}`, own))
      }
      const elements: Elements = {
        count: list.length,
        write: (out, shapes, i) => {
          limits.next(out)
          const [id, document] = list[i]!
          this.#handle.writeEntry(out, shapes, where, given, id, document, versions[i])
        }
      }
      return {
        opcode: Opcode.Set,
        flags: 0,
        body: bodyOf(elements),
        elements,
        finish: (answer: number[]) => answer
      }
    })
  }

  /** Deletes the document with this `_id`; resolves with whether there was one. Rejects with `CONFLICT` when its version is not `ifVersion`. */
  delete(id: InferId<T>, options?: VersionOptions): Promise<boolean> {
    return this.#handle.run('delete', options, deleteIdOf(id))
  }

  /**
   * The document that has this `_id`, or null, read on this thread: immediately from memory, or by a blocking read of the
   * file. Writes that were not awaited may not be visible yet.
   *
   * Throws what `get` would reject with.
   */
  getSync(id: InferId<T>, options: GetOptions & { meta: true }): Versioned<WithId<T>> | null
  getSync(id: InferId<T>, options?: GetOptions & { meta?: false }): WithId<T> | null
  getSync(id: InferId<T>, options?: GetOptions): WithId<T> | Versioned<WithId<T>> | null {
    if (options === undefined) {
      const answer = this.#handle.getHot('getSync', id)
      if (answer !== MUST_WAIT) return answer as WithId<T> | null
    }
    const where = `${this.#handle.name}.getSync`
    const given = optionsOf<GetOptions>(where, options, COLLECTION.getSync)
    checkId(where, id)
    const meta = flagOf(where, 'meta', given.meta)
    return this.#handle.call(where, getRequest<WithId<T>>(id, meta), given)
  }

  /** Whether there is a document with this `_id`, read on this thread like `getSync`. */
  hasSync(id: InferId<T>, options?: OperationOptions): boolean {
    if (options === undefined) {
      const answer = this.#handle.hasHot('hasSync', id)
      if (answer !== MUST_WAIT) return answer as boolean
    }
    const where = `${this.#handle.name}.hasSync`
    const given = optionsOf<OperationOptions>(where, options, COLLECTION.hasSync)
    checkId(where, id)
    return this.#handle.call(where, hasRequest(id), given)
  }
}

/** The version that an entry of `setMany` requires. */
function entryVersion(where: string, options: unknown): number | undefined {
  checkFields(where, 'options', options)
  checkNames(where, options, PARTS['an entry of setMany'])
  return versionOf(where, options['ifVersion'])
}

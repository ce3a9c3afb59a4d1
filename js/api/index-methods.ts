// Index methods: creating, dropping and listing indexes; and the statistics of a collection.

import { eachOf, flagOf, wrongArgument } from '../arguments/arguments.js'
import { hintOf } from '../arguments/hint.js'
import { type SpecBody, specOf, specsOf } from '../arguments/index-spec.js'
import { optionsOf, refuseCollation } from '../arguments/option-check.js'
import { COLLECTION } from '../arguments/option-table.js'
import { encodeValue } from '../codec/encode.js'
import { type ListCursor, listCursorOf } from '../cursor/list-cursor.js'
import { CODES, MoltenError } from '../errors.js'
import { writeArrayHead } from '../request/bodies.js'
import { type ListedCollection, listing } from '../request/reads.js'
import type { Request } from '../request/request.js'
import { Opcode } from '../transport/opcodes.js'
import type { Document, LongOperationOptions, OperationOptions } from '../types/index.js'
import type {
  CollectionStats, CreateIndexesOptions, DropIndexResult, IndexDescription, IndexDescriptionCompact, IndexDescriptionInfo,
  IndexInformationOptions, IndexSpecification, IndexSpecificationOf, ListIndexesOptions
} from '../types/indexes.js'
import type { Handle } from './handle.js'
import { CollectionReadMethods } from './read-methods.js'

/** The methods for indexes. */
export class CollectionIndexMethods<T extends Document = Document> extends CollectionReadMethods<T> {
  readonly #handle: Handle

  /** @internal */
  protected constructor(handle: Handle) {
    super(handle)
    this.#handle = handle
  }

  /**
   * Creates an index, and the collection if it is missing, while reads and writes continue. Resolves with its name when
   * queries may use it. An existing index of the same form is left as it is.
   *
   * Rejects with `DUPLICATE_KEY` when documents have the same values and the index is `unique`, `BAD_DOCUMENT` when a
   * document has arrays in two of its fields, `BAD_QUERY` when the index is malformed or another index has its name (code
   * 86) or its fields (code 85), and `NOT_SUPPORTED` for text, hashed, geographic and wildcard indexes. Then no index is
   * created.
   */
  createIndex(indexSpec: IndexSpecificationOf<T>, options?: CreateIndexesOptions): Promise<string> {
    return this.#handle.run<string, CreateIndexesOptions>('createIndex', options, (where, given) => {
      const spec = specOf(where, indexSpec, given)
      return createRequest([spec], given.onProgress, (names) => names[0]!)
    })
  }

  /** Creates several indexes, all or none; resolves with their names. Otherwise like `createIndex`. */
  createIndexes(indexSpecs: readonly IndexDescription[], options?: LongOperationOptions): Promise<string[]> {
    return this.#handle.run<string[], LongOperationOptions>('createIndexes', options, (where, given) => {
      refuseCollation(where, given, 'give it to each index')
      return createRequest(specsOf(where, indexSpecs), given.onProgress, (names) => names)
    })
  }

  /**
   * Drops an index, by its name or by its fields. Rejects with `BAD_QUERY` when there is no such index (code 27), and for
   * the index on `_id`, which cannot be dropped (code 72).
   */
  dropIndex(index: string | IndexSpecification, options?: OperationOptions): Promise<DropIndexResult> {
    return this.#handle.run<DropIndexResult, OperationOptions>('dropIndex', options, (where) => {
      const key = hintOf(where, index, 'index')
      if (key === null) throw wrongArgument(where, 'index', 'the name of an index, or its fields', index)
      return dropRequest(key, (nIndexesWas) => ({ nIndexesWas, ok: 1 }))
    })
  }

  /** Drops all indexes except the one on `_id`. Resolves with true, or with false when the collection does not exist. */
  async dropIndexes(options?: OperationOptions): Promise<boolean> {
    try {
      return await this.#handle.run<boolean, OperationOptions>('dropIndexes', options, () => dropRequest('*', () => true))
    } catch (error) {
      if (error instanceof MoltenError && error.code === CODES.NamespaceNotFound) return false
      throw error
    }
  }

  /** A cursor over the indexes, the one on `_id` first; empty when the collection does not exist. */
  listIndexes(options?: ListIndexesOptions): ListCursor<IndexDescriptionInfo> {
    const handle = this.#handle
    const where = `${this.#handle.name}.listIndexes`
    const given = optionsOf<ListIndexesOptions>(where, options, COLLECTION.listIndexes)
    const { signal, maxTimeMS } = given
    const session = handle.scopeOf(where, given)
    return listCursorOf<IndexDescriptionInfo>({
      where,
      checkOpen: (at) => handle.connection.checkOpen(at),
      read: (at) => handle.connection.run(at, handle.target(at), { ...listRequest, session, signal, maxTimeMS })
    })
  }

  /** Resolves with the descriptions of `listIndexes`; with `full: false`, with names and fields as `indexInformation` does. */
  indexes(options: IndexInformationOptions & { full: false }): Promise<IndexDescriptionCompact>
  indexes(options?: IndexInformationOptions & { full?: true }): Promise<IndexDescriptionInfo[]>
  indexes(options?: IndexInformationOptions): Promise<IndexDescriptionInfo[] | IndexDescriptionCompact> {
    return this.#information('indexes', options, true)
  }

  /** Resolves with names and fields: `{ city_1: [['city', 1]] }`; with `full`, with the descriptions of `listIndexes`. */
  indexInformation(options: IndexInformationOptions & { full: true }): Promise<IndexDescriptionInfo[]>
  indexInformation(options?: IndexInformationOptions & { full?: false }): Promise<IndexDescriptionCompact>
  indexInformation(options?: IndexInformationOptions): Promise<IndexDescriptionInfo[] | IndexDescriptionCompact> {
    return this.#information('indexInformation', options, false)
  }

  /** Resolves with whether there is an index of this name, or of each of these names. */
  indexExists(indexes: string | readonly string[], options?: ListIndexesOptions): Promise<boolean> {
    return this.#handle.run<boolean, ListIndexesOptions>('indexExists', options, (where) => {
      const names: string[] = []
      eachOf<unknown>(Array.isArray(indexes) ? indexes : [indexes], (name) => {
        if (typeof name !== 'string') throw wrongArgument(where, 'indexes', 'a name or an array of names', name)
        names.push(name)
      })
      const finish = (rows: IndexDescriptionInfo[]) => names.every((name) => rows.some((row) => row.name === name))
      return { ...listRequest, finish }
    })
  }

  /** Resolves with statistics of the collection: documents, bytes, indexes, and the indexes that scans of it would have used. */
  stats(options?: OperationOptions): Promise<CollectionStats> {
    return this.#handle.run<CollectionStats, OperationOptions>('stats', options, () => ({
      opcode: Opcode.Stats,
      flags: 0,
      body: () => {},
      finish: (stats: Omit<CollectionStats, 'ns' | 'ok'>) => ({ ns: `${this.#handle.namespace}`, ...stats, ok: 1 })
    }))
  }

  /** Resolves with the options that the collection was created with; with none if it does not exist. */
  options(options?: OperationOptions): Promise<Document> {
    return this.#handle.run<Document, OperationOptions>('options', options, () => {
      const { opcode, flags, body } = listing({ name: this.#handle.namespace.collection })
      return { opcode, flags, body, finish: (rows: ListedCollection[]) => rows[0]?.options ?? {} }
    })
  }

  /** Resolves with whether the collection is capped. */
  isCapped(options?: OperationOptions): Promise<boolean> {
    return this.#handle.run<boolean, OperationOptions>('isCapped', options, () => {
      const { opcode, flags, body } = listing({ name: this.#handle.namespace.collection })
      return { opcode, flags, body, finish: (rows: ListedCollection[]) => rows[0]?.options['capped'] === true }
    })
  }

  #information(method: 'indexes' | 'indexInformation', options: IndexInformationOptions | undefined, usual: boolean): Promise<any> {
    return this.#handle.run<any, IndexInformationOptions>(method, options, (where, given) => {
      const full = given.full === undefined ? usual : flagOf(where, 'full', given.full)
      return { ...listRequest, finish: (rows: IndexDescriptionInfo[]) => (full ? rows : compact(rows)) }
    })
  }
}

const listRequest: Request<IndexDescriptionInfo[]> = { opcode: Opcode.ListIndexes, flags: 0, body: () => {}, finish: (rows) => rows }

function createRequest<R>(specs: readonly SpecBody[], onProgress: LongOperationOptions['onProgress'], finish: (names: string[]) => R): Request<R> {
  return {
    opcode: Opcode.CreateIndexes,
    flags: 0,
    onProgress,
    body: (out) => {
      writeArrayHead(out, specs.length)
      for (const spec of specs) encodeValue(out, spec, 'filter')
    },
    finish
  }
}

function dropRequest<R>(index: unknown, finish: (count: number) => R): Request<R> {
  return { opcode: Opcode.DropIndex, flags: 0, body: (out) => encodeValue(out, index, 'filter'), finish }
}

function compact(rows: readonly IndexDescriptionInfo[]): IndexDescriptionCompact {
  return Object.fromEntries(rows.map(({ name, key }) => [name, Object.entries(key)]))
}

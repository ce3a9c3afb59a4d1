// The types of indexes, hints, explanations and listings, as the mongodb driver names them.

import type { Document } from './documents.js'
import type { IndexDirection } from './hints.js'
import type { OperationOptions } from './options.js'

/** The fields of an index, in order, in any form that the driver takes. */
export type IndexSpecification = OneOrMore<
  string | readonly [string, IndexDirection] | { readonly [path: string]: IndexDirection } | ReadonlyMap<string, IndexDirection>
>

type OneOrMore<T> = T | readonly T[]

/** Properties of an index. */
export interface IndexOptions {
  /** Its name; `city_1_age_-1` where it is absent. At most 127 bytes. */
  name?: string
  /** Refuses a second document with the same values. Default false. */
  unique?: boolean
  /** Has no entries for documents without its fields. Default false. */
  sparse?: boolean
  /** Has entries only for documents that match this filter. */
  partialFilterExpression?: Document
  /** Accepted for compatibility with MongoDB, without effect: every index is built while reads and writes go on. */
  background?: boolean
}

/** Options of `createIndex`. */
export interface CreateIndexesOptions extends IndexOptions, OperationOptions {}

/** An index for `createIndexes`. */
export interface IndexDescription extends IndexOptions {
  /** Its fields, in order. */
  key: { readonly [path: string]: IndexDirection } | ReadonlyMap<string, IndexDirection>
}

/** An index in a listing. */
export interface IndexDescriptionInfo {
  /** The version of its form; 2. */
  v: number
  /** Its fields, in order. */
  key: { [path: string]: 1 | -1 }
  name: string
  unique?: boolean
  sparse?: boolean
  partialFilterExpression?: Document
}

/** Names of indexes, and their fields in order. */
export interface IndexDescriptionCompact {
  [name: string]: [path: string, direction: 1 | -1][]
}

/** How `indexInformation` and `indexes` answer. */
export interface IndexInformationOptions extends OperationOptions {
  /** Answers the descriptions of `listIndexes` instead of names and fields. */
  full?: boolean
}

/** What `dropIndex` did. */
export interface DropIndexResult {
  /** Number of indexes before, that of `_id` included. */
  nIndexesWas: number
  ok: number
}

/** An index that would have served scans of this collection. */
export interface SuggestedIndex {
  /** The fields that it would have. */
  key: { [path: string]: 1 | -1 }
  /** The name that it would have. */
  name: string
  /** Scans that it would have served. */
  scans: number
}

/** Statistics of a collection. */
export interface CollectionStats {
  /** Database and collection, joined by a dot. */
  ns: string
  /** Documents in it. */
  count: number
  /** Bytes of its documents. */
  size: number
  /** Bytes of a document on average; absent where there is none. */
  avgObjSize?: number
  /** Indexes, that of `_id` included. */
  nindexes: number
  /** Bytes of each index in memory, by name. That of `_id` is the directory of the collection and not among them. */
  indexSizes: { [name: string]: number }
  /** Bytes of all of them. */
  totalIndexSize: number
  /** How often each index was chosen since the database was opened, by name. */
  indexUses: { [name: string]: number }
  /** Indexes that would have served costly scans; empty with `autoIndex: 'off'`. */
  suggestedIndexes: SuggestedIndex[]
  ok: number
}

/** Options of `listCollections`. */
export interface ListCollectionsOptions extends OperationOptions {
  /** Answers names and types only. Default false. */
  nameOnly?: boolean
  /** Accepted for compatibility with the mongodb driver, without effect: a listing is read in one piece. */
  batchSize?: number
}

/** Options of `listIndexes`. */
export interface ListIndexesOptions extends OperationOptions {
  /** Accepted for compatibility with the mongodb driver, without effect: a listing is read in one piece. */
  batchSize?: number
}

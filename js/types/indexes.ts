// The types of indexes, explain results and listings, as the mongodb driver names them.

import type { Document, IndexDirection } from './documents.js'
import type { CollationOptions, LongOperationOptions, OperationOptions } from './options.js'
import type { IsOpen } from './path-names.js'
import type { Path } from './paths.js'

/** The fields of an index, in order, in any form that the driver accepts. */
export type IndexSpecification = OneOrMore<
  string | readonly [string, IndexDirection] | { readonly [path: string]: IndexDirection } | ReadonlyMap<string, IndexDirection>
>

type OneOrMore<T> = T | readonly T[]

/** The fields of an index, where an object names fields of the documents. */
export type IndexSpecificationOf<T> = IsOpen<T> extends true
  ? IndexSpecification
  : OneOrMore<string | readonly [string, IndexDirection] | { readonly [P in Path<T>]?: IndexDirection } | ReadonlyMap<string, IndexDirection>>

/** Properties of an index. */
export interface IndexOptions {
  /** Its name; by default made of its fields, such as `city_1_age_-1`. At most 127 bytes. */
  name?: string
  /** Rejects a second document with the same values. Default false. */
  unique?: boolean
  /** Leaves out documents without its fields. Default false. */
  sparse?: boolean
  /** Holds only documents that match this filter. */
  partialFilterExpression?: Document
  /**
   * Makes it a TTL index, of one field: a document expires so many seconds after the date in that field, of several dates in an array the
   * earliest, and is deleted soon after (option `ttlInterval` of `Database.open`). 0 to 2,147,483,647.
   */
  expireAfterSeconds?: number
  /** Whether queries pass it over: it is kept up to date, and a unique one still rejects duplicates. Default false. */
  hidden?: boolean
  /**
   * How its strings compare, in queries with the same collation. A unique one takes strings that are equal under it for the same. Default:
   * that of the collection.
   */
  collation?: CollationOptions | null
  /** Accepted for compatibility with MongoDB, without effect: every index is built while reads and writes continue. */
  background?: boolean
}

/** Options of `createIndex`. */
export interface CreateIndexesOptions extends IndexOptions, LongOperationOptions {}

/** An index for `createIndexes`. */
export interface IndexDescription extends IndexOptions {
  /** Its fields, in order. */
  key: { readonly [path: string]: IndexDirection } | ReadonlyMap<string, IndexDirection>
}

/** An index in a listing. */
export interface IndexDescriptionInfo {
  /** The version of its format; 2. */
  v: number
  /** Its fields, in order. */
  key: { [path: string]: 1 | -1 }
  name: string
  unique?: boolean
  sparse?: boolean
  partialFilterExpression?: Document
  expireAfterSeconds?: number
  hidden?: boolean
  /** How its strings compare, with all fields; absent where that is by bytes. */
  collation?: Required<CollationOptions>
}

/** Names of indexes, and their fields in order. */
export interface IndexDescriptionCompact {
  [name: string]: [path: string, direction: 1 | -1][]
}

/** The form of the result of `indexInformation` and `indexes`. */
export interface IndexInformationOptions extends OperationOptions {
  /** Resolves with the descriptions of `listIndexes` instead of names and fields. */
  full?: boolean
}

/** What `dropIndex` did. */
export interface DropIndexResult {
  /** Number of indexes before, including the one on `_id`. */
  nIndexesWas: number
  ok: number
}

/** An index that would have helped scans of this collection. */
export interface SuggestedIndex {
  /** The fields that it would have. */
  key: { [path: string]: 1 | -1 }
  /** The name that it would have. */
  name: string
  /** Scans that it would have helped. */
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
  /** Average bytes of a document; absent when there are no documents. */
  avgObjSize?: number
  /** Whether it is capped; absent when it does not exist. */
  capped?: boolean
  /** The most documents of a capped collection, if that is limited. */
  max?: number
  /** The most bytes of a capped collection. */
  maxSize?: number
  /** Indexes, including the one on `_id`. */
  nindexes: number
  /** Bytes of each index in memory, by name. The index on `_id` is the directory of the collection and is not included. */
  indexSizes: { [name: string]: number }
  /** Bytes of all of them. */
  totalIndexSize: number
  /** How often each index was chosen since the database was opened, by name. */
  indexUses: { [name: string]: number }
  /** Indexes that would have helped costly scans; empty with `autoIndex: 'off'`. */
  suggestedIndexes: SuggestedIndex[]
  ok: number
}

/** Options of `listCollections`. */
export interface ListCollectionsOptions extends OperationOptions {
  /** Resolves with names and types only. Default false. */
  nameOnly?: boolean
  /** Accepted for compatibility with the mongodb driver, without effect: a listing is read in one piece. */
  batchSize?: number
}

/** Options of `listDatabases`. */
export interface ListDatabasesOptions extends OperationOptions {
  /** Which databases, by `name`, `sizeOnDisk` or `empty`. Default all. */
  filter?: Document
  /** Resolves with names only. Default false. */
  nameOnly?: boolean
}

/** What `listDatabases` resolves with. */
export interface ListDatabasesResult {
  databases: {
    name: string
    /** Bytes of its documents: the databases of a directory share their files. */
    sizeOnDisk: number
    /** Always false: a database exists as long as it has a collection. */
    empty: boolean
  }[]
  /** The sum of their sizes. */
  totalSize: number
  /** The same in MiB. */
  totalSizeMb: number
  ok: 1
}

/** Options of `listIndexes`. */
export interface ListIndexesOptions extends OperationOptions {
  /** Accepted for compatibility with the mongodb driver, without effect: a listing is read in one piece. */
  batchSize?: number
}

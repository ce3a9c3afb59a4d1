// Documents, the classes of values in them, and hints and verbosities, which every operation with a filter has.

/** Any object with fields. */
export interface Document {
  [key: string]: any
}

/** An ObjectId of this package, of bson, or of a copy of either. */
export interface ObjectIdLike {
  readonly _bsontype: string
  toHexString(): string
}

/** A class that makes ObjectIds from 12 bytes, such as bson's `ObjectId`. */
export type ObjectIdConstructor = new (bytes: any) => ObjectIdLike

/** Creates the `_id` of documents that have none. */
export interface PrimaryKeyFactory {
  /** A value that no other document of the collection has. */
  createPk(): unknown
}

/** Ascending or descending. MongoDB's other directions are refused with `NOT_SUPPORTED`. */
export type IndexDirection = 1 | -1 | '2d' | '2dsphere' | 'text' | 'geoHaystack' | 'hashed' | number

/**
 * The index to use: its name, or its fields as it was created with them. `{ $natural: 1 }` uses no index, `{ $natural: -1 }` uses no index
 * and, without a sort, reads from the last document to the first.
 */
export type Hint = string | { readonly [path: string]: IndexDirection } | ReadonlyMap<string, IndexDirection> | readonly (readonly [string, IndexDirection])[]

/** The option `hint`. */
export interface HintOptions {
  /** The index to use. Rejects with `BAD_QUERY` when there is no such index. */
  hint?: Hint
}

/** The verbosity of explain: the plan; also its execution statistics; also those of the rejected plans. */
export type ExplainVerbosity = 'queryPlanner' | 'queryPlannerExtended' | 'executionStats' | 'allPlansExecution'

/** The verbosity of explain; `true` is `'allPlansExecution'`, `false` is `'queryPlanner'`. */
export type ExplainVerbosityLike = ExplainVerbosity | boolean | { verbosity: ExplainVerbosity; maxTimeMS?: number }

// What every operation that looks for documents takes: a hint, and how much an explanation tells.

/** Ascending or descending. The other directions of MongoDB are refused with `NOT_SUPPORTED`. */
export type IndexDirection = 1 | -1 | '2d' | '2dsphere' | 'text' | 'geoHaystack' | 'hashed' | number

/** The index to use: its name, or its fields as it was made with them. `{ $natural: 1 }` uses none, `{ $natural: -1 }` none and
 * reads from the last document to the first where there is no sort. */
export type Hint = string | { readonly [path: string]: IndexDirection } | ReadonlyMap<string, IndexDirection> | readonly (readonly [string, IndexDirection])[]

/** The option `hint`. */
export interface HintOptions {
  /** The index to use. Rejects with `BAD_QUERY` when there is no such index. */
  hint?: Hint
}

/** How much an explanation tells: the plan; what running it took, too; the same of the plans that were not chosen. */
export type ExplainVerbosity = 'queryPlanner' | 'queryPlannerExtended' | 'executionStats' | 'allPlansExecution'

/** The detail of an explanation; `true` is `'allPlansExecution'`, `false` `'queryPlanner'`. */
export type ExplainVerbosityLike = ExplainVerbosity | boolean | { verbosity: ExplainVerbosity; maxTimeMS?: number }

// Hints and verbosities, which every operation with a filter takes.

/** Ascending or descending. The other directions of MongoDB are refused with `NOT_SUPPORTED`. */
export type IndexDirection = 1 | -1 | '2d' | '2dsphere' | 'text' | 'geoHaystack' | 'hashed' | number

/** The index to use: its name, or its fields as it was created with them. `{ $natural: 1 }` uses none, `{ $natural: -1 }` none and
 * reads from the last document to the first where there is no sort. */
export type Hint = string | { readonly [path: string]: IndexDirection } | ReadonlyMap<string, IndexDirection> | readonly (readonly [string, IndexDirection])[]

/** The option `hint`. */
export interface HintOptions {
  /** The index to use. Rejects with `BAD_QUERY` when there is no such index. */
  hint?: Hint
}

/** The verbosity of an explanation: the plan; its execution statistics too; and those of the plans that were not chosen. */
export type ExplainVerbosity = 'queryPlanner' | 'queryPlannerExtended' | 'executionStats' | 'allPlansExecution'

/** The verbosity of an explanation; `true` is `'allPlansExecution'`, `false` `'queryPlanner'`. */
export type ExplainVerbosityLike = ExplainVerbosity | boolean | { verbosity: ExplainVerbosity; maxTimeMS?: number }

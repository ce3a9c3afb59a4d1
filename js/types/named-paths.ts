// Paths that are names, and paths that are patterns; not exported by the package.

import type { Path } from './paths.js'

/**
 * The paths that are names. The others are patterns, such as `tags.NUMBER`: as keys of a type these are index signatures,
 * which the type of an interface value does not have.
 */
export type NamedPath<T> = keyof { [P in Path<T> as {} extends { [K in P]: 1 } ? never : P]: 1 }

/** The paths that are patterns. */
export type PlacedPath<T> = Exclude<Path<T>, NamedPath<T>>

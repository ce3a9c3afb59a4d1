// Updates.

import type { Document } from './document-types.js'
import type { Path, PathValue, Pattern, WithoutId } from './path-types.js'
import type { Filter, FilterOperators } from './query-types.js'
import type { Atom, IsOpen, Present } from './type-parts.js'

type Matching<T, V, R> = { [P in Path<T> as NonNullable<PathValue<T, P>> extends V ? P : never]?: R }

type Elements<T, P extends string> = NonNullable<PathValue<T, P>> extends readonly (infer E)[] ? E : never

/** The paths of arrays. */
type ArrayPath<T> = { [P in Path<T>]: NonNullable<PathValue<T, P>> extends readonly unknown[] ? P : never }[Path<T>]

type SetFields<T> = { [P in Path<T>]?: Present<PathValue<T, P>> }

/** How `$push` adds several elements. */
export interface PushModifiers<E> {
  /** The elements, in order. */
  $each: readonly E[]
  /** Where to put them; from the end when negative. The end when absent. */
  $position?: number
  /** Keep this many from the start, or from the end when negative. */
  $slice?: number
  /** Sort the array afterwards: by itself, or by fields of its elements. */
  $sort?: 1 | -1 | { [path: string]: 1 | -1 }
}

/** Paths with positional parts: `a.$`, `a.$[].b`, `a.$[x]`. */
export interface Positional {
  [path: `${string}.$${string}`]: any
}

/** The operators of an update. */
export interface UpdateOperators<T> {
  /** Sets fields. */
  $set?: SetFields<T> & Positional
  /** Sets fields of a document that an upsert makes. */
  $setOnInsert?: SetFields<T> & Positional
  /** Removes fields; the values do not matter. */
  $unset?: { [P in Path<T>]?: '' | true | 1 } & Positional
  /** Adds to numbers; an absent field starts at 0. */
  $inc?: Matching<T, number | bigint, number | bigint> & Positional
  /** Multiplies numbers; an absent field becomes 0. */
  $mul?: Matching<T, number | bigint, number | bigint> & Positional
  /** Sets fields whose value is greater than this. */
  $min?: SetFields<T> & Positional
  /** Sets fields whose value is less than this. */
  $max?: SetFields<T> & Positional
  /** Renames fields. */
  $rename?: { [P in Path<T>]?: string }
  /** Sets fields to the time of the update. */
  $currentDate?: Matching<T, Date, true | { $type: 'date' }> & Positional
  /** Appends to arrays; an absent field starts empty. */
  $push?: { [P in ArrayPath<T>]?: Elements<T, P> | PushModifiers<Elements<T, P>> } & Positional
  /** Appends what is not there yet. */
  $addToSet?: { [P in ArrayPath<T>]?: Elements<T, P> | { $each: readonly Elements<T, P>[] } } & Positional
  /** Removes the elements that equal a value or match a condition. */
  $pull?: {
    [P in ArrayPath<T>]?:
      | Elements<T, P>
      | FilterOperators<Elements<T, P>>
      | Pattern<Elements<T, P>>
      | (Elements<T, P> extends Atom ? never : Filter<Elements<T, P>>)
  } & Positional
  /** Removes the elements that equal one of these. */
  $pullAll?: { [P in ArrayPath<T>]?: readonly Elements<T, P>[] } & Positional
  /** Removes the first (-1) or last (1) element. */
  $pop?: { [P in ArrayPath<T>]?: 1 | -1 } & Positional
  /** Changes the bits of whole numbers. */
  $bit?: Matching<T, number | bigint, { and: number | bigint } | { or: number | bigint } | { xor: number | bigint }> & Positional
}

/** A change of a document by operators. */
export type UpdateFilter<T> = IsOpen<T> extends true ? { [operator: `$${string}`]: Document } : UpdateOperators<WithoutId<T>>

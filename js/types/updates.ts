// Updates.

import type { Document } from './documents.js'
import type { Filter, FilterOperators } from './filters.js'
import type { NamedPath, PlacedPath } from './named-paths.js'
import type { Atom, Deferred, IsAny, IsOpen, Present } from './parts.js'
import type { InferId, Path, PathValue, Pattern, WithoutId } from './paths.js'

/** Paths with positional parts, whose values may be of any type. */
type PositionalPath = `${string}.$${string}`

type AnyPattern<T> = PlacedPath<T> | PositionalPath

/**
 * The fields of an operator: by name and by pattern; or by name alone, because the type of an interface value has no index
 * signatures. Fields that an operator cannot change have the type never. Their types are evaluated when they are used, those
 * of patterns always.
 */
type Fields<T, Named, Placed> = (Named & Placed) | ([NamedPath<T>] extends [never] ? never : Named)

type SetFields<T> = Fields<
  T,
  { [K in NamedPath<T>]?: Present<PathValue<T, K>> },
  { [K in AnyPattern<T>]?: Present<ValueAt<T, K>> }
>

/** Fields of which at least one type is in V. */
type Matching<T, V, R> = Fields<
  T,
  { [K in NamedPath<T>]?: Has<PathValue<T, K>, V> extends true ? R : never },
  { [K in AnyPattern<T> as Has<ValueAt<T, K>, V> extends true ? K : never]?: K extends PositionalPath ? any : R }
>

/** Whether at least one type of a value is in V. */
type Has<T, V> = IsAny<T> extends true ? true : [Extract<T, V>] extends [never] ? false : true

type ValueAt<T, P extends string> = P extends PositionalPath ? any : PathValue<T, P>

type Elements<T> = IsAny<T> extends true ? any : T extends readonly (infer E)[] ? E : never

type IfArray<T, R> = Has<T, readonly unknown[]> extends true ? R : never

type Push<E> = E | PushModifiers<E>

type AddToSet<E> = E | { $each: readonly E[] }

type Pull<E> = E | FilterOperators<E> | Pattern<E> | (E extends Atom ? never : Filter<E>)

/** Fields that are arrays, with the operand types of each array operator. */
type PushFields<T> = Fields<
  T,
  { [K in NamedPath<T>]?: IfArray<PathValue<T, K>, Push<Elements<PathValue<T, K>>>> },
  { [K in AnyPattern<T> as ArrayKey<T, K>]?: Push<Elements<ValueAt<T, K>>> }
>

type AddToSetFields<T> = Fields<
  T,
  { [K in NamedPath<T>]?: IfArray<PathValue<T, K>, AddToSet<Elements<PathValue<T, K>>>> },
  { [K in AnyPattern<T> as ArrayKey<T, K>]?: AddToSet<Elements<ValueAt<T, K>>> }
>

type PullFields<T> = Fields<
  T,
  { [K in NamedPath<T>]?: IfArray<PathValue<T, K>, Pull<Elements<PathValue<T, K>>>> },
  { [K in AnyPattern<T> as ArrayKey<T, K>]?: Pull<Elements<ValueAt<T, K>>> }
>

type PullAllFields<T> = Fields<
  T,
  { [K in NamedPath<T>]?: IfArray<PathValue<T, K>, readonly Elements<PathValue<T, K>>[]> },
  { [K in AnyPattern<T> as ArrayKey<T, K>]?: readonly Elements<ValueAt<T, K>>[] }
>

type ArrayKey<T, K extends string> = Has<ValueAt<T, K>, readonly unknown[]> extends true ? K : never

/** How `$push` adds several elements. */
export interface PushModifiers<E> {
  /** The elements, in order. */
  $each: readonly E[]
  /** The position to insert at; from the end when negative. Default the end. */
  $position?: number
  /** Keep this many from the start, or from the end when negative. */
  $slice?: number
  /** How to sort the array afterwards: by value, or by fields of its elements. */
  $sort?: 1 | -1 | { [path: string]: 1 | -1 }
}

/** Paths with positional parts: `a.$`, `a.$[].b`, `a.$[x]`. */
export interface Positional {
  [path: `${string}.$${string}`]: any
}

/** The operators of an update. */
export interface UpdateOperators<T, Id = any> {
  /** Sets fields. */
  $set?: SetFields<T>
  /** Sets fields of a document that an upsert inserts. */
  $setOnInsert?: SetFields<T> & { _id?: Id }
  /** Removes fields; the values are ignored. */
  $unset?: Flags<Path<T> | PositionalPath, '' | true | 1>
  /** Adds to numbers; an absent field starts at 0. */
  $inc?: Matching<T, number | bigint, number | bigint>
  /** Multiplies numbers; an absent field becomes 0. */
  $mul?: Matching<T, number | bigint, number | bigint>
  /** Sets fields whose value is greater than this. */
  $min?: SetFields<T>
  /** Sets fields whose value is less than this. */
  $max?: SetFields<T>
  /** Renames fields. */
  $rename?: Flags<Path<T>, string>
  /** Sets fields to the time of the update. */
  $currentDate?: Matching<T, Date, true | { $type: 'date' }>
  /** Appends to arrays; an absent field starts empty. */
  $push?: PushFields<T>
  /** Appends values that the array does not have yet. */
  $addToSet?: AddToSetFields<T>
  /** Removes the elements that equal a value or match a condition. */
  $pull?: PullFields<T>
  /** Removes the elements that equal one of these. */
  $pullAll?: PullAllFields<T>
  /** Removes the first (-1) or last (1) element. */
  $pop?: Matching<T, readonly unknown[], 1 | -1>
  /** Changes the bits of whole numbers. */
  $bit?: Matching<T, number | bigint, { and: number | bigint } | { or: number | bigint } | { xor: number | bigint }>
}

type Flags<P extends string, V> = { [K in P]?: V }

/** A change of a document by operators. */
export type UpdateFilter<T> =
  | (IsOpen<T> extends true ? { [operator: `$${string}`]: Document } : UpdateOperators<WithoutId<T>, InferId<T>>)
  | Deferred<T>

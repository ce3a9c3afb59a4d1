// Updates.

import type { Document } from './documents.js'
import type { ElementCondition } from './filters.js'
import type { Deferred, IsOpen } from './path-names.js'
import type { Place, UpdateName } from './path-names.js'
import type { InferId, PathValue, Pattern } from './paths.js'

/**
 * The paths through arrays in which the position is `$`, `$[]` or `$[name]`, and what ends with one. Their names are those of the elements; their values may be of any
 * type, since types of them would cost the compiler as much again.
 */
type Positional<T> = PositionOf<Place<T>[0]> | `${string}.$` | `${string}.$[${string}]`

type PositionOf<P> = P extends `${infer Above}.${number}.${infer Below}` ? `${Above}.$${string}.${Below}` : never

/**
 * The fields of an operator: by name and by pattern; or by name alone, since a value whose type is an interface has no index signatures.
 * Fields that an operator cannot change have the type never.
 */
type Fields<T, Named, Placed> = (Named & Placed & { [P in Positional<T>]?: any }) | (keyof Named extends never ? never : Named)

/** What `$set` takes: the value. undefined is left out, or null with `ignoreUndefined: false`. */
type SetFields<T> = Fields<
  T,
  { [K in UpdateName<T>]?: PathValue<T, K> | undefined },
  { [X in Place<T> as X[0]]?: X[1] | undefined }
>

/** Fields of which at least one type is in V. */
type Matching<T, V, R> = Fields<
  T,
  { [K in UpdateName<T>]?: IfHas<PathValue<T, K>, V, R> },
  { [X in Place<T> as X[0]]?: IfHas<X[1], V, R> }
>

/** R, where one of the types of a value is among V. */
type IfHas<T, V, R> = [Extract<T, V>] extends [never] ? never : R

type Elements<T> = T extends readonly (infer E)[] ? E : never

type Push<E> = [E] extends [never] ? never : E | PushModifiers<E>

type AddToSet<E> = [E] extends [never] ? never : E | { $each: readonly E[] }

type Pull<E> = [E] extends [never] ? never : E | Pattern<E> | ElementCondition<E>

type PullAll<E> = [E] extends [never] ? never : readonly E[]

/** Fields that are arrays, with the operand types of each array operator. */
type PushFields<T> = Fields<
  T,
  { [K in UpdateName<T>]?: Push<Elements<PathValue<T, K>>> },
  { [X in Place<T> as X[0]]?: Push<Elements<X[1]>> }
>

type AddToSetFields<T> = Fields<
  T,
  { [K in UpdateName<T>]?: AddToSet<Elements<PathValue<T, K>>> },
  { [X in Place<T> as X[0]]?: AddToSet<Elements<X[1]>> }
>

type PullFields<T> = Fields<
  T,
  { [K in UpdateName<T>]?: Pull<Elements<PathValue<T, K>>> },
  { [X in Place<T> as X[0]]?: Pull<Elements<X[1]>> }
>

type PullAllFields<T> = Fields<
  T,
  { [K in UpdateName<T>]?: PullAll<Elements<PathValue<T, K>>> },
  { [X in Place<T> as X[0]]?: PullAll<Elements<X[1]>> }
>

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

/** The operators of an update. */
export interface UpdateOperators<T, Id = any> {
  /** Sets fields. */
  $set?: SetFields<T>
  /** Sets fields of a document that an upsert inserts. */
  $setOnInsert?: SetFields<T> & { _id?: Id }
  /** Removes fields; the values are ignored. */
  $unset?: Flags<UpdateName<T> | Place<T>[0] | Positional<T>, string | boolean | number | null>
  /** Adds to numbers; an absent field starts at 0. */
  $inc?: Matching<T, number | bigint, number | bigint>
  /** Multiplies numbers; an absent field becomes 0. */
  $mul?: Matching<T, number | bigint, number | bigint>
  /** Sets fields whose value is greater than this. */
  $min?: SetFields<T>
  /** Sets fields whose value is less than this. */
  $max?: SetFields<T>
  /** Renames fields. */
  $rename?: Flags<UpdateName<T> | Place<T>[0], string>
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
  | (IsOpen<T> extends true ? { [operator: `$${string}`]: Document } : UpdateOperators<T, InferId<T>>)
  | Deferred<T>

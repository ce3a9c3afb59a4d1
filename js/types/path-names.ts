// The dotted paths of a type: names, and patterns of names with their values; not exported by the package.
//
// Computing paths is what these declarations cost the compiler. So names are put together from the unions of nested types, which the compiler
// keeps, and the values at them are computed when they are used. Patterns become index signatures, whose values the compiler computes at once:
// they come with their values, from one walk, rather than from a second one that takes each pattern apart.
//
// The number of paths grows with each level as the number of fields that have fields. So from the fourth level
// on a type ends the paths that has several of them, or stands again below itself; a chain of single ones ends at the eighth. Below is a
// pattern for any path.

import type { ObjectIdLike } from './documents.js'

export type IsAny<T> = 0 extends 1 & T ? true : false

export type IsOpen<T> = IsAny<T> extends true ? true : string extends keyof T ? true : false

/**
 * Equals never; but as long as `T` is a type parameter the compiler does not know that. As a member of a union it lets
 * generic code assert `{ ... } as Filter<T>`: an assertion needs one comparable member, and nothing is comparable to
 * everything.
 */
export type Deferred<T> = IsAny<T> extends true ? never : never

export type Present<T> = Exclude<T, undefined>

/** `Omit` that is applied to each member of a union. */
export type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

export type Atom = string | number | boolean | bigint | symbol | null | undefined | Date | Uint8Array | ObjectIdLike | ((...args: never[]) => unknown)

/** The level below a level. */
type Below = [1, 2, 3, 4, 5, 6, 7, 8, 8]

/** The level below a type that stands again below itself. */
type Again = [1, 2, 3, 8, 8, 8, 8, 8]

/** Whether the paths end above the fields of T. */
type Ends<T, Level extends number> = Level extends 0 | 1 | 2 ? false : Level extends 8 ? true : IsChain<T, Nested<T>>

type Nested<T> = { [K in keyof T]-?: T[K] extends Atom ? never : K }[keyof T]

/** Whether all fields that have fields are this one. Without any, it is never, which ends nothing. */
type IsChain<T, K extends keyof T, All = K> = K extends unknown ? ([All] extends [K] ? false : true) : never

/** Whether an array is among the types of elements: then it counts as a level, or Json of arrays of Json would have no end. */
type HasArray<E> = [Extract<E, readonly unknown[]>] extends [never] ? false : true

/** The paths that are names. */
export type Name<T> = UpdateName<T> | (T extends unknown ? NamesOf<T, 0, T, Extract<keyof T, '_id'>> : never)

/** The paths that are names, but `_id` and what is below it: those that an update may change. */
export type UpdateName<T> = T extends unknown ? NamesOf<T, 0, T, Exclude<keyof T, '_id'>> : never

type NamesOf<T, Level extends number, Above, K extends keyof T> = K extends string
  ? T[K] extends Atom
    ? K
    : K | `${K}.${NamesBelow<T[K], Level, Above>}`
  : never

type NamesBelow<T, Level extends number, Above> = T extends Atom
  ? never
  : T extends readonly (infer E)[]
    ? HasArray<E> extends false
      ? NamesBelow<E, Level, Above>
      : Level extends 8
        ? never
        : NamesBelow<E, Below[Level], Above>
    : true extends Ends<T, Level>
      ? never
      : T extends Above
        ? NamesOf<T, Again[Level], Above, keyof T>
        : string extends keyof T
          ? never
          : NamesOf<T, Below[Level], Above | T, keyof T>

/**
 * The paths that are patterns, each with the type of its value: positions in arrays, the keys of Records, and what is below them or has no type. As
 * keys of a type they are index signatures, which no value whose type is an interface has. Below a second position all is of any type.
 */
export type Place<T> = PlacesOfAll<T> extends infer Places extends [pattern: string, value: unknown] ? Places : never

type PlacesOfAll<T> = T extends unknown ? PlacesOf<T, '', 0, T, keyof T> : never

type PlacesOf<T, Prefix extends string, Level extends number, Above, K extends keyof T> = K extends string
  ? T[K] extends Atom
    ? unknown extends T[K] ? Anything<`${Prefix}${K}`> : never
    : PlacesBelow<T[K], `${Prefix}${K}`, Level, Above>
  : never

type Anything<Path extends string> = [`${Path}.${string}`, any]

type PlacesBelow<T, Path extends string, Level extends number, Above> = unknown extends T
  ? Anything<Path>
  : T extends Atom
    ? never
    : T extends readonly (infer E)[]
      ? [`${Path}.${number}`, InnerOf<E>] | (E extends Atom ? never : HasArray<E> extends false ? ElementPlaces<E, `${Path}.${number}`, Level, Above> | PlacesBelow<E, Path, Level, Above> : Anything<`${Path}.${number}`>)
      : true extends Ends<T, Level>
        ? Anything<Path>
        : T extends Above
          ? PlacesOf<T, `${Path}.`, Again[Level], Above, keyof T>
          : string extends keyof T
            ? RecordPlace<T[keyof T], Path>
            : PlacesOf<T, `${Path}.`, Below[Level], Above | T, keyof T>

/** In an array of arrays a number may be two positions, `0.1`, as far as the compiler sees. */
type InnerOf<E> = E extends readonly (infer Inner)[] ? E | Inner : E

/** The pattern of a Record stands for its values and for all that is below them. */
type RecordPlace<V, Path extends string> = [`${Path}.${string}`, [V] extends [Atom] ? V : any]

type ElementPlaces<E, Path extends string, Level extends number, Above> = unknown extends E
  ? Anything<Path>
  : E extends Atom
    ? never
    : E extends readonly unknown[]
      ? Anything<Path>
      : E extends Above
        ? Anything<Path>
        : true extends Ends<E, Level>
          ? Anything<Path>
          : string extends keyof E
            ? RecordPlace<E[keyof E], Path>
            : ElementFields<E, Path, Below[Level], Above | E, keyof E>

type ElementFields<E, Path extends string, Level extends number, Above, K extends keyof E> = K extends string
  ? [`${Path}.${K}`, E[K]] | (E[K] extends Atom ? never : ElementPlaces<E[K], `${Path}.${K}`, Level, Above>)
  : never

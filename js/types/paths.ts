// The types of documents with and without `_id`, and of their dotted paths.

import type { Atom, IsAny, IsOpen, Present, Without } from './parts.js'

/** The type of a collection's `_id`: that of `T`, or string when `T` has none. */
export type InferId<T> = IsAny<T> extends true ? any : '_id' extends keyof T ? Present<T['_id']> : string

/** A document as it is stored: with its `_id`. */
export type WithId<T> = IsOpen<T> extends true ? T & { _id: any } : Without<T, '_id'> & { _id: InferId<T> }

/** A document to insert: its `_id` may be absent or null, and is then created. */
export type OptionalId<T> = IsOpen<T> extends true ? T : Without<T, '_id'> & { _id?: InferId<T> | null }

/** A document without `_id`, for replacements. */
export type WithoutId<T> = IsOpen<T> extends true ? T : Without<T, '_id'>

/** The dotted paths of a document, five levels deep; positions in arrays are numbers. */
export type Path<T, Depth extends 0[] = []> = Depth['length'] extends 5
  ? never
  : IsAny<T> extends true
    ? string
    : T extends Atom
      ? never
      : T extends readonly (infer E)[]
        ? `${number}` | `${number}.${Path<E, [...Depth, 0]>}` | Path<E, [...Depth, 0]>
        : { [K in keyof T & string]: K | `${K}.${Path<Present<T[K]>, [...Depth, 0]>}` }[keyof T & string]

/** The type of the value at a dotted path; of a union, that of the members that have the path. */
export type PathValue<T, P extends string> =
  IsAny<T> extends true
    ? any
    : T extends null | undefined
      ? undefined
      : T extends readonly (infer E)[]
        ? ElementValue<E, P>
        : P extends keyof T
          ? T[P]
          : P extends `${infer K}.${infer Rest}`
            ? K extends keyof T
              ? PathValue<T[K], Rest>
              : never
            : never

type ElementValue<E, P extends string> = P extends `${number}`
  ? E
  : P extends `${number}.${infer Rest}`
    ? PathValue<E, Rest>
    : PathValue<E, P>

/** The values that a field may be compared with: its value, or an element if it is an array; null if it may be absent. */
export type Alternative<T> =
  IsAny<T> extends true ? any : (T extends readonly (infer E)[] ? T | E : Present<T>) | (undefined extends T ? null : never)

/** A regular expression, if the value may contain a string. */
export type Pattern<T> = T extends string ? RegExp : never

/** The elements of an array; any other value itself. */
export type Element<T> = T extends readonly (infer E)[] ? E : Exclude<T, undefined>

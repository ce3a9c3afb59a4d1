// The types of documents with and without `_id`, and the values at their dotted paths.

import type { IsAny, IsOpen, Name, Place, Present, Without } from './path-names.js'

/** The type of a collection's `_id`: that of `T`, or string when `T` has none. */
export type InferId<T> = IsAny<T> extends true ? any : '_id' extends keyof T ? Present<T['_id']> : string

/** A document as it is stored: with its `_id`. */
export type WithId<T> = IsOpen<T> extends true ? T & { _id: any } : Without<T, '_id'> & { _id: InferId<T> }

/** A document to insert: its `_id` may be absent or null, and is then created. */
export type OptionalId<T> = IsOpen<T> extends true ? T : Without<T, '_id'> & { _id?: InferId<T> | null }

/** A document without `_id`, for replacements. */
export type WithoutId<T> = IsOpen<T> extends true ? T : Without<T, '_id'>

/**
 * The dotted paths of a document, eight levels deep, where arrays are no level of their own. Positions in arrays are numbers. What stands
 * below `unknown`, below the values of a Record or deeper has any name.
 */
export type Path<T> = IsOpen<T> extends true ? string : '_id' | Name<T> | Place<T>[0]

/** The type of the value at a dotted path; of a union, that of the members that have the path. */
export type PathValue<T, P extends string> = unknown extends T
  ? any
  : T extends readonly (infer E)[]
    ? P extends `${number}.${infer Rest}`
      ? PathValue<E, Rest>
      : P extends `${number}`
        ? E
        : PathValue<E, P>
    : string extends keyof T
      ? P extends `${string}.${infer Rest}`
        ? PathValue<T[keyof T], Rest>
        : T[keyof T]
      : P extends keyof T
        ? T[P]
        : P extends `${infer K extends keyof T & string}.${infer Rest}`
          ? PathValue<T[K], Rest>
          : T extends null | undefined
            ? undefined
            : never

/** The values that a field may be compared with: its value, or an element if it is an array; null if it may be absent. */
export type Alternative<T> =
  IsAny<T> extends true ? any : (T extends readonly (infer E)[] ? T | E : Present<T>) | (undefined extends T ? null : never)

/** A regular expression, if the value may contain a string. */
export type Pattern<T> = T extends string ? RegExp : never

/** The elements of an array; any other value itself. */
export type Element<T> = T extends readonly (infer E)[] ? E : Exclude<T, undefined>

// Filters, projections and orders.

import type { Document } from './documents.js'
import type { NamedPath } from './named-paths.js'
import type { Deferred, IsOpen } from './parts.js'
import type { Alternative, Path, PathValue, Pattern, WithId } from './paths.js'

/** The operators on one field. */
export interface FilterOperators<T> {
  /** Equal to the value. */
  $eq?: T
  /** Not equal to the value; also matches where the field is absent. */
  $ne?: T
  /** Greater than the value, and of the same type. */
  $gt?: T
  /** Greater than or equal to the value. */
  $gte?: T
  /** Less than the value. */
  $lt?: T
  /** Less than or equal to the value. */
  $lte?: T
  /** Equal to one of the values. */
  $in?: readonly (T | Pattern<T>)[]
  /** Equal to none of the values. */
  $nin?: readonly (T | Pattern<T>)[]
  /** Where the operators, or the regular expression, do not match. */
  $not?: FilterOperators<T> | RegExp
  /** A string in which the regular expression matches. */
  $regex?: RegExp | string
  /** Flags of `$regex`: i, m, s, x, u. */
  $options?: string
  /** A string that contains this text in upper or lower case, or an array that contains this element. */
  $contains?: any
  /** Whether the field exists. */
  $exists?: boolean
  /** Of one of these types, by MongoDB's names or numbers. */
  $type?: TypeName | number | readonly (TypeName | number)[]
  /** A number with this remainder after this divisor: `[divisor, remainder]`. */
  $mod?: readonly [divisor: number | bigint, remainder: number | bigint]
  /** An array with this many elements. */
  $size?: number
  /** An array that contains all of these. */
  $all?: readonly any[]
  /** An array with an element that meets all of these conditions. */
  $elemMatch?: Document
  /** An integer or bytes in which all of these bits are 1: a mask, or the positions of the bits. */
  $bitsAllSet?: BitMask
  /** An integer or bytes in which all of these bits are 0. */
  $bitsAllClear?: BitMask
  /** An integer or bytes in which at least one of these bits is 1. */
  $bitsAnySet?: BitMask
  /** An integer or bytes in which at least one of these bits is 0. */
  $bitsAnyClear?: BitMask
}

/** Bits: a mask as a number or as bytes, or an array of bit positions; the lowest is 0. */
export type BitMask = number | bigint | Uint8Array | readonly number[]

/** The type names that `$type` accepts. */
export type TypeName =
  | 'double' | 'string' | 'object' | 'array' | 'binData' | 'objectId' | 'bool' | 'date' | 'null' | 'int' | 'long' | 'number'

/** The condition on one field: a value, or operators. */
export type Condition<T> = Alternative<T> | Pattern<Alternative<T>> | FilterOperators<Alternative<T>>

/** The operators that combine filters. */
export interface RootFilterOperators<T> {
  /** Where all filters match. */
  $and?: readonly Filter<T>[]
  /** Where one filter matches. */
  $or?: readonly Filter<T>[]
  /** Where no filter matches. */
  $nor?: readonly Filter<T>[]
  /** Where the expression is true. */
  $expr?: unknown
  /** Where the document is valid by this schema, MongoDB's subset of JSON Schema draft 4. */
  $jsonSchema?: Document
  /** A comment for logs; ignored. */
  $comment?: unknown
}

/** Conditions on fields, dotted paths and combined filters. */
export type Filter<T> = (IsOpen<T> extends true ? Document : FilterOf<WithId<T>, RootFilterOperators<T>>) | Deferred<T>

/** Conditions on names, or on names and positions: a value whose type is an interface is of the first kind. */
type FilterOf<T, Root> = (Conditions<T, Path<T>> & Root) | ([Path<T>] extends [NamedPath<T>] ? never : Conditions<T, NamedPath<T>> & Root)

type Conditions<T, P extends string> = { [K in P]?: Condition<PathValue<T, K>> }

/** The projection of an array: some of its elements, or the first that meets a condition. */
export type ArrayProjection = { $slice: number | readonly [skip: number, count: number] } | { $elemMatch: Document }

/** A computed value of a projection: an expression, a path such as `'$name'`, or a constant that is not a number. */
export type ProjectedValue = string | Document | readonly unknown[] | null

/**
 * Fields to include (1) or to exclude (0), parts of arrays, `path.$` for the matched element, and fields of any name that
 * are computed by expressions.
 */
export type Projection<T> = IsOpen<T> extends true
  ? Document
  : { [P in Path<WithId<T>>]?: 0 | 1 | boolean | ArrayProjection | ProjectedValue } & { [positional: `${string}.$`]: 1 | true } & {
      [computed: string]: unknown
    }

/** Ascending or descending. */
export type SortDirection = 1 | -1 | 'asc' | 'desc' | 'ascending' | 'descending' | '1' | '-1'

/** A sort order, in any form that the mongodb driver accepts. */
export type Sort =
  | string
  | { [path: string]: SortDirection }
  | Map<string, SortDirection>
  | readonly [string, SortDirection]
  | readonly (readonly [string, SortDirection])[]
  | readonly string[]

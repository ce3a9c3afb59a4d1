// Filters, projections and orders.

import type { Document } from './documents.js'
import type { Atom, Deferred, IsAny, IsOpen } from './path-names.js'
import type { Name, Place } from './path-names.js'
import type { Alternative, InferId, Path, PathValue, Pattern } from './paths.js'

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
  $regex?: Text<T>
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
  $size?: Sized<T>
  /** An array that contains all of these. */
  $all?: AllOf<T>
  /** An array with an element that meets all of these conditions. */
  $elemMatch?: ElementMatch<T>
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

/** The element type of the arrays among the types of a value. */
type ElementOf<T> = T extends readonly (infer E)[] ? E : never

type HasArray<T> = [ElementOf<T>] extends [never] ? false : true

type Text<T> = IsAny<T> extends true ? RegExp | string : [Extract<T, string>] extends [never] ? never : RegExp | string

type Sized<T> = IsAny<T> extends true ? number : HasArray<T> extends true ? number : never

/** `$all` takes a value that is no array too, as if it stood in one. */
type AllOf<T> = IsAny<T> extends true
  ? readonly any[]
  : readonly (T | ElementOf<T> | Pattern<T | ElementOf<T>> | { $elemMatch: ElementMatch<T> })[]

type ElementMatch<T> = IsAny<T> extends true ? Document : HasArray<T> extends true ? ElementCondition<ElementOf<T>> : never

/** Conditions on an element: operators on the element itself, or a filter of its fields. */
export type ElementCondition<E> = IsAny<E> extends true
  ? Document
  : FilterOperators<E> | (E extends Atom ? never : E extends readonly unknown[] ? Document : IsOpen<E> extends true ? Document : FieldConditions<E, RootFilterOperators<E>>)

/** Conditions on fields, dotted paths and combined filters. A value that is undefined is refused when the filter is used. */
export type Filter<T> = (IsOpen<T> extends true ? Document : FieldConditions<T, RootFilterOperators<T> & { _id?: Condition<InferId<T>> }>) | Deferred<T>

/** Conditions on names, or on names and positions: a value whose type is an interface is of the first kind. */
type FieldConditions<T, Root> =
  | (NameConditions<T> & { [X in Place<T> as X[0]]?: Condition<X[1]> } & Root)
  | ([Place<T>] extends [never] ? never : NameConditions<T> & Root)

type NameConditions<T> = { [K in Name<T>]?: Condition<PathValue<T, K>> }

/** The projection of an array: some of its elements, or the first that meets a condition. */
export type ArrayProjection = { $slice: number | readonly [skip: number, count: number] } | { $elemMatch: Document }

/** A computed value of a projection: an expression, a path such as `'$name'`, or a constant that is not a number. */
export type ProjectedValue = string | Document | readonly unknown[] | null

/**
 * Fields to include (1) or to exclude (0), parts of arrays, `path.$` for the matched element, and fields of any name that
 * are computed by expressions.
 */
export type Projection<T> = ProjectionOf<T>['projection']

/** A conditional type whose member is taken; see `SortOf`. */
type ProjectionOf<T> = T extends unknown
  ? {
      projection: IsOpen<T> extends true
        ? Document
        : { [P in Path<T>]?: 0 | 1 | boolean | ArrayProjection | ProjectedValue } & { [positional: `${string}.$`]: 1 | true } & { [computed: string]: unknown }
    }
  : never

/** Ascending or descending. */
export type SortDirection = 1 | -1 | 'asc' | 'desc' | 'ascending' | 'descending' | '1' | '-1'

/** A sort order, in any form that the mongodb driver accepts. Of `Sort<T>` an object names fields of `T`; a plain `Sort` names any. */
export type Sort<T = any> = SortOf<T>['sort']

/**
 * A conditional type whose member is taken: of a type parameter the compiler then compares with what its constraint gives, so that generic code may
 * sort by the fields that it knows.
 */
type SortOf<T> = T extends unknown
  ? {
      sort:
        | string
        | Map<string, SortDirection>
        | readonly [string, SortDirection]
        | readonly (readonly [string, SortDirection])[]
        | readonly string[]
        | (IsOpen<T> extends true ? { [path: string]: SortDirection | undefined } : { [P in Path<T>]?: SortDirection })
    }
  : never

/**
 * An embedded document database for Node.js with MongoDB's API and a durable write-ahead log.
 *
 * @packageDocumentation
 */

import { checkRuntime } from './addon/platform.js'
import type { Database } from './api/database.js'
import type { CollectionOptions } from './types/index.js'
import type { Filter } from './types/filters.js'
import type { CountOptions, FindOneAndUpdateOptions, OperationOptions } from './types/options.js'
import type { OptionalId, Path, PathValue } from './types/paths.js'
import type { UpdateFilter, UpdateOperators } from './types/updates.js'

checkRuntime()

export { Database } from './api/database.js'
export { Collection } from './api/collection.js'
export { FindCursor } from './cursor/find-cursor.js'
export { AggregationCursor } from './cursor/aggregation-cursor.js'
export { ChangeStream } from './cursor/change-stream.js'
export { LiveQuery } from './cursor/live-query.js'
export { ObjectId } from './ids/object-id.js'
export { MoltenBulkWriteError, MoltenError } from './errors.js'
// The driver's names of the classes: `error instanceof MongoServerError` holds in a program whose import was changed.
export { MoltenBulkWriteError as MongoBulkWriteError, MoltenError as MongoError, MoltenError as MongoServerError } from './errors.js'
export { BulkWriteResult } from './request/bulk-result.js'

export type { Transaction, TransactionSync } from './api/transaction.js'
export type { BulkCounts, MoltenErrorDetails, MoltenErrorKind, WriteError } from './errors.js'
export type { AbstractCursor } from './cursor/abstract-cursor.js'
export type { ListCursor } from './cursor/list-cursor.js'
export type * from './types/index.js'

// Type names of the mongodb driver, accepted for compatibility.

/** The driver's name of `Database`. */
export type Db = Database
/** The driver's name of `OptionalId`; an `_id` that `T` requires may be absent here too. */
export type OptionalUnlessRequiredId<T> = OptionalId<T>
/** The driver's name of `Filter`, which is strict. */
export type StrictFilter<T> = Filter<T>
/** The driver's name of `UpdateFilter`, which is strict. */
export type StrictUpdateFilter<T> = UpdateFilter<T>
/** The driver's name of the operand of `$set`. */
export type MatchKeysAndValues<T> = NonNullable<UpdateOperators<T>['$set']>
/** What `$addToSet` takes, by the driver's name. */
export type SetFields<T> = NonNullable<UpdateOperators<T>['$addToSet']>
/** What `$push` takes, by the driver's name. */
export type PushOperator<T> = NonNullable<UpdateOperators<T>['$push']>
/** What `$pull` takes, by the driver's name. */
export type PullOperator<T> = NonNullable<UpdateOperators<T>['$pull']>
/** The driver's name of `Path`, as a union of strings here and not of tuples. */
export type NestedPaths<T, _Depth extends number[] = []> = Path<T>
/** Joins a tuple of names, as `NestedPaths` of the driver gives; a string is left as it is. */
export type Join<T, D extends string> = T extends string | number
  ? `${T}`
  : T extends readonly [infer Only extends string | number]
    ? `${Only}`
    : T extends readonly [infer First extends string | number, ...infer Rest]
      ? `${First}${D}${Join<Rest, D>}`
      : ''
/** The driver's name of `PathValue`. */
export type PropertyType<T, P extends string> = PathValue<T, P>
/** The driver's name of `CollectionOptions`: what a handle of a database can be given here. */
export type DbOptions = CollectionOptions
/** The driver's name of `CountOptions`. */
export type CountDocumentsOptions = CountOptions
/** The values of the option `returnDocument`. */
export type ReturnDocument = NonNullable<FindOneAndUpdateOptions['returnDocument']>
/** Options with a signal. */
export type Abortable = Pick<OperationOptions, 'signal'>

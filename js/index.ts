/**
 * An embedded document database for Node.js with MongoDB's API and a durable write-ahead log.
 *
 * @packageDocumentation
 */

import { checkRuntime } from './addon/platform.js'

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
export { BulkWriteResult } from './request/bulk.js'

export type { Transaction, TransactionSync } from './api/transaction.js'
export type { BulkCounts, MoltenErrorDetails, MoltenErrorKind, WriteError } from './errors.js'
export type { AbstractCursor } from './cursor/abstract-cursor.js'
export type { ListCursor } from './cursor/list-cursor.js'
export type * from './api/driver-names.js'
export type * from './types/index.js'

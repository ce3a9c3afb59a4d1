// The types of the public face: documents, filters with dotted paths, updates, options and results.

import type { ExplainVerbosityLike, HintOptions, SuggestedIndex } from './index-types.js'

/** Any object with fields. */
export interface Document {
  [key: string]: any
}

/** An ObjectId of this package, of bson, or of a copy of either. */
export interface ObjectIdLike {
  readonly _bsontype: string
  toHexString(): string
}

/** A class that makes ObjectIds from 12 bytes, such as bson's `ObjectId`. */
export type ObjectIdConstructor = new (bytes: any) => ObjectIdLike

/** Makes the `_id` of documents that have none. */
export interface PrimaryKeyFactory {
  /** A value that no other document of the collection has. */
  createPk(): unknown
}

type IsAny<T> = 0 extends 1 & T ? true : false
type IsOpen<T> = IsAny<T> extends true ? true : string extends keyof T ? true : false
type Present<T> = Exclude<T, undefined>
/** `Omit` that keeps the members of a union apart. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
type Atom = string | number | boolean | bigint | symbol | null | undefined | Date | Uint8Array | ObjectIdLike | ((...args: never[]) => unknown)

/** The type of a collection's `_id`: that of `T`, and a string where `T` names none. */
export type InferId<T> = IsAny<T> extends true ? any : '_id' extends keyof T ? Present<T['_id']> : string

/** A document as it is stored: with its `_id`. */
export type WithId<T> = IsOpen<T> extends true ? T & { _id: any } : Without<T, '_id'> & { _id: InferId<T> }

/** A document as it is inserted: its `_id` may be absent or null, and is then made. */
export type OptionalId<T> = IsOpen<T> extends true ? T : Without<T, '_id'> & { _id?: InferId<T> | null }

/** A document without `_id`, as it replaces another. */
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

/** The type of the value at a dotted path. */
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
              : unknown
            : unknown

type ElementValue<E, P extends string> = P extends `${number}`
  ? E
  : P extends `${number}.${infer Rest}`
    ? PathValue<E, Rest>
    : PathValue<E, P>

/** What a field may be compared with: its value, or an element where it is an array; null where it may be absent. */
export type Alternative<T> =
  IsAny<T> extends true ? any : (T extends readonly (infer E)[] ? T | E : Present<T>) | (undefined extends T ? null : never)

/** A regular expression, where there may be a string to look into. */
export type Pattern<T> = T extends string ? RegExp : never

/** The elements of an array; any other value itself. */
export type Element<T> = T extends readonly (infer E)[] ? E : Exclude<T, undefined>

/** The operators on one field. */
export interface FilterOperators<T> {
  /** Equal to the value. */
  $eq?: T
  /** Not equal to the value; also matches where the field is absent. */
  $ne?: T
  /** Greater than the value, of the same kind of value. */
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
  /** A string that the regular expression finds something in. */
  $regex?: RegExp | string
  /** Flags of `$regex`: i, m, s, x, u. */
  $options?: string
  /** A string with this text in it, whatever its case, or an array with this element. */
  $contains?: any
  /** Whether the field is there. */
  $exists?: boolean
  /** Of one of these types, by MongoDB's names or numbers. */
  $type?: TypeName | number | readonly (TypeName | number)[]
  /** A number with this remainder after this divisor: `[divisor, remainder]`. */
  $mod?: readonly [divisor: number | bigint, remainder: number | bigint]
  /** An array of this many elements. */
  $size?: number
  /** An array that holds all of these. */
  $all?: readonly any[]
  /** An array with an element that meets all of this. */
  $elemMatch?: Document
  /** An integer or bytes in which all of these bits are 1: a mask, or the places of the bits. */
  $bitsAllSet?: BitMask
  /** An integer or bytes in which all of these bits are 0. */
  $bitsAllClear?: BitMask
  /** An integer or bytes in which one of these bits is 1. */
  $bitsAnySet?: BitMask
  /** An integer or bytes in which one of these bits is 0. */
  $bitsAnyClear?: BitMask
}

/** Bits: a mask as a number or as bytes, or an array of their places, the lowest is 0. */
export type BitMask = number | bigint | Uint8Array | readonly number[]

/** The names that `$type` takes. */
export type TypeName =
  | 'double' | 'string' | 'object' | 'array' | 'binData' | 'objectId' | 'bool' | 'date' | 'null' | 'int' | 'long' | 'number'

/** What a filter says of one field: a value, or operators. */
export type Condition<T> = Alternative<T> | Pattern<Alternative<T>> | FilterOperators<Alternative<T>>

/** The operators that join filters. */
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
  /** For logs; ignored. */
  $comment?: unknown
}

/** Which documents: conditions on fields, dotted paths and joined filters. */
export type Filter<T> =
  IsOpen<T> extends true
    ? Document
    : { [P in Path<WithId<T>>]?: Condition<PathValue<WithId<T>, P>> } & RootFilterOperators<T>

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

/** What a projection makes of an array: some of its elements, or the first that meets a condition. */
export type ArrayProjection = { $slice: number | readonly [skip: number, count: number] } | { $elemMatch: Document }

/** A value that a projection computes: an expression, a path such as `'$name'`, or a constant that is no number. */
export type ProjectedValue = string | Document | readonly unknown[] | null

/**
 * Fields to show (1) or to leave out (0), parts of arrays, `path.$` for the element that matched, and fields of any name that are
 * computed by expressions.
 */
export type Projection<T> = IsOpen<T> extends true
  ? Document
  : { [P in Path<WithId<T>>]?: 0 | 1 | boolean | ArrayProjection | ProjectedValue } & { [positional: `${string}.$`]: 1 | true } & {
      [computed: string]: unknown
    }

/** Ascending or descending. */
export type SortDirection = 1 | -1 | 'asc' | 'desc' | 'ascending' | 'descending' | '1' | '-1'

/** An order, in any form that the mongodb driver takes. */
export type Sort =
  | string
  | { [path: string]: SortDirection }
  | Map<string, SortDirection>
  | readonly [string, SortDirection]
  | readonly (readonly [string, SortDirection])[]
  | readonly string[]

/** Where writes go, and what a resolved write promises. */
export type StorageMode = 'async' | 'sync' | 'memory'

/** The options of `Database.open`. */
export interface OpenOptions {
  /**
   * `'async'` (the default; the environment variable `WRITE_MODE` changes it): a resolved write survives the end of the process; a
   * power cut loses at most the last `flushInterval`. `'sync'`: it survives a power cut too. `'memory'`: nothing on disk.
   */
  storage?: StorageMode
  /** Longest time between a write and its flush to the disk with storage `'async'`, in milliseconds: 1 to 60,000, default 50. */
  flushInterval?: number
  /** Bytes of documents to keep in memory; default all. */
  memoryLimit?: number
  /** Compacts unasked when more than half of the files is no longer needed, or there are 32 segments. Default true. */
  autoCompact?: boolean
  /**
   * What becomes of a field that costly scans ask for: `'suggest'` (default) names it in statistics and explanations after three of them, `'on'`
   * makes an index of it too, `'off'` does neither.
   */
  autoIndex?: 'off' | 'suggest' | 'on'
  /** Generations that a compaction keeps. Default none. */
  retention?: Retention
  /** Reads only; no byte on disk changes. Default false. */
  readOnly?: boolean
  /** Makes the database when there is none. Default true. */
  createIfMissing?: boolean
  /** Rejects when there is a database already. Default false. */
  errorIfExists?: boolean
  /**
   * What to do with damage at the end of the log that a power cut does not explain: `'strict'` (default) rejects with `CORRUPT_TAIL`,
   * `'truncate'` cuts it and keeps the cut bytes.
   */
  recovery?: 'strict' | 'truncate'
  /** The class of the ObjectIds in documents that are read; default a small class of this package. */
  ObjectId?: ObjectIdConstructor
  /** Makes the `_id` of documents that have none; default UUIDv7 strings. */
  pkFactory?: PrimaryKeyFactory
  /** Leaves fields that are undefined out; `false` stores null. Default true. */
  ignoreUndefined?: boolean
  /** Does not set the `_id` that was made on the caller's object. Default false. */
  forceServerObjectId?: boolean
  /** Gives up waiting; rejects with the signal's reason. */
  signal?: AbortSignal
}

/** The options of `db.collection`; they replace those of the database. */
export interface CollectionOptions {
  /** Makes the `_id` of documents that have none. */
  pkFactory?: PrimaryKeyFactory
  /** Leaves fields that are undefined out; `false` stores null. */
  ignoreUndefined?: boolean
  /** Does not set the `_id` that was made on the caller's object. */
  forceServerObjectId?: boolean
}

/** Options of `createCollection`. */
export interface CreateCollectionOptions extends CollectionOptions, OperationOptions {}

/** What recovery found when the database was opened. */
export interface RecoveryReport {
  [fact: string]: unknown
}

/** Figures about an open database. */
export interface DatabaseStats {
  /** Collections there are. */
  collections: number
  /** Documents in all of them. */
  documents: number
  /** Bytes of documents in memory, old versions that a cursor still reads included. */
  hotBytes: number
  /** Bytes of the newest version of every document, in memory or on disk. */
  liveBytes: number
  /** Segments of the log on disk. */
  segments: number
  /** Bytes of all files of the database. */
  bytesOnDisk: number
  /** Bytes of writes that have not resolved yet. */
  queuedBytes: number
  /** Calls of fsync and fdatasync since the database was opened. */
  syncs: number
  /** Number of the newest commit that reads see. */
  lastLsn: number
  /** Number of the newest commit known to be on the disk itself. */
  durableLsn: number
  /** Cursors that were not read to their end. */
  views: number
  /** How long the oldest of them has been open, in milliseconds. */
  oldestViewAge: number
  /** Indexes of all collections, those of `_id` left out. */
  indexes: number
  /** Bytes of these indexes in memory. */
  indexBytes: number
  /** Indexes that would have served costly scans; empty with `autoIndex: 'off'`. */
  suggestedIndexes: ({ collection: string } & SuggestedIndex)[]
}

/** How much of the past a compaction leaves on disk. */
export interface Retention {
  /** So many generations before the present one stay in `backup/<generation>/`, each a database that opens by itself: 0 to 1,000, default 0. */
  generations: number
}

/** What a backup holds. */
export interface BackupResult {
  /** Documents in it. */
  documents: number
  /** Bytes of its files. */
  bytes: number
  /** Number of the last commit of this database that it holds. */
  lsn: number
  /** How long it took, in milliseconds. */
  ms: number
}

/** What a compaction did. */
export interface CompactResult {
  /** Documents kept. */
  documents: number
  /** Bytes of the database's files before; in memory, of the blocks that its documents stand in. */
  bytesBefore: number
  /** The same after. */
  bytesAfter: number
  /** How long it took, in milliseconds. */
  ms: number
  /** How long commits waited for it, in milliseconds. */
  pauseMs: number
}

/** A collection in a listing. */
export interface CollectionInfo {
  /** Its name. */
  name: string
  type: 'collection'
  /** Its number, never reused within a database. */
  number: number
  /** Documents in it. */
  count: number
  /** What it was made with; nothing yet. */
  options: Document
  info: { readOnly: boolean }
  idIndex: { v: number; key: { _id: 1 }; name: string }
}

/** Options of every operation. */
export interface OperationOptions {
  /** Gives up waiting; rejects with the signal's reason. A write that was under way may still be done. */
  signal?: AbortSignal
  /** Milliseconds that the core may work on it; then it rejects with `TIMEOUT` (code 50). 0, the default, is any time. */
  maxTimeMS?: number
  /** For logs; ignored. */
  comment?: unknown
}

/** Options of operations that make documents. */
export interface InsertOneOptions extends OperationOptions {
  /** Does not set the `_id` that was made on the caller's object. */
  forceServerObjectId?: boolean
  /** Leaves fields that are undefined out; `false` stores null. */
  ignoreUndefined?: boolean
}

/** Options of `insertMany`. */
export interface InsertManyOptions extends InsertOneOptions {
  /** Stops at the first document that fails (default); `false` inserts all the others. */
  ordered?: boolean
}

/** Options of `find`. */
export interface FindOptions<T = Document> extends OperationOptions, HintOptions {
  /** Fields to show or leave out. */
  projection?: Projection<T>
  /** The order; natural order, that of insertion, where it is absent. */
  sort?: Sort
  /** Documents to leave out first. */
  skip?: number
  /** Documents at most; 0 for all. */
  limit?: number
  /** Documents that cross into JavaScript at a time; 0 for the default. */
  batchSize?: number
}

/** Options of `findOne`. */
export type FindOneOptions<T = Document> = Omit<FindOptions<T>, 'limit' | 'batchSize'>

/** Options of `countDocuments`. */
export interface CountOptions extends OperationOptions, HintOptions, ExplainOptions {
  /** Documents to leave out first. */
  skip?: number
  /** Count at most this many; 0 for all. */
  limit?: number
}

/** Options of operations that can be explained. */
export interface ExplainOptions {
  /** Resolves with an explanation in place of the result; nothing is written. As in the driver, the type of the result does not tell. */
  explain?: ExplainVerbosityLike
}

/** Options of `distinct`. */
export interface DistinctOptions extends OperationOptions, HintOptions, ExplainOptions {}

/** Options of deletions. */
export interface DeleteOptions extends OperationOptions, HintOptions, ExplainOptions {}

/** Options of updates. */
export interface UpdateOptions extends OperationOptions, HintOptions, ExplainOptions {
  /** Makes a document from filter and update when none matches. Default false. */
  upsert?: boolean
  /** Conditions on the array elements that paths name by `$[x]`: `[{ x: { $gt: 5 } }]`. */
  arrayFilters?: readonly Document[]
  /** Leaves fields that are undefined out of a replacement; `false` stores null. */
  ignoreUndefined?: boolean
}

/** Options of key access that writes. */
export interface VersionOptions extends OperationOptions {
  /** The version that the document must have now; 0: it must not exist. Rejects with `CONFLICT` otherwise. */
  ifVersion?: number
}

/** Options of `set`. */
export interface SetOptions extends VersionOptions {
  /** Leaves fields that are undefined out; `false` stores null. */
  ignoreUndefined?: boolean
}

/** Options of `get`. */
export interface GetOptions extends OperationOptions {
  /** Resolves with the document's version and times too. */
  meta?: boolean
}

/** A document with its version and times. */
export interface Versioned<T> {
  /** The document. */
  value: T
  /** Grows by one with each write, from 1. */
  version: number
  /** When it was inserted. */
  createdAt: Date
  /** When it was last written. */
  modifiedAt: Date
}

/** An entry of `setMany`: `_id`, document, and perhaps the version it must have now. */
export type SetEntry<T> = readonly [id: InferId<T>, document: OptionalId<T>, options?: { ifVersion?: number }]

/** What an insert did. */
export interface InsertOneResult<T = Document> {
  acknowledged: boolean
  /** The `_id` of the document. */
  insertedId: InferId<T>
}

/** What an insert of many documents did. */
export interface InsertManyResult<T = Document> {
  acknowledged: boolean
  insertedCount: number
  /** The `_id`s by place in the array that was given. */
  insertedIds: { [index: number]: InferId<T> }
}

/** What an update or replace did. */
export interface UpdateResult<T = Document> {
  acknowledged: boolean
  /** Documents that matched. */
  matchedCount: number
  /** Documents that really changed. */
  modifiedCount: number
  /** 1 when a document was made, else 0. */
  upsertedCount: number
  /** The `_id` of the document that was made, else null. */
  upsertedId: InferId<T> | null
}

/** What a delete did. */
export interface DeleteResult {
  acknowledged: boolean
  deletedCount: number
}

/** Where a file is first damaged. */
export interface FileDamage {
  /** Where in the file. */
  offset: number
  /** The commit that stands there or was due there; null where no commit is concerned. */
  lsn: number | null
  message: string
}

/** What `Database.verify` found in a file. */
export interface VerifiedFile {
  /** Its name in the directory. */
  file: string
  kind: 'manifest' | 'snapshot' | 'segment'
  bytes: number
  /** Commits whose checksums hold. */
  frames: number
  /** Blocks in them. */
  blocks: number
  /** Bytes at its end that a kill or a power cut left unfinished; opening cuts them, and no acknowledged write is among them. */
  tornBytes: number
  firstDamage: FileDamage | null
}

/** What `Database.verify` found. */
export interface Verification {
  /** Whether no file is damaged. */
  ok: boolean
  /** The manifest, then the files of the log in order. */
  files: VerifiedFile[]
  /** Documents of the newest state that could be read whole. */
  documents: number
  /** The last commit that could be read. */
  lastLsn: number
  /** Whether the last session closed the database. */
  clean: boolean
}

/** How `exportJSONL` writes. */
export interface ExportOptions extends OperationOptions {
  /** The collections to write; all where it is left out. */
  collections?: readonly string[]
  /** Called after each piece has been handed to the stream. */
  onProgress?: (progress: ExportResult) => void
}

/** What an export wrote. */
export interface ExportResult {
  documents: number
  bytes: number
}

/** Where `importJSONL` reads: a stream or any other iterable of bytes or text, cut anywhere. */
export type ImportSource = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>

/** How `importJSONL` reads. */
export interface ImportOptions extends OperationOptions {
  /** What happens to a document whose `_id` is taken: the import stops (the default), it replaces what is there, or it is left out. */
  ifExists?: 'error' | 'replace' | 'skip'
  /** Documents in a commit; 1000 where it is left out. */
  batchSize?: number
  /** Called after each piece has been committed. */
  onProgress?: (progress: ImportResult) => void
}

/** What an import did. */
export interface ImportResult {
  /** Documents written. */
  imported: number
  /** Documents left out because their `_id` was taken. */
  skipped: number
  /** Lines read, blank ones included. */
  lines: number
}

/** Options of `findOneAndUpdate`. */
export interface FindOneAndUpdateOptions<T = Document> extends UpdateOptions {
  /** The document as it was (the default), or as it is after the write. */
  returnDocument?: 'before' | 'after'
  /** Of several that match, the first in this order. */
  sort?: Sort
  /** Fields to show or leave out. */
  projection?: Projection<T>
  /** Resolves with `{ value, lastErrorObject, ok }` in place of the document. */
  includeResultMetadata?: boolean
}

/** Options of `findOneAndReplace`. */
export type FindOneAndReplaceOptions<T = Document> = Omit<FindOneAndUpdateOptions<T>, 'arrayFilters'>

/** Options of `findOneAndDelete`. */
export type FindOneAndDeleteOptions<T = Document> = Pick<
  FindOneAndUpdateOptions<T>,
  'sort' | 'projection' | 'includeResultMetadata' | keyof DeleteOptions
>

/** A document that a write answers, with what the write did. */
export interface ModifyResult<D = Document> {
  /** The document, or null. */
  value: D | null
  /** `n`, `updatedExisting`, and `upserted` where a document was made. */
  lastErrorObject: Document
  ok: number
}

/** A write of `bulkWrite`. */
export type AnyBulkWriteOperation<T = Document> =
  | { insertOne: { document: OptionalId<T> } }
  | { updateOne: { filter: Filter<T>; update: UpdateFilter<T> | readonly Document[]; upsert?: boolean; arrayFilters?: readonly Document[] } & HintOptions }
  | { updateMany: { filter: Filter<T>; update: UpdateFilter<T> | readonly Document[]; upsert?: boolean; arrayFilters?: readonly Document[] } & HintOptions }
  | { replaceOne: { filter: Filter<T>; replacement: WithoutId<T>; upsert?: boolean } & HintOptions }
  | { deleteOne: { filter: Filter<T> } & HintOptions }
  | { deleteMany: { filter: Filter<T> } & HintOptions }

/** Options of `bulkWrite`. */
export type BulkWriteOptions = InsertManyOptions

/** Options of `rename`. */
export interface RenameOptions extends OperationOptions {
  /** Drops the collection that has the name. Default false. */
  dropTarget?: boolean
}

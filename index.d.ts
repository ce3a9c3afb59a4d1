// Generated from js/ by `npm run build:types`; change the sources, not this file.

/// <reference lib="esnext.disposable" />
/// <reference types="node" />

import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';

/** Any object with fields. */
export interface Document {
	[key: string]: any;
}
/** An ObjectId of this package, of bson, or of a copy of either. */
export interface ObjectIdLike {
	readonly _bsontype: string;
	toHexString(): string;
}
/** A class that makes ObjectIds from 12 bytes, such as bson's `ObjectId`. */
export type ObjectIdConstructor = new (bytes: any) => ObjectIdLike;
/** Creates the `_id` of documents that have none. */
export interface PrimaryKeyFactory {
	/** A value that no other document of the collection has. */
	createPk(): unknown;
}
/** Ascending or descending. MongoDB's other directions are refused with `NOT_SUPPORTED`. */
export type IndexDirection = 1 | -1 | "2d" | "2dsphere" | "text" | "geoHaystack" | "hashed" | number;
/**
 * The index to use: its name, or its fields as it was created with them. `{ $natural: 1 }` uses no index, `{ $natural: -1 }` uses no index
 * and, without a sort, reads from the last document to the first.
 */
export type Hint = string | {
	readonly [path: string]: IndexDirection;
} | ReadonlyMap<string, IndexDirection> | readonly (readonly [
	string,
	IndexDirection
])[];
/** The option `hint`. */
export interface HintOptions {
	/** The index to use. Rejects with `BAD_QUERY` when there is no such index. */
	hint?: Hint;
}
/** The verbosity of explain: the plan; also its execution statistics; also those of the rejected plans. */
export type ExplainVerbosity = "queryPlanner" | "queryPlannerExtended" | "executionStats" | "allPlansExecution";
/** The verbosity of explain; `true` is `'allPlansExecution'`, `false` is `'queryPlanner'`. */
export type ExplainVerbosityLike = ExplainVerbosity | boolean | {
	verbosity: ExplainVerbosity;
	maxTimeMS?: number;
};
type IsAny<T> = 0 extends 1 & T ? true : false;
type IsOpen<T> = IsAny<T> extends true ? true : string extends keyof T ? true : false;
type Deferred<T> = IsAny<T> extends true ? never : never;
type Present<T> = Exclude<T, undefined>;
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
type Atom = string | number | boolean | bigint | symbol | null | undefined | Date | Uint8Array | ObjectIdLike | ((...args: never[]) => unknown);
type Below = [
	1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	8
];
type Again = [
	1,
	2,
	3,
	8,
	8,
	8,
	8,
	8
];
type Ends<T, Level extends number> = Level extends 0 | 1 | 2 ? false : Level extends 8 ? true : IsChain<T, Nested<T>>;
type Nested<T> = {
	[K in keyof T]-?: T[K] extends Atom ? never : K;
}[keyof T];
type IsChain<T, K extends keyof T, All = K> = K extends unknown ? ([
	All
] extends [
	K
] ? false : true) : never;
type HasArray<E> = [
	Extract<E, readonly unknown[]>
] extends [
	never
] ? false : true;
type Name<T> = UpdateName<T> | (T extends unknown ? NamesOf<T, 0, T, Extract<keyof T, "_id">> : never);
type UpdateName<T> = T extends unknown ? NamesOf<T, 0, T, Exclude<keyof T, "_id">> : never;
type NamesOf<T, Level extends number, Above, K extends keyof T> = K extends string ? T[K] extends Atom ? K : K | `${K}.${NamesBelow<T[K], Level, Above>}` : never;
type NamesBelow<T, Level extends number, Above> = T extends Atom ? never : T extends readonly (infer E)[] ? HasArray<E> extends false ? NamesBelow<E, Level, Above> : Level extends 8 ? never : NamesBelow<E, Below[Level], Above> : true extends Ends<T, Level> ? never : T extends Above ? NamesOf<T, Again[Level], Above, keyof T> : string extends keyof T ? never : NamesOf<T, Below[Level], Above | T, keyof T>;
type Place<T> = PlacesOfAll<T> extends infer Places extends [
	pattern: string,
	value: unknown
] ? Places : never;
type PlacesOfAll<T> = T extends unknown ? PlacesOf<T, "", 0, T, keyof T> : never;
type PlacesOf<T, Prefix extends string, Level extends number, Above, K extends keyof T> = K extends string ? T[K] extends Atom ? unknown extends T[K] ? Anything<`${Prefix}${K}`> : never : PlacesBelow<T[K], `${Prefix}${K}`, Level, Above> : never;
type Anything<Path extends string> = [
	`${Path}.${string}`,
	any
];
type PlacesBelow<T, Path extends string, Level extends number, Above> = unknown extends T ? Anything<Path> : T extends Atom ? never : T extends readonly (infer E)[] ? [
	`${Path}.${number}`,
	InnerOf<E>
] | (E extends Atom ? never : HasArray<E> extends false ? ElementPlaces<E, `${Path}.${number}`, Level, Above> | PlacesBelow<E, Path, Level, Above> : Anything<`${Path}.${number}`>) : true extends Ends<T, Level> ? Anything<Path> : T extends Above ? PlacesOf<T, `${Path}.`, Again[Level], Above, keyof T> : string extends keyof T ? RecordPlace<T[keyof T], Path> : PlacesOf<T, `${Path}.`, Below[Level], Above | T, keyof T>;
type InnerOf<E> = E extends readonly (infer Inner)[] ? E | Inner : E;
type RecordPlace<V, Path extends string> = [
	`${Path}.${string}`,
	[
		V
	] extends [
		Atom
	] ? V : any
];
type ElementPlaces<E, Path extends string, Level extends number, Above> = unknown extends E ? Anything<Path> : E extends Atom ? never : E extends readonly unknown[] ? Anything<Path> : E extends Above ? Anything<Path> : true extends Ends<E, Level> ? Anything<Path> : string extends keyof E ? RecordPlace<E[keyof E], Path> : ElementFields<E, Path, Below[Level], Above | E, keyof E>;
type ElementFields<E, Path extends string, Level extends number, Above, K extends keyof E> = K extends string ? [
	`${Path}.${K}`,
	E[K]
] | (E[K] extends Atom ? never : ElementPlaces<E[K], `${Path}.${K}`, Level, Above>) : never;
/** The type of a collection's `_id`: that of `T`, or string when `T` has none. */
export type InferId<T> = IsAny<T> extends true ? any : "_id" extends keyof T ? Present<T["_id"]> : string;
/** A document as it is stored: with its `_id`. */
export type WithId<T> = IsOpen<T> extends true ? T & {
	_id: any;
} : Without<T, "_id"> & {
	_id: InferId<T>;
};
/** A document to insert: its `_id` may be absent or null, and is then created. */
export type OptionalId<T> = IsOpen<T> extends true ? T : Without<T, "_id"> & {
	_id?: InferId<T> | null;
};
/** A document without `_id`, for replacements. */
export type WithoutId<T> = IsOpen<T> extends true ? T : Without<T, "_id">;
/**
 * The dotted paths of a document, eight levels deep, where arrays are no level of their own. Positions in arrays are numbers. What stands
 * below `unknown`, below the values of a Record or deeper has any name.
 */
export type Path<T> = IsOpen<T> extends true ? string : "_id" | Name<T> | Place<T>[0];
/** The type of the value at a dotted path; of a union, that of the members that have the path. */
export type PathValue<T, P extends string> = unknown extends T ? any : T extends readonly (infer E)[] ? P extends `${number}.${infer Rest}` ? PathValue<E, Rest> : P extends `${number}` ? E : PathValue<E, P> : string extends keyof T ? P extends `${string}.${infer Rest}` ? PathValue<T[keyof T], Rest> : T[keyof T] : P extends keyof T ? T[P] : P extends `${infer K extends keyof T & string}.${infer Rest}` ? PathValue<T[K], Rest> : T extends null | undefined ? undefined : never;
/** The values that a field may be compared with: its value, or an element if it is an array; null if it may be absent. */
export type Alternative<T> = IsAny<T> extends true ? any : (T extends readonly (infer E)[] ? T | E : Present<T>) | (undefined extends T ? null : never);
/** A regular expression, if the value may contain a string. */
export type Pattern<T> = T extends string ? RegExp : never;
/** The elements of an array; any other value itself. */
export type Element<T> = T extends readonly (infer E)[] ? E : Exclude<T, undefined>;
/** The operators on one field. */
export interface FilterOperators<T> {
	/** Equal to the value. */
	$eq?: T;
	/** Not equal to the value; also matches where the field is absent. */
	$ne?: T;
	/** Greater than the value, and of the same type. */
	$gt?: T;
	/** Greater than or equal to the value. */
	$gte?: T;
	/** Less than the value. */
	$lt?: T;
	/** Less than or equal to the value. */
	$lte?: T;
	/** Equal to one of the values. */
	$in?: readonly (T | Pattern<T>)[];
	/** Equal to none of the values. */
	$nin?: readonly (T | Pattern<T>)[];
	/** Where the operators, or the regular expression, do not match. */
	$not?: FilterOperators<T> | RegExp;
	/** A string in which the regular expression matches. */
	$regex?: Text<T>;
	/** Flags of `$regex`: i, m, s, x, u. */
	$options?: string;
	/** A string that contains this text in upper or lower case, or an array that contains this element. */
	$contains?: any;
	/** Whether the field exists. */
	$exists?: boolean;
	/** Of one of these types, by MongoDB's names or numbers. */
	$type?: TypeName | number | readonly (TypeName | number)[];
	/** A number with this remainder after this divisor: `[divisor, remainder]`. */
	$mod?: readonly [
		divisor: number | bigint,
		remainder: number | bigint
	];
	/** An array with this many elements. */
	$size?: Sized<T>;
	/** An array that contains all of these. */
	$all?: AllOf<T>;
	/** An array with an element that meets all of these conditions. */
	$elemMatch?: ElementMatch<T>;
	/** An integer or bytes in which all of these bits are 1: a mask, or the positions of the bits. */
	$bitsAllSet?: BitMask;
	/** An integer or bytes in which all of these bits are 0. */
	$bitsAllClear?: BitMask;
	/** An integer or bytes in which at least one of these bits is 1. */
	$bitsAnySet?: BitMask;
	/** An integer or bytes in which at least one of these bits is 0. */
	$bitsAnyClear?: BitMask;
}
/** Bits: a mask as a number or as bytes, or an array of bit positions; the lowest is 0. */
export type BitMask = number | bigint | Uint8Array | readonly number[];
/** The type names that `$type` accepts. */
export type TypeName = "double" | "string" | "object" | "array" | "binData" | "objectId" | "bool" | "date" | "null" | "int" | "long" | "number";
/** The condition on one field: a value, or operators. */
export type Condition<T> = Alternative<T> | Pattern<Alternative<T>> | FilterOperators<Alternative<T>>;
/** The operators that combine filters. */
export interface RootFilterOperators<T> {
	/** Where all filters match. */
	$and?: readonly Filter<T>[];
	/** Where one filter matches. */
	$or?: readonly Filter<T>[];
	/** Where no filter matches. */
	$nor?: readonly Filter<T>[];
	/** Where the expression is true. */
	$expr?: unknown;
	/** Where the document is valid by this schema, MongoDB's subset of JSON Schema draft 4. */
	$jsonSchema?: Document;
	/** A comment for logs; ignored. */
	$comment?: unknown;
}
type ElementOf<T> = T extends readonly (infer E)[] ? E : never;
type HasArray$1<T> = [
	ElementOf<T>
] extends [
	never
] ? false : true;
type Text<T> = IsAny<T> extends true ? RegExp | string : [
	Extract<T, string>
] extends [
	never
] ? never : RegExp | string;
type Sized<T> = IsAny<T> extends true ? number : HasArray$1<T> extends true ? number : never;
type AllOf<T> = IsAny<T> extends true ? readonly any[] : readonly (T | ElementOf<T> | Pattern<T | ElementOf<T>> | {
	$elemMatch: ElementMatch<T>;
})[];
type ElementMatch<T> = IsAny<T> extends true ? Document : HasArray$1<T> extends true ? ElementCondition<ElementOf<T>> : never;
/** Conditions on an element: operators on the element itself, or a filter of its fields. */
export type ElementCondition<E> = IsAny<E> extends true ? Document : FilterOperators<E> | (E extends Atom ? never : E extends readonly unknown[] ? Document : IsOpen<E> extends true ? Document : FieldConditions<E, RootFilterOperators<E>>);
/** Conditions on fields, dotted paths and combined filters. A value that is undefined is refused when the filter is used. */
export type Filter<T> = (IsOpen<T> extends true ? Document : FieldConditions<T, RootFilterOperators<T> & {
	_id?: Condition<InferId<T>>;
}>) | Deferred<T>;
type FieldConditions<T, Root> = (NameConditions<T> & {
	[X in Place<T> as X[0]]?: Condition<X[1]>;
} & Root) | ([
	Place<T>
] extends [
	never
] ? never : NameConditions<T> & Root);
type NameConditions<T> = {
	[K in Name<T>]?: Condition<PathValue<T, K>>;
};
/** The projection of an array: some of its elements, or the first that meets a condition. */
export type ArrayProjection = {
	$slice: number | readonly [
		skip: number,
		count: number
	];
} | {
	$elemMatch: Document;
};
/** A computed value of a projection: an expression, a path such as `'$name'`, or a constant that is not a number. */
export type ProjectedValue = string | Document | readonly unknown[] | null;
/**
 * Fields to include (1) or to exclude (0), parts of arrays, `path.$` for the matched element, and fields of any name that
 * are computed by expressions.
 */
export type Projection<T> = ProjectionOf<T>["projection"];
type ProjectionOf<T> = T extends unknown ? {
	projection: IsOpen<T> extends true ? Document : {
		[P in Path<T>]?: 0 | 1 | boolean | ArrayProjection | ProjectedValue;
	} & {
		[positional: `${string}.$`]: 1 | true;
	} & {
		[computed: string]: unknown;
	};
} : never;
/** Ascending or descending. */
export type SortDirection = 1 | -1 | "asc" | "desc" | "ascending" | "descending" | "1" | "-1";
/** A sort order, in any form that the mongodb driver accepts. Of `Sort<T>` an object names fields of `T`; a plain `Sort` names any. */
export type Sort<T = any> = SortOf<T>["sort"];
type SortOf<T> = T extends unknown ? {
	sort: string | Map<string, SortDirection> | readonly [
		string,
		SortDirection
	] | readonly (readonly [
		string,
		SortDirection
	])[] | readonly string[] | (IsOpen<T> extends true ? {
		[path: string]: SortDirection | undefined;
	} : {
		[P in Path<T>]?: SortDirection;
	});
} : never;
type Positional<T> = PositionOf<Place<T>[0]> | `${string}.$` | `${string}.$[${string}]`;
type PositionOf<P> = P extends `${infer Above}.${number}.${infer Below}` ? `${Above}.$${string}.${Below}` : never;
type Fields<T, Named, Placed> = (Named & Placed & {
	[P in Positional<T>]?: any;
}) | (keyof Named extends never ? never : Named);
type SetFields<T> = Fields<T, {
	[K in UpdateName<T>]?: PathValue<T, K> | undefined;
}, {
	[X in Place<T> as X[0]]?: X[1] | undefined;
}>;
type Matching<T, V, R> = Fields<T, {
	[K in UpdateName<T>]?: IfHas<PathValue<T, K>, V, R>;
}, {
	[X in Place<T> as X[0]]?: IfHas<X[1], V, R>;
}>;
type IfHas<T, V, R> = [
	Extract<T, V>
] extends [
	never
] ? never : R;
type Elements<T> = T extends readonly (infer E)[] ? E : never;
type Push<E> = [
	E
] extends [
	never
] ? never : E | PushModifiers<E>;
type AddToSet<E> = [
	E
] extends [
	never
] ? never : E | {
	$each: readonly E[];
};
type Pull<E> = [
	E
] extends [
	never
] ? never : E | Pattern<E> | ElementCondition<E>;
type PullAll<E> = [
	E
] extends [
	never
] ? never : readonly E[];
type PushFields<T> = Fields<T, {
	[K in UpdateName<T>]?: Push<Elements<PathValue<T, K>>>;
}, {
	[X in Place<T> as X[0]]?: Push<Elements<X[1]>>;
}>;
type AddToSetFields<T> = Fields<T, {
	[K in UpdateName<T>]?: AddToSet<Elements<PathValue<T, K>>>;
}, {
	[X in Place<T> as X[0]]?: AddToSet<Elements<X[1]>>;
}>;
type PullFields<T> = Fields<T, {
	[K in UpdateName<T>]?: Pull<Elements<PathValue<T, K>>>;
}, {
	[X in Place<T> as X[0]]?: Pull<Elements<X[1]>>;
}>;
type PullAllFields<T> = Fields<T, {
	[K in UpdateName<T>]?: PullAll<Elements<PathValue<T, K>>>;
}, {
	[X in Place<T> as X[0]]?: PullAll<Elements<X[1]>>;
}>;
/** How `$push` adds several elements. */
export interface PushModifiers<E> {
	/** The elements, in order. */
	$each: readonly E[];
	/** The position to insert at; from the end when negative. Default the end. */
	$position?: number;
	/** Keep this many from the start, or from the end when negative. */
	$slice?: number;
	/** How to sort the array afterwards: by value, or by fields of its elements. */
	$sort?: 1 | -1 | {
		[path: string]: 1 | -1;
	};
}
/** The operators of an update. */
export interface UpdateOperators<T, Id = any> {
	/** Sets fields. */
	$set?: SetFields<T>;
	/** Sets fields of a document that an upsert inserts. */
	$setOnInsert?: SetFields<T> & {
		_id?: Id;
	};
	/** Removes fields; the values are ignored. */
	$unset?: Flags<UpdateName<T> | Place<T>[0] | Positional<T>, string | boolean | number | null>;
	/** Adds to numbers; an absent field starts at 0. */
	$inc?: Matching<T, number | bigint, number | bigint>;
	/** Multiplies numbers; an absent field becomes 0. */
	$mul?: Matching<T, number | bigint, number | bigint>;
	/** Sets fields whose value is greater than this. */
	$min?: SetFields<T>;
	/** Sets fields whose value is less than this. */
	$max?: SetFields<T>;
	/** Renames fields. */
	$rename?: Flags<UpdateName<T> | Place<T>[0], string>;
	/** Sets fields to the time of the update. */
	$currentDate?: Matching<T, Date, true | {
		$type: "date";
	}>;
	/** Appends to arrays; an absent field starts empty. */
	$push?: PushFields<T>;
	/** Appends values that the array does not have yet. */
	$addToSet?: AddToSetFields<T>;
	/** Removes the elements that equal a value or match a condition. */
	$pull?: PullFields<T>;
	/** Removes the elements that equal one of these. */
	$pullAll?: PullAllFields<T>;
	/** Removes the first (-1) or last (1) element. */
	$pop?: Matching<T, readonly unknown[], 1 | -1>;
	/** Changes the bits of whole numbers. */
	$bit?: Matching<T, number | bigint, {
		and: number | bigint;
	} | {
		or: number | bigint;
	} | {
		xor: number | bigint;
	}>;
}
type Flags<P extends string, V> = {
	[K in P]?: V;
};
/** A change of a document by operators. */
export type UpdateFilter<T> = (IsOpen<T> extends true ? {
	[operator: `$${string}`]: Document;
} : UpdateOperators<T, InferId<T>>) | Deferred<T>;
/**
 * Options of the mongodb driver that change no result of an embedded database. Accepted for compatibility, without effect;
 * docs/compatibility.md gives the reason for each.
 */
export interface DriverOptions {
	comment?: unknown;
	readPreference?: unknown;
	omitReadPreference?: boolean;
	readConcern?: unknown;
	writeConcern?: unknown;
	retryWrites?: boolean;
	willRetryWrite?: boolean;
	bypassPinningCheck?: boolean;
	dbName?: string;
	authdb?: string;
	noResponse?: boolean;
	allowDiskUse?: boolean;
	allowPartialResults?: boolean;
	partial?: boolean;
	oplogReplay?: boolean;
	noCursorTimeout?: boolean;
	timeout?: boolean;
	maxAwaitTimeMS?: number;
	timeoutMode?: unknown;
	cursor?: unknown;
	authorizedCollections?: boolean;
	authorizedDatabases?: boolean;
	bypassDocumentValidation?: boolean;
	ignoreUndefined?: boolean;
	checkKeys?: boolean;
	serializeFunctions?: boolean;
	enableUtf8Validation?: boolean;
	useBigInt64?: boolean;
	bsonRegExp?: boolean;
}
/** Options of every operation. */
export interface OperationOptions extends DriverOptions {
	/** Aborts the operation: it rejects with the signal's reason. A write that was running may still take effect. */
	signal?: AbortSignal;
	/**
	 * The time limit in milliseconds; beyond it the operation rejects with `TIMEOUT` (code 50). 0, the default, means no
	 * limit.
	 */
	maxTimeMS?: number;
	/** The session of the operation: with a transaction it is part of that, otherwise the option has no effect. */
	session?: ClientSession;
	/** How strings compare. Default: that of the collection, which is by their bytes unless it was created with another. */
	collation?: CollationOptions | null;
}
/**
 * How strings compare: in the order of a language, and which of them are equal.
 *
 * @example
 * await users.find({ name: 'ann' }, { collation: { locale: 'en', strength: 2 } }).toArray() // Ann, ann, ANN
 */
export interface CollationOptions {
	/** The language, as in `'de'`, `'fr_CA'` or `'de@collation=phonebook'`; `'simple'` compares bytes, and takes no other options. */
	locale: string;
	/** What is different: 1 letters, 2 accents too, 3 (the default) case too, 4 punctuation with `alternate: 'shifted'`, 5 every character. */
	strength?: number;
	/** Whether case makes a difference at strength 1 or 2. Default false. */
	caseLevel?: boolean;
	/** Which case sorts first. Default that of the language, mostly `'off'`: lower case, as other differences of strength 3 do. */
	caseFirst?: "off" | "upper" | "lower";
	/** Whether digits sort by the number that they make: `'2'` before `'10'`. Default false. */
	numericOrdering?: boolean;
	/** `'shifted'` ignores spaces and punctuation below strength 4. Default `'non-ignorable'`. */
	alternate?: "non-ignorable" | "shifted";
	/** What `'shifted'` is about: spaces and punctuation (`'punct'`, the default), or spaces alone. */
	maxVariable?: "punct" | "space";
	/** Whether accents compare from the end of a string: true for `fr_CA` and false for others, and cannot be changed. */
	backwards?: boolean;
	/** Without effect: text is always compared as if it were normalised. */
	normalization?: boolean;
	/** The version of the data of Unicode, as indexes and collections are listed with it; without effect. */
	version?: string;
}
/** How far a long operation is. */
export interface OperationProgress {
	/** Steps that are done. */
	done: number;
	/** All steps, as far as is known: bytes of files where files are read, otherwise documents. */
	total: number;
}
/** The option of long operations. */
export interface ProgressOptions {
	/**
	 * Called at most ten times a second while the operation runs, and once more when it has succeeded, with `done` equal to `total`. If it
	 * throws, the operation is stopped where that is possible and rejects with what was thrown.
	 */
	onProgress?: (progress: OperationProgress) => void;
}
/** The options of long operations. */
export interface LongOperationOptions extends OperationOptions, ProgressOptions {
}
/** The option of operations whose filters, projections, updates or stages may contain expressions. */
export interface LetOptions {
	/**
	 * Variables that expressions read as `$$name`: in `$expr`, in projections, in updates by pipeline and in stages. A value may be an
	 * expression itself, but reads no document.
	 */
	let?: Document;
}
/** Options of operations that insert documents. */
export interface InsertOneOptions extends OperationOptions {
	/** Does not set a created `_id` on the caller's object. */
	forceServerObjectId?: boolean;
	/** Leaves out fields that are undefined; `false` stores null. */
	ignoreUndefined?: boolean;
}
/** Options of `insertMany`. */
export interface InsertManyOptions extends InsertOneOptions {
	/** Stops at the first document that fails (default); `false` inserts all the others. */
	ordered?: boolean;
}
/** Options of cursors over capped collections that wait for more. */
export interface TailableOptions {
	/**
	 * Whether the cursor stays open after the last document: `next` and loops wait for new ones, `tryNext` does not. Of capped collections
	 * only, in the order of insertions. Default false.
	 */
	tailable?: boolean;
	/** With `tailable`: whether `tryNext` waits as well, for `maxAwaitTimeMS`. Default false. */
	awaitData?: boolean;
	/** How long `tryNext` waits for a document with `awaitData`, in milliseconds. Default 0. */
	maxAwaitTimeMS?: number;
}
/** Options of `find`. */
export interface FindOptions<T = Document> extends OperationOptions, HintOptions, LetOptions, TailableOptions {
	/** The fields to include or exclude. */
	projection?: Projection<T>;
	/** The order; default natural order, which is the order of insertion. */
	sort?: Sort<T>;
	/** Documents to skip first. */
	skip?: number;
	/** The maximum number of documents; 0 means all. */
	limit?: number;
	/** The batch size: how many documents are fetched at a time; 0 for the default. */
	batchSize?: number;
	/**
	 * Whether sorts and groups may write to temporary files in the directory of the database what is more than
	 * `queryMemoryLimit`; default true. With `false` the operation rejects with `LIMIT` (code 292). A database in memory, or
	 * one that is open read-only, writes none.
	 */
	allowDiskUse?: boolean;
}
/** Options of `findOne`. */
export type FindOneOptions<T = Document> = Omit<FindOptions<T>, "limit" | "batchSize" | "tailable" | "awaitData"> & ExplainOptions & {
	/** Resolves with `{ value, version, createdAt, modifiedAt }` instead of the document. Default false. */
	meta?: boolean;
};
/** Options of `countDocuments`. */
export interface CountOptions extends OperationOptions, HintOptions, ExplainOptions, LetOptions {
	/** Documents to skip first. */
	skip?: number;
	/** Counts at most this many; 0 means all. */
	limit?: number;
}
/** Options of `aggregate`. */
export interface AggregateOptions extends OperationOptions, HintOptions, LetOptions {
	/** The batch size: how many documents are fetched at a time; 0 for the default. */
	batchSize?: number;
	/**
	 * Whether sorts and groups may write to temporary files in the directory of the database what is more than
	 * `queryMemoryLimit`; default true. With `false` the operation rejects with `LIMIT` (code 292). A database in memory, or
	 * one that is open read-only, writes none.
	 */
	allowDiskUse?: boolean;
}
/** Options of operations that can be explained. */
export interface ExplainOptions {
	/**
	 * Resolves with an explain result instead; nothing is written. As in the driver, the type of the result does not show it.
	 */
	explain?: ExplainVerbosityLike;
}
/** Options of `distinct`. */
export interface DistinctOptions extends OperationOptions, HintOptions, ExplainOptions {
}
/** Options of deletions. */
export interface DeleteOptions extends OperationOptions, HintOptions, ExplainOptions, LetOptions {
}
/** The option of writes of one document that check its version. */
export interface IfVersionOption {
	/**
	 * The version that the document must have, as `get` tells it with `meta`; 0 means that none may match. Otherwise, also when none matches, the
	 * write rejects with `CONFLICT` and changes nothing.
	 */
	ifVersion?: number;
}
/** Options of `deleteOne`. */
export interface DeleteOneOptions extends DeleteOptions, IfVersionOption {
}
/** Options of updates. */
export interface UpdateOptions extends OperationOptions, HintOptions, ExplainOptions, LetOptions {
	/** Inserts a document made from the filter and the update when none matches. Default false. */
	upsert?: boolean;
	/** Conditions on the array elements that paths address by `$[x]`: `[{ x: { $gt: 5 } }]`. */
	arrayFilters?: readonly Document[];
	/** Leaves out fields that are undefined; `false` stores null. */
	ignoreUndefined?: boolean;
}
/** Options of updates of one document. */
export interface UpdateOneOptions extends UpdateOptions, IfVersionOption {
	/** Chooses the first in this order when several match. */
	sort?: Sort;
}
/** Options of `replaceOne`. */
export interface ReplaceOptions extends Omit<UpdateOneOptions, "arrayFilters"> {
}
/** Options of writes by `_id` that check the version. */
export interface VersionOptions extends OperationOptions {
	/**
	 * The version that the document must have; 0 means that it must not exist. Otherwise the write rejects with `CONFLICT`.
	 */
	ifVersion?: number;
}
/** Options of `set`. */
export interface SetOptions extends VersionOptions {
	/** Leaves out fields that are undefined; `false` stores null. */
	ignoreUndefined?: boolean;
}
/** Options of `setMany`; a version belongs to an entry. */
export type SetManyOptions = Omit<SetOptions, "ifVersion">;
/** Options of `get`. */
export interface GetOptions extends OperationOptions {
	/** Resolves with the document, its version and its times. */
	meta?: boolean;
}
/** An entry of `setMany`: `_id`, document, and optionally the version that it must have. */
export type SetEntry<T> = readonly [
	id: InferId<T>,
	document: OptionalId<T>,
	options?: {
		ifVersion?: number;
	}
];
/** Options of `findOneAndUpdate`. */
export interface FindOneAndUpdateOptions<T = Document> extends UpdateOptions, IfVersionOption {
	/** Of several that match, the first in this order. */
	sort?: Sort<T>;
	/** Whether to resolve with the document before (the default) or after the write. */
	returnDocument?: "before" | "after";
	/** The fields to include or exclude. */
	projection?: Projection<T>;
	/** Resolves with `{ value, lastErrorObject, ok }` instead of the document. */
	includeResultMetadata?: boolean;
}
/** Options of `findOneAndReplace`. */
export type FindOneAndReplaceOptions<T = Document> = Omit<FindOneAndUpdateOptions<T>, "arrayFilters">;
/** Options of `findOneAndDelete`. */
export type FindOneAndDeleteOptions<T = Document> = Pick<FindOneAndUpdateOptions<T>, "sort" | "projection" | "includeResultMetadata" | keyof DeleteOneOptions>;
interface BulkWriteModelOptions extends HintOptions {
	/** How strings compare in this write. Default: that of `bulkWrite`. */
	collation?: CollationOptions | null;
}
/** A write of `bulkWrite`. */
export type AnyBulkWriteOperation<T = Document> = {
	insertOne: {
		document: OptionalId<T>;
	};
} | {
	updateOne: {
		filter: Filter<T>;
		update: UpdateFilter<T> | readonly Document[];
		upsert?: boolean;
		arrayFilters?: readonly Document[];
		sort?: Sort;
	} & BulkWriteModelOptions & IfVersionOption;
} | {
	updateMany: {
		filter: Filter<T>;
		update: UpdateFilter<T> | readonly Document[];
		upsert?: boolean;
		arrayFilters?: readonly Document[];
	} & BulkWriteModelOptions;
} | {
	replaceOne: {
		filter: Filter<T>;
		replacement: WithoutId<T>;
		upsert?: boolean;
		sort?: Sort;
	} & BulkWriteModelOptions & IfVersionOption;
} | {
	deleteOne: {
		filter: Filter<T>;
	} & BulkWriteModelOptions & IfVersionOption;
} | {
	deleteMany: {
		filter: Filter<T>;
	} & BulkWriteModelOptions;
};
/** Options of `bulkWrite`. */
export interface BulkWriteOptions extends InsertManyOptions, LetOptions {
}
/** Options of `rename`. */
export interface RenameOptions extends OperationOptions {
	/** Drops an existing collection of that name. Default false. */
	dropTarget?: boolean;
}
/**
 * What the commit of a transaction checks against the commits since its snapshot. `'snapshot'`: what it has written. `'serializable'`: what it
 * has read, too; if any of it has changed, the commit rejects with `CONFLICT` (code 112, label `TransientTransactionError`). The result is that
 * of running the serializable transactions that write one after the other, in the order of their commits.
 */
export type Isolation = "snapshot" | "serializable";
/** The options of a transaction. Concerns and preferences are accepted for compatibility with the driver, without effect. */
export interface TransactionOptions {
	readConcern?: unknown;
	writeConcern?: unknown;
	readPreference?: unknown;
	/** How long the commit may wait before it begins, in milliseconds. 0, the default, means no limit. */
	maxCommitTimeMS?: number;
	/** How long the transaction may be open, in milliseconds: beyond it, it is aborted. Default 600,000. */
	maxTimeMS?: number;
	/** How long it may be left alone, in milliseconds: beyond it, it is aborted. Default 60,000. */
	maxIdleMS?: number;
	/** What its commit checks: what it has written (`'snapshot'`, the default), or what it has read, too (`'serializable'`). */
	isolation?: Isolation;
}
/** The options of `db.transaction`. */
export interface TransactionRunOptions {
	/** The time limit for all attempts together, in milliseconds. Default 120,000: then no other attempt is begun. */
	maxTimeMS?: number;
	/** How long an attempt may be left alone, in milliseconds: beyond it, it is aborted. Default 60,000. */
	maxIdleMS?: number;
	/** Aborts the transaction: the call rejects with the signal's reason. */
	signal?: AbortSignal;
	/** How often the function is run again at most. Default: as often as the time allows. */
	retries?: number;
	/** What its commit checks: what it has written (`'snapshot'`, the default), or what it has read, too (`'serializable'`). */
	isolation?: Isolation;
}
/** The options of `db.transactionSync`. */
export interface SyncTransactionOptions {
	/** How often the function is run again at most, when another writer has changed what it writes. Default 10. */
	retries?: number;
	/** What its commit checks: what it has written (`'snapshot'`, the default), or what it has read, too (`'serializable'`). */
	isolation?: Isolation;
}
/** The options of a session. */
export interface ClientSessionOptions {
	/** The options of its transactions that are begun without others. */
	defaultTransactionOptions?: TransactionOptions;
	/** Without effect: reads always see the writes that were awaited before. */
	causalConsistency?: boolean;
	/** Snapshot sessions are not supported: use a transaction. */
	snapshot?: false;
}
/** A session, which holds one transaction at a time. Operations belong to it that are given `{ session }`. */
export interface ClientSession {
	/** What identifies it: events of change streams have it as `lsid`, beside `txnNumber`. */
	readonly id: {
		id: Buffer;
	};
	/** Whether `endSession` was called. */
	readonly hasEnded: boolean;
	/** Whether a transaction was started that is neither committed nor aborted. */
	inTransaction(): boolean;
	/** Starts a transaction. Its snapshot is taken by its first operation. Throws a TypeError when one is in progress. */
	startTransaction(options?: TransactionOptions): void;
	/**
	 * Commits the transaction: all of its writes or none. Called again, it returns the first outcome.
	 *
	 * Rejects with `CONFLICT` (code 112, label `TransientTransactionError`) when another writer has changed what the transaction writes,
	 * and with code 251 when the transaction has ended before: by a failed write, or by a time limit.
	 */
	commitTransaction(): Promise<void>;
	/** Aborts the transaction: none of its writes is kept. */
	abortTransaction(): Promise<void>;
	/**
	 * The function may run more than once. Runs it in a transaction and commits; runs it again, with a back-off and for up to 120 seconds,
	 * when it or the commit rejects with the label `TransientTransactionError`. Resolves with what the function resolves with; any other
	 * error aborts the transaction and is passed on.
	 */
	withTransaction<R>(run: (session: ClientSession) => Promise<R>, options?: TransactionOptions): Promise<R>;
	/** Ends the session; aborts its transaction. */
	endSession(): Promise<void>;
	/** The same, for `await using`. */
	[Symbol.asyncDispose](): Promise<void>;
}
/** A savepoint of a transaction: `tx.rollbackTo` goes back to it. */
export interface Savepoint {
	/** Its number in the transaction, from 1. */
	readonly number: number;
}
/** The place of an event. Opaque: store it as it is, and give it to `resumeAfter` or `startAfter`. */
export interface ResumeToken {
	_data: string;
}
/** The time of a commit: seconds since 1970, and a number that orders the commits of a second. */
export interface ClusterTime {
	t: number;
	i: number;
}
/** Options of `watch`. */
export interface ChangeStreamOptions extends OperationOptions {
	/**
	 * Whether the event of an update has `fullDocument`, the document as that update left it: `'default'` no; `'updateLookup'`,
	 * `'whenAvailable'` and `'required'` yes. It is always there, as the log has it.
	 */
	fullDocument?: "default" | "updateLookup" | "whenAvailable" | "required";
	/**
	 * Whether events have `fullDocumentBeforeChange`, the document as it was before: `'off'` (the default) no; `'whenAvailable'` where the
	 * collection keeps it (`changeStreamPreAndPostImages` of createCollection), else null; `'required'` fails with code 47 where it is missing.
	 */
	fullDocumentBeforeChange?: "off" | "whenAvailable" | "required";
	/** Goes on after this event or resume token. Not after an invalidate event. */
	resumeAfter?: ResumeToken;
	/** Goes on after this event or resume token, also after an invalidate event. */
	startAfter?: ResumeToken;
	/** Begins with the first commit of this time or later: a Date, or the `clusterTime` of an event. */
	startAtOperationTime?: Date | ClusterTime;
	/** Whether there are events `create`, `modify`, `createIndexes` and `dropIndexes`. Default false. */
	showExpandedEvents?: boolean;
	/** Events that are fetched at a time. Default 1,000, or 4 MiB. */
	batchSize?: number;
	/** How long, in milliseconds, `tryNext` waits for an event. Default 0. */
	maxAwaitTimeMS?: number;
	/**
	 * The name of a reader whose place the database keeps: the stream goes on after the event that was acknowledged last, the first one begins now.
	 * `stream.acknowledge(event)` moves the place. One reader at a time: a later one ends the acknowledgements of those before.
	 */
	consumer?: string;
}
/** Options of `watch` of a database. */
export interface DatabaseChangeStreamOptions extends ChangeStreamOptions {
	/** Whether the collections of all databases in the directory are watched. Default false. */
	allDatabases?: boolean;
}
/** Options of `live`. */
export interface LiveOptions {
	/** Ends the live query: it rejects with the signal's reason. */
	signal?: AbortSignal;
}
/** The result of a live query at a state of the database. */
export interface LiveResult<T = Document> {
	/** All documents, in the order of the query. */
	documents: T[];
	/** Those that were not in the result before. */
	added: T[];
	/** Those that were, and have changed. */
	changed: T[];
	/** Those that are no more in the result, as they were told last. */
	removed: T[];
	/** The number of the newest commit in it. */
	lsn: number;
}
/** Options of `history`. */
export interface DocumentHistoryOptions extends OperationOptions {
	/** Versions that are fetched at a time. Default 1,000, or 4 MiB. */
	batchSize?: number;
}
/** A version that a document had. */
export interface DocumentVersion<T = Document> {
	/** Its number, from 1; null where the document was deleted, or went to another name with its collection. */
	version: number | null;
	/** The number of its commit. */
	lsn: number;
	/** The time of its commit. */
	time: Date;
	/**
	 * What made it; `drop` where the collection was dropped, `rename` where a collection with the document came to this name, which brings its version and
	 * document, or where the collection of this name got another one.
	 */
	operation: "insert" | "update" | "replace" | "delete" | "drop" | "rename";
	/** The whole document; null where it is not there any more. */
	document: T | null;
}
/** Options of `acknowledge`. */
export interface AcknowledgeOptions {
	/** The session of a transaction, or the transaction that `db.transaction` gives: the place moves if that commits. */
	session?: ClientSession | {
		collection(name: string): unknown;
	};
}
/** What all events have. */
export interface ChangeStreamEvent {
	/** The place of the event: its resume token. */
	_id: ResumeToken;
	/** The commit's time, which orders the events of different commits. */
	clusterTime: ClusterTime;
	/** The time of the commit. */
	wallTime: Date;
}
/** The commit of an event. */
export interface ChangeStreamCommit {
	commit: {
		/** Its number: larger than that of every commit before. */
		lsn: number;
		/** Whether the commit has no further event for this stream, before its pipeline is applied. */
		last: boolean;
	};
}
/** A collection in an event. */
export interface ChangeStreamNamespace {
	db: string;
	coll: string;
}
interface OfCollection extends ChangeStreamEvent, ChangeStreamCommit {
	ns: ChangeStreamNamespace;
}
interface OfDocument<T> extends OfCollection {
	documentKey: {
		_id: T extends {
			_id: infer Id;
		} ? Id : any;
	};
}
/** A document was inserted. */
export interface ChangeStreamInsertDocument<T = Document> extends OfDocument<T> {
	operationType: "insert";
	fullDocument: T;
}
/** A document was updated. */
export interface ChangeStreamUpdateDocument<T = Document> extends OfDocument<T> {
	operationType: "update";
	updateDescription: UpdateDescription<T>;
	fullDocument?: T;
	fullDocumentBeforeChange?: T | null;
}
/** What an update has changed. */
export interface UpdateDescription<T = Document> {
	/** New values by path, with dots. */
	updatedFields: Partial<T> & {
		[path: string]: any;
	};
	removedFields: string[];
	truncatedArrays: {
		field: string;
		newSize: number;
	}[];
	/** With `showExpandedEvents`: the parts of paths whose fields have dots or look like places of elements. */
	disambiguatedPaths?: {
		[path: string]: (string | number)[];
	};
}
/** A document was replaced. */
export interface ChangeStreamReplaceDocument<T = Document> extends OfDocument<T> {
	operationType: "replace";
	fullDocument: T;
	fullDocumentBeforeChange?: T | null;
}
/** A document was deleted. */
export interface ChangeStreamDeleteDocument<T = Document> extends OfDocument<T> {
	operationType: "delete";
	fullDocumentBeforeChange?: T | null;
}
/** A collection was dropped. */
export interface ChangeStreamDropDocument extends OfCollection {
	operationType: "drop";
}
/** A collection was renamed. */
export interface ChangeStreamRenameDocument extends OfCollection {
	operationType: "rename";
	to: ChangeStreamNamespace;
}
/** A database was dropped, after its collections. */
export interface ChangeStreamDropDatabaseDocument extends ChangeStreamEvent, ChangeStreamCommit {
	operationType: "dropDatabase";
	ns: {
		db: string;
	};
}
/** The stream ends: what it watched was dropped or renamed. */
export interface ChangeStreamInvalidateDocument extends ChangeStreamEvent {
	operationType: "invalidate";
}
/** With `showExpandedEvents`: a collection was created or modified, or an index was created or dropped. */
export interface ChangeStreamExpandedDocument extends OfCollection {
	operationType: "create" | "modify" | "createIndexes" | "dropIndexes";
	operationDescription: Document;
	/** Of `modify`: the options before. */
	stateBeforeChange?: Document;
}
/** An event of a change stream. */
export type ChangeStreamDocument<T = Document> = ChangeStreamInsertDocument<T> | ChangeStreamUpdateDocument<T> | ChangeStreamReplaceDocument<T> | ChangeStreamDeleteDocument<T> | ChangeStreamDropDocument | ChangeStreamRenameDocument | ChangeStreamDropDatabaseDocument | ChangeStreamInvalidateDocument | ChangeStreamExpandedDocument;
/** Where writes go, and what a resolved write promises. */
export type StorageMode = "async" | "sync" | "memory";
/**
 * The key of an encrypted database: a password, from which a key is derived (Argon2id), 32 random bytes, or a function that returns one of
 * them and is called once.
 */
export type EncryptionKey = string | Uint8Array | (() => string | Uint8Array | Promise<string | Uint8Array>);
/** The options of `Database.open`. */
export interface OpenOptions extends ProgressOptions {
	/**
	 * `'async'` (the default; the environment variable `WRITE_MODE` changes it): a resolved write survives the end of the process; a
	 * power cut loses at most the last `flushInterval`. `'sync'`: it survives a power cut too. `'memory'`: nothing on disk.
	 */
	storage?: StorageMode;
	/** Longest time between a write and its flush to the disk with storage `'async'`, in milliseconds: 1 to 60,000, default 50. */
	flushInterval?: number;
	/**
	 * Bytes of memory for documents, keys, indexes and pages of the checkpoint; at least 1, or `Infinity` for no limit. Default a quarter
	 * of the memory that the process may use: the machine's, or less where a container or another control group of Linux is limited. When
	 * keys, entries of indexes and changed places take a quarter of it, and 4 MiB, a checkpoint is written, and they are read from there.
	 * When open cursors hold a quarter of it, and 4 MiB, in older versions, those of the oldest states end. A database in memory has no
	 * limit, and refuses one, because it has no files to read from.
	 */
	memoryLimit?: number;
	/**
	 * Bytes that one query may hold while it runs: documents kept by its stages, values of its expressions, its compiled
	 * regular expressions. Sorts and groups that need more use the disk (`allowDiskUse`), other queries reject with `LIMIT`. At
	 * least 1 MiB, default 100 MiB.
	 */
	queryMemoryLimit?: number;
	/** Compacts automatically when more than half of the file bytes are garbage, or there are 128 segments. Default true. */
	autoCompact?: boolean;
	/**
	 * What to do when queries scan many documents to return few because an index is missing: `'suggest'` (default) names the
	 * index in statistics and in explain after three such scans, `'on'` also creates it, `'off'` does neither.
	 */
	autoIndex?: "off" | "suggest" | "on";
	/** Whether documents are deleted that have expired by TTL indexes. Default true; never in a database that is open read-only. */
	ttlMonitor?: boolean;
	/** How often such documents are looked for, in milliseconds: 1 to a year, default 60,000. */
	ttlInterval?: number;
	/** The old generations that a compaction keeps. Default none. */
	retention?: Retention;
	/**
	 * What is kept of the past. Default: nothing, until the database is watched for the first time; from then on, also after it is opened again,
	 * the log of a day, at most 1 GiB.
	 */
	history?: HistoryOptions;
	/**
	 * Encrypts all files of a new database (XChaCha20-Poly1305), and opens an encrypted one. Without it an encrypted database rejects with
	 * `KEY_REQUIRED`, with another key with `WRONG_KEY`; a database that is not encrypted rejects one with `NOT_ENCRYPTED`.
	 */
	encryptionKey?: EncryptionKey;
	/** Reads only; no byte on disk changes. Default false. */
	readOnly?: boolean;
	/** Creates the database when it does not exist. Default true. */
	createIfMissing?: boolean;
	/** Rejects when the database exists. Default false. */
	errorIfExists?: boolean;
	/**
	 * What to do with damage at the end of the log that a power cut does not explain: `'strict'` (default) rejects with `CORRUPT_TAIL`,
	 * `'truncate'` cuts it and keeps the cut bytes.
	 */
	recovery?: "strict" | "truncate";
	/**
	 * What opening reads of a database that a clean close has left a checkpoint of: `'quick'` (default) the checkpoint and the log after
	 * it, so that damage of a document is met by the operation that reads it; `'full'` everything, so that damage rejects the opening.
	 */
	check?: "quick" | "full";
	/**
	 * Reads all files again in the background, slowly, and checks every checksum, so that damage of what nothing reads is known while a
	 * backup is still good. `stats` and the log tell what it found. Default: none; `{}` reads everything once a week. A database in memory
	 * has no files.
	 */
	scrub?: Scrub;
	/** The class of ObjectIds in documents that are read; default a small class of this package. */
	ObjectId?: ObjectIdConstructor;
	/** The module `bson` or `mongodb` that the program uses: ObjectIds that are read are of its class, so that `instanceof` holds. */
	bson?: {
		ObjectId: ObjectIdConstructor;
	};
	/** Creates the `_id` of documents that have none; default UUIDv7 strings. */
	pkFactory?: PrimaryKeyFactory;
	/** Leaves out fields that are undefined; `false` stores null. Default true. */
	ignoreUndefined?: boolean;
	/** Does not set a created `_id` on the caller's object. Default false. */
	forceServerObjectId?: boolean;
	/**
	 * The time of what is written: of `$$NOW`, `$currentDate`, the times of versions, and the `_id`s that are made here. It is asked at each
	 * operation: `() => Date.now()` follows the fake timers of Jest and vitest. Limits of time are of the real clock. A commit is never
	 * before those that there are: where the clock goes back, commits have the time of the newest one.
	 */
	clock?: () => Date | number;
	/**
	 * An operation that takes so many milliseconds or more is told on the channel `moltendb:slow` of `node:diagnostics_channel`, and in the log
	 * that the environment variable `MOLTENDB_LOG` asks for. Default false.
	 */
	slowMs?: number | false;
	/** Aborts the call: it rejects with the signal's reason. */
	signal?: AbortSignal;
}
/** A state of a database in memory, made by `db.snapshot`; `db.restore` puts the database back in it. */
export interface Snapshot {
	/** Frees what it keeps. A snapshot that nothing refers to is released by itself, later. */
	release(): void;
	/** Whether it was released. */
	readonly isReleased: boolean;
	/** Releases it at the end of a `using`. */
	[Symbol.dispose](): void;
}
/** The options of `db.collection`; they replace those of the database. */
export interface CollectionOptions extends DriverOptions {
	/** Creates the `_id` of documents that have none. */
	pkFactory?: PrimaryKeyFactory;
	/** Leaves out fields that are undefined; `false` stores null. */
	ignoreUndefined?: boolean;
	/** Does not set a created `_id` on the caller's object. */
	forceServerObjectId?: boolean;
}
/** Options of `createCollection`. */
export interface CreateCollectionOptions extends CollectionOptions, OperationOptions {
	/**
	 * Whether the log keeps documents as they were before an update, a replacement or a deletion: change streams tell them as
	 * `fullDocumentBeforeChange`. Makes such writes as large again. Default `{ enabled: false }`.
	 */
	changeStreamPreAndPostImages?: {
		enabled: boolean;
	};
	/**
	 * A filter that documents must match: every write checks it, and rejects with `SCHEMA_VIOLATION` (code 121). It is often
	 * `{ $jsonSchema: { ... } }`. `db.command({ collMod })` changes it, or removes it with `{}`.
	 */
	validator?: Document;
	/**
	 * Which documents it applies to: `'strict'` (the default) to all that are written, `'moderate'` to new ones and to those that
	 * were valid, `'off'` to none.
	 */
	validationLevel?: "off" | "strict" | "moderate";
	/** What is done about others: `'error'` (the default) refuses them, `'warn'` logs and stores them, `'errorAndLog'` does both. */
	validationAction?: "error" | "warn" | "errorAndLog";
	/**
	 * Makes a view: the name of the collection or view of this database that it reads. A view stores no documents; each read of it runs
	 * `pipeline`.
	 */
	viewOn?: string;
	/** The pipeline of the view. Default `[]`: the documents as they are. It must not write. */
	pipeline?: Document[];
	/**
	 * How strings compare in operations and indexes that do not say that. `_id` compares by bytes all the same. It cannot be changed
	 * later; a view has its own.
	 */
	collation?: CollationOptions | null;
	/**
	 * Whether it keeps its newest documents only, within `size` and `max`: the oldest are removed by the insert that needs their place.
	 * Default false.
	 */
	capped?: boolean;
	/** The most bytes of the documents of a capped collection, as they are stored: 1 to 2^50, rounded up to a multiple of 256. */
	size?: number;
	/** The most documents of a capped collection: 1 to 2,147,483,647. Default any number that `size` allows. */
	max?: number;
}
/** What recovery found when the database was opened. */
export interface RecoveryReport {
	/** Whether the last program closed it. */
	clean: boolean;
	/** Whether this opening made it. */
	created: boolean;
	/** Commits of the log that were replayed: those after the checkpoint, if there was one. */
	framesReplayed: number;
	/** Bytes that were cut off the end of the log: an unfinished write, or, with `recovery: 'truncate'`, a damaged end. */
	bytesCut: number;
	/** Whether a power cut does not explain what was cut off. */
	suspectTail: boolean;
	/** The file with what was cut off; null where nothing was kept. */
	quarantine: string | null;
	/** The number of the newest commit. */
	lastLsn: number;
	/** Files of the log. */
	segments: number;
}
/** How all files are read again in the background; the option `scrub`. */
export interface Scrub {
	/** The pause after each pass, in milliseconds: 1 to a year, default a week. The first pass begins when the database is opened. */
	interval?: number;
	/** How fast it reads: at least 1,024, default 8 MiB. */
	bytesPerSecond?: number;
}
/** What is kept of the past; the option `history`. */
export interface HistoryOptions {
	/** The log before the last compaction, for change streams; `false` keeps none, and gives back what was kept. `{}` keeps it from now on, within the default limits. */
	changes?: HistoryLimits | false;
	/**
	 * The snapshots that compactions replace, with the log between them, so that `asOf` and `Database.recoverTo` reach behind the last compaction. `{}` keeps
	 * them from now on, `false` keeps none and gives back what was kept; left out, it stays as an opening before has said it. Without it a new database keeps none.
	 */
	past?: HistoryLimits | false;
}
/** How much is kept of the past. */
export interface HistoryLimits {
	/** What is older may be forgotten, in milliseconds: at least 1, default a day. `Infinity`: at no age. */
	maxAge?: number;
	/**
	 * The oldest is forgotten when there are more bytes of files that nothing else needs: at least 1, default 1 GiB; for `past`, of snapshots and the log between
	 * them, by default at least the size of the data. `Infinity` is no limit.
	 */
	maxBytes?: number;
}
/** How many old generations a compaction keeps on disk. */
export interface Retention {
	/** Old generations that are kept in `backup/<generation>/`, each a complete database: 0 to 1,000, default 0. */
	generations: number;
}
/** A collection or view in a listing. */
export interface CollectionInfo {
	/** Its name. */
	name: string;
	type: "collection" | "view";
	/** Its number, never reused within a database. */
	number: number;
	/** Documents in it; 0 for a view, which stores none. */
	count: number;
	/** The options that it was created with; of a view `viewOn` and `pipeline`. */
	options: Document;
	info: {
		readOnly: boolean;
	};
	/** Not of a view. */
	idIndex?: {
		v: number;
		key: {
			_id: 1;
		};
		name: string;
	};
}
/** A moment of the past: after the newest commit that is not later than a date, or after the commit of this number. */
export type Moment = Date | {
	time: Date;
} | {
	lsn: number;
};
/** Options of `Database.verify`. */
export interface VerifyOptions extends LongOperationOptions {
	/** The key of an encrypted database. */
	encryptionKey?: EncryptionKey;
}
/** Options of `backup`. */
export interface BackupOptions extends LongOperationOptions {
	/** Another key for the copy; also of a database that is not encrypted. Default: the key of the database. */
	encryptionKey?: EncryptionKey;
}
/** Options of `Database.rekey`. One that is given up ends all the same, with the old key or the new one. */
export interface RekeyOptions extends OperationOptions {
	/**
	 * Writes all files again with new keys, also the history; the generations in `backup/` and what is in `quarantine/` are removed. Needs as much
	 * space again as the database takes. Default false: only the key that opens the database changes.
	 */
	reencrypt?: boolean;
}
/** What `Database.rekey` did. */
export interface RekeyResult {
	/** Whether all files were written again. */
	reencrypted: boolean;
	/** Bytes of the files that were written again. */
	bytes: number;
	/** Old generations in `backup/` that were removed. */
	generations: number;
	/** Why a part of the history is gone, whose files were damaged; null when nothing is. */
	lost: string | null;
}
/** Options of `Database.recoverTo`. */
export interface RecoverToOptions extends OperationOptions {
	/** The key of an encrypted database, which opens the new one too. */
	encryptionKey?: EncryptionKey;
	/** Takes the newest moment before the one that was asked for, where the files are damaged in between. Default false. */
	allowPartial?: boolean;
}
/** What `Database.recoverTo` made. */
export interface RecoverToResult {
	/** The last commit of the directory that the new database holds. */
	lsn: number;
	/** The time of that commit, in milliseconds since 1970; null when there is none. */
	time: number | null;
	/** Documents in the new database. */
	documents: number;
	/** Bytes of its files. */
	bytes: number;
	/** Why it holds an earlier moment than the one that was asked for; null when it does not. */
	damage: {
		file: string | null;
		offset: number | null;
		message: string;
	} | null;
}
/** What a backup holds. */
export interface BackupResult {
	/** Documents in it. */
	documents: number;
	/** Bytes of its files. */
	bytes: number;
	/** Number of the last commit of this database in it. */
	lsn: number;
	/** How long it took, in milliseconds. */
	ms: number;
}
/** What a compaction did. */
export interface CompactResult {
	/** Documents kept. */
	documents: number;
	/** Bytes of the database's files before; of a database in memory, bytes of the blocks with its documents. */
	bytesBefore: number;
	/** Bytes of them after. */
	bytesAfter: number;
	/** How long it took, in milliseconds. */
	ms: number;
	/** How long commits had to wait for it, in milliseconds. */
	pauseMs: number;
}
/** Where a file is first damaged. */
export interface FileDamage {
	/** The byte offset in the file. */
	offset: number;
	/** The number of the commit at this offset; null when there is none. */
	lsn: number | null;
	message: string;
}
/** What `Database.verify` found in a file. */
export interface VerifiedFile {
	/** Its name in the directory. */
	file: string;
	kind: "manifest" | "snapshot" | "segment" | "checkpoint";
	bytes: number;
	/** Commits whose checksums are valid. */
	frames: number;
	/** Blocks in them. */
	blocks: number;
	/** Bytes of an incomplete write at its end, left by a kill or a power cut; opening removes them. No acknowledged write is among them. */
	tornBytes: number;
	firstDamage: FileDamage | null;
}
/** What `Database.verify` found. */
export interface Verification {
	/** Whether no file is damaged. */
	ok: boolean;
	/** The manifest, then the files of the log in order. */
	files: VerifiedFile[];
	/** Documents of the newest state that could be read completely. */
	documents: number;
	/** The last commit that could be read. */
	lastLsn: number;
	/** Whether the last session closed the database. */
	clean: boolean;
}
/** How `exportJSONL` writes. */
export interface ExportOptions extends OperationOptions {
	/** The collections to write; default all. */
	collections?: readonly string[];
	/**
	 * Writes the collections of all databases of the directory. Lines of other databases than the default one begin with `"database"`, so that an
	 * import puts them there. Default false.
	 */
	allDatabases?: boolean;
	/** Called after each piece was written to the stream. */
	onProgress?: (progress: ExportResult) => void;
}
/** What an export wrote. */
export interface ExportResult {
	documents: number;
	bytes: number;
}
/** The source of `importJSONL`: a stream or another iterable of bytes or text, split anywhere. */
export type ImportSource = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;
/** How `importJSONL` reads. */
export interface ImportOptions extends OperationOptions {
	/**
	 * The collection of all documents. Each line is then a document alone, as `mongoexport` writes it; a missing `_id` becomes a UUIDv7 string.
	 * Without the option a line is `{"collection":"users","document":{...}}`, which may name its `"database"` too.
	 */
	collection?: string;
	/**
	 * What to do with a document whose `_id` exists: fail (the default), replace the existing document, or skip the new one.
	 */
	ifExists?: "error" | "replace" | "skip";
	/** Documents in a commit; default 1000. */
	batchSize?: number;
	/** Called after each batch was committed. */
	onProgress?: (progress: ImportResult) => void;
}
/** What an import did. */
export interface ImportResult {
	/** Documents written. */
	imported: number;
	/** Documents skipped because their `_id` exists. */
	skipped: number;
	/** Lines read, blank ones included. */
	lines: number;
}
/** Options of `db.inspect`. */
export interface InspectorOptions {
	/** The port of this machine that it listens on, 0 to 65,535. Default 0: one that is free. */
	port?: number;
	/** Whether the page may insert, replace and delete documents, and create and drop indexes. Default false: such requests are refused. */
	write?: boolean;
}
/** A running inspector. */
export interface Inspector {
	/** The URL to open. Its fragment has the token that lets a browser in; who has it can read all documents. */
	readonly url: string;
	/** The port that it listens on. */
	readonly port: number;
	/** Ends it, with its connections and what runs for them. */
	close(): Promise<void>;
	/** Ends it at the end of an `await using`. */
	[Symbol.asyncDispose](): Promise<void>;
}
/** The fields of an index, in order, in any form that the driver accepts. */
export type IndexSpecification = OneOrMore<string | readonly [
	string,
	IndexDirection
] | {
	readonly [path: string]: IndexDirection;
} | ReadonlyMap<string, IndexDirection>>;
type OneOrMore<T> = T | readonly T[];
/** The fields of an index, where an object names fields of the documents. */
export type IndexSpecificationOf<T> = IsOpen<T> extends true ? IndexSpecification : OneOrMore<string | readonly [
	string,
	IndexDirection
] | {
	readonly [P in Path<T>]?: IndexDirection;
} | ReadonlyMap<string, IndexDirection>>;
/** Properties of an index. */
export interface IndexOptions {
	/** Its name; by default made of its fields, such as `city_1_age_-1`. At most 127 bytes. */
	name?: string;
	/** Rejects a second document with the same values. Default false. */
	unique?: boolean;
	/** Leaves out documents without its fields. Default false. */
	sparse?: boolean;
	/** Holds only documents that match this filter. */
	partialFilterExpression?: Document;
	/**
	 * Makes it a TTL index, of one field: a document expires so many seconds after the date in that field, of several dates in an array the
	 * earliest, and is deleted soon after (option `ttlInterval` of `Database.open`). 0 to 2,147,483,647.
	 */
	expireAfterSeconds?: number;
	/** Whether queries pass it over: it is kept up to date, and a unique one still rejects duplicates. Default false. */
	hidden?: boolean;
	/**
	 * How its strings compare, in queries with the same collation. A unique one takes strings that are equal under it for the same. Default:
	 * that of the collection.
	 */
	collation?: CollationOptions | null;
	/** Accepted for compatibility with MongoDB, without effect: every index is built while reads and writes continue. */
	background?: boolean;
}
/** Options of `createIndex`. */
export interface CreateIndexesOptions extends IndexOptions, LongOperationOptions {
}
/** An index for `createIndexes`. */
export interface IndexDescription extends IndexOptions {
	/** Its fields, in order. */
	key: {
		readonly [path: string]: IndexDirection;
	} | ReadonlyMap<string, IndexDirection>;
}
/** An index in a listing. */
export interface IndexDescriptionInfo {
	/** The version of its format; 2. */
	v: number;
	/** Its fields, in order. */
	key: {
		[path: string]: 1 | -1;
	};
	name: string;
	unique?: boolean;
	sparse?: boolean;
	partialFilterExpression?: Document;
	expireAfterSeconds?: number;
	hidden?: boolean;
	/** How its strings compare, with all fields; absent where that is by bytes. */
	collation?: Required<CollationOptions>;
}
/** Names of indexes, and their fields in order. */
export interface IndexDescriptionCompact {
	[name: string]: [
		path: string,
		direction: 1 | -1
	][];
}
/** The form of the result of `indexInformation` and `indexes`. */
export interface IndexInformationOptions extends OperationOptions {
	/** Resolves with the descriptions of `listIndexes` instead of names and fields. */
	full?: boolean;
}
/** What `dropIndex` did. */
export interface DropIndexResult {
	/** Number of indexes before, including the one on `_id`. */
	nIndexesWas: number;
	ok: number;
}
/** An index that would have helped scans of this collection. */
export interface SuggestedIndex {
	/** The fields that it would have. */
	key: {
		[path: string]: 1 | -1;
	};
	/** The name that it would have. */
	name: string;
	/** Scans that it would have helped. */
	scans: number;
}
/** Statistics of a collection. */
export interface CollectionStats {
	/** Database and collection, joined by a dot. */
	ns: string;
	/** Documents in it. */
	count: number;
	/** Bytes of its documents. */
	size: number;
	/** Average bytes of a document; absent when there are no documents. */
	avgObjSize?: number;
	/** Whether it is capped; absent when it does not exist. */
	capped?: boolean;
	/** The most documents of a capped collection, if that is limited. */
	max?: number;
	/** The most bytes of a capped collection. */
	maxSize?: number;
	/** Indexes, including the one on `_id`. */
	nindexes: number;
	/** Bytes of each index in memory, by name. The index on `_id` is the directory of the collection and is not included. */
	indexSizes: {
		[name: string]: number;
	};
	/** Bytes of all of them. */
	totalIndexSize: number;
	/** How often each index was chosen since the database was opened, by name. */
	indexUses: {
		[name: string]: number;
	};
	/** Indexes that would have helped costly scans; empty with `autoIndex: 'off'`. */
	suggestedIndexes: SuggestedIndex[];
	ok: number;
}
/** Options of `listCollections`. */
export interface ListCollectionsOptions extends OperationOptions {
	/** Resolves with names and types only. Default false. */
	nameOnly?: boolean;
	/** Accepted for compatibility with the mongodb driver, without effect: a listing is read in one piece. */
	batchSize?: number;
}
/** Options of `listDatabases`. */
export interface ListDatabasesOptions extends OperationOptions {
	/** Which databases, by `name`, `sizeOnDisk` or `empty`. Default all. */
	filter?: Document;
	/** Resolves with names only. Default false. */
	nameOnly?: boolean;
}
/** What `listDatabases` resolves with. */
export interface ListDatabasesResult {
	databases: {
		name: string;
		/** Bytes of its documents: the databases of a directory share their files. */
		sizeOnDisk: number;
		/** Always false: a database exists as long as it has a collection. */
		empty: boolean;
	}[];
	/** The sum of their sizes. */
	totalSize: number;
	/** The same in MiB. */
	totalSizeMb: number;
	ok: 1;
}
/** Options of `listIndexes`. */
export interface ListIndexesOptions extends OperationOptions {
	/** Accepted for compatibility with the mongodb driver, without effect: a listing is read in one piece. */
	batchSize?: number;
}
/** Statistics of an open database. */
export interface DatabaseStats {
	/** Number of collections of the database. */
	collections: number;
	/** Documents in all of them. */
	documents: number;
	/**
	 * The databases that have collections. They share memory, files and commits, so all that follows is of all of them together, but for
	 * `indexes` and `suggestedIndexes`.
	 */
	databases: {
		name: string;
		collections: number;
		documents: number;
	}[];
	/** Bytes of memory that documents take, including old versions that a cursor still reads. */
	hotBytes: number;
	/** Bytes of memory that it may take (the option `memoryLimit`, or its default); null where nothing limits it. */
	memoryLimit: number | null;
	/** Bytes of the newest version of every document, in memory or on disk. */
	liveBytes: number;
	/** Segments of the log on disk. */
	segments: number;
	/** Whether the files are encrypted. */
	encrypted: boolean;
	/** Bytes of the log, its history, the snapshot and the manifest; a checkpoint, which may be deleted, is not counted. */
	bytesOnDisk: number;
	/** Bytes of the temporary files of sorts and groups that run now or whose cursors are open; they are not in `bytesOnDisk`. */
	spillBytes: number;
	/** Bytes of memory that the places of documents take, of those that are not read from the checkpoint. */
	slotBytes: number;
	/** About how many bytes of memory the keys (`_id`) take that are not read from the checkpoint. */
	keyBytes: number;
	/** Bytes of the newest checkpoint on disk; 0 without one. */
	checkpointBytes: number;
	/** Bytes of memory of pages of that checkpoint. */
	cacheBytes: number;
	/** Pages of it read since it was written or opened. */
	pagesRead: number;
	/** Bytes of writes that have not resolved yet. */
	queuedBytes: number;
	/** Calls of fsync and fdatasync since the database was opened. */
	syncs: number;
	/** Number of the newest commit that reads see. */
	lastLsn: number;
	/** Number of the newest commit known to be durable. */
	durableLsn: number;
	/** Views of earlier states that are open: those of cursors and transactions. */
	views: number;
	/**
	 * About how many bytes of memory only they hold: versions of documents and entries of indexes that were replaced since, and dropped
	 * collections. With `memoryLimit` the cursors of the oldest states end when this passes a quarter of it (and 4 MiB).
	 */
	viewBytes: number;
	/** How long the oldest of them has been open, in milliseconds. */
	oldestViewAge: number;
	/** The transactions of all databases. */
	transactions: TransactionStats;
	/** Indexes of the collections of the database, without those on `_id`. */
	indexes: number;
	/** Bytes of all indexes in memory. */
	indexBytes: number;
	/** How far back the past is kept; null in a database in memory. */
	history: HistoryStats | null;
	/** How far the scrub is, and what it has found; null without the option `scrub`. */
	scrub: ScrubStats | null;
	/** Indexes that would have helped costly scans of the database; empty with `autoIndex: 'off'`. */
	suggestedIndexes: ({
		collection: string;
	} & SuggestedIndex)[];
}
/** How far the scrub is. */
export interface ScrubStats {
	/** Whether a pass is under way. */
	running: boolean;
	/** Bytes that the current pass has read, or the last one. */
	bytesRead: number;
	/** About how many bytes it reads. */
	bytesTotal: number;
	/** Passes that read everything since the database was opened. */
	passes: number;
	/** When the last of them ended, in milliseconds since 1970. */
	completedAt: number | null;
	/** Damaged places that the last pass has found. */
	errors: number;
	/** The first 100 of them. */
	damage: {
		/** The file's name. */
		file: string;
		/** The byte offset in it. */
		offset: number;
		/** What is wrong, and what to do. */
		message: string;
	}[];
}
/** The transactions of all databases of the directory. */
export interface TransactionStats {
	/** How many are open: from their first operation on. */
	open: number;
	/** How long the oldest of them has been, in milliseconds. */
	oldestAge: number;
	/** About how many bytes of memory their writes take, until they are committed. */
	bytes: number;
	/** How many were committed since the database was opened, also of those that only read. */
	commits: number;
	/** How many were not: they were aborted, or a failed write, a conflict or a time limit ended them. */
	aborts: number;
	/** How many writes and commits were refused because another writer had changed what they wrote, or had read. */
	conflicts: number;
}
/** How far back the past is kept. */
export interface HistoryStats {
	/** The log that can be read, whatever is kept: since the last compaction at least. */
	log: LogReach;
	/** The log for change streams; null while nothing is kept for them. */
	changes: HistoryReach | null;
	/** Earlier states; null while compactions keep none. */
	past: PastReach | null;
}
/** How far back the log can be read. */
export interface LogReach {
	/** The number of the oldest commit; one more than that of the last when there is none. */
	from: number;
	/** Its time, in milliseconds since 1970; null when there is none. */
	time: number | null;
}
/** How far back earlier states are kept. */
export interface PastReach {
	/** The oldest state is the one after the commit of this number; 0 is the empty database. */
	from: number;
	/** The time of that commit, in milliseconds since 1970; null before the first, or where it is not known. */
	time: number | null;
	/** Bytes of the snapshots that are kept only for this; the log between them is counted in `changes`. */
	bytes: number;
}
/** How far back something is kept. */
export interface HistoryReach {
	/** The number of the oldest commit; one more than that of the last when there is none. */
	from: number;
	/** Its time, in milliseconds since 1970; null when there is none. */
	time: number | null;
	/** Bytes of files that are kept only for this. */
	bytes: number;
}
/** What a file that `importFile` reads is. */
export type ImportFormat = "ndjson" | "mongoexport" | "json" | "csv" | "nedb" | "lokijs" | "lowdb" | "electron-store" | "bson" | "mongodump";
/** What the text of a field becomes. */
export type ImportType = "string" | "number" | "long" | "boolean" | "date" | "objectId";
/** How `importFile` reads. */
export interface ImportFileOptions extends OperationOptions {
	/** What the file is. Default: what its name and its first bytes say, where that is certain. */
	format?: ImportFormat;
	/** The collection of all documents, of formats without names of collections; default: the name of the file up to its first dot. */
	collection?: string;
	/** Only these collections, of a file that holds several. */
	collections?: readonly string[];
	/** What to do with a document whose `_id` exists: fail (the default), replace the existing document, or skip the new one. */
	ifExists?: "error" | "replace" | "skip";
	/** What to do with a record that cannot be taken: stop (the default), or leave it out, list it in the result and go on. */
	onError?: "stop" | "skip";
	/** A file, which must not exist, for all records that `onError: 'skip'` leaves out, as lines of JSON. */
	rejects?: string | URL;
	/** The field that becomes the `_id` of a document that has none. */
	idField?: string;
	/** Whether the indexes that the file names are made. Default true. */
	indexes?: boolean;
	/** What fields become that are text in the file, by path: of csv, json, lowdb, lokijs and electron-store. */
	types?: {
		readonly [path: string]: ImportType;
	};
	/** csv: cells that look like a number, `true` or `false` become that, empty ones null. Default false. */
	infer?: boolean;
	/** csv: what stands between cells, one character. Default: the one of comma, semicolon, tab and bar that the first line has most of. */
	separator?: string;
	/** csv: the names of the columns, of a file without a line of them. */
	header?: readonly string[];
	/** lokijs: `$loki` and `meta` stay in the documents. Default false. */
	keepMeta?: boolean;
	/** electron-store: its option `encryptionKey`. */
	encryptionKey?: string | Uint8Array;
	/** electron-store: its option `encryptionAlgorithm`. Default `'aes-256-cbc'`. */
	encryptionAlgorithm?: "aes-256-cbc" | "aes-256-gcm" | "aes-256-ctr";
	/** Documents in a commit; default 1000. */
	batchSize?: number;
	/** Called after batches were committed, not after each where they are quick. */
	onProgress?: (progress: ImportFileProgress) => void;
}
/** How far `importFile` is. */
export interface ImportFileProgress {
	/** Documents written. */
	imported: number;
	/** Documents skipped because their `_id` exists. */
	skipped: number;
	/** Records left out. */
	rejected: number;
	/** Bytes of the files read, as they are on disk. */
	bytes: number;
	/** Bytes of all files. */
	totalBytes: number;
}
/** A record that was left out. */
export interface RejectedRecord {
	/** Its file. */
	file: string;
	/** The collection that it was for. */
	collection?: string;
	/** Its line; of BSON its number in its collection; from 1. */
	line: number;
	/** Its first byte; null where the file is compressed. */
	offset: number | null;
	/** Its bytes. */
	length: number;
	/** The dotted path of the value that is the reason. */
	path?: string;
	/** Why. */
	reason: string;
}
/** What `importFile` did with a collection. */
export interface ImportedCollection {
	database: string;
	collection: string;
	/** Documents written. */
	imported: number;
	/** Documents skipped because their `_id` exists. */
	skipped: number;
	/** Records left out. */
	rejected: number;
	/** Indexes of the file that it has now. */
	indexes: number;
}
/** What `importFile` did. */
export interface ImportFileResult {
	format: ImportFormat;
	/** Documents written. */
	imported: number;
	/** Documents skipped because their `_id` exists. */
	skipped: number;
	/** How many records were left out. */
	rejectedRecords: number;
	/** The first 100 of them; all are in the file of option `rejects`. */
	rejected: RejectedRecord[];
	/** Indexes of the file that the collections have now. */
	indexes: number;
	collections: ImportedCollection[];
	/** What else is not as it was: indexes and options that have no equal. */
	notes: string[];
}
/** How `exportMongodump` writes. */
export interface ExportMongodumpOptions extends OperationOptions {
	/** One file, as `mongodump --archive` writes it; otherwise a directory. Default false. */
	archive?: boolean;
	/** Compresses the files. Default false. */
	gzip?: boolean;
	/** The collections to write; default all. */
	collections?: readonly string[];
	/** The collections of all databases of the directory. Default false. */
	allDatabases?: boolean;
	/** Called after each piece was written. */
	onProgress?: (progress: {
		documents: number;
		bytes: number;
	}) => void;
}
/** What `exportMongodump` wrote. */
export interface ExportMongodumpResult {
	/** Collections and views. */
	collections: number;
	documents: number;
	/** Bytes of BSON, before compression. */
	bytes: number;
}
/** What opens and seals encrypted entries of MoltenDB. */
export interface MoltenSecret {
	/** The password, or the key of 32 bytes. */
	password?: string | Uint8Array;
	/** What was given to MoltenDB's `derive_key` beside the password, where that is base64. Paths seldom are: MoltenDB takes a salt of its own then. */
	salt?: string;
}
/** Options of `Database.importMolten`. */
export interface ImportMoltenOptions extends LongOperationOptions, MoltenSecret {
	/** A file, which must not exist, for all entries that cannot be imported, as lines of JSON. */
	rejects?: string | URL;
}
/** Options of `exportMolten`. */
export interface ExportMoltenOptions extends LongOperationOptions, MoltenSecret {
}
/** An entry of MoltenDB's files that was not imported. */
export interface RejectedEntry {
	/** Its file. */
	file: string;
	/** Its line; in files without lines its number, from 1. 0 for the head of a file. */
	line: number;
	/** Its first byte; null where the file is compressed. */
	offset: number | null;
	/** Its bytes. */
	length: number;
	/** Why. */
	reason: string;
}
/** What `Database.importMolten` made. */
export interface ImportMoltenResult {
	/** The release whose files these are. */
	format: "0.6" | "1.0";
	/** Collections of the new database. */
	collections: number;
	/** Documents in them. */
	documents: number;
	/** Entries that were read: lines of the log, and entries of the snapshot. */
	lines: number;
	/** Indexes that were made. */
	indexes: number;
	/** How many entries were not imported. */
	rejectedLines: number;
	/** The first 100 of them; all are in the file of option `rejects`. */
	rejected: RejectedEntry[];
	/** What else is not as it was: schemas and indexes that have no equal, times at which MoltenDB would drop a collection. */
	notes: string[];
}
/** What `exportMolten` wrote. */
export interface ExportMoltenResult {
	/** Collections with documents, an index or a schema. */
	collections: number;
	/** Documents. */
	documents: number;
	/** Indexes. */
	indexes: number;
	/** Bytes of the file. */
	bytes: number;
	/** What MoltenDB has no equal of. */
	notes: string[];
}
/** A value of a document in a condition. */
export type MoltenValue = string | number | bigint | boolean | null | Date | readonly unknown[];
/** The operators of a condition, each with its other names. */
export interface MoltenCondition {
	$eq?: unknown;
	$equals?: unknown;
	$ne?: unknown;
	$notEquals?: unknown;
	$gt?: number | bigint | string | Date;
	$greaterThan?: number | bigint | string | Date;
	$gte?: number | bigint | string | Date;
	$greaterThanOrEqual?: number | bigint | string | Date;
	$lt?: number | bigint | string | Date;
	$lessThan?: number | bigint | string | Date;
	$lte?: number | bigint | string | Date;
	$lessThanOrEqual?: number | bigint | string | Date;
	$in?: readonly unknown[];
	$oneOf?: readonly unknown[];
	$nin?: readonly unknown[];
	$notIn?: readonly unknown[];
	$contains?: unknown;
	$ct?: unknown;
}
/** Which documents: conditions by path, all of which hold. */
export type MoltenWhere = readonly MoltenWhere[] | {
	readonly $or?: readonly MoltenWhere[];
	readonly $and?: readonly MoltenWhere[];
	readonly [path: string]: MoltenValue | MoltenCondition | readonly MoltenWhere[] | undefined;
};
/** The order of a result by one field. */
export type MoltenSort = string | {
	field: string;
	order?: "asc" | "desc";
};
/** A document of another collection under a name: the one whose key the field `on` holds. */
export interface MoltenJoin {
	[alias: string]: {
		from: string;
		on: string;
		fields?: readonly string[];
	};
}
/** The payload of `db.molten.get`. */
export interface MoltenGet {
	/** Default `'default'`. */
	collection?: string;
	/** One key, which answers with a document or null, or several. */
	keys?: string | readonly string[];
	where?: MoltenWhere;
	/** The only fields of the answer, as paths. */
	fields?: readonly string[];
	/** Fields that the answer has not, as paths. */
	excludedFields?: readonly string[];
	joins?: readonly MoltenJoin[];
	sort?: readonly MoltenSort[];
	/** Without a sort: the oldest document first, or the newest, as by default. */
	order?: "asc" | "desc";
	/** How many at most; all by default. */
	count?: number;
	/** How many to skip first. */
	offset?: number;
}
/** The payload of `db.molten.set`. */
export interface MoltenSet {
	/** Default `'default'`. */
	collection?: string;
	/** Documents by key, or a list of documents, each of which gets a key. */
	data: {
		readonly [key: string]: Document;
	} | readonly Document[];
}
/** The payload of `db.molten.update`. */
export interface MoltenUpdate {
	/** Default `'default'`. */
	collection?: string;
	/** Fields by key of the document. */
	data: {
		readonly [key: string]: Document;
	};
}
/** The payload of `db.molten.delete`: `keys`, `where`, `count` or `drop`. */
export interface MoltenDelete {
	/** Default `'default'`. */
	collection?: string;
	keys?: string | readonly string[];
	where?: MoltenWhere;
	/** How many at most; all that match by default. */
	count?: number;
	/** Which ones where `count` leaves some: the oldest, as by default, or the newest. */
	order?: "asc" | "desc";
	/** Drops the collection. */
	drop?: boolean;
}
/** A document as MoltenDB answers it: its key, its version, its fields. */
export type MoltenDocument = Document & {
	_key: string;
	_v?: number;
};
/** Answers payloads of MoltenDB. */
export interface MoltenPayloads {
	/** Resolves with the document of one key, without `_key`, or null. */
	get(payload: MoltenGet & {
		keys: string;
	}): Promise<Document | null>;
	/** Resolves with the documents. */
	get(payload: MoltenGet & {
		keys?: readonly string[];
	}): Promise<MoltenDocument[]>;
	/** Resolves with a document or null for one key, else with documents. */
	get(payload: MoltenGet): Promise<MoltenDocument[] | Document | null>;
	/** Inserts or replaces documents, all or none; resolves with how many, and with the keys that a list got. */
	set(payload: MoltenSet & {
		data: readonly Document[];
	}): Promise<{
		status: "ok";
		count: number;
		ids: string[];
	}>;
	set(payload: MoltenSet): Promise<{
		status: "ok";
		count: number;
		ids?: string[];
	}>;
	/** Sets fields of documents, all or none; resolves with how many of them exist. */
	update(payload: MoltenUpdate): Promise<{
		status: "ok";
		updated: number;
	}>;
	/** Deletes documents; resolves with how many, or that the collection is dropped. */
	delete(payload: MoltenDelete & {
		drop: true;
	}): Promise<{
		status: "ok";
		dropped: true;
	}>;
	delete(payload: MoltenDelete & {
		drop?: false;
	}): Promise<{
		status: "ok";
		deleted: number;
	}>;
	delete(payload: MoltenDelete): Promise<{
		status: "ok";
		dropped: true;
	} | {
		status: "ok";
		deleted: number;
	}>;
}
/** A document with its version and times. */
export interface Versioned<T> {
	/** The document. */
	value: T;
	/** Starts at 1 and grows by one with each write. */
	version: number;
	/** When it was inserted. */
	createdAt: Date;
	/** When it was last written. */
	modifiedAt: Date;
}
/** What an insert did. */
export interface InsertOneResult<T = Document> {
	acknowledged: boolean;
	/** The `_id` of the document. */
	insertedId: InferId<T>;
}
/** What an insert of many documents did. */
export interface InsertManyResult<T = Document> {
	acknowledged: boolean;
	insertedCount: number;
	/** The `_id`s, by index in the given array. */
	insertedIds: {
		[index: number]: InferId<T>;
	};
}
/** What an update or replace did. */
export interface UpdateResult<T = Document> {
	acknowledged: boolean;
	/** Documents that matched. */
	matchedCount: number;
	/** Documents that changed. */
	modifiedCount: number;
	/** 1 when a document was inserted, else 0. */
	upsertedCount: number;
	/** The `_id` of the document that was inserted, else null. */
	upsertedId: InferId<T> | null;
}
/** What a delete did. */
export interface DeleteResult {
	acknowledged: boolean;
	deletedCount: number;
}
/** The document of a findOneAnd... method, with what the write did. */
export interface ModifyResult<D = Document> {
	/** The document, or null. */
	value: D | null;
	/** `n`, `updatedExisting`, and `upserted` when a document was inserted. */
	lastErrorObject: Document;
	ok: number;
}
/** An operation, as the tracing channel `moltendb:command` tells it. Nothing in it is content of documents, filters or updates. */
export interface CommandContext {
	/** What is done: `find`, `getMore`, `insert`, `update`, `aggregate`, `compact` ... */
	operation: string;
	/** The method that was called, with its collection: `users.insertOne`, `users.find().toArray`. */
	method: string;
	/** Database and collection, or the database alone, as errors name them. */
	namespace: string;
	/** The name of the database. */
	database: string;
	/** The name of the collection, where the operation is of one. */
	collection: string | undefined;
	/** Whether it blocks the thread: a method whose name ends with Sync. */
	sync: boolean;
	/** The signal that it was given. */
	signal: AbortSignal | undefined;
	/** When it has ended: the milliseconds since the call, the time in queues included. */
	durationMs?: number;
	/** When it has succeeded: documents that were returned or changed; undefined where that is not what it does. */
	documents?: number | undefined;
	/** Why it has failed. */
	error?: unknown;
}
/** An operation that took long, as the channel `moltendb:slow` tells it. */
export interface SlowOperation extends CommandContext {
	durationMs: number;
	/**
	 * Of reads: the plan, as explain tells it right after: `IXSCAN { age: 1 }`, `COLLSCAN`. It is asked for only where the channel has subscribers.
	 */
	planSummary?: string | undefined;
}
/** The methods of all cursors over documents. */
export declare abstract class AbstractCursor<T = any> implements AsyncIterable<T> {
	#private;
	/** Whether the cursor was closed or read to its end. */
	get closed(): boolean;
	/** Resolves with the next document, or null at the end. */
	next(): Promise<T | null>;
	/** Like `next`; of a tailable cursor null where there is no document yet. */
	tryNext(): Promise<T | null>;
	/** Resolves with whether there is another document. */
	hasNext(): Promise<boolean>;
	/** Resolves with all remaining documents, and closes the cursor. */
	toArray(): Promise<T[]>;
	/** Calls a function with each document, until it returns false; resolves at the end. */
	forEach(iterator: (document: T) => boolean | void): Promise<void>;
	/** The number of buffered documents: fetched and not read yet. */
	bufferedCount(): number;
	/** Takes buffered documents, at most this many. */
	readBufferedDocuments(count?: number): T[];
	/** Starts over: the next read sees the state of that time. */
	rewind(): void;
	/** Closes the cursor and releases its state. Resolves at once when it has ended. */
	close(): Promise<void>;
	/** The documents as an object stream; a function may transform each. */
	stream(options?: {
		transform?: (document: T) => unknown;
	}): Readable;
	/** Yields each document; closes the cursor at the end or when the loop is left. */
	[Symbol.asyncIterator](): AsyncGenerator<T, void, void>;
	/** Closes at the end of an `await using`. */
	[Symbol.asyncDispose]: () => Promise<void>;
}
/** The kinds of errors, stable within a major version, unlike messages. */
export type MoltenErrorKind = "DUPLICATE_KEY" | "CONFLICT" | "BAD_QUERY" | "BAD_UPDATE" | "BAD_DOCUMENT" | "SCHEMA_VIOLATION" | "NOT_SUPPORTED" | "CLOSED" | "LOCKED" | "READ_ONLY" | "CORRUPT" | "CORRUPT_TAIL" | "WRONG_KEY" | "KEY_REQUIRED" | "NOT_ENCRYPTED" | "TAMPERED" | "STORAGE_POISONED" | "STORAGE_FULL" | "IO" | "VERSION" | "HISTORY_LOST" | "ABORTED" | "TIMEOUT" | "LIMIT" | "INTERNAL";
/** Details that some kinds carry besides the message. */
export interface MoltenErrorDetails {
	/** The dotted path inside a document, filter or update that caused the error. */
	path?: string;
	/** The damaged or refused file. */
	file?: string;
	/** Byte offset in that file. */
	offset?: number;
	/** The process that holds the lock. */
	pid?: number;
	/** The line of an import that caused the error, from 1. */
	line?: number;
	/** `DUPLICATE_KEY`: the key pattern of the index. */
	keyPattern?: Record<string, unknown>;
	/** `DUPLICATE_KEY`: the duplicate values. */
	keyValue?: Record<string, unknown>;
	/** `SCHEMA_VIOLATION`: the document, and the rules of the validator that it breaks. */
	errInfo?: Record<string, unknown>;
	/** MongoDB's error code, where it differs from the kind's. */
	code?: number;
	/** The name of `code`. */
	codeName?: string;
	/** Labels of the error: `TransientTransactionError` where its transaction may succeed when it is run again. */
	errorLabels?: readonly string[];
	/** The underlying error. */
	cause?: unknown;
}
/** An error of the database. Programming mistakes are a TypeError. */
export declare class MoltenError extends Error {
	#private;
	/** The kind of the error, a stable name. */
	readonly kind: MoltenErrorKind;
	/** MongoDB's error code where there is one, otherwise the same string as `kind`. */
	readonly code: number | MoltenErrorKind;
	/** MongoDB's name of that code, for example `BadValue`. */
	readonly codeName?: string;
	readonly cause?: unknown;
	readonly path?: string;
	readonly file?: string;
	readonly offset?: number;
	readonly pid?: number;
	readonly line?: number;
	readonly keyPattern?: Record<string, unknown>;
	readonly keyValue?: Record<string, unknown>;
	/** Of `SCHEMA_VIOLATION`: `{ failingDocumentId, details }`, the rules of the validator that the document breaks. */
	readonly errInfo?: Record<string, unknown>;
	constructor(kind: MoltenErrorKind, message: string, details?: MoltenErrorDetails);
	/** The labels of the error; with `TransientTransactionError` its transaction may succeed when it is run again. */
	get errorLabels(): string[];
	/** Adds a label. */
	addErrorLabel(label: string): void;
	/** Whether the error has this label. */
	hasErrorLabel(label: string): boolean;
	/** Whether a value is a MoltenError, including one of another realm or of another copy of this package. */
	static isMoltenError(value: unknown): value is MoltenError;
	/** An error of this class, or of that of another copy of this package: after `jest.resetModules()` there are two. */
	static [Symbol.hasInstance](value: unknown): boolean;
}
/** One failed write of a bulk operation. */
export interface WriteError {
	/** Its index in the given array. */
	index: number;
	kind: MoltenErrorKind;
	code: number | MoltenErrorKind;
	codeName?: string;
	errmsg: string;
	keyPattern?: Record<string, unknown>;
	keyValue?: Record<string, unknown>;
	errInfo?: Record<string, unknown>;
}
/** What a bulk operation did, completely or up to its failures. */
export interface BulkCounts {
	insertedCount: number;
	matchedCount: number;
	modifiedCount: number;
	deletedCount: number;
	upsertedCount: number;
	insertedIds: {
		[index: number]: unknown;
	};
	upsertedIds: {
		[index: number]: unknown;
	};
}
/**
 * A failed bulk operation: which writes failed, and what the others did. `kind` and `code` are those of the first failure.
 */
export declare class MoltenBulkWriteError extends MoltenError {
	readonly writeErrors: WriteError[];
	readonly result: BulkCounts;
	constructor(message: string, writeErrors: WriteError[], result: Partial<BulkCounts>, errorLabels?: readonly string[]);
	/** An error of this class, or of that of another copy of this package. */
	static [Symbol.hasInstance](value: unknown): boolean;
	get insertedCount(): number;
	get matchedCount(): number;
	get modifiedCount(): number;
	get deletedCount(): number;
	get upsertedCount(): number;
	get insertedIds(): {
		[index: number]: unknown;
	};
	get upsertedIds(): {
		[index: number]: unknown;
	};
}
/**
 * A cursor over the results of a pipeline. The pipeline runs at the first read, on the state of that time. A pipeline that
 * ends in `$out` or `$merge` writes then, and has no results.
 *
 * Its methods reject with `BAD_QUERY` when a stage is malformed or an operator cannot take its operands, `LIMIT` when a
 * stage would hold too much memory, `NOT_SUPPORTED` for unsupported stages, and `CLOSED` when the database was closed.
 */
export declare class AggregationCursor<T = any> extends AbstractCursor<T> {
	#private;
	private constructor();
	/** The stages. */
	get pipeline(): readonly Document[];
	/** Adds a stage. */
	addStage<R = any>(stage: Document): AggregationCursor<R>;
	/** Adds a `$match` stage. */
	match(filter: Document): this;
	/** Adds a `$project` stage. */
	project<R = any>(fields: Document): AggregationCursor<R>;
	/** Adds a `$group` stage. */
	group<R = any>(fields: Document): AggregationCursor<R>;
	/** Adds a `$sort` stage. */
	sort(order: Document): this;
	/** Adds a `$limit` stage. */
	limit(count: number): this;
	/** Adds a `$skip` stage. */
	skip(count: number): this;
	/** Adds an `$unwind` stage. */
	unwind<R = any>(path: Document | string): AggregationCursor<R>;
	/** Adds a `$lookup` stage. */
	lookup<R = any>(join: Document): AggregationCursor<R>;
	/** Adds an `$out` stage. */
	out(collection: Document | string): this;
	/**
	 * The time limit of running the pipeline, in milliseconds; beyond it the first read rejects with `TIMEOUT` (code 50). 0
	 * means no limit.
	 */
	maxTimeMS(value: number): this;
	/** Sets the batch size: how many documents are fetched at a time; 0 for the default. */
	batchSize(count: number): this;
	/**
	 * Applies a function to each document and yields its result, which must not be null. Several functions are applied in
	 * order.
	 */
	map<R>(transform: (document: T) => R): AggregationCursor<R>;
	/**
	 * Resolves with the plan of the pipeline and, with verbosities other than `'queryPlanner'`, with its execution statistics.
	 * Nothing is written.
	 */
	explain(verbosity?: ExplainVerbosityLike): Promise<Document>;
	/** A new cursor with the same stages and options, without the functions of `map`. */
	clone(): AggregationCursor<T>;
}
/**
 * The changes of a collection, of a database or of all, in the order of the commits, from the call of `watch` on. Read it with `for await`, with
 * `next`, or with listeners of `'change'`; not in two of these ways.
 *
 * A stream that is not read costs a position, not memory: it goes on from the log. It keeps the process alive only while an event is awaited.
 *
 * @example
 * for await (const event of users.watch([{ $match: { operationType: 'insert' } }])) console.log(event.fullDocument)
 */
export declare class ChangeStream<T extends Document = Document, C extends Document = ChangeStreamDocument<T>> extends EventEmitter implements AsyncIterable<C> {
	#private;
	/** Whether it was closed, or has ended. */
	get closed(): boolean;
	/** The place after the event that was read last; at first where the stream begins, or null where that is a time. */
	get resumeToken(): ResumeToken | null;
	/** Resolves with the next event, as soon as there is one. Rejects with `HISTORY_LOST` (code 286) when it is no longer kept. */
	next(): Promise<C>;
	/** Resolves with the next event if there is one, or one comes within `maxAwaitTimeMS`, otherwise with null. */
	tryNext(): Promise<C | null>;
	/** Resolves with true as soon as there is another event, and with false when the stream ends. */
	hasNext(): Promise<boolean>;
	/**
	 * Moves the place of the consumer behind this event, or behind what was read last: the next reader of that name goes on after it. With the
	 * session of a transaction it moves when that commits, so that an event is processed exactly once.
	 *
	 * Rejects with `CONFLICT` (code 112) when another reader has taken over.
	 */
	acknowledge(event?: {
		_id: ResumeToken;
	}, options?: AcknowledgeOptions): Promise<void>;
	/** Closes the stream. A `next` that waits rejects with `CLOSED`; a loop over it ends. */
	close(): Promise<void>;
	/** The events as an object stream; a function may transform each. */
	stream(options?: {
		transform?: (event: C) => unknown;
	}): Readable;
	/** Yields each event until the stream ends or the loop is left, which closes it. */
	[Symbol.asyncIterator](): AsyncGenerator<C, void, void>;
	/** Closes at the end of an `await using`. */
	[Symbol.asyncDispose]: () => Promise<void>;
}
/**
 * A cursor over the items of a listing. It shows the state at its first read.
 *
 * Its methods reject with `CLOSED` when the database was closed.
 */
export declare class ListCursor<T = any> implements AsyncIterable<T> {
	#private;
	private constructor();
	/** Whether the cursor was closed or read to its end. */
	get closed(): boolean;
	/** Resolves with the next item, or null at the end. */
	next(): Promise<T | null>;
	/** Like `next`. */
	tryNext(): Promise<T | null>;
	/** Resolves with whether there is another item. */
	hasNext(): Promise<boolean>;
	/** Resolves with all remaining items, and closes the cursor. */
	toArray(): Promise<T[]>;
	/** Calls a function with each item, until it returns false; resolves at the end. */
	forEach(iterator: (row: T) => boolean | void): Promise<void>;
	/** The number of buffered items: fetched and not read yet. */
	bufferedCount(): number;
	/** Takes buffered items, at most this many. */
	readBufferedDocuments(count?: number): T[];
	/** Starts over: the next read makes a new listing. */
	rewind(): void;
	/** A new cursor over the same listing. */
	clone(): ListCursor<T>;
	/** Ends the cursor and releases the remaining items. */
	close(): Promise<void>;
	/** The items as an object stream. */
	stream(): Readable;
	/** Yields each item; closes the cursor at the end or when the loop is left. */
	[Symbol.asyncIterator](): AsyncGenerator<T, void, void>;
	/** Closes at the end of an `await using`. */
	[Symbol.asyncDispose]: () => Promise<void>;
}
/** What a bulk write did, in the driver's form. */
export declare class BulkWriteResult<T = Document> implements BulkCounts {
	readonly ok = 1;
	readonly insertedCount: number;
	readonly matchedCount: number;
	readonly modifiedCount: number;
	readonly deletedCount: number;
	readonly upsertedCount: number;
	/** The `_id`s of upserted documents, by the index of the write. */
	readonly upsertedIds: {
		[index: number]: InferId<T>;
	};
	/** The `_id`s of inserted documents, by the index of the write. */
	readonly insertedIds: {
		[index: number]: InferId<T>;
	};
	/** Always true: a bulk write with failures rejects. */
	isOk(): boolean;
	/** The upserted document of the write at this index, or undefined. */
	getUpsertedIdAt(index: number): InferId<T> | undefined;
}
/**
 * The results of a find, one after the other: the first is the result now, each later one that of a newer state in which it is another. States that
 * follow each other while the program is busy are told as one. A document that has not changed is the same object in the next result. Ends with `close`,
 * with its signal, or when the loop over it is left.
 *
 * @example
 * for await (const { documents } of tasks.find({ done: false }).sort({ due: 1 }).live()) render(documents)
 */
export declare class LiveQuery<T = any> implements AsyncIterableIterator<LiveResult<T>> {
	#private;
	/** Whether it was closed. */
	get closed(): boolean;
	/** Resolves with the next result as soon as there is another than before, done when the live query is closed. */
	next(): Promise<IteratorResult<LiveResult<T>, undefined>>;
	/** Closes it, as leaving a loop does. */
	return(): Promise<IteratorResult<LiveResult<T>, undefined>>;
	/** Closes it: a `next` that waits is done. */
	close(): Promise<void>;
	[Symbol.asyncIterator](): this;
	/** Closes at the end of an `await using`. */
	[Symbol.asyncDispose]: () => Promise<void>;
}
/**
 * A cursor over the documents of a find. Options are set before the first read; all reads see the state at the first one. `T` is what it
 * yields, `S` the documents of the collection, whose fields filters, orders and projections name.
 *
 * Its methods reject with `CLOSED` when the database was closed, `BAD_QUERY` when the filter, sort or projection is
 * malformed, and `TIMEOUT` when it was idle or ran for too long.
 */
export declare class FindCursor<T = any, S = any> extends AbstractCursor<T> {
	#private;
	private constructor();
	/** Replaces the filter. */
	filter(filter: Filter<S>): this;
	/** Sets the order: a field, an object, a Map, or a list of fields or pairs. Replaces an earlier one. */
	sort(sort: Sort<S> | null, direction?: SortDirection): this;
	/**
	 * The time limit of all reads together, in milliseconds; beyond it they reject with `TIMEOUT` (code 50). 0 means no limit.
	 */
	maxTimeMS(value: number): this;
	/** Skips this many documents first. */
	skip(count: number): this;
	/** Ends after this many documents; 0 for all. */
	limit(count: number): this;
	/** Includes (1) or excludes (0) fields. */
	project<P = Document>(projection: Projection<S>): FindCursor<P, S>;
	/** Sets the batch size: how many documents are fetched at a time; 0 for the default. */
	batchSize(count: number): this;
	/**
	 * Sets the index to use, by name or by fields; `{ $natural: 1 }` uses no index, `{ $natural: -1 }` reads from the last
	 * document to the first. The reads reject with `BAD_QUERY` when there is no such index.
	 */
	hint(hint: Hint): this;
	/**
	 * Sets a flag of the cursor: `tailable` and `awaitData`, as the options of `find`; the driver's other flags have no effect. Of capped
	 * collections only: the first read rejects with `BAD_QUERY` (code 2) for another.
	 */
	addCursorFlag(flag: "tailable" | "awaitData" | "oplogReplay" | "noCursorTimeout" | "exhaust" | "partial", value: boolean): this;
	/** How long `tryNext` of a tailable cursor with `awaitData` waits for a document, in milliseconds. */
	maxAwaitTimeMS(value: number): this;
	/** A comment for logs; ignored. */
	comment(comment: unknown): this;
	/** Sets how strings compare: in the order of a language, or by their bytes with `{ locale: 'simple' }`. */
	collation(collation: CollationOptions): this;
	/**
	 * Whether a sort may write to temporary files what is more than `queryMemoryLimit`, as it may by default; otherwise the first
	 * read rejects with `LIMIT` (code 292).
	 */
	allowDiskUse(allow?: boolean): this;
	/**
	 * Applies a function to each document and yields its result, which must not be null. Several functions are applied in
	 * order.
	 */
	map<R>(transform: (document: T) => R): FindCursor<R, S>;
	/** Resolves with the number of documents that match, within skip and limit. The cursor does not move. */
	count(): Promise<number>;
	/**
	 * Resolves with the plan of the find and, with verbosities other than `'queryPlanner'`, with its execution statistics. The
	 * cursor does not move.
	 */
	explain(verbosity?: ExplainVerbosityLike): Promise<Document>;
	/**
	 * The result now, and then at each newer state in which it is another: see `LiveQuery`. It is kept up from the commits, without running the query
	 * again where filter, order and limit allow that. It cannot be part of a transaction.
	 *
	 * Throws a TypeError when the cursor has started.
	 */
	live(options?: LiveOptions | null): LiveQuery<T>;
	/** A new cursor with the same filter and options, without the functions of `map`. */
	clone(): FindCursor<T, S>;
}
declare class CollectionKeyMethods<T extends Document = Document> {
	#private;
	/** The name of the collection. */
	readonly collectionName: string;
	/** Resolves with the document that has this `_id`, or null; with `meta`, also with its version and times. */
	get(id: InferId<T>, options: GetOptions & {
		meta: true;
	}): Promise<Versioned<WithId<T>> | null>;
	get(id: InferId<T>, options?: GetOptions & {
		meta?: false;
	}): Promise<WithId<T> | null>;
	/** Resolves with the documents that have these `_id`s, in their order, null for each that is missing, all as of one moment. */
	getMany(ids: readonly InferId<T>[], options?: OperationOptions): Promise<(WithId<T> | null)[]>;
	/** Resolves with whether there is a document with this `_id`. */
	has(id: InferId<T>, options?: OperationOptions): Promise<boolean>;
	/**
	 * Inserts the document under this `_id`, or replaces the existing one. Resolves with its new version. The given object is
	 * not changed.
	 *
	 * Rejects with `CONFLICT` when the version is not `ifVersion`, with a TypeError when the document has another `_id`.
	 */
	set(id: InferId<T>, document: OptionalId<T>, options?: SetOptions): Promise<number>;
	/**
	 * Sets many documents, all or none: `[id, document]` pairs, such as a Map's, or `[id, document, { ifVersion }]`. Resolves
	 * with their new versions, in the same order. More than 1,000 documents are encoded while the event loop turns: do not change them before the
	 * promise has settled.
	 *
	 * Rejects with `CONFLICT` when a version differs from its `ifVersion`; nothing is written then.
	 */
	setMany(entries: Iterable<SetEntry<T>>, options?: SetManyOptions): Promise<number[]>;
	/** Deletes the document with this `_id`; resolves with whether there was one. Rejects with `CONFLICT` when its version is not `ifVersion`. */
	delete(id: InferId<T>, options?: VersionOptions): Promise<boolean>;
	/**
	 * The document that has this `_id`, or null, read on this thread: immediately from memory, or by a blocking read of the
	 * file. Writes that were not awaited may not be visible yet.
	 *
	 * Throws what `get` would reject with.
	 */
	getSync(id: InferId<T>, options: GetOptions & {
		meta: true;
	}): Versioned<WithId<T>> | null;
	getSync(id: InferId<T>, options?: GetOptions & {
		meta?: false;
	}): WithId<T> | null;
	/** Whether there is a document with this `_id`, read on this thread like `getSync`. */
	hasSync(id: InferId<T>, options?: OperationOptions): boolean;
}
declare class CollectionReadMethods<T extends Document = Document> extends CollectionKeyMethods<T> {
	#private;
	/**
	 * Resolves with the first document that matches, or null; with `meta`, with its version and times, as `get` does. By `_id` alone it is as fast as
	 * `get`.
	 *
	 * Rejects with `BAD_QUERY` naming the path when the filter, sort or projection is malformed.
	 */
	findOne(filter: Filter<T> | null | undefined, options: FindOneOptions<T> & {
		meta: true;
	}): Promise<Versioned<WithId<T>> | null>;
	findOne<R>(filter: Filter<T> | null | undefined, options: FindOneOptions<T> & {
		meta: true;
	}): Promise<Versioned<R> | null>;
	findOne(filter?: Filter<T> | null, options?: FindOneOptions<T> & {
		meta?: false;
	}): Promise<WithId<T> | null>;
	findOne<R>(filter?: Filter<T> | null, options?: FindOneOptions<T> & {
		meta?: false;
	}): Promise<R | null>;
	/**
	 * A cursor over the results of a pipeline; without stages, over all documents.
	 *
	 * Throws a TypeError when an argument is wrong. The cursor's methods reject with `BAD_QUERY` when a stage is malformed.
	 */
	aggregate<R extends Document = Document>(pipeline?: readonly Document[], options?: AggregateOptions): AggregationCursor<R>;
	/**
	 * A cursor over the documents that match, in natural order unless sorted. It reads the state at its first
	 * fetch: later writes are not seen.
	 *
	 * Throws a TypeError when an argument has the wrong type; its methods reject with `BAD_QUERY` like `findOne`.
	 */
	find(filter?: Filter<T> | null, options?: FindOptions<T>): FindCursor<WithId<T>, T>;
	find<R>(filter?: Filter<T> | null, options?: FindOptions<T>): FindCursor<R, T>;
	/** Resolves with the number of documents that match. Rejects with `BAD_QUERY` when the filter is malformed. */
	countDocuments(filter?: Filter<T> | null, options?: CountOptions): Promise<number>;
	/** Resolves with the number of documents in the collection. */
	estimatedDocumentCount(options?: OperationOptions): Promise<number>;
	/**
	 * Resolves with the distinct values of a field in the documents that match: of an array its elements, and nothing where
	 * the field is absent. Rejects with `BAD_QUERY` when the filter is malformed, `LIMIT` when the values take more than 16
	 * MiB.
	 */
	distinct<K extends keyof T & string>(key: K, filter?: Filter<T> | null, options?: DistinctOptions): Promise<Element<T[K]>[]>;
	distinct<P extends Path<T>>(key: P, filter?: Filter<T> | null, options?: DistinctOptions): Promise<Element<PathValue<WithId<T>, P>>[]>;
	distinct<K extends string>(key: string extends K ? K : never, filter?: Filter<T> | null, options?: DistinctOptions): Promise<any[]>;
	/**
	 * The documents that match, as an array, read on this thread, which blocks until they are found. Writes that were not
	 * awaited may not be visible yet. All documents are from the same state.
	 *
	 * Throws what `find` would reject with.
	 */
	findSync(filter?: Filter<T> | null, options?: FindOptions<T>): WithId<T>[];
	findSync<R>(filter?: Filter<T> | null, options?: FindOptions<T>): R[];
	/**
	 * The first document that matches, or null, read on this thread like `findSync`. Throws what `findOne` would reject with.
	 */
	findOneSync(filter: Filter<T> | null | undefined, options: FindOneOptions<T> & {
		meta: true;
	}): Versioned<WithId<T>> | null;
	findOneSync<R>(filter: Filter<T> | null | undefined, options: FindOneOptions<T> & {
		meta: true;
	}): Versioned<R> | null;
	findOneSync(filter?: Filter<T> | null, options?: FindOneOptions<T> & {
		meta?: false;
	}): WithId<T> | null;
	findOneSync<R>(filter?: Filter<T> | null, options?: FindOneOptions<T> & {
		meta?: false;
	}): R | null;
	/**
	 * The number of documents that match, counted on this thread like `findSync`. Throws what `countDocuments` would reject
	 * with.
	 */
	countSync(filter?: Filter<T> | null, options?: CountOptions): number;
}
declare class CollectionIndexMethods<T extends Document = Document> extends CollectionReadMethods<T> {
	#private;
	/**
	 * Creates an index, and the collection if it is missing, while reads and writes continue. Resolves with its name when
	 * queries may use it. An existing index of the same form is left as it is.
	 *
	 * Rejects with `DUPLICATE_KEY` when documents have the same values and the index is `unique`, `BAD_DOCUMENT` when a
	 * document has arrays in two of its fields, `BAD_QUERY` when the index is malformed or another index has its name (code
	 * 86) or its fields (code 85), and `NOT_SUPPORTED` for text, hashed, geographic and wildcard indexes. Then no index is
	 * created.
	 */
	createIndex(indexSpec: IndexSpecificationOf<T>, options?: CreateIndexesOptions): Promise<string>;
	/** Creates several indexes, all or none; resolves with their names. Otherwise like `createIndex`. */
	createIndexes(indexSpecs: readonly IndexDescription[], options?: LongOperationOptions): Promise<string[]>;
	/**
	 * Drops an index, by its name or by its fields. Rejects with `BAD_QUERY` when there is no such index (code 27), and for
	 * the index on `_id`, which cannot be dropped (code 72).
	 */
	dropIndex(index: string | IndexSpecification, options?: OperationOptions): Promise<DropIndexResult>;
	/** Drops all indexes except the one on `_id`. Resolves with true, or with false when the collection does not exist. */
	dropIndexes(options?: OperationOptions): Promise<boolean>;
	/** A cursor over the indexes, the one on `_id` first; empty when the collection does not exist. */
	listIndexes(options?: ListIndexesOptions): ListCursor<IndexDescriptionInfo>;
	/** Resolves with the descriptions of `listIndexes`; with `full: false`, with names and fields as `indexInformation` does. */
	indexes(options: IndexInformationOptions & {
		full: false;
	}): Promise<IndexDescriptionCompact>;
	indexes(options?: IndexInformationOptions & {
		full?: true;
	}): Promise<IndexDescriptionInfo[]>;
	/** Resolves with names and fields: `{ city_1: [['city', 1]] }`; with `full`, with the descriptions of `listIndexes`. */
	indexInformation(options: IndexInformationOptions & {
		full: true;
	}): Promise<IndexDescriptionInfo[]>;
	indexInformation(options?: IndexInformationOptions & {
		full?: false;
	}): Promise<IndexDescriptionCompact>;
	/** Resolves with whether there is an index of this name, or of each of these names. */
	indexExists(indexes: string | readonly string[], options?: ListIndexesOptions): Promise<boolean>;
	/** Resolves with statistics of the collection: documents, bytes, indexes, and the indexes that scans of it would have used. */
	stats(options?: OperationOptions): Promise<CollectionStats>;
	/** Resolves with the options that the collection was created with; with none if it does not exist. */
	options(options?: OperationOptions): Promise<Document>;
	/** Resolves with whether the collection is capped. */
	isCapped(options?: OperationOptions): Promise<boolean>;
}
declare class CollectionSyncMethods<T extends Document = Document> extends CollectionIndexMethods<T> {
	#private;
	/** Like `insertOne`, but blocks; returns the result. */
	insertOneSync(document: OptionalId<T>, options?: InsertOneOptions): InsertOneResult<T>;
	/** Like `insertMany`, but blocks, also while it encodes more than 1,000 documents; returns the result. */
	insertManySync(documents: readonly OptionalId<T>[], options?: InsertManyOptions): InsertManyResult<T>;
	/** Like `set`, but blocks; returns the new version. */
	setSync(id: InferId<T>, document: OptionalId<T>, options?: SetOptions): number;
	/** Like `updateOne`, but blocks; returns the result. */
	updateOneSync(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: Omit<UpdateOneOptions, "explain">): UpdateResult<T>;
	/** Like `updateMany`, but blocks; returns the result. */
	updateManySync(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: Omit<UpdateOptions, "explain">): UpdateResult<T>;
	/** Like `replaceOne`, but blocks; returns the result. */
	replaceOneSync(filter: Filter<T>, replacement: WithoutId<T>, options?: Omit<ReplaceOptions, "explain">): UpdateResult<T>;
	/** Like `delete`, but blocks; returns whether there was a document. */
	deleteSync(id: InferId<T>, options?: VersionOptions): boolean;
	/** Like `deleteOne`, but blocks; returns the result. */
	deleteOneSync(filter?: Filter<T> | null, options?: Omit<DeleteOneOptions, "explain">): DeleteResult;
	/** Like `deleteMany`, but blocks; returns the result. */
	deleteManySync(filter?: Filter<T> | null, options?: Omit<DeleteOptions, "explain">): DeleteResult;
	/** Like `bulkWrite`, but blocks; returns the result. */
	bulkWriteSync(operations: readonly AnyBulkWriteOperation<T>[], options?: BulkWriteOptions): BulkWriteResult<T>;
}
/**
 * A collection of documents. A handle is cheap: create one wherever it is needed.
 *
 * Every method rejects with `CLOSED` after the database was closed and with a TypeError when an argument has the wrong type; writes reject
 * with `READ_ONLY`, `STORAGE_FULL`, `STORAGE_POISONED` or `IO` when they cannot be kept.
 */
export declare class Collection<T extends Document = Document> extends CollectionSyncMethods<T> {
	#private;
	private constructor();
	/** The database it belongs to. */
	get db(): Database;
	/** The name of the database. */
	get dbName(): string;
	/** Database and collection, joined by a dot. */
	get namespace(): string;
	/**
	 * Inserts a document. If its `_id` is absent or null, one is created, a UUIDv7 string unless `pkFactory` is given, and set on the object.
	 *
	 * Rejects with `DUPLICATE_KEY` (code 11000) when the `_id` is taken, `BAD_DOCUMENT` naming the path of a value that cannot be stored.
	 */
	insertOne(document: OptionalId<T>, options?: InsertOneOptions): Promise<InsertOneResult<T>>;
	/**
	 * Inserts documents in order. Ordered (the default), it stops at the first that fails, and those before it stay; with `ordered: false` all
	 * others are inserted. More than 1,000 documents are encoded while the event loop turns: do not change them before the promise has settled.
	 *
	 * Rejects with a `MoltenBulkWriteError` when documents fail, whose `writeErrors` and `insertedIds` tell which, and with `BAD_DOCUMENT`,
	 * before anything is inserted, when a value cannot be stored.
	 */
	insertMany(documents: readonly OptionalId<T>[], options?: InsertManyOptions): Promise<InsertManyResult<T>>;
	/**
	 * Changes the first document that matches. With `upsert`, inserts one made from filter and update when none matches.
	 *
	 * Rejects with `BAD_UPDATE` naming the path when the update is malformed or cannot be applied; then nothing is changed.
	 */
	updateOne(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: UpdateOneOptions): Promise<UpdateResult<T>>;
	/**
	 * Changes every document that matches. Each document changes atomically; together they are written in consecutive commits
	 * of up to 1,000 documents or 8 MiB. So after an error, an abort or a crash some documents may be changed and others not.
	 * What was committed stays. Otherwise like `updateOne`.
	 */
	updateMany(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: UpdateOptions): Promise<UpdateResult<T>>;
	/**
	 * Replaces the first document that matches; its `_id` stays. With `upsert`, inserts the replacement when none matches.
	 *
	 * Rejects with `BAD_UPDATE` when the replacement has operators or another `_id`, `BAD_DOCUMENT` when a value cannot be stored.
	 */
	replaceOne(filter: Filter<T>, replacement: WithoutId<T>, options?: ReplaceOptions): Promise<UpdateResult<T>>;
	/**
	 * Changes the first document that matches, in the order of `sort`, and resolves with that document as it was before the
	 * write or, with `returnDocument: 'after'`, as it is after it. Resolves with null when none matched. With
	 * `includeResultMetadata` the document is the `value` of the result.
	 *
	 * Rejects like `updateOne` and `findOne`.
	 */
	findOneAndUpdate(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options: FindOneAndUpdateOptions<T> & {
		includeResultMetadata: true;
	}): Promise<ModifyResult<WithId<T>>>;
	findOneAndUpdate(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: FindOneAndUpdateOptions<T> & {
		includeResultMetadata?: false;
	}): Promise<WithId<T> | null>;
	findOneAndUpdate<R>(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options: FindOneAndUpdateOptions<T> & {
		includeResultMetadata: true;
	}): Promise<ModifyResult<R>>;
	findOneAndUpdate<R>(filter: Filter<T>, update: UpdateFilter<T> | readonly Document[], options?: FindOneAndUpdateOptions<T> & {
		includeResultMetadata?: false;
	}): Promise<R | null>;
	/** Replaces the first document that matches; otherwise like `findOneAndUpdate`. */
	findOneAndReplace(filter: Filter<T>, replacement: WithoutId<T>, options: FindOneAndReplaceOptions<T> & {
		includeResultMetadata: true;
	}): Promise<ModifyResult<WithId<T>>>;
	findOneAndReplace(filter: Filter<T>, replacement: WithoutId<T>, options?: FindOneAndReplaceOptions<T> & {
		includeResultMetadata?: false;
	}): Promise<WithId<T> | null>;
	findOneAndReplace<R>(filter: Filter<T>, replacement: WithoutId<T>, options: FindOneAndReplaceOptions<T> & {
		includeResultMetadata: true;
	}): Promise<ModifyResult<R>>;
	findOneAndReplace<R>(filter: Filter<T>, replacement: WithoutId<T>, options?: FindOneAndReplaceOptions<T> & {
		includeResultMetadata?: false;
	}): Promise<R | null>;
	/** Deletes the first document that matches, in the order of `sort`, and resolves with it; with null when none matched. */
	findOneAndDelete(filter: Filter<T>, options: FindOneAndDeleteOptions<T> & {
		includeResultMetadata: true;
	}): Promise<ModifyResult<WithId<T>>>;
	findOneAndDelete(filter: Filter<T>, options?: FindOneAndDeleteOptions<T> & {
		includeResultMetadata?: false;
	}): Promise<WithId<T> | null>;
	findOneAndDelete<R>(filter: Filter<T>, options: FindOneAndDeleteOptions<T> & {
		includeResultMetadata: true;
	}): Promise<ModifyResult<R>>;
	findOneAndDelete<R>(filter: Filter<T>, options?: FindOneAndDeleteOptions<T> & {
		includeResultMetadata?: false;
	}): Promise<R | null>;
	/**
	 * Runs writes in order: `{ insertOne: { document } }`, `{ updateOne: { filter, update } }` and so on. Ordered (the
	 * default), it stops at the first that fails, and the writes before it stay; with `ordered: false` all others are run.
	 * Each write is its own commit. More than 1,000 writes are encoded while the event loop turns: do not change their documents, filters and
	 * updates before the promise has settled.
	 *
	 * Rejects with a `MoltenBulkWriteError` when writes fail; its `writeErrors` and `result` say which, and what the others
	 * did. Rejects with `BAD_DOCUMENT`, before anything is written, when a value cannot be stored.
	 */
	bulkWrite(operations: readonly AnyBulkWriteOperation<T>[], options?: BulkWriteOptions): Promise<BulkWriteResult<T>>;
	/**
	 * Renames the collection; resolves with a handle of the new name. Rejects with `CONFLICT` when a collection of that name
	 * exists (`dropTarget` drops it), and with `BAD_QUERY` when this collection does not exist.
	 */
	rename(name: string, options?: RenameOptions): Promise<Collection<T>>;
	/** Deletes the first document that matches. Rejects with `BAD_QUERY` when the filter is malformed. */
	deleteOne(filter?: Filter<T> | null, options?: DeleteOneOptions): Promise<DeleteResult>;
	/**
	 * Deletes every document that matches, in consecutive commits of up to 1,000 documents or 8 MiB: after an error, an abort
	 * or a crash some documents may be deleted and others not. `drop` removes all documents in one commit.
	 */
	deleteMany(filter?: Filter<T> | null, options?: DeleteOptions): Promise<DeleteResult>;
	/**
	 * A stream of the changes of this collection from this call on, which need not exist yet. It ends with an event `invalidate` when the collection is
	 * dropped or renamed. The pipeline may have `$match`, `$project`, `$addFields`, `$set`, `$unset`, `$replaceRoot` and `$replaceWith`.
	 *
	 * Throws a TypeError when an argument is wrong; reads reject with `BAD_QUERY` when the pipeline is malformed, `HISTORY_LOST` (code 286) when
	 * the events after a resume token are no longer kept.
	 */
	watch<S extends Document = T, C extends Document = ChangeStreamDocument<S>>(pipeline?: readonly Document[], options?: ChangeStreamOptions): ChangeStream<S, C>;
	/**
	 * The versions that a document had, the oldest first: what each insert, update and replacement made of it, and its deletions, up to the state at the
	 * call. It reaches as far back as the log is kept: option `history` of `Database.open`; if the first one is not version 1, older ones are gone.
	 *
	 * Throws a TypeError when an argument is wrong.
	 */
	history(id: InferId<T>, options?: DocumentHistoryOptions): AsyncIterable<DocumentVersion<T>>;
	/** Drops the collection with its documents; resolves with whether it existed. */
	drop(options?: OperationOptions): Promise<boolean>;
}
declare abstract class DatabaseFileMethods {
	#private;
	/** Where the database is. */
	abstract get path(): string;
	/**
	 * Resolves when everything written before the call survives a power cut. Rejects with `STORAGE_POISONED` when that is not
	 * certain.
	 */
	flush(options?: OperationOptions): Promise<void>;
	/**
	 * Writes every document into a new snapshot and removes the log before it, while reads and writes continue. A database in
	 * memory copies the documents out of blocks that are mostly garbage. Resolves with what was done. Rejects with
	 * `STORAGE_FULL` when there is no space for the snapshot; a failure leaves everything as it was.
	 */
	compact(options?: LongOperationOptions): Promise<CompactResult>;
	/**
	 * Copies the current state into a new directory, while reads and writes continue; every write that resolved before the
	 * call is included. Resolves when the copy has been read back and is durable; it is a complete database, which the key of this one opens,
	 * or that of option `encryptionKey`. Rejects with `IO`
	 * when the path exists or cannot be written, `STORAGE_FULL` when there is no space; then no directory of that name is
	 * left.
	 */
	backup(path: string | URL, options?: BackupOptions): Promise<BackupResult>;
	/**
	 * Resolves with statistics: how many collections and documents the database has, and what it and the others in its directory share: bytes
	 * in memory and on disk, the state of the log.
	 */
	stats(options?: OperationOptions): Promise<DatabaseStats>;
	/**
	 * Writes documents as lines of JSON, `{"collection":"users","document":{...}}`, and ends the stream; with `allDatabases` those of the other
	 * databases too, `{"database":"other","collection":"users","document":{...}}`. The lines show the state at the time
	 * of the call, however long it takes and whatever is written meanwhile; values are in MongoDB Extended JSON v2, so that an import restores
	 * them exactly. Respects the back pressure of the stream.
	 *
	 * Rejects with the error of the stream, with the signal's reason, or with `CLOSED` when the database is closed meanwhile.
	 */
	exportJSONL(writable: NodeJS.WritableStream | WritableStream, options?: ExportOptions): Promise<ExportResult>;
	/**
	 * Reads lines as `exportJSONL` writes them, or with the option `collection` lines that are documents, as `mongoexport` writes them, and
	 * inserts the documents, batch by batch: into this database, unless a line names another one. Stops at the first line that cannot be imported; the documents of all lines before it are kept.
	 *
	 * Rejects with an error whose `line` is that line's number: `BAD_DOCUMENT` when the line does not have this form or has a
	 * value that cannot be stored, `DUPLICATE_KEY` when its `_id` exists (option `ifExists`).
	 */
	importJSONL(readable: ImportSource, options?: ImportOptions): Promise<ImportResult>;
	/**
	 * Imports what another database has written, or a program: NDJSON, `mongoexport`, JSON, CSV, NeDB, LokiJS, lowdb, electron-store, BSON, and what
	 * `mongodump` writes, with indexes and options of collections as far as they have an equal. A record that cannot be taken stops the import, and all
	 * before it is kept; with `onError: 'skip'` it is left out, listed in the result and kept in the file of option `rejects`.
	 *
	 * A document without `_id` gets one that is made of the name of the file and the number of the record, so the same file, imported once more
	 * with `ifExists: 'skip'`, goes on where it was interrupted.
	 *
	 * Rejects with an error whose `file` and `line` say where: `BAD_DOCUMENT` when the record cannot be read or stored, `DUPLICATE_KEY` when its `_id` exists.
	 *
	 * @example
	 * const { imported, rejected } = await db.importFile('people.csv', { types: { age: 'number' }, onError: 'skip', rejects: 'rejects.jsonl' })
	 */
	importFile(path: string | URL, options?: ImportFileOptions): Promise<ImportFileResult>;
	/**
	 * Writes the collections as `mongodump` does, into a new directory, or with `archive` into a file, which `mongorestore` reads: documents as BSON, and
	 * indexes and options. All documents are those of one moment.
	 *
	 * Rejects with `IO` when the path exists, with `NOT_SUPPORTED` when BSON cannot hold a document. Then nothing of that name is left.
	 */
	exportMongodump(path: string | URL, options?: ExportMongodumpOptions): Promise<ExportMongodumpResult>;
	/**
	 * Makes a new database in the directory `destination`, which must not exist, of one of MoltenDB (the crate moltendb-core, releases 0.6 and 1.0):
	 * `log` is the file that it was opened with; its snapshot and the rest are found beside it, and all of them stay as they are. Keys become `_id`s. An
	 * entry that is damaged or cannot be stored is left out, listed in the result and kept in the file of option `rejects`.
	 *
	 * Rejects with `IO` when there is no such log or the destination exists, with `WRONG_KEY` when it is encrypted and the password is missing or wrong.
	 * A failed import leaves nothing.
	 *
	 * @example
	 * const { documents, rejected } = await Database.importMolten('old/app.log', 'data/app', { rejects: 'rejects.jsonl' })
	 */
	static importMolten(log: string | URL, destination: string | URL, options?: ImportMoltenOptions): Promise<ImportMoltenResult>;
	/**
	 * Writes the documents, indexes and schemas of this database as MoltenDB 0.6 writes its log: into a new file, which `Db::open` of moltendb-core 0.6
	 * opens, encrypted if there is a password. Dates, bytes and ObjectIds are written as in Extended JSON, `{"$date":"..."}`; an `_id` that is a number
	 * or an ObjectId becomes its text.
	 *
	 * Rejects with `IO` when the file, or a snapshot beside it, exists; with `NOT_SUPPORTED` when another `_id` is no string, with `DUPLICATE_KEY` when
	 * two `_id`s are the same text. Then no file is left.
	 */
	exportMolten(path: string | URL, options?: ExportMoltenOptions): Promise<ExportMoltenResult>;
	/**
	 * Answers payloads of MoltenDB, `get`, `set`, `update` and `delete`, as its handlers do. Each get reads one state, and each write is one commit;
	 * a payload that is malformed is refused by the name of its field.
	 *
	 * @example
	 * await db.molten.set({ collection: 'users', data: { u1: { name: 'Ada' } } })
	 * const users = await db.molten.get({ collection: 'users', where: { name: 'ada' } })   // [{ name: 'Ada', _v: 1, ..., _key: 'u1' }]
	 */
	get molten(): MoltenPayloads;
}
declare abstract class DatabaseStateMethods extends DatabaseFileMethods {
	#private;
	/**
	 * Takes a snapshot of a database in memory, after the writes that were called before: `restore` puts it back in this state. Takes
	 * microseconds, whatever is stored. The snapshot covers all databases beside this one, and keeps what is written since in memory, each version of a document,
	 * until it is restored, released, or collected as garbage.
	 *
	 * Rejects with `NOT_SUPPORTED` when the database keeps files: `fork` and `backup` make copies of it.
	 *
	 * @example
	 * const snapshot = await db.snapshot()
	 * beforeEach(() => db.restore(snapshot))
	 */
	snapshot(options?: OperationOptions): Promise<Snapshot>;
	/**
	 * Puts a database in memory back in the state of a snapshot, after the writes that were called before and before those that are called after:
	 * documents with their versions and times, their natural order, collections, indexes and options, of all databases in it. Takes as long as what
	 * was written since, whatever is stored. A snapshot can be restored any number of times, and several in any order.
	 *
	 * One commit does it: open cursors keep their state, an open transaction conflicts where it has written what this changes, a live query tells
	 * the restored result, and a change stream ends with an `invalidate` event.
	 *
	 * Throws a TypeError when the snapshot was released, or is of another database.
	 */
	restore(snapshot: Snapshot, options?: OperationOptions): Promise<void>;
}
/**
 * A transaction, as `db.transaction` gives it to its function. Only what is called through it belongs to it.
 *
 * Reads see the state at its first operation and its own writes. A call after its end rejects with code 251.
 */
export declare class Transaction {
	#private;
	/** A handle of a collection whose operations belong to the transaction. */
	collection<T extends Document = Document>(name: string, options?: CollectionOptions): Collection<T>;
	/** Creates an empty collection with the commit; resolves with a handle whose operations belong to the transaction. */
	createCollection<T extends Document = Document>(name: string, options?: OperationOptions): Promise<Collection<T>>;
	/** The same transaction in another database of the directory: `tx.sibling('other').collection('users')`. */
	sibling(name: string): Transaction;
	/** Sets a savepoint: `rollbackTo` takes back what was written after it. */
	savepoint(): Promise<Savepoint>;
	/**
	 * Takes back what was written after a savepoint, which stays; later savepoints and all open cursors end. A transaction that a failed write
	 * has ended goes on from there.
	 */
	rollbackTo(savepoint: Savepoint): Promise<void>;
}
/**
 * A transaction, as `db.transactionSync` gives it to its function. Only what is called through it belongs to it: the methods of its collections
 * whose names end with `Sync`.
 */
export declare class TransactionSync {
	#private;
	/** A handle of a collection whose operations belong to the transaction. */
	collection<T extends Document = Document>(name: string, options?: CollectionOptions): Collection<T>;
	/** The same transaction in another database of the directory. */
	sibling(name: string): TransactionSync;
	/** Sets a savepoint: `rollbackTo` takes back what was written after it. */
	savepoint(): Savepoint;
	/**
	 * Takes back what was written after a savepoint, which stays; later savepoints end. A transaction that a failed write has ended goes on from
	 * there.
	 */
	rollbackTo(savepoint: Savepoint): void;
}
/**
 * An open database: the default one of a directory or of memory, or another one beside it (`sibling`).
 *
 * @example
 * const db = await Database.open('data/app')
 * const users = db.collection('users')
 * await db.close()
 */
export declare class Database extends DatabaseStateMethods {
	#private;
	/**
	 * Opens a database, or creates one. Resolves when everything acknowledged earlier is recovered.
	 *
	 * A large database that was closed cleanly is open at once, whatever its size: documents, keys and indexes are read when they
	 * are needed. So damage of a document rejects the operation that reads it, with `CORRUPT`; option `check` has all of it read
	 * first.
	 *
	 * @param path a directory, its file: URL, or `':memory:'` for a database that keeps nothing on disk
	 *
	 * Rejects with `LOCKED` when another process has it open, `CORRUPT` or `CORRUPT_TAIL` when its files are damaged, `TAMPERED` when they were
	 * changed without the key, `WRONG_KEY`, `KEY_REQUIRED` or `NOT_ENCRYPTED` when option `encryptionKey` does not fit, `VERSION` when a newer release wrote them, `IO` when the file system refuses, and with a TypeError when an argument is
	 * wrong.
	 */
	static open(path: string | URL, options?: OpenOptions): Promise<Database>;
	/**
	 * Reads every byte of a database that no process writes, decodes every document, and resolves with the content of each
	 * file and its first damage. Changes nothing; continues after damage as far as checksums are valid.
	 *
	 * Damage is part of the result. Rejects with `LOCKED` while a process has the database open for writing, `VERSION` when a
	 * newer release wrote it, `IO` when it does not exist or cannot be read.
	 */
	static verify(path: string | URL, options?: VerifyOptions): Promise<Verification>;
	/**
	 * Makes a new database of a moment of the directory at `path`, which no process may have open for writing and which stays as it is. The new
	 * one is written into the directory `destination`, which must not exist, read back, and has an id of its own. Where the files are damaged
	 * before that moment it rejects with `CORRUPT` and says up to which commit they are whole; `allowPartial` takes that one.
	 *
	 * Rejects with `HISTORY_LOST` when the moment is before all that is kept, `LOCKED` while a process writes to the directory, `IO` when there
	 * is no database or the destination exists.
	 *
	 * @example
	 * await Database.recoverTo('data/app', 'data/before', { time: new Date('2024-05-01T12:00:00Z') })
	 */
	static recoverTo(path: string | URL, destination: string | URL, moment: Moment, options?: RecoverToOptions): Promise<RecoverToResult>;
	/**
	 * Makes `newKey` the key of the encrypted database at `path`, which no process may have open, and of the generations in its `backup/`. The
	 * documents are not written again: they are encrypted with a key of their own, which is encrypted anew, so this takes milliseconds and the
	 * derivation of a password. Whoever has `oldKey` and a copy of the files from before can still read what they hold, and what is written later.
	 * With `reencrypt: true` all files are written again with a new key of their own, so that a copy from before opens nothing of them: it takes
	 * the time and the space of a copy, and removes the generations in `backup/`. After a power cut exactly one of the two keys opens it.
	 *
	 * Rejects with `WRONG_KEY` when `oldKey` does not open it, `NOT_ENCRYPTED` when it is not encrypted, and `LOCKED` while it is open. A plain
	 * database becomes an encrypted one by `backup` with `encryptionKey`.
	 */
	static rekey(path: string | URL, oldKey: EncryptionKey, newKey: EncryptionKey, options?: RekeyOptions): Promise<RekeyResult>;
	private constructor();
	/** The directory, as it was given, or `':memory:'`. */
	get path(): string;
	/**
	 * The name of the database; of the default one the last part of its path, `memory` for one in memory. Where another database in the
	 * directory has that name, because the directory was renamed, `_default` follows.
	 */
	get databaseName(): string;
	/**
	 * Another database in the same directory, files and commits; nothing is read or written. It exists as long as it has a collection. The name
	 * of the default database gives that. Closing either closes both. The options, as those of `collection`, replace the ones of the opening.
	 *
	 * Throws a TypeError when the name is not a string, `BAD_QUERY` when it is not a valid name: names have 1 to 63 bytes of UTF-8, no space and
	 * none of `/\\."$*<>:|?` and NUL, and differ not only in case.
	 */
	sibling(name: string, options?: CollectionOptions): Database;
	/**
	 * The database as it was after a commit (`{ lsn }`), or at a time: after the newest commit that is not later. Resolves with a handle that
	 * takes all reads, also `exportJSONL`, `backup` and `sibling`, and refuses writes with `READ_ONLY`; `$$NOW` is the time of that commit. It
	 * is read from snapshot and log into memory, within `memoryLimit`, and freed when it is closed, or collected as garbage; closing this
	 * database closes it.
	 *
	 * Rejects with `HISTORY_LOST` when that state is no longer kept: option `history`. Throws a TypeError when there is no such commit yet.
	 *
	 * @example
	 * await using yesterday = await db.asOf(new Date(Date.now() - 86_400_000))
	 * const was = await yesterday.collection('users').findOne({ _id: 'ann' })
	 */
	asOf(moment: Moment, options?: OperationOptions): Promise<Database>;
	/**
	 * A new database in memory with what this one has now, after the writes that were called before: all databases, with indexes and options. The two are
	 * independent; documents are shared until one of them changes. Of a database with files everything is read into memory.
	 *
	 * Rejects with `LIMIT` when the documents of a database with files take more than its `memoryLimit`.
	 */
	fork(options?: OperationOptions): Promise<Database>;
	/** Where writes go: `'async'`, `'sync'` or `'memory'`. */
	get storage(): StorageMode;
	/** What recovery found when this database was opened. */
	get recovery(): RecoveryReport;
	/**
	 * A handle of a collection; nothing is read or written. The collection is created by its first write.
	 *
	 * Throws a TypeError when the name is not a string, `BAD_QUERY` when it is not a valid name: names have 1 to 120 bytes of UTF-8, no
	 * `$`, `/`, `\` or NUL, no dot at either end and no two in a row.
	 */
	collection<T extends Document = Document>(name: string, options?: CollectionOptions): Collection<T>;
	/**
	 * Creates an empty collection; resolves with a handle. An existing collection is left as it is.
	 *
	 * Rejects with `CONFLICT` (code 48) when it exists with other options, and with `NOT_SUPPORTED` for options of collections that are not
	 * supported yet.
	 */
	createCollection<T extends Document = Document>(name: string, options?: CreateCollectionOptions): Promise<Collection<T>>;
	/**
	 * A cursor over the collections that match a filter, by name. With `nameOnly`, only their names and types.
	 *
	 * Throws a TypeError when an argument is wrong; its methods reject with `BAD_QUERY` when the filter is malformed.
	 */
	listCollections(filter: Document | null | undefined, options: ListCollectionsOptions & {
		nameOnly: true;
	}): ListCursor<Pick<CollectionInfo, "name" | "type">>;
	listCollections(filter?: Document | null, options?: ListCollectionsOptions & {
		nameOnly?: false;
	}): ListCursor<CollectionInfo>;
	/**
	 * The function may run more than once. Runs it in a transaction and commits: what it reads through `tx` is one state of the database, and
	 * its writes are kept together or not at all. When another writer has changed what it writes, or with `isolation: 'serializable'` what it has
	 * read, everything is taken back and the function runs again, after a short wait, for up to 120 seconds. Resolves with what the function
	 * resolves with; an error of its own aborts the transaction and is passed on. Operations that are not called through `tx` are not part of the
	 * transaction.
	 *
	 * Rejects with a TypeError when it is called within the function of another one of the same database, from Node.js 24 on.
	 *
	 * @example
	 * await db.transaction(async (tx) => {
	 *   const accounts = tx.collection('accounts')
	 *   await accounts.updateOne({ _id: 'ann' }, { $inc: { balance: -10 } })
	 *   await accounts.updateOne({ _id: 'bob' }, { $inc: { balance: 10 } })
	 * })
	 */
	transaction<R>(run: (tx: Transaction) => Promise<R>, options?: TransactionRunOptions): Promise<R>;
	/**
	 * Like `transaction`, with a function that is synchronous: blocks until the transaction is committed, and returns what the function returns. In
	 * it the methods of `tx.collection(...)` whose names end with `Sync` are called. When another writer has changed what it writes, everything is
	 * taken back and the function runs again, up to 10 times.
	 *
	 * Throws a TypeError, and keeps nothing, when the function returns a promise.
	 *
	 * @example
	 * db.transactionSync((tx) => {
	 *   const accounts = tx.collection('accounts')
	 *   accounts.updateOneSync({ _id: 'ann' }, { $inc: { balance: -10 } })
	 *   accounts.updateOneSync({ _id: 'bob' }, { $inc: { balance: 10 } })
	 * })
	 */
	transactionSync<R>(run: (tx: TransactionSync) => R, options?: SyncTransactionOptions): R;
	/**
	 * Starts a session, for programs written for the driver: operations that are given `{ session }` belong to its transaction. `transaction`
	 * does the same with less to remember.
	 */
	startSession(options?: ClientSessionOptions): ClientSession;
	/**
	 * Renames a collection; resolves with a handle of the new name. Rejects with `CONFLICT` when a collection of that name
	 * exists (`dropTarget` drops it), and with `BAD_QUERY` when there is none to rename.
	 */
	renameCollection<T extends Document = Document>(from: string, to: string, options?: RenameOptions): Promise<Collection<T>>;
	/** Drops a collection with its documents; resolves with whether it existed. Rejects with `READ_ONLY`, `CLOSED`. */
	dropCollection(name: string, options?: OperationOptions): Promise<boolean>;
	/** Resolves with handles of all collections, by name. */
	collections(options?: OperationOptions): Promise<Collection[]>;
	/**
	 * Drops every collection of this database, in one commit; resolves with true. The handle stays usable, and what was written before the call
	 * is gone, what is written after it stays. Rejects with `READ_ONLY`, `CLOSED`.
	 */
	dropDatabase(options?: OperationOptions): Promise<boolean>;
	/**
	 * Resolves with the databases that have collections, by name. Their sizes are those of their documents: they share their files.
	 *
	 * Rejects with `BAD_QUERY` when the filter is malformed.
	 */
	listDatabases(options: ListDatabasesOptions & {
		nameOnly: true;
	}): Promise<{
		databases: {
			name: string;
		}[];
		ok: 1;
	}>;
	listDatabases(options?: ListDatabasesOptions & {
		nameOnly?: false;
	}): Promise<ListDatabasesResult>;
	/**
	 * Runs a pipeline that reads no collection: its first stage is `$documents`. Otherwise as `collection.aggregate`.
	 *
	 * Throws `NOT_SUPPORTED` when the pipeline begins with another stage.
	 */
	aggregate<R extends Document = Document>(pipeline?: readonly Document[], options?: AggregateOptions): AggregationCursor<R>;
	/**
	 * A stream of the changes of all collections of this database, or of all databases, from this call on. The pipeline may have `$match`, `$project`,
	 * `$addFields`, `$set`, `$unset`, `$replaceRoot` and `$replaceWith`.
	 *
	 * Throws a TypeError when an argument is wrong; reads reject with `BAD_QUERY` when the pipeline is malformed, `HISTORY_LOST` (code 286) when
	 * the events after a resume token are no longer kept.
	 */
	watch<T extends Document = Document, C extends Document = ChangeStreamDocument<T>>(pipeline?: readonly Document[], options?: DatabaseChangeStreamOptions): ChangeStream<T, C>;
	/**
	 * Runs one of MongoDB's commands `ping`, `buildInfo`, `create`, `collMod`, `collStats` and `dbStats`. `collMod` changes options of a collection, for
	 * all writes from then on: `{ collMod: 'users', changeStreamPreAndPostImages: { enabled: true } }`.
	 *
	 * Rejects with `NOT_SUPPORTED` (code 59) for other commands, and names the method to call instead; with `BAD_QUERY` when a field is malformed, or
	 * the collection to change does not exist (code 26).
	 */
	command(command: Document, options?: OperationOptions): Promise<Document>;
	/**
	 * Starts an inspector: a web page on this machine that shows collections, documents, plans, indexes, changes and files, and that reads only, unless
	 * `write` is true. Resolves with its URL when it listens, at 127.0.0.1 only. Closing the database closes it, and it does not keep the process alive.
	 *
	 * Rejects with `READ_ONLY` when `write` is true and the database is open read-only, and with the error of the system when the port is taken.
	 *
	 * @example
	 * const { url } = await db.inspect()
	 * console.log(`open ${url}`)
	 */
	inspect(options?: InspectorOptions): Promise<Inspector>;
	/**
	 * Waits for running operations, writes what is pending and releases the directory, with all databases in it. Resolves when another process
	 * may open it. After the call every other method rejects with `CLOSED`; a second call resolves with the first.
	 */
	close(): Promise<void>;
	/** Closes at the end of an `await using`. */
	[Symbol.asyncDispose]: () => Promise<void>;
}
/** The ObjectId of documents that are read without the option `ObjectId`. */
export declare class ObjectId {
	/** The 12 bytes. */
	readonly id: Buffer;
	/** From 12 bytes, which are copied, 24 hexadecimal digits, or an ObjectId of any class; a new one without an argument. */
	constructor(id?: Uint8Array | string | {
		readonly _bsontype: string;
		toHexString(): string;
	} | null);
	/** Whether an ObjectId can be made from this: 12 bytes, 24 hexadecimal digits, or an ObjectId of any class. */
	static isValid(id: unknown): boolean;
	/** The ObjectId of 24 hexadecimal digits. */
	static createFromHexString(hexString: string): ObjectId;
	/** The ObjectId of 16 digits of base64. */
	static createFromBase64(base64: string): ObjectId;
	/** The smallest ObjectId of a second since 1970, for comparisons: all bytes after the time are 0. */
	static createFromTime(seconds: number): ObjectId;
	/** The 12 bytes of a new ObjectId, of this second since 1970 or of now. */
	static generate(seconds?: number): Uint8Array;
	/** An ObjectId of this class, or of that of another copy of this package. */
	static [Symbol.hasInstance](value: unknown): value is ObjectId;
	get _bsontype(): "ObjectId";
	/** 24 hexadecimal digits, lower case. */
	toHexString(): string;
	/** The second in which it was made. */
	getTimestamp(): Date;
	/** Whether the other is an ObjectId of any class, or a string of hexadecimal digits, with the same bytes. */
	equals(other: unknown): boolean;
	toString(): string;
	toJSON(): string;
	[inspect.custom](): string;
}
/** The driver's name of `Database`. */
export type Db = Database;
/** The driver's name of `OptionalId`; an `_id` that `T` requires may be absent here too. */
export type OptionalUnlessRequiredId<T> = OptionalId<T>;
/** The driver's name of `Filter`, which is strict. */
export type StrictFilter<T> = Filter<T>;
/** The driver's name of `UpdateFilter`, which is strict. */
export type StrictUpdateFilter<T> = UpdateFilter<T>;
/** The driver's name of the operand of `$set`. */
export type MatchKeysAndValues<T> = NonNullable<UpdateOperators<T>["$set"]>;
/** What `$addToSet` takes, by the driver's name. */
type SetFields$1<T> = NonNullable<UpdateOperators<T>["$addToSet"]>;
/** What `$push` takes, by the driver's name. */
export type PushOperator<T> = NonNullable<UpdateOperators<T>["$push"]>;
/** What `$pull` takes, by the driver's name. */
export type PullOperator<T> = NonNullable<UpdateOperators<T>["$pull"]>;
/** The driver's name of `Path`, as a union of strings here and not of tuples. */
export type NestedPaths<T, _Depth extends number[] = [
]> = Path<T>;
/** Joins a tuple of names, as `NestedPaths` of the driver gives; a string is left as it is. */
export type Join<T, D extends string> = T extends string | number ? `${T}` : T extends readonly [
	infer Only extends string | number
] ? `${Only}` : T extends readonly [
	infer First extends string | number,
	...infer Rest
] ? `${First}${D}${Join<Rest, D>}` : "";
/** The driver's name of `PathValue`. */
export type PropertyType<T, P extends string> = PathValue<T, P>;
/** The driver's name of `CollectionOptions`: what a handle of a database can be given here. */
export type DbOptions = CollectionOptions;
/** The driver's name of `CountOptions`. */
export type CountDocumentsOptions = CountOptions;
/** The values of the option `returnDocument`. */
export type ReturnDocument = NonNullable<FindOneAndUpdateOptions["returnDocument"]>;
/** Options with a signal. */
export type Abortable = Pick<OperationOptions, "signal">;

export {
	MoltenBulkWriteError as MongoBulkWriteError,
	MoltenError as MongoError,
	MoltenError as MongoServerError,
	SetFields$1 as SetFields,
};

export {};

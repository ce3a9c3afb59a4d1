// MoltenDB: options of import and export, and the payloads that `db.molten` answers.

import type { Document } from './documents.js'
import type { LongOperationOptions } from './options.js'

/** What opens and seals encrypted entries of MoltenDB. */
export interface MoltenSecret {
  /** The password, or the key of 32 bytes. */
  password?: string | Uint8Array
  /** What was given to MoltenDB's `derive_key` beside the password, where that is base64. Paths seldom are: MoltenDB takes a salt of its own then. */
  salt?: string
}

/** Options of `Database.importMolten`. */
export interface ImportMoltenOptions extends LongOperationOptions, MoltenSecret {
  /** A file, which must not exist, for all entries that cannot be imported, as lines of JSON. */
  rejects?: string | URL
}

/** Options of `exportMolten`. */
export interface ExportMoltenOptions extends LongOperationOptions, MoltenSecret {}

/** An entry of MoltenDB's files that was not imported. */
export interface RejectedEntry {
  /** Its file. */
  file: string
  /** Its line; in files without lines its number, from 1. 0 for the head of a file. */
  line: number
  /** Its first byte; null where the file is compressed. */
  offset: number | null
  /** Its bytes. */
  length: number
  /** Why. */
  reason: string
}

/** What `Database.importMolten` made. */
export interface ImportMoltenResult {
  /** The release whose files these are. */
  format: '0.6' | '1.0'
  /** Collections of the new database. */
  collections: number
  /** Documents in them. */
  documents: number
  /** Entries that were read: lines of the log, and entries of the snapshot. */
  lines: number
  /** Indexes that were made. */
  indexes: number
  /** How many entries were not imported. */
  rejectedLines: number
  /** The first 100 of them; all are in the file of option `rejects`. */
  rejected: RejectedEntry[]
  /** What else is not as it was: schemas and indexes that have no equal, times at which MoltenDB would drop a collection. */
  notes: string[]
}

/** What `exportMolten` wrote. */
export interface ExportMoltenResult {
  /** Collections with documents, an index or a schema. */
  collections: number
  /** Documents. */
  documents: number
  /** Indexes. */
  indexes: number
  /** Bytes of the file. */
  bytes: number
  /** What MoltenDB has no equal of. */
  notes: string[]
}

/** A value of a document in a condition. */
export type MoltenValue = string | number | bigint | boolean | null | Date | readonly unknown[]

/** The operators of a condition, each with its other names. */
export interface MoltenCondition {
  $eq?: unknown
  $equals?: unknown
  $ne?: unknown
  $notEquals?: unknown
  $gt?: number | bigint | string | Date
  $greaterThan?: number | bigint | string | Date
  $gte?: number | bigint | string | Date
  $greaterThanOrEqual?: number | bigint | string | Date
  $lt?: number | bigint | string | Date
  $lessThan?: number | bigint | string | Date
  $lte?: number | bigint | string | Date
  $lessThanOrEqual?: number | bigint | string | Date
  $in?: readonly unknown[]
  $oneOf?: readonly unknown[]
  $nin?: readonly unknown[]
  $notIn?: readonly unknown[]
  $contains?: unknown
  $ct?: unknown
}

/** Which documents: conditions by path, all of which hold. */
export type MoltenWhere =
  | readonly MoltenWhere[]
  | { readonly $or?: readonly MoltenWhere[]; readonly $and?: readonly MoltenWhere[]; readonly [path: string]: MoltenValue | MoltenCondition | readonly MoltenWhere[] | undefined }

/** The order of a result by one field. */
export type MoltenSort = string | { field: string; order?: 'asc' | 'desc' }

/** A document of another collection under a name: the one whose key the field `on` holds. */
export interface MoltenJoin {
  [alias: string]: { from: string; on: string; fields?: readonly string[] }
}

/** The payload of `db.molten.get`. */
export interface MoltenGet {
  /** Default `'default'`. */
  collection?: string
  /** One key, which answers with a document or null, or several. */
  keys?: string | readonly string[]
  where?: MoltenWhere
  /** The only fields of the answer, as paths. */
  fields?: readonly string[]
  /** Fields that the answer has not, as paths. */
  excludedFields?: readonly string[]
  joins?: readonly MoltenJoin[]
  sort?: readonly MoltenSort[]
  /** Without a sort: the oldest document first, or the newest, as by default. */
  order?: 'asc' | 'desc'
  /** How many at most; all by default. */
  count?: number
  /** How many to skip first. */
  offset?: number
}

/** The payload of `db.molten.set`. */
export interface MoltenSet {
  /** Default `'default'`. */
  collection?: string
  /** Documents by key, or a list of documents, each of which gets a key. */
  data: { readonly [key: string]: Document } | readonly Document[]
}

/** The payload of `db.molten.update`. */
export interface MoltenUpdate {
  /** Default `'default'`. */
  collection?: string
  /** Fields by key of the document. */
  data: { readonly [key: string]: Document }
}

/** The payload of `db.molten.delete`: `keys`, `where`, `count` or `drop`. */
export interface MoltenDelete {
  /** Default `'default'`. */
  collection?: string
  keys?: string | readonly string[]
  where?: MoltenWhere
  /** How many at most; all that match by default. */
  count?: number
  /** Which ones where `count` leaves some: the oldest, as by default, or the newest. */
  order?: 'asc' | 'desc'
  /** Drops the collection. */
  drop?: boolean
}

/** A document as MoltenDB answers it: its key, its version, its fields. */
export type MoltenDocument = Document & { _key: string; _v?: number }

/** Answers payloads of MoltenDB. */
export interface MoltenPayloads {
  /** Resolves with the document of one key, without `_key`, or null. */
  get(payload: MoltenGet & { keys: string }): Promise<Document | null>
  /** Resolves with the documents. */
  get(payload: MoltenGet & { keys?: readonly string[] }): Promise<MoltenDocument[]>
  /** Resolves with a document or null for one key, else with documents. */
  get(payload: MoltenGet): Promise<MoltenDocument[] | Document | null>
  /** Inserts or replaces documents, all or none; resolves with how many, and with the keys that a list got. */
  set(payload: MoltenSet & { data: readonly Document[] }): Promise<{ status: 'ok'; count: number; ids: string[] }>
  set(payload: MoltenSet): Promise<{ status: 'ok'; count: number; ids?: string[] }>
  /** Sets fields of documents, all or none; resolves with how many of them exist. */
  update(payload: MoltenUpdate): Promise<{ status: 'ok'; updated: number }>
  /** Deletes documents; resolves with how many, or that the collection is dropped. */
  delete(payload: MoltenDelete & { drop: true }): Promise<{ status: 'ok'; dropped: true }>
  delete(payload: MoltenDelete & { drop?: false }): Promise<{ status: 'ok'; deleted: number }>
  delete(payload: MoltenDelete): Promise<{ status: 'ok'; dropped: true } | { status: 'ok'; deleted: number }>
}

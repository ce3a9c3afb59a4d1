// Writes by filter: their arguments, bodies and results, also as parts of a bulk write and of the findOneAnd... methods.

import { checkFields, checkReplacement, checkUpdate, eachOf, flagOf, versionOf, wrongArgument } from '../arguments/arguments.js'
import { hintOf } from '../arguments/hint.js'
import { type SortKeys, sortKeys } from '../arguments/sort.js'
import { encodeValue } from '../codec/encode.js'
import type { PortShapes } from '../codec/shapes.js'
import type { Writer } from '../codec/writer.js'
import { MoltenBulkWriteError } from '../errors.js'
import { Flag, Opcode } from '../transport/opcodes.js'
import type { Document, FindOneAndUpdateOptions, HintOptions, InferId, ModifyResult, UpdateResult } from '../types/index.js'
import { writeField } from './bodies.js'

/** The core's result of an update. */
export type UpdateAnswer = [matched: number, modified: number, upserted: unknown, upsertedCount: number]

/** The core's result of a write that resolves with its document. */
export type ModifiedAnswer<D> = [document: D | null, matched: number, upserted: unknown, upsertedCount: number]

/** A checked write: its opcode, its flags, and what writes its body. */
export interface CheckedWrite {
  opcode: number
  flags: number
  body(out: Writer, shapes: PortShapes): unknown
}

/** How a collection writes documents: with the `_id`s that it creates, with or without undefined fields. */
export interface DocumentWriter {
  /** Writes a document to insert, creating its `_id` if it has none; returns the `_id`. */
  writeNew(out: Writer, shapes: PortShapes, document: object): unknown
  writeReplacement(out: Writer, shapes: PortShapes, document: object): void
  writeUpdate(out: Writer, update: unknown): void
  /** The `_id` of the document that an upsert may insert if its filter names none; nil where the write does not upsert. */
  writeUpsertId(out: Writer, upsert: boolean, filter: unknown): void
}

interface OneOptions extends HintOptions {
  /** Of a single document. */
  ifVersion?: number | undefined
}

interface UpsertOptions extends OneOptions {
  upsert?: boolean | undefined
}

/** An update of the first document that matches, or with `Flag.Many` of all of them. */
export function updateOf(
  where: string, filter: unknown, update: unknown, options: UpsertOptions & { arrayFilters?: unknown }, documents: DocumentWriter, flags: number,
  sort?: SortKeys
): CheckedWrite {
  checkFields(where, 'filter', filter)
  checkUpdate(where, update)
  const upsert = flagOf(where, 'upsert', options.upsert)
  const arrayFilters = arrayFiltersOf(where, options.arrayFilters)
  const hint = hintOf(where, options.hint)
  const ifVersion = versionOf(where, options.ifVersion)
  return {
    opcode: Opcode.Update,
    flags: flags | flagsOf(upsert, sort, ifVersion),
    body: (out) => {
      encodeValue(out, filter, 'filter')
      documents.writeUpdate(out, update)
      documents.writeUpsertId(out, upsert, filter)
      encodeValue(out, arrayFilters, 'filter')
      writeField(out, hint)
      if (sort) writeField(out, sort)
      if (ifVersion !== undefined) writeField(out, ifVersion)
    }
  }
}

/** A replacement of the first document that matches. */
export function replacementOf(
  where: string, filter: unknown, replacement: unknown, options: UpsertOptions, documents: DocumentWriter, sort?: SortKeys
): CheckedWrite {
  checkFields(where, 'filter', filter)
  checkReplacement(where, replacement)
  const upsert = flagOf(where, 'upsert', options.upsert)
  const hint = hintOf(where, options.hint)
  const ifVersion = versionOf(where, options.ifVersion)
  return {
    opcode: Opcode.Replace,
    flags: flagsOf(upsert, sort, ifVersion),
    body: (out, shapes) => {
      encodeValue(out, filter, 'filter')
      documents.writeReplacement(out, shapes, replacement)
      documents.writeUpsertId(out, upsert, filter)
      writeField(out, hint)
      if (sort) writeField(out, sort)
      if (ifVersion !== undefined) writeField(out, ifVersion)
    }
  }
}

/** A deletion of the first document that matches, or with `Flag.Many` of all of them. */
export function deletionOf(where: string, filter: Document, options: OneOptions, flags: number): CheckedWrite {
  const hint = hintOf(where, options.hint)
  const ifVersion = versionOf(where, options.ifVersion)
  return {
    opcode: Opcode.Delete,
    flags: flags | flagsOf(false, undefined, ifVersion),
    body: (out) => {
      encodeValue(out, filter, 'filter')
      writeField(out, hint)
      if (ifVersion !== undefined) writeField(out, ifVersion)
    }
  }
}

function flagsOf(upsert: boolean, sort: SortKeys | undefined, ifVersion: number | undefined): number {
  return (upsert ? Flag.Upsert : 0) | (sort ? Flag.Sorted : 0) | (ifVersion === undefined ? 0 : Flag.Versioned)
}

/** The flag of a write that does not ask validators. */
export function uncheckedOf(where: string, { bypassDocumentValidation: given }: { bypassDocumentValidation?: boolean | undefined }): number {
  return given !== undefined && flagOf(where, 'bypassDocumentValidation', given) ? Flag.Unchecked : 0
}

/** The array filters, or null for none. */
function arrayFiltersOf(where: string, value: unknown): readonly Document[] | null {
  if (value === undefined || value === null) return null
  if (!Array.isArray(value)) throw wrongArgument(where, 'option arrayFilters', 'an array of filters', value)
  eachOf(value, (filter, i) => checkFields(where, `option arrayFilters[${i}]`, filter))
  return value
}

/** An update's result in the driver's form. */
export function updateResult<T>([matchedCount, modifiedCount, upsertedId, upsertedCount]: UpdateAnswer): UpdateResult<T> {
  return {
    acknowledged: true,
    matchedCount,
    modifiedCount,
    upsertedCount,
    upsertedId: (upsertedCount > 0 ? upsertedId : null) as InferId<T> | null
  }
}

/**
 * Sort and projection of a write that resolves with its document, and whether that is the document before or after the
 * write.
 */
export function answeringOf(where: string, options: FindOneAndUpdateOptions): { flags: number; metadata: boolean; write(out: Writer): void } {
  const { returnDocument, projection } = options
  if (returnDocument !== undefined && returnDocument !== 'before' && returnDocument !== 'after') {
    throw wrongArgument(where, 'option returnDocument', "'before' or 'after'", returnDocument)
  }
  if (projection !== undefined && projection !== null) checkFields(where, 'option projection', projection)
  const sort = sortKeys(where, options.sort)
  return {
    flags: returnDocument === 'after' ? Flag.After : 0,
    metadata: flagOf(where, 'includeResultMetadata', options.includeResultMetadata),
    write: (out) => {
      writeField(out, sort ?? null)
      encodeValue(out, projection ?? null, 'filter')
    }
  }
}

/** The result of a write that resolves with its document. */
export function modified<D>(answer: ModifiedAnswer<D>, metadata: boolean): D | null | ModifyResult<D> {
  const [value, matched, upserted, upsertedCount] = answer
  if (!metadata) return value
  const lastErrorObject: Document = { n: matched + upsertedCount, updatedExisting: matched > 0 }
  if (upsertedCount > 0) lastErrorObject['upserted'] = upserted
  return { value, lastErrorObject, ok: 1 }
}

/**
 * Adds the `_id`s of the inserted documents to the error of a bulk write or of an insert of many; `ids` are those that were
 * sent.
 */
export function nameInserted(error: Error, ids: { readonly [index: number]: unknown }, unordered: boolean): void {
  if (!(error instanceof MoltenBulkWriteError)) return
  const failed = new Set(error.writeErrors.map((item) => item.index))
  const first = Math.min(...failed)
  for (const key of Object.keys(ids)) {
    const i = Number(key)
    if (unordered ? !failed.has(i) : i < first) error.result.insertedIds[i] = ids[i]
  }
}

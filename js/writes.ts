// Writes that answer their document, and rows of writes: their arguments, bodies and results.

import { checkFields, checkReplacement, checkUpdate, eachOf, filterOf, flagOf, wrongArgument } from './arguments/arguments.js'
import { hintOf, type KeyPairs } from './arguments/index-spec.js'
import { checkCollation, checkNames } from './arguments/option-check.js'
import { BULK_WRITES } from './arguments/option-table.js'
import { type SortKeys, sortKeys } from './arguments/sort.js'
import { encodeValue } from './codec/encode.js'
import type { PortShapes } from './codec/shapes.js'
import type { Writer } from './codec/writer.js'
import { type BulkCounts, MoltenBulkWriteError } from './errors.js'
import { Flag, Opcode } from './transport/opcodes.js'
import type { AnyBulkWriteOperation, Document, FindOneAndUpdateOptions, InferId, ModifyResult } from './types/index.js'

/** What the core answers to a write that answers its document. */
export type ModifiedAnswer<D> = [document: D | null, matched: number, upserted: unknown, upsertedCount: number]

/** What the core answers to a row of writes. */
export interface BulkAnswer {
  inserted: number
  matched: number
  modified: number
  deleted: number
  upserted: [index: number, id: unknown][]
}

/** What the writes of a collection need of it. */
export interface WriteHelp {
  /** Writes a document to insert, making its `_id` where it has none; answers the `_id`. */
  writeNew(out: Writer, shapes: PortShapes, document: object): unknown
  writeReplacement(out: Writer, shapes: PortShapes, document: object): void
  writeUpsertId(out: Writer, upsert: boolean): void
}

/** The array filters, or null for none. */
export function arrayFiltersOf(where: string, value: unknown): readonly Document[] | null {
  if (value === undefined || value === null) return null
  if (!Array.isArray(value)) throw wrongArgument(where, 'option arrayFilters', 'an array of filters', value)
  eachOf(value, (filter, i) => checkFields(where, `option arrayFilters[${i}]`, filter))
  return value
}

/** The body of UPDATE; with a sort, its flag is `Sorted`. */
export function writeUpdate(
  out: Writer, filter: Document, update: Document, upsert: boolean, arrayFilters: readonly Document[] | null, hint: string | KeyPairs | null,
  help: WriteHelp, sort?: SortKeys
): void {
  encodeValue(out, filter, 'filter')
  encodeValue(out, update, 'update')
  help.writeUpsertId(out, upsert)
  encodeValue(out, arrayFilters, 'filter')
  encodeValue(out, hint, 'document')
  if (sort) encodeValue(out, sort, 'document')
}

/** The body of REPLACE; with a sort, its flag is `Sorted`. */
export function writeReplace(
  out: Writer, shapes: PortShapes, filter: Document, replacement: object, upsert: boolean, hint: string | KeyPairs | null, help: WriteHelp,
  sort?: SortKeys
): void {
  encodeValue(out, filter, 'filter')
  help.writeReplacement(out, shapes, replacement)
  help.writeUpsertId(out, upsert)
  encodeValue(out, hint, 'document')
  if (sort) encodeValue(out, sort, 'document')
}

/** The body of DELETE. */
export function writeDelete(out: Writer, filter: Document, hint: string | KeyPairs | null): void {
  encodeValue(out, filter, 'filter')
  encodeValue(out, hint, 'document')
}

/** Sort and projection of a write that answers its document, and which state it answers. */
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
      encodeValue(out, sort ?? null, 'document')
      encodeValue(out, projection ?? null, 'filter')
    }
  }
}

/** What a write that answers its document resolves with. */
export function modified<D>(answer: ModifiedAnswer<D>, metadata: boolean): D | null | ModifyResult<D> {
  const [value, matched, upserted, upsertedCount] = answer
  if (!metadata) return value
  const lastErrorObject: Document = { n: matched + upsertedCount, updatedExisting: matched > 0 }
  if (upsertedCount > 0) lastErrorObject['upserted'] = upserted
  return { value, lastErrorObject, ok: 1 }
}

/** What a row of writes did, as the driver answers it. */
export class BulkWriteResult<T = Document> implements BulkCounts {
  readonly ok = 1
  readonly insertedCount: number
  readonly matchedCount: number
  readonly modifiedCount: number
  readonly deletedCount: number
  readonly upsertedCount: number
  /** The `_id`s of the documents that upserts made, by the places of the writes. */
  readonly upsertedIds: { [index: number]: InferId<T> }
  /** The `_id`s of the documents inserted, by the places of the writes. */
  readonly insertedIds: { [index: number]: InferId<T> }

  /** @internal */
  constructor(answer: BulkAnswer, insertedIds: { [index: number]: unknown }) {
    this.insertedCount = answer.inserted
    this.matchedCount = answer.matched
    this.modifiedCount = answer.modified
    this.deletedCount = answer.deleted
    this.upsertedCount = answer.upserted.length
    this.upsertedIds = Object.fromEntries(answer.upserted) as { [index: number]: InferId<T> }
    this.insertedIds = insertedIds as { [index: number]: InferId<T> }
  }

  /** Always true: a row with failures rejects. */
  isOk(): boolean {
    return true
  }

  /** The upserted document of this place, or undefined. */
  getUpsertedIdAt(index: number): InferId<T> | undefined {
    return this.upsertedIds[index]
  }
}

/** A write of a row, checked. */
interface BulkWrite {
  opcode: number
  flags: number
  write(out: Writer, shapes: PortShapes): unknown
}

/** The writes of a row. */
export function bulkWritesOf<T>(where: string, operations: readonly AnyBulkWriteOperation<T>[], help: WriteHelp): BulkWrite[] {
  if (!Array.isArray(operations) || operations.length === 0) {
    throw wrongArgument(where, 'operations', 'an array of at least one write', Array.isArray(operations) ? '[]' : operations)
  }
  const writes: BulkWrite[] = []
  eachOf<unknown>(operations, (operation, i) => {
    const at = `operations[${i}]`
    checkFields(where, at, operation)
    const [name, ...more] = Object.keys(operation)
    const model: unknown = name === undefined ? undefined : operation[name]
    if (name === undefined || more.length > 0) throw wrongArgument(where, at, 'an object of one write, as in { insertOne: { document } }', operation)
    checkFields(where, `${at}.${name}`, model)
    writes.push(bulkWriteOf(`${where}: ${at}.${name}`, name, model, help))
  })
  return writes
}

function bulkWriteOf(where: string, name: string, model: Document, help: WriteHelp): BulkWrite {
  if (Object.hasOwn(BULK_WRITES, name)) checkNames(where, model, BULK_WRITES[name as keyof typeof BULK_WRITES])
  const collation: unknown = model['collation']
  if (collation !== undefined && collation !== null) checkCollation(where, collation)
  switch (name) {
    case 'insertOne': {
      const document: unknown = model['document']
      checkFields(where, 'document', document)
      return { opcode: Opcode.Insert, flags: 0, write: (out, shapes) => help.writeNew(out, shapes, document) }
    }
    case 'updateOne':
    case 'updateMany': {
      const { filter, update } = model
      checkFields(where, 'filter', filter)
      checkUpdate(where, update)
      const upsert = flagOf(where, 'upsert', model['upsert'])
      const arrayFilters = arrayFiltersOf(where, model['arrayFilters'])
      const hint = hintOf(where, model['hint'])
      const sort = name === 'updateOne' ? sortKeys(where, model['sort']) : undefined
      return {
        opcode: Opcode.Update,
        flags: (name === 'updateMany' ? Flag.Many : 0) | (upsert ? Flag.Upsert : 0) | (sort ? Flag.Sorted : 0),
        write: (out) => writeUpdate(out, filter, update, upsert, arrayFilters, hint, help, sort)
      }
    }
    case 'replaceOne': {
      const { filter, replacement } = model
      checkFields(where, 'filter', filter)
      checkReplacement(where, replacement)
      const upsert = flagOf(where, 'upsert', model['upsert'])
      const hint = hintOf(where, model['hint'])
      const sort = sortKeys(where, model['sort'])
      return {
        opcode: Opcode.Replace,
        flags: (upsert ? Flag.Upsert : 0) | (sort ? Flag.Sorted : 0),
        write: (out, shapes) => writeReplace(out, shapes, filter, replacement as Document, upsert, hint, help, sort)
      }
    }
    case 'deleteOne':
    case 'deleteMany': {
      const filter = filterOf(where, model['filter'])
      const hint = hintOf(where, model['hint'])
      return { opcode: Opcode.Delete, flags: name === 'deleteMany' ? Flag.Many : 0, write: (out) => writeDelete(out, filter, hint) }
    }
    default:
      throw new TypeError(`${where}: there is no write '${name}'; use insertOne, updateOne, updateMany, replaceOne, deleteOne or deleteMany`)
  }
}

/** Completes the error of a row with the ids that went in. */
export function nameBulkInserted(error: Error, ids: ReadonlyMap<number, unknown>, unordered: boolean): void {
  if (!(error instanceof MoltenBulkWriteError)) return
  const failed = new Set(error.writeErrors.map((item) => item.index))
  const first = Math.min(...failed)
  for (const [i, id] of ids) {
    if (unordered ? !failed.has(i) : i < first) error.result.insertedIds[i] = id
  }
}

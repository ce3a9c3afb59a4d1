// Bulk writes: their arguments.

import { checkFields, filterOf, isFields, wrongArgument } from '../arguments/arguments.js'
import { checkCollation, checkNames } from '../arguments/option-check.js'
import { nearest } from '../arguments/option-reasons.js'
import { BULK_WRITES } from '../arguments/option-table.js'
import { sortKeys } from '../arguments/sort.js'
import { encodeValue } from '../codec/encode.js'
import { Flag, Opcode } from '../transport/opcodes.js'
import type { Document } from '../types/index.js'
import { underCollation } from './reads.js'
import { type CheckedWrite, deletionOf, type DocumentWriter, replacementOf, updateOf } from './writes.js'

/** The writes of a bulk write, in a new array: the program may change its own. */
export function bulkWritesOf(where: string, operations: unknown): readonly Document[] {
  if (!Array.isArray(operations) || operations.length === 0) {
    throw wrongArgument(where, 'operations', 'an array of at least one write', Array.isArray(operations) ? '[]' : operations)
  }
  for (let i = 0; i < operations.length; i++) {
    if (!isFields(operations[i])) throw wrongArgument(where, `operations[${i}]`, 'an object', operations[i])
  }
  return [...operations]
}

/** Whether this is `{ insertOne: document }`, as the driver takes it too; not where the name `document` is misspelt. */
function isDocumentAlone(name: string, model: Document): boolean {
  if (name !== 'insertOne' || (model['document'] !== undefined && model['document'] !== null)) return false
  const fields = Object.keys(model)
  return fields.length > 0 && !fields.some((field) => field === 'document' || nearest(field, ['document']) !== undefined)
}

/** One of the writes of a bulk write, checked. */
export function bulkWriteOf(method: string, operations: readonly Document[], i: number, documents: DocumentWriter): CheckedWrite {
  const operation = operations[i]!
  const names = Object.keys(operation)
  const name = names[0]
  if (name === undefined || names.length > 1) {
    throw wrongArgument(method, `operations[${i}]`, 'an object of one write, as in { insertOne: { document } }', operation)
  }
  const model: unknown = operation[name]
  if (!isFields(model)) throw wrongArgument(method, `operations[${i}].${name}`, 'an object', model)
  const where = `${method}: operations[${i}].${name}`
  const isAlone = isDocumentAlone(name, model)
  if (Object.hasOwn(BULK_WRITES, name) && !isAlone) checkNames(where, model, BULK_WRITES[name as keyof typeof BULK_WRITES])
  const collation: unknown = isAlone ? undefined : model['collation']
  const write = writeOf(where, name, model, isAlone, documents)
  if (collation === undefined || collation === null) return write
  checkCollation(where, collation)
  const body: CheckedWrite['body'] = (out, shapes) => {
    const id = write.body(out, shapes)
    encodeValue(out, underCollation(null, collation), 'pipeline')
    return id
  }
  return { opcode: write.opcode, flags: write.flags | Flag.Let, body }
}

function writeOf(where: string, name: string, model: Document, isAlone: boolean, documents: DocumentWriter): CheckedWrite {
  switch (name) {
    case 'insertOne': {
      const document: unknown = isAlone ? model : model['document']
      checkFields(where, 'document', document)
      return { opcode: Opcode.Insert, flags: 0, body: (out, shapes) => documents.writeNew(out, shapes, document) }
    }
    case 'updateOne':
      return updateOf(where, model['filter'], model['update'], model, documents, 0, sortKeys(where, model['sort']))
    case 'updateMany':
      return updateOf(where, model['filter'], model['update'], model, documents, Flag.Many)
    case 'replaceOne':
      return replacementOf(where, model['filter'], model['replacement'], model, documents, sortKeys(where, model['sort']))
    case 'deleteOne':
      return deletionOf(where, filterOf(where, model['filter']), model, 0)
    case 'deleteMany':
      return deletionOf(where, filterOf(where, model['filter']), model, Flag.Many)
    default:
      throw new TypeError(`${where}: there is no write '${name}'; use insertOne, updateOne, updateMany, replaceOne, deleteOne or deleteMany`)
  }
}

// The requests of a collection's writes, which the async methods and those of synchronous writes share.

import { checkFields, checkId, filterOf, flagOf, isFields, versionOf, wrongArgument } from '../arguments/arguments.js'
import { sortKeys } from '../arguments/sort.js'
import { encodeId } from '../codec/encode.js'
import { writeArrayHead, writeField } from '../request/bodies.js'
import { bulkWriteOf, bulkWritesOf } from '../request/bulk.js'
import { type BulkAnswer, bulkResultOf, type BulkWriteResult } from '../request/bulk-result.js'
import { variablesOf } from '../request/reads.js'
import { bodyOf, type Elements, type Request, requestOf } from '../request/request.js'
import { EncodingLimits } from '../request/time-limit.js'
import {
  answeringOf, type CheckedWrite, deletionOf, modified, type ModifiedAnswer, nameInserted, replacementOf, uncheckedOf, updateOf, updateResult
} from '../request/writes.js'
import { Flag, Opcode } from '../transport/opcodes.js'
import type { Operation } from '../transport/target.js'
import type {
  AnyBulkWriteOperation, BulkWriteOptions, DeleteOneOptions, DeleteResult, Document, FindOneAndUpdateOptions, InferId, InsertManyOptions,
  InsertManyResult, InsertOneOptions, InsertOneResult, OptionalId, ReplaceOptions, SetOptions, UpdateOneOptions, UpdateResult, VersionOptions,
  WithId
} from '../types/index.js'
import type { Handle } from './handle.js'

/** Checks the arguments of a call and makes its request. */
export type Build<R, O> = (where: string, given: Partial<O>) => Request<R>

export function insertOneOf<T>(handle: Handle, document: OptionalId<T>): Build<InsertOneResult<T>, InsertOneOptions> {
  return (where, given) => {
    checkFields(where, 'document', document)
    const writer = handle.documentWriter(where, given)
    let id: unknown
    const body: Operation['body'] = (out, shapes) => {
      writeArrayHead(out, 1)
      id = writer.writeNew(out, shapes, document)
    }
    return requestOf(Opcode.Insert, uncheckedOf(where, given), null, body, () => ({ acknowledged: true, insertedId: id as InferId<T> }), true)
  }
}

export function insertManyOf<T>(handle: Handle, documents: readonly OptionalId<T>[]): Build<InsertManyResult<T>, InsertManyOptions> {
  return (where, given) => {
    if (!Array.isArray(documents) || documents.length === 0) {
      throw wrongArgument(where, 'documents', 'an array of at least one document', Array.isArray(documents) ? '[]' : documents)
    }
    for (let i = 0; i < documents.length; i++) {
      // The place text is made only for an error: making it takes longer than the check.
      if (!isFields(documents[i])) checkFields(where, `documents[${i}]`, documents[i])
    }
    const unordered = given.ordered !== undefined && !flagOf(where, 'ordered', given.ordered)
    const limits = new EncodingLimits(where, given)
    const all: readonly OptionalId<T>[] = [...documents]
    const writer = handle.documentWriter(where, given)
    const ids: { [index: number]: InferId<T> } = {}
    const elements: Elements = {
      count: all.length,
      write: (out, shapes, i) => {
        limits.next(out)
        ids[i] = writer.writeNew(out, shapes, all[i]! as object) as InferId<T>
      }
    }
    return {
      opcode: Opcode.Insert,
      flags: (unordered ? Flag.Unordered : 0) | uncheckedOf(where, given),
      body: bodyOf(elements),
      elements,
      finish: (count: number) => ({ acknowledged: true, insertedCount: count, insertedIds: ids }),
      failed: (error) => nameInserted(error, ids, unordered)
    }
  }
}

export function updateBy<T>(handle: Handle, kind: number, filter: unknown, update: unknown): Build<UpdateResult<T>, UpdateOneOptions> {
  return (where, given) => {
    const sort = kind === Flag.Many ? undefined : sortKeys(where, given.sort)
    // Assigned one by one: spreading makes small updates markedly slower.
    const write = updateOf(where, filter, update, given, handle.documentWriter(where, given), kind, sort)
    return requestOf(write.opcode, write.flags | uncheckedOf(where, given), variablesOf(where, given), write.body, updateResult<T>)
  }
}

export function replaceBy<T>(handle: Handle, filter: unknown, replacement: unknown): Build<UpdateResult<T>, ReplaceOptions> {
  return (where, given) => {
    const sort = sortKeys(where, given.sort)
    const { opcode, flags, body } = replacementOf(where, filter, replacement, given, handle.documentWriter(where, given), sort)
    return requestOf(opcode, flags | uncheckedOf(where, given), variablesOf(where, given), body, updateResult<T>)
  }
}

export function deleteBy(kind: number, filter: unknown): Build<DeleteResult, DeleteOneOptions> {
  return (where, given) => {
    const { opcode, flags, body } = deletionOf(where, filterOf(where, filter), given, kind)
    return requestOf(opcode, flags, variablesOf(where, given), body, (deletedCount: number) => ({ acknowledged: true, deletedCount }))
  }
}

/** A write that answers with its document; `check` makes the write. */
export function findOneAnd<T, O extends FindOneAndUpdateOptions>(check: (where: string, given: Partial<O>) => CheckedWrite): Build<any, O> {
  return (where, given) => {
    const answering = answeringOf(where, given as FindOneAndUpdateOptions)
    const write = check(where, given)
    const body: Operation['body'] = (out, shapes) => {
      writeField(out, write.opcode)
      writeField(out, write.flags)
      write.body(out, shapes)
      answering.write(out)
    }
    return requestOf(Opcode.FindOneAnd, answering.flags | uncheckedOf(where, given), variablesOf(where, given), body, (answer: ModifiedAnswer<WithId<T>>) => {
      return modified(answer, answering.metadata)
    })
  }
}

export function bulkOf<T>(handle: Handle, operations: readonly AnyBulkWriteOperation<T>[]): Build<BulkWriteResult<T>, BulkWriteOptions> {
  return (where, given) => {
    const limits = new EncodingLimits(where, given)
    const writes = bulkWritesOf(where, operations)
    const documents = handle.documentWriter(where, given)
    const unordered = given.ordered !== undefined && !flagOf(where, 'ordered', given.ordered)
    const ids: { [index: number]: unknown } = {}
    const elements: Elements = {
      count: writes.length,
      write: (out, shapes, i) => {
        limits.next(out)
        const { opcode, flags, body } = bulkWriteOf(where, writes, i, documents)
        writeField(out, opcode)
        writeField(out, flags)
        const id = body(out, shapes)
        if (opcode === Opcode.Insert) ids[i] = id
      }
    }
    return {
      opcode: Opcode.Bulk,
      flags: (unordered ? Flag.Unordered : 0) | uncheckedOf(where, given),
      variables: variablesOf(where, given),
      body: bodyOf(elements),
      elements,
      finish: (answer: BulkAnswer) => bulkResultOf<T>(answer, ids),
      failed: (error) => nameInserted(error, ids, unordered)
    }
  }
}

export function setOf(handle: Handle, id: unknown, document: unknown): Build<number, SetOptions> {
  return (where, given) => {
    const ifVersion = versionOf(where, given.ifVersion)
    checkEntry(where, id, document)
    return {
      opcode: Opcode.Set,
      flags: 0,
      body: (out, shapes) => {
        writeArrayHead(out, 1)
        handle.writeEntry(out, shapes, where, given, id, document as Document, ifVersion)
      },
      finish: (versions: number[]) => versions[0]!
    }
  }
}

export function deleteIdOf(id: unknown): Build<boolean, VersionOptions> {
  return (where, given) => {
    checkId(where, id)
    const ifVersion = versionOf(where, given.ifVersion)
    return {
      opcode: Opcode.DeleteId,
      flags: 0,
      body: (out) => {
        encodeId(out, id)
        writeField(out, ifVersion ?? null)
      },
      finish: (value) => value
    }
  }
}

/** Checks the `_id` and the document of `set`. */
export function checkEntry(where: string, id: unknown, document: unknown): void {
  checkId(where, id)
  checkFields(where, 'document', document)
}

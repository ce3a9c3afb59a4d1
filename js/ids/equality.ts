// When two `_id`s are equal.

import { types } from 'node:util'

/** An ObjectId of any class and realm. */
export interface ForeignObjectId {
  id?: Uint8Array | string
  toHexString(): string
}

/** Whether a value is an ObjectId of this package, of bson, or of a copy of either. */
export function isObjectId(value: unknown): value is ForeignObjectId {
  if (typeof value !== 'object' || value === null) return false
  const { _bsontype, toHexString } = value as { _bsontype?: unknown; toHexString?: unknown }
  return (_bsontype === 'ObjectId' || _bsontype === 'ObjectID') && typeof toHexString === 'function'
}

/**
 * Whether two values identify the same document: numbers by value, dates and bytes by content, objects by fields in order.
 */
export function sameId(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a === 'number' && typeof b === 'number') return a !== a && b !== b
  if (isNumeric(a) && isNumeric(b)) return a == b // oxlint-disable-line eqeqeq -- 1 and 1n are one _id
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (isObjectId(a)) return isObjectId(b) && a.toHexString() === b.toHexString()
  if (types.isDate(a)) return types.isDate(b) && a.getTime() === b.getTime()
  if (types.isUint8Array(a)) return types.isUint8Array(b) && Buffer.compare(a, b) === 0
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  const others = Object.keys(b)
  if (keys.length !== others.length) return false
  return keys.every((key, i) => key === others[i] && sameId((a as never)[key], (b as never)[key]))
}

function isNumeric(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint'
}

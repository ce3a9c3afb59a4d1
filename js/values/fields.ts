// Sorts and projections as people write them: an object, or the short form `age,-name`.

import type { Document } from '../types/index.js'
import { objectOf } from './extended-json.js'
import { ValueError } from './value-error.js'

/** `{"a":1}`, or `a,-b`: minus stands for `opposite`. */
export function fieldsOf(text: string, what: string, opposite: -1 | 0): Document {
  if (/^\s*[{[]/.test(text)) return objectOf(text, what)
  const fields = text.split(',').map((field) => field.trim())
  if (fields.some((field) => field === '' || field === '-')) throw new ValueError(`${what} names no field: ${JSON.stringify(text.slice(0, 60))}`)
  return Object.fromEntries(fields.map((field) => (field.startsWith('-') ? [field.slice(1), opposite] : [field, 1])))
}

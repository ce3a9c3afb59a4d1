// Hints: the name of an index, or its fields in every form that the mongodb driver accepts.

import { wrongArgument } from './arguments.js'
import { indexKeys, type KeyPairs } from './index-spec.js'

const FORMS = 'the name of an index, or its fields as an object, a Map or [field, direction] pairs'

/** A hint as it is sent to the core, or null for none. */
export function hintOf(where: string, hint: unknown, name = 'hint'): string | KeyPairs | null {
  if (hint === undefined || hint === null) return null
  if (typeof hint === 'string' && hint !== '') return hint
  if (typeof hint !== 'object') throw wrongArgument(where, name, FORMS, hint)
  return indexKeys(where, name, hint)
}

// The creation of collections.

import { checkFields, flagOf } from '../arguments/arguments.js'
import { checkNames } from '../arguments/option-check.js'
import { PARTS } from '../arguments/option-table.js'
import { encodeValue } from '../codec/encode.js'
import { Flag, Opcode } from '../transport/opcodes.js'
import type { CreateCollectionOptions, Document } from '../types/index.js'
import { type Request, requestOf } from './request.js'

/** The options of a collection itself, or null for none. */
export function collectionOptionsOf(where: string, given: Partial<CreateCollectionOptions>): Document | null {
  const options: Document = {}
  const { changeStreamPreAndPostImages: images, validator, validationLevel, validationAction, viewOn, pipeline, collation } = given
  if (images !== undefined && images !== null) {
    const name = 'option changeStreamPreAndPostImages'
    checkFields(where, name, images)
    checkNames(`${where}: ${name}`, images, PARTS.changeStreamPreAndPostImages)
    options['changeStreamPreAndPostImages'] = { enabled: flagOf(where, 'changeStreamPreAndPostImages.enabled', images.enabled) }
  }
  if (validator !== undefined && validator !== null) {
    checkFields(where, 'option validator', validator)
    options['validator'] = validator
  }
  for (const name of ['capped', 'size', 'max'] as const) {
    const value = given[name]
    // The core checks them together. `capped: false` is the same as none.
    if (value !== undefined && value !== null && value !== false) options[name] = value
  }
  if (validationLevel !== undefined && validationLevel !== null) options['validationLevel'] = validationLevel
  if (validationAction !== undefined && validationAction !== null) options['validationAction'] = validationAction
  if (viewOn !== undefined && viewOn !== null) options['viewOn'] = viewOn
  if (pipeline !== undefined && pipeline !== null) options['pipeline'] = pipeline
  // Checked with the names of the options. The simple one is the same as none.
  if (collation !== undefined && collation !== null) options['collation'] = collation
  return Object.keys(options).length === 0 ? null : options
}

/** Creates an empty collection. */
export function creation(options: Document | null): Request<void> {
  return requestOf<void>(
    Opcode.Create,
    options === null ? 0 : Flag.Options,
    null,
    (out) => {
      if (options !== null) encodeValue(out, options, 'filter')
    },
    () => {}
  )
}

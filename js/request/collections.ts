// The creation of collections.

import { checkFields, flagOf } from '../arguments/arguments.js'
import { checkNames } from '../arguments/option-check.js'
import { PARTS } from '../arguments/option-table.js'
import { Flag, Opcode } from '../transport/opcodes.js'
import type { CreateCollectionOptions } from '../types/databases.js'
import type { Document } from '../types/index.js'
import { writeField } from './bodies.js'
import { type Request, requestOf } from './request.js'

/** The options of a collection itself, or null for none. */
export function collectionOptionsOf(where: string, given: Partial<CreateCollectionOptions>): Document | null {
  const images = given.changeStreamPreAndPostImages
  if (images === undefined || images === null) return null
  const name = 'option changeStreamPreAndPostImages'
  checkFields(where, name, images)
  checkNames(`${where}: ${name}`, images, PARTS.changeStreamPreAndPostImages)
  return { changeStreamPreAndPostImages: { enabled: flagOf(where, 'changeStreamPreAndPostImages.enabled', images.enabled) } }
}

/** Creates an empty collection. */
export function creation(options: Document | null): Request<void> {
  return requestOf<void>(
    Opcode.Create,
    options === null ? 0 : Flag.Options,
    null,
    (out) => {
      if (options !== null) writeField(out, options)
    },
    () => {}
  )
}

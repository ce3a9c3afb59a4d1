// What the features that are loaded on demand take from the package: they are a file of its own, which must not have its own copy of a class.

import * as arguments_ from '../arguments/arguments.js'
import * as optionCheck from '../arguments/option-check.js'
import * as errors from '../errors.js'
import * as uuid from '../ids/uuid.js'

/** By their paths below js/, as scripts/build-js.mjs looks them up. */
export const CORE = {
  'arguments/arguments': arguments_,
  'arguments/option-check': optionCheck,
  'errors': errors,
  'ids/uuid': uuid
}

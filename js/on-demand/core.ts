// What the features that are loaded on demand take from the package: they are a file of its own, which must not have its own copy of a class.

import * as arguments_ from '../arguments/arguments.js'
import * as limits from '../arguments/limits.js'
import * as namespace from '../arguments/namespace.js'
import * as openOptions from '../arguments/open-options.js'
import * as optionCheck from '../arguments/option-check.js'
import * as optionTable from '../arguments/option-table.js'
import * as abort from '../connection/abort.js'
import * as deadline from '../connection/deadline.js'
import * as failures from '../connection/failures.js'
import * as errors from '../errors.js'
import * as objectId from '../ids/object-id.js'
import * as uuid from '../ids/uuid.js'

/** By their paths below js/, as scripts/build-js.mjs looks them up. */
export const CORE = {
  'arguments/arguments': arguments_,
  'arguments/limits': limits,
  'arguments/namespace': namespace,
  'arguments/open-options': openOptions,
  'arguments/option-check': optionCheck,
  'arguments/option-table': optionTable,
  'connection/abort': abort,
  'connection/deadline': deadline,
  'connection/failures': failures,
  'errors': errors,
  'ids/object-id': objectId,
  'ids/uuid': uuid
}

// What the program uses of the package: its public exports. They are loaded when a verb needs them, so that help and completions are quick.

import type { Database } from '../api/database.js'
import type { Collection } from '../api/collection.js'
import type { MoltenError } from '../errors.js'
import type { ObjectId } from '../ids/object-id.js'

interface Package {
  Database: typeof Database
  MoltenError: typeof MoltenError
  ObjectId: typeof ObjectId
}

export type { Collection, Database, MoltenError, ObjectId }

let loaded: Package | undefined

/** The exports of the package. */
export function thePackage(): Package {
  // The bundle leaves this path as it is: the file lies beside it.
  loaded ??= require('./index.js') as Package
  return loaded
}

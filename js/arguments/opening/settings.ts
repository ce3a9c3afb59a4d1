// What the options of Database.open say beside its path and its storage mode.

import { uuidv7 } from '../../ids/uuid.js'
import type { ObjectIdConstructor, PrimaryKeyFactory } from '../../types/index.js'
import { wrongArgument } from '../arguments.js'

/** The settings that most programs leave as they are. */
export interface FurtherSettings {
  /** The options that the core reads. */
  core: object
  readOnly: boolean
  objectId: ObjectIdConstructor | undefined
  createPk: () => unknown
  /** The time of what is written (ms since 1970), where the program gives it. */
  clock: (() => number) | undefined
  /** From how many milliseconds on an operation is slow. */
  slowMs: number | undefined
  ignoreUndefined: boolean
  forceServerObjectId: boolean
}

/** The function that creates `_id`s; also for collection options. */
export function pkOf(factory: PrimaryKeyFactory | null | undefined, where: string): () => unknown {
  if (factory === undefined || factory === null) return uuidv7
  if (typeof factory !== 'object' || typeof factory.createPk !== 'function') {
    throw wrongArgument(where, 'option pkFactory', 'an object with a method createPk', factory)
  }
  return () => factory.createPk()
}

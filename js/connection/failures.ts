// Adds the failing method to the messages of errors of the codec and of the native side.

import { type ErrorDetails, errorFrom, MoltenBulkWriteError, MoltenError } from '../errors.js'
import { failureOf } from '../transport/native.js'
import { ThrownByCallback } from './progress.js'

/** Adds the collection and the method to the message of an error of the codec; other errors are rethrown. */
export function named(where: string, error: unknown): unknown {
  if (!(error instanceof MoltenError) || error instanceof MoltenBulkWriteError) return error
  if (error.message.startsWith(`${where}: `)) return error
  const { path, keyPattern, keyValue, cause, codeName, errorLabels } = error
  const code = typeof error.code === 'number' ? error.code : undefined
  return new MoltenError(error.kind, `${where}: ${error.message}`, { path, keyPattern, keyValue, cause, code, codeName, errorLabels } as object)
}

/** The error for a rejected native promise. */
export function errorOfNative(where: string, error: unknown): Error {
  if (error instanceof MoltenError) return error
  if (error instanceof ThrownByCallback) return error.error as Error
  const failure = failureOf(error)
  return errorFrom({ ...failure, message: `${where}: ${failure.message}`, cause: error } as ErrorDetails)
}

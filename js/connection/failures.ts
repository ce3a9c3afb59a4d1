// Errors of the codec and of the native side, with the method that failed in front of their messages.

import { type ErrorDetails, errorFrom, MoltenBulkWriteError, MoltenError } from '../errors.js'
import { failureOf } from '../transport/native.js'

/** Puts collection and method into the message of an error that the codec threw; others are passed on. */
export function named(where: string, error: unknown): unknown {
  if (!(error instanceof MoltenError) || error instanceof MoltenBulkWriteError) return error
  if (error.message.startsWith(`${where}: `)) return error
  const { path, keyPattern, keyValue, cause, codeName } = error
  const code = typeof error.code === 'number' ? error.code : undefined
  return new MoltenError(error.kind, `${where}: ${error.message}`, { path, keyPattern, keyValue, cause, code, codeName } as object)
}

/** The error of a rejected native promise. */
export function errorOfNative(where: string, error: unknown): Error {
  if (error instanceof MoltenError) return error
  const failure = failureOf(error)
  return errorFrom({ ...failure, message: `${where}: ${failure.message}`, cause: error } as ErrorDetails)
}

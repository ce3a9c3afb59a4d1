// Stack traces that include the program's functions. A result arrives in a call from the core, whose stack contains none of
// them. V8 adds "at async f" for functions that await, starting from the promise of the async function in which an error is
// created. So the error of a failed operation is created in an async function. Successful operations do not pay for it.

/**
 * Rejects with the error that `make` returns. The caller resolves the operation's promise with this promise in the same job.
 */
export async function traced(make: () => Error): Promise<never> {
  // The first job attaches the operation's promise to this one; before that V8 finds no function that awaits it.
  await undefined
  await undefined
  throw fromHere(make())
}

/** Gives an error the stack of the call, without the functions between here and the place where it was created. */
export function fromHere(error: Error): Error {
  Error.captureStackTrace(error, fromHere)
  return error
}

// Stack traces that name the program. A result arrives in a call from the core, whose stack has no function of the program. V8 adds "at async
// f" for the functions that await, starting from the promise of the async function in which an error is made. So the error of a failed
// operation is made in an async function. Operations that succeed do not pay for it.

/** Rejects with the error that `make` returns. The caller resolves the operation's promise with this one in the same job. */
export async function traced(make: () => Error): Promise<never> {
  // The first job attaches the operation's promise to this one; before that V8 finds no function that awaits it.
  await undefined
  await undefined
  throw fromHere(make())
}

/** Gives an error the stack of the call, without the functions between here and where it was made. */
export function fromHere(error: Error): Error {
  Error.captureStackTrace(error, fromHere)
  return error
}

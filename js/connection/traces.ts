// Stacks that name the program. An answer arrives in a call of the core, whose stack has no function of the program on it. V8 adds "at async
// f" for the functions that wait, found from the promise of the async function that is running when an error is made. So the error of a
// failed operation is made in one, and what succeeds costs nothing.

/** Rejects with what `make` answers. The caller resolves the promise of the operation with this one, in the same job. */
export async function traced(make: () => Error): Promise<never> {
  // The first job attaches the promise of the operation to this one; before that V8 would find nobody that waits.
  await undefined
  await undefined
  throw fromHere(make())
}

/** Gives an error the stack of the call, without the functions between here and where it was made. */
export function fromHere(error: Error): Error {
  Error.captureStackTrace(error, fromHere)
  return error
}

// AbortSignals, with one listener for each signal, however many operations have it.

/** Is called with the reason; may return what to do after all listeners of the signal were called. */
type Told = (reason: unknown) => (() => void) | void

/** The callbacks of each signal. A set is dropped with its last member, and the listener with it. */
const waiting = new WeakMap<AbortSignal, Set<Told>>()

/** Calls back with the signal's reason when it aborts; returns a function that cancels that. */
export function onAbort(signal: AbortSignal, callback: Told): () => void {
  // One object for each call: a callback may be given twice.
  const call: Told = (reason) => callback(reason)
  let calls = waiting.get(signal)
  if (calls === undefined) {
    calls = new Set()
    signal.addEventListener('abort', aborted)
    waiting.set(signal, calls)
  }
  calls.add(call)
  return () => {
    const left = waiting.get(signal)
    if (!left?.delete(call) || left.size > 0) return
    waiting.delete(signal)
    signal.removeEventListener('abort', aborted)
  }
}

function aborted(this: AbortSignal): void {
  const calls = waiting.get(this)
  if (calls === undefined) return
  waiting.delete(this)
  this.removeEventListener('abort', aborted)
  // All listeners are called first: what one of them returns may end the operations of the others.
  const left = Array.from(calls, (call) => call(this.reason))
  for (const rest of left) rest?.()
}

/** Settles as the promise does, or rejects with the signal's reason, whichever comes first. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  if (signal.aborted) {
    promise.catch(() => {})
    return Promise.reject(signal.reason)
  }
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, reject)
    promise.then(resolve, reject).finally(stop)
  })
}

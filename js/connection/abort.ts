// AbortSignals, with one listener per signal, however many operations use it.

/** Called with the reason; may return a function to call after all listeners of the signal were called. */
type Told = (reason: unknown) => (() => void) | void

/** The callbacks of each signal. With its last member a set is dropped, and its listener removed. */
const waiting = new WeakMap<AbortSignal, Set<Told>>()

/** Calls back with the signal's reason when it aborts; returns a function that cancels this. */
export function onAbort(signal: AbortSignal, callback: Told): () => void {
  // One object per call: a callback may be registered twice.
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
  // All callbacks are called first: the returned functions may end the operations of other callbacks.
  const left = Array.from(calls, (call) => call(this.reason))
  for (const rest of left) rest?.()
}

/** Settles like the promise, or rejects with the signal's reason, whichever comes first. */
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

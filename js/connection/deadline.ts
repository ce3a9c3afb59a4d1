// What ends the waiting for an operation: its signal, and its time.
//
// The core ends an operation at its time by itself. One that still stands in a queue behind a long one is not looked at before its turn
// comes: so who waits is told here, a little later than the core would. A write that has begun is not given up: who waits hears from the core
// what came of it, when nothing is written any more.

import { type Limits, timeout } from '../request/time-limit.js'
import { afterMilliseconds } from '../transport/scheduling.js'
import { onAbort } from './abort.js'

/** Milliseconds that the core has for its own answer. */
const GRACE = 40
/**
 * Calls back with the signal's reason, or with `TIMEOUT`, and not after what it answers was called. `goesOn` is asked when the time is up: an
 * operation that goes on is left to the core.
 */
export function onGivenUp(
  where: string, { signal, maxTimeMS }: Limits, callback: (reason: unknown) => void, goesOn?: () => boolean
): (() => void) | undefined {
  const aborted = signal && onAbort(signal, callback)
  if (!maxTimeMS) return aborted
  const stop = (): void => {
    aborted?.()
    ended()
  }
  const ended = afterMilliseconds(maxTimeMS + GRACE, () => {
    if (goesOn?.()) return
    aborted?.()
    callback(timeout(where))
  })
  return stop
}

/** The promise, or a rejection with what ends the waiting, whichever comes first. `given` hears of the latter. */
export function untilGivenUp<T>(
  where: string, promise: Promise<T>, options: Limits, given?: () => void
): Promise<T> {
  const { signal, maxTimeMS } = options
  if (!signal && !maxTimeMS) return promise
  if (signal?.aborted) {
    given?.()
    promise.catch(() => {})
    return Promise.reject(signal.reason)
  }
  return new Promise((resolve, reject) => {
    const stop = onGivenUp(where, options, (reason) => {
      given?.()
      reject(reason)
    })
    promise.then(resolve, reject).finally(stop)
  })
}

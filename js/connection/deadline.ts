// Rejects the promise of an operation early: at its signal, and at its deadline.
//
// The core ends an operation at its deadline, but not one that is still queued behind a long one. So the promise is also
// rejected here, slightly later than the core would do it. A write that has begun is waited for: the core returns when
// nothing more is written.

import { type Limits, timeLeft, timeout } from '../request/time-limit.js'
import { afterMilliseconds, now } from '../transport/scheduling.js'
import { onAbort } from './abort.js'

/** Milliseconds that the core has to reject first. */
const GRACE = 40

/**
 * Calls back with the signal's reason or with `TIMEOUT`, unless the returned function is called before. `goesOn` is called
 * at the deadline: an operation that continues is left to the core.
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

/**
 * Settles like the promise, or rejects with the signal's reason or `TIMEOUT`, whichever comes first; `given` is called
 * before the latter.
 */
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

/** The signal and the time limit of a transfer, as one signal: the stream may wait for ever. */
export class StreamLimit {
  readonly #began = now()
  readonly #stop: AbortController | undefined
  readonly #forget: (() => void) | undefined
  readonly #cancel: (() => void) | undefined

  constructor(private readonly where: string, private readonly limits: Limits) {
    const { signal, maxTimeMS } = limits
    if (!signal && !maxTimeMS) return
    // Its own signal: each stream would otherwise add a listener to the program's signal.
    const stop = (this.#stop = new AbortController())
    this.#forget = signal && onAbort(signal, (reason) => stop.abort(reason))
    // A stream that waits may not keep the process alive, and the program waits for this promise.
    if (maxTimeMS) this.#cancel = afterMilliseconds(maxTimeMS, () => stop.abort(timeout(where)), true)
  }

  get signal(): AbortSignal | undefined {
    return this.#stop?.signal
  }

  /** Throws when the limit is reached; a source that always has data lets no timer fire. */
  check(): void {
    this.signal?.throwIfAborted()
    if (this.limits.maxTimeMS) timeLeft(this.where, this.limits.maxTimeMS, this.#began)
  }

  end(): void {
    this.#forget?.()
    this.#cancel?.()
  }
}

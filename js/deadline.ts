// What ends the waiting for an operation: its signal, and its time.
//
// The core ends an operation at its time by itself. One that still stands in a queue behind a long one is not looked at before its turn
// comes: so who waits is told here, a little later than the core would. A write that has begun is not given up: who waits hears from the core
// what came of it, when nothing is written any more.

import { onAbort } from './abort.js'
import { MoltenError } from './errors.js'
import { afterMilliseconds, now } from './scheduling.js'
import type { Writer } from './writer.js'

/** Milliseconds that the core has for its own answer. */
const GRACE = 40
/** Documents, and bytes of them, that are encoded between two looks at the limits of their operation. */
const LOOK_DOCUMENTS = 256
const LOOK_BYTES = 1 << 20

/** What a caller allows an operation. */
export interface Limits {
  signal?: AbortSignal | undefined
  maxTimeMS?: number | undefined
}

/**
 * The limits of an operation of many documents, looked at while they are encoded: no timer fires and the core knows of nothing before they are.
 * Where nothing is limited nothing is looked at.
 */
export class Encoding {
  readonly #limited: boolean
  readonly #began: number
  #documents = 0
  #bytes = 0

  constructor(private readonly where: string, private readonly limits: Limits) {
    this.#limited = Boolean(limits.signal || limits.maxTimeMS)
    this.#began = this.#limited ? now() : 0
  }

  /** Before each document. Throws the signal's reason, or `TIMEOUT`. */
  next(out: Writer): void {
    if (!this.#limited) return
    this.#documents += 1
    if (this.#documents < LOOK_DOCUMENTS && out.length - this.#bytes < LOOK_BYTES) return
    this.#documents = 0
    this.#bytes = out.length
    const { signal, maxTimeMS } = this.limits
    if (signal?.aborted) throw signal.reason
    if (maxTimeMS) timeLeft(this.where, maxTimeMS, this.#began)
  }
}

/** The whole milliseconds that are left of so many since then, at least 1. Throws `TIMEOUT` where there are none. */
export function timeLeft(where: string, maxTimeMS: number, began: number): number {
  const left = maxTimeMS - (now() - began)
  if (left <= 0) throw timeout(where)
  return Math.ceil(left)
}

function timeout(where: string): MoltenError {
  return new MoltenError('TIMEOUT', `${where}: operation exceeded time limit; raise maxTimeMS`)
}

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

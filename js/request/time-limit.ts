// The time limit and the signal of an operation before it is submitted.

import type { Writer } from '../codec/writer.js'
import { MoltenError } from '../errors.js'
import { now } from '../transport/scheduling.js'

/** The limits are checked after so many documents or bytes. */
const LOOK_DOCUMENTS = 256
const LOOK_BYTES = 1 << 20

/** The limits that a caller sets for an operation. */
export interface Limits {
  signal?: AbortSignal | undefined
  maxTimeMS?: number | undefined
}

/**
 * Checks the limits of an operation while its many documents are encoded: no timer can fire meanwhile, and the core does not
 * know of the operation yet.
 */
export class EncodingLimits {
  readonly #limited: boolean
  readonly #began: number
  #documents = 0
  #bytes = 0

  constructor(private readonly where: string, private readonly limits: Limits) {
    this.#limited = Boolean(limits.signal || limits.maxTimeMS)
    this.#began = this.#limited ? now() : 0
  }

  /** Called before each document. Throws the signal's reason, or `TIMEOUT`. */
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

/** The remaining milliseconds, rounded up. Throws `TIMEOUT` when there are none. */
export function timeLeft(where: string, maxTimeMS: number, began: number): number {
  const left = maxTimeMS - (now() - began)
  if (left <= 0) throw timeout(where)
  return Math.ceil(left)
}

export function timeout(where: string): MoltenError {
  return new MoltenError('TIMEOUT', `${where}: operation exceeded time limit; raise maxTimeMS`)
}

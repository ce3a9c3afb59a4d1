// The option `onProgress`: how far a long operation is, read from the core while it runs.

import { native, type NativeProgress } from '../transport/native.js'
import { afterMilliseconds } from '../transport/scheduling.js'
import type { OperationProgress } from '../types/options.js'

export type OnProgress = (progress: OperationProgress) => void

/** Milliseconds between two reports. */
const PAUSE_MS = 100

/** What `onProgress` threw. */
export class ThrownByCallback {
  constructor(readonly error: unknown) {}
}

/** Reports of one operation, until it ends. */
export class ProgressReports {
  #seen: readonly number[] = [0, 0]
  #end: (() => void) | undefined

  /** `read` returns done and total, or null when nothing is known; `failed` receives what the callback threw. */
  constructor(
    private readonly onProgress: OnProgress, private readonly read: () => readonly number[] | null, private readonly failed: (error: unknown) => void
  ) {
    this.#wait()
  }

  #wait(): void {
    this.#end = afterMilliseconds(PAUSE_MS, () => this.#look())
  }

  #look(): void {
    this.#wait()
    const now = this.read()
    if (now === null || now[1] === 0 || (now[0] === this.#seen[0] && now[1] === this.#seen[1])) return
    this.#seen = now
    try {
      this.onProgress({ done: now[0]!, total: now[1]! })
    } catch (error) {
      this.end()
      this.failed(error)
    }
  }

  /** The operation has ended. */
  end(): void {
    this.#end?.()
  }

  /** The operation has succeeded: the last report says that everything is done. */
  succeeded(): void {
    this.end()
    const total = (this.read() ?? this.#seen)[1]!
    this.onProgress({ done: total, total })
  }
}

/**
 * Runs an operation of the native side and settles as it does; meanwhile progress is reported. What the callback throws rejects it, as a
 * `ThrownByCallback`.
 */
export function reporting<T>(run: (progress?: NativeProgress) => Promise<T>, onProgress: OnProgress | undefined, stop?: () => void): Promise<T> {
  if (!onProgress) return run()
  const progress = new (native().NativeProgress)()
  const promise = run(progress)
  return new Promise((resolve, reject) => {
    const thrown = (error: unknown): void => {
      stop?.()
      reject(new ThrownByCallback(error))
    }
    const reports = new ProgressReports(onProgress, () => progress.now(), thrown)
    const succeeded = (value: T): void => {
      try {
        reports.succeeded()
        resolve(value)
      } catch (error) {
        thrown(error)
      }
    }
    promise.then(succeeded, (error: unknown) => {
      reports.end()
      reject(error)
    })
  })
}

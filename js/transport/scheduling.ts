// Timers, jobs and the clock. All are taken when this module is evaluated, so that a program that replaces them later, as the fake timers of
// Jest, vitest and Sinon do, stops no database.

import { hrtime } from 'node:process'
import { clearTimeout, setImmediate, setTimeout } from 'node:timers'
import type * as Threads from 'node:worker_threads'

const clock = hrtime
const immediate = setImmediate
/** Timers that were faked before this module was evaluated, as with Sinon in the same realm. */
const faked = 'clock' in immediate || '_isMockFunction' in immediate

const timeout = setTimeout
const cleared = clearTimeout

/**
 * Calls back after so many milliseconds, unless the function that it returns is called before. It does not keep the process alive. Where timers
 * were faked before this module was evaluated it may never call: rely on it for no more than an earlier error.
 */
export function afterMilliseconds(milliseconds: number, run: () => void): () => void {
  // The longest delay of Node.js.
  const timer = timeout(run, Math.min(milliseconds, 0x7fffffff))
  timer.unref?.()
  return () => cleared(timer)
}

/** Runs a function when the synchronous code of the program is done. A promise job: no function that schedules one can be replaced. */
export const afterCode: (run: () => void) => unknown = Promise.prototype.then.bind(Promise.resolve())

/** Runs a function when the event loop has turned. */
export const afterTurn: (run: () => void) => unknown = faked ? afterMessage : immediate

/** A message posted to itself arrives with the next turn. */
function afterMessage(run: () => void): void {
  const { MessageChannel } = require('node:worker_threads') as typeof Threads
  const { port1, port2 } = new MessageChannel()
  port1.on('message', () => {
    port1.close()
    run()
  })
  port2.postMessage(0)
}

/** Milliseconds of a monotonic clock. The one of node:perf_hooks would load a dozen modules at every start. */
export function now(): number {
  const [seconds, nanoseconds] = clock()
  return seconds * 1e3 + nanoseconds / 1e6
}

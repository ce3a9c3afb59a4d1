// Timers, jobs and the clock. All are captured when this module is evaluated, so that a program that replaces them later,
// such as the fake timers of Jest, vitest and Sinon, does not stop a database.

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
 * Calls back after so many milliseconds, unless the returned function is called before. It does not keep the process alive
 * unless told to.
 * Where timers were faked before this module was evaluated it may never call: use it only to report an error earlier.
 */
export function afterMilliseconds(milliseconds: number, run: () => void, keepsAlive = false): () => void {
  // The longest delay that Node.js supports.
  const timer = timeout(run, Math.min(milliseconds, 0x7fffffff))
  if (!keepsAlive) timer.unref?.()
  return () => cleared(timer)
}

/**
 * Runs a function after the synchronous code of the program. Uses a promise job, because functions that schedule one can be
 * replaced.
 */
export const afterCode: (run: () => void) => unknown = Promise.prototype.then.bind(Promise.resolve())

/** Runs a function after the event loop has turned. */
export const afterTurn: (run: () => void) => unknown = faked ? afterMessage : immediate

/** A message to itself arrives in the next turn. */
function afterMessage(run: () => void): void {
  const { MessageChannel } = require('node:worker_threads') as typeof Threads
  const { port1, port2 } = new MessageChannel()
  port1.on('message', () => {
    port1.close()
    run()
  })
  port2.postMessage(0)
}

/** Milliseconds of a monotonic clock. node:perf_hooks would load a dozen modules at every start. */
export function now(): number {
  const [seconds, nanoseconds] = clock()
  return seconds * 1e3 + nanoseconds / 1e6
}

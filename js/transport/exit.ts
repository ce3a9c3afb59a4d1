// The exit of the process. Node.js does not run the cleanup hooks of the main thread after process.exit or an uncaught
// exception, so an `exit` listener closes what is open. There is one for all instances of the package in a process, and it
// stays the last listener, so that the program's own listeners can still read: all but one that is added in the turn that
// calls process.exit, because a listener can be moved behind it only afterwards.

import { afterCode } from './scheduling.js'

/** Shared by every copy and instance of this package that sees the same `process`. */
const KEY = Symbol.for('moltendb-node.exit')

interface AtExit {
  add(close: () => void): void
  delete(close: () => void): void
}

/** Calls a function at the end of the process, after the other `exit` listeners. */
export function closeAtExit(close: () => void): void {
  shared().add(close)
}

/** Cancels `closeAtExit`. */
export function keepAtExit(close: () => void): void {
  shared().delete(close)
}

function shared(): AtExit {
  const holder = process as { [KEY]?: AtExit }
  if (holder[KEY] === undefined) Object.defineProperty(process, KEY, { value: atExit(), configurable: true })
  return holder[KEY]!
}

function atExit(): AtExit {
  const calls = new Set<() => void>()
  let moving = false
  const exit = (): void => {
    for (const call of calls) call()
  }
  // 'newListener' is emitted before the listener is added, so ours is moved behind it in a job.
  const added = (event: string | symbol, listener: unknown): void => {
    if (event !== 'exit' || listener === exit || moving) return
    moving = true
    afterCode(() => {
      moving = false
      if (calls.size === 0) return
      process.off('exit', exit)
      process.on('exit', exit)
    })
  }
  return {
    add(close) {
      if (calls.size === 0) process.on('newListener', added).on('exit', exit)
      calls.add(close)
    },
    delete(close) {
      if (!calls.delete(close) || calls.size > 0) return
      process.off('newListener', added).off('exit', exit)
    }
  }
}

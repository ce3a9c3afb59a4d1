// Earlier states that the page looks at. Each is in memory as a whole, so few are kept open, and none for long.

import type { Database } from '../../api/database.js'
import type { Moment } from '../../types/index.js'
import { Refusal } from './guard.js'

/** States that are open at once. */
const MOST = 3
/** How long one that nobody uses is kept, in milliseconds. */
const IDLE = 60_000

interface State {
  readonly opening: Promise<Database>
  users: number
  idle?: NodeJS.Timeout
}

export class EarlierStates {
  readonly #states = new Map<string, State>()

  constructor(private readonly db: Database) {}

  /** Runs a function with the database as it was. */
  async use<R>(moment: Moment, run: (past: Database) => Promise<R>): Promise<R> {
    const name = JSON.stringify(moment)
    const state = this.#states.get(name) ?? this.#open(name, moment)
    clearTimeout(state.idle)
    state.users += 1
    try {
      return await run(await state.opening)
    } finally {
      state.users -= 1
      if (state.users === 0) {
        state.idle = setTimeout(() => this.#drop(name, state), IDLE)
        state.idle.unref()
      }
    }
  }

  #open(name: string, moment: Moment): State {
    if (this.#states.size >= MOST) {
      const [other, unused] = [...this.#states].find(([, { users }]) => users === 0) ?? []
      if (unused === undefined) throw new Refusal(429, 'too many earlier states are looked at; wait for one of them')
      this.#drop(other!, unused)
    }
    const state: State = { opening: this.db.asOf(moment), users: 0 }
    this.#states.set(name, state)
    // One that cannot be opened is asked for again the next time.
    state.opening.catch(() => this.#states.delete(name))
    return state
  }

  #drop(name: string, state: State): void {
    clearTimeout(state.idle)
    this.#states.delete(name)
    state.opening.then((past) => past.close()).catch(() => {})
  }

  close(): void {
    for (const [name, state] of this.#states) this.#drop(name, state)
  }
}

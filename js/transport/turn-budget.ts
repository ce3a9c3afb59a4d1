// The budget of operations that may settle within one turn of the event loop. A program that awaits such operations one
// after the other would keep the loop from turning.

/** Operations that may settle before the event loop must turn. */
export const SHARE = 1000

/** Counts what settled since the last turn. */
export class TurnBudget {
  #settled = 0

  /** Whether the budget of this turn is spent. */
  get isSpent(): boolean {
    return this.#settled >= SHARE
  }

  /** Counts one operation that settled at once. */
  add(count: number): void {
    this.#settled += count
  }

  /** Called after the event loop has turned. */
  begin(): void {
    this.#settled = 0
  }
}

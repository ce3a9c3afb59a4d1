// What may settle without a turn of the event loop. A program that awaits such operations one after the other would keep the loop from turning.

/** Operations that may settle before the event loop must turn. */
export const SHARE = 1000

/** Counts what settled since the last turn. */
export class TurnBudget {
  #settled = 0

  /** Whether the turn's share is spent. */
  get isSpent(): boolean {
    return this.#settled >= SHARE
  }

  /** Something settled at once. */
  add(count: number): void {
    this.#settled += count
  }

  /** The event loop has turned. */
  begin(): void {
    this.#settled = 0
  }
}

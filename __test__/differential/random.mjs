// Random choices from a seed: the same seed makes the same choices on every machine.

/** A source of choices. */
export class Random {
  #state

  constructor(seed) {
    this.#state = seed >>> 0
  }

  /** A number from 0 to 1 (mulberry32). */
  unit() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number below a limit. */
  below(limit) {
    return Math.floor(this.unit() * limit)
  }

  /** A whole number, inclusive. */
  between(least, most) {
    return least + this.below(most - least + 1)
  }

  chance(probability) {
    return this.unit() < probability
  }

  pick(list) {
    return list[this.below(list.length)]
  }

  /** Some elements, at least `least`, in random order. */
  some(list, least = 1, most = list.length) {
    const left = [...list]
    const count = Math.min(this.between(least, most), left.length)
    return Array.from({ length: count }, () => left.splice(this.below(left.length), 1)[0])
  }

  list(count, make) {
    return Array.from({ length: count }, (_, i) => make(i))
  }
}

/** The number of cases and the seed; both can be set in the environment. */
export function extent(cases) {
  const factor = process.env.CASES ? Number(process.env.CASES) / 5000 : 1
  return { cases: Math.max(1, Math.round(cases * factor)), seed: Number(process.env.SEED ?? 20260401) }
}

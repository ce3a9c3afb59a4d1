// What writer and checker share: the content of a document, and the two kinds of lines that the writer prints.
//
//   ["start", number, [[id, n], ...]]   the writer is about to make each id hold state n (null: no document)
//   ["done", number]                    the database acknowledged it

/** The only valid content of `id` in state `n`. */
export function contentOf(id, n) {
  return { _id: id, partition: id.slice(0, id.indexOf('-')), n, body: `${id} ${n} `.repeat(1 + ((n * 7 + id.length) % 12)) }
}

/** Seeded pseudo-random numbers. */
export function generator(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let word = Math.imul(state ^ (state >>> 15), state | 1)
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61)
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    /** A whole number from low to high, inclusive. */
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    chance: (probability) => next() < probability,
    pick: (list) => list[Math.floor(next() * list.length)]
  }
}

/** The states that each id may be in, as acknowledgements arrive and processes die. */
export class Ledger {
  /** id -> n, or null for deleted: known for certain */
  #certain = new Map()
  /** number of the operation -> its entries: started, not acknowledged */
  #open = new Map()
  acknowledged = 0
  inFlight = 0

  read(line) {
    const [kind, number, entries] = JSON.parse(line)
    if (kind === 'start') this.#open.set(number, entries)
    else if (kind === 'done') {
      for (const [id, n] of this.#open.get(number)) this.#certain.set(id, n)
      this.#open.delete(number)
      this.acknowledged++
    }
  }

  /**
   * Compares with what was found after reopening, and continues from it. Returns one line per fault. A running operation may
   * have happened or not, document by document.
   */
  judge(found) {
    const possible = new Map()
    for (const [id, n] of this.#certain) possible.set(id, [n])
    for (const entries of this.#open.values()) {
      for (const [id, n] of entries) possible.set(id, [...(possible.get(id) ?? [null]), n])
    }
    this.inFlight += this.#open.size
    this.#open.clear()
    const lost = []
    const wrong = []
    for (const [id, states] of possible) {
      const document = found.get(id) ?? null
      const n = document === null ? null : document.n
      if (!states.includes(n)) lost.push(`${id}: ${JSON.stringify(states)} was acknowledged, ${n} was found`)
      else if (document !== null && JSON.stringify(document) !== JSON.stringify(contentOf(id, n))) {
        wrong.push(`${id}: the content is not that of state ${n}: ${JSON.stringify(document)}`)
      }
      this.#certain.set(id, n)
    }
    for (const id of found.keys()) if (!possible.has(id)) wrong.push(`${id}: nobody wrote it`)
    return { lost, wrong }
  }

  get size() {
    return this.#certain.size
  }
}

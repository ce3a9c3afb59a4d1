// Makes a failing input smaller while it still fails.

const isObject = (value) => typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** Inputs that are one step smaller. */
function* smaller(value) {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) yield value.filter((_, n) => n !== i)
    for (let i = 0; i < value.length; i++) for (const element of smaller(value[i])) yield value.map((each, n) => (n === i ? element : each))
  } else if (isObject(value)) {
    const entries = Object.entries(value)
    for (let i = 0; i < entries.length; i++) yield Object.fromEntries(entries.filter((_, n) => n !== i))
    for (let i = 0; i < entries.length; i++) {
      for (const field of smaller(entries[i][1])) yield Object.fromEntries(entries.map(([name, each], n) => [name, n === i ? field : each]))
    }
  } else if (typeof value === 'number' && value !== 0 && value !== 1) {
    yield 1
  } else if (typeof value === 'string' && value.length > 1 && !value.startsWith('$')) {
    yield value[0]
  }
}

/** The smallest input found for which `fails` still returns true; an exception does not count. */
export async function shrunk(input, fails, attempts = 2000) {
  let best = input
  for (;;) {
    let better
    for (const candidate of smaller(best)) {
      if (attempts-- <= 0) return best
      try {
        if (await fails(candidate)) {
          better = candidate
          break
        }
      } catch {
        // Not a valid input.
      }
    }
    if (better === undefined) return best
    best = better
  }
}

// Random documents to query: few names and few values, so that queries match some.

const NAMES = ['a', 'b', 'c', 'd']
const INNER = ['x', 'y', 'z']

export const SCALARS = [
  null, true, false, 0, 1, 2, 3, 5, -1, -7, 1.5, 2.5, -0, NaN, Infinity, -Infinity, 2 ** 31, 2 ** 53, -1e300,
  '', 'a', 'b', 'ab', 'abc', 'A', '1', 'a\nb', 'é', '€',
  new Date(0), new Date(-1), new Date('2024-02-29T12:30:15.250Z')
]

/** A value without fields: mostly a small number or text. */
export function scalar(random) {
  if (random.chance(0.4)) return random.between(-2, 5)
  if (random.chance(0.25)) return random.pick(['a', 'b', 'ab', 'abc'])
  return random.pick(SCALARS)
}

/** A value of any kind. */
export function value(random, depth = 0) {
  const roll = random.unit()
  if (depth > 2 || roll < 0.55) return scalar(random)
  if (roll < 0.7) return random.list(random.between(0, 4), () => scalar(random))
  if (roll < 0.8) return random.list(random.between(0, 3), () => object(random, depth + 1))
  if (roll < 0.85) return random.list(random.between(0, 3), () => value(random, depth + 1))
  return object(random, depth + 1)
}

/** An object with some of the inner names, sometimes with a number as a name. */
export function object(random, depth = 1) {
  const fields = {}
  for (const name of random.some(INNER, 0)) fields[name] = value(random, depth + 1)
  if (random.chance(0.08)) fields['0'] = scalar(random)
  return fields
}

/** A document with some of the names. */
export function document(random, _id) {
  const fields = { _id }
  for (const name of random.some(NAMES, 1)) fields[name] = value(random)
  return fields
}

/** Documents with the `_id`s 0 to count - 1. */
export function documents(random, count) {
  return random.list(count, (i) => document(random, i))
}

/** A dotted path that may lead somewhere. */
export function path(random) {
  const parts = [random.pick(NAMES)]
  if (random.chance(0.12)) parts.push(String(random.below(3)))
  if (random.chance(0.35)) parts.push(random.pick(INNER))
  if (random.chance(0.08)) parts.push(random.pick([...INNER, '0', '1']))
  return parts.join('.')
}

/** A value that occurs in the documents, or may occur. */
export function known(random, all) {
  if (random.chance(0.3)) return value(random, 1)
  let found = random.pick(all)
  for (let steps = random.between(1, 3); steps > 0; steps--) {
    const inside = typeof found === 'object' && found !== null && !(found instanceof Date) ? Object.keys(found).filter((key) => key !== '_id') : []
    if (inside.length === 0) break
    found = found[random.pick(inside)]
  }
  return found
}

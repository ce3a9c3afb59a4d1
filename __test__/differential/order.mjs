// MongoDB's order of values, implemented independently of the database.

const RANKS = ['missing', 'null', 'number', 'string', 'object', 'array', 'bool', 'date']

/** A missing value. */
export const MISSING = Symbol('missing')

export const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date) && !(value instanceof RegExp)

/** The kind of a value; kinds are never equal to one another. */
export function kindOf(value) {
  if (value === MISSING || value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (value instanceof Date) return 'date'
  return { boolean: 'bool', bigint: 'number' }[typeof value] ?? typeof value
}

const rank = (value) => RANKS.indexOf(kindOf(value))
const sign = (a, b) => (a < b ? -1 : a > b ? 1 : 0)

/** Negative, 0 or positive: NaN before all numbers, strings by code points, objects by kind, name and value of one field after another. */
export function order(a, b) {
  const kind = kindOf(a)
  if (kind !== kindOf(b)) return rank(a) - rank(b)
  switch (kind) {
    case 'number':
      if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) ? (Number.isNaN(b) ? 0 : -1) : 1
      return sign(a, b)
    case 'string':
      return Buffer.compare(Buffer.from(a), Buffer.from(b))
    case 'bool':
      return sign(a, b)
    case 'date':
      return sign(a.getTime(), b.getTime())
    case 'array':
      return orderOfLists(a, b, order)
    case 'object':
      return orderOfLists(Object.entries(a), Object.entries(b), ([nameA, valueA], [nameB, valueB]) => {
        return rank(valueA) - rank(valueB) || Buffer.compare(Buffer.from(nameA), Buffer.from(nameB)) || order(valueA, valueB)
      })
    default:
      return 0
  }
}

function orderOfLists(a, b, compare) {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const found = compare(a[i], b[i])
    if (found !== 0) return found
  }
  return a.length - b.length
}

export const equal = (a, b) => order(a, b) === 0

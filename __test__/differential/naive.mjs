// One condition on one field, by MongoDB's manual: decides where the database and mingo differ.

import { equal, isObject, kindOf, MISSING, order } from './order.mjs'

const TYPES = { 1: 'double', 2: 'string', 3: 'object', 4: 'array', 8: 'bool', 9: 'date', 10: 'null', 16: 'int' }

/**
 * The values of a path, each with whether the elements of an array count too. Objects in an array on the path are searched
 * one by one; a number names an element, which then counts as a whole; any other element of an array has no value, while a
 * scalar yields a missing field.
 */
function leaves(value, parts, whole = false) {
  if (parts.length === 0) return [{ value, whole }]
  const [name, ...rest] = parts
  if (Array.isArray(value)) {
    const found = value.filter(isObject).flatMap((element) => leaves(element, parts))
    if (/^(0|[1-9]\d*)$/.test(name) && Number(name) < value.length) {
      const element = value[Number(name)]
      if (rest.length === 0 || Array.isArray(element)) found.push(...leaves(element, rest, rest.length === 0))
      else if (isObject(element)) found.push(...leaves(element, rest))
    }
    return found
  }
  return isObject(value) ? leaves(Object.hasOwn(value, name) ? value[name] : MISSING, rest) : [{ value: MISSING, whole: false }]
}

/** The values that a path leads to. */
export const reached = (document, path) => leaves(document, path.split('.')).map(({ value }) => value)

/** Whether there is an array anywhere on a path. */
export function crossesArray(document, path) {
  const parts = path.split('.')
  return parts.some((_, n) => n > 0 && reached(document, parts.slice(0, n).join('.')).some(Array.isArray))
}

const same = (found, operand) => (operand === null ? found === null || found === MISSING : found !== MISSING && equal(found, operand))

function compared(found, operand, accept) {
  if (operand === null) return accept(0) && (found === null || found === MISSING)
  if (found === MISSING || kindOf(found) !== kindOf(operand)) return false
  // NaN equals itself and has no order relative to other numbers.
  if (Number.isNaN(found) !== Number.isNaN(operand)) return false
  return accept(order(found, operand))
}

function typeOf(value) {
  if (typeof value !== 'number') return kindOf(value)
  return Number.isInteger(value) && Math.abs(value + 0.5) < 2 ** 31 && !Object.is(value, -0) ? 'int' : 'double'
}

function divided(value, [divisor, remainder]) {
  if (typeof value !== 'number' || !Number.isFinite(value) || Math.abs(value) >= 2 ** 63) return false
  return BigInt(Math.trunc(value)) % BigInt(Math.trunc(divisor)) === BigInt(Math.trunc(remainder))
}

/** Whether a value matches, or an element of an array. */
const anyOf = ({ value, whole }, accept) => accept(value) || (!whole && Array.isArray(value) && value.some(accept))
const none = (answer) => !answer

const OPERATORS = {
  $eq: (found, operand) => found.some((leaf) => anyOf(leaf, (each) => same(each, operand))),
  $ne: (found, operand) => none(OPERATORS.$eq(found, operand)),
  $gt: (found, operand) => found.some((leaf) => anyOf(leaf, (each) => compared(each, operand, (sign) => sign > 0))),
  $gte: (found, operand) => found.some((leaf) => anyOf(leaf, (each) => compared(each, operand, (sign) => sign >= 0))),
  $lt: (found, operand) => found.some((leaf) => anyOf(leaf, (each) => compared(each, operand, (sign) => sign < 0))),
  $lte: (found, operand) => found.some((leaf) => anyOf(leaf, (each) => compared(each, operand, (sign) => sign <= 0))),
  $in: (found, operand) => operand.some((each) => (each instanceof RegExp ? OPERATORS.$regex(found, each) : OPERATORS.$eq(found, each))),
  $nin: (found, operand) => none(OPERATORS.$in(found, operand)),
  $exists: (found, operand) => found.some(({ value }) => value !== MISSING) === operand,
  $type: (found, operand) => [operand].flat().some((type) => {
    const name = TYPES[type] ?? type
    return found.some((leaf) => anyOf(leaf, (each) => typeOf(each) === name || (name === 'number' && typeof each === 'number')))
  }),
  $mod: (found, operand) => found.some((leaf) => anyOf(leaf, (each) => divided(each, operand))),
  $size: (found, operand) => found.some(({ value }) => Array.isArray(value) && value.length === operand),
  $regex: (found, operand) => found.some((leaf) => anyOf(leaf, (each) => typeof each === 'string' && operand.test(each))),
  $all: (found, operand) => operand.length > 0 && operand.every((each) => (isObject(each) && '$elemMatch' in each ? OPERATORS.$elemMatch(found, each.$elemMatch) : OPERATORS.$eq(found, each))),
  $not: (found, operand) => none(operand instanceof RegExp ? OPERATORS.$regex(found, operand) : holds(found, operand)),
  $elemMatch: (found, operand) => found.some(({ value }) => Array.isArray(value) && value.some((element) => elementFits(element, operand)))
}

const hasOperators = (condition) => isObject(condition) && Object.keys(condition)[0]?.startsWith('$') === true
const holds = (found, operators) => Object.entries(operators).every(([name, operand]) => OPERATORS[name](found, operand))

function elementFits(element, operand) {
  if (hasOperators(operand)) return holds([{ value: element, whole: true }], operand)
  // A filter sees an array as an object whose names are numbers.
  return (isObject(element) || Array.isArray(element)) && matches({ ...element }, operand)
}

/** Whether a document meets every condition of a filter without `$expr`. */
export function matches(document, filter) {
  return Object.entries(filter).every(([path, condition]) => {
    if (path === '$and') return condition.every((each) => matches(document, each))
    if (path === '$or') return condition.some((each) => matches(document, each))
    if (path === '$nor') return !condition.some((each) => matches(document, each))
    if (path === '$expr') return truthy(evaluate(document, condition))
    const found = leaves(document, path.split('.'))
    if (condition instanceof RegExp) return OPERATORS.$regex(found, condition)
    return hasOperators(condition) ? holds(found, condition) : OPERATORS.$eq(found, condition)
  })
}

/** The value of a path in an expression: for an array, that of each of its objects; a number does not name an element. */
function valueAt(value, parts) {
  if (parts.length === 0) return value
  if (Array.isArray(value)) return value.map((each) => valueAt(each, parts)).filter((each) => each !== MISSING)
  if (!isObject(value)) return MISSING
  return Object.hasOwn(value, parts[0]) ? valueAt(value[parts[0]], parts.slice(1)) : MISSING
}

const truthy = (value) => !(value === MISSING || value === null || value === false || value === 0)

const EXPRESSIONS = {
  $eq: (a, b) => equal(a, b),
  $ne: (a, b) => !equal(a, b),
  $gt: (a, b) => order(a, b) > 0,
  $gte: (a, b) => order(a, b) >= 0,
  $lt: (a, b) => order(a, b) < 0,
  $lte: (a, b) => order(a, b) <= 0,
  $and: (...all) => all.every(truthy),
  $or: (...all) => all.some(truthy),
  $not: (a) => !truthy(a),
  $in: (a, list) => list.some((each) => equal(a, each))
}

/** The value of an expression of comparisons and booleans. */
export function evaluate(document, expression) {
  if (typeof expression === 'string' && expression.startsWith('$')) return valueAt(document, expression.slice(1).split('.'))
  // A list holds null where an expression in it has no value.
  if (Array.isArray(expression)) return expression.map((each) => evaluate(document, each)).map((each) => (each === MISSING ? null : each))
  if (!isObject(expression)) return expression
  const [[name, operands]] = Object.entries(expression)
  return name === '$literal' ? operands : EXPRESSIONS[name](...operands.map((each) => evaluate(document, each)))
}

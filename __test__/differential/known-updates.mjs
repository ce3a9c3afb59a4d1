// Updates that MongoDB refuses, and where mingo and MongoDB differ, with the rule of MongoDB's manual that decides.
// `confirms` returns whether the database's result follows the rule.

import { matches } from './naive.mjs'
import { isObject, kindOf, order } from './order.mjs'

const LIST_OPERATORS = new Set(['$push', '$addToSet', '$pull', '$pullAll', '$pop'])
const isNumber = (part) => /^(0|[1-9]\d*)$/.test(part)
const isInt = (value) => Number.isInteger(value) && Math.abs(value + 0.5) < 2 ** 31 && !Object.is(value, -0)
/** A field of an object or an element of an array. */
const child = (value, name) => (typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? value[name] : undefined)

/** The single changes of an update. */
export const changes = (update) => Object.entries(update).flatMap(([operator, fields]) => Object.entries(fields).map(([path, operand]) => ({ operator, path, operand })))

/** The values at a path, positional parts included; undefined for a missing one, or 'blocked'. */
function targets(value, parts) {
  if (parts.length === 0) return [value]
  const [part, ...rest] = parts
  if (part.startsWith('$')) return Array.isArray(value) ? value.flatMap((element) => targets(element, rest)) : ['blocked']
  if (value === undefined) return parts.some((each) => each.startsWith('$')) ? ['blocked'] : [undefined]
  if (Array.isArray(value)) return isNumber(part) ? targets(value[Number(part)], rest) : ['blocked']
  return isObject(value) ? targets(child(value, part), rest) : ['blocked']
}

/** Whether the operator cannot be applied to this value. */
function refusesValue(operator, value) {
  if (value === undefined) return false
  if (LIST_OPERATORS.has(operator)) return !Array.isArray(value)
  if (operator === '$inc' || operator === '$mul') return typeof value !== 'number'
  return operator === '$bit' && !isInt(value)
}

/**
 * Whether a change fails according to the manual; `$[e]` is taken for all elements, so the result may be true for an element
 * that is not chosen.
 */
export function mayFail(document, { operator, path, operand }) {
  const parts = path.split('.')
  const found = targets(document, parts)
  if (operator === '$unset') return found.includes('blocked') && path.includes('$')
  if (operator === '$rename') return renameFails(document, parts, found, operand)
  return found.some((value) => value === 'blocked' || refusesValue(operator, value))
}

function renameFails(document, parts, found, operand) {
  if (parts.join('.').includes('$') || found.includes('blocked')) return true
  if (crossesList(document, parts)) return true
  return found[0] !== undefined && (targets(document, operand.split('.')).includes('blocked') || crossesList(document, operand.split('.')))
}

const crossesList = (document, parts) => parts.some((_, n) => n > 0 && Array.isArray(parts.slice(0, n).reduce(child, document)))

/** Whether `$pull` removes an element. */
function pulls(element, operand) {
  if (isObject(operand) && !Object.keys(operand)[0]?.startsWith('$')) return isObject(element) && matches(element, operand)
  return matches({ list: [element] }, { 'list.0': operand })
}

const at = (document, path) => path.split('.').reduce(child, document)

/** The numbered paths that a path with `$[]` and `$[e]` stands for. */
export function spelledOut(value, parts, chosen, before = []) {
  const [part, ...rest] = parts
  if (part === undefined) return [before.join('.')]
  if (!part.startsWith('$')) return spelledOut(value === undefined ? undefined : child(value, part), rest, chosen, [...before, part])
  return value.flatMap((element, n) => (part === '$[]' || chosen(element) ? spelledOut(element, rest, chosen, [...before, n]) : []))
}

/** Known differences of a single change that succeeds. */
export const CHANGES = [
  {
    name: '$min and $max between kinds',
    page: '$max; $min; Comparison/Sort Order',
    rule: '$min and $max compare values of all kinds by the order of kinds, arrays and objects as wholes.',
    applies: (document, { operator, operand, path }) => ['$min', '$max'].includes(operator) && (kindOf(at(document, path)) !== kindOf(operand) || ['array', 'object', 'number'].includes(kindOf(operand))),
    confirms: (before, after, { operator, path, operand }) => {
      const now = at(before, path)
      const expected = now === undefined ? operand : (operator === '$min' ? order(operand, now) < 0 : order(operand, now) > 0) ? operand : now
      return order(at(after, path), expected) === 0
    },
    example: { document: { a: [1, 2] }, update: { $min: { a: 'b' } } }
  },
  {
    name: '$pull',
    page: '$pull',
    rule: 'Operators in $pull apply to each element as those of a filter do, nested arrays by themselves; a filter of fields removes elements that are objects, and no scalar.',
    applies: (document, { operator, operand }) => operator === '$pull' && (isObject(operand) || Array.isArray(operand)),
    confirms: (before, after, { path, operand }) => order(at(after, path), at(before, path).filter((each) => !pulls(each, operand))) === 0,
    example: { document: { a: [0] }, update: { $pull: { a: { x: { $lt: 4 } } } } }
  },
  {
    name: '$push with $sort',
    page: '$sort (update modifier); Comparison/Sort Order',
    rule: '$sort orders elements by the order of kinds, arrays and objects as wholes, and by a field a missing one as null.',
    applies: (document, { operator, operand }) => operator === '$push' && isObject(operand) && operand.$sort !== undefined,
    confirms: (before, after, { path, operand: { $sort } }) => {
      const [key, direction] = typeof $sort === 'number' ? [(value) => value, $sort] : [(value) => (isObject(value) ? (value.x ?? null) : null), $sort.x]
      return at(after, path).every((value, i, all) => i === 0 || direction * order(key(all[i - 1]), key(value)) <= 0)
    },
    example: { document: { a: ['A'] }, update: { $push: { a: { $each: [[]], $sort: -1 } } } }
  },
  {
    name: '$push with $slice on a new field',
    page: '$slice (update modifier)',
    rule: '$slice cuts the array that is made of a missing field too; 0 leaves it empty.',
    applies: (document, { operator, path, operand }) => operator === '$push' && isObject(operand) && operand.$slice !== undefined && (operand.$slice === 0 || at(document, path) === undefined),
    confirms: (before, after, { path, operand }) => at(after, path).length === Math.min((at(before, path) ?? []).length + operand.$each.length, Math.abs(operand.$slice)),
    example: { document: {}, update: { $push: { a: { $each: ['a', 'b'], $slice: 1 } } } }
  },
  {
    name: '$pullAll of arrays and objects',
    page: '$pullAll',
    rule: '$pullAll removes every element that equals an operand, arrays and objects as wholes.',
    applies: (document, { operator, path, operand }) => operator === '$pullAll' && [...operand, ...at(document, path)].some((value) => Array.isArray(value) || isObject(value)),
    confirms: (before, after, { path, operand }) => order(at(after, path), at(before, path).filter((each) => !operand.some((value) => order(value, each) === 0))) === 0,
    example: { document: { a: [[]] }, update: { $pullAll: { a: [[]] } } }
  },
  {
    name: '$addToSet',
    page: '$addToSet',
    rule: '$addToSet adds what equals no element, an array as one element, and leaves elements alone that are there twice; objects are equal with the same fields in the same order.',
    applies: (document, { operator }) => operator === '$addToSet',
    confirms: (before, after, { path, operand }) => {
      const expected = [...(at(before, path) ?? [])]
      for (const value of operand?.$each ?? [operand]) if (!expected.some((each) => order(each, value) === 0)) expected.push(value)
      return order(expected, at(after, path)) === 0
    },
    example: { document: { a: [4, 4] }, update: { $addToSet: { a: [] } } }
  },
  {
    name: 'new elements past the end',
    page: '$set, "Set Elements in Arrays"; Dot Notation',
    rule: 'Setting an element past the end of an array fills the places between with null.',
    applies: (document, { path }) => path.split('.').some((part, n, parts) => isNumber(part) && Array.isArray(parts.slice(0, n).reduce(child, document))),
    confirms: () => true,
    example: { document: { a: [] }, update: { $set: { 'a.1': 1 } } }
  }
]

// Conditions of MoltenDB as filters. Text is compared without regard to case; an array is a value of its own, not its elements.

import { eachOf, isFields, shown, wrongArgument } from '../arguments/arguments.js'
import { nearest } from '../arguments/option-reasons.js'
import { MoltenError } from '../errors.js'
import type { Document } from '../types/index.js'
import { isNested, storedPath } from './fields.js'

/** Matches nothing. */
const NOTHING: Document = { _id: { $in: [] } }
/** An array is not its elements. */
const NO_ARRAY = { $not: { $type: 'array' } }
/** The longest text that a regular expression compares; each byte may be escaped. */
const LONGEST = 8_000

type Test = (where: string, path: string, value: unknown) => Document

const equal: Test = (_where, path, value) => {
  if (typeof value === 'string') return text(path, value, '^', '$') ?? { [path]: { $eq: value, ...NO_ARRAY } }
  return { [path]: Array.isArray(value) ? { $eq: value } : { $eq: value, ...NO_ARRAY } }
}

/** Text without regard to case; undefined where case changes nothing, for keys, and for what is too long: that is compared exactly. */
function text(path: string, value: string, start: string, end: string): Document | undefined {
  if (path === '_id' || value.length > LONGEST || value.toLowerCase() === value.toUpperCase()) return undefined
  return { [path]: { $regex: start + escaped(value) + end, $options: 'is', ...NO_ARRAY } }
}

function escaped(value: string): string {
  return value.replace(/[\\^$.*+?()[\]{}|#&~-]/g, '\\$&')
}

const anyOf = (where: string, path: string, values: unknown, name: string): Document[] => {
  if (!Array.isArray(values)) throw wrongArgument(where, name, 'an array', values)
  const tests: Document[] = []
  eachOf<unknown>(values, (value) => tests.push(equal(where, path, value)))
  return tests
}

const comparing = (operator: string, name: string): Test => (where, path, value) => {
  const comparable = ['number', 'bigint', 'string'].includes(typeof value) || value instanceof Date
  if (!comparable) throw wrongArgument(where, `${path}.${name}`, 'a number, a text or a Date', value)
  // MoltenDB 1.0 compares times as milliseconds; they are stored as text.
  const isTime = (path === 'createdAt' || path === 'modifiedAt') && typeof value === 'number'
  return { [path]: { [operator]: isTime ? isoOf(value) : value, ...NO_ARRAY } }
}

function isoOf(millis: number): string {
  const date = new Date(millis)
  if (!Number.isNaN(date.getTime())) return date.toISOString()
  return millis < 0 ? '' : '\u{10ffff}'
}

/** Each operator, by each of its names. */
const TESTS: { readonly [name: string]: Test | undefined } = { __proto__: null as never }

function named(names: readonly string[], test: (name: string) => Test): void {
  for (const name of names) (TESTS as { [name: string]: Test })[name] = test(name)
}

named(['$eq', '$equals'], () => equal)
named(['$ne', '$notEquals'], () => (where, path, value) => ({ $nor: [equal(where, path, value)] }))
named(['$gt', '$greaterThan'], (name) => comparing('$gt', name))
named(['$gte', '$greaterThanOrEqual'], (name) => comparing('$gte', name))
named(['$lt', '$lessThan'], (name) => comparing('$lt', name))
named(['$lte', '$lessThanOrEqual'], (name) => comparing('$lte', name))
named(['$in', '$oneOf'], (name) => (where, path, values) => some(anyOf(where, path, values, `${path}.${name}`)))
named(['$nin', '$notIn'], (name) => (where, path, values) => {
  const tests = anyOf(where, path, values, `${path}.${name}`)
  return tests.length === 0 ? {} : { $nor: tests }
})
named(['$contains', '$ct'], () => (_where, path, value) => {
  const element: Document = { [path]: { $elemMatch: { $eq: value } } }
  if (typeof value !== 'string') return element
  return { $or: [{ [path]: { $regex: escaped(value), $options: 'is', ...NO_ARRAY } }, element] }
})

function some(tests: Document[]): Document {
  return tests.length === 0 ? NOTHING : tests.length === 1 ? tests[0]! : { $or: tests }
}

function all(tests: Document[]): Document {
  return tests.length === 0 ? {} : tests.length === 1 ? tests[0]! : { $and: tests }
}

/** The filter of a clause. `roots` gets the first names of its paths. */
export function filterOf(where: string, clause: unknown, roots: Set<string>, name = 'where', depth = 0): Document {
  if (depth > 30) throw new MoltenError('BAD_QUERY', `${where}: ${name} is nested deeper than 30 levels; write fewer`, { path: name })
  if (Array.isArray(clause)) return all(clausesOf(where, clause, roots, name, depth))
  if (!isFields(clause)) throw wrongArgument(where, name, 'an object of conditions', clause)
  const tests: Document[] = []
  for (const path of Object.keys(clause)) {
    const condition: unknown = clause[path]
    const at = `${name}.${path}`
    if (path === '$or') tests.push(some(clausesOf(where, condition, roots, at, depth)))
    else if (path === '$and') tests.push(all(clausesOf(where, condition, roots, at, depth)))
    else if (path.startsWith('$')) throw unknownOperator(where, path, name, ['$or', '$and'])
    else tests.push(...testsOf(where, path, condition, roots, at))
  }
  return all(tests)
}

function clausesOf(where: string, clauses: unknown, roots: Set<string>, name: string, depth: number): Document[] {
  if (!Array.isArray(clauses)) throw wrongArgument(where, name, 'an array of conditions', clauses)
  const tests: Document[] = []
  eachOf<unknown>(clauses, (clause, i) => tests.push(filterOf(where, clause, roots, `${name}[${i}]`, depth + 1)))
  return tests
}

function testsOf(where: string, name: string, condition: unknown, roots: Set<string>, at: string): Document[] {
  checkPath(where, name, at)
  const path = storedPath(name)
  roots.add(path.split('.', 1)[0]!)
  if (condition === undefined) throw wrongArgument(where, at, 'a value or operators', condition)
  // A plain null means a field that is there.
  if (condition === null) return [{ [path]: { $type: 'null', ...NO_ARRAY } }]
  if (!isFields(condition)) return [equal(where, path, condition)]
  if (!isNested(condition)) throw wrongArgument(where, at, 'a value of JSON or operators', condition)
  return Object.keys(condition).map((operator) => {
    const test = TESTS[operator]
    if (test !== undefined) {
      if (condition[operator] === undefined) throw wrongArgument(where, `${at}.${operator}`, 'a value', undefined)
      return test(where, path, condition[operator])
    }
    if (operator.startsWith('$')) throw unknownOperator(where, operator, at, Object.keys(TESTS))
    throw new MoltenError('BAD_QUERY', `${where}: ${at} has the field ${shown(operator)} where operators are; write the path ${shown(`${name}.${operator}`)}, or {"$eq": {...}} for a whole object`, { path: at })
  })
}

function unknownOperator(where: string, operator: string, at: string, names: readonly string[]): MoltenError {
  const near = nearest(operator, names)
  const advice = near === undefined ? `there are ${names.join(', ')}` : `did you mean ${near}?`
  return new MoltenError('BAD_QUERY', `${where}: ${at} has the unknown operator ${shown(operator)}; ${advice}`, { path: at })
}

/** Refuses what is no path of a field. */
export function checkPath(where: string, path: unknown, at: string): asserts path is string {
  if (typeof path !== 'string') throw wrongArgument(where, at, 'the path of a field', path)
  if (path.split('.').some((part) => part === '' || part.startsWith('$'))) {
    throw new MoltenError('BAD_QUERY', `${where}: ${at} is no path of a field: ${shown(path)}; write names with dots between them`, { path: at })
  }
}

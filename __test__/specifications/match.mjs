// Whether a value is what a test expects: the rules of the unified test format, with its operators ($$exists, $$type ...).

import { isDeepStrictEqual } from 'node:util'

import { EJSON } from 'bson'

/** An expectation that does not hold. */
export class Mismatch extends Error {}

const typeName = (value) => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (value instanceof Date) return 'date'
  if (value instanceof Uint8Array) return 'binData'
  if (value instanceof RegExp) return 'regex'
  if (value?._bsontype === 'ObjectId') return 'objectId'
  if (value?._bsontype !== undefined) return value._bsontype
  return { boolean: 'bool', string: 'string', number: 'number', bigint: 'number', object: 'object', undefined: 'undefined' }[typeof value] ?? typeof value
}

/** The types of the format that a value may have. A number is an int, a long or a double as its value says. */
function typesOf(value) {
  const name = typeName(value)
  if (name !== 'number') return [name]
  if (typeof value === 'bigint') return ['long', 'number']
  return Number.isInteger(value) ? ['int', 'long', 'double', 'number'] : ['double', 'number']
}

const isObject = (value) => typeName(value) === 'object'
const operatorOf = (value) => {
  if (!isObject(value)) return undefined
  const names = Object.keys(value)
  return names.length === 1 && names[0].startsWith('$$') ? names[0] : undefined
}

export const shown = (value) => {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? `${each}n` : each)) ?? String(value)
  return text.length > 400 ? `${text.slice(0, 400)}...` : text
}

/** What a comparison needs beside the two values: the entities, and whether fields that are not expected are allowed at this level. */
function check(expected, actual, path, { entities, isRoot }) {
  const fail = (wanted) => {
    throw new Mismatch(`${path}: expected ${wanted}, got ${shown(actual)}`)
  }
  const operator = operatorOf(expected)
  if (operator !== undefined) return checkOperator(operator, expected[operator], actual, path, { entities, isRoot }, fail)
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) fail(shown(expected))
    // The documents of a result are each a root.
    const each = { entities, isRoot: isRoot && path === 'the result' }
    return expected.forEach((item, i) => check(item, actual[i], `${path}[${i}]`, each))
  }
  if (isObject(expected)) {
    if (!isObject(actual)) fail(shown(expected))
    for (const [name, value] of Object.entries(expected)) check(value, actual[name], `${path}.${name}`, { entities, isRoot: false })
    const other = Object.keys(actual).find((name) => actual[name] !== undefined && !Object.hasOwn(expected, name))
    if (!isRoot && other !== undefined) fail(`no field ${other}`)
    return undefined
  }
  return isSame(expected, actual) || fail(shown(expected))
}

function checkOperator(operator, operand, actual, path, context, fail) {
  switch (operator) {
    case '$$exists':
      return (actual !== undefined) === operand || fail(operand ? 'something' : 'nothing')
    case '$$type':
      return [operand].flat().some((type) => typesOf(actual).includes(type)) || fail(`a value of type ${shown(operand)}`)
    case '$$unsetOrMatches':
      return actual === undefined || check(operand, actual, path, context)
    case '$$matchesEntity':
      if (!context.entities.has(operand)) throw new Error(`there is no entity ${operand}`)
      return check(context.entities.get(operand), actual, path, context)
    case '$$sessionLsid':
      return isSame(context.entities.get(operand).id.id, actual?.id) || fail(`the id of ${operand}`)
    case '$$lte':
      return actual <= operand || fail(`at most ${shown(operand)}`)
    default:
      throw new Error(`the operator ${operator} is unknown`)
  }
}

/** Equal values that are no documents and no arrays; numbers of any type are equal by their values. */
function isSame(expected, actual) {
  const numbers = ['number', 'bigint']
  if (numbers.includes(typeof expected) && numbers.includes(typeof actual)) {
    return Object.is(expected, actual) || BigIntLike(expected) === BigIntLike(actual)
  }
  if (typeName(expected) !== typeName(actual)) return false
  if (typeName(expected) === 'objectId') return expected.toHexString() === actual.toHexString()
  if (typeName(expected) === 'binData') return Buffer.compare(expected, actual) === 0
  return isDeepStrictEqual(expected, actual)
}

const BigIntLike = (number) => (Number.isInteger(number) ? BigInt(number) : number)

/** Throws a Mismatch unless a result is what is expected. */
export function matches(expected, actual, entities) {
  check(expected, actual, 'the result', { entities, isRoot: true })
}

/** Throws a Mismatch unless a document matches, but for other fields that it has. */
export function matchesDocument(expected, actual, entities, path) {
  check(expected, actual, path, { entities, isRoot: true })
}

/** Throws a Mismatch unless a collection has exactly these documents. */
export function equals(expected, actual, path) {
  check(expected, actual, path, { entities: new Map(), isRoot: false })
}

const LABELS = [['errorLabelsContain', true], ['errorLabelsOmit', false]]

/** Throws a Mismatch unless an error is what is expected. An error with a number of the server counts as one of the server. */
export function matchesError(expected, error, entities) {
  const errors = [error, ...(error.writeErrors ?? [])]
  const texts = errors.map((each) => each.errmsg ?? each.message)
  const fail = (wanted) => {
    throw new Mismatch(`expected ${wanted}, got ${error.name} ${shown(error.codeName ?? error.code)}: ${error.message}`)
  }
  const known = ['isError', 'isClientError', 'errorContains', 'errorCode', 'errorCodeName', 'errorLabelsContain', 'errorLabelsOmit', 'expectResult', 'errorResponse']
  const unknown = Object.keys(expected).find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Error(`the expectation ${unknown} of an error is unknown`)
  const { isClientError, errorContains, errorCode, errorCodeName, expectResult, errorResponse } = expected
  if (isClientError !== undefined && (typeof error.code !== 'number') !== isClientError) fail(isClientError ? 'an error of the driver' : 'an error of the server')
  if (errorContains !== undefined && !texts.some((text) => text.toLowerCase().includes(errorContains.toLowerCase()))) fail(`a message with ${shown(errorContains)}`)
  if (errorCode !== undefined && !errors.some(({ code }) => code === errorCode)) fail(`code ${errorCode}`)
  if (errorCodeName !== undefined && !errors.some(({ codeName }) => codeName?.toLowerCase() === errorCodeName.toLowerCase())) fail(`code ${errorCodeName}`)
  for (const [name, has] of LABELS) {
    for (const label of expected[name] ?? []) {
      if ((error.hasErrorLabel?.(label) ?? false) !== has) fail(has ? `the label ${label}` : `no label ${label}`)
    }
  }
  if (errorResponse !== undefined) matchesDocument(errorResponse, { ...error, errmsg: error.message }, entities, 'the error')
  if (expectResult !== undefined) matches(expectResult, error.result, entities)
}

/** Extended JSON as values: 64-bit integers as numbers where they are safe, binary as a Buffer. */
export function valueOf(json) {
  return plain(EJSON.deserialize({ json }, { relaxed: true }).json)
}

function plain(value) {
  if (Array.isArray(value)) return value.map(plain)
  if (value?._bsontype === 'Binary') return Buffer.from(value.buffer)
  if (value?._bsontype === 'Long') return value.toBigInt()
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]))
  return value
}

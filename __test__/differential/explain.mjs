// Reduces a disagreement: a combined filter differs only if a part differs. A part that cannot be reduced must be in the
// table of known differences, and the database must agree with the plain version.

import { COMPARISONS, CONDITIONS, operandValues } from './known.mjs'
import { matches, reached } from './naive.mjs'
import { isObject } from './order.mjs'

const hasOperators = (condition) => isObject(condition) && Object.keys(condition)[0]?.startsWith('$') === true

/** The smaller filters that a filter is made of; none for a single condition. */
export function parts(document, filter) {
  const entries = Object.entries(filter)
  if (entries.length > 1) return entries.map(([path, condition]) => ({ document, filter: { [path]: condition } }))
  if (entries.length === 0) return []
  const [[path, condition]] = entries
  if (path === '$expr') return partsOfExpression(document, condition)
  if (path.startsWith('$')) return condition.map((each) => ({ document, filter: each }))
  if (!hasOperators(condition)) return []
  const operators = Object.entries(condition)
  if (operators.length > 1) return operators.map(([name, operand]) => ({ document, filter: { [path]: { [name]: operand } } }))
  const [[name, operand]] = operators
  if (name === '$not') return [{ document, filter: { [path]: operand } }]
  if (name === '$elemMatch') return partsOfElements(document, path, operand)
  if (name === '$all') return partsOfAll(document, path, operand)
  return []
}

function partsOfAll(document, path, operand) {
  if (operand.some((each) => isObject(each) && '$elemMatch' in each)) return operand.map((each) => ({ document, filter: { [path]: each } }))
  return operand.length > 1 ? operand.map((each) => ({ document, filter: { [path]: { $all: [each] } } })) : []
}

function partsOfExpression(document, expression) {
  const [[name, operands]] = Object.entries(expression)
  return ['$and', '$or', '$not'].includes(name) ? operands.map((each) => ({ document, filter: { $expr: each } })) : []
}

/** Each element as its own document; for operators as the element of a list, named by its index. */
function partsOfElements(document, path, operand) {
  const elements = reached(document, path).filter(Array.isArray).flat()
  if (hasOperators(operand)) return elements.map((element) => ({ document: { list: [element] }, filter: { 'list.0': operand } }))
  return elements.filter((element) => isObject(element) || Array.isArray(element)).map((element) => ({ document: { ...element }, filter: operand }))
}

/** The row of the table that matches a single condition. */
function rowOf(document, filter) {
  const [[path, condition]] = Object.entries(filter)
  if (path === '$expr') return COMPARISONS.find((row) => row.applies(document, operandValues(document, condition), condition))
  if (condition instanceof RegExp) return CONDITIONS.find((row) => row.applies(document, path, '$regex', condition))
  const [name, operand] = hasOperators(condition) ? Object.entries(condition)[0] : ['$eq', condition]
  return CONDITIONS.find((row) => row.applies(document, path, name, operand))
}

/**
 * Finds an unexplained part of a disagreement; undefined when there is none. `ask` returns the result of each; `used` counts
 * the rows that explained something.
 */
async function unexplained(document, filter, ask, used) {
  const { ours, theirs } = await ask(document, filter)
  if (ours === theirs) return undefined
  let different = 0
  for (const part of parts(document, filter)) {
    const answers = await ask(part.document, part.filter)
    if (answers.ours === answers.theirs) continue
    different++
    const found = await unexplained(part.document, part.filter, ask, used)
    if (found) return found
  }
  if (different > 0 && ours === matches(document, filter)) return undefined
  const row = isSingle(filter) ? rowOf(document, filter) : undefined
  if (row && ours === matches(document, filter)) {
    used.set(row.name, (used.get(row.name) ?? 0) + 1)
    return undefined
  }
  return { document, filter, ours, theirs, rule: row?.name }
}

/**
 * What is wrong with the database's result for a document; undefined if mingo or the table, and the plain version, agree
 * with it.
 */
export async function faultOf(document, filter, ask, used) {
  const { ours, theirs } = await ask(document, filter)
  const plain = matches(document, filter)
  if (ours === theirs && ours !== plain) return { document, filter, ours, theirs }
  return unexplained(document, filter, ask, used)
}

const isSingle = (filter) => Object.keys(filter).length === 1 && !['$and', '$or', '$nor'].includes(Object.keys(filter)[0])

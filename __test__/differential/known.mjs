// Where mingo and MongoDB differ, and the rule of MongoDB's manual that decides. `applies` decides narrowly whether a
// condition on a field, or a comparison of an expression, can differ for this reason; a difference counts as explained only
// if the plain version in naive.mjs agrees with the database. The suite checks `example`: a row that is obsolete for mingo
// fails.

import { crossesArray, evaluate, reached } from './naive.mjs'
import { isObject, kindOf, MISSING } from './order.mjs'

const ORDERS = new Set(['$gt', '$gte', '$lt', '$lte'])
const EQUALITIES = new Set(['$eq', '$ne', '$in', '$nin', '$all'])
/** Values and, where they are arrays, their elements. */
const withElements = (document, path) => reached(document, path).flatMap((value) => (Array.isArray(value) ? [value, ...value] : [value]))
const operandsOf = (operator, operand) => (['$in', '$nin', '$all'].includes(operator) ? operand : [operand])
const contains = (value, test) => test(value) || (Array.isArray(value) ? value : isObject(value) ? Object.values(value) : []).some((each) => contains(each, test))

/** Of conditions on one field. */
export const CONDITIONS = [
  {
    name: 'paths through arrays',
    page: 'Query an Array of Embedded Documents; Query for Null or Missing Fields',
    rule: 'A dotted path looks into each object of an array by itself: any of them may fulfil the condition, one without the field counts as null, and an array without objects leads to nothing.',
    applies: (document, path) => crossesArray(document, path),
    example: { document: { a: [{ x: 1 }, {}] }, filter: { 'a.x': null } }
  },
  {
    name: 'NaN',
    page: 'Comparison/Sort Order',
    rule: 'NaN equals NaN, and is neither less nor greater than another number in a filter.',
    applies: (document, path, operator, operand) => ORDERS.has(operator) && [operand, ...withElements(document, path)].some(Number.isNaN),
    example: { document: { a: NaN }, filter: { a: { $lte: 4 } } }
  },
  {
    name: 'ordering null',
    page: 'Query for Null or Missing Fields',
    rule: '$gte and $lte with null match what equality with null matches: null and a missing field.',
    applies: (document, path, operator, operand) => ORDERS.has(operator) && operand === null && reached(document, path).includes(MISSING),
    example: { document: {}, filter: { a: { $lte: null } } }
  },
  {
    name: 'arrays in order',
    page: 'Comparison/Sort Order',
    rule: 'An array operand is compared with the whole array, element by element in place, as well as with elements that are arrays.',
    applies: (document, path, operator, operand) => ORDERS.has(operator) && Array.isArray(operand),
    example: { document: { a: [2] }, filter: { a: { $gte: [1, 5] } } }
  },
  {
    name: 'objects in order',
    page: 'Comparison/Sort Order',
    rule: 'Objects compare field by field in their stored order: the kind of the value, then the name, then the value.',
    applies: (document, path, operator, operand) => ORDERS.has(operator) && isObject(operand) && withElements(document, path).some(isObject),
    example: { document: { a: { y: 3, x: 0 } }, filter: { a: { $gt: { y: -7 } } } }
  },
  {
    name: 'equality of objects',
    page: 'Query on Embedded/Nested Documents',
    rule: 'Equality of objects is exact, the order of the fields included.',
    applies: (document, path, operator, operand) => EQUALITIES.has(operator) && operandsOf(operator, operand).some((each) => contains(each, isObject)),
    example: { document: { a: { x: 1, y: 2 } }, filter: { a: { y: 2, x: 1 } } }
  },
  {
    name: '$type of elements',
    page: '$type',
    rule: 'For an array, $type matches when an element is of the type, or the array itself where the type is array.',
    applies: (document, path, operator) => operator === '$type' && reached(document, path).some(Array.isArray),
    example: { document: { a: ['x'] }, filter: { a: { $type: 'string' } } }
  },
  {
    name: '$type of numbers',
    page: '$type',
    rule: 'int and double are different types. docs/compatibility.md: a number that is an int32 is int, any other double; NaN is a double.',
    applies: (document, path, operator) => operator === '$type' && withElements(document, path).some((value) => typeof value === 'number'),
    example: { document: { a: 4 }, filter: { a: { $type: 'double' } } }
  },
  {
    name: '$mod of what is no whole number',
    page: '$mod',
    rule: '$mod matches numbers only, rounds their fractions towards zero, and never matches NaN, infinities or what no long can hold.',
    applies: (document, path, operator) => operator === '$mod' && withElements(document, path).some((value) => value !== MISSING && !Number.isSafeInteger(value)),
    example: { document: { a: 1.5 }, filter: { a: { $mod: [2, 1] } } }
  },
  {
    name: '$all of a single value',
    page: '$all',
    rule: '$all is an $and of equalities, so that a field that is no array matches when it equals every operand, and an array operand may equal the whole field.',
    applies: (document, path, operator, operand) => operator === '$all' && (!reached(document, path).some(Array.isArray) || operand.some(Array.isArray)),
    example: { document: { a: 4 }, filter: { a: { $all: [4] } } }
  },
  {
    name: '$in of arrays',
    page: '$in',
    rule: '$in matches where equality with one of its operands does: an array operand equals the whole field or one of its elements.',
    applies: (document, path, operator, operand) => ['$in', '$nin'].includes(operator) && operand.some(Array.isArray),
    example: { document: { a: [1, 2] }, filter: { a: { $in: [[1, 2]] } } }
  },
  {
    name: 'regular expressions and nested arrays',
    page: '$regex',
    rule: 'A regular expression looks at a string or at the elements of an array, not at arrays in that array.',
    applies: (document, path, operator) => ['$regex', '$in', '$nin'].includes(operator) && withElements(document, path).slice(1).some(Array.isArray),
    example: { document: { a: [['b']] }, filter: { a: /^b/ } }
  },
  {
    name: '$elemMatch on objects',
    page: '$elemMatch (query)',
    rule: 'A filter in $elemMatch is for elements that are objects or arrays; it matches no scalar.',
    applies: (document, path, operator, operand) => operator === '$elemMatch' && !Object.keys(operand)[0]?.startsWith('$'),
    example: { document: { a: [1] }, filter: { a: { $elemMatch: { x: { $ne: 2 } } } } }
  }
]

/** Of comparisons in expressions. */
export const COMPARISONS = [
  {
    name: 'order over all kinds',
    page: '$gt (aggregation); Comparison/Sort Order',
    rule: 'Expressions compare values of different kinds by the order of kinds, a missing field before null; nothing is false because kinds differ.',
    applies: (document, operands) => new Set(operands.map(kindOf)).size > 1,
    example: { document: { b: 3 }, filter: { $expr: { $lt: ['$a', '$b'] } } }
  },
  {
    name: 'numbers in paths of expressions',
    page: 'Field Paths; $arrayElemAt',
    rule: 'A number in a field path names a field, never an element of an array.',
    applies: (document, operands, expression) => contains(expression, (each) => typeof each === 'string' && /^\$.*\.\d/.test(each)),
    example: { document: { a: [1] }, filter: { $expr: { $eq: ['$a.0', 1] } } }
  },
  {
    name: 'whole arrays and objects',
    page: '$eq (aggregation); Comparison/Sort Order',
    rule: 'Expressions compare arrays and objects as wholes, in their stored order.',
    applies: (document, operands) => operands.some((each) => Array.isArray(each) || isObject(each)),
    example: { document: { a: [1, 2] }, filter: { $expr: { $eq: ['$a', 1] } } }
  },
  {
    name: 'NaN in expressions',
    page: 'Comparison/Sort Order',
    rule: 'In the order of expressions NaN is the smallest number and equals itself.',
    applies: (document, operands) => operands.some(Number.isNaN),
    example: { document: { a: NaN }, filter: { $expr: { $lt: ['$a', 1] } } }
  }
]

/** The values of a comparison's operands in a document. */
export const operandValues = (document, expression) => Object.values(expression)[0].map((operand) => evaluate(document, operand))

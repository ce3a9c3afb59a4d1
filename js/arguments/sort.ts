// Sort specifications: every form that the mongodb driver accepts is converted into a list of paths and directions.

import type { Sort, SortDirection } from '../types/index.js'
import { eachOf, isMap, wrongArgument } from './arguments.js'

const FORMS = "a field name, an object, a Map, or a list of fields or [field, direction] pairs"

/** Paths and directions in order. */
export type SortKeys = [path: string, direction: 1 | -1][]

/** The normalised form of a sort; undefined when it names no field. */
export function sortKeys(where: string, sort: Sort | null | undefined, direction?: SortDirection): SortKeys | undefined {
  if (sort === undefined || sort === null) return undefined
  const keys = pairsOf(where, sort, direction).map(([path, given]): SortKeys[number] => {
    if (typeof path !== 'string' || path === '') throw wrongArgument(where, 'sort', FORMS, path)
    return [path, directionOf(where, path, given)]
  })
  // A repeated field keeps its last direction, as in an object.
  const unique = [...new Map(keys)]
  return unique.length > 0 ? unique : undefined
}

function pairsOf(where: string, sort: Sort, direction: unknown): [unknown, unknown][] {
  if (typeof sort === 'string') return [[sort, direction ?? 1]]
  if (typeof sort !== 'object') throw wrongArgument(where, 'sort', FORMS, sort)
  if (Array.isArray(sort)) return pairsOfList(where, sort)
  if (isMap(sort)) return [...sort]
  return Object.entries(sort)
}

/** `['age', -1]` is one pair; `['age', 'name']` are two fields. */
function pairsOfList(where: string, list: readonly unknown[]): [unknown, unknown][] {
  if (list.length === 2 && typeof list[0] === 'string' && parsedDirection(list[1]) !== undefined) return [[list[0], list[1]]]
  const pairs: [unknown, unknown][] = []
  eachOf(list, (item) => {
    if (typeof item === 'string') pairs.push([item, 1])
    else if (Array.isArray(item) && item.length === 2) pairs.push([item[0], item[1]])
    else throw wrongArgument(where, 'sort', FORMS, item)
  })
  return pairs
}

function directionOf(where: string, path: string, given: unknown): 1 | -1 {
  const direction = parsedDirection(given)
  if (direction === undefined) throw wrongArgument(where, `sort direction of '${path}'`, "1, -1, 'asc' or 'desc'", given)
  return direction
}

function parsedDirection(given: unknown): 1 | -1 | undefined {
  switch (typeof given === 'string' ? given.toLowerCase() : given) {
    case 1:
    case '1':
    case 'asc':
    case 'ascending':
      return 1
    case -1:
    case '-1':
    case 'desc':
    case 'descending':
      return -1
    default:
      return undefined
  }
}

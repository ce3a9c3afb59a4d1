// Sorts with skip and limit, and projections, compared with plain versions of them and with mingo. Each known difference of
// mingo is noted beside the code.

import { inspect, isDeepStrictEqual } from 'node:util'

import test from 'ava'
import { Query } from 'mingo'

import { documents, path } from './differential/documents.mjs'
import { filter } from './differential/filters.mjs'
import { crossesArray, matches, reached } from './differential/naive.mjs'
import { isObject, order } from './differential/order.mjs'
import { extent, Random } from './differential/random.mjs'
import { memory } from './support/database.mjs'

const { cases, seed } = extent(500)
const PER_ROUND = 25

/** Less than null: the sort key of an empty array. */
const EMPTY = Symbol('empty')

/**
 * The sort keys of a path: of an array one per object, null for its other elements; of an empty array at its end less than
 * null.
 */
function keysOf(value, parts) {
  if (Array.isArray(value)) return value.length === 0 ? [parts.length === 0 ? EMPTY : null] : value.flatMap((each) => (parts.length === 0 ? [each] : isObject(each) ? keysOf(each, parts) : [null]))
  if (parts.length === 0) return [value]
  return isObject(value) && Object.hasOwn(value, parts[0]) ? keysOf(value[parts[0]], parts.slice(1)) : [null]
}

/** The value that a document sorts by: the smallest of its keys, or the largest when descending. */
function standing(document, name, direction) {
  return keysOf(document, name.split('.')).reduce((best, value) => (direction * compared(value, best) < 0 ? value : best))
}

const compared = (a, b) => (a === EMPTY || b === EMPTY ? Number(b === EMPTY) - Number(a === EMPTY) : order(a, b))

function sorted(all, sort) {
  return all.toSorted((a, b) => {
    for (const [name, direction] of sort) {
      const sign = compared(standing(a, name, direction), standing(b, name, direction))
      if (sign !== 0) return direction * sign
    }
    return 0
  })
}

/** $sort of mingo orders whole arrays and objects differently, separates missing from null, and is not stable. */
const mingoSortsIt = (all, sort) => sort.length === 1 && all.every((document) => !crossesArray(document, sort[0][0]) && reached(document, sort[0][0]).every((value) => typeof value === 'string' || Number.isFinite(value))) &&
  new Set(all.map((document) => reached(document, sort[0][0])[0])).size === all.length

/** A path without numbers: those can name elements and fields. */
const sortPath = (random) => path(random).split('.').filter((part) => !/^\d+$/.test(part)).join('.')

/** The first array on each path of a sort that meets one. */
function arraysOf(document, sort) {
  return sort.flatMap(([name]) => {
    let at = document
    for (const part of name.split('.')) {
      if (Array.isArray(at) || typeof at !== 'object' || at === null) break
      at = at[part]
    }
    return Array.isArray(at) ? [at] : []
  })
}

test('sorts with skip and limit give MongoDB\'s order, and a stable one', async (t) => {
  const db = await memory(t)
  let second = 0
  for (let round = 0; round * PER_ROUND < cases; round++) {
    const random = new Random(seed + round)
    const all = documents(random, random.chance(0.5) ? 30 : 4)
    const collection = db.collection(`round${round}`)
    await collection.insertMany(all.map((document) => ({ ...document })))
    for (let n = 0; n < PER_ROUND; n++) {
      const sort = [...new Map(random.list(random.between(1, 3), () => [sortPath(random), random.pick([1, -1])]))]
      const [skip, limit] = [random.chance(0.5) ? 0 : random.below(35), random.chance(0.5) ? 0 : random.between(1, 35)]
      const condition = random.chance(0.6) ? {} : filter(random, all)
      const chosen = all.filter((document) => matches(document, condition))
      const expected = sorted(chosen, sort).slice(skip, limit === 0 ? undefined : skip + limit)
      const told = `SEED=${seed + round}, case ${n}: ${inspect({ condition, sort, skip, limit }, { depth: 12 })}`
      let found
      try {
        found = collection.findSync(condition, { sort, skip, limit })
      } catch (error) {
        t.regex(error.message, /cannot sort with keys that are parallel arrays/, told)
        t.true(chosen.some((document) => arraysOf(document, sort).length > 1), told)
        continue
      }
      t.false(chosen.some((document) => new Set(arraysOf(document, sort)).size > 1), told)
      if (!isDeepStrictEqual(found, expected)) {
        const keys = (list) => list.map((document) => [document._id, ...sort.map(([name, direction]) => standing(document, name, direction))])
        return t.fail(`${told}: ${inspect({ found: keys(found), expected: keys(expected) }, { depth: 12 })}`)
      }
      t.deepEqual((await collection.aggregate([{ $match: condition }, { $sort: Object.fromEntries(sort) }, ...(skip ? [{ $skip: skip }] : []), ...(limit ? [{ $limit: limit }] : [])]).toArray()), found, told)
      if (!mingoSortsIt(chosen, sort)) continue
      second++
      t.deepEqual(new Query({}).find(structuredClone(chosen)).sort(Object.fromEntries(sort)).skip(skip).all().slice(0, limit || undefined), expected, told)
    }
    await collection.drop()
  }
  t.log(`${cases} sorts, ${second} of them by mingo too`)
  t.true(second > 0)
})

/** A projection as a tree: names, and true at the end of a path. */
function treeOf(paths) {
  const tree = {}
  for (const each of paths) {
    let at = tree
    const parts = each.split('.')
    for (const part of parts.slice(0, -1)) at = at[part] ??= {}
    at[parts.at(-1)] = true
  }
  return tree
}

/** What a tree of names includes: of an array the same from each object, without scalars. */
function included(value, tree) {
  if (Array.isArray(value)) return value.filter((each) => isObject(each) || Array.isArray(each)).map((each) => included(each, tree))
  const entries = Object.entries(value).filter(([name, field]) => Object.hasOwn(tree, name) && (tree[name] === true || isObject(field) || Array.isArray(field)))
  return Object.fromEntries(entries.map(([name, field]) => [name, tree[name] === true ? field : included(field, tree[name])]))
}

function excluded(value, tree) {
  if (Array.isArray(value)) return value.map((each) => excluded(each, tree))
  if (!isObject(value)) return value
  const entries = Object.entries(value).filter(([name]) => tree[name] !== true)
  return Object.fromEntries(entries.map(([name, field]) => [name, Object.hasOwn(tree, name) ? excluded(field, tree[name]) : field]))
}

const withoutPrefixes = (paths) => paths.filter((each) => !paths.some((other) => each !== other && each.startsWith(`${other}.`)))

/** mingo leaves out objects of arrays that have none of the fields, and treats numbers in paths as elements. */
const mingoProjectsIt = (all, paths) => paths.every((each) => !/\.\d/.test(each) && all.every((document) => !crossesArray(document, each)))

test('projections show and hide what MongoDB\'s do, in the stored order', async (t) => {
  const db = await memory(t)
  let second = 0
  for (let round = 0; round * PER_ROUND < cases; round++) {
    const random = new Random(seed + round)
    const all = documents(random, 20)
    const collection = db.collection(`round${round}`)
    await collection.insertMany(all.map((document) => ({ ...document })))
    for (let n = 0; n < PER_ROUND; n++) {
      const paths = withoutPrefixes([...new Set(random.list(random.between(1, 3), () => path(random)))])
      const include = random.chance(0.5)
      const hideId = random.chance(0.3)
      const projection = { ...Object.fromEntries(paths.map((each) => [each, include ? random.pick([1, true]) : random.pick([0, false])])), ...(hideId ? { _id: 0 } : {}) }
      const tree = treeOf([...paths, ...(include !== hideId ? ['_id'] : [])])
      const expected = all.map((document) => (include ? included(document, tree) : excluded(document, hideId ? tree : treeOf(paths))))
      const told = `SEED=${seed + round}, case ${n}: ${inspect(projection)}`
      const found = collection.findSync({}, { projection })
      const at = found.findIndex((document, i) => !isDeepStrictEqual(Object.entries(document), Object.entries(expected[i])) || order(document, expected[i]) !== 0)
      if (at >= 0) return t.fail(`${told}: ${inspect({ document: all[at], found: found[at], expected: expected[at] }, { depth: 12 })}`)
      t.deepEqual(await collection.aggregate([{ $project: projection }]).toArray(), expected, told)
      if (!mingoProjectsIt(all, paths)) continue
      second++
      t.deepEqual(new Query({}).find(structuredClone(all), projection).all(), expected, told)
    }
    await collection.drop()
  }
  t.log(`${cases} projections, ${second} of them by mingo too`)
  t.true(second > 0)
})

// Filters of every operator, and what they are made of.

import { known, path, scalar } from './documents.mjs'

const PATTERNS = [/a/, /^a/, /b$/, /A/i, /^[ab]+$/, /a.b/s, /^b/m, /./, /x|1/]
const TYPES = ['double', 'string', 'object', 'array', 'bool', 'date', 'null', 'int', 'number', 1, 2, 3, 4, 8, 9, 10, 16]

/** Operators on one field, each with the operand it takes. */
const FIELD = {
  $eq: known,
  $ne: known,
  $gt: known,
  $gte: known,
  $lt: known,
  $lte: known,
  $in: (random, all) => random.list(random.between(0, 3), () => (random.chance(0.15) ? random.pick(PATTERNS) : known(random, all))),
  $nin: (random, all) => random.list(random.between(0, 3), () => (random.chance(0.15) ? random.pick(PATTERNS) : known(random, all))),
  $exists: (random) => random.chance(0.5),
  $type: (random) => (random.chance(0.3) ? random.some(TYPES, 1, 3) : random.pick(TYPES)),
  $mod: (random) => [random.pick([2, 3, -2, 5]), random.pick([0, 1, -1, 2])],
  $size: (random) => random.between(0, 4),
  $all: (random, all) => (random.chance(0.2) ? random.list(random.between(1, 2), () => ({ $elemMatch: elements(random, all, 1) })) : random.list(random.between(0, 3), () => known(random, all))),
  $regex: (random) => random.pick(PATTERNS),
  $elemMatch: (random, all) => elements(random, all, 1),
  $not: (random, all, depth) => (random.chance(0.15) ? random.pick(PATTERNS) : operators(random, all, depth + 1))
}
const NAMES = Object.keys(FIELD)

function operators(random, all, depth) {
  const names = random.some(depth > 2 ? NAMES.filter((name) => name !== '$not' && name !== '$elemMatch') : NAMES, 1, random.chance(0.25) ? 2 : 1)
  return Object.fromEntries(names.map((name) => [name, FIELD[name](random, all, depth)]))
}

/** The operand of `$elemMatch`: operators on the element, or a filter on its fields. */
function elements(random, all, depth) {
  if (random.chance(0.5)) return operators(random, all, depth + 1)
  const inner = {}
  for (const name of random.some(['x', 'y', 'z'], 1, 2)) inner[name] = condition(random, all, depth + 1)
  return inner
}

function condition(random, all, depth) {
  const roll = random.unit()
  if (roll < 0.2) return known(random, all)
  if (roll < 0.25) return random.pick(PATTERNS)
  return operators(random, all, depth)
}

/** Booleans of two fields or of a field and a value, which `$expr` takes. */
function expression(random, depth = 0) {
  const operand = () => (random.chance(0.6) ? `$${path(random)}` : { $literal: scalar(random) })
  const roll = random.unit()
  if (depth < 2 && roll < 0.25) return { [random.pick(['$and', '$or'])]: random.list(2, () => expression(random, depth + 1)) }
  if (depth < 2 && roll < 0.35) return { $not: [expression(random, depth + 1)] }
  if (roll < 0.45) return { $in: [operand(), random.list(2, operand)] }
  return { [random.pick(['$eq', '$ne', '$gt', '$gte', '$lt', '$lte'])]: [operand(), operand()] }
}

/** A filter. */
export function filter(random, all, depth = 0) {
  const made = {}
  for (let fields = random.between(depth === 0 ? 1 : 1, 2); fields > 0; fields--) {
    const roll = random.unit()
    if (depth < 3 && roll < 0.18) made[random.pick(['$and', '$or', '$nor'])] = random.list(random.between(1, 3), () => filter(random, all, depth + 1))
    else if (roll < 0.23) made.$expr = expression(random)
    else made[path(random)] = condition(random, all, 0)
  }
  return made
}

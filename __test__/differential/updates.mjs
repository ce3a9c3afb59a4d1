// Updates of every operator.

import { known, scalar, value } from './documents.mjs'

const number = (random) => (random.chance(0.85) ? random.between(-3, 4) : random.pick([0.5, 1.5, -0, 2 ** 31]))
const list = (random, all) => random.list(random.between(0, 3), () => (random.chance(0.5) ? scalar(random) : known(random, all)))

function pushed(random, all) {
  if (random.chance(0.4)) return random.chance(0.7) ? scalar(random) : known(random, all)
  const modifiers = { $each: list(random, all) }
  if (random.chance(0.4)) modifiers.$position = random.between(-3, 3)
  if (random.chance(0.4)) modifiers.$slice = random.between(-3, 3)
  if (random.chance(0.4)) modifiers.$sort = random.chance(0.6) ? random.pick([1, -1]) : { x: random.pick([1, -1]) }
  return modifiers
}

const OPERATORS = {
  $set: (random, all) => (random.chance(0.6) ? value(random, 1) : known(random, all)),
  $unset: () => '',
  $inc: number,
  $mul: number,
  $min: (random, all) => known(random, all),
  $max: (random, all) => known(random, all),
  $rename: (random) => random.pick(['e', 'f', 'a', 'b', 'c.w']),
  $push: pushed,
  $addToSet: (random, all) => (random.chance(0.5) ? known(random, all) : { $each: list(random, all) }),
  $pull: (random, all) => {
    const roll = random.unit()
    if (roll < 0.4) return known(random, all)
    if (roll < 0.7) return { [random.pick(['$gt', '$lte', '$ne', '$eq'])]: scalar(random) }
    if (roll < 0.8) return { $in: list(random, all) }
    return { [random.pick(['x', 'y'])]: random.chance(0.5) ? scalar(random) : { [random.pick(['$gte', '$lt'])]: random.between(-1, 4) } }
  },
  $pullAll: list,
  $pop: (random) => random.pick([1, -1]),
  $bit: (random) => ({ [random.pick(['and', 'or', 'xor'])]: random.between(0, 15) })
}

const isContainer = (found) => typeof found === 'object' && found !== null && !(found instanceof Date)

/** A path in the document, or one step beyond, and its value; sometimes with `$[]` or `$[e]` for an element. */
function pathIn(random, document) {
  const parts = []
  let found = document
  let shape = document
  do {
    const names = Object.keys(found).filter((name) => name !== '_id')
    if (names.length === 0 || random.chance(0.1)) {
      parts.push(Array.isArray(found) ? String(found.length + random.below(2)) : random.pick(['x', 'e']))
      return { parts, found: undefined }
    }
    const name = random.pick(names)
    shape = found
    found = found[name]
    parts.push(Array.isArray(shape) && random.chance(0.3) ? random.pick(['$[]', '$[e]']) : name)
  } while (isContainer(found) && random.chance(0.55))
  return { parts, found }
}

const ANY = ['$set', '$unset', '$min', '$max', '$rename']
const ON_LISTS = ['$push', '$addToSet', '$pull', '$pullAll', '$pop']
const ON_NUMBERS = ['$inc', '$mul', '$bit', '$min', '$max']

/** An operator that is mostly applicable to a value. */
function operatorFor(random, found) {
  if (random.chance(0.05)) return random.pick(Object.keys(OPERATORS))
  if (Array.isArray(found) && random.chance(0.8)) return random.pick(ON_LISTS)
  if (typeof found === 'number' && random.chance(0.7)) return random.pick(ON_NUMBERS)
  if (found === undefined && random.chance(0.6)) return random.pick([...ON_LISTS, ...ON_NUMBERS])
  return random.pick(ANY)
}

/** An update of a document: `{ update, arrayFilters }`. */
export function update(random, document, all) {
  const made = {}
  for (let fields = random.chance(0.3) ? 2 : 1; fields > 0; fields--) {
    const { parts, found } = pathIn(random, document)
    const name = operatorFor(random, found)
    made[name] = { ...made[name], [parts.join('.')]: OPERATORS[name](random, all) }
  }
  const named = Object.values(made).flatMap(Object.keys).some((path) => path.includes('$[e]'))
  if (!named) return { update: made }
  return { update: made, arrayFilters: [{ [random.pick(['e', 'e.x'])]: random.chance(0.6) ? { $gte: random.between(-1, 3) } : scalar(random) }] }
}

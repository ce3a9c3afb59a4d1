// Updates, compared with mingo. What MongoDB refuses must be refused and change nothing; all else must be done, and counted
// only if it changed something. Known differences are in differential/known-updates.mjs.

import { inspect, isDeepStrictEqual } from 'node:util'

import test from 'ava'
import mingo from 'mingo'

import { documents } from './differential/documents.mjs'
import { CHANGES, changes, mayFail, spelledOut } from './differential/known-updates.mjs'
import { matches } from './differential/naive.mjs'
import { equal } from './differential/order.mjs'
import { extent, Random } from './differential/random.mjs'
import { shrunk } from './differential/shrink.mjs'
import { update as updateOf } from './differential/updates.mjs'
import { memory, MoltenError } from './support/database.mjs'

const { cases, seed } = extent(1000)
const PER_ROUND = 50

/** The same value with the fields of objects in the order of their names: mingo has its own order. */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(Object.keys(value).toSorted().map((name) => [name, sorted(value[name])]))
}

/** The database's result for a document. */
async function ask(scratch, { document, update, arrayFilters }) {
  await scratch.set(0, document)
  try {
    const { modifiedCount } = await scratch.updateOne({ _id: 0 }, update, { arrayFilters })
    return { modifiedCount, after: await scratch.get(0) }
  } catch (error) {
    if (!MoltenError.isMoltenError(error) || error.kind !== 'BAD_UPDATE') throw error
    return { refused: error.message, after: await scratch.get(0) }
  }
}

/** mingo's result. */
function askMingo({ document, update, arrayFilters }) {
  const list = [structuredClone({ _id: 0, ...document })]
  try {
    mingo.updateOne(list, {}, structuredClone(update), { arrayFilters, cloneMode: 'deep' })
    return { after: list[0] }
  } catch (error) {
    return { refused: error.message }
  }
}

/** What is wrong with the database's result; undefined if nothing is. */
async function faultOf(scratch, input, used) {
  const { document, update } = input
  const before = { _id: 0, ...document }
  const ours = await ask(scratch, input)
  const theirs = askMingo(input)
  const single = changes(update)
  if (ours.refused !== undefined) {
    if (!isDeepStrictEqual(ours.after, before)) return { fault: 'a refused update changed the document', ...ours }
    if (theirs.refused !== undefined || single.some((change) => mayFail(before, change))) return undefined
    return { fault: 'refused', ...ours }
  }
  if (!isDeepStrictEqual(ours.after, before) !== (ours.modifiedCount === 1)) return { fault: 'modifiedCount', ...ours }
  if (theirs.after && equal(sorted(ours.after), sorted(theirs.after))) return undefined
  if (single.length > 1) return faultOfParts(scratch, input, single, used)
  if (single[0].path.includes('$[')) return faultOfPositions(scratch, input, ours, used)
  const row = CHANGES.find((each) => each.applies(before, single[0]))
  if (row?.confirms(before, ours.after, single[0])) {
    used.set(row.name, (used.get(row.name) ?? 0) + 1)
    return undefined
  }
  return { fault: 'different', ours, theirs, rule: row?.name }
}

/** Two changes differ only if one of them does. */
async function faultOfParts(scratch, { document, arrayFilters }, single, used) {
  for (const { operator, path, operand } of single) {
    const fault = await faultOf(scratch, { document, update: { [operator]: { [path]: operand } }, arrayFilters: path.includes('$[e]') ? arrayFilters : undefined }, used)
    if (fault) return fault
  }
  return undefined
}

/** A path with `$[]` or `$[e]` has the same effect as naming the elements. */
async function faultOfPositions(scratch, input, ours, used) {
  const [{ operator, path, operand }] = changes(input.update)
  const [filter] = input.arrayFilters ?? []
  const paths = spelledOut(input.document, path.split('.'), (element) => matches({ e: element }, filter))
  const before = { _id: 0, ...input.document }
  if (paths.length === 0) return isDeepStrictEqual(ours.after, before) ? undefined : { fault: 'no element was chosen', ...ours }
  const named = { document: input.document, update: { [operator]: Object.fromEntries(paths.map((each) => [each, operand])) } }
  const { after } = await ask(scratch, named)
  return isDeepStrictEqual(after, ours.after) ? faultOf(scratch, named, used) : { fault: 'positions', ours, named: after }
}

test('updates do what MongoDB says, with mingo as second opinion', async (t) => {
  const db = await memory(t)
  const scratch = db.collection('scratch')
  const used = new Map()
  for (let round = 0; round * PER_ROUND < cases; round++) {
    const random = new Random(seed + round)
    const all = documents(random, 20)
    for (let n = 0; n < Math.min(PER_ROUND, cases - round * PER_ROUND); n++) {
      const { _id: _, ...document } = random.pick(all)
      const input = { document, ...updateOf(random, document, all) }
      const found = await faultOf(scratch, input, used)
      if (found === undefined) continue
      const least = await shrunk(input, async (each) => changes(each.update).length > 0 && (await faultOf(scratch, each, new Map()))?.fault === found.fault)
      t.fail(`SEED=${seed + round}, case ${n}: ${inspect({ ...least, ...(await faultOf(scratch, least, new Map())) }, { depth: 12 })}`)
      return
    }
  }
  t.log(`${cases} updates: ${inspect(Object.fromEntries(used))}`)
  t.pass()
})

test('each known difference of updates is one still', async (t) => {
  const db = await memory(t)
  for (const { name, example, confirms } of CHANGES) {
    const { after } = await ask(db.collection('scratch'), example)
    t.false(equal(sorted(after), sorted(askMingo(example).after)), name)
    t.true(confirms(example.document, after, changes(example.update)[0]), name)
  }
})

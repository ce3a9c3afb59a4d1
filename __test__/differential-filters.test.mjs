// Filters, compared with mingo and a plain matcher. Where mingo differs, a rule of MongoDB's manual decides
// (differential/known.mjs).

import { inspect } from 'node:util'

import test from 'ava'
import { Query } from 'mingo'

import { documents } from './differential/documents.mjs'
import { faultOf } from './differential/explain.mjs'
import { filter } from './differential/filters.mjs'
import { COMPARISONS, CONDITIONS } from './differential/known.mjs'
import { matches } from './differential/naive.mjs'
import { extent, Random } from './differential/random.mjs'
import { shrunk } from './differential/shrink.mjs'
import { memory } from './support/database.mjs'

const { cases, seed } = extent(2500)
const PER_ROUND = 50
const DOCUMENTS = 30

/** Runs a filter on a single document, in the database and in mingo. */
function asking(scratch) {
  return async (document, condition) => {
    const { _id: _, ...fields } = document
    await scratch.set(0, fields)
    return { ours: scratch.countSync(condition) === 1, theirs: new Query(condition).test({ _id: 0, ...fields }) }
  }
}

test('filters find what MongoDB says, with mingo as second opinion', async (t) => {
  const db = await memory(t)
  const ask = asking(db.collection('scratch'))
  const used = new Map()
  let differing = 0
  for (let round = 0; round * PER_ROUND < cases; round++) {
    const random = new Random(seed + round)
    const all = documents(random, DOCUMENTS)
    const collection = db.collection(`round${round}`)
    await collection.insertMany(all.map((document) => ({ ...document })))
    for (let n = 0; n < Math.min(PER_ROUND, cases - round * PER_ROUND); n++) {
      const condition = filter(random, all)
      const query = new Query(condition)
      const ours = new Set(collection.findSync(condition).map(({ _id }) => _id))
      for (const document of all) {
        const found = ours.has(document._id)
        const agrees = found === query.test(document)
        if (!agrees) differing++
        if (agrees && found === matches(document, condition)) continue
        const fault = await faultOf(document, condition, ask, used)
        if (!fault) continue
        const least = await shrunk({ document, filter: condition }, async (input) => (await faultOf(input.document, input.filter, ask, new Map())) !== undefined)
        const answers = await ask(least.document, least.filter)
        t.fail(`SEED=${seed + round}, case ${n}: ${inspect({ ...least, ...answers, plain: matches(least.document, least.filter) }, { depth: 12 })}`)
        return
      }
    }
    await collection.drop()
  }
  t.log(`${cases} filters, ${differing} answers of mingo differ: ${inspect(Object.fromEntries(used))}`)
  t.pass()
})

test('each known difference of filters is one still', async (t) => {
  const db = await memory(t)
  const ask = asking(db.collection('scratch'))
  for (const { name, example } of [...CONDITIONS, ...COMPARISONS]) {
    const { ours, theirs } = await ask(example.document, example.filter)
    t.not(ours, theirs, name)
    t.is(ours, matches(example.document, example.filter), name)
  }
})

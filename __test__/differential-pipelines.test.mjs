// Aggregation pipelines, compared with mingo: stages and expression operators for which it agrees with MongoDB, combined at
// random from a seed. Forms for which it differs are listed with MongoDB's results in differential/known-pipelines.mjs.

import { inspect, isDeepStrictEqual } from 'node:util'

import test from 'ava'
import mingo from 'mingo'

import { PIPELINES } from './differential/known-pipelines.mjs'
import { CITIES, order, pipeline } from './differential/pipelines.mjs'
import { extent, Random } from './differential/random.mjs'
import { shrunk } from './differential/shrink.mjs'
import { memory, MoltenError } from './support/database.mjs'

const { cases, seed } = extent(1000)
const PER_ROUND = 40

/** mingo has its own order of fields; sums and deviations differ in their last bits with the order of additions. */
function close(a, b) {
  if (typeof a === 'number' && typeof b === 'number') return Object.is(a, b) || Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b))
  if (typeof a !== 'object' || a === null || a instanceof Date || typeof b !== 'object' || b === null || Array.isArray(a) !== Array.isArray(b)) return isDeepStrictEqual(a, b)
  return names(a).length === names(b).length && names(a).every((name) => close(a[name], b[name]))
}

const names = (value) => Object.keys(value).filter((name) => value[name] !== undefined)
const collectionResolver = (name) => (name === 'cities' ? structuredClone(CITIES) : [])

async function ask(collection, stages) {
  try {
    return { answer: await collection.aggregate(stages).toArray() }
  } catch (error) {
    if (!MoltenError.isMoltenError(error)) throw error
    return { refused: error.message }
  }
}

function askMingo(documents, stages) {
  try {
    return { answer: mingo.aggregate(structuredClone(documents), structuredClone(stages), { collectionResolver }) }
  } catch (error) {
    return { refused: error.message }
  }
}

const agree = (ours, theirs) => (ours.answer && theirs.answer ? close(ours.answer, theirs.answer) : Boolean(ours.refused && theirs.refused))

test('pipelines make what mingo makes of the same documents', async (t) => {
  const db = await memory(t)
  await db.collection('cities').insertMany(CITIES.map((city) => ({ ...city })))
  const scratch = db.collection('round')
  const answered = { documents: 0, refused: 0 }
  for (let round = 0; round * PER_ROUND < cases; round++) {
    const random = new Random(seed + round)
    const all = random.list(20, (i) => order(random, i))
    const collection = db.collection(`round${round}`)
    await collection.insertMany(all.map((document) => ({ ...document })))
    for (let n = 0; n < Math.min(PER_ROUND, cases - round * PER_ROUND); n++) {
      const stages = pipeline(random)
      const ours = await ask(collection, stages)
      answered[ours.answer ? 'documents' : 'refused']++
      const theirs = askMingo(all, stages)
      if (agree(ours, theirs)) continue
      const fails = async (input) => {
        if (!input.all.every((document) => '_id' in document)) return false
        await scratch.deleteMany({})
        if (input.all.length > 0) await scratch.insertMany(input.all.map((document) => ({ ...document })))
        const [mine, other] = [await ask(scratch, input.stages), askMingo(input.all, input.stages)]
        return !agree(mine, other) && mine.refused?.slice(0, 50) === ours.refused?.slice(0, 50) && other.refused === theirs.refused
      }
      const least = await shrunk({ all, stages }, fails)
      await fails(least)
      t.fail(`SEED=${seed + round}, case ${n}: ${inspect({ ...least, ours: await ask(scratch, least.stages), theirs: askMingo(least.all, least.stages) }, { depth: 12 })}`)
      return
    }
    await collection.drop()
  }
  t.log(`${cases} pipelines: ${inspect(answered)}`)
  t.true(answered.documents > cases * 0.9)
})

test('each known difference of pipelines is one still, and MongoDB\'s answer is given', async (t) => {
  const db = await memory(t)
  for (const { name, documents, pipeline: stages, answer } of PIPELINES) {
    const things = db.collection('things')
    await things.deleteMany({})
    await things.insertMany(documents.map((document) => ({ ...document })))
    t.deepEqual(await things.aggregate(stages).toArray(), answer, name)
    t.notDeepEqual(askMingo(documents, stages).answer, answer, name)
  }
})

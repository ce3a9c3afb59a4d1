// One step of larger-than-memory.mjs, in its own process.
import { batchesOf, idOf, random } from './documents.mjs'

const CONCURRENT = 64

function spread(times) {
  times.sort((a, b) => a - b)
  return { median: times[times.length >> 1], p99: times[Math.floor(times.length * 0.99)], runs: times.length }
}

/** Runs an operation over and over for some seconds; microseconds of each. */
async function timed(seconds, each, operation) {
  const times = []
  const end = performance.now() + 1000 * seconds
  for (let start = performance.now(); start < end; ) {
    await operation()
    const now = performance.now()
    times.push((1000 * (now - start)) / each)
    start = now
  }
  return spread(times)
}

async function load(db, { documents }) {
  const start = performance.now()
  for (const batch of batchesOf(documents, 1000, 1)) await db.load(batch)
  await db.settle()
  return { rate: (1000 * documents) / (performance.now() - start) }
}

async function measure(db, { documents, seconds }) {
  const next = random(7)
  const id = () => idOf(Math.floor(next() * documents))
  const get = async () => {
    const wanted = id()
    if ((await db.get(wanted))?._id !== wanted) throw new Error(`${wanted} was not found`)
  }
  const many = (one) => () => Promise.all(Array.from({ length: CONCURRENT }, one))
  const update = () => db.increment(id())
  const find = async () => {
    const from = 18 + Math.floor(next() * 60)
    const found = await db.range(from, from + 10, 20)
    if (found.length !== 20 || found.some(({ age }) => age < from)) throw new Error('the range is wrong')
  }
  const figures = {}
  figures.get = await timed(seconds, 1, get)
  figures['get-64'] = await timed(seconds, CONCURRENT, many(get))
  figures.find = await timed(seconds, 1, find)
  figures.update = await timed(seconds, 1, update)
  figures['update-64'] = await timed(seconds, CONCURRENT, many(update))
  globalThis.gc()
  figures.resident = process.memoryUsage().rss / 2 ** 20
  return figures
}

process.once('message', async ({ step, peer: name, directory, memoryLimit, ...settings }) => {
  try {
    const { open, title, version, settings: note } = await import(`./peers/${name}.mjs`)
    const db = await open(directory, 'async', { memoryLimit })
    const figures = await (step === 'load' ? load : measure)(db, settings)
    await db.close()
    process.send({ title, version, settings: note, figures }, () => process.exit(0))
  } catch (error) {
    process.send({ error: error.stack ?? String(error) }, () => process.exit(1))
  }
})

// What is measured, in the order it is measured in. Each work has a name for --works, a row title and a
// unit; `better` says which direction is good.

import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CITIES, batchesOf, documentAt, idOf, random } from './documents.mjs'

export const WORKS = [
  { name: 'load', title: 'load, batches of 1,000', unit: 'documents/s', better: 'more' },
  { name: 'memory', title: 'memory after load', unit: 'bytes/document', better: 'less' },
  { name: 'get', title: 'get, awaited one by one', unit: 'gets/s', better: 'more' },
  { name: 'get-concurrent', title: '10,000 concurrent gets', unit: 'gets/s', better: 'more' },
  { name: 'get-sync', title: 'get, synchronous', unit: 'gets/s', better: 'more' },
  { name: 'find', title: 'unindexed find returning 1 %', unit: 'ms', better: 'less' },
  { name: 'update', title: 'update by id, awaited one by one', unit: 'updates/s', better: 'more' },
  { name: 'disk', title: 'bytes on disk after close', unit: 'bytes/document', better: 'less' },
  { name: 'reopen', title: 'reopen to first get', unit: 'ms', better: 'less' },
  { name: 'durable', title: 'durable insert, one by one', unit: 'inserts/s', better: 'more' },
  { name: 'durable-concurrent', title: 'durable insert, 64 concurrent', unit: 'inserts/s', better: 'more' }
]

const GETS = 20_000
const CONCURRENT_GETS = 10_000
const FINDS = 10
const UPDATES = 5_000
const DURABLE_INSERTS = 500
const DURABLE_CONCURRENT = 64
const DURABLE_CONCURRENT_INSERTS = 6_400

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function residentBytes() {
  for (let round = 0; round < 3; round++) {
    globalThis.gc()
    await pause(50)
  }
  return process.memoryUsage().rss
}

async function secondsOf(action) {
  const start = performance.now()
  await action()
  return (performance.now() - start) / 1000
}

function bytesIn(directory) {
  let sum = 0
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) sum += statSync(join(entry.parentPath ?? entry.path, entry.name)).blocks * 512
  }
  return sum
}

function fresh(directory) {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  return directory
}

function must(condition, message) {
  if (!condition) throw new Error(`wrong answer: ${message}`)
}

/** Runs the wanted works on one peer and answers `{ work: figure }`; null where the peer has no such verb. */
export async function measure(peer, { directory, documents, seed, wanted }) {
  const figures = {}
  const ids = (count) => {
    const next = random(seed + 17)
    return Array.from({ length: count }, () => idOf(Math.floor(next() * documents)))
  }
  const common = WORKS.filter((work) => !work.name.startsWith('durable'))
  if (common.some((work) => wanted.has(work.name))) {
    await measureCommon(peer, fresh(join(directory, 'common')), { figures, ids, documents, seed, wanted })
  }
  if (wanted.has('durable') || wanted.has('durable-concurrent')) {
    await measureDurable(peer, fresh(join(directory, 'durable')), { figures, seed, wanted })
  }
  return figures
}

async function measureCommon(peer, directory, { figures, ids, documents, seed, wanted }) {
  for (const _ of batchesOf(2_000, 1_000, seed)); // warms the generator, so that it is not in the memory figure
  let db = await peer.open(directory, 'fast')
  const before = await residentBytes()

  let seconds = 0
  for (const batch of batchesOf(documents, 1_000, seed)) seconds += await secondsOf(() => db.load(batch))
  seconds += await secondsOf(() => db.settle())
  figures.load = documents / seconds
  figures.memory = ((await residentBytes()) - before) / documents

  if (wanted.has('get')) {
    const wantedIds = ids(GETS)
    const run = async () => {
      for (const id of wantedIds) must((await db.get(id))._id === id, `get ${id}`)
    }
    await run()
    figures.get = GETS / (await secondsOf(run))
  }
  if (wanted.has('get-concurrent')) {
    const wantedIds = ids(CONCURRENT_GETS)
    const run = async () => {
      const found = await Promise.all(wantedIds.map((id) => db.get(id)))
      must(found.every((document, index) => document._id === wantedIds[index]), 'concurrent gets')
    }
    await run()
    figures['get-concurrent'] = CONCURRENT_GETS / (await secondsOf(run))
  }
  if (wanted.has('get-sync')) {
    if (db.getSync === null) figures['get-sync'] = null
    else {
      const wantedIds = ids(GETS)
      const run = () => {
        for (const id of wantedIds) must(db.getSync(id)._id === id, `get ${id}`)
      }
      run()
      figures['get-sync'] = GETS / (await secondsOf(run))
    }
  }
  if (wanted.has('find')) {
    const expected = (city) => Math.floor(documents / 100) + (CITIES.indexOf(city) < documents % 100 ? 1 : 0)
    const run = async () => {
      for (let index = 0; index < FINDS; index++) {
        const city = CITIES[(index * 7) % CITIES.length]
        const found = await db.find(city)
        must(found.length === expected(city), `find ${city} gave ${found.length}, not ${expected(city)}`)
      }
    }
    await run()
    figures.find = ((await secondsOf(run)) * 1000) / FINDS
  }
  if (wanted.has('update')) {
    const wantedIds = ids(UPDATES)
    figures.update =
      UPDATES /
      (await secondsOf(async () => {
        for (let index = 0; index < wantedIds.length; index++) await db.setScore(wantedIds[index], index)
      }))
    const last = wantedIds.at(-1)
    must((await db.get(last)).score === UPDATES - 1, `update of ${last}`)
  }

  await db.settle()
  await db.close()
  figures.disk = bytesIn(directory) / documents
  if (wanted.has('reopen')) {
    const [id] = ids(1)
    figures.reopen =
      1000 *
      (await secondsOf(async () => {
        db = await peer.open(directory, 'fast')
        must((await db.get(id))._id === id, `get ${id} after reopening`)
      }))
    await db.close()
  }
}

async function measureDurable(peer, directory, { figures, seed, wanted }) {
  if (!peer.durable) {
    figures.durable = null
    figures['durable-concurrent'] = null
    return
  }
  const db = await peer.open(directory, 'durable')
  let made = 0
  const some = (count) => Array.from({ length: count }, () => documentAt(made++, seed))
  for (const document of some(20)) await db.insert(document)
  if (wanted.has('durable')) {
    const documents = some(DURABLE_INSERTS)
    const seconds = await secondsOf(async () => {
      for (const document of documents) await db.insert(document)
    })
    figures.durable = DURABLE_INSERTS / seconds
  }
  if (wanted.has('durable-concurrent')) {
    const documents = some(DURABLE_CONCURRENT_INSERTS)
    let next = 0
    const writer = async () => {
      while (next < documents.length) await db.insert(documents[next++])
    }
    const seconds = await secondsOf(() => Promise.all(Array.from({ length: DURABLE_CONCURRENT }, writer)))
    figures['durable-concurrent'] = DURABLE_CONCURRENT_INSERTS / seconds
  }
  for (const index of [0, made - 1]) must((await db.get(idOf(index)))._id === idOf(index), 'durable insert')
  await db.close()
}

// Writes until it is killed: node writer.mjs <directory> <sync|async> <seed> [way]. Prints the lines of ledger.mjs. The way
// is JSON: memoryLimit, kept generations and worker threads; 0 is none.
//
// Eight loops run concurrently, in this thread or distributed over workers. Each owns its ids and awaits its own operations,
// so that at most one operation on an id is running, while operations of different loops share turns, frames and fsyncs. A
// loop also reads what it wrote. Compactions run meanwhile.

import { writeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isMainThread, threadId, Worker, workerData } from 'node:worker_threads'
import { Database } from 'moltendb-node'
import { contentOf, generator } from './ledger.mjs'

const PARTITIONS = 8
const KINDS = ['insertOne', 'set', 'replace', 'update', 'delete', 'deleteOne', 'insertMany', 'setMany', 'get']
const [directory, storage, seed, given] = workerData?.args ?? process.argv.slice(2)
const way = { memoryLimit: 0, generations: 0, workers: 0, ...JSON.parse(given ?? '{}') }

/** Written directly to the pipe: a killed process cannot lose what the operating system has. */
function say(line) {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
  for (let sent = 0; sent < bytes.length; ) {
    try {
      sent += writeSync(1, bytes, sent)
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
    }
  }
}

let number = 0

async function acknowledged(entries, write) {
  const mine = `${threadId}.${number++}`
  say(['start', mine, entries])
  await write()
  say(['done', mine])
}

function must(condition, message) {
  if (!condition) throw new Error(message)
}

/** One operation of a loop, chosen at random; `states` is id -> n for the loop's documents. */
async function step(documents, partition, states, random) {
  const known = [...states.keys()]
  const fresh = () => `${partition}-${process.pid}-${number}-${random.between(0, 1e9)}`
  const kind = known.length < 4 ? 'insertOne' : random.pick(KINDS)
  const id = kind === 'insertOne' || kind === 'set' ? fresh() : random.pick(known)
  const n = (states.get(id) ?? 0) + 1
  const put = (entries) => {
    for (const [key, state] of entries) states.set(key, state)
  }
  switch (kind) {
    case 'get': {
      const read = JSON.stringify(await documents.get(id))
      return must(read === JSON.stringify(contentOf(id, n - 1)), `get of ${id} in state ${n - 1} answers ${read}`)
    }
    case 'insertOne':
      await acknowledged([[id, n]], () => documents.insertOne(contentOf(id, n)))
      return put([[id, n]])
    case 'set':
    case 'replace':
      await acknowledged([[id, n]], () => documents.set(id, contentOf(id, n)))
      return put([[id, n]])
    case 'update':
      await acknowledged([[id, n]], async () => {
        const result = await documents.updateOne({ _id: id }, { $inc: { n: 1 }, $set: { body: contentOf(id, n).body } })
        must(result.matchedCount === 1, `updateOne of ${id} matched ${result.matchedCount}`)
      })
      return put([[id, n]])
    case 'delete':
    case 'deleteOne':
      await acknowledged([[id, null]], async () => {
        const there = kind === 'delete' ? await documents.delete(id) : (await documents.deleteOne({ _id: id })).deletedCount === 1
        must(there, `${kind} of ${id} found nothing`)
      })
      states.delete(id)
      return undefined
    default: {
      const ids = new Set(Array.from({ length: random.between(2, 40) }, (_, index) => `${fresh()}-${index}`))
      if (kind === 'setMany') ids.add(id)
      const entries = [...ids].map((key) => [key, (states.get(key) ?? 0) + 1])
      await acknowledged(entries, () =>
        kind === 'setMany'
          ? documents.setMany(entries.map(([key, state]) => [key, contentOf(key, state)]))
          : documents.insertMany(entries.map(([key, state]) => contentOf(key, state)))
      )
      return put(entries)
    }
  }
}

async function run(documents, partition) {
  const random = generator(Number(seed) * 31 + Number(partition.slice(1)))
  const states = new Map()
  for (const { _id, n } of await documents.find({ partition }).limit(60).toArray()) states.set(_id, n)
  for (;;) {
    await step(documents, partition, states, random)
    for (const id of states.keys()) {
      if (states.size <= 200) break
      states.delete(id) // no longer ours to change; it must still be there
    }
  }
}

async function compact(db, random) {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, random.between(0, 150)))
    await db.compact()
  }
}

const db = await Database.open(directory, {
  storage,
  memoryLimit: way.memoryLimit || undefined,
  retention: { generations: way.generations }
})
const partitions = workerData?.partitions ?? Array.from({ length: PARTITIONS }, (_, index) => `l${index}`)
if (isMainThread) {
  writeSync(2, 'open\n')
  compact(db, generator(Number(seed) * 37)).catch((error) => {
    console.error(error)
    process.exit(1)
  })
}
if (isMainThread && way.workers > 0) {
  const file = fileURLToPath(import.meta.url)
  for (let worker = 0; worker < way.workers; worker++) {
    const own = partitions.filter((_, index) => index % way.workers === worker)
    new Worker(file, { workerData: { args: [directory, storage, seed, given], partitions: own } }).on('error', (error) => {
      console.error(error)
      process.exit(1)
    })
  }
} else {
  await Promise.all(partitions.map((partition) => run(db.collection('documents'), partition)))
}

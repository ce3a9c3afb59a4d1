// All operations at once on documents that are mostly on disk: reads by key, cursors that stay open, indexes, $lookup,
// exports and backups during writes and compactions, also from worker threads. Each document read is compared with its whole
// content. COLD_SECONDS=60 COLD_SEED=7 npx ava __test__/cold.test.mjs runs longer, with other choices.

import { Writable } from 'node:stream'
import { once } from 'node:events'
import { MessageChannel, Worker } from 'node:worker_threads'

import test from 'ava'

import { Database, directory, onDisk } from './support/database.mjs'
import { contentOf, DOCUMENTS, idOf, isAbsent, numberOf, whole } from './support/states.mjs'

const SECONDS = Number(process.env.COLD_SECONDS ?? 1.5)
const SEED = Number(process.env.COLD_SEED ?? 1)
const PARTITIONS = 4

function generator(seed) {
  let state = seed >>> 0
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0
    let word = Math.imul(state ^ (state >>> 15), state | 1)
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61)
    return ((word ^ (word >>> 14)) >>> 0) % bound
  }
}

/** The known states of each document: the last one made, and the one being made. */
class Known {
  done = Array(DOCUMENTS).fill(0)
  begun = Array(DOCUMENTS).fill(0)

  check(document, found, least, most) {
    const states = `${idOf(document)} in states ${least} to ${most}`
    if (found === null) {
      for (let state = least; state <= most; state++) if (isAbsent(document, state)) return
      throw new Error(`${states} is missing`)
    }
    const { state } = whole(found)
    if (state < least || state > most || isAbsent(document, state)) throw new Error(`${states} has state ${state}`)
  }

  checkAll(found, least, most) {
    const byId = new Map(found.map((one) => [numberOf(one._id), one]))
    if (byId.size !== found.length) throw new Error(`${found.length - byId.size} documents were met twice`)
    for (let document = 0; document < DOCUMENTS; document++) {
      this.check(document, byId.get(document) ?? null, least[document], most[document])
    }
  }
}

/** One step of each kind; they are repeated concurrently until the time is over. */
function steps(db, known, path) {
  const c = db.collection('c')
  let copies = 0
  return {
    async write(random, partition) {
      const document = random(DOCUMENTS / PARTITIONS) * PARTITIONS + partition
      const state = known.done[document]
      const next = (known.begun[document] = state + 1)
      const [_id, content] = [idOf(document), contentOf(document, next)]
      const [was, will] = [!isAbsent(document, state), !isAbsent(document, next)]
      const { _id: _, ...fields } = content
      const must = (count) => {
        if (count !== 1) throw new Error(`${count} documents were ${_id} in state ${state}`)
      }
      if (!will) {
        if ((await c.deleteMany({ _id })).deletedCount !== Number(was)) must(0)
      } else if (!was) {
        await c.insertOne(content)
      } else if (random(3) === 0) {
        await c.set(_id, content)
      } else {
        const filter = random(2) === 0 ? { _id } : { n: state % 7, text: contentOf(document, state).text }
        must((await c.updateOne(filter, random(2) === 0 ? { $set: fields } : [{ $set: { state: next, n: next % 7, text: fields.text } }])).matchedCount)
      }
      known.done[document] = next
    },
    async get(random) {
      const wanted = [...new Set(Array.from({ length: 1 + random(4) }, () => random(DOCUMENTS)))]
      const least = wanted.map((one) => known.done[one])
      const found = wanted.length === 1 ? [await c.get(idOf(wanted[0]))] : await c.getMany(wanted.map(idOf))
      wanted.forEach((document, n) => known.check(document, found[n], least[n], known.begun[document]))
    },
    async cursor(random) {
      const least = [...known.done]
      const cursor = c.find({}, { batchSize: 1 + random(20) })
      const found = []
      const first = await cursor.next()
      const most = [...known.begun]
      if (first !== null) found.push(first)
      await new Promise((resolve) => setTimeout(resolve, random(60)))
      for await (const one of cursor) found.push(one)
      known.checkAll(found, least, most)
    },
    async index(random) {
      const n = random(7)
      for (const one of await c.find({ n }).sort({ n: 1, _id: 1 }).toArray()) if (whole(one).n !== n) throw new Error(`${one._id} is not under ${n}`)
      if (random(10) === 0) await c.createIndex({ n: 1, text: random(2) === 0 ? 1 : -1 })
      if (random(10) === 0) await c.dropIndexes()
    },
    async lookup(random) {
      const least = [...known.done]
      const pipeline = [{ $match: { _id: { $gte: random(100) } } }, { $lookup: { from: 'c', localField: 'of', foreignField: '_id', as: 'found' } }]
      const rows = await db.collection('refs').aggregate(pipeline).toArray()
      for (const { _id, found } of rows) known.check(_id, found[0] ?? null, least[_id], known.begun[_id])
    },
    async export() {
      const [least, chunks] = [[...known.done], []]
      await db.exportJSONL(new Writable({ write: (chunk, _, done) => (chunks.push(chunk), done()) }), { collections: ['c'] })
      const lines = Buffer.concat(chunks).toString().split('\n').slice(0, -1)
      known.checkAll(lines.map((text) => JSON.parse(text).document), least, [...known.begun])
    },
    async backup() {
      await new Promise((resolve) => setTimeout(resolve, 200))
      const [least, copy] = [[...known.done], `${path}-${copies++}`]
      await db.backup(copy)
      const most = [...known.begun]
      const opened = await Database.open(copy, { memoryLimit: 1 })
      known.checkAll(await opened.collection('c').find().toArray(), least, most)
      await opened.close()
    },
    async compact() {
      await db.compact()
    }
  }
}

/** Reads whole documents until the main thread stops it. */
function worker(path, options) {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { Database } = require(workerData.index)
    let over = false
    workerData.port.on('close', () => (over = true))
    import(workerData.states).then(async ({ DOCUMENTS, idOf, whole }) => {
      const db = await Database.open(workerData.path, workerData.options)
      const c = db.collection('c')
      let reads = 0
      while (!over) {
        const [one, all] = await Promise.all([c.get(idOf(reads % DOCUMENTS)), c.find({ n: reads % 7 }).toArray()])
        if (one !== null) whole(one)
        all.forEach(whole)
        reads++
      }
      await db.close()
      parentPort.postMessage(reads)
    }).catch((error) => { throw error })`
  const files = { index: new URL('../index.js', import.meta.url).pathname, states: new URL('support/states.mjs', import.meta.url).href }
  const { port1, port2 } = new MessageChannel()
  const started = new Worker(source, { eval: true, workerData: { ...files, path, options, port: port2 }, transferList: [port2] })
  return { started, stop: () => port1.close() }
}

for (const [storage, memoryLimit, generations] of [['async', 1, 0], ['sync', 1, 1], ['async', 20_000, 2]]) {
  test.serial(`everything at once finds what was written: ${storage}, memoryLimit ${memoryLimit}, ${generations} generations kept`, async (t) => {
    t.timeout(SECONDS * 1000 + 120_000)
    const path = directory(t)
    const options = { storage, memoryLimit, autoCompact: false, retention: { generations } }
    const db = await onDisk(t, options, path)
    await db.collection('refs').insertMany(Array.from({ length: DOCUMENTS }, (_, n) => ({ _id: n, of: idOf(n) })))
    const known = new Known()
    const workers = Array.from({ length: 2 }, () => worker(path, options))
    const ended = workers.map(({ started }) => Promise.race([once(started, 'message'), once(started, 'error').then(([error]) => Promise.reject(error))]))
    const until = Date.now() + SECONDS * 1000
    const times = {}
    const run = { failed: false }
    const repeat = async (name, step, seed, ...rest) => {
      const random = generator(seed)
      while (Date.now() < until && !run.failed) {
        await step(random, ...rest).catch((error) => {
          run.failed = true
          throw new Error(`${name}, COLD_SEED=${SEED}: ${error.message}`, { cause: error })
        })
        times[name] = (times[name] ?? 0) + 1
      }
    }
    const { write, ...others } = steps(db, known, path)
    const writers = Array.from({ length: PARTITIONS }, (_, partition) => repeat('write', write, SEED * 100 + partition, partition))
    await Promise.all([...writers, ...Object.entries(others).map(([name, step], n) => repeat(name, step, SEED * 100 + 50 + n))])
    workers.forEach((one) => one.stop())
    for (const [reads] of await Promise.all(ended)) t.true(reads > 0)
    t.true(['write', 'compact', ...Object.keys(others)].every((name) => times[name] > 0), JSON.stringify(times))
    known.checkAll(await db.collection('c').find().toArray(), known.done, known.done)
    await db.close()
    t.true((await Database.verify(path)).ok)
    const again = await Database.open(path, options)
    known.checkAll(await again.collection('c').find().toArray(), known.done, known.done)
    t.is(await again.collection('c').countDocuments(), known.done.filter((state, document) => !isAbsent(document, state)).length)
    await again.close()
  })
}

test('a database in memory has nowhere to read documents from, so it takes no memoryLimit', async (t) => {
  const error = await t.throwsAsync(() => Database.open(':memory:', { memoryLimit: 1000 }), { instanceOf: TypeError })
  t.regex(error.message, /takes no memoryLimit/)
})

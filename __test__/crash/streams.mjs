// kill -9 of a process that writes, compacts and reads its own changes; a change stream goes on where it was, without a gap or repeat.
//
//   node __test__/crash/streams.mjs [--events 4000] [--mode sync|async] [--longest 1500] [--seed n] [--resumptions 500]
//
// The writes are numbered, and what the number n does follows from n alone (written, deleted, in a transaction or not). Each process
// begins after the last write that it finds, resumes the stream after the last token that was told to this process, and is killed at a
// random moment. Once there are enough events, the stream is resumed after each of the last `resumptions` of them, and its events are
// compared with the log of the database.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { generator } from './ledger.mjs'

/**
 * What the write of a number does: the kind of its event, its collection, and the `_id`. Those that end with 8, 9 and 0 are one transaction,
 * in the order in which its events are told: collection by collection, deletions first.
 */
export function writeOf(n) {
  const kinds = ['insert', 'insert', 'insert', 'insert', 'insert', 'update', 'replace', 'delete', 'delete', 'insert']
  const back = { 5: 4, 6: 4, 7: 4, 8: 4 }[n % 10] ?? 0
  return { kind: kinds[n % 10], collection: n % 10 === 0 ? 'others' : 'items', id: n - back }
}

/** What makes an event that of its number. */
const told = ({ operationType, ns, documentKey }) => `${operationType} ${ns.coll} ${documentKey._id}`
const expected = (n) => {
  const { kind, collection, id } = writeOf(n)
  return `${kind} ${collection} ${id}`
}

const HERE = fileURLToPath(import.meta.url)

const highest = async (of) => (await of.find().sort({ n: -1 }).limit(1).next())?.n ?? 0

/** Writes, compacts, and prints a line for each event, until it is killed. */
async function work(directory, storage, seed, token) {
  const { Database } = await import('../../index.mjs')
  const random = generator(seed)
  const memoryLimit = random.pick([undefined, 1, 100_000])
  const db = await Database.open(directory, { storage, autoCompact: false, history: { changes: {} }, ...(memoryLimit && { memoryLimit }) })
  const [items, others] = [db.collection('items'), db.collection('others')]
  await Promise.all([items.createIndex({ n: 1 }), others.createIndex({ n: 1 })])
  let n = Math.max(await highest(items), await highest(others))
  if (n % 10 === 6 && !(await items.has(n - 3))) n += 1
  const stream = db.watch([{ $match: { operationType: { $in: ['insert', 'update', 'replace', 'delete'] } } }], token ? { resumeAfter: token } : { startAtOperationTime: new Date(0) })
  const read = async () => {
    for await (const event of stream) {
      if (!process.stdout.write(`${JSON.stringify([told(event), event._id])}\n`)) await new Promise((resolve) => process.stdout.once('drain', resolve))
    }
  }
  read().catch(fail)
  process.stderr.write('open')
  const run = async (number, of = { items, others }) => {
    const { kind, collection, id } = writeOf(number)
    if (kind === 'insert') await of[collection].insertOne({ _id: id, n: number })
    else if (kind === 'update') await of[collection].updateOne({ _id: id }, { $set: { n: number } })
    else if (kind === 'replace') await of[collection].replaceOne({ _id: id }, { n: number })
    else await of[collection].deleteOne({ _id: id })
  }
  for (;;) {
    n += 1
    if (n % 10 === 8) {
      await db.transaction(async (tx) => {
        const of = { items: tx.collection('items'), others: tx.collection('others') }
        for (let step = 0; step < 3; step++) await run(n + step, of)
      })
      n += 2
    } else await run(n)
    if (random.chance(0.002)) db.compact().catch(fail)
    // The reader has its turn: the history is bounded, and a stream that falls behind too far is not what is tested.
    if (random.chance(0.05)) await new Promise((resolve) => setTimeout(resolve, random.between(0, 2)))
  }
}

function fail(error) {
  process.stderr.write(`\n${error.stack}\n`)
  process.exit(3)
}

/** Runs one process until it is killed; its complete lines. */
function round(directory, mode, seed, token, random, longest) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [HERE, '--work', directory, mode, String(seed), JSON.stringify(token ?? null)], { stdio: ['ignore', 'pipe', 'pipe'] })
    const output = []
    const messages = []
    let timer = random.chance(1 / 8) ? setTimeout(() => child.kill('SIGKILL'), random.between(5, 300)) : undefined
    child.stdout.on('data', (bytes) => output.push(bytes))
    child.stderr.on('data', (bytes) => {
      messages.push(bytes)
      timer ??= setTimeout(() => child.kill('SIGKILL'), random.between(5, longest))
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const text = Buffer.concat(output).toString()
      if (signal === 'SIGKILL') resolve(text.slice(0, text.lastIndexOf('\n') + 1).split('\n').slice(0, -1).map((line) => JSON.parse(line)))
      else reject(new Error(`the process ended by itself (${signal ?? `code ${code}`}): ${Buffer.concat(messages)}`))
    })
  })
}

/** Resumes after each of the tokens, and compares all that is left with the documents. */
async function resumeEach(directory, storage, tokens, seen) {
  const { Database } = await import('../../index.mjs')
  const db = await Database.open(directory, { storage })
  try {
    const last = db.watch([], { resumeAfter: tokens.at(-1).token })
    let n = seen
    for (let event = await last.tryNext(); event !== null; event = await last.tryNext()) {
      n += 1
      if (told(event) !== expected(n)) throw new Error(`event ${n} at the end is ${told(event)}, not ${expected(n)}`)
    }
    await last.close()
    for (const [place, { number, token }] of tokens.entries()) {
      if (number >= n) continue
      const stream = db.watch([], place % 2 === 0 ? { resumeAfter: token } : { startAfter: token })
      const event = await stream.next()
      await stream.close()
      if (told(event) !== expected(number + 1)) throw new Error(`after event ${number} comes ${told(event)}, not ${expected(number + 1)}`)
    }
    const documents = { items: new Set(), others: new Set() }
    for (let number = 1; number <= n; number++) {
      const { kind, collection, id } = writeOf(number)
      if (kind === 'insert') documents[collection].add(id)
      else if (kind === 'delete') documents[collection].delete(id)
    }
    for (const name of Object.keys(documents)) {
      const ids = (await db.collection(name).find({}, { projection: { _id: 1 } }).toArray()).map(({ _id }) => _id)
      if (ids.length !== documents[name].size || !ids.every((id) => documents[name].has(id))) throw new Error(`${name} has not the documents of ${n} events`)
    }
    return n
  } finally {
    await db.close()
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      events: { type: 'string', default: '4000' },
      mode: { type: 'string', default: 'async' },
      longest: { type: 'string', default: '1500' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      resumptions: { type: 'string', default: '500' }
    }
  })
  if (!['sync', 'async'].includes(values.mode)) throw new TypeError(`--mode must be sync or async, not ${values.mode}`)
  const [events, longest, seed, resumptions] = ['events', 'longest', 'seed', 'resumptions'].map((name) => Number(values[name]))
  const random = generator(seed)
  const directory = mkdtempSync(join(tmpdir(), 'moltendb-streams-'))
  const database = join(directory, 'db')
  const tokens = []
  let seen = 0
  let rounds = 0
  try {
    while (seen < events) {
      rounds += 1
      for (const [event, token] of await round(database, values.mode, seed + rounds, tokens.at(-1)?.token, random, longest)) {
        seen += 1
        if (event !== expected(seen)) throw new Error(`round ${rounds}: event ${seen} is ${event}, not ${expected(seen)}`)
        tokens.push({ number: seen, token })
      }
      tokens.splice(0, tokens.length - resumptions)
    }
    const all = await resumeEach(database, values.mode, tokens, seen)
    console.log(`mode ${values.mode}, seed ${seed}: ${all} events of ${rounds} processes, resumed after each of ${tokens.length}, none missing or twice`)
    rmSync(directory, { recursive: true, force: true })
  } catch (error) {
    console.error(`${error.stack}\nseed ${seed}, mode ${values.mode}; the database is kept in ${directory}`)
    process.exitCode = 1
  }
}

if (process.argv[2] === '--work') {
  const [directory, mode, seed, token] = process.argv.slice(3)
  await work(directory, mode, Number(seed), JSON.parse(token)).catch(fail)
} else await main()

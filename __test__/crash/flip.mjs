// Damages a small, cleanly closed database at every position and reads it back through the API.
//
//   node __test__/crash/flip.mjs [--bits one|all] [--seed n] [--directory path]
//
// For each byte of each file one random bit (or all eight) is flipped; each file is truncated to each length and removed.
// Every case must be an error that names the file and an offset, or a recovery that `db.recovery` reports; what is read must
// be what was written. LOCK and OWNER hold no data: their damage may go unnoticed.

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { Database } from 'moltendb-node'
import { generator } from './ledger.mjs'

const WITHOUT_DATA = new Set(['LOCK', 'OWNER'])

async function build(directory) {
  const db = await Database.open(directory, { storage: 'sync' })
  const people = db.collection('people')
  await people.insertMany(Array.from({ length: 6 }, (_, n) => ({ _id: `p${n}`, name: `person ${n}`, tags: ['a', n], at: { n } })))
  await people.updateOne({ _id: 'p1' }, { $set: { 'name': 'changed' }, $inc: { visits: 2 } })
  await people.delete('p2')
  await db.collection('things').set(7, { _id: 7, big: 'x'.repeat(100), flag: true, none: null, half: 0.5 })
  await db.close()
  // A second session, so that the database has more than one segment.
  const again = await Database.open(directory, { storage: 'sync' })
  await again.collection('things').insertOne({ _id: 'last', text: 'written by the second session' })
  await again.close()
}

/** The content of the database: collection -> documents, read by a scan and again one by one. */
async function readAll(directory) {
  const db = await Database.open(directory, { storage: 'sync' })
  try {
    const all = {}
    for (const { name } of await db.listCollections().toArray()) {
      const collection = db.collection(name)
      all[name] = await collection.find({}).toArray()
      for (const document of all[name]) {
        const one = await collection.get(document._id)
        if (!isDeepStrictEqual(one, document)) throw new Error(`get and find disagree on ${String(document._id)}`)
      }
    }
    return { all, recovery: db.recovery }
  } finally {
    await db.close()
  }
}

/** Whether all documents read are documents written: none wrong, though some may be missing. */
function isPartOf(read, written) {
  return Object.entries(read).every(([name, documents]) =>
    documents.every((document) => (written[name] ?? []).some((other) => isDeepStrictEqual(document, other)))
  )
}

/** The outcome of one case: 'error', 'reported', 'unharmed', or a fault that starts with 'FAULT'. */
async function outcome(directory, file, written, kind) {
  let read
  try {
    read = await readAll(directory)
  } catch (error) {
    if (typeof error.kind !== 'string') return `FAULT: an error without a kind: ${error.stack}`
    if (error.kind === 'INTERNAL') return `FAULT: INTERNAL: ${error.message}`
    const text = `${error.message} ${error.file ?? ''}`
    const namesFile = text.includes(basename(file)) || (kind === 'remove' && text.includes(directory))
    const namesOffset = kind === 'remove' || Number.isInteger(error.offset) || /offset \d+/.test(error.message)
    if (!namesFile || !namesOffset) return `FAULT: ${error.kind} does not name file and offset: ${error.message}`
    return 'error'
  }
  const whole = isDeepStrictEqual(read.all, written)
  if (!isPartOf(read.all, written)) return 'FAULT: a wrong document was read in silence'
  if (read.recovery.clean !== true) return 'reported'
  if (!whole) return 'FAULT: documents are missing and nothing is reported'
  return WITHOUT_DATA.has(basename(file)) ? 'unharmed' : 'FAULT: nothing was noticed'
}

function filesOf(directory) {
  return readdirSync(directory, { recursive: true })
    .map(String)
    .filter((name) => statSync(join(directory, name)).isFile())
    .sort()
}

function* casesOf(directory, bits, random) {
  for (const file of filesOf(directory)) {
    const length = statSync(join(directory, file)).size
    for (let offset = 0; offset < length; offset++) {
      const chosen = bits === 'all' ? [0, 1, 2, 3, 4, 5, 6, 7] : [random.between(0, 7)]
      for (const bit of chosen) yield { kind: 'flip', file, what: `bit ${bit} of byte ${offset} of ${file}`, offset, bit }
    }
    for (let cut = 0; cut < length; cut++) yield { kind: 'cut', file, what: `${file} cut to ${cut} of ${length} bytes`, cut }
    yield { kind: 'remove', file, what: `${file} removed` }
  }
}

function damage(directory, { kind, file, offset, bit, cut }) {
  const path = join(directory, file)
  if (kind === 'remove') rmSync(path)
  else if (kind === 'cut') truncateSync(path, cut)
  else {
    const bytes = readFileSync(path)
    bytes[offset] ^= 1 << bit
    writeFileSync(path, bytes)
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      bits: { type: 'string', default: 'one' },
      seed: { type: 'string', default: '1' },
      directory: { type: 'string' }
    }
  })
  if (!['one', 'all'].includes(values.bits)) throw new TypeError(`--bits must be one or all, not ${values.bits}`)
  const base = mkdtempSync(join(values.directory ?? tmpdir(), 'moltendb-flip-'))
  const original = join(base, 'original')
  await build(original)
  const intact = join(base, 'intact')
  cpSync(original, intact, { recursive: true })
  const { all: written, recovery } = await readAll(intact)
  if (recovery.clean !== true) throw new Error(`the undamaged database is not clean: ${JSON.stringify(recovery)}`)
  const count = Object.values(written).reduce((sum, documents) => sum + documents.length, 0)
  if (count !== 7) throw new Error(`the undamaged database has ${count} documents, not 7`)

  const tally = { error: 0, reported: 0, unharmed: 0, fault: 0 }
  let number = 0
  for (const entry of casesOf(original, values.bits, generator(Number(values.seed)))) {
    const directory = join(base, `case-${number++}`)
    cpSync(original, directory, { recursive: true })
    damage(directory, entry)
    const result = await outcome(directory, join(directory, entry.file), written, entry.kind)
    if (result.startsWith('FAULT')) {
      tally.fault++
      if (tally.fault <= 20) console.error(`${entry.what}: ${result}`)
    } else tally[result]++
    rmSync(directory, { recursive: true, force: true })
  }
  const bytes = filesOf(original).reduce((sum, file) => sum + statSync(join(original, file)).size, 0)
  rmSync(base, { recursive: true, force: true })
  console.log(
    `${number} cases over ${bytes} bytes (seed ${values.seed}): ${tally.error} errors that name file and offset, ` +
      `${tally.reported} reported recoveries, ${tally.unharmed} in files without data, ${tally.fault} faults`
  )
  if (tally.fault > 0) process.exitCode = 1
}

await main()

// Single flipped bits in a cleanly closed database.

import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Database } from '../../index.mjs'

const FLIPS = 200
const DOCUMENTS = 400

/** Seeded pseudo-random whole numbers below a bound. */
function generator(seed) {
  let state = seed >>> 0
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0
    let word = Math.imul(state ^ (state >>> 15), state | 1)
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61)
    return Math.floor((((word ^ (word >>> 14)) >>> 0) / 2 ** 32) * bound)
  }
}

async function readAll(path) {
  const db = await Database.open(path)
  try {
    const documents = await db.collection('documents').find({}).toArray()
    return { clean: db.recovery.clean, text: JSON.stringify(documents) }
  } finally {
    await db.close()
  }
}

/** Flips one bit of a random byte of the data files, 200 times; counts errors and reported recoveries. */
export async function bitFlips({ base, seed }) {
  const original = join(base, 'original')
  const db = await Database.open(original, { storage: 'sync' })
  const body = 'x'.repeat(100)
  await db.collection('documents').insertMany(Array.from({ length: DOCUMENTS }, (_, n) => ({ _id: n, name: `n${n}`, body })))
  for (let n = 0; n < DOCUMENTS; n += 7) await db.collection('documents').updateOne({ _id: n }, { $set: { name: 'changed' } })
  await db.close()
  const written = (await readAll(original)).text
  const files = readdirSync(original).filter((name) => !['LOCK', 'OWNER'].includes(name)).sort()
  const places = files.map((name) => [name, statSync(join(original, name)).size])
  const total = places.reduce((sum, [, length]) => sum + length, 0)
  const below = generator(seed)
  let reported = 0
  let wrong = 0
  for (let n = 0; n < FLIPS; n++) {
    const path = join(base, 'flipped')
    cpSync(original, path, { recursive: true })
    let at = below(total)
    let index = 0
    while (at >= places[index][1]) at -= places[index++][1]
    const [name] = places[index]
    const bytes = readFileSync(join(path, name))
    bytes[at] ^= 1 << below(8)
    writeFileSync(join(path, name), bytes)
    try {
      const { clean, text } = await readAll(path)
      if (!clean) reported++
      else if (text !== written) wrong++
    } catch (error) {
      if (error.kind === undefined) throw error
      reported++
    }
    rmSync(path, { recursive: true })
  }
  return {
    text: `${reported} of ${FLIPS} (in ${total} bytes; ${wrong} read as another content)`,
    holds: reported === FLIPS && wrong === 0
  }
}

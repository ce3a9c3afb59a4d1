// UUIDv7 as strings: 48 bits of milliseconds, a 12-bit counter, 62 random bits. Ids of one thread sort in the order of their
// creation, even within a millisecond and when the clock goes back.

import type * as Crypto from 'node:crypto'

const POOL_IDS = 256
const ID_BYTES = 10
const COUNTER_LIMIT = 0xfff

const pool = new Uint8Array(POOL_IDS * ID_BYTES)
let used = POOL_IDS
let lastTime = 0
let counter = 0

const DIGITS = Buffer.from('0123456789abcdef')
/**
 * The last id, whose digits are replaced one by one: a string made of it is flat. One that is concatenated takes twice as long, as
 * its first reader copies it.
 */
const text = Buffer.from('00000000-0000-7000-0000-000000000000') as Buffer & { latin1Slice(start: number, end: number): string }
/** The time in it, which changes once in a millisecond. */
let textTime = 0

/** A new UUIDv7, 36 characters in lower case. */
export function uuidv7(): string {
  if (used === POOL_IDS) {
    // Loaded with the first id: loading takes longer than the rest of this package's start.
    ;(require('node:crypto') as typeof Crypto).randomFillSync(pool)
    used = 0
  }
  const at = ID_BYTES * used++
  advance(pool, at)
  if (textTime !== lastTime) {
    const time = lastTime.toString(16).padStart(12, '0')
    text.write(time.slice(0, 8) + '-' + time.slice(8), 'latin1')
    textTime = lastTime
  }
  text[15] = DIGITS[counter >> 8]!
  write(16, counter & 0xff)
  write(19, 0x80 | (pool[at + 2]! & 0x3f))
  write(21, pool[at + 3]!)
  for (let i = 4; i < ID_BYTES; i++) write(16 + 2 * i, pool[at + i]!)
  return text.latin1Slice(0, text.length)
}

/** UUIDv7 by another clock. Those of one clock sort in the order of their creation, also when it stands still or goes back. */
export function uuidsBy(clock: () => number): () => string {
  let last = -1
  let count = 0
  return () => {
    const now = Math.max(clock(), 0)
    if (now > last) [last, count] = [now, 0]
    else if (count < COUNTER_LIMIT) count += 1
    else [last, count] = [last + 1, 0]
    const time = last.toString(16).padStart(12, '0')
    const tail = uuidv7().slice(19)
    return `${time.slice(0, 8)}-${time.slice(8)}-7${count.toString(16).padStart(3, '0')}-${tail}`
  }
}

/** Writes the two digits of a byte. */
function write(at: number, byte: number): void {
  text[at] = DIGITS[byte >> 4]!
  text[at + 1] = DIGITS[byte & 15]!
}

/** Each millisecond starts its counter at a random number below half, so that two threads rarely share one. */
function advance(random: Uint8Array, at: number): void {
  const now = Date.now()
  if (now > lastTime) {
    lastTime = now
    counter = ((random[at]! << 8) | random[at + 1]!) & 0x7ff
  } else if (counter < COUNTER_LIMIT) {
    counter += 1
  } else {
    lastTime += 1
    counter = 0
  }
}

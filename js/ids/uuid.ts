// UUIDv7 as strings: 48 bits of milliseconds, a 12-bit counter, 62 random bits. Ids of one thread sort in the order of their
// creation, even within a millisecond and when the clock goes back.

import type * as Crypto from 'node:crypto'

const POOL_IDS = 256
const ID_BYTES = 10
const COUNTER_LIMIT = 0xfff

/** Two hexadecimal digits per byte; created with the first id. */
let hex: readonly string[] = []
const pool = new Uint8Array(POOL_IDS * ID_BYTES)
let used = POOL_IDS
let lastTime = 0
let counter = 0
/** The digits of `prefixTime`, as an id begins with them: they change once in a millisecond. */
let prefix = ''
let prefixTime = -1

/** A new UUIDv7, 36 characters in lower case. */
export function uuidv7(): string {
  if (used === POOL_IDS) {
    // Loaded with the first id: loading takes longer than the rest of this package's start.
    ;(require('node:crypto') as typeof Crypto).randomFillSync(pool)
    if (hex.length === 0) hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
    used = 0
  }
  const at = ID_BYTES * used++
  advance(pool, at)
  if (prefixTime !== lastTime) {
    const time = lastTime.toString(16).padStart(12, '0')
    prefix = time.slice(0, 8) + '-' + time.slice(8) + '-7'
    prefixTime = lastTime
  }
  const variant = 0x80 | (pool[at + 2]! & 0x3f)
  let tail = ''
  for (let i = at + 4; i < at + ID_BYTES; i++) tail += hex[pool[i]!]
  // The counter has three digits: the last one of the first byte, and the second byte.
  return prefix + hex[counter >> 8]![1]! + hex[counter & 0xff]! + '-' + hex[variant]! + hex[pool[at + 3]!]! + '-' + tail
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

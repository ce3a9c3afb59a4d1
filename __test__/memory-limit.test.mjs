// The option memoryLimit: its default, no limit, and what is refused.

import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'

import test from 'ava'

import { Database, memory, onDisk } from './support/database.mjs'

const limitOf = async (db) => (await db.stats()).memoryLimit

/** What Node.js says that the process may use. */
function allowed() {
  const constrained = process.constrainedMemory?.() ?? 0
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

test('the default is at most a quarter of the memory that the process may use, and some of it', async (t) => {
  const limit = await limitOf(await onDisk(t))
  // Node.js reads fewer files of control groups, and other figures of the machine.
  t.true(limit <= allowed() / 4 * 1.01 && limit > 4 << 20, `${limit} of ${allowed()}`)
  if (process.platform === 'linux' && allowed() === totalmem()) {
    const kilobytes = Number(/^MemTotal: *(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))[1])
    t.true(limit <= kilobytes * 256)
  }
})

test('a number of bytes is the limit, Infinity is none, and a database in memory has none', async (t) => {
  t.is(await limitOf(await onDisk(t, { memoryLimit: 123_456_789 })), 123_456_789)
  t.is(await limitOf(await onDisk(t, { memoryLimit: Infinity })), null)
  t.is(await limitOf(await memory(t)), null)
  t.is(await limitOf(await memory(t, { memoryLimit: Infinity })), null)
})

test('anything else is refused with what would be right', async (t) => {
  for (const memoryLimit of [0, -1, Number.NaN, -Infinity, 2 ** 53, '1 GiB', 'Infinity', true, {}]) {
    const error = await t.throwsAsync(() => Database.open('nowhere', { memoryLimit, createIfMissing: false }), { instanceOf: TypeError })
    t.regex(error.message, /option memoryLimit .*1 to 9007199254740991 bytes, or Infinity for no limit/)
  }
})

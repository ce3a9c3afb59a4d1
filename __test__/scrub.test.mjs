// The option scrub: all files of an open database are read again, and damage is told by stats.

import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

import test from 'ava'

import { Database, directory, memory, onDisk, rejectsType } from './support/database.mjs'

const documents = (from, count = 2_000) => Array.from({ length: count }, (_, n) => ({ _id: from + n, n, text: `text ${n} ${'x'.repeat(200)}` }))
const fast = { interval: 1, bytesPerSecond: 2 ** 40 }

/** The statistics after a pass that begins from now on. */
async function afterAPass(db) {
  const { passes } = (await db.stats()).scrub
  for (;;) {
    const { scrub } = await db.stats()
    if (scrub.passes >= passes + 2 && !scrub.running) return scrub
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

async function flip(path, at) {
  const file = await open(path, 'r+')
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at)
  buffer[0] ^= 0x20
  await file.write(buffer, 0, 1, at)
  await file.close()
}

test('a byte that changes in a file of an open database is told, with file and offset, until it is whole again', async (t) => {
  const path = directory(t)
  const before = await Database.open(path)
  await before.collection('c').insertMany(documents(0, 6_000))
  await before.collection('c').createIndex({ n: 1 })
  await before.compact()
  await before.collection('c').insertMany(documents(10_000))
  await before.close()
  const db = await onDisk(t, { scrub: fast }, path)
  const whole = await afterAPass(db)
  t.is(whole.errors, 0)
  t.deepEqual(whole.damage, [])
  t.true(whole.bytesRead > 800_000 && whole.bytesTotal >= whole.bytesRead / 2, JSON.stringify(whole))
  t.true(whole.completedAt <= Date.now() && whole.completedAt > Date.now() - 3_600_000)
  const names = await readdir(path)
  for (const kind of ['snap-', 'seg-', 'chk-']) {
    const name = names.filter((one) => one.startsWith(kind)).toSorted()[0]
    await flip(join(path, name), 20_000)
    const { errors, damage } = await afterAPass(db)
    t.true(errors > 0, name)
    t.is(damage[0].file, name)
    t.true(damage[0].offset <= 20_000 && damage[0].message.includes(`${name} is damaged at offset ${damage[0].offset}`), damage[0].message)
    await flip(join(path, name), 20_000)
    t.is((await afterAPass(db)).errors, 0)
  }
})

test('compactions and writes beside it are not taken for damage', async (t) => {
  const db = await onDisk(t, { scrub: fast })
  const c = db.collection('c')
  for (let round = 0; round < 8; round++) {
    await c.insertMany(documents(round * 10_000))
    await c.deleteMany({ n: { $gt: 1_000 } })
    await db.compact()
    t.deepEqual((await db.stats()).scrub.damage, [])
  }
  t.is((await afterAPass(db)).errors, 0)
})

test('a close stops a slow one; without the option, and in memory, there is none', async (t) => {
  const path = directory(t)
  const db = await Database.open(path, { scrub: { bytesPerSecond: 1024 } })
  await db.collection('c').insertMany(documents(0))
  await db.close()
  const again = await Database.open(path, { scrub: { bytesPerSecond: 1024 } })
  while (!(await again.stats()).scrub.running) await new Promise((resolve) => setTimeout(resolve, 2))
  t.is((await again.stats()).scrub.passes, 0)
  await again.close()
  t.is((await (await onDisk(t)).stats()).scrub, null)
  t.is((await (await memory(t, { scrub: {} })).stats()).scrub, null)
})

test('wrong options are refused', async (t) => {
  for (const [scrub, message] of [
    [true, /option scrub/], [{ every: 1 }, /option scrub.*no option "every"/], [{ interval: 0 }, /option scrub\.interval .*1 to 31536000000 milliseconds/],
    [{ interval: '1 day' }, /scrub\.interval/], [{ bytesPerSecond: 1000 }, /option scrub\.bytesPerSecond .*1024 to/]
  ]) await rejectsType(t, () => Database.open('nowhere', { scrub, createIfMissing: false }), message)
})

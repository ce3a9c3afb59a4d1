import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { Database } from '../index.mjs'

const COUNT = 20_000
const text = 'x'.repeat(60)

test.beforeEach(async (t) => {
  t.context.path = join(await mkdtemp(join(tmpdir(), 'moltendb-early-')), 'db')
  const db = await Database.open(t.context.path)
  const users = db.collection('users')
  await users.createIndex({ city: 1 })
  for (let from = 0; from < COUNT; from += 5_000) {
    await users.insertMany(Array.from({ length: 5_000 }, (_, n) => ({ _id: `user-${from + n}`, city: n % 100, text })))
  }
  await users.updateOne({ _id: 'user-7' }, { $set: { city: 'moved' } })
  await users.deleteOne({ _id: 'user-8' })
  await db.close()
})

test.afterEach.always((t) => rm(join(t.context.path, '..'), { recursive: true, force: true }))

const checkpoints = async (path) => (await readdir(path)).filter((name) => name.endsWith('.chk'))

test('a large database answers the same while its log is read and afterwards', async (t) => {
  const { path } = t.context
  for (let round = 0; round < 3; round++) {
    const db = await Database.open(path)
    const users = db.collection('users')
    for (let after = 0; after < 2; after++) {
      t.is(await users.createIndex({ city: 1 }), 'city_1')
      t.deepEqual(await users.get('user-19999'), { _id: 'user-19999', city: 99, text })
      t.is((await users.findOne({ _id: 'user-7' })).city, 'moved')
      t.falsy(await users.get('user-8'))
      t.is(users.getSync('user-6').city, 6)
      t.true(users.hasSync('user-6'))
      t.false(users.hasSync('user-8'))
      const many = await users.getMany(['user-1', 'user-8', 'user-2'])
      t.deepEqual(many.map((one) => one?.city ?? 'none'), [1, 'none', 2])
      if (after === 0) await db.stats()
    }
    t.is(await users.countDocuments({ city: 6 }), COUNT / 100)
    t.is(await users.countDocuments(), COUNT - 1)
    t.true(db.recovery.clean)
    if (round === 1) await users.insertOne({ _id: 'user-8', city: 8 }).then(() => users.deleteOne({ _id: 'user-8' }))
    await db.close()
    const [name, ...more] = await checkpoints(path)
    t.deepEqual(more, [])
    if (process.platform !== 'win32') t.is((await stat(join(path, name))).mode & 0o777, 0o600)
  }
})

test('damage that is found after opening rejects every operation, and close', async (t) => {
  const { path } = t.context
  const segment = (await readdir(path)).find((name) => name.endsWith('.log'))
  const bytes = await readFile(join(path, segment))
  bytes[bytes.length >> 1] ^= 4
  await writeFile(join(path, segment), bytes)
  const db = await Database.open(path)
  const users = db.collection('users')
  const told = await t.throwsAsync(() => users.countDocuments({ city: 6 }))
  t.is(told.kind, 'CORRUPT')
  t.is(told.file, join(path, segment))
  t.true(told.offset > 0)
  for (const refused of [() => users.get('user-1'), () => users.insertOne({}), () => db.stats(), () => db.close()]) {
    const { kind, file, offset } = await t.throwsAsync(refused)
    t.deepEqual({ kind, file, offset }, { kind: 'CORRUPT', file: told.file, offset: told.offset })
  }
})

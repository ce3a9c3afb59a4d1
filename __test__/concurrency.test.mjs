import test from 'ava'

import { collection, memory, onDisk } from './support/database.mjs'

test('readers and writers of many collections run side by side', async (t) => {
  const db = await onDisk(t)
  const work = Array.from({ length: 20 }, async (_, c) => {
    const items = db.collection(`c${c}`)
    for (let i = 0; i < 20; i++) {
      await items.insertMany([{ _id: i, n: i }, { _id: `s${i}`, n: i }])
      await items.updateOne({ _id: i }, { $inc: { n: 100 } })
      if (i % 3 === 0) await items.deleteOne({ _id: `s${i}` })
    }
    return items.countDocuments()
  })
  t.true((await Promise.all(work)).every((count) => count === 33))
})

test('an awaited write is seen by every read after it', async (t) => {
  const users = await collection(t)
  for (let i = 0; i < 300; i++) {
    await users.set(i, { i })
    t.is((await users.get(i))?.i, i)
    t.is(users.getSync(i)?.i, i)
    t.is((await users.findOne({ i }))?._id, i)
  }
})

test('of concurrent inserts of one _id exactly one wins', async (t) => {
  const users = await collection(t)
  for (let round = 0; round < 20; round++) {
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, n) => users.insertOne({ _id: round, n })))
    t.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  }
})

test('optimistic updates by ifVersion lose nothing', async (t) => {
  const users = await collection(t, [{ _id: 1, n: 0 }])
  const add = async () => {
    for (;;) {
      const { value, version } = await users.get(1, { meta: true })
      try {
        return await users.set(1, { n: value.n + 1 }, { ifVersion: version })
      } catch (error) {
        if (error.kind !== 'CONFLICT') throw error
      }
    }
  }
  await Promise.all(Array.from({ length: 50 }, add))
  t.is((await users.get(1)).n, 50)
})

test('databases opened and closed over and over leave nothing behind', async (t) => {
  for (let i = 0; i < 50; i++) {
    const db = await memory(t)
    await db.collection('users').insertOne({ _id: i })
    t.is(await db.collection('users').countDocuments(), 1)
    await db.close()
  }
})

import { setMaxListeners } from 'node:events'

import test from 'ava'

import { collection, rejectsType, rejectsWith } from './support/database.mjs'

/** Documents for which a filter takes long. */
const many = Array.from({ length: 60_000 }, (_, i) => ({ _id: i, text: `${'ab'.repeat(200)}${i}` }))
const slow = { $nor: Array.from({ length: 12 }, (_, i) => ({ text: { $regex: `(a|b|ab)*${i}x{3}$` } })) }

test('maxTimeMS ends scans with TIMEOUT', async (t) => {
  const users = await collection(t, many)
  const began = Date.now()
  const error = await rejectsWith(t, 'TIMEOUT', users.countDocuments(slow, { maxTimeMS: 5 }), /users\.countDocuments: operation exceeded time limit/)
  t.is(error.code, 50)
  await rejectsWith(t, 'TIMEOUT', users.find(slow).maxTimeMS(5).toArray())
  await rejectsWith(t, 'TIMEOUT', users.find(slow, { maxTimeMS: 5, sort: { text: 1 } }).toArray())
  await rejectsWith(t, 'TIMEOUT', users.distinct('text', slow, { maxTimeMS: 5 }))
  await rejectsWith(t, 'TIMEOUT', users.updateMany(slow, { $set: { a: 1 } }, { maxTimeMS: 5 }))
  await rejectsWith(t, 'TIMEOUT', users.findOneAndDelete({ $and: [slow, { text: 5 }] }, { maxTimeMS: 5 }))
  t.true(Date.now() - began < 10_000)
  t.is(await users.countDocuments({}, { maxTimeMS: 60_000 }), 60_000)
  t.is((await users.find({}).maxTimeMS(60_000).toArray()).length, 60_000)
})

test('an abort rejects with its reason and stops the work', async (t) => {
  const users = await collection(t, many)
  const controller = new AbortController()
  setMaxListeners(40, controller.signal)
  const counts = Array.from({ length: 30 }, () => users.countDocuments(slow, { signal: controller.signal }))
  const settled = Promise.allSettled(counts)
  setTimeout(() => controller.abort(new Error('enough')), 20)
  for (const { status, reason } of await settled) t.is(status === 'rejected' && reason.message, 'enough')
  // If the scans were still running, this would wait for all of them.
  const began = Date.now()
  t.is(await users.countDocuments({ text: 5 }), 0)
  t.true(Date.now() - began < 5_000)
})

test('an abort before the submission reaches the core', async (t) => {
  const users = await collection(t, many)
  const controller = new AbortController()
  const count = users.countDocuments(slow, { signal: controller.signal })
  controller.abort()
  await t.throwsAsync(count, { name: 'AbortError', any: true })
  t.is(await users.countDocuments({ _id: 1 }), 1)
})

test('a wrong time is a TypeError', async (t) => {
  const users = await collection(t)
  await rejectsType(t, () => users.countDocuments({}, { maxTimeMS: -1 }), /option maxTimeMS must be a whole number/)
  await rejectsType(t, () => users.find().maxTimeMS('x'), /maxTimeMS/)
})

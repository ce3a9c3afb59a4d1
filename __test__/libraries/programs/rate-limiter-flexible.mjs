// Rate limits with rate-limiter-flexible.

import assert from 'node:assert/strict'

import { RateLimiterMongo } from 'rate-limiter-flexible'

import { clientOf, open } from '../support.mjs'

const db = await open()
const limiter = new RateLimiterMongo({ storeClient: clientOf(db), dbName: db.databaseName, tableName: 'limits', points: 5, duration: 60 })
await limiter.createIndexes()
for (let n = 1; n <= 5; n++) {
  const { consumedPoints, remainingPoints } = await limiter.consume('ann')
  assert.deepEqual([consumedPoints, remainingPoints], [n, 5 - n])
}
await assert.rejects(limiter.consume('ann'), ({ consumedPoints, msBeforeNext }) => consumedPoints === 6 && msBeforeNext > 0)
assert.equal((await limiter.consume('bob', 2)).remainingPoints, 3)
assert.equal((await limiter.get('ann')).consumedPoints, 6)
assert.equal((await limiter.penalty('bob', 2)).consumedPoints, 4)
assert.equal((await limiter.reward('bob', 1)).consumedPoints, 3)
await limiter.block('eve', 60)
await assert.rejects(limiter.consume('eve'))
assert.equal(await limiter.delete('ann'), true)
assert.equal(await limiter.get('ann'), null)
// Many at once: no point is lost.
const answers = await Promise.allSettled(Array.from({ length: 40 }, () => limiter.consume('many')))
assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 5)
assert.equal((await limiter.get('many')).consumedPoints, 40)
await db.close()

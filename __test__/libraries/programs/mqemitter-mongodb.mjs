// Messages with mqemitter-mongodb: a capped collection and a tailable cursor.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'

import mqemitter from 'mqemitter-mongodb'

import { open } from '../support.mjs'

// It compares ids that it makes with those of the messages: both are of its own copy of the driver.
const require = createRequire(import.meta.url)
const { ObjectId } = createRequire(require.resolve('mqemitter-mongodb'))('mongodb')
const db = await open({ bson: { ObjectId }, pkFactory: { createPk: () => new ObjectId() } })
const [first, second] = [mqemitter({ db }), mqemitter({ db })]
await Promise.all([first, second].map((emitter) => once(emitter.status, 'stream')))
const got = []
const both = new Promise((resolve) => {
  const note = (who) => (message, done) => {
    got.push(`${who} ${message.text}`)
    if (got.length === 2) resolve()
    done()
  }
  first.on('hello', note('first'), () => second.on('hello', note('second'), () => first.emit({ topic: 'hello', text: 'world' })))
})
await both
assert.deepEqual(got.sort(), ['first world', 'second world'])
assert.equal(await db.collection('pubsub').isCapped(), true)
await promisify(first.close.bind(first))()
await promisify(second.close.bind(second))()
await db.close()

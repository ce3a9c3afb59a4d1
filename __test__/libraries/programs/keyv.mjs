// A cache with Keyv over the store of examples/keyv. Keyv's own tests of stores are run by `keyv.suite.mjs`.

import assert from 'node:assert/strict'

import Keyv from 'keyv'

import { MoltenStore } from '../../../examples/keyv/store.mjs'
import { open } from '../support.mjs'

const db = await open()
const cache = new Keyv({ store: new MoltenStore(db.collection('cache')), namespace: 'pages' })
await cache.set('/', { html: '<p>' }, 60_000)
assert.deepEqual(await cache.get('/'), { html: '<p>' })
await cache.set('/old', 1, 1)
await new Promise((resolve) => setTimeout(resolve, 5))
assert.equal(await cache.get('/old'), undefined)
assert.equal(await cache.delete('/'), true)
await cache.clear()
await db.close()

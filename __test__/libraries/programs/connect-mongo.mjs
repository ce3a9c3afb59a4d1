// Sessions of Express with connect-mongo.

import assert from 'node:assert/strict'
import { promisify } from 'node:util'

import MongoStore from 'connect-mongo'

import { clientOf, open } from '../support.mjs'

const db = await open()
const store = MongoStore.create({ client: clientOf(db), stringify: false, touchAfter: 0 })
const [get, set, touch, destroy, length, all, clear] = ['get', 'set', 'touch', 'destroy', 'length', 'all', 'clear'].map((name) => promisify(store[name].bind(store)))
const cookie = (ms) => ({ originalMaxAge: ms, expires: new Date(Date.now() + ms), httpOnly: true, path: '/' })
await set('s1', { cookie: cookie(60_000), user: 'ann', visits: 1 })
await set('s1', { cookie: cookie(60_000), user: 'ann', visits: 2 })
await set('s2', { cookie: cookie(60_000), user: 'bob', visits: 1 })
await set('s3', { cookie: cookie(-1), user: 'old' })
assert.equal((await get('s1')).visits, 2)
assert.equal(await get('s3') ?? null, null)
assert.equal(await get('none') ?? null, null)
await touch('s2', { cookie: cookie(120_000) })
assert.ok((await length()) >= 2)
assert.ok((await all()).some(({ user }) => user === 'bob'))
await destroy('s1')
assert.equal(await get('s1') ?? null, null)
const [index] = (await db.collection('sessions').indexes()).filter(({ name }) => name === 'expires_1')
assert.equal(index.expireAfterSeconds, 0)
await clear()
assert.equal(await length(), 0)
await store.close()
await db.close()

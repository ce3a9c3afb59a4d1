// Users, accounts and sessions of Auth.js with @auth/mongodb-adapter.

import assert from 'node:assert/strict'

import { MongoDBAdapter } from '@auth/mongodb-adapter'

import { clientOf, open } from '../support.mjs'

const db = await open()
const adapter = MongoDBAdapter(Promise.resolve(clientOf(db)))
const user = await adapter.createUser({ email: 'ann@example.org', emailVerified: null, name: 'Ann' })
assert.match(user.id, /^[0-9a-f]{24}$/)
assert.deepEqual(await adapter.getUser(user.id), user)
assert.deepEqual(await adapter.getUserByEmail('ann@example.org'), user)
assert.equal((await adapter.updateUser({ id: user.id, name: 'Anna' })).name, 'Anna')
await adapter.linkAccount({ userId: user.id, provider: 'github', providerAccountId: '1', type: 'oauth' })
assert.equal((await adapter.getUserByAccount({ provider: 'github', providerAccountId: '1' })).id, user.id)
const expires = new Date(Date.now() + 60_000)
await adapter.createSession({ sessionToken: 't', userId: user.id, expires })
const { session, user: owner } = await adapter.getSessionAndUser('t')
assert.deepEqual([session.expires, owner.id], [expires, user.id])
const later = new Date(Date.now() + 120_000)
assert.deepEqual((await adapter.updateSession({ sessionToken: 't', expires: later })).expires, later)
await adapter.deleteSession('t')
assert.equal(await adapter.getSessionAndUser('t'), null)
await adapter.createVerificationToken({ identifier: 'ann', token: 'x', expires })
assert.equal((await adapter.useVerificationToken({ identifier: 'ann', token: 'x' })).token, 'x')
assert.equal(await adapter.useVerificationToken({ identifier: 'ann', token: 'x' }), null)
await adapter.unlinkAccount({ provider: 'github', providerAccountId: '1' })
await adapter.deleteUser(user.id)
assert.equal(await adapter.getUser(user.id), null)
await db.close()

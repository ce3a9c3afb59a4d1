// Jobs with agenda: they are stored, locked, run and repeated.

import assert from 'node:assert/strict'
import { once } from 'node:events'

import { MongoBackend } from '@agendajs/mongo-backend'
import { Agenda } from 'agenda'

import { open } from '../support.mjs'

const db = await open()
const agenda = new Agenda({ backend: new MongoBackend({ mongo: db }), processEvery: 50 })
const ran = []
agenda.define('greet', async ({ attrs }) => {
  ran.push(attrs.data.name)
})
agenda.define('fail', async () => {
  throw new Error('as it is meant to')
})
await agenda.start()
await agenda.now('greet', { name: 'ann' })
await once(agenda, 'success:greet')
assert.deepEqual(ran, ['ann'])
await agenda.schedule(new Date(Date.now() + 100), 'greet', { name: 'bob' })
await once(agenda, 'success:greet')
assert.deepEqual(ran, ['ann', 'bob'])
const failed = once(agenda, 'fail:fail')
await agenda.now('fail', {})
await failed
const jobs = db.collection('agendaJobs')
assert.equal(await jobs.countDocuments({ failReason: 'as it is meant to' }), 1)
const repeated = once(agenda, 'success:greet')
await agenda.every('1 hour', 'greet', { name: 'eva' })
await repeated
assert.equal(await jobs.countDocuments({ repeatInterval: '1 hour' }), 1)
assert.ok(await agenda.cancel({ name: 'greet' }) >= 1)
await agenda.stop()
await db.close()
// agenda leaves timers behind.
process.exit()

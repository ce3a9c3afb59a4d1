// A Feathers service over a collection. Its own tests of adapters are run by `feathers.suite.cjs`.

import assert from 'node:assert/strict'

import { feathers } from '@feathersjs/feathers'
import { MongoDBService } from '@feathersjs/mongodb'

import { open } from '../support.mjs'

const db = await open()
const app = feathers().use('people', new MongoDBService({ Model: db.collection('people'), multi: true, paginate: { default: 2, max: 10 } }))
const people = app.service('people')
const events = []
people.on('created', ({ name }) => events.push(name))
const [ann] = await people.create([{ name: 'ann', age: 36 }, { name: 'bob', age: 20 }, { name: 'eva', age: 50 }])
assert.deepEqual(events, ['ann', 'bob', 'eva'])
assert.equal((await people.get(ann._id.toString())).name, 'ann')
assert.deepEqual((await people.find({ query: { age: { $gt: 30 }, $sort: { age: -1 } } })).data.map(({ name }) => name), ['eva', 'ann'])
assert.equal((await people.find()).total, 3)
assert.equal((await people.patch(ann._id, { $inc: { age: 1 } })).age, 37)
await assert.rejects(people.get('no such id'), { name: 'NotFound' })
assert.equal((await people.remove(null, { query: { age: { $lt: 30 } } })).length, 1)
await db.close()

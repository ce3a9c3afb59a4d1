// Models with papr: schemas become validators, defaults and timestamps are set by the library.

import assert from 'node:assert/strict'

import Papr, { schema, types } from 'papr'

import { open } from '../support.mjs'

const db = await open()
const papr = new Papr()
papr.initialize(db)
const User = papr.model('users', schema({ name: types.string({ required: true }), age: types.number({ minimum: 0 }), role: types.enum(['user', 'admin'], { required: true }) },
  { defaults: { role: 'user' }, timestamps: true }))
await papr.updateSchemas()
await papr.updateSchemas()
const ann = await User.insertOne({ name: 'ann', age: 36 })
assert.equal(ann.role, 'user')
assert.ok(ann.createdAt instanceof Date)
await User.insertMany([{ name: 'bob', age: 20 }, { name: 'eva', age: 50, role: 'admin' }])
await assert.rejects(User.insertOne({ name: 'max', age: -1 }), { code: 121 })
assert.deepEqual((await User.find({ age: { $gt: 30 } }, { sort: { age: -1 }, projection: { name: 1 } })).map(({ name }) => name), ['eva', 'ann'])
assert.equal((await User.findById(ann._id)).name, 'ann')
const older = await User.findOneAndUpdate({ name: 'ann' }, { $inc: { age: 1 } })
assert.equal(older.age, 37)
assert.ok(older.updatedAt >= ann.updatedAt)
await User.upsert({ name: 'new' }, { $set: { age: 1 } })
assert.equal(await User.countDocuments({}), 4)
await User.bulkWrite([{ updateOne: { filter: { name: 'bob' }, update: { $set: { age: 21 } } } }, { deleteOne: { filter: { name: 'new' } } }])
assert.deepEqual(await User.distinct('age', {}), [37, 21, 50])
assert.deepEqual(await User.aggregate([{ $group: { _id: '$role', n: { $sum: 1 } } }, { $sort: { _id: 1 } }]), [{ _id: 'admin', n: 1 }, { _id: 'user', n: 2 }])
assert.equal((await User.findOneAndDelete({ name: 'bob' })).name, 'bob')
await User.deleteMany({})
await db.close()

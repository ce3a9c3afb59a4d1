// Queries built with mquery over a collection.

import assert from 'node:assert/strict'

import mquery from 'mquery'

import { open } from '../support.mjs'

const db = await open()
const items = db.collection('items')
await items.insertMany(Array.from({ length: 50 }, (_, n) => ({ _id: n, k: n % 5, name: `n${n}`, at: { x: n } })))
// Without this mquery hands over `fields`, the name of older drivers, which is refused.
mquery.prototype.$useProjection = true
const found = await mquery().collection(items).find({ k: 2 }).where('at.x').gte(10).lt(40).sort({ _id: -1 }).limit(3).select('name')
assert.deepEqual(found, [37, 32, 27].map((n) => ({ _id: n, name: `n${n}` })))
assert.equal((await mquery().collection(items).findOne({ name: 'n7' }))._id, 7)
assert.equal(await mquery().collection(items).where('k').in([1, 2]).countDocuments(), 20)
assert.deepEqual(await mquery().collection(items).distinct({ _id: { $lt: 3 } }, 'k'), [0, 1, 2])
assert.equal((await mquery().collection(items).updateMany({ k: 1 }, { $set: { one: true } })).modifiedCount, 10)
assert.equal((await mquery().collection(items).findOneAndUpdate({ _id: 3 }, { $inc: { k: 10 } }, { returnDocument: 'after' })).k, 13)
assert.equal((await mquery().collection(items).deleteMany({ k: 4 })).deletedCount, 10)
assert.equal(await mquery().collection(items).estimatedDocumentCount(), 40)
delete mquery.prototype.$useProjection
assert.equal((await mquery().collection(items).find({ k: 2 })).length, 10)
await db.close()

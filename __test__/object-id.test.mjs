// ObjectIds created here: without an argument a new one, in bson's layout.

import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

import test from 'ava'
import * as bson from 'bson'

import { ObjectId } from '../index.mjs'
import { Database, memory, rejectsType } from './support/database.mjs'

const seconds = () => Math.floor(Date.now() / 1000)

test('without an argument, or with null, each is another one', (t) => {
  const made = new Set(Array.from({ length: 100_000 }, (_, n) => new ObjectId(n % 2 ? null : undefined).toHexString()))
  t.is(made.size, 100_000)
  for (const hex of made) if (!/^[0-9a-f]{24}$/.test(hex)) return t.fail(hex)
})

test('one begins with the time, goes on with the process, and ends with a count', (t) => {
  const before = seconds()
  const [first, second] = [new ObjectId(), new ObjectId()]
  t.true(first.id.readUInt32BE(0) >= before && first.id.readUInt32BE(0) <= seconds())
  t.deepEqual(second.id.subarray(4, 9), first.id.subarray(4, 9))
  t.is(second.id.readUIntBE(9, 3), (first.id.readUIntBE(9, 3) + 1) % 2 ** 24)
  t.is(new bson.ObjectId(first.toHexString()).getTimestamp().getTime(), first.id.readUInt32BE(0) * 1000)
})

test('another process makes others', (t) => {
  const index = fileURLToPath(new URL('../index.js', import.meta.url))
  const other = execFileSync(process.execPath, ['-p', `new (require(${JSON.stringify(index)}).ObjectId)().toHexString()`], { encoding: 'utf8' }).trim()
  t.not(other.slice(8, 18), new ObjectId().toHexString().slice(8, 18))
})

test('a new one is stored as an _id and found again, also from a pkFactory', async (t) => {
  const db = await memory(t)
  const _id = new ObjectId()
  await db.collection('things').insertOne({ _id, owner: new ObjectId() })
  t.true((await db.collection('things').findOne({ _id }))._id.equals(_id))
  const made = db.collection('made', { pkFactory: { createPk: () => new ObjectId() } })
  const { insertedId } = await made.insertOne({ a: 1 })
  t.true(insertedId instanceof ObjectId)
  t.is((await made.get(insertedId)).a, 1)
})

test('anything else is a TypeError that says what one is made from', (t) => {
  for (const wrong of [5, true, {}, [], 'x', '', new Uint8Array(11), new Uint8Array(13), new Uint16Array(6), new Uint16Array(12), 'g'.repeat(24), Symbol('x'), 1n, { byteLength: 12 }]) {
    t.throws(() => new ObjectId(wrong), { instanceOf: TypeError, message: 'an ObjectId is made from 12 bytes, from 24 hexadecimal digits, from an ObjectId or from nothing' })
    t.false(ObjectId.isValid(wrong))
  }
})

test('one is made from another, from a time, from digits and from base64, as with bson', (t) => {
  const id = new ObjectId()
  const other = new bson.ObjectId()
  t.true(new ObjectId(id).equals(id) && new ObjectId(other).equals(other))
  t.not(new ObjectId(id).id, id.id)
  for (const right of [id, other, id.id, id.toHexString(), id.toHexString().toUpperCase()]) t.true(ObjectId.isValid(right))
  t.is(id.getTimestamp().getTime(), new bson.ObjectId(id.toHexString()).getTimestamp().getTime())
  t.is(ObjectId.createFromTime(1_700_000_000).toHexString(), bson.ObjectId.createFromTime(1_700_000_000).toHexString())
  t.is(ObjectId.createFromHexString(other.toHexString()).toHexString(), other.toHexString())
  const base64 = id.id.toString('base64')
  t.is(ObjectId.createFromBase64(base64).toHexString(), bson.ObjectId.createFromBase64(base64).toHexString())
  t.is(new ObjectId(ObjectId.generate(5)).getTimestamp().getTime(), 5000)
  for (const wrong of [-1, 0.5, 2 ** 32, '5', NaN]) t.throws(() => ObjectId.createFromTime(wrong), { instanceOf: TypeError, message: /whole seconds since 1970/ })
  for (const wrong of [5, 'x', undefined, id]) {
    t.throws(() => ObjectId.createFromHexString(wrong), { instanceOf: TypeError, message: /24 hexadecimal digits/ })
    t.throws(() => ObjectId.createFromBase64(wrong), { instanceOf: TypeError, message: /16 digits of base64/ })
  }
})

test('instanceof knows the ObjectIds of another evaluation of the package, and no others', (t) => {
  const require = createRequire(import.meta.url)
  const path = require.resolve('../index.js')
  const first = require(path)
  delete require.cache[path]
  const { ObjectId: Other } = require(path)
  require.cache[path].exports = first
  t.not(Other, ObjectId)
  t.true(new ObjectId() instanceof Other && new Other() instanceof ObjectId)
  for (const no of [new bson.ObjectId(), {}, null, 'x', ObjectId]) t.false(no instanceof ObjectId)
})

test('the option bson takes the module whose class ObjectIds are of when they are read', async (t) => {
  const db = await memory(t, { bson })
  const items = db.collection('items')
  await items.insertOne({ _id: new bson.ObjectId(), other: new ObjectId() })
  const found = await items.findOne()
  t.true(found._id instanceof bson.ObjectId && found.other instanceof bson.ObjectId)
  for (const given of [5, {}, { ObjectId: 5 }, 'bson']) await rejectsType(t, () => Database.open(':memory:', { bson: given }), /option bson must be the module/)
  await rejectsType(t, () => Database.open(':memory:', { bson, ObjectId: bson.ObjectId }), /give one of them/)
})

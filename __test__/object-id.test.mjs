// ObjectIds created here: without an argument a new one, in bson's layout.

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import test from 'ava'
import { ObjectId as BsonObjectId } from 'bson'

import { ObjectId } from '../index.mjs'
import { memory } from './support/database.mjs'

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
  t.is(new BsonObjectId(first.toHexString()).getTimestamp().getTime(), first.id.readUInt32BE(0) * 1000)
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
    t.throws(() => new ObjectId(wrong), { instanceOf: TypeError, message: 'an ObjectId is made from 12 bytes, from 24 hexadecimal digits or from nothing' })
  }
})

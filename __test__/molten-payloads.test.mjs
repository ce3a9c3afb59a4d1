// The payloads of MoltenDB: the table of calls, which the real one is asked too (scripts/proofs/molten.mjs), and what is refused.

import test from 'ava'

import { memory, rejectsType, rejectsWith } from './support/database.mjs'
import { CALLS } from './support/molten-calls.mjs'

/** An answer without what differs from run to run. */
function plain(answer) {
  if (Array.isArray(answer)) return answer.map(plain)
  if (typeof answer !== 'object' || answer === null) return answer
  const { createdAt: _createdAt, modifiedAt: _modifiedAt, ids: _ids, ...rest } = answer
  for (const [name, field] of Object.entries(rest)) if (field?._v !== undefined) rest[name] = plain(field)
  if (/^[\da-f]{8}-/.test(rest._key)) delete rest._key
  return rest
}

test('every call of the table is answered as it says, in order', async (t) => {
  for (const release of ['0.6', '1.0']) {
    const db = await memory(t)
    for (const { call, payload, answer, release: only } of CALLS) {
      if (only !== undefined && only !== release) continue
      if (answer === undefined) await rejectsWith(t, 'CONFLICT', db.molten[call](payload))
      else t.deepEqual(plain(await db.molten[call](payload)), answer, `${release} ${call} ${JSON.stringify(payload)}`)
    }
  }
})

test('a set keeps when the document was made, counts its version, and gives a list keys', async (t) => {
  const db = await memory(t)
  const { ids } = await db.molten.set({ data: [{ a: 1 }, { a: 2 }] })
  const first = await db.molten.get({ keys: ids[0] })
  t.like(first, { a: 1, _v: 1, createdAt: first.modifiedAt })
  await new Promise((resolve) => setTimeout(resolve, 5))
  await db.molten.set({ data: { [ids[0]]: { a: 3 } } })
  const second = await db.molten.get({ keys: ids[0] })
  t.like(second, { a: 3, _v: 2, createdAt: first.createdAt })
  t.true(second.modifiedAt > first.modifiedAt)
  t.deepEqual(await db.molten.get({ fields: ['_createdAt'], where: { _createdAt: { $lte: Date.parse(first.createdAt) } }, count: 1, order: 'asc' }), [{ _createdAt: first.createdAt, _v: 2, _key: ids[0] }])
  t.is((await db.collection('default').findOne({ _id: ids[0] })).a, 3)
})

test('writers at the same time lose nothing', async (t) => {
  const db = await memory(t)
  await db.molten.set({ collection: 'c', data: { a: { n: 0 } } })
  await Promise.all(Array.from({ length: 20 }, (_, i) => db.molten.update({ collection: 'c', data: { a: { [`f${i}`]: i } } })))
  const document = await db.molten.get({ collection: 'c', keys: 'a' })
  t.is(document._v, 21)
  for (let i = 0; i < 20; i++) t.is(document[`f${i}`], i)
})

test('a conflict anywhere in a payload changes nothing', async (t) => {
  const db = await memory(t)
  await db.molten.set({ collection: 'c', data: { a: { n: 1 }, b: { n: 1 } } })
  const error = await rejectsWith(t, 'CONFLICT', db.molten.update({ collection: 'c', data: { a: { n: 2 }, b: { n: 2, _v: 9 } } }), /"b" has the version 1, and the given _v is 9/)
  t.is(error.code, 112)
  t.deepEqual((await db.collection('c').find().toArray()).map(({ n }) => n), [1, 1])
  await rejectsWith(t, 'CONFLICT', db.molten.set({ collection: 'c', data: { a: { n: 2 }, b: { n: 2, _v: 1 } } }))
  t.is((await db.molten.get({ collection: 'c', keys: 'a' })).n, 1)
})

test('fields named like ours, and odd ones, are kept', async (t) => {
  const db = await memory(t)
  const document = JSON.parse('{"_id":1,"__id":2,"__proto__":{"x":3},"":4,"$set":5,"constructor":6}')
  await db.molten.set({ data: { k: document } })
  const { _v, createdAt: _createdAt, modifiedAt: _modifiedAt, ...fields } = await db.molten.get({ keys: 'k' })
  t.deepEqual(Object.entries(fields).toSorted(), Object.entries(document).toSorted())
  t.deepEqual(await db.molten.get({ keys: 'k', fields: ['_id', '__proto__.x'] }), { ...JSON.parse('{"_id":1,"__proto__":{"x":3}}'), _v: 1 })
  t.is((await db.molten.get({ where: { _id: 1 } })).length, 1)
  t.is((await db.molten.get({ where: { _key: 'k' } })).length, 1)
  t.is((await db.molten.get({ where: { _key: 'K' } })).length, 0)
  t.is(({}).x, undefined)
})

test('text with signs of patterns, and long text, are compared as text', async (t) => {
  const db = await memory(t)
  const texts = ['a.b', 'axb', '(a+)+$', 'a\nb', '^', 'stra\u00dfe', 'x'.repeat(20_000), '[z]']
  await db.molten.set({ data: texts.map((text) => ({ text })) })
  for (const text of texts) {
    t.is((await db.molten.get({ where: { text } })).length, 1, text.slice(0, 20))
    t.is((await db.molten.get({ where: { text: { $in: [text, 5] } } })).length, 1)
    t.is((await db.molten.get({ where: { text: { $nin: [text] } } })).length, texts.length - 1)
  }
  t.is((await db.molten.get({ where: { text: { $contains: '.' } } })).length, 1)
})

test('a payload that is malformed is refused by the name of its field and what to do', async (t) => {
  const db = await memory(t)
  const cases = [
    ['get', 5, /payload must be an object, not 5/], ['get', { colection: 'c' }, /unknown field "colection"; did you mean "collection"\?/], ['get', { collection: 5 }, /payload.collection must be a string/],
    ['get', { keys: 5 }, /payload.keys must be a text or an array of texts/], ['get', { keys: ['a', 5] }, /payload.keys\[1\] must be a text, not 5/],
    ['get', { where: 5 }, /where must be an object of conditions/], ['get', { where: { $or: {} } }, /where.\$or must be an array/], ['get', { where: { a: { $in: 5 } } }, /a.\$in must be an array/],
    ['get', { where: { a: { $gt: null } } }, /a.\$gt must be a number, a text or a Date, not null/], ['get', { where: { a: /x/ } }, /where.a must be a value of JSON/],
    ['get', { fields: 'a' }, /payload.fields must be an array of texts/], ['get', { fields: ['a'], excludedFields: ['b'] }, /exclude each other/],
    ['get', { sort: 'a' }, /payload.sort must be an array/], ['get', { sort: [{ field: 'a', order: 'up' }] }, /payload.sort\[0\].order must be 'asc' or 'desc', not "up"/], ['get', { sort: [{ feld: 'a' }] }, /unknown field "feld"/],
    ['get', { count: -1 }, /payload.count must be a whole number/], ['get', { count: null }, /payload.count/], ['get', { offset: '1' }, /payload.offset must be/], ['get', { order: 'up' }, /payload.order must be/],
    ['get', { order: 'asc', sort: ['a'] }, /exclude each other/], ['get', { joins: [{ a: 5 }] }, /payload.joins\[0\].a must be/], ['get', { joins: [{ a: { from: 'c' } }] }, /payload.joins\[0\].a.on must be the path/],
    ['get', { joins: [{}] }, /an object with one alias/], ['get', { joins: [{ 'a.b': { from: 'c', on: 'd' } }] }, /alias "a.b"/],
    ['set', {}, /payload.data must be/], ['set', { data: { k: 5 } }, /payload.data.k must be an object/], ['set', { data: [5] }, /payload.data\[0\] must be an object/], ['set', { data: { k: { _v: 'x' } } }, /payload.data.k._v must be/],
    ['set', { data: { '': {} } }, /empty key/], ['set', { data: { k: { _key: 'other' } } }, /leave _key out/], ['set', { data: { k: { extends: { a: 'nodot' } } } }, /extends.a must be 'collection.key'/],
    ['update', { data: [] }, /payload.data must be an object of fields/], ['delete', {}, /names no documents; give keys, where, count, or drop: true/], ['delete', { drop: 1 }, /payload.drop must be a boolean/],
    ['delete', { where: {} }, /would delete every document/], ['delete', { keys: 'a', where: { a: 1 } }, /exclude each other/]
  ]
  for (const [call, payload, message] of cases) await rejectsType(t, () => db.molten[call](payload), message)
  await rejectsWith(t, 'BAD_QUERY', db.molten.get({ where: { a: { $gtt: 1 } } }), /where.a has the unknown operator "\$gtt"; did you mean \$gte?/)
  await rejectsWith(t, 'BAD_QUERY', db.molten.get({ where: { $xor: [] } }), /unknown operator "\$xor"/)
  await rejectsWith(t, 'BAD_QUERY', db.molten.get({ where: { a: { b: 1 } } }), /write the path "a.b"/)
  await rejectsWith(t, 'BAD_QUERY', db.molten.get({ where: { 'a..b': 1 } }), /no path of a field/)
  await rejectsWith(t, 'BAD_QUERY', db.molten.get({ where: nested(1_000) }), /nested deeper/)
  await rejectsWith(t, 'BAD_QUERY', db.molten.get({ collection: 'a$b' }), /collection name/)
  await rejectsWith(t, 'NOT_SUPPORTED', db.molten.set({ data: {}, ttl: 5 }), /payload.ttl is not answered/)
  await rejectsWith(t, 'NOT_SUPPORTED', db.molten.set({ data: {}, maxSize: 5 }), /payload.maxSize/)
  await rejectsWith(t, 'NOT_SUPPORTED', db.molten.get({ _allowed_prefixes: [] }), /_allowed_prefixes/)
})

function nested(levels) {
  let clause = { a: 1 }
  for (let n = 0; n < levels; n++) clause = { $and: [clause] }
  return clause
}

test('what a payload may not write is refused by the name of its method', async (t) => {
  const db = await memory(t)
  await db.createCollection('ring', { capped: true, size: 4096 })
  const error = await rejectsWith(t, 'NOT_SUPPORTED', db.molten.set({ collection: 'ring', data: { a: { n: 1 } } }), /^Database\.molten\.set: .*capped/)
  t.is(error.code, 263)
  await db.createCollection('strict', { validator: { n: { $gt: 5 } } })
  await rejectsWith(t, 'SCHEMA_VIOLATION', db.molten.set({ collection: 'strict', data: { a: { n: 1 } } }), /^Database\.molten\.set: /)
})

test('a payload belongs to the database that it is given to, and ends with it', async (t) => {
  const db = await memory(t)
  await db.sibling('other').molten.set({ collection: 'c', data: { a: {} } })
  t.deepEqual(await db.molten.get({ collection: 'c' }), [])
  t.is((await db.sibling('other').molten.get({ collection: 'c' })).length, 1)
  await db.close()
  await rejectsWith(t, 'CLOSED', db.molten.get({ collection: 'c' }))
})

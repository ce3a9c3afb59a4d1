// What an inspector makes of odd databases: names, sizes, depths, damage, keys, and a database that is closed in the middle.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import test from 'ava'

import { Database, directory, memory, onDisk } from './support/database.mjs'
import { inspecting, post, send } from './support/inspector.mjs'

const NAMES = ['<script>alert(1)', '<img src=x onerror=alert(1)>', "it's", '"quoted"', 'a b', '%2e%2e', 'constructor', '__proto__', '#&=?', '\u202eevil', 'x'.repeat(120), '\u{1f600}', 'a\nb', ';DROP TABLE', '{{x}}']

test('collections and fields may have any name', async (t) => {
  const db = await memory(t)
  for (const name of NAMES) await db.collection(name).insertOne({ _id: 1, [name.replace(/^\$/, '')]: name })
  const client = await inspecting(t, db)
  const { databases } = await client.call('overview')
  t.deepEqual(databases[0].collections.map(({ name }) => name).toSorted(), NAMES.toSorted())
  const headers = { cookie: client.cookie, 'sec-fetch-site': 'same-origin' }
  for (const name of NAMES) {
    const { documents } = await client.call('find', { collection: name })
    t.is(Object.getOwnPropertyDescriptor(documents[0], name).value, name)
    t.is((await client.call('schema', { collection: name })).fields.length, 2, name)
    const { ticket } = await client.call('export', { collection: name })
    const { status, headers: answered } = await send(client, { path: `/download/${ticket}`, headers })
    t.is(status, 200)
    t.regex(answered['content-disposition'], /^attachment; filename="[\w.-]+\.jsonl"$/)
  }
})

test('long fields, deep documents and many keys are answered within bounds', async (t) => {
  const db = await memory(t)
  const odd = db.collection('odd')
  let deep = { end: true }
  for (let depth = 0; depth < 60; depth++) deep = depth % 2 ? { d: deep } : { d: [deep] }
  await odd.insertMany([{ _id: 'long', text: 'x'.repeat(200_000) }, { _id: 'deep', ...deep }, { _id: 'wide', ...Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, i])) }])
  const client = await inspecting(t, db)
  const { documents } = await client.call('find', { collection: 'odd' })
  t.deepEqual(documents.map(({ _id }) => _id), ['long', 'deep', 'wide'])
  const { fields, left } = await client.call('schema', { collection: 'odd' })
  t.true(fields.length <= 400 && left)
  t.true(JSON.stringify(fields).length < 200_000)
  await t.throwsAsync(client.call('find', { collection: 'odd', filter: `${'{a:'.repeat(5000)}1${'}'.repeat(5000)}` }), { message: /nested deeper/ })
})

test('an answer ends at some megabytes, and the next page goes on', async (t) => {
  const db = await memory(t)
  await db.collection('large').insertMany(Array.from({ length: 40 }, (_, i) => ({ _id: i, text: 'y'.repeat(500_000) })))
  const client = await inspecting(t, db)
  const { documents, more } = await client.call('find', { collection: 'large', limit: 200 })
  t.true(documents.length < 12 && documents.length > 5)
  t.true(more)
  const next = await client.call('find', { collection: 'large', limit: 200, skip: documents.length })
  t.is(next.documents[0]._id, documents.length)
})

test('the schema of documents that are large, and the versions of one, are answered within bounds too', async (t) => {
  const db = await onDisk(t)
  const large = db.collection('large')
  for (let i = 0; i < 12; i++) await large.insertMany(Array.from({ length: 10 }, (_, j) => ({ _id: i * 10 + j, n: j, text: 'z'.repeat(1_000_000) })))
  for (let i = 0; i < 10; i++) await large.updateOne({ _id: 5 }, { $set: { n: i } })
  const path = db.path
  await db.close()
  const reader = await onDisk(t, { readOnly: true }, path)
  const client = await inspecting(t, reader)
  const { documents, fields } = await client.call('schema', { collection: 'large' })
  t.is(documents, 120)
  t.deepEqual(fields.map(({ path: name }) => name), ['_id', 'n', 'text'])
  const { versions } = await client.call('history', { collection: 'large', id: '5' })
  t.true(versions.length >= 3 && versions.length < 7)
  t.is(versions.at(-1).document.n, 9)
})

test('values that JSON lacks keep their types on the way', async (t) => {
  const db = await memory(t)
  await db.collection('values').insertOne({ _id: 1, nan: NaN, minus: -0, big: 2n ** 60n, bytes: Buffer.from('ab'), date: new Date(-1), nested: { $oid: 'no id' }, none: null })
  const client = await inspecting(t, db)
  const { documents: [one] } = await client.call('find', { collection: 'values' })
  t.deepEqual(one, {
    _id: 1, nan: { $numberDouble: 'NaN' }, minus: { $numberDouble: '-0.0' }, big: { $numberLong: String(2n ** 60n) }, bytes: { $binary: { base64: 'YWI=', subType: '00' } }, date: { $date: { $numberLong: '-1' } },
    nested: { $$oid: 'no id' }, none: null
  })
})

test('a hundred thousand documents are paged, counted, explained and exported', async (t) => {
  t.timeout(60_000)
  const db = await onDisk(t)
  const many = db.collection('many')
  for (let i = 0; i < 100_000; i += 10_000) await many.insertMany(Array.from({ length: 10_000 }, (_, j) => ({ _id: i + j, a: (i + j) % 1000, text: `t${j}` })))
  const client = await inspecting(t, db)
  const { documents } = await client.call('find', { collection: 'many', skip: 99_900, limit: 200 })
  t.is(documents.length, 100)
  t.is((await client.call('count', { collection: 'many', filter: '{ a: 5 }' })).count, 100)
  t.is((await client.call('explain', { collection: 'many', filter: '{ a: 5 }' })).plan.executionStats.totalDocsExamined, 100_000)
  t.is((await client.call('schema', { collection: 'many' })).documents, 1000)
  const { ticket } = await client.call('export', { collection: 'many' })
  const { text } = await send(client, { path: `/download/${ticket}`, headers: { cookie: client.cookie, 'sec-fetch-site': 'same-origin' } })
  t.is(text.split('\n').length, 100_001)
})

test('junk in any field is refused in a sentence, and never an error of the inspector', async (t) => {
  t.timeout(60_000)
  const db = await memory(t)
  await db.collection('c').insertMany([{ _id: 1, a: [1, { b: 'x' }] }, { _id: 2 }])
  const client = await inspecting(t, db, { write: true })
  const routes = ['overview', 'find', 'count', 'document', 'explain', 'aggregate', 'preview', 'schema', 'indexes', 'history', 'storage', 'export', 'insert', 'replace', 'delete', 'createIndex', 'dropIndex']
  const names = ['database', 'collection', 'at', 'filter', 'sort', 'projection', 'skip', 'limit', 'id', 'pipeline', 'document', 'version', 'key', 'options', 'name']
  const texts = ['c', 'memory', '{}', '[]', '{ a: 1 }', '[{ $match: {} }]', '[null]', '[[]]', '{ $: 1 }', '{ a: { $oid: "x" } }', '/(/', '/a/gg', 'null', 'NaN', '-', 'a,-b', '"', '{ __proto__: 1 }', '{ a: ObjectId("00") }', '1', '0', '99999999999999999999', '2024-01-01', '\u0000', '\ud800', 'a'.repeat(3000), '{ "$date": 5 }', '[{ $limit: -1 }]', '{ $sort: 1 }', '{ _id: [] }', '_id_', '..', 'a$b', ' ']
  const values = [...texts, 0, 1, -1, 1.5, 1e300, true, null, [], {}, [1]]
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.log(`SEED=${seed}`)
  let state = seed
  const pick = (list) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return list[(state >> 8) % list.length]
  }
  for (let round = 0; round < Number(process.env.CASES ?? 800); round++) {
    const body = { collection: 'c' }
    for (let fields = 0; fields < 4; fields++) body[pick(names)] = pick(values)
    const route = pick(routes)
    const { status, text } = await post(client, route, body)
    t.true(status === 200 || (status >= 400 && status < 500), `${status} ${route} ${JSON.stringify(body)} ${text}`)
    if (status !== 200) t.true(JSON.parse(text).error.message.length > 5)
  }
})

test('closing the database in the middle of requests ends them, and the closing is not kept waiting', async (t) => {
  const db = await memory(t)
  await db.collection('many').insertMany(Array.from({ length: 20_000 }, (_, i) => ({ _id: i, text: `t${i}` })))
  const client = await inspecting(t, db)
  const pipeline = '[{ $lookup: { from: "many", let: { t: "$text" }, pipeline: [{ $match: { $expr: { $eq: ["$text", { $concat: ["$$t", "x"] }] } } }], as: "all" } }, { $unwind: "$all" }]'
  const running = [post(client, 'aggregate', { collection: 'many', pipeline }), post(client, 'preview', { collection: 'many', pipeline }), post(client, 'explain', { collection: 'many', pipeline })].map((one) => one.then(({ status }) => status, ({ code }) => code))
  await setTimeout(200)
  const began = performance.now()
  await db.close()
  t.true(performance.now() - began < 3000)
  // An explanation may have been given before.
  for (const result of await Promise.all(running)) t.true(['ECONNRESET', 503, 200].includes(result), String(result))
  await t.throwsAsync(post(client, 'overview', {}), { code: 'ECONNREFUSED' })
})

test('a client that reads nothing of an export does not fill the memory, and is dropped with the database', async (t) => {
  const db = await memory(t)
  await db.collection('large').insertMany(Array.from({ length: 60 }, (_, i) => ({ _id: i, text: 'y'.repeat(1_000_000) })))
  const client = await inspecting(t, db)
  const { ticket } = await client.call('export', { collection: 'large' })
  const socket = connect(client.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.pause()
  socket.write(`GET /download/${ticket} HTTP/1.1\r\nHost: 127.0.0.1:${client.port}\r\nSec-Fetch-Site: same-origin\r\nCookie: ${client.cookie}\r\n\r\n`)
  const views = async () => (await db.stats()).views
  for (let waits = 0; await views() === 0 && waits < 200; waits++) await setTimeout(20)
  await setTimeout(300)
  t.is(await views(), 1)
  const began = performance.now()
  await db.close()
  t.true(performance.now() - began < 2000)
  socket.destroy()
})

test('an encrypted database is shown by who has opened it; its files are verified with the key elsewhere', async (t) => {
  const db = await onDisk(t, { encryptionKey: 'a password of some length' })
  await db.collection('secrets').insertOne({ _id: 1, word: 'open sesame' })
  const client = await inspecting(t, db)
  t.is((await client.call('find', { collection: 'secrets' })).documents[0].word, 'open sesame')
  t.true((await client.call('storage')).stats.encrypted)
  await t.throwsAsync(client.call('verify'), { message: /encrypted/ })
})

test('damage is told where it is met, and all else can be read', async (t) => {
  const path = directory(t)
  const db = await Database.open(path, { memoryLimit: 1 })
  await db.collection('first').insertOne({ _id: 1, text: 'whole' })
  await db.flush()
  await db.collection('second').insertMany(Array.from({ length: 2000 }, (_, i) => ({ _id: i, text: `${i}`.repeat(100) })))
  await db.close()
  const log = readdirSync(path).find((name) => name.startsWith('seg-'))
  const bytes = readFileSync(join(path, log))
  bytes[Math.floor(bytes.length * 0.6)] ^= 0xff
  writeFileSync(join(path, log), bytes)
  const opened = await Database.open(path, { readOnly: true }).catch((error) => error)
  if (opened instanceof Error) {
    t.true(['CORRUPT', 'CORRUPT_TAIL'].includes(opened.kind))
    return
  }
  t.teardown(() => opened.close())
  const client = await inspecting(t, opened)
  t.is((await client.call('find', { collection: 'first' })).documents[0].text, 'whole')
  const error = await t.throwsAsync(client.call('find', { collection: 'second', limit: 1000, sort: '-text' }))
  t.is(error.kind, 'CORRUPT')
  t.false((await client.call('verify')).ok)
})

import { createReadStream, createWriteStream, readFileSync, statSync } from 'node:fs'
import { PassThrough, Readable, Writable } from 'node:stream'

import test from 'ava'
import { EJSON, ObjectId as BsonId } from 'bson'
import fc from 'fast-check'

import { ObjectId } from '../index.mjs'
import { Database, directory, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'

const seed = Number(process.env.SEED ?? Date.now() % 1e9)

/** The exported text. */
async function exported(db, options) {
  const chunks = []
  const sink = new Writable({ write: (chunk, _, done) => (chunks.push(chunk), done()) })
  const result = await db.exportJSONL(sink, options)
  t_ended(sink)
  return { text: Buffer.concat(chunks).toString(), result }
}

function t_ended(sink) {
  if (!sink.writableFinished) throw new Error('the stream was not ended')
}

function line(collection, document) {
  return `${JSON.stringify({ collection, document })}\n`
}

const everything = {
  _id: 'all',
  null: null,
  yes: true,
  zero: 0,
  minusZero: -0,
  nan: NaN,
  infinite: [Infinity, -Infinity],
  numbers: [1, -1, 2 ** 31, 2 ** 53, 0.1, 5e-324, 1.7976931348623157e308, 1e21, 123456789012345680000],
  long: [0n, 2n ** 63n - 1n, -(2n ** 63n)],
  date: [new Date(0), new Date(-1), new Date(8.64e15), new Date('2024-02-29T12:00:00.001Z')],
  bytes: [Buffer.alloc(0), Buffer.from([0]), Buffer.from([1, 2]), Buffer.from([255, 254, 253])],
  id: new ObjectId('0123456789abcdef01234567'),
  text: ['', '"\\\n\r\t\u0000\u001f', '\u2028', '\u{1f600}', 'a'.repeat(70_000)],
  nested: { a: { b: [{}, [], { c: [[1]] }] } },
  $oid: 'after the first key',
  lookalike: [{ $oid: 'x' }, { $$oid: 'x' }, { $date: 1, more: 2 }, { $other: 1 }, { $numberLong: '5' }, { '': 1 }],
  __proto__: null
}
delete everything.__proto__

test('every kind of value comes back as itself', async (t) => {
  const db = await memory(t)
  await db.collection('a').insertOne(everything)
  const { text } = await exported(db)
  const copy = await memory(t)
  t.deepEqual(await copy.importJSONL([text]), { imported: 1, skipped: 0, lines: 1 })
  const back = await copy.collection('a').get('all')
  t.deepEqual(back, await db.collection('a').get('all'))
  t.true(Object.is(back.minusZero, -0))
  t.is((await exported(copy)).text, text)
})

test('the deepest and the largest document come back as themselves', async (t) => {
  const db = await memory(t)
  let deep = new Date(5)
  for (let level = 0; level < 98; level++) deep = level % 2 ? [deep] : { $date: deep }
  await db.collection('a').insertMany([{ _id: 1, deep }, { _id: 2, big: '\u0001'.repeat((16 << 20) - 100) }])
  const { text } = await exported(db)
  const copy = await memory(t)
  await copy.importJSONL([Buffer.from(text)])
  t.deepEqual(await copy.collection('a').get(1), { _id: 1, deep })
  t.is((await copy.collection('a').get(2)).big, '\u0001'.repeat((16 << 20) - 100))
})

test('what insertOne accepts is imported, whatever its keys take in a line', async (t) => {
  const db = await memory(t)
  const rows = Array.from({ length: 300_000 }, (_, n) => ({ aNameOfMoreBytesThanItsValueHas: n, andAnotherSuchName: 1 }))
  await db.collection('a').insertOne({ _id: 'rows', rows })
  for (let length = (16 << 20) - 8; ; length -= 4) {
    try {
      await db.collection('a').insertOne({ _id: 'text', text: 'x'.repeat(length) })
      break
    } catch (error) {
      t.is(error.kind, 'BAD_DOCUMENT')
    }
  }
  const chunks = []
  await db.exportJSONL(new Writable({ write: (chunk, _, done) => (chunks.push(chunk), done()) }))
  const copy = await memory(t)
  t.deepEqual(await copy.importJSONL(chunks), { imported: 2, skipped: 0, lines: 2 })
  t.is((await copy.collection('a').get('rows')).rows.length, rows.length)
})

test('random documents come back as themselves', async (t) => {
  const leaf = fc.oneof(
    fc.constant(null), fc.boolean(), fc.double(), fc.integer(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.string({ unit: 'grapheme' }), fc.date({ noInvalidDate: true }), fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes))
  )
  const key = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('$oid', '$date', '$$binary', '$numberLong')).filter((name) => name !== '__proto__')
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }))
  }))
  const documents = fc.sample(value, { numRuns: 500, seed }).map((one, _id) => ({ _id, value: one }))
  const db = await memory(t)
  await db.collection('a').insertMany(documents)
  const { text } = await exported(db)
  const copy = await memory(t)
  await copy.importJSONL([text])
  t.deepEqual(await copy.collection('a').find().toArray(), await db.collection('a').find().toArray(), `SEED=${seed}`)
})

test('the lines are Extended JSON that bson reads', async (t) => {
  const db = await memory(t)
  const { lookalike: _, text: __, ...plain } = everything
  delete plain.$oid
  await db.collection('a').insertOne(plain)
  const { text } = await exported(db)
  const { collection, document } = EJSON.parse(text, { relaxed: false })
  t.is(collection, 'a')
  t.is(String(document.long[1]), String(2n ** 63n - 1n))
  t.is(document.date[1].getTime(), -1)
  t.deepEqual(Buffer.from(document.bytes[3].buffer), Buffer.from([255, 254, 253]))
  t.true(new BsonId('0123456789abcdef01234567').equals(document.id))
  // The output of bson, canonical or relaxed, is read too.
  for (const relaxed of [true, false]) {
    const copy = await memory(t)
    const source = { _id: new BsonId(), n: 5, x: 1.5, at: new Date('2024-02-29T12:00:00.5Z'), old: new Date(-5), big: 2 ** 40 }
    await copy.importJSONL([EJSON.stringify({ collection: 'a', document: source }, { relaxed })])
    const back = await copy.collection('a').findOne()
    t.is(back._id.toHexString(), source._id.toHexString())
    if (relaxed) t.like(back, { n: 5, x: 1.5, at: source.at, old: source.old, big: 2 ** 40 })
    else t.like(back, { n: 5, x: 1.5, at: source.at, old: source.old })
  }
})

test('an export is one state of all collections, whatever is written meanwhile', async (t) => {
  const db = await memory(t)
  const [a, b] = [db.collection('a'), db.collection('b')]
  const big = 'x'.repeat(2000)
  await a.insertMany(Array.from({ length: 2000 }, (_, _id) => ({ _id, big })))
  await b.insertMany(Array.from({ length: 2000 }, (_, _id) => ({ _id, round: 0 })))
  let lines = ''
  let wrote = 0
  const sink = new Writable({
    highWaterMark: 1,
    write(chunk, _, done) {
      lines += chunk
      wrote += 1
      Promise.all([b.updateMany({}, { $inc: { round: 1 } }), b.deleteOne({}), a.insertOne({})]).then(() => done(), done)
    }
  })
  const { documents } = await db.exportJSONL(sink)
  t.true(wrote > 3)
  const rows = lines.trim().split('\n').map((text) => JSON.parse(text))
  t.is(rows.length, 4000)
  t.is(documents, 4000)
  t.true(rows.every((row) => row.collection === 'a' || row.document.round === 0))
  t.is((await db.stats()).views, 0)
})

test('an export waits for the stream, and reports progress', async (t) => {
  const db = await memory(t)
  await db.collection('a').insertMany(Array.from({ length: 3000 }, (_, _id) => ({ _id, big: 'x'.repeat(2000) })))
  const sink = new PassThrough({ highWaterMark: 1 })
  const seen = []
  const done = db.exportJSONL(sink, { onProgress: (progress) => seen.push(progress) })
  await new Promise((resolve) => setTimeout(resolve, 300))
  t.true(sink.readableLength + sink.writableLength < 4 << 20, 'the export ran ahead of the stream')
  let bytes = 0
  for await (const chunk of sink) bytes += chunk.length
  t.deepEqual(await done, { documents: 3000, bytes })
  t.deepEqual(seen.at(-1), { documents: 3000, bytes })
  t.true(seen.length > 5)
})

test('an export of some collections leaves out the others', async (t) => {
  const db = await memory(t)
  for (const name of ['a', 'b', 'c']) await db.collection(name).insertOne({ _id: name })
  t.is((await exported(db, { collections: ['c', 'a', 'none'] })).text, line('a', { _id: 'a' }) + line('c', { _id: 'c' }))
  t.deepEqual((await exported(db, { collections: [] })).result, { documents: 0, bytes: 0 })
})

test('an export that fails, is aborted or closed releases its state', async (t) => {
  const db = await memory(t)
  await db.collection('a').insertMany(Array.from({ length: 5000 }, (_, _id) => ({ _id, big: 'x'.repeat(1000) })))
  const full = new Error('the disk is full')
  await t.throwsAsync(db.exportJSONL(new Writable({ write: (_, __, done) => done(full) })), { is: full })
  const reason = new Error('enough')
  const controller = new AbortController()
  const slow = new Writable({ write: () => controller.abort(reason) })
  await t.throwsAsync(db.exportJSONL(slow, { signal: controller.signal }), { is: reason })
  t.is((await db.stats()).views, 0)
  const closing = await Database.open(':memory:')
  await closing.collection('a').insertMany(Array.from({ length: 5000 }, (_, _id) => ({ _id, big: 'x'.repeat(1000) })))
  const sink = new Writable({ write: (_, __, done) => void closing.close().then(() => done()) })
  await rejectsWith(t, 'CLOSED', closing.exportJSONL(sink))
  await rejectsWith(t, 'CLOSED', closing.exportJSONL(new PassThrough()))
})

test('a file on disk goes out and comes in through streams', async (t) => {
  const db = await onDisk(t)
  await db.collection('users').insertMany(Array.from({ length: 20_000 }, (_, _id) => ({ _id, name: `\u00fcser ${_id}`, tags: ['a', _id] })))
  const file = `${directory(t)}.jsonl`
  const { bytes } = await db.exportJSONL(createWriteStream(file))
  t.is(statSync(file).size, bytes)
  const copy = await onDisk(t)
  const seen = []
  const result = await copy.importJSONL(createReadStream(file, { highWaterMark: 1021 }), { onProgress: (progress) => seen.push(progress) })
  t.deepEqual(result, { imported: 20_000, skipped: 0, lines: 20_000 })
  t.deepEqual(seen.at(-1), result)
  t.deepEqual(await copy.collection('users').find().toArray(), await db.collection('users').find().toArray())
  const again = await memory(t)
  t.is((await again.importJSONL(createReadStream(file, 'utf8'))).imported, 20_000)
  const web = await memory(t)
  t.is((await web.importJSONL(Readable.toWeb(createReadStream(file)))).imported, 20_000)
  const lines = readFileSync(file, 'utf8')
  const transform = new TransformStream()
  const [text] = await Promise.all([new Response(transform.readable).text(), db.exportJSONL(transform.writable)])
  t.is(text, lines)
})

test('lines may be cut anywhere, also inside a character', async (t) => {
  const text = line('a', { _id: 1, name: '\u{1f600}\u00e9' }) + '\n' + line('a', { _id: 2 }).trim()
  const db = await memory(t)
  t.deepEqual(await db.importJSONL(Array.from(Buffer.from(text), (byte) => Uint8Array.of(byte))), { imported: 2, skipped: 0, lines: 3 })
  t.is((await db.collection('a').get(1)).name, '\u{1f600}\u00e9')
  const other = await memory(t)
  await other.importJSONL(text.split(''))
  t.is((await other.collection('a').get(1)).name, '\u{1f600}\u00e9')
})

test('a byte order mark at the head of the source is left out, however it is cut', async (t) => {
  const text = line('a', { _id: 1, name: '\ufeffkept' })
  const bytes = Buffer.from(`\ufeff${text}`)
  const sources = [
    [`\ufeff${text}`], ['\ufeff', text], ['', '\ufeff', '', text], [bytes], [bytes.subarray(0, 1), bytes.subarray(1)],
    [bytes.subarray(0, 2), bytes.subarray(2, 3), bytes.subarray(3)], Array.from(bytes, (byte) => Uint8Array.of(byte)), [Buffer.alloc(0), bytes]
  ]
  for (const source of sources) {
    const db = await memory(t)
    t.like(await db.importJSONL(source), { imported: 1 })
    t.is((await db.collection('a').get(1)).name, '\ufeffkept')
  }
  const empty = await memory(t)
  t.like(await empty.importJSONL(['\ufeff']), { imported: 0 })
  // Anywhere else it is not part of a line, and half of one is not a mark.
  for (const source of [[text, `\ufeff${line('a', { _id: 2 })}`], [`\ufeff\ufeff${text}`], [Uint8Array.of(0xef, 0xbb)]]) {
    await rejectsWith(t, 'BAD_DOCUMENT', (await memory(t)).importJSONL(source), /line/)
  }
})

for (const [what, bad, kind, message, code] of [
  ['no JSON', 'what is this', 'BAD_DOCUMENT', /expected/],
  ['cut JSON', '{"collection":"a","document":{"_id":1', 'BAD_DOCUMENT', /EOF/],
  ['text behind it', `${line('a', { _id: 9 }).trim()} x`, 'BAD_DOCUMENT', /trailing/],
  ['an unknown key', '{"collection":"a","document":{"_id":9},"extra":1}', 'BAD_DOCUMENT', /"extra" is unknown/],
  ['no collection', '{"document":{"_id":9}}', 'BAD_DOCUMENT', /no collection/],
  ['another line format', '{"_id":9,"name":"x"}', 'BAD_DOCUMENT', /"_id" is unknown/],
  ['a wrong name', line('a$b', { _id: 9 }).trim(), 'BAD_DOCUMENT', /collection name "a\$b" contains "\$"/, 73],
  ['a document that is none', '{"collection":"a","document":[1]}', 'BAD_DOCUMENT', /no object/],
  ['no _id', line('a', { name: 1 }).trim(), 'BAD_DOCUMENT', /no _id/],
  ['an _id that is an array', line('a', { _id: [1] }).trim(), 'BAD_DOCUMENT', /_id/, 53],
  ['a key twice', '{"collection":"a","document":{"_id":9,"x":1,"x":2}}', 'BAD_DOCUMENT', /twice|x/],
  ['a type that cannot be stored', '{"collection":"a","document":{"_id":9,"x":{"$numberDecimal":"1"}}}', 'BAD_DOCUMENT', /\$numberDecimal/],
  ['an _id that is taken', line('a', { _id: 1 }).trim(), 'DUPLICATE_KEY', /E11000.*_id: 1/, 11000],
  ['a lone surrogate', '{"collection":"a","document":{"_id":9,"x":"\\ud800"}}', 'BAD_DOCUMENT', /column/]
]) {
  test(`an import stops at ${what} and names the line`, async (t) => {
    const db = await memory(t)
    const text = `${line('a', { _id: 1 })}\n${line('b', { _id: 2 })}${bad}\n${line('a', { _id: 3 })}`
    const error = await rejectsWith(t, kind, db.importJSONL([text]), /Database\.importJSONL: line 4: /)
    t.regex(error.message, message)
    t.regex(error.message, /2 documents of the lines before it are imported/)
    t.is(error.line, 4)
    if (code !== undefined) t.is(error.code, code)
    t.is(error.code === undefined, error.codeName === undefined)
    t.is(await db.collection('a').countDocuments(), 1)
    t.true(await db.collection('b').has(2))
  })
}

test('a line number counts through the pieces', async (t) => {
  const db = await memory(t)
  const lines = Array.from({ length: 6000 }, (_, _id) => line('a', { _id, big: 'x'.repeat(500) }))
  lines[5432] = 'wrong\n'
  const error = await rejectsWith(t, 'BAD_DOCUMENT', db.importJSONL(lines))
  t.is(error.line, 5433)
  t.is(await db.collection('a').countDocuments(), 5432)
})

test('documents that exist are replaced or skipped as the options say', async (t) => {
  const db = await memory(t)
  const text = Array.from({ length: 10 }, (_, _id) => line('a', { _id, from: 'file' })).join('')
  const a = db.collection('a')
  await a.insertMany([{ _id: 3, from: 'before' }, { _id: 5, from: 'before' }])
  t.deepEqual(await db.importJSONL([text], { ifExists: 'skip', batchSize: 4 }), { imported: 8, skipped: 2, lines: 10 })
  t.is(await a.countDocuments({ from: 'before' }), 2)
  t.deepEqual(await db.importJSONL([text], { ifExists: 'replace', batchSize: 4 }), { imported: 10, skipped: 0, lines: 10 })
  t.is(await a.countDocuments({ from: 'file' }), 10)
  const error = await rejectsWith(t, 'DUPLICATE_KEY', db.importJSONL([text]))
  t.deepEqual([error.line, error.code], [1, 11000])
  t.is((await db.importJSONL([line('a', { _id: 77, x: 1 }) + line('a', { _id: 77, x: 2 })], { ifExists: 'replace' })).imported, 2)
  t.is((await a.get(77)).x, 2)
})

/** Lines as `mongoexport` writes them. */
const ofMongoexport = `{"_id":{"$oid":"65f000000000000000000001"},"name":"Ada","at":{"$date":"2024-01-31T12:00:00Z"},"n":{"$numberLong":"5"}}
{"name":"Grace","_id":2}

{"_id":3,"collection":"a","document":{"x":1}}
`

test('with a collection each line is a document of it', async (t) => {
  const db = await memory(t)
  t.deepEqual(await db.importJSONL([ofMongoexport], { collection: 'people' }), { imported: 3, skipped: 0, lines: 4 })
  const people = await db.collection('people').find().toArray()
  t.deepEqual(people, [
    { _id: new ObjectId('65f000000000000000000001'), name: 'Ada', at: new Date('2024-01-31T12:00:00Z'), n: 5n },
    { _id: 2, name: 'Grace' },
    { _id: 3, collection: 'a', document: { x: 1 } }
  ])
  t.deepEqual(Object.keys(people[1]), ['_id', 'name'])
  t.deepEqual((await db.collections()).map(({ collectionName }) => collectionName), ['people'])
  t.deepEqual(await db.importJSONL([ofMongoexport], { collection: 'people', ifExists: 'skip' }), { imported: 0, skipped: 3, lines: 4 })
})

test('a line of a named collection that has no _id gets one', async (t) => {
  const db = await memory(t)
  await db.importJSONL(['{"n":1}\n{"n":2}\n{}'], { collection: 'a' })
  const ids = (await db.collection('a').find().toArray()).map(({ _id }) => _id)
  t.is(new Set(ids).size, 3)
  for (const id of ids) t.regex(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/)
  await rejectsWith(t, 'BAD_DOCUMENT', db.importJSONL([line('a', { n: 1 })]), /line 1: the document has no _id/)
})

test('a line of a named collection that is no document stops the import and is named', async (t) => {
  for (const [text, message] of [
    ['[{"_id":1}]', /line 2: the line is an array; write one document a line, as mongoexport does without --jsonArray; 1 document /],
    ['5', /line 2: the line is no object/],
    ['{"$oid":"65f000000000000000000001"}', /line 2: the line is no object/],
    ['{"_id":1', /line 2: EOF while parsing an object, at column 8/],
    ['{"_id":1} {"_id":2}', /line 2: trailing characters, at column 11/],
    ['{"_id":1,"v":{"$numberDecimal":"1.5"}}', /line 2: \$numberDecimal/]
  ]) {
    const db = await memory(t)
    const error = await rejectsWith(t, 'BAD_DOCUMENT', db.importJSONL([`{"_id":0}\n${text}\n{"_id":9}`], { collection: 'a' }), message)
    t.is(error.line, 2)
    t.deepEqual(await db.collection('a').find().toArray(), [{ _id: 0 }], text)
  }
  const db = await memory(t)
  await rejectsWith(t, 'BAD_QUERY', db.importJSONL([], { collection: 'a$b' }), /collection name "a\$b" contains "\$"/)
  await rejectsType(t, () => db.importJSONL([], { collection: 5 }), /option collection must be a string/)
})

test('an import waits for the database, and can be aborted', async (t) => {
  const db = await memory(t)
  const controller = new AbortController()
  const reason = new Error('enough')
  let given = 0
  let returned = false
  async function* endless() {
    try {
      for (;;) yield Buffer.from(line('a', { _id: given++, big: 'x'.repeat(10_000) }))
    } finally {
      returned = true
    }
  }
  const progress = ({ imported }) => {
    t.true(given - imported < 300, 'the import ran ahead of the database')
    if (imported > 1000) controller.abort(reason)
  }
  await t.throwsAsync(db.importJSONL(endless(), { signal: controller.signal, onProgress: progress }), { is: reason })
  await new Promise((resolve) => setImmediate(resolve))
  t.true(returned)
  const silent = new PassThrough()
  const late = new AbortController()
  setTimeout(() => late.abort(reason), 20)
  await t.throwsAsync(db.importJSONL(silent, { signal: late.signal }), { is: reason })
  const broken = new Readable({ read() { this.destroy(reason) } })
  await t.throwsAsync(db.importJSONL(broken), { is: reason })
})

test('maxTimeMS ends an export and an import whose stream waits, and releases both', async (t) => {
  const db = await memory(t)
  await db.collection('a').insertMany(Array.from({ length: 5000 }, (_, _id) => ({ _id, big: 'x'.repeat(1000) })))
  const stuck = new Writable({ highWaterMark: 1, write() {} })
  await rejectsWith(t, 'TIMEOUT', db.exportJSONL(stuck, { maxTimeMS: 50 }))
  t.true(stuck.destroyed)
  const web = new WritableStream({ write: () => new Promise(() => {}) })
  await rejectsWith(t, 'TIMEOUT', db.exportJSONL(web, { maxTimeMS: 50 }))
  t.is((await db.stats()).views, 0)
  const silent = new PassThrough()
  await rejectsWith(t, 'TIMEOUT', db.importJSONL(silent, { maxTimeMS: 50 }))
  t.true(silent.destroyed)
  let cancelled = false
  const never = new ReadableStream({ cancel: () => void (cancelled = true) })
  await rejectsWith(t, 'TIMEOUT', db.importJSONL(never, { maxTimeMS: 50 }))
  t.true(cancelled)
  // Sources that always have data, and never let a timer fire.
  await rejectsWith(t, 'TIMEOUT', db.importJSONL((function* () { for (;;) yield '\n' })(), { maxTimeMS: 50 }))
  let _id = 0
  const endless = (function* () { for (;;) yield line('b', { _id: _id++ }) })()
  await rejectsWith(t, 'TIMEOUT', db.importJSONL(endless, { maxTimeMS: 50 }))
  t.deepEqual(await db.importJSONL([line('c', { _id: 1 })], { maxTimeMS: 60_000 }), { imported: 1, skipped: 0, lines: 1 })
})

test('wrong arguments are named', async (t) => {
  const db = await memory(t)
  await rejectsType(t, () => db.exportJSONL('file.jsonl'), /writable must be a writable stream/)
  await rejectsType(t, () => db.exportJSONL(new PassThrough(), { collections: 'a' }), /collections/)
  const locked = new WritableStream()
  locked.getWriter()
  await rejectsType(t, () => db.exportJSONL(locked), /writable is locked/)
  await rejectsType(t, () => db.importJSONL('file.jsonl'), /readable must be/)
  await rejectsType(t, () => db.importJSONL([7]), /bytes or text/)
  await rejectsType(t, () => db.importJSONL([], { ifExists: 'ignore' }), /ifExists/)
  await rejectsType(t, () => db.importJSONL([], { batchSize: 0 }), /batchSize/)
  await rejectsType(t, () => db.importJSONL([], { onProgress: 1 }), /onProgress/)
})

import { gzipSync } from 'node:zlib'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import test from 'ava'

import { Database, directory, memory, onDisk, rejectsType, rejectsWith } from './support/database.mjs'
import { compare, FILES } from './support/imported.mjs'

const fixtures = fileURLToPath(new URL('../fixtures/importers', import.meta.url))

/** A file with this content in a directory of its own. */
function file(t, name, content) {
  const path = join(dirname(directory(t)), name)
  writeFileSync(path, content)
  return path
}

for (const one of FILES) {
  test(`${one[0]}, as the real library wrote it, is imported as the library reads it, and once more changes nothing`, async (t) => {
    t.true(await compare(fixtures, one, await memory(t)) > 0)
  })
}

test('what a file is, is guessed where that is certain, and asked for where it is not', async (t) => {
  const db = await memory(t)
  const format = async (name, content) => (await db.importFile(file(t, name, content), { ifExists: 'replace' })).format
  t.is(await format('a.csv', 'x\n1\n'), 'csv')
  t.is(await format('a.tsv.gz', gzipSync('x\ty\n1\t2\n')), 'csv')
  t.is(await format('a.jsonl', '{"x":1}\n'), 'ndjson')
  t.is(await format('a.json', '\ufeff [{"x":1}]'), 'json')
  t.is(await format('a.json', '{"x":1}\n{"x":2}\n'), 'ndjson')
  t.is(await format('a.nedb', '{"_id":"x"}\n'), 'nedb')
  t.is(await format('a.db', '{"_id":"x"}\n{"$$indexCreated":{"fieldName":"x"}}\n'), 'nedb')
  t.is(await format('b.bson', Buffer.from([5, 0, 0, 0, 0])), 'bson')
  for (const content of ['', '{"x":1}', '{"x":\n1}\n\n', 'x']) await rejectsType(t, () => db.importFile(file(t, 'a.json', content)), /cannot be told .*; give the option format: ndjson, /)
  await rejectsType(t, () => db.importFile(dirname(directory(t))), /is a directory without a dump/)
  await rejectsWith(t, 'IO', () => db.importFile(directory(t)), /there is no such file/)
})

test('options are checked, and those that a format has no use for are refused', async (t) => {
  const db = await memory(t)
  const path = file(t, 'a.csv', 'x\n1\n')
  for (const [options, message] of [
    [{ format: 'cvs' }, /option format must be 'ndjson', /],
    [{ onError: 'ignore' }, /option onError must be 'stop', 'skip'/],
    [{ ifExists: 'keep' }, /option ifExists must be/],
    [{ types: { x: 'int' } }, /option types\.x must be 'string'/],
    [{ types: { y: 'number' } }, /option types names "y", which is no column/],
    [{ separator: ',,' }, /option separator must be one ASCII character/],
    [{ header: [] }, /option header names no column/],
    [{ batchSize: 0 }, /option batchSize must be 1 to/],
    [{ keepMeta: true }, /option keepMeta is of no use for csv; it is of lokijs/],
    [{ encryptionKey: 'x' }, /option encryptionKey is of no use for csv/],
    [{ collections: ['x'] }, /option collections is of no use for csv/],
    [{ collection: 'a$b' }, /collection name "a\$b" contains/],
    [{ rejects: '' }, /option rejects must be the path/],
    [{ colection: 'x' }, /colection.*collection/]
  ]) await t.throwsAsync(() => db.importFile(path, options), { message })
  t.deepEqual((await db.importFile(pathToFileURL(path), { collection: 'own' })).collections.map(({ collection }) => collection), ['own'])
})

test('cells of CSV are texts, or what types and infer make of them', async (t) => {
  const db = await memory(t)
  const text = '\ufeffname;n;flag;at;home.zip;home.city\r\n"a;""b""\nc";1;true;2024-01-31 12:00;007;\r\n5" pipe;1.10;no;0;12345678901234567890;x\r\n'
  const path = file(t, 'a.csv', text)
  const read = async (options) => {
    await db.importFile(path, { ifExists: 'replace', ...options })
    return (await db.collection('a').find({}, { projection: { _id: 0 } }).toArray())
  }
  t.deepEqual(await read(), [
    { name: 'a;"b"\nc', n: '1', flag: 'true', at: '2024-01-31 12:00', home: { zip: '007', city: '' } },
    { name: '5" pipe', n: '1.10', flag: 'no', at: '0', home: { zip: '12345678901234567890', city: 'x' } }
  ])
  t.deepEqual((await read({ infer: true })).map(({ n, flag, home }) => [n, flag, home.zip, home.city]), [[1, true, '007', null], ['1.10', 'no', '12345678901234567890', 'x']])
  const typed = { types: { n: 'number', flag: 'boolean', at: 'date' }, onError: 'skip' }
  t.deepEqual((await read(typed))[0], { name: 'a;"b"\nc', n: 1, flag: true, at: new Date('2024-01-31T12:00Z'), home: { zip: '007', city: '' } })
  const result = await db.importFile(path, { types: { 'home.zip': 'long', at: 'date' }, onError: 'skip', collection: 'b' })
  t.deepEqual(result.rejected.map(({ line, reason }) => [line, reason]), [[4, 'at: "0" is no date: ISO 8601, or milliseconds']])
  t.is((await db.collection('b').findOne({})).home.zip, 7n)
  const bare = file(t, 'c.csv', '1,2\n3,4\n')
  await db.importFile(bare, { header: ['a', 'b'], infer: true, idField: 'a' })
  t.deepEqual(await db.collection('c').find().toArray(), [{ _id: 1, b: 2 }, { _id: 3, b: 4 }])
})

test('names of columns that cannot be are refused with the reason', async (t) => {
  const db = await memory(t)
  for (const [head, message] of [['a,a', /two columns have the name "a"/], ['a,a.b', /"a\.b" is a field of "a"/], ['a,,b', /column 2 has no name/], ['a,b..c', /which is no path/], ['"a', /a quote is not closed/]]) {
    const error = await rejectsWith(t, 'BAD_DOCUMENT', () => db.importFile(file(t, 'a.csv', `${head}\n1,2\n`)), message)
    t.is(error.line, 1)
  }
})

test('a record that cannot be taken stops the import with its place, or is left out, listed and kept', async (t) => {
  const db = await memory(t)
  const path = file(t, 'a.jsonl', '{"_id":1}\n{"_id":2,"price":{"$numberDecimal":"1"}}\nnot json\n{"_id":1}\n\n{"_id":[]}\n{"_id":3}\n')
  const error = await rejectsWith(t, 'BAD_DOCUMENT', () => db.importFile(path), /a\.jsonl, line 2: .*\$numberDecimal is a type that cannot be stored.*; 1 document before it is imported; onError: 'skip' leaves such records out/)
  t.like(error, { file: path, line: 2, offset: 10 })
  t.is(await db.collection('a').countDocuments(), 1)
  const rejects = `${path}.rejects`
  const result = await db.importFile(path, { onError: 'skip', rejects, collection: 'b' })
  t.like(result, { format: 'ndjson', imported: 2, skipped: 0, rejectedRecords: 4 })
  t.deepEqual(result.rejected.map(({ line, offset, length, collection }) => [line, offset, length, collection]), [[2, 10, 41, 'b'], [3, 51, 9, 'b'], [4, 60, 10, 'b'], [6, 71, 11, 'b']])
  t.regex(result.rejected[2].reason, /E11000 duplicate key/)
  const kept = readFileSync(rejects, 'utf8').trim().split('\n').map((line) => JSON.parse(line))
  t.deepEqual(kept.map(({ text }) => text), ['{"_id":2,"price":{"$numberDecimal":"1"}}', 'not json', '{"_id":1}', '{"_id":[]}'])
  await rejectsWith(t, 'IO', () => db.importFile(path, { onError: 'skip', rejects }), /is there already/)
  await rejectsWith(t, 'IO', () => db.importFile(path, { onError: 'skip', ifExists: 'skip', rejects: `${path}/no` }), /what is left out cannot be kept in/)
  // Nothing is made where there is nothing to keep.
  await db.importFile(file(t, 'c.jsonl', '{}'), { onError: 'skip', rejects: `${path}.none` })
  await t.throwsAsync(db.importFile(path, { rejects: `${path}.none` }), { instanceOf: TypeError, message: /give both/ })
  t.false(existsSync(`${path}.none`))
})

test('many records that are left out are all counted, and the first hundred listed', async (t) => {
  const db = await memory(t)
  const lines = Array.from({ length: 5000 }, (_, at) => (at % 2 === 0 ? `{"n":${at}}` : `x${at}`))
  const path = file(t, 'a.jsonl', `${lines.join('\n')}\n`)
  const result = await db.importFile(path, { onError: 'skip', rejects: `${path}.rejects` })
  t.like(result, { imported: 2500, rejectedRecords: 2500 })
  t.deepEqual(result.rejected.map(({ line }) => line), Array.from({ length: 100 }, (_, at) => 2 * at + 2))
  t.is(readFileSync(`${path}.rejects`, 'utf8').trim().split('\n').length, 2500)
})

test('the same file gives the same ids, another name others; a row that is corrected keeps the ids of the rest', async (t) => {
  const db = await memory(t)
  const path = file(t, 'a.csv', 'n\n1\n"2\n')
  t.like(await db.importFile(path, { onError: 'skip' }), { imported: 1, rejectedRecords: 1 })
  writeFileSync(path, 'n\n1\n2\n3\n')
  t.like(await db.importFile(path, { ifExists: 'skip' }), { imported: 2, skipped: 1 })
  const other = join(dirname(directory(t)), 'b.csv')
  cpSync(path, other)
  t.like(await db.importFile(other, { collection: 'a' }), { imported: 3 })
  t.is(await db.collection('a').countDocuments(), 6)
  await rejectsWith(t, 'DUPLICATE_KEY', () => db.importFile(path), /E11000/)
  const ids = (await db.collection('a').find().toArray()).map(({ _id }) => _id)
  t.deepEqual(ids.slice(0, 3), ids.slice(0, 3).toSorted())
  for (const id of ids) t.regex(id, /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
})

test('an import that is ended keeps what it has, and goes on', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, {}, path)
  const source = file(t, 'a.csv', `n\n${Array.from({ length: 200_000 }, (_, n) => n).join('\n')}\n`)
  const stop = new AbortController()
  const told = []
  const reason = new Error('enough')
  const failure = await t.throwsAsync(db.importFile(source, {
    signal: stop.signal, onProgress: (progress) => {
      told.push(progress)
      stop.abort(reason)
    }
  }))
  t.is(failure, reason)
  t.like(told[0], { skipped: 0, rejected: 0 })
  t.true(told[0].imported > 0 && told[0].imported < 200_000 && told[0].bytes <= told[0].totalBytes)
  const left = await db.collection('a').countDocuments()
  t.like(await db.importFile(source, { ifExists: 'skip', maxTimeMS: 60_000 }), { imported: 200_000 - left, skipped: left })
  t.is(await db.collection('a').countDocuments({ n: '199999' }), 1)
  await rejectsWith(t, 'TIMEOUT', () => db.importFile(source, { ifExists: 'replace', maxTimeMS: 1 }))
})

test('views take no documents, validators and capped collections do as ever, and a database with hardly any memory takes all', async (t) => {
  const db = await onDisk(t, { memoryLimit: 1 })
  await db.collection('a').insertOne({ n: 1 })
  await db.createCollection('view', { viewOn: 'a', pipeline: [] })
  await db.createCollection('checked', { validator: { n: { $gte: 2 } } })
  await db.createCollection('few', { capped: true, size: 4096, max: 3 })
  const path = file(t, 'x.jsonl', Array.from({ length: 3000 }, (_, n) => `{"n":${n}}\n`).join(''))
  await rejectsWith(t, 'NOT_SUPPORTED', () => db.importFile(path, { collection: 'view' }), /view is a view/)
  t.like(await db.importFile(path, { collection: 'checked', onError: 'skip' }), { imported: 2998, rejectedRecords: 2 })
  t.like(await db.importFile(path, { collection: 'few' }), { imported: 3000 })
  t.deepEqual((await db.collection('few').find().toArray()).map(({ n }) => n), [2997, 2998, 2999])
  const reader = await Database.open(':memory:')
  await reader.close()
  await rejectsWith(t, 'CLOSED', () => reader.importFile(path))
})

test('a whole number of 64 bits, as mongoexport writes it, is a BigInt where a number would have other digits', async (t) => {
  const db = await memory(t)
  await db.importFile(file(t, 'a.jsonl', '{"_id":1,"n":9007199254740993,"m":9007199254740992,"o":-9223372036854775807}\n'))
  t.deepEqual(await db.collection('a').get(1), { _id: 1, n: 9007199254740993n, m: 9007199254740992, o: -9223372036854775807n })
})

test('what a collection of a file is called here is said where no collection can be called so', async (t) => {
  const db = await memory(t)
  const path = file(t, 'a.json', '{"a$b":[{"x":1},{"x":2}],"ok":[{"x":3}]}')
  await rejectsWith(t, 'BAD_DOCUMENT', () => db.importFile(path, { format: 'lowdb' }), /"?a\$b/)
  const result = await db.importFile(path, { format: 'lowdb', onError: 'skip', ifExists: 'skip' })
  t.like(result, { imported: 1, rejectedRecords: 2 })
  t.like(await db.importFile(path, { format: 'lowdb', collections: ['ok'], ifExists: 'skip' }), { imported: 0, skipped: 1, rejectedRecords: 0 })
})

test('an encrypted store needs its key, and the right one', async (t) => {
  const db = await memory(t)
  const path = join(fixtures, 'secret.json')
  await rejectsWith(t, 'KEY_REQUIRED', () => db.importFile(path, { format: 'electron-store' }), /give the encryptionKey of the store/)
  await rejectsWith(t, 'WRONG_KEY', () => db.importFile(path, { format: 'electron-store', encryptionKey: 'no' }), /does not open/)
  await rejectsWith(t, 'WRONG_KEY', () => db.importFile(join(fixtures, 'sealed.json'), { format: 'electron-store', encryptionKey: 'a key' }), /encryptionAlgorithm is not aes-256-cbc/)
})

test('LokiJS keeps its own fields where they are wanted; NeDB leaves out what a kill has cut off', async (t) => {
  const db = await memory(t)
  await db.importFile(join(fixtures, 'loki.json'), { keepMeta: true, collections: ['users'], indexes: false })
  const user = await db.collection('users').findOne({})
  t.is(user.$loki, user._id)
  t.is(typeof user.meta.created, 'number')
  t.is((await db.collection('users').indexes()).length, 1)
  t.is(await db.collection('logs').countDocuments(), 0)
  const path = file(t, 'torn.nedb', '{"_id":"a","n":1}\n{"_id":"b","at":{"$$date":0}}\n{"_id":"a","$$deleted":true}\n{"_id":"c","n"')
  const result = await db.importFile(path)
  t.like(result, { imported: 1, rejectedRecords: 1 })
  t.regex(result.rejected[0].reason, /the last write was cut off/)
  t.deepEqual(await db.collection('torn').find().toArray(), [{ _id: 'b', at: new Date(0) }])
  mkdirSync(`${path}-dir`)
  await rejectsWith(t, 'IO', () => db.importFile(`${path}-dir`, { format: 'nedb' }), /is a directory, and nedb is a file/)
})

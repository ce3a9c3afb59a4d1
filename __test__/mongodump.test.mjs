import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'

import test from 'ava'
import { BSON, ObjectId as BsonId } from 'bson'
import fc from 'fast-check'

import { ObjectId } from '../index.mjs'
import { directory, memory, rejectsWith } from './support/database.mjs'

const seed = Number(process.env.SEED ?? Date.now() % 1e9)

/** The documents of a file of BSON, with the types that BSON has. */
function documentsOf(bytes) {
  const documents = []
  for (let at = 0; at < bytes.length; at += bytes.readInt32LE(at)) documents.push(BSON.deserialize(bytes.subarray(at, at + bytes.readInt32LE(at)), { promoteValues: false, promoteBuffers: false }))
  return documents
}

/** What npm's bson makes of a value of ours. */
function inBson(value) {
  if (typeof value === 'bigint') return BSON.Long.fromBigInt(value)
  if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) < 2 ** 31 && !Object.is(value, -0) ? new BSON.Int32(value) : new BSON.Double(value)
  if (value instanceof Uint8Array) return new BSON.Binary(value)
  if (value instanceof ObjectId) return new BsonId(value.toHexString())
  if (value instanceof Date || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(inBson)
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, inBson(field)]))
}

const listed = async (one) => (await one.listCollections().toArray()).map(({ name, type, options: of }) => ({ name, type, options: of })).toSorted((a, b) => (a.name < b.name ? -1 : 1))

const key = fc.string({ unit: 'grapheme', maxLength: 6 }).filter((text) => !text.includes('\0') && text.isWellFormed() && text !== '__proto__' && text !== '_id')
const leaf = fc.oneof(
  fc.integer(), fc.double(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.string({ unit: 'grapheme' }).filter((text) => text.isWellFormed()), fc.boolean(), fc.constant(null),
  fc.date({ noInvalidDate: true }), fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)), fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => new ObjectId(Buffer.from(bytes).toString('hex')))
)
const { node } = fc.letrec((tie) => ({ node: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('node'), { maxLength: 4 }), fc.dictionary(key, tie('node'), { maxKeys: 4, noNullPrototype: true })) }))
const anyDocument = fc.dictionary(key, node, { maxKeys: 5, noNullPrototype: true })

test(`what is dumped is what npm's bson writes, and what that writes is imported as it was (seed ${seed})`, async (t) => {
  const home = dirname(directory(t))
  let run = 0
  await fc.assert(fc.asyncProperty(fc.array(anyDocument, { minLength: 1, maxLength: 5 }), async (documents) => {
    const path = join(home, `run${run++}`)
    const db = await memory(t)
    const things = db.collection('things')
    const stored = documents.map((document, at) => ({ _id: at, ...document }))
    await things.insertMany(stored)
    await db.exportMongodump(path)
    const bytes = readFileSync(join(path, db.databaseName, 'things.bson'))
    const expected = (await things.find().toArray()).map((document) => Buffer.from(BSON.serialize(inBson(document))))
    t.true(bytes.equals(Buffer.concat(expected)))
    t.is(documentsOf(bytes).length, stored.length)
    const copy = await memory(t)
    writeFileSync(`${path}.bson`, Buffer.concat(expected))
    t.is((await copy.importFile(`${path}.bson`, { collection: 'copy' })).imported, stored.length)
    t.deepEqual(await copy.collection('copy').find().toArray(), await things.find().toArray())
    await Promise.all([db.close(), copy.close()])
  }), { seed, numRuns: 40 })
})

test('types that cannot be stored are told with their path, and nothing is stored instead', async (t) => {
  const db = await memory(t)
  const path = join(dirname(directory(t)), 'types.bson')
  const values = {
    Decimal128: BSON.Decimal128.fromString('1.1'), 'a regular expression': new BSON.BSONRegExp('a'), 'a timestamp': new BSON.Timestamp(0n), code: new BSON.Code('x'), MinKey: new BSON.MinKey(), MaxKey: new BSON.MaxKey(),
    'a symbol': new BSON.BSONSymbol('x'), 'a UUID': new BSON.UUID(), 'the subtype 80': new BSON.Binary(Buffer.from('x'), 0x80)
  }
  const documents = Object.values(values).map((value, at) => BSON.serialize({ _id: at, a: [{ b: value }] }))
  writeFileSync(path, Buffer.concat([...documents, BSON.serialize({ _id: 'last', uuid: 1 })]))
  const result = await db.importFile(path, { onError: 'skip' })
  t.is(result.imported, 1)
  for (const [at, name] of Object.keys(values).entries()) {
    t.is(result.rejected[at].path, 'a.0.b')
    t.is(result.rejected[at].line, at + 1)
    t.true(result.rejected[at].reason.includes(name), result.rejected[at].reason)
  }
  t.like(await rejectsWith(t, 'BAD_DOCUMENT', () => db.importFile(path, { ifExists: 'skip' }), /document 1: a\.0\.b: Decimal128/), { line: 1, offset: 0, path: 'a.0.b' })
})

for (const options of [{}, { gzip: true }, { archive: true }, { archive: true, gzip: true }]) {
  test(`a database comes back from a dump with its indexes, options and views: ${JSON.stringify(options)}`, async (t) => {
    const db = await memory(t)
    const other = db.sibling('other')
    await db.createCollection('rules', { validator: { n: { $gte: 0 } }, validationAction: 'warn', validationLevel: 'moderate' })
    await db.collection('rules').insertMany([{ n: 1, at: new Date(5) }, { n: 2 }])
    await db.collection('rules').createIndexes([{ key: { n: -1, 'a.b': 1 }, name: 'own', unique: true, sparse: true }, { key: { at: 1 }, expireAfterSeconds: 1e9 }, { key: { x: 1 }, partialFilterExpression: { at: { $gt: new Date(0) } } }])
    await db.createCollection('log', { capped: true, size: 8192, max: 10 })
    await db.collection('log').insertOne({ x: 1n })
    await db.createCollection('empty')
    await db.createCollection('seen', { viewOn: 'rules', pipeline: [{ $match: { at: { $lt: new Date(10) } } }] })
    await other.collection('weird name% é').insertMany(Array.from({ length: 3000 }, (_, n) => ({ _id: n, text: 'x'.repeat(500) })))
    const path = `${directory(t)}.dump`
    mkdirSync(dirname(path), { recursive: true })
    const told = []
    t.like(await db.exportMongodump(path, { ...options, allDatabases: true, onProgress: (progress) => told.push(progress) }), { collections: 5, documents: 3003 })
    t.is(told.at(-1).documents, 3003)
    await rejectsWith(t, 'IO', () => db.exportMongodump(path, options), /exists/)
    const copy = await memory(t)
    const result = await copy.importFile(path)
    t.like(result, { format: 'mongodump', imported: 3003, indexes: 3, notes: [] })
    const here = copy.sibling(db.databaseName)
    t.deepEqual(await listed(here), await listed(db))
    for (const name of ['rules', 'log', 'empty', 'seen']) t.deepEqual(await here.collection(name).find().toArray(), await db.collection(name).find().toArray())
    t.deepEqual(await here.collection('rules').indexes(), await db.collection('rules').indexes())
    t.is(await copy.sibling('other').collection('weird name% é').countDocuments({ text: 'x'.repeat(500) }), 3000)
    // Once more: nothing is there twice, and what is there stays.
    t.like(await copy.importFile(path, { ifExists: 'skip' }), { imported: 0, skipped: 3003 })
    t.like(await copy.importFile(path, { ifExists: 'replace', collections: ['rules'] }), { imported: 2 })
  })
}

test('the files of a dump are those of mongodump', async (t) => {
  const db = await memory(t)
  await db.collection('users').insertOne({ _id: 1 })
  const path = `${directory(t)}.dump`
  await db.exportMongodump(path, { gzip: true })
  t.deepEqual(readdirSync(join(path, 'memory')).toSorted(), ['users.bson.gz', 'users.metadata.json.gz'])
  t.deepEqual(JSON.parse(gunzipSync(readFileSync(join(path, 'memory', 'users.metadata.json.gz')))), {
    indexes: [{ v: { $numberInt: '2' }, key: { _id: { $numberInt: '1' } }, name: '_id_' }], options: {}, collectionName: 'users', type: 'collection'
  })
})

test('a document that BSON cannot hold ends a dump, which leaves nothing; so does a signal', async (t) => {
  const db = await memory(t)
  const path = `${directory(t)}.dump`
  await db.collection('users').insertOne({ _id: 'bad', 'a\0b': 1 })
  for (const archive of [false, true]) await rejectsWith(t, 'NOT_SUPPORTED', () => db.exportMongodump(path, { archive }), /the document "bad" of users cannot be written as BSON: .*zero/)
  await db.collection('users').deleteMany({})
  await db.collection('users').insertMany(Array.from({ length: 2000 }, (_, n) => ({ n, text: 'x'.repeat(1000) })))
  const stop = new AbortController()
  const reason = new Error('stop')
  t.is(await t.throwsAsync(db.exportMongodump(path, { signal: stop.signal, onProgress: () => stop.abort(reason) })), reason)
  await rejectsWith(t, 'IO', () => db.exportMongodump(join(path, 'no', 'where')), /cannot write/)
  t.deepEqual(readdirSync(dirname(path)), [])
})

test('a dump is of one moment, whatever is written meanwhile', async (t) => {
  const db = await memory(t)
  const [a, b] = ['a', 'b'].map((name) => db.collection(name))
  await a.insertMany(Array.from({ length: 3000 }, (_, n) => ({ _id: n, text: 'x'.repeat(500) })))
  await b.insertOne({ _id: 1, n: 0 })
  const path = `${directory(t)}.dump`
  const dumped = db.exportMongodump(path, { onProgress: () => { db.collection('b').updateOneSync({ _id: 1 }, { $inc: { n: 1 } }) } })
  t.is((await dumped).documents, 3001)
  t.true((await b.findOne({})).n > 0)
  t.is(documentsOf(readFileSync(join(path, 'memory', 'b.bson')))[0].n.valueOf(), 0)
})

test('what a server keeps for itself, and what has no equal here, is told', async (t) => {
  const db = await memory(t)
  const path = `${directory(t)}.dump`
  mkdirSync(join(path, 'shop'), { recursive: true })
  mkdirSync(join(path, 'admin'))
  const put = (name, options, indexes = []) => {
    writeFileSync(join(path, 'shop', `${name}.metadata.json`), JSON.stringify({ options, indexes }))
    writeFileSync(join(path, 'shop', `${name}.bson`), BSON.serialize({ _id: 1 }))
  }
  writeFileSync(join(path, 'admin', 'system.users.bson'), '')
  writeFileSync(join(path, 'oplog.bson'), '')
  put('plain', { collation: { locale: 'sv', version: '57.1' }, storageEngine: {}, uuid: 'x' }, [{ v: 2, key: { at: '2dsphere' }, name: 'at_2dsphere' }, { v: 1, key: { a: { $numberDouble: '1.0' } }, name: 'a_1', ns: 'shop.plain', background: true }])
  put('system.profile', {})
  put('odd', { validator: { $where: 'x' } })
  const result = await db.importFile(path)
  t.like(result, { imported: 2, indexes: 1 })
  const notes = result.notes.join('\n')
  for (const part of ['admin, which a server keeps', 'oplog.bson was left out', 'system.profile, which a server', 'plain had the option storageEngine', 'the index {"at":"2dsphere"} of plain was not made', 'odd was made without its options']) t.true(notes.includes(part), `${part} in ${notes}`)
  // One directory alone goes into the database that is called.
  await db.importFile(join(path, 'shop'), { collections: ['plain'] })
  t.is(await db.collection('plain').countDocuments(), 1)
  t.is((await db.listCollections({ name: 'plain' }).toArray())[0].options.collation.locale, 'sv')
  t.false(existsSync(`${path}.partial`))
})

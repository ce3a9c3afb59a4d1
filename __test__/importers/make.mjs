// Writes files with the real libraries, and beside each what the library itself reads from it: `node make.mjs FOLDER COUNT SEED`.

import { createHash } from 'node:crypto'
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { once } from 'node:events'
import { gzipSync } from 'node:zlib'

import SealdNedb from '@seald-io/nedb'
import { BSON, EJSON, ObjectId } from 'bson'
import Conf from 'conf'
import { stringify } from 'csv-stringify/sync'
import { JSONFilePreset } from 'lowdb/node'
import Papa from 'papaparse'

const require = createRequire(import.meta.url)
const Nedb = require('nedb')
const Loki = require('lokijs')
const StructuredAdapter = require('lokijs/src/loki-fs-structured-adapter.js')

const [folder, countText = '200', seedText = '1'] = process.argv.slice(2)
const count = Number(countText)
let state = Number(seedText)

/** Numbers from a seed: mulberry32. */
function random() {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

const pick = (list) => list[Math.floor(random() * list.length)]
const TEXTS = ['', 'plain', 'a "quote", and\na line', '\u0001\t\\', 'é ß İ', '😀', '\u2028', 'x'.repeat(300), '007', 'true', ' 1.5 ', '{"a":1}', '=1+1', ';|,\t']
const NUMBERS = [0, 1, -1, 0.1, 2 ** 31, -(2 ** 53), 1e300, 5e-324]

/** A value of JSON, or with dates. */
function value(dates, depth = 0) {
  const kinds = depth < 3 ? ['text', 'number', 'bool', 'null', 'date', 'array', 'object'] : ['text', 'number', 'bool', 'null', 'date']
  switch (pick(kinds)) {
    case 'text': return pick(TEXTS)
    case 'number': return pick(NUMBERS)
    case 'bool': return random() < 0.5
    case 'date': return dates ? new Date(Math.floor(random() * 4e12) - 1e12) : null
    case 'array': return Array.from({ length: Math.floor(random() * 4) }, () => value(dates, depth + 1))
    case 'object': return Object.fromEntries(Array.from({ length: Math.floor(random() * 4) }, (_, at) => [pick(['a', 'b', 'é', 'toString', '']) + at, value(dates, depth + 1)]))
    default: return null
  }
}

/** As EJSON has it, for those who compare. */
function expect(name, collections, indexes = {}) {
  writeFileSync(join(folder, `${name}.expected.json`), `${EJSON.stringify({ collections, indexes }, { relaxed: true })}\n`)
}

async function nedb(name, Datastore) {
  const filename = join(folder, `${name}.db`)
  const db = new Datastore({ filename })
  const call = (method, ...args) => new Promise((resolve, reject) => { db[method](...args, (error, result) => (error ? reject(error) : resolve(result))) })
  await call('loadDatabase')
  await call('ensureIndex', { fieldName: 'number', unique: true })
  await call('ensureIndex', { fieldName: 'gone' })
  await call('ensureIndex', { fieldName: 'text', sparse: true })
  for (let at = 0; at < count; at += 500) {
    await call('insert', Array.from({ length: Math.min(500, count - at) }, (_, within) => ({ number: at + within, text: pick(TEXTS), value: value(true), at: new Date(at * 1000 + within) })))
  }
  await call('update', { number: { $lt: count / 4 } }, { $set: { changed: new Date(0) } }, { multi: true })
  await call('update', { number: { $lt: count / 8 } }, { $inc: { times: 1 } }, { multi: true })
  await call('remove', { number: { $gte: count - count / 4 } }, { multi: true })
  await call('removeIndex', 'gone')
  const again = new Datastore({ filename: join(folder, `${name}.db`) })
  // Loading compacts the file: what is compared is read from a copy in memory of the same lines.
  const documents = await call('find', {})
  void again
  expect(name, { [name]: documents }, { [name]: [{ key: { number: 1 }, unique: true }, { key: { text: 1 }, sparse: true }] })
}

async function loki(name, adapter) {
  const file = join(folder, `${name}.json`)
  const db = new Loki(file, { adapter: adapter(), autosave: false })
  const users = db.addCollection('users', { unique: ['email'], indices: ['age'] })
  const logs = db.addCollection('logs')
  db.addCollection('empty')
  for (let at = 0; at < count; at++) users.insert({ email: at % 7 === 0 ? undefined : `u${at}@example.org`, age: at % 90, value: value(false), born: new Date(at * 1e9) })
  for (let at = 0; at < count / 2; at++) logs.insert({ text: pick(TEXTS), 'a.b': at })
  users.findAndUpdate({ age: { $lt: 20 } }, (user) => { user.young = true })
  users.findAndRemove({ age: { $gt: 80 } })
  users.addDynamicView('old').applyFind({ age: { $gt: 60 } })
  await new Promise((resolve, reject) => { db.saveDatabase((error) => (error ? reject(error) : resolve())) })
  const loaded = new Loki(file, { adapter: adapter() })
  await new Promise((resolve, reject) => { loaded.loadDatabase({}, (error) => (error ? reject(error) : resolve())) })
  const all = (collection) => loaded.getCollection(collection).find().map(({ $loki, meta: _meta, ...document }) => ({ _id: $loki, ...JSON.parse(JSON.stringify(document)) }))
  expect(name, { users: all('users'), logs: all('logs'), empty: [] }, { users: [{ key: { email: 1 }, unique: true, sparse: true }, { key: { age: 1 } }] })
}

async function lowdb() {
  const file = join(folder, 'lowdb.json')
  const db = await JSONFilePreset(file, { posts: [], tags: ['a', 'b'], settings: { theme: 'dark' }, count: 5, nothing: [] })
  for (let at = 0; at < count; at++) db.data.posts.push({ id: at, title: pick(TEXTS), value: value(false) })
  await db.write()
  const { posts, ...others } = (await JSONFilePreset(file, {})).data
  expect('lowdb', { posts: posts.map(({ id, ...post }) => ({ _id: id, ...post })), lowdb: Object.entries(others).map(([key, content]) => ({ _id: key, value: content })) })
}

function conf(name, options) {
  const store = new Conf({ cwd: folder, configName: name, projectName: 'importers', projectVersion: '1.0.0', ...options })
  store.set('window', { width: 800, bounds: [1, 2] })
  store.set('text', 'a "b"\n')
  for (let at = 0; at < Math.min(count, 200); at++) store.set(`key${at}`, value(false))
  store.set('unicorn.is.nested', true)
  const read = new Conf({ cwd: folder, configName: name, projectName: 'importers', projectVersion: '1.0.0', ...options })
  expect(name, { [name]: Object.entries(read.store).map(([key, content]) => ({ _id: key, value: content })) })
}

function csv() {
  const rows = Array.from({ length: count }, (_, at) => ({ name: pick(TEXTS), number: pick(NUMBERS), flag: random() < 0.5, born: new Date(at * 1e9), 'home.city': pick(TEXTS), 'home.zip': `0${at}` }))
  const texts = rows.map(({ name, number, flag, born, ...row }) => ({ name, number: String(number), flag: String(flag), born: born.toISOString(), home: { city: row['home.city'], zip: row['home.zip'] } }))
  const typed = rows.map(({ name, number, flag, born, ...row }) => ({ name, number, flag, born, home: { city: row['home.city'], zip: row['home.zip'] } }))
  const cells = rows.map((row) => ({ ...row, flag: String(row.flag), born: row.born.toISOString() }))
  writeFileSync(join(folder, 'papa.csv'), Papa.unparse(cells))
  expect('papa', { papa: texts })
  writeFileSync(join(folder, 'stringify.csv'), stringify(cells, { header: true, delimiter: ';', bom: true }))
  expect('stringify', { stringify: typed })
}

/** The documents of a server, of all types that can be stored. */
function ofServer(at) {
  return {
    _id: new ObjectId(createHash('sha256').update(`id${at}`).digest('hex').slice(0, 24)), int: at, double: at + 0.5, long: BigInt(at) * 2n ** 33n, text: pick(TEXTS), bytes: new BSON.Binary(Buffer.from(pick(TEXTS))), at: new Date(at * 1e9), value: value(true), null: null
  }
}

const METADATA = {
  users: { options: { validator: { int: { $gte: 0 } }, validationLevel: 'moderate' }, indexes: [{ v: 2, key: { _id: 1 }, name: '_id_' }, { v: 2, key: { int: 1 }, name: 'int_1', unique: true }, { v: 2, key: { text: 'text' }, name: 'text_text', weights: { text: 1 } }], uuid: '00', collectionName: 'users', type: 'collection' },
  'odd name%': { options: {}, indexes: [{ v: 2, key: { _id: 1 }, name: '_id_' }, { v: 2, key: { at: 1 }, name: 'at_1', expireAfterSeconds: 1e9 }], collectionName: 'odd name%', type: 'collection' },
  capped: { options: { capped: true, size: 1 << 20, max: 5 }, indexes: [{ v: 2, key: { _id: 1 }, name: '_id_' }], collectionName: 'capped', type: 'collection' },
  few: { options: { viewOn: 'users', pipeline: [{ $match: { int: { $lt: 3 } } }] }, indexes: [], collectionName: 'few', type: 'view' }
}

const canonical = (what) => EJSON.stringify(what, { relaxed: false })

const head = (fields) => Buffer.from(BSON.serialize(fields))
const long = (number) => BSON.Long.fromBigInt(number)

/** CRC-64 of ECMA-182, bit by bit. */
function crc64(bytes) {
  let crc = 0xffffffffffffffffn
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0xc96c5795d7870f42n : crc >> 1n
  }
  return BigInt.asIntN(64, crc ^ 0xffffffffffffffffn)
}

/** A dump in the two forms that mongodump has, as its sources describe them. */
async function dump() {
  const documents = { users: Array.from({ length: count }, (_, at) => ofServer(at)), 'odd name%': Array.from({ length: 10 }, (_, at) => ofServer(at)), capped: Array.from({ length: 5 }, (_, at) => ofServer(at)), few: [] }
  const bson = Object.fromEntries(Object.entries(documents).map(([name, list]) => [name, list.map((document) => Buffer.from(BSON.serialize(document)))]))
  for (const [name, ending, pack] of [['dump', '', (bytes) => bytes], ['dump-gzip', '.gz', (bytes) => gzipSync(bytes)]]) {
    const at = join(folder, name, 'shop')
    mkdirSync(at, { recursive: true })
    for (const [collection, metadata] of Object.entries(METADATA)) {
      const stem = join(at, encodeURIComponent(collection))
      writeFileSync(`${stem}.metadata.json${ending}`, pack(Buffer.from(canonical(metadata))))
      if (metadata.type !== 'view') writeFileSync(`${stem}.bson${ending}`, pack(Buffer.concat(bson[collection])))
    }
  }
  const MARK = Buffer.from([255, 255, 255, 255])
  const archive = createWriteStream(join(folder, 'shop.archive'))
  archive.write(Buffer.from([0x6d, 0xe2, 0x99, 0x81]))
  archive.write(head({ concurrent_collections: 4, version: '0.1', server_version: '7.0.5', tool_version: '100.9.4' }))
  for (const [collection, metadata] of Object.entries(METADATA)) archive.write(head({ db: 'shop', collection, metadata: canonical(metadata), size: 0, type: metadata.type }))
  archive.write(MARK)
  // The collections alternate, as they do where several are dumped at once.
  const left = Object.keys(bson).filter((name) => bson[name].length > 0)
  const next = Object.fromEntries(left.map((name) => [name, 0]))
  while (left.length > 0) {
    const name = pick(left)
    const documents_ = bson[name].slice(next[name], next[name] + 3)
    archive.write(Buffer.concat([head({ db: 'shop', collection: name, EOF: false, CRC: long(0n) }), ...documents_, MARK]))
    next[name] += 3
    if (next[name] >= bson[name].length) {
      left.splice(left.indexOf(name), 1)
      archive.write(Buffer.concat([head({ db: 'shop', collection: name, EOF: true, CRC: long(crc64(Buffer.concat(bson[name]))) }), MARK]))
    }
  }
  archive.end(Buffer.concat([head({ db: 'shop', collection: 'few', EOF: true, CRC: long(0n) }), MARK]))
  await once(archive, 'finish')
  const indexes = { users: [{ key: { int: 1 }, unique: true }], 'odd name%': [{ key: { at: 1 }, expireAfterSeconds: 1e9 }] }
  // As the types in BSON are: a number of JavaScript is written as a double where EJSON has an integer of 64 bits.
  const stored = Object.fromEntries(['users', 'odd name%', 'capped'].map((name) => [name, bson[name].map((bytes) => BSON.deserialize(bytes, { promoteValues: false }))]))
  for (const name of ['dump', 'dump-gzip', 'shop.archive']) writeFileSync(join(folder, `${name}.expected.json`), `${canonical({ collections: stored, indexes })}\n`)
  writeFileSync(join(folder, 'mongoexport.json'), documents.users.map((document) => `${EJSON.stringify(document, { relaxed: true })}\n`).join(''))
  writeFileSync(join(folder, 'array.json'), `[${documents.users.map((document) => EJSON.stringify(document, { relaxed: false }, 2)).join(',\n')}]\n`)
  // A relaxed export writes small integers of 64 bits as numbers.
  writeFileSync(join(folder, 'array.expected.json'), `${canonical({ collections: { array: documents.users }, indexes: {} })}\n`)
}

mkdirSync(folder, { recursive: true })
await nedb('nedb', Nedb)
await nedb('seald', SealdNedb)
await loki('loki', () => new Loki.LokiFsAdapter())
await loki('loki-structured', () => new StructuredAdapter())
await loki('loki-partitioned', () => new Loki.LokiPartitioningAdapter(new Loki.LokiFsAdapter()))
await lowdb()
conf('config', {})
conf('secret', { encryptionKey: 'a key' })
conf('sealed', { encryptionKey: 'a key', encryptionAlgorithm: 'aes-256-gcm' })
conf('counted', { encryptionKey: 'a key', encryptionAlgorithm: 'aes-256-ctr' })
csv()
await dump()

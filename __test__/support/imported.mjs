// Imports the files that real libraries wrote, and compares each document with what the library read from its file.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { Database, ObjectId } from '../../index.mjs'

const KEY = { encryptionKey: 'a key' }
/** The files, and how they are imported. */
export const FILES = [
  ['nedb.db', 'nedb', { format: 'nedb' }],
  ['seald.db', 'seald', { format: 'nedb' }],
  ['loki.json', 'loki'],
  ['loki-structured.json', 'loki-structured'],
  ['loki-partitioned.json', 'loki-partitioned'],
  ['lowdb.json', 'lowdb', { format: 'lowdb', idField: 'id' }],
  ['config.json', 'config', { format: 'electron-store' }],
  ['secret.json', 'secret', { format: 'electron-store', ...KEY }],
  ['sealed.json', 'sealed', { format: 'electron-store', ...KEY, encryptionAlgorithm: 'aes-256-gcm' }],
  ['counted.json', 'counted', { format: 'electron-store', ...KEY, encryptionAlgorithm: 'aes-256-ctr' }],
  ['papa.csv', 'papa'],
  ['stringify.csv', 'stringify', { types: { number: 'number', flag: 'boolean', born: 'date' } }],
  ['array.json', 'array'],
  ['dump', 'dump'],
  ['dump-gzip', 'dump-gzip'],
  ['shop.archive', 'shop.archive']
]

/** Values of EJSON as this package has them. */
function revived(value) {
  if (Array.isArray(value)) return value.map(revived)
  if (typeof value !== 'object' || value === null) return value
  const [[key, content] = [], ...more] = Object.entries(value)
  if (more.length === 0) {
    if (key === '$oid') return new ObjectId(content)
    if (key === '$date') return new Date(typeof content === 'string' ? content : Number(content.$numberLong))
    if (key === '$numberInt' || key === '$numberDouble') return Number(content)
    if (key === '$numberLong') return BigInt(content)
    if (key === '$binary') return Buffer.from(content.base64, 'base64')
  }
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, revived(field)]))
}

/** Imports one into a new database, compares all, and answers how many documents there are. */
export async function compare(folder, [file, name, options = {}], db) {
  const expected = JSON.parse(readFileSync(join(folder, `${name}.expected.json`), 'utf8'))
  const result = await db.importFile(join(folder, file), options)
  assert.deepEqual(result.rejected, [])
  const home = ['dump', 'dump-gzip', 'shop.archive'].includes(name) ? db.sibling('shop') : db
  let documents = 0
  for (const [collection, list] of Object.entries(expected.collections)) {
    const found = await home.collection(collection).find().toArray()
    assert.equal(found.length, list.length, collection)
    const wanted = list.map(revived)
    const isNamed = wanted.every((document) => Object.hasOwn(document, '_id'))
    const byId = new Map(found.map((document) => [key(document), document]))
    for (const [at, document] of wanted.entries()) {
      if (isNamed) assert.deepEqual(byId.get(key(document)), document, collection)
      else assert.deepEqual({ ...found[at], _id: undefined }, { ...document, _id: undefined }, collection)
    }
    documents += found.length
  }
  assert.equal(result.imported, documents)
  for (const [collection, list] of Object.entries(expected.indexes)) {
    const indexes = (await home.collection(collection).indexes()).slice(1)
    assert.deepEqual(indexes.map(({ v: _v, name: _name, background: _background, ...index }) => index).toSorted(byKey), list.map(revived).toSorted(byKey))
  }
  // Once more: nothing is there twice.
  const again = await db.importFile(join(folder, file), { ...options, ifExists: 'skip' })
  assert.deepEqual([again.imported, again.skipped], [0, documents])
  return documents
}

const key = (document) => JSON.stringify(document._id)

const byKey = (a, b) => (JSON.stringify(a.key) < JSON.stringify(b.key) ? -1 : 1)

/** All of them. */
export async function compareAll(folder, told) {
  for (const file of FILES) {
    const db = await Database.open(':memory:')
    try {
      const began = performance.now()
      told(file[0], await compare(folder, file, db), performance.now() - began)
    } finally {
      await db.close()
    }
  }
}

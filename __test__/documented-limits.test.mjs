// Reads and tests the table of docs/api.md, "Limits": the last allowed value passes, the first beyond it is refused with the
// kind of its row. Each row is either tested here or listed with the reason why not, so that no limit is documented
// untested.

import { readFileSync } from 'node:fs'

import test from 'ava'

import { Database, memory, MoltenError } from './support/database.mjs'

const UNITS = { bytes: 1, KiB: 1 << 10, MiB: 1 << 20, GiB: 2 ** 30 }

/** The content of the rows: name, number, and the kind of the refusal if there is one. */
function documented() {
  const text = readFileSync(new URL('../docs/api.md', import.meta.url), 'utf8').replaceAll('\r\n', '\n')
  const table = text.split('\n## Limits\n')[1].split('\n## ')[0]
  const rows = table.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| limit |'))
  return rows.map((line) => {
    const [name, value, beyond] = line.slice(2, -2).split(' | ')
    const [, number, unit] = /^([\d,]+)(?: (\w+))?/.exec(value) ?? []
    return { name, limit: Number(number?.replaceAll(',', '')) * (UNITS[unit] ?? 1), kind: /^`(\w+)`/.exec(beyond)?.[1] }
  })
}

const nested = (levels) => (levels === 0 ? 1 : { a: nested(levels - 1) })
const path = (parts) => Array(parts).fill('a').join('.')
const named = (count, value = 1) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, value]))
/** A value of so many bytes, encoded in an object below a key of one character. */
const bytes = (size) => Buffer.alloc(size - 16)
const all = (cursor) => cursor.toArray()

/**
 * By the name of the row: what is run at the limit, and one beyond it. `n` is the number of the row, `more` whether it is
 * exceeded.
 */
const PROBES = {
  'document, encoded': (db, n, more) => db.collection('large').insertOne({ a: more ? Buffer.alloc(n) : bytes(n - 48) }),
  'filter, encoded': (db, n, more) => db.collection('large').findOne({ a: more ? Buffer.alloc(n) : bytes(n) }),
  'update, encoded': (db, n, more) => db.collection('large').updateOne({ _id: 0 }, { $set: { a: more ? Buffer.alloc(n) : bytes(n - 16) } }),
  'pipeline, encoded': (db, n, more) => all(db.collection('large').aggregate([{ $match: { a: more ? Buffer.alloc(n) : bytes(n - 16) } }])),
  'levels of a document': (db, n, more) => db.collection('a').insertOne(nested(n + more)),
  'levels of a filter': (db, n, more) => db.collection('a').findOne(nested(n + more)),
  'levels of an update': (db, n, more) => db.collection('a').updateOne({ _id: 0 }, { $set: { a: nested(n + more - 2) } }),
  'levels of a pipeline': (db, n, more) => all(db.collection('a').aggregate([{ $match: nested(n + more - 2) }])),
  'levels of a document that an update makes': async (db, n, more) => {
    await db.collection('b').insertOne({ _id: more })
    await db.collection('b').updateOne({ _id: more }, { $set: { [path(n + more)]: 1 } })
  },
  'levels of a document that a stage makes': (db, n, more) =>
    all(db.aggregateNothing([{ $addFields: { [path(n / 2)]: 1 } }, ...Array.from({ length: n / 2 + more }, () => ({ $project: { a: '$$ROOT' } }))])),
  'document that a pipeline or a projection answers, encoded': (db, n, more) => {
    const half = { $reduce: { input: { $range: [0, Math.log2(n) - 1] }, initialValue: 'x', in: { $concat: ['$$value', '$$value'] } } }
    const rest = { $substrBytes: [half, 0, n / 2 - (more ? 0 : 100)] }
    return all(db.aggregateNothing([{ $project: { a: half, b: rest } }]))
  },
  'parts of a path in a filter': (db, n, more) => db.collection('a').findOne({ [path(n + more)]: 1 }),
  'parts of a path in a stage': (db, n, more) => all(db.aggregateNothing([{ $addFields: { [path(n + more)]: 1 } }])),
  'parts of a path in a sort': (db, n, more) => all(db.collection('a').find().sort({ [path(n + more)]: 1 })),
  'parts of a projected path': (db, n, more) => all(db.collection('a').find().project({ [path(n + more)]: 1 })),
  '`_id`, encoded': (db, n, more) => db.collection('a').insertOne({ _id: 'x'.repeat(n - 3 + more) }),
  BigInt: (db, n, more) => db.collection('a').insertOne({ a: 2n ** BigInt(n - 1) - (more ? 0n : 1n) }),
  'collection name, UTF-8': (db, n, more) => db.createCollection('x'.repeat(n + more)),
  'database name, UTF-8': (db, n, more) => db.sibling('x'.repeat(n + more)).createCollection('c'),
  'index name, UTF-8': (db, n, more) => db.collection('b').createIndex({ [`n${more}`]: 1 }, { name: 'x'.repeat(n + more) }),
  'fields of an index': (db, n, more) => db.collection('c').createIndex(named(n + more), { name: `wide${more}` }),
  'indexes of a collection, `_id_` included': (db, n, more) =>
    db.collection(`indexes${more}`).createIndexes(Array.from({ length: n - 1 + more }, (_, i) => ({ key: { [`f${i}`]: 1 } }))),
  'definition of an index, encoded': (db, n, more) =>
    db.collection('d').createIndex({ [`p${more}`]: 1 }, { partialFilterExpression: { a: 'x'.repeat(more ? n : n - 200) } }),
  'validator of a collection, encoded': (db, n, more) => db.createCollection(`rules${more}`, { validator: { a: 'x'.repeat(more ? n : n - 20) } }),
  'keys of a document in an index': async (db, n, more) => {
    await db.collection('e').createIndex({ a: 1 })
    // The array itself is a key as well.
    await db.collection('e').insertOne({ a: Array.from({ length: n - 1 + more }, (_, i) => i) })
  },
  'keys of a sort': (db, n, more) => all(db.collection('a').find().sort(named(n + more))),
  'stages of a pipeline': (db, n, more) => all(db.collection('a').aggregate(Array.from({ length: n + more }, () => ({ $skip: 0 })))),
  'memory of a query': (db, n, more) => all(grown(db, more ? n : n / 2)),
  'values of `distinct`': async (db, n, more) => {
    const documents = Array.from({ length: 16 + more }, (_, i) => ({ a: String.fromCharCode(97 + i).repeat(n / 16 - 100 * (1 - more)) }))
    await db.collection(`values${more}`).insertMany(documents)
    await db.collection(`values${more}`).distinct('a')
  },
  'string that an expression makes': (db, n, more) => {
    const half = 'x'.repeat(n / 2)
    const whole = { $concat: ['$$half', '$$half', more ? 'x' : ''] }
    return all(db.aggregateNothing([{ $project: { a: { $strLenBytes: { $let: { vars: { half }, in: whole } } } } }]))
  },
  'regular expression, UTF-8': (db, n, more) => all(db.collection('a').find({ a: new RegExp('a'.repeat(n + more)) })),
  'groups of a regular expression, nested': (db, n, more) => all(db.collection('a').find({ a: new RegExp('('.repeat(n + more) + ')'.repeat(n + more)) })),
  'compiled regular expression': (db, n, more) => all(db.collection('a').find({ a: new RegExp(`(?:a{1000}){${more ? 1_000 : 10}}`) })),
  'mask of `$bitsAllSet` and its kin': (db, n, more) => all(db.collection('a').find({ a: { $bitsAllSet: Buffer.alloc(n + more) } })),
  'position up to which an update fills an array': async (db, n, more) => {
    await db.collection('f').insertOne({ _id: more, a: [] })
    await db.collection('f').updateOne({ _id: more }, { $set: { [`a.${n + more}`]: 1 } })
  },
  'snapshots of a database in memory': async (db, n, more) => {
    // Those of the first call are kept.
    if (more) return db.snapshot()
    await Promise.all(Array.from({ length: n }, async () => kept.push(await db.snapshot())))
  },
  'option `flushInterval`': (db, n, more) => opened({ flushInterval: n + more }),
  'option `retention.generations`': (db, n, more) => opened({ retention: { generations: n + more } })
}

/** Snapshots that stay. */
const kept = []

/** Rows that are not tested, and why. */
const UNTRIED = {
  'bytes of a key in an index': 'nothing is refused; tested where keys are made, src/index/tree_tests.rs',
  'elements that an expression makes': 'takes 128 MB; tested in src/query/expression/tests.rs',
  'matches of `$regexFindAll`': 'takes 64 MiB of matches',
  'documents of a commit of `insertMany`, `updateMany`, `deleteMany`': 'nothing is refused',
  'documents of a commit of `$merge`': 'nothing is refused',
  'bytes of a commit of `setMany`, `$out`': 'takes 256 MiB',
  'documents of a batch of a cursor': 'nothing is refused; tested in cursor.test.mjs',
  'writes of a transaction': 'takes 256 MiB; tested in src/engine',
  'idle time of a transaction': 'takes a minute; tested with another number in transactions.test.mjs',
  'time of a transaction': 'takes ten minutes; tested with another number in transactions.test.mjs',
  'idle time of a cursor': 'takes ten minutes; tested with a moved clock in src/engine',
  'old versions that open cursors hold': 'tested in ended-cursors.test.mjs',
  'keys that a serializable transaction reads': 'refuses nothing; tested in tests/engine/serializable.rs',
  'filters by which it reads a collection': 'refuses nothing; tested in tests/engine/serializable.rs',
  'old versions that open transactions hold': 'tested in ended-cursors.test.mjs',
  'answer of one operation': 'takes 2 GiB',
  'line of `importJSONL`': 'takes 128 MiB',
  'record of `importFile`': 'takes 128 MiB; tested in import-damaged.test.mjs',
  'document of BSON': 'nothing is refused by name; tested in src/engine/transfer/bson/tests.rs',
  'entry of `Database.importMolten`': 'molten.test.mjs: an entry of 140 MiB',
  'documents of a commit of `importJSONL`': 'nothing is refused; tested in jsonl.test.mjs'
}

/** A $group that holds about so many bytes. */
function grown(db, size) {
  const piece = 'x'.repeat(1 << 20)
  const stages = [{ $addFields: { a: { $range: [0, Math.floor(size / piece.length)] } } }, { $unwind: '$a' }]
  return db.aggregateNothing([...stages, { $group: { _id: null, all: { $push: { $concat: [piece, 'y'] } } } }, { $project: { n: { $size: '$all' } } }])
}

async function opened(options) {
  const db = await Database.open(':memory:', options)
  await db.close()
}

/** A database with a pipeline over one document, without a collection. */
async function database(t) {
  const db = await memory(t)
  await db.collection('one').insertOne({ _id: 1 })
  return { collection: (name) => db.collection(name), sibling: (name) => db.sibling(name), createCollection: (name, options) => db.createCollection(name, options), snapshot: () => db.snapshot(), aggregateNothing: (stages) => db.collection('one').aggregate(stages) }
}

const rows = documented()

test('every limit of the table is tried, or named with the reason why not', (t) => {
  t.true(rows.length > 30)
  const names = rows.map(({ name }) => name)
  t.deepEqual(names.filter((name) => !(name in PROBES) && !(name in UNTRIED)), [], 'rows without a probe')
  t.deepEqual([...Object.keys(PROBES), ...Object.keys(UNTRIED)].filter((name) => !names.includes(name)), [], 'probes without a row')
})

for (const { name, limit, kind } of rows) {
  const probe = PROBES[name]
  if (!probe) continue
  test(`${name}: the limit passes, more is refused with its kind`, async (t) => {
    const db = await database(t)
    await t.notThrowsAsync(async () => probe(db, limit, 0))
    const error = await t.throwsAsync(async () => probe(db, limit, 1), { any: true })
    t.is(MoltenError.isMoltenError(error) ? error.kind : error?.name, kind, error?.message)
  })
}

// The real MoltenDB (tests/molten) and this package read each other's databases, and answer the same payloads: 100,000 documents with
// whatever JSON can hold, plain and encrypted, from the log and from snapshots, compared one by one. `--documents` sets how many (0: the
// payloads alone), `--seed` the seed, `--fixtures` writes the fixtures anew. Prints its seed.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { CALLS } from '../../__test__/support/molten-calls.mjs'
import { root, run } from '../steps.mjs'

const target = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'molten')
const program = process.env.MOLTEN_PROGRAM ?? join(target, 'release', process.platform === 'win32' ? 'moltendb-node-molten.exe' : 'moltendb-node-molten')
const given = (name, otherwise) => Number(process.argv[process.argv.indexOf(`--${name}`) + 1 || process.argv.length] ?? otherwise)
const count = given('documents', 100_000)
const seed = given('seed', Date.now() % 0x7fffffff)

/** Runs the real MoltenDB; returns the lines that it prints. */
function real(command, release, log, lines, { password, cwd } = {}) {
  const input = lines.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n')
  const done = spawnSync(program, [command, release, log, ...(password ? [password] : [])], { input: `${input}\n`, cwd, maxBuffer: 1 << 30, encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`${command} ${release} failed: ${done.error ?? done.stderr}`)
  return done.stdout.split('\n').filter(Boolean)
}

/** Numbers from a seed: mulberry32. */
function random(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const TEXTS = ['', 'plain', '\u0000\u0001\u001f"\\/\b\f\n\r\t', '\u00e9\u00df\u0130', '\ud83d\ude00\u{10ffff}', '\u2028\u2029', '$oid', '__proto__', 'x'.repeat(300)]
const NAMES = ['', 'a', 'b', '__proto__', 'constructor', 'a.b', '$set', '$oid', '_id', '__id', 'toString', '\u00e9', ' ', '0', '-1x', 'x'.repeat(100)]
/** As text: JSON.stringify would round the large ones. */
const NUMBERS = ['0', '-0.0', '1', '-1', '1.5', '1e300', '5e-324', '-1.7976931348623157e308', '2147483647', '2147483648', '-2147483649', '9007199254740991', '9007199254740993', '-9223372036854775808', '9223372036854775807', '0.1', '1e21']

/** A value as text of JSON. */
function value(next, depth) {
  const pick = (list) => list[Math.floor(next() * list.length)]
  const kind = next()
  if (depth > 0 && kind < 0.18) return `[${Array.from({ length: Math.floor(next() * 4) }, () => value(next, depth - 1)).join(',')}]`
  if (depth > 0 && kind < 0.4) return object(next, depth - 1)
  if (kind < 0.6) return pick(NUMBERS)
  if (kind < 0.8) return JSON.stringify(pick(TEXTS))
  if (kind < 0.9) return String(Math.floor(next() * 1e6))
  return pick(['null', 'true', 'false'])
}

function object(next, depth) {
  const fields = new Map()
  for (let n = Math.floor(next() * 5); n > 0; n--) fields.set(NAMES[Math.floor(next() * NAMES.length)], value(next, depth))
  return `{${[...fields].map(([name, field]) => `${JSON.stringify(name)}:${field}`).join(',')}}`
}

/** A line for the real MoltenDB. */
function line(next, i, release) {
  let content = i % 500 === 0 ? nested(90) : object(next, 4)
  // Release 1.0 takes a text `-1` and names of metadata for its own.
  if (release === '1.0') content = content.replaceAll('"_id"', '"i_d"').replaceAll('"__id"', '"i__d"')
  const key = i % 97 === 0 ? `k\u00e9y "${i}"` : `k${i}`
  return `{"collection":"c${i % 3}","key":${JSON.stringify(key)},"value":${content}}`
}

function nested(levels) {
  return '{"a":'.repeat(levels) + '1' + '}'.repeat(levels)
}

/** Values of JSON text, with whole numbers beyond 2^53 as BigInts, which JSON.parse would round. */
function parsed(text) {
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) => {
    return /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `{"\\u0000":"${token}"}` : token
  })
  return JSON.parse(marked, (_, field) => (typeof field === 'object' && field !== null && Object.hasOwn(field, '\0') ? BigInt(field['\0']) : field))
}

/** A document of MoltenDB as it should be here. */
function expected(key, document) {
  const made = { _id: key }
  for (const [name, field] of Object.entries(document)) {
    if (name === '_id' && field === key) continue
    Object.defineProperty(made, /^_+id$/.test(name) ? `_${name}` : name, { value: field, enumerable: true, configurable: true, writable: true })
  }
  return made
}

/** A document without the order of its names: MoltenDB sorts them. */
function sorted(field) {
  if (Array.isArray(field)) return field.map(sorted)
  if (typeof field !== 'object' || field === null || field instanceof Date || Buffer.isBuffer(field) || field._bsontype) return field
  const made = {}
  for (const name of Object.keys(field).sort()) Object.defineProperty(made, name, { value: sorted(field[name]), enumerable: true, configurable: true, writable: true })
  return made
}

async function main() {
  if (!process.env.MOLTEN_PROGRAM) {
    const code = run('cargo', ['build', '--locked', '--release', '--manifest-path', 'tests/molten/Cargo.toml'], { CARGO_TARGET_DIR: target })
    if (code !== 0) return code
  }
  if (process.argv.includes('--fixtures')) return fixtures()
  console.log(`seed ${seed}, ${count} documents`)
  const { Database } = await import('../../index.mjs')
  const folder = mkdtempSync(join(tmpdir(), 'molten_proof_'))
  try {
    for (const release of count > 0 ? ['0.6', '1.0'] : []) {
      for (const password of [undefined, 'p\u00e4ss']) await there(Database, folder, release, password)
    }
    for (const password of count > 0 ? [undefined, 'p\u00e4ss'] : []) await back(Database, folder, password)
    await answers(Database, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return 0
}

/** From MoltenDB: its snapshot, and the log after it. Then back to it, and compared there. */
async function there(Database, folder, release, password) {
  const next = random(seed)
  const lines = Array.from({ length: count }, (_, i) => line(next, i, release))
  lines.splice(Math.floor(count / 2), 0, '')
  const log = join(folder, `${release}-${password ? 'sealed' : 'plain'}_.log`)
  real('write', release, log, lines, { password })
  const rows = real('read', release, log, ['c0', 'c1', 'c2'], { password }).map((row) => parsed(row))
  assert.equal(rows.length, count)
  const path = join(folder, `db-${release}-${Boolean(password)}`)
  const began = performance.now()
  const made = await Database.importMolten(log, path, password ? { password } : {})
  const ms = Math.round(performance.now() - began)
  assert.deepEqual([made.documents, made.rejectedLines, made.format], [count, 0, release], JSON.stringify(made.rejected.slice(0, 3)))
  const db = await Database.open(path)
  for (const { collection, key, value: document } of rows) {
    const found = await db.collection(collection).get(key)
    if (release === '1.0') {
      for (const name of ['_v', '_seq', 'createdAt', 'modifiedAt', '_createdAt', '_modifiedAt']) delete document[name]
      for (const name of ['_v', '_seq', 'createdAt', 'modifiedAt']) delete found[name]
    }
    assert.deepEqual(sorted(found), sorted(expected(key, document)), `${collection} ${key}`)
  }
  if (release === '0.6') {
    const copy = join(folder, `back-${Boolean(password)}_.log`)
    await db.exportMolten(copy, password ? { password } : {})
    const again = new Map(real('read', '0.6', copy, ['c0', 'c1', 'c2'], { password }).map((row) => [parsed(row).collection + '/' + parsed(row).key, row]))
    assert.equal(again.size, count)
    for (const { collection, key, value: document } of rows) {
      const fields = { ...document }
      if (fields._id === key) delete fields._id
      assert.deepEqual(sorted(parsed(again.get(`${collection}/${key}`)).value), sorted(fields), `${collection} ${key}, back`)
    }
  }
  await db.close()
  console.log(`${release}${password ? ', encrypted' : ''}: ${count} documents are equal${release === '0.6' ? ', and equal again in MoltenDB' : ''} (imported in ${ms} ms)`)
}

/** What only we can hold, through MoltenDB and back. */
async function back(Database, folder, password) {
  const { ObjectId } = await import('../../index.mjs')
  const db = await Database.open(':memory:')
  const documents = [
    { _id: 'dates', at: [new Date(0), new Date(-1), new Date(8.64e15)] }, { _id: 'bytes', of: Buffer.from([0, 255]) }, { _id: 'id', of: new ObjectId() },
    { _id: 'numbers', of: [NaN, Infinity, -Infinity, -0, 2n ** 63n - 1n] }, { _id: 'looks', of: { $oid: '0123456789abcdef01234567' }, other: { $$date: '2024-01-31T12:00:00.000Z' } },
    { _id: 'own', __id: 1, ___id: 2 }
  ]
  await db.collection('types').insertMany(documents)
  await db.collection('types').createIndex({ at: 1 })
  const log = join(folder, `types-${Boolean(password)}_.log`)
  const options = password ? { password } : {}
  await db.exportMolten(log, options)
  assert.equal(real('read', '0.6', log, ['types'], options).length, documents.length)
  await Database.importMolten(log, join(folder, `types-${Boolean(password)}`), options)
  const again = await Database.open(join(folder, `types-${Boolean(password)}`))
  for (const document of documents) assert.deepEqual(await again.collection('types').get(document._id), document)
  await again.close()
  await db.close()
  console.log(`dates, bytes and the like${password ? ', encrypted,' : ''} come back from MoltenDB`)
}

/** The calls of the tests, asked of both. */
async function answers(Database, folder) {
  for (const release of ['0.6', '1.0']) {
    const calls = CALLS.filter((call) => call.release === undefined || call.release === release)
    const log = join(folder, `calls-${release}_.log`)
    const theirs = real('ask', release, log, calls.map(({ call, payload }) => ({ call, payload }))).map((row) => JSON.parse(row))
    const unequal = calls.flatMap(({ call, payload, answer, differs }, i) => {
      const { status, body } = theirs[i]
      const isNothing = answer === null || (Array.isArray(answer) && answer.length === 0)
      const isSame = isNothing ? status === 404 || body.length === 0 : same(body, answer)
      return isSame || differs !== undefined ? [] : [`${call} ${JSON.stringify(payload)}: MoltenDB answers ${JSON.stringify(body)}, and this package ${JSON.stringify(answer)}`]
    })
    assert.deepEqual(unequal, [])
    console.log(`${release}: ${calls.length} calls are answered as its handlers do, but for those that differ on purpose`)
  }
}

/** Whether an answer is as the test expects it: documents in any order unless they are sorted, without times. */
function same(body, answer) {
  const plain = (one) => {
    if (typeof one !== 'object' || one === null) return one
    const { createdAt: _createdAt, modifiedAt: _modifiedAt, ids: _ids, ...rest } = one
    // Keys of a list are made.
    if (/^[\da-f]{8}-/.test(rest._key)) delete rest._key
    for (const [name, field] of Object.entries(rest)) if (typeof field === 'object' && field !== null && !Array.isArray(field)) rest[name] = plain(field)
    return rest
  }
  const order = (list) => list.map((one) => JSON.stringify(sorted(plain(one)))).sort()
  const [a, b] = Array.isArray(body) ? [order(body), order(answer)] : [sorted(plain(body)), sorted(plain(answer))]
  try {
    assert.deepEqual(a, b)
    return true
  } catch {
    return false
  }
}

/** Writes fixtures/molten-0.6 and fixtures/molten-1.0. */
function fixtures() {
  for (const release of ['0.6', '1.0']) {
    const cwd = join(root, 'fixtures', `molten-${release}`)
    rmSync(cwd, { recursive: true, force: true })
    mkdirSync(cwd, { recursive: true })
    const first = [
      { call: 'set', payload: { collection: 'users', data: { u1: { name: 'Ada', age: 36 }, u2: { name: 'Bob', age: 17 }, u3: { name: 'Eve' } } } },
      { call: 'set', payload: { collection: 'gone', data: { g1: { a: 1 } } } },
      { call: 'schema', payload: { collection: 'users', schema: { type: 'object', required: ['name'], properties: { age: { type: 'integer', exclusiveMinimum: 0 } } } } },
      // The third condition on a field makes an index (0.6).
      ...Array.from({ length: 3 }, () => ({ call: 'get', payload: { collection: 'users', where: { age: { $gt: 20 } } } }))
    ]
    const second = [
      { call: 'update', payload: { collection: 'users', data: { u1: { age: 37, nested: { '': [null, true, 1.5, 'text'] } } } } },
      { call: 'delete', payload: { collection: 'users', keys: 'u3' } },
      { call: 'set', payload: { collection: 'notes', data: { n1: { text: 'new', user: 'u1' } } } },
      { call: 'delete', payload: { collection: 'gone', drop: true } }
    ]
    real('ask', release, 'log_only.log', [...first, ...second], { cwd })
    real('ask', release, 'snapshot_and_log.log', [...first, { call: 'compact', payload: {} }, ...second], { cwd })
    real('ask', release, 'sealed_log.log', [...first, { call: 'compact', payload: {} }, ...second], { cwd, password: 'secret' })
    rmSync(join(cwd, 'backup'), { recursive: true, force: true })
  }
  return 0
}

process.exitCode = await main()

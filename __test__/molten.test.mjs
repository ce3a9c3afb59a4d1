// Databases of MoltenDB, in and out. The fixtures were written by the real one (scripts/proofs/molten.mjs, which also compares 100,000 documents
// both ways); damaged files are made here.

import { appendFileSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import test from 'ava'

import { Database, ObjectId } from '../index.mjs'
import { memory, rejectsType, rejectsWith } from './support/database.mjs'

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url))

function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'moltendb-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** An entry of 0.6 as its line. */
const line = (cmd, collection, key, value = null) => `${JSON.stringify({ cmd, collection, key, value, _t: 1 })}\n`
const insert = (key, value, collection = 'c') => line('INSERT', collection, key, value)

/** Writes a log and imports it. */
async function imported(t, content, options, { open = true, snapshot } = {}) {
  const at = folder(t)
  const log = join(at, 'app.log')
  if (content !== undefined) writeFileSync(log, content)
  if (snapshot !== undefined) writeFileSync(`${log}.snapshot.bin`, snapshot)
  const result = await Database.importMolten(log, join(at, 'db'), options)
  if (!open) return { result, at }
  const db = await Database.open(join(at, 'db'))
  t.teardown(() => db.close())
  return { result, db, at, log }
}

const all = (db, name = 'c') => db.collection(name).find().sort({ _id: 1 }).toArray()

function number(n) {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(n)
  return bytes
}

/** A snapshot of 0.6. */
function snapshotOf(entries, { covered = 0n, count = BigInt(entries.length) } = {}) {
  const parts = entries.map((text) => Buffer.from(text.trimEnd())).flatMap((bytes) => [number(BigInt(bytes.length)), bytes])
  return Buffer.concat([Buffer.from('MOLTSNAP'), number(covered), number(count), ...parts])
}

for (const release of ['0.6', '1.0']) {
  for (const name of ['log_only', 'snapshot_and_log', 'sealed_log']) {
    test(`what MoltenDB ${release} wrote as ${name} is imported`, async (t) => {
      const password = name === 'sealed_log' ? { password: 'secret' } : {}
      const at = folder(t)
      const result = await Database.importMolten(join(FIXTURES, `molten-${release}`, `${name}.log`), join(at, 'db'), password)
      // Release 1.0 has no indexes.
      t.like(result, { format: release, collections: 2, documents: 3, rejectedLines: 0, indexes: release === '0.6' ? 1 : 0, notes: [] }, JSON.stringify(result))
      const db = await Database.open(join(at, 'db'))
      t.teardown(() => db.close())
      const [ada, bob] = await all(db, 'users')
      t.like(ada, { _id: 'u1', name: 'Ada', age: 37, _v: 2, nested: { '': [null, true, 1.5, 'text'] } })
      t.like(bob, { _id: 'u2', name: 'Bob', age: 17, _v: 1 })
      t.regex(ada.createdAt, /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/)
      t.like((await all(db, 'notes'))[0], { _id: 'n1', text: 'new', user: 'u1' })
      t.deepEqual((await db.collection('users').indexes()).map(({ name: index }) => index), release === '0.6' ? ['_id_', 'age_1'] : ['_id_'])
      await rejectsWith(t, 'SCHEMA_VIOLATION', db.collection('users').insertOne({ name: 'Zoe', age: 0 }))
      await db.collection('users').insertOne({ name: 'Zoe', age: 1 })
    })
  }
}

test('of what is committed alone the last state counts, deletes and drops too', async (t) => {
  const { db, result } = await imported(t, [
    insert('a', { n: 1 }), line('TX_BEGIN', 'c', 't1'), insert('a', { n: 2 }), insert('b', { n: 3 }), line('TX_COMMIT', 'c', 't1'),
    line('DELETE', 'c', 'b'), insert('d', { n: 4 }, 'gone'), line('DROP', 'gone', '*'), insert('e', { n: 5 }, 'gone'),
    line('TX_BEGIN', 'c', 't2'), insert('lost', { n: 6 }), line('TX_BEGIN', 'c', 't3'), insert('f', { n: 7 }), line('TX_COMMIT', 'c', 't3'),
    line('TX_BEGIN', 'c', 't4'), insert('cut', { n: 8 })
  ].join(''))
  t.deepEqual(await all(db), [{ _id: 'a', n: 2 }, { _id: 'f', n: 7 }])
  t.deepEqual(await all(db, 'gone'), [{ _id: 'e', n: 5 }])
  t.deepEqual(result.rejected.map(({ line: at, reason }) => [at, reason]), [[11, 'its transaction was never committed'], [16, 'its transaction was never committed']])
})

test('the writes of two writers between each other are all imported, where MoltenDB loses those of one', async (t) => {
  const { db } = await imported(t, [line('TX_BEGIN', 'c', 'a'), insert('1', {}), line('TX_BEGIN', 'c', 'b'), insert('2', {}), line('TX_COMMIT', 'c', 'a'), insert('3', {}), line('TX_COMMIT', 'c', 'b')].join(''))
  t.deepEqual((await all(db)).map(({ _id }) => _id), ['1', '2', '3'])
})

test('a line that cannot be imported is told with its place and kept, and all others are imported', async (t) => {
  const rejects = join(folder(t), 'rejects.jsonl')
  const bad = [
    'no json\n', `${insert('x', 5)}`, insert('y', { n: 0 }, 'a$b'), insert('k'.repeat(1_100), {}), line('NONSENSE', 'c', 'k'), '{"cmd":"INSERT"}\n',
    insert('big', 0).replace('"value":0', '"value":{"n":18446744073709551615}'), insert('deep', 0).replace('"value":0', `"value":${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    insert('deeper', 0).replace('"value":0', `"value":${'{"a":'.repeat(110)}1${'}'.repeat(110)}`), line('TX_COMMIT', 'c', 'none'), Buffer.from('{"cmd":"\xff"}\n', 'latin1')
  ]
  const { db, result } = await imported(t, Buffer.concat(bad.flatMap((one, i) => [Buffer.from(one), Buffer.from(insert(`ok${i}`, { i }))])), { rejects })
  t.is(result.rejectedLines, bad.length)
  t.is(result.documents, bad.length)
  t.is(await db.collection('c').countDocuments(), bad.length)
  const kept = readFileSync(rejects, 'utf8').trimEnd().split('\n').map((text) => JSON.parse(text))
  t.deepEqual(kept.map(({ line: at }) => at), bad.map((_, i) => 2 * i + 1))
  for (const [i, { text, base64 }] of kept.entries()) t.is(text ?? Buffer.from(base64, 'base64').toString('latin1'), Buffer.from(bad[i]).toString(base64 ? 'latin1' : 'utf8').trimEnd())
  const reasons = [/column/, /no object/, /collection name/, /_id/, /unknown/, /no "collection"/, /2\^63 - 1/, /recursion limit/, /levels/, /not begun/, /UTF-8/]
  for (const [i, { reason, file }] of result.rejected.entries()) {
    t.regex(reason, reasons[i])
    t.true(file.endsWith('app.log'))
  }
  await rejectsWith(t, 'IO', imported(t, insert('a', {}), { rejects }), /rejects.jsonl is there already/)
})

test('a last line that was cut off is told, one without a newline is imported', async (t) => {
  const whole = await imported(t, insert('a', {}) + insert('b', {}).trimEnd())
  t.is(whole.result.documents, 2)
  const cut = await imported(t, insert('a', {}) + insert('b', {}).slice(0, 30))
  t.is(cut.result.documents, 1)
  t.regex(cut.result.rejected[0].reason, /^it is cut off at the end of the file/)
})

test('a log cut off anywhere keeps what is whole before', async (t) => {
  const whole = Buffer.from(Array.from({ length: 5 }, (_, i) => insert(`k${i}`, { i })).join(''))
  for (let length = 0; length <= whole.length; length += 17) {
    const { result } = await imported(t, whole.subarray(0, length), {}, { open: false })
    const lines = whole.subarray(0, length).toString().split('\n')
    const last = lines.pop()
    t.is(result.documents, lines.length + (last.endsWith('}') ? 1 : 0), String(length))
    t.is(result.rejectedLines, last === '' || last.endsWith('_t":1}') ? 0 : 1)
  }
})

test('of a damaged snapshot the entries before the damage count, whatever it claims', async (t) => {
  const entries = ['a', 'b', 'c'].map((key) => insert(key, {}))
  const whole = snapshotOf(entries)
  const cases = [
    [whole, 3, 0], [snapshotOf(entries, { count: 1n << 60n }), 3, 1], [whole.subarray(0, whole.length - 10), 2, 1], [whole.subarray(0, 30), 0, 1], [whole.subarray(0, 10), 0, 1],
    [Buffer.concat([Buffer.from('NONSENSE'), whole.subarray(8)]), 0, 1], [snapshotOf(entries, { count: 2n }), 2, 1], [Buffer.concat([whole, Buffer.alloc(9)]), 3, 1], [Buffer.concat([whole.subarray(0, 24), Buffer.alloc(5_000)]), 0, 1], [Buffer.concat([whole.subarray(0, 24), Buffer.alloc(8, 0xff), whole.subarray(32)]), 0, 1]
  ]
  for (const [snapshot, documents, rejected] of cases) {
    const { result } = await imported(t, insert('z', {}), {}, { snapshot, open: false })
    t.deepEqual([result.documents, result.rejectedLines], [documents + 1, rejected], JSON.stringify(result.rejected))
  }
  const covering = await imported(t, insert('a', { n: 'old' }) + insert('z', {}), {}, { snapshot: snapshotOf([insert('a', { n: 'new' })], { covered: 1n }) })
  t.deepEqual(await all(covering.db), [{ _id: 'a', n: 'new' }, { _id: 'z' }])
  t.regex(covering.result.notes.join(), /the first 1 entries of the log are left out/)
  t.is((await imported(t, undefined, {}, { snapshot: whole, open: false })).result.documents, 3)
})

test('of files of 1.0 that are damaged anywhere nothing ends the import', async (t) => {
  const source = join(FIXTURES, 'molten-1.0')
  for (const name of ['snapshot_and_log.log', 'snapshot_and_log.log.snapshot.bin']) {
    const bytes = readFileSync(join(source, name))
    for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 24)) {
      for (const change of ['flip', 'cut']) {
        const path = folder(t)
        copyFileSync(join(source, 'snapshot_and_log.log'), join(path, 'snapshot_and_log.log'))
        copyFileSync(join(source, 'snapshot_and_log.log.snapshot.bin'), join(path, 'snapshot_and_log.log.snapshot.bin'))
        const damaged = Buffer.from(change === 'cut' ? bytes.subarray(0, at) : bytes)
        if (change === 'flip') damaged[at] ^= 0x5a
        writeFileSync(join(path, name), damaged)
        const result = await Database.importMolten(join(path, 'snapshot_and_log.log'), join(path, 'db'))
        t.true(result.documents <= 4, `${name} ${change} ${at}`)
        // In the head of gzip are a time and flags that say nothing.
        if (name.endsWith('.bin') && change === 'flip' && (at < 24 || at >= 34)) t.true(result.rejectedLines + result.notes.length > 0, `${at}: ${JSON.stringify(result)}`)
      }
    }
  }
})

test('the key of an encrypted log is its password, its password with a salt, or 32 bytes; any other is WRONG_KEY, none is KEY_REQUIRED, and makes nothing', async (t) => {
  const at = folder(t)
  const sealed = join(FIXTURES, 'molten-0.6', 'sealed_log.log')
  for (const [options, message] of [[{}, /it is encrypted; give its password/], [{ password: 'Secret' }, /opens none/], [{ password: Buffer.alloc(32) }, /opens none/], [{ password: 'secret2', salt: 'x' }, /option salt/]]) {
    const error = await rejectsWith(t, options.password === undefined ? 'KEY_REQUIRED' : 'WRONG_KEY', Database.importMolten(sealed, join(at, 'db'), options), message)
    t.notRegex(error.message, /[Ss]ecret/)
  }
  t.deepEqual(readdirSync(at), [])
  const db = await memory(t)
  await db.collection('c').insertMany([{ _id: 'a', n: 1 }, { _id: 'b', n: 2n ** 60n }])
  for (const [i, options] of [{ password: Buffer.alloc(32, 7) }, { password: 'p', salt: 'aaaaaaaaaaaaaaaaaaaaaA' }, { password: 'p' }].entries()) {
    const log = join(at, `${i}.log`)
    await db.exportMolten(log, options)
    t.notRegex(readFileSync(log, 'utf8'), /INSERT|"a"/)
    await Database.importMolten(log, join(at, `db${i}`), options)
    const again = await Database.open(join(at, `db${i}`))
    t.deepEqual(await all(again), [{ _id: 'a', n: 1 }, { _id: 'b', n: 2n ** 60n }])
    await again.close()
  }
  const damaged = readFileSync(join(at, '2.log'), 'utf8').split('\n')
  writeFileSync(join(at, '3.log'), [damaged[0].replace(/"value":"..../, '"value":"AAAA'), ...damaged.slice(1)].join('\n'))
  t.like(await Database.importMolten(join(at, '3.log'), join(at, 'db3'), { password: 'p' }), { documents: 1, rejectedLines: 1 })
})

test('what is no log, or no place for a database, is refused and leaves nothing', async (t) => {
  const at = folder(t)
  const log = join(at, 'app.log')
  writeFileSync(log, insert('a', {}))
  mkdirSync(join(at, 'there'))
  await rejectsWith(t, 'IO', Database.importMolten(at, join(at, 'db')), /is a directory; name the log/)
  await rejectsWith(t, 'IO', Database.importMolten(join(at, 'none.log'), join(at, 'db')), /there is no .*none\.log/)
  await rejectsWith(t, 'IO', Database.importMolten(log, join(at, 'there')), /is there already; an import makes a directory of its own/)
  await rejectsType(t, () => Database.importMolten(log, ':memory:'), /must be a directory/)
  await rejectsType(t, () => Database.importMolten(5, join(at, 'db')), /log must be the path of a file/)
  await rejectsType(t, () => Database.importMolten(log, join(at, 'db'), { pasword: 'x' }), /did you mean "password"/)
  await rejectsType(t, () => Database.importMolten(log, join(at, 'db'), { password: Buffer.alloc(31) }), /a key has 32/)
  await rejectsType(t, () => Database.importMolten(log, join(at, 'db'), { salt: 'x' }), /without a password/)
  const old = Buffer.concat([Buffer.from('MOLTSNG3'), Buffer.alloc(16)])
  await rejectsWith(t, 'VERSION', imported(t, '', {}, { snapshot: old }), /between 0\.6 and 1\.0/)
  t.deepEqual(readdirSync(at).toSorted(), ['app.log', 'there'])
  if (process.platform !== 'win32') symlinkSync(log, join(at, 'link.log'))
  t.is((await Database.importMolten(pathToFileURL(process.platform === 'win32' ? log : join(at, 'link.log')), pathToFileURL(join(at, 'db')))).documents, 1)
})

test.serial('an import that is given up leaves neither its directory nor its file of rejects, and tells its progress', async (t) => {
  const at = folder(t)
  const log = join(at, 'app.log')
  for (let i = 0; i < 60; i++) appendFileSync(log, Array.from({ length: 1_000 }, (_, n) => insert(`${i}-${n}`, { text: 'x'.repeat(200) })).join(''))
  for (const ms of [0, 20, 100]) {
    const controller = new AbortController()
    const given = Database.importMolten(log, join(at, 'db'), { signal: controller.signal, rejects: join(at, 'rejects') })
    setTimeout(() => controller.abort(new Error('enough')), ms)
    // On a fast machine it may be done before.
    const outcome = await given.catch((error) => error)
    if (ms === 0 || outcome instanceof Error) {
      t.is(outcome.message, 'enough')
      t.deepEqual(readdirSync(at), ['app.log'])
    } else for (const made of ['db', 'rejects']) rmSync(join(at, made), { recursive: true })
  }
  const seen = []
  t.is((await Database.importMolten(log, join(at, 'db'), { onProgress: (progress) => seen.push(progress) })).documents, 60_000)
  t.deepEqual(seen.at(-1).done, seen.at(-1).total)
  t.true(existsSync(join(at, 'db')))
  await t.throwsAsync(Database.importMolten(log, join(at, 'db2'), { onProgress: () => { throw new Error('no more') } }), { message: 'no more' })
})

test('a line of 140 MB is told and takes no memory, one of 100 MB is too large a document', async (t) => {
  const at = folder(t)
  const log = join(at, 'app.log')
  writeFileSync(log, insert('a', {}))
  for (const megabytes of [140, 100]) {
    appendFileSync(log, '{"cmd":"INSERT","collection":"c","key":"big","_t":1,"value":{"text":"')
    for (let n = 0; n < megabytes; n++) appendFileSync(log, 'x'.repeat(1 << 20))
    appendFileSync(log, `"}}\n${insert(`after ${megabytes}`, {})}`)
  }
  const result = await Database.importMolten(log, join(at, 'db'))
  t.is(result.documents, 3)
  t.deepEqual(result.rejected.map((one) => one.line), [2, 4])
  t.regex(result.rejected[0].reason, /an entry has at most/)
  t.regex(result.rejected[1].reason, /16 MiB/)
})

test('a schema or an index without an equal is noted, and the documents are imported', async (t) => {
  const { db, result } = await imported(t, [
    insert('a', { n: 'text' }), line('SCHEMA', 'c', '', { properties: { n: { $ref: '#/x' } } }), line('SCHEMA', 'd', '', { type: 'object', required: ['n'], additionalProperties: false, properties: { n: { type: 'integer' } } }),
    line('INDEX', 'c', '$or'), line('INDEX', 'c', 'a.b'), line('TTL_EXPIRY', 'c', '1')
  ].join(''))
  t.is(result.notes.length, 3)
  t.regex(result.notes.join('\n'), /the index on "\$or" of "c" is left out[^]*the schema of "c" is left out: \$ref has no equal[^]*MoltenDB would drop "c" at 1970-01-01/)
  t.true(await db.collection('c').indexExists('a.b_1'))
  await db.collection('d').insertOne({ _id: 'ok', n: 5 })
  await rejectsWith(t, 'SCHEMA_VIOLATION', db.collection('d').insertOne({ _id: 'no', n: 5.5 }))
})

test('what MoltenDB has no form for comes back from its log as it was', async (t) => {
  const db = await memory(t)
  const documents = [
    { _id: 'a', date: new Date(5), bytes: Buffer.from([1]), id: new ObjectId(), list: [NaN, -0, 2n ** 62n], looks: { $oid: '0123456789abcdef01234567' } }, { _id: 'b', __id: 1, ___id: 2, ['__proto__x']: 3 },
    { _id: 'c', $date: '2024-01-31T12:00:00.000Z' }
  ]
  await db.collection('c').insertMany(documents.map((one) => ({ ...one })))
  await db.collection('c').createIndex({ 'a.b': -1 }, { unique: true, sparse: true })
  await db.collection('c').createIndex({ a: 1, b: 1 })
  await db.createCollection('v', { validator: { $jsonSchema: { required: ['n'] } } })
  await db.createCollection('w', { validator: { n: { $gt: 5 } } })
  await db.createCollection('ring', { capped: true, size: 4096 })
  await db.createCollection('seen', { viewOn: 'c', pipeline: [] })
  await db.collection('ring').createIndex({ at: 1 }, { expireAfterSeconds: 60 })
  const at = folder(t)
  const log = join(at, 'out.log')
  const result = await db.exportMolten(log)
  t.like(result, { collections: 3, documents: 3, indexes: 2 })
  t.is(result.bytes, readFileSync(log).length)
  t.regex(result.notes.join('\n'), /"a_1_b_1".*one field each/)
  t.regex(result.notes.join('\n'), /refuses no duplicates/)
  t.regex(result.notes.join('\n'), /validator of "w" is left out/)
  t.regex(result.notes.join('\n'), /"ring" is capped/)
  t.regex(result.notes.join('\n'), /"seen" is left out: it is a view/)
  t.regex(result.notes.join('\n'), /"at_1" of "ring" lets nothing expire/)
  t.regex(readFileSync(log, 'utf8'), /"date":\{"\$date":"1970-01-01T00:00:00\.005Z"\}/)
  await Database.importMolten(log, join(at, 'db'))
  const again = await Database.open(join(at, 'db'))
  t.teardown(() => again.close())
  t.deepEqual(await all(again), documents)
  await rejectsWith(t, 'SCHEMA_VIOLATION', again.collection('v').insertOne({}))
  await rejectsWith(t, 'IO', db.exportMolten(log), /is there already/)
  writeFileSync(join(at, 'x.log.snapshot.bin'), '')
  await rejectsWith(t, 'IO', db.exportMolten(join(at, 'x.log')), /snapshot\.bin is there already/)
})

test('an _id that is no string becomes its text, or refuses the export', async (t) => {
  const db = await memory(t)
  const id = new ObjectId()
  await db.collection('c').insertMany([{ _id: 5 }, { _id: id }, { _id: 1.5 }, { _id: 7n }])
  const at = folder(t)
  await db.exportMolten(join(at, 'a.log'))
  t.deepEqual(readFileSync(join(at, 'a.log'), 'utf8').trimEnd().split('\n').map((text) => JSON.parse(text).key).toSorted(), ['1.5', '5', '7', id.toHexString()].toSorted())
  await db.collection('c').insertOne({ _id: '5' })
  await rejectsWith(t, 'DUPLICATE_KEY', db.exportMolten(join(at, 'b.log')), /would have the key "5"/)
  await db.collection('c').deleteOne({ _id: '5' })
  await db.collection('d').insertOne({ _id: new Date(0) })
  await rejectsWith(t, 'NOT_SUPPORTED', db.exportMolten(join(at, 'b.log')), /"d" with the _id .*1970/)
  t.deepEqual(readdirSync(at), ['a.log'])
})

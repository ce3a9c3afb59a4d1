import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

import test from 'ava'
import fc from 'fast-check'

import { MoltenError } from '../index.mjs'
import { directory, memory, rejectsWith } from './support/database.mjs'
import { FILES } from './support/imported.mjs'

const fixtures = fileURLToPath(new URL('../fixtures/importers', import.meta.url))
const seed = Number(process.env.SEED ?? Date.now() % 1e9)

/** The format of each fixture that is one file. */
const SINGLE = [...FILES.filter(([name]) => statSync(join(fixtures, name)).isFile()).map(([name, , options = {}]) => [name, {
  ...options, format: options.format ?? { 'loki.json': 'lokijs', 'loki-structured.json': 'lokijs', 'loki-partitioned.json': 'lokijs', 'papa.csv': 'csv', 'stringify.csv': 'csv', 'array.json': 'json', 'shop.archive': 'mongodump' }[name]
}]), ['dump/shop/users.bson', { format: 'bson' }], ['mongoexport.json', { format: 'mongoexport' }]]

/** Errors that say what is wrong with a file. */
const TOLD = ['BAD_DOCUMENT', 'WRONG_KEY', 'KEY_REQUIRED', 'NOT_SUPPORTED', 'DUPLICATE_KEY', 'SCHEMA_VIOLATION', 'BAD_QUERY', 'LIMIT']

async function attempt(t, db, path, options) {
  try {
    return await db.importFile(path, { ...options, ifExists: 'replace', onError: 'skip' })
  } catch (error) {
    t.true(MoltenError.isMoltenError(error) && TOLD.includes(error.kind), `${path}: ${error.stack}`)
    return undefined
  }
}

for (const [name, options] of SINGLE) {
  test(`${name}, cut off or with other bytes anywhere, is told and never a surprise (seed ${seed})`, async (t) => {
    const whole = readFileSync(join(fixtures, name))
    const path = join(dirname(directory(t)), name.split('/').at(-1))
    await fc.assert(fc.asyncProperty(fc.nat(whole.length - 1), fc.uint8Array({ maxLength: 8 }), fc.boolean(), async (at, bytes, isCut) => {
      const changed = isCut ? whole.subarray(0, at) : Buffer.concat([whole.subarray(0, at), bytes, whole.subarray(at + bytes.length)])
      writeFileSync(path, changed)
      const db = await memory(t)
      const result = await attempt(t, db, path, options)
      if (result) t.true(result.rejected.every(({ reason, line }) => typeof reason === 'string' && line >= 1))
      await db.close()
    }), { seed, numRuns: 12 })
  })
}

test(`bytes of any kind are told in every format (seed ${seed})`, async (t) => {
  const path = join(dirname(directory(t)), 'any')
  const formats = ['ndjson', 'json', 'csv', 'nedb', 'lokijs', 'lowdb', 'electron-store', 'bson', 'mongodump']
  const content = fc.oneof(fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)), fc.json().map((text) => Buffer.from(text)), fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '\\', '\n', '1', '\u0000', ';') }).map((text) => Buffer.from(text)))
  await fc.assert(fc.asyncProperty(content, fc.constantFrom(...formats), async (bytes, format) => {
    writeFileSync(path, bytes)
    const db = await memory(t)
    await attempt(t, db, path, { format })
    await db.close()
  }), { seed, numRuns: 300 })
})

test('nesting without end is told', async (t) => {
  const db = await memory(t)
  const path = join(dirname(directory(t)), 'deep')
  const deep = `${'[{"a":'.repeat(100_000)}1${'}]'.repeat(100_000)}`
  for (const [format, text] of [
    ['ndjson', `{"a":${deep}}\n`], ['json', deep], ['nedb', `{"_id":"x","a":${deep}}\n`], ['lowdb', `{"a":${deep}}`], ['electron-store', `{"a":${deep}}`],
    ['lokijs', `{"filename":"x","collections":[{"name":"c","data":[{"$loki":1,"a":${deep}}]}]}`]
  ]) {
    writeFileSync(path, text)
    const result = await attempt(t, db, path, { format })
    t.is(result.rejectedRecords, 1, format)
    t.is(result.imported, 0, format)
  }
})

test('a record that is longer than any document is left out without being held, and the next ones are taken', async (t) => {
  const db = await memory(t)
  const path = join(dirname(directory(t)), 'long')
  const long = (before, after) => {
    const target = openSync(path, 'w')
    writeSync(target, before)
    for (let piece = 0; piece < 131; piece++) writeSync(target, Buffer.alloc(1 << 20, 'x'))
    writeSync(target, after)
    closeSync(target)
  }
  long('{"_id":1}\n{"_id":2,"text":"', '"}\n{"_id":3}\n')
  const lines = await db.importFile(path, { format: 'ndjson', onError: 'skip', collection: 'a' })
  t.like(lines, { imported: 2, rejectedRecords: 1 })
  t.regex(lines.rejected[0].reason, /longer than 128 MiB/)
  t.like(lines.rejected[0], { line: 2, offset: 10, length: (131 << 20) + 20 })
  long('[{"_id":1},{"_id":2,"text":"', '"},{"_id":3}]')
  const array = await db.importFile(path, { format: 'json', onError: 'skip', collection: 'b' })
  t.like(array, { imported: 1, rejectedRecords: 1 })
  t.regex(array.rejected[0].reason, /longer than 128 MiB.*nothing after it can be read/)
})

test('a file that ends too early says where, and keeps what came before', async (t) => {
  const db = await memory(t)
  const home = dirname(directory(t))
  const at = (name, bytes) => {
    writeFileSync(join(home, name), bytes)
    return join(home, name)
  }
  const bson = readFileSync(join(fixtures, 'dump/shop/users.bson'))
  const cut = await db.importFile(at('users.bson', bson.subarray(0, -3)), { onError: 'skip' })
  t.like(cut, { imported: 39, rejectedRecords: 1 })
  t.regex(cut.rejected[0].reason, /the file ends after \d+ bytes of a document/)
  t.is((await rejectsWith(t, 'BAD_DOCUMENT', () => db.importFile(join(home, 'users.bson'), { ifExists: 'skip' }))).line, 40)
  const packed = gzipSync(readFileSync(join(fixtures, 'papa.csv')))
  const torn = await db.importFile(at('papa.csv.gz', packed.subarray(0, -40)), { onError: 'skip' })
  t.regex(torn.rejected.at(-1).reason, /its compression is damaged/)
  t.is(torn.rejected.at(-1).offset, null)
  const archive = readFileSync(join(fixtures, 'shop.archive'))
  const half = await db.importFile(at('shop.archive', archive.subarray(0, archive.length / 2)), { onError: 'skip' })
  t.true(half.imported > 0)
  t.true(half.notes.some((note) => /does not end in the archive/.test(note)))
  // A byte within a text: every document is well-formed, and the checksum tells.
  const flipped = Buffer.from(archive)
  const place = flipped.lastIndexOf('x'.repeat(50))
  flipped[place] = 0x79
  const damaged = await db.importFile(at('flipped.archive', flipped), { onError: 'skip', ifExists: 'replace' })
  t.true(damaged.rejected.some(({ reason }) => /the checksum of .* is wrong/.test(reason)))
  await rejectsWith(t, 'BAD_DOCUMENT', () => db.importFile(at('wide.csv', Buffer.from('\ufeffa,b\n', 'utf16le'))), /UTF-16; save it as UTF-8/)
})

test('a quote that is never closed, and rows of another length, are told by line', async (t) => {
  const db = await memory(t)
  const path = join(dirname(directory(t)), 'a.csv')
  writeFileSync(path, Buffer.concat([Buffer.from('a,b\n1,2\n1\n"x"y,2\n1,2,3\n\n'), Buffer.from([0xff, 0x2c, 0x31, 10]), Buffer.from('4,5\n"open,6\n7,8\n')]))
  const { imported, rejected } = await db.importFile(path, { onError: 'skip' })
  t.is(imported, 2)
  t.deepEqual(rejected.map(({ line, reason }) => [line, reason]), [
    [3, 'the row has 1 cell, and there are 2 columns'], [4, '"y,2" follows a quote that is closed'], [5, 'the row has 3 cells, and there are 2 columns'], [7, 'text that is not UTF-8'], [9, 'a quote is not closed']
  ])
})

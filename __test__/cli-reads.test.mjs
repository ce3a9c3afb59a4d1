// The verbs that query: find, count, explain, aggregate, history, stats, ls.

import test from 'ava'
import { EJSON } from 'bson'
import fc from 'fast-check'

import { Database, ObjectId } from '../index.mjs'
import { fails, json, lines, people } from './support/cli.mjs'
import { directory } from './support/database.mjs'

const seed = Number(process.env.SEED ?? Date.now() % 1e9)

/** What the core exports. */
async function exported(db) {
  let text = ''
  await db.exportJSONL(new WritableStream({ write: (piece) => void (text += Buffer.from(piece).toString()) }))
  return text
}

test('find prints the documents that match, as lines of Extended JSON in a pipe', async (t) => {
  const path = await people(t)
  t.deepEqual(json(t, ['find', path, 'users', '{"age":{"$gte":41}}', '--sort', '{"age":-1}', '--projection', '{"name":1,"_id":0}']), [{ name: 'Bob' }, { name: 'Cid' }])
  t.deepEqual(json(t, ['find', path, 'users', '--sort', '-age,name', '--projection', 'age,-_id', '--skip', '1', '--limit', '1']), [{ age: 41 }])
  t.is(json(t, ['find', path, 'users', '{}', '--hint', 'age_1']).length, 3)
})

test('find prints a table for people', async (t) => {
  const path = await people(t)
  t.deepEqual(lines(t, ['find', path, 'users', '--table']), [
    '_id  name  age  tags',
    '---  ----  ---  ----------------',
    'ann  Ann    37  ["math"]',
    'bob  Bob    45  ["navy","ships"]',
    'cid  Cid    41',
    '3 documents'
  ])
  t.deepEqual(lines(t, ['find', path, 'users', '{"age":1}', '--table']), ['no documents'])
})

test('--pretty prints each document with line breaks', async (t) => {
  const path = await people(t)
  t.deepEqual(lines(t, ['find', path, 'users', '{_id: "cid"}', '--pretty']), ['{', '  "_id": "cid",', '  "name": "Cid",', '  "age": 41', '}'])
})

test('a filter may be written as in a shell', async (t) => {
  const path = await people(t)
  const ids = (filter) => json(t, ['find', path, 'users', filter]).map(({ _id }) => _id)
  t.deepEqual(ids("{name: 'Ann'}"), ['ann'])
  t.deepEqual(ids('{ name: /^b/i, }'), ['bob'])
  t.deepEqual(ids('{"name":{"$regularExpression":{"pattern":"^B","options":""}}}'), ['bob'])
  t.deepEqual(ids('{ "tags.0": "navy", $or: [{ age: { $gt: 40.5 } }, { _id: null }] }'), ['bob'])
})

test('every type of a document is printed as an export has it, and found by what was printed', async (t) => {
  const path = directory(t)
  const db = await Database.open(path)
  const values = {
    long: 2n ** 63n - 1n, minus: -0, nan: NaN, infinite: -Infinity, date: new Date('2024-02-29T12:00:00.001Z'), bytes: Buffer.from([1, 2, 255]),
    id: new ObjectId('0123456789abcdef01234567'), nothing: null, text: 'a"b\n\u2028', list: [1n, [new Date(0)]], lookalike: { $oid: 'x' }, twice: { $$date: 1 }
  }
  await db.collection('c').insertMany(Object.entries(values).map(([_id, value]) => ({ _id, value })))
  const text = await exported(db)
  await db.close()
  const printed = lines(t, ['find', path, 'c'])
  t.deepEqual(printed, text.split('\n').slice(0, -1).map((line) => line.slice('{"collection":"c","document":'.length, -1)))
  for (const line of printed) {
    const document = line.slice(line.indexOf('"value":') + 8, -1)
    const found = lines(t, ['find', path, 'c', `{"value":{"$eq":${document}}}`])
    t.true(found.includes(line), line)
  }
  t.is(EJSON.parse(printed[4], { relaxed: false }).value.getTime(), values.date.getTime())
  for (const filter of ["{value: ISODate('2024-02-29T12:00:00.001Z')}", '{value: {$date: "2024-02-29T13:00:00.001+01:00"}}', '{value: ObjectId("0123456789abcdef01234567")}', '{value: NumberLong("9223372036854775807")}']) {
    t.is(lines(t, ['find', path, 'c', filter]).length, 1, filter)
  }
})

test('random values are read and written as the core reads and writes them', async (t) => {
  const leaf = fc.oneof(
    fc.constant(null), fc.boolean(), fc.double(), fc.integer(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.string({ unit: 'grapheme' }), fc.date({ noInvalidDate: true }), fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)), fc.constant(new ObjectId())
  )
  // Keys of numbers would be put in order by JavaScript.
  const key = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('$oid', '$date', '$$binary', '$numberLong')).filter((name) => name !== '__proto__' && !/^\d+$/.test(name))
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }))
  }))
  const path = directory(t)
  const db = await Database.open(path)
  await db.collection('c').insertOne({ _id: 1, v: fc.sample(value, { numRuns: 300, seed }) })
  const text = await exported(db)
  await db.close()
  const literal = text.slice(text.indexOf('"v":') + 4, -3)
  const [printed] = lines(t, ['aggregate', path, 'c', `[{"$project":{"v":{"$literal":${literal}}}}]`])
  // Numbers may have another form, 1e+21 for 1e21.
  const copy = await Database.open(':memory:')
  await copy.importJSONL([printed], { collection: 'c' })
  t.true(await exported(copy) === text, `SEED=${seed}`)
  await copy.close()
})

test('a value that is none is refused with its place', async (t) => {
  const path = await people(t)
  const cases = [
    ['{"age":', 'FILTER is not JSON: a value is expected where it ends'], ['{"a":1}}', 'FILTER is not JSON: the end is expected at "}", character 8'],
    ['[1]', 'FILTER must be an object'], ['{"a":{"$oid":"x"}}', '$oid must hold 24 hexadecimal digits'], ['{"a":{"$date":"2024-01-01T00:00"}}', '$date must hold a time'],
    ['{"a":{"$numberDecimal":"1"}}', '$numberDecimal is a type that cannot be stored'], ['{"a":{"$oid":"0123456789abcdef01234567","b":1}}', 'it must be alone'],
    ['{a: process.exit(7)}', 'FILTER is not JSON'], [`{a:${'['.repeat(5000)}`, 'nested deeper'], ['{a: /x/q}', 'FILTER'], ['{a: "b', 'ends with its quote'], ['{"a":{"$numberLong":"9223372036854775808"}}', '$numberLong']
  ]
  for (const [filter, message] of cases) {
    const said = fails(t, 2, ['find', path, 'users', filter])
    t.true(said.includes(message), `${filter}: ${said}`)
  }
  t.regex(fails(t, 1, ['find', path, 'users', '{"$foo":1}']), /^unknown top-level operator '\$foo'/)
})

test('count prints a number', async (t) => {
  const path = await people(t)
  t.deepEqual(lines(t, ['count', path, 'users']), ['3'])
  t.deepEqual(lines(t, ['count', path, 'users', '{"age":{"$gt":40}}', '--table']), ['2'])
})

test('aggregate runs a pipeline, and refuses to write', async (t) => {
  const path = await people(t)
  t.deepEqual(json(t, ['aggregate', path, 'users', '[{"$group":{"_id":null,"n":{"$sum":1},"oldest":{"$max":"$age"}}}]']), [{ _id: null, n: 3, oldest: 45 }])
  t.deepEqual(lines(t, ['aggregate', path, 'users', '[{$sort:{age:1}},{$project:{age:1}}]', '--table', '--limit', '2']), ['_id  age', '---  ---', 'ann   37', 'cid   41', 'the first 2 documents; --limit 0 shows all'])
  t.regex(fails(t, 1, ['aggregate', path, 'users', '[{"$out":"x"}]']), /only reads/)
  t.regex(fails(t, 2, ['aggregate', path, 'users', '5']), /array of stages/)
})

test('explain shows the plan, or the whole answer in a pipe', async (t) => {
  const path = await people(t)
  const [answer] = json(t, ['explain', path, 'users', '{"age":{"$gt":40}}', '--hint', 'age_1'])
  t.is(answer.queryPlanner.winningPlan.inputStage.stage, 'IXSCAN')
  t.is(answer.executionStats.nReturned, 2)
  const text = lines(t, ['explain', path, 'users', '{"age":{"$gt":40}}', '--hint', 'age_1', '--table']).join('\n')
  t.regex(text, /IXSCAN {2}index age_1 \{"age":1\}, bounds age:/)
  t.regex(text, /2 documents returned, 2 documents and \d keys examined/)
  t.is(json(t, ['explain', path, 'users', '[{"$match":{"_id":"ann"}}]'])[0].executionStats.nReturned, 1)
})

test('history prints the versions of a document, whatever type its _id has', async (t) => {
  const path = await people(t)
  t.deepEqual(json(t, ['history', path, 'users', 'ann']).map(({ version, operation, document }) => [version, operation, document.age]), [[1, 'insert', 36], [2, 'update', 37]])
  t.regex(lines(t, ['history', path, 'users', 'ann', '--table'])[2], /^ +1 +\d+ {2}\d{4}-.*Z {2}insert {5}\{"_id":"ann"/)
  t.is(json(t, ['history', path, 'old users', '1', '--db', 'archive']).length, 1)
  t.regex(fails(t, 1, ['history', path, 'users', 'nobody']), /no version of the document "nobody"/)
})

test('stats tells of a database or of a collection', async (t) => {
  const path = await people(t)
  const [found] = json(t, ['stats', path])
  t.like(found, { path, database: 'db', collections: 1, documents: 3, indexes: 1 })
  t.deepEqual(found.databases.map(({ name }) => name).sort(), ['archive', 'db'])
  const text = lines(t, ['stats', path, '--table']).join('\n')
  t.regex(text, /^documents +3$/m)
  t.regex(text, /^other databases +archive \(1 document\)$/m)
  t.like(json(t, ['stats', path, 'users'])[0], { ns: 'db.users', count: 3, nindexes: 2 })
  t.regex(lines(t, ['stats', path, 'users', '--table']).join('\n'), /^ {2}age_1 /m)
  t.like(json(t, ['stats', path, '--db', 'archive'])[0], { database: 'archive', documents: 1 })
})

test('ls lists databases, collections and indexes', async (t) => {
  const path = await people(t)
  t.like(json(t, ['ls', path]).sort((a, b) => (a.database < b.database ? 1 : -1)), [
    { database: 'db', collection: 'users', documents: 3, indexes: [{ v: 2, key: { age: 1 }, name: 'age_1' }] },
    { database: 'archive', collection: 'old users', documents: 1, indexes: [] }
  ])
  const table = lines(t, ['ls', path, '--table'])
  t.regex(table[0], /^database +collection +documents +bytes +indexes$/)
  t.true(table.some((line) => /^archive +old users +1 /.test(line)))
  t.is(lines(t, ['ls', path, '--db', 'archive']).length, 1)
})

test('--at reads the database as it was, by commit or by time', async (t) => {
  const path = await people(t)
  t.is(json(t, ['find', path, 'users', '{_id:"ann"}', '--at', '1'])[0].age, 36)
  t.deepEqual(json(t, ['ls', path, '--at', '1']).map(({ collection, indexes }) => [collection, indexes.length]), [['users', 0]])
  t.is(json(t, ['find', path, 'users', '{_id:"ann"}', '--at', new Date(Date.now() + 1000).toISOString()])[0].age, 37)
  t.deepEqual(lines(t, ['count', path, 'old users', '--db', 'archive', '--at', '0s']), ['1'])
  t.regex(fails(t, 1, ['count', path, 'users', '--at', '99']), /there is no commit 99 yet/)
  t.regex(fails(t, 2, ['count', path, 'users', '--at', 'yesterday']), /--at must be a time such as/)
})

test('a collection or a database that is not there is told, with the nearest name', async (t) => {
  const path = await people(t)
  t.is(fails(t, 1, ['find', path, 'usrs']), 'there is no collection "usrs" in the database "db"; did you mean users?')
  t.is(fails(t, 1, ['count', path, 'old users']), 'there is no collection "old users" in the database "db"; the database "archive" has one: --db archive')
  t.is(fails(t, 1, ['count', path, 'x', '--db', 'archive']), 'there is no collection "x" in the database "archive"; there are "old users"')
  t.is(fails(t, 1, ['ls', path, '--db', 'archiv']), `there is no database "archiv" in ${path}; did you mean archive?`)
})

test('names of any letters work', async (t) => {
  const path = `${directory(t)} with 空白 'quotes'`
  const db = await Database.open(path)
  const names = ['two words', 'größe', '顧客', '-dash', 'quote"s', "it's", 'emoji🎉']
  for (const name of names) await db.collection(name).insertOne({ _id: name })
  await db.sibling('größe').collection('-x').insertOne({ _id: 1 })
  await db.close()
  for (const name of names) t.deepEqual(json(t, ['find', path, '--', name]), [{ _id: name }])
  t.deepEqual(json(t, ['find', path, '--db', 'größe', '--', '-x']), [{ _id: 1 }])
  t.deepEqual(json(t, ['ls', path, '--db=größe']).map(({ collection }) => collection), ['-x'])
  t.deepEqual(json(t, ['history', path, '顧客', '顧客']).length, 1)
})

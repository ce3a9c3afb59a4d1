// The verbs export and import.

import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

import test from 'ava'

import { Database, ObjectId } from '../index.mjs'
import { cli, fails, json, lines, people, start } from './support/cli.mjs'
import { directory } from './support/database.mjs'

/** A closed database of documents of every type, in collections and a database beside it. */
async function everything(t) {
  const path = directory(t)
  const db = await Database.open(path)
  const values = [1n, -0, NaN, new Date(-1), Buffer.from([0, 255]), new ObjectId(), null, { $oid: 'x' }, ['"\n', [{}]], '\u2028\u{1f600}']
  await db.collection('c').insertMany(values.map((value, _id) => ({ _id, value })))
  await db.collection('quote"s and 空白').insertMany([{ _id: 1, big: 'x'.repeat(3_000_000) }, { _id: new ObjectId() }])
  await db.sibling('other').collection('c').insertOne({ _id: 'elsewhere' })
  await db.close()
  return path
}

test('an export of everything is imported as it was', async (t) => {
  const path = await everything(t)
  const text = cli(['export', path, '--all-databases']).stdout
  t.is(text.split('\n').length, 14)
  const copy = `${path}-copy`
  t.deepEqual(json(t, ['import', copy, '-', '--create'], { input: text }), [{ imported: 13, skipped: 0, lines: 13 }])
  t.is(cli(['export', copy, '--all-databases']).stdout.split('\n').toSorted().join('\n'), text.split('\n').toSorted().join('\n'))
  t.is(lines(t, ['find', copy, 'c', '--db', 'other'])[0], '{"_id":"elsewhere"}')
})

test('an export of a collection has its documents alone, which an import puts into any collection', async (t) => {
  const path = await everything(t)
  for (const name of ['c', 'quote"s and 空白']) {
    const text = cli(['export', path, name]).stdout
    t.is(text, cli(['find', path, name]).stdout)
    t.like(json(t, ['import', path, 'copy', '-'], { input: text })[0], { skipped: 0 })
    t.is(cli(['export', path, 'copy']).stdout, text)
    t.like(json(t, ['import', path, 'elsewhere', '-', '--db', 'third'], { input: text })[0], { skipped: 0 })
    t.is(cli(['export', path, 'elsewhere', '--db', 'third']).stdout, text)
    const db = await Database.open(path)
    await db.collection('copy').drop()
    await db.sibling('third').collection('elsewhere').drop()
    await db.close()
  }
})

test('a file appears when it is complete, and is not replaced unasked', async (t) => {
  const path = await people(t)
  const file = `${path}.jsonl`
  t.like(json(t, ['export', path, 'users', '--out', file])[0], { documents: 3, file, bytes: readFileSync(file).length })
  t.regex(fails(t, 1, ['export', path, '-o', file]), /exists; name another file, or give --overwrite/)
  t.is(readFileSync(file, 'utf8').split('\n').length, 4)
  t.regex(lines(t, ['export', path, '-o', file, '--overwrite', '--table'])[0], /^3 documents in /)
  t.regex(readFileSync(file, 'utf8'), /^\{"collection":"users","document":/)
  fails(t, 1, ['export', path, 'users', '--out', `${path}-none/x.jsonl`])
  t.deepEqual(readdirSync(dirname(path)).filter((name) => name.includes('.partial-')), [])
  fails(t, 1, ['export', path, 'nothing', '--out', `${file}2`])
  t.false(existsSync(`${file}2`))
})

test('an export shows an earlier state', async (t) => {
  const path = await people(t)
  t.is(json(t, ['export', path, 'users', '--at', '1']).find(({ _id }) => _id === 'ann').age, 36)
})

test('an import says which line it cannot take, and goes on over documents that exist if it is told', async (t) => {
  const path = await people(t)
  const file = `${path}.jsonl`
  writeFileSync(file, '{"_id":"new"}\n{"_id":"ann","age":1}\n{"_id":"last"}\n')
  t.regex(fails(t, 1, ['import', path, 'users', file]), /^line 2: .*1 document of the lines before it is imported; --if-exists skip or replace goes on/)
  t.deepEqual(json(t, ['import', path, 'users', file, '--if-exists', 'skip']), [{ imported: 1, skipped: 2, lines: 3 }])
  t.regex(lines(t, ['import', path, 'users', file, '--if-exists', 'replace', '--batch-size', '1', '--table'])[0], /^3 documents imported, 3 lines read/)
  t.deepEqual(json(t, ['find', path, 'users', '{_id:"ann"}']), [{ _id: 'ann', age: 1 }])
  t.regex(fails(t, 1, ['import', path, 'users', '-'], { input: '{"_id":5}\nnot json\n' }), /^line 2: /)
  t.regex(fails(t, 2, ['import', path, 'users', file, '--if-exists', 'replce']), /must be error, replace, skip, not "replce"; did you mean replace\?/)
  t.regex(fails(t, 2, ['import', path, 'users', file, '--batch-size', '0']), /whole number from 1 on/)
  t.regex(fails(t, 1, ['import', path, 'users', `${file}-none`]), /there is no file/)
  t.regex(fails(t, 1, ['import', path, 'users', dirname(path)]), /is a directory/)
})

test('a database is made by an import that is told to', async (t) => {
  const path = directory(t)
  fails(t, 4, ['import', path, 'c', '-'], { input: '{"_id":1}\n' })
  t.false(existsSync(path))
  json(t, ['import', path, 'c', '-', '--create'], { input: '{"_id":1}\n' })
  t.deepEqual(lines(t, ['count', path, 'c']), ['1'])
})

/** Text for an import that does not end. */
async function feed(child) {
  child.stdin.on('error', () => {})
  for (let i = 0; !child.stdin.destroyed && child.exitCode === null; i++) {
    const more = Array.from({ length: 1000 }, (_, j) => `{"_id":${i * 1000 + j},"text":"${'x'.repeat(200)}"}\n`).join('')
    if (!child.stdin.write(more)) await Promise.race([once(child.stdin, 'drain').catch(() => {}), once(child, 'exit')])
  }
}

test('an import that is interrupted keeps its batches, and leaves a database that opens', async (t) => {
  const path = directory(t)
  const child = start(['import', path, 'c', '-', '--create', '--batch-size', '100'])
  let stderr = ''
  child.stderr.on('data', (text) => (stderr += text))
  const exit = once(child, 'close')
  const feeding = feed(child)
  // Until there is something that can be kept.
  for (let size = 0; size < 1_000_000;) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    if (existsSync(path)) size = readdirSync(path).reduce((sum, name) => sum + readFileSync(`${path}/${name}`).length, 0)
  }
  child.kill('SIGINT')
  const [code] = await exit
  await feeding
  t.is(code, 130, stderr)
  const [, kept] = /^moltendb-node: ([\d,]+) documents of the lines before are imported\nmoltendb-node: interrupted\n$/.exec(stderr) ?? t.fail(stderr)
  t.true(Number(lines(t, ['count', path, 'c'])[0]) >= Number(kept.replaceAll(',', '')))
  t.true(json(t, ['verify', path])[0].ok)
})

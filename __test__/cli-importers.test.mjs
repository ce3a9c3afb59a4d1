// The verbs import with a format, load and dump.

import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import test from 'ava'

import { Database } from '../index.mjs'
import { cli, fails, json, lines, people, start, stateOf } from './support/cli.mjs'
import { directory } from './support/database.mjs'

const fixtures = fileURLToPath(new URL('../fixtures/importers', import.meta.url))

test('import takes files of other databases by their format, or by what their name says', (t) => {
  const path = directory(t)
  const [csv] = json(t, ['import', path, join(fixtures, 'papa.csv'), '--create'])
  t.like(csv, { format: 'csv', imported: 40, rejectedRecords: 0 })
  t.deepEqual(json(t, ['ls', path]).map(({ collection, documents }) => [collection, documents]), [['papa', 40]])
  t.regex(lines(t, ['import', path, join(fixtures, 'loki.json'), '--format', 'lokijs', '--table']).at(-1), /^60 documents imported into 3 collections, 2 indexes$/)
  t.like(json(t, ['import', path, 'old', join(fixtures, 'nedb.db'), '--format', 'nedb', '--no-indexes'])[0], { imported: 30, indexes: 0 })
  writeFileSync(`${path}.key`, 'a key\n')
  t.is(json(t, ['import', path, join(fixtures, 'sealed.json'), '--format', 'electron-store', '--store-key-file', `${path}.key`, '--store-algorithm', 'aes-256-gcm'])[0].imported, 43)
  t.is(json(t, ['import', path, 'typed', join(fixtures, 'stringify.csv'), '--types', '{number:"number"}'])[0].imported, 40)
  t.is(json(t, ['count', path, 'typed', '{number:{$type:"number"}}'])[0], 40)
  t.regex(fails(t, 2, ['import', path, join(fixtures, 'papa.csv'), '--format', 'cvs']), /--format must be ndjson, .*did you mean csv/)
  t.regex(fails(t, 2, ['import', path, 'x', '-', '--format', 'csv']), /--format needs a file/)
  t.regex(fails(t, 2, ['import', path, 'x', join(fixtures, 'mongoexport.json'), '--infer']), /--infer needs --format/)
  t.regex(fails(t, 1, ['import', path, join(fixtures, 'papa.csv'), '--keep-meta']), /keepMeta is of no use for csv/)
})

test('what import leaves out is told on the standard error and kept in a file', (t) => {
  const path = directory(t)
  writeFileSync(`${path}.csv`, 'a,b\n1,2\n3\n')
  t.regex(fails(t, 1, ['import', path, `${path}.csv`, '--create']), /line 3: the row has 1 cell.*1 document before it is imported/)
  const { code, stdout, stderr } = cli(['import', path, `${path}.csv`, '--table', '--on-error', 'skip', '--if-exists', 'skip', '--rejects', `${path}.rejects`])
  t.is(code, 0)
  t.is(stdout, '0 documents imported into 1 collection, 1 skipped because their _id exists, 1 record left out\n')
  t.regex(stderr, /record 3: the row has 1 cell, and there are 2 columns/)
  t.is(JSON.parse(readFileSync(`${path}.rejects`, 'utf8')).text, '3')
})

test('load reads what dump writes, and dumps of a server', async (t) => {
  const path = await people(t)
  const copy = `${path}-copy`
  for (const [name, ...options] of [['folder'], ['packed', '--gzip'], ['file', '--archive'], ['packed file', '--archive', '--gzip']]) {
    const [dumped] = json(t, ['dump', path, `${path}.${name}`, '--all-databases', ...options])
    t.like(dumped, { collections: 2, documents: 4, path: `${path}.${name}` })
    t.like(json(t, ['load', copy, `${path}.${name}`, '--create', '--if-exists', 'replace'])[0], { imported: 4 })
  }
  t.deepEqual(json(t, ['find', copy, 'users', '--db', 'db']), json(t, ['find', path, 'users']))
  t.deepEqual(json(t, ['find', copy, 'old users', '--db', 'archive']), [{ _id: 1, name: 'Zoe' }])
  t.regex(fails(t, 1, ['dump', path, `${path}.folder`]), /exists/)
  t.regex(fails(t, 1, ['dump', path, `${path}.x`, 'nobody']), /there is no collection "nobody"/)
  t.false(existsSync(`${path}.x`))
  t.regex(lines(t, ['dump', path, `${path}.one`, 'users', '--table'])[0], /^3 documents of 1 collection, \d+ B of BSON, in /)
  t.regex(lines(t, ['load', copy, join(fixtures, 'dump'), '--table', '--collections', 'users']).at(-1), /^40 documents imported into 1 collection of the database shop, 1 index$/)
  t.is(json(t, ['load', copy, join(fixtures, 'dump', 'shop', 'users.bson'), '--no-indexes'])[0].imported, 40)
  t.regex(fails(t, 1, ['load', copy, dirname(fixtures)]), /no dump in/)
})

test('load --db is for a dump of one database, and a load that fails leaves no database that it made', async (t) => {
  const path = await people(t)
  json(t, ['dump', path, `${path}.dump`])
  json(t, ['dump', path, `${path}.archive`, '--archive'])
  for (const dump of [`${path}.dump`, `${path}.archive`]) t.regex(fails(t, 2, ['load', `${path}-2`, dump, '--create', '--db', 'x']), /names its databases/)
  t.is(json(t, ['load', `${path}-2`, join(`${path}.dump`, 'db'), '--create', '--db', 'x'])[0].imported, 3)
  t.deepEqual(lines(t, ['count', `${path}-2`, 'users', '--db', 'x']), ['3'])
  for (const args of [['missing'], [dirname(fixtures)], [join(fixtures, 'dump'), '--on-error', 'skip', '--rejects', `${path}.archive`]]) {
    fails(t, 1, ['load', `${path}-3`, ...args, '--create'])
    t.false(existsSync(`${path}-3`), args[0])
  }
  t.regex(fails(t, 2, ['load', path, `${path}.archive`, '--rejects', `${path}.rejects`]), /give both/)
})

test('no verb writes a file into the directory', async (t) => {
  const path = await people(t)
  const before = stateOf(path)
  const inside = join(path, 'MANIFEST')
  for (const args of [['export', path, 'users', '--out', inside, '--overwrite'], ['dump', path, join(path, 'quarantine'), '--archive'], ['dump', path, join(path, 'backup')]]) {
    t.regex(fails(t, 1, args), /is inside the directory of the database/)
  }
  t.regex(fails(t, 1, ['load', path, join(fixtures, 'dump'), '--on-error', 'skip', '--rejects', join(path, 'seg-0000000000000009.log')]), /is inside the directory/)
  t.deepEqual(stateOf(path), before)
})

test('an import that is killed goes on with the same line, and nothing is there twice', async (t) => {
  const path = directory(t)
  const file = `${path}.csv`
  const count = 100_000
  await Database.open(path).then((db) => db.close())
  writeFileSync(file, `n,text\n${Array.from({ length: count }, (_, n) => `${n},${'x'.repeat(40)}`).join('\n')}\n`)
  for (let kills = 0; kills < 3; kills++) {
    const child = start(['import', path, file, '--if-exists', 'skip', '--batch-size', '100'], { stdio: 'ignore' })
    await setTimeout(250 + 150 * kills)
    child.kill(kills === 1 ? 'SIGINT' : 'SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  const [done] = json(t, ['import', path, file, '--if-exists', 'skip'])
  t.is(done.imported + done.skipped, count)
  t.is(json(t, ['count', path, path.endsWith('db') ? 'db' : 'x'])[0], count)
  t.is(json(t, ['aggregate', path, 'db', '[{$group:{_id:"$n"}},{$count:"n"}]'])[0].n, count)
  t.deepEqual(readdirSync(dirname(path)).toSorted(), ['db', 'db.csv'])
})

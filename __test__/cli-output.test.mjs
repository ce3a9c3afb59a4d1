// How the program shows what it found: tables that fit, texts that are safe on a terminal, colours and progress on terminals alone.

import { spawnSync } from 'node:child_process'

import test from 'ava'

import { Database } from '../index.mjs'
import { lines, json, people, program } from './support/cli.mjs'
import { directory } from './support/database.mjs'

async function holding(t, documents) {
  const path = directory(t)
  const db = await Database.open(path)
  await db.collection('c').insertMany(documents)
  await db.close()
  return path
}

const table = (t, path, width, ...more) => lines(t, ['find', path, 'c', '--table', ...more], { env: { COLUMNS: String(width) } })

test('long values are cut, so that every line fits the width', async (t) => {
  const path = await holding(t, [
    { _id: 1, short: 'a', long: 'word '.repeat(100), object: { a: { b: 'x'.repeat(1000) } }, n: 123456.5 },
    { _id: 2, short: 'b', long: 'w', object: null, n: -1 }
  ])
  for (const width of [40, 60, 100, 200]) {
    const shown = table(t, path, width)
    t.true(shown.every((line) => line.length <= width), shown.join('\n'))
    t.regex(shown[2], /\.\.\./)
  }
  t.true(table(t, path, 100)[2].includes('{"a":{"b":"xxx'))
  t.regex(table(t, path, 100)[2], / 123456\.5$/)
})

test('columns that do not fit are named below', async (t) => {
  const path = await holding(t, [Object.fromEntries(['_id', ...'abcdefghijklmnop'].map((name) => [name, name === '_id' ? 1 : `value of ${name}`]))])
  const shown = table(t, path, 60)
  t.regex(shown[0], /^_id {2}a +b +c/)
  t.true(shown[0].length <= 60)
  t.regex(shown[3], /^columns that do not fit: .*o, p; --json shows all$/)
})

test('a huge document takes one line of a table, and is whole in JSON', async (t) => {
  const path = await holding(t, [{ _id: 1, text: 'é'.repeat(7_000_000), list: Array.from({ length: 100_000 }, (_, i) => i) }])
  const shown = table(t, path, 80)
  t.is(shown.length, 4)
  t.true(shown[2].length <= 80)
  t.is(json(t, ['find', path, 'c'])[0].text.length, 7_000_000)
})

test('a table shows 50 rows and says that there are more; --limit shows more', async (t) => {
  const path = await holding(t, Array.from({ length: 250 }, (_, _id) => ({ _id, [`only${_id}`]: 1, all: 'x' })))
  const shown = table(t, path, 100, '--projection', 'all')
  t.is(shown.length, 53)
  t.is(shown.at(-1), 'the first 50 documents; --limit 0 shows all')
  t.is(table(t, path, 100, '--projection', 'all', '--limit', '0').length, 253)
  t.is(table(t, path, 100, '--projection', 'all', '--limit', '51').at(-1), '51 documents')
  t.is(json(t, ['find', path, 'c']).length, 250)
})

test('fields that only later documents have are named below the table', async (t) => {
  const path = await holding(t, Array.from({ length: 150 }, (_, _id) => ({ _id, ...(_id > 120 && { rare: 1 }) })))
  const shown = table(t, path, 100, '--limit', '0', '--sort', '_id')
  t.deepEqual(shown.slice(-2), ['fields that only later documents have: rare; --json shows all', '150 documents'])
  t.is(table(t, path, 100, '--limit', '110', '--sort', '_id').at(-2), '109')
})

test('texts cannot drive the terminal', async (t) => {
  const nasty = 'a\u001b[31mred\u0007\u009b2J\u202eabc\u0000\r\n\t'
  const path = await holding(t, [{ _id: 1, nasty, [`key\u001b]0;x\u0007`]: { deep: nasty } }])
  for (const args of [['--table'], ['--pretty']]) {
    const text = lines(t, ['find', path, 'c', ...args]).join('\n')
    // oxlint-disable-next-line no-control-regex
    t.notRegex(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
    t.true(text.includes('[31mred'))
  }
  t.is(json(t, ['find', path, 'c'])[0].nasty, nasty)
})

test('letters of two places and marks of none keep the columns straight', async (t) => {
  const path = await holding(t, [{ _id: 1, a: '空白', b: 'x' }, { _id: 2, a: 'e\u0301te\u0301', b: 'x' }, { _id: 3, a: '🎉', b: 'x' }])
  t.deepEqual(table(t, path, 80).slice(2, 5), ['  1  空白  x', '  2  e\u0301te\u0301   x', '  3  🎉    x'])
})

const hasTerminal = process.platform === 'linux' && spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0
const onTerminal = hasTerminal ? test : test.skip

/** What removes a line of a terminal. */
const CLEAR = '\r\u001b\\[K'

/** What a person sees who runs it on a terminal of 80 places. */
function seen(args, env = {}) {
  const command = ['stty cols 80;', process.execPath, program, ...args].map((part, at) => (at === 0 ? part : `'${part}'`)).join(' ')
  const { status, stdout } = spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8', env: { ...process.env, TERM: 'xterm', NO_COLOR: '', ...env } })
  return { code: status, text: stdout.replaceAll('\r\n', '\n') }
}

onTerminal('on a terminal there are tables with colours, unless they are unwanted', async (t) => {
  const path = await people(t)
  const { code, text } = seen(['find', path, 'users'])
  t.is(code, 0)
  t.true(text.startsWith('\u001b[1m_id  name  age  tags\u001b[0m\n'), text)
  for (const plain of [seen(['find', path, 'users', '--no-color']), seen(['find', path, 'users'], { NO_COLOR: '1' }), seen(['find', path, 'users'], { TERM: 'dumb' })]) {
    t.true(plain.text.startsWith('_id  name  age  tags\n'), plain.text)
  }
  t.is(seen(['find', path, 'users', '{_id:"cid"}', '--json']).text, '{"_id":"cid","name":"Cid","age":41}\n')
})

onTerminal('long work shows a bar on a terminal, which is gone at its end', async (t) => {
  const path = directory(t)
  const db = await Database.open(path)
  const text = 'some text that is not short '.repeat(100)
  for (let i = 0; i < 60_000; i += 1000) await db.collection('c').insertMany(Array.from({ length: 1000 }, (_, j) => ({ _id: i + j, text })))
  await db.close()
  const { code, text: all } = seen(['backup', path, `${path}-copy`])
  t.is(code, 0)
  t.regex(all, new RegExp(`${CLEAR}backup \\[[#-]{24}\\] +\\d+%`))
  t.regex(all, new RegExp(`${CLEAR}60,000 documents, [^\\r]*\\n$`))
  const moved = seen(['export', path, '--out', `${path}.jsonl`]).text
  t.regex(moved, new RegExp(`${CLEAR}export [\\d,]+ documents, [\\d.]+ MB`))
  t.false(seen(['backup', path, `${path}-again`], { TERM: 'dumb' }).text.includes('\u001b'))
})

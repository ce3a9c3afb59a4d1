// The verbs for the files: verify, compact, backup, recover, doctor; and what none of the others may do to a directory.

import { once } from 'node:events'
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import test from 'ava'

import { Database } from '../index.mjs'
import { cli, fails, json, lines, people, stateOf } from './support/cli.mjs'
import { directory, onDisk } from './support/database.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Changes a byte of the first text in the files of the log. */
function damage(path, text) {
  for (const name of readdirSync(path).filter((file) => file.endsWith('.log'))) {
    const bytes = readFileSync(join(path, name))
    const at = bytes.indexOf(text)
    if (at < 0) continue
    bytes[at] ^= 1
    writeFileSync(join(path, name), bytes)
    return name
  }
  throw new Error(`no file has ${text}`)
}

test('no verb but import and compact changes anything in the directory', async (t) => {
  const origin = await people(t, { history: { changes: {} } })
  const path = `${origin}-killed`
  // As a kill leaves it: without a clean end, and in the middle of a write.
  const db = await Database.open(origin)
  await db.collection('users').insertOne({ _id: 'dan' })
  cpSync(origin, path, { recursive: true })
  await db.close()
  const segment = readdirSync(path).findLast((name) => name.endsWith('.log'))
  appendFileSync(join(path, segment), Buffer.from([1, 2, 3]))
  const before = stateOf(path)
  const calls = [
    ['stats', path], ['ls', path], ['find', path, 'users', '--sort', 'name'], ['count', path, 'users'], ['explain', path, 'users'], ['aggregate', path, 'users', '[{"$sort":{"age":1}}]'],
    ['export', path, '--out', `${path}.jsonl`], ['verify', path], ['backup', path, `${path}-copy`], ['recover', path, `${path}-then`, '--lsn', '2'], ['log', path], ['history', path, 'users', 'ann'],
    ['doctor', path], ['find', path, 'users', '--at', '1'], ['ls', path, '--db', 'archive']
  ]
  for (const args of calls) {
    lines(t, args)
    t.is(stateOf(path), before, args[0])
  }
  fails(t, 1, ['find', path, 'nothing'])
  fails(t, 1, ['aggregate', path, 'users', '[{"$out":"users"}]'])
  t.is(stateOf(path), before)
})

test('where there is no database, nothing is made and the exit code is 4', (t) => {
  const path = directory(t)
  const empty = `${path}-empty`
  mkdirSync(empty)
  for (const where of [path, empty]) {
    for (const args of [['stats', where], ['find', where, 'users'], ['verify', where], ['compact', where], ['doctor', where], ['recover', where, `${path}-x`, '--time', 'now'], ['backup', where, `${path}-x`], ['log', where]]) {
      t.is(fails(t, 4, args), `there is no database at ${where}; give the directory that a program passes to Database.open`)
    }
    fails(t, 4, ['import', where, 'users', '-'], { input: '{"_id":1}\n' })
  }
  t.false(existsSync(path))
  t.deepEqual(readdirSync(empty), [])
  writeFileSync(`${path}-file`, 'x')
  fails(t, 4, ['stats', `${path}-file`])
})

test('a verb that would write to a database that another process has open tells the holder, and the exit code is 3', async (t) => {
  const path = await people(t)
  const source = `require('./index.js').Database.open(${JSON.stringify(path)}).then((db) => { process.stdout.write('open'); process.stdin.resume().on('end', () => db.close()) })`
  const holder = spawn(process.execPath, ['-e', source], { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => holder.kill())
  await once(holder.stdout, 'data')
  writeFileSync(`${path}.csv`, 'a\n1\n')
  for (const args of [['compact', path], ['import', path, `${path}.csv`], ['load', path, dirname(path), '--no-indexes'], ['recover', path, `${path}-x`, '--lsn', '1']]) {
    t.is(fails(t, 3, args), `${path} is held by process ${holder.pid}; end it, or look with a verb that only reads`)
  }
  const ended = once(holder, 'exit')
  holder.stdin.end()
  await ended
  t.deepEqual(lines(t, ['count', path, 'users']), ['3'])
})

test('several readers look at the same time', async (t) => {
  const path = await people(t)
  const db = await Database.open(path, { readOnly: true })
  t.deepEqual(lines(t, ['count', path, 'users']), ['3'])
  await db.close()
})

test('verify reports each file, and damage by exit code 1', async (t) => {
  const path = await people(t)
  const [whole] = json(t, ['verify', path])
  t.like(whole, { ok: true, documents: 4, clean: true })
  const table = lines(t, ['verify', path, '--table'])
  t.regex(table[0], /^file +kind +bytes +commits +state$/)
  t.true(table.some((line) => /^MANIFEST +manifest +512 +0 +whole$/.test(line)))
  t.regex(table.at(-1), /^No damage; 4 documents/)
  const file = damage(path, 'Bob')
  const broken = cli(['verify', path])
  t.is(broken.code, 1)
  t.false(JSON.parse(broken.stdout).ok)
  const shown = cli(['verify', path, '--table'])
  t.is(shown.code, 1)
  t.regex(shown.stdout, new RegExp(`${file} is damaged at byte \\d+: `))
  t.regex(shown.stdout, /recover DIR DEST --allow-partial/)
  t.regex(fails(t, 1, ['find', path, 'users']), /verify` shows all damage/)
})

test('compact gives space back, and keeps what is kept of the past', async (t) => {
  const path = await people(t, { history: { changes: {}, past: {} }, retention: { generations: 2 } })
  for (let round = 0; round < 2; round++) {
    const db = await Database.open(path, { retention: { generations: 2 } })
    await db.collection('users').updateMany({}, { $inc: { age: 1 } })
    await db.compact()
    await db.close()
  }
  const kept = readdirSync(join(path, 'backup'))
  t.is(kept.length, 2)
  const [before] = json(t, ['stats', path])
  const [done] = json(t, ['compact', path])
  t.is(done.documents, 4)
  t.true(kept.every((name) => readdirSync(join(path, 'backup')).includes(name)))
  const [after] = json(t, ['stats', path])
  t.is(after.history.changes.from, before.history.changes.from)
  t.is(after.history.past.from, before.history.past.from)
  t.deepEqual(lines(t, ['count', path, 'users', '--at', '1']), ['3'])
  t.regex(lines(t, ['compact', path, '--table'])[0], /^4 documents kept; .* became /)
})

test('compact keeps no past of a database that keeps none', async (t) => {
  const path = await people(t)
  json(t, ['compact', path])
  const [{ history }] = json(t, ['stats', path])
  t.deepEqual(history, { log: { from: history.log.from, time: null }, changes: null, past: null })
  t.false(existsSync(join(path, 'backup')))
})

test('backup makes a copy, also of an earlier state', async (t) => {
  const path = await people(t)
  const copy = `${path}-copy`
  t.like(json(t, ['backup', path, copy])[0], { documents: 4 })
  t.is(json(t, ['find', copy, 'users', '{_id:"ann"}'])[0].age, 37)
  t.regex(lines(t, ['backup', path, `${path}-old`, '--at', '1', '--table'])[0], /^3 documents, .* up to commit 1 in /)
  t.is(json(t, ['find', `${path}-old`, 'users', '{_id:"ann"}'])[0].age, 36)
  t.regex(fails(t, 1, ['backup', path, copy]), /is there already/)
})

test('recover makes a database of a moment, and of a damaged directory as far as it is whole', async (t) => {
  const path = await people(t)
  t.like(json(t, ['recover', path, `${path}-1`, '--lsn', '1'])[0], { lsn: 1, documents: 3, damage: null })
  t.regex(lines(t, ['recover', path, `${path}-2`, '--time', 'now', '--table'])[0], /^4 documents, .* of the moment after commit \d/)
  damage(path, 'Zoe')
  t.regex(fails(t, 1, ['recover', path, `${path}-3`, '--time', 'now']), /--allow-partial takes that much/)
  t.false(existsSync(`${path}-3`))
  const [saved] = json(t, ['recover', path, `${path}-3`, '--time', 'now', '--allow-partial'])
  t.is(saved.documents, 3)
  t.truthy(saved.damage.message)
  t.deepEqual(lines(t, ['count', `${path}-3`, 'users']), ['3'])
  t.is(json(t, ['recover', path, `${path}-5`, '--allow-partial'])[0].documents, 3)
  t.regex(fails(t, 2, ['recover', path, `${path}-4`, '--lsn', '1', '--time', 'now']), /two moments/)
  t.regex(fails(t, 2, ['recover', path]), /DEST is needed/)
  t.regex(fails(t, 2, ['recover', path, `${path}-4`, '--lsn', 'x']), /number of a commit/)
})

test('recover --truncate cuts off an end of the log that looks damaged, and keeps it', async (t) => {
  const path = directory(t)
  const db = await onDisk(t, { storage: 'sync', history: { changes: {} } }, path)
  for (let i = 0; i < 20; i++) await db.collection('users').insertOne({ _id: i })
  // As a power cut would leave it: a clean close says that there is nothing to cut off.
  const torn = `${path}-torn`
  cpSync(path, torn, { recursive: true })
  const segment = join(torn, readdirSync(torn).find((name) => name.startsWith('seg-')))
  const bytes = readFileSync(segment)
  const end = bytes.findLastIndex((byte) => byte !== 0)
  bytes[end - 10] ^= 255
  writeFileSync(segment, bytes)
  t.regex(fails(t, 1, ['count', torn, 'users']), /recover DIR --truncate` goes on without them/)
  t.regex(fails(t, 2, ['recover', torn, `${torn}-x`, '--truncate']), /leave out DEST/)
  t.regex(fails(t, 2, ['recover', torn, '--truncate', '--lsn', '1']), /--lsn is for a new database/)
  const [done] = json(t, ['recover', torn, '--truncate'])
  t.true(done.bytesCut > 0)
  t.true(existsSync(done.quarantine))
  t.deepEqual(lines(t, ['count', torn, 'users']), ['19'])
  t.is(json(t, ['stats', torn])[0].history.changes.from, 1)
  t.regex(lines(t, ['recover', torn, '--truncate', '--table'])[0], /^Nothing had to be cut off; the database ends with commit \d+\.$/)
})

test('doctor says in sentences that all is well', async (t) => {
  const path = await people(t)
  const found = json(t, ['doctor', path])
  t.deepEqual([...new Set(found.map(({ level }) => level))], ['good'])
  t.deepEqual(found.map(({ topic }) => topic), ['files', 'space', 'history', 'indexes'])
  t.true(lines(t, ['doctor', path, '--table']).every((line) => line.startsWith('ok      ')))
})

test('doctor advises to compact, to drop an index and to close', async (t) => {
  const path = directory(t)
  const db = await Database.open(path, { autoCompact: false })
  const c = db.collection('c')
  await c.insertMany(Array.from({ length: 1000 }, (_, _id) => ({ _id, text: 'x'.repeat(2000) })))
  await c.createIndexes([{ key: { a: 1 } }, { key: { a: 1, b: -1 } }, { key: { b: 1 }, unique: true, sparse: true }, { key: { b: 1, c: 1 } }])
  await c.deleteMany({ _id: { $gte: 10 } })
  await db.close()
  mkdirSync(`${path}.partial-0123456789abcdef`)
  const advice = json(t, ['doctor', path]).filter(({ level }) => level === 'advice').map(({ message }) => message)
  t.is(advice.length, 3, advice.join('\n'))
  t.regex(advice[0], /db\.partial-0123456789abcdef beside it is a copy that was never finished/)
  t.regex(advice[1], /about 2\.\d MB of .* moltendb-node compact DIR/)
  t.regex(advice[2], /the index a_1 on db\.c does nothing that a_1_b_-1 does not/)
})

test('doctor tells damage, what it does to a program, and what to do', async (t) => {
  const path = await people(t)
  damage(path, 'Bob')
  const { code, stdout, stderr } = cli(['doctor', path, '--table'])
  t.is(code, 1)
  t.is(stderr, '')
  t.regex(stdout, /^PROBLEM .* is damaged at byte \d+/m)
  t.regex(stdout, /^PROBLEM restore a backup that verifies/m)
  t.regex(stdout, /^PROBLEM Database\.open rejects: /m)
})

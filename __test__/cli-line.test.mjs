// The command line itself: usage, help, exit codes, completions, signals, pipes that are closed.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import test from 'ava'

import { Database } from '../index.mjs'
import { cli, fails, json, lines, people, program, start } from './support/cli.mjs'
import { directory } from './support/database.mjs'

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

const VERBS = ['stats', 'ls', 'find', 'count', 'explain', 'aggregate', 'export', 'import', 'dump', 'load', 'verify', 'compact', 'backup', 'recover', 'log', 'history', 'doctor', 'studio', 'completion', 'help']

/** A closed database that takes some time to print. */
async function large(t) {
  const path = directory(t)
  const db = await Database.open(path)
  for (let i = 0; i < 40_000; i += 1000) await db.collection('c').insertMany(Array.from({ length: 1000 }, (_, j) => ({ _id: i + j, text: 'x'.repeat(300) })))
  await db.close()
  return path
}

test('the package has the program under its own name', (t) => {
  t.is(join(dirname(program), manifest.bin['moltendb-node']), program)
  t.regex(readFileSync(program, 'utf8'), /^#!\/usr\/bin\/env node\n/)
  t.true(manifest.files.includes(manifest.bin['moltendb-node']))
})

test('nothing of it is loaded with the package, and help loads nothing of the package', (t) => {
  const index = readFileSync(join(dirname(program), 'index.js'), 'utf8')
  t.false(index.includes('did you mean export, or backup') || index.includes('COMPREPLY'))
  const source = `process.argv.splice(1, 2, 'cli', 'help'); require(${JSON.stringify(program)}); setImmediate(() => process.stderr.write(Object.keys(require.cache).join()))`
  const { stderr } = spawnSync(process.execPath, ['-e', source, 'x', 'y'], { encoding: 'utf8' })
  t.is(stderr, program)
})

test('help tells of every verb, and of one', (t) => {
  const overview = lines(t, ['help']).join('\n')
  for (const verb of VERBS) t.regex(overview, new RegExp(`^${verb}\\b`, 'm'))
  for (const verb of VERBS) {
    const text = lines(t, ['help', verb])
    t.regex(text[0], new RegExp(`^moltendb-node ${verb}\\b.* \\[--OPTION\\.\\.\\.\\]$`))
    t.deepEqual(text.filter((line) => line.length > 100 && !line.startsWith('  moltendb-node')), [])
  }
  t.deepEqual(lines(t, ['find', '--help']), lines(t, ['help', 'find']))
  t.deepEqual(lines(t, ['--help']), lines(t, ['help']))
})

test('--version prints the version', (t) => {
  t.deepEqual(lines(t, ['--version']), [manifest.version])
})

test('without a verb it says how it is called, and ends with 2', (t) => {
  const { code, stdout, stderr } = cli([])
  t.is(code, 2)
  t.is(stdout, '')
  t.regex(stderr, /^moltendb-node VERB DIR/)
})

test('an unknown verb, option or argument is told with what was probably meant', (t) => {
  t.is(fails(t, 2, ['fnd', 'x']), 'there is no verb "fnd"; did you mean find? (see moltendb-node help)')
  t.is(fails(t, 2, ['mongorestore', 'x']), 'there is no verb "mongorestore"; did you mean load? (see moltendb-node help)')
  t.is(fails(t, 2, ['inspect', 'x']), 'there is no verb "inspect"; did you mean studio? (see moltendb-node help)')
  t.regex(fails(t, 2, ['xyzzy']), /there is no verb "xyzzy"; there are stats, ls, find/)
  t.is(fails(t, 2, ['find', 'd', 'c', '--srot', 'a']), 'find has no option "--srot"; did you mean --sort? (see moltendb-node help find)')
  t.regex(fails(t, 2, ['count', 'd', 'c', '--sort', 'a']), /count has no option "--sort"; /)
  t.is(fails(t, 2, ['find', 'd']), 'COLL is missing: find DIR COLL [FILTER] (see moltendb-node help find)')
  t.regex(fails(t, 2, ['find', 'd', 'c', '{}', 'x']), /"x" is one argument too many/)
  t.regex(fails(t, 2, ['find', 'd', 'c', '--limit']), /--limit needs a value: --limit N/)
  t.regex(fails(t, 2, ['find', 'd', 'c', '--limit', '--json']), /--limit needs a value/)
  t.regex(fails(t, 2, ['find', 'd', 'c', '--limit', '-1']), /whole number from 0 on/)
  t.regex(fails(t, 2, ['find', 'd', 'c', '--json=1']), /--json takes no value/)
  t.regex(fails(t, 2, ['find', 'd', 'c', '--json', '--table']), /exclude each other/)
  t.regex(fails(t, 2, ['export', 'd', 'c', '--all-databases']), /excludes COLL and --db/)
  t.regex(fails(t, 2, ['completion', 'bsh']), /did you mean bash\?/)
  t.regex(fails(t, 2, ['help', 'fidn']), /did you mean find\?/)
  t.regex(fails(t, 2, ['--verson']), /did you mean --version\?/)
})

test('an error is one line, with its stack only where it is asked for', (t) => {
  const path = `${directory(t)}\n\u001b[31m`
  t.regex(fails(t, 4, ['stats', path]), /there is no database at .*\\u001b\[31m/)
  const { code, stderr } = cli(['stats', path], { env: { MOLTENDB_DEBUG: '1' } })
  t.is(code, 4)
  t.regex(stderr, /\n {4}at /)
})

test('options may stand before the verb, and behind -- are arguments', async (t) => {
  const path = await people(t)
  t.deepEqual(lines(t, ['--table', 'count', path, 'users']), ['3'])
  t.deepEqual(json(t, ['find', '--limit=1', path, '--', 'users', '{}']).length, 1)
})

test('a reader that goes away ends the program quietly', async (t) => {
  const path = await large(t)
  for (const args of [['find', path, 'c'], ['find', path, 'c', '--table', '--limit', '0'], ['export', path], ['export', path, 'c']]) {
    const child = start(args)
    let stderr = ''
    child.stderr.on('data', (text) => (stderr += text))
    await once(child.stdout, 'data')
    child.stdout.destroy()
    const [code] = await once(child, 'close')
    t.is(stderr, '', args.join(' '))
    t.is(code, 0, args.join(' '))
  }
})

test('SIGINT ends a verb with 130 and leaves nothing half done, SIGTERM with 143', async (t) => {
  const path = await large(t)
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) {
    // Nobody reads, so it waits in the middle.
    const child = start(['find', path, 'c'], { stdio: ['ignore', 'pipe', 'pipe'] })
    let stderr = ''
    child.stderr.on('data', (text) => (stderr += text))
    await once(child.stdout, 'readable')
    child.kill(signal)
    const exit = once(child, 'close')
    child.stdout.resume()
    t.deepEqual([(await exit)[0], stderr], [code, `moltendb-node: ${code === 130 ? 'interrupted' : 'terminated'}\n`])
  }
  const child = start(['log', path, '--follow'])
  child.stdout.resume()
  await once(child.stdout, 'data')
  child.kill('SIGINT')
  t.is((await once(child, 'close'))[0], 130)
  t.deepEqual(readdirSync(dirname(path)), ['db'])
})

test('a backup that is interrupted leaves nothing', async (t) => {
  const path = await large(t)
  const names = () => readdirSync(dirname(path)).filter((name) => name !== 'db')
  const child = start(['backup', path, `${path}-copy`], { stdio: 'ignore' })
  const exit = once(child, 'exit')
  while (names().length === 0 && child.exitCode === null) await new Promise((resolve) => setImmediate(resolve))
  child.kill('SIGINT')
  const [code] = await exit
  // It may have been done before the signal came.
  if (code === 0) t.is(json(t, ['verify', `${path}-copy`])[0].documents, 40_000)
  else t.deepEqual([code, names()], [130, []])
})

test('an import goes on where nobody reads its answer, and its failure is told', async (t) => {
  const path = await people(t)
  for (const [text, expected] of [['{"_id":"new"}\n', 0], ['{"_id":"new"}\n', 1]]) {
    const child = start(['import', path, 'users', '-'])
    let stderr = ''
    child.stderr.on('data', (piece) => (stderr += piece))
    child.stdout.destroy()
    child.stdin.end(text)
    const [code] = await once(child, 'close')
    t.is(code, expected, stderr)
  }
  t.deepEqual(lines(t, ['count', path, 'users']), ['4'])
})

;(existsSync('/dev/full') ? test : test.skip)('an output that cannot be written is a failure', async (t) => {
  const path = await people(t)
  const { status, stderr } = spawnSync('sh', ['-c', `"$0" "$1" find "$2" users > /dev/full`, process.execPath, program, path], { encoding: 'utf8' })
  t.is(status, 1)
  t.regex(stderr, /^moltendb-node: .*ENOSPC.*\n$/)
})

/** What bash completes at the end of a command line. */
function completed(words, cwd) {
  const source = `
    eval "$(${JSON.stringify(process.execPath)} ${JSON.stringify(program)} completion bash)"
    COMP_WORDS=(moltendb-node "$@"); COMP_CWORD=$#
    _moltendb_node
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const { status, stdout, stderr } = spawnSync('bash', ['-c', source, 'bash', ...words], { encoding: 'utf8', cwd })
  return { status, stderr, words: stdout.split('\n').filter((word) => word !== '') }
}

const hasBash = process.platform !== 'win32' && spawnSync('bash', ['-c', 'true']).status === 0

;(hasBash ? test : test.skip)('bash completes verbs, options, values, directories and files', (t) => {
  const cwd = dirname(directory(t))
  mkdirSync(join(cwd, 'data dir'))
  mkdirSync(join(cwd, 'deep'))
  writeFileSync(join(cwd, 'dump file.jsonl'), '')
  const cases = [
    [[''], [...VERBS, '--json', '--table', '--no-color', '--help', '-h', '--version']],
    [['ex'], ['explain', 'export']],
    [['find', '--s'], ['--sort', '--skip']],
    [['find', 'x', 'c', '--sort', 'a', '--l'], ['--limit']],
    [['find', 'd'], ['data dir', 'deep']],
    [['find', '--limit', '5', 'de'], ['deep']],
    [['--json', 'stats', 'de'], ['deep']],
    [['find', 'deep', ''], []],
    [['import', 'x', 'c', 'du'], ['dump file.jsonl']],
    [['import', 'x', 'c', 'f', '--if-exists', ''], ['error', 'replace', 'skip']],
    [['import', 'x', 'c', 'f', '--format', 'lo'], ['lokijs', 'lowdb']],
    [['load', 'x', 'du'], ['dump file.jsonl']],
    [['load', 'x', 'f', '--on-error', 's'], ['stop', 'skip']],
    [['export', 'x', '--out', 'd'], ['data dir', 'deep', 'dump file.jsonl']],
    [['completion', 'z'], ['zsh']],
    [['help', 'co'], ['count', 'compact', 'completion']],
    [['backup', 'x', 'de'], ['deep']]
  ]
  for (const [words, expected] of cases) {
    const found = completed(words, cwd)
    t.is(found.stderr, '', words.join(' '))
    t.deepEqual(found.words.toSorted(), expected.toSorted(), words.join(' '))
  }
})

test('the completions of all shells have every verb and every option', (t) => {
  const folder = directory(t)
  mkdirSync(folder)
  for (const shell of ['bash', 'zsh', 'fish']) {
    const script = lines(t, ['completion', shell]).join('\n')
    for (const verb of VERBS) t.true(script.includes(verb), `${shell} ${verb}`)
    for (const option of ['sort', 'if-exists', 'allow-partial', 'all-databases', 'follow', 'no-color']) t.true(script.includes(option), `${shell} ${option}`)
    const checker = { bash: ['bash', '-n'], zsh: ['zsh', '-n'], fish: ['fish', '--no-execute'] }[shell]
    // In a file: fish checks no standard input.
    writeFileSync(join(folder, shell), `${script}\n`)
    const { error, status, stderr } = spawnSync(checker[0], [...checker.slice(1), join(folder, shell)], { encoding: 'utf8' })
    if (error === undefined) t.is(status, 0, stderr)
  }
})

test('two signals end it at once, whatever it waits for', async (t) => {
  const path = directory(t)
  // The standard input is never ended.
  const child = spawn(process.execPath, [program, 'import', path, 'c', '-', '--create'], { stdio: ['pipe', 'ignore', 'ignore'] })
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 20))
  await new Promise((resolve) => setTimeout(resolve, 100))
  const ended = once(child, 'exit')
  child.kill('SIGINT')
  child.kill('SIGINT')
  const [code, signal] = await ended
  t.true(code === 130 || signal === 'SIGINT')
})

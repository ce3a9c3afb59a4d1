// Runs the program of the package, as a shell does.

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { Database } from '../../index.mjs'
import { directory } from './database.mjs'

export const program = fileURLToPath(new URL('../../cli.js', import.meta.url))

/** The environment of the tests without what would change the output. */
function environment(more) {
  const env = { ...process.env, COLUMNS: '100', ...more }
  for (const name of ['NO_COLOR', 'MOLTENDB_DEBUG']) if (more?.[name] === undefined) delete env[name]
  return env
}

/** Runs it to its end: its exit code and what it wrote. */
export function cli(args, { input, env, cwd } = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8', input: input ?? '', env: environment(env), cwd, maxBuffer: 256 << 20, timeout: 60_000
  })
  return { code: status, stdout, stderr }
}

/** Starts it. */
export function start(args, options = {}) {
  return spawn(process.execPath, [program, ...args], { ...options, env: environment(options.env) })
}

/** Runs it, asserts that it succeeded, and answers its lines. */
export function lines(t, args, options) {
  const { code, stdout, stderr } = cli(args, options)
  t.is(code, 0, stderr)
  t.is(stderr, '')
  return stdout.split('\n').slice(0, -1)
}

/** The same lines as values of JSON. */
export function json(t, args, options) {
  return lines(t, args, options).map((line) => JSON.parse(line))
}

/** Runs it, asserts its exit code and that one line says what is wrong, and answers that. */
export function fails(t, code, args, options) {
  const result = cli(args, options)
  t.is(result.code, code, `${result.stdout}\n${result.stderr}`)
  t.regex(result.stderr, /^moltendb-node: [^\n]+\n$/)
  return result.stderr.slice(15, -1)
}

/** A closed database of some people, with an index, an update, and another database beside it. */
export async function people(t, options) {
  const path = directory(t)
  const db = await Database.open(path, options)
  const users = db.collection('users')
  await users.insertMany([
    { _id: 'ann', name: 'Ann', age: 36, tags: ['math'] },
    { _id: 'bob', name: 'Bob', age: 45, tags: ['navy', 'ships'] },
    { _id: 'cid', name: 'Cid', age: 41 }
  ])
  await users.createIndex({ age: 1 })
  await users.updateOne({ _id: 'ann' }, { $inc: { age: 1 } })
  await db.sibling('archive').collection('old users').insertOne({ _id: 1, name: 'Zoe' })
  await db.close()
  return path
}

/** A hash of the names, times and bytes of all files below a directory. */
export function stateOf(path) {
  const hash = createHash('sha256')
  for (const name of readdirSync(path, { recursive: true }).toSorted()) {
    const { mtimeMs, size } = statSync(join(path, name))
    hash.update(`${name} ${size} ${mtimeMs}\n`)
    if (statSync(join(path, name)).isFile()) hash.update(readFileSync(join(path, name)))
  }
  return hash.digest('hex')
}

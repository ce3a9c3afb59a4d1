// Databases for tests: opened in their own directory, closed and removed afterwards.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Database, MoltenError, ObjectId } from '../../index.mjs'

/** A directory that is removed after the test. */
export function directory(t) {
  const path = mkdtempSync(join(tmpdir(), 'moltendb-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return join(path, 'db')
}

/** A database in memory that is closed after the test. */
export async function memory(t, options) {
  const db = await Database.open(':memory:', options)
  t.teardown(() => db.close())
  return db
}

/** A database on disk that is closed after the test. */
export async function onDisk(t, options, path = directory(t)) {
  const db = await Database.open(path, options)
  t.teardown(() => db.close())
  return db
}

/** A collection of a database in memory. */
export async function collection(t, documents = [], options) {
  const db = await memory(t, options)
  const users = db.collection('users')
  if (documents.length > 0) await users.insertMany(documents)
  return users
}

/** Asserts a rejection or exception of this kind; returns the error. */
export async function rejectsWith(t, kind, work, message) {
  let error
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (thrown) {
    error = thrown
  }
  t.true(MoltenError.isMoltenError(error), `expected a MoltenError ${kind}, got ${error}`)
  t.is(error.kind, kind)
  if (message) t.regex(error.message, message)
  return error
}

/** Asserts a TypeError whose message matches. */
export async function rejectsType(t, work, message) {
  const error = await t.throwsAsync(async () => work(), { instanceOf: TypeError })
  if (message) t.regex(error.message, message)
  return error
}

export { Database, MoltenError, ObjectId }

/** The outcome of a call: its result, or the kind of its error. */
export async function outcome(call) {
  try {
    return { answer: await call() }
  } catch (error) {
    if (!MoltenError.isMoltenError(error)) throw error
    return { refused: error.kind }
  }
}

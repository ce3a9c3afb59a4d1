// Runs the tests of one file: each in a database of its own, step by step, until one is not as expected.

import { Entities } from './entities.mjs'
import { equals, matches, matchesError, Mismatch, valueOf } from './match.mjs'
import { perform } from './operations.mjs'
import { skipOf } from './skips.mjs'

/** How long a test may take, in milliseconds: one that waits for an event that never comes fails. */
const LONGEST = 5000

/**
 * Runs a test file; resolves with a row for each test: its name as `test`, why it was `skipped` or has `failed`, if so, and whether it expects
 * `commands` too, which are not checked.
 */
export async function runFile(json, longest = LONGEST) {
  const file = valueOf(json)
  const rows = []
  for (const test of file.tests) {
    const skipped = skipOf(file, test)
    const failed = skipped === undefined ? await failureOf(file, test, longest) : undefined
    rows.push({ test: test.description, skipped, failed, commands: test.expectEvents !== undefined })
  }
  return rows
}

/** Runs a test; resolves with what was not as expected, or undefined. */
async function failureOf(file, test, longest) {
  const entities = await Entities.open()
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Mismatch(`not done after ${longest} ms`)), longest)
  })
  try {
    await Promise.race([run(file, test, entities), late])
    return undefined
  } catch (error) {
    return error instanceof Mismatch ? error.message : `${error.name}: ${error.message}`
  } finally {
    clearTimeout(timer)
    await entities.close()
  }
}

async function run(file, test, entities) {
  for (const { databaseName, collectionName, documents = [], createOptions } of file.initialData ?? []) {
    const database = entities.database(databaseName)
    const collection = await database.createCollection(collectionName, createOptions)
    if (documents.length > 0) await collection.insertMany(documents)
  }
  entities.create(file.createEntities ?? [])
  await runAll(test.operations, false)
  for (const { databaseName, collectionName, documents } of test.outcome ?? []) {
    const found = await entities.database(databaseName).collection(collectionName).find().sort({ _id: 1 }).toArray()
    equals(documents, found, `${databaseName}.${collectionName}`)
  }

  /** Runs operations in order. In a callback an error that was expected is passed on. */
  async function runAll(operations, inCallback) {
    for (const operation of operations) {
      const error = await step(operation, (each) => perform(each, entities, runAll))
      if (error !== undefined && inCallback) throw error
    }
  }

  /** Runs an operation and checks its outcome; resolves with the error that it rejected with. */
  async function step(operation, act) {
    const { expectError, expectResult, ignoreResultAndError, saveResultAsEntity } = operation
    let result
    try {
      result = await act(operation)
    } catch (error) {
      if (error instanceof Mismatch) throw error
      if (ignoreResultAndError) return error
      if (expectError === undefined) throw placed(operation, new Mismatch(`${error.name} ${error.codeName ?? error.code ?? ''}: ${error.message}`))
      check(operation, () => matchesError(expectError, error, entities.values))
      return error
    }
    if (ignoreResultAndError) return undefined
    if (expectError !== undefined) throw placed(operation, new Mismatch('no error, where one is expected'))
    if (expectResult !== undefined) check(operation, () => matches(expectResult, result.value, entities.values))
    if (saveResultAsEntity !== undefined) entities.set(saveResultAsEntity, result)
    return undefined
  }
}

function check(operation, assert) {
  try {
    assert()
  } catch (error) {
    throw placed(operation, error)
  }
}

function placed({ object, name }, error) {
  error.message = `${object}.${name}: ${error.message}`
  return error
}

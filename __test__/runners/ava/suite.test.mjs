// The suite under ava.

import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

import test from 'ava'

import * as moltendb from '../../../index.mjs'
import suite from '../suite.cjs'

const folders = []
test.after.always(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function path() {
  folders.push(mkdtempSync(join(tmpdir(), 'moltendb-ava-')))
  return join(folders.at(-1), 'db')
}

const script = createRequire(import.meta.url).resolve('../../../index.js')
const names = suite(moltendb, { checks: {}, path, script, Worker }).map(([name]) => name)
for (const [at, name] of names.entries()) {
  test(name, async (t) => {
    const checks = { equal: t.deepEqual, instance: (value, type) => t.true(value instanceof type) }
    await suite(moltendb, { checks, path, script, Worker })[at][1]()
  })
}

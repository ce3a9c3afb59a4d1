// The suite under mocha, which brings no assertions of its own.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

import * as moltendb from '../../../index.mjs'
import suite from '../suite.cjs'

const folders = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const checks = { equal: assert.deepEqual, instance: (value, type) => assert.ok(value instanceof type) }

function path() {
  folders.push(mkdtempSync(join(tmpdir(), 'moltendb-mocha-')))
  return join(folders.at(-1), 'db')
}

const script = createRequire(import.meta.url).resolve('../../../index.js')
for (const [name, run] of suite(moltendb, { checks, path, script, Worker })) it(name, run)

// The suite under vitest.

import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

import { afterAll, expect, test } from 'vitest'

import * as moltendb from '../../../index.mjs'
import suite from '../suite.cjs'

const folders = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const checks = {
  equal(actual, expected) {
    expect(actual).toEqual(expected)
    expect(actual).toStrictEqual(expected)
  },
  instance: (value, type) => expect(value).toBeInstanceOf(type)
}

function path() {
  folders.push(mkdtempSync(join(tmpdir(), 'moltendb-vitest-')))
  return join(folders.at(-1), 'db')
}

const script = createRequire(import.meta.url).resolve('../../../index.js')
for (const [name, run] of suite(moltendb, { checks, path, script, Worker })) test(name, run)

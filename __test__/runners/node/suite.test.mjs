// The suite under node:test.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it, mock } from 'node:test'
import { Worker } from 'node:worker_threads'

import * as moltendb from '../../../index.mjs'
import suite from '../suite.cjs'

const folders = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const checks = { equal: assert.deepEqual, instance: (value, type) => assert.ok(value instanceof type) }

function path() {
  folders.push(mkdtempSync(join(tmpdir(), 'moltendb-node-test-')))
  return join(folders.at(-1), 'db')
}

const script = createRequire(import.meta.url).resolve('../../../index.js')
for (const [name, run] of suite(moltendb, { checks, path, script, Worker })) it(name, run)

it('mocked timers hold no operation back', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] })
  try {
    const db = await moltendb.Database.open(':memory:')
    const users = db.collection('users')
    for (let at = 0; at < 1500; at += 1) await users.insertOne({ _id: at })
    assert.equal((await users.find({}, { batchSize: 10 }).toArray()).length, 1500)
    await db.close()
  } finally {
    mock.timers.reset()
  }
})

// The suite under Jest.

const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { Worker } = require('node:worker_threads')

const moltendb = require('../../../index.js')
const suite = require('../suite.cjs')

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
  folders.push(mkdtempSync(join(tmpdir(), 'moltendb-jest-')))
  return join(folders.at(-1), 'db')
}

const script = require.resolve('../../../index.js')
for (const [name, run] of suite(moltendb, { checks, path, script, Worker })) test(name, run)

// Files that the real NeDB, LokiJS, lowdb, conf (electron-store), papaparse and csv-stringify write, and dumps of BSON, are imported and compared
// document by document with what those libraries read: `npm run test:importers`. `--documents` sets how many, `--seed` the seed; `--fixtures`
// writes fixtures/importers anew. Needs the registry. Prints its seed.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { compareAll } from '../../__test__/support/imported.mjs'
import { npmOutput, root, seconds } from '../steps.mjs'

const given = (name, otherwise) => Number(process.argv[process.argv.indexOf(`--${name}`) + 1 || process.argv.length] ?? otherwise)
const writesFixtures = process.argv.includes('--fixtures')
const count = given('documents', writesFixtures ? 40 : 20_000)
const seed = given('seed', writesFixtures ? 1 : Date.now() % 0x7fffffff)

const home = mkdtempSync(join(tmpdir(), 'moltendb-importers-'))
console.log(`seed ${seed}, ${count} documents`)
try {
  cpSync(join(root, '__test__', 'importers'), home, { recursive: true })
  npmOutput(['ci', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: home })
  const files = writesFixtures ? join(root, 'fixtures', 'importers') : join(home, 'files')
  if (writesFixtures) rmSync(files, { recursive: true, force: true })
  const made = spawnSync(process.execPath, ['make.mjs', files, String(count), String(seed)], { cwd: home, stdio: 'inherit' })
  if (made.status !== 0) throw new Error(`make.mjs ended with ${made.status ?? made.signal}`)
  await compareAll(files, (name, documents, ms) => console.log(`${name.padEnd(24)} ${String(documents).padStart(7)} documents as the library reads them, ${seconds(ms)}`))
} catch (error) {
  console.error(error)
  process.exitCode = 1
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
}

// Runs the unified tests of MongoDB's specifications of drivers in process, through the public API.
//
//   node __test__/specifications/main.mjs [--from path] [--only text] [--failures] [--skips]
//
// `path` is a clone of https://github.com/mongodb/specifications, or the environment variable SPECIFICATIONS has it. The tests are under a
// licence that keeps them out of this repository. Prints the table of docs/specifications.md, and exits with 1 if a test fails that
// known.mjs does not have, or passes although it has it. `--only` takes the files whose path contains a text; `--failures` and
// `--skips` print each.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { runFile } from './file.mjs'
import { reasonOf, unusedOf } from './known.mjs'

/** The suites, by their folders below `source`. */
const SUITES = {
  transactions: 'transactions/tests/unified',
  'transactions-convenient-api': 'transactions-convenient-api/tests/unified',
  sessions: 'sessions/tests',
  'change-streams': 'change-streams/tests/unified',
  crud: 'crud/tests/unified'
}

function settings() {
  const { values } = parseArgs({
    options: {
      from: { type: 'string', default: process.env.SPECIFICATIONS },
      only: { type: 'string', default: '' },
      failures: { type: 'boolean', default: false },
      skips: { type: 'boolean', default: false }
    }
  })
  const { from } = values
  if (from === undefined || !existsSync(join(from, 'source', SUITES.transactions))) {
    console.error(`${from === undefined ? 'no path is given' : `${from} has no source/${SUITES.transactions}`}: the tests are not part of this repository. Get them with
  git clone --depth 1 https://github.com/mongodb/specifications
and give the path of the clone: npm run test:specifications -- --from specifications`)
    process.exit(2)
  }
  return values
}

const { from, only, failures, skips } = settings()
const total = new Map()
const unexpected = []
const seen = new Set()

for (const [suite, folder] of Object.entries(SUITES)) {
  const path = join(from, 'source', folder)
  const counts = { tests: 0, passed: 0, uncheckedCommands: 0, failed: 0, skipped: new Map(), reasons: new Map() }
  for (const name of readdirSync(path).filter((each) => each.endsWith('.json')).sort()) {
    const file = `${suite}/${name}`
    if (!file.includes(only)) continue
    for (const row of await runFile(JSON.parse(readFileSync(join(path, name), 'utf8')))) take(counts, file, row)
  }
  total.set(suite, counts)
}

function take(counts, file, { test, skipped, failed, commands }) {
  const place = `${file}: ${test}`
  const reason = reasonOf(place)
  seen.add(place)
  counts.tests += 1
  if (skipped !== undefined) {
    counts.skipped.set(skipped, (counts.skipped.get(skipped) ?? 0) + 1)
    if (skips) console.log(`skipped  ${place}\n         ${skipped}`)
    if (reason !== undefined) unexpected.push(`${place}\n         is skipped, but known.mjs has it as failing: ${reason}`)
    return
  }
  if (failed === undefined) {
    counts.passed += 1
    if (commands) counts.uncheckedCommands += 1
    if (reason !== undefined) unexpected.push(`${place}\n         passes, but known.mjs has it as failing: ${reason}`)
    return
  }
  counts.failed += 1
  counts.reasons.set(reason, (counts.reasons.get(reason) ?? 0) + 1)
  if (failures) console.log(`failed   ${place}\n         ${failed}\n         ${reason ?? 'for an unknown reason'}`)
  if (reason === undefined) unexpected.push(`${place}\n         fails: ${failed}`)
}

if (only === '') unexpected.push(...unusedOf(seen).map((place) => `${place}\n         is in known.mjs, but there is no such test`))

const sum = (map) => [...map.values()].reduce((all, each) => all + each, 0)
const row = (...cells) => console.log(`| ${cells.join(' | ')} |`)

row('suite', 'tests', 'run', 'passed', 'of these with commands that are not checked', 'failed, explained')
row('---', '---', '---', '---', '---', '---')
for (const [suite, { tests, passed, uncheckedCommands, failed }] of total) row(suite, tests, passed + failed, passed, uncheckedCommands, failed)
printReasons('not run', 'skipped')
printReasons('fails', 'reasons')

/** A table of reasons, with the number of tests in each suite. */
function printReasons(title, list) {
  const reasons = new Set([...total.values()].flatMap((counts) => [...counts[list].keys()]))
  const all = (reason) => [...total.values()].reduce((count, counts) => count + (counts[list].get(reason) ?? 0), 0)
  console.log('')
  row(title, ...total.keys(), 'all')
  row('---', ...[...total.keys()].map(() => '---'), '---')
  for (const reason of [...reasons].sort((a, b) => all(b) - all(a))) {
    row(reason ?? 'unknown', ...[...total.values()].map((counts) => counts[list].get(reason) ?? ''), all(reason))
  }
  row('all', ...[...total.values()].map((counts) => sum(counts[list])), [...total.values()].reduce((count, counts) => count + sum(counts[list]), 0))
}

if (unexpected.length > 0) {
  console.log(`\n${unexpected.length} unexpected:`)
  for (const each of unexpected) console.log(`         ${each}`)
}
process.exitCode = unexpected.length === 0 ? 0 : 1

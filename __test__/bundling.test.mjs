// docs/bundling.md and docs/testing-your-app.md show what `npm run test:bundlers` and `npm run test:runners` run, and the versions that they take.

import { readFileSync } from 'node:fs'

import test from 'ava'

import { cases, packages } from '../scripts/proofs/bundlers/cases.mjs'
import { settings } from '../scripts/proofs/bundlers/settings.mjs'
import { runners } from '../scripts/proofs/runner-modes.mjs'

const page = (name) => readFileSync(new URL(`../docs/${name}`, import.meta.url), 'utf8')

test('every setting that is run stands in docs/bundling.md, word by word', (t) => {
  for (const one of cases) {
    if (one.build) t.true(one.build().length > 1, one.what)
    if (one.files) t.notThrows(() => one.files(), one.what)
  }
  t.throws(() => settings('webpack.config.cjs, of another kind'), { message: /has no block/ })
})

test('a case without its setting differs from the page', (t) => {
  const plain = cases.filter(({ what }) => what === 'no settings' || what === 'all taken in').filter(({ files }) => files)
  t.is(plain.length, 3)
  for (const { files } of plain) t.false(Object.values(files()).join('').includes('moltendb-node'))
})

test('the versions of docs/bundling.md are those that are tried', (t) => {
  const rows = page('bundling.md').split('\n').filter((line) => /^\| .*\d+\.\d+\.\d+ \|/.test(line)).map((line) => line.split('|')[2].trim())
  t.deepEqual(rows.sort(), Object.values(packages).map((one) => Object.values(one)[0]).sort())
})

test('the versions of docs/testing-your-app.md are those that are tried', (t) => {
  for (const [name, { version }] of Object.entries(runners)) {
    if (name !== 'node') t.regex(page('testing-your-app.md'), new RegExp(`^\\| ${name} \\| ${version.replaceAll('.', '\\.')} \\|`, 'im'))
  }
})

// The guide says what to do about each kind of error.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import test from 'ava'

import { root, textOf } from './support/pages.mjs'

const guide = 'docs/guide/errors.md'
const source = (path) => readFileSync(join(root, path), 'utf8')
const headings = [...textOf(guide).matchAll(/^## ([A-Z_]+)$/gm)].map(([, kind]) => kind)

test('the guide has each kind that JavaScript names, and no other', (t) => {
  const [, union] = source('js/errors.ts').match(/type MoltenErrorKind =\n((?: +\| '\w+'\n)+)/)
  const kinds = [...union.matchAll(/'(\w+)'/g)].map(([, kind]) => kind)
  t.true(kinds.length > 20)
  t.deepEqual(headings.toSorted(), kinds.toSorted())
})

test('the guide has each kind that the core names, but for ARGUMENT, which is a TypeError', (t) => {
  const kinds = [...source('src/error.rs').matchAll(/Kind::\w+ => "(\w+)"/g)].map(([, kind]) => kind)
  t.true(kinds.length > 20)
  t.deepEqual(headings.toSorted(), kinds.filter((kind) => kind !== 'ARGUMENT').toSorted())
})

test('the overview names each kind that can occur', (t) => {
  const [, overview] = textOf(guide).match(/^\| \| kinds \|\n(.*?)\n\n/ms)
  const missing = headings.filter((kind) => !overview.includes(`\`${kind}\``))
  t.deepEqual(missing, [])
})

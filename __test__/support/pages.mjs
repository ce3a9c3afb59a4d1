// The pages of documentation and the code in them.
//
// A block of a page is one of:
//
//   ```js, ```ts          run; TypeScript is compiled too. The blocks of one language on a page of docs/guide/ are one program, in order
//   ```js parse           only parsed, since it needs a package or a program that is not installed here
//   anything else         not code of this package
//
// In code that runs, `console.log(expression) // value` asserts that the expression equals the value.

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** The pages, by their path from the root. */
export const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', 'benchmark/README.md', ...below('docs')]

function below(folder) {
  const entries = readdirSync(join(root, folder), { withFileTypes: true })
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return below(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

export function textOf(page) {
  return readFileSync(join(root, page), 'utf8').replaceAll('\r\n', '\n')
}

/** The blocks of a page: their language, their mark, their first line and their source. */
export function blocksOf(page) {
  const text = textOf(page)
  return [...text.matchAll(/^```(js|ts)(?: (\w+))?\n(.*?)^```$/gms)].map(({ 1: language, 2: mark, 3: source, index }) => ({
    language,
    mark,
    line: text.slice(0, index).split('\n').length,
    source
  }))
}

/** Pages whose TypeScript is notation and not a program. */
const NOTATION = new Set(['docs/api.md', 'docs/boundary.md', 'docs/compatibility.md', 'docs/design.md', 'docs/format.md'])

/** The programs of a page: a name, a language and a source each. */
export function programsOf(page) {
  const blocks = blocksOf(page).filter(({ language, mark }) => mark === undefined && !(language === 'ts' && NOTATION.has(page)))
  if (!page.startsWith('docs/guide/')) return blocks.map((block) => ({ ...block, name: `line ${block.line} of ${page}` }))
  return ['js', 'ts'].flatMap((language) => {
    const parts = blocks.filter((block) => block.language === language)
    if (parts.length === 0) return []
    return [{ language, name: `the ${language} blocks of ${page}`, source: parts.map(({ source }) => source).join('\n') }]
  })
}

/** Whether a program is CommonJS. */
export function isCommonJs({ source, language }) {
  return language === 'js' && /\brequire\(/.test(source) && !/^import /m.test(source)
}

/** The source with its `console.log(expression) // value` as assertions. */
export function asserting(program) {
  const source = program.source.replace(/^( *)console\.log\((.*)\) +\/\/ (.*)$/gm, '$1__assert.deepEqual($2, $3)')
  const assert = isCommonJs(program)
    ? "const __assert = require('node:assert/strict')"
    : "import __assert from 'node:assert/strict'"
  return `${assert}\n${source}`
}

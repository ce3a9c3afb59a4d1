// How the figures grow with the number of documents: one column per size, one peer, one run of each.
//
//   node --expose-gc growth.mjs [--sizes 10000,100000,1000000,10000000] [--peer moltendb] [--out results-growth.md]

import { rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runOnce } from './run-once.mjs'
import { format, machine, number } from './report.mjs'
import { WORKS } from './works.mjs'

const SHOWN = ['load', 'memory', 'get', 'get-sync', 'find-indexed', 'range', 'scan', 'group', 'index-build', 'disk', 'reopen', 'reopen-indexed']

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10000,100000,1000000,10000000' },
    peer: { type: 'string', default: 'moltendb' },
    out: { type: 'string', default: fileURLToPath(new URL('results-growth.md', import.meta.url)) }
  }
})
const sizes = values.sizes.split(',').map(Number)
if (sizes.some((size) => !Number.isSafeInteger(size) || size < 1)) throw new TypeError(`--sizes must be whole numbers, not ${values.sizes}`)

const columns = []
let about
for (const documents of sizes) {
  const { figures, ...rest } = await runOnce(values.peer, { documents, seed: 1, works: SHOWN })
  about = rest
  columns.push(figures)
  console.error(`${number.format(documents)} documents done`)
}
rmSync(fileURLToPath(new URL('data/', import.meta.url)), { recursive: true, force: true })
const lines = [
  '# Growth',
  '',
  `${about.title} ${about.version}: ${about.settings}. One run of each size; documents of 245 bytes of JSON. ${machine()}`,
  '',
  `| work | unit | ${sizes.map((size) => number.format(size)).join(' | ')} |`,
  `|---|---|${sizes.map(() => '--:|').join('')}`
]
for (const { name, title, unit } of WORKS.filter((work) => SHOWN.includes(work.name))) {
  const cells = columns.map((figures) => (typeof figures[name] === 'number' ? format(figures[name]) : '-'))
  lines.push(`| ${title} | ${unit} | ${cells.join(' | ')} |`)
}
const text = `${lines.join('\n')}\n`
writeFileSync(values.out, text)
console.log(text)

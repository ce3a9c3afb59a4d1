// Prints, row by row, how results.md stands: this package, the best peer, their ratio (above 1 is ahead), the target. With --svg it also draws
// the ratios: `node benchmark/verdict.mjs [results.md] [--svg docs/images/benchmark.svg]`.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { WORKS } from './works.mjs'

/** What each row is to reach, as a ratio to the best peer; 1 where nothing is said. */
const TARGETS = {
  load: 2, memory: 1.2, get: 4, 'get-concurrent': 5, 'get-sync': 2, 'get-many': 3, 'find-indexed': 2.5, range: 1.3, 'range-sync': 1.3, scan: 1.3, count: 2,
  group: 1.2, update: 3, 'update-concurrent': 4, 'update-ids': 2, delete: 2, disk: 1.2, durable: 1.2, 'durable-concurrent': 2
}
/** Where LokiJS hands out the objects that it holds, without making any: nothing that copies can be compared with that. */
const UNCOPIED = ['get', 'get-concurrent', 'get-sync', 'get-many', 'find-indexed']

const cellsOf = (line) => line.split('|').slice(1, -1).map((cell) => cell.trim())
const figureOf = (cell) => (cell === '-' ? undefined : Number(cell.replace(/ \(.*\)$/, '').replaceAll(',', '')))

/** The rows of a table of results that compare: `{ name, title, unit, own, best, peer, ratio, target }`. */
export function verdict(text) {
  const lines = text.split('\n').filter((line) => line.startsWith('| '))
  const [, , own, ...peers] = cellsOf(lines[0])
  if (own !== 'moltendb-node') throw new Error('the first column of figures must be moltendb-node')
  const works = new Map(WORKS.map((work) => [work.title, work]))
  // Two rows are named "the same": in the order of WORKS.
  const left = [...WORKS]
  return lines.slice(1).flatMap((line) => {
    const [title, unit, first, ...cells] = cellsOf(line)
    if (!works.has(title)) return []
    const work = left[left.findIndex((one) => one.title === title && unit.startsWith(one.unit))] ?? works.get(title)
    left.splice(left.indexOf(work), 1)
    const known = peers.map((peer, n) => [peer, figureOf(cells[n])]).filter(([peer, figure]) => figure > 0 && peer !== 'bare append' && !(peer === 'lokijs' && UNCOPIED.includes(work.name)))
    const mine = figureOf(first)
    if (mine === undefined || known.length === 0) return []
    const [peer, best] = known.toSorted((a, b) => (work.better === 'more' ? b[1] - a[1] : a[1] - b[1]))[0]
    const ratio = work.better === 'more' ? mine / best : best / mine
    return [{ name: work.name, title, unit: work.unit, own: mine, best, peer, ratio, target: TARGETS[work.name] ?? 1 }]
  })
}

const shown = (value) => new Intl.NumberFormat('en-US', { maximumSignificantDigits: value < 1000 ? 3 : 7, maximumFractionDigits: 0, roundingPriority: 'morePrecision' }).format(value)
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** Bars of the ratios, on a logarithmic scale around 1. */
export function picture(rows) {
  const [width, label, bar, height] = [900, 400, 24, 40 + rows.length * 24 + 16]
  const most = Math.max(2, ...rows.map(({ ratio }) => Math.abs(Math.log2(ratio))))
  const middle = label + (width - label - 150) / 2
  const unit = (width - label - 150) / 2 / most
  const bars = rows.map(({ title, ratio, peer }, n) => {
    const [y, length] = [40 + n * bar, Math.max(1, Math.abs(Math.log2(ratio)) * unit)]
    const ahead = ratio >= 1
    return `<text class="l" x="${label - 12}" y="${y + 16}">${escaped(title)}</text>` +
      `<rect class="${ahead ? 'a' : 'b'}" x="${(ahead ? middle : middle - length).toFixed(1)}" y="${y + 3}" width="${length.toFixed(1)}" height="${bar - 6}" rx="2"/>` +
      `<text x="${width - 136}" y="${y + 16}">${ratio.toFixed(2)} ${escaped(peer)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Ratios to the best peer in each row of the benchmark">
<style>text{font:13px system-ui,sans-serif;fill:#222}.l{text-anchor:end}.a{fill:#2a7f62}.b{fill:#b5542b}line{stroke:#888}@media (prefers-color-scheme:dark){text{fill:#ddd}.a{fill:#4db894}.b{fill:#e08a5f}}</style>
<text x="${label - 12}" y="24" class="l">work</text><text x="${middle + 6}" y="24">ahead of the best peer</text><text x="${middle - 6}" y="24" class="l">behind</text>
${bars.join('\n')}
<line x1="${middle}" x2="${middle}" y1="32" y2="${height - 12}"/>
</svg>
`
}

function main() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { svg: { type: 'string' } } })
  const rows = verdict(readFileSync(positionals[0] ?? fileURLToPath(new URL('results.md', import.meta.url)), 'utf8'))
  for (const { title, unit, own, best, peer, ratio, target } of rows) {
    const standing = ratio >= target ? 'met' : ratio >= 1 ? 'ahead, below its target' : 'behind'
    console.log(`${ratio.toFixed(2).padStart(7)}  target ${String(target).padEnd(4)} ${standing.padEnd(24)} ${title}: ${shown(own)} ${unit}, ${peer} ${shown(best)}`)
  }
  const met = rows.filter(({ ratio, target }) => ratio >= target).length
  console.log(`${rows.length} rows: ${met} meet their target, ${rows.filter(({ ratio }) => ratio >= 1).length} are level or ahead`)
  console.log('LokiJS is left out where it hands out the objects that it holds, without a copy.')
  if (values.svg !== undefined) writeFileSync(values.svg, picture(rows))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()

// Puts the medians of results.md into the table of the root's README.md, and the bytes of a document into docs/guide/memory.md:
// `node benchmark/readme.mjs`. Which works the README shows is decided there.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const cellsOf = (line) => line.split('|').slice(1, -1).map((cell) => cell.trim())

/** The rows of a table that begins with the work, by the name of the work. */
function rowsOf(text) {
  const rows = text.split('\n').filter((line) => line.startsWith('| '))
  return new Map(rows.map(cellsOf).map(([work, unit, ...figures]) => [work, { unit, figures: figures.map((figure) => figure.replace(/ \(.*\)$/, '')) }]))
}

/** The README with the figures of the results. Throws where the results lack a work, or have it in another unit. */
export function withFigures(readme, results) {
  const recorded = rowsOf(results)
  const lines = readme.split('\n')
  const start = lines.findIndex((line) => line.startsWith('| work | unit |'))
  for (let at = start + 2; lines[at].startsWith('|'); at++) {
    const [work, unit, ...old] = cellsOf(lines[at])
    const row = recorded.get(work)
    if (!row?.unit.startsWith(unit)) throw new Error(`results.md has no row "${work}" in ${unit}`)
    lines[at] = `| ${[work, unit, ...row.figures.slice(0, old.length)].join(' | ')} |`
  }
  return lines.join('\n')
}

/** The page of memory with the bytes that a document takes. */
export function withMemory(page, results) {
  return page.replace(/Plan with [\d,]+ bytes a document/, `Plan with ${rowsOf(results).get('memory after load').figures[0]} bytes a document`)
}

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const results = readFileSync(at('benchmark/results.md'), 'utf8')
  for (const [path, change] of [['README.md', withFigures], ['docs/guide/memory.md', withMemory]]) writeFileSync(at(path), change(readFileSync(at(path), 'utf8'), results))
}

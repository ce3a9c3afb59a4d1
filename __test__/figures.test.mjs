// The figures of README.md are those of the recorded run of the benchmark.

import test from 'ava'

import { textOf } from './support/pages.mjs'

const cellsOf = (line) => line.split('|').slice(1, -1).map((cell) => cell.trim())

/** The rows of a table that begins with this heading, by the name of the work. */
function table(page, heading) {
  const lines = textOf(page).split('\n')
  const start = lines.findIndex((line) => line.startsWith(heading))
  const end = lines.findIndex((line, at) => at > start && !line.startsWith('|'))
  return new Map(lines.slice(start + 2, end).map(cellsOf).map(([work, unit, ...figures]) => [work, { unit, figures }]))
}

test('each figure of README.md is the median of benchmark/results.md', (t) => {
  const here = table('README.md', '| work | unit |')
  const recorded = table('benchmark/results.md', '| work | unit |')
  t.true(here.size > 10)
  for (const [work, { unit, figures }] of here) {
    const run = recorded.get(work)
    t.truthy(run, `results.md has no row "${work}"`)
    t.true(run.unit.startsWith(unit), work)
    t.deepEqual(figures, run.figures.slice(0, figures.length).map((figure) => figure.replace(/ \(.*\)$/, '')), work)
  }
})

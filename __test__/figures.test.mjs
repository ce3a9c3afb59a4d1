// The figures of the documentation are those of the recorded run of the benchmark.

import test from 'ava'

import { withFigures, withMemory } from '../benchmark/readme.mjs'
import { textOf } from './support/pages.mjs'

const results = textOf('benchmark/results.md')

test('each figure of README.md is the median of benchmark/results.md', (t) => {
  const readme = textOf('README.md')
  t.is(withFigures(readme, results), readme)
  t.not(withFigures(readme, results.replace(/\| [\d,]+ \(/, '| 1 (')), readme, 'a figure that differs is told')
  t.throws(() => withFigures(readme, results.replace('| group by city', '| group by town')), { message: /no row "group by city, average"/ })
})

test('the guide plans with the measured bytes of a document', (t) => {
  const page = textOf('docs/guide/memory.md')
  t.regex(page, /Plan with [\d,]+ bytes a document/)
  t.is(withMemory(page, results), page)
})

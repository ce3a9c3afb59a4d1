// Alternates two builds of the example `scan`, so that other load on the machine affects both: medians and best runs.
//
// node scan.mjs <old binary> <new binary> [--documents 100000] [--rounds 5] [--runs 15] [--works scan,count]
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    documents: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '5' },
    runs: { type: 'string', default: '15' },
    works: { type: 'string' }
  }
})
if (positionals.length !== 2) throw new Error('name two binaries: node scan.mjs <old> <new>')

const figures = new Map()

function run(binary, side) {
  const args = [values.documents, values.runs, ...(values.works ? [values.works] : [])]
  for (const line of execFileSync(binary, args, { encoding: 'utf8' }).trim().split('\n')) {
    const [work, median, best, found] = line.split(' ')
    const figure = figures.get(work) ?? { found, medians: [[], []], bests: [[], []] }
    if (figure.found !== found) throw new Error(`${work}: one build finds ${figure.found}, the other ${found}`)
    figure.medians[side].push(Number(median))
    figure.bests[side].push(Number(best))
    figures.set(work, figure)
  }
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]

for (let round = 0; round < Number(values.rounds); round++) positionals.forEach(run)
console.log(['work', 'old', 'new', 'ratio', 'best old', 'best new', 'ratio'].join('\t'))
for (const [work, { medians, bests }] of figures) {
  const row = (pair) => [...pair.map((number) => number.toFixed(2)), (pair[0] / pair[1]).toFixed(2)]
  console.log([work, ...row(medians.map(median)), ...row(bests.map((all) => Math.min(...all)))].join('\t'))
}

// From the figures of all runs to one markdown table.
import { cpus, release, totalmem, type } from 'node:os'
import { WORKS } from './works.mjs'

export const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const small = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 })
export const format = (value) => (Math.abs(value) < 1000 ? small : number).format(value)

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** The machine and the versions. */
export function machine() {
  const memory = Math.round(totalmem() / 2 ** 30)
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  return `${model}, ${cpus().length} cores, ${memory} GiB, ${type()} ${release()}, Node.js ${process.version}.`
}

function cell(values) {
  const known = values.filter((value) => value !== null && value !== undefined)
  if (known.length === 0) return '-'
  if (known.length === 1) return format(known[0])
  return `${format(median(known))} (${format(Math.min(...known))}-${format(Math.max(...known))})`
}

/** One line per work: this package compared with the best peer. */
function standing(work, results) {
  const figure = (result) => {
    const values = result.runs.map((run) => run[work.name]).filter((value) => typeof value === 'number')
    return values.length === 0 ? null : median(values)
  }
  const own = results.find((result) => result.name === 'moltendb')
  const mine = own === undefined ? null : figure(own)
  const peers = results
    .filter((result) => result !== own && result.version !== '')
    .map((result) => ({ title: result.title, value: figure(result) }))
    .filter((peer) => peer.value !== null && peer.value > 0)
  if (mine === null || mine <= 0 || peers.length === 0) return null
  const better = (a, b) => (work.better === 'more' ? b.value - a.value : a.value - b.value)
  const [best] = peers.sort(better)
  const ratio = work.better === 'more' ? mine / best.value : best.value / mine
  return { work, best: best.title, ratio }
}

export function report({ results, documents, runs, seed, works }) {
  const rows = WORKS.filter((work) => works.includes(work.name))
  const lines = [
    '# Results',
    '',
    `${number.format(documents)} documents of 245 bytes of JSON, seed ${seed}; ` +
      (runs === 1 ? 'one run.' : `medians of ${runs} runs, with ranges.`),
    machine(),
    ''
  ]
  for (const result of results) lines.push(`- ${`${result.title} ${result.version}`.trim()}: ${result.settings}`)
  lines.push('', `| work | unit | ${results.map((result) => result.title).join(' | ')} |`)
  lines.push(`|---|---|${results.map(() => '--:|').join('')}`)
  for (const work of rows) {
    const cells = results.map((result) => cell(result.runs.map((run) => run[work.name])))
    lines.push(`| ${work.title} | ${work.unit}, ${work.better} is better | ${cells.join(' | ')} |`)
  }
  lines.push('', '`-`: the peer has no such operation. Settings: see README.md.')
  const standings = rows.map((work) => standing(work, results)).filter((entry) => entry !== null)
  if (standings.length > 0) {
    const told = ({ work, best, ratio }) => `${work.title} (${ratio.toFixed(2)} of ${best})`
    const behind = standings.filter((entry) => entry.ratio < 1)
    const ahead = standings.filter((entry) => entry.ratio >= 1)
    lines.push('', `Behind the best peer in: ${behind.map(told).join('; ') || 'nothing'}.`)
    lines.push('', `Level or ahead in: ${ahead.map(told).join('; ') || 'nothing'}.`)
  }
  return `${lines.join('\n')}\n`
}

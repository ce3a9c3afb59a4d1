// More data than memory: each peer loads documents, then a process of its own reads and changes them with a tenth of their size
// as its memory. With --cgroup also the whole process, and what the system keeps of its files, has no more than that and a base.
//
//   node --expose-gc larger-than-memory.mjs [--documents 4000000] [--share 10] [--peers moltendb,lmdb,better-sqlite3]
//     [--cgroup] [--base 128] [--seconds 5] [--out results-larger-than-memory.md]

import { execFileSync, fork } from 'node:child_process'
import { mkdirSync, readdirSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { format, machine, number } from './report.mjs'

const BYTES = 245
const GROUP = '/sys/fs/cgroup/memory/moltendb-benchmark'
const ROWS = [
  ['get', 'get of a random document, one by one'],
  ['get-64', 'the same, 64 at a time, each'],
  ['find', 'the first 20 of a range of an index, in its order'],
  ['update', 'update of a random document, an index changes, one by one'],
  ['update-64', 'the same, 64 at a time, each']
]

const { values } = parseArgs({
  options: {
    documents: { type: 'string', default: '4000000' },
    share: { type: 'string', default: '10' },
    peers: { type: 'string', default: 'moltendb,lmdb,better-sqlite3' },
    cgroup: { type: 'boolean', default: false },
    base: { type: 'string', default: '128' },
    seconds: { type: 'string', default: '5' },
    out: { type: 'string', default: fileURLToPath(new URL('results-larger-than-memory.md', import.meta.url)) }
  }
})
const whole = (name) => {
  const value = Number(values[name])
  if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`--${name} must be a whole number, not ${values[name]}`)
  return value
}
const documents = whole('documents')
const seconds = whole('seconds')
const memoryLimit = Math.floor((documents * BYTES) / whole('share'))
const groupBytes = whole('base') * 2 ** 20 + memoryLimit

/** Limits what a process of this group may have in memory, its share of the page cache included (Linux, cgroup v1 or v2, as root). */
function makeGroup() {
  try {
    mkdirSync(GROUP, { recursive: true })
    writeFileSync(join(GROUP, 'memory.limit_in_bytes'), String(groupBytes))
    return join(GROUP, 'cgroup.procs')
  } catch (error) {
    throw new Error(`--cgroup needs root and a memory controller at ${GROUP}: ${error.message}`, { cause: error })
  }
}

function run(step, peer, directory) {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('larger-than-memory-child.mjs', import.meta.url)), {
      execArgv: ['--expose-gc', '--max-semi-space-size=4']
    })
    let answer
    child.on('message', (message) => (answer = message))
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (answer?.figures !== undefined) resolve(answer)
      else reject(new Error(answer?.error ?? `${peer} ended with ${signal ?? `code ${code}`}`))
    })
    const limited = values.cgroup && step === 'measure'
    if (limited) {
      writeFileSync(makeGroup(), String(child.pid))
      // What the load left in the page cache is not charged to the group.
      execFileSync('sync')
      writeFileSync('/proc/sys/vm/drop_caches', '3')
    }
    child.send({ step, peer, directory, documents, memoryLimit, seconds })
  })
}

const bytesOf = (directory) =>
  readdirSync(directory, { recursive: true })
    .map((name) => statSync(join(directory, name)))
    .reduce((sum, file) => sum + (file.isFile() ? file.blocks * 512 : 0), 0)

const results = []
for (const peer of values.peers.split(',')) {
  const directory = fileURLToPath(new URL(`data/larger-${peer}`, import.meta.url))
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const load = await run('load', peer, directory)
  const disk = bytesOf(directory) / documents
  const measured = await run('measure', peer, directory)
  results.push({ ...measured, disk, load: load.figures })
  console.error(`${peer} done: ${JSON.stringify({ ...load.figures, disk, ...measured.figures })}`)
  rmSync(directory, { recursive: true, force: true })
  if (values.cgroup) rmdirSync(GROUP)
}
const cell = (figure) => (figure === undefined ? '-' : `${format(figure.median)} (${format(figure.p99)})`)
const lines = [
  '# Larger than memory',
  '',
  `${number.format(documents)} documents of ${BYTES} bytes of JSON with indexes on city and age, a memory limit of ${number.format(memoryLimit / 2 ** 20)} MiB` +
    (values.cgroup ? `, in a cgroup of ${number.format(groupBytes / 2 ** 20)} MiB that counts the page cache too. ` : '; the page cache has what fits it. ') +
    `Microseconds, median (p99), ${seconds} s each. ${machine()}`,
  ''
]
for (const { title, version, settings } of results) lines.push(`- ${title} ${version}: ${settings}`)
lines.push('', `| work | ${results.map(({ title }) => title).join(' | ')} |`, `|---|${results.map(() => '--:|').join('')}`)
for (const [name, title] of ROWS) lines.push(`| ${title} | ${results.map(({ figures }) => cell(figures[name])).join(' | ')} |`)
lines.push(`| load, documents/s | ${results.map(({ load }) => format(load.rate)).join(' | ')} |`)
lines.push(`| memory of the process after that, MiB | ${results.map(({ figures }) => format(figures.resident)).join(' | ')} |`)
lines.push(`| bytes on disk a document after the load | ${results.map(({ disk }) => format(disk)).join(' | ')} |`)
const text = `${lines.join('\n')}\n`
writeFileSync(values.out, text)
console.log(text)

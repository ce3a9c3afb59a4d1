// The workflows of .github run third-party code with this repository's rights: each action is pinned to its commit, each
// tool to its version, and no job may do more than read.

import { readdirSync, readFileSync } from 'node:fs'

import test from 'ava'

const folder = new URL('../.github/workflows/', import.meta.url)
const workflows = readdirSync(folder)
  .filter((name) => /\.ya?ml$/.test(name))
  .map((name) => ({ name, lines: readFileSync(new URL(name, folder), 'utf8').split(/\r?\n/) }))

/** The lines of each job: everything below `jobs:`, from one line indented by two spaces to the next. */
function jobsOf({ lines }) {
  const jobs = {}
  let current
  for (const line of lines.slice(lines.indexOf('jobs:') + 1)) {
    const head = /^ {2}([\w-]+):\s*$/.exec(line)?.[1]
    if (head) current = jobs[head] = []
    else if (/^\S/.test(line)) break
    else current?.push(line)
  }
  return jobs
}

/** Lines that break a rule, for the message. */
const where = (name, wrong) => wrong.map((line) => `${name}: ${line.trim()}`)

test('there are workflows, and jobs in each', (t) => {
  t.true(workflows.length > 0)
  for (const workflow of workflows) t.true(Object.keys(jobsOf(workflow)).length > 0, workflow.name)
})

test('every action is named by a full commit, with its version beside it', (t) => {
  for (const { name, lines } of workflows) {
    const uses = lines.filter((line) => /^\s*(- )?uses:/.test(line))
    t.deepEqual(where(name, uses.filter((line) => !/uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))), [])
  }
})

test('one commit of an action everywhere', (t) => {
  const known = new Map()
  for (const { lines } of workflows) {
    for (const line of lines) {
      const [, action, commit] = /uses: ([^@]+)@(.+)$/.exec(line) ?? []
      if (action) t.is(known.get(action) ?? commit, commit, action)
      if (action) known.set(action, commit)
    }
  }
})

test('a workflow and each of its jobs name their permissions, which are to read', (t) => {
  for (const workflow of workflows) {
    t.true(workflow.lines.includes('permissions:'), workflow.name)
    for (const [job, lines] of Object.entries(jobsOf(workflow))) {
      const at = lines.indexOf('    permissions:')
      t.not(at, -1, `${workflow.name}: the job ${job} has no permissions`)
      t.true(lines.some((line) => /^ {4}timeout-minutes: \d+$/.test(line)), `${workflow.name}: the job ${job} has no timeout-minutes`)
    }
    t.deepEqual(where(workflow.name, workflow.lines.filter((line) => /^\s+[\w-]+: write\b|write-all|read-all/.test(line))), [])
  }
})

test('a checkout leaves no credentials behind', (t) => {
  for (const { name, lines } of workflows) {
    const checkouts = lines.flatMap((line, at) => (line.includes('actions/checkout@') ? [at] : []))
    t.deepEqual(where(name, checkouts.filter((at) => !/^\s+persist-credentials: false$/.test(lines[at + 2] ?? '')).map((at) => lines[at])), [])
  }
})

test('tools are installed by version', (t) => {
  const rules = [
    { what: /\bpip3? install\b/, how: /--require-hashes/ },
    { what: /\bcargo install\b/, how: /--locked --version \d+\.\d+\.\d+\b/ },
    { what: /\bnpm (i|install|add)\b/, how: /@\d+\.\d+\.\d+\b/ },
    { what: /\bnpx\b/, how: /@\d+\.\d+\.\d+\b/ },
    { what: /\bcurl\b|\bwget\b/, how: /\bsha256sum\b/ }
  ]
  for (const { name, lines } of workflows) {
    for (const { what, how } of rules) t.deepEqual(where(name, lines.filter((line) => what.test(line) && !how.test(line))), [])
  }
  const pinned = readFileSync(new URL('../.github/zigbuild.txt', import.meta.url), 'utf8').split(/\r?\n/).filter((line) => line && !line.startsWith('#'))
  for (const line of pinned) t.regex(line, /^[\w-]+==\d+\.\d+\.\d+( --hash=sha256:[0-9a-f]{64})+$/)
})

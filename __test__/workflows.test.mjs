// The workflows of .github run third-party code with this repository's rights: each action is pinned to its commit, each
// tool to its version, and no job may do more than read.

import { readdirSync, readFileSync } from 'node:fs'

import test from 'ava'

import { targets } from '../scripts/package/targets.mjs'

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

/** The jobs that may do more than read, and what. They run for tags only. */
const MAY_WRITE = { 'release.yml': { publish: ['id-token'], release: ['contents'] } }

test('a workflow and each of its jobs name their permissions, which are to read but for what a release writes', (t) => {
  for (const workflow of workflows) {
    const head = workflow.lines.slice(0, workflow.lines.indexOf('jobs:'))
    t.true(head.includes('permissions:'), workflow.name)
    t.deepEqual(writes(head), [], workflow.name)
    for (const [job, lines] of Object.entries(jobsOf(workflow))) {
      t.true(lines.includes('    permissions:'), `${workflow.name}: the job ${job} has no permissions`)
      t.true(lines.some((line) => /^ {4}timeout-minutes: \d+$/.test(line)), `${workflow.name}: the job ${job} has no timeout-minutes`)
      const allowed = MAY_WRITE[workflow.name]?.[job] ?? []
      t.deepEqual(writes(lines), allowed, `${workflow.name}: the job ${job}`)
      if (allowed.length > 0) t.true(lines.includes("    if: github.event_name == 'push'"), `${workflow.name}: the job ${job} runs for more than tags`)
    }
  }
})

/** What lines ask to write. */
function writes(lines) {
  return lines.flatMap((line) => /^\s+([\w-]+): write\b/.exec(line)?.[1] ?? (/write-all|read-all/.test(line) ? [line.trim()] : []))
}

test('a release builds, tries and packs every platform, and publishes what was tried', (t) => {
  const jobs = jobsOf(workflows.find(({ name }) => name === 'release.yml'))
  const named = (job) => jobs[job].flatMap((line) => /\{ target: ([\w-]+),/.exec(line)?.[1] ?? []).sort()
  const all = targets.map(({ name }) => name).sort()
  t.deepEqual(named('build'), all)
  t.deepEqual(named('suite'), all)
  const needs = (job) => jobs[job].find((line) => line.startsWith('    needs:')).split(': ')[1]
  t.deepEqual(['build', 'suite', 'pack', 'install', 'runtimes', 'publish', 'release'].map(needs), [
    'version', 'build', 'suite', 'pack', 'pack', '[install, runtimes, electron]', 'publish'
  ])
})

test('where entries of a matrix run an image, the matrix is a list of entries: GitHub would merge them into combinations', (t) => {
  for (const workflow of workflows) {
    for (const [job, lines] of Object.entries(jobsOf(workflow))) {
      if (!lines.some((line) => /^ +- \{.*\bimage: /.test(line))) continue
      const keys = lines.slice(lines.indexOf('      matrix:') + 1).flatMap((line) => /^ {8}([\w-]+):/.exec(line)?.[1] ?? [])
      t.deepEqual(keys.slice(0, keys.indexOf('include') + 1), ['include'], `${workflow.name}: the job ${job}`)
    }
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
  const pinned = ['zigbuild.txt', 'workflow-lints.txt']
    .flatMap((name) => readFileSync(new URL(`../.github/${name}`, import.meta.url), 'utf8').split(/\r?\n/))
    .filter((line) => line && !line.startsWith('#'))
  for (const line of pinned) t.regex(line, /^[\w-]+==\d+\.\d+\.\d+( --hash=sha256:[0-9a-f]{64})+$/)
})

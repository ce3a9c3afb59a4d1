// The sessions of docs/guide/command-line.md are as they are shown. `...` in an output stands for anything.

import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import test from 'ava'

import { program } from './support/cli.mjs'
import { directory } from './support/database.mjs'
import { textOf } from './support/pages.mjs'

/** The commands of the page, each with what it prints. */
function commandsOf(text) {
  const blocks = [...text.matchAll(/^```console\n(.*?)^```$/gms)].map(([, block]) => block)
  return blocks.flatMap((block) => block.split(/^\$ /m).slice(1)).map((part) => {
    const end = part.indexOf('\n')
    return { command: part.slice(0, end), output: part.slice(end + 1) }
  })
}

const hasBash = process.platform !== 'win32' && spawnSync('bash', ['-c', 'true']).status === 0

;(hasBash ? test : test.skip)('the sessions of the guide are as they are shown', (t) => {
  const cwd = directory(t)
  for (const path of [cwd, join(cwd, 'data'), join(cwd, 'backups')]) mkdirSync(path)
  const commands = commandsOf(textOf('docs/guide/command-line.md'))
  t.true(commands.length > 15)
  writeFileSync(join(cwd, 'people.jsonl'), commands[0].output)
  // As on a terminal, but where JSON is asked for or goes through a pipe.
  const npx = `npx() { shift; case " $* " in *" --json "*|*" export data/app --all"*) ;; *) set -- --table "$@" ;; esac; ${JSON.stringify(process.execPath)} ${JSON.stringify(program)} "$@"; }\n`
  for (const { command, output } of commands) {
    const { status, stdout, stderr } = spawnSync('bash', ['-c', npx + command], { cwd, encoding: 'utf8', env: { ...process.env, COLUMNS: '100', NO_COLOR: '1' } })
    t.is(status, 0, `${command}\n${stderr}`)
    const pattern = output.split('...').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.*')
    t.regex(stdout, new RegExp(`^${pattern}$`), command)
  }
})

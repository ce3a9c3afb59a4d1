// Fresh projects with packages of the registry, by exact version, and the packed tarballs in them; and how long what runs there may take.

import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { npmOutput, seconds } from '../steps.mjs'
import { plainEnvironment } from './project.mjs'

const LONGEST = 240_000

/** Installs packages, then the tarballs: their optional packages of other platforms are in no registry, so the second install asks none. */
export function freshProject(folder, tarballs, packages = {}) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ name: 'project', version: '1.0.0', private: true, devDependencies: packages }, null, 2)}\n`)
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  if (Object.keys(packages).length > 0) npmOutput(['install', '--prefer-offline', ...quiet], { cwd: folder })
  npmOutput(['install', ...tarballs, '--offline', ...quiet], { cwd: folder })
  return folder
}

/** The script of a command that a package of the project brings. */
export function binOf(project, name, command = name) {
  const folder = join(project, 'node_modules', name)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return join(folder, typeof bin === 'string' ? bin : bin[command])
}

/** Runs a program; answers its exit code and all that it printed. One that does not end is an error that says so. */
export function runToEnd(command, args, cwd, env = {}) {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    cwd, encoding: 'utf8', env: plainEnvironment({ NO_COLOR: '1', CI: 'true', NEXT_TELEMETRY_DISABLED: '1', ...env }), timeout: LONGEST, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 * 1024
  })
  const printed = `${stdout}${stderr}`
  if (error?.code === 'ETIMEDOUT') throw new Error(`it did not end within ${seconds(LONGEST)}\n${printed}`)
  return { status: status ?? signal, printed }
}

/** Prints a table as Markdown. */
export function table(heads, rows) {
  const widths = heads.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at].length)))
  const line = (cells) => `| ${cells.map((cell, at) => cell.padEnd(widths[at])).join(' | ')} |`
  return [line(heads), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n')
}

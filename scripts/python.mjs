// Tools from PyPI, by hash, in a virtual environment of their own below target/tools.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { root } from './steps.mjs'

/** Installs what a file of requirements pins, once; answers the folder of the programs. */
export function pythonTools(name, requirements) {
  const folder = join(root, 'target', 'tools', name)
  const wanted = readFileSync(join(root, requirements), 'utf8')
  const done = join(folder, 'installed.txt')
  if (!existsSync(done) || readFileSync(done, 'utf8') !== wanted) {
    console.log(`installing what ${requirements} pins, from PyPI`)
    execFileSync('python3', ['-m', 'venv', '--clear', folder], { stdio: 'inherit' })
    execFileSync(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '--require-hashes', '--no-deps', '-r', join(root, requirements)], { stdio: 'inherit' })
    writeFileSync(done, wanted)
  }
  return join(folder, 'bin')
}

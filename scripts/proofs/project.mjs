// A project with the packages of this checkout in it, installed from their tarballs and from nowhere else.

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { npmOutput, root } from '../steps.mjs'

/** Installs tarballs in a fresh project; the other platforms' packages, which no registry has, are optional and left out. */
export function projectWith(folder, tarballs) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ name: 'project', version: '1.0.0', private: true })}\n`)
  npmOutput(['install', ...tarballs, '--offline', '--no-audit', '--no-fund', '--loglevel=error', '--cache', join(folder, '.cache')], { cwd: folder })
  for (const name of ['smoke.cjs', 'realms.cjs', 'simple.mjs']) copyFileSync(join(root, 'scripts', 'proofs', name), join(folder, name))
}

/** The environment of a child without what npm, this checkout or Rust put there. */
export function plainEnvironment(more = {}) {
  const kept = Object.entries(process.env).filter(([key]) => !/^(npm_|INIT_CWD|MOLTENDB_|CARGO|RUST)/i.test(key))
  return { ...Object.fromEntries(kept), ...more }
}

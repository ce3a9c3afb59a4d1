// Programs that only the proofs need, by exact version, installed into target/tools at their first use: they are too large, or too
// many, to be devDependencies. Versions are those that still run on Node.js 20.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { npmOutput, root } from '../steps.mjs'

/** Installs packages by name and exact version in a folder of their own; answers its node_modules. `foreign` ones are for another platform. */
export function tool(name, dependencies, { overrides = {}, foreign = false } = {}) {
  const folder = join(root, 'target', 'tools', name)
  const wanted = `${JSON.stringify({ name: `tool-${name}`, private: true, dependencies, overrides }, null, 2)}\n`
  const manifest = join(folder, 'package.json')
  const done = join(folder, 'node_modules', '.package-lock.json')
  if (!existsSync(done) || readFileSync(manifest, 'utf8') !== wanted) {
    console.log(`installing ${Object.entries(dependencies).map(([one, version]) => `${one}@${version}`).join(', ')}`)
    mkdirSync(folder, { recursive: true })
    writeFileSync(manifest, wanted)
    npmOutput(['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...(foreign ? ['--force'] : [])], { cwd: folder })
  }
  return join(folder, 'node_modules')
}

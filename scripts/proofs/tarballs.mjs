// Installs the packages of a folder on this machine and runs them: what a release must do on each platform before it is published. Needs nothing but
// Node.js and npm: no Rust, no devDependencies. `node scripts/proofs/tarballs.mjs target/packages`

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import { hostTarget } from '../package/targets.mjs'
import { plainEnvironment, projectWith } from './project.mjs'

const folder = resolve(process.argv[2] ?? '')
const host = hostTarget()
const tarballs = readdirSync(folder).filter((name) => new RegExp(`^moltendb-node(-${host.name})?-\\d[^/]*\\.tgz$`).test(name))
if (tarballs.length !== 2) throw new Error(`${folder} does not hold one package for ${host.name} and one for all: ${tarballs.join(', ')}`)

const home = mkdtempSync(join(tmpdir(), 'moltendb-tarballs-'))
try {
  projectWith(home, tarballs.map((name) => join(folder, name)))
  for (const program of ['smoke.cjs', 'realms.cjs', 'simple.mjs']) {
    execFileSync(process.execPath, [program], { cwd: home, stdio: 'inherit', env: plainEnvironment() })
  }
  console.log(`${tarballs.join(' and ')}: installed and run by Node.js ${process.version} on ${host.name}`)
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
}

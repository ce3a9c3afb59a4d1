// Publishes the tarballs of `npm run pack -- --release` in the order in which they need each other: the platforms, then the root, so that at no
// moment an install finds a root without its addon. What the registry has already is left alone, so a run that broke off may be repeated.
//
//   node scripts/package/publish.mjs target/packages [--tag v0.2.0] [--dry-run]

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { npmOutput } from '../steps.mjs'
import { readManifest } from './manifests.mjs'
import { targets } from './targets.mjs'
import { releaseFaults } from './versions.mjs'

/** The tarballs of a version, in the order of publishing. Throws where one is missing. */
export function tarballsIn(folder, { name, version } = readManifest()) {
  const names = [...targets.map((target) => `${name}-${target.name}`), name]
  const tarballs = names.map((one) => ({ name: one, version, path: join(folder, `${one}-${version}.tgz`) }))
  const missing = tarballs.filter(({ path }) => !existsSync(path))
  if (missing.length > 0) throw new Error(`nothing is published: ${folder} lacks ${missing.map(({ path }) => path.split(/[\\/]/).at(-1)).join(', ')}`)
  return tarballs
}

/** Publishes all of them; answers those that the registry did not have yet. A version such as 1.0.0-beta.1 is not what `npm install` takes. */
export function publishAll(folder, { args = [], say = console.log } = {}) {
  const published = []
  for (const { name, version, path } of tarballsIn(folder)) {
    if (isPublished(name, version, args)) {
      say(`${name}@${version} is published already`)
      continue
    }
    npmOutput(['publish', path, '--access', 'public', '--ignore-scripts', '--tag', version.includes('-') ? 'next' : 'latest', '--loglevel=error', ...args])
    say(`${name}@${version} is published`)
    published.push(name)
  }
  return published
}

/** Whether the registry has a version. Any other answer than yes or no is an error: what is unknown is not published over. */
function isPublished(name, version, args) {
  try {
    return npmOutput(['view', `${name}@${version}`, 'version', '--json', ...args], { stdio: 'pipe' }).includes(version)
  } catch (error) {
    if (/\bE404\b/.test(`${error.stdout}${error.stderr}`)) return false
    throw new Error(`npm does not tell whether ${name}@${version} is published: ${error.stderr}`, { cause: error })
  }
}

function main(argv) {
  const { values, positionals } = parseArgs({ args: argv, allowPositionals: true, options: { tag: { type: 'string' }, 'dry-run': { type: 'boolean' } } })
  const faults = values.tag ? releaseFaults(values.tag) : []
  if (faults.length > 0) throw new Error(`nothing is published:\n${faults.map((fault) => `- ${fault}`).join('\n')}`)
  // In a workflow npm takes its rights from the identity of the workflow, and says so beside the package.
  publishAll(positionals[0], { args: [...(process.env.GITHUB_ACTIONS ? ['--provenance'] : []), ...(values['dry-run'] ? ['--dry-run'] : [])] })
}

if (process.argv[1] === import.meta.filename) {
  try {
    main(process.argv.slice(2))
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}

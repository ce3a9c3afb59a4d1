// Writes package.json and README.md of each folder of npm/ from the table of targets and the root's package.json. `--check` compares instead.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { root } from '../steps.mjs'
import { asText, platformManifest, platformReadme, readManifest } from './manifests.mjs'
import { targets } from './targets.mjs'

/** Each file of npm/ with what it must hold. */
export function platformFiles() {
  const manifest = readManifest()
  return targets.flatMap((target) => [
    { path: join('npm', target.name, 'package.json'), text: asText(platformManifest(target, manifest)) },
    { path: join('npm', target.name, 'README.md'), text: platformReadme(target, manifest) }
  ])
}

/** The files of npm/ that do not hold what they must. */
export function stalePlatformFiles() {
  return platformFiles().filter((file) => !isWritten(file)).map(({ path }) => path)
}

function isWritten({ path, text }) {
  return existsSync(join(root, path)) && readFileSync(join(root, path), 'utf8').replaceAll('\r\n', '\n') === text
}

export function writePlatformFiles() {
  for (const { path, text } of platformFiles()) {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}

if (process.argv[1] === import.meta.filename) {
  if (process.argv.includes('--check')) {
    const stale = stalePlatformFiles()
    if (stale.length > 0) console.error(`stale: ${stale.join(', ')}; run node scripts/package/write-platforms.mjs`)
    process.exitCode = stale.length > 0 ? 1 : 0
  } else {
    writePlatformFiles()
  }
}

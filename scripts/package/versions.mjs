// The version, in every file that says it, and the one command that changes all of them: `npm run version:set 0.2.0`.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { root } from '../steps.mjs'
import { readManifest } from './manifests.mjs'
import { targets } from './targets.mjs'
import { writePlatformFiles } from './write-platforms.mjs'

/** A semantic version without a build number, which npm would drop. */
const VERSION = /^\d+\.\d+\.\d+(-[0-9a-z]+(\.[0-9a-z]+)*)?$/

/** Each file with a pattern whose second group is the version. npm/ is written anew from package.json. */
const PLACES = [
  { file: 'package.json', pattern: /^(\{\s*"name": "moltendb-node",\s*"version": ")([^"]+)/ },
  { file: 'package-lock.json', pattern: /^(\{\s*"name": "moltendb-node",\s*"version": ")([^"]+)/ },
  { file: 'package-lock.json', pattern: /("packages": \{\s*"": \{\s*"name": "moltendb-node",\s*"version": ")([^"]+)/ },
  { file: 'Cargo.toml', pattern: /^(\[package\]\nname = "moltendb-node"\nversion = ")([^"]+)/ },
  { file: 'Cargo.lock', pattern: /(name = "moltendb-node"\nversion = ")([^"]+)/ },
  { file: 'fuzz/Cargo.lock', pattern: /(name = "moltendb-node"\nversion = ")([^"]+)/ }
]

/** Every place that names the version, with the one that it names. */
export function versionsInFiles() {
  const own = PLACES.map(({ file, pattern }) => ({ file, version: pattern.exec(read(file))?.[2] }))
  const platforms = targets.map(({ name }) => {
    const file = `npm/${name}/package.json`
    return { file, version: existsSync(join(root, file)) ? JSON.parse(read(file)).version : undefined }
  })
  return [...own, ...platforms, { file: 'CHANGELOG.md', version: /^## (\S+?)(,|$)/m.exec(read('CHANGELOG.md'))?.[1] }]
}

/** The places whose version is not that of package.json. */
export function disagreements() {
  const places = versionsInFiles()
  return places.filter(({ version }) => version !== places[0].version)
}

/**
 * What keeps the checkout from being released under a tag, in sentences. In a workflow `repository` is the one that runs it: provenance names it, and
 * npm refuses a package whose manifest names another.
 */
export function releaseFaults(tag, repository = process.env.GITHUB_REPOSITORY) {
  const [{ version }] = versionsInFiles()
  const faults = disagreements().map((place) => `${place.file} says ${place.version}, package.json ${version}`)
  if (tag !== `v${version}`) faults.push(`the tag is ${tag}, package.json says ${version}: tag v${version}, or npm run version:set ${tag.replace(/^v/, '')}`)
  if (/^## .*, not released$/m.test(read('CHANGELOG.md'))) faults.push(`CHANGELOG.md says that ${version} is not released: give its heading the date`)
  const { url } = readManifest().repository
  if (repository && url !== `git+https://github.com/${repository}.git`) faults.push(`package.json says that the repository is ${url}, the workflow runs in ${repository}: name that one, there and in npm/ (scripts/package/write-platforms.mjs)`)
  return faults
}

/** Writes a version to every file; the changelog gets a heading for it where there is none, above the others. */
export function setVersion(version) {
  for (const { file, pattern } of PLACES) {
    const text = read(file)
    if (!pattern.test(text)) throw new Error(`${file} does not say its version where it did: ${pattern}`)
    writeFileSync(join(root, file), text.replace(pattern, `$1${version}`))
  }
  writePlatformFiles()
  const log = read('CHANGELOG.md')
  const top = /^## (\S+?), not released$/m
  if (log.includes(`\n## ${version}`)) return
  // What is not released yet has no version to keep.
  writeFileSync(join(root, 'CHANGELOG.md'), top.test(log) ? log.replace(top, `## ${version}, not released`) : log.replace(/^## /m, `## ${version}, not released\n\n## `))
}

function read(file) {
  return readFileSync(join(root, file), 'utf8').replaceAll('\r\n', '\n')
}

function main([version, tag]) {
  if (version === '--check') {
    const faults = tag ? releaseFaults(tag) : disagreements().map((place) => `${place.file} says ${place.version}, package.json ${versionsInFiles()[0].version}`)
    for (const fault of faults) console.error(fault)
    return faults.length > 0 ? 1 : 0
  }
  if (!VERSION.test(version ?? '')) {
    console.error(`usage: npm run version:set 0.2.0 (or 0.2.0-beta.1); got ${version}`)
    return 2
  }
  setVersion(version)
  console.log(`${versionsInFiles().length} places say ${version}. Next: build (npm run build), since JavaScript and addon carry it too`)
  return 0
}

if (process.argv[1] === import.meta.filename) process.exitCode = main(process.argv.slice(2))

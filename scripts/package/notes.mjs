// Prints what the changelog says of a version: the text of its release.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { root } from '../steps.mjs'
import { withAbsoluteLinks } from './links.mjs'
import { readManifest } from './manifests.mjs'

/** The lines below a version's heading. Throws where there is none. */
export function notesOf(version, changelog) {
  const lines = changelog.split(/\r?\n/)
  const start = lines.findIndex((line) => line === `## ${version}` || line.startsWith(`## ${version},`))
  if (start === -1) throw new Error(`CHANGELOG.md has no heading for ${version}`)
  const end = lines.findIndex((line, at) => at > start && line.startsWith('## '))
  return `${lines.slice(start + 1, end === -1 ? undefined : end).join('\n').trim()}\n`
}

if (process.argv[1] === import.meta.filename) {
  const manifest = readManifest()
  process.stdout.write(withAbsoluteLinks(notesOf(manifest.version, readFileSync(join(root, 'CHANGELOG.md'), 'utf8')), manifest))
}

// Makes what is published: stages the root package and those of the platforms, checks them, and packs them into target/packages. Each run has a temporary
// folder of its own, and puts the tarballs in their place when all are made, so runs at the same time do not disturb each other.
// Nothing else is ever published: the package.json files of the checkout are private.
//
//   npm run pack                         the root, and each platform whose addon is in target/addons or in this folder
//   npm run pack -- linux-x64-gnu        the root and these platforms
//   npm run pack -- --release            the root and all eight, within the limits of size and glibc

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'

import { builtScripts, npmOutput, root } from '../steps.mjs'
import { faultsOf, readAddon } from './addon-file.mjs'
import { withAbsoluteLinks } from './links.mjs'
import { asText, platformReadme, publishedManifest, publishedPlatform, readManifest } from './manifests.mjs'
import { addonName, targets, targetsNamed } from './targets.mjs'
import { disagreements } from './versions.mjs'

/**
 * No install should download more JavaScript than this: 190 KiB without the inspector, whose file has its page, and is loaded by `db.inspect()` only. Types are
 * 40 of the 190, the command line and importers, which no program loads that does not use them, 60.
 */
const LARGEST_ROOT = (190 + 40) * 1024

/** Where the addon of a target was built, if it was. */
export function addonPath(target) {
  return [join(root, 'target', 'addons', addonName(target)), join(root, addonName(target))].find((path) => existsSync(path))
}

/** What keeps the root from being packed, in sentences. */
export function rootFaults(manifest) {
  const faults = disagreements().map(({ file, version }) => `${file} says version ${version}, package.json ${manifest.version}: npm run version:set ${manifest.version}`)
  for (const file of [...builtScripts, ...manifest.files, 'README.md', 'LICENSE']) {
    if (!existsSync(join(root, file))) faults.push(`${file} is missing: ${builtScripts.includes(file) ? 'npm run build' : 'restore it'}`)
  }
  if (faults.length > 0) return faults
  const inside = /\bVERSION\s*=\s*"([^"]+)"/.exec(readFileSync(join(root, 'index.js'), 'utf8'))?.[1]
  if (inside !== manifest.version) faults.push(`index.js is of version ${inside}, package.json ${manifest.version}: npm run build`)
  if (Object.keys(createRequire(import.meta.url)(join(root, 'index.js'))).length === 0) faults.push('index.js exports nothing: npm run build')
  return faults
}

/** Writes the root package to a folder. */
function stageRoot(folder, manifest) {
  mkdirSync(folder)
  for (const file of [...manifest.files, 'README.md']) {
    if (file.endsWith('.md')) writeFileSync(join(folder, file), withAbsoluteLinks(readFileSync(join(root, file), 'utf8'), manifest))
    else copyFileSync(join(root, file), join(folder, file))
  }
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  writeFileSync(join(folder, 'package.json'), asText(publishedManifest(manifest)))
}

/** Writes the package of a platform to a folder. */
function stagePlatform(folder, target, manifest, addon) {
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), asText(publishedPlatform(target, manifest)))
  writeFileSync(join(folder, 'README.md'), platformReadme(target, manifest))
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  if (addon) copyFileSync(addon, join(folder, addonName(target)))
  else writeFileSync(join(folder, addonName(target)), 'A stand-in: it shows which package an install takes.\n')
}

/**
 * Stages and packs. Answers each tarball with its name, path, sizes and files; throws with all that is wrong. `standIns` gives platforms without an
 * addon a file of text, for tests of what an install takes.
 */
export function pack({ names = [], release = false, standIns = false, out = join(root, 'target', 'packages') } = {}) {
  const manifest = readManifest()
  const wanted = names.length > 0 || release || standIns ? targetsNamed(names) : targets.filter((target) => addonPath(target))
  const faults = rootFaults(manifest)
  if (wanted.length === 0) faults.push('there is no addon of any platform: npm run build')
  for (const target of wanted) {
    const addon = addonPath(target)
    if (!addon && !standIns) faults.push(`${addonName(target)} is missing: npm run build:targets ${target.name}`)
    if (addon) faults.push(...faultsOf(readAddon(addon), target, manifest.version, { release }).map((fault) => `${addon}: ${fault}`))
  }
  if (faults.length > 0) throw new Error(`nothing is packed:\n${faults.map((fault) => `- ${fault}`).join('\n')}`)

  mkdirSync(dirname(out), { recursive: true })
  const stage = mkdtempSync(join(dirname(out), 'pack-'))
  try {
    const packages = join(stage, 'packages')
    mkdirSync(packages)
    stageRoot(join(stage, manifest.name), manifest)
    const packed = wanted.map((target) => {
      const folder = join(stage, `${manifest.name}-${target.name}`)
      stagePlatform(folder, target, manifest, addonPath(target))
      return packFolder(folder, packages, out)
    })
    const facade = packFolder(join(stage, manifest.name), packages, out)
    if (facade.size > LARGEST_ROOT) throw new Error(`${facade.filename} has ${facade.size} bytes, more than ${LARGEST_ROOT}`)
    rmSync(out, { recursive: true, force: true })
    renameSync(packages, out)
    return [...packed, facade]
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }
}

/** Packs a folder into another one; answers the tarball as it will lie in `out`. */
function packFolder(folder, packages, out) {
  const [report] = JSON.parse(npmOutput(['pack', folder, '--json', '--ignore-scripts', '--pack-destination', packages]))
  const { name, version, filename, size, unpackedSize, files } = report
  return { name, version, filename, path: join(out, filename), size, unpackedSize, files: files.map(({ path }) => path).sort() }
}

function main(args) {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { release: { type: 'boolean' }, 'stand-ins': { type: 'boolean' }, out: { type: 'string' } } })
  const packed = pack({ names: positionals, release: values.release, standIns: values['stand-ins'], ...(values.out && { out: values.out }) })
  for (const { filename, size, unpackedSize, files } of packed) {
    console.log(`${filename.padEnd(44)} ${kilobytes(size)} packed ${kilobytes(unpackedSize)} unpacked, ${files.length} files: ${files.join(' ')}`)
  }
  console.log(`in ${dirname(packed[0].path)}`)
  const without = readdirSync(join(root, 'npm')).filter((name) => !packed.some((one) => one.name.endsWith(`-${name}`)))
  if (without.length > 0) console.log(`without an addon, and not packed: ${without.join(', ')}`)
}

function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`.padStart(10)
}

if (process.argv[1] === import.meta.filename) {
  try {
    main(process.argv.slice(2))
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}

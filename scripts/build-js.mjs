// Bundles js/ into index.js (the CommonJS core) and the files that it loads when what is in them is used (on-demand.mjs), writes core.js and index.mjs
// on top of them, cli.js (the program), inspector.js with its page, and dist/internal.js for tests of the codec.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

import { build } from 'esbuild'

import { buildCore } from './on-demand.mjs'
import { root } from './steps.mjs'

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  charset: 'ascii',
  // package.json says of the published package that importing it has no effects of its own; esbuild would take that for the files of js/.
  ignoreAnnotations: true,
  define: { PACKAGE_VERSION: JSON.stringify(manifest.version), PACKAGE_REPOSITORY: JSON.stringify(manifest.homepage) },
  legalComments: 'none',
  logLevel: 'warning'
}

/**
 * What index.mjs imports instead of index.js. Node.js scans imported CommonJS for the names of its exports, and follows
 * `module.exports = require(...)`: for index.js that takes longer than the rest of the start. Here it finds nothing to
 * follow.
 */
const CORE = `'use strict'\n\nconst core = require('./index.js')\nmodule.exports = core\n`

/** ESM names are listed one by one, so that classes are identical to those of the CommonJS core. */
function esmWrapper(names) {
  const lines = names.toSorted()
  return `import core from './core.js'\n\nexport default core\nexport const {\n  ${lines.join(',\n  ')}\n} = core\n`
}

/** esbuild names a class that refers to itself `_Name`, which would show in messages; the outer name works as well. */
function withPlainNames(code) {
  return [...code.matchAll(/\b(\w+)\s*=\s*class\s+(_\1)\b/g)].reduce((text, [, name, inner]) => text.replaceAll(new RegExp(`\\b${inner}\\b`, 'g'), name), code)
}

/** Names stay as they are, and lines short, for those who meet them in a stack; white space and longer forms of the same syntax go, a quarter of what an install downloads. */
const readable = { minifyWhitespace: true, minifySyntax: true, lineLimit: 160 }

mkdirSync(join(root, 'dist'), { recursive: true })
await buildCore({ ...common, ...readable }, withPlainNames)
if (existsSync(join(root, 'js', 'internal.ts'))) {
  await build({ ...common, entryPoints: ['js/internal.ts'], outfile: 'dist/internal.js' })
}
// The program loads the package beside it, when a verb needs it. It is minified, as every install downloads it and nobody imports it.
await build({ ...common, entryPoints: ['js/cli/main.ts'], outfile: 'cli.js', external: ['./index.js'], minify: true })
await buildInspector()
const names = exportedNames()
writeFileSync(join(root, 'core.js'), CORE)
writeFileSync(join(root, 'index.mjs'), esmWrapper(names))

/**
 * The inspector is loaded by `db.inspect()` only, so it is a file of its own too. The page is one text within it, so that it is there wherever a bundler
 * puts the file, and its policy names the hashes of what it has.
 */
async function buildInspector() {
  const folder = 'js/inspector/page'
  const forBrowsers = { absWorkingDir: root, minify: true, charset: 'ascii', legalComments: 'none', logLevel: 'warning', write: false, target: ['chrome110', 'firefox115', 'safari16.4'] }
  const script = await build({ ...forBrowsers, entryPoints: [`${folder}/main.tsx`], bundle: true, format: 'esm', tsconfig: join(root, folder, 'tsconfig.json') })
  const style = await build({ ...forBrowsers, entryPoints: [`${folder}/style.css`] })
  const page = [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Inspector</title><meta name="viewport" content="width=device-width"><link rel="icon" href="/icon.svg">',
    `<style>${textOf(style)}</style></head><body><div id="app"></div><noscript>The inspector needs JavaScript.</noscript>`,
    `<script type="module">${textOf(script)}</script></body></html>`
  ].join('')
  const icon = readFileSync(join(root, folder, 'icon.svg'), 'utf8').trim()
  const license = readFileSync(join(root, 'node_modules', 'preact', 'LICENSE'), 'utf8').trim()
  await build({
    ...common, entryPoints: ['js/inspector/inspector.ts'], outfile: 'inspector.js', minify: true,
    define: { INSPECTOR_PAGE: JSON.stringify(page), INSPECTOR_ICON: JSON.stringify(icon) },
    banner: { js: `/* The page contains Preact:\n${license} */` }
  })
}

function textOf({ outputFiles }) {
  return outputFiles[0].text.trim()
}

/** Loading the bundle does not load the addon, which is loaded at first use. */
function exportedNames() {
  return Object.keys(createRequire(import.meta.url)(join(root, 'index.js')))
}

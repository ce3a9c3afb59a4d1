// Writes index.d.ts, the declarations of js/index.ts in one file. `--check` compares instead and fails when it is stale.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

import { root } from './steps.mjs'

const { generateDtsBundle } = createRequire(import.meta.url)('dts-bundle-generator')

const banner = '// Generated from js/ by `npm run build:types`; change the sources, not this file.\n\n/// <reference lib="esnext.disposable" />\n/// <reference types="node" />\n\n'
const [bundle] = generateDtsBundle(
  [{ filePath: join(root, 'js', 'index.ts'), output: { noBanner: true, exportReferencedTypes: false } }],
  { preferredConfigPath: join(root, 'tsconfig.json') }
)
const fresh = banner + bundle
const path = join(root, 'index.d.ts')

if (!process.argv.includes('--check')) {
  writeFileSync(path, fresh)
} else if (!existsSync(path) || readFileSync(path, 'utf8').replaceAll('\r\n', '\n') !== fresh) {
  console.error('index.d.ts is stale: run `npm run build:types` and commit the result')
  process.exitCode = 1
}

// Makes pages of the public types with typedoc, in target/docs-api. `npm run docs:api`; a warning fails it. Types that are not exported are steps of the
// exported ones and have no pages.

import { join } from 'node:path'

import { tool } from './proofs/tools.mjs'
import { root, run } from './steps.mjs'

const modules = tool('typedoc', { typedoc: '0.28.20', typescript: '5.9.3' })
process.exitCode = run(process.execPath, [
  join(modules, 'typedoc', 'bin', 'typedoc'),
  join(root, 'index.d.ts'),
  '--tsconfig', join(root, 'scripts', 'docs-api.tsconfig.json'),
  '--out', join(root, 'target', 'docs-api'),
  '--name', 'moltendb-node',
  '--readme', join(root, 'docs', 'README.md'),
  '--validation.notExported', 'false',
  '--treatWarningsAsErrors'
])

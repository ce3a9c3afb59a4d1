// Runs the ```js blocks of README.md, each as its own module in an empty directory.

import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import test from 'ava'

import { directory } from './support/database.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

// Links the root as a package under its name, as an installed package is.
function project(path) {
  mkdirSync(join(path, 'node_modules'), { recursive: true })
  symlinkSync(root, join(path, 'node_modules', 'moltendb-node'), 'junction')
  return path
}

function blocks() {
  const text = readFileSync(join(root, 'README.md'), 'utf8')
  return [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, source]) => source)
}

for (const [number, source] of blocks().entries()) {
  test(`example ${number + 1} of README.md runs`, async (t) => {
    const path = project(directory(t))
    const { transform } = await import('esbuild')
    // Node 20 has no `await using`; compilers provide it.
    const { code } = await transform(source, { target: 'node20', format: source.includes('require(') ? 'cjs' : 'esm' })
    const file = join(path, source.includes('require(') ? 'example.cjs' : 'example.mjs')
    writeFileSync(file, code)
    const { status, stderr } = spawnSync(process.execPath, [file], { cwd: dirname(file), encoding: 'utf8', timeout: 60_000 })
    t.is(status, 0, stderr)
  })
}

test('README.md has examples', (t) => {
  t.true(blocks().length > 0)
})

// Runs the code of README.md and docs/, each program in an empty directory where the package is installed. support/pages.mjs says which
// blocks are code.

import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import test from 'ava'
import { transform } from 'esbuild'

import { directory } from './support/database.mjs'
import { asserting, blocksOf, isCommonJs, pages, programsOf, root } from './support/pages.mjs'

/** Links the root as a package under its name, as an installed package is. */
function project(path) {
  mkdirSync(join(path, 'node_modules'), { recursive: true })
  symlinkSync(root, join(path, 'node_modules', 'moltendb-node'), 'junction')
  return path
}

function run(program, ...args) {
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: program, encoding: 'utf8', timeout: 60_000 })
  return { status, stderr }
}

const programs = pages.flatMap(programsOf)

for (const program of programs) {
  test(`${program.name}: runs`, async (t) => {
    const path = project(directory(t))
    const commonJs = isCommonJs(program)
    // Node 20 has no `await using`; compilers provide it.
    const { code } = await transform(asserting(program), {
      loader: program.language,
      target: 'node20',
      format: commonJs ? 'cjs' : 'esm'
    })
    const file = join(path, commonJs ? 'program.cjs' : 'program.mjs')
    writeFileSync(file, code)
    const { status, stderr } = run(path, file)
    t.is(status, 0, stderr)
  })
}

test('TypeScript of all pages compiles', (t) => {
  const path = project(directory(t))
  const typed = programs.filter(({ language }) => language === 'ts')
  for (const [number, { source }] of typed.entries()) writeFileSync(join(path, `program-${number}.mts`), `${source}\nexport {}\n`)
  const compilerOptions = {
    target: 'ES2022',
    lib: ['ES2023', 'ESNext.Disposable'],
    module: 'NodeNext',
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')]
  }
  writeFileSync(join(path, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', path], { encoding: 'utf8' })
  t.is(status, 0, `${typed.map(({ name }, number) => `program-${number}: ${name}`).join('\n')}\n${stdout}`)
})

test('blocks that are not run are parsed', async (t) => {
  for (const page of pages) {
    for (const { language, line, mark, source } of blocksOf(page)) {
      if (mark === undefined) continue
      t.is(mark, 'parse', `line ${line} of ${page} has an unknown mark`)
      await t.notThrowsAsync(transform(source, { loader: language === 'ts' ? 'tsx' : 'jsx' }), `line ${line} of ${page}`)
    }
  }
})

test('README.md has an example of ES modules, of CommonJS and of TypeScript', (t) => {
  const examples = programsOf('README.md')
  t.true(examples.some((program) => program.language === 'js' && !isCommonJs(program)))
  t.true(examples.some(isCommonJs))
  t.true(examples.some(({ language }) => language === 'ts'))
})

test('an output that differs from its comment fails', async (t) => {
  const path = project(directory(t))
  writeFileSync(join(path, 'wrong.mjs'), asserting({ language: 'js', source: "console.log([1, 2]) // [1, 3]\n" }))
  t.not(run(path, join(path, 'wrong.mjs')).status, 0)
})

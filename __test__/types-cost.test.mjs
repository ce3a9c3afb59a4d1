// What the declarations cost the compiler, counted in instantiations of types, which are the same on every machine.

import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

import test from 'ava'

const ts = createRequire(import.meta.url)('typescript')

const KINDS = [
  'string', 'number', 'boolean', 'Date', 'string[]', '{ a: string; b: number; c: { x: number; y: string; z: { q: number } }[] }', "'x' | 'y'", 'number[]',
  '{ p: string; q: { r: number; s: string[] } }', 'string | null'
]

/** Ten interfaces of sixty fields, and four operations with each. */
function program() {
  const lines = ["import type { Database } from './index.js'", 'declare const db: Database']
  for (let c = 0; c < 10; c++) {
    const kindOf = (i) => (c % 2 ? i : i + c) % KINDS.length
    const field = (kind) => `f${Array.from({ length: 60 }, (_, i) => i).find((i) => kindOf(i) === kind)}`
    const fields = Array.from({ length: 60 }, (_, i) => `f${i}${i % 7 === 3 ? '?' : ''}: ${KINDS[kindOf(i)]}`)
    lines.push(
      `interface T${c} { _id: string; ${fields.join('; ')} }`,
      `const c${c} = db.collection<T${c}>('c${c}')`,
      `void c${c}.find({ ${field(0)}: 'x', ${field(1)}: { $gt: 1 }, '${field(5)}.c.x': 5 })`,
      `void c${c}.findOne({ '${field(8)}.q.r': { $in: [1, 2] }, $or: [{ ${field(4)}: 'x' }] })`,
      `void c${c}.updateOne({ _id: 'x' }, { $set: { ${field(0)}: 'x', '${field(5)}.a': 'y' }, $inc: { ${field(1)}: 1 }, $push: { ${field(4)}: 'x' } })`,
      `void c${c}.insertOne({} as T${c})`
    )
  }
  return [...lines, 'export {}'].join('\n')
}

test('forty operations on ten wide interfaces cost at most twice what they cost with the driver', (t) => {
  const file = fileURLToPath(new URL('../cost-of-types.ts', import.meta.url))
  const options = {
    target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, strict: true,
    noUncheckedIndexedAccess: true, skipLibCheck: true, noEmit: true, types: ['node'], lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts']
  }
  const host = ts.createCompilerHost(options)
  const { readFile, fileExists, getSourceFile } = host
  host.fileExists = (name) => name === file || fileExists(name)
  host.readFile = (name) => (name === file ? program() : readFile(name))
  host.getSourceFile = (name, ...rest) => (name === file ? ts.createSourceFile(name, program(), ...rest) : getSourceFile.call(host, name, ...rest))
  const compiled = ts.createProgram([file], options, host)
  t.deepEqual(ts.getPreEmitDiagnostics(compiled).map((found) => ts.flattenDiagnosticMessageText(found.messageText, '\n')), [])
  // mongodb 7 takes 53,528 of TypeScript 5.9.
  t.true(compiled.getInstantiationCount() <= 2 * 53_528, `${compiled.getInstantiationCount()} instantiations`)
})

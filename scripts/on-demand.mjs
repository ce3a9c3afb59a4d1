// Splits js/ into index.js and files that it loads when a function of theirs is called first. A start compiles every line of what is loaded, and
// most programs never use most of it.
//
// The sources know nothing of this: they import each other as ever. In index.js a module that is listed here is replaced by functions of its
// names, which load the file and call the function there; so only functions can be imported from it, and a class cannot. What the file needs
// of index.js it is given when it is loaded, so that there is one copy of everything.

import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runInNewContext } from 'node:vm'

import { build } from 'esbuild'

import { root } from './steps.mjs'

/** The files, and the modules of js/ that are in each; a module that only they import goes with them. */
const MODULES = {
  often: [
    'arguments/encryption-key', 'arguments/index-spec', 'arguments/opening/open-settings', 'arguments/option-reasons', 'connection/large-batches', 'cursor/list-cursor', 'request/bulk',
    'request/collections'
  ],
  // The classes that are exported, and no more: an import of the package has all of its names, so it loads them.
  classes: ['cursor/aggregation-cursor', 'cursor/change-stream', 'cursor/live-query', 'request/bulk-result'],
  transactions: ['api/transaction', 'connection/session', 'connection/sync-transaction'],
  seldom: [
    'api/inspection/start', 'api/json-lines', 'api/state/snapshot', 'arguments/moment', 'connection/diagnostics/telling',
    'connection/directories/directories', 'cursor/consumer', 'cursor/versions', 'request/changes', 'request/commands', 'request/explain'
  ],
  importers: ['importers/import-file', 'importers/mongodump/write', 'molten/molten']
}

/** Modules that are tables: what they export is data, and is written out as it is. */
const TABLES = ['arguments/option-table']

/** What index.js loads on demand, beside the inspector. */
export const ON_DEMAND = Object.keys(MODULES).map((name) => `${name}.js`)

const ENTRY = 'index'
const fileOf = new Map(Object.entries(MODULES).flatMap(([file, modules]) => modules.map((module) => [module, file])))

/** The imports and re-exports of a module by name, apart from those of types. */
const IMPORTS = /^(?:import|export) \{([^}]*)\} from '(\.[^']+)'/gm
const FUNCTIONS = /^export (?:async )?function\*? (\w+)/gm
/** What can be given to a file: values that stay as they are. */
const VALUES = /^export (?:abstract |async )*(?:function\*?|class|const) (\w+)/gm

const sourceOf = (module) => readFileSync(join(root, 'js', `${module}.ts`), 'utf8')
const matches = (text, pattern) => [...text.matchAll(pattern)].map(([, name]) => name)
const resolved = (module, path) => join(dirname(module), path).replaceAll('\\', '/').replace(/\.js$/, '')

/** The modules that the bundle of a file holds, and the names that these take of modules for which `isOutside` holds. */
function walk(entries, isOutside) {
  const inside = new Set()
  const taken = new Map()
  const visit = (module) => {
    if (inside.has(module)) return
    inside.add(module)
    for (const [, names, path] of sourceOf(module).matchAll(IMPORTS)) {
      const from = resolved(module, path)
      const values = matches(sourceOf(from), VALUES)
      const wanted = names.split(',').map((name) => name.trim().split(' as ')[0]).filter((name) => values.includes(name))
      if (wanted.length === 0) continue
      if (!isOutside(from)) visit(from)
      else taken.set(from, new Set([...(taken.get(from) ?? []), ...wanted]))
    }
  }
  entries.forEach(visit)
  return { inside, taken }
}

/** A module as the other files see it: functions of its names that load it. */
function standIn(module) {
  const file = fileOf.get(module)
  return [`import { ${file} } from 'on-demand:${file}'`, ...matches(sourceOf(module), FUNCTIONS).map((name) => `export function ${name}(...given) { return ${file}().${name}(...given) }`)].join('\n')
}

/** Loads a file once for each copy of index.js. */
function loading(file) {
  return `import { shared } from 'on-demand:shared'\nexport const ${file} = () => shared().${file} ??= require('./${file}.js')(shared())`
}

/** index.ts without the classes that are on demand, which are loaded when they are asked for. */
function entryWithout() {
  const found = []
  const text = sourceOf(ENTRY).replace(IMPORTS, (line, names, path) => {
    const file = fileOf.get(resolved(ENTRY, path))
    if (file === undefined) return line
    found.push(...names.split(',').map((name) => [name.trim(), file]))
    return ''
  })
  const getters = found.map(([name, file]) => `Object.defineProperty(module.exports, '${name}', { enumerable: true, get: () => ${file}().${name} })`)
  const loads = [...new Set(found.map(([, file]) => `import { ${file} } from 'on-demand:${file}'`))]
  return { text: [text, ...loads, ...getters].join('\n'), names: found.map(([name]) => name) }
}

/** A module of data that is made already. */
async function madeTable(module, options) {
  const { outputFiles } = await build({ ...options, entryPoints: [`js/${module}.ts`] })
  const made = { exports: {} }
  runInNewContext(outputFiles[0].text, { module: made })
  return Object.entries(made.exports).map(([name, data]) => `export const ${name} = ${JSON.stringify(data, refuseCode)}`).join('\n')
}

function refuseCode(key, value) {
  if (['function', 'symbol', 'undefined'].includes(typeof value)) throw new Error(`${key} is a ${typeof value}: a module of TABLES in scripts/on-demand.mjs exports data only`)
  return value
}

/** Builds index.js and the files that it loads on demand. */
export async function buildCore(given, finished) {
  const options = { ...given, write: false, external: ['./inspector.js', ...ON_DEMAND.map((file) => `./${file}`)], logOverride: { 'commonjs-variable-in-esm': 'silent' } }
  const core = walk([ENTRY], (module) => fileOf.has(module)).inside
  const parts = Object.entries(MODULES).map(([file, modules]) => ({ file, modules, ...walk(modules, (module) => core.has(module) || (fileOf.has(module) && fileOf.get(module) !== file)) }))
  checkApart(parts)
  const shared = new Map()
  for (const { taken } of parts) {
    for (const [module, names] of taken) if (core.has(module)) shared.set(module, new Set([...(shared.get(module) ?? []), ...names]))
  }
  const own = entryWithout()
  const instead = new Map([[ENTRY, own.text]])
  for (const module of TABLES) instead.set(module, await madeTable(module, options))
  const index = await build({ ...options, entryPoints: ['js/index.ts'], plugins: [splitting(ENTRY, sharing(shared), { instead })] })
  // The names that Node.js finds in a CommonJS file that is imported.
  const [{ text }] = index.outputFiles
  writeFileSync(join(root, 'index.js'), finished(text.replace(/\b0\s*&&\s*\(module\.exports\s*=\s*\{/, (start) => `${start}${own.names.join(',')},`)))
  for (const { file, modules, taken } of parts) {
    const contents = modules.map((module) => `export * from './js/${module}.js'`).join('\n')
    const { outputFiles } = await build({
      ...options, stdin: { contents, resolveDir: root, sourcefile: `${file}.ts` }, plugins: [splitting(file, 'export const shared = () => given', { taken, core })],
      banner: { js: '"use strict"\nmodule.exports = (given) => { const module = { exports: {} }' }, footer: { js: 'return module.exports }' }
    })
    writeFileSync(join(root, `${file}.js`), finished(outputFiles[0].text))
  }
}

/** What index.js gives to the files. */
function sharing(shared) {
  const imports = [...shared].map(([module, names]) => `import { ${[...names].join(', ')} } from './js/${module}.js'`)
  const names = [...shared.values()].flatMap((some) => [...some])
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new Error(`two modules export ${twice}, and both are used by what is loaded on demand: rename one of them`)
  return [...imports, 'let values', `export const shared = () => (values ??= { ${names.join(', ')} })`].join('\n')
}

/** Refuses a module that would be in two files. */
function checkApart(parts) {
  const seen = new Map()
  for (const { file, inside } of parts) {
    for (const module of inside) {
      if (seen.has(module)) throw new Error(`js/${module}.ts would be in ${seen.get(module)}.js and ${file}.js: name it in one of them in scripts/on-demand.mjs`)
      seen.set(module, file)
    }
  }
}

/** Has the bundle of a file take from elsewhere what is not in it. */
function splitting(file, shared, { instead = new Map(), taken = new Map(), core = new Set() }) {
  return {
    name: 'splitting',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^on-demand:/ }, ({ path }) => ({ path: path.slice('on-demand:'.length), namespace: 'loading' }))
      onResolve({ filter: /^\./ }, ({ path, resolveDir, kind }) => {
        if (kind !== 'import-statement') return undefined
        const module = join(resolveDir, path).slice(join(root, 'js').length + 1).replaceAll('\\', '/').replace(/\.js$/, '')
        if (fileOf.has(module) && fileOf.get(module) !== file) return { path: module, namespace: 'stand-in' }
        if (taken.has(module)) return { path: module, namespace: 'given' }
        if (core.has(module)) throw new Error(`${file}.js would have a copy of js/${module}.ts, which is in index.js: import its functions, classes and constants by their names`)
        return undefined
      })
      onLoad({ filter: /.*/, namespace: 'loading' }, ({ path }) => ({ contents: path === 'shared' ? shared : loading(path), resolveDir: root }))
      onLoad({ filter: /.*/, namespace: 'stand-in' }, ({ path }) => ({ contents: standIn(path) }))
      onLoad({ filter: /.*/, namespace: 'given' }, ({ path }) => ({ contents: `export const { ${[...taken.get(path)].join(', ')} } = given` }))
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = instead.get(path.slice(join(root, 'js').length + 1, -'.ts'.length).replaceAll('\\', '/'))
        return contents === undefined ? undefined : { contents, loader: 'ts', resolveDir: dirname(path) }
      })
    }
  }
}

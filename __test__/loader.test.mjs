// What a program is told when no addon can be loaded. Each case is a process of its own over a copy of the package, laid out as an install, a
// deployment or a bundle would be.

import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import test from 'ava'

import { hostTarget, targets } from '../scripts/package/targets.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = createRequire(import.meta.url)('../package.json')
const here = hostTarget().name
const addon = `moltendb-node.${here}.node`
/** The addon under test: that of the checkout, or of `npm run test:target`. */
const built = process.env.MOLTENDB_NATIVE_PATH ?? join(root, addon)
const other = here.startsWith('darwin') ? 'linux-x64-gnu' : 'darwin-arm64'

/** A folder that goes away with the test. */
function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'moltendb-loader-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Writes an installed package of a platform that holds this file, or these bytes. */
function installPlatform(project, target, content) {
  const path = join(project, 'node_modules', `moltendb-node-${target}`)
  const name = `moltendb-node.${target}.node`
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name: `moltendb-node-${target}`, main: name }))
  if (content instanceof Uint8Array) writeFileSync(join(path, name), content)
  else copyFileSync(content, join(path, name))
}

/** An install of the package without any platform; `edit` changes its script. */
function install(t, edit = (script) => script) {
  const project = folder(t)
  const path = join(project, 'node_modules', 'moltendb-node')
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name: 'moltendb-node', main: 'index.js' }))
  writeFileSync(join(path, 'index.js'), edit(readFileSync(join(root, 'index.js'), 'utf8')))
  return project
}

/** Opens a database from a project; answers what it inserted, or the error. `before` runs first. */
function open(project, { before = '', env = {}, flags = [], from = 'moltendb-node' } = {}) {
  const source = `
    ${before}
    const { Database } = require(${JSON.stringify(from)})
    Database.open(':memory:')
      .then(async (db) => ({ inserted: (await db.collection('c').insertOne({ _id: 1 })).insertedId }))
      .catch(({ name, kind, message, cause }) => ({ name, kind, message, cause: cause && { code: cause.code, message: cause.message } }))
      .then((answer) => console.log(JSON.stringify(answer)))`
  writeFileSync(join(project, 'run.cjs'), source)
  const clean = { ...process.env, ...env }
  if (!('MOLTENDB_NATIVE_PATH' in env)) delete clean.MOLTENDB_NATIVE_PATH
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, join(project, 'run.cjs')], { cwd: project, encoding: 'utf8', env: clean })
  if (stdout === '') return { threw: stderr }
  return JSON.parse(stdout)
}

test('a runtime whose util.types lacks a function, as Deno does, stores instances of classes', (t) => {
  const project = install(t)
  installPlatform(project, here, built)
  const before = `
    require('util').types.isExternal = undefined
    const own = new (require('moltendb-node').ObjectId)('65a0c0ffee65a0c0ffee65a0')
    const { Database: { prototype } } = require('moltendb-node')
    const { collection } = prototype
    prototype.collection = function (name) {
      const found = collection.call(this, name)
      return { insertOne: async () => ({ insertedId: String((await found.insertOne({ _id: own })).insertedId) }) }
    }`
  t.deepEqual(open(project, { before }), { inserted: '65a0c0ffee65a0c0ffee65a0' })
})

test('the package of the platform is loaded', (t) => {
  const project = install(t)
  installPlatform(project, here, built)
  t.deepEqual(open(project), { inserted: 1 })
})

test('where nothing was installed, it says for which platform, what it looked for, and that optional dependencies were left out', (t) => {
  const { name, kind, message, cause } = open(install(t))
  t.deepEqual([name, kind], ['MoltenError', 'NOT_SUPPORTED'])
  t.true(message.startsWith(`moltendb-node ${manifest.version} found no addon that it can load for ${here} (${process.platform}, ${process.arch}`))
  t.true(message.includes(`It looked for moltendb-node-${here} (Cannot find module 'moltendb-node-${here}')`))
  t.regex(message, /Node\.js v\d+/)
  t.regex(message, /--omit=optional or --no-optional/)
  t.regex(message, /Delete node_modules and package-lock\.json, then npm install/)
  t.true(message.includes(`${manifest.homepage}/blob/main/docs/packaging.md#when-no-addon-is-found`))
  t.is(cause.code, 'MODULE_NOT_FOUND')
})

test('the section that messages point to is there', (t) => {
  t.regex(readFileSync(join(root, 'docs/packaging.md'), 'utf8'), /^## When no addon is found$/m)
})

test('a package of another platform is named: the install came from elsewhere', (t) => {
  const project = install(t)
  installPlatform(project, other, Buffer.from('of another platform'))
  const { message } = open(project)
  t.true(message.includes(`Installed is moltendb-node-${other}`), message)
  t.regex(message, /Install on the platform that runs it/)
})

test('an addon that the system refuses is the cause, in the words of the system', (t) => {
  const project = install(t)
  installPlatform(project, here, Buffer.from('no addon'.repeat(100)))
  const { kind, message, cause } = open(project)
  t.is(kind, 'NOT_SUPPORTED')
  t.is(cause.code, 'ERR_DLOPEN_FAILED')
  t.true(message.includes(cause.message.split('\n')[0]))
  t.regex(message, /delete node_modules, then npm install/i)
})

for (const [said, advice] of [
  ["/lib64/libc.so.6: version `GLIBC_2.17' not found", /older than the addon was built for; packages from the registry need glibc 2\.17/],
  ['Error loading shared library ld-musl-x86_64.so.1: No such file', /Alpine Linux has musl/],
  ['wrong ELF class: ELFCLASS32', /another system or processor/],
  ['%1 is not a valid Win32 application.', /another system or processor/],
  ['mach-o file, but is an incompatible architecture', /another system or processor/]
]) {
  test(`advice for: ${said}`, (t) => {
    const project = install(t)
    installPlatform(project, here, Buffer.from(''))
    const before = `require('module')._extensions['.node'] = () => { throw Object.assign(new Error(${JSON.stringify(said)}), { code: 'ERR_DLOPEN_FAILED' }) }`
    t.regex(open(project, { before }).message, advice)
  })
}

test('a platform without a package is told which have one, and how to make one', (t) => {
  const { message } = open(install(t), { before: "Object.defineProperty(process, 'platform', { value: 'freebsd' })" })
  for (const { name } of targets) t.true(message.includes(name), name)
  t.regex(message, /set MOLTENDB_NATIVE_PATH/)
})

test('in a bundle it says that the addon was left behind', (t) => {
  const project = folder(t)
  copyFileSync(join(root, 'index.js'), join(project, 'bundle.js'))
  t.regex(open(project, { from: './bundle.js' }).message, /was bundled, and the addon was left behind.*external.*beside the bundle/)
})

test('an addon beside the bundle is loaded', (t) => {
  const project = folder(t)
  copyFileSync(join(root, 'index.js'), join(project, 'bundle.js'))
  copyFileSync(built, join(project, addon))
  t.deepEqual(open(project, { from: './bundle.js' }), { inserted: 1 })
})

/** The package as rollup makes an ES module of it: there is no `require`, no `__dirname`, and Node.js's own modules are imported. */
function moduleBundle() {
  const script = readFileSync(join(root, 'index.js'), 'utf8').replaceAll('require("node:', 'builtin("node:')
  return `import { createRequire as creates } from 'node:module'
    const builtin = creates(import.meta.url)
    const module = { exports: {} }
    ${script}
    module.exports.Database.open(':memory:')
      .then(async (db) => ({ inserted: (await db.collection('c').insertOne({ _id: 1 })).insertedId }), ({ message }) => ({ message }))
      .then((answer) => console.log(JSON.stringify(answer)))`
}

test('a bundle that is an ES module finds the addon beside it, or in node_modules, or says that it was left behind', (t) => {
  const project = folder(t)
  writeFileSync(join(project, 'bundle.mjs'), moduleBundle())
  const run = () => JSON.parse(spawnSync(process.execPath, [join(project, 'bundle.mjs')], { encoding: 'utf8' }).stdout)
  t.regex(run().message, /was bundled, and the addon was left behind/)
  copyFileSync(join(root, addon), join(project, addon))
  t.deepEqual(run(), { inserted: 1 })
  rmSync(join(project, addon))
  installPlatform(project, here, join(root, addon))
  t.deepEqual(run(), { inserted: 1 })
})

test('MOLTENDB_NATIVE_PATH names an addon of one\'s own, also when the program sets it', (t) => {
  const project = install(t)
  const path = built
  t.deepEqual(open(project, { env: { MOLTENDB_NATIVE_PATH: path } }), { inserted: 1 })
  t.deepEqual(open(project, { before: `process.env.MOLTENDB_NATIVE_PATH = ${JSON.stringify(path)}` }), { inserted: 1 })
})

test('what MOLTENDB_NATIVE_PATH names is all that is tried', (t) => {
  const project = install(t)
  installPlatform(project, here, built)
  const { message } = open(project, { env: { MOLTENDB_NATIVE_PATH: 'nowhere.node' } })
  t.regex(message, /It looked for MOLTENDB_NATIVE_PATH=nowhere\.node \(/)
  t.regex(message, /Set MOLTENDB_NATIVE_PATH to an addon/)
})

test('JavaScript and addon of different versions are refused, both named', (t) => {
  const project = install(t, (script) => script.replace(`VERSION="${manifest.version}"`, 'VERSION="9.8.7"'))
  installPlatform(project, here, built)
  const { kind, message } = open(project)
  t.is(kind, 'NOT_SUPPORTED')
  t.true(message.includes('The JavaScript is that of moltendb-node 9.8.7'), message)
  t.true(message.includes(`is that of moltendb-node ${manifest.version}`), message)
  t.regex(message, /delete node_modules and install again/)
})

test('an addon that says no version is refused as well', (t) => {
  const project = install(t)
  installPlatform(project, here, Buffer.from(''))
  const before = "require('module')._extensions['.node'] = (module) => { module.exports = {} }"
  t.regex(open(project, { before }).message, /is that of an older moltendb-node/)
})

test('a Node.js that is too old is refused when the package is loaded, not at the first method that it lacks', (t) => {
  const before = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.4' } })"
  t.regex(open(install(t), { before }).threw, /moltendb-node needs Node\.js 20\.19 or later; this is 18\.20\.4/)
})

test('the permission model says which flag it takes', (t) => {
  const permission = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission'
  const project = install(t)
  installPlatform(project, here, built)
  const { message, cause } = open(project, { flags: [permission, '--allow-fs-read=*'] })
  t.is(cause.code, 'ERR_DLOPEN_DISABLED')
  t.regex(message, /add --allow-addons$|add --allow-addons\. /)
  const allowed = [permission, '--allow-fs-read=*', '--allow-addons']
  if (process.allowedNodeEnvironmentFlags.has('--allow-addons')) t.deepEqual(open(project, { flags: allowed }), { inserted: 1 })
})

if (process.platform === 'linux') {
  for (const [maps, libc] of [
    ['7f1-7f2 r-xp 00000000 08:01 1 /lib/ld-musl-x86_64.so.1\n', 'musl'],
    ['7f1-7f2 r-xp 00000000 08:01 1 /usr/lib/libc.so\n', 'musl'],
    ['7f1-7f2 r-xp 00000000 08:01 1 /usr/lib/x86_64-linux-gnu/libc.so.6\n7f1 /opt/ld-musl-tools/libc.so.6\n', 'gnu']
  ]) {
    test(`a process that has ${maps.split('/').at(-1).trim()} in its address space takes the addon for ${libc}`, (t) => {
      const before = `
        const fs = require('fs')
        fs.existsSync = (path) => path.startsWith('/lib/ld-musl-')
        const { readFileSync } = fs
        fs.readFileSync = (path, ...rest) => (path === '/proc/self/maps' ? ${JSON.stringify(maps)} : readFileSync(path, ...rest))`
      t.true(open(install(t), { before }).message.includes(`moltendb-node-linux-${process.arch}-${libc} (`))
    })
  }

  if (here.endsWith('-gnu')) {
    test('a program that names the loader of glibc does not have its address space listed, where there is none of musl', (t) => {
      const before = `
        const fs = require('fs')
        const { readFileSync } = fs
        fs.readFileSync = (path, ...rest) => (path === '/proc/self/maps' ? '7f1-7f2 r-xp 00000000 08:01 1 /lib/ld-musl-x86_64.so.1\\n' : readFileSync(path, ...rest))`
      t.true(open(install(t), { before }).message.includes(`moltendb-node-${here} (`))
    })
  }

  test('without /proc the report of Node.js tells the C library', (t) => {
    const before = `
      const fs = require('fs')
      fs.openSync = () => { throw new Error('no') }
      const { readFileSync } = fs
      fs.readFileSync = (path, ...rest) => { if (path === '/proc/self/maps') throw new Error('no'); return readFileSync(path, ...rest) }`
    t.true(open(install(t), { before }).message.includes(`for ${here} (`))
  })
}

test('bundlers find each package by its literal name, within a try', (t) => {
  const script = readFileSync(join(root, 'index.js'), 'utf8')
  const named = [...script.matchAll(/require\("moltendb-node-([\w-]+)"\)/g)].map(([, name]) => name)
  t.deepEqual(named.sort(), targets.map(({ name }) => name).sort())
  t.deepEqual([...script.matchAll(/\brequire\((?!")/g)].map(([text]) => text), [])
})

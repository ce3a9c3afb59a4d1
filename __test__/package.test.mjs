// What would be published: one version everywhere, the files of each tarball, and what keeps a wrong one from being made.

import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import test from 'ava'

import { compare, faultsOf, readAddon } from '../scripts/package/addon-file.mjs'
import { withAbsoluteLinks } from '../scripts/package/links.mjs'
import { publishedManifest, readManifest } from '../scripts/package/manifests.mjs'
import { notesOf } from '../scripts/package/notes.mjs'
import { pack } from '../scripts/package/pack.mjs'
import { publishAll } from '../scripts/package/publish.mjs'
import { targets, targetsNamed } from '../scripts/package/targets.mjs'
import { disagreements, releaseFaults, versionsInFiles } from '../scripts/package/versions.mjs'
import { stalePlatformFiles } from '../scripts/package/write-platforms.mjs'
import { builtScripts, npmOutput } from '../scripts/steps.mjs'
import { ADDON, planFor } from '../scripts/targets/build.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = readManifest()
const host = targets.find(({ name }) => existsSync(join(root, `moltendb-node.${name}.node`)))

function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'moltendb-package-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** The text of a file of a tarball, which is named without its folder: some programs take the drive of Windows for a host. */
function packedFile(tarball, name) {
  return execFileSync('tar', ['-xOzf', basename(tarball), `package/${name}`], { cwd: dirname(tarball), encoding: 'utf8' })
}

/** A clone that was not built: what the scripts of packing read. */
function clone(t) {
  const path = folder(t)
  const files = ['package.json', 'package-lock.json', 'Cargo.toml', 'Cargo.lock', 'README.md', 'CHANGELOG.md', 'SECURITY.md', 'LICENSE', 'index.d.ts', 'index.d.mts']
  for (const file of files) copyFileSync(join(root, file), join(path, file))
  mkdirSync(join(path, 'fuzz'))
  copyFileSync(join(root, 'fuzz', 'Cargo.lock'), join(path, 'fuzz', 'Cargo.lock'))
  for (const name of ['npm', 'scripts']) cpSync(join(root, name), join(path, name), { recursive: true })
  return path
}

function script(at, name, ...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(at, 'scripts/package', name), ...args], { encoding: 'utf8', env: { ...process.env, GITHUB_REPOSITORY: '' } })
  return { status, stdout, stderr }
}

test('every file that says the version says the same', (t) => {
  t.deepEqual(disagreements(), [])
  t.is(versionsInFiles().length, 6 + targets.length + 1)
})

test('one command changes the version everywhere', (t) => {
  const at = clone(t)
  t.is(script(at, 'versions.mjs', '4.5.6-beta.1').status, 0)
  const { status, stderr } = script(at, 'versions.mjs', '--check')
  t.is(status, 0, stderr)
  t.is(readManifest(at).version, '4.5.6-beta.1')
  const lock = JSON.parse(readFileSync(join(at, 'package-lock.json'), 'utf8'))
  t.deepEqual([lock.version, lock.packages[''].version], ['4.5.6-beta.1', '4.5.6-beta.1'])
  t.regex(readFileSync(join(at, 'Cargo.toml'), 'utf8'), /^version = "4\.5\.6-beta\.1"$/m)
  t.regex(readFileSync(join(at, 'CHANGELOG.md'), 'utf8'), /^## 4\.5\.6-beta\.1, not released$/m)
  t.is(script(at, 'write-platforms.mjs', '--check').status, 0)
})

test('a version that is none changes nothing', (t) => {
  const at = clone(t)
  for (const wrong of [undefined, 'next', '1.2', 'v1.2.3', '1.2.3+build']) t.is(script(at, 'versions.mjs', ...(wrong ? [wrong] : [])).status, 2)
  t.is(readManifest(at).version, manifest.version)
})

test('a version that was left behind is found', (t) => {
  const at = clone(t)
  const path = join(at, 'npm/darwin-x64/package.json')
  writeFileSync(path, readFileSync(path, 'utf8').replace(`"${manifest.version}"`, '"0.0.9"'))
  const { status, stderr } = script(at, 'versions.mjs', '--check')
  t.is(status, 1)
  t.regex(stderr, /npm\/darwin-x64\/package\.json says 0\.0\.9/)
})

test('npm/ holds what the table of targets says', (t) => {
  t.deepEqual(stalePlatformFiles(), [])
  t.deepEqual(readdirSync(join(root, 'npm')).sort(), targets.map(({ name }) => name).sort())
})

test('the published manifest names every platform with its exact version, and nothing of the checkout', (t) => {
  const published = publishedManifest(manifest)
  t.deepEqual(published.optionalDependencies, Object.fromEntries(targets.map(({ name }) => [`moltendb-node-${name}`, manifest.version])))
  for (const key of ['private', 'scripts', 'devDependencies', 'overrides', 'ava', 'dependencies']) t.false(key in published, key)
  for (const key of ['license', 'repository', 'homepage', 'bugs', 'exports', 'engines']) t.truthy(published[key], key)
  t.is(published.sideEffects, false)
  t.false('optionalDependencies' in manifest, 'a lock file cannot hold what no registry has')
})

test('the tarballs hold these files and no others', (t) => {
  const at = folder(t)
  const packed = pack({ names: [host.name], out: join(at, 'out') })
  t.deepEqual(packed.map(({ name, files }) => [name, files]), [
    [`moltendb-node-${host.name}`, ['LICENSE', 'README.md', `moltendb-node.${host.name}.node`, 'package.json']],
    ['moltendb-node', [
      'CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'classes.js', 'cli.js', 'core.js', 'importers.js', 'index.d.mts', 'index.d.ts', 'index.js', 'index.mjs', 'inspector.js', 'often.js',
      'package.json', 'seldom.js', 'transactions.js'
    ]]
  ])
  for (const { path } of packed) t.true(existsSync(path))
  const [ofPlatform, ofRoot] = packed.map(({ path }) => path)
  const readme = packedFile(ofRoot, 'README.md')
  t.deepEqual([...readme.matchAll(/\]\(([^)]*)\)/g)].map(([, link]) => link).filter((link) => !/^(https:|#)/.test(link)), [])
  t.true(readme.includes(`${manifest.homepage}/blob/v${manifest.version}/docs/api.md`))
  const platform = JSON.parse(packedFile(ofPlatform, 'package.json'))
  t.false('private' in platform || 'scripts' in platform)
  t.deepEqual(JSON.parse(packedFile(ofRoot, 'package.json')).bin, { 'moltendb-node': 'cli.js' })
  t.deepEqual([platform.os, platform.cpu, platform.libc], [[host.os], [host.cpu], host.libc && [host.libc]])
  for (const key of ['license', 'repository', 'homepage', 'preferUnplugged', 'type']) t.truthy(platform[key], key)
})

test('packings at the same time do not disturb each other, and leave nothing but the tarballs', async (t) => {
  const at = folder(t)
  const runs = ['a', 'b', 'c'].map((name) => promisify(execFile)(process.execPath, [join(root, 'scripts/package/pack.mjs'), host.name, '--out', join(at, name)]))
  await Promise.all(runs)
  t.deepEqual(readdirSync(at).sort(), ['a', 'b', 'c'])
  for (const name of ['a', 'b', 'c']) t.is(readdirSync(join(at, name)).length, 2)
})

test('a clone that was not built packs nothing, and says what is missing', (t) => {
  const at = clone(t)
  const { status, stderr } = script(at, 'pack.mjs', host.name)
  t.is(status, 1)
  for (const file of builtScripts) t.true(stderr.includes(`${file} is missing: npm run build`), stderr)
  t.true(stderr.includes(`moltendb-node.${host.name}.node is missing: npm run build:targets ${host.name}`), stderr)
  t.false(existsSync(join(at, 'target')))
})

test('JavaScript or an addon of another version is not packed', (t) => {
  const at = clone(t)
  for (const file of builtScripts) copyFileSync(join(root, file), join(at, file))
  copyFileSync(join(root, `moltendb-node.${host.name}.node`), join(at, `moltendb-node.${host.name}.node`))
  t.is(script(at, 'versions.mjs', '7.0.0').status, 0)
  const { status, stderr } = script(at, 'pack.mjs')
  t.is(status, 1)
  t.true(stderr.includes(`index.js is of version ${manifest.version}, package.json 7.0.0: npm run build`), stderr)
  t.true(stderr.includes(`it is of version ${manifest.version}, not 7.0.0: build it again`), stderr)
})

test('npm itself packs and publishes nothing from the checkout', (t) => {
  for (const at of [root, join(root, 'npm', host.name)]) {
    const error = t.throws(() => npmOutput(['pack', '--dry-run'], { cwd: at, stdio: 'pipe' }))
    t.regex(error.stderr, /packages are made by `npm run pack`/)
    t.true(readManifest(at).private)
  }
})

test('an addon is checked against its target', (t) => {
  const addon = readAddon(join(root, `moltendb-node.${host.name}.node`))
  t.deepEqual([addon.os, addon.cpu, addon.libc, addon.version], [host.os, host.cpu, host.libc, manifest.version])
  t.deepEqual(faultsOf(addon, host, manifest.version), [])
  const wrong = targets.find(({ os, cpu }) => os !== host.os && cpu !== host.cpu)
  t.is(faultsOf(addon, wrong, manifest.version).length, host.libc ? 3 : 2)
  t.is(faultsOf({ ...addon, size: 10_000_000, glibc: '2.34' }, host, manifest.version, { release: true }).length, 2)
  t.true(compare('2.9', '2.17') < 0)
  t.is(compare('2.17', '2.17'), 0)
  t.true(compare('2.17.1', '2.17') > 0)
})

test('a file of text is no addon', (t) => {
  const path = join(folder(t), 'x.node')
  writeFileSync(path, 'nothing of the kind '.repeat(10))
  t.true(faultsOf(readAddon(path), host, manifest.version).length >= 3)
})

test('targets have names and triples, others are refused by name', (t) => {
  t.deepEqual(targetsNamed(['linux-x64-gnu', 'aarch64-apple-darwin']).map(({ name }) => name), ['linux-x64-gnu', 'darwin-arm64'])
  t.throws(() => targetsNamed(['linux-x86']), { message: /there is no target linux-x86; there are darwin-arm64/ })
})

test('relative links become absolute at the tag of the version, others stay', (t) => {
  const at = { homepage: 'https://host/repo', version: '1.2.3' }
  t.is(withAbsoluteLinks('[a](docs/a.md#x) [b](./b/) [c](https://c) [d](#d)', at),
    '[a](https://host/repo/blob/v1.2.3/docs/a.md#x) [b](https://host/repo/tree/v1.2.3/b/) [c](https://c) [d](#d)')
})

test('an ES module may import the default, as a habit of CommonJS has it', (t) => {
  const source = "import moltendb, { Database } from 'moltendb-node'; console.log(moltendb.Database === Database)"
  t.is(execFileSync(process.execPath, ['--input-type=module', '-e', source], { cwd: root, encoding: 'utf8' }), 'true\n')
})

test('a tag that is not the version, or a changelog that says "not released", keeps a release from being made', (t) => {
  const at = clone(t)
  const { status, stderr } = script(at, 'versions.mjs', '--check', 'v9.9.9')
  t.is(status, 1)
  t.regex(stderr, /the tag is v9\.9\.9, package\.json says/)
  t.regex(stderr, /CHANGELOG\.md says that .* is not released/)
  const path = join(at, 'CHANGELOG.md')
  writeFileSync(path, readFileSync(path, 'utf8').replace(/, not released$/m, ', 2030-01-31'))
  t.is(script(at, 'versions.mjs', '--check', `v${manifest.version}`).status, 0)
})

test('a release of another repository than the manifests name is refused, as npm would at its end', (t) => {
  const faults = (repository) => releaseFaults(`v${manifest.version}`, repository).filter((fault) => fault.includes('repository'))
  t.regex(faults('someone/fork')[0], /the workflow runs in someone\/fork/)
  t.deepEqual(faults(new URL(manifest.homepage).pathname.slice(1)), [])
  t.deepEqual(faults(''), [])
})

test('nothing is published where a tarball is missing', (t) => {
  t.throws(() => publishAll(folder(t)), { message: /^nothing is published: .* lacks moltendb-node-darwin-arm64-/ })
})

test('the notes of a release are what the changelog says of it', (t) => {
  const log = '# Changelog\n\n## 1.1.0, 2030-01-01\n\n- new\n\n## 1.0.0\n\n- old\n'
  t.is(notesOf('1.1.0', log), '- new\n')
  t.is(notesOf('1.0.0', log), '- old\n')
  t.throws(() => notesOf('1.0', log), { message: /no heading for 1\.0/ })
})

test('an addon is built alone, as cargo optimises at link time only then', (t) => {
  t.deepEqual(ADDON, ['rustc', '--release', '--lib', '--crate-type', 'cdylib'])
  const profile = /^\[profile\.release\]\n((?:\w.*\n)*)/m.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8').replaceAll('\r\n', '\n'))?.[1]
  t.regex(profile, /^lto = true$/m)
})

test('each platform is built where its tools are; what others build of it is never packed', (t) => {
  for (const target of targets) {
    const own = planFor(target, target.os)
    t.true(own.product, target.name)
    t.is(own.triple, target.triple)
    t.is(own.target, target.libc === 'glibc' ? `${target.triple}.2.17` : target.triple)
  }
  for (const target of targets) t.is(planFor(target, 'linux').product, target.os === 'linux', target.name)
})

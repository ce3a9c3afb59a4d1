// A project with the packages of this checkout in it, installed from their tarballs and from nowhere else.

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { targets } from '../package/targets.mjs'
import { npmOutput, root } from '../steps.mjs'

/** Installs tarballs in a fresh project; the other platforms' packages, which no registry has, are optional and left out. */
export function projectWith(folder, tarballs) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ name: 'project', version: '1.0.0', private: true })}\n`)
  npmOutput(['install', ...tarballs, '--offline', '--no-audit', '--no-fund', '--loglevel=error', '--cache', join(folder, '.cache')], { cwd: folder })
  for (const name of ['smoke.cjs', 'realms.cjs', 'simple.mjs']) copyFileSync(join(root, 'scripts', 'proofs', name), join(folder, name))
}

/** The environment of a child without what npm, this checkout or Rust put there. */
export function plainEnvironment(more = {}) {
  const kept = Object.entries(process.env).filter(([key]) => !/^(npm_|INIT_CWD|MOLTENDB_|CARGO|RUST)/i.test(key))
  return { ...Object.fromEntries(kept), ...more }
}

/** The platform that this process runs on. */
export function hostTarget() {
  const { platform, arch } = process
  const libc = platform === 'linux' ? libcOfProcess() : undefined
  const target = targets.find((one) => one.os === platform && one.cpu === arch && one.libc === libc)
  if (target) return target
  throw new Error(`there is no package for ${platform}-${arch}`)
}

function libcOfProcess() {
  return /\/(ld-musl-[^/\n]*|libc\.so)$/m.test(readFileSync('/proc/self/maps', 'latin1')) ? 'musl' : 'glibc'
}

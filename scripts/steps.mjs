// Shared by the scripts: the project's root, running commands, and whether a product is older than its sources. Must not
// need node_modules.

import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** What build-js.mjs makes for the package. */
export const builtScripts = [
  'index.js', 'often.js', 'classes.js', 'transactions.js', 'seldom.js', 'importers.js', 'core.js', 'index.mjs', 'cli.js', 'inspector.js'
]

/** Runs a command in the project; returns its exit code, 127 when it cannot be started. */
export function run(command, args, env = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } })
  if (result.error) {
    console.error(missing(command, result.error))
    return 127
  }
  return result.status ?? 1
}

function missing(command, error) {
  if (command === 'cargo' && error.code === 'ENOENT') {
    return 'cargo was not found on the PATH: install stable Rust from https://rustup.rs and run the command again'
  }
  return `cannot start ${command}: ${error.message}`
}

/** Runs a tool of node_modules by its script, which needs no shell and no .cmd shim. */
export function runTool(script, args, env) {
  return run(process.execPath, [join(root, 'node_modules', script), ...args], env)
}

/** Runs npm as the npm that started this script, or the one on the PATH. */
export function runNpm(args) {
  const cli = process.env.npm_execpath
  if (cli?.endsWith('.js')) return run(process.execPath, [cli, ...args])
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args)
}

/** Runs npm and answers what it printed; throws where it fails. */
export function npmOutput(args, options = {}) {
  const cli = process.env.npm_execpath
  const [command, first] = cli?.endsWith('.js') ? [process.execPath, [cli]] : ['npm', []]
  const shell = process.platform === 'win32' && command === 'npm'
  return execFileSync(command, [...first, ...args], { cwd: root, encoding: 'utf8', shell, stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 64 * 1024 * 1024, ...options })
}

/** The modification time of the newest file below these paths, in milliseconds; 0 when there is none. */
export function newest(paths) {
  let latest = 0
  for (const path of paths) latest = Math.max(latest, newestBelow(join(root, path)))
  return latest
}

function newestBelow(path) {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats) return 0
  if (!stats.isDirectory()) return stats.mtimeMs
  let latest = 0
  for (const name of readdirSync(path)) latest = Math.max(latest, newestBelow(join(path, name)))
  return latest
}

/** Whether a product is missing or older than one of its sources. */
export function isStale(product, sources) {
  const built = newest([product])
  return built === 0 || built < newest(sources)
}

/** A duration in readable form. */
export function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`
}

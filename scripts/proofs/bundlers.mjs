// Bundles a program that uses the installed package, with each bundler and each setting of docs/bundling.md, moves the result to another folder and
// runs it there: it works, or fails as bundlers/cases.mjs expects. `npm run test:bundlers`; `-- esbuild next` runs some. Needs the registry.

import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { pack } from '../package/pack.mjs'
import { addonName, hostTarget } from '../package/targets.mjs'
import { root, seconds } from '../steps.mjs'
import { ALONE, cases, packages, WITH_ADDON, WITH_MODULES } from './bundlers/cases.mjs'
import { buildNext, visitNext } from './bundlers/next-app.mjs'
import { binOf, freshProject, runToEnd, table } from './fresh.mjs'

const NAME = 'moltendb-node'
const home = mkdtempSync(join(tmpdir(), 'moltendb-bundlers-'))
const host = hostTarget()
const platform = `${NAME}-${host.name}`

/** Writes the program in both forms. */
function writeApp(project) {
  const source = readFileSync(join(root, 'scripts/proofs/bundlers/app.cjs'), 'utf8')
  writeFileSync(join(project, 'app.cjs'), source)
  writeFileSync(join(project, 'app.mjs'), source.replaceAll(/^const (\{.*\}) = require\((.*)\)$/gm, (_, names, from) => `import ${names} from ${from}`))
}

/** The command line of a tool's first word. */
function programOf(project, [name, ...args]) {
  if (name === 'bun') {
    const bun = join(project, 'node_modules/@oven/bun-linux-x64/bin/bun')
    chmodSync(bun, 0o755)
    return [bun, args]
  }
  const from = Object.keys(packages[name])[0]
  return [process.execPath, [binOf(project, from, name), ...args]]
}

/** Builds; answers how it ended and where the output is. */
async function built(one, project) {
  if (one.next) return buildNext(project, one.next, one.plain)
  rmSync(join(project, 'out'), { recursive: true, force: true })
  mkdirSync(join(project, 'out'))
  for (const name of ['webpack.config.cjs', 'rollup.config.mjs', 'vite.config.mjs']) rmSync(join(project, name), { force: true })
  for (const [name, source] of Object.entries(one.files?.() ?? {})) writeFileSync(join(project, name), source)
  if (one.trace) return traced(one.trace, project)
  const [command, args] = programOf(project, one.build())
  return runToEnd(command, args, project)
}

/** Copies what @vercel/nft finds, as Next.js, Vercel and Netlify do. */
async function traced(file, project) {
  const { nodeFileTrace } = createRequire(join(project, 'app.cjs'))('@vercel/nft')
  const { fileList } = await nodeFileTrace([join(project, file)], { base: project })
  for (const path of fileList) {
    mkdirSync(dirname(join(project, 'out', path)), { recursive: true })
    cpSync(join(project, path), join(project, 'out', path))
  }
  return { status: 0, printed: '' }
}

/** Moves the output, and what is deployed with it, to a folder of its own. */
function deployed(one, project, folder) {
  cpSync(join(project, 'out'), folder, { recursive: true })
  const modules = join(project, 'node_modules')
  if (one.deploy === WITH_MODULES) for (const name of [NAME, platform]) cpSync(join(modules, name), join(folder, 'node_modules', name), { recursive: true })
  if (one.deploy === WITH_ADDON) cpSync(join(modules, platform, addonName(host)), join(folder, addonName(host)))
  return folder
}

/** Builds and runs one case; answers what came of it, throws where that is not what was expected. */
async function attempt(one, project, number) {
  const { status, printed } = await built(one, project)
  if (one.failsToBuild) {
    if (status === 0) throw new Error(`it was built, and should not have been\n${printed}`)
    if (!one.failsToBuild.test(printed)) throw new Error(`the build does not say ${one.failsToBuild}\n${printed}`)
    return 'refused by the build, which names the addon'
  }
  if (status !== 0) throw new Error(`the build ended with ${status}\n${printed}`)
  const folder = join(home, 'elsewhere', String(number))
  if (one.next) return visitNext(project, folder).then(() => 'answers from another folder')
  deployed(one, project, folder)
  const file = join(folder, one.run)
  if (!existsSync(file)) throw new Error(`the build made no ${one.run}\n${printed}`)
  const [command, args] = one.native ? [file, []] : [process.execPath, [file]]
  const run = runToEnd(command, args, home)
  if (one.failsToRun) {
    if (run.status === 0 || !one.failsToRun.test(run.printed)) throw new Error(`it does not say ${one.failsToRun}, but ended with ${run.status}\n${run.printed}`)
    return "fails with the loader's sentence"
  }
  if (run.status !== 0 || run.printed.trim() !== 'ok') throw new Error(`it ended with ${run.status}\n${run.printed}`)
  return `runs ${one.deploy ?? ALONE}`
}

async function main(names) {
  const tools = Object.keys(packages)
  const unknown = names.filter((name) => !tools.includes(name))
  if (unknown.length > 0) throw new Error(`there is no ${unknown.join(', ')}; there are ${tools.join(', ')}`)
  const tarballs = pack({ names: [host.name], out: join(home, 'packages') }).map(({ path }) => path)
  const rows = []
  let failed = 0
  for (const tool of names.length > 0 ? names : tools) {
    if (tool === 'bun' && host.name !== 'linux-x64-gnu') continue
    const project = freshProject(join(home, tool), tarballs, packages[tool])
    writeApp(project)
    for (const one of cases.filter((each) => each.tool === tool)) {
      const started = performance.now()
      const result = await attempt(one, project, rows.length).catch((error) => {
        failed += 1
        console.error(`${tool}, ${one.what}: ${error.message}`)
        return 'FAILED'
      })
      rows.push([tool, Object.values(packages[tool])[0], one.what, result, seconds(performance.now() - started)])
      console.log(rows.at(-1).join('  '))
    }
  }
  console.log(`\n${table(['tool', 'version', 'setting', 'result', 'time'], rows)}\n\n${rows.length - failed} passed, ${failed} failed`)
  process.exitCode = failed > 0 ? 1 : 0
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
}

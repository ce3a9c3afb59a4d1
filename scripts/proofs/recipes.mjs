// Runs the recipes of docs/recipes.md that need packages of others, Express and Next.js, as they are shown, with the installed package: `npm run test:recipes`.
// Needs the registry. The tests run all other recipes; that of Electron needs its program, which no registry has.

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { pack } from '../package/pack.mjs'
import { hostTarget } from '../package/targets.mjs'
import { root, seconds } from '../steps.mjs'
import { answering, freePort } from './bundlers/next-app.mjs'
import { binOf, freshProject, runToEnd } from './fresh.mjs'
import { plainEnvironment } from './project.mjs'

const PACKAGES = {
  Express: { express: '5.3.0' },
  'Next.js': { next: '16.4.6', react: '19.3.1', 'react-dom': '19.3.1', typescript: '5.9.3', '@types/node': '20.19.43', '@types/react': '19.3.3' }
}

/** The blocks of code below a heading of the recipes. */
function blocksOf(name) {
  const page = readFileSync(join(root, 'docs', 'recipes.md'), 'utf8')
  const section = page.slice(page.indexOf(`\n## ${name}\n`) + 1).split('\n## ')[0]
  return [...section.matchAll(/^```(?:js|ts)(?: parse)?\n(.*?)^```$/gms)].map(([, source]) => source)
}

/** Runs a server while `visit` asks it; throws what it said where an answer is not as expected. */
async function serving(script, cwd, env, path, visit) {
  const port = await freePort()
  const server = spawn(process.execPath, [script], { cwd, env: plainEnvironment({ PORT: String(port), HOSTNAME: '127.0.0.1', ...env }), stdio: ['ignore', 'pipe', 'pipe'] })
  const said = []
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk) => said.push(chunk))
  const ended = new Promise((resolve) => server.once('exit', resolve))
  try {
    await answering(`http://127.0.0.1:${port}${path}`, server)
    await visit(`http://127.0.0.1:${port}`)
  } catch (error) {
    throw new Error(`${error.message}\n${Buffer.concat(said)}`, { cause: error })
  } finally {
    server.kill('SIGKILL')
    await ended
  }
}

/** Asks, and compares status and content. */
async function ask(address, expected, content, init) {
  const answer = await fetch(address, init)
  const text = await answer.text()
  if (answer.status !== expected || (content && !content.test(text))) throw new Error(`${init?.method ?? 'GET'} ${address} answered ${answer.status} ${text}`)
  return text
}

const posted = (body) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

const recipes = {
  async Express(project) {
    writeFileSync(join(project, 'app.mjs'), blocksOf('Express')[0])
    await serving('app.mjs', project, { DATA: join(project, 'data') }, '/users/none', async (base) => {
      const { id } = JSON.parse(await ask(`${base}/users`, 201, /"id"/, posted({ email: 'ada@example.org', name: 'Ada' })))
      await ask(`${base}/users/${id}`, 200, /"name":"Ada"/)
      await ask(`${base}/users`, 409, /DUPLICATE_KEY/, posted({ email: 'ada@example.org', name: 'Ada' }))
      await ask(`${base}/users/none`, 404)
    })
  },
  async 'Next.js'(project) {
    for (const source of blocksOf('Next.js')) {
      const path = join(project, /^\/\/ (\S+)/.exec(source)[1])
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, source)
    }
    const { status, printed } = runToEnd(process.execPath, [binOf(project, 'next'), 'build'], project)
    if (status !== 0) throw new Error(`next build ended with ${status}\n${printed}`)
    await serving(join('.next', 'standalone', 'server.js'), project, { DATA: join(project, 'data') }, '/api/users', (base) => ask(`${base}/api/users`, 200, /^\[\]$/))
  }
}

const home = mkdtempSync(join(tmpdir(), 'moltendb-recipes-'))
let failed = 0
try {
  const tarballs = pack({ names: [hostTarget().name], out: join(home, 'packages') }).map(({ path }) => path)
  for (const [name, run] of Object.entries(recipes)) {
    const started = performance.now()
    try {
      await run(freshProject(join(home, name.replace('.', '')), tarballs, PACKAGES[name]))
      console.log(`ok    ${name.padEnd(8)} ${seconds(performance.now() - started)}  ${Object.entries(PACKAGES[name])[0].join(' ')}`)
    } catch (error) {
      failed += 1
      console.error(`FAIL  ${name}: ${error.message}`)
    }
  }
  process.exitCode = failed > 0 ? 1 : 0
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
}

// A Next.js app that counts visits: built, moved to another folder, started there, and requested.

import { spawn } from 'node:child_process'
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

import { root } from '../../steps.mjs'
import { binOf, runToEnd } from '../fresh.mjs'
import { plainEnvironment } from '../project.mjs'
import { settings } from './settings.mjs'

/** Builds the app in a project; answers how the build ended. `plain` leaves the setting for the package out. */
export function buildNext(project, args, plain) {
  rmSync(join(project, '.next'), { recursive: true, force: true })
  cpSync(join(root, 'scripts/proofs/bundlers/next'), project, { recursive: true })
  const config = settings('next.config.mjs')
  writeFileSync(join(project, 'next.config.mjs'), plain ? config.replace(/,?\s*serverExternalPackages: .*/, '') : config)
  return runToEnd(process.execPath, [binOf(project, 'next'), ...args], project)
}

/** Moves what was built to a folder and visits it twice; throws unless both visits are counted, in the page and in the route. */
export async function visitNext(project, folder) {
  cpSync(join(project, '.next', 'standalone'), folder, { recursive: true, verbatimSymlinks: true })
  const port = await freePort()
  const server = spawn(process.execPath, ['server.js'], {
    cwd: folder, env: plainEnvironment({ PORT: String(port), HOSTNAME: '127.0.0.1', DATABASE: join(folder, 'data'), NEXT_TELEMETRY_DISABLED: '1' }), stdio: ['ignore', 'pipe', 'pipe']
  })
  const said = []
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk) => said.push(chunk))
  const ended = new Promise((resolve) => server.once('exit', resolve))
  try {
    await answering(`http://127.0.0.1:${port}/`, server)
    const page = await (await fetch(`http://127.0.0.1:${port}/`)).text()
    const visits = await (await fetch(`http://127.0.0.1:${port}/visits`)).json()
    if (!/visit .*\d<\/p>/.test(page) || visits[0]?._id !== 'page' || visits[0].count < 2) throw new Error(`it answered ${JSON.stringify(visits)}`)
  } catch (error) {
    throw new Error(`${error.message}\n${Buffer.concat(said)}`, { cause: error })
  } finally {
    server.kill()
    await ended
  }
}

export async function answering(address, server) {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    if (server.exitCode !== null) throw new Error(`the app ended with code ${server.exitCode}`)
    const answer = await fetch(address).catch(() => undefined)
    if (answer) return void (await answer.text())
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the app did not start within a minute')
}

export async function freePort() {
  const server = createServer()
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

// A registry on this machine: verdaccio on the loopback address, with no registry behind it, so that what installs comes from what was packed.

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { publishAll } from '../package/publish.mjs'
import { tool } from './tools.mjs'

/** Runs `work(address)` with a registry that holds the tarballs of a folder, published as a release publishes them; it ends with the work. */
export async function withRegistry(packages, work) {
  const modules = tool('verdaccio', { verdaccio: '6.8.0' }, { overrides: { 'node-fetch': '2.7.0' } })
  const folder = mkdtempSync(join(tmpdir(), 'moltendb-registry-'))
  const port = await freePort()
  const address = `http://127.0.0.1:${port}/`
  mkdirSync(join(folder, 'storage'))
  writeFileSync(join(folder, 'config.yaml'), configuration(folder))
  const server = spawn(process.execPath, [join(modules, 'verdaccio', 'bin', 'verdaccio'), '--config', join(folder, 'config.yaml'), '--listen', `127.0.0.1:${port}`], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe']
  })
  const said = []
  server.stderr.on('data', (chunk) => said.push(chunk))
  try {
    await answering(`${address}-/ping`, server)
    // Any token will do where everyone may publish; npm asks for one all the same.
    writeFileSync(join(folder, 'npmrc'), `registry=${address}\n//127.0.0.1:${port}/:_authToken=anyone\n`)
    const args = ['--userconfig', join(folder, 'npmrc')]
    publishAll(packages, { args, say() {} })
    const again = publishAll(packages, { args, say() {} })
    if (again.length > 0) throw new Error(`published twice: ${again.join(', ')}`)
    return await work(address)
  } catch (error) {
    if (server.exitCode !== null || server.signalCode !== null) error.message += `\nthe registry had ended (${server.exitCode ?? server.signalCode}): ${Buffer.concat(said)}`
    throw error
  } finally {
    server.kill()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

function configuration(folder) {
  return JSON.stringify({
    storage: join(folder, 'storage'),
    uplinks: {},
    packages: { '**': { access: '$all', publish: '$all', unpublish: '$all' } },
    max_body_size: '50mb',
    log: { type: 'stdout', level: 'error' },
    web: { enable: false }
  })
}

async function freePort() {
  const server = createServer()
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function answering(address, server) {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (server.exitCode !== null) throw new Error(`the registry ended with code ${server.exitCode}`)
    try {
      if ((await fetch(address)).ok) return
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the registry did not start within 30 seconds')
}

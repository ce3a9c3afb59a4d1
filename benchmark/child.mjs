// One peer, one run, in its own process: started by run.mjs, reports over IPC.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { WORKS } from './works.mjs'

/**
 * Runs the parts of works/ that contain a requested work; returns `{ work: figure }`, nothing where the peer does not
 * support it.
 */
async function measure(peer, { directory, documents, seed, wanted }) {
  const wants = (name) => wanted.has(name)
  const parts = new Set(WORKS.filter(({ name }) => wants(name)).map(({ part }) => part))
  const figures = {}
  for (const part of parts) {
    const work = await import(`./works/${part}.mjs`)
    const own = join(directory, part)
    Object.assign(figures, await work.measure(peer, { directory: own, documents, seed, wants }))
    rmSync(own, { recursive: true, force: true })
  }
  return figures
}

process.once('message', async ({ peer: name, wanted, ...settings }) => {
  try {
    const peer = await import(`./peers/${name}.mjs`)
    const wantedHere = new Set(peer.only === undefined ? wanted : wanted.filter((work) => peer.only.includes(work)))
    const figures = await measure(peer, { ...settings, wanted: wantedHere })
    const { title, version, settings: note } = peer
    process.send({ title, version, settings: note, figures }, () => process.exit(0))
  } catch (error) {
    process.send({ error: error.stack ?? String(error) }, () => process.exit(1))
  }
})

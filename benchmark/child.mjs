// One peer, one run, in a process of its own: started by run.mjs, answers over IPC.
import { measure } from './works.mjs'

process.once('message', async ({ peer: name, wanted, ...settings }) => {
  try {
    const peer = await import(`./peers/${name}.mjs`)
    const figures = await measure(peer, { ...settings, wanted: new Set(wanted) })
    const { title, version, settings: note } = peer
    process.send({ title, version, settings: note, figures }, () => process.exit(0))
  } catch (error) {
    process.send({ error: error.stack ?? String(error) }, () => process.exit(1))
  }
})

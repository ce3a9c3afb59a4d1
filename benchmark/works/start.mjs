// A process that loads the package, opens a database, inserts, reads and closes, compared with one that does nothing.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { fresh } from './shared.mjs'

const TIMES = 15

function wall(script, directory) {
  const start = performance.now()
  const { status, stderr } = spawnSync(process.execPath, [script, directory], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${script} failed: ${stderr}`)
  return performance.now() - start
}

const middle = (values) => values.sort((a, b) => a - b)[values.length >> 1]

export async function measure(peer, { directory }) {
  const script = (name) => fileURLToPath(new URL(`../starts/${name}`, import.meta.url))
  const bare = []
  const own = []
  for (let time = 0; time < TIMES; time++) {
    fresh(directory)
    bare.push(wall(script('bare.cjs'), directory))
    own.push(wall(script(`${peer.start}.cjs`), directory))
  }
  return { start: Math.max(0, middle(own) - middle(bare)) }
}

// How late timers fire while eight queries scan everything.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { batchesOf } from '../documents.mjs'
import { fresh, pause } from './shared.mjs'

export async function measure(peer, { directory, documents, seed }) {
  const db = await peer.open(fresh(directory), 'fast')
  for (const batch of batchesOf(documents, 1_000, seed)) await db.load(batch)
  await db.settle()
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  await pause(100)
  histogram.enable()
  const until = performance.now() + 3_000
  const query = async (one) => {
    do {
      await one()
      await pause(0)
    } while (performance.now() < until)
  }
  const scan = () => db.findBelow(101)
  const count = () => db.countBelow(550)
  const group = () => db.group()
  await Promise.all([scan, count, group, scan, count, group, scan, count].map(query))
  histogram.disable()
  await db.close()
  return { delay: Math.max(0, histogram.percentile(99) / 1e6 - 1) }
}

// Events of change streams: read again from the log, chosen by a pipeline, followed while writing, and how late one comes.
import { documentAt } from '../documents.mjs'
import { fresh, must, secondsOf } from './shared.mjs'

const BATCH = 1_000
const LIVE = 20_000
const LIVE_BATCH = 100
const SINGLE = 2_000

export async function measure(peer, { directory, documents, seed, wants }) {
  const figures = {}
  const db = await peer.open(fresh(directory), 'fast', { watched: true })
  try {
    if (!db.watch) return figures
    let made = 0
    const some = (count) => Array.from({ length: count }, () => documentAt(made++, seed))
    while (made < documents) await db.load(some(Math.min(BATCH, documents - made)))
    await db.settle()
    const city = documentAt(0, seed).city
    const pipelines = [['watch-log', []], ['watch-match', [{ $match: { 'fullDocument.city': city } }]]]
    for (const [name, pipeline] of pipelines) {
      if (!wants(name)) continue
      const stream = db.watch(pipeline, new Date(0))
      let events = 0
      const seconds = await secondsOf(async () => {
        while (await stream.tryNext()) events += 1
      })
      await stream.close()
      must(name === 'watch-match' ? events > 0 && events < documents : events === documents, `${events} events of ${documents}`)
      figures[name] = documents / seconds
    }
    if (wants('watch-live')) {
      const stream = db.watch([])
      const batches = Array.from({ length: LIVE / LIVE_BATCH }, () => some(LIVE_BATCH))
      figures['watch-live'] = LIVE / await secondsOf(async () => {
        const writing = (async () => {
          for (const batch of batches) await db.load(batch)
        })()
        for (let events = 0; events < LIVE; events++) await stream.next()
        await writing
      })
      await stream.close()
    }
    if (wants('watch-latency')) {
      const stream = db.watch([])
      const late = []
      for (const document of some(SINGLE)) {
        const event = stream.next()
        const start = performance.now()
        const inserted = db.insert(document)
        await event
        late.push(performance.now() - start)
        await inserted
      }
      await stream.close()
      late.sort((a, b) => a - b)
      figures['watch-latency'] = late[SINGLE / 2] * 1_000
    }
    return figures
  } finally {
    await db.close()
  }
}

// What was: the versions of a document, and the changes as they come.

import type { DatabaseChangeStreamOptions, Document } from '../../types/index.js'
import { written } from '../../values/extended-json.js'
import { ANSWER_BYTES, type Call, Json, QUERY_TIME, type Route, withCollection } from '../calls/call.js'
import { Refusal } from '../calls/guard.js'
import { idOf } from './queries.js'

const VERSIONS = 500
/** Versions that are fetched at a time. */
const BATCH = 50
/** Commits that are told before those to come. */
const COMMITS = 100
/** How long nothing is sent, in milliseconds: a line without an event shows that the page is still there. */
const QUIET = 5_000
/** Longer documents are told without their content. */
const LONGEST = 64 << 10

export const history: Route = {
  run: (call) => {
    const id = idOf(call.body)
    return withCollection(call, async (collection) => {
      // The newest, as far as one answer may go.
      const versions: string[] = []
      let bytes = 0
      const cursor = collection.history(id as never, { signal: call.signal, maxTimeMS: QUERY_TIME, batchSize: BATCH })
      for await (const version of cursor) {
        const text = written(version)
        versions.push(text)
        bytes += text.length
        while (versions.length > VERSIONS || (versions.length > 1 && bytes > ANSWER_BYTES)) bytes -= versions.shift()!.length
      }
      return new Json(`{"versions":[${versions.join(',')}]}`)
    })
  }
}

/** The newest changes of all databases, and those to come. */
export const changes: Route = {
  streams: true,
  run: async (call) => {
    const { db, signal, send } = call
    await checkKept(call)
    const { lastLsn, history: reach } = await db.stats({ signal })
    const from = Math.max(reach?.log.from ?? 1, lastLsn - COMMITS + 1)
    const past: DatabaseChangeStreamOptions = reach === null || lastLsn < from ? {} : { startAtOperationTime: { t: 0, i: from } }
    const stream = db.watch([], { allDatabases: true, showExpandedEvents: true, fullDocument: 'whenAvailable', maxAwaitTimeMS: QUIET, signal, ...past })
    // A read that waits for an event ends with its stream, and not at once with its signal.
    signal.addEventListener('abort', () => void stream.close(), { once: true })
    try {
      // The page knows from this that it watches.
      await send('{}')
      for (;;) {
        const event = await stream.tryNext()
        signal.throwIfAborted()
        await send(event === null ? '{}' : lineOf(event as unknown as Document))
      }
    } finally {
      await stream.close()
    }
  }
}

function lineOf(event: Document): string {
  const line = written(event)
  if (line.length <= LONGEST) return line
  const { fullDocument: _document, updateDescription: _changes, ...rest } = event
  return written({ ...rest, tooLong: line.length })
}

/** Watching a database for the first time has it keep its log from then on, which is a change that reading must not make. */
async function checkKept({ db, signal, readOnly, writes, body }: Call): Promise<void> {
  if (readOnly) return
  const { history: reach } = await db.stats({ signal })
  if (reach === null || reach.changes !== null || (writes && body.flag('start'))) return
  throw new Refusal(409, 'nothing watches this database yet, and watching it would have it keep the log of a day from now on')
}

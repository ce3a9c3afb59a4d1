// Exports as JSON lines. A browser saves what it navigates to, and a navigation has no header of the page: so the page asks for a ticket, which is
// good for one download.

import { written } from '../../values/extended-json.js'
import { fresh } from '../calls/keys.js'
import { type Call, type Route, withCollection } from '../calls/call.js'
import { Refusal } from '../calls/guard.js'
import { queryOf } from './queries.js'

/** How long a ticket is good, in milliseconds, and how many there may be. */
const GOOD = 60_000
const MOST = 20
/** Lines are sent together up to this length. */
const PIECE = 64 << 10

interface Ticket {
  call: Call
  until: number
}

/** The downloads that were asked for. */
export class Tickets {
  readonly #tickets = new Map<string, Ticket>()

  /** The route that gives a ticket; a query that cannot be read is refused here, where the page can tell of it. */
  readonly route: Route = {
    run: (call) => {
      queryOf(call.body)
      return withCollection(call, async ({ collectionName }) => {
        const now = Date.now()
        for (const [name, { until }] of this.#tickets) if (until < now || this.#tickets.size >= MOST) this.#tickets.delete(name)
        const ticket = fresh()
        this.#tickets.set(ticket, { call, until: now + GOOD })
        return { ticket, name: fileOf(collectionName) }
      })
    }
  }

  /** The call of a ticket, which is not good any more. */
  take(ticket: string): Call {
    const found = this.#tickets.get(ticket)
    this.#tickets.delete(ticket)
    if (found === undefined || found.until < Date.now()) throw new Refusal(404, 'this download is over; start it again in the inspector')
    return found.call
  }
}

/** A name of a file that every system takes; a collection may have any letters. */
export function fileOf(collection: string): string {
  return `${collection.replace(/[^\w.-]+/g, '_').slice(0, 80)}.jsonl`
}

/** Sends the documents of a call, one a line. */
export async function exportLines(call: Call): Promise<void> {
  const { filter, query } = queryOf(call.body)
  await withCollection(call, async (collection) => {
    const cursor = collection.find(filter, { ...query, signal: call.signal })
    try {
      let piece: string[] = []
      let length = 0
      for await (const document of cursor) {
        const line = written(document)
        piece.push(line)
        length += line.length
        if (length < PIECE) continue
        await call.send(piece.join('\n'))
        piece = []
        length = 0
      }
      if (piece.length > 0) await call.send(piece.join('\n'))
    } finally {
      await cursor.close()
    }
  })
}

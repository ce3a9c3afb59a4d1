// A call of the page: what a route is given, and what it answers.

import type { Collection } from '../../api/collection.js'
import type { Database } from '../../api/database.js'
import type { Document, Moment } from '../../types/index.js'
import { dateOf } from '../../values/extended-json.js'
import type { Body } from './body.js'
import { Refusal } from './guard.js'
import type { EarlierStates } from './states.js'

/** How long a query may take, in milliseconds. */
export const QUERY_TIME = 10_000
/** How long one that only adds something to the page may take. */
export const SHORT_TIME = 3_000
/** How many bytes of documents are in one answer; the document that reaches it is still in it. */
export const ANSWER_BYTES = 4 << 20

/** JSON that is written already. */
export class Json {
  constructor(readonly text: string) {}
}

export interface Call {
  readonly db: Database
  readonly states: EarlierStates
  readonly body: Body
  /** Aborted when the page has gone away, or the inspector is closed. */
  readonly signal: AbortSignal
  /** Whether the database was opened read-only. */
  readonly readOnly: boolean
  readonly writes: boolean
  /** Sends a line of an answer that goes on; resolves when it is taken. */
  send(line: string): Promise<void>
}

export interface Route {
  /** Whether it changes the database: refused unless the inspector was told to write. */
  readonly writes?: true
  /** Whether its answer is lines that are sent as they come. */
  readonly streams?: true
  run(call: Call): Promise<unknown>
}

/** Runs a function with the database that a call names, at the moment that it names. */
export async function withDatabase<R>({ db, states, body }: Call, run: (db: Database) => Promise<R>, name = body.text('database') ?? db.databaseName): Promise<R> {
  const at = body.text('at')
  const named = (root: Database): Promise<R> => run(root.databaseName === name ? root : root.sibling(name))
  return at === undefined ? named(db) : states.use(momentOf(at), named)
}

/** The same with its collection, which must exist: another name would look like an empty collection. */
export function withCollection<R>(call: Call, run: (collection: Collection, isView: boolean) => Promise<R>): Promise<R> {
  const name = call.body.needed('collection')
  return withDatabase(call, async (db) => {
    const collection = db.collection<Document>(name)
    const [found] = await db.listCollections({ name }, { nameOnly: true, signal: call.signal }).toArray()
    if (found === undefined) throw new Refusal(404, `there is no collection ${JSON.stringify(name)} in the database ${JSON.stringify(db.databaseName)}`)
    return run(collection, found.type === 'view')
  })
}

/** A moment of the page: the number of a commit, or a time. */
export function momentOf(text: string): Moment {
  if (/^\d{1,15}$/.test(text)) return { lsn: Number(text) }
  const time = dateOf(text)
  if (time === undefined) throw new Refusal(400, 'the moment must be the number of a commit, or a time such as 2024-05-01T12:00:00Z')
  return { time }
}

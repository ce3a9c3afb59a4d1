// The verb log: the changes that the kept log has, the newest last, and on request those that come.

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import type { ChangeStreamDocument, ClusterTime, Document } from '../../types/index.js'
import { failureOf, EXIT } from '../failures.js'
import { wholeNumber } from '../line/parse.js'
import { DB, DIR, type Call, type Verb } from '../line/table.js'
import { directoryOf, reading } from '../opening.js'
import type { Database } from '../package.js'
import { written } from '../../values/extended-json.js'
import { timeOf } from '../line/moment.js'

const EVENTS = 20
/** Between two looks at the files, and how long they must have been left alone: a program that starts again should find the directory free. */
const PAUSE = 500

type Event = ChangeStreamDocument & { commit?: { lsn: number } }

export const log: Verb = {
  name: 'log',
  arguments: [DIR],
  options: [
    { name: 'limit', value: 'N', summary: `the newest so many; 0 is all. Default ${EVENTS}` },
    { name: 'since', value: 'DATE', summary: 'those from this time on; a time, a day, or how long ago as in 15m' },
    { name: 'follow', short: 'f', summary: 'goes on with those that come' },
    DB
  ],
  summary: 'the newest changes, as far as the log is kept',
  text: [
    'The log since the last compaction is always there; the option history of Database.open keeps more. Without --db the changes of all databases of the directory are told.',
    'While another process has the database open, --follow waits until it is closed: it reads what was written meanwhile between two openings. Programs follow their own changes with collection.watch().'
  ],
  examples: ['log data/app', 'log data/app --since 15m --limit 0 --json', 'log data/app --follow'],
  run: async (call) => {
    const { options, verb, output } = call
    const limit = wholeNumber('limit', options['limit'], verb.name) ?? EVENTS
    const since = options['since'] === undefined ? undefined : timeOf('since', String(options['since']), verb.name)
    const { events, token } = await reading(call, (db) => newest(db, call, limit === 0 ? Infinity : limit, since ?? new Date(0)))
    for (const event of events) await print(call, event)
    if (events.length === 0 && output.isTable && !options['follow']) await output.note('no changes in the kept log')
    await output.flush()
    if (options['follow']) await follow(call, token ?? (since ?? new Date()))
  }
}

/** Where to go on: after an event, at a time, or with a commit. */
type Place = string | Date | ClusterTime

/** The last events since a time, in order, and the token of the newest. */
async function newest(db: Database, call: Call, limit: number, since: Date): Promise<{ events: Event[]; token: string | undefined }> {
  const { history } = await db.stats()
  if (history === null || (history.log.time !== null && history.log.time < since.getTime())) return eventsFrom(db, call, since, limit)
  // The number is that of the commit, which is found at any time.
  const { events, token } = await eventsFrom(db, call, { t: 0, i: history.log.from }, limit)
  return { events: events.filter(({ wallTime }) => !(wallTime instanceof Date) || wallTime >= since), token }
}

/** The events after a place. Of more than `limit` the newest are kept, while they are read. */
async function eventsFrom(db: Database, call: Call, place: Place, limit: number): Promise<{ events: Event[]; token: string | undefined }> {
  const events: Event[] = []
  let token: string | undefined
  const stream = watch(db, call, place)
  try {
    for (let event = await stream.tryNext(); event !== null; event = await stream.tryNext()) {
      token = (event._id as { _data: string })._data
      events.push(event as Event)
      if (events.length >= limit * 2 + 1000) events.splice(0, events.length - limit)
    }
  } finally {
    await stream.close()
  }
  return { events: limit === Infinity ? events : events.slice(-limit), token }
}

function watch(db: Database, { options, signal }: Call, place: Place) {
  return db.watch([], {
    allDatabases: options['db'] === undefined, showExpandedEvents: true, fullDocument: 'whenAvailable', signal,
    ...(typeof place === 'string' ? { startAfter: { _data: place } } : { startAtOperationTime: place })
  })
}

/** Reads what has come whenever the files have changed and nobody holds them. */
async function follow(call: Call, start: Place): Promise<void> {
  const { signal, output } = call
  let place = start
  let seen = stateOf(directoryOf(call))
  let before = seen
  let isWaiting = false
  for (;;) {
    await setTimeout(PAUSE, undefined, { signal }).catch(() => signal.throwIfAborted())
    const now = stateOf(directoryOf(call))
    const isQuiet = now === before
    before = now
    if (now === seen || !isQuiet) continue
    try {
      const { events, token } = await reading(call, (db) => eventsFrom(db, call, place, Infinity), { besideOwner: false })
      seen = now
      isWaiting = false
      if (token !== undefined) place = token
      for (const event of events) await print(call, event)
      await output.flush()
    } catch (error) {
      const { code, message } = failureOf(error, directoryOf(call))
      if (code !== EXIT.locked) throw error
      if (!isWaiting) call.tell(`${message.replace(/^moltendb-node: /, '')}; waiting for it to be closed`)
      isWaiting = true
    }
  }
}

/** The names, sizes and times of the files, as one text. */
function stateOf(directory: string): string {
  try {
    return readdirSync(directory).filter((name) => name !== 'LOCK' && name !== 'OWNER').map((name) => {
      const found = statSync(join(directory, name), { throwIfNoEntry: false })
      return `${name} ${found?.size} ${found?.mtimeMs}`
    }).join('\n')
  } catch {
    return 'gone'
  }
}

/** One event as a line. */
async function print({ output }: Call, event: Event): Promise<void> {
  if (!output.isTable) return output.json(event)
  const { operationType, wallTime, ns, documentKey, fullDocument, updateDescription, operationDescription, to } = event as Event & { [part: string]: any }
  const place = ns === undefined ? '' : `${ns.db}${ns.coll === undefined ? '' : `.${ns.coll}`}`
  const what = operationType === 'update' ? updateText(updateDescription as Document) : fullDocument ?? (to ? { to } : operationDescription)
  const id = documentKey === undefined ? '' : written((documentKey as Document)['_id'], 100)
  const parts = [wallTime instanceof Date ? wallTime.toISOString() : '', String(event.commit?.lsn ?? '').padStart(6), operationType.padEnd(7), place, id, what === undefined ? '' : typeof what === 'string' ? what : written(what, 400)]
  await output.say(cutTo(parts.filter((part) => part !== '').join('  '), output.width))
}

function updateText({ updatedFields, removedFields }: Document): string {
  const removed = (removedFields as string[] | undefined) ?? []
  return `${written(updatedFields, 400)}${removed.length > 0 ? ` without ${removed.join(', ')}` : ''}`
}

function cutTo(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 3))}...` : text
}

// The newest changes of all databases, and those to come as they are committed.

import { useEffect, useRef, useState } from 'preact/hooks'

import { fragmentOf } from '../lib/location.js'
import { type Answer, type ServerError, stream } from '../lib/server.js'
import { useShown } from '../lib/shown.js'
import { inline, read } from '../lib/values.js'
import { Empty, Failure } from '../parts/states.js'

/** Events that are kept in the page. */
const MOST = 300
/** Between two drawings, in milliseconds: a program may commit thousands in a second. */
const PAUSE = 150

export function Changes() {
  const { overview } = useShown()
  const [events, setEvents] = useState<Answer[]>([])
  const [error, setError] = useState<ServerError>()
  const [isPaused, setPaused] = useState(false)
  const [start, setStart] = useState(false)
  const paused = useRef(false)
  paused.current = isPaused

  useEffect(() => {
    const abort = new AbortController()
    let pending: Answer[] = []
    const draw = (): void => {
      if (paused.current || pending.length === 0) return
      const added = pending.toReversed()
      pending = []
      setEvents((before) => [...added, ...before].slice(0, MOST))
    }
    const timer = setInterval(draw, PAUSE)
    stream('changes', { start }, abort.signal, (event) => {
      if (event['operationType'] === undefined) return
      pending.push(event)
      if (pending.length > MOST) pending.shift()
    }).catch((failed: ServerError) => !abort.signal.aborted && setError(failed))
    setEvents([])
    setError(undefined)
    return () => {
      clearInterval(timer)
      abort.abort()
    }
  }, [start])

  return (
    <div class="page">
      <h1>Changes</h1>
      {error?.status === 409 ? <Start message={error.message} onStart={() => setStart(true)} /> : error && <Failure message={error.message} />}
      {!error && (
        <>
          <p class="bar"><span>{overview['readOnly'] ? 'The newest changes of the log' : 'The newest changes, and those to come'}</span>
            <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>{isPaused ? 'Go on' : 'Pause'}</button></p>
          {events.length === 0 ? <Empty>No changes yet.</Empty> : (
            <div class="scroll" tabIndex={0} role="region" aria-label="Changes">
              <table class="list events">
                <thead><tr><th scope="col">Commit</th><th scope="col">Time</th><th scope="col">Change</th><th scope="col">Collection</th><th scope="col">Document</th><th scope="col">Content</th></tr></thead>
                <tbody>{events.map((event) => <Row key={(event['_id'] as { _data: string })._data} event={event} />)}</tbody>
              </table>
            </div>
          )}
        </>
      )}
    </div>
  )
}

function Row({ event }: { event: Answer }) {
  const { operationType, ns, documentKey, commit, wallTime, updateDescription, fullDocument, operationDescription, tooLong } = event
  const id = documentKey === undefined ? '' : inline(documentKey._id, 60)
  const content = tooLong ? `${tooLong} bytes` : updateDescription ? updateText(updateDescription) : inline(fullDocument ?? operationDescription ?? '', 160)
  return (
    <tr>
      <td class="amount">{commit?.lsn}</td>
      <td>{read(wallTime).text.slice(11, 23)}</td>
      <td><strong class={`o-${operationType}`}>{operationType}</strong></td>
      <td>{ns?.coll === undefined ? ns?.db : <a href={fragmentOf({ page: 'collection', database: ns.db, collection: ns.coll, tab: 'documents', query: {} })}>{`${ns.db}.${ns.coll}`}</a>}</td>
      <td>{documentKey === undefined ? '' : <a href={fragmentOf({ page: 'collection', database: ns.db, collection: ns.coll, tab: 'history', query: { id: JSON.stringify(documentKey._id) } })}>{id}</a>}</td>
      <td><code>{content === '""' ? '' : content}</code></td>
    </tr>
  )
}

/** The fields that an update set, and those that it removed. */
function updateText({ updatedFields = {}, removedFields = [] }: Answer): string {
  const removed = (removedFields as string[]).slice(0, 20).join(', ')
  return [Object.keys(updatedFields as object).length > 0 && inline(updatedFields, 160), removed !== '' && `without ${removed}`].filter(Boolean).join(', ')
}

/** Watching for the first time changes what the database keeps, so it is asked for. */
function Start({ message, onStart }: { message: string; onStart(): void }) {
  const { overview } = useShown()
  return (
    <div class="advice">
      <p>{message[0]!.toUpperCase() + message.slice(1)}.</p>
      {overview['writes'] ? (
        <>
          <p class="label">This runs</p>
          <pre class="command"><code>db.watch([], {'{ allDatabases: true }'})</code></pre>
          <button type="button" class="primary" onClick={onStart}>Watch</button>
        </>
      ) : <p>This inspector only reads. Open the database with <code>{'{ history: { changes: {} } }'}</code> to see its changes here.</p>}
    </div>
  )
}

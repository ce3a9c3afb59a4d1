// The moment that is looked at: now, or after an earlier commit.

import { useEffect, useState } from 'preact/hooks'

import { withQuery } from '../lib/location.js'
import { useShown } from '../lib/shown.js'
import { grouped } from '../lib/values.js'

export function MomentBar() {
  const { place, overview, open } = useShown()
  const { history, lastLsn } = overview
  const { at } = place.query
  const [isShown, setShown] = useState(false)
  const [commit, setCommit] = useState(at ?? String(lastLsn))
  useEffect(() => setCommit(at ?? String(lastLsn)), [at, lastLsn])
  if (history === null || lastLsn === 0) return null
  const oldest = Math.min(history.past?.from ?? history.log.from, lastLsn as number)
  const go = (text: string): void => open(withQuery(place, { at: text === String(lastLsn) ? '' : text, page: '', id: '' }))
  if (at === undefined && !isShown) return <button type="button" class="now" onClick={() => setShown(true)} title="Look at an earlier state">Now</button>
  return (
    <div class={at === undefined ? 'moment' : 'moment past'} role="group" aria-label="The moment that is looked at">
      <label>
        <span>{at === undefined ? 'Now, commit' : 'After commit'}</span>
        <input type="range" min={oldest} max={lastLsn} value={commit} aria-label="Commit" onInput={(event) => setCommit(event.currentTarget.value)} onChange={(event) => go(event.currentTarget.value)} />
        <output>{/^\d+$/.test(commit) ? grouped(Number(commit)) : commit}</output>
      </label>
      <button type="button" onClick={() => {
        setShown(false)
        if (at !== undefined) open(withQuery(place, { at: '' }))
      }}>{at === undefined ? 'Close' : 'Back to now'}</button>
    </div>
  )
}

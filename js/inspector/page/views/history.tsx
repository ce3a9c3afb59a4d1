// The versions that a document had, and what each changed.

import { useMemo, useState } from 'preact/hooks'

import { fragmentOf, kept, withQuery } from '../lib/location.js'
import { useCall } from '../lib/server.js'
import { target, useShown } from '../lib/shown.js'
import { flattened, inline, parsed, read } from '../lib/values.js'
import { Empty, Loaded } from '../parts/states.js'
import { Tree } from '../parts/tree.js'

interface Version {
  version: number | null
  lsn: number
  time: unknown
  operation: string
  document: unknown
}

export function History() {
  const { place } = useShown()
  const { id } = place.query
  const found = useCall('history', id === undefined ? undefined : { ...target(place), id })
  if (id === undefined) return <Empty>Open a document and choose its history.</Empty>
  return (
    <>
      <p class="bar"><span>The document <code>{inline(parsed(id), 80)}</code></span><a href={fragmentOf({ ...place, tab: 'documents', query: { ...kept(place.query), id } })}>Back to the documents</a></p>
      <Loaded called={found}>{({ versions }) => ((versions as Version[]).length === 0 ? <Empty>The log has no version of this document any more.</Empty> : <Versions versions={versions as Version[]} />)}</Loaded>
    </>
  )
}

function Versions({ versions }: { versions: Version[] }) {
  const { place } = useShown()
  const [chosen, setChosen] = useState(versions.length - 1)
  const at = Math.min(chosen, versions.length - 1)
  const { lsn, document } = versions[at]!
  const before = versions[at - 1]?.document ?? null
  const changes = useMemo(() => changesBetween(before, document), [before, document])
  return (
    <div class="split versions">
      <ol class="timeline" aria-label="Versions">
        {versions.map((one, row) => (
          <li key={row}><button type="button" aria-pressed={row === at} onClick={() => setChosen(row)}>
            <strong class={`o-${one.operation}`}>{one.operation}</strong><span>{read(one.time).text.replace('T', ' ').replace(/\.\d+Z$/, '')}</span>
            <small>commit {one.lsn}{one.version !== null && `, version ${one.version}`}</small>
          </button></li>
        )).toReversed()}
      </ol>
      <section>
        <h2>What it changed</h2>
        {changes.length === 0 ? <p class="note">Nothing but its version.</p> : (
          <table class="list changes"><thead><tr><th scope="col">Field</th><th scope="col">Before</th><th scope="col">After</th></tr></thead><tbody>
            {changes.map(({ path, was, is }) => <tr key={path}><th scope="row">{path}</th><td class="was">{was}</td><td class="is">{is}</td></tr>)}
          </tbody></table>
        )}
        <h2>The document then</h2>
        {document === null ? <Empty>It was deleted.</Empty> : <Tree value={document} depth={2} />}
        <p><a href={fragmentOf(withQuery({ ...place, tab: 'documents' }, { at: String(lsn), id: '' }))}>Show the collection after commit {lsn}</a></p>
      </section>
    </div>
  )
}

/** The fields that differ between two documents. */
function changesBetween(before: unknown, after: unknown): { path: string; was: string; is: string }[] {
  const [was, is] = [before, after].map((document) => (document === null ? new Map<string, unknown>() : flattened(document, 8)))
  const paths = [...new Set([...was!.keys(), ...is!.keys()])]
  return paths.filter((path) => JSON.stringify(was!.get(path)) !== JSON.stringify(is!.get(path))).slice(0, 200).map((path) => ({ path, was: cellText(was!, path), is: cellText(is!, path) }))
}

function cellText(cells: Map<string, unknown>, path: string): string {
  return cells.has(path) ? inline(cells.get(path), 300) : ''
}

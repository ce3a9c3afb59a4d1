// One document in full, with its version and times, and what can be done with it.

import { useEffect, useRef, useState } from 'preact/hooks'

import { fragmentOf, kept } from '../lib/location.js'
import { useCall } from '../lib/server.js'
import { target, useShown } from '../lib/shown.js'
import { indented, inline, parsed, read } from '../lib/values.js'
import { Loaded } from '../parts/states.js'
import { Tree } from '../parts/tree.js'
import { Delete, Replace } from './edits.js'

interface Props {
  id: string
  isView: boolean
  onChange(): void
  onClose(): void
}

export function DocumentPanel({ id, isView, onChange, onClose }: Props) {
  const { place, overview } = useShown()
  const found = useCall('document', { ...target(place), id })
  const [edit, setEdit] = useState<'replace' | 'delete'>()
  const [isCopied, setCopied] = useState(false)
  const close = useRef<HTMLButtonElement>(null)
  const mayWrite = overview['writes'] && !isView && place.query['at'] === undefined

  useEffect(() => {
    const listener = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && document.querySelector('dialog[open]') === null) onClose()
    }
    addEventListener('keydown', listener)
    return () => removeEventListener('keydown', listener)
  }, [])

  return (
    <aside class="panel" aria-label="Document">
      <header>
        <h2>{inline(parsed(id), 60)}</h2>
        <button type="button" ref={close} onClick={onClose} aria-label="Close the document">Close</button>
      </header>
      <Loaded called={found}>{({ value, version, createdAt, modifiedAt }) => (
        <>
          <div class="buttons">
            {overview['history'] !== null && !isView && <a class="button" href={fragmentOf({ ...place, tab: 'history', query: { ...kept(place.query), id } })}>History</a>}
            <button type="button" onClick={() => navigator.clipboard.writeText(indented(value)).then(() => setCopied(true), () => {})}>{isCopied ? 'Copied' : 'Copy'}</button>
            {mayWrite && <button type="button" onClick={() => setEdit('replace')}>Edit</button>}
            {mayWrite && <button type="button" class="danger" onClick={() => setEdit('delete')}>Delete</button>}
          </div>
          {version !== undefined && (
            <dl class="facts">
              <dt>Version</dt><dd>{version}</dd>
              <dt>Created</dt><dd>{read(createdAt).text}</dd>
              <dt>Modified</dt><dd>{read(modifiedAt).text}</dd>
            </dl>
          )}
          <Tree value={value} depth={2} />
          {edit === 'replace' && <Replace id={id} document={value} version={version} onClose={() => setEdit(undefined)} onDone={() => {
            found.again()
            onChange()
          }} />}
          {edit === 'delete' && <Delete id={id} onClose={() => setEdit(undefined)} onDone={() => {
            onClose()
            onChange()
          }} />}
        </>
      )}</Loaded>
    </aside>
  )
}

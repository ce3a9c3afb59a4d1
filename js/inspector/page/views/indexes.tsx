// The indexes of a collection, how often each was used, and those that would have helped.

import { useState } from 'preact/hooks'

import { withQuery } from '../lib/location.js'
import { useCall } from '../lib/server.js'
import { target, useShown, viewOf } from '../lib/shown.js'
import { bytes, grouped, inline } from '../lib/values.js'
import { Empty, Loaded } from '../parts/states.js'
import { CreateIndex, DropIndex } from './edits.js'

interface Described {
  index: { [name: string]: unknown; name: string; key: unknown }
  bytes: number | null
  uses: number
}

const USUAL = new Set(['name', 'key', 'v', 'ns'])

export function Indexes() {
  const { place, overview, open } = useShown()
  const isView = viewOf(place, overview)
  const found = useCall('indexes', isView ? undefined : target(place))
  const [dropped, setDropped] = useState<string>()
  const [keys, setKeys] = useState<string | undefined>(place.query['create'])
  const mayWrite = overview['writes'] && place.query['at'] === undefined
  if (isView) return <Empty>A view has no indexes of its own; its queries use those of the collection that it reads.</Empty>
  return (
    <Loaded called={found}>{({ indexes, suggested }) => (
      <>
        {(suggested as { key: unknown; scans: number }[]).map(({ key, scans }) => (
          <p class="advice" key={inline(key)}>An index {inline(key)} would have helped {scans} scans. {mayWrite && <button type="button" onClick={() => setKeys(inline(key))}>Create it</button>}</p>
        ))}
        <div class="scroll" tabIndex={0} role="region" aria-label="Indexes">
          <table class="list">
            <thead><tr><th scope="col">Name</th><th scope="col">Keys</th><th scope="col">Properties</th><th scope="col">Memory</th><th scope="col">Uses</th>{mayWrite && <th scope="col">Change</th>}</tr></thead>
            <tbody>
              {(indexes as Described[]).map(({ index, bytes: size, uses }) => (
                <tr key={index.name}>
                  <th scope="row">{index.name}</th>
                  <td><code>{inline(index.key)}</code></td>
                  <td>{propertiesOf(index).map((text) => <span key={text} class="property">{text}</span>)}</td>
                  <td class="amount">{size === null ? 'with the collection' : bytes(size)}</td>
                  <td class="amount">{grouped(uses)}</td>
                  {mayWrite && <td>{index.name !== '_id_' && <button type="button" class="danger" onClick={() => setDropped(index.name)}>Drop</button>}</td>}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <p class="note">Uses are counted since the database was opened.</p>
        {mayWrite && <div class="buttons"><button type="button" class="primary" onClick={() => setKeys('')}>Create an index</button></div>}
        {dropped !== undefined && <DropIndex name={dropped} onClose={() => setDropped(undefined)} onDone={found.again} />}
        {mayWrite && keys !== undefined && <CreateIndex keys={keys} onDone={found.again} onClose={() => {
          setKeys(undefined)
          if (place.query['create'] !== undefined) open(withQuery(place, { create: '' }))
        }} />}
      </>
    )}</Loaded>
  )
}

/** What an index is besides its keys: `unique`, `expireAfterSeconds: 60`. */
function propertiesOf(index: Described['index']): string[] {
  return Object.entries(index).filter(([name]) => !USUAL.has(name)).map(([name, value]) => (value === true ? name : `${name}: ${inline(value, 200)}`))
}

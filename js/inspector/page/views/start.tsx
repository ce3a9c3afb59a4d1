// All collections as a table.

import { fragmentOf, kept } from '../lib/location.js'
import { useShown } from '../lib/shown.js'
import { bytes, grouped } from '../lib/values.js'
import { Empty } from '../parts/states.js'

interface Row {
  name: string
  type: string
  count?: number
  size?: number
  nindexes?: number
  viewOn?: string
  capped?: boolean
  validated?: boolean
}

export function Start() {
  const { overview, place } = useShown()
  const databases = overview['databases'] as { name: string; collections: Row[] }[]
  const rows = databases.flatMap(({ name, collections }) => collections.map((collection) => ({ database: name, ...collection })))
  const largest = Math.max(1, ...rows.map(({ size }) => size ?? 0))
  return (
    <div class="page">
      <h1>Collections</h1>
      {rows.length === 0 ? <Empty>There are no collections yet.</Empty> : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Collections">
          <table class="list">
            <thead><tr><th scope="col">Database</th><th scope="col">Collection</th><th scope="col">Documents</th><th scope="col">Bytes</th><th scope="col" aria-label="Share" /><th scope="col">Average</th><th scope="col">Indexes</th><th scope="col">Kind</th></tr></thead>
            <tbody>
              {rows.map(({ database, name, type, count, size, nindexes, viewOn, capped, validated }) => (
                <tr key={`${database}.${name}`}>
                  <td>{database}</td>
                  <th scope="row"><a href={fragmentOf({ page: 'collection', database, collection: name, tab: 'documents', query: kept(place.query) })}>{name}</a></th>
                  <td class="amount">{count === undefined ? '' : grouped(count)}</td>
                  <td class="amount">{size === undefined ? '' : bytes(size)}</td>
                  <td class="size">{size !== undefined && <i style={{ width: `${Math.max(1, (100 * size) / largest)}%` }} />}</td>
                  <td class="amount">{count && size !== undefined ? bytes(Math.round(size / count)) : ''}</td>
                  <td class="amount">{nindexes ?? ''}</td>
                  <td>{type === 'view' ? `view of ${viewOn}` : [capped && 'capped', validated && 'validated'].filter(Boolean).join(', ')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  )
}

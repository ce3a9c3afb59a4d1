// The databases and their collections, with counts and bytes.

import { useState } from 'preact/hooks'

import { fragmentOf, kept } from '../lib/location.js'
import { useShown } from '../lib/shown.js'
import { bytes, grouped } from '../lib/values.js'

interface Row {
  name: string
  type: string
  count?: number
  size?: number
  viewOn?: string
}

export function Sidebar() {
  const { overview, place } = useShown()
  const [part, setPart] = useState('')
  const databases = overview['databases'] as { name: string; collections: Row[] }[]
  const all = databases.reduce((sum, { collections }) => sum + collections.length, 0)
  const query = kept(place.query)
  return (
    <nav class="sidebar" aria-label="Collections">
      {all > 8 && <input type="search" value={part} placeholder="Find a collection" aria-label="Find a collection" onInput={(event) => setPart(event.currentTarget.value)} />}
      <div class="collections">
        {databases.map(({ name: database, collections }) => (
          <section key={database}>
            <h2 title={database}>{database}</h2>
            {collections.length === 0 && <p class="note">no collections</p>}
            <ul>
              {collections.filter(({ name }) => name.toLowerCase().includes(part.toLowerCase())).map((row) => {
                const isCurrent = place.page === 'collection' && place.database === database && place.collection === row.name
                return (
                  <li key={row.name}>
                    <a href={fragmentOf({ page: 'collection', database, collection: row.name, tab: place.tab === 'history' ? 'documents' : place.tab, query })} aria-current={isCurrent ? 'page' : undefined} title={row.name}>
                      <span class="name">{row.name}</span>
                      <small>{row.type === 'view' ? 'view' : row.count === undefined ? '' : `${grouped(row.count)}, ${bytes(row.size ?? 0)}`}</small>
                    </a>
                  </li>
                )
              })}
            </ul>
          </section>
        ))}
      </div>
      <ul class="pages">
        <li><a href={fragmentOf({ ...place, page: 'changes', query })} aria-current={place.page === 'changes' ? 'page' : undefined}>Changes</a></li>
        <li><a href={fragmentOf({ ...place, page: 'storage', query })} aria-current={place.page === 'storage' ? 'page' : undefined}>Storage</a></li>
      </ul>
    </nav>
  )
}

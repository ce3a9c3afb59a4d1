// The page of the inspector.

import { render } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'

import { fragmentOf, go, kept, type Place, type Tab, usePlace } from './lib/location.js'
import { begin, type ServerError, useCall } from './lib/server.js'
import { type Shown, ShownContext } from './lib/shown.js'
import { Failure } from './parts/states.js'
import { Aggregation } from './views/aggregation.js'
import { Changes } from './views/changes.js'
import { Documents } from './views/documents.js'
import { Explain } from './views/explain.js'
import { History } from './views/history.js'
import { Indexes } from './views/indexes.js'
import { MomentBar } from './frame/moment.js'
import { Schema } from './views/schema.js'
import { Sidebar } from './frame/sidebar.js'
import { Start } from './views/start.js'
import { Storage } from './views/storage.js'

const TABS: readonly { tab: Tab; name: string; View: () => any }[] = [
  { tab: 'documents', name: 'Documents', View: Documents },
  { tab: 'aggregation', name: 'Aggregation', View: Aggregation },
  { tab: 'explain', name: 'Explain', View: Explain },
  { tab: 'schema', name: 'Schema', View: Schema },
  { tab: 'indexes', name: 'Indexes', View: Indexes },
  { tab: 'history', name: 'History', View: History }
]
/** The parts of a query that the tabs of a collection share. */
const SHARED = ['at', 'filter', 'sort', 'projection', 'pipeline']

function App() {
  const place = usePlace()
  const { at } = place.query
  const overview = useCall('overview', at === undefined ? {} : { at })
  const { answer } = overview
  const shown = useMemo<Shown | undefined>(() => answer && { place, overview: answer, open: go, refresh: overview.again }, [place, answer])
  useEffect(() => {
    document.title = place.page === 'collection' ? `${place.collection} - Inspector` : 'Inspector'
  }, [place.page, place.collection])

  if (overview.error) return <Ended error={overview.error} />
  if (shown === undefined) return <p class="loading" role="status">Loading</p>
  return (
    <ShownContext.Provider value={shown}>
      <header class="top">
        <a class="brand" href={fragmentOf({ ...place, page: 'start', query: kept(place.query) })}>Inspector</a>
        <code class="path" title={shown.overview['path']}>{shown.overview['path']}</code>
        <span class={shown.overview['writes'] ? 'mode writes' : 'mode'}>{shown.overview['writes'] ? 'writes' : 'read-only'}</span>
        <MomentBar />
        <button type="button" onClick={overview.again}>Refresh</button>
      </header>
      <Sidebar />
      <main aria-busy={overview.isLoading}>{place.page === 'collection' ? <CollectionPage place={place} /> : place.page === 'changes' ? <Changes /> : place.page === 'storage' ? <Storage /> : <Start />}</main>
    </ShownContext.Provider>
  )
}

function CollectionPage({ place }: { place: Place }) {
  const { View } = TABS.find(({ tab }) => tab === place.tab)!
  const shared = Object.fromEntries(Object.entries(place.query).filter(([name]) => SHARED.includes(name)))
  return (
    <div class="page collection">
      <h1><span>{place.database}.</span>{place.collection}</h1>
      <nav class="tabs" aria-label="Views of the collection">
        {TABS.filter(({ tab }) => tab !== 'history' || place.tab === 'history').map(({ tab, name }) => (
          <a key={tab} href={fragmentOf({ ...place, tab, query: tab === place.tab ? place.query : shared })} aria-current={tab === place.tab ? 'page' : undefined}>{name}</a>
        ))}
      </nav>
      <View key={`${place.database}/${place.collection}/${place.tab}`} />
    </div>
  )
}

/** Where nothing can be shown. */
function Ended({ error }: { error: ServerError }) {
  return (
    <main class="ended">
      <h1>Inspector</h1>
      <Failure message={error.message} />
      {error.status === 401 && <p>The URL with its token is where the inspector was started.</p>}
      {error.kind !== undefined && <p><a href="#/">Back to the newest state</a></p>}
    </main>
  )
}

const root = document.getElementById('app')!
begin().then(() => render(<App />, root), (error: ServerError) => render(<Ended error={error} />, root))

// The documents of a collection that match a query: as a grid or as trees, page by page, and one of them in full.

import { useState } from 'preact/hooks'

import { withQuery } from '../lib/location.js'
import { call, useCall } from '../lib/server.js'
import { queryOf, target, useShown, viewOf } from '../lib/shown.js'
import { grouped } from '../lib/values.js'
import { Grid } from '../parts/grid.js'
import { QueryBar } from '../parts/query-bar.js'
import { Empty, Failure, Loaded } from '../parts/states.js'
import { Tree } from '../parts/tree.js'
import { DocumentPanel } from './document.js'
import { Insert } from './edits.js'

const IN_GRID = 200
const IN_TREES = 50

export function Documents() {
  const { place, overview, open } = useShown()
  const { query } = place
  const isTree = query['view'] === 'json'
  const size = isTree ? IN_TREES : IN_GRID
  const page = Math.max(0, Math.floor(Number(query['page'] ?? 1)) - 1 || 0)
  const asked = { ...target(place), ...queryOf(place) }
  const found = useCall('find', { ...asked, skip: page * size, limit: size })
  const counted = useCall('count', { ...target(place), ...(query['filter'] && { filter: query['filter'] }) })
  const [isInserting, setInserting] = useState(false)
  const [failure, setFailure] = useState('')
  const isView = viewOf(place, overview)

  async function save(): Promise<void> {
    setFailure('')
    try {
      const { ticket, name } = await call('export', asked)
      const link = Object.assign(document.createElement('a'), { href: `/download/${ticket}`, download: name as string })
      link.click()
    } catch (error) {
      setFailure((error as Error).message)
    }
  }

  const again = (): void => {
    found.again()
    counted.again()
  }
  const turn = (to: number) => (): void => open(withQuery(place, { page: to === 0 ? '' : String(to + 1), id: '' }))

  return (
    <>
      <QueryBar verb="Find" onSame={again}>
        <button type="button" onClick={save}>Export</button>
        {overview['writes'] && !isView && query['at'] === undefined && <button type="button" onClick={() => setInserting(true)}>Insert</button>}
      </QueryBar>
      {failure !== '' && <Failure message={failure} />}
      <Loaded called={found}>{({ documents, more, took }) => {
        const rows = documents as unknown[]
        const row = rows.findIndex((one) => JSON.stringify((one as { _id?: unknown })._id) === query['id'])
        const first = found.of!['skip'] as number
        const openRow = (at: number): void => open(withQuery(place, { id: JSON.stringify((rows[at] as { _id?: unknown })?._id) ?? '' }))
        return (
          <>
            <div class="bar">
              <span class="count" role="status">
                {rows.length === 0 ? 'No documents' : `${grouped(first + 1)} to ${grouped(first + rows.length)}`}
                {counted.answer && rows.length > 0 && ` of ${grouped(counted.answer['count'])}`}
                {counted.error && rows.length > 0 && ' of many'}
                <span class="took">{took} ms</span>
              </span>
              <span class="pages">
                <button type="button" disabled={page === 0} onClick={turn(0)} aria-label="First page">First</button>
                <button type="button" disabled={page === 0} onClick={turn(page - 1)}>Previous</button>
                <button type="button" disabled={!more} onClick={turn(page + 1)}>Next</button>
              </span>
              <span class="switch" role="group" aria-label="View">
                <button type="button" aria-pressed={!isTree} onClick={() => open(withQuery(place, { view: '', page: '' }))}>Grid</button>
                <button type="button" aria-pressed={isTree} onClick={() => open(withQuery(place, { view: 'json', page: '' }))}>JSON</button>
              </span>
            </div>
            {rows.length === 0 && <Empty>{Object.keys(queryOf(place)).length > 0 ? 'No document matches this query.' : 'This collection is empty.'}</Empty>}
            {rows.length > 0 && (
              <div class="split">
                {isTree ? (
                  <ol class="trees" start={first + 1}>{rows.map((one, at) => (
                    <li key={first + at} class={at === row ? 'chosen' : ''}><Tree value={one} /><button type="button" class="link" onClick={() => openRow(at)}>Open</button></li>
                  ))}</ol>
                ) : <Grid documents={rows} open={row} label={`Documents of ${place.collection}`} onOpen={openRow} />}
                {query['id'] !== undefined && <DocumentPanel key={query['id']} id={query['id']} isView={isView} onChange={again} onClose={() => open(withQuery(place, { id: '' }))} />}
              </div>
            )}
          </>
        )
      }}</Loaded>
      {isInserting && <Insert onClose={() => setInserting(false)} onDone={again} />}
    </>
  )
}

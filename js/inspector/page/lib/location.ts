// What the page shows, as its URL says it: every state can be sent as a link, and the back button goes back.

import { useEffect, useState } from 'preact/hooks'

export type Tab = 'documents' | 'aggregation' | 'explain' | 'schema' | 'indexes' | 'history'
export type Page = 'start' | 'collection' | 'changes' | 'storage'

export interface Place {
  page: Page
  database: string
  collection: string
  tab: Tab
  /** Filter, sort and so on, by name. */
  query: { [name: string]: string }
}

const TABS: readonly Tab[] = ['documents', 'aggregation', 'explain', 'schema', 'indexes', 'history']

/** The place that a fragment names; what it does not name is the start. */
export function placeOf(fragment: string): Place {
  const [path = '', search = ''] = split(fragment.replace(/^#/, ''), '?')
  const parts = path.split('/').slice(1).map(decoded)
  const query = Object.fromEntries(new URLSearchParams(search))
  const none = { database: '', collection: '', tab: 'documents' as Tab, query }
  if (parts[0] === 'changes' || parts[0] === 'storage') return { ...none, page: parts[0] }
  const [kind, database, collection, tab] = parts
  if (kind !== 'in' || database === undefined || collection === undefined) return { ...none, page: 'start' }
  return { page: 'collection', database, collection, tab: TABS.find((one) => one === tab) ?? 'documents', query }
}

/** The fragment of a place. */
export function fragmentOf({ page, database, collection, tab, query }: Place): string {
  const path = page === 'collection' ? `/in/${encodeURIComponent(database)}/${encodeURIComponent(collection)}/${tab}` : page === 'start' ? '/' : `/${page}`
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString()
  return `#${path}${search === '' ? '' : `?${search}`}`
}

function split(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export function go(place: Place): void {
  location.hash = fragmentOf(place)
}

/** The place that the page shows, from now on. */
export function usePlace(): Place {
  const [place, setPlace] = useState(() => placeOf(location.hash))
  useEffect(() => {
    const listener = (): void => setPlace(placeOf(location.hash))
    addEventListener('hashchange', listener)
    return () => removeEventListener('hashchange', listener)
  }, [])
  return place
}

/** The same place with other parts of its query; an empty one is left out. */
export function withQuery(place: Place, changes: { [name: string]: string }): Place {
  return { ...place, query: { ...place.query, ...changes } }
}

/** The moment that is looked at goes with every link. */
export function kept({ at }: Place['query']): Place['query'] {
  return at === undefined ? {} : { at }
}

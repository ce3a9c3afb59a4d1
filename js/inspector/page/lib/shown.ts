// What all views know: the place, what the database is, and how to go elsewhere.

import { createContext } from 'preact'
import { useContext } from 'preact/hooks'

import type { Place } from './location.js'
import { type Answer, call } from './server.js'

export interface Shown {
  place: Place
  overview: Answer
  /** Goes to another place, or to the same with another query. */
  open(place: Place): void
  /** Counts and bytes have changed. */
  refresh(): void
}

export const ShownContext = createContext<Shown | undefined>(undefined)

export function useShown(): Shown {
  return useContext(ShownContext)!
}

/** What every call about a collection has. */
export function target({ database, collection, query: { at } }: Place): { database: string; collection: string; at?: string } {
  return { database, collection, ...(at !== undefined && { at }) }
}

/** The fields of a query that are filled in. */
export function queryOf({ query: { filter, sort, projection } }: Place): { [name: string]: string } {
  return Object.fromEntries(Object.entries({ filter, sort, projection }).filter(([, value]) => value)) as { [name: string]: string }
}

/** Whether the collection is a view, which has no document of its own. */
export function viewOf({ database, collection }: Place, overview: Answer): boolean {
  const of = (overview['databases'] as { name: string; collections: { name: string; type: string }[] }[]).find(({ name }) => name === database)
  return of?.collections.find(({ name }) => name === collection)?.type === 'view'
}

/** The paths of a collection, asked for once: completions need them. */
const paths = new Map<string, Promise<string[]>>()

export function pathsOf(place: Place): Promise<string[]> {
  const body = target(place)
  const name = JSON.stringify(body)
  const known = paths.get(name) ?? call('schema', body).then(
    ({ fields }) => (fields as { path: string }[]).map(({ path }) => path.replaceAll('[]', '')),
    () => {
      paths.delete(name)
      return []
    }
  )
  paths.set(name, known)
  return known
}

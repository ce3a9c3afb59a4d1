// The calls of the page, by name.

import type { Route } from '../calls/call.js'
import type { Tickets } from './export.js'
import { changes, history } from './past.js'
import { aggregate, count, document, explain, find, preview } from './queries.js'
import { storage, verify } from './storage.js'
import { indexes, overview, schema } from './structure.js'
import { createIndex, dropIndex, insert, remove, replace } from './writes.js'

/** A map and no object: a path may be `constructor`. */
export function routesWith(tickets: Tickets): ReadonlyMap<string, Route> {
  return new Map(Object.entries({
    overview, find, count, document, explain, aggregate, preview, schema, indexes, history, changes, storage, verify, export: tickets.route,
    insert, replace, delete: remove, createIndex, dropIndex
  }))
}

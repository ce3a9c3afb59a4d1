// The inspector: a web page for looking into a database. It is a file of its own, which is loaded when it is used first.

import type { Database } from '../api/database.js'
import type { Inspector } from '../types/index.js'
import { InspectorServer, type ServerSettings } from './server.js'

/** The page with its style and script, and the icon: scripts/build-js.mjs makes them. */
declare const INSPECTOR_PAGE: string
declare const INSPECTOR_ICON: string

/** Starts an inspector; resolves when it listens. */
export async function openInspector(db: Database, settings: ServerSettings): Promise<Pick<Inspector, 'url' | 'port' | 'close'>> {
  const server = new InspectorServer(db, settings, { page: INSPECTOR_PAGE, icon: INSPECTOR_ICON })
  await server.listen()
  const { port, token } = server
  return { url: `http://127.0.0.1:${port}/#token=${token}`, port, close: () => server.close() }
}

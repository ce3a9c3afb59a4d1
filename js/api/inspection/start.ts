// The start of an inspector, whose code is loaded here and not before.

import { flagOf, wrongArgument } from '../../arguments/arguments.js'
import { optionsOf } from '../../arguments/option-check.js'
import { DATABASE } from '../../arguments/option-table.js'
import type { Connection } from '../../connection/connection.js'
import { asyncDispose } from '../../cursor/dispose.js'
import { MoltenError } from '../../errors.js'
import type { Inspector, InspectorOptions } from '../../types/index.js'

/** What the file of the inspector exports. */
interface InspectorFile {
  openInspector(db: unknown, settings: { port: number; write: boolean; readOnly: boolean }): Promise<Pick<Inspector, 'url' | 'port' | 'close'>>
}

const LARGEST_PORT = 65_535

/** Starts an inspector of a database, which is closed with it. */
export async function startInspector(db: unknown, connection: Connection, options: InspectorOptions | undefined): Promise<Inspector> {
  const where = 'Database.inspect'
  connection.checkOpen(where)
  const given = optionsOf<InspectorOptions>(where, options, DATABASE.inspect)
  const port = portOf(where, given.port)
  const write = flagOf(where, 'write', given.write)
  const { readOnly } = connection.settings
  if (write && readOnly) throw new MoltenError('READ_ONLY', `${where}: the database is open read-only, so option write cannot be true`)
  // The bundle leaves this path as it is: the file lies beside it.
  const { openInspector } = require('./inspector.js') as InspectorFile
  const inspector = await openInspector(db, { port, write, readOnly })
  const { close } = inspector
  // The database may have been closed while the port was opened.
  if (!connection.isOpen) {
    await close()
    throw connection.closedError(where)
  }
  connection.closers.add(close)
  const ending = (): Promise<void> => {
    connection.closers.delete(close)
    return close()
  }
  return { url: inspector.url, port: inspector.port, close: ending, [asyncDispose]: ending }
}

function portOf(where: string, port: unknown): number {
  if (port === undefined || port === null) return 0
  if (!Number.isInteger(port) || (port as number) < 0 || (port as number) > LARGEST_PORT) throw wrongArgument(where, 'option port', `a whole number from 0 to ${LARGEST_PORT}`, port)
  return port as number
}

// The verb studio: a web page for looking into a database, until it is ended.

import { Interrupted } from '../failures.js'
import { wholeNumber } from '../line/parse.js'
import { DIR, type Call, type Verb } from '../line/table.js'
import { UsageError } from '../line/usage.js'
import { directoryOf, reading, writing } from '../opening.js'
import type { Database } from '../package.js'

const LARGEST_PORT = 65_535
/** How often it is seen whether the parent process is still there, in milliseconds. */
const LOOKS = 500

export const studio: Verb = {
  name: 'studio',
  arguments: [DIR],
  options: [
    { name: 'port', value: 'N', summary: 'the port; the default is one that is free' },
    { name: 'write', summary: 'documents can be inserted, replaced and deleted, indexes created and dropped' }
  ],
  summary: 'a web page for looking into a database, until Ctrl-C',
  text: [
    'It prints a URL to open in a browser on this machine. The URL has a token: who has it can read all documents. Only programs of this machine can connect.',
    'Without --write no byte of the database changes. With it the database is open for writing, so no other program can open it meanwhile.'
  ],
  examples: ['studio data/app', 'studio data/app --port 4000 --write'],
  run: (call) => {
    const port = wholeNumber('port', call.options['port'], call.verb.name) ?? 0
    if (port > LARGEST_PORT) throw new UsageError(`--port must be at most ${LARGEST_PORT}`, call.verb.name)
    // The page tells of indexes that would help. Nothing happens by itself: neither a compaction nor the deletion of what has expired.
    return call.options['write'] === true
      ? writing(call, (db) => serve(call, db, { port, write: true }), false, { autoIndex: 'suggest', autoCompact: false, ttlMonitor: false })
      : reading(call, (db) => serve(call, db, { port }), { autoIndex: 'suggest', besideOwner: false })
  }
}

/** Serves until a signal, or until nobody is there to send one. */
async function serve(call: Call, db: Database, options: { port: number; write?: boolean }): Promise<void> {
  const { output, signal } = call
  const inspector = await db.inspect(options)
  try {
    if (output.isTable) {
      await output.say(`The inspector of ${directoryOf(call)} ${options.write ? 'reads and writes' : 'only reads'}. Open this URL, end it with Ctrl-C:`)
      await output.line(inspector.url)
    } else await output.json({ url: inspector.url, port: inspector.port, write: options.write === true })
    await output.flush()
    await untilEnded(signal)
  } finally {
    await inspector.close()
  }
  // A signal is its regular end.
  if (signal.aborted && !(signal.reason instanceof Interrupted)) throw signal.reason
}

function untilEnded(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const parent = process.ppid
    const end = (): void => {
      clearInterval(timer)
      process.off('SIGHUP', end)
      resolve()
    }
    const timer = setInterval(() => {
      if (process.ppid !== parent) end()
    }, LOOKS)
    // The terminal was closed.
    process.once('SIGHUP', end)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}

// Opening the database of a call: for reading, without a change of any byte, or for writing, without giving back anything of the past.

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { isInside } from '../paths/paths.js'
import type { HistoryOptions, OpenOptions, Verification } from '../types/index.js'
import { filesBeside, removeLeftBehind } from './beside.js'
import { VerbError } from './failures.js'
import { quoted } from './line/parse.js'
import type { Call } from './line/table.js'
import { didYouMean } from './line/usage.js'
import { grouped, moment } from './output/text.js'
import { type Collection, type Database, type MoltenError, thePackage } from './package.js'
import { momentOf } from './line/moment.js'

/** Nothing is kept less long than it was: an option that is left out would give back what a program keeps. */
const ALL = { maxAge: Infinity, maxBytes: Infinity }
/** The most generations that `backup/` may be told to keep. */
const ALL_GENERATIONS = 1000

/** The directory of a call. */
export function directoryOf(call: Call): string {
  return call.arguments[0]!
}

/** The option with the key that a file or the environment gives; no argument is one, since other users see the arguments of a process. */
export function keyOf(call: Call): { encryptionKey?: string | Uint8Array } {
  const file = call.options['key-file']
  const given = file === undefined ? process.env.MOLTENDB_KEY : readKey(String(file))
  if (given === undefined || given === '') return {}
  const digits = /^hex:([\da-f]{64})$/i.exec(given)
  return { encryptionKey: digits ? Buffer.from(digits[1]!, 'hex') : given }
}

/** The text of a file, without a line break at its end. */
function readKey(file: string): string {
  try {
    const key = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    if (key !== '') return key
  } catch (error) {
    throw new VerbError(`the key cannot be read: ${(error as Error).message}`)
  }
  throw new VerbError(`${file} holds no key`)
}

/** Runs a function with the database that the call names, as it was at `--at`, and closes it. */
export async function reading<R>(call: Call, run: (db: Database, root: Database) => Promise<R>, { besideOwner = true, ...more }: OpenOptions & { besideOwner?: boolean } = {}): Promise<R> {
  const settings = { ...READING, ...more }
  const { signal, options, verb } = call
  const at = options['at'] === undefined ? undefined : momentOf('at', String(options['at']), verb.name)
  const using = async (opened: Database): Promise<R> => {
    try {
      const root = at === undefined ? opened : await opened.asOf(at, { signal })
      return await run(await named(root, call), root)
    } finally {
      await opened.close()
    }
  }
  let opened: Database
  try {
    opened = await open(call, settings)
  } catch (error) {
    if (!besideOwner || !isLocked(error)) throw error
    return await beside(call, error, (path) => open(call, settings, path), using)
  }
  return await using(opened)
}

const READING: OpenOptions = { readOnly: true, autoIndex: 'off' }

function isLocked(error: unknown): error is MoltenError {
  return thePackage().MoltenError.isMoltenError(error) && error.kind === 'LOCKED'
}

/** What may come of files that were taken while they were written, and not of the same files a moment later. */
const PASSING = new Set(['CORRUPT', 'CORRUPT_TAIL', 'TAMPERED', 'IO'])
const TRIES = 4

/** Reads the files of a database that another process has open, as they are at one moment; says which. */
async function beside<T, R>(call: Call, locked: MoltenError, start: (path: string) => Promise<T>, use: (started: T, path: string) => Promise<R>): Promise<R> {
  for (let attempt = 1; ; attempt++) {
    const { path, remove } = await filesBeside(directoryOf(call), call.signal)
    try {
      let started: T
      try {
        started = await start(path)
      } catch (error) {
        const passes = thePackage().MoltenError.isMoltenError(error) && PASSING.has(error.kind)
        if (passes && attempt < TRIES) continue
        throw error
      }
      await tellMoment(call, locked, started)
      return await use(started, path)
    } catch (error) {
      // The directory is of no use to anybody who reads the message.
      if (error instanceof Error) error.message = error.message.replaceAll(path, directoryOf(call))
      throw error
    } finally {
      remove()
    }
  }
}

/** Says which moment is shown, and who goes on writing. */
async function tellMoment(call: Call, { pid }: MoltenError, started: unknown): Promise<void> {
  const { lastLsn } = started instanceof thePackage().Database ? await started.stats() : started as Verification
  call.progress.end()
  call.tell(`${pid === undefined ? 'another process' : `process ${pid}`} has ${directoryOf(call)} open; this is the state of its files after commit ${grouped(lastLsn)}, at ${moment(Date.now())}`)
}

/** Verifies the files of the directory, or, where another process has it open, those of one moment. */
export async function verified(call: Call): Promise<Verification & { isOpen: boolean }> {
  const { signal, progress } = call
  removeLeftBehind(directoryOf(call))
  const verify = (path: string): Promise<Verification> => thePackage().Database.verify(path, { signal, onProgress: progress.steps, ...keyOf(call) })
  try {
    return { ...await verify(directoryOf(call)), isOpen: false }
  } catch (error) {
    if (!isLocked(error)) throw error
    let tries = 0
    return await beside(call, error, async (path) => {
      const found = await verify(path)
      // Damage may be of the moment at which the files were taken; that of the last try is told.
      if (!found.ok && ++tries < TRIES) throw new (thePackage().MoltenError)('CORRUPT', 'the files are damaged')
      return found
    }, async (found) => ({ ...found, isOpen: true }))
  }
}

/** A file that a verb writes must not be among those of the database, whatever is read beside its owner. */
export function outside(call: Call, option: string, path: string): string {
  if (isInside(path, directoryOf(call))) throw new VerbError(`${option} ${path} is inside the directory of the database; name a place outside of it`)
  return path
}

/** The same for a verb that writes. */
export async function writing<R>(call: Call, run: (db: Database) => Promise<R>, create = false, more: OpenOptions = {}): Promise<R> {
  const path = directoryOf(call)
  const isThere = existsSync(join(path, 'MANIFEST'))
  const isNew = create && !existsSync(path)
  const db = await open(call, { autoIndex: 'off', createIfMissing: create, ...more, ...(isThere && await kept(call, more.recovery)) })
  let isEmpty = false
  try {
    const { db: name } = call.options
    return await run(name === undefined ? db : db.sibling(String(name)))
  } catch (error) {
    // Nothing was written to what was made for it.
    isEmpty = isNew && (await db.stats()).lastLsn === 0
    throw error
  } finally {
    // Not the signal: what was written is flushed in any case.
    await db.close()
    if (isEmpty) rmSync(path, { recursive: true, force: true })
  }
}

async function open(call: Call, options: OpenOptions, path = directoryOf(call)): Promise<Database> {
  removeLeftBehind(directoryOf(call))
  try {
    return await thePackage().Database.open(path, { createIfMissing: false, signal: call.signal, onProgress: call.progress.steps, ...keyOf(call), ...options })
  } finally {
    // Its bar would stand in what is printed.
    call.progress.end()
  }
}

/** The options with which a writer gives nothing of the past back: neither log, nor snapshots, nor old generations. */
async function kept(call: Call, recovery: OpenOptions['recovery']): Promise<OpenOptions> {
  const db = await open(call, { readOnly: true, autoIndex: 'off', ...(recovery && { recovery }) })
  const { history } = await db.stats({ signal: call.signal }).finally(() => db.close())
  const keeps: HistoryOptions = { ...(history?.changes && { changes: ALL }), ...(history?.past && { past: ALL }) }
  return { history: keeps, ...(generations(directoryOf(call)) > 0 && { retention: { generations: ALL_GENERATIONS } }) }
}

/** How many old generations the option `retention` of a program has kept. */
export function generations(path: string): number {
  try {
    return readdirSync(join(path, 'backup'), { withFileTypes: true }).filter((entry) => entry.isDirectory() && /^\d+$/.test(entry.name)).length
  } catch {
    return 0
  }
}

/** The database of `--db`, which must have a collection. */
async function named(root: Database, call: Call): Promise<Database> {
  const { db: name } = call.options
  if (name === undefined || name === root.databaseName) return root
  const { databases } = await root.listDatabases({ nameOnly: true, signal: call.signal })
  const names = databases.map((database) => database.name)
  if (!names.includes(String(name))) throw new VerbError(`there is no database ${quoted(String(name))} in ${directoryOf(call)}${advice(String(name), names)}`)
  return root.sibling(String(name))
}

/** Where a collection that is not there is looked for. */
const MOST_DATABASES = 100

/** A collection, which must exist: a name with a typing error would look like an empty collection. */
export async function existing(db: Database, name: string, signal: AbortSignal): Promise<Collection> {
  // An invalid name throws before anything is read.
  const collection = db.collection(name)
  const names = (await db.listCollections({}, { nameOnly: true, signal }).toArray()).map((info) => info.name)
  if (names.includes(name)) return collection
  const other = await elsewhere(db, name, signal)
  throw new VerbError(`there is no collection ${quoted(name)} in the database ${quoted(db.databaseName)}${other === undefined ? advice(name, names) : `; the database ${quoted(other)} has one: --db ${other}`}`)
}

/** Another database of the directory that has a collection of this name. */
async function elsewhere(db: Database, name: string, signal: AbortSignal): Promise<string | undefined> {
  const { databases } = await db.listDatabases({ nameOnly: true, signal })
  for (const { name: other } of databases.slice(0, MOST_DATABASES)) {
    if (other === db.databaseName) continue
    const found = await db.sibling(other).listCollections({ name }, { nameOnly: true, signal }).toArray()
    if (found.length > 0) return other
  }
  return undefined
}

function advice(name: string, names: readonly string[]): string {
  if (names.length === 0) return '; it has none'
  return didYouMean(name, names) || (names.length <= 12 ? `; there are ${names.map(quoted).join(', ')}` : '; `moltendb-node ls` lists them')
}

// Verbs for the files of other databases: import with a format, load and dump.

import type { ImportFileOptions, ImportFileResult } from '../../types/index.js'
import { VerbError } from '../failures.js'
import { oneOf, wholeNumber } from '../line/parse.js'
import { DB, DIR, type Call, type Option, type Verb } from '../line/table.js'
import { UsageError } from '../line/usage.js'
import { existing, outside, reading, writing } from '../opening.js'
import { bytes, several } from '../output/text.js'
import { objectOf } from '../../values/extended-json.js'
import { readdirSync, readFileSync, statSync } from 'node:fs'

export const FORMATS = ['ndjson', 'mongoexport', 'json', 'csv', 'nedb', 'lokijs', 'lowdb', 'electron-store', 'bson', 'mongodump'] as const
const EXISTS = ['error', 'replace', 'skip'] as const
const ON_ERROR = ['stop', 'skip'] as const
const ALGORITHMS = ['aes-256-cbc', 'aes-256-gcm', 'aes-256-ctr'] as const

/** What import and load have in common. */
export const TAKING: readonly Option[] = [
  { name: 'if-exists', value: 'WHAT', completes: EXISTS, summary: `what to do with a document whose _id exists: ${EXISTS.join(', ')}; default error` },
  { name: 'on-error', value: 'WHAT', completes: ON_ERROR, summary: 'what to do with a record that cannot be taken: stop (the default), or skip, which lists it' },
  { name: 'rejects', value: 'FILE', completes: 'file', summary: 'a new file for the records that were left out, as lines of JSON' },
  { name: 'no-indexes', summary: 'makes none of the indexes that the file names' },
  { name: 'batch-size', value: 'N', summary: 'documents in a commit; default 1000' },
  { name: 'create', summary: 'makes the database if there is none' }
]

/** What import has for some formats. */
export const OF_FORMATS: readonly Option[] = [
  { name: 'format', value: 'FORMAT', completes: FORMATS, summary: `what the file is: ${FORMATS.join(', ')}; default lines of Extended JSON, and what .csv, .tsv, .bson, .nedb or a directory says` },
  { name: 'id-field', value: 'FIELD', summary: 'the field that becomes the _id of a document that has none' },
  { name: 'types', value: 'JSON', summary: 'what fields become that are text: {"age":"number"}; string, number, long, boolean, date, objectId' },
  { name: 'infer', summary: 'csv: cells that look like a number, true or false become that, empty ones null' },
  { name: 'separator', value: 'LETTER', summary: 'csv: what stands between cells; default what the first line has most of' },
  { name: 'header', value: 'NAMES', summary: 'csv: the names of the columns, with commas, of a file without a line of them' },
  { name: 'keep-meta', summary: 'lokijs: $loki and meta stay in the documents' },
  { name: 'store-key-file', value: 'FILE', completes: 'file', summary: 'electron-store: a file with its encryptionKey' },
  { name: 'store-algorithm', value: 'NAME', completes: ALGORITHMS, summary: 'electron-store: its encryptionAlgorithm; default aes-256-cbc' }
]

const text = ({ options }: Call, name: string): string | undefined => (options[name] === undefined ? undefined : String(options[name]))

/** The options of the API that those of a call are. */
export function fileOptions(call: Call): ImportFileOptions {
  const { options, verb } = call
  const ifExists = oneOf('if-exists', options['if-exists'], EXISTS, verb.name)
  const onError = oneOf('on-error', options['on-error'], ON_ERROR, verb.name)
  const format = oneOf('format', options['format'], FORMATS, verb.name)
  const algorithm = oneOf('store-algorithm', options['store-algorithm'], ALGORITHMS, verb.name)
  const batchSize = wholeNumber('batch-size', options['batch-size'], verb.name, 1)
  const [rejects, idField, types, separator, header] = ['rejects', 'id-field', 'types', 'separator', 'header'].map((name) => text(call, name))
  const keyFile = text(call, 'store-key-file')
  if (rejects !== undefined && onError !== 'skip') throw new UsageError('--rejects is for the records that --on-error skip leaves out; give both', verb.name)
  if (rejects !== undefined) outside(call, '--rejects', rejects)
  return {
    ...(ifExists && { ifExists }), ...(onError && { onError }), ...(format && { format }), ...(batchSize !== undefined && { batchSize }),
    ...(rejects !== undefined && { rejects }), ...(idField !== undefined && { idField }), ...(options['no-indexes'] && { indexes: false }),
    ...(types !== undefined && { types: objectOf(types, '--types') as NonNullable<ImportFileOptions['types']> }), ...(options['infer'] && { infer: true }),
    ...(separator !== undefined && { separator: separator === '\\t' ? '\t' : separator }), ...(header !== undefined && { header: header.split(',') }), ...(options['keep-meta'] && { keepMeta: true }),
    ...(keyFile !== undefined && { encryptionKey: keyOf(keyFile) }), ...(algorithm && { encryptionAlgorithm: algorithm })
  }
}

function keyOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new VerbError(`the key cannot be read: ${(error as Error).message}`)
  }
}

/** Runs an import of a file, and tells what it did. */
export async function importInto(call: Call, path: string, options: ImportFileOptions): Promise<void> {
  const { output, progress, signal } = call
  let imported = 0
  let own = ''
  const done = await writing(call, async (db): Promise<ImportFileResult> => {
    own = db.databaseName
    try {
      const result = await db.importFile(path, {
        ...options, signal,
        onProgress: (told) => {
          imported = told.imported
          progress.transfer(told.imported, told.bytes, told.totalBytes)
        }
      })
      await db.flush()
      return result
    } catch (error) {
      if (signal.aborted && imported > 0) call.tell(`${several(imported, 'document')} ${imported === 1 ? 'is' : 'are'} imported; the same with --if-exists skip goes on`)
      throw error
    }
  }, call.options['create'] === true)
  progress.end()
  if (!output.isTable) return output.json(done)
  for (const { file, line, reason, path: at } of done.rejected) call.tell(`${file}, record ${line}: ${at === undefined || reason.startsWith(at) ? '' : `${at}: `}${reason}`)
  if (done.rejectedRecords > done.rejected.length) call.tell(`and ${several(done.rejectedRecords - done.rejected.length, 'record')} more were left out`)
  for (const note of done.notes) await output.say(note)
  const databases = [...new Set(done.collections.map(({ database }) => database))]
  // A dump of several databases brings their names along.
  const others = databases.some((name) => name !== own) ? ` of the ${databases.length === 1 ? 'database' : 'databases'} ${databases.slice(0, 12).join(', ')}${databases.length > 12 ? ', ...' : ''}` : ''
  const collections = `${several(done.collections.length, 'collection')}${others}`
  const more = [
    done.skipped > 0 && `${done.skipped} skipped because their _id exists`, done.rejectedRecords > 0 && `${several(done.rejectedRecords, 'record')} left out`, done.indexes > 0 && several(done.indexes, 'index', 'indexes')
  ].filter((part) => part !== false)
  await output.say(`${several(done.imported, 'document')} imported into ${collections}${more.length > 0 ? `, ${more.join(', ')}` : ''}`)
}

/** Whether a dump says which databases it is of: an archive, or a directory of directories. */
function namesDatabases(path: string): boolean {
  try {
    if (!statSync(path).isDirectory()) return !/\.bson(\.gz)?$/.test(path)
    return !readdirSync(path).some((name) => /\.(bson|metadata\.json)(\.gz)?$/.test(name))
  } catch {
    // What is not there is told by who reads it.
    return false
  }
}

export const load: Verb = {
  name: 'load',
  arguments: [DIR, { name: 'DUMP', completes: 'file' }],
  options: [...TAKING, { name: 'collections', value: 'NAMES', summary: 'only these collections, with commas' }, DB],
  summary: 'what mongodump has written: a directory, an archive, or a file of BSON',
  text: [
    'A directory of one database goes into the database of DIR, or that of --db; of several, and from an archive, each goes into the one of its name. Indexes, validators, capped collections and views are made as far as they have an equal; what has none is told.',
    'It stops at the first document that cannot be stored; the documents before it are kept. After an interruption, --if-exists skip goes on.'
  ],
  examples: ['load data/app dump/shop --create', 'load data/app shop.archive.gz --on-error skip --rejects rejects.jsonl'],
  writes: true,
  run: (call) => {
    const names = text(call, 'collections')
    const path = call.arguments[1]!
    if (call.options['db'] !== undefined && namesDatabases(path)) throw new UsageError(`--db is for a dump of one database, and ${path} names its databases; without it each goes into the one of its name`, call.verb.name)
    const isBson = /\.bson(\.gz)?$/.test(path)
    if (isBson && names !== undefined) throw new UsageError('--collections is of no use for a file of one collection', call.verb.name)
    return importInto(call, path, { ...fileOptions(call), ...(isBson ? {} : { format: 'mongodump' as const }), ...(names !== undefined && { collections: names.split(',') }) })
  }
}

export const dump: Verb = {
  name: 'dump',
  arguments: [DIR, { name: 'DEST', completes: 'directory' }, { name: 'COLL', isOptional: true }],
  options: [
    { name: 'archive', summary: 'one file, as mongodump --archive writes it' },
    { name: 'gzip', summary: 'compresses the files' },
    { name: 'all-databases', summary: 'the collections of all databases of the directory' },
    DB
  ],
  summary: 'documents, indexes and options as mongodump writes them; mongorestore and load read it',
  text: ['DEST must not exist; it appears when it is complete.'],
  examples: ['dump data/app backups/dump', 'dump data/app app.archive.gz --archive --gzip'],
  run: (call) => {
    const { options, verb } = call
    const [, destination, name] = call.arguments
    const allDatabases = options['all-databases'] === true
    if (allDatabases && (name !== undefined || options['db'] !== undefined)) throw new UsageError('--all-databases excludes COLL and --db', verb.name)
    return reading(call, async (db) => {
      const { output, progress, signal } = call
      if (name !== undefined) await existing(db, name, signal)
      const done = await db.exportMongodump(outside(call, 'DEST', destination!), {
        signal, onProgress: ({ documents, bytes: size }) => progress.transfer(documents, size),
        ...(options['archive'] && { archive: true }), ...(options['gzip'] && { gzip: true }), ...(name !== undefined && { collections: [name] }), ...(allDatabases && { allDatabases })
      })
      progress.end()
      if (!output.isTable) return output.json({ ...done, path: destination })
      await output.say(`${several(done.documents, 'document')} of ${several(done.collections, 'collection')}, ${bytes(done.bytes)} of BSON, in ${destination}`)
    })
  }
}

// Imports the files of other databases: checks the options, finds out what the file is, and has it read.

import { existsSync } from 'node:fs'
import { basename } from 'node:path'

import { checkCollectionName, countOf, flagOf, shown, wrongArgument } from '../arguments/arguments.js'
import { IMPORT_BATCH, MAX_IMPORT_BATCH } from '../arguments/limits.js'
import { filePathOf } from '../arguments/open-options.js'
import { optionsOf } from '../arguments/option-check.js'
import { DATABASE } from '../arguments/option-table.js'
import type { Connection } from '../connection/connection.js'
import { MoltenError } from '../errors.js'
import type { ImportFileOptions, ImportFileResult, ImportFormat, ImportType } from '../types/index.js'
import { importCsv } from './formats/csv.js'
import { importJson, importLowdb, importStore } from './formats/json.js'
import { importLines } from './formats/lines.js'
import { importLoki } from './formats/lokijs.js'
import { importNedb } from './formats/nedb.js'
import { FORMATS, guessed } from './guess.js'
import { importArchive } from './mongodump/archive.js'
import { importBson, importFolder } from './mongodump/folder.js'
import { entryAt } from './source.js'
import { type Home, type Plan, WHERE, Work } from './work.js'

const TYPES: readonly ImportType[] = ['string', 'number', 'long', 'boolean', 'date', 'objectId']
const ALGORITHMS = ['aes-256-cbc', 'aes-256-gcm', 'aes-256-ctr']

/** Options that only some formats have a use for. */
const ONLY: { readonly [option: string]: readonly ImportFormat[] } = {
  collection: ['ndjson', 'mongoexport', 'json', 'csv', 'nedb', 'lowdb', 'electron-store', 'bson'],
  collections: ['lokijs', 'lowdb', 'mongodump'],
  types: ['csv', 'json', 'lokijs', 'lowdb', 'electron-store'],
  indexes: ['nedb', 'lokijs', 'bson', 'mongodump'],
  infer: ['csv'],
  separator: ['csv'],
  header: ['csv'],
  keepMeta: ['lokijs'],
  encryptionKey: ['electron-store'],
  encryptionAlgorithm: ['electron-store']
}

/** Imports a file or a directory of another database. */
export function importFile(connection: Connection, home: Home, path: unknown, given: ImportFileOptions | undefined): Promise<ImportFileResult> {
  return connection.told(WHERE, given?.signal, () => run(connection, home, path, given))
}

async function run(connection: Connection, home: Home, given: unknown, options: ImportFileOptions | undefined): Promise<ImportFileResult> {
  const path = filePathOf(given, 'path', WHERE)
  const plan = planOf(options)
  connection.checkOpen(WHERE)
  if (plan.rejects !== undefined && plan.onError !== 'skip') throw new TypeError(`${WHERE}: option rejects is for the records that onError: 'skip' leaves out; give both`)
  plan.signal?.throwIfAborted()
  const { isDirectory, bytes } = entryAt(WHERE, path)
  const format = plan.format ?? await guessed(path, isDirectory)
  if (format === undefined) {
    const what = isDirectory ? `${path} is a directory without a dump` : `what ${path} is cannot be told from its name and its start`
    throw new TypeError(`${WHERE}: ${what}; give the option format: ${FORMATS.join(', ')}`)
  }
  for (const [name, formats] of Object.entries(ONLY)) {
    if (plan[name as keyof Plan] !== undefined && !formats.includes(format)) throw new TypeError(`${WHERE}: option ${name} is of no use for ${format}; it is of ${formats.join(', ')}`)
  }
  if (isDirectory && format !== 'mongodump') throw new MoltenError('IO', `${WHERE}: ${path} is a directory, and ${format} is a file`, { file: path })
  const work = new Work(connection, home, plan, plan.rejects === undefined ? undefined : filePathOf(plan.rejects, 'option rejects', WHERE))
  work.expect(bytes)
  try {
    await read(work, path, format, isDirectory)
    await work.flush()
    return work.report.result(format)
  } catch (error) {
    throw plan.signal?.aborted ? plan.signal.reason : error
  } finally {
    work.limit.end()
    work.report.close()
  }
}

async function read(work: Work, path: string, format: ImportFormat, isDirectory: boolean): Promise<void> {
  const collection = (): string => work.plan.collection ?? named(path)
  switch (format) {
    case 'ndjson':
    case 'mongoexport':
      return importLines(work, path, collection())
    case 'json':
      return importJson(work, path, collection())
    case 'csv':
      return importCsv(work, path, collection())
    case 'nedb':
      if (existsSync(`${path}~`)) work.report.note(`${path}~ is there too: a compaction of NeDB that was interrupted. NeDB reads ${basename(path)} first, as was done here`)
      return importNedb(work, path, collection())
    case 'lokijs':
      return importLoki(work, path)
    case 'lowdb':
      return importLowdb(work, path, collection())
    case 'electron-store':
      return importStore(work, path, collection())
    case 'bson':
      return importBson(work, path, work.plan.collection ?? decoded(named(path)))
    case 'mongodump':
      return isDirectory ? importFolder(work, path) : importArchive(work, path)
  }
}

/** The name of a file up to its first dot, as a collection. */
function named(path: string): string {
  return basename(path).replace(/^\.+/, '').replace(/\..*$/s, '') || 'documents'
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** The options, checked. */
function planOf(given: ImportFileOptions | undefined): Plan {
  const options = optionsOf<ImportFileOptions>(WHERE, given, DATABASE.importFile)
  const { format, collection, collections, ifExists = 'error', onError = 'stop', idField, types, separator, header, encryptionKey, encryptionAlgorithm } = options
  if (format !== undefined) oneOf('format', format, FORMATS)
  if (collection !== undefined) checkCollectionName(WHERE, collection, 'option collection')
  for (const name of texts('collections', collections) ?? []) checkCollectionName(WHERE, name, 'option collections')
  oneOf('ifExists', ifExists, ['error', 'replace', 'skip'])
  oneOf('onError', onError, ['stop', 'skip'])
  if (idField !== undefined && (typeof idField !== 'string' || idField === '')) throw wrongArgument(WHERE, 'option idField', 'the name of a field', idField)
  for (const name of ['indexes', 'infer', 'keepMeta'] as const) if (options[name] !== undefined) flagOf(WHERE, name, options[name])
  if (types !== undefined) {
    if (typeof types !== 'object' || types === null || Array.isArray(types)) throw wrongArgument(WHERE, 'option types', "an object such as { born: 'date' }", types)
    for (const [path, type] of Object.entries(types)) oneOf(`types.${path}`, type, TYPES)
  }
  if (separator !== undefined && (typeof separator !== 'string' || !/^[^"\r\n]$/.test(separator) || separator.charCodeAt(0) > 127)) throw wrongArgument(WHERE, 'option separator', 'one ASCII character that is neither a quote nor a line break', separator)
  if (texts('header', header)?.length === 0) throw new TypeError(`${WHERE}: option header names no column`)
  if (encryptionKey !== undefined && !(encryptionKey instanceof Uint8Array) && (typeof encryptionKey !== 'string' || encryptionKey === '')) throw new TypeError(`${WHERE}: option encryptionKey must be a text or bytes`)
  if (encryptionAlgorithm !== undefined) oneOf('encryptionAlgorithm', encryptionAlgorithm, ALGORITHMS)
  const batchSize = options.batchSize === undefined ? IMPORT_BATCH : countOf(WHERE, 'option batchSize', options.batchSize)
  if (batchSize < 1 || batchSize > MAX_IMPORT_BATCH) throw wrongArgument(WHERE, 'option batchSize', `1 to ${MAX_IMPORT_BATCH}`, batchSize)
  return { ...options, ifExists, onError, batchSize }
}

function oneOf(name: string, value: unknown, words: readonly string[]): void {
  if (!words.includes(value as string)) throw new TypeError(`${WHERE}: option ${name} must be ${words.map((word) => `'${word}'`).join(', ')}, not ${shown(value)}`)
}

function texts(name: string, value: unknown): string[] | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value) || !value.every((element) => typeof element === 'string')) throw wrongArgument(WHERE, `option ${name}`, 'an array of names', value)
  return value as string[]
}

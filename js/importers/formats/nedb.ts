// The file of NeDB: lines of JSON, of which later ones replace earlier ones. The first pass finds the last line of each document, the second one
// takes those: memory holds the `_id`s, not the documents.

import type { ImportedCollection } from '../../types/index.js'
import type { Place } from '../report.js'
import { entryAt, type Line, textOf } from '../source.js'
import { lineOf, put, ValueFault } from '../values.js'
import { type Target, WHERE, type Work } from '../work.js'
import { createIndex } from '../indexes.js'
import { eachLine } from './lines.js'

interface Index {
  fieldName?: unknown
  unique?: unknown
  sparse?: unknown
  expireAfterSeconds?: unknown
}

type Entry = { _id?: unknown; $$deleted?: unknown; $$indexCreated?: Index; $$indexRemoved?: unknown }

export async function importNedb(work: Work, path: string, collection: string): Promise<void> {
  // It is read twice.
  work.expect(entryAt(WHERE, path).bytes)
  const target = await work.target(path, collection)
  const newest = new Map<string, number>()
  const indexes = new Map<string, Index>()
  await eachLine(work.source(path), quiet(target), async (line) => {
    const entry = parsed(line)
    if (entry === undefined) return
    const id = idOf(entry)
    if (id !== undefined) {
      if (entry.$$deleted === true) newest.delete(id)
      else newest.set(id, line.line)
    } else if (typeof entry.$$indexCreated?.fieldName === 'string') {
      indexes.set(entry.$$indexCreated.fieldName, entry.$$indexCreated)
    } else if (typeof entry.$$indexRemoved === 'string') {
      indexes.delete(entry.$$indexRemoved)
    }
  })
  await eachLine(work.source(path), target, async (line, place) => {
    const text = line.bytes.toString().trim()
    if (text === '') return number(target, place)
    let entry: Entry
    try {
      entry = JSON.parse(textOf(line.bytes)) as Entry
      if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw new SyntaxError('the line is no object')
    } catch (error) {
      const cut = line.isEnded ? '' : ': the last write was cut off'
      const hook = /^[{[]/.test(text) ? '' : '; a hook of the program (afterSerialization) may have changed the lines'
      // What a kill leaves is no reason to stop: NeDB leaves it out too.
      if (cut !== '') return torn(work, target, place, `${(error as Error).message}${cut}`)
      return target.reject(place, `${(error as Error).message}${hook}`)
    }
    const id = idOf(entry)
    if (id === undefined) {
      if (entry.$$indexCreated !== undefined || entry.$$indexRemoved !== undefined) return number(target, place)
      return target.reject(place, 'the line has neither an _id nor anything about an index')
    }
    if (newest.get(id) !== line.line) return number(target, place)
    try {
      if (target.add(lineOf(entry, revive), place)) await target.flush()
    } catch (error) {
      if (!(error instanceof ValueFault)) throw error
      await target.reject(place, error.message)
    }
  })
  await target.flush()
  for (const [field, { unique, sparse, expireAfterSeconds }] of indexes) await indexOf(work, target.counts, field, { unique, sparse, expireAfterSeconds })
}

/** A line that holds no document to take; its number is used. */
async function number(target: Target, place: Place): Promise<void> {
  if (target.add('', place)) await target.flush()
}

/** Lists what ends within a line, whatever the option says. */
async function torn(work: Work, target: Target, place: Place, message: string): Promise<void> {
  work.report.reject(place, { kind: 'BAD_DOCUMENT', message }, target.counts)
}

/** The first pass tells nothing: the second one meets the same lines. */
function quiet(target: Target): Target {
  return { ...target, reject: async () => {} } as unknown as Target
}

function parsed(line: Line): Entry | undefined {
  try {
    const entry = JSON.parse(textOf(line.bytes)) as Entry
    return typeof entry === 'object' && entry !== null ? entry : undefined
  } catch {
    return undefined
  }
}

/** The `_id` as text, one for each; NeDB has none that is empty, zero or null. */
function idOf({ _id }: Entry): string | undefined {
  return _id ? JSON.stringify(_id) : undefined
}

/** A date is an object of one field. */
function revive(object: { readonly [key: string]: unknown }): unknown {
  if (!Object.hasOwn(object, '$$date')) return object
  const date = new Date(object['$$date'] as number)
  if (Number.isNaN(date.getTime())) throw new ValueFault(`$$date holds ${JSON.stringify(object['$$date'])}, which is no time`)
  return date
}

/** An index of NeDB: several fields have commas between them; a unique one holds nothing of documents without its fields if it is sparse. */
async function indexOf(work: Work, counts: ImportedCollection, field: string, { unique, sparse, expireAfterSeconds }: Index): Promise<void> {
  const key: { [path: string]: unknown } = {}
  for (const path of field.split(',')) put(key, path, 1)
  const options = { ...(unique === true && { unique: true }), ...(sparse === true && { sparse: true }), ...(typeof expireAfterSeconds === 'number' && { expireAfterSeconds }) }
  await createIndex(work, work.home, counts, key, options)
}

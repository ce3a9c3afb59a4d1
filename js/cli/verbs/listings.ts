// Verbs that tell what is there: stats and ls.

import type { CollectionStats, DatabaseStats, Document, HistoryStats, IndexDescriptionInfo } from '../../types/index.js'
import { AT, DB, DIR, type Call, type Verb } from '../line/table.js'
import { directoryOf, existing, reading } from '../opening.js'
import { bytes, grouped, moment, several } from '../output/text.js'
import type { Database } from '../package.js'
import { written } from '../../values/extended-json.js'

export const stats: Verb = {
  name: 'stats',
  arguments: [DIR, { name: 'COLL', isOptional: true }],
  options: [DB, AT],
  summary: 'how much a database, or a collection of it, holds and takes',
  examples: ['stats data/app', 'stats data/app users --json'],
  run: (call) => reading(call, async (db) => {
    const { output, signal } = call
    const name = call.arguments[1]
    if (name !== undefined) {
      const found = await (await existing(db, name, signal)).stats({ signal })
      return output.isTable ? output.facts(collectionFacts(found)) : output.json(found)
    }
    const found = await db.stats({ signal })
    const answer = { path: directoryOf(call), database: db.databaseName, ...found }
    if (!output.isTable) return output.json(answer)
    await output.facts(databaseFacts(db, directoryOf(call), found))
  })
}

function databaseFacts(db: Database, path: string, found: DatabaseStats): [string, string][] {
  const others = found.databases.filter(({ name }) => name !== db.databaseName)
  return [
    ['directory', path],
    ['database', db.databaseName],
    ['collections', grouped(found.collections)],
    ['documents', grouped(found.documents)],
    ['indexes', grouped(found.indexes)],
    ...(others.length > 0 ? [['other databases', others.map(({ name, documents }) => `${name} (${several(documents, 'document')})`).join(', ')] as [string, string]] : []),
    ['data', `${bytes(found.liveBytes)} in all databases of the directory`],
    ['on disk', `${bytes(found.bytesOnDisk)} in ${several(found.segments, 'segment')} of the log, snapshot and history`],
    ['checkpoint', found.checkpointBytes > 0 ? bytes(found.checkpointBytes) : 'none; it is made when a large database is closed'],
    ['last commit', grouped(found.lastLsn)],
    ['closed cleanly', db.recovery.clean === false ? 'no' : 'yes'],
    ['change history', changesText(found.history)],
    ['earlier states', pastText(found.history)]
  ]
}

export function changesText(history: HistoryStats | null): string {
  if (!history?.changes) return 'since the last compaction'
  const { from, time, bytes: size } = history.changes
  return `from commit ${grouped(from)}${time === null ? '' : `, ${moment(time)}`}; ${bytes(size)} are kept only for it`
}

export function pastText(history: HistoryStats | null): string {
  // The whole log leads to every state.
  if (!history?.past) return history?.changes?.from === 1 ? 'from the first commit on' : 'since the last compaction'
  const { from, time, bytes: size } = history.past
  return `from commit ${grouped(from)}${time === null ? '' : `, ${moment(time)}`}; ${bytes(size)} are kept only for them`
}

function collectionFacts(found: CollectionStats): [string, string][] {
  return [
    ['collection', found.ns],
    ['documents', grouped(found.count)],
    ['bytes', found.avgObjSize === undefined ? bytes(found.size) : `${bytes(found.size)}, ${bytes(Math.round(found.avgObjSize))} a document`],
    ['indexes', grouped(found.nindexes)],
    ...Object.entries(found.indexSizes).map(([name, size]): [string, string] => [`  ${name}`, `${bytes(size)} in memory`])
  ]
}

export const ls: Verb = {
  name: 'ls',
  arguments: [DIR],
  options: [DB, AT],
  summary: 'databases and collections, with their documents, bytes and indexes',
  examples: ['ls data/app', 'ls data/app --db reports'],
  run: (call) => reading(call, async (db, root) => {
    const { output, signal } = call
    const { databases } = call.options['db'] === undefined ? await root.listDatabases({ nameOnly: true, signal }) : { databases: [{ name: db.databaseName }] }
    const rows = async function* (): AsyncGenerator<Document, void, void> {
      for (const { name } of databases) yield* collectionsOf(call, name === root.databaseName ? root : root.sibling(name))
    }
    if (!output.isTable) {
      for await (const row of rows()) await output.json(row)
      return
    }
    await output.table(forPeople(rows()), ['database', 'collection', 'documents', 'bytes', 'indexes'])
    await output.rest()
    if (databases.length === 0) await output.note('no collections')
  })
}

async function* forPeople(rows: AsyncIterable<Document>): AsyncGenerator<Document, void, void> {
  for await (const row of rows) {
    if (row['viewOn'] !== undefined) yield { ...row, indexes: `a view of ${row['viewOn']}` }
    else yield { ...row, bytes: bytes(row['bytes'] as number), indexes: (row['indexes'] as IndexDescriptionInfo[]).map(indexText).join(', ') }
  }
}

async function* collectionsOf({ signal }: Call, db: Database): AsyncGenerator<Document, void, void> {
  for await (const { name, type, options } of db.listCollections({}, { signal })) {
    if (type === 'view') {
      yield { database: db.databaseName, collection: name, viewOn: options['viewOn'], pipeline: options['pipeline'] }
      continue
    }
    const collection = db.collection(name)
    const { count, size } = await collection.stats({ signal })
    const indexes = await collection.indexes({ signal }) as IndexDescriptionInfo[]
    yield { database: db.databaseName, collection: name, documents: count, bytes: size, indexes: indexes.filter((index) => index.name !== '_id_') }
  }
}

/** An index by its name, and what its name does not tell. */
function indexText(index: IndexDescriptionInfo): string {
  const { name, key, unique, sparse, partialFilterExpression } = index as IndexDescriptionInfo & Document
  const usual = Object.entries(key).map(([path, direction]) => `${path}_${String(direction)}`).join('_')
  const more = [name === usual ? '' : written(key), unique && 'unique', sparse && 'sparse', partialFilterExpression && 'partial'].filter(Boolean)
  return more.length > 0 ? `${name} (${more.join(' ')})` : name
}

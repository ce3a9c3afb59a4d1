// Verbs that query a collection: find, count, explain, aggregate, history.

import type { Document, FindOptions, OperationOptions, Sort } from '../../types/index.js'
import { VerbError } from '../failures.js'
import { quoted, wholeNumber } from '../line/parse.js'
import { AT, COLL, DB, DIR, type Call, type Option, type Verb } from '../line/table.js'
import { existing, reading } from '../opening.js'
import { several } from '../output/text.js'
import { thePackage } from '../package.js'
import { objectOf, pipelineOf, valueOf } from '../../values/extended-json.js'
import { fieldsOf } from '../../values/fields.js'
import { planLines } from './plans.js'

/** A table has at most this many rows, unless more are asked for: it is looked at. */
const ROWS = 50

const FILTER = { name: 'FILTER', isOptional: true }
const SORT: Option = { name: 'sort', value: 'SORT', summary: "the order: '{\"age\":-1}', or age,-name" }
const PROJECTION: Option = { name: 'projection', value: 'FIELDS', summary: "the fields: '{\"name\":1}', or name,-_id" }
const LIMIT: Option = { name: 'limit', value: 'N', summary: `at most so many documents; 0 is all. Tables show ${ROWS} unless they are told` }
const SKIP: Option = { name: 'skip', value: 'N', summary: 'without the first so many' }
const HINT: Option = { name: 'hint', value: 'INDEX', summary: 'the index to use, by its name' }
const PRETTY: Option = { name: 'pretty', summary: 'each document with line breaks' }

function filterOf(call: Call): Document {
  const text = call.arguments[2]
  return text === undefined ? {} : objectOf(text, 'FILTER')
}

/** The options of a query, as far as the verb has them. */
function queryOf(call: Call): FindOptions {
  const { options, verb, signal } = call
  const sort = options['sort'] === undefined ? undefined : fieldsOf(String(options['sort']), '--sort', -1)
  const projection = options['projection'] === undefined ? undefined : fieldsOf(String(options['projection']), '--projection', 0)
  const limit = wholeNumber('limit', options['limit'], verb.name)
  const skip = wholeNumber('skip', options['skip'], verb.name)
  return {
    signal,
    ...(sort && { sort: sort as Sort }),
    ...(projection && { projection }),
    ...(limit !== undefined && { limit }),
    ...(skip !== undefined && { skip }),
    ...(options['hint'] !== undefined && { hint: String(options['hint']) })
  }
}

/** Prints documents as they come. A table ends after so many rows, and says so. */
async function print(call: Call, documents: AsyncIterable<Document>, limit: number): Promise<void> {
  const { output, options } = call
  let shown = 0
  let more = false
  async function* rows(): AsyncGenerator<Document, void, void> {
    for await (const document of documents) {
      if (shown === limit) {
        more = true
        return
      }
      shown += 1
      yield document
    }
  }
  if (options['pretty']) {
    for await (const document of rows()) await output.pretty(document)
  } else if (output.isTable) {
    await output.table(rows())
    await output.rest()
  } else {
    for await (const document of rows()) await output.json(document)
  }
  if (!output.isTable) return
  await output.note(shown === 0 ? 'no documents' : more ? `the first ${several(shown, 'document')}; --limit 0 shows all` : several(shown, 'document'))
}

/** How many rows are printed. */
function rowsOf(call: Call): number {
  return call.output.isTable && call.options['limit'] === undefined ? ROWS : Infinity
}

export const find: Verb = {
  name: 'find',
  arguments: [DIR, COLL, FILTER],
  options: [SORT, PROJECTION, LIMIT, SKIP, HINT, PRETTY, DB, AT],
  summary: 'the documents of a collection that match a filter',
  text: ['FILTER is MongoDB Extended JSON, as in {"age":{"$gte":18}}; single quotes, keys without quotes, ObjectId("..."), ISODate("...") and /regular expressions/ are read too.'],
  examples: ["find data/app users '{\"age\":{\"$gte\":18}}' --sort -age --limit 10", 'find data/app users --at 2024-05-01T12:00:00Z --json'],
  run: (call) => {
    const filter = filterOf(call)
    const query = queryOf(call)
    return reading(call, async (db) => {
      const users = await existing(db, call.arguments[1]!, call.signal)
      const limit = rowsOf(call)
      // One more tells whether there are more.
      const cursor = users.find(filter, limit === Infinity ? query : { ...query, limit: limit + 1 })
      try {
        await print(call, cursor, limit)
      } finally {
        await cursor.close()
      }
    })
  }
}

export const count: Verb = {
  name: 'count',
  arguments: [DIR, COLL, FILTER],
  options: [LIMIT, SKIP, HINT, DB, AT],
  summary: 'how many documents match a filter',
  examples: ["count data/app users '{\"plan\":\"team\"}'"],
  run: (call) => {
    const filter = filterOf(call)
    const query = queryOf(call)
    return reading(call, async (db) => {
      const collection = await existing(db, call.arguments[1]!, call.signal)
      await call.output.line(String(await collection.countDocuments(filter, query)))
    })
  }
}

export const aggregate: Verb = {
  name: 'aggregate',
  arguments: [DIR, COLL, { name: 'PIPELINE' }],
  options: [LIMIT, HINT, PRETTY, DB, AT],
  summary: 'what a pipeline makes of a collection',
  text: ['PIPELINE is an array of stages in Extended JSON. $out and $merge write, and are refused.'],
  examples: ["aggregate data/app users '[{\"$group\":{\"_id\":\"$plan\",\"n\":{\"$sum\":1}}}]'"],
  run: (call) => {
    const pipeline = pipelineOf(call.arguments[2]!, 'PIPELINE')
    const { limit, ...options } = queryOf(call)
    return reading(call, async (db) => {
      const collection = await existing(db, call.arguments[1]!, call.signal)
      const cursor = collection.aggregate(pipeline, options as OperationOptions)
      try {
        await print(call, cursor, limit || rowsOf(call))
      } finally {
        await cursor.close()
      }
    })
  }
}

export const explain: Verb = {
  name: 'explain',
  arguments: [DIR, COLL, { name: 'FILTER', isOptional: true }],
  options: [SORT, PROJECTION, LIMIT, SKIP, HINT, DB, AT],
  summary: 'how a query is executed: its plan, and what it read',
  text: ['In place of FILTER a pipeline may stand.'],
  examples: ["explain data/app users '{\"age\":{\"$gte\":18}}' --sort age"],
  run: (call) => {
    const text = call.arguments[2]
    const pipeline = text?.trimStart().startsWith('[') ? pipelineOf(text, 'PIPELINE') : undefined
    const filter = pipeline ? {} : filterOf(call)
    const query = queryOf(call)
    return reading(call, async (db) => {
      const collection = await existing(db, call.arguments[1]!, call.signal)
      const { sort: _sort, projection: _projection, limit: _limit, skip: _skip, ...options } = query
      const explained = await (pipeline ? collection.aggregate(pipeline, options as OperationOptions) : collection.find(filter, query)).explain('executionStats')
      if (!call.output.isTable) return call.output.json(explained)
      for (const line of planLines(explained)) await call.output.say(line)
    })
  }
}

export const history: Verb = {
  name: 'history',
  arguments: [DIR, COLL, { name: 'ID' }],
  options: [PRETTY, DB, AT],
  summary: 'the versions of a document, as far as the log is kept',
  text: ['ID is a text as it is, or a value in Extended JSON: 5, \'"5"\' for the text, ObjectId("...").'],
  examples: ['history data/app users ann'],
  run: (call) => reading(call, async (db) => {
    const { output, signal } = call
    const text = call.arguments[2]!
    const collection = await existing(db, call.arguments[1]!, signal)
    for (const id of idsOf(text)) {
      let versions = 0
      const rows = async function* (): AsyncGenerator<Document, void, void> {
        for await (const version of collection.history(id, { signal })) {
          versions += 1
          yield version as unknown as Document
        }
      }
      if (output.isTable && !call.options['pretty']) {
        await output.table(rows(), ['version', 'lsn', 'time', 'operation', 'document'])
        await output.rest()
      } else if (output.isTable) for await (const version of rows()) await output.pretty(version)
      else for await (const version of rows()) await output.json(version)
      if (versions > 0) return
    }
    throw new VerbError(`no version of the document ${quoted(text)} is kept in the log`)
  })
}

/** What a text may mean as an `_id`, the likeliest first. */
function idsOf(text: string): unknown[] {
  const ids: unknown[] = [text]
  try {
    ids.unshift(valueOf(text, 'ID'))
  } catch {
    // A text that is no JSON is meant as it is.
  }
  if (/^[\da-f]{24}$/i.test(text)) ids.push(new (thePackage().ObjectId)(text))
  return ids
}

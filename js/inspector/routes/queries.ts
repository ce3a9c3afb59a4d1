// Queries of a collection: documents, their number, plans, pipelines.

import type { AggregateOptions, Document, FindOptions, Sort } from '../../types/index.js'
import { objectOf, pipelineOf, valueOf, written } from '../../values/extended-json.js'
import { fieldsOf } from '../../values/fields.js'
import { ANSWER_BYTES, type Call, Json, QUERY_TIME, type Route, SHORT_TIME, withCollection } from '../calls/call.js'
import type { Body } from '../calls/body.js'
import { Refusal } from '../calls/guard.js'
import { adviceOf } from './advice.js'

/** The most documents of one answer. */
const MOST = 1000
/** Documents in the preview of a stage. */
const PREVIEW = 20
/** Bytes of it: each stage has one. */
const PREVIEW_BYTES = 256 << 10
const STAGES = 50

/** The filter of a call, and the rest of its query. */
export function queryOf(body: Body): { filter: Document; query: FindOptions } {
  const [filter, sort, projection] = [body.text('filter'), body.text('sort'), body.text('projection')]
  return {
    filter: filter === undefined ? {} : objectOf(filter, 'The filter'),
    query: {
      ...(sort !== undefined && { sort: fieldsOf(sort, 'The sort', -1) as Sort }),
      ...(projection !== undefined && { projection: fieldsOf(projection, 'The projection', 0) })
    }
  }
}

/** Documents as they come, until there are enough of them, or enough bytes. */
async function taken(documents: AsyncIterable<Document>, limit: number, most = ANSWER_BYTES): Promise<{ parts: string[]; more: boolean }> {
  const parts: string[] = []
  let bytes = 0
  for await (const document of documents) {
    if (parts.length === limit || bytes >= most) return { parts, more: true }
    const text = written(document)
    bytes += text.length
    parts.push(text)
  }
  return { parts, more: false }
}

function answer({ parts, more }: { parts: string[]; more: boolean }, began: number): Json {
  return new Json(`{"documents":[${parts.join(',')}],"more":${more},"took":${Math.round(performance.now() - began)}}`)
}

export const find: Route = {
  run: (call) => {
    const { filter, query } = queryOf(call.body)
    const limit = call.body.count('limit', 100, MOST)
    const skip = call.body.count('skip', 0, Number.MAX_SAFE_INTEGER)
    return withCollection(call, async (collection) => {
      const began = performance.now()
      // One more tells whether there are more.
      const cursor = collection.find(filter, { ...query, skip, limit: limit + 1, maxTimeMS: QUERY_TIME, signal: call.signal })
      try {
        return answer(await taken(cursor, limit), began)
      } finally {
        await cursor.close()
      }
    })
  }
}

/** A document with its version, as the editor needs it. */
export const document: Route = {
  run: (call) => {
    const id = idOf(call.body)
    return withCollection(call, async (collection, isView) => {
      // What a view makes has no version.
      const within = { maxTimeMS: QUERY_TIME, signal: call.signal }
      const filter = { _id: id } as Document
      const found = await (isView ? collection.findOne(filter, within) : collection.findOne(filter, { ...within, meta: true }))
      if (found === null) throw new Refusal(404, 'there is no such document any more')
      return isView ? { value: found } : found
    })
  }
}

/** The `_id` of a call, in Extended JSON. */
export function idOf(body: Body): unknown {
  return valueOf(body.needed('id'), 'The _id')
}

export const count: Route = {
  run: (call) => {
    const { filter } = queryOf(call.body)
    return withCollection(call, async (collection) => ({ count: await collection.countDocuments(filter, { maxTimeMS: SHORT_TIME, signal: call.signal }) }))
  }
}

export const explain: Route = {
  run: (call) => {
    const { filter, query } = queryOf(call.body)
    const pipeline = stagesOf(call.body)
    return withCollection(call, async (collection) => {
      const options = { maxTimeMS: QUERY_TIME, signal: call.signal }
      const explained = await (pipeline ? collection.aggregate(pipeline, options) : collection.find(filter, { ...query, ...options })).explain('executionStats')
      return { advice: adviceOf(explained), plan: explained }
    })
  }
}

/** The pipeline of a call, if it has one. */
function stagesOf(body: Body): Document[] | undefined {
  const text = body.text('pipeline')
  if (text === undefined) return undefined
  const stages = pipelineOf(text, 'The pipeline')
  if (stages.length > STAGES) throw new Refusal(400, `the pipeline has more than ${STAGES} stages`)
  const writer = stages.flatMap(Object.keys).find((name) => name === '$out' || name === '$merge')
  if (writer !== undefined) throw new Refusal(403, `${writer} writes; run this pipeline in a program`)
  return stages
}

export const aggregate: Route = {
  run: (call) => {
    const pipeline = stagesOf(call.body) ?? []
    const limit = call.body.count('limit', 100, MOST)
    return withCollection(call, async (collection) => {
      const began = performance.now()
      const cursor = collection.aggregate([...pipeline, { $limit: limit + 1 }], timed(call, QUERY_TIME))
      try {
        return answer(await taken(cursor, limit), began)
      } finally {
        await cursor.close()
      }
    })
  }
}

/** What each stage makes of what comes into it. A stage that fails has its error, and those behind it have nothing. */
export const preview: Route = {
  run: (call) => {
    const pipeline = stagesOf(call.body) ?? []
    return withCollection(call, async (collection) => {
      const shown: string[] = []
      for (let stages = 0; stages <= pipeline.length; stages++) {
        const began = performance.now()
        const cursor = collection.aggregate([...pipeline.slice(0, stages), { $limit: PREVIEW + 1 }], timed(call, SHORT_TIME))
        try {
          shown.push(answer(await taken(cursor, PREVIEW, PREVIEW_BYTES), began).text)
        } catch (error) {
          call.signal.throwIfAborted()
          shown.push(JSON.stringify({ error: (error as Error).message }))
          break
        } finally {
          await cursor.close().catch(() => {})
        }
      }
      return new Json(`{"stages":${written(pipeline)},"previews":[${shown.join(',')}]}`)
    })
  }
}

function timed(call: Call, maxTimeMS: number): AggregateOptions {
  return { maxTimeMS, signal: call.signal }
}

// Tables of operators: one document, the operation, and the expected result.

import { MoltenError } from '../../index.mjs'
import { collection } from './database.mjs'

const REFUSED = Symbol('refused')
const refused = (kind) => (message) => ({ [REFUSED]: true, kind, message })

/** What rows expect instead of a value: an error of this kind, with a matching message. */
export const badQuery = refused('BAD_QUERY')
export const badUpdate = refused('BAD_UPDATE')
export const notSupported = refused('NOT_SUPPORTED')

const isRefused = (wanted) => wanted?.[REFUSED] === true

/** A field without a value, for an expression that has none. */
export const MISSING = Symbol('missing')

/** Asserts that the operation ends as the row says. */
export async function endsWith(t, wanted, work, row) {
  const shown = show(row)
  if (!isRefused(wanted)) {
    t.deepEqual(await work(), wanted, shown)
    return
  }
  const error = await t.throwsAsync(async () => work(), { instanceOf: MoltenError }, shown)
  if (!error) return
  t.is(error.kind, wanted.kind, `${shown}: ${error.message}`)
  if (wanted.message) t.regex(error.message, wanted.message, shown)
}

/** The values of expressions for one document: rows of expression and value. */
export async function evaluates(t, document, rows) {
  const docs = await collection(t, [{ _id: 1, ...document }])
  for (const [expression, wanted] of rows) {
    const work = async () => {
      const [found] = await docs.aggregate([{ $replaceWith: { value: expression } }]).toArray()
      return 'value' in found ? found.value : MISSING
    }
    await endsWith(t, wanted, work, expression)
  }
}

/** Which documents filters find: rows of filter and `_id`s. */
export async function finds(t, documents, rows) {
  const docs = await collection(t, documents.map((document, n) => ({ _id: n, ...document })))
  for (const [filter, wanted] of rows) {
    const work = async () => (await docs.find(filter, { projection: { _id: 1 } }).toArray()).map(({ _id }) => _id)
    await endsWith(t, wanted, work, filter)
    if (isRefused(wanted)) continue
    // The bytes and the trees of a pipeline are matched by the same rules.
    const piped = await docs.aggregate([{ $set: { zz: 1 } }, { $match: filter }]).toArray()
    if (!JSON.stringify(filter, (_, value) => (typeof value === 'bigint' ? Number(value) : value)).includes('jsonSchema')) {
      t.deepEqual(piped.map(({ _id }) => _id), wanted, show(filter))
    }
  }
}

/** The results of updates: rows of document, update, result and options. An unchanged document counts as not modified. */
export async function updates(t, rows) {
  const docs = await collection(t)
  let _id = 0
  for (const [before, update, wanted, { filter, modified, ...options } = {}] of rows) {
    _id += 1
    await docs.insertOne({ _id, ...before })
    const shown = [before, update]
    if (isRefused(wanted)) {
      await endsWith(t, wanted, () => docs.updateOne({ _id, ...filter }, update, options), shown)
      t.deepEqual(await docs.findOne({ _id }), { _id, ...before }, `${show(shown)} changed something`)
      continue
    }
    const { matchedCount, modifiedCount } = await docs.updateOne({ _id, ...filter }, update, options)
    t.deepEqual(await docs.findOne({ _id }), { _id, ...wanted }, show(shown))
    t.is(matchedCount, 1, show(shown))
    const same = JSON.stringify(before, plain) === JSON.stringify(wanted, plain)
    t.is(modifiedCount, modified ?? (same ? 0 : 1), `${show(shown)}: modifiedCount`)
  }
}

/** The results of pipelines: rows of pipeline and result. */
export async function runs(t, documents, rows) {
  const docs = await collection(t, documents)
  for (const [pipeline, wanted] of rows) await endsWith(t, wanted, () => docs.aggregate(pipeline).toArray(), pipeline)
}

function plain(_, value) {
  return typeof value === 'bigint' ? `${value}n` : Object.is(value, -0) ? '-0' : Number.isNaN(value) ? 'NaN' : value
}

function show(value) {
  return JSON.stringify(value, (key, own) => (own instanceof RegExp ? String(own) : plain(key, own)))
}

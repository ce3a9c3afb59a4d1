// What completes the word before the caret of a filter or a pipeline: fields, or operators.

export const FILTERS = ['$and', '$or', '$nor', '$not', '$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin', '$exists', '$type', '$regex', '$options', '$expr', '$mod', '$all', '$elemMatch', '$size', '$jsonSchema']
export const STAGES = ['$match', '$project', '$group', '$sort', '$limit', '$skip', '$unwind', '$lookup', '$addFields', '$set', '$unset', '$count', '$facet', '$bucket', '$bucketAuto', '$sample', '$replaceRoot', '$replaceWith', '$sortByCount', '$unionWith', '$documents', '$setWindowFields', '$redact']
export const EXPRESSIONS = ['$sum', '$avg', '$min', '$max', '$first', '$last', '$push', '$addToSet', '$count', '$add', '$subtract', '$multiply', '$divide', '$round', '$concat', '$toLower', '$toUpper', '$substrCP', '$split', '$cond', '$ifNull', '$switch', '$dateToString', '$dateTrunc', '$year', '$month', '$dayOfMonth', '$size', '$filter', '$map', '$reduce', '$arrayElemAt', '$objectToArray', '$mergeObjects', '$toString', '$toInt', '$toDate']
export const VALUES = ['ObjectId("")', 'ISODate("")', 'NumberLong("")', 'true', 'false', 'null']

export interface Completion {
  /** Where the word begins that is completed. */
  start: number
  words: string[]
}

/** The completions at a caret; `operators` are those of this kind of text. */
export function completionsAt(text: string, caret: number, fields: readonly string[], operators: readonly string[]): Completion | undefined {
  const word = /[$\p{L}_][\p{L}\p{N}_$.]*$/u.exec(text.slice(0, caret))?.[0] ?? ''
  if (word === '') return undefined
  const start = caret - word.length
  const before = text.slice(0, start).trimEnd()
  const isQuoted = /["']$/.test(text.slice(0, start))
  const isKey = /(?:[{,]|^)["']?$/.test(before)
  const isPath = isQuoted && word.startsWith('$')
  const candidates = isPath ? [...operators, ...fields.map((field) => `$${field}`)] : word.startsWith('$') ? operators : isKey ? fields.map((field) => quotedKey(field, isQuoted)) : isQuoted ? [] : VALUES
  const small = word.toLowerCase()
  const words = [...new Set(candidates)].filter((one) => one !== word && one.replace(/^"/, '').toLowerCase().startsWith(small)).slice(0, 12)
  return words.length === 0 ? undefined : { start, words }
}

/** A path with dots is a key only between quotes. */
function quotedKey(field: string, isQuoted: boolean): string {
  return isQuoted || /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(field) ? field : JSON.stringify(field)
}

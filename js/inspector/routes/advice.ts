// What a plan says about indexes, in sentences.

import type { Document } from '../../types/index.js'
import { written } from '../../values/extended-json.js'

/** A query that looks at more documents than this, and at ten times as many as it returns, may want an index. */
const MANY = 1000

/** The sentences about an answer of explain. */
export function adviceOf(explained: Document): string[] {
  const { queryPlanner, executionStats: stats, suggestedIndexes = [], stages } = explained as { [part: string]: any }
  const planner = queryPlanner ?? stages?.[0]?.$cursor?.queryPlanner
  const sentences = (suggestedIndexes as Document[]).map(({ key, scans }) => `An index ${written(key)} would have helped ${scans} ${scans === 1 ? 'scan' : 'scans'}.`)
  if (stats?.usedDisk) sentences.push('It sorted or grouped on the disk, because it did not fit into queryMemoryLimit.')
  if (sentences.length === 0 && stats && stats.totalDocsExamined > MANY && stats.totalDocsExamined > 10 * Math.max(1, stats.nReturned)) {
    const fields = Object.keys((planner?.parsedQuery ?? {}) as Document).filter((path) => !path.startsWith('$'))
    const key = fields.length > 0 ? `an index ${written(Object.fromEntries(fields.map((path) => [path, 1])))}` : 'an index on the fields of the filter'
    sentences.push(`Most of what was examined was not returned: ${key} may save that.`)
  }
  return sentences
}

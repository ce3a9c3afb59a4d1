// A plan of explain as lines: the stages, what was read, and which index would have helped.

import type { Document } from '../../types/index.js'
import { grouped, several } from '../output/text.js'
import { written } from '../../values/extended-json.js'

/** The lines of an answer of explain. */
export function planLines(explained: Document): string[] {
  const { queryPlanner, executionStats: stats, suggestedIndexes, stages } = explained as { [part: string]: any }
  // A pipeline may have the plan of its query in its first stage.
  const planner = queryPlanner ?? stages?.[0]?.$cursor?.queryPlanner
  const lines: string[] = planner === undefined ? [] : [planner.namespace, ...stageLines(planner.winningPlan, 1)]
  for (const stage of (stages ?? []) as Document[]) if (!('$cursor' in stage)) lines.push(`  then ${written(stage, 400)}`)
  if (stats) {
    lines.push('', `${several(stats.nReturned, 'document')} returned, ${several(stats.totalDocsExamined, 'document')} and ${several(stats.totalKeysExamined, 'key')} examined, in ${grouped(stats.executionTimeMillis)} ms`)
    if (stats.usedDisk) lines.push('It sorted or grouped on the disk, because it did not fit into queryMemoryLimit.')
    if (stats.totalDocsExamined > 10 * Math.max(1, stats.nReturned) && stats.totalDocsExamined > 1000) {
      const fields = Object.keys((planner?.parsedQuery ?? {}) as Document).filter((path) => !path.startsWith('$'))
      const key = fields.length > 0 ? `an index ${written(Object.fromEntries(fields.map((path) => [path, 1])))}` : 'an index on the fields of the filter'
      lines.push(`Most of what was examined was not returned: ${key} may save that.`)
    }
  }
  for (const { key, scans } of (suggestedIndexes ?? []) as Document[]) lines.push(`An index ${written(key)} would have helped ${several(scans, 'scan')}.`)
  const rejected = planner?.rejectedPlans?.length ?? 0
  if (rejected > 0) lines.push(`${several(rejected, 'other plan')} ${rejected === 1 ? 'was' : 'were'} considered; --json shows all.`)
  return lines
}

function stageLines(plan: Document | undefined, depth: number): string[] {
  if (plan === undefined || plan === null) return []
  const { stage, indexName, keyPattern, indexBounds, filter, sortPattern, direction, limitAmount, skipAmount, inputStage, inputStages } = plan as { [part: string]: any }
  const facts = [
    indexName !== undefined && `index ${indexName} ${written(keyPattern)}`,
    indexBounds !== undefined && `bounds ${Object.entries(indexBounds).map(([path, ranges]) => `${path}: ${(ranges as string[]).join(', ')}`).join('; ')}`,
    sortPattern !== undefined && `by ${written(sortPattern)}`,
    limitAmount !== undefined && `limit ${limitAmount}`,
    skipAmount !== undefined && `skip ${skipAmount}`,
    direction === 'backward' && 'backward',
    filter !== undefined && Object.keys(filter).length > 0 && `filter ${written(filter, 400)}`
  ].filter((fact) => fact !== false)
  const own = `${'  '.repeat(depth)}${stage ?? 'PLAN'}${facts.length > 0 ? `  ${facts.join(', ')}` : ''}`
  return [own, ...[inputStage, ...((inputStages ?? []) as Document[])].flatMap((input) => stageLines(input, depth + 1))]
}

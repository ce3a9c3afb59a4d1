// Lines of Extended JSON: NDJSON, and what mongoexport writes. The core parses them.

import { MAX_LINE_BYTES } from '../../arguments/limits.js'
import { type Line, linesOf, type Source, SourceDamage } from '../source.js'
import type { Place } from '../report.js'
import type { Target, Work } from '../work.js'

export async function importLines(work: Work, path: string, collection: string): Promise<void> {
  const target = await work.target(path, collection)
  const source = work.source(path)
  await eachLine(source, target, async (line, place) => {
    if (target.add(line.bytes, place)) await target.flush()
  })
}

/** Runs a function for each line that is not too long; what cannot be read is left out or ends the import. */
export async function eachLine(source: Source, target: Target, take: (line: Line, place: Place) => Promise<void>): Promise<void> {
  let next = { line: 1, offset: 0 }
  try {
    for await (const lines of linesOf(source)) {
      for (const line of lines) {
        next = { line: line.line + 1, offset: line.offset + line.length }
        const place = placeOf(source, line)
        if (line.bytes.length === 0 && line.length > 2) await target.reject(place, `the line is longer than ${MAX_LINE_BYTES >> 20} MiB; a document has at most 16 MiB`)
        else await take(line, place)
      }
    }
  } catch (error) {
    if (!(error instanceof SourceDamage)) throw error
    await target.reject({ file: source.path, line: next.line, offset: source.isCompressed ? null : next.offset, length: 0 }, `${error.message}; nothing after it can be read`)
  }
}

export function placeOf(source: Source, { line, offset, length, bytes }: Line): Place {
  return { file: source.path, line, offset: source.isCompressed ? null : offset, length, bytes }
}

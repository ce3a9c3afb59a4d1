// A moment of the past: a date, or the number of a commit.

import { types } from 'node:util'

import type { Moment } from '../types/index.js'
import { checkFields, wrongArgument } from './arguments.js'
import { checkNames } from './option-check.js'
import { PARTS } from './option-table.js'

/** A moment as the core takes it: one of the two. */
export interface MomentNumbers {
  lsn: number | null
  /** Milliseconds since 1970. */
  time: number | null
}

const EXPECTED = 'a Date, { time: a Date } or { lsn: the number of a commit }'

/** Checks a moment. */
export function momentOf(where: string, given: Moment): MomentNumbers {
  if (types.isDate(given)) return { lsn: null, time: timeOf(where, given) }
  checkFields(where, 'moment', given)
  checkNames(`${where}: moment`, given, PARTS['a moment'])
  const { lsn, time } = given as { lsn?: unknown; time?: unknown }
  if ((lsn === undefined) === (time === undefined)) throw wrongArgument(where, 'moment', EXPECTED, given)
  if (time !== undefined) return { lsn: null, time: timeOf(where, time) }
  if (!Number.isSafeInteger(lsn) || (lsn as number) < 0) throw wrongArgument(where, 'moment', EXPECTED, given)
  return { lsn: lsn as number, time: null }
}

function timeOf(where: string, time: unknown): number {
  if (types.isDate(time) && Number.isNaN(time.getTime())) throw new TypeError(`${where}: moment is an invalid Date; give ${EXPECTED}`)
  if (!types.isDate(time)) throw wrongArgument(where, 'moment', EXPECTED, time)
  return time.getTime()
}

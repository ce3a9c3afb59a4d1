// Moments of the command line: the number of a commit, or a time.

import type { Moment } from '../../types/index.js'
import { dateOf } from '../../values/extended-json.js'
import { quoted } from './parse.js'
import { UsageError } from './usage.js'

/** The moment of an option that takes both. */
export function momentOf(option: string, text: string, verb: string): Moment {
  return /^\d{1,15}$/.test(text) ? { lsn: Number(text) } : { time: timeOf(option, text, verb) }
}

/** The number of a commit. */
export function lsnOf(option: string, text: string, verb: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`--${option} must be the number of a commit, not ${quoted(text)}`, verb)
  return Number(text)
}

const UNITS: { [letter: string]: number } = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** The time of an option: in ISO 8601 with its zone, a day in UTC, or how long ago: `90s`, `15m`, `2h`, `3d`. */
export function timeOf(option: string, text: string, verb: string): Date {
  const ago = /^(\d{1,9})([smhd])$/.exec(text)
  if (ago) return new Date(Date.now() - Number(ago[1]) * UNITS[ago[2]!]!)
  const date = dateOf(text)
  if (date === undefined) {
    throw new UsageError(`--${option} must be a time such as 2024-05-01T12:00:00Z, a day such as 2024-05-01, or how long ago as in 90s, 15m, 2h, 3d; not ${quoted(text)}`, verb)
  }
  return date
}

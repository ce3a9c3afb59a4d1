// The errors of a command line that cannot be understood, and what was probably meant.

import { slipsBetween } from '../../names/slips.js'

/** The command line is wrong: exit code 2. */
export class UsageError extends Error {
  /** The verb whose help tells more. */
  constructor(message: string, readonly verb?: string) {
    super(message)
  }
}

/** `; did you mean ...?`, or nothing. */
export function didYouMean(given: string, names: readonly string[]): string {
  const near = nearest(given, names)
  return near === undefined ? '' : `; did you mean ${near}?`
}

/** The name with the smallest edit distance, if that is small for its length, or the only one that begins so. */
export function nearest(given: string, names: readonly string[]): string | undefined {
  if (given.length === 0 || given.length > 130) return undefined
  const text = given.toLowerCase()
  const longer = names.filter((name) => name.toLowerCase().startsWith(text))
  if (longer.length === 1 && given.length > 1) return longer[0]
  let best: string | undefined
  let least = Math.max(1, Math.floor(given.length / 3)) + 1
  for (const name of names) {
    const slips = slipsBetween(text, name.toLowerCase())
    if (slips < least && slips < name.length) [best, least] = [name, slips]
  }
  return best
}

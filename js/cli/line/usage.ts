// The errors of a command line that cannot be understood, and what was probably meant.

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

/** The edit distance with transpositions (optimal string alignment). */
function slipsBetween(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j]!, before[j - 2]! + 1)
    }
    before = last
    last = row
  }
  return last[b.length]!
}

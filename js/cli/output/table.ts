// Tables for people: columns that fit the width, long values cut.

import { cut, padded, safe, widthOf } from './text.js'

export interface Column {
  name: string
  toRight: boolean
  width: number
}

const GAP = 2
/** No column is made narrower than this, unless its values are. */
const NARROW = 6
/** No column is wider than this if others have to be made narrower. */
const WIDE = 60

/** The columns of these rows that fit, and the names of those that do not. */
export function layout(names: readonly string[], rows: readonly (readonly string[])[], toRight: readonly boolean[], width: number): { columns: Column[]; hidden: string[] } {
  const natural = names.map((name, at) => rows.reduce((most, row) => Math.max(most, Math.min(widthOf(row[at] ?? ''), width)), Math.min(widthOf(safe(name)), width)))
  let shown = names.length
  const least = natural.map((wide) => Math.min(wide, NARROW))
  while (shown > 1 && total(least.slice(0, shown)) > width) shown -= 1
  const widths = shrunk(natural.slice(0, shown), width)
  return { columns: widths.map((wide, at) => ({ name: names[at]!, toRight: toRight[at]!, width: wide })), hidden: names.slice(shown) }
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, wide) => sum + wide, (widths.length - 1) * GAP)
}

/** Takes from the widest until all fit. */
function shrunk(natural: readonly number[], width: number): number[] {
  if (total(natural) <= width) return [...natural]
  const widths = natural.map((wide) => Math.min(wide, WIDE))
  let over = total(widths) - width
  while (over > 0) {
    const widest = Math.max(...widths)
    const at = widths.lastIndexOf(widest)
    const next = Math.max(0, ...widths.filter((wide) => wide < widest))
    const taken = Math.max(1, Math.min(over, widest - Math.max(next, NARROW)))
    if (widest <= 1) break
    widths[at] = widest - taken
    over -= taken
  }
  return widths
}

/** The line of a row. */
export function lineOf(columns: readonly Column[], cells: readonly string[]): string {
  const parts = columns.map(({ width, toRight }, at) => padded(cut(cells[at] ?? '', width), width, toRight))
  return parts.join(' '.repeat(GAP)).trimEnd()
}

/** The line above the rows, and the one below it. */
export function headOf(columns: readonly Column[]): [string, string] {
  return [lineOf(columns, columns.map(({ name }) => safe(name))), columns.map(({ width }) => '-'.repeat(width)).join(' '.repeat(GAP))]
}

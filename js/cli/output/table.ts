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
  const widths = [...natural]
  for (let over = total(widths) - width; over > 0; over--) {
    const widest = Math.max(...widths)
    if (widest <= 1) break
    widths[widths.lastIndexOf(widest)] = widest - 1
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

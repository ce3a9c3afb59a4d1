// Documents as rows. Only the rows that can be seen are in the page, so that thousands cost no more than a screenful.

import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'

import { columnsOf, flattened, inline, read } from '../lib/values.js'

const ROW = 28
const AROUND = 12
const COLUMNS = 60
/** Letters of a cell that are in the page; a field may have any length. */
const LETTERS = 300

interface Props {
  documents: readonly unknown[]
  /** The row that is open, if one is. */
  open?: number
  label: string
  onOpen?(row: number): void
}

export function Grid({ documents, open = -1, label, onOpen }: Props) {
  const frame = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(600)
  const [current, setCurrent] = useState(Math.max(0, open))
  const rows = useMemo(() => documents.map((document) => flattened(document)), [documents])
  const { columns, more } = useMemo(() => columnsOf(rows, COLUMNS), [rows])
  const widths = useMemo(() => columns.map((name) => widthOf(name, rows)), [rows, columns])

  useLayoutEffect(() => {
    const measure = (): void => setHeight(frame.current?.clientHeight ?? 600)
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(frame.current!)
    return () => observer.disconnect()
  }, [])
  // Another page begins at its top.
  useLayoutEffect(() => {
    frame.current!.scrollTop = 0
    setTop(0)
    setCurrent(Math.max(0, open))
  }, [documents])

  const first = Math.max(0, Math.floor(top / ROW) - AROUND)
  const last = Math.min(rows.length, Math.ceil((top + height) / ROW) + AROUND)

  function move(to: number): void {
    const next = Math.min(rows.length - 1, Math.max(0, to))
    setCurrent(next)
    const element = frame.current!
    // The head stays in sight, and covers a row.
    if (next * ROW < element.scrollTop) element.scrollTop = next * ROW
    else if ((next + 3) * ROW > element.scrollTop + height) element.scrollTop = (next + 3) * ROW - height
    if (open >= 0) onOpen?.(next)
  }

  function pressed(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(height / ROW) - 2)
    const steps: { [key: string]: number } = { ArrowDown: current + 1, ArrowUp: current - 1, PageDown: current + page, PageUp: current - page, Home: 0, End: rows.length - 1 }
    const to = steps[event.key]
    if (to !== undefined) move(to)
    else if (event.key === 'Enter' || event.key === ' ') onOpen?.(current)
    else return
    event.preventDefault()
  }

  return (
    <div class="grid" ref={frame} onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
      <table
        style={{ width: `${widths.reduce((sum, width) => sum + width, 0)}px` }} tabIndex={0} role="grid" aria-label={label} aria-rowcount={rows.length + 1} aria-colcount={columns.length}
        aria-activedescendant={rows.length > 0 ? `row-${current}` : undefined} onKeyDown={pressed}
      >
        <colgroup>{widths.map((width, at) => <col key={columns[at]} style={{ width: `${width}px` }} />)}</colgroup>
        <thead><tr>{columns.map((name) => <th key={name} scope="col" title={name}>{name.slice(0, LETTERS)}</th>)}</tr></thead>
        <tbody>
          {first > 0 && <tr aria-hidden="true" style={{ height: `${first * ROW}px` }} />}
          {rows.slice(first, last).map((row, offset) => {
            const at = first + offset
            return (
              <tr key={at} id={`row-${at}`} aria-rowindex={at + 2} aria-selected={at === open} class={`${at === current ? 'current' : ''} ${at % 2 ? 'odd' : ''}`} onClick={() => {
                setCurrent(at)
                onOpen?.(at)
              }}>
                {columns.map((name) => <Cell key={name} isThere={row.has(name)} value={row.get(name)} />)}
              </tr>
            )
          })}
          {last < rows.length && <tr aria-hidden="true" style={{ height: `${(rows.length - last) * ROW}px` }} />}
        </tbody>
      </table>
      {more > 0 && <p class="note">{more} more columns; a projection chooses which are shown</p>}
    </div>
  )
}

function Cell({ isThere, value }: { isThere: boolean; value: unknown }) {
  if (!isThere) return <td class="absent" aria-label="absent" />
  const { kind } = read(value)
  return <td class={`t-${kind}`}>{cellText(value)}</td>
}

function cellText(value: unknown): string {
  const { kind, text } = read(value)
  return kind === 'array' || kind === 'object' ? inline(value, 80).slice(0, LETTERS) : text.slice(0, LETTERS)
}

function widthOf(name: string, rows: readonly Map<string, unknown>[]): number {
  let letters = name.length + 1
  for (const row of rows.slice(0, 100)) if (row.has(name)) letters = Math.max(letters, Math.min(42, cellText(row.get(name)).length))
  return Math.min(340, Math.max(56, Math.ceil(letters * 7.7) + 24))
}

// What a verb prints: tables and sentences for people, or JSON, one object a line.

import { once } from 'node:events'

import { indented, written } from '../../values/extended-json.js'
import { headOf, layout, lineOf } from './table.js'
import { safe } from './text.js'

/** Nobody reads the output any more: `| head` has ended. */
export class OutputClosed extends Error {}

/** Lines are written together up to this length. */
const PIECE = 32_768
/** The first documents decide about the columns. */
const SAMPLE = 100
/** No cell needs more letters of a value than this. */
const LONGEST_CELL = 400

/** A cell: a text that is shown as it is, or a value. */
export type Cells = { [column: string]: unknown }

export class Output {
  readonly isTable: boolean
  readonly width: number
  readonly #colors: boolean
  readonly #signal: AbortSignal
  #pending = ''
  #isClosed = false

  constructor(private readonly stream: NodeJS.WriteStream, options: { json: boolean; table: boolean; colors: boolean }, signal: AbortSignal) {
    this.isTable = options.table || (!options.json && stream.isTTY)
    // A terminal may have no width, or 0.
    this.width = Math.max(20, stream.columns || Number(process.env['COLUMNS']) || 100)
    this.#colors = options.colors && stream.isTTY
    this.#signal = signal
  }

  /** From now on nothing is written. */
  close(): void {
    this.#isClosed = true
  }

  /** Whether people see what is written while it is. */
  get isTerminal(): boolean {
    return this.stream.isTTY
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** A line as it is. */
  async line(text: string): Promise<void> {
    this.#pending += `${text}\n`
    if (this.#pending.length >= PIECE) await this.flush()
  }

  /** A line of JSON. */
  json(value: unknown): Promise<void> {
    return this.line(written(value))
  }

  /** A sentence for people, which may hold names from the database. */
  say(text: string): Promise<void> {
    return this.line(safe(text))
  }

  /** A line that stands behind the others. */
  note(text: string): Promise<void> {
    return this.line(this.#styled('2', safe(text)))
  }

  heading(text: string): Promise<void> {
    return this.line(this.#styled('1', safe(text)))
  }

  /** A value with its structure, for people. */
  async pretty(value: unknown): Promise<void> {
    for (const line of indented(value).split('\n')) await this.line(safe(line))
  }

  /** One answer: its fields below each other, or one line of JSON. */
  async facts(facts: readonly (readonly [string, string])[]): Promise<void> {
    const widest = Math.max(...facts.map(([name]) => name.length))
    for (const [name, value] of facts) await this.line(`${this.#styled('1', name.padEnd(widest))}  ${safe(value)}`)
  }

  /** Rows with these columns, or with those that they have. A table of many is printed as it comes. */
  async table(rows: Iterable<Cells> | AsyncIterable<Cells>, names?: readonly string[]): Promise<void> {
    const sample: Cells[] = []
    let print: ((row: Cells) => Promise<void>) | undefined
    for await (const row of rows) {
      if (print) {
        await print(row)
        continue
      }
      sample.push(row)
      if (sample.length === SAMPLE) print = await this.#begin(sample, names)
    }
    if (!print && sample.length > 0) await this.#begin(sample, names)
  }

  async #begin(sample: readonly Cells[], given: readonly string[] | undefined): Promise<(row: Cells) => Promise<void>> {
    const names = given ?? [...new Set(sample.flatMap((row) => Object.keys(row)))]
    const cells = (row: Cells): string[] => names.map((name) => cellOf(Object.hasOwn(row, name) ? row[name] : undefined))
    const toRight = names.map((name) => sample.every((row) => !Object.hasOwn(row, name) || isAmount(row[name], given !== undefined)))
    const { columns, hidden } = layout(names, sample.map(cells), toRight, this.width)
    const [head, below] = headOf(columns)
    await this.line(this.#styled('1', head))
    await this.line(this.#styled('2', below))
    const known = new Set(names)
    const print = (row: Cells): Promise<void> => {
      for (const name of Object.keys(row)) if (!known.has(name) && given === undefined) this.#later.add(name)
      return this.line(lineOf(columns, cells(row)))
    }
    for (const row of sample) await print(row)
    this.#hidden = hidden
    return print
  }

  #hidden: readonly string[] = []
  /** Fields that only documents after the first ones have. */
  readonly #later = new Set<string>()

  /** Says which columns were left out, below the table. */
  async rest(): Promise<void> {
    if (this.#hidden.length > 0) await this.note(`columns that do not fit: ${listed(this.#hidden)}; --json shows all`)
    if (this.#later.size > 0) await this.note(`fields that only later documents have: ${listed([...this.#later])}; --json shows all`)
  }

  /** Writes what is pending, and waits until it is taken. */
  async flush(): Promise<void> {
    const text = this.#pending
    this.#pending = ''
    await this.#write(text)
  }

  /** A piece of bytes. */
  async bytes(piece: Uint8Array): Promise<void> {
    await this.flush()
    await this.#write(piece)
  }

  async #write(piece: string | Uint8Array): Promise<void> {
    if (this.#isClosed) throw new OutputClosed()
    if (piece.length === 0 || this.stream.write(piece)) return
    // A reader that is gone or a signal ends the waiting.
    await once(this.stream, 'drain', { signal: this.#signal }).catch((error: unknown) => {
      if (this.#isClosed) throw new OutputClosed()
      throw this.#signal.aborted ? this.#signal.reason : error
    })
  }

  #styled(style: string, text: string): string {
    return this.#colors ? `\u001b[${style}m${text}\u001b[0m` : text
  }
}

/** Names, but not thousands of them. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 30).map((name) => name.slice(0, 60)).join(', ')
  return names.length > 30 ? `${shown} and ${names.length - 30} more` : shown
}

/** Whether a value stands at the right of its column; in tables of our own, numbers with a unit too. */
function isAmount(value: unknown, isOurs: boolean): boolean {
  if (typeof value === 'string') return isOurs && /^[\d,.]+ [kMGTP]?B$/.test(value)
  return value === null || typeof value === 'number' || typeof value === 'bigint'
}

/** A value in a cell: texts without quotes, dates and ids as people read them, the rest in Extended JSON. */
function cellOf(value: unknown): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return safe(value.slice(0, LONGEST_CELL))
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString()
  if (value instanceof Uint8Array) return `${value.length} bytes ${Buffer.from(value.subarray(0, 16)).toString('hex')}`
  if (typeof (value as { toHexString?: unknown } | null)?.toHexString === 'function') return (value as { toHexString(): string }).toHexString()
  return safe(written(value, LONGEST_CELL).slice(0, LONGEST_CELL))
}

// CSV as RFC 4180 has it: cells in quotes may hold separators, quotes and line breaks.

import { isUtf8 } from 'node:buffer'

import { MAX_LINE_BYTES } from '../../arguments/limits.js'
import { MoltenError } from '../../errors.js'
import type { ImportType } from '../../types/index.js'
import type { Place } from '../report.js'
import { SourceDamage, type Source } from '../source.js'
import { inferred, lineOf, put, typed, ValueFault } from '../values.js'
import { type Target, WHERE, type Work } from '../work.js'

const QUOTE = '"'
const SEPARATORS = [',', ';', '\t', '|']
/** Where in a cell a letter stands: at its start, in one without quotes, within quotes, behind a quote that may close them. */
const START = 0
const BARE = 1
const QUOTED = 2
const CLOSED = 3

interface Cell {
  text: string
  isQuoted: boolean
}

interface Row {
  cells: Cell[]
  line: number
  offset: number
  bytes: Buffer
  fault?: string
}

export async function importCsv(work: Work, path: string, collection: string): Promise<void> {
  const target = await work.target(path, collection)
  const source = work.source(path)
  const columns = work.plan.header && columnsOf(work.plan.header, work)
  const rows = new Rows(source, work.plan.separator ?? (/\.tsv(\.gz)?$/i.test(path) ? '\t' : undefined))
  try {
    await addRows(work, target, source, rows, columns)
  } catch (error) {
    if (!(error instanceof SourceDamage)) throw error
    await target.reject({ file: path, line: rows.line, offset: source.isCompressed ? null : rows.offset, length: 0 }, `${error.message}; nothing after it can be read`)
  }
}

interface Column {
  path: string[]
  type: ImportType | undefined
}

async function addRows(work: Work, target: Target, source: Source, rows: Rows, given: Column[] | undefined): Promise<void> {
  let columns = given
  for await (const row of rows.all()) {
    const place: Place = { file: source.path, line: row.line, offset: source.isCompressed ? null : row.offset, length: row.bytes.length, bytes: row.bytes }
    if (row.cells.length === 1 && row.cells[0]!.text === '' && !row.cells[0]!.isQuoted && row.fault === undefined) {
      // An empty line; a number is used, as for a line that is left out.
      if (columns !== undefined && target.add('', place)) await target.flush()
      continue
    }
    if (columns === undefined) {
      if (row.fault !== undefined) throw new MoltenError('BAD_DOCUMENT', `${WHERE}: ${source.path}, line ${row.line}: the names of the columns cannot be read: ${row.fault}`, { file: source.path, line: row.line })
      columns = columnsOf(row.cells.map(({ text }) => text), work, source.path)
      continue
    }
    try {
      if (row.fault !== undefined) throw new ValueFault(row.fault)
      if (!isUtf8(row.bytes)) throw new ValueFault('text that is not UTF-8')
      if (row.cells.length !== columns.length) throw new ValueFault(`the row has ${row.cells.length} ${row.cells.length === 1 ? 'cell' : 'cells'}, and there are ${columns.length} columns`)
      if (target.add(lineOf(documentOf(columns, row.cells, work.plan.infer === true)), place)) await target.flush()
    } catch (error) {
      if (!(error instanceof ValueFault)) throw error
      await target.reject(place, error.message)
    }
  }
}

/** The columns of these names; a dot leads into an object. */
function columnsOf(names: readonly string[], { plan }: Work, file?: string): Column[] {
  const wrong = (message: string): MoltenError => new MoltenError('BAD_DOCUMENT', `${WHERE}: ${file === undefined ? 'option header' : `the first line of ${file}`}: ${message}; the option header names the columns of a file without such a line`, file === undefined ? {} : { file, line: 1 })
  const columns = names.map((name) => ({ path: name.trim().split('.'), type: plan.types && Object.hasOwn(plan.types, name.trim()) ? plan.types[name.trim()] : undefined }))
  const known = new Set<string>()
  for (const [index, { path }] of columns.entries()) {
    const name = path.join('.')
    if (path.includes('')) throw wrong(`column ${index + 1} has ${name === '' ? 'no name' : `the name ${JSON.stringify(name)}, which is no path`}`)
    if (known.has(name)) throw wrong(`two columns have the name ${JSON.stringify(name)}`)
    known.add(name)
  }
  for (const { path } of columns) {
    const outer = path.map((_, index) => path.slice(0, index).join('.')).find((start) => start !== '' && known.has(start))
    if (outer !== undefined) throw wrong(`${JSON.stringify(path.join('.'))} is a field of ${JSON.stringify(outer)}, which is a column too`)
  }
  const unknown = Object.keys(plan.types ?? {}).find((name) => !known.has(name))
  if (unknown !== undefined) throw wrong(`option types names ${JSON.stringify(unknown)}, which is no column`)
  return columns
}

function documentOf(columns: readonly Column[], cells: readonly Cell[], infers: boolean): { [key: string]: unknown } {
  const document: { [key: string]: unknown } = {}
  for (const [index, { path, type }] of columns.entries()) {
    const { text, isQuoted } = cells[index]!
    let value: unknown = text
    try {
      if (type !== undefined) value = typed(text, type)
      else if (infers && !isQuoted) value = inferred(text)
    } catch (fault) {
      throw new ValueFault(`${path.join('.')}: ${(fault as Error).message}`)
    }
    let object = document
    for (const key of path.slice(0, -1)) {
      if (!Object.hasOwn(object, key)) put(object, key, {})
      object = object[key] as typeof document
    }
    put(object, path.at(-1)!, value)
  }
  return document
}

/** The rows of a file. Bytes are read as latin1, whose letters are one byte each; cells are decoded when they are whole. */
class Rows {
  line = 1
  offset = 0
  #rest = ''
  #separator: string | undefined
  /** How far the rest was looked through for the end of its first row, and where in a cell that is. */
  #looked = 0
  #place = START

  constructor(private readonly source: Source, separator: string | undefined) {
    this.#separator = separator
  }

  async* all(): AsyncGenerator<Row, void, void> {
    for await (const piece of this.source.text()) {
      this.#rest += piece.toString('latin1')
      yield* this.#whole(false)
      if (this.#rest.length > MAX_LINE_BYTES) throw new SourceDamage(`a row is longer than ${MAX_LINE_BYTES >> 20} MiB, perhaps because of a quote that is not closed`)
    }
    yield* this.#whole(true)
  }

  * #whole(isLast: boolean): Generator<Row, void, void> {
    const text = this.#rest
    let start = 0
    for (let at = this.#looked; at < text.length; at++) {
      const letter = text.charCodeAt(at)
      if (this.#place === QUOTED) {
        if (letter === 34) this.#place = CLOSED
      } else if (letter === 34 && this.#place !== BARE) {
        // A quote opens a cell, and after one that closes it two are one.
        this.#place = QUOTED
      } else if (letter === 10) {
        this.#place = START
        yield this.#row(text.slice(start, at + 1))
        start = at + 1
      } else {
        this.#place = this.#isSeparator(letter) ? START : BARE
      }
    }
    if (isLast && start < text.length) {
      yield this.#row(text.slice(start))
      start = text.length
    }
    this.#rest = text.slice(start)
    this.#looked = text.length - start
  }

  #isSeparator(letter: number): boolean {
    return this.#separator === undefined ? SEPARATORS.includes(String.fromCharCode(letter)) : letter === this.#separator.charCodeAt(0)
  }

  #row(text: string): Row {
    const { line, offset } = this
    this.offset += text.length
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) this.line += 1
    const content = text.replace(/\r?\n$/, '')
    this.#separator ??= separatorOf(content)
    return { ...cellsOf(content, this.#separator), line, offset, bytes: Buffer.from(content, 'latin1') }
  }
}

/** The separator that a line has most of outside of quotes. */
function separatorOf(line: string): string {
  const bare = line.replace(/"[^"]*"/g, '')
  const counts = SEPARATORS.map((separator) => bare.split(separator).length)
  return SEPARATORS[counts.indexOf(Math.max(...counts))]!
}

function cellsOf(row: string, separator: string): { cells: Cell[]; fault?: string } {
  const cells: Cell[] = []
  let at = 0
  for (;;) {
    if (row[at] === QUOTE) {
      const { text, end } = quoted(row, at + 1)
      if (end < 0) return { cells, fault: 'a quote is not closed' }
      cells.push({ text: decoded(text), isQuoted: true })
      if (end < row.length && row[end] !== separator) return { cells, fault: `${JSON.stringify(decoded(row.slice(end, end + 10)))} follows a quote that is closed` }
      if (end >= row.length) return { cells }
      at = end + 1
    } else {
      const end = row.indexOf(separator, at)
      cells.push({ text: decoded(row.slice(at, end < 0 ? undefined : end)), isQuoted: false })
      if (end < 0) return { cells }
      at = end + 1
    }
  }
}

/** The text up to the quote that closes it, and where that ends; two quotes are one. */
function quoted(row: string, from: number): { text: string; end: number } {
  let text = ''
  let at = from
  for (;;) {
    const end = row.indexOf(QUOTE, at)
    if (end < 0) return { text, end: -1 }
    text += row.slice(at, end)
    if (row[end + 1] !== QUOTE) return { text, end: end + 1 }
    text += QUOTE
    at = end + 2
  }
}

function decoded(latin1: string): string {
  // oxlint-disable-next-line no-control-regex
  return /^[\u0000-\u007f]*$/.test(latin1) ? latin1 : Buffer.from(latin1, 'latin1').toString('utf8')
}

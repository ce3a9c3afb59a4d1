// The fields that documents have, with their types: what a schema looks like from a sample.

import type { Document } from '../../types/index.js'
import { written } from '../../values/extended-json.js'

/** Paths that are told; a collection may have documents whose keys are data. */
const MOST_PATHS = 400
/** Deeper fields are left out. */
const DEEPEST = 8
/** Elements of an array that are looked at. */
const ELEMENTS = 50
const EXAMPLES = 5
const MOST_EXAMPLES = 200
const LONGEST = 60

interface Field {
  documents: number
  last: number
  types: Map<string, number>
  /** By their text. */
  examples: Map<string, { value: unknown; count: number }>
  least?: number | Date
  greatest?: number | Date
}

export class Fields {
  #documents = 0
  #left = false
  readonly #fields = new Map<string, Field>()

  add(document: Document): void {
    this.#documents += 1
    this.#object('', document, 1)
  }

  #object(prefix: string, object: Document, depth: number): void {
    for (const [key, value] of Object.entries(object)) this.#value(`${prefix}${key}`, value, depth)
  }

  #value(path: string, value: unknown, depth: number): void {
    const field = this.#field(path)
    if (field === undefined) return
    const type = typeOf(value)
    field.types.set(type, (field.types.get(type) ?? 0) + 1)
    if (field.last !== this.#documents) field.documents += 1
    field.last = this.#documents
    if (type === 'object' || type === 'array') {
      if (depth >= DEEPEST) this.#left = true
      else if (type === 'object') this.#object(`${path}.`, value as Document, depth + 1)
      else for (const element of (value as unknown[]).slice(0, ELEMENTS)) this.#value(`${path}[]`, element, depth + 1)
      return
    }
    if (typeof value === 'number' || value instanceof Date) {
      if (field.least === undefined || value < field.least) field.least = value
      if (field.greatest === undefined || value > field.greatest) field.greatest = value
    }
    this.#example(field, value)
  }

  #field(path: string): Field | undefined {
    const known = this.#fields.get(path)
    if (known !== undefined) return known
    if (this.#fields.size >= MOST_PATHS) {
      this.#left = true
      return undefined
    }
    const field: Field = { documents: 0, last: 0, types: new Map(), examples: new Map() }
    this.#fields.set(path, field)
    return field
  }

  #example({ examples }: Field, value: unknown): void {
    const short = typeof value === 'string' ? cut(value) : value instanceof Uint8Array ? value.subarray(0, LONGEST) : value
    const text = written(short)
    const known = examples.get(text)
    if (known !== undefined) known.count += 1
    // The first values are counted; of a field with many, that says enough.
    else if (examples.size < MOST_EXAMPLES) examples.set(text, { value: short, count: 1 })
  }

  answer(): Document {
    const fields = [...this.#fields].map(([path, { documents, types, examples, least, greatest }]) => ({
      path, documents, types: [...types].toSorted(([, a], [, b]) => b - a),
      examples: [...examples.values()].toSorted((a, b) => b.count - a.count).slice(0, EXAMPLES).map(({ value, count }) => [value, count]), distinct: examples.size,
      ...(least !== undefined && { least, greatest })
    }))
    return { documents: this.#documents, left: this.#left, fields }
  }
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST).toWellFormed()}...` : text
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (value instanceof Date) return 'date'
  if (value instanceof Uint8Array) return 'binary'
  if (typeof value === 'bigint') return 'long'
  if (typeof value !== 'object') return typeof value
  return typeof (value as { toHexString?: unknown }).toHexString === 'function' ? 'objectId' : 'object'
}

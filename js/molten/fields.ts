// Names of fields: as MoltenDB's payloads have them, and as they are stored. The key is the `_id`; a field of the program that is named
// `_id` is stored as `__id`, one named `__id` as `___id`, and so on.

import type { Document } from '../types/index.js'

const ID = /^_+id$/
/** Names of MoltenDB 1.0 for what is stored under the names of 0.6. */
const OTHER: { readonly [name: string]: string | undefined } = { __proto__: null as never, _key: '_id', _createdAt: 'createdAt', _modifiedAt: 'modifiedAt' }

/** The path under which a path of a payload is stored. */
export function storedPath(path: string): string {
  const dot = path.indexOf('.')
  const root = dot < 0 ? path : path.slice(0, dot)
  const name = OTHER[root] ?? (ID.test(root) ? `_${root}` : root)
  return dot < 0 ? name : name + path.slice(dot)
}

/** Sets a field of an object that is made here; one named `__proto__` too. */
export function put(into: Document, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(into, name, { value, writable: true, enumerable: true, configurable: true })
  else into[name] = value
}

/** A document of the program as it is stored, without its `_id`. */
export function stored(document: Document): Document {
  const made: Document = {}
  for (const name of Object.keys(document)) put(made, ID.test(name) ? `_${name}` : name, document[name])
  return made
}

/** A stored document as MoltenDB has it, without its key. */
export function unstored(document: Document): Document {
  const made: Document = {}
  for (const name of Object.keys(document)) {
    if (name !== '_id') put(made, ID.test(name) ? name.slice(1) : name, document[name])
  }
  return made
}

function own(value: unknown, name: string): unknown {
  return isNested(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

/** An object with fields of its own, as JSON has them. */
export function isNested(value: unknown): value is Document {
  const prototype: unknown = typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined
  return prototype === Object.prototype || prototype === null
}

/** The fields of a document that these paths name; a field that is missing is left out. */
export function only(document: Document, paths: readonly string[]): Document {
  const made: Document = {}
  for (const path of paths) {
    const parts = path.split('.')
    const other = Object.hasOwn(document, parts[0]!) ? undefined : OTHER[parts[0]!]
    const value = (other === undefined ? parts : [other, ...parts.slice(1)]).reduce(own, document as unknown)
    if (value === undefined) continue
    let into = made
    for (const part of parts.slice(0, -1)) {
      const next = own(into, part)
      if (!isNested(next)) put(into, part, {})
      into = own(into, part) as Document
    }
    put(into, parts.at(-1)!, value)
  }
  return made
}

/** A document without the fields that these paths name, and without objects that are empty without them. */
export function without(document: Document, paths: readonly string[]): Document {
  return paths.reduce((left, path) => cut(left, path.split('.')), document)
}

function cut(document: Document, [name, ...rest]: readonly string[]): Document {
  const made: Document = {}
  for (const key of Object.keys(document)) {
    const value: unknown = document[key]
    if (key !== name) put(made, key, value)
    else if (rest.length > 0) {
      const inner = isNested(value) ? cut(value, rest) : value
      if (!isNested(inner) || Object.keys(inner).length > 0) put(made, key, inner)
    }
  }
  return made
}

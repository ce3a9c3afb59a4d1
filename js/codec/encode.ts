// Encodes values in the stored form, and checks them.

import { types } from 'node:util'

import { MoltenError, type MoltenErrorKind, numbered } from '../errors.js'
import {
  BINARY, DATE, isGone, isWellFormed, kindOf, lengthOf, MAX_DEPTH, MAX_ID, OBJECT, objectIdBytes, patternOf, Refusal, timeOf
} from './classify.js'
import { MAX_SHAPE_KEYS, type PortShapes } from './shapes.js'
import { HEAD, TokenWriter, TOO_LARGE } from './token-writer.js'
import type { Writer } from './writer.js'

/** The role of a value: it decides the kind of error and the meaning of undefined. */
export type Role = 'document' | 'filter' | 'update' | 'pipeline'

export interface EncodeOptions {
  /** Leave undefined fields out (the default) or store null. */
  ignoreUndefined: boolean
}

const KINDS: { readonly [role in Role]: MoltenErrorKind } = {
  document: 'BAD_DOCUMENT', filter: 'BAD_QUERY', update: 'BAD_UPDATE', pipeline: 'BAD_QUERY'
}

/** The input of an encoder. */
const DOCUMENT = 0
const VALUE = 1
const ID = 2
type Part = typeof DOCUMENT | typeof VALUE | typeof ID

/**
 * Writes a document as a record, its `_id` first: `id` if given, otherwise the document's own. Getters run once and their
 * errors propagate; the writer is then as it was before, as after a refusal.
 */
export function encodeDocument(out: Writer, shapes: PortShapes, document: object, options: EncodeOptions, id?: unknown): void {
  new Encoder(out, shapes, 'document', options.ignoreUndefined).encode(DOCUMENT, document, id, '')
}

/** Writes any value, objects as maps. */
export function encodeValue(out: Writer, value: unknown, role: Role, options?: EncodeOptions): void {
  if (value === null && !out.busy) return out.token(0xc0)
  new Encoder(out, undefined, role, options?.ignoreUndefined ?? true).encode(VALUE, value, undefined, role === 'pipeline' ? role : '')
}

/** Writes only an `_id`, as key access sends it. */
export function encodeId(out: Writer, id: unknown): void {
  new Encoder(out, undefined, 'document', true).encode(ID, id, undefined, '_id')
}

class Encoder extends TokenWriter {
  /** Whether values are conditions, which may be regular expressions. */
  private conditions: boolean

  constructor(
    out: Writer,
    private readonly shapes: PortShapes | undefined,
    private readonly role: Role,
    private readonly ignoreUndefined: boolean
  ) {
    super(out)
    this.conditions = role === 'filter' || role === 'pipeline'
  }

  /** Writes one of the three. On an exception the writer and the shapes are restored. */
  encode(part: Part, value: unknown, id: unknown, prefix: string): void {
    const { out, shapes } = this
    if (out.busy) {
      throw new MoltenError('INTERNAL', 'a getter started an operation whose values went to the writer of the one that called it')
    }
    out.busy = true
    const start = out.length
    const open = shapes === undefined ? 0 : shapes.open
    let done = false
    try {
      if (part === DOCUMENT) this.document(value, id)
      else if (part === VALUE) this.value(value, 1)
      else this.id(value)
      this.checkSize()
      done = true
    } catch (error) {
      throw this.errorFrom(error, prefix)
    } finally {
      // By assignments: when the stack is exhausted, a call would fail too.
      if (!done) {
        if (shapes !== undefined) shapes.open = open
        out.length = start
      }
      out.busy = false
    }
  }

  private checkSize(): void {
    if (this.out.length > this.limit) throw new Refusal(TOO_LARGE, 'BSONObjectTooLarge')
  }

  /** A Refusal becomes the error of the role, with its path. Any other error comes from user code and is rethrown. */
  private errorFrom(error: unknown, prefix: string): unknown {
    if (!(error instanceof Refusal)) return error
    const path = [...(prefix === '' ? [] : [prefix]), ...error.path.reverse()].join('.')
    const subject = path === '' ? `the ${this.role}` : `${this.role} field '${path}'`
    return new MoltenError(KINDS[this.role], `${subject} ${error.reason}`, { path, ...(error.codeName ? numbered(error.codeName) : {}) })
  }

  private document(document: unknown, id: unknown): void {
    if (typeof document !== 'object' || document === null || Array.isArray(document) || kindOf(document) !== OBJECT) {
      throw new Refusal('is not an object with fields; give a plain object or an instance of a class')
    }
    const keys = Object.keys(document)
    let first = id
    if (first === undefined && (keys[0] === '_id' || keys.includes('_id'))) first = (document as { _id?: unknown })._id
    this.record(document, keys, 1, true, first)
  }

  private id(id: unknown): void {
    if (id === undefined || Array.isArray(id)) {
      throw new Refusal(`is ${id === undefined ? 'undefined' : 'an array'}; an _id is any other value that can be stored`, 'InvalidIdField')
    }
    const start = this.out.length
    this.value(id, 2)
    const length = this.out.length - start
    if (length > MAX_ID) throw new Refusal(`takes ${length} bytes, and an _id at most ${MAX_ID}; store a digest of it`, 'InvalidIdField')
  }

  private value(value: unknown, depth: number): void {
    const out = this.out
    switch (typeof value) {
      case 'string':
        return this.string(value)
      case 'number':
        return this.number(value)
      case 'boolean':
        return out.token(value ? 0xc3 : 0xc2)
      case 'object':
        return value === null ? out.token(0xc0) : this.object(value, depth)
      case 'bigint':
        return this.bigint(value)
      case 'undefined':
        // Elements of arrays, and fields with `ignoreUndefined: false`; other undefined fields were left out before.
        if (this.role === 'document' || (this.role === 'update' && !this.conditions)) return out.token(0xc0)
        throw new Refusal('is undefined; leave it out, or use null')
      case 'function':
        throw new Refusal('is a function; store data only')
      default:
        throw new Refusal('is a symbol; store its description as a string')
    }
  }

  private object(value: object, depth: number): void {
    if (Array.isArray(value)) return this.array(value, depth)
    if (this.conditions && types.isRegExp(value)) return this.pattern(value, depth)
    const kind = kindOf(value)
    if (kind === OBJECT) {
      const keys = Object.keys(value)
      if (this.shapes !== undefined) this.record(value, keys, depth, false, undefined)
      else if (this.ignoreUndefined && this.role === 'document') this.gathered(value, keys, depth, false, undefined)
      else this.map(value, keys, depth)
    } else if (kind === DATE) {
      this.date(timeOf(value))
    } else if (kind === BINARY) {
      if (lengthOf(value) === 0 && isGone(value as Uint8Array)) {
        throw new Refusal('is a view of a buffer that was detached or shrank; store a copy made while its bytes are there')
      }
      this.binary(value as Uint8Array)
    } else {
      this.objectId(objectIdBytes(value))
    }
  }

  /** A regular expression, allowed only in conditions: `{ $regularExpression: { pattern, options } }`. */
  private pattern(pattern: RegExp, depth: number): void {
    this.enter(depth + 1)
    const { source, flags } = patternOf(pattern)
    if (!isWellFormed(source)) throw new Refusal('is a regular expression with a lone surrogate; use well-formed Unicode')
    this.count(0x80, 0xde, 1)
    this.string('$regularExpression')
    this.count(0x80, 0xde, 2)
    this.string('pattern')
    this.string(source)
    this.string('options')
    this.string(flags)
  }

  private enter(depth: number): void {
    if (depth > MAX_DEPTH) throw new Refusal(`is nested deeper than ${MAX_DEPTH} levels, or part of a cycle; store references by _id`, 'Overflow')
  }

  private array(array: unknown[], depth: number): void {
    this.enter(depth)
    const length = array.length
    // An element takes at least one byte: an array with too many holes is refused without a walk over them.
    if (this.out.length + length > this.limit) throw new Refusal(TOO_LARGE)
    this.count(0x90, 0xdc, length)
    let i = 0
    try {
      for (; i < length; i++) {
        this.value(array[i], depth + 1)
        if (this.out.length > this.limit) this.checkSize()
      }
    } catch (error) {
      throw under(error, i)
    }
  }

  /**
   * Writes an object by its shape: the values, and then the shape's number before them, which is known when all keys were
   * walked.
   */
  private record(object: object, keys: string[], depth: number, root: boolean, id: unknown): void {
    const shapes = this.shapes as PortShapes
    if (keys.length >= MAX_SHAPE_KEYS || !shapes.hasRoom()) return this.gathered(object, keys, depth, root, id)
    this.enter(depth)
    const out = this.out
    out.ensure(HEAD)
    const start = out.length
    out.bytes[start] = 0xc1
    out.length = start + 3
    shapes.open++
    let node = shapes.root
    let key = '_id'
    try {
      if (root && id !== undefined) {
        node = shapes.step(node, key)
        this.id(id)
      }
      for (let i = 0; i < keys.length; i++) {
        key = keys[i] as string
        if (root && key === '_id') continue
        const value = (object as { [key: string]: unknown })[key]
        if (value === undefined && this.ignoreUndefined) continue
        node = node.nextKey === key ? (node.next as typeof node) : shapes.step(node, key)
        this.value(value, depth + 1)
        if (out.length > this.limit) this.checkSize()
      }
    } catch (error) {
      throw under(error, key)
    }
    shapes.open--
    out.view.setUint16(start + 1, shapes.number(node))
  }

  /** Writes an object whose values are read first, each once, because its form depends on which of them are undefined. */
  private gathered(object: object, keys: string[], depth: number, root: boolean, id: unknown): void {
    this.enter(depth)
    const names: string[] = []
    const values: unknown[] = []
    if (root && id !== undefined) {
      names.push('_id')
      values.push(id)
    }
    for (const key of keys) {
      if (root && key === '_id') continue
      const value = (object as { [key: string]: unknown })[key]
      if (value === undefined && this.ignoreUndefined) continue
      names.push(key)
      values.push(value)
    }
    const number = names.length > MAX_SHAPE_KEYS ? -1 : this.numberOf(names)
    if (number < 0) {
      this.count(0x80, 0xde, names.length)
    } else {
      this.out.ensure(HEAD)
      this.out.bytes[this.out.length] = 0xc1
      this.out.view.setUint16(this.out.length + 1, number)
      this.out.length += 3
    }
    let i = 0
    try {
      for (; i < names.length; i++) {
        if (number < 0) this.key(names[i] as string)
        if (root && names[i] === '_id') this.id(values[i])
        else this.value(values[i], depth + 1)
        this.checkSize()
      }
    } catch (error) {
      throw under(error, names[i] as string)
    }
  }

  private numberOf(names: string[]): number {
    if (this.shapes === undefined) return -1
    const refused = names.find((name) => !isWellFormed(name))
    if (refused !== undefined) throw under(new Refusal(BAD_NAME), refused)
    return this.shapes.numberOf(names)
  }

  /** Writes an object of a filter or update. Undefined fields are left out of updates. */
  private map(object: object, keys: string[], depth: number): void {
    // The head of a larger map has another length when fields are left out.
    if (keys.length > MOST_PATCHED && depth > 1 && this.omits(depth)) return this.gathered(object, keys, depth, false, undefined)
    this.enter(depth)
    const { out } = this
    const start = out.length
    let count = keys.length
    this.count(0x80, 0xde, count)
    let i = 0
    try {
      for (; i < keys.length; i++) {
        const key = keys[i] as string
        const at = out.length
        this.key(key)
        const value = (object as { [key: string]: unknown })[key]
        if (value === undefined && keys.length <= MOST_PATCHED && this.omits(depth)) {
          out.length = at
          out.bytes[start] = 0x80 | --count
          continue
        }
        const pulls = depth === 1 && key === '$pull' && this.role === 'update'
        if (pulls) this.conditions = true
        this.value(value, depth + 1)
        if (pulls) this.conditions = false
        this.checkSize()
      }
    } catch (error) {
      throw under(error, keys[i] as string)
    }
  }

  /** Whether undefined fields at this depth are left out: those of updates, but not of the conditions of `$pull`, as fewer conditions pull more. */
  private omits(depth: number): boolean {
    return this.role === 'update' && this.ignoreUndefined && (!this.conditions || depth === 2)
  }

  private key(key: string): void {
    if (!isWellFormed(key)) throw new Refusal(BAD_NAME)
    this.string(key)
  }
}

/** The most fields of a map whose number is in its first byte. */
const MOST_PATCHED = 15

const BAD_NAME = 'has a name with a lone surrogate; use well-formed Unicode'

function under(error: unknown, key: string | number): unknown {
  if (error instanceof Refusal) error.path.push(key)
  return error
}

import { MoltenError, type MoltenErrorKind } from './errors.js'
import { MAX_SHAPE_KEYS, type PortShapes } from './shapes.js'
import { BINARY, DATE, isWellFormed, kindOf, lengthOf, MAX_DEPTH, MAX_DOCUMENT, MAX_ID, OBJECT, objectIdBytes, Refusal, timeOf } from './values.js'
import type { NativeBuffer, Writer } from './writer.js'

/** What a value is for: it decides the kind of error, and what undefined means. */
export type Role = 'document' | 'filter' | 'update'

export interface EncodeOptions {
  /** Leave undefined fields out (the default) or store null. */
  ignoreUndefined: boolean
}

const KINDS: { readonly [role in Role]: MoltenErrorKind } = { document: 'BAD_DOCUMENT', filter: 'BAD_QUERY', update: 'BAD_UPDATE' }

/** A filter or update wraps the values of documents in levels of its own. */
const MAX_WRAPPED_DEPTH = MAX_DEPTH + 28

/**
 * Writes a document as a record, its `_id` first: `id` when given, else the document's own. Getters run once and
 * their errors are passed on; then, as after a refusal, the writer is as it was.
 */
export function encodeDocument(out: Writer, shapes: PortShapes, document: object, options: EncodeOptions, id?: unknown): void {
  const open = shapes.open
  const encoder = new Encoder(out, shapes, 'document', options.ignoreUndefined)
  const start = encoder.begin()
  let done = false
  try {
    encoder.document(document, id)
    encoder.checkSize()
    done = true
  } catch (error) {
    throw encoder.errorFrom(error, '')
  } finally {
    if (!done) shapes.open = open
    encoder.end(done ? out.length : start)
  }
}

/** Writes any value, objects as maps. */
export function encodeValue(out: Writer, value: unknown, role: Role, options?: EncodeOptions): void {
  const encoder = new Encoder(out, undefined, role, options?.ignoreUndefined ?? true)
  const start = encoder.begin()
  let done = false
  try {
    encoder.value(value, 1)
    encoder.checkSize()
    done = true
  } catch (error) {
    throw encoder.errorFrom(error, '')
  } finally {
    encoder.end(done ? out.length : start)
  }
}

/** Writes an `_id` alone, as key access sends it. */
export function encodeId(out: Writer, id: unknown): void {
  const encoder = new Encoder(out, undefined, 'document', true)
  const start = encoder.begin()
  let done = false
  try {
    encoder.id(id)
    done = true
  } catch (error) {
    throw encoder.errorFrom(error, '_id')
  } finally {
    encoder.end(done ? out.length : start)
  }
}

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n
/** Up to here a loop over the characters beats a native call. */
const SHORT_STRING = 40
/** The longest head of any value, and any value that is not a string or binary. */
const HEAD = 16

class Encoder {
  private readonly limit: number
  private readonly maxDepth: number

  constructor(
    private readonly out: Writer,
    private readonly shapes: PortShapes | undefined,
    private readonly role: Role,
    private readonly ignoreUndefined: boolean
  ) {
    this.limit = out.length + MAX_DOCUMENT
    this.maxDepth = role === 'document' ? MAX_DEPTH : MAX_WRAPPED_DEPTH
  }

  begin(): number {
    if (this.out.busy) {
      throw new MoltenError('INTERNAL', 'a getter started an operation whose values went to the writer of the one that called it')
    }
    this.out.busy = true
    return this.out.length
  }

  end(length: number): void {
    this.out.length = length
    this.out.busy = false
  }

  checkSize(): void {
    if (this.out.length > this.limit) throw new Refusal(TOO_LARGE)
  }

  /** A refusal becomes the error of the role, with its path; anything else came from user code and is passed on. */
  errorFrom(error: unknown, prefix: string): unknown {
    if (!(error instanceof Refusal)) return error
    const path = [...(prefix === '' ? [] : [prefix]), ...error.path.reverse()].join('.')
    const subject = path === '' ? `the ${this.role}` : `${this.role} field '${path}'`
    return new MoltenError(KINDS[this.role], `${subject} ${error.reason}`, { path })
  }

  document(document: unknown, id: unknown): void {
    if (typeof document !== 'object' || document === null || Array.isArray(document) || kindOf(document) !== OBJECT) {
      throw new Refusal('is not an object with fields; give a plain object or an instance of a class')
    }
    const keys = Object.keys(document)
    let first = id
    if (first === undefined && (keys[0] === '_id' || keys.includes('_id'))) first = (document as { _id?: unknown })._id
    this.record(document, keys, 1, true, first)
  }

  id(id: unknown): void {
    if (id === undefined || Array.isArray(id)) {
      throw new Refusal(`is ${id === undefined ? 'undefined' : 'an array'}; an _id is any other value that can be stored`)
    }
    const start = this.out.length
    this.value(id, 2)
    const length = this.out.length - start
    if (length > MAX_ID) throw new Refusal(`takes ${length} bytes, and an _id at most ${MAX_ID}; store a digest of it`)
  }

  value(value: unknown, depth: number): void {
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
        // Only elements of arrays and fields kept as null come here; anything else was left out.
        if (this.role === 'document') return out.token(0xc0)
        throw new Refusal('is undefined; leave it out, or use null')
      case 'function':
        throw new Refusal('is a function; store data only')
      default:
        throw new Refusal('is a symbol; store its description as a string')
    }
  }

  private number(value: number): void {
    const out = this.out
    out.ensure(HEAD)
    const bytes = out.bytes
    const at = out.length
    const int = value | 0
    if (int !== value || (int === 0 && 1 / value < 0)) {
      bytes[at] = 0xcb
      // One NaN, whatever its payload.
      out.view.setFloat64(at + 1, value === value ? value : NaN)
      out.length = at + 9
    } else if (int >= 0) {
      if (int < 0x80) {
        bytes[at] = int
        out.length = at + 1
      } else if (int < 0x100) {
        bytes[at] = 0xcc
        bytes[at + 1] = int
        out.length = at + 2
      } else if (int < 0x10000) {
        bytes[at] = 0xcd
        out.view.setUint16(at + 1, int)
        out.length = at + 3
      } else {
        bytes[at] = 0xce
        out.view.setUint32(at + 1, int)
        out.length = at + 5
      }
    } else if (int >= -32) {
      bytes[at] = int
      out.length = at + 1
    } else if (int >= -0x80) {
      bytes[at] = 0xd0
      bytes[at + 1] = int
      out.length = at + 2
    } else if (int >= -0x8000) {
      bytes[at] = 0xd1
      out.view.setInt16(at + 1, int)
      out.length = at + 3
    } else {
      bytes[at] = 0xd2
      out.view.setInt32(at + 1, int)
      out.length = at + 5
    }
  }

  private bigint(value: bigint): void {
    if (value < MIN_INT64 || value > MAX_INT64) throw new Refusal('is a BigInt beyond int64; store it as a string')
    const out = this.out
    out.ensure(HEAD)
    out.bytes[out.length] = 0xd3
    out.view.setBigInt64(out.length + 1, value)
    out.length += 9
  }

  private string(value: string): void {
    const length = value.length
    if (length > SHORT_STRING) return this.longString(value)
    const out = this.out
    out.ensure(HEAD + SHORT_STRING)
    const bytes = out.bytes
    let at = out.length
    if (length < 32) {
      bytes[at++] = 0xa0 | length
    } else {
      bytes[at++] = 0xd9
      bytes[at++] = length
    }
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) return this.longString(value)
      bytes[at++] = code
    }
    out.length = at
  }

  private longString(value: string): void {
    if (!isWellFormed(value)) throw new Refusal('is a string with a lone surrogate; store well-formed Unicode, or a Buffer')
    const out = this.out
    if (out.length + value.length > this.limit) throw new Refusal(TOO_LARGE)
    const most = value.length > 4096 ? Buffer.byteLength(value) : 3 * value.length
    out.ensure(HEAD + most)
    const start = out.length
    // Written where it belongs if it is ASCII, and moved when its head turns out longer.
    const guess = start + stringHead(value.length)
    const length = (out.bytes as NativeBuffer).utf8Write(value, guess, most)
    const body = start + stringHead(length)
    if (body !== guess) out.bytes.copyWithin(body, guess, guess + length)
    if (length < 32) out.bytes[start] = 0xa0 | length
    else this.head(0xd9, length)
    out.length = body + length
  }

  /** A lead byte of the three that follow one another for u8, u16 and u32 lengths, and the length. */
  private head(lead8: number, length: number): void {
    const out = this.out
    out.ensure(HEAD)
    const at = out.length
    if (length < 0x100) {
      out.bytes[at] = lead8
      out.bytes[at + 1] = length
      out.length = at + 2
    } else if (length < 0x10000) {
      out.bytes[at] = lead8 + 1
      out.view.setUint16(at + 1, length)
      out.length = at + 3
    } else {
      out.bytes[at] = lead8 + 2
      out.view.setUint32(at + 1, length)
      out.length = at + 5
    }
  }

  /** The head of an array or map: the length in the lead byte, or after one of two. */
  private count(lead4: number, lead16: number, count: number): void {
    const out = this.out
    if (count < 16) return out.token(lead4 | count)
    out.ensure(HEAD)
    const at = out.length
    if (count < 0x10000) {
      out.bytes[at] = lead16
      out.view.setUint16(at + 1, count)
      out.length = at + 3
    } else {
      out.bytes[at] = lead16 + 1
      out.view.setUint32(at + 1, count)
      out.length = at + 5
    }
  }

  private object(value: object, depth: number): void {
    if (Array.isArray(value)) return this.array(value, depth)
    const kind = kindOf(value)
    if (kind === OBJECT) {
      const keys = Object.keys(value)
      if (this.shapes !== undefined) this.record(value, keys, depth, false, undefined)
      else if (this.ignoreUndefined && this.role === 'document') this.gathered(value, keys, depth, false, undefined)
      else this.map(value, keys, depth)
    } else if (kind === DATE) {
      this.date(timeOf(value))
    } else if (kind === BINARY) {
      this.binary(value as Uint8Array)
    } else {
      const bytes = objectIdBytes(value)
      const out = this.out
      out.ensure(HEAD)
      out.bytes[out.length] = 0xc7
      out.bytes[out.length + 1] = 12
      out.bytes[out.length + 2] = 2
      out.bytes.set(bytes, out.length + 3)
      out.length += 15
    }
  }

  private date(time: number): void {
    const out = this.out
    out.ensure(HEAD)
    const at = out.length
    out.bytes[at] = 0xd7
    out.bytes[at + 1] = 1
    out.view.setInt32(at + 2, Math.floor(time / 0x100000000))
    out.view.setUint32(at + 6, time >>> 0)
    out.length = at + 10
  }

  private binary(value: Uint8Array): void {
    const length = lengthOf(value)
    const out = this.out
    if (out.length + length > this.limit) throw new Refusal(TOO_LARGE)
    this.head(0xc4, length)
    out.ensure(length)
    out.bytes.set(value, out.length)
    out.length += length
  }

  private enter(depth: number): void {
    if (depth > this.maxDepth) throw new Refusal(`is nested deeper than ${this.maxDepth} levels, or part of a cycle; store references by _id`)
  }

  private array(array: unknown[], depth: number): void {
    this.enter(depth)
    const length = array.length
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

  /** An object by its shape: the values, and afterwards the number that the walk over the keys led to. */
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

  /** An object whose form is known only when its values are: getters must not run twice. */
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

  /** An object of a filter or update; nothing is left out of it. */
  private map(object: object, keys: string[], depth: number): void {
    this.enter(depth)
    this.count(0x80, 0xde, keys.length)
    let i = 0
    try {
      for (; i < keys.length; i++) {
        const key = keys[i] as string
        this.key(key)
        this.value((object as { [key: string]: unknown })[key], depth + 1)
        this.checkSize()
      }
    } catch (error) {
      throw under(error, keys[i] as string)
    }
  }

  private key(key: string): void {
    if (!isWellFormed(key)) throw new Refusal(BAD_NAME)
    this.string(key)
  }
}

const TOO_LARGE = `is larger than ${MAX_DOCUMENT} bytes; store parts of it as documents of their own`
const BAD_NAME = 'has a name with a lone surrogate; use well-formed Unicode'

function stringHead(length: number): number {
  return length < 32 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : 5
}

function under(error: unknown, key: string | number): unknown {
  if (error instanceof Refusal) error.path.push(key)
  return error
}

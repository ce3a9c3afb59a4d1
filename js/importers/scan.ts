// Takes a text of JSON apart without holding all of it: the values that are asked for, one after the other. What is between them is checked;
// they themselves are for whoever parses them.

import { MAX_LINE_BYTES } from '../arguments/limits.js'

/** What to do with an array or object: look at its members one by one, take it as one value, or go over it. */
export type Step = 'into' | 'whole' | 'skip'

/** Where a value is: the keys and indexes that lead to it. */
export type Path = readonly (string | number)[]

export interface Found {
  path: Path
  bytes: Buffer
  line: number
  offset: number
}

/** The text is no JSON from here on. */
export class JsonDamage extends Error {
  constructor(message: string, readonly line: number, readonly offset: number) {
    super(message)
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN = { array: 0x5b, object: 0x7b } as const
const CLOSE = { array: 0x5d, object: 0x7d } as const
const NEWLINE = 10

const isSpace = (byte: number): boolean => byte === 32 || byte === NEWLINE || byte === 13 || byte === 9

interface Container {
  isArray: boolean
  at: string | number
}

type State = 'value' | 'valueOrEnd' | 'key' | 'keyOrEnd' | 'colon' | 'commaOrEnd' | 'opening' | 'inside' | 'string' | 'literal' | 'done'

export class JsonScan {
  #state: State = 'value'
  readonly #inside: Container[] = []
  /** Within a value: brackets that are open, whether it is in a string, and whether the letter before was a backslash. */
  #depth = 0
  #isText = false
  #isEscaped = false
  #isKey = false
  #isArray = false
  #keeps = true
  #kept: Buffer[] = []
  #keptBytes = 0
  /** The first byte of what is kept, in this piece. */
  #from = 0
  #start = 0
  /** Bytes of the pieces before. */
  #before = 0
  /** The line of a place, and up to where line breaks were counted. */
  #line = 1
  #counted = 0
  #found: Found[] = []

  /** What is to be done with a container may depend on a value before it, which `seen` is told at once. */
  constructor(private readonly step: (path: Path, isArray: boolean, first: number) => Step, private readonly seen?: (path: Path, bytes: Buffer) => void) {}

  /** The values that end in this piece. */
  feed(piece: Buffer): Found[] {
    this.#found = []
    this.#counted = 0
    this.#from = 0
    let at = 0
    while (at < piece.length) at = this.#next(piece, at)
    if (this.#isKeeping) this.#keep(piece.subarray(this.#from), piece)
    this.#count(piece, piece.length)
    this.#before += piece.length
    return this.#found
  }

  /** The text has ended. */
  end(): void {
    if (this.#state === 'literal' && this.#inside.length === 0) return
    if (this.#state !== 'done') throw new JsonDamage(this.#before === 0 ? 'it is empty' : `it ends within ${this.#inside.length > 0 || this.#state !== 'value' ? 'a value' : 'nothing'}; the end is missing`, this.#line, this.#before)
  }

  get #isKeeping(): boolean {
    return this.#state === 'opening' || this.#state === 'inside' || this.#state === 'string' || this.#state === 'literal'
  }

  get #path(): Path {
    return this.#inside.map(({ at }) => at)
  }

  #keep(part: Buffer, piece: Buffer): void {
    if (!this.#keeps || part.length === 0) return
    this.#keptBytes += part.length
    if (this.#keptBytes > MAX_LINE_BYTES) throw this.#damage(`a value is longer than ${MAX_LINE_BYTES >> 20} MiB; a document has at most 16 MiB`, piece, this.#from)
    this.#kept.push(part)
  }

  #count(piece: Buffer, to: number): void {
    for (let end = piece.indexOf(NEWLINE, this.#counted); end >= 0 && end < to; end = piece.indexOf(NEWLINE, end + 1)) this.#line += 1
    this.#counted = Math.max(this.#counted, to)
  }

  #damage(message: string, piece: Buffer, at: number): JsonDamage {
    this.#count(piece, at)
    return new JsonDamage(message, this.#line, this.#before + at)
  }

  #startLine = 1

  #begin(piece: Buffer, at: number, state: State): void {
    this.#count(piece, at)
    this.#startLine = this.#line
    this.#start = this.#before + at
    this.#from = at
    this.#kept = []
    this.#keptBytes = 0
    this.#keeps = true
    this.#state = state
  }

  /** Goes on from a byte; answers the next one. */
  #next(piece: Buffer, at: number): number {
    switch (this.#state) {
      case 'inside':
        return this.#within(piece, at)
      case 'string':
        return this.#throughText(piece, at)
      case 'literal':
        return this.#throughLiteral(piece, at)
      default:
        break
    }
    const byte = piece[at]!
    if (isSpace(byte)) return at + 1
    const wrong = (expected: string): JsonDamage => this.#damage(`${expected} is expected where ${JSON.stringify(String.fromCharCode(byte))} stands`, piece, at)
    const container = this.#inside.at(-1)
    switch (this.#state) {
      case 'opening': {
        const isArray = this.#isArray
        const step = this.step(this.#path, isArray, byte)
        if (step === 'into') {
          this.#inside.push({ isArray, at: isArray ? 0 : '' })
          this.#state = isArray ? 'valueOrEnd' : 'keyOrEnd'
        } else {
          this.#keeps = step === 'whole'
          this.#depth = 1
          this.#isText = false
          this.#isEscaped = false
          this.#state = 'inside'
        }
        return at
      }
      case 'keyOrEnd':
      case 'key':
        if (byte === CLOSE.object && this.#state === 'keyOrEnd') return this.#leave(at)
        if (byte !== QUOTE) throw wrong('a key')
        this.#isKey = true
        this.#begin(piece, at, 'string')
        this.#isEscaped = false
        return at + 1
      case 'colon':
        if (byte !== COLON) throw wrong('a colon')
        this.#state = 'value'
        return at + 1
      case 'commaOrEnd':
        if (container === undefined) throw wrong('the end')
        if (byte === (container.isArray ? CLOSE.array : CLOSE.object)) return this.#leave(at)
        if (byte !== COMMA) throw wrong(`a comma or ${container.isArray ? ']' : '}'}`)
        if (container.isArray) (container.at as number) += 1
        this.#state = container.isArray ? 'value' : 'key'
        return at + 1
      case 'done':
        throw wrong('the end')
      default:
        if (byte === CLOSE.array && this.#state === 'valueOrEnd') return this.#leave(at)
        if (byte === OPEN.array || byte === OPEN.object) {
          this.#isArray = byte === OPEN.array
          this.#begin(piece, at, 'opening')
          return at + 1
        }
        if (byte === QUOTE) {
          this.#isKey = false
          this.#begin(piece, at, 'string')
          this.#isEscaped = false
          return at + 1
        }
        if (!/[-\w]/.test(String.fromCharCode(byte))) throw wrong('a value')
        this.#begin(piece, at, 'literal')
        return at + 1
    }
  }

  #leave(at: number): number {
    this.#inside.pop()
    this.#state = this.#inside.length === 0 ? 'done' : 'commaOrEnd'
    return at + 1
  }

  /** Within a value that is taken as a whole: only its brackets matter. */
  #within(piece: Buffer, from: number): number {
    let at = from
    for (; at < piece.length; at++) {
      const byte = piece[at]!
      if (this.#isText) {
        if (this.#isEscaped) this.#isEscaped = false
        else if (byte === BACKSLASH) this.#isEscaped = true
        else if (byte === QUOTE) this.#isText = false
      } else if (byte === QUOTE) {
        this.#isText = true
      } else if (byte === OPEN.object || byte === OPEN.array) {
        this.#depth += 1
      } else if (byte === CLOSE.object || byte === CLOSE.array) {
        this.#depth -= 1
        if (this.#depth === 0) {
          this.#take(piece, at + 1)
          return at + 1
        }
      }
    }
    return at
  }

  #throughText(piece: Buffer, from: number): number {
    let at = from
    for (; at < piece.length; at++) {
      const byte = piece[at]!
      if (this.#isEscaped) this.#isEscaped = false
      else if (byte === BACKSLASH) this.#isEscaped = true
      else if (byte === QUOTE) {
        this.#take(piece, at + 1)
        return at + 1
      }
    }
    return at
  }

  #throughLiteral(piece: Buffer, from: number): number {
    let at = from
    while (at < piece.length && /[-+.\w]/.test(String.fromCharCode(piece[at]!))) at += 1
    if (at < piece.length) this.#take(piece, at)
    return at
  }

  /** What was kept up to here is a value or a key. */
  #take(piece: Buffer, end: number): void {
    if (this.#keeps) {
      this.#keep(piece.subarray(this.#from, end), piece)
      const bytes = this.#kept.length === 1 ? this.#kept[0]! : Buffer.concat(this.#kept)
      if (this.#state === 'string' && this.#isKey) {
        this.#inside.at(-1)!.at = this.#key(bytes, piece)
        this.#state = 'colon'
        return
      }
      const path = this.#path
      this.seen?.(path, bytes)
      this.#found.push({ path, bytes, line: this.#startLine, offset: this.#start })
    }
    this.#kept = []
    this.#state = this.#inside.length === 0 ? 'done' : 'commaOrEnd'
  }

  #key(bytes: Buffer, piece: Buffer): string {
    try {
      return JSON.parse(bytes.toString()) as string
    } catch {
      throw this.#damage('a key is no text of JSON', piece, this.#from)
    }
  }
}

/** A value in one line: line breaks between its parts become spaces. Nothing where one stands within a text, which JSON does not allow. */
export function inOneLine(bytes: Buffer): Buffer | undefined {
  if (!bytes.includes(NEWLINE)) return bytes
  const line = Buffer.from(bytes)
  let isText = false
  let isEscaped = false
  for (let at = 0; at < line.length; at++) {
    const byte = line[at]!
    if (byte === NEWLINE) {
      if (isText) return undefined
      line[at] = 32
    } else if (isEscaped) {
      isEscaped = false
    } else if (isText && byte === BACKSLASH) {
      isEscaped = true
    } else if (byte === QUOTE) {
      isText = !isText
    }
  }
  return line
}

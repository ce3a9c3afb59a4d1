// Reads JSON as people write it in a shell: also with single quotes, keys without quotes, trailing commas, regular expressions, ObjectId("..."),
// ISODate("...") and NumberLong("..."). Nothing is evaluated. Answers what JSON.parse would, with Extended JSON in place of what JSON has not.

import { ValueError } from './value-error.js'

/** Deeper input than a document may have is refused here, before it is recursed into. */
const DEEPEST = 200

const ESCAPES: { [letter: string]: string } = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }
const WORDS: { [word: string]: unknown } = {
  true: true,
  false: false,
  null: null,
  NaN: { $numberDouble: 'NaN' },
  Infinity: { $numberDouble: 'Infinity' },
  '-Infinity': { $numberDouble: '-Infinity' }
}
/** What a call of the shell stands for. */
const CALLS: { [name: string]: string } = { ObjectId: '$oid', ISODate: '$date', Date: '$date', NumberLong: '$numberLong', Long: '$numberLong', NumberInt: '$numberInt' }

/** A regular expression of the text, for the reader of Extended JSON. */
export class Pattern {
  constructor(readonly source: string, readonly flags: string) {}
}

/** The value of a text; throws a ValueError that says where it ends to be one. `what` names the argument. */
export function parseRelaxed(text: string, what: string): unknown {
  return new Reader(text, what).all()
}

class Reader {
  #at = 0

  constructor(private readonly text: string, private readonly what: string) {}

  all(): unknown {
    const value = this.#value(1)
    this.#space()
    if (this.#at < this.text.length) throw this.#wrong('the end')
    return value
  }

  #value(depth: number): unknown {
    if (depth > DEEPEST) throw new ValueError(`${this.what} is nested deeper than ${DEEPEST} levels`)
    this.#space()
    const next = this.text[this.#at]
    if (next === '{') return this.#object(depth)
    if (next === '[') return this.#array(depth)
    if (next === '"' || next === "'") return this.#string()
    if (next === '/') return this.#pattern()
    return this.#number() ?? this.#word()
  }

  #object(depth: number): unknown {
    const object: { [key: string]: unknown } = {}
    this.#at += 1
    while (!this.#takes('}')) {
      const key = this.#key()
      if (!this.#takes(':')) throw this.#wrong('a colon')
      // A key __proto__ is a key like others.
      Object.defineProperty(object, key, { value: this.#value(depth + 1), enumerable: true, configurable: true, writable: true })
      if (this.#takes(',')) continue
      if (!this.#takes('}')) throw this.#wrong('a comma or }')
      break
    }
    return object
  }

  #array(depth: number): unknown {
    const array: unknown[] = []
    this.#at += 1
    while (!this.#takes(']')) {
      array.push(this.#value(depth + 1))
      if (this.#takes(',')) continue
      if (!this.#takes(']')) throw this.#wrong('a comma or ]')
      break
    }
    return array
  }

  #key(): string {
    this.#space()
    const next = this.text[this.#at]
    if (next === '"' || next === "'") return this.#string()
    const key = this.#match(/[\p{L}_$][\p{L}\p{N}_$.]*/uy)
    if (key === undefined) throw this.#wrong('a key')
    return key
  }

  #string(): string {
    const quote = this.text[this.#at]
    const start = this.#at++
    let value = ''
    for (;;) {
      const letter = this.text[this.#at++]
      if (letter === undefined) {
        this.#at = start
        throw this.#wrong('a text that ends with its quote')
      }
      if (letter === quote) return value
      if (letter !== '\\') {
        value += letter
        continue
      }
      const escaped = this.text[this.#at++] ?? ''
      if (escaped === 'u') {
        const digits = this.#match(/[\da-fA-F]{4}/y)
        if (digits === undefined) throw this.#wrong('four hexadecimal digits')
        value += String.fromCharCode(Number.parseInt(digits, 16))
      } else {
        value += ESCAPES[escaped] ?? escaped
      }
    }
  }

  #pattern(): Pattern {
    const found = this.#match(/\/(?:\\.|[^/\\\n])+\/[a-z]*/y)
    if (found === undefined) throw this.#wrong('a regular expression that ends with /')
    const end = found.lastIndexOf('/')
    return new Pattern(found.slice(1, end), found.slice(end + 1))
  }

  #number(): number | undefined {
    const digits = this.#match(/[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\p{L}\p{N}_$.])/uy)
    return digits === undefined ? undefined : Number(digits)
  }

  #word(): unknown {
    const start = this.#at
    const word = this.#match(/(?:new +)?-?[A-Za-z]\w*/y)?.replace(/^new +/, '')
    if (word !== undefined && Object.hasOwn(WORDS, word)) return WORDS[word]
    if (word !== undefined && Object.hasOwn(CALLS, word) && this.#takes('(')) {
      this.#space()
      const quote = this.text[this.#at]
      const content = quote === '"' || quote === "'" ? this.#string() : this.#match(/-?\d+/y)
      if (content === undefined || !this.#takes(')')) throw this.#wrong(`${word}("...")`)
      return { [CALLS[word]!]: content }
    }
    this.#at = start
    throw this.#wrong('a value')
  }

  #takes(letter: string): boolean {
    this.#space()
    if (this.text[this.#at] !== letter) return false
    this.#at += 1
    return true
  }

  #space(): void {
    this.#match(/\s+/y)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }

  #wrong(expected: string): ValueError {
    const rest = this.text.slice(this.#at)
    const place = rest === '' ? 'where it ends' : `at ${JSON.stringify(rest.length > 20 ? `${rest.slice(0, 20)}...` : rest)}, character ${this.#at + 1}`
    return new ValueError(`${this.what} is not JSON: ${expected} is expected ${place}`)
  }
}

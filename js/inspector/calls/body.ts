// The body of a request: JSON within a limit, and its fields.

import type { IncomingMessage } from 'node:http'

import { Refusal } from './guard.js'

/** Reads a body of at most `limit` bytes; what is longer is not read to its end. */
export async function bodyOf(request: IncomingMessage, limit: number): Promise<Body> {
  const tooLong = (): Refusal => new Refusal(413, `the body has more than ${limit} bytes`)
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLong()
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    length += piece.length
    if (length > limit) throw tooLong()
    pieces.push(piece)
  }
  let value: unknown
  try {
    value = JSON.parse(Buffer.concat(pieces).toString('utf8'))
  } catch {
    throw new Refusal(400, 'the body is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refusal(400, 'the body must be an object')
  return new Body(value as { [name: string]: unknown })
}

/** The fields of a body; one of another type is refused by its name. */
export class Body {
  constructor(private readonly fields: { [name: string]: unknown }) {}

  #get(name: string): unknown {
    return Object.hasOwn(this.fields, name) ? this.fields[name] ?? undefined : undefined
  }

  text(name: string): string | undefined {
    const value = this.#get(name)
    if (value !== undefined && typeof value !== 'string') throw new Refusal(400, `${name} must be a text`)
    // A field of the page that was left empty.
    return value?.trim() === '' ? undefined : value
  }

  needed(name: string): string {
    const value = this.text(name)
    if (value === undefined) throw new Refusal(400, `${name} is missing`)
    return value
  }

  /** A whole number of at most `most`. */
  count(name: string, otherwise: number, most: number): number {
    const value = this.#get(name) ?? otherwise
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new Refusal(400, `${name} must be a whole number`)
    return Math.min(value, most)
  }

  flag(name: string): boolean {
    return this.#get(name) === true
  }
}

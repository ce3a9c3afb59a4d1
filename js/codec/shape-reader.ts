// Readers for the objects of one shape: a loop at first, later code that is compiled for the shape.

import type { ValueReader } from './value-reader.js'

/** The number of readers compiled in this realm is bounded, because code is never freed. */
const MAX_COMPILED = 1024
/** Larger objects gain nothing from a literal. */
const MAX_KEYS = 128
/** Longer code gains nothing from inlined steps. */
const MAX_STEPS = 40

let compiled = 0
let codeGeneration = true

/** Reads the values of an object with these keys. Never sets a prototype. */
export function readByLoop(reader: ValueReader, keys: readonly string[]): object {
  const object: { [key: string]: unknown } = {}
  for (const key of keys) {
    if (key === '__proto__') define(object, key, reader.value())
    else object[key] = reader.value()
  }
  return object
}

/** Defines `__proto__` as an ordinary field. */
export function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
}

/** Reads the values of one object. */
export type ShapeReader = (reader: ValueReader) => object

/** A reader that creates its object with a literal; undefined where `readByLoop` is used instead. */
export function compileLiteral(keys: readonly string[]): ShapeReader | undefined {
  return keys.length > MAX_KEYS ? undefined : compile(keys, () => literalOf(keys, () => 'reader.value()'))
}

/** The fastest reader for objects that are mostly like the example; undefined where another reader is used. */
export function compileSteps(keys: readonly string[], example: object): ShapeReader | undefined {
  return keys.length > MAX_STEPS ? undefined : compile(keys, () => stepsOf(keys, example))
}

function compile(keys: readonly string[], codeOf: () => string): ShapeReader | undefined {
  if (!codeGeneration || compiled === MAX_COMPILED || keys.includes('__proto__')) return undefined
  try {
    const read = new Function('reader', codeOf()) as ShapeReader
    compiled++
    return read
  } catch {
    // Fails with --disallow-code-generation-from-strings, or an equivalent policy.
    codeGeneration = false
    return undefined
  }
}

function literalOf(keys: readonly string[], valueOf: (i: number) => string): string {
  return `return { ${keys.map((key, i) => `${JSON.stringify(key)}: ${valueOf(i)}`).join(', ')} }`
}

/**
 * Code that reads value by value with the position in a local variable; the reader gets the position only while it reads a
 * value itself.
 */
function stepsOf(keys: readonly string[], example: object): string {
  const values: unknown[] = Object.values(example)
  // Integer-like names come first in an object, whatever their position in the shape.
  const inOrder = Object.keys(example).every((key, i) => key === keys[i])
  const names = keys.map((_, i) => `v${i}`)
  // Allocates no closure and no object except the result; all steps share `lead` and `end`.
  return `const { bytes } = reader
let { at, latin, latinFrom, latinEnd } = reader
let lead, end, ${names.join(', ')}
${names.map((name, i) => stepOf(name, inOrder ? values[i] : undefined)).join('\n')}
reader.at = at
${literalOf(keys, (i) => `v${i}`)}`
}

const BY_READER = `reader.at = at + 1
  VALUE = reader.rarer(lead)
  ;({ at, latin, latinFrom, latinEnd } = reader)`
const STRING = `if (lead >= 0xa0 && lead < 0xc0 && (end = at + lead - 0x9f) <= latinEnd) {
  VALUE = latin.substring(at + 1 - latinFrom, end - latinFrom)
  at = end
}`
const SMALL = `if (lead < 0x80) {
  VALUE = lead
  at++
}`
const DOUBLE = `if (lead === 0xcb && at + 9 <= reader.end) {
  VALUE = reader.view.getFloat64(at + 1)
  at += 9
}`
const BOOLEAN = `if (lead === 0xc2 || lead === 0xc3) {
  VALUE = lead === 0xc3
  at++
}`

/** Code that reads one value, trying this example's type first. */
function stepOf(name: string, example: unknown): string {
  const first = typeof example === 'string' ? STRING : typeof example === 'boolean' ? BOOLEAN : typeof example === 'number' ? (Number.isInteger(example) ? SMALL : DOUBLE) : ''
  return `lead = bytes[at]
${first && `${first} else `}{
  ${BY_READER}
}`.replaceAll('VALUE', name)
}

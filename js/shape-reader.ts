import type { Reader } from './decode.js'

/** Readers compiled in this realm; code is never freed, so their number has a bound. */
const MAX_COMPILED = 1024
/** Larger objects gain nothing from a literal. */
const MAX_KEYS = 128

let compiled = 0
let codeGeneration = true

/** Reads the values of an object with these keys. Never sets a prototype. */
export function readByLoop(reader: Reader, keys: readonly string[]): object {
  const object: { [key: string]: unknown } = {}
  for (const key of keys) {
    if (key === '__proto__') define(object, key, reader.value())
    else object[key] = reader.value()
  }
  return object
}

/** `__proto__` as a field like any other. */
export function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
}

/** A reader that makes its object with a literal; undefined where the loop must do. */
export function compileShape(keys: readonly string[]): ((reader: Reader) => object) | undefined {
  if (!codeGeneration || compiled === MAX_COMPILED || keys.length > MAX_KEYS || keys.includes('__proto__')) return undefined
  const fields = keys.map((key) => `${JSON.stringify(key)}: reader.value()`)
  try {
    const read = new Function('reader', `return { ${fields.join(', ')} }`) as (reader: Reader) => object
    compiled++
    return read
  } catch {
    // --disallow-code-generation-from-strings, or a policy that says the same.
    codeGeneration = false
    return undefined
  }
}

// The keys of encrypted databases. No message shows one.

import type { EncryptionKey, MoltenSecret } from '../types/index.js'
import { wrongArgument } from './arguments.js'

const WANTED = 'a text of 1 to 65,536 characters of well-formed Unicode, 32 bytes, or a function that returns one of them'
const LONGEST = 65_536

/** Before the bytes of a key: what they are. */
const TEXT = 1
const BYTES = 2

/** Checks a key, as far as that is possible without calling it. */
export function checkKey(where: string, name: string, given: unknown): asserts given is EncryptionKey {
  if (typeof given !== 'function' && !isKey(given)) throw wrong(where, name)
}

/** The bytes of a key for the core, after the kind of it. Whoever asks overwrites them. A function is called once. */
export async function keyOf(where: string, name: string, given: EncryptionKey | undefined): Promise<Uint8Array | undefined> {
  if (given === undefined) return undefined
  checkKey(where, name, given)
  const key: unknown = typeof given === 'function' ? await given() : given
  if (!isKey(key)) throw wrong(where, name)
  if (typeof key !== 'string') return new Uint8Array([BYTES, ...key])
  const text = new Uint8Array(1 + 3 * key.length)
  text[0] = TEXT
  const { written } = new TextEncoder().encodeInto(key, text.subarray(1))
  const bytes = text.slice(0, 1 + written)
  text.fill(0)
  return bytes
}

/** The key whose bytes these are. */
export function keyFrom(bytes: Uint8Array): EncryptionKey {
  return bytes[0] === TEXT ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(1)) : bytes.slice(1)
}

/** Calls with a key, and overwrites its bytes when the call has taken them. */
export function spending<R>(keys: readonly (Uint8Array | undefined)[], call: () => R): R {
  try {
    return call()
  } finally {
    for (const key of keys) key?.fill(0)
  }
}

function isKey(given: unknown): given is string | Uint8Array {
  if (typeof given === 'string') return given.length > 0 && given.length <= LONGEST && isWellFormed(given)
  return given instanceof Uint8Array && given.length === 32
}

/** Lone surrogates have no bytes: texts with different ones would be the same key. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}

function wrong(where: string, name: string): TypeError {
  // The value is not shown: it may be a key.
  return new TypeError(`${where}: ${name} must be ${WANTED}`)
}

/** A password or key of MoltenDB, and the salt of its derivation. The password is not shown. */
export function secretOf(where: string, given: MoltenSecret): { secret: string | Uint8Array | null; salt: string | null } {
  const password: string | Uint8Array | null = given.password ?? null
  const salt: string | null = given.salt ?? null
  const isBytes = password instanceof Uint8Array
  if (password !== null && !isBytes && (typeof password !== 'string' || password === '')) throw new TypeError(`${where}: option password must be a text, or a key of 32 bytes`)
  if (isBytes && password.length !== 32) throw new TypeError(`${where}: option password is a key of ${password.length} bytes; a key has 32`)
  if (salt !== null && typeof salt !== 'string') throw wrongArgument(where, 'option salt', 'a text', salt)
  if (salt !== null && typeof password !== 'string') throw new TypeError(`${where}: option salt is of no use without a password; give both`)
  return { secret: password, salt }
}

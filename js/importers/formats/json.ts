// Texts of JSON that are one value: arrays of documents, the file of lowdb, that of electron-store. They are read value by value.

import { isUtf8 } from 'node:buffer'
import { createDecipheriv, pbkdf2Sync } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { MoltenError } from '../../errors.js'
import type { ImportedCollection } from '../../types/index.js'
import type { Place } from '../report.js'
import { type Found, inOneLine, JsonDamage, JsonScan, type Path, type Step } from '../scan.js'
import { type Source, SourceDamage, textOf } from '../source.js'
import { lineOf, ValueFault, withTypes } from '../values.js'
import { type Target, WHERE, type Work } from '../work.js'

const BRACE = 0x7b

/** Runs a function for each value that is found; what is no JSON is left out with all behind it, or ends the import. */
export async function scanned(work: Work, source: Source, step: (path: Path, isArray: boolean, first: number) => Step, take: (found: Found, place: Place) => Promise<void>, of?: () => ImportedCollection | undefined, seen?: (path: Path, bytes: Buffer) => void): Promise<void> {
  const scan = new JsonScan(step, seen)
  try {
    for await (const piece of source.text()) {
      for (const found of scan.feed(piece)) await take(found, placeOf(source, found))
    }
    scan.end()
  } catch (error) {
    if (!(error instanceof JsonDamage) && !(error instanceof SourceDamage)) throw error
    const { line, offset } = error instanceof JsonDamage ? error : { line: 1, offset: 0 }
    const place = { file: source.path, line, offset: source.isCompressed ? null : offset, length: 0 }
    await work.reject(place, `${error.message}; nothing after it can be read`, of?.())
  }
}

function placeOf(source: Source, { line, offset, bytes }: Found): Place {
  return { file: source.path, line, offset: source.isCompressed ? null : offset, length: bytes.length, bytes }
}

/** An array of documents, or one document. */
export async function importJson(work: Work, path: string, collection: string): Promise<void> {
  const target = await work.target(path, collection)
  const add = adder(work)
  await scanned(work, work.source(path), (at, isArray) => (isArray && at.length === 0 ? 'into' : 'whole'), (found, place) => add(target, found.bytes, place), () => target.counts)
}

/** Adds documents: as they are, or, where fields get types, parsed. */
function adder(work: Work): (target: Target, bytes: Buffer, place: Place) => Promise<void> {
  const types = typesOf(work)
  return async (target, bytes, place) => {
    try {
      let line: string | Uint8Array | undefined
      if (types.length === 0) {
        line = inOneLine(bytes)
        if (line === undefined) throw new ValueFault('a line break stands within a text')
      } else {
        const document = JSON.parse(textOf(bytes)) as { [key: string]: unknown }
        withTypes(document, types)
        line = lineOf(document, undefined, true)
      }
      if (target.add(line, place)) await target.flush()
    } catch (error) {
      if (!(error instanceof ValueFault) && !(error instanceof SyntaxError)) throw error
      await target.reject(place, error.message)
    }
  }
}

/** The types that fields get, their paths taken apart. */
export function typesOf({ plan }: Work): (readonly [string[], NonNullable<Work['plan']['types']>[string]])[] {
  return Object.entries(plan.types ?? {}).map(([path, type]) => [path.split('.'), type] as const)
}

/** lowdb: an array of objects is a collection, anything else a document of its key and its value. */
export async function importLowdb(work: Work, path: string, others: string): Promise<void> {
  const add = adder(work)
  let current: Target | undefined
  const step = (at: Path, isArray: boolean, first: number): Step => {
    if (at.length === 0) return isArray ? 'whole' : 'into'
    if (at.length > 1 || !isArray || first !== BRACE) return 'whole'
    return work.wants(String(at[0])) ? 'into' : 'skip'
  }
  await scanned(work, work.source(path), step, async ({ path: at, bytes }, place) => {
    if (at.length === 0) return work.reject(place, 'the file of lowdb is an object; the format json reads arrays')
    if (at.length === 2) return add((current = await work.target(path, String(at[0]))), bytes, place)
    if (work.wants(others)) await addEntry((current = await work.target(path, others)), String(at[0]), bytes, place)
  }, () => current?.counts)
}

/** A document of a key and its value. */
async function addEntry(target: Target, key: string, bytes: Buffer, place: Place): Promise<void> {
  const line = inOneLine(bytes)
  if (line === undefined) return target.reject(place, 'a line break stands within a text')
  const start = Buffer.from(`{"_id":${JSON.stringify(key)},"value":`)
  if (target.add(Buffer.concat([start, line, Buffer.from('}')]), place)) await target.flush()
}

/** electron-store, and conf below it: each key of the object is a document. */
export async function importStore(work: Work, path: string, collection: string): Promise<void> {
  const target = await work.target(path, collection)
  const types = typesOf(work)
  const text = decrypted(work, path)
  const source = work.source(path)
  const pieces = { path, isCompressed: false, text: text === undefined ? () => source.text() : async function* () { yield text } } as unknown as Source
  await scanned(work, pieces, (at) => (at.length === 0 ? 'into' : 'whole'), async ({ path: at, bytes }, place) => {
    if (typeof at[0] !== 'string') return work.reject(place, 'the file of electron-store is an object; the format json reads arrays', target.counts)
    // What conf keeps for its migrations is no setting.
    if (at[0] === '__internal__') return work.report.note('__internal__, what the library keeps for itself, was left out')
    const own = types.filter(([[first]]) => first === at[0])
    if (own.length === 0) return addEntry(target, at[0], bytes, place)
    try {
      const document = { [at[0]]: JSON.parse(textOf(bytes)) as unknown }
      withTypes(document, own)
      if (target.add(lineOf({ _id: at[0], value: document[at[0]] }, undefined, true), place)) await target.flush()
    } catch (error) {
      if (!(error instanceof ValueFault) && !(error instanceof SyntaxError)) throw error
      await target.reject(place, error.message)
    }
  }, () => target.counts)
}

const SALT_BYTES = 16
const TAG_BYTES = 16

/** The text of an encrypted store; none where it is not encrypted. */
function decrypted({ plan }: Work, path: string): Buffer | undefined {
  const { encryptionKey, encryptionAlgorithm = 'aes-256-cbc' } = plan
  const bytes = readFileSync(path)
  // The library writes 16 random bytes, a colon, and what is encrypted; 16 that are all text are the start of an object, with a colon by chance.
  const isText = /^\s*\{[\t\n\r -~\u0080-\u00ff]*$/.test(bytes.subarray(0, SALT_BYTES).toString('latin1')) && isUtf8(bytes)
  if (isText || bytes[SALT_BYTES] !== 0x3a) return undefined
  if (encryptionKey === undefined) throw new MoltenError('KEY_REQUIRED', `${WHERE}: ${path} is encrypted; give the encryptionKey of the store as the option encryptionKey`)
  const initial = bytes.subarray(0, SALT_BYTES)
  const rest = bytes.subarray(SALT_BYTES + 1)
  const isSealed = encryptionAlgorithm === 'aes-256-gcm'
  // Older releases of the library derive the key from the text of these bytes.
  for (const salt of [initial, initial.toString()]) {
    try {
      const key = pbkdf2Sync(encryptionKey, salt, 10_000, 32, 'sha512')
      const decipher = createDecipheriv(encryptionAlgorithm as 'aes-256-gcm', key, initial)
      if (isSealed) decipher.setAuthTag(rest.subarray(-TAG_BYTES))
      const text = Buffer.concat([decipher.update(isSealed ? rest.subarray(0, -TAG_BYTES) : rest), decipher.final()])
      if (/^\s*\{/.test(text.subarray(0, 100).toString())) return text
    } catch {
      // The other salt, or the wrong key.
    }
  }
  throw new MoltenError('WRONG_KEY', `${WHERE}: the encryptionKey does not open ${path}, or its encryptionAlgorithm is not ${encryptionAlgorithm}`)
}

// What a file is, where its name and its first bytes leave no doubt.

import { gunzipSync } from 'node:zlib'

import type { ImportFormat } from '../types/index.js'
import { isDump } from './mongodump/folder.js'
import { MAGIC } from './mongodump/archive.js'
import { headOf } from './source.js'

const HEAD = 64 << 10

export const FORMATS: readonly ImportFormat[] = ['ndjson', 'mongoexport', 'json', 'csv', 'nedb', 'lokijs', 'lowdb', 'electron-store', 'bson', 'mongodump']

/** The format of a path; undefined where it could be several. */
export async function guessed(path: string, isDirectory: boolean): Promise<ImportFormat | undefined> {
  if (isDirectory) return isDump(path) ? 'mongodump' : undefined
  const head = await unzipped(await headOf(path, HEAD))
  if (head.subarray(0, MAGIC.length).equals(MAGIC)) return 'mongodump'
  const ending = /\.([a-z\d]+)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase()
  switch (ending) {
    case 'bson':
      return 'bson'
    case 'csv':
    case 'tsv':
      return 'csv'
    case 'ndjson':
    case 'jsonl':
      return 'ndjson'
    case 'nedb':
      return 'nedb'
    default:
      return ofText(head.toString('utf8').replace(/^\ufeff/, ''), ending === 'json')
  }
}

function ofText(text: string, isJson: boolean): ImportFormat | undefined {
  if (/^\s*\{"filename":"(?:[^"\\]|\\.)*","collections":\[/.test(text)) return 'lokijs'
  // An index is written only by NeDB.
  if (/^\{.*\}$/m.test(text) && /^\{"\$\$index(Created|Removed)":/m.test(text)) return 'nedb'
  if (!isJson) return undefined
  if (/^\s*\[/.test(text)) return 'json'
  const lines = text.split(/\r?\n/)
  const [first, second] = lines
  return lines.length > 2 && isObject(first) && isObject(second) ? 'ndjson' : undefined
}

function isObject(text: string | undefined): boolean {
  try {
    const value = JSON.parse(text ?? '') as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

/** The start of what is compressed; the rest of it is not there. */
async function unzipped(head: Buffer): Promise<Buffer> {
  if (head[0] !== 0x1f || head[1] !== 0x8b) return head
  try {
    // oxlint-disable-next-line unicorn/prefer-top-level-await
    return gunzipSync(head, { finishFlush: 2, maxOutputLength: HEAD * 64 })
  } catch {
    return Buffer.alloc(0)
  }
}

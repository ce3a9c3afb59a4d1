// One number for a row of documents: every field and their order count.
import { createHash } from 'node:crypto'

/** The first 16 hex digits of the SHA-256 of each document's fields, from an iterable or a cursor. */
export async function checksum(documents) {
  const hash = createHash('sha256')
  for await (const document of documents) hash.update(`${JSON.stringify(document)}\n`)
  return hash.digest('hex').slice(0, 16)
}

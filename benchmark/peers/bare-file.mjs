// No database: JSON lines appended to a file, each followed by fdatasync. The lower bound for a durable insert on this disk.
import { fdatasync, openSync, closeSync, write } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

export const title = 'bare append'
export const version = ''
export const settings = 'no database: a line of JSON and an fdatasync for each document; the floor of durable inserts'
export const durable = true
export const concurrent = false
export const only = ['durable']

const append = promisify(write)
const sync = promisify(fdatasync)

export async function open(directory) {
  const file = openSync(join(directory, 'lines.jsonl'), 'a')
  return {
    insert: async (document) => {
      await append(file, `${JSON.stringify(document)}\n`)
      await sync(file)
    },
    close: async () => closeSync(file)
  }
}

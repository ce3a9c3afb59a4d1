// Documents as JSON text in one table: what an application does that wants documents in SQLite.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'

export const title = 'better-sqlite3'
export const version = createRequire(import.meta.url)('better-sqlite3/package.json').version
export const settings = 'WAL, synchronous NORMAL (durable: FULL), JSON text'
export const durable = true

export async function open(directory, mode) {
  const db = new Sqlite(join(directory, 'data.sqlite'))
  db.pragma('journal_mode = WAL')
  db.pragma(`synchronous = ${mode === 'durable' ? 'FULL' : 'NORMAL'}`)
  db.exec('CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID')
  const insert = db.prepare('INSERT INTO users (id, body) VALUES (?, ?)')
  const select = db.prepare('SELECT body FROM users WHERE id = ?').pluck()
  const byCity = db.prepare("SELECT body FROM users WHERE body ->> '$.city' = ?").pluck()
  const update = db.prepare("UPDATE users SET body = json_set(body, '$.score', ?) WHERE id = ?")
  const insertAll = db.transaction((batch) => {
    for (const document of batch) insert.run(document._id, JSON.stringify(document))
  })
  const getSync = (id) => {
    const body = select.get(id)
    return body === undefined ? null : JSON.parse(body)
  }
  return {
    load: async (batch) => insertAll(batch),
    settle: async () => void db.pragma('wal_checkpoint(TRUNCATE)'),
    get: async (id) => getSync(id),
    getSync,
    insert: async (document) => insert.run(document._id, JSON.stringify(document)),
    find: async (city) => byCity.all(city).map((body) => JSON.parse(body)),
    setScore: async (id, score) => update.run(score, id),
    close: async () => void db.close()
  }
}

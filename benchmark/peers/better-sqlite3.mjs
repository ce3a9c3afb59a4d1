// Documents as JSON text in one table with expression indexes: how an application stores documents in SQLite.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'

export const title = 'better-sqlite3'
export const version = createRequire(import.meta.url)('better-sqlite3/package.json').version
export const settings = 'WAL, synchronous NORMAL (durable: FULL), JSON text, expression indexes on city and age'
export const durable = true
export const concurrent = false
export const start = 'better-sqlite3'

export async function open(directory, mode, { memoryLimit } = {}) {
  const db = new Sqlite(join(directory, 'data.sqlite'))
  db.pragma('journal_mode = WAL')
  db.pragma(`synchronous = ${mode === 'durable' ? 'FULL' : 'NORMAL'}`)
  if (memoryLimit !== undefined) db.pragma(`cache_size = -${Math.floor(memoryLimit / 1024)}`)
  db.exec('CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID')
  if (mode !== 'durable') {
    db.exec("CREATE INDEX IF NOT EXISTS by_city ON users (body ->> '$.city')")
    db.exec("CREATE INDEX IF NOT EXISTS by_age ON users (body ->> '$.age')")
  }
  const lazily = (text, pluck = true) => {
    let statement
    return () => (statement ??= pluck ? db.prepare(text).pluck() : db.prepare(text))
  }
  const insert = db.prepare('INSERT INTO users (id, body) VALUES (?, ?)')
  const select = db.prepare('SELECT body FROM users WHERE id = ?').pluck()
  const selectMany = lazily('SELECT body FROM json_each(?) AS wanted JOIN users ON users.id = wanted.value')
  const byCity = lazily("SELECT body FROM users WHERE body ->> '$.city' = ?")
  const byAge = lazily("SELECT body FROM users WHERE body ->> '$.age' BETWEEN ? AND ? ORDER BY body ->> '$.age' LIMIT ?")
  const byKey = lazily('SELECT body FROM users WHERE id >= ? ORDER BY id LIMIT ?')
  const below = lazily("SELECT body FROM users WHERE body ->> '$.score' < ?")
  const countBelow = lazily("SELECT count(*) FROM users WHERE body ->> '$.score' < ?")
  const countAges = lazily("SELECT count(*) FROM users WHERE body ->> '$.age' BETWEEN ? AND ?")
  const groups = lazily("SELECT body ->> '$.city' AS city, avg(body ->> '$.score') AS average FROM users GROUP BY 1", false)
  const cities = lazily("SELECT DISTINCT body ->> '$.city' FROM users")
  const aged = "UPDATE users SET body = json_set(body, '$.age', (body ->> '$.age') + 1) WHERE"
  const increment = lazily(`${aged} id = ?`, false)
  const incrementIds = lazily(`${aged} id IN (SELECT value FROM json_each(?))`, false)
  const incrementBelow = lazily(`${aged} body ->> '$.score' < ?`, false)
  const remove = lazily('DELETE FROM users WHERE id = ?', false)
  const insertAll = db.transaction((batch) => {
    for (const document of batch) insert.run(document._id, JSON.stringify(document))
  })
  const setAge = lazily("UPDATE users SET body = json_set(body, '$.age', ?) WHERE id = ?", false)
  const incrementAll = db.transaction((ids) => {
    for (const id of ids) setAge().run(getSync(id).age + 1, id)
  })
  const countAll = db.transaction((ids) => ids.filter((id) => getSync(id) !== null).length)
  const parsed = (rows) => rows.map((body) => JSON.parse(body))
  const getSync = (id) => {
    const body = select.get(id)
    return body === undefined ? null : JSON.parse(body)
  }
  const rangeSync = (from, to, limit) => parsed(byAge().all(from, to, limit))
  return {
    load: async (batch) => insertAll(batch),
    settle: async () => void db.pragma('wal_checkpoint(TRUNCATE)'),
    get: async (id) => getSync(id),
    getSync,
    getMany: async (ids) => parsed(selectMany().all(JSON.stringify(ids))),
    insert: async (document) => insert.run(document._id, JSON.stringify(document)),
    findCity: async (city) => parsed(byCity().all(city)),
    range: async (from, to, limit) => rangeSync(from, to, limit),
    keys: async (from, limit) => parsed(byKey().all(from, limit)),
    rangeSync,
    findBelow: async (score) => parsed(below().all(score)),
    countBelow: async (score) => countBelow().get(score),
    countAges: async (from, to) => countAges().get(from, to),
    group: async () => new Map(groups().all().map(({ city, average }) => [city, average])),
    distinct: async () => cities().all(),
    addIndex: async () => db.exec("CREATE INDEX by_score ON users (body ->> '$.score')"),
    removeIndex: async () => db.exec('DROP INDEX by_score'),
    increment: async (id) => increment().run(id),
    incrementMany: async (ids) => incrementIds().run(JSON.stringify(ids)),
    incrementBelow: async (score) => incrementBelow().run(score).changes,
    incrementSync: (id) => increment().run(id),
    transaction: async (ids) => incrementAll(ids),
    transactionSync: incrementAll,
    readTransaction: async (ids) => countAll(ids),
    remove: async (id) => remove().run(id),
    compact: async () => {
      db.exec('VACUUM')
      db.pragma('wal_checkpoint(TRUNCATE)')
    },
    close: async () => void db.close()
  }
}

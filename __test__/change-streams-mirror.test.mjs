// The events of all databases, applied to an empty mirror one after the other, make the databases: beside writers by key and by filter, transactions,
// renames, drops, $out and compactions, over restarts. The description of an update alone leads to the document.

import test from 'ava'

import { Database, directory } from './support/database.mjs'

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const ROUNDS = Number(process.env.ROUNDS ?? 12)

const nameOf = ({ db, coll }) => `${db}.${coll}`

/** A value with the fields of objects in the order of their names. */
const sorted = (value) => JSON.stringify(value, (_, inner) => (inner && typeof inner === 'object' && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort()) : inner))

/** The document that an update makes of another, as its description says. */
function updated(before, { updatedFields, removedFields, truncatedArrays }) {
  const document = structuredClone(before)
  const holderOf = (path) => {
    const parts = path.split('.')
    let at = document
    for (const part of parts.slice(0, -1)) at = at[part] ??= {}
    return [at, parts.at(-1)]
  }
  for (const [path, value] of Object.entries(updatedFields)) {
    const [holder, name] = holderOf(path)
    holder[name] = value
  }
  for (const path of removedFields) {
    const [holder, name] = holderOf(path)
    delete holder[name]
  }
  for (const { field, newSize } of truncatedArrays) {
    const [holder, name] = holderOf(field)
    holder[name].length = newSize
  }
  return document
}

/** The collections that events make. */
class Mirror {
  collections = new Map()
  token = undefined

  #of(name) {
    if (!this.collections.has(name)) this.collections.set(name, new Map())
    return this.collections.get(name)
  }

  apply(event) {
    this.token = event._id
    const { operationType, fullDocument } = event
    const documents = event.documentKey && this.#of(nameOf(event.ns))
    const key = event.documentKey && JSON.stringify(event.documentKey._id)
    const isThere = documents?.has(key)
    if (documents && isThere !== (operationType !== 'insert')) throw new Error(`${operationType} of a document that is ${isThere ? 'there' : 'not there'}`)
    switch (operationType) {
      case 'update': {
        const made = sorted(updated(documents.get(key), event.updateDescription))
        if (made !== sorted(fullDocument)) throw new Error(`the description leads to ${made}, the document is ${sorted(fullDocument)}`)
        documents.set(key, fullDocument)
        break
      }
      case 'insert':
      case 'replace':
        documents.set(key, fullDocument)
        break
      case 'delete':
        documents.delete(key)
        break
      case 'drop':
        this.collections.delete(nameOf(event.ns))
        break
      case 'rename':
        this.collections.set(nameOf(event.to), this.#of(nameOf(event.ns)))
        this.collections.delete(nameOf(event.ns))
        break
      default:
    }
  }

  get shown() {
    return contents([...this.collections].map(([name, documents]) => [name, [...documents.values()]]))
  }
}

function contents(collections) {
  const filled = collections.filter(([, documents]) => documents.length > 0)
  return sorted(Object.fromEntries(filled.map(([name, documents]) => [name, documents.map(sorted).sort()])))
}

async function contentsOf(db) {
  const collections = []
  for (const { name } of (await db.listDatabases()).databases) {
    for (const collection of await db.sibling(name).collections()) collections.push([`${name}.${collection.collectionName}`, await collection.find().toArray()])
  }
  return contents(collections)
}

function randomOf(seed) {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** One write or another. */
async function write(db, random) {
  const base = random(3) === 0 ? db.sibling('other') : db
  const another = () => `c${random(4)}`
  const collection = base.collection(another())
  const _id = random(60)
  switch (random(13)) {
    case 0:
    case 1:
      return collection.set(_id, { a: random(9), list: [1, 2, 3], o: { x: random(5) } })
    case 2:
      return collection.updateOne({ _id }, { $set: { 'o.x': random(9) }, $inc: { a: 1 } })
    case 3:
      return collection.updateOne({ _id }, { $push: { list: random(9) }, $unset: { 'o.x': 1 } })
    case 4:
      return collection.updateMany({ a: { $gt: 4 } }, [{ $set: { a: { $add: ['$a', 1] }, z: '$list' } }])
    case 5:
      return collection.deleteMany({ a: random(9) })
    case 6:
      return db.transaction(async (tx) => {
        for (let k = 0; k < 5; k++) await tx.collection(another()).set(random(60), { t: k })
        await tx.sibling('other').collection('c0').deleteOne({ _id })
      })
    case 7:
      return random(5) === 0 ? collection.drop() : undefined
    case 8:
      // A collection that does not exist, or has the name already, cannot be renamed.
      return random(4) === 0 ? collection.rename(another(), { dropTarget: true }).catch((error) => (error.kind === 'BAD_QUERY' ? undefined : Promise.reject(error))) : undefined
    case 9:
      return random(6) === 0 ? collection.aggregate([{ $match: { a: { $gt: 2 } } }, { $out: another() }]).toArray() : undefined
    case 10:
      return random(10) === 0 ? db.compact() : undefined
    case 11:
      return random(30) === 0 ? db.sibling('other').dropDatabase() : undefined
    default:
      return collection.insertMany(Array.from({ length: 20 }, (_, n) => ({ _id: `${random(1e9)}-${n}`, a: random(9) })))
  }
}

async function follow(stream, mirror) {
  for await (const event of stream) mirror.apply(event)
}

for (const [name, options] of [['in memory', {}], ['under a memory limit of one byte', { memoryLimit: 1 }]]) {
  test(`the events make the database, with documents ${name}`, async (t) => {
    t.log(`SEED=${SEED}`)
    const random = randomOf(SEED)
    const path = directory(t)
    const open = () => Database.open(path, { ...options, history: { changes: {} } })
    let db = await open()
    t.teardown(() => db.close())
    const mirror = new Mirror()
    for (let round = 0; round < ROUNDS; round++) {
      const begin = mirror.token ? { resumeAfter: mirror.token } : { startAtOperationTime: new Date(0) }
      const stream = db.watch([], { allDatabases: true, fullDocument: 'updateLookup', batchSize: 1 + random(50), ...begin })
      const following = follow(stream, mirror)
      following.catch(() => {})
      for (let i = 0; i < 150; i++) await write(db, random)
      const expected = await contentsOf(db)
      const late = Date.now() + 20_000
      while (mirror.shown !== expected && Date.now() < late && !stream.closed) await new Promise((resolve) => setTimeout(resolve, 5))
      await stream.close()
      await following
      if (mirror.shown !== expected) return t.is(mirror.shown, expected, `SEED=${SEED}, round ${round}`)
      if (random(3) === 0) {
        await db.close()
        db = await open()
      }
    }
    t.pass()
  })
}

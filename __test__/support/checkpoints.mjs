// A database large enough to leave a checkpoint, a plain list of its documents, and the comparison of both.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'

import { Database } from '../../index.mjs'

export const COUNT = 4_000
export const CITIES = 60
const pad = 'x'.repeat(280)

/** The document of a number; `_id`s are numbers and strings, `tags` are arrays and plain values. */
export const document = (n) => ({
  _id: n % 3 === 0 ? n : `user-${n}`,
  n,
  city: `city-${n % CITIES}`,
  age: (n * 7) % 90,
  tags: n % 4 === 0 ? `t${n % 9}` : [`t${n % 9}`, `t${(n * 5) % 11}`],
  ...(n % 2 === 0 ? { email: `${n}@example.org` } : {}),
  pad
})

export const idOf = (n) => document(n)._id

/** A list of documents in insertion order, with the changes that tests make. */
export class Model {
  all = new Map()

  insert(...documents) {
    for (const one of documents) this.all.set(one._id, one)
  }

  set(id, changes) {
    this.all.set(id, { ...this.all.get(id), ...changes })
  }

  delete(id) {
    this.all.delete(id)
  }

  copy() {
    const copy = new Model()
    copy.all = new Map(this.all)
    return copy
  }

  list(condition = () => true) {
    return [...this.all.values()].filter(condition)
  }
}

/** Creates the database, with indexes of each kind, and closes it. */
export async function create(path) {
  const model = new Model()
  const db = await Database.open(path)
  const users = db.collection('users')
  await users.createIndexes([
    { key: { city: 1, age: -1 } },
    { key: { tags: 1 } },
    { key: { email: 1 }, unique: true, sparse: true },
    { key: { age: 1 }, partialFilterExpression: { age: { $gt: 40 } } }
  ])
  for (let from = 0; from < COUNT; from += 1_000) {
    const documents = Array.from({ length: 1_000 }, (_, n) => document(from + n))
    await users.insertMany(documents)
    model.insert(...documents)
  }
  const cities = Array.from({ length: CITIES }, (_, n) => ({ _id: `city-${n}`, name: `City ${n}` }))
  await db.collection('cities').insertMany(cities)
  await users.updateOne({ _id: idOf(7) }, { $set: { city: 'moved' } })
  model.set(idOf(7), { city: 'moved' })
  await users.deleteOne({ _id: idOf(8) })
  model.delete(idOf(8))
  await db.close()
  return model
}

/** The names of its checkpoints. */
export const checkpoints = async (path) => (await readdir(path)).filter((name) => /^chk-.*\.chk$/.test(name))

/** As `t.deepEqual`, which takes long for thousands of documents. */
function same(t, found, expected, label) {
  if (isDeepStrictEqual(found, expected)) return t.pass()
  const at = expected.findIndex((one, n) => !isDeepStrictEqual(found[n], one))
  const place = at < 0 ? expected.length : at
  t.deepEqual({ place, count: found.length, one: found[place] }, { place, count: expected.length, one: expected[place] }, label)
}

const tagsOf = (one) => [one.tags].flat()
const byCity = (one, other) => compare(one.city, other.city) || other.age - one.age
const compare = (a, b) => (a < b ? -1 : Number(a > b))

/** Every kind of query answers as the list of documents does. */
export async function agrees(t, db, model, label = '') {
  const users = db.collection('users')
  const all = model.list()
  t.is(await users.countDocuments(), all.length, label)
  await byId(t, users, model, label)
  for (const city of ['city-0', 'city-59', 'moved', 'new', 'nowhere']) {
    const own = all.filter((one) => one.city === city)
    t.is(await users.countDocuments({ city }), own.length, `${label} count ${city}`)
    same(t, await users.find({ city }).toArray(), own, `${label} find ${city}`)
    same(t, users.findSync({ city }), own, `${label} findSync ${city}`)
  }
  await ranges(t, users, all, label)
  for (const tag of ['t3', 't10', 'none']) {
    const own = all.filter((one) => tagsOf(one).includes(tag))
    t.is(await users.countDocuments({ tags: tag }), own.length, `${label} count ${tag}`)
    same(t, await users.find({ tags: tag }).toArray(), own, `${label} find ${tag}`)
  }
  t.deepEqual((await users.distinct('city')).sort(), [...new Set(all.map((one) => one.city))].sort(), label)
  await joins(t, db, all, label)
  same(t, await users.find({}).toArray(), all, `${label} scan`)
}

async function byId(t, users, model, label) {
  for (const n of [0, 1, 7, 8, 9, 999, 1_000, 3_001, COUNT - 1, COUNT, COUNT + 1]) {
    const expected = model.all.get(idOf(n))
    t.deepEqual(users.getSync(idOf(n)) ?? undefined, expected, `${label} getSync ${n}`)
    t.deepEqual((await users.get(idOf(n))) ?? undefined, expected, `${label} get ${n}`)
    t.is(await users.has(idOf(n)), expected !== undefined, `${label} has ${n}`)
    t.is(users.hasSync(idOf(n)), expected !== undefined, `${label} hasSync ${n}`)
  }
  const ids = Array.from({ length: 50 }, (_, n) => idOf((n * 131) % COUNT))
  const many = await users.getMany(ids)
  same(t, many.map((one) => one ?? undefined), ids.map((id) => model.all.get(id)), `${label} getMany`)
}

const places = (documents) => documents.map(({ city, age }) => [city, age])

async function ranges(t, users, all, label) {
  const range = { city: { $gt: 'city-3', $lte: 'city-45' } }
  const own = all.filter((one) => one.city > 'city-3' && one.city <= 'city-45')
  const ordered = own.toSorted(byCity)
  t.is(await users.countDocuments(range), own.length, `${label} count of a range`)
  same(t, places(await users.find(range).sort({ city: 1, age: -1 }).toArray()), places(ordered), `${label} forwards`)
  same(t, places(await users.find(range).sort({ city: -1, age: 1 }).toArray()), places(ordered.toReversed()), `${label} backwards`)
  same(t, places(await users.find({}).sort({ city: -1, age: 1 }).skip(70).limit(30).toArray()), places(all.toSorted(byCity).toReversed().slice(70, 100)), `${label} first of an order`)
  const listed = ['city-1', 'city-58', 'moved']
  same(t, await users.find({ city: { $in: listed } }).toArray(), all.filter((one) => listed.includes(one.city)), `${label} $in`)
  t.is(await users.countDocuments({ age: { $gt: 70, $lt: 85 } }), all.filter((one) => one.age > 70 && one.age < 85).length, `${label} partial index`)
}

async function joins(t, db, all, label) {
  const joined = await db.collection('users').aggregate([
    { $match: { city: { $in: ['city-4', 'city-5'] } } },
    { $lookup: { from: 'cities', localField: 'city', foreignField: '_id', as: 'where' } },
    { $unwind: '$where' },
    { $group: { _id: '$where.name', count: { $sum: 1 }, ages: { $sum: '$age' } } },
    { $sort: { _id: 1 } }
  ]).toArray()
  const expected = [4, 5].map((n) => {
    const own = all.filter((one) => one.city === `city-${n}`)
    return { _id: `City ${n}`, count: own.length, ages: own.reduce((sum, one) => sum + one.age, 0) }
  })
  t.deepEqual(joined, expected, `${label} $lookup`)
}

/** Changes of each kind, made in both; `round` makes them differ. */
export async function change(t, db, model, round) {
  const users = db.collection('users')
  const at = (n) => idOf(100 * round + n)
  await users.updateOne({ _id: at(0) }, { $set: { city: 'moved' } })
  model.set(at(0), { city: 'moved' })
  await users.updateOne({ _id: at(1) }, { $set: { pad: 'same keys' } })
  model.set(at(1), { pad: 'same keys' })
  await users.deleteOne({ _id: at(2) })
  model.delete(at(2))
  // The same _id lives again, behind all others.
  const again = { ...document(100 * round + 4), city: 'new' }
  await users.deleteOne({ _id: again._id })
  model.delete(again._id)
  await users.insertOne(again)
  model.insert(again)
  // Twice within one session: changed and changed back.
  await users.updateOne({ _id: at(5) }, { $set: { city: 'elsewhere', tags: ['t1', 't2', 't3'] } })
  await users.updateOne({ _id: at(5) }, { $set: { city: model.all.get(at(5)).city, tags: 't3' } })
  model.set(at(5), { tags: 't3' })
  const fresh = { ...document(COUNT + round), city: 'new' }
  await users.insertOne(fresh)
  model.insert(fresh)
  const taken = model.list((one) => one.email !== undefined).at(round)
  await t.throwsAsync(users.insertOne({ _id: `second-${round}`, email: taken.email }), { code: 11_000 })
  await t.throwsAsync(users.insertOne(taken), { code: 11_000 })
  const city = `city-${round + 10}`
  const { modifiedCount } = await users.updateMany({ city, age: { $gt: 50 } }, { $inc: { age: 1 } })
  const old = model.list((one) => one.city === city && one.age > 50)
  t.is(modifiedCount, old.length)
  for (const one of old) model.set(one._id, { age: one.age + 1 })
}

/** Runs code in another process, which kills itself when it is done. `users` and `db` are there. */
export async function killed(path, code) {
  const index = new URL('../../index.mjs', import.meta.url).href
  const script = `import { Database } from ${JSON.stringify(index)}
const db = await Database.open(${JSON.stringify(path)})
const users = db.collection('users')
${code}
process.stdout.write('done')
setTimeout(() => process.kill(process.pid, 'SIGKILL'), 20)
setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: fileURLToPath(new URL('../..', import.meta.url)) })
  let [out, err] = ['', '']
  child.stdout.on('data', (data) => { out += data })
  child.stderr.on('data', (data) => { err += data })
  await once(child, 'close')
  if (out !== 'done') throw new Error(`the process failed: ${out}${err}`)
}

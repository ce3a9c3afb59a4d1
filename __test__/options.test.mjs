// No option is ignored: every method takes the options of its table and refuses every other name. The code reads the same
// tables; the documentation lists the same options.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import test from 'ava'

import internal from '../dist/internal.js'
import { AggregationCursor, Collection, FindCursor } from '../index.mjs'
import { collection, Database, memory, MoltenError, rejectsType, rejectsWith } from './support/database.mjs'
import { CURSOR as CURSOR_CALLS, DATABASE as DATABASE_CALLS, METHODS, methodsOf } from './support/methods.mjs'

const { BULK_WRITES, COLLECTION, CURSOR, DATABASE, IGNORED, knownOf, nearest, OTHER_NAMES, ownOf, REFUSALS, REFUSED, REFUSED_OF_COLLECTIONS } = internal

/** A call with options instead of the valid ones; returns the error or undefined. */
async function refusalOf(call) {
  try {
    const answer = await call()
    if (typeof answer?.toArray === 'function') await answer.toArray()
    return undefined
  } catch (error) {
    return error
  }
}

/** Valid arguments with these options; undefined if the method takes none. */
function argumentsOf(places, options) {
  const at = places.findIndex(([, { name }]) => name === 'options|option')
  // A stream can be written to once.
  return at === -1 ? undefined : places.map(([good], i) => (i === at ? options : good instanceof WritableStream ? new WritableStream() : good))
}

const listed = (table, ...without) => [...Object.keys(table), ...without].toSorted()

/** Every call that takes options, as a function of them. Each call has a collection of its own. */
async function callsOf(t) {
  const db = await memory(t)
  await db.collection('elsewhere').insertOne({ _id: 1 })
  let last = 0
  const fresh = async () => {
    const things = db.collection(`things-${last++}`)
    await things.insertMany([{ _id: 1, a: [1] }, { _id: 2 }])
    await things.createIndex('a')
    return things
  }
  const calls = []
  for (const [method, places] of Object.entries(METHODS)) {
    if (argumentsOf(places)) calls.push(['Collection', method, COLLECTION[method], async (options) => (await fresh())[method](...argumentsOf(places, options))])
  }
  for (const [method, places] of Object.entries(DATABASE_CALLS)) {
    if (argumentsOf(places)) calls.push(['Database', method, DATABASE[method], async (options) => db[method](...argumentsOf(places, options))])
  }
  calls.push(['Database', 'verify', DATABASE.verify, async (options) => Database.verify('/nowhere/at/all', options)])
  calls.push(['Database', 'importMolten', DATABASE.importMolten, async (options) => Database.importMolten('/nowhere/at/all', '/nowhere/else', options)])
  calls.push(['Database', 'rekey', DATABASE.rekey, async (options) => Database.rekey('/nowhere/at/all', 'x', 'y', options)])
  calls.push(['Database', 'recoverTo', DATABASE.recoverTo, async (options) => Database.recoverTo('/nowhere/at/all', '/nowhere/else', new Date(0), options)])
  return calls
}

test('every public method is in the tables of options, and takes none where it is not', (t) => {
  t.deepEqual(methodsOf(Collection).toSorted(), listed(COLLECTION))
  t.deepEqual([...methodsOf(Database), 'importMolten', 'open', 'recoverTo', 'rekey', 'verify'].toSorted(), listed(DATABASE, 'close'))
  t.deepEqual(Object.getOwnPropertyNames(Database).filter((name) => typeof Database[name] === 'function').toSorted(), ['open', 'recoverTo', 'rekey', 'verify'])
  // Other methods of cursors take values, functions or nothing.
  const values = [
    'next', 'tryNext', 'hasNext', 'toArray', 'forEach', 'bufferedCount', 'readBufferedDocuments', 'rewind', 'close', 'clone', 'map', 'filter', 'sort',
    'maxTimeMS', 'skip', 'limit', 'project', 'batchSize', 'hint', 'allowDiskUse', 'comment', 'collation', 'count', 'addStage', 'match', 'group', 'unwind',
    'lookup', 'out', 'live', 'addCursorFlag', 'maxAwaitTimeMS'
  ]
  for (const type of [FindCursor, AggregationCursor]) {
    t.deepEqual(methodsOf(type).filter((name) => !values.includes(name)).toSorted(), listed(CURSOR))
  }
  for (const [type, table, names] of [['Collection', METHODS, COLLECTION], ['Database', DATABASE_CALLS, DATABASE]]) {
    const withOptions = Object.keys(table).filter((method) => table[method].some(([, { name }]) => name === 'options|option'))
    t.deepEqual(Object.keys(names).filter((name) => !withOptions.includes(name) && !['importMolten', 'open', 'recoverTo', 'rekey', 'verify'].includes(name)), [], type)
  }
})

test('a name that is no option is a TypeError that names it, the method and what was meant', async (t) => {
  for (const [type, method, names, call] of await callsOf(t)) {
    const at = `${type}.${method}`
    const error = await refusalOf(() => call({ nothingOfTheKind: undefined }))
    t.true(error instanceof TypeError, `${at}: ${error}`)
    t.regex(error.message, new RegExp(`[.]${method}: there is no option "nothingOfTheKind"; there are signal|[.]${method}: .*; there are ${ownOf(names).join(', ')}`), at)
    for (const name of ownOf(names)) {
      const slip = name.slice(0, -2) + name.at(-1) + name.at(-2)
      if (slip === name || knownOf(names).has(slip)) continue
      const near = await refusalOf(() => call({ [slip]: 1 }))
      t.true(near instanceof TypeError, `${at}: ${slip}: ${near}`)
      t.is(near.message.slice(near.message.indexOf(': ') + 2), `there is no option "${slip}"; did you mean "${nearest(slip, ownOf(names))}"?`, at)
    }
  }
  await rejectsType(t, () => Database.open('x', { flushIntervall: 5 }), /no option "flushIntervall"; did you mean "flushInterval"\?/)
  await rejectsType(t, () => Database.open('x', { readPreference: 'primary' }), /no option "readPreference"; there are storage, /)
  await rejectsWith(t, 'NOT_SUPPORTED', Database.open('x', { encryptedFields: {} }), /option encryptedFields/)
})

test('the nearest name is fewest slips away, and none where all are far', (t) => {
  const names = ['projection', 'sort', 'skip', 'limit', 'batchSize', 'hint', 'let', 'upsert']
  const near = { limt: 'limit', srot: 'sort', Limit: 'limit', upserrt: 'upsert', projetcion: 'projection', batchsize: 'batchSize', hnit: 'hint', skpi: 'skip' }
  for (const [slip, name] of Object.entries(near)) t.is(nearest(slip, names), name)
  for (const far of ['returnDocument', 'x', '', 'zzzz', 'a'.repeat(100_000)]) t.is(nearest(far, names), undefined)
})

test('options of the driver that mean nothing here are accepted by every method and change nothing', async (t) => {
  const ignored = Object.fromEntries(Object.keys(IGNORED).map((name) => [name, true]))
  for (const [type, method, names, call] of await callsOf(t)) {
    // An option that the method has itself takes a value of its kind.
    const others = Object.fromEntries(Object.entries(ignored).filter(([name]) => name !== 'maxAwaitTimeMS' || !ownOf(names).includes(name)))
    const error = await refusalOf(() => call(others))
    // A path that does not exist is not a matter of options.
    t.true(error === undefined || !/option/.test(error.message), `${type}.${method}: ${error}`)
  }
  const things = await collection(t, [{ _id: 1, n: 2 }, { _id: 2, n: 1 }])
  // Of cursors that wait it takes a number.
  delete ignored.maxAwaitTimeMS
  t.deepEqual(await things.find({}, { ...ignored, sort: { n: 1 } }).toArray(), await things.find().sort({ n: 1 }).toArray())
})

test('options that would change an answer and are not there are NOT_SUPPORTED with the reason, unless they ask for nothing', async (t) => {
  for (const [type, method, names, call] of await callsOf(t)) {
    const tables = type === 'Database' && method === 'createCollection' ? { ...REFUSED, ...REFUSED_OF_COLLECTIONS } : REFUSED
    for (const [name, { nothing, instead }] of Object.entries(tables)) {
      if (knownOf(names).has(name)) continue
      const at = `${type}.${method}: ${name}`
      const error = await refusalOf(() => call({ [name]: { any: 'thing' } }))
      t.true(MoltenError.isMoltenError(error), `${at}: ${error}`)
      t.is(error.kind, 'NOT_SUPPORTED', at)
      t.true(error.message.endsWith(`option ${name} is not supported; ${REFUSALS[names.refused]?.[name]?.instead ?? instead}`), error.message)
      for (const value of [undefined, null, ...nothing]) {
        const accepted = await refusalOf(() => call({ [name]: value }))
        t.true(accepted === undefined || !/option/.test(accepted.message), `${at}: ${value}: ${accepted}`)
      }
    }
    const misspelt = await refusalOf(() => call({ collation: { locale: 'de', strenght: 1 } }))
    t.true(misspelt instanceof TypeError && /did you mean "strength"/.test(misspelt.message), `${type}.${method}: collation: ${misspelt}`)
  }
})

test('names of older drivers say what stands for them', async (t) => {
  const things = await collection(t, [{ _id: 1 }])
  for (const [name, advice] of Object.entries(OTHER_NAMES)) {
    const error = await rejectsType(t, () => things.findOneAndUpdate({}, { $set: { a: 1 } }, { [name]: true }))
    t.is(error.message, `users.findOneAndUpdate: there is no option "${name}"; ${advice}`)
  }
  t.deepEqual(await things.find().toArray(), [{ _id: 1 }])
})

test('parts of writes, entries, rows, explanations and streams are looked at too', async (t) => {
  const things = await collection(t, [{ _id: 1 }])
  const good = {
    insertOne: { document: {} }, updateOne: { filter: {}, update: { $set: { a: 1 } } }, updateMany: { filter: {}, update: { $set: { a: 1 } } },
    replaceOne: { filter: {}, replacement: {} }, deleteOne: { filter: {} }, deleteMany: { filter: {} }
  }
  t.deepEqual(Object.keys(good), Object.keys(BULK_WRITES))
  for (const [name, model] of Object.entries(good)) {
    await rejectsType(t, () => things.bulkWrite([{ [name]: { ...model, upsrt: true } }]), new RegExp(`operations\\[0\\]\\.${name}: there is no option "upsrt"`))
    if (name === 'insertOne') continue
    await rejectsType(t, () => things.bulkWrite([{ [name]: { ...model, collation: { locale: 'de', strenght: 1 } } }]), /option collation: there is no option "strenght"/)
    await rejectsType(t, () => things.bulkWrite([{ [name]: { ...model, collation: 'de' } }]), /collation must be an object/)
  }
  await rejectsType(t, () => things.bulkWrite([{ updateMany: { ...good.updateMany, sort: { a: 1 } } }]), /no option "sort"/)
  await rejectsType(t, () => things.updateMany({}, { $set: { a: 1 } }, { sort: { a: 1 } }), /no option "sort"/)
  await rejectsType(t, () => things.setMany([[1, {}, { ifVersoin: 1 }]]), /entry 0: there is no option "ifVersoin"; did you mean "ifVersion"/)
  await rejectsType(t, () => things.setMany([[1, {}, 1]]), /entry 0: options must be an object/)
  await rejectsType(t, () => things.createIndexes([{ key: { a: 1 }, uniqe: true }]), /indexSpecs\[0\]: there is no option "uniqe"/)
  await rejectsType(t, () => things.find({}, { collation: { locale: 'simple', strenght: 1 } }), /no option "strenght"/)
  await rejectsType(t, () => things.find().explain({ verbostiy: 'queryPlanner' }), /no option "verbostiy"; did you mean "verbosity"/)
  await rejectsType(t, () => things.findOne({}, { explain: { verbosity: 'queryPlanner', maxTimeMs: 1 } }), /no option "maxTimeMs"; did you mean "maxTimeMS"/)
  await rejectsType(t, () => things.find().stream({ transfrom: String }), /stream: there is no option "transfrom"; did you mean "transform"/)
  await rejectsType(t, () => things.find().stream({ transform: 1 }), /stream: option transform must be a function/)
  await rejectsType(t, () => Database.open('x', { retention: { generation: 1 } }), /no option "generation"; did you mean "generations"/)
  t.deepEqual(await things.find().toArray(), [{ _id: 1 }])
})

test('inherited options take effect and are looked at; what a program gave to all objects is none', async (t) => {
  const things = await collection(t, [{ _id: 1 }, { _id: 2 }])
  t.is((await things.find({}, Object.create({ limit: 1 })).toArray()).length, 1)
  await rejectsType(t, async () => things.find({}, Object.create({ limt: 1 })), /no option "limt"/)
  const everywhere = Object.prototype
  Object.defineProperty(everywhere, 'everywhere', { value: 1, enumerable: true, configurable: true })
  try {
    t.is(things.findSync({}, { limit: 1 }).length, 1)
    t.throws(() => things.findSync({}, { everywhere: 1 }), { message: /no option "everywhere"/ })
  } finally {
    delete everywhere.everywhere
  }
  t.is(things.findSync({}, { [Symbol('x')]: 1 }).length, 2)
  t.is(CURSOR_CALLS.explain.length, 1)
})

/** The rows of a table of the documentation, by its heading. */
function rowsOf(file, heading) {
  const text = readFileSync(join(import.meta.dirname, '..', 'docs', file), 'utf8')
  const [, section = ''] = text.split(`\n${heading}\n`)
  const rows = section.split('\n## ')[0].split('\n### ')[0].split('\n').filter((line) => line.startsWith('| `'))
  return rows.map((line) => line.slice(2, -2).split(' | '))
}

test('docs/api.md lists the options of each method', (t) => {
  const shared = new Set(['signal', 'maxTimeMS', 'session'])
  const found = Object.fromEntries(
    rowsOf('api.md', '### Options of each method').flatMap(([methods, options]) =>
      [...methods.matchAll(/`([\w.]+)`/g)].map(([, method]) => [method, [...options.matchAll(/`(\w+)`/g)].map(([, name]) => name).toSorted()])
    )
  )
  const expected = {}
  for (const [method, names] of Object.entries(COLLECTION)) expected[method] = ownOf(names).filter((name) => !shared.has(name)).toSorted()
  for (const [method, names] of Object.entries(DATABASE)) if (method !== 'open') expected[`${['importMolten', 'recoverTo', 'rekey', 'verify'].includes(method) ? 'Database' : 'db'}.${method}`] = ownOf(names).filter((name) => !shared.has(name)).toSorted()
  t.deepEqual(found, expected)
})

test('docs/compatibility.md lists what becomes of the options of the driver', (t) => {
  const rows = rowsOf('compatibility.md', '## Options of the driver that mean nothing here')
  t.deepEqual(rows.map(([name, effect, reason]) => [name.slice(1, -1), effect, reason]), [
    ...Object.entries(IGNORED).map(([name, reason]) => [name, 'without effect', reason]),
    ...Object.entries(REFUSED).map(([name, { nothing, instead }]) => [name, nothing.length > 0 ? `refused, but for \`${nothing.join('`, `')}\`` : 'refused', instead])
  ])
})

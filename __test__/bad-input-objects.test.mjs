// Objects that run code, lie about themselves or are too large, while they cross the boundary.

import test from 'ava'

import { collection, memory, MoltenError, ObjectId, rejectsType, rejectsWith } from './support/database.mjs'

const MIB = 1024 * 1024

function nested(levels) {
  let value = 1
  for (let i = 0; i < levels; i++) value = { a: value }
  return value
}

test('a getter that throws passes its error on, from every argument', async (t) => {
  const reason = new Error('from a getter')
  const trap = { get v() { throw reason } }
  const things = await collection(t, [{ _id: 1, n: 1 }])
  const calls = {
    insertOne: () => things.insertOne(trap),
    insertMany: () => things.insertMany([{ _id: 'before' }, { a: [trap] }]),
    replaceOne: () => things.replaceOne({}, trap),
    set: () => things.set(5, trap),
    setMany: () => things.setMany([[5, {}], [6, trap]]),
    updateOne: () => things.updateOne({}, { $set: trap }),
    'the filter of updateOne': () => things.updateOne(trap, { $set: { n: 2 } }),
    arrayFilters: () => things.updateOne({}, { $set: { 'a.$[x]': 1 } }, { arrayFilters: [trap] }),
    deleteMany: () => things.deleteMany(trap),
    findOne: () => things.findOne(trap),
    find: () => things.find(trap).toArray(),
    projection: () => things.find({}, { projection: trap }).toArray(),
    countDocuments: () => things.countDocuments(trap),
    distinct: () => things.distinct('n', trap),
    aggregate: () => things.aggregate([{ $match: trap }]).toArray(),
    bulkWrite: () => things.bulkWrite([{ insertOne: { document: { _id: 'before' } } }, { deleteOne: { filter: trap } }]),
    get: () => things.get(trap),
    findOneAndUpdate: () => things.findOneAndUpdate({}, { $set: trap }),
    getSync: async () => things.getSync(trap),
    findSync: async () => things.findSync(trap)
  }
  for (const [name, call] of Object.entries(calls)) t.is(await t.throwsAsync(call), reason, name)
  for (const option of ['signal', 'maxTimeMS', 'sort', 'projection', 'upsert', 'session']) {
    const options = Object.defineProperty({}, option, { enumerable: true, get() { throw reason } })
    const call = option === 'upsert' ? () => things.updateOne({}, { $set: { n: 2 } }, options) : () => things.findOne({}, options)
    t.is(await t.throwsAsync(async () => call()), reason, option)
  }
  t.deepEqual(await things.find().toArray(), [{ _id: 1, n: 1 }])
})

test('a getter that changes the document stores one state of it', async (t) => {
  const things = await collection(t)
  const growing = { _id: 1, get a() { growing.b = 2; growing.list.push(3); return 1 }, list: [1, 2] }
  await things.insertOne(growing)
  t.deepEqual(await things.get(1), { _id: 1, a: 1, list: [1, 2, 3] })
  const shrinking = { _id: 2, get a() { delete shrinking.b; return 1 }, b: 2 }
  await things.insertOne(shrinking)
  t.deepEqual(await things.get(2), { _id: 2, a: 1 })
  const list = [{ get x() { list.length = 1; return 1 } }, 2, 3]
  await things.insertOne({ _id: 3, list })
  t.deepEqual(await things.get(3), { _id: 3, list: [{ x: 1 }, null, null] })
  const emptied = new Uint8Array(4).fill(1)
  const detaching = { _id: 4, get a() { structuredClone(emptied.buffer, { transfer: [emptied.buffer] }); return 1 }, emptied }
  await rejectsWith(t, 'BAD_DOCUMENT', things.insertOne(detaching), /'emptied' is a view of a buffer that was detached/)
  t.is(await things.countDocuments(), 3)
})

test('a getter may use the collection: both operations are done whole', async (t) => {
  const things = await collection(t)
  const inner = []
  const document = (_id) => ({
    _id,
    get a() {
      inner.push(things.insertOne({ _id: `inside ${_id}`, x: 1 }), things.updateOne({ _id: 'counter' }, { $inc: { n: 1 } }, { upsert: true }))
      t.is(things.getSync('none'), null)
      t.deepEqual(things.findSync({ _id: 'none' }), [])
      return { b: [things.countSync({ _id: 'none' })] }
    },
    c: 3
  })
  await things.insertOne(document(1))
  await things.insertMany([document(2), document(3)])
  await things.set(4, document(4))
  await Promise.all(inner)
  for (const _id of [1, 2, 3, 4]) {
    t.deepEqual(await things.get(_id), { _id, a: { b: [0] }, c: 3 })
    t.deepEqual(await things.get(`inside ${_id}`), { _id: `inside ${_id}`, x: 1 })
  }
  t.is((await things.get('counter')).n, 4)
})

test('a getter that closes the database lets its operation end, or refuses it with CLOSED', async (t) => {
  const db = await memory(t)
  const things = db.collection('things')
  let closing
  const outcome = await things.insertOne({ get a() { closing ??= db.close(); return 1 } }).then(() => 'done', (error) => error.kind)
  t.true(['done', 'CLOSED'].includes(outcome), outcome)
  await closing
  await rejectsWith(t, 'CLOSED', things.findOne())
})

test('an ObjectId class may read while its objects are made: every answer is whole', async (t) => {
  // Regression: its constructor runs while a result is read, and its own read used the same buffer, which led to a false
  // CORRUPT.
  class Reading {
    constructor(bytes) {
      this.bytes = bytes
      const things = db.collection('things')
      this.read = [things.getSync('other'), things.findSync({ _id: 'other' })[0], things.hasSync('other')]
      things.get('other')
      things.updateOne({ _id: 'counter' }, { $inc: { n: 1 } }, { upsert: true }).catch(() => {})
    }

    get hex() {
      return Buffer.from(this.bytes).toString('hex')
    }
  }
  const db = await memory(t, { ObjectId: Reading })
  const things = db.collection('things')
  const other = { _id: 'other', text: 'x'.repeat(300), wide: '\u20ac', list: [1, 2, 3] }
  const ids = [new ObjectId(), new ObjectId()]
  await things.insertMany([{ _id: 1, before: 'a', one: ids[0], list: ['b', ids[1], '\u20ac'], after: { c: 'd' } }, other])
  const check = (document) => {
    t.deepEqual({ ...document, one: 0, list: 0 }, { _id: 1, before: 'a', one: 0, list: 0, after: { c: 'd' } })
    t.deepEqual([document.one, document.list[1]].map(({ hex }) => hex), ids.map((id) => id.toHexString()))
    t.deepEqual([document.list[0], document.list[2]], ['b', '\u20ac'])
    for (const made of [document.one, document.list[1]]) t.deepEqual(made.read, [other, other, true])
  }
  check(await things.get(1))
  check(things.getSync(1))
  check(await things.findOne({ before: 'a' }))
  check((await things.find({ before: 'a' }).toArray())[0])
  check(things.findSync({ before: 'a' })[0])
  check((await things.getMany([1, 'other']))[0])
  check((await things.get(1, { meta: true })).value)
  t.deepEqual(await things.get('other'), other)
})

test('Proxies are read once and as they answer; a trap that throws passes its error on', async (t) => {
  const things = await collection(t)
  const reason = new Error('from a trap')
  const throwing = (trap) => new Proxy({ a: 1 }, { [trap]: () => { throw reason } })
  for (const trap of ['ownKeys', 'get', 'getOwnPropertyDescriptor', 'getPrototypeOf']) {
    t.is(await t.throwsAsync(async () => things.insertOne({ _id: 1, inner: throwing(trap) })), reason, trap)
    t.is(await t.throwsAsync(async () => things.findOne({ a: throwing(trap) })), reason, trap)
    t.is(await t.throwsAsync(async () => things.insertMany(new Proxy([{}], { get: () => { throw reason } }))), reason)
  }
  const described = { configurable: true, enumerable: true, value: 0 }
  const lying = new Proxy({}, { ownKeys: () => ['x', 'y'], getOwnPropertyDescriptor: () => described, get: (_, name) => (name === 'x' ? 5 : undefined) })
  await things.insertOne({ _id: 2, lying, list: new Proxy([1, 2], {}) })
  t.deepEqual(await things.get(2), { _id: 2, lying: { x: 5 }, list: [1, 2] })
  const endless = new Proxy([], { get: (target, name) => (name === 'length' ? 2 ** 32 - 1 : Reflect.get(target, name)) })
  await rejectsWith(t, 'BAD_DOCUMENT', things.insertOne({ endless }), /'endless.*larger than 16777216 bytes/)
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  for (const call of [() => things.insertOne(proxy), () => things.insertOne({ a: proxy }), () => things.findOne(proxy), () => things.find({}, proxy)]) {
    await t.throwsAsync(async () => call(), { instanceOf: TypeError })
  }
  t.is(await things.countDocuments(), 1)
})

test('a RegExp is what it is, whatever its fields say', async (t) => {
  const things = await collection(t, [{ _id: 1, a: 'Ada' }])
  const pattern = Object.defineProperty(/^a/i, 'source', { value: 5 })
  t.is(await things.countDocuments({ a: pattern }), 1)
  t.is(await things.countDocuments({ a: Object.assign(/^A/, { extra: () => {} }) }), 1)
})

test('16 MiB to the byte are stored; one byte more is refused by its path, in every way in', async (t) => {
  const things = await collection(t)
  // The record, _id, and the head of the bytes take the rest.
  const largest = (extra) => ({ _id: 1, v: Buffer.alloc(16 * MIB - 9 + extra, 7) })
  await things.insertOne(largest(-1))
  t.is((await things.get(1)).v.length, 16 * MIB - 10)
  await things.delete(1)
  await things.insertOne(largest(0))
  t.is((await things.get(1)).v.length, 16 * MIB - 9)
  const calls = [
    () => things.insertOne({ ...largest(1), _id: 2 }),
    () => things.replaceOne({ _id: 1 }, { v: largest(1).v }),
    () => things.set(3, { v: largest(1).v }),
    () => things.insertMany([{ _id: 4 }, { ...largest(1), _id: 5 }]),
    () => things.insertOne({ _id: 6, text: 'x'.repeat(16 * MIB) }),
    () => things.insertOne({ _id: 7, list: Array.from({ length: 17 }, () => 'x'.repeat(MIB)) })
  ]
  for (const call of calls) {
    const error = await rejectsWith(t, 'BAD_DOCUMENT', call, /16777216/)
    if (error.path) t.true(['v', 'text', 'list.15'].includes(error.path), error.path)
  }
  await rejectsWith(t, 'BAD_DOCUMENT', things.updateOne({ _id: 1 }, { $set: { more: 'x' } }), /16777216/)
  await rejectsWith(t, 'BAD_UPDATE', things.updateOne({ _id: 1 }, { $set: { v: 'x'.repeat(16 * MIB) } }))
  t.deepEqual((await things.find({}, { projection: { _id: 1 } }).toArray()), [{ _id: 1 }])
})

test('a million names or elements are stored and found', async (t) => {
  const things = await collection(t)
  const many = Array.from({ length: 1_000_000 }, (_, i) => i % 100)
  const names = Object.fromEntries(many.map((n, i) => [`n${i}`, n]))
  await things.insertMany([{ _id: 1, many }, { _id: 2, names }])
  t.deepEqual((await things.get(1)).many, many)
  t.deepEqual((await things.get(2)).names, names)
  t.is(await things.countDocuments({ many: 99 }), 1)
  t.is(await things.countDocuments({ 'names.n999999': 99 }), 1)
  await things.updateOne({ _id: 2 }, { $set: { 'names.n0': -1 } })
  t.is((await things.findOne({ _id: 2 }, { projection: { 'names.n0': 1 } })).names.n0, -1)
})

test('100 levels are stored and 101 refused, also where an update would make them', async (t) => {
  const things = await collection(t)
  await things.insertOne({ _id: 1, v: nested(99) })
  t.deepEqual(await things.get(1), { _id: 1, v: nested(99) })
  const error = await rejectsWith(t, 'BAD_DOCUMENT', things.insertOne({ _id: 2, v: nested(100) }), /nested deeper than 100 levels/)
  t.is(error.path, ['v', ...Array(99).fill('a')].join('.'))
  for (const update of [{ $set: { w: nested(100) } }, { $push: { w: nested(99) } }, { $set: { [['w', ...Array(60).fill('a')].join('.')]: nested(60) } }, { $rename: { v: 'w.x' } }]) {
    await t.throwsAsync(async () => things.updateOne({ _id: 1 }, update), { instanceOf: MoltenError })
  }
  for (const name of ['$set', '$addFields', '$project']) {
    const wrong = await rejectsWith(t, 'LIMIT', things.updateOne({ _id: 1 }, [{ [name]: { w: { x: '$v' } } }]), /makes a document deeper than 100 levels/)
    t.true(wrong.message.includes(`: ${name} makes`), 'the stage is named as it was written')
  }
  for (const stage of [{ $replaceRoot: { newRoot: { w: { x: '$v' } } } }, { $replaceWith: { w: { x: '$v' } } }]) {
    const wrong = await rejectsWith(t, 'LIMIT', things.updateOne({ _id: 1 }, [stage]))
    t.true(wrong.message.includes(`: ${Object.keys(stage)[0]} makes`))
  }
  t.deepEqual(await things.find().toArray(), [{ _id: 1, v: nested(99) }])
})

test('names that a collection cannot have are BAD_QUERY saying why', async (t) => {
  const db = await memory(t)
  const names = ['', '.', '..', 'a..b', '.a', 'a.', 'a/b', 'a\\b', '$', 'a$b', '$cmd', 'a\0b', '\ud800', 'x'.repeat(300), 'x'.repeat(121), '€'.repeat(41), '../../etc/passwd']
  for (const name of names) {
    const own = await rejectsWith(t, 'BAD_QUERY', async () => db.collection(name), /Database.collection: collection name/)
    await rejectsWith(t, 'BAD_QUERY', db.dropCollection(name))
    await rejectsWith(t, 'BAD_QUERY', async () => db.createCollection(name))
    await rejectsWith(t, 'BAD_QUERY', db.collection('a').rename(name))
    await rejectsWith(t, 'BAD_QUERY', db.exportJSONL(new WritableStream(), { collections: [name] }))
    const core = await rejectsWith(t, 'BAD_QUERY', async () => db.collection('a').aggregate([{ $documents: [{ _id: 1 }] }, { $out: name }]).toArray(), /collection|pipeline.1.\$out/)
    // The rule is written on both sides of the boundary, in the same words. The core gets no lone surrogates.
    const reason = /(?:is empty|is longer|contains "|contains two|starts or ends)[^]*$/.exec(own.message)?.[0]
    if (name.isWellFormed()) t.true(reason !== undefined && core.message.includes(reason), core.message)
  }
  for (const name of [null, undefined, 5, {}, [], Symbol('x'), () => {}]) {
    await rejectsType(t, () => db.collection(name), /name must be a string/)
    await rejectsType(t, () => db.dropCollection(name), /name must be a string/)
  }
  for (const name of ['system.users', 'a.b', 'constructor', '__proto__', 'a b', 'é', 'x'.repeat(120), 'CON', 'a\nb', '😀', "'; drop"]) {
    await db.collection(name).insertOne({ _id: 1 })
    t.is(await db.collection(name).countDocuments(), 1, name)
  }
  t.is((await db.listCollections().toArray()).length, 11)
})

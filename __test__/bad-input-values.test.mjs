// Values at the boundary: each is stored and read back unchanged, or refused with an error that names its path and changes
// nothing.

import { runInNewContext } from 'node:vm'

import test from 'ava'
import * as bson from 'bson'

import { collection, ObjectId, rejectsWith } from './support/database.mjs'

const typed = (name, length = 4) => new globalThis[name](length)
const resizable = () => new ArrayBuffer(8, { maxByteLength: 16 })

function detached() {
  const bytes = new Uint8Array(8).fill(7)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

function shrunk() {
  const buffer = resizable()
  const bytes = new Uint8Array(buffer, 4, 4)
  buffer.resize(2)
  return bytes
}

/** Values that are refused, and the message after the path. */
class Money {
  #cents
  constructor(cents) {
    this.#cents = cents
  }
  get cents() {
    return this.#cents
  }
}
class LibraryDate {
  $d = new Date(0)
  toDate() {
    return this.$d
  }
  toISOString() {
    return this.$d.toISOString()
  }
}

const REFUSED = {
  'a function': [() => () => {}, /is a function/],
  'an async function': [() => async () => {}, /is a function/],
  'a class': [() => Point, /is a function/],
  'a symbol': [() => Symbol('x'), /is a symbol/],
  'a registered symbol': [() => Symbol.for('x'), /is a symbol/],
  'a Map': [() => new Map([[1, 2]]), /is a Map/],
  'a URL': [() => new URL('https://example.org'), /is an instance of URL that has no fields of its own and would be stored as {}/],
  'headers': [() => new Headers({ a: 'b' }), /is an instance of Headers/],
  'a format of Intl': [() => new Intl.NumberFormat('en'), /is an instance of NumberFormat/],
  'an instance with private state alone': [() => new Money(5), /is an instance of Money/],
  'a date as dayjs and moment make it': [() => new LibraryDate(), /is an instance of LibraryDate, a date of a library; store value\.toDate\(\)/],
  'a Set': [() => new Set([1]), /is a Set/],
  'a Map of another realm': [() => runInNewContext('new Map()'), /is a Map/],
  'a RegExp': [() => /x/, /is a RegExp/],
  'a RegExp of another realm': [() => runInNewContext('/x/'), /is a RegExp/],
  'a Promise': [() => Promise.resolve(1), /is a Promise/],
  'an Error': [() => new TypeError('x'), /is an Error/],
  'a DOMException': [() => new DOMException('x'), /is an Error/],
  'a WeakMap': [() => new WeakMap(), /is a WeakMap/],
  'a WeakSet': [() => new WeakSet(), /is a WeakSet/],
  'a WeakRef': [() => new WeakRef({}), /is a WeakRef/],
  'a boxed number': [() => Object(1), /is a boxed primitive/],
  'a boxed string': [() => Object('x'), /is a boxed primitive/],
  'a boxed symbol': [() => Object(Symbol('x')), /is a boxed primitive/],
  'a boxed BigInt': [() => Object(1n), /is a boxed primitive/],
  'a generator': [() => (function* () {})(), /is a generator/],
  'an iterator of a Map': [() => new Map().entries(), /is an iterator/],
  'an ArrayBuffer': [() => new ArrayBuffer(8), /is an ArrayBuffer/],
  'a resizable ArrayBuffer': [resizable, /is an ArrayBuffer/],
  'a SharedArrayBuffer': [() => new SharedArrayBuffer(8), /is an ArrayBuffer/],
  'a DataView': [() => new DataView(new ArrayBuffer(8)), /is a DataView/],
  ...Object.fromEntries(
    ['Int8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'].map(
      (name) => [`an array of numbers, ${name}`, [() => typed(name), new RegExp(`is an? ${name}`)]]
    )
  ),
  'bytes of a buffer that is detached': [detached, /detached or shrank/],
  'bytes outside of a buffer that shrank': [shrunk, /detached or shrank/],
  'an invalid Date': [() => new Date(NaN), /is an invalid Date/],
  'an invalid Date of another realm': [() => runInNewContext('new Date(NaN)'), /is an invalid Date/],
  'a BigInt past int64': [() => 2n ** 63n, /BigInt|int64/],
  'a BigInt below int64': [() => -(2n ** 63n) - 1n, /BigInt|int64/],
  'a huge BigInt': [() => 10n ** 5000n, /BigInt|int64/],
  'a lone surrogate': [() => 'a\ud800', /lone surrogate/],
  'a lone low surrogate': [() => '\udfff', /lone surrogate/],
  'surrogates the wrong way about': [() => '\udc00\ud800', /lone surrogate/],
  'a lone surrogate in long text': [() => `${'x'.repeat(100_000)}\ud800`, /lone surrogate/],
  'a name with a lone surrogate': [() => ({ 'a\ud800': 1 }), /lone surrogate/],
  'a Long of bson': [() => bson.Long.fromNumber(1), /is a bson Long/],
  'a Decimal128 of bson': [() => bson.Decimal128.fromString('1'), /is a bson Decimal128/],
  'a Binary of bson': [() => new bson.Binary(Buffer.from('x')), /is a bson Binary/],
  'a MinKey of bson': [() => new bson.MinKey(), /is a bson MinKey/],
  'an ObjectId without bytes': [() => ({ __proto__: { _bsontype: 'ObjectId' } }), /ObjectId without 12 bytes/],
  'an ObjectId of 11 bytes': [() => ({ __proto__: { _bsontype: 'ObjectId' }, id: Buffer.alloc(11) }), /ObjectId without 12 bytes/],
  'a cycle': [() => {
    const object = {}
    object.self = { object }
    return object
  }, /nested deeper than 1\d\d levels, or part of a cycle/],
  'an array in itself': [() => {
    const array = []
    array.push(array)
    return array
  }, /nested deeper than 1\d\d levels, or part of a cycle/]
}

const nested = (levels, inner) => {
  for (let i = 0; i < levels; i++) inner = i % 2 ? [inner] : { a: inner }
  return inner
}
const ID = '0123456789abcdef01234567'
class Point {
  #hidden = 1
  x = 1
  get sum() {
    return this.#hidden
  }
  toJSON() {
    throw new Error('toJSON is not called')
  }
  toBSON() {
    throw new Error('toBSON is not called')
  }
}

/** Values that are stored, and what is read back if it is not the same value. */
const STORED = {
  'null': [() => null],
  'negative zero': [() => -0],
  'NaN': [() => NaN],
  'infinities': [() => [Infinity, -Infinity]],
  'the smallest and the largest doubles': [() => [Number.MIN_VALUE, Number.MAX_VALUE, Number.MIN_SAFE_INTEGER, 2 ** 53, Number.EPSILON]],
  'numbers about the bounds of int32': [() => [2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32]],
  'BigInts at the bounds of int64': [() => [2n ** 63n - 1n, -(2n ** 63n), 0n, -1n]],
  'dates at the bounds': [() => [new Date(8.64e15), new Date(-8.64e15), new Date(-0)]],
  'a date of another realm': [() => runInNewContext('new Date(5)'), new Date(5)],
  'text of every kind': [() => ['', '\0', 'a\0b', 'é', '€', '😀', '\ufeff', '\ufffd', '\u2028']],
  'long text of two widths': [() => ['x'.repeat(70_000), '€'.repeat(70_000)]],
  'a sparse array': [() => [, 1, , ], [null, 1, null]], // oxlint-disable-line no-sparse-arrays
  'undefined in an array': [() => [undefined, [undefined]], [null, [null]]],
  'an array with a property': [() => Object.assign([1], { extra: 2 }), [1]],
  'an array that says it is longer': [() => Object.assign([], { length: 3 }), [null, null, null]],
  'an array of another realm': [() => runInNewContext('[1, [2]]'), [1, [2]]],
  'an object of another realm': [() => runInNewContext('({ a: { b: 1 } })'), { a: { b: 1 } }],
  'empty names': [() => ({ '': { '': 1 } })],
  'names with NUL': [() => ({ '\0': 1, 'a\0b': 2 })],
  'names with dots and dollars': [() => ({ 'a.b': 1, '.': 2, $: 3, $set: 4, 'a.$': 5, $oid: 'x', $regularExpression: { pattern: '(', options: '' } })],
  'names that are numbers': [() => ({ 0: 'a', 1: 'b', '01': 'c', '-1': 'd', '4294967295': 'e' })],
  'names of prototypes': [() => JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"hasOwnProperty":1,"toString":2,"valueOf":3,"__defineGetter__":4,"isPrototypeOf":5,"then":6}')],
  'a symbol as name': [() => ({ [Symbol('x')]: 1, a: 2 }), { a: 2 }],
  'a hidden field': [() => Object.defineProperty({ a: 1 }, 'hidden', { value: 2, enumerable: false }), { a: 1 }],
  'an inherited field': [() => Object.create({ inherited: 1 }, { a: { value: 1, enumerable: true } }), { a: 1 }],
  'an object without prototype': [() => Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  'an instance of a class': [() => new Point(), { x: 1 }],
  'a frozen object': [() => Object.freeze({ a: Object.freeze([1]) })],
  'arguments': [() => (function () { return arguments })(1, 2), { 0: 1, 1: 2 }], // oxlint-disable-line
  'an object with _bsontype of its own': [() => ({ _bsontype: 'ObjectId', id: 'x' })],
  'an ObjectId of bson': [() => new bson.ObjectId(ID), new ObjectId(ID)],
  'an ObjectId of an old copy': [() => ({ __proto__: { _bsontype: 'ObjectID', toHexString: () => ID } }), new ObjectId(ID)],
  'no bytes': [() => Buffer.alloc(0)],
  'a Buffer': [() => Buffer.from([0, 255])],
  'a Uint8Array': [() => Uint8Array.of(1, 2, 3), Buffer.of(1, 2, 3)],
  'a part of a buffer': [() => new Uint8Array(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2), Buffer.of(2, 3)],
  'bytes of another realm': [() => runInNewContext('Uint8Array.of(1)'), Buffer.of(1)],
  'bytes of a resizable buffer': [() => new Uint8Array(resizable()).fill(1), Buffer.alloc(8, 1)],
  'bytes of a shared buffer': [() => new Uint8Array(new SharedArrayBuffer(4)).fill(9), Buffer.alloc(4, 9)],
  'Math and JSON': [() => ({ math: Math, json: JSON }), { math: {}, json: {} }],
  'the deepest nesting': [() => nested(98, 1)]
}

/** The methods that take values, each with the path at which it puts one. */
const WAYS = {
  insertOne: (c, value) => c.insertOne({ _id: 'new', v: value }),
  insertMany: (c, value) => c.insertMany([{ _id: 'new', v: value }]),
  replaceOne: (c, value) => c.replaceOne({ _id: 'new' }, { v: value }, { upsert: true }),
  set: (c, value) => c.set('new', { v: value }),
  setMany: (c, value) => c.setMany([['new', { v: value }]]),
  bulkWrite: (c, value) => c.bulkWrite([{ insertOne: { document: { _id: 'new', v: value } } }]),
  findOneAndReplace: (c, value) => c.findOneAndReplace({ _id: 'new' }, { v: value }, { upsert: true }),
  updateOne: (c, value) => c.updateOne({ _id: 'new' }, { $set: { v: value } }, { upsert: true })
}

const names = (object) => Object.getOwnPropertyNames(object).toSorted().join()
const untouched = names(Object.prototype)

for (const [name, [make, words]] of Object.entries(REFUSED)) {
  test(`refused with its path: ${name}`, async (t) => {
    const things = await collection(t, [{ _id: 'old', v: 1 }])
    for (const [way, write] of Object.entries(WAYS)) {
      for (const [path, value] of [['v', make()], ['v.in.0', { in: [make()] }]]) {
        const kind = way === 'updateOne' ? 'BAD_UPDATE' : 'BAD_DOCUMENT'
        const error = await rejectsWith(t, kind, () => write(things, value), words)
        t.true(error.path.startsWith(way === 'updateOne' ? `$set.${path}` : path), `${way}: ${error.path}`)
      }
    }
    if (!name.includes('RegExp')) {
      await rejectsWith(t, 'BAD_QUERY', () => things.findOne({ v: { $eq: make() } }), words)
      await rejectsWith(t, 'BAD_QUERY', () => things.aggregate([{ $match: { v: make() } }]).toArray(), words)
    }
    t.deepEqual(await things.find().toArray(), [{ _id: 'old', v: 1 }])
    t.is(names(Object.prototype), untouched)
  })
}

for (const [name, [make, back = make()]] of Object.entries(STORED)) {
  test(`stored and read back: ${name}`, async (t) => {
    const things = await collection(t)
    for (const [way, write] of Object.entries(WAYS)) {
      await write(things, make())
      const found = await things.get('new')
      t.deepEqual(found, { _id: 'new', v: back }, way)
      t.deepEqual(things.getSync('new'), found)
      t.deepEqual(await things.find().toArray(), [found])
      await things.delete('new')
    }
    t.is({}.polluted, undefined)
    t.is(names(Object.prototype), untouched)
  })
}

test('names of prototypes are names everywhere', async (t) => {
  for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'prototype', '__lookupGetter__']) {
    const things = await collection(t)
    const document = JSON.parse(`{"_id":1,"${name}":{"${name}":[{"${name}":5}]}}`)
    await things.insertOne(document)
    t.deepEqual(await things.get(1), document)
    t.is(Object.getPrototypeOf(await things.get(1)), Object.prototype)
    const path = `${name}.${name}.0.${name}`
    t.is(await things.countDocuments({ [path]: 5 }), 1)
    t.deepEqual(await things.distinct(path), [5])
    await things.updateOne({ [path]: 5 }, JSON.parse(`{"$set":{"${path}":6,"added.${name}":7}}`))
    t.deepEqual((await things.findOne({}, { projection: JSON.parse(`{"_id":0,"added":1}`) })).added, JSON.parse(`{"${name}":7}`))
    t.deepEqual(await things.aggregate([JSON.parse(`{"$project":{"_id":0,"${name}":"$added"}}`)]).toArray(), [JSON.parse(`{"${name}":{"${name}":7}}`)])
    t.deepEqual(await things.aggregate([{ $group: { _id: `$added.${name}` } }]).toArray(), [{ _id: 7 }])
    t.deepEqual((await things.find().sort({ [path]: 1 }).toArray()).length, 1)
  }
  t.is(names(Object.prototype), untouched)
})

// The table of api.md, "Values", row by row.
import vm from 'node:vm'
import test from 'ava'
import * as bson from 'bson'
import { encodeDocument, encodeValue, MoltenError, ObjectId, PortShapes, Writer } from '../dist/internal.js'
import { definitions, stored } from './codec-support.mjs'

const bytesOf = (writer) => Buffer.from(writer.bytes.subarray(0, writer.length))

/** A document in its stored form. */
function store(document, ignoreUndefined = true) {
  const shapes = new PortShapes()
  const out = new Writer(8)
  encodeDocument(out, shapes, document, { ignoreUndefined })
  const defined = new Writer()
  shapes.writeDefinitions(defined)
  return stored(bytesOf(out), definitions(bytesOf(defined))[1])
}

function use(value, role) {
  const out = new Writer(8)
  encodeValue(out, value, role)
  return stored(bytesOf(out))
}

const KINDS = { document: 'BAD_DOCUMENT', filter: 'BAD_QUERY', update: 'BAD_UPDATE' }

/** Refused as the value of a field, in each role, with the path. */
function refused(t, value, message, roles = ['document', 'filter', 'update']) {
  for (const role of roles) {
    const error = t.throws(() => (role === 'document' ? store({ a: { b: [0, value] } }) : use({ a: { b: [0, value] } }, role)))
    t.true(MoltenError.isMoltenError(error), String(error))
    t.is(error.kind, KINDS[role])
    t.is(error.code, KINDS[role])
    t.is(error.path, 'a.b.1')
    t.true(error.message.startsWith(`${role} field 'a.b.1' is `), error.message)
    t.regex(error.message, message)
  }
}

const realm = vm.createContext({})
const foreign = (code) => vm.runInContext(code, realm)

const accepted = {
  null: [null],
  booleans: [true, false],
  numbers: [0, 1, -1, 1.5, NaN, Infinity, -Infinity, -0, 2 ** 31, Number.MAX_SAFE_INTEGER, 5e-324],
  'a BigInt within int64': [0n, 1n, -(2n ** 63n), 2n ** 63n - 1n],
  strings: ['', 'a', '\u0000', 'gr\u00fc\u00df', '\u{1f600}', '\ud83d\ude00', '\ufeffx', 'x'.repeat(100000)],
  'a valid Date': [new Date(0), new Date(-1), new Date(8.64e15), new Date(-8.64e15), new Date(2 ** 32), new Date(-(2 ** 32) - 1)],
  arrays: [[], [1, [2, [3]]], Array(65536).fill(1)]
}
for (const [name, list] of Object.entries(accepted)) {
  test(`${name}: stored exactly`, (t) => {
    for (const value of list) {
      t.deepEqual(store({ a: value }).a, value)
      t.deepEqual(use(value, 'filter'), value)
      t.deepEqual(use(value, 'update'), value)
    }
  })
}

test('a NaN of any payload is the one NaN', (t) => {
  const odd = new Float64Array(new BigUint64Array([0xfff8000000000123n]).buffer)[0]
  t.is(store({ a: odd }).a, NaN)
})

test('Uint8Array and Buffer: their bytes', (t) => {
  const bytes = [0, 1, 255]
  class Mine extends Uint8Array {
    get length() {
      return 1e9
    }
  }
  for (const value of [Buffer.from(bytes), new Uint8Array(bytes), new Uint8Array([9, ...bytes, 9]).subarray(1, 4), new Mine(bytes), foreign('new Uint8Array([0, 1, 255])')]) {
    t.deepEqual(store({ a: value }).a, Buffer.from(bytes))
  }
  t.deepEqual(store({ a: Buffer.alloc(70000, 7) }).a, Buffer.alloc(70000, 7))
})

test('ObjectIds of any class and copy of bson: their 12 bytes', (t) => {
  const hex = '0123456789abcdef01234567'
  class Old {
    _bsontype = 'ObjectID'
    constructor(id) {
      this.id = id
    }
    equals() {}
  }
  class HexOnly {
    get _bsontype() {
      return 'ObjectId'
    }
    toHexString() {
      return hex
    }
  }
  const ids = [new bson.ObjectId(hex), new ObjectId(hex), new Old(Buffer.from(hex, 'hex').toString('latin1')), new Old(Buffer.from(hex, 'hex')), new HexOnly()]
  ids.push(foreign(`class ObjectId { get _bsontype() { return 'ObjectId' } get id() { return new Uint8Array([1, 35, 69, 103, 137, 171, 205, 239, 1, 35, 69, 103]) } }; new ObjectId()`))
  for (const id of ids) t.deepEqual(store({ a: id }).a, { oid: hex })
  refused(t, new Old('short'), /without 12 bytes/)
})

test('plain, null-prototype, class and proxied objects: own enumerable string keys', (t) => {
  class Point {
    #hidden = 1
    constructor() {
      this.x = 1
      this[Symbol('s')] = 2
      Object.defineProperty(this, 'quiet', { value: 3, enumerable: false })
    }
    get computed() {
      return this.#hidden
    }
    method() {}
    toJSON() {
      throw new Error('called')
    }
    toBSON() {
      throw new Error('called')
    }
  }
  const x = Object.assign(Object.create(null), { x: 1 })
  const inherited = Object.assign(Object.create({ up: 1 }), { x: 1 })
  for (const value of [{ x: 1 }, x, new Point(), inherited, new Proxy({ x: 1 }, {}), foreign('({ x: 1 })'), foreign('new (class { x = 1 })()')]) {
    t.deepEqual(store({ a: value }).a, x)
    t.deepEqual(store(value), x)
    t.deepEqual(use(value, 'filter'), x)
  }
})

test('an own _bsontype of a plain object is a field: it may be anybody\'s JSON', (t) => {
  for (const value of [{ _bsontype: 'ObjectId', id: 'x' }, JSON.parse('{"_bsontype":"Long"}'), foreign('({ _bsontype: "Map" })')]) {
    t.deepEqual({ ...store({ a: value }).a }, { ...value })
  }
})

test('array holes and undefined in arrays become null', (t) => {
  t.deepEqual(store({ a: Object.assign([1], { 2: undefined, 3: 2 }) }).a, [1, null, null, 2])
  t.deepEqual(store({ a: Object.assign([], { length: 3 }) }, false).a, [null, null, null])
})

test('undefined fields of documents are left out, or null with ignoreUndefined: false', (t) => {
  t.deepEqual(Object.keys(store({ a: undefined, b: { c: undefined } })), ['b'])
  t.deepEqual({ ...store({ a: undefined, b: 1 }, false) }, { a: null, b: 1 })
})

test('undefined in a filter is BAD_QUERY, at any depth', (t) => {
  for (const [value, path] of [
    [{ a: undefined }, 'a'],
    [{ a: { $in: [1, undefined] } }, 'a.$in.1'],
        [{ $or: [{ 'b.c': { $eq: { d: undefined } } }] }, '$or.0.b.c.$eq.d'],
    [undefined, '']
  ]) {
    const error = t.throws(() => use(value, 'filter'))
    t.is(error.kind, 'BAD_QUERY')
    t.is(error.path, path)
    t.regex(error.message, /is undefined; leave it out, or use null/)
  }
})

const rows = [
  ['a function', () => () => 0, /is a function/],
  ['a class', () => class Mine extends Map {}, /is a function/],
  ['a symbol', () => Symbol('x'), /is a symbol/],
  ['a Map', () => new Map(), /is a Map/],
  ['a Set', () => new Set(), /is a Set/],
  ['a class that extends Map', () => new (class extends Map {})(), /is a Map/],
  ['a RegExp', () => /x/, /is a RegExp/, ['document', 'update']],
  ['a Float64Array', () => new Float64Array(2), /is a Float64Array/],
  ['an Int8Array', () => new Int8Array(2), /is an Int8Array/],
  ['a Uint8ClampedArray', () => new Uint8ClampedArray(2), /is a Uint8ClampedArray/],
  ['a BigInt64Array', () => new BigInt64Array(2), /is a BigInt64Array/],
  ['a DataView', () => new DataView(new ArrayBuffer(1)), /is a DataView/],
  ['an ArrayBuffer', () => new ArrayBuffer(1), /is an ArrayBuffer/],
  ['a SharedArrayBuffer', () => new SharedArrayBuffer(1), /is an ArrayBuffer/],
  ['a boxed number', () => new Number(1), /is a boxed primitive/],
  ['a boxed string', () => new String('x'), /is a boxed primitive/],
  ['a boxed boolean', () => new Boolean(false), /is a boxed primitive/],
  ['a boxed BigInt', () => Object(1n), /is a boxed primitive/],
  ['a boxed symbol', () => Object(Symbol('x')), /is a boxed primitive/],
  ['a Promise', () => Promise.resolve(1), /is a Promise; await it first/],
  ['an Error', () => new TypeError('x'), /is an Error/],
  ['a DOMException', () => new DOMException('x'), /is an Error/],
  ['a WeakMap', () => new WeakMap(), /is a WeakMap/],
  ['a WeakSet', () => new WeakSet(), /is a WeakSet/],
  ['a WeakRef', () => new WeakRef({}), /is a WeakRef/],
  ['a generator', () => (function* () {})(), /is a generator/],
  ['an iterator', () => new Map().values(), /is an iterator/],
  ['an invalid Date', () => new Date(NaN), /is an invalid Date/],
  ['a lone surrogate', () => 'a\ud800', /lone surrogate/],
  ['a lone surrogate in a long string', () => 'a'.repeat(5000) + '\udc00', /lone surrogate/],
  ['a BigInt above int64', () => 2n ** 63n, /beyond int64/],
  ['a BigInt below int64', () => -(2n ** 63n) - 1n, /beyond int64/],
  ['a bson Long', () => bson.Long.fromNumber(1), /bson Long; store a BigInt/],
  ['a bson Int32', () => new bson.Int32(1), /bson Int32; store a number/],
  ['a bson Double', () => new bson.Double(1), /bson Double; store a number/],
  ['a bson Decimal128', () => bson.Decimal128.fromString('1'), /bson Decimal128; store a string/],
  ['a bson Binary', () => new bson.Binary(Buffer.alloc(1)), /bson Binary; store a Buffer/],
  ['a bson UUID', () => new bson.UUID(), /bson Binary; store a Buffer/],
  ['a bson Timestamp', () => new bson.Timestamp(1n), /bson Timestamp/],
  ['a bson MinKey', () => new bson.MinKey(), /bson MinKey/],
  ['a bson BSONRegExp', () => new bson.BSONRegExp('x'), /bson BSONRegExp/],
  ['a bson Code', () => new bson.Code('x'), /bson Code/],
  ['a bson DBRef', () => new bson.DBRef('a', new bson.ObjectId()), /bson DBRef/]
]
for (const [name, make, message, roles] of rows) test(`${name}: refused`, (t) => refused(t, make(), message, roles))

const wrapped = (options) => ({ a: { b: [0, { $regularExpression: { pattern: 'x', options } }] } })

test('a RegExp in a filter is a condition, of any realm', (t) => {
  t.deepEqual(use({ a: { b: [0, /x/gi] } }, 'filter'), wrapped('gi'))
  t.deepEqual(use({ a: { b: [0, foreign('/x/')] } }, 'filter'), wrapped(''))
  t.deepEqual(use({ $pull: { b: /x/m } }, 'update'), { $pull: { b: { $regularExpression: { pattern: 'x', options: 'm' } } } })
})

test('values of another realm are what they are there', (t) => {
  t.deepEqual(store({ a: foreign('new Date(5)') }).a, new Date(5))
  t.deepEqual(store({ a: foreign('[1, [2], , undefined]') }).a, [1, [2], null, null])
  t.deepEqual(store({ a: foreign('({ b: [null, "x", 1n] })') }).a.b, [null, 'x', 1n])
  refused(t, foreign('new Map()'), /is a Map/)
  refused(t, foreign('new Set()'), /is a Set/)
  refused(t, foreign('/x/'), /is a RegExp/, ['document', 'update'])
  refused(t, foreign('new Error("x")'), /is an Error/)
  refused(t, foreign('Promise.resolve()'), /is a Promise/)
  refused(t, foreign('new Float64Array(1)'), /is a Float64Array/)
  refused(t, foreign('new ArrayBuffer(1)'), /is an ArrayBuffer/)
  refused(t, foreign('new Date(NaN)'), /is an invalid Date/)
  refused(t, foreign('(() => 0)'), /is a function/)
  refused(t, foreign('new Number(1)'), /is a boxed primitive/)
})

function nest(levels, inner = {}) {
  let value = inner
  for (let n = 1; n < levels; n++) value = n % 2 ? { n: value } : [value]
  return value
}

test('100 levels are stored, 101 and cycles are refused', (t) => {
  t.notThrows(() => store({ a: nest(99) }))
  const deep = t.throws(() => store({ a: nest(100) }))
  t.is(deep.kind, 'BAD_DOCUMENT')
  t.regex(deep.message, /nested deeper than 100 levels, or part of a cycle/)
  const cycle = { a: {} }
  cycle.a.b = [cycle]
  for (const role of ['document', 'filter', 'update']) {
    const error = t.throws(() => (role === 'document' ? store(cycle) : use(cycle, role)))
    t.is(error.kind, KINDS[role])
    t.true(error.path.startsWith('a.b.0.a.b.0'))
    t.regex(error.message, /cycle/)
  }
})

test('a lone surrogate in a name is refused', (t) => {
  for (const role of ['document', 'filter', 'update']) {
    const value = { a: { 'x\udc00': 1 } }
    const error = t.throws(() => (role === 'document' ? store(value) : use(value, role)))
    t.is(error.kind, KINDS[role])
    t.is(error.path, 'a.x\udc00')
    t.regex(error.message, /lone surrogate/)
  }
})

test('__proto__, constructor and integer-like names are ordinary', (t) => {
  const odd = JSON.parse('{"__proto__":{"polluted":1},"constructor":2,"toString":3,"7":4,"":5,"a.b":6,"$x":7}')
  for (const value of [store(odd), use(odd, 'filter')]) {
    t.deepEqual(Object.keys(value), Object.keys(odd))
    t.is(Object.getOwnPropertyDescriptor(value, '__proto__').value.polluted, 1)
    t.is(value.constructor, 2)
  }
  t.is({}.polluted, undefined)
})

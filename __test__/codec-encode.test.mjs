import test from 'ava'
import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { encodeDocument, encodeId, encodeValue, MoltenError, PortShapes, Writer } from '../dist/internal.js'
import { definitions, stored } from './codec-support.mjs'

const bytesOf = (writer) => Buffer.from(writer.bytes.subarray(0, writer.length))

function encoded(value, role = 'filter', options = undefined) {
  const out = new Writer(8)
  encodeValue(out, value, role, options)
  return bytesOf(out)
}

/** An `_id`, encoded and read back. */
function idRoundTrip(value) {
  const out = new Writer(8)
  encodeId(out, value)
  return stored(bytesOf(out))
}

/** A port's shapes, and documents encoded with them and read back. */
class Port {
  shapes = new PortShapes()
  known = []
  encode(document, { ignoreUndefined = true, id = undefined } = {}) {
    const out = new Writer(8)
    encodeDocument(out, this.shapes, document, { ignoreUndefined }, id)
    return bytesOf(out)
  }
  define() {
    const out = new Writer()
    this.shapes.writeDefinitions(out)
    this.shapes.sent = this.shapes.written
    const [first, keys] = definitions(bytesOf(out))
    if (first !== this.known.length) throw new Error(`definitions start at ${first}, not ${this.known.length}`)
    this.known.push(...keys)
    return keys
  }
  roundTrip(document, options) {
    const bytes = this.encode(document, options)
    this.define()
    return stored(bytes, this.known)
  }
}

/** Like the objects of the naive reader: null prototypes at every level. */
function bare(value) {
  if (Array.isArray(value)) return value.map(bare)
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value) || value instanceof Date) return value
  return Object.assign(Object.create(null), Object.fromEntries(Object.entries(value).map(([k, v]) => [k, bare(v)])))
}

/** An object of three shapes of its own. */
const nested = (n) => ({ ['k' + n]: { ['n' + n]: { ['m' + n]: n } } })

const scalar = fc.oneof(
  fc.constantFrom(null, true, false, -0, NaN, Infinity, -Infinity, 127, 128, 255, 256, 65535, 65536, 2147483647, 2147483648, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649),
  fc.integer(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.string({ unit: 'binary', maxLength: 80 }).filter((s) => s.isWellFormed()),
  fc.string({ maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.date({ noInvalidDate: true })
)
const key = fc.string({ maxLength: 12 }).filter((name) => name !== '__proto__' && name !== '_id')
const values = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 5 }, scalar, fc.array(tie('value'), { maxLength: 20 }), fc.dictionary(key, tie('value'), { maxKeys: 20 }))
}))
const documents = fc.dictionary(key, values.value, { maxKeys: 24 })

test('documents are read back as they were, each value in its one encoding', (t) => {
  const port = new Port()
  t.notThrows(() =>
    fc.assert(
      fc.property(documents, fc.string({ maxLength: 40 }), (document, id) => {
        t.deepEqual(port.roundTrip(document, { id }), bare({ _id: id, ...document }))
      }),
      { numRuns: 400 }
    )
  )
})

test('values of filters are maps that are read back as they were', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(values.value, (value) => {
        t.deepEqual(stored(encoded(value)), bare(value))
        t.deepEqual(encoded(value, 'update'), encoded(value))
        t.deepEqual(encoded(value, 'document'), encoded(value))
      }),
      { numRuns: 400 }
    )
  )
})

test('msgpackr reads the plain form where its types are ours', (t) => {
  const packr = new Packr({ useRecords: false, int64AsType: 'bigint' })
  const plain = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, false),
      fc.integer(),
      fc.double(),
      fc.string({ maxLength: 100 }),
      fc.array(tie('value')),
      fc.dictionary(key, tie('value'))
    )
  })).value
  t.notThrows(() =>
    fc.assert(
      fc.property(plain, (value) => {
        t.deepEqual(bare(packr.unpack(encoded(value))), bare(value))
      }),
      { numRuns: 300 }
    )
  )
})

test('strings of every length about a boundary take the smallest head', (t) => {
  for (const letter of ['a', '\u00e9', '\u20ac', '\u{1f600}']) {
    for (const length of [0, 1, 10, 11, 15, 16, 31, 32, 40, 41, 63, 64, 85, 86, 127, 128, 255, 256, 4097, 21845, 21846, 65535, 65536]) {
      const string = letter.repeat(length)
      t.is(stored(encoded(string)), string, `${letter} x ${length}`)
      t.is(stored(encoded('a' + string)), 'a' + string)
    }
  }
})

test('the _id comes first, and the one given replaces the own', (t) => {
  const port = new Port()
  t.deepEqual(Object.keys(port.roundTrip({ a: 1, _id: 2, b: 3 })), ['_id', 'a', 'b'])
  t.is(port.roundTrip({ a: 1, _id: 2 })._id, 2)
  t.deepEqual(port.roundTrip({ a: 1, _id: null }, { id: 'made' }), bare({ _id: 'made', a: 1 }))
  t.deepEqual(port.roundTrip({ a: 1 }), bare({ a: 1 }))
  t.deepEqual(port.roundTrip({ _id: undefined, a: 1 }), bare({ a: 1 }))
  t.deepEqual(port.roundTrip({ a: { b: 1, _id: 2 } }), bare({ a: { b: 1, _id: 2 } }))
  t.deepEqual(port.roundTrip({ _id: { x: 1, y: 2 } }), bare({ _id: { x: 1, y: 2 } }))
})

test('documents with the same keys share a shape, and definitions are sent once', (t) => {
  const port = new Port()
  t.deepEqual([...port.encode({ _id: 1, a: 2 })], [0xc1, 0, 0, 1, 2])
  t.deepEqual([...port.encode({ a: 2, _id: 1 })], [0xc1, 0, 0, 1, 2])
  t.deepEqual([...port.encode({ _id: 1, b: { c: 3 }, a: undefined })], [0xc1, 0, 2, 1, 0xc1, 0, 1, 3])
  t.is(port.shapes.pending, 3)
  t.deepEqual(port.define(), [['_id', 'a'], ['c'], ['_id', 'b']])
  t.is(port.shapes.pending, 0)
  port.encode({})
  t.is(port.shapes.pending, 1)
  t.deepEqual(port.define(), [[]])
})

test('definitions not committed are written again', (t) => {
  const port = new Port()
  port.encode({ a: 1 })
  const out = new Writer()
  port.shapes.writeDefinitions(out)
  t.deepEqual(definitions(bytesOf(out)), [0, [['a']]])
  port.encode({ b: 1 })
  const again = new Writer()
  port.shapes.writeDefinitions(again)
  t.deepEqual(definitions(bytesOf(again)), [0, [['a'], ['b']]])
  port.encode({ c: 1 })
  port.shapes.sent = port.shapes.written
  t.is(port.shapes.pending, 1)
  const last = new Writer()
  port.shapes.writeDefinitions(last)
  t.deepEqual(definitions(bytesOf(last)), [2, [['c']]])
})

test('past 1,024 shapes objects are maps, and known shapes stay records', (t) => {
  const port = new Port()
  for (let n = 0; n < 400; n++) t.deepEqual(port.roundTrip(nested(n)), bare(nested(n)))
  t.is(port.known.length, 1024)
  t.is(port.encode(nested(0))[0], 0xc1)
  t.is(port.encode(nested(399))[0], 0x81)
  t.is(port.encode({ k0: nested(399) })[4 - 1], 0x81)
  let runs = 0
  const once = { get fresh() { runs++; return { other: undefined, x: 1 } } }
  t.deepEqual(port.roundTrip(once, { id: 7 }), bare({ _id: 7, fresh: { x: 1 } }))
  t.is(runs, 1)
  const error = t.throws(() => port.encode({ known: { deeper: [() => 0] } }), { instanceOf: MoltenError })
  t.is(error.path, 'known.deeper.0')
})

test('an object with more keys than a shape may have is a map', (t) => {
  const port = new Port()
  const wide = Object.fromEntries(Array.from({ length: 70000 }, (_, n) => ['k' + n, n]))
  t.deepEqual(port.roundTrip(wide), bare(wide))
  t.is(port.known.length, 0)
})

test('a refusal names the path and leaves the writer as it was', (t) => {
  const shapes = new PortShapes()
  const out = new Writer()
  encodeDocument(out, shapes, { _id: 1 }, { ignoreUndefined: true })
  const before = bytesOf(out)
  const error = t.throws(() => encodeDocument(out, shapes, { _id: 2, a: { b: [1, { c: new Map() }] } }, { ignoreUndefined: true }))
  t.true(MoltenError.isMoltenError(error))
  t.is(error.kind, 'BAD_DOCUMENT')
  t.is(error.path, 'a.b.1.c')
  t.is(error.message, "document field 'a.b.1.c' is a Map; store Object.fromEntries(map), or an array of its entries")
  t.deepEqual(bytesOf(out), before)
  t.is(shapes.open, 0)
  encodeDocument(out, shapes, { _id: 3 }, { ignoreUndefined: true })
  t.deepEqual([...bytesOf(out)], [0xc1, 0, 0, 1, 0xc1, 0, 0, 3])
})

test('a getter runs once, and its error is passed on', (t) => {
  const port = new Port()
  let runs = 0
  t.deepEqual(port.roundTrip({ get a() { return ++runs } }), bare({ a: 1 }))
  t.is(runs, 1)
  const thrown = new Error('mine')
  const error = t.throws(() => port.encode({ a: { get b() { throw thrown } } }))
  t.is(error, thrown)
  t.is(port.shapes.open, 0)
  t.is(t.throws(() => encoded({ get a() { throw thrown } })), thrown)
})

test('a getter may encode with another writer, never with the one in use', (t) => {
  const port = new Port()
  const document = { _id: 1, get inner() { return port.encode({ _id: 'inner', deep: { x: [1] } }).length }, last: { y: 2 } }
  const read = port.roundTrip(document)
  t.is(read._id, 1)
  t.deepEqual(read.last, bare({ y: 2 }))
  const out = new Writer()
  const error = t.throws(() => encodeValue(out, { get a() { encodeValue(out, 1, 'filter'); return 1 } }, 'filter'))
  t.is(error.kind, 'INTERNAL')
  t.is(out.length, 0)
  t.false(out.busy)
})

test('a getter that takes every shape number does not take the one set aside', (t) => {
  const port = new Port()
  const greedy = { get a() { for (let n = 0; n < 2000; n++) port.encode({ ['g' + n]: n }); return 1 }, b: 2 }
  t.deepEqual(port.roundTrip(greedy), bare({ a: 1, b: 2 }))
  t.is(port.known.length, 1024)
})

test('a document of 16 MiB is refused, however it comes about', (t) => {
  const port = new Port()
  const tooLarge = (document) => t.regex(t.throws(() => port.encode(document)).message, /larger than 16777216 bytes/)
  tooLarge({ a: 'x'.repeat(2 ** 24) })
  tooLarge({ a: Buffer.alloc(2 ** 24) })
  tooLarge({ a: '\u20ac'.repeat(2 ** 23) })
  tooLarge({ a: Object.assign([], { length: 2 ** 32 - 1 }) })
  let bomb = { a: 1 }
  for (let n = 0; n < 60; n++) bomb = { l: bomb, r: bomb }
  tooLarge(bomb)
  t.is(stored(encoded({ a: 'x'.repeat(2 ** 24 - 100) })).a.length, 2 ** 24 - 100)
})

test('_ids are any stored value but arrays and undefined, of at most 1 KiB', (t) => {
  t.is(idRoundTrip('a'), 'a')
  t.is(idRoundTrip(1n), 1n)
  t.is(idRoundTrip(null), null)
  t.deepEqual(idRoundTrip({ a: 1, b: 'x' }), bare({ a: 1, b: 'x' }))
  t.is(idRoundTrip('x'.repeat(1021)).length, 1021)
  for (const bad of [[], [1], undefined, 'x'.repeat(1022), Buffer.alloc(1022), () => 0, /x/, new Map()]) {
    const error = t.throws(() => idRoundTrip(bad))
    t.is(error.kind, 'BAD_DOCUMENT')
    t.is(error.path, '_id')
    if (bad === undefined) continue
    const inDocument = t.throws(() => new Port().encode({ a: 1, _id: bad }))
    t.is(inDocument.kind, 'BAD_DOCUMENT')
    t.is(inDocument.path, '_id')
  }
  t.is(t.throws(() => idRoundTrip({ a: { b: Symbol('s') } })).path, '_id.a.b')
})

test('what is not an object with fields is no document', (t) => {
  for (const bad of [null, 1, 'x', [], new Date(0), new Map(), Buffer.alloc(1)]) {
    const error = t.throws(() => new Port().encode(bad))
    t.is(error.kind, 'BAD_DOCUMENT')
    t.is(error.path, '')
  }
})

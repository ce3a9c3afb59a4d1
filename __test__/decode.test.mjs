import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import v8 from 'node:v8'
import vm from 'node:vm'
import test from 'ava'
import fc from 'fast-check'
import * as bson from 'bson'
import { compileSteps, MoltenError, ObjectId, Reader, ShapeCache } from '../dist/internal.js'
import { record, section } from './codec-support.mjs'

const read = (value, options) => new Reader(new ShapeCache()).section(section(value, options), 0)

function corrupt(t, bytes, message = /damaged|defines shape/, cache = new ShapeCache()) {
  const error = t.throws(() => new Reader(cache).section(bytes, 0))
  t.true(MoltenError.isMoltenError(error), String(error?.stack))
  t.is(error.kind, 'CORRUPT')
  t.regex(error.message, message)
}

/** A value as JavaScript should see it, as a tree for `section`, and the shapes of the tree. */
function shaped(value, shapes) {
  if (Array.isArray(value)) return value.map((item) => shaped(item, shapes))
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value) || value instanceof Date) return value
  const keys = Object.keys(value)
  let id = shapes.findIndex((known) => JSON.stringify(known) === JSON.stringify(keys))
  if (id < 0) id = shapes.push(keys) - 1
  return record(id, ...keys.map((key) => shaped(value[key], shapes)))
}

const scalar = fc.oneof(
  fc.constantFrom(null, true, false, -0, NaN, Infinity, 127, 128, 255, 256, 65535, 65536, 2147483647, 2147483648, -32, -33, -128, -129, -32768, -32769, -2147483648),
  fc.integer(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.string({ maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: fc.constantFrom('\u00e9', 'a', '\u00ff'), maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.date({ noInvalidDate: true })
)
const key = fc.string({ maxLength: 8 }).filter((name) => name !== '__proto__')
const values = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 5 }, scalar, fc.array(tie('value'), { maxLength: 20 }), fc.dictionary(key, tie('value'), { maxKeys: 20, noNullPrototype: true }))
})).value

// These run first: the number of compiled readers is limited.

test('a reader is compiled for a shape that is used often', (t) => {
  const cache = new ShapeCache()
  const reader = new Reader(cache)
  const bytes = section(Array(100).fill(record(0, 1, 'x')), { collection: 1, shapes: [['a', 'b']] })
  const readers = new Set()
  for (let n = 0; n < 20; n++) {
    t.deepEqual(reader.section(bytes, 0)[99], { a: 1, b: 'x' })
    readers.add(cache.of(1)[0].read)
  }
  t.is(readers.size, 2)
})

test('a plain value that is damaged is an error or a value, with readers compiled and not', (t) => {
  const shapes = [['_id', 'name', 'score', 'on', 'inner'], ['x', 'y']]
  const tree = record(0, 'u1', 'a name of some length', 1.5, true, record(1, 7, ['t', 'u']))
  for (const uses of [1, 20, 2000]) {
    const cache = new ShapeCache()
    const reader = new Reader(cache)
    for (let n = 0; n < uses; n++) reader.section(section(tree, { collection: 1, first: n && 2, shapes: n ? [] : shapes }), 0)
    const whole = section(tree, { collection: 1, first: 2 })
    const plain = (bytes) => reader.plain(bytes, bytes.toString('latin1', 16), cache.of(1))
    t.deepEqual(plain(whole), { _id: 'u1', name: 'a name of some length', score: 1.5, on: true, inner: { x: 7, y: ['t', 'u'] } })
    for (let length = 16; length < whole.length; length++) {
      t.is(t.throws(() => plain(whole.subarray(0, length))).kind, 'CORRUPT')
      // Bytes after the end in a longer buffer are not part of the value.
      t.is(t.throws(() => reader.plain(whole, whole.toString('latin1', 16, length), cache.of(1))).kind, 'CORRUPT')
    }
    for (let at = 16; at < whole.length; at++) {
      for (const flip of [0x01, 0x20, 0x80, 0xff]) {
        const bytes = Buffer.from(whole)
        bytes[at] ^= flip
        try {
          plain(bytes)
        } catch (error) {
          t.is(error.kind, 'CORRUPT', error.stack)
        }
      }
    }
    t.notThrows(() => plain(whole), 'a reader is whole after an error')
  }
})

/** Values with the same keys, of any kinds. */
const rows = fc.uniqueArray(key, { minLength: 1, maxLength: 12 }).chain((keys) =>
  fc.tuple(...[0, 1].map(() => fc.tuple(...keys.map(() => values)).map((row) => Object.fromEntries(keys.map((name, i) => [name, row[i]])))))
)

test('a compiled reader reads values of other kinds than those it was compiled for', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(rows, ([usual, other]) => {
        const cache = new ShapeCache()
        const shapes = []
        const [first, second] = [shaped(usual, shapes), shaped(other, shapes)]
        const reader = new Reader(cache)
        const one = section(first, { collection: 1, shapes })
        t.deepEqual(reader.section(one, 0), usual)
        for (const shape of cache.of(1)) {
          const example = Object.keys(usual).every((name, i) => name === shape.keys[i]) ? usual : {}
          shape.read = compileSteps(shape.keys, example) ?? shape.read
        }
        t.deepEqual(reader.section(one, 0), usual)
        const bytes = section([second, first, second], { collection: 1, first: shapes.length })
        t.deepEqual(reader.section(bytes, 0), [other, usual, other])
      }),
      { numRuns: 100 }
    )
  )
})

test('values are read back as they were written, as maps', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(values, fc.constantFrom(4096, 64, 16), (value, blockLimit) => {
        t.deepEqual(read(value, { blockLimit }), value)
      }),
      { numRuns: 400 }
    )
  )
})

test('values are read back as they were written, as records, before and after readers are compiled', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(values, (value) => {
        const shapes = []
        const tree = shaped(value, shapes)
        const reader = new Reader(new ShapeCache())
        t.deepEqual(reader.section(section(tree, { collection: 5, shapes }), 0), value)
        for (let n = 0; n < 9; n++) t.deepEqual(reader.section(section(tree, { collection: 5, first: shapes.length }), 0), value)
      }),
      { numRuns: 200 }
    )
  )
})

test('a plain value is read from its characters as from its section', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 12 }), (value, times) => {
        const shapes = []
        const tree = shaped(value, shapes)
        const cache = new ShapeCache()
        const reader = new Reader(cache)
        reader.section(section(null, { collection: 1, shapes }), 0)
        const bytes = section(tree, { collection: 1, first: shapes.length })
        if (bytes.readUInt32LE(12) > 0) return
        for (let n = 0; n < times; n++) {
          t.deepEqual(reader.plain(bytes, bytes.toString('latin1', 16), cache.of(1)), value)
          t.deepEqual(reader.section(bytes, 0), value)
        }
      }),
      { numRuns: 150 }
    )
  )
})

test('strings are read wherever they stand between other bytes', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ maxLength: 50 }), fc.nat({ max: 9000 })), { maxLength: 30 }), (parts) => {
        const value = parts.map((part) => (typeof part === 'string' ? part : part % 2 ? Buffer.alloc(part, part) : 'x'.repeat(part)))
        t.deepEqual(read(value), value)
      }),
      { numRuns: 200 }
    )
  )
})

test('a kept string keeps no more than a piece of its section', (t) => {
  const count = 40_000
  const bytes = section(Array.from({ length: count }, (_, n) => `a string of some length, ${n}`))
  const reader = new Reader(new ShapeCache())
  const before = process.memoryUsage().heapUsed
  const kept = Array.from({ length: 100 }, (_, n) => reader.section(bytes, 0)[(n * 997) % count])
  v8.setFlagsFromString('--expose-gc')
  vm.runInNewContext('gc')()
  const grown = process.memoryUsage().heapUsed - before
  t.true(kept.length === 100 && grown < 100 * 4096 + (8 << 20), `${grown} bytes for 100 strings of sections of ${bytes.length}`)
})

test('sections follow one another in a buffer', (t) => {
  const sections = [section('one'), section([1, 2]), section({ a: '\u20ac' })]
  const bytes = Buffer.concat([Buffer.alloc(3), ...sections, Buffer.alloc(5, 0xff)])
  const reader = new Reader(new ShapeCache())
  let at = 3
  for (const value of ['one', [1, 2], { a: '\u20ac' }]) {
    t.deepEqual(reader.section(bytes, at), value)
    at = reader.end
  }
  t.is(at, bytes.length - 5)
})

test('nothing read refers to the buffer', (t) => {
  const bytes = section([Buffer.from('abc'), 'text', '\u20ac', new ObjectId('0123456789abcdef01234567'), new Date(7)])
  for (const objectId of [ObjectId, bson.ObjectId]) {
    const copy = Buffer.from(bytes)
    const value = new Reader(new ShapeCache(), { objectId }).section(copy, 0)
    copy.fill(0xff)
    t.is(value[0].toString(), 'abc')
    t.deepEqual(value.slice(1, 3), ['text', '\u20ac'])
    t.is(value[3].toHexString(), '0123456789abcdef01234567')
    t.is(value[4].getTime(), 7)
  }
})

test('ObjectIds are of the class given, else of ours', (t) => {
  const id = new ObjectId('0123456789abcdef01234567')
  t.true(read(id) instanceof ObjectId)
  const given = new Reader(new ShapeCache(), { objectId: bson.ObjectId }).section(section(id), 0)
  t.true(given instanceof bson.ObjectId)
  t.true(given.equals(new bson.ObjectId(id.toHexString())))
})

test('shapes are learned once and kept by collection', (t) => {
  const cache = new ShapeCache()
  const reader = new Reader(cache)
  t.is(cache.known(1), 0)
  t.deepEqual(reader.section(section(record(0, 1), { collection: 1, shapes: [['a']] }), 0), { a: 1 })
  t.is(cache.known(1), 1)
  t.is(cache.known(2), 0)
  t.deepEqual(reader.section(section(record(1, 1), { collection: 1, first: 0, shapes: [['a'], ['b']] }), 0), { b: 1 })
  t.deepEqual(reader.section(section(record(0, 1), { collection: 2, shapes: [['c']] }), 0), { c: 1 })
  t.deepEqual(reader.section(section(record(0, 1), { collection: 1, first: 2 }), 0), { a: 1 })
  t.is(cache.known(1), 2)
  t.deepEqual(new Reader(cache).section(section(record(1, 2), { collection: 1, first: 2 }), 0), { b: 2 })
})

test('shapes of many collections are released, those that something refers to are not', (t) => {
  const cache = new ShapeCache()
  for (let number = 0; number < 3000; number++) cache.learn(number, 0, ['a'])
  t.is(cache.latest.size, 1024)
  const held = cache.of(0)
  for (let number = 3000; number < 6000; number++) cache.learn(number, 0, ['a'])
  t.is(cache.latest.size, 1024)
  t.is(cache.of(0), held)
  cache.learn(0, held.length, ['b'])
  t.is(held.at(-1).keys.join(), 'b')
})

test('a shape that is missing is an error, never a guess', (t) => {
  corrupt(t, section(record(0, 1), { collection: 1 }), /shape 0 is not known/)
  corrupt(t, section(record(0, 1)), /shape 0 is not known/)
  corrupt(t, section(record(0, 1), { collection: 1, first: 3, shapes: [['a']] }), /defines shape 3 of collection 1, but shape 0 is not known/)
})

test('odd names are fields like any other, before and after readers are compiled', (t) => {
  const keys = ['__proto__', 'constructor', '7', '', 'a"b\\', '\u2028', '\u20ac', 'a b', 'toString']
  for (const shape of [keys, keys.slice(1)]) {
    const cache = new ShapeCache()
    for (let n = 0; n < 20; n++) {
      const bytes = section(record(0, ...shape.map((_, i) => [i])), { collection: 1, first: n === 0 ? 0 : 1, shapes: n === 0 ? [shape] : [] })
      const value = new Reader(cache).section(bytes, 0)
      t.is(Object.getPrototypeOf(value), Object.prototype)
      t.deepEqual(Object.keys(value).toSorted(), shape.toSorted())
      shape.forEach((name, i) => t.deepEqual(Object.getOwnPropertyDescriptor(value, name).value, [i]))
    }
  }
  const map = read(JSON.parse('{"__proto__":{"polluted":1},"7":1}'))
  t.deepEqual(Object.keys(map), ['7', '__proto__'])
  t.is(Object.getPrototypeOf(map), Object.prototype)
  t.is({}.polluted, undefined)
})

test('large objects, arrays and strings are read', (t) => {
  const wide = Object.fromEntries(Array.from({ length: 70000 }, (_, n) => ['k' + n, 'v' + n]))
  t.deepEqual(read(wide), wide)
  t.deepEqual(read(Object.keys(wide)), Object.keys(wide))
  const keys = Object.keys(wide).slice(0, 1000)
  t.deepEqual(Object.keys(read(record(0, ...keys), { collection: 1, shapes: [keys] })), keys)
  for (const text of ['x'.repeat(70000), '\u00e9'.repeat(70000), '\u20ac'.repeat(70000)]) t.deepEqual(read(['a', text, 'b', '\u20ac']), ['a', text, 'b', '\u20ac'])
})

test('strings spread over many blocks are read in order', (t) => {
  const strings = Array.from({ length: 1000 }, (_, n) => (n % 3 ? `string number ${n}` : `\u20ac ${n}`))
  for (const blockLimit of [4096, 100, 16]) t.deepEqual(read(strings, { blockLimit }), strings)
})

test('an unknown token or wrong extension is damage', (t) => {
  for (const bytes of [[0xc8], [0xc9], [0xca], [0xcf], [0xd8], [0xc7, 12, 3, ...Array(12)], [0xc7, 11, 2, ...Array(12)], [0xd7, 2, ...Array(8)]]) {
    corrupt(t, section({ t: 'raw', bytes }), /token 0x.. is not known/)
  }
})

test('a value that does not fill its section is damage', (t) => {
  corrupt(t, section({ t: 'raw', bytes: [1, 2] }), /does not end where the section does/)
  corrupt(t, section({ t: 'raw', bytes: [0x92, 1] }))
  corrupt(t, section({ t: 'raw', bytes: [0xdd, 0xff, 0xff, 0xff, 0xff] }), /ends early/)
  corrupt(t, section({ t: 'raw', bytes: [0xc6, 0xff, 0xff, 0xff, 0xff] }), /ends early/)
  corrupt(t, section({ t: 'raw', bytes: [0xa1] }), /ends early/)
  corrupt(t, section({ t: 'raw', bytes: [0x81, 1, 1] }), /a name is not a string/)
  corrupt(t, section({ t: 'raw', bytes: Array(5000).fill(0x91) }), /nested too deep/)
})

test('truncated and flipped sections are errors or values, never a crash or a prototype', (t) => {
  const shapes = [['_id', 'name', 'inner'], ['x', '\u20ac']]
  const tree = [1, -5, 1.5, 2n, 'abc', '\u20ac', new Date(1), Buffer.from('xyz'), record(0, 'id', 'n', record(1, 300, { a: [null] })), new ObjectId('0123456789abcdef01234567')]
  const whole = section(tree, { collection: 1, shapes })
  t.notThrows(() => read(tree, { collection: 1, shapes }))
  for (let length = 0; length < whole.length; length++) corrupt(t, whole.subarray(0, length))
  for (let at = 0; at < whole.length; at++) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const bytes = Buffer.from(whole)
      bytes[at] ^= flip
      try {
        new Reader(new ShapeCache()).section(bytes, 0)
      } catch (error) {
        t.is(error.kind, 'CORRUPT', error.stack)
      }
    }
  }
  const reader = new Reader(new ShapeCache())
  t.throws(() => reader.section(whole.subarray(0, 90), 0))
  t.notThrows(() => reader.section(whole, 0), 'a reader is whole after an error')
})

test('without code generation the loop reads the same', (t) => {
  const script = `
    const { Reader, ShapeCache } = await import(process.argv[1])
    const { record, section } = await import(process.argv[2])
    const cache = new ShapeCache()
    for (let n = 0; n < 20; n++) {
      const value = new Reader(cache).section(section(record(0, n, 'x'), { collection: 1, first: Math.min(n, 1), shapes: n ? [] : [['a', 'b']] }), 0)
      if (JSON.stringify(value) !== JSON.stringify({ a: n, b: 'x' })) throw new Error('differs')
    }
    console.log('same')`
  const paths = ['../dist/internal.js', './codec-support.mjs'].map((path) => new URL(path, import.meta.url).href)
  const result = spawnSync(process.execPath, ['--disallow-code-generation-from-strings', '--input-type=module', '-e', script, ...paths], { cwd: fileURLToPath(new URL('.', import.meta.url)), encoding: 'utf8' })
  t.is(result.stdout.trim(), 'same', result.stderr)
})

import { inspect } from 'node:util'
import test from 'ava'
import * as bson from 'bson'
import { errorFrom, MoltenBulkWriteError, MoltenError, ObjectId } from '../dist/internal.js'

test('an error has its kind, its code and what it carries', (t) => {
  const error = errorFrom({ kind: 'CORRUPT', message: 'damaged', file: 'a.seg', offset: 12 })
  t.true(error instanceof MoltenError)
  t.true(error instanceof Error)
  t.is(error.name, 'MoltenError')
  t.is(error.kind, 'CORRUPT')
  t.is(error.code, 'CORRUPT')
  t.is(error.message, 'damaged')
  t.is(error.file, 'a.seg')
  t.is(error.offset, 12)
  t.false('path' in error)
  t.false('cause' in error)
  t.true(error.stack.startsWith('MoltenError: damaged'))
})

test('kinds that MongoDB has a number for have it as code', (t) => {
  for (const [kind, code] of [['DUPLICATE_KEY', 11000], ['CONFLICT', 112], ['SCHEMA_VIOLATION', 121], ['TIMEOUT', 50], ['BAD_QUERY', 'BAD_QUERY'], ['CLOSED', 'CLOSED']]) {
    t.is(new MoltenError(kind, 'x').code, code)
  }
})

test('the cause is kept', (t) => {
  const cause = new Error('behind')
  t.is(new MoltenError('IO', 'x', { cause }).cause, cause)
})

test('isMoltenError knows the errors of other copies, and no others', (t) => {
  const copy = Object.assign(new Error('x'), { [Symbol.for('moltendb-node.MoltenError')]: true })
  t.true(MoltenError.isMoltenError(copy))
  t.true(MoltenError.isMoltenError(new MoltenError('IO', 'x')))
  t.true(MoltenError.isMoltenError(new MoltenBulkWriteError('x', [], {})))
  for (const other of [new Error('x'), null, undefined, 'x', { kind: 'IO' }]) t.false(MoltenError.isMoltenError(other))
})

test('a wrong argument is a TypeError', (t) => {
  const error = errorFrom({ kind: 'ARGUMENT', message: 'storage is wrong' })
  t.true(error instanceof TypeError)
  t.false(MoltenError.isMoltenError(error))
})

test('a bulk error tells which writes failed and what the others did', (t) => {
  const error = errorFrom({
    kind: 'DUPLICATE_KEY',
    message: 'E11000 duplicate key',
    inserted: 2,
    writeErrors: [{ index: 2, kind: 'DUPLICATE_KEY', message: 'E11000 duplicate key', keyPattern: { _id: 1 }, keyValue: { _id: 'a' } }]
  })
  t.true(error instanceof MoltenBulkWriteError)
  t.is(error.name, 'MoltenBulkWriteError')
  t.is(error.kind, 'DUPLICATE_KEY')
  t.is(error.code, 11000)
  t.deepEqual(error.keyValue, { _id: 'a' })
  t.deepEqual(error.writeErrors, [{ index: 2, kind: 'DUPLICATE_KEY', code: 11000, codeName: 'DuplicateKey', errmsg: 'E11000 duplicate key', keyPattern: { _id: 1 }, keyValue: { _id: 'a' } }])
  t.is(error.insertedCount, 2)
  t.is(error.result.insertedCount, 2)
  t.is(error.modifiedCount, 0)
  t.deepEqual(error.insertedIds, {})
})

test('an ObjectId of ours prints, compares and serializes as bson\'s does', (t) => {
  const hex = '0123456789abcdef01234567'
  const id = new ObjectId(hex)
  t.is(id._bsontype, 'ObjectId')
  t.deepEqual(id.id, Buffer.from(hex, 'hex'))
  t.is(id.toHexString(), hex)
  t.is(String(id), hex)
  t.is(JSON.stringify({ id }), `{"id":"${hex}"}`)
  t.is(inspect(id), `ObjectId('${hex}')`)
  t.true(id.equals(new ObjectId(Buffer.from(hex, 'hex'))))
  t.true(id.equals(new bson.ObjectId(hex)))
  t.true(new bson.ObjectId(hex).equals(id))
  t.true(id.equals(hex.toUpperCase()))
  t.false(id.equals(new ObjectId('f'.repeat(24))))
  for (const other of [null, undefined, 1, {}, 'x', { toHexString: () => hex }]) t.false(id.equals(other))
  t.throws(() => new ObjectId('short'), { instanceOf: TypeError })
  t.throws(() => new ObjectId(Buffer.alloc(11)), { instanceOf: TypeError })
})

// Filter operators and MongoDB's rules for arrays, null, missing fields and kinds of values.

import test from 'ava'

import { ObjectId } from '../index.mjs'
import { collection } from './support/database.mjs'
import { badQuery, endsWith, finds, notSupported } from './support/operators.mjs'

test('comparison stays within the kind of the operand', async (t) => {
  const documents = [{ a: 1 }, { a: 5n }, { a: 2.5 }, { a: 'x' }, { a: null }, {}, { a: [1, 9] }, { a: new Date(5) }, { a: true }, { a: NaN }, { a: { b: 1 } }, { a: [] }]
  await finds(t, documents, [
    [{ a: 1 }, [0, 6]],
    [{ a: { $eq: 1n } }, [0, 6]],
    [{ a: { $ne: 1 } }, [1, 2, 3, 4, 5, 7, 8, 9, 10, 11]],
    [{ a: { $gt: 2 } }, [1, 2, 6]],
    [{ a: { $gte: 2.5 } }, [1, 2, 6]],
    [{ a: { $lt: 2 } }, [0, 6]],
    [{ a: { $lte: 1 } }, [0, 6]],
    [{ a: { $gt: 'a' } }, [3]],
    [{ a: { $gt: new Date(1) } }, [7]],
    [{ a: { $gt: false } }, [8]],
    [{ a: NaN }, [9]],
    [{ a: { $gte: NaN } }, [9]],
    [{ a: { $lt: NaN } }, []],
    [{ a: null }, [4, 5]],
    [{ a: { $gte: null } }, [4, 5]],
    [{ a: { $gt: null } }, []],
    [{ a: { $ne: null } }, [0, 1, 2, 3, 6, 7, 8, 9, 10, 11]],
    [{ a: { b: 1 } }, [10]],
    [{ a: { b: 1n } }, [10]],
    [{ a: [] }, [11]],
    [{ a: [1, 9] }, [6]],
    [{ a: [9, 1] }, []],
    [{ a: { $gt: [1, 8] } }, [6]],
    [{ a: { $gt: 0, $lt: 5 } }, [0, 2, 6]],
    [{ a: { $in: [1, 'x', null] } }, [0, 3, 4, 5, 6]],
    [{ a: { $in: [[1, 9]] } }, [6]],
    [{ a: { $in: [] } }, []],
    [{ a: { $nin: [1, null] } }, [1, 2, 3, 7, 8, 9, 10, 11]],
    [{ a: { $nin: [] } }, documents.map((_, n) => n)],
    [{ a: { $in: [/x/, 5] } }, [1, 3]],
    [{ a: { $nin: [/x/, 5] } }, [0, 2, 4, 5, 6, 7, 8, 9, 10, 11]],
    [{ a: { $in: 1 } }, badQuery(/needs an array/)],
    [{ a: { $in: [{ $gt: 1 }] } }, badQuery(/not operators/)],
    [{ a: { $eq: /x/ } }, badQuery(/regular expression/)],
    [{ a: { $gt: /x/ } }, badQuery(/regular expression/)]
  ])
})

test('negations match what is missing', async (t) => {
  await finds(t, [{ a: 5 }, { a: 'x' }, {}, { a: [5, 'x'] }, { a: null }], [
    [{ a: { $not: { $gt: 3 } } }, [1, 2, 4]],
    [{ a: { $not: /x/ } }, [0, 2, 4]],
    [{ a: { $not: { $regex: 'x' } } }, [0, 2, 4]],
    [{ a: { $not: { $eq: null } } }, [0, 1, 3]],
    [{ a: { $not: { $gt: 3, $lt: 9 } } }, [1, 2, 4]],
    [{ $nor: [{ a: 5 }, { a: null }] }, [1]],
    [{ a: { $not: 5 } }, badQuery(/needs an object of operators/)],
    [{ $not: { a: 5 } }, badQuery(/unknown top-level operator/)]
  ])
})

test('logical operators join filters', async (t) => {
  await finds(t, [{ a: 1, b: 1 }, { a: 1 }, { b: 1 }, {}], [
    [{ $and: [{ a: 1 }, { b: 1 }] }, [0]],
    [{ $or: [{ a: 1 }, { b: 1 }] }, [0, 1, 2]],
    [{ $nor: [{ a: 1 }, { b: 1 }] }, [3]],
    [{ a: 1, $or: [{ b: 1 }, { b: null }] }, [0, 1]],
    [{ a: 1, $comment: 'why' }, [0, 1]],
    [{ $and: [] }, badQuery(/at least one/)],
    [{ $or: [1] }, badQuery(/must be an object/)],
    [{ $nor: {} }, badQuery(/array/)]
  ])
})

test('$exists, $type and $size', async (t) => {
  const documents = [{ a: 1 }, { a: 2.5 }, { a: 3n }, { a: 'x' }, { a: [1, 'x'] }, { a: null }, {}, { a: { b: 1 } }, { a: new Date() }, { a: Buffer.from('x') }, { a: new ObjectId('507c7f79bcf86cd7994f6c0e') }, { a: false }, { a: [[]] }, { a: [] }]
  await finds(t, documents, [
    [{ a: { $exists: true } }, [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13]],
    [{ a: { $exists: false } }, [6]],
    [{ a: { $exists: 0 } }, [6]],
    [{ 'a.b': { $exists: true } }, [7]],
    [{ a: { $type: 'int' } }, [0, 4]],
    [{ a: { $type: 16 } }, [0, 4]],
    [{ a: { $type: 'double' } }, [1]],
    [{ a: { $type: 'long' } }, [2]],
    [{ a: { $type: 'number' } }, [0, 1, 2, 4]],
    [{ a: { $type: ['string', 'bool'] } }, [3, 4, 11]],
    [{ a: { $type: [2, 8] } }, [3, 4, 11]],
    [{ a: { $type: 'array' } }, [4, 12, 13]],
    [{ a: { $type: 'null' } }, [5]],
    [{ a: { $type: 'object' } }, [7]],
    [{ a: { $type: 'date' } }, [8]],
    [{ a: { $type: 'binData' } }, [9]],
    [{ a: { $type: 'objectId' } }, [10]],
    [{ a: { $type: 'decimal' } }, []],
    [{ a: { $type: -1 } }, []],
    [{ a: { $type: 'integer' } }, badQuery(/name or number of a type/)],
    [{ a: { $type: 99 } }, badQuery(/name or number of a type/)],
    [{ a: { $type: [] } }, badQuery(/at least one/)],
    [{ a: { $size: 2 } }, [4]],
    [{ a: { $size: 0 } }, [13]],
    [{ a: { $size: 1n } }, [12]],
    [{ a: { $size: -1 } }, badQuery(/not negative/)],
    [{ a: { $size: 1.5 } }, badQuery(/integer/)],
    [{ a: { $size: { $gt: 1 } } }, badQuery(/integer/)]
  ])
})

test('$mod cuts fractions off', async (t) => {
  await finds(t, [{ a: 8 }, { a: 8.9 }, { a: -8 }, { a: 9n }, { a: 'x' }, { a: NaN }, { a: Infinity }, {}, { a: [3, 12] }], [
    [{ a: { $mod: [4, 0] } }, [0, 1, 2, 8]],
    [{ a: { $mod: [4.9, 0] } }, [0, 1, 2, 8]],
    [{ a: { $mod: [4, 1] } }, [3]],
    [{ a: { $mod: [4, 3n] } }, [8]],
    [{ a: { $mod: [-4, 0] } }, [0, 1, 2, 8]],
    [{ a: { $mod: [0, 0] } }, badQuery(/must not be 0/)],
    [{ a: { $mod: [0.5, 0] } }, badQuery(/must not be 0/)],
    [{ a: { $mod: [4] } }, badQuery(/two numbers/)],
    [{ a: { $mod: [4, 0, 0] } }, badQuery(/two numbers/)],
    [{ a: { $mod: [NaN, 0] } }, badQuery(/two numbers/)],
    [{ a: { $mod: [4, Infinity] } }, badQuery(/two numbers/)],
    [{ a: { $mod: 'x' } }, badQuery(/two numbers/)]
  ])
})

test('$all and $elemMatch ask about elements', async (t) => {
  const documents = [{ a: ['x', 'y'] }, { a: 'x' }, { a: [{ n: 1, m: 5 }, { n: 2, m: 1 }] }, { a: [82, 85, 88] }, { a: [75, 89] }, { a: [['x', 'y']] }, { a: { n: 1 } }, {}]
  await finds(t, documents, [
    [{ a: { $all: ['x', 'y'] } }, [0]],
    [{ a: { $all: ['x'] } }, [0, 1]],
    [{ a: { $all: [['x', 'y']] } }, [0, 5]],
    [{ a: { $all: [/^x/, 'y'] } }, [0]],
    [{ a: { $all: [] } }, []],
    [{ a: { $all: [{ $elemMatch: { n: 1 } }, { $elemMatch: { m: 1 } }] } }, [2]],
    [{ a: { $all: ['x', { $elemMatch: { n: 1 } }] } }, badQuery(/either values or \$elemMatch/)],
    [{ a: { $all: [{ $gt: 1 }] } }, badQuery(/no other operators/)],
    [{ a: { $all: 'x' } }, badQuery(/needs an array/)],
    [{ a: { $elemMatch: { $gte: 80, $lt: 85 } } }, [3]],
    [{ a: { $gte: 80, $lt: 76 } }, [4]],
    [{ a: { $elemMatch: { n: 1, m: { $gt: 1 } } } }, [2]],
    [{ a: { $elemMatch: { n: 1, m: 1 } } }, []],
    [{ 'a.n': 1, 'a.m': 1 }, [2]],
    [{ a: { $elemMatch: { $or: [{ n: 9 }, { m: 5 }] } } }, [2]],
    [{ a: { $elemMatch: { $in: ['x'] } } }, [0]],
    [{ a: { $elemMatch: { $elemMatch: { $eq: 'x' } } } }, [5]],
    [{ a: { $elemMatch: { $not: { $gt: 76 } } } }, [0, 2, 4, 5]],
    [{ a: { $not: { $elemMatch: { $gt: 85 } } } }, [0, 1, 2, 5, 6, 7]],
    [{ a: { $elemMatch: 1 } }, badQuery(/needs an object/)]
  ])
})

test('dotted and numeric paths go through arrays', async (t) => {
  const documents = [{ a: { b: 1 } }, { a: [{ b: 1 }, { b: 2 }] }, { a: [1, 2] }, { a: [[{ b: 1 }]] }, { a: { 0: 1 } }, { a: [{ b: [1, 7] }] }, { a: 5 }, {}]
  await finds(t, documents, [
    [{ 'a.b': 1 }, [0, 1, 5]],
    [{ 'a.b': null }, [2, 3, 4, 6, 7].filter((n) => n !== 2 && n !== 3)],
    [{ 'a.0': 1 }, [2, 4]],
    [{ 'a.1.b': 2 }, [1]],
    [{ 'a.0.b': 1 }, [1, 3, 5]],
    [{ 'a.0.0.b': 1 }, [3]],
    [{ 'a.0.b.1': 7 }, [5]],
    [{ 'a.b.1': 7 }, [5]],
    [{ 'a.b': { $exists: false } }, [2, 3, 4, 6, 7]],
    [{ 'a.b': { $gt: 1 } }, [1, 5]],
    [{ 'a.b': [1, 7] }, [5]]
  ])
})

test('regular expressions and $contains look into strings', async (t) => {
  await finds(t, [{ a: 'Apple' }, { a: 'pine\napple' }, { a: ['x', 'apple'] }, { a: 5 }, {}], [
    [{ a: /apple/ }, [1, 2]],
    [{ a: /^apple/m }, [1, 2]],
    [{ a: { $regex: 'APPLE', $options: 'i' } }, [0, 1, 2]],
    [{ a: { $regex: /apple/, $options: 'i' } }, [0, 1, 2]],
    [{ a: { $regex: 'e.a', $options: 's' } }, [1]],
    [{ a: { $regex: 'p p l e', $options: 'x' } }, [0, 1, 2]],
    [{ a: { $contains: 'APPLE' } }, [0, 1]],
    [{ a: { $contains: 'apple' } }, [0, 1, 2]],
    [{ a: { $options: 'i' } }, badQuery(/needs \$regex/)],
    [{ a: { $regex: 5 } }, badQuery(/string or a regular expression/)],
    [{ a: { $regex: 'a', $options: 'q' } }, badQuery(/unknown option/)],
    [{ a: { $regex: '(?=a)' } }, badQuery(/look-around/)],
    [{ a: /(a)\1/ }, badQuery(/back-reference/)]
  ])
})

test('bits', async (t) => {
  await finds(t, [{ a: 54 }, { a: 20 }, { a: 20.5 }, { a: Buffer.from([0b110110]) }, { a: 54n }, { a: [20, 54] }, {}], [
    [{ a: { $bitsAllSet: [1, 5] } }, [0, 3, 4, 5]],
    [{ a: { $bitsAllSet: 50 } }, [0, 3, 4, 5]],
    [{ a: { $bitsAllSet: Buffer.from([50]) } }, [0, 3, 4, 5]],
    [{ a: { $bitsAllClear: [1, 5] } }, [1, 5]],
    [{ a: { $bitsAnySet: 35 } }, [0, 3, 4, 5]],
    [{ a: { $bitsAnyClear: [2, 1] } }, [1, 5]],
    [{ a: { $bitsAllSet: -1 } }, badQuery(/mask/)],
    [{ a: { $bitsAnySet: 'x' } }, badQuery(/mask/)]
  ])
})

test('$expr and $jsonSchema look at the whole document', async (t) => {
  const documents = [{ name: 'Ada', age: 36, tags: ['x'] }, { name: 'Bob', age: 'old' }, { age: 5, extra: 1 }]
  await finds(t, documents, [
    [{ $expr: { $gt: ['$age', 30] } }, [0, 1]],
    [{ $expr: { $eq: [{ $strLenCP: { $ifNull: ['$name', ''] } }, 3] } }, [0, 1]],
    [{ $expr: { $regexMatch: { input: '$name', regex: /^a/i } } }, [0]],
    [{ $expr: { $nope: 1 } }, badQuery(/unknown expression operator/)],
    [{ $jsonSchema: { required: ['name'], properties: { age: { bsonType: 'int', minimum: 18 } } } }, [0]],
    [{ $jsonSchema: { properties: { tags: { bsonType: 'array', items: { type: 'string' } } } } }, [0, 1, 2]],
    [{ $nor: [{ $jsonSchema: { required: ['name'] } }] }, [2]],
    [{ $jsonSchema: { additionalProperties: false, properties: { _id: {}, name: {}, age: {} } } }, [1]],
    [{ $jsonSchema: { patternProperties: { '^e': { type: 'string' } } } }, [0, 1]],
    [{ $jsonSchema: { properties: { age: { oneOf: [{ type: 'string' }, { type: 'number', maximum: 10 }] } } } }, [1, 2]],
    [{ $jsonSchema: { propertes: {} } }, badQuery(/unknown \$jsonSchema keyword 'propertes'/)],
    [{ $jsonSchema: 1 }, badQuery(/must be a schema/)],
    [{ a: { $jsonSchema: {} } }, badQuery(/unknown operator/)]
  ])
})

test('operators that are not there say so', async (t) => {
  const docs = await collection(t)
  const geo = ['$geoIntersects', '$geoWithin', '$near', '$nearSphere'].map((name) => ({ a: { [name]: [1, 2] } }))
  for (const filter of [{ $where: 'true' }, { $text: { $search: 'x' } }, { $sampleRate: 0.5 }, ...geo]) {
    await endsWith(t, notSupported(/is not supported/), () => docs.find(filter).toArray(), filter)
  }
})

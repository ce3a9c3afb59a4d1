import test from 'ava'

import { collection, rejectsWith } from './support/database.mjs'

const people = [
  { _id: 1, name: 'Ada Lovelace', tags: ['Math', 'poetry'] },
  { _id: 2, name: 'alan\nTuring', tags: ['math'] },
  { _id: 3, name: '\u00c9mile', tags: [] },
  { _id: 4, name: 5 }
]

const ids = async (users, filter) => (await users.find(filter).toArray()).map(({ _id }) => _id)

test('a RegExp finds strings and elements of arrays, with its flags', async (t) => {
  const users = await collection(t, people)
  t.deepEqual(await ids(users, { name: /^a/ }), [2])
  t.deepEqual(await ids(users, { name: /^a/i }), [1, 2])
  t.deepEqual(await ids(users, { name: /^turing$/im }), [2])
  t.deepEqual(await ids(users, { name: /alan.Turing/s }), [2])
  t.deepEqual(await ids(users, { name: /alan.Turing/ }), [])
  t.deepEqual(await ids(users, { name: /\u00c9/gu }), [3])
  t.deepEqual(await ids(users, { name: /^(?<first>\w+)\s(?:L|T)/ }), [1, 2])
  t.deepEqual(await ids(users, { tags: /^M/ }), [1])
  t.deepEqual(await ids(users, { tags: { $in: [/^po/, 'math'] } }), [1, 2])
  t.deepEqual(await ids(users, { tags: { $nin: [/math/i] } }), [3, 4])
  t.deepEqual(await ids(users, { name: { $not: /a/i } }), [3, 4])
  t.deepEqual(await ids(users, { tags: { $all: [/^M/, /^p/] } }), [1])
  t.deepEqual(await ids(users, { tags: { $elemMatch: { $in: [/^m/] } } }), [2])
})

test('$regex takes strings, options and expressions', async (t) => {
  const users = await collection(t, people)
  t.deepEqual(await ids(users, { name: { $regex: '^ADA', $options: 'i' } }), [1])
  t.deepEqual(await ids(users, { name: { $regex: /^ADA/i } }), [1])
  t.deepEqual(await ids(users, { name: { $regex: 'a d a # spaced', $options: 'xi' } }), [1])
})

test('what linear time cannot do is BAD_QUERY naming the path', async (t) => {
  const users = await collection(t, people)
  for (const [pattern, words] of [[/a(?=b)/, /look-around/], [/(a)\1/, /back-reference/], [/(?<!a)b/, /look-around/]]) {
    const error = await rejectsWith(t, 'BAD_QUERY', users.findOne({ 'home.city': pattern }), words)
    t.is(error.path, 'home.city')
  }
  await rejectsWith(t, 'BAD_QUERY', users.findOne({ name: { $regex: 'a', $options: 'q' } }), /unknown option 'q'/)
  await rejectsWith(t, 'BAD_QUERY', users.findOne({ name: { $gt: /a/ } }), /\$gt at 'name'/)
})

test('a hard expression ends in time', async (t) => {
  const users = await collection(t, [{ _id: 1, text: 'a'.repeat(50_000) + 'b' }])
  t.is(await users.findOne({ text: /^(a+)+$/ }), null)
})

test('a RegExp is never stored', async (t) => {
  const users = await collection(t, [{ _id: 1, n: 1 }])
  await rejectsWith(t, 'BAD_DOCUMENT', users.insertOne({ pattern: /x/ }), /pattern/)
  await rejectsWith(t, 'BAD_UPDATE', users.updateOne({}, { $set: { pattern: /x/ } }), /\$set\.pattern/)
  await rejectsWith(t, 'BAD_UPDATE', users.updateOne({}, { $pull: { a: /x/ }, $push: { a: /x/ } }), /\$push\.a/)
  await rejectsWith(t, 'BAD_DOCUMENT', users.replaceOne({ _id: 1 }, { pattern: /x/ }), /pattern/)
  t.deepEqual(await users.get(1), { _id: 1, n: 1 })
})

test('$pull takes regular expressions', async (t) => {
  const users = await collection(t, [{ _id: 1, tags: ['Ab', 'b', 1], list: [{ n: 'ab' }, { n: 'b' }] }])
  await users.updateOne({}, { $pull: { tags: /^a/i, list: { n: /^a/ } } })
  t.deepEqual(await users.get(1), { _id: 1, tags: ['b', 1], list: [{ n: 'b' }] })
})

test('$contains is text of any case, or an element', async (t) => {
  const users = await collection(t, people)
  t.deepEqual(await ids(users, { name: { $contains: 'LOVE' } }), [1])
  t.deepEqual(await ids(users, { tags: { $contains: 'math' } }), [2])
  t.deepEqual(await ids(users, { name: { $contains: 'a', $comment: 'why' } }), [1, 2])
})

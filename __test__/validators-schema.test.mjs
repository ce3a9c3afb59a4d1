// Random schemas and documents: `$jsonSchema` takes exactly the documents that a validator of JSON Schema's draft 4 takes, as a filter and as the
// validator of a collection. The keywords and types that MongoDB does not have, and those that it has beyond the draft, are left out.

import AjvDraft4 from 'ajv-draft-04'
import test from 'ava'
import fc from 'fast-check'

import { memory } from './support/database.mjs'

const NAMES = ['a', 'b', 'ab', 'c1', 'd']
const TYPES = ['object', 'array', 'number', 'boolean', 'string', 'null']
// Code points beyond the first plane, combining marks, and numbers that binary fractions hold exactly.
const TEXTS = ['', 'a', 'ab', 'abc', 'é', 'e\u0301', '\u{1F600}', '\u{1F600}\u{1F600}', 'a1', '1', ' ']
const NUMBERS = [-7, -2, -1, -0.5, -0, 0, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 10, 2 ** 31, 2 ** 40, 1e300]

const { value } = fc.letrec((tie) => ({
  scalar: fc.oneof(fc.constantFrom(...NUMBERS), fc.constantFrom(...TEXTS), fc.boolean(), fc.constant(null)),
  value: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'value' }, { weight: 3, arbitrary: tie('scalar') },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 4, depthIdentifier: 'value' }) },
    { weight: 2, arbitrary: fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { noNullPrototype: true, maxKeys: 4, depthIdentifier: 'value' }) }
  )
}))
const documents = fc.array(fc.dictionary(fc.constantFrom(...NAMES), value, { noNullPrototype: true, maxKeys: 5 }), { minLength: 1, maxLength: 10 })
const names = fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 })
const few = fc.nat(3)
const pattern = fc.constantFrom('^a', 'b$', '^[a-c]+$', '[0-9]', '^$', '.', '^.{2}$', 'a|1')

const { schema } = fc.letrec((tie) => {
  const below = tie('schema')
  const list = fc.array(below, { minLength: 1, maxLength: 3, depthIdentifier: 'schema' })
  const orBoolean = fc.oneof(fc.boolean(), below)
  const keyword = fc.oneof(
    fc.oneof(fc.constantFrom(...TYPES), fc.uniqueArray(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 3 })).map((type) => ({ type })),
    fc.uniqueArray(value, { minLength: 1, maxLength: 3, comparator: (one, other) => new AjvDraft4({ strict: false }).validate({ enum: [one] }, other) }).map((all) => ({ enum: all })),
    fc.record({ minimum: fc.constantFrom(...NUMBERS), exclusiveMinimum: fc.boolean() }, { requiredKeys: ['minimum'] }),
    fc.record({ maximum: fc.constantFrom(...NUMBERS), exclusiveMaximum: fc.boolean() }, { requiredKeys: ['maximum'] }),
    fc.constantFrom(0.25, 0.5, 1, 2, 3).map((multipleOf) => ({ multipleOf })),
    few.map((minLength) => ({ minLength })), few.map((maxLength) => ({ maxLength })), pattern.map((source) => ({ pattern: source })),
    names.map((required) => ({ required })),
    fc.nat(5).map((minProperties) => ({ minProperties })), fc.nat(5).map((maxProperties) => ({ maxProperties })),
    few.map((minItems) => ({ minItems })), few.map((maxItems) => ({ maxItems })), fc.boolean().map((uniqueItems) => ({ uniqueItems })),
    below.map((items) => ({ items })), fc.record({ items: list, additionalItems: orBoolean }, { requiredKeys: ['items'] }), orBoolean.map((additionalItems) => ({ additionalItems })),
    fc.record({
      properties: fc.dictionary(fc.constantFrom(...NAMES), below, { noNullPrototype: true, maxKeys: 3, depthIdentifier: 'schema' }),
      patternProperties: fc.dictionary(pattern, below, { noNullPrototype: true, maxKeys: 2, depthIdentifier: 'schema' }),
      additionalProperties: orBoolean
    }, { requiredKeys: [] }),
    fc.dictionary(fc.constantFrom(...NAMES), fc.oneof(names, below), { noNullPrototype: true, minKeys: 1, maxKeys: 2, depthIdentifier: 'schema' }).map((dependencies) => ({ dependencies })),
    list.map((allOf) => ({ allOf })), list.map((anyOf) => ({ anyOf })), list.map((oneOf) => ({ oneOf })), below.map((not) => ({ not })),
    fc.constantFrom({ title: 'a title' }, { description: 'some words' })
  )
  return {
    schema: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'schema' }, fc.constantFrom({}, { type: 'number' }, { type: ['string', 'null'] }, { minimum: 0 }),
      fc.array(keyword, { maxLength: 3, depthIdentifier: 'schema' }).map((parts) => Object.assign({}, ...parts))
    )
  }
})

// One that is `draft4` alone says what is right; its own refusals of what MongoDB takes would hide cases, so it has none.
const rightOf = (root) => new AjvDraft4({ strict: false, logger: false, validateFormats: false }).compile(root)

test('a $jsonSchema takes the documents that a validator of draft 4 takes', async (t) => {
  const db = await memory(t, { autoIndex: 'off' })
  let [run, valid, invalid] = [0, 0, 0]
  const property = fc.asyncProperty(schema, documents, async (root, contents) => {
    const isRight = rightOf(root)
    const given = contents.map((content, n) => ({ _id: `id${n}`, ...content }))
    const right = given.filter((document) => isRight(document)).map(({ _id }) => _id)
    const all = db.collection(`all${run}`)
    await all.insertMany(given)
    const found = await all.find({ $jsonSchema: root }, { projection: { _id: 1 }, sort: { _id: 1 } }).toArray()
    t.deepEqual(found.map(({ _id }) => _id), right.toSorted())
    t.is(await all.countDocuments({ $nor: [{ $jsonSchema: root }] }), given.length - right.length)
    const checked = await db.createCollection(`checked${run}`, { validator: { $jsonSchema: root } })
    const refused = await checked.insertMany(given, { ordered: false }).then(() => [], (error) => error.writeErrors ?? [error])
    t.is(refused.length, given.length - right.length)
    for (const error of refused) {
      t.is(error.code, 121)
      t.truthy(error.errInfo?.details?.schemaRulesNotSatisfied?.length, JSON.stringify(error.errInfo))
    }
    t.is(await checked.countDocuments(), right.length)
    await db.dropCollection(`all${run}`)
    await db.dropCollection(`checked${run++}`)
    valid += right.length
    invalid += given.length - right.length
  })
  await fc.assert(property, { numRuns: Number(process.env.SCHEMAS ?? 250), ...(process.env.SEED && { seed: Number(process.env.SEED) }) })
  t.log(`${valid} valid, ${invalid} invalid`)
  t.true(valid > run / 2 && invalid > run / 2)
})

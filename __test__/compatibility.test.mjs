// The tables of docs/compatibility.md are true: what they list as supported is accepted, what they list as not supported is
// refused with a typed error, and the test that a row names exists and has the operator.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import test from 'ava'

import { MoltenError } from '../index.mjs'
import { collection } from './support/database.mjs'

const STATES = ['supported', 'differs', 'not supported']
const text = readFileSync(join(import.meta.dirname, '..', 'docs', 'compatibility.md'), 'utf8')
const manual = text.slice(text.indexOf('## Operators, against MongoDB 8'), text.indexOf('### Beyond single operators'))

/** How an operator of a table is used; null is a wrong operand for most, and refused as such. */
const PROBES = {
  'Filters on a field': (docs, name) => docs.find({ a: name === '$options' ? { $regex: 'x', $options: 'i' } : { [name]: null } }).toArray(),
  'Filters on the document': (docs, name) => docs.find({ [name]: null }).toArray(),
  Projections: (docs, name) => docs.find({ l: 1 }, { projection: name === '$' ? { 'l.$': 1 } : { l: { [name]: null } } }).toArray(),
  Updates: (docs, name) => docs.updateOne({}, { [name]: { a: null } }),
  'Modifiers of `$push`': (docs, name) => docs.updateOne({}, { $push: { l: { $each: [1], [name]: null } } }),
  'Positional parts of updates': (docs, name) =>
    docs.updateOne({ l: 1 }, { $set: { [`l.${name}`]: 2 } }, name === '$[x]' ? { arrayFilters: [{ x: 1 }] } : {}),
  Stages: (docs, name) => docs.aggregate([{ [name]: null }]).toArray(),
  Expressions: (docs, name) => docs.aggregate([{ $project: { value: { [name]: null } } }]).toArray(),
  Variables: (docs, name) => docs.aggregate([{ $project: { value: name } }]).toArray(),
  Accumulators: (docs, name) => docs.aggregate([{ $group: { _id: null, value: { [name]: null } } }]).toArray()
}

const tables = Object.fromEntries(
  manual.split('\n### ').slice(1).map((section) => {
    const [title, ...lines] = section.split('\n')
    const rows = lines.filter((line) => line.startsWith('| `')).map((line) => {
      const [, name, state, , file] = line.split(' | ').length === 4 ? ['', ...line.split(' | ')] : []
      return { name: name?.slice(3, -1), state, file: file?.replace(/ ?\|$/, '').trim() }
    })
    return [title, rows]
  })
)

test('every table has a probe, and every row its four cells', (t) => {
  t.deepEqual(Object.keys(tables), Object.keys(PROBES))
  for (const [title, rows] of Object.entries(tables)) {
    t.true(rows.length > 0, title)
    t.deepEqual(rows.map(({ name }) => name), [...new Set(rows.map(({ name }) => name))], `${title} names an operator twice`)
    for (const { name, state } of rows) {
      t.regex(name ?? '', /^\$/, title)
      t.true(STATES.includes(state), `${title}: ${name} is '${state}'`)
    }
  }
})

for (const [title, rows] of Object.entries(tables)) {
  test(`the table of ${title} says what is accepted and what is refused`, async (t) => {
    for (const { name, state } of rows) {
      const docs = await collection(t, [{ _id: 1, l: [1, 2] }])
      const error = await PROBES[title](docs, name).then(() => undefined, (thrown) => thrown)
      const shown = `${name}: ${error?.kind} ${error?.message}`
      if (state === 'not supported') {
        t.true(MoltenError.isMoltenError(error), `${name} is refused, but with ${error}`)
        t.is(error.kind, 'NOT_SUPPORTED', shown)
      } else {
        // A wrong operand is refused, but never as an unknown operator.
        t.true(!error || ['BAD_QUERY', 'BAD_UPDATE'].includes(error.kind), shown)
        t.notRegex(shown, /unknown|no variable/)
      }
    }
  })

  test(`the tests that the table of ${title} names have its operators`, (t) => {
    for (const { name, state, file } of rows) {
      if (!file) {
        t.is(state, 'not supported', `${name} has no test`)
        continue
      }
      const source = readFileSync(join(import.meta.dirname, file), 'utf8')
      const mentioned = new RegExp(`${name.replaceAll(/[$[\]]/g, String.raw`\$&`)}(?![A-Za-z])`)
      // `$[x]` stands for any identifier.
      const found = name === '$[x]' ? /\$\[[a-z]\w*\]/ : name === '$' ? /\.\$'/ : mentioned
      t.true(found.test(source), `${file} does not have ${name}`)
    }
  })
}

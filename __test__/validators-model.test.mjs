// Random writes to a collection with a validator, which changes meanwhile, through compactions and restarts, against a naive model of what may be
// stored. `SEED` sets the first seed.

import test from 'ava'

import { Database, directory } from './support/database.mjs'

const RUNS = 3
const STEPS = 1500
const first = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6))

function diceOf(seed) {
  let state = seed
  return (below) => {
    state = (state * 1103515245 + 12345) & 0x7fffffff
    return (state >>> 8) % below
  }
}

const validatorOf = (most) => ({ $jsonSchema: { properties: { n: { bsonType: 'int', maximum: most } } } })
const options = (dice) => (dice(2) ? { memoryLimit: 1 } : {})

/** The writes: what each does to the document of an `_id` there, and how. Those without `makes` write nothing where there is none. */
const WRITES = [
  { makes: true, run: (db, _id, document) => db.collection('c').set(_id, document) },
  { makes: true, run: (db, _id, document) => db.collection('c').replaceOne({ _id }, document, { upsert: true }) },
  { makes: true, run: (db, _id, document) => db.transaction((tx) => tx.collection('c').set(_id, document)) },
  { makes: true, run: (db, _id, document) => db.aggregate([{ $documents: [{ _id, ...document }] }, { $merge: { into: 'c', whenMatched: 'replace' } }]).toArray() },
  { makes: true, bypasses: true, run: (db, _id, document) => db.collection('c').replaceOne({ _id }, document, { upsert: true, bypassDocumentValidation: true }) },
  { run: (db, _id, document) => db.collection('c').replaceOne({ _id }, document) },
  { run: (db, _id, { n = null }) => db.collection('c').updateOne({ _id }, { $set: { n } }), after: ({ n = null }) => ({ n }) },
  { run: (db, _id, { n = null }) => db.collection('c').updateOne({ _id }, [{ $set: { n } }]), after: ({ n = null }) => ({ n }) },
  { run: (db, _id, { n = null }) => db.transaction((tx) => tx.collection('c').updateOne({ _id }, { $set: { n } })), after: ({ n = null }) => ({ n }) }
]

for (let seed = first; seed < first + RUNS; seed++) {
  test(`exactly the documents that the validator takes are stored: SEED=${seed}`, async (t) => {
    const dice = diceOf(seed)
    const path = directory(t)
    let db = await Database.open(path, options(dice))
    let [most, level] = [5, 'strict']
    await db.createCollection('c', { validator: validatorOf(most) })
    const model = new Map()
    const isValid = ({ n }) => n === undefined || (Number.isInteger(n) && n <= most)
    for (let step = 0; step < STEPS; step++) {
      const change = dice(60)
      if (change === 0) await db.command({ collMod: 'c', validator: validatorOf((most = 3 + dice(5))) })
      else if (change === 1) await db.command({ collMod: 'c', validationLevel: (level = ['strict', 'moderate', 'off'][dice(3)]) })
      else if (change === 2) await db.compact()
      else if (change === 3) {
        await db.close()
        db = await Database.open(path, options(dice))
      }
      const id = dice(30)
      const document = [{ n: dice(10) }, { n: dice(10) }, { n: dice(10) }, {}, { n: 'x' }, { n: dice(9) + 0.5 }][dice(6)]
      const { makes, bypasses, run, after = (own) => own } = WRITES[dice(WRITES.length)]
      const [before, next] = [model.get(id), after(document)]
      const changes = before === undefined ? makes === true : before.n !== next.n || Object.keys(before).length !== Object.keys(next).length
      const spared = level === 'off' || (level === 'moderate' && before !== undefined && !isValid(before))
      // `set` writes also what is there already.
      const isChecked = (changes || run === WRITES[0].run || run === WRITES[2].run) && !bypasses
      const expected = !isChecked || isValid(next) || spared ? undefined : 121
      const error = await run(db, id, document).then(() => {}, (refused) => refused)
      if (error?.code !== expected) t.fail(`step ${step}: ${JSON.stringify({ id, before, next, level, most, write: `${run}` })}: ${error?.code}, not ${expected}`)
      if (error === undefined && (makes || before !== undefined)) model.set(id, next)
      if (error !== undefined) t.is(error.errInfo.failingDocumentId, id)
    }
    const found = await db.collection('c').find().sort({ _id: 1 }).toArray()
    t.deepEqual(found, [...model].sort(([a], [b]) => a - b).map(([_id, document]) => ({ _id, ...document })))
    await db.close()
    t.true((await Database.verify(path)).ok)
  })
}

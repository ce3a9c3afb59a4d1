// The runner of the unified tests of MongoDB's specifications, on tests of our own: what is not as expected fails, what cannot be run says why.
// The specifications' tests themselves are no part of the repository: npm run test:specifications.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import test from 'ava'

import { runFile } from './specifications/file.mjs'
import { REASONS } from './specifications/known.mjs'
import { textOf } from './support/pages.mjs'

const CART = { _id: 1, items: [{ name: 'tea', n: 2 }], paid: false }

/** A file with these tests, on a collection `carts` that has one cart. */
const file = (...tests) => ({
  description: 'carts',
  schemaVersion: '1.9',
  createEntities: [
    { client: { id: 'client', uriOptions: { retryWrites: false } } },
    { database: { id: 'shop', client: 'client', databaseName: 'shop' } },
    { collection: { id: 'carts', database: 'shop', collectionName: 'carts' } },
    { session: { id: 'session', client: 'client' } }
  ],
  initialData: [{ databaseName: 'shop', collectionName: 'carts', documents: [CART] }],
  tests
})
const on = (object, name, given, expected) => ({ object, name, ...(given && { arguments: given }), ...expected })
const pay = (expected) => on('carts', 'updateOne', { filter: { _id: 1 }, update: { $set: { paid: true } }, session: 'session' }, expected)
const has = (documents) => [{ databaseName: 'shop', collectionName: 'carts', documents }]

const find = (expectResult) => ['carts', 'find', { filter: {} }, { expectResult }]
const insert = (expectError) => ['carts', 'insertOne', { document: { _id: 1 } }, { expectError }]
const paid = (description, value) => file({ description, operations: [], outcome: has([{ ...CART, paid: value }]) })

/** Why each of these tests fails, or is skipped. */
async function reasons(longest, ...tests) {
  const rows = await runFile(file(...tests.map((operations, i) => ({ description: `test ${i}`, operations }))), longest)
  return rows.map(({ failed, skipped }) => failed ?? skipped)
}

/** The failure of the one operation of a test. */
const failure = async (...operation) => (await reasons(undefined, [on(...operation)]))[0]

test('a test whose expectations hold passes', async (t) => {
  const rows = await runFile(file(
    {
      description: 'a transaction',
      operations: [
        on('session', 'startTransaction', { writeConcern: { w: 'majority' } }),
        on('testRunner', 'assertSessionTransactionState', { session: 'session', state: 'starting' }),
        pay({ expectResult: { matchedCount: 1, modifiedCount: { $$type: ['int', 'long'] }, upsertedId: { $$unsetOrMatches: null } } }),
        on('carts', 'find', { filter: {} }, { expectResult: [{ _id: { $numberLong: '1' }, paid: false, gone: { $$exists: false } }] }),
        on('session', 'abortTransaction'),
        on('session', 'abortTransaction', undefined, { expectError: { isClientError: true, errorContains: 'CANNOT call abortTransaction twice' } }),
        on('session', 'withTransaction', { callback: [pay()] }),
        on('carts', 'insertOne', { document: { _id: 1 } }, { expectError: { isClientError: false, errorCode: 11000, errorCodeName: 'DuplicateKey', errorLabelsOmit: ['TransientTransactionError'] } }),
        on('carts', 'insertOne', { document: { _id: 1 } }, { ignoreResultAndError: true }),
        on('carts', 'findOneAndUpdate', { filter: {}, update: { $inc: { n: 1 } }, returnDocument: 'After' }, { expectResult: { n: 1 } })
      ],
      outcome: has([{ ...CART, paid: true, n: 1 }])
    },
    {
      description: 'an error in a callback is expected there and passed on',
      operations: [
        on('session', 'withTransaction', { callback: [on('carts', 'insertOne', { document: { _id: 1 }, session: 'session' }, { expectError: { errorCode: 11000 } })] }, {
          expectError: { errorCode: 11000 }
        })
      ],
      expectEvents: [{ client: 'client', events: [] }],
      outcome: has([CART])
    },
    {
      description: 'a change stream',
      operations: [
        on('client', 'createChangeStream', { pipeline: [] }, { saveResultAsEntity: 'stream' }),
        on('testRunner', 'createEntities', { entities: [{ database: { id: 'other', client: 'client', databaseName: 'other' } }] }),
        on('other', 'createCollection', { collection: 'notes' }),
        on('testRunner', 'assertCollectionExists', { databaseName: 'other', collectionName: 'notes' }),
        on('carts', 'createIndex', { keys: { paid: 1 }, name: 'paid' }),
        on('testRunner', 'assertIndexExists', { databaseName: 'shop', collectionName: 'carts', indexName: 'paid' }),
        on('carts', 'deleteOne', { filter: {} }),
        on('stream', 'iterateUntilDocumentOrError', undefined, { expectResult: { operationType: 'delete', ns: { db: 'shop', coll: 'carts' }, documentKey: { _id: 1 } } })
      ]
    }
  ))
  t.deepEqual(rows.map(({ test: name, failed, skipped, commands }) => [name, failed, skipped, commands]), [
    ['a transaction', undefined, undefined, false],
    ['an error in a callback is expected there and passed on', undefined, undefined, true],
    ['a change stream', undefined, undefined, false]
  ])
})

test('an expectation that does not hold fails', async (t) => {
  const wrong = [
    [find([]), /carts\.find: the result: expected \[\], got \[\{"_id":1/],
    [find([{ paid: true }]), /the result\[0\]\.paid: expected true, got false/],
    [find([{ paid: 0 }]), /expected 0, got false/],
    [find([{ gone: null }]), /the result\[0\]\.gone: expected null, got nothing/],
    [find([{ items: [{ name: 'tea' }] }]), /the result\[0\]\.items\[0\]: expected no field n,/],
    [find([{ paid: { $$exists: false } }]), /expected nothing, got false/],
    [find([{ gone: { $$exists: true } }]), /expected something/],
    [find([{ paid: { $$type: 'int' } }]), /expected a value of type "int", got false/],
    [find([{ _id: { $$type: 'string' } }]), /of type "string", got 1/],
    [find([{ paid: { $$unsetOrMatches: true } }]), /expected true, got false/],
    [find([{ _id: { $$matchesEntity: 'nothing' } }]), /there is no entity nothing/],
    [find([{ _id: { $$nothing: 1 } }]), /operator \$\$nothing is unknown/],
    [['carts', 'find', { filter: {} }, { expectError: { isError: true } }], /no error, where one is expected/],
    [['carts', 'find', { filter: { $no: 1 } }, { expectResult: [] }], /carts\.find: MoltenError BadValue/],
    [['carts', 'find', { filter: {}, nothing: 1 }, { expectResult: [] }], /there is no option "nothing"/],
    [insert({ errorCode: 112 }), /expected code 112, got MoltenError "DuplicateKey"/],
    [insert({ errorCodeName: 'WriteConflict' }), /expected code WriteConflict/],
    [insert({ errorContains: 'never said' }), /expected a message with "never said"/],
    [insert({ isClientError: true }), /expected an error of the driver/],
    [insert({ errorLabelsContain: ['TransientTransactionError'] }), /expected the label TransientTransactionError/],
    [insert({ errorResponse: { keyPattern: { name: 1 } } }), /the error\.keyPattern/],
    [insert({ somethingElse: 1 }), /the expectation somethingElse of an error is unknown/],
    [['session', 'commitTransaction', undefined, { expectError: { isClientError: false } }], /expected an error of the server, got TypeError/],
    [['testRunner', 'assertCollectionNotExists', { databaseName: 'shop', collectionName: 'carts' }], /expected the collection carts not to be there/],
    [['testRunner', 'assertIndexExists', { databaseName: 'shop', collectionName: 'carts', indexName: 'paid' }], /expected the index paid to be there/],
    [['testRunner', 'assertSessionTransactionState', { session: 'session', state: 'in_progress' }], /expected the session to be in a transaction/]
  ]
  for (const [operation, message] of wrong) t.regex((await failure(...operation)) ?? 'it passed', message)
})

test('a label that must not be there, an event that does not come, a callback and an outcome that differ fail', async (t) => {
  const conflict = [
    on('session', 'startTransaction'),
    on('carts', 'findOne', { filter: {}, session: 'session' }),
    on('carts', 'updateOne', { filter: {}, update: { $set: { paid: true } } }),
    pay({ expectError: { errorLabelsOmit: ['TransientTransactionError'] } })
  ]
  const waiting = [
    on('carts', 'createChangeStream', { pipeline: [] }, { saveResultAsEntity: 'stream' }),
    on('stream', 'iterateUntilDocumentOrError', undefined, { expectResult: {} })
  ]
  const called = [on('session', 'withTransaction', { callback: [pay({ expectResult: { matchedCount: 2 } })] })]
  const [late] = await reasons(100, waiting)
  const [first, second] = await reasons(undefined, conflict, called)
  t.regex(first, /expected no label TransientTransactionError, got MoltenError "WriteConflict"/)
  t.regex(late, /not done after 100 ms/)
  t.regex(second, /carts\.updateOne: the result\.matchedCount: expected 2, got 1/)
  const outcomes = [[], [{ _id: 1 }], [CART, { _id: 2 }], [{ ...CART, items: [{ name: 'tea', n: 3 }] }]]
  for (const { failed } of await runFile(file(...outcomes.map((documents, i) => ({ description: `${i}`, operations: [], outcome: has(documents) }))))) {
    t.regex(failed ?? 'it passed', /^shop\.carts/)
  }
})

test('a test that is not run says why', async (t) => {
  const checked = { object: 'carts', name: 'find', arguments: { filter: {} }, expectResult: [{}] }
  const cases = [
    [{ runOnRequirements: [{ topologies: ['sharded'] }] }, 'another topology'],
    [{ runOnRequirements: [{ minServerVersion: '8.0.1' }, { maxServerVersion: '7.99' }] }, 'another version of the server'],
    [{ runOnRequirements: [{ minServerVersion: '9.0' }, { minServerVersion: '8.0', topologies: ['replicaset'], serverless: 'forbid' }] }, undefined],
    [{ runOnRequirements: [{ auth: true }] }, 'users'],
    [{ skipReason: 'whatever' }, 'the specification skips it'],
    [{ operations: [on('testRunner', 'failPoint', { client: 'client', failPoint: {} }), checked] }, 'failpoint'],
    [{ operations: [on('session', 'withTransaction', { callback: [on('testRunner', 'targetedFailPoint', {})] })] }, 'failpoint'],
    [{ operations: [on('carts', 'find', { filter: {} })], expectEvents: [] }, 'commands alone'],
    [{ operations: [on('testRunner', 'assertSessionDirty', { session: 'session' })] }, 'commands alone'],
    [{ operations: [on('carts', 'mapReduce', {}, { expectResult: [] })] }, 'no mapReduce of a collection'],
    [{ operations: [on('shop', 'runCommand', { commandName: 'find', command: { find: 'carts' } }, { expectResult: {} })] }, 'no runCommand of a database'],
    [{ operations: [on('testRunner', 'createEntities', { entities: [{ session: { id: 's', client: 'client', sessionOptions: { snapshot: true } } }] }), checked] }, 'snapshot sessions']
  ]
  for (const [own, reason] of cases) {
    const [row] = await runFile(file({ description: 'x', operations: [checked], ...own }))
    t.deepEqual([row.skipped, row.failed], [reason, undefined], JSON.stringify(own))
  }
})

const SUITES = ['transactions/tests/unified', 'transactions-convenient-api/tests/unified', 'sessions/tests', 'change-streams/tests/unified', 'crud/tests/unified']

/** Runs the script over a directory with these files. */
function run(t, files, ...more) {
  const from = mkdtempSync(join(tmpdir(), 'moltendb-'))
  t.teardown(() => rmSync(from, { recursive: true, force: true }))
  for (const suite of SUITES) mkdirSync(join(from, 'source', suite), { recursive: true })
  for (const [path, content] of Object.entries(files)) writeFileSync(join(from, 'source', path), JSON.stringify(content))
  const { SPECIFICATIONS: _, ...env } = process.env
  const script = fileURLToPath(new URL('specifications/main.mjs', import.meta.url))
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--from', from, ...more], { env, encoding: 'utf8' })
  return { status, out: `${stdout}${stderr}` }
}

test('the script ends with 1 for an unexpected failure and for an unexpected pass, and with 2 without tests', (t) => {
  const passing = run(t, { 'sessions/tests/own.json': paid('own', false) }, '--only', 'own')
  t.is(passing.status, 0, passing.out)
  t.regex(passing.out, /\| sessions \| 1 \| 1 \| 1 \| 0 \| 0 \|/)
  const failing = run(t, { 'sessions/tests/own.json': paid('own', true) }, '--only', 'own')
  t.is(failing.status, 1)
  t.regex(failing.out, /sessions\/own\.json: own\n +fails: shop\.carts\[0\]\.paid: expected true, got false/)
  const known = { 'transactions/tests/unified/abort.json': paid('abort ignores TransactionAborted', false) }
  const better = run(t, known, '--only', 'abort')
  t.is(better.status, 1)
  t.regex(better.out, /passes, but known\.mjs has it as failing/)
  t.regex(run(t, {}).out, /is in known\.mjs, but there is no such test/)
  const nothing = run(t, {}, '--from', join(tmpdir(), 'not', 'there'))
  t.is(nothing.status, 2)
  t.regex(nothing.out, /git clone --depth 1 https:\/\/github\.com\/mongodb\/specifications/)
})

test('the documentation explains each reason for which a test fails', (t) => {
  const [, explained] = textOf('docs/specifications.md').split('## The tests that fail')
  const rows = [...explained.matchAll(/^\| (.+?) \| /gm)].map(([, reason]) => reason).slice(1)
  t.deepEqual(rows.sort(), [...REASONS].sort())
})

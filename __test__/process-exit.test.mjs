import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import test from 'ava'

import { directory, onDisk } from './support/database.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

function run(program, path) {
  const source = `const { Database } = require('./index.js'); const path = ${JSON.stringify(path)}; (async () => { ${program} })()`
  return spawnSync(process.execPath, ['-e', source], { cwd: root, encoding: 'utf8', timeout: 30_000 })
}

test('a program that closes ends by itself', (t) => {
  const { status, signal, stderr } = run(`const db = await Database.open(path); await db.collection('a').insertOne({}); await db.close()`, directory(t))
  t.deepEqual([status, signal, stderr], [0, null, ''])
})

test('a program that forgets to close ends by itself and loses nothing', async (t) => {
  const path = directory(t)
  const { status, signal } = run(`const db = await Database.open(path); await db.collection('a').insertOne({ _id: 1 })`, path)
  t.deepEqual([status, signal], [0, null])
  const db = await onDisk(t, {}, path)
  t.deepEqual(await db.collection('a').get(1), { _id: 1 })
})

test('a pending operation keeps the process alive until it settles', (t) => {
  const { stdout } = run(
    `const db = await Database.open(path); db.collection('a').insertOne({ _id: 1 }).then(() => console.log('settled'))`,
    directory(t)
  )
  t.is(stdout, 'settled\n')
})

for (const storage of ['async', 'sync']) {
  test(`process.exit in the middle loses nothing acknowledged (${storage})`, async (t) => {
    const path = directory(t)
    const { stdout } = run(
      `const db = await Database.open(path, { storage: '${storage}' })
       const a = db.collection('a')
       for (let i = 0; ; i++) {
         await a.insertOne({ _id: i })
         console.log(i)
         if (i === 50) process.exit(0)
       }`,
      path
    )
    const db = await onDisk(t, {}, path)
    for (const line of stdout.trim().split('\n')) t.true(await db.collection('a').has(Number(line)))
  })

  test(`kill -9 loses nothing acknowledged (${storage})`, async (t) => {
    const path = directory(t)
    const source = `
      const { Database } = require('./index.js')
      Database.open(${JSON.stringify(path)}, { storage: '${storage}' }).then(async (db) => {
        for (let i = 0; ; i++) { await db.collection('a').insertOne({ _id: i }); process.stdout.write(i + '\\n') }
      })`
    const child = spawn(process.execPath, ['-e', source], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    let ledger = ''
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      ledger += chunk
      if (ledger.length > 500) child.kill('SIGKILL')
    }
    const acknowledged = ledger.split('\n').slice(0, -1).map(Number)
    const db = await onDisk(t, {}, path)
    const found = await db.collection('a').getMany(acknowledged)
    t.true(acknowledged.length > 0 && found.every((document) => document !== null))
  })
}

test('exit listeners of the program find the database open, whenever they were added', async (t) => {
  const path = directory(t)
  const { status, stdout, stderr } = run(
    `const read = (when) => process.on('exit', () => console.log(when, db.collection('a').getSync(1)?._id))
     let db
     read('before')
     db = await Database.open(path)
     await db.collection('a').insertOne({ _id: 1 })
     read('after')
     await null
     read('later')
     setTimeout(() => process.exit(0), 10)`,
    path
  )
  t.deepEqual([status, stdout, stderr], [0, 'before 1\nafter 1\nlater 1\n', ''])
  // The listener behind them closed it.
  const db = await onDisk(t, {}, path)
  t.true(db.recovery.clean)
})

test('many evaluations of the package and many operations on one signal print no warnings', (t) => {
  const { status, stdout, stderr } = run(
    `const before = process.listenerCount('newListener')
     const open = [await Database.open(path)]
     for (let i = 0; i < 14; i++) {
       delete require.cache[require.resolve('./index.js')]
       open.push(await require('./index.js').Database.open(':memory:'))
     }
     const { signal } = new AbortController()
     const a = open[0].collection('a')
     await Promise.all(Array.from({ length: 100 }, (_, i) => a.insertOne({ _id: i }, { signal })))
     await Promise.all(Array.from({ length: 20 }, () => a.find({}, { signal }).toArray()))
     await Promise.all(Array.from({ length: 20 }, () => open[0].stats({ signal })))
     await Promise.all(Array.from({ length: 20 }, () => open[0].exportJSONL(new WritableStream(), { signal })))
     const listeners = process.listenerCount('exit')
     for (const db of open) await db.close()
     console.log(listeners, process.listenerCount('exit'), process.listenerCount('newListener') - before)`,
    directory(t)
  )
  t.deepEqual([status, stdout, stderr], [0, '1 0 0\n', ''])
})

test('a signal that aborts stops every operation that waits for it, and those that begin later', (t) => {
  const { stdout } = run(
    `const db = await Database.open(path)
     const controller = new AbortController()
     const { signal } = controller
     const a = db.collection('a')
     const all = [a.insertOne({}, { signal }), a.find({}, { signal }).toArray(), db.stats({ signal }), a.countDocuments({}, { signal })]
     controller.abort('enough')
     all.push(a.insertOne({}, { signal }))
     console.log((await Promise.all(all.map((each) => each.catch((reason) => reason)))).join(' '))
     await db.close()`,
    directory(t)
  )
  t.is(stdout, 'enough enough enough enough enough\n')
})

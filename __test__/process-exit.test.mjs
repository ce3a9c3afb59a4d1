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

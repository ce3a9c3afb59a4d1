// A program may call with almost no stack left. Regression: a RangeError within a call left a batch that was never
// submitted, or an operation that was counted and never ended; close() then never settled.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import test from 'ava'

const root = fileURLToPath(new URL('..', import.meta.url))

const CALLS = {
  insertOne: 'c.insertOne({ a: { b: [1, 2, 3] } })',
  updateOne: 'c.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { upsert: true, signal })',
  'find().toArray': 'c.find({ a: 1 }).toArray()',
  get: 'c.get("x")',
  'get of an object': 'c.get({ a: 1 })',
  getMany: 'c.getMany(["x", { a: 1 }])',
  findSync: 'c.findSync({ a: 1 })'
}

for (const [name, call] of Object.entries(CALLS)) {
  test(`${name} until the stack runs out leaves a database that works and closes`, (t) => {
    // In its own process: V8 prints each rejection for which it had no stack.
    const source = `
      const { Database } = require('./index.js')
      const { signal } = new AbortController()
      const within = (promise) => Promise.race([promise, new Promise((_, reject) => setTimeout(reject, 30_000, new Error('never settled')).unref())])
      process.on('unhandledRejection', () => {})
      async function main() {
        // How much stack is left when it runs out differs from depth to depth.
        for (let depth = 0; depth < 12; depth++) {
          const db = await Database.open(':memory:')
          const c = db.collection('c')
          await c.insertOne({ _id: 1 })
          const go = () => {
            try { Promise.resolve(${call}).catch(() => {}) } catch {}
            go()
          }
          const deeper = (calls) => (calls === 0 ? go() : deeper(calls - 1))
          try { deeper(depth) } catch {}
          await within(c.insertOne({ _id: 'after' }))
          if ((await within(c.findOne({ _id: 'after' })))._id !== 'after') throw new Error('not there')
          await within(c.insertOne({ _id: 1 })).then(() => { throw new Error('twice') }, (error) => { if (error.code !== 11000) throw error })
          await within(db.close())
        }
        console.log('closed')
      }
      main().catch((error) => { console.log(error.stack); process.exit(1) })`
    const { stdout, status } = spawnSync(process.execPath, ['-e', source], { cwd: root, encoding: 'utf8', timeout: 110_000, maxBuffer: 1 << 30 })
    t.is(stdout, 'closed\n')
    t.is(status, 0)
  })
}

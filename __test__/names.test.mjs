// Programs generate names of collections. Regression: state that was kept for each name ever used, here and in the core, was
// never released.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import test from 'ava'

const root = fileURLToPath(new URL('..', import.meta.url))

test('collection objects that are dropped leave nothing behind, and those that are kept work on', (t) => {
  const source = `
    const { Database } = require('./index.js')
    const rest = async () => { for (let i = 0; i < 5; i++) { gc(); await new Promise((turn) => setTimeout(turn, 20)) } }
    async function main() {
      const db = await Database.open(':memory:')
      const held = db.collection('held')
      await held.insertOne({ _id: 1 })
      const ask = (from, to) => { for (let i = from; i < to; i++) db.collection('name ' + i).getSync(1) }
      ask(0, 2000)
      await rest()
      const before = process.memoryUsage().heapUsed
      ask(2000, 102_000)
      await rest()
      const grown = process.memoryUsage().heapUsed - before
      await db.collection('name 5').insertOne({ _id: 5 })
      ask(0, 1000)
      console.log(grown < 4e6 ? 'little' : grown, held.getSync(1)._id, (await db.collection('name 5').find().toArray())[0]._id, (await held.findOne())._id)
      await db.close()
    }
    main()`
  const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '-e', source], { cwd: root, encoding: 'utf8', timeout: 100_000 })
  t.deepEqual([stdout, stderr], ['little 1 5 1\n', ''])
})

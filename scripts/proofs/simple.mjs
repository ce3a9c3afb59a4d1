// The shortest program that loads the addon, as an ES module.

import moltendb, { Database } from 'moltendb-node'

if (moltendb.Database !== Database) throw new Error('the default export is of another evaluation')
const db = await Database.open(':memory:')
await db.collection('c').insertOne({ _id: 1 })
if ((await db.collection('c').get(1))._id !== 1) throw new Error('not found')
await db.close()
console.log('ok')

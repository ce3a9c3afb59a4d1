// Values of another realm go in, and what comes out belongs to the realm of the program.

const assert = require('node:assert/strict')
const vm = require('node:vm')

const { Database, MoltenError, ObjectId } = require('moltendb-node')

async function main() {
  const db = await Database.open(':memory:')
  const items = db.collection('items')
  await items.insertOne(vm.runInNewContext("({ _id: 1, list: [1, { when: new Date(5) }], bytes: new Uint8Array([1, 2]), big: 3n })"))
  const item = await items.get(1)
  assert.ok(Object.getPrototypeOf(item) === Object.prototype && Object.getPrototypeOf(item.list) === Array.prototype && item.list[1].when instanceof Date && item.bytes instanceof Uint8Array)
  assert.deepEqual(Object.keys(item), ['_id', 'list', 'bytes', 'big'])
  const refused = await items.insertOne(vm.runInNewContext('({ _id: 2, map: new Map() })')).catch((error) => error)
  assert.ok(MoltenError.isMoltenError(refused) && refused.kind === 'BAD_DOCUMENT')
  assert.equal(await items.countDocuments(vm.runInNewContext('({ "list.when": { $gte: new Date(5) } })')), 1)
  assert.ok(new ObjectId() instanceof ObjectId)
  await db.close()
  console.log('ok')
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
